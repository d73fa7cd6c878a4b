"""Charts: scales with ticks, and a frame to draw in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import ceil, floor, log10

from archdsl.pictures.fonts import text_width
from archdsl.pictures.scene import Box, Point, Shape, Wire, Words
from archdsl.units import short

TICK = 10.0  # the size of what is written at ticks
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class AxisScale:
    """From values to places between 0 and 1; ``show`` writes a value."""

    low: float
    high: float
    log: bool = False
    show: Callable[[float], str] = short

    def __post_init__(self) -> None:
        if self.low == self.high and not self.log:  # beside a huge number, the room is nothing
            room = max(1.0, 1e-9 * abs(self.low))
            object.__setattr__(self, "low", self.low - room)
            object.__setattr__(self, "high", self.high + room)

    def __call__(self, value: float) -> float:
        if self.log:
            return log10(value / self.low) / log10(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self, wanted: int = 7) -> list[float]:
        """Round values in the scale."""
        if self.log:
            return self._decades(wanted)
        raw = (self.high - self.low) / wanted
        power = 10 ** floor(log10(raw))
        step = next(s * power for s in STEPS if s * power >= raw * 0.999)
        first = ceil(self.low / step - 1e-9)
        return [i * step for i in range(first, floor(self.high / step + 1e-9) + 1)]

    def _decades(self, wanted: int) -> list[float]:
        decades = range(floor(log10(self.low)), ceil(log10(self.high)) + 1)
        for digits in ((1,), (1, 3), (1, 2, 5), (1, 2, 3, 5), (1, 1.5, 2, 3, 4, 5, 6, 8)):
            found = [d * 10.0**k for k in decades for d in digits]
            found = [v for v in found if self.low <= v <= self.high]
            if len(found) >= min(wanted, 4):
                break
        return found


def spanning(
    values: Iterable[float],
    log: bool | None = None,
    show: Callable[[float], str] = short,
    margin: float = 0.06,
) -> AxisScale:
    """A scale with all values in it, and some room on both sides. It is logarithmic, unless told,
    where the largest value is over twenty times the smallest."""
    known = list(values)
    low, high = min(known), max(known)
    if log is None:
        log = low > 0 and high > 20 * low
    if low == high:
        low, high = (low / 2, high * 2) if log else (low - 1, high + 1)
    if log:
        ratio = (high / low) ** margin
        return AxisScale(low / ratio, high * ratio, True, show)
    room = (high - low) * margin
    return AxisScale(low - room, high + room, False, show)


def percent(value: float) -> str:
    return f"{100 * value:.3g} %"


@dataclass(frozen=True, slots=True)
class Plot:
    """A frame on the page with a scale each way."""

    left: float
    top: float
    width: float
    height: float
    x: AxisScale
    y: AxisScale

    def at(self, x: float, y: float) -> Point:
        """The place of two values."""
        return (
            self.left + self.x(x) * self.width,
            self.top + (1 - self.y(y)) * self.height,
        )

    def axes(self, x_title: str, y_title: str) -> Iterator[Shape]:
        """The frame, its ticks with thin lines across, and what the axes are."""
        right, bottom = self.left + self.width, self.top + self.height
        for value in self.x.ticks(max(int(self.width / 90), 3)):
            x, _ = self.at(value, self.y.low)
            yield Wire(((x, self.top), (x, bottom)), "rule", stroke=0.6)
            yield Words(x, bottom + 13, self.x.show(value), TICK, "middle", colour="faint")
        widest = 0.0
        for value in self.y.ticks(max(int(self.height / 45), 3)):
            _, y = self.at(self.x.low, value)
            yield Wire(((self.left, y), (right, y)), "rule", stroke=0.6)
            text = self.y.show(value)
            widest = max(widest, text_width(text, TICK))
            yield Words(self.left - 7, y, text, TICK, "end", colour="faint")
        corners = ((self.left, self.top), (self.left, bottom), (right, bottom))
        yield Wire(corners, "edge", radius=0, stroke=1)
        yield Words(self.left + self.width / 2, bottom + 33, x_title, 11, "middle")
        place = self.left - widest - 22
        yield Words(place, self.top + self.height / 2, y_title, 11, "middle", upright=True)


def heading(title: str, below: str, left: float) -> Iterator[Shape]:
    """What a chart is called, and a line about it."""
    yield Words(left, 22, title, 16, bold=True)
    yield Words(left, 43, below, 10.5, colour="faint")


def key(entries: Iterable[tuple[str, str, bool]], left: float, top: float) -> Iterator[Shape]:
    """Colours and what they stand for (role, words, whether as a line), in a row."""
    x = left
    for role, text, as_line in entries:
        if as_line:
            yield Wire(((x, top), (x + 16, top)), role, stroke=2)
        else:
            yield Box(x + 2, top - 6, 12, 12, role, line="edge", radius=2)
        yield Words(x + 21, top, text, 10, colour="faint")
        x += 37 + text_width(text, 10)
