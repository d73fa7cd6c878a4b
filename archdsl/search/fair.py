"""Whether two shapes were compared fairly: what each costs, where its tuned numbers lie among those
that were tried, and how long it takes to train here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, median
from typing import Any

from archdsl.costs.base import Cost
from archdsl.search.curved import has_scale, numbers_of, place_in
from archdsl.search.outcome import EARLY, early
from archdsl.search.request import SearchRequest
from archdsl.search.rows import EXPLORE, SETTLE, TUNE, BriefRow
from archdsl.search.study import Study
from archdsl.verdict import Verdict
from archdsl.verdict.model import Settled
from archdsl.verdict.words import named, placed

TRIED = 3  # different values of a number, among which one can be at an end
NOTED = 0.02  # of a budget, that one arm has beyond the other
LEAST = 1.0  # seconds of a training: less says nothing of the network
LONGER = 1.25  # times the training of the other: less may be the machine's
MORE = 0.005  # of the budget, on average over slices, that one side has beyond the other
SLICES = 3  # in all of which one side has more, by chance once in four
SEEN = 0.0005  # of the budget: less is not seen in what is written
BEYOND = {"lowest": "lower", "highest": "higher"}


@dataclass(frozen=True, slots=True)
class TunedNumber:
    """A tuned number of an arm. ``place`` is where it lies in its domain, from 0 to 1, on the scale
    on which it is drawn; ``end`` says "lowest" or "highest" where nothing beyond it was tried."""

    name: str
    value: float
    place: float
    domain: str
    end: str = ""


@dataclass(frozen=True, slots=True)
class Side:
    """An arm: its cost in the unit of the budget, its tuned numbers, the median of the seconds that
    its fresh trainings took."""

    shape: str
    setting: str
    cost: float | None
    seconds: float | None
    tuned: tuple[TunedNumber, ...]


@dataclass(frozen=True, slots=True)
class Fairness:
    """The arms of a slice; of the first two the deeper one is first where shapes are ordered."""

    slice: str
    sides: tuple[Side, ...]

    @property
    def surplus(self) -> float | None:
        """The cost of the first arm beyond the second, as a share of it."""
        first, second = (side.cost for side in self.sides[:2])
        return first / second - 1 if first and second else None


def fairness(study: Study, rows: Sequence[BriefRow], found: Verdict) -> list[Fairness]:
    """What is known of the fairness of each comparison. ``rows`` are the trials of the study."""
    budgets = {slice.name: slice.budget or 0.0 for slice in study.space.slices}
    answer = []
    for part in found.slices:
        if part.contrast is None:
            continue
        mine = [row for row in rows if budgets[row.slice] == part.budget]
        tried = _tried(study.search, mine)
        sides = tuple(_side(study, arm, mine, tried) for arm in part.arms)
        answer.append(Fairness(part.slice, sides))
    return answer


def _side(
    study: Study, arm: Settled, rows: Iterable[BriefRow], tried: Mapping[str, set[float]]
) -> Side:
    named = (arm.shape, arm.setting)
    known = [r for r in rows if r.stage == SETTLE and r.is_result and (r.shape, r.setting) == named]
    whole = study.whole(known)
    hold = study.search.hold
    costs = [] if hold is None else [c for r in whole if (c := r.cost(hold.cost)) is not None]
    seconds = [row.seconds for row in whole if row.seconds is not None]
    return Side(
        arm.shape,
        arm.setting,
        fmean(costs) if costs else None,
        median(seconds) if seconds else None,
        tuple(_tuned(study.search, arm.setting, tried)),
    )


def _tried(search: SearchRequest, rows: Iterable[BriefRow]) -> dict[str, set[float]]:
    """The values of each tuned number that were explored in a slice."""
    found: dict[str, set[float]] = {name: set() for name in search.tune}
    for row in rows:
        if row.stage in (TUNE, EXPLORE):
            for name, value in numbers_of(row.setting).items():
                found.setdefault(name, set()).add(value)
    return found


def _tuned(
    search: SearchRequest, setting: str, tried: Mapping[str, set[float]]
) -> Iterator[TunedNumber]:
    for name, value in numbers_of(setting).items():
        domain = search.tune.get(name)
        if domain is None or not has_scale(domain):
            continue
        known = tried[name]
        end = ""
        if len(known) >= TRIED:
            slack = 1e-6 * (max(known) - min(known))  # settings are written to some digits
            end = "lowest" if value <= min(known) + slack else end
            end = "highest" if value >= max(known) - slack else end
        yield TunedNumber(name, value, place_in(domain, value), str(domain), end)


# ------------------------------------------------------------------------------------- words


def fair_words(study: Study, rows: Sequence[BriefRow], found: Verdict) -> list[str]:
    """What is to be said of the fairness of a study, as lines: see ``told``; and that fresh seeds
    are still to come, where they are."""
    hold = study.search.hold
    cost = None if hold is None else study.search.costs[hold.cost]
    lines = told(fairness(study, rows, found), cost, found.question.ordered)
    return [*lines, EARLY] if early(study, rows) else lines


def told(parts: Sequence[Fairness], cost: Cost | None, ordered: bool) -> list[str]:
    """A sentence for each slice, with what is noteworthy of it in lines that begin with two spaces;
    then what holds in all. ``ordered``: the first arm of each is the deeper one."""
    lines = [line for part in parts for line in _slice(part, cost)]
    more = [s for part in parts if (s := part.surplus) is not None]
    same = len(more) >= SLICES and (min(more) >= SEEN or max(more) <= -SEEN)
    if ordered and same and abs(fmean(more)) >= MORE:
        one, other = ("deep", "wide") if fmean(more) > 0 else ("wide", "deep")
        lines.append(
            f"In all {len(more)} comparisons the {one} shape costs more than the {other} one, by"
            f" {100 * abs(fmean(more)):.1f} % on average: that may be a part of a difference."
        )
    return lines


def _slice(part: Fairness, cost: Cost | None) -> Iterator[str]:
    kind = part.slice.partition("with ")[2]
    names = [named(side.shape, kind) for side in part.sides]
    said = []
    for name, side in zip(names, part.sides, strict=True):
        known = [] if cost is None or side.cost is None else [cost.show(side.cost)]
        known += [side.setting.replace(" = ", " ")] if side.setting else []
        said.append(f"{name} ({', '.join(known)})" if known else name)
    notes = _dearer(part, names)
    notes += [
        f"  {tuned.name} {tuned.value:.4g} of {name} is the {tuned.end} that was tried, of"
        f" {tuned.domain}: a {BEYOND[tuned.end]} one may be better"
        for name, side in zip(names, part.sides, strict=True)
        for tuned in side.tuned
        if tuned.end
    ]
    notes += _longer(part, names)
    if said != names or notes:
        yield placed(part.slice, f"{said[0]} was compared with {' and '.join(said[1:])}.")
    yield from notes


def _dearer(part: Fairness, names: Sequence[str]) -> list[str]:
    known = [(side.cost, name) for side, name in zip(part.sides, names, strict=True) if side.cost]
    if len(known) < 2:
        return []
    (less, other), *_, (most, name) = sorted(known)
    more = most / less - 1
    return [f"  {name} costs {100 * more:.1f} % more than {other}"] if more >= NOTED else []


def _longer(part: Fairness, names: Sequence[str]) -> list[str]:
    known = [(s.seconds, name) for s, name in zip(part.sides, names, strict=True) if s.seconds]
    if len(known) < 2:
        return []
    (less, other), *_, (most, name) = sorted(known)
    times = most / less
    if less < LEAST or times < LONGER:
        return []
    digits = 1 if times < 9.95 else 0
    return [f"  {name} took {times:.{digits}f} times as long to train here as {other}"]


def fair_json(parts: Sequence[Fairness]) -> list[dict[str, Any]]:
    """What is known of the fairness of a study, as JSON has it."""
    return [asdict(part) | {"surplus": part.surplus} for part in parts]
