"""Costs of a spec over two of its knobs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archdsl.cli.options import read_named
from archdsl.cli.progress import followed
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose, which_knob
from archdsl.elaborate.knobs import Choices, Interval, Knob
from archdsl.elaborate.values import is_number
from archdsl.pictures.contours import COLOURS, Sheet, contours
from archdsl.pictures.scene import Scene
from archdsl.spec import Architecture

MOST = 24  # values of a knob that are worked out


@dataclass(frozen=True, slots=True)
class Map:
    """Architectures over two knobs; nothing where there is no candidate."""

    title: str
    x: str
    y: str
    xs: list[Any]
    ys: list[Any]
    found: list[list[Architecture | None]]

    def records(self) -> list[dict[str, Any]]:
        """The costs at each point, as plain data."""
        return [
            {self.x: float(x), self.y: float(y), **{k: getattr(arch, k) for k in COLOURS}}
            for i, x in enumerate(self.xs)
            for j, y in enumerate(self.ys)
            if (arch := self.found[i][j]) is not None
        ]

    def said(self) -> str:
        count = sum(a is not None for row in self.found for a in row)
        return f"{count} candidates over {len(self.xs)} of {self.x}, {len(self.ys)} of {self.y}"

    def scene(self) -> Scene:
        xs, ys = [float(x) for x in self.xs], [float(y) for y in self.ys]
        sheets = {
            cost: Sheet(
                xs,
                ys,
                [[None if a is None else getattr(a, cost) for a in row] for row in self.found],
            )
            for cost in COLOURS
        }
        title = f"{self.title}: costs over {self.x} and {self.y}"
        below = "Along a line the cost is the same; a dot is a candidate that was worked out."
        return contours(sheets, title, below, self.x, self.y)


def map_costs(spec: str, over: str, python: tuple[Path, ...]) -> Map:
    """Works out a grid over two knobs, ``depth,width``. Raises ``ArchError``."""
    arch, title = read_named(spec, (), None, python)
    names = [n.strip() for n in over.split(",")]
    if len(names) != 2 or names[0] == names[1]:
        raise ArchError([diagnose(codes.NO_AXIS, name=over, reason="name two knobs: `x,y`")])
    axes = [_values(_knob(arch, name)) for name in names]
    found = [
        [_candidate(arch, names, (x, y)) for y in axes[1]]
        for x in followed(axes[0], "working out costs")
    ]
    return Map(title, names[0], names[1], axes[0], axes[1], found)


def _knob(arch: Architecture, name: str) -> Knob:
    known = arch.spec.knobs
    if name not in known:
        help = which_knob(name, known)
        raise ArchError([diagnose(codes.UNKNOWN_KNOB, help=help, name=name)])
    return known[name]


def _values(knob: Knob) -> list[Any]:
    """Some values of a knob's domain, from end to end, evenly in their ratios if it is wide."""
    domain = knob.domain
    if domain is None:
        reason = "it has no domain"
        raise ArchError([diagnose(codes.NO_AXIS, knob.span, name=knob.name, reason=reason)])
    if isinstance(domain, Choices) or (domain.count is not None and domain.count <= MOST):
        values = list(domain.enumerate())
        if not all(is_number(v) for v in values) or len(values) < 2:
            reason = "its values are not numbers" if len(values) > 1 else "it has one value"
            raise ArchError([diagnose(codes.NO_AXIS, knob.span, name=knob.name, reason=reason)])
        return sorted(values)
    return sorted(set(_spread(domain)))


def _spread(domain: Interval) -> list[Any]:
    low, high = domain.low, domain.high
    shares = [i / (MOST - 1) for i in range(MOST)]
    if low > 0 and high > 8 * low:
        wanted = [float(low) * (float(high) / float(low)) ** s for s in shares]
    else:
        wanted = [float(low) + s * float(high - low) for s in shares]
    if domain.step is None:
        return [low, *wanted[1:-1], high]
    last = (domain.count or 1) - 1
    places = [round((w - float(low)) / float(domain.step)) for w in wanted]
    return [domain.value(min(max(p, 0), last)) for p in places]


def _candidate(
    arch: Architecture, names: list[str], values: tuple[Any, Any]
) -> Architecture | None:
    try:
        return arch.with_knobs(**dict(zip(names, values, strict=True)))
    except ArchError:
        return None
