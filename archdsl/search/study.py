"""A study: a folder, a storage, and Optuna's studies in it, one for each slice and stage."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.layers.table import Table
from archdsl.search.card import Card
from archdsl.search.mending import Mended, mend
from archdsl.search.optimizers import SeededSampler, make_pruner
from archdsl.search.presence import leading
from archdsl.search.request import Search
from archdsl.search.rows import (
    BASELINE,
    EXPLORE,
    INTERRUPTED,
    KEPT,
    LOST,
    SETTLE,
    Row,
    row_of,
)
from archdsl.search.settings import RandomSampling
from archdsl.search.space import Slice, Space, space_of
from archdsl.search.storage import JOURNAL, open_storage, shown
from archdsl.writing import write_text

CARD = "study.json"
ENDING = ".study"
SUFFIXES = {EXPLORE: "", BASELINE: ", baseline", SETTLE: ", settled"}  # of the names of parts
HEAD = (StudyDirection.MINIMIZE,)  # Optuna wants one of every study
BASELINE_SEED = 500_009  # other draws than those of the search it stands beside

optuna.logging.set_verbosity(optuna.logging.ERROR)


@dataclass
class Study:
    """A study in a storage. ``folder`` holds its weights and, where it has one, its journal."""

    card: Card
    folder: Path
    storage: BaseStorage
    search: Search
    space: Space
    data: Path  # where paths of data start
    mended: Mended | None = None  # what was wrong with the journal

    @property
    def name(self) -> str:
        return self.card.study

    @property
    def stages(self) -> tuple[str, ...]:
        """What the search has to go through, in this order."""
        return stages_of(self.search)

    # ----------------------------------------------------------- Optuna's own studies

    @cached_property
    def head(self) -> optuna.Study:
        """A study without trials: what is known of the whole stands in its attributes."""
        return _opened(self.storage, self.name, HEAD)

    @cached_property
    def parts(self) -> dict[tuple[str, str], optuna.Study]:
        """Optuna's study of each stage and slice."""
        return {
            (stage, s.name): self._part(stage, s)
            for stage in self.stages
            for s in self.space.slices
        }

    def _part(self, stage: str, slice: Slice) -> optuna.Study:
        setting = self.search.sampler if stage == EXPLORE else RandomSampling()
        seed = self.card.seed + (BASELINE_SEED if stage == BASELINE else 0)
        part = _opened(
            self.storage,
            part_name(self.card, stage, slice),
            directions_of(self.search),
            sampler=SeededSampler(setting, seed),
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
        return make_pruner(self.search.pruner, self.search.recipe.epochs)

    # ----------------------------------------------------------------- what it says

    @property
    def stage(self) -> str:
        """``explore``, ``baseline``, ``settle`` or ``done``."""
        return str(self.head.user_attrs.get("stage", EXPLORE))

    @stage.setter
    def stage(self, word: str) -> None:
        self.head.set_user_attr("stage", word)

    def signed(self) -> Study:
        """The study, its card in the storage, where workers on other machines find it.

        Its parts are made first: who finds a study by its card there has nothing left to make.
        """
        if "card" not in self.head.user_attrs:
            list(self.parts_of())
            self.head.set_user_attr("card", self.card.to_dict())
        return self

    def rows(self, stage: str | None = None) -> list[Row]:
        """All trials that were planned, by stage, slice and number."""
        return [
            row_of(trial)
            for part in self.parts_of(stage)
            for trial in part.get_trials(deepcopy=False)
            if "turn" in trial.user_attrs
        ]

    def parts_of(self, stage: str | None = None) -> Iterator[optuna.Study]:
        for (of, _), part in self.parts.items():
            if stage is None or of == stage:
                yield part


# --------------------------------------------------------------- Optuna's studies by name


def stages_of(search: Search) -> tuple[str, ...]:
    asked = {BASELINE: search.baseline, SETTLE: search.settle_seeds}
    return tuple(stage for stage in SUFFIXES if asked.get(stage, True))


def directions_of(search: Search) -> list[StudyDirection]:
    directions = (StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE)
    return [directions[o.minimize] for o in search.objectives]


def part_name(card: Card, stage: str, slice: Slice) -> str:
    return f"{card.study}: {slice.name}{SUFFIXES[stage]}"


def names_of(card: Card, search: Search, space: Space) -> dict[str, Sequence[StudyDirection]]:
    """Optuna's studies in the order in which they are made, with their directions."""
    parts = [part_name(card, stage, s) for stage in stages_of(search) for s in space.slices]
    return {card.study: HEAD, **dict.fromkeys(parts, directions_of(search))}


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


def make_study(card: Card, folder: Path, url: str | None, table: Table) -> Study:
    """A new study in its folder. Raises ``ArchError`` where something is there already."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        raise ArchError([diagnose(codes.CANNOT_WRITE, name=str(folder), reason=reason)]) from None
    with leading(folder):
        if (folder / CARD).exists():
            count = _count(folder, url, table)
            raise ArchError([diagnose(codes.EXISTS, name=str(folder), count=count)])
        storage = None if url is None else open_storage(folder, url)
        if storage is not None and card.study in optuna.get_all_study_names(storage):
            raise ArchError([diagnose(codes.EXISTS, name=card.study, count=0)])
        text = json.dumps(card.to_dict(), indent=1, ensure_ascii=False)
        write_text(folder / CARD, text + "\n")
        return open_study(card, folder, storage, table).signed()


def find_study(name: str, url: str | None, table: Table, data: Path | None = None) -> Study:
    """A study by its folder, or, with a storage, by its name there. ``data`` is where paths of
    data start on this machine, if that is another. Raises ``ArchError``."""
    folder = folder_of(name)
    if url is None:
        card = read_card(folder, name)
        card.check_storage(None)
        return open_study(card, folder, None, table, data)
    storage = open_storage(folder, url)
    wanted = folder.name.removesuffix(ENDING)
    if wanted not in optuna.get_all_study_names(storage):
        raise ArchError([diagnose(codes.NO_STUDY, name=f"{wanted} in {shown(url)}")])
    head = optuna.load_study(study_name=wanted, storage=storage)
    card = _card(head.user_attrs.get("card", {}), wanted)
    return open_study(card, folder, storage, table, data)


def open_study(
    card: Card, folder: Path, storage: BaseStorage | None, table: Table, data: Path | None = None
) -> Study:
    """The study of a card: in a storage, or in its journal, which is mended if need be."""
    search, data = card.read(table), data or Path(card.folder)
    space = space_of(search, data, card.fits)  # also where the data are not: to read results
    mended = None
    if storage is None:
        mended = mend(folder / JOURNAL, names_of(card, search, space))
        storage = open_storage(folder, None)
    return Study(card, folder, storage, search, space, data, mended)


def folder_of(name: str) -> Path:
    """The folder of a study by its path, with or without its ending."""
    path = Path(name)
    return path if path.name.endswith(ENDING) else path.with_name(path.name + ENDING)


def read_card(folder: Path, name: str) -> Card:
    """The card of a study's folder. Raises ``ArchError``."""
    try:
        found: Any = json.loads((folder / CARD).read_text("utf-8"))
    except FileNotFoundError:
        raise ArchError([diagnose(codes.NO_STUDY, name=name)]) from None
    except (OSError, ValueError) as problem:
        raise ArchError(
            [diagnose(codes.UNREADABLE, name=str(folder / CARD), reason=str(problem))]
        ) from None
    return _card(found, name)


def _card(found: Any, name: str) -> Card:
    try:
        return Card.from_dict(found)
    except (ValueError, TypeError) as problem:
        raise ArchError([diagnose(codes.UNREADABLE, name=name, reason=str(problem))]) from None


RETRIES = 2  # times that a lost trial is taken up again: it may be what kills its workers
PLANNED = ("turn", "stage", "slice", "seed", "retries", *KEPT)


def take_up(part: optuna.Study) -> int:
    """Queues the turns again whose last trial was lost or interrupted; how many they are.

    This is for the leader alone. It goes by what stands in the storage: who is killed between the
    end of a trial and its new place in the queue loses nothing.
    """
    last: dict[int, FrozenTrial] = {}
    for trial in part.get_trials(deepcopy=False):
        if "turn" in trial.user_attrs:
            last[trial.user_attrs["turn"]] = trial
    count = 0
    for trial in last.values():
        failure, retries = row_of(trial).failure, trial.user_attrs.get("retries", 0)
        if failure == INTERRUPTED or (failure == LOST and retries < RETRIES):
            attrs = {k: v for k, v in trial.user_attrs.items() if k in PLANNED}
            attrs["retries"] = retries + (failure == LOST)
            part.enqueue_trial(dict(trial.params), attrs)
            count += 1
    return count


def _count(folder: Path, url: str | None, table: Table) -> int:
    """How many trials of a study are finished; none where it cannot be read."""
    try:
        study = find_study(str(folder), url, table)
        return sum(row.state == "done" for row in study.rows())
    except ArchError:
        return 0
