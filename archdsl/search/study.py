"""A study: a folder, a storage, and Optuna's studies in it, one for each slice and stage."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
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
from archdsl.search.journal import Mended, mend
from archdsl.search.optimizers import SeededSampler, make_pruner
from archdsl.search.request import Search
from archdsl.search.rows import BASELINE, EXPLORE, KEPT, SETTLE, Row, row_of
from archdsl.search.settings import RandomSampling
from archdsl.search.space import Slice, Space, space_of
from archdsl.search.storage import JOURNAL, open_storage, shown
from archdsl.writing import write_text

CARD = "study.json"
ENDING = ".study"
SUFFIXES = {EXPLORE: "", BASELINE: ", baseline", SETTLE: ", settled"}  # of the names of parts
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
        asked = {BASELINE: self.search.baseline, SETTLE: self.search.settle_seeds}
        return tuple(stage for stage in SUFFIXES if asked.get(stage, True))

    # ----------------------------------------------------------- Optuna's own studies

    @cached_property
    def head(self) -> optuna.Study:
        """A study without trials: what is known of the whole stands in its attributes."""
        return optuna.create_study(study_name=self.name, storage=self.storage, load_if_exists=True)

    @cached_property
    def parts(self) -> dict[tuple[str, str], optuna.Study]:
        """Optuna's study of each stage and slice."""
        return {
            (stage, s.name): self._part(stage, s)
            for stage in self.stages
            for s in self.space.slices
        }

    def _part(self, stage: str, slice: Slice) -> optuna.Study:
        directions = [
            StudyDirection.MINIMIZE if o.minimize else StudyDirection.MAXIMIZE
            for o in self.search.objectives
        ]
        name = f"{self.name}: {slice.name}" + SUFFIXES[stage]
        setting = self.search.sampler if stage == EXPLORE else RandomSampling()
        seed = self.card.seed + (BASELINE_SEED if stage == BASELINE else 0)
        part = optuna.create_study(
            study_name=name,
            storage=self.storage,
            directions=directions,
            sampler=SeededSampler(setting, seed),
            pruner=self._pruner(stage),
            load_if_exists=True,
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


# ------------------------------------------------------------------- making and finding


def make_study(card: Card, folder: Path, url: str | None, table: Table) -> Study:
    """A new study in its folder. Raises ``ArchError`` where something is there already."""
    if (folder / CARD).exists():
        raise ArchError(
            [diagnose(codes.EXISTS, name=str(folder), count=_count(folder, url, table))]
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        raise ArchError([diagnose(codes.CANNOT_WRITE, name=str(folder), reason=reason)]) from None
    storage = open_storage(folder, url, take_up)
    if card.study in optuna.get_all_study_names(storage):
        raise ArchError([diagnose(codes.EXISTS, name=card.study, count=0)])
    study = open_study(card, folder, storage, table)
    study.head.set_user_attr("card", card.to_dict())
    write_text(folder / CARD, json.dumps(card.to_dict(), indent=1, ensure_ascii=False) + "\n")
    return study


def find_study(name: str, url: str | None, table: Table, data: Path | None = None) -> Study:
    """A study by its folder, or, with a storage, by its name there. ``data`` is where paths of
    data start on this machine, if that is another. Raises ``ArchError``."""
    folder = folder_of(name)
    if url is None:
        card = read_card(folder, name)
        mended = mend(folder / JOURNAL)
        study = open_study(card, folder, open_storage(folder, None, take_up), table, data)
        study.mended = mended
        return study
    storage = open_storage(folder, url, take_up)
    wanted = folder.name.removesuffix(ENDING)
    if wanted not in optuna.get_all_study_names(storage):
        raise ArchError([diagnose(codes.NO_STUDY, name=f"{wanted} in {shown(url)}")])
    head = optuna.load_study(study_name=wanted, storage=storage)
    card = _card(head.user_attrs.get("card", {}), wanted)
    return open_study(card, folder, storage, table, data)


def open_study(
    card: Card, folder: Path, storage: BaseStorage, table: Table, data: Path | None = None
) -> Study:
    search, data = card.read(table), data or Path(card.folder)
    return Study(card, folder, storage, search, space_of(search, data), data)


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


RETRIES = 2  # times that a lost trial is taken up again
PLANNED = ("turn", "stage", "slice", "seed", "retries", *KEPT)


def take_up(part: optuna.Study, trial: FrozenTrial) -> None:
    """Queues a trial again whose worker was lost; not for ever, as it may be what kills them."""
    retries = trial.user_attrs.get("retries", 0)
    if "turn" in trial.user_attrs and retries < RETRIES:
        queue_again(part, trial, retries + 1)


def queue_again(part: optuna.Study, trial: FrozenTrial, retries: int = 0) -> None:
    """Queues a trial again, with all that has been decided for it."""
    attrs = {k: v for k, v in trial.user_attrs.items() if k in PLANNED}
    part.enqueue_trial(dict(trial.params), {**attrs, "retries": retries})


def _count(folder: Path, url: str | None, table: Table) -> int:
    """How many trials of a study are finished; none where it cannot be read."""
    try:
        study = find_study(str(folder), url, table)
        return sum(row.state == "done" for row in study.rows())
    except ArchError:
        return 0
