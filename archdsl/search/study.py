"""A study, to be read: a folder, a database, and what stands there of each stage and slice.

Nothing here writes, and nothing imports Optuna or PyTorch; see ``archdsl.search.opened`` for
studies that are worked on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Diagnostic, diagnose
from archdsl.files import named_like, opened
from archdsl.registry import Registry
from archdsl.search.card import Card
from archdsl.search.database import unusable
from archdsl.search.kinds import WEIGHTS
from archdsl.search.request import SearchRequest
from archdsl.search.rows import (
    BASELINE,
    EXPLORE,
    KINDS,
    SETTLE,
    TUNE,
    BriefRow,
    DamagedTrial,
    R,
    Row,
    StoredTrial,
    row_of,
)
from archdsl.search.space import Space, space_of
from archdsl.search.tables import TIMES, Tables
from archdsl.within import Outside, bare, link_out, within

CARD = "study.json"
ENDING = ".study"
MAX_CARD = 1 << 25  # bytes
SUFFIXES = {  # of the names of parts
    TUNE: ", tuned",
    EXPLORE: "",
    BASELINE: ", baseline",
    SETTLE: ", settled",
}

ALL = (*KINDS, TIMES)  # that is known of a trial

Part = tuple[str, str]  # a stage, and the name of a slice


@dataclass
class Study:
    """What stands of a study in a database. ``folder`` holds its weights."""

    card: Card
    folder: Path
    tables: Tables
    search: SearchRequest
    space: Space
    data: Path  # where paths of data start
    refused: tuple[Diagnostic, ...] = field(default=(), kw_only=True)  # mistakes of its spec, today
    _ids: dict[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.card.study

    @property
    def stages(self) -> tuple[str, ...]:
        """What the search has to go through, in this order."""
        search = self.search
        asked = {
            TUNE: search.short_in(TUNE),
            BASELINE: search.baseline,
            SETTLE: search.settle_seeds,
        }
        return tuple(stage for stage in SUFFIXES if asked.get(stage, True))

    @property
    def stage(self) -> str:
        """``tune``, ``explore``, ``baseline``, ``settle`` or ``done``."""
        found = self.attribute("stage")
        return found if isinstance(found, str) else self.stages[0]

    def attribute(self, name: str) -> Any:
        """What is known of the whole study; nothing where it is not."""
        head = self.id_of(self.name)
        return None if head is None else self.tables.attribute(head, name)

    def weights(self, name: str) -> Path | None:
        """The file of weights of a bare name; nothing for a name that leads elsewhere."""
        try:
            return within(self.folder, f"weights/{bare(name, WEIGHTS)}", WEIGHTS)
        except Outside:
            return None

    # --------------------------------------------------------------------------- parts

    @property
    def places(self) -> list[Part]:
        """The stages and slices, which have a study of Optuna's each."""
        return [(stage, s.name) for stage in self.stages for s in self.space.slices]

    def id_of(self, name: str) -> int | None:
        """Optuna's id of one of its studies; nothing where it is not made yet."""
        if name not in self._ids:
            self._ids |= self.tables.studies()
        return self._ids.get(name)

    def part_id(self, stage: str, slice: str) -> int | None:
        return self.id_of(part_name(self.card, stage, slice))

    def ids(self, stages: Iterable[str] = ()) -> dict[int, Part]:
        """Optuna's ids of the parts (of some stages, if told) that are made."""
        wanted = set(stages) or set(self.stages)
        known = ((self.part_id(*place), place) for place in self.places if place[0] in wanted)
        return {id: place for id, place in known if id is not None}

    # ---------------------------------------------------------------------------- rows

    def rows(
        self,
        stage: str | None = None,
        names: Sequence[str] = ALL,
        states: Sequence[str] = (),
    ) -> list[Row]:
        """The trials that were planned, by stage, slice and number, with what is asked of them:
        all of it, if not told. Raises ``ArchError``."""
        return self._rows(stage, names, states, Row)

    def brief(self, stage: str, names: Sequence[str], states: Sequence[str] = ()) -> list[BriefRow]:
        """The same of one stage, with no more than verdicts need. Raises ``ArchError``."""
        return self._rows(stage, names, states, BriefRow)

    def _rows(
        self, stage: str | None, names: Sequence[str], states: Sequence[str], kind: type[R]
    ) -> list[R]:
        return [
            row
            for id, place in self.ids([stage] if stage else ()).items()
            for row in self._read(id, place, names, kind, states=states)
        ]

    def rows_of(self, id: int, place: Part, ids: Sequence[int], *names: str) -> list[Row]:
        """Some trials of a part, by Optuna's ids."""
        return self._read(id, place, names or ALL, Row, ids=ids)

    def whole(self, rows: Iterable[BriefRow]) -> list[Row]:
        """All that stands of trials of which something is known, in the order of ``rows()``."""
        numbers: dict[Part, list[int]] = {}
        for row in rows:
            numbers.setdefault((row.stage, row.slice), []).append(row.number)
        return [
            row
            for id, place in self.ids().items()
            if place in numbers
            for row in self._read(id, place, ALL, Row, numbers=numbers[place])
        ]

    def _read(
        self, id: int, place: Part, names: Sequence[str], kind: type[R], **which: Any
    ) -> list[R]:
        objectives = len(self.search.objectives)

        def make(trial: StoredTrial) -> R:
            row = row_of(trial, *place, kind)
            if row.state == "done" and len(row.values) != objectives:
                raise DamagedTrial(f"trial {row.number} of {row.slice} has too many or few scores")
            return row

        try:
            return self.tables.recorded(id, names, make=make, **which)
        except DamagedTrial as problem:
            raise unusable(self.tables.patience.url, str(problem)) from None


