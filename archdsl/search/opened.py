"""Studies that are worked on: made, found, and asked of Optuna, one of its studies for each
stage and slice."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.storages import BaseStorage
from optuna.study import StudyDirection

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.registry import Registry
from archdsl.search.card import Card
from archdsl.search.conversion import convert
from archdsl.search.database import TRIALS, shown, unusable
from archdsl.search.presence import leading
from archdsl.search.request import SearchRequest
from archdsl.search.rows import BASELINE, EXPLORE, INTERRUPTED, KEPT, LOST, TUNE, fault_of
from archdsl.search.samplers import SeededSampler, make_pruner
from archdsl.search.settings import RandomSampling
from archdsl.search.storage import Storage, open_storage
from archdsl.search.study import (
    CARD,
    ENDING,
    Part,
    Study,
    card_of,
    check_links,
    folder_of,
    made_of,
    part_name,
    read_card,
)
from archdsl.units import counted
from archdsl.writing import write_text

HEAD = (StudyDirection.MINIMIZE,)  # Optuna wants one of every study
BASELINE_SEED = 500_009  # other draws than those of the search it stands beside

optuna.logging.set_verbosity(optuna.logging.ERROR)


@dataclass
class OpenStudy(Study):
    """A study that is worked on."""

    storage: Storage = field(kw_only=True)
    embedded: bool = field(kw_only=True)  # whether its database is in its folder
    converted: Path | None = field(default=None, kw_only=True)  # the journal that it was before

    @cached_property
    def head(self) -> optuna.Study:
        """A study without trials: what is known of the whole stands in its attributes."""
        return _opened(self.storage, self.name, HEAD)

    @cached_property
    def parts(self) -> dict[Part, optuna.Study]:
        """Optuna's study of each stage and slice."""
        return {place: self._part(*place) for place in self.places}

    def _part(self, stage: str, slice: str) -> optuna.Study:
        setting = self.search.sampler if stage in (TUNE, EXPLORE) else RandomSampling()
        seed = self.card.seed + (BASELINE_SEED if stage == BASELINE else 0)
        part = _opened(
            self.storage,
            part_name(self.card, stage, slice),
            directions_of(self.search),
            sampler=SeededSampler(setting, seed, self.storage),
            pruner=self._pruner(stage),
        )
        names = [o.name for o in self.search.objectives]
        if part.metric_names != names:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ExperimentalWarning)
                part.set_metric_names(names)
        return part

    def _pruner(self, stage: str) -> optuna.pruners.BasePruner:
        if stage != EXPLORE:
            return optuna.pruners.NopPruner()
        return make_pruner(self.search.pruner, self.search.recipe.epochs, self.storage)

    def parts_of(self, stage: str | None = None) -> Iterator[optuna.Study]:
        for (of, _), part in self.parts.items():
            if stage is None or of == stage:
                yield part

    @cached_property
    def trials(self) -> int:
        """The highest number of a trial so far. Trials are queued by the leader alone."""
        ids = list(self.ids())
        found = (n for id in ids for n in self.tables.values_of(id, "trial").values())
        known: list[int] = [n for n in found if type(n) is int]
        return max([sum(self.tables.counts(ids).values()), *known])

    # ---------------------------------------------------------------------- what it is told

    @property
    def stage(self) -> str:
        return super().stage

    @stage.setter
    def stage(self, word: str) -> None:
        """Goes on to a stage, or to ``done``."""
        self.head.set_user_attr("stage", word)

    def signed(self) -> OpenStudy:
        """The study, its card in the storage, where workers on other machines find it.

        Its parts are made first: who finds a study by its card there has nothing left to make.
        """
        self.tables.make_indexes()
        if self.attribute("card") is None:
            list(self.parts_of())
            self.head.set_user_attr("card", self.card.to_dict())
        return self


def directions_of(search: SearchRequest) -> list[StudyDirection]:
    directions = (StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE)
    return [directions[o.minimize] for o in search.objectives]


def _opened(
    storage: BaseStorage, name: str, directions: Sequence[StudyDirection], **how: Any
) -> optuna.Study:
    """One of Optuna's studies; where it is there already, nothing is written."""
    try:
        return optuna.load_study(study_name=name, storage=storage, **how)
    except KeyError:
        return optuna.create_study(
            study_name=name, storage=storage, directions=directions, load_if_exists=True, **how
        )


# ------------------------------------------------------------------- making and finding


