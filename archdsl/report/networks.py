"""The networks of a study, each with what all its trainings say together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from archdsl.report.facts import Facts, SliceFacts
from archdsl.report.scales import shape_text
from archdsl.search.rows import ASIDE, EXPLORE, SETTLE, Row


@dataclass(frozen=True, slots=True)
class Trained:
    """A network in a slice. ``score`` is the mean over the seeds of its best setting, fresh seeds
    before those of exploration, in the unit of the measure; none where no training ended well."""

    part: SliceFacts
    rows: Sequence[Row]
    score: float | None = None
    seeds: int = 0
    fresh: bool = False
    setting: str = ""

    @property
    def row(self) -> Row:
        """One of its trials, for what they have in common."""
        return self.rows[0]

    @property
    def name(self) -> str:
        return shape_text(self.row.shape)

    @property
    def is_pruned(self) -> bool:
        return self.score is None and any(r.state == "pruned" for r in self.rows)

    @property
    def is_failed(self) -> bool:
        return self.score is None and not self.is_pruned

    def cost(self, name: str) -> float | None:
        """A cost of it; what is measured, as the mean of the trainings that ended well."""
        known = [v for r in self.rows if r.is_result and (v := r.cost(name)) is not None]
        return sum(known) / len(known) if known else None

    def text(self, facts: Facts) -> str:
        """What it is and how good, in a line."""
        words = [f"{self.part.title}: {self.name}"] if len(facts.parts) > 1 else [self.name]
        words += [shape_text(self.row.solved)] if self.row.solved else []
        if self.score is not None:
            of = "fresh seed" if self.fresh else "seed"
            count = f"{self.seeds} {of}{'s' * (self.seeds != 1)}"
            words.append(f"{facts.measure.name} {facts.measure.text(self.score)} ({count})")
            words += [self.setting] if self.setting else []
        else:
            words.append("pruned" if self.is_pruned else "failed")
        return ", ".join(words)


FLATTERED = (
    " Scores of retrained networks are of their fresh seeds; those of the others, the best that was"
    " explored, flatter them."
)


def flattered(found: Sequence[Trained]) -> str:
    """A warning where some scores decide and others only chose."""
    return FLATTERED if len({t.fresh for t in found if t.score is not None}) > 1 else ""


def winner(found: Sequence[Trained], sign: int) -> Trained | None:
    """The best of some networks: of those that were retrained, where there are any."""
    fresh = [t for t in found if t.fresh] or [t for t in found if t.score is not None]
    return max(fresh, key=lambda t: sign * (t.score or 0), default=None)


def networks(facts: Facts) -> list[Trained]:
    """The networks of which a training has ended, slice by slice, in the order they were tried.
    What a baseline drew stands beside the search, and is none of them."""
    found = []
    for part in facts.parts:
        groups: dict[str, list[Row]] = {}
        for row in part.rows:
            if row.hash and row.stage not in ASIDE and row.state in ("done", "pruned", "failed"):
                groups.setdefault(row.hash, []).append(row)
        found += [_trained(facts, part, rows) for rows in groups.values()]
    return found


def _trained(facts: Facts, part: SliceFacts, rows: Sequence[Row]) -> Trained:
    sign = facts.measure.sign
    for stage in (SETTLE, EXPLORE):
        settings: dict[str, list[float]] = {}
        for row in rows:
            value = facts.measure.of(row)
            if row.is_result and row.stage == stage and value is not None:
                settings.setdefault(row.setting, []).append(value)
        if settings:
            means = {s: sum(v) / len(v) for s, v in settings.items()}
            best = max(means, key=lambda s: sign * means[s])
            return Trained(part, rows, means[best], len(settings[best]), stage == SETTLE, best)
    return Trained(part, rows)
