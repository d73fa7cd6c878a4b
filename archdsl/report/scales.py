"""What networks are measured by, and their numbers as people read them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import floor, log10

from archdsl.costs.base import SECONDS as UNIT_SECONDS
from archdsl.costs.base import Cost
from archdsl.pictures.charts import AxisScale, spanning
from archdsl.registry import REGISTRY
from archdsl.search.outcome import shown
from archdsl.search.request import LEARNED, SearchRequest
from archdsl.search.rows import Row
from archdsl.units import SHARES, duration
from archdsl.verdict.contrast import Interval
from archdsl.verdict.words import UNITS

SECONDS = "seconds"  # of training: what a trial itself costs
PLACES = {"loss": 2}  # where an epoch has it, if not in the place of the score
QUOTED = re.compile(r'(?<![\w.])[\w.]+ = "([^"]*)"')


@dataclass(frozen=True, slots=True)
class Measure:
    """What the networks of a study are compared by. Values come in the unit they are read in:
    shares as percent."""

    name: str
    maximize: bool

    @property
    def is_share(self) -> bool:
        return self.name in SHARES

    @property
    def factor(self) -> int:
        return 100 if self.is_share else 1

    @property
    def unit(self) -> str:
        return " %" if self.is_share else ""

    @property
    def title(self) -> str:
        """What it is called at an axis."""
        return f"{self.name}, %" if self.is_share else self.name

    @property
    def sign(self) -> int:
        return 1 if self.maximize else -1

    def of(self, row: Row) -> float | None:
        """The value of a trial, if it has one."""
        if self.name == "error":
            return None if row.accuracy is None else 100 * (1 - row.accuracy)
        if self.name in LEARNED:
            found = getattr(row, self.name)
        else:  # a cost, or a score of a training of the user's own
            found = row.cost(self.name)
            found = row.values[0] if found is None and row.values else found
        return None if found is None else found * self.factor

    def along(self, row: Row) -> list[tuple[float, float]]:
        """The value after each epoch of a trial."""
        place = PLACES.get(self.name, 1)
        if row.cost(self.name) is not None:
            return []
        points = [(point[0], point[place] * self.factor) for point in row.curve]
        return [(e, 100 - v) for e, v in points] if self.name == "error" else points

    def text(self, value: float) -> str:
        return f"{value:.{self.digits}f}{self.unit}"

    def scale(self, values: Iterable[float], margin: float = 0.08) -> AxisScale:
        """A scale for values; no share goes far beyond 0 or 100 %."""
        found = spanning(values, False, "{:.4g}".format, margin)
        if not self.is_share:
            return found
        room = 0.03 * (found.high - found.low)
        low, high = max(found.low, -room), min(found.high, 100 + room)
        if low >= high:  # what stands in a study from elsewhere need not be a share
            return found
        return replace(found, low=low, high=high)

    @property
    def digits(self) -> int:
        return 2 if self.is_share else 4


def measure_of(search: SearchRequest) -> Measure:
    """The first objective that is measured on images; accuracy where there is none."""
    known = [o for o in search.objectives if o.name not in search.costs]
    if not known and not search.is_pareto:
        known = list(search.objectives)
    return Measure(known[0].name, not known[0].minimize) if known else Measure("accuracy", True)


def digits(reach: float) -> int:
    """Digits after the point that show the first digit of an uncertainty, and at least one."""
    return max(1, -floor(log10(reach))) if reach > 0 else 1


def with_interval(value: float, interval: Interval | None, factor: float, unit: str) -> str:
    """``93.4 % (93.1 to 93.6)``."""
    if interval is None:
        return f"{value * factor:.4g}{unit}"
    low, high = (end * factor for end in interval)
    count = digits((high - low) / 2)
    return f"{value * factor:.{count}f}{unit} ({low:.{count}f} to {high:.{count}f})"


Costs = Mapping[str, Cost]


def cost_names(costs: Costs) -> dict[str, str]:
    """What each cost is called in a report, the training's time being the last."""
    found = {n: costs[n].axis or costs[n].about for n in dict.fromkeys(("macs", *costs))}
    return {**found, SECONDS: "training time"}


def cost_text(name: str, value: float, costs: Costs = REGISTRY.costs) -> str:
    """A cost of a study or an objective with its unit."""
    if name == SECONDS:
        return f"{value:.1f} s" if value < 60 else duration(value)
    return shown(name, value, costs)


def cost_short(name: str, value: float, costs: Costs) -> str:
    """A cost in few characters, for an axis."""
    if name == SECONDS:
        return f"{value:.3g} s" if value < 60 else duration(value)
    unit = costs[name].unit
    return f"{1000 * value:.4g} ms" if unit == UNIT_SECONDS else costs[name].show_short(value)


def place_text(slice: str) -> str:
    """The name of a slice: ``5M multiply-adds``."""
    return " ".join(UNITS.get(word, word) for word in slice.split())


def shape_text(shape: str) -> str:
    """A shape in few characters: ``depth 16``, ``residual``."""
    return QUOTED.sub(r"\1", shape).replace(" = ", " ")


def listing(words: Sequence[str]) -> str:
    """``a, b and c``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def many(count: int, one: str, more: str = "") -> str:
    """``1 trial``, ``12 trials``."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"