def make_study(card: Card, folder: Path, url: str | None, registry: Registry) -> OpenStudy:
    """A new study in its folder. Raises ``ArchError`` where one with results is there already."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        raise ArchError([diagnose(codes.CANNOT_WRITE, name=str(folder), reason=reason)]) from None
    with leading(folder):
        if (folder / CARD).exists() and not _cleared(folder, url, registry):
            count = _count(folder, url, registry)
            raise ArchError([diagnose(codes.EXISTS, name=str(folder), trials=_trials(count))])
        storage = None if url is None else open_storage(folder, url)
        if storage is not None and card.study in storage.tables.studies():
            raise ArchError([diagnose(codes.EXISTS, name=card.study, trials=_trials(0))])
        text = json.dumps(card.to_dict(), indent=1, ensure_ascii=False)
        write_text(folder / CARD, text + "\n")
        return open_study(card, folder, storage, registry).signed()


def find_study(
    name: str, url: str | None, registry: Registry, data: Path | None = None
) -> OpenStudy:
    """A study to work on, by its folder, or, with a storage, by its name there. ``data`` is where
    paths of data start on this machine, if that is another. Raises ``ArchError``."""
    folder = folder_of(name)
    if url is None:
        card = read_card(folder, name)
        card.check_storage(None)
        return open_study(card, folder, None, registry, data)
    check_links(folder)
    storage = open_storage(folder, url)
    wanted = folder.name.removesuffix(ENDING)
    head = storage.tables.studies().get(wanted)
    if head is None:
        raise ArchError([diagnose(codes.NO_STUDY, name=f"{wanted} in {shown(url)}")])
    card = card_of(storage.tables.attribute(head, "card"), wanted)
    return open_study(card, folder, storage, registry, data)


def open_study(
    card: Card, folder: Path, storage: Storage | None, registry: Registry, data: Path | None = None
) -> OpenStudy:
    """The study of a card: in a storage, or in the database of its folder. A study that has a
    journal, as those of archdsl 0.1 do, is converted."""
    search, space, data = made_of(card, registry, data)
    embedded, converted = storage is None, None
    if storage is None:
        converted = convert(folder)
        storage = open_storage(folder, None)
    return OpenStudy(
        card, folder, storage.tables, search, space, data,
        storage=storage, embedded=embedded, converted=converted,
    )  # fmt: skip


def _cleared(folder: Path, url: str | None, registry: Registry) -> bool:
    """Whether a folder is free, or was made so: a study in it without any result, at which nobody
    is at work, gives way. It may be what a mistake in the search has left."""
    from archdsl.search.snapshot import read_study

    if url is not None or not (folder / TRIALS).is_file():
        return False
    try:
        with read_study(str(folder), None, registry) as study:
            counts = study.tables.counts(list(study.ids()))
    except ArchError:
        return False
    if any(n for (_, state), n in counts.items() if state in ("COMPLETE", "PRUNED", "RUNNING")):
        return False
    for name in (CARD, TRIALS, *(f"{TRIALS}{ending}" for ending in ("-wal", "-shm"))):
        (folder / name).unlink(missing_ok=True)
    return True


def _count(folder: Path, url: str | None, registry: Registry) -> int:
    """How many trials of a study are finished; none where it cannot be read."""
    from archdsl.search.snapshot import read_study

    try:
        with read_study(str(folder), url, registry) as study:
            counts = study.tables.counts(list(study.ids()))
            return sum(count for (_, state), count in counts.items() if state == "COMPLETE")
    except ArchError:
        return 0


# -------------------------------------------------------------------------- lost trials

RETRIES = 2  # times that a lost trial is taken up again: it may be what kills its workers
PLANNED = ("turn", "trial", "stage", "slice", "seed", "fold", "retries", *KEPT)


def take_up(study: OpenStudy, place: Part, since: int = 0) -> int:
    """Queues the turns of a part again whose last trial was lost or interrupted; how many they
    are. ``since`` is the first of Optuna's ids that is looked at.

    This is for the leader alone. It goes by what stands in the storage: who is killed between the
    end of a trial and its new place in the queue loses nothing.
    """
    id = study.part_id(*place)
    assert id is not None
    count = 0
    for trial_id in study.tables.given_up(id, since):
        (row,) = study.rows_of(id, place, [trial_id], "failure")
        if row.failure not in (LOST, INTERRUPTED):
            continue
        trial = study.storage.get_trial(trial_id)
        if fault := fault_of(trial.user_attrs):
            raise unusable(study.tables.patience.url, f"trial {row.number} of {row.slice} {fault}")
        retries = trial.user_attrs.get("retries", 0)
        if row.failure == INTERRUPTED or retries < RETRIES:
            attrs = {k: v for k, v in trial.user_attrs.items() if k in PLANNED}
            attrs["retries"] = retries + (row.failure == LOST)
            study.parts[place].enqueue_trial(dict(trial.params), attrs)
            count += 1
    return count


def _trials(count: int) -> str:
    return counted(count, "finished trial", exact=True)