def part_name(card: Card, stage: str, slice: str) -> str:
    return f"{card.study}: {slice}{SUFFIXES[stage]}"


def made_of(
    card: Card, registry: Registry, data: Path | None = None
) -> tuple[SearchRequest, Space, Path]:
    """The search of a card, its space, and where paths of data start. The data need not be
    there: results can be read without them. Raises ``ArchError``."""
    search, folder = card.read(registry), data or Path(card.folder)
    return search, space_of(search, folder, card.fits), folder


def folder_of(name: str) -> Path:
    """The folder of a study by its path, with or without its ending."""
    path = Path(name)
    return path if path.name.endswith(ENDING) else path.with_name(path.name + ENDING)


def check_links(folder: Path) -> None:
    """Raises ``ArchError`` where a link in a study's folder leads out of it: what is written to
    the study, or removed there, would be somewhere else."""
    if link := link_out(folder):
        reason = "it is a link that leads out of the study; put the file itself there"
        raise _unreadable(str(link), reason)


def read_card(folder: Path, name: str) -> Card:
    """The card of a study's folder. Raises ``ArchError``."""
    check_links(folder)
    try:
        with opened(folder / CARD) as stream:
            text = stream.read(MAX_CARD + 1)
        found: Any = None if len(text) > MAX_CARD else json.loads(text)
    except FileNotFoundError:
        help = named_like(folder)
        raise ArchError([diagnose(codes.NO_STUDY, help=help, name=name)]) from None
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        raise _unreadable(str(folder / CARD), reason) from None
    except (ValueError, RecursionError):
        raise _unreadable(str(folder / CARD), "it is not JSON text") from None
    return card_of(found, str(folder / CARD))


def card_of(found: Any, name: str) -> Card:
    """A card as JSON has it. Raises ``ArchError``."""
    try:
        return Card.from_dict(found)
    except (ValueError, TypeError) as problem:
        raise _unreadable(name, str(problem)) from None


def _unreadable(name: str, reason: str) -> ArchError:
    return ArchError([diagnose(codes.UNREADABLE, name=name, reason=reason)])
