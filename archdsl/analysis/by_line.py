"""What each place of a text makes of a network: shapes, parameters, MACs. For editors."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from archdsl.costs.macs import Macs
from archdsl.costs.params import Params
from archdsl.costs.sums import Sums
from archdsl.diagnostics.source import Source, Span
from archdsl.ir.network import Network, Part
from archdsl.layers.base import Shape, show_shape
from archdsl.units import human

COUNTED = Sums((Params(), Macs()))
Key = tuple[int, int, int]


@dataclass(slots=True)
class PlaceFigures:
    """What one place of a text makes: a layer, a block's use, a labelled part.

    ``shapes`` are those of its results in the order of the network, each once; ``times`` says
    how often it is applied in one pass; ``params`` and ``macs`` are those of all applications
    together, MACs for one image in evaluation.
    """

    span: Span
    shapes: list[Shape] = field(default_factory=list)
    times: int = 0
    params: int = 0
    macs: int = 0

    @property
    def hint(self) -> str:
        """All in a line: ``16x32x32 to 64x8x8, 9 times, 14.02K params, 40.37M MACs``."""
        ends = list(dict.fromkeys((show_shape(self.shapes[0]), show_shape(self.shapes[-1]))))
        said = [" to ".join(ends)]
        if self.times > 1:
            said.append(f"{self.times} times")
        if self.params:
            said.append(f"{human(self.params)} params")
        if self.macs:
            said.append(f"{human(self.macs)} MACs")
        return ", ".join(said)


def places(network: Network) -> list[PlaceFigures]:
    """What each place makes that the network comes from, in the order of the network."""
    times, in_evaluation, owned = _uses(network.root)
    around = _places_around(network.root)
    found: dict[Key, PlaceFigures] = {}
    seen: set[tuple[Key, Shape]] = set()
    applied: defaultdict[Key, Counter[str]] = defaultdict(Counter)
    for part in _in_order(network.root, set()):
        for step, (params, macs), _ in COUNTED.of_steps(part):
            key = _key(step.span)
            if key in around[part]:  # counted there
                continue
            place = found.setdefault(key, PlaceFigures(step.span))
            if (key, step.shape) not in seen:
                seen.add((key, step.shape))
                place.shapes.append(step.shape)
            place.params += owned[part] * params
            place.macs += in_evaluation[part] * macs
            applied[key][step.name] += times[part] * step.repeat
    for key, counts in applied.items():
        found[key].times = max(counts.values())  # what stands there makes several in one use
    return list(found.values())


def by_line(network: Network, source: Source) -> dict[int, PlaceFigures]:
    """What each line of a text makes, by its number. A line that makes several things, none of
    them within another, has the result of the last and the costs of all."""
    own = [p for p in places(network) if p.span.source is source]
    own.sort(key=lambda p: (p.span.start, -p.span.end))
    lines: dict[int, PlaceFigures] = {}
    for place in own:
        span = place.span
        before = lines.get(span.line)
        if before is None:
            lines[span.line] = PlaceFigures(
                span, place.shapes, place.times, place.params, place.macs
            )
        elif span.start >= before.span.end:
            before.span = before.span.to(span)
            before.shapes, before.times = place.shapes, max(before.times, place.times)
            before.params += place.params
            before.macs += place.macs
    return lines


def _key(span: Span) -> Key:
    return id(span.source), span.start, span.end


def _places_around(root: Part) -> dict[Part, set[Key]]:
    """The places where each part is used: a shortcut that adapts is written nowhere else."""
    around: dict[Part, set[Key]] = {part: set() for part in root.parts()}
    for part in around:
        for step in part.steps:
            if isinstance(step.op, Part):
                around[step.op].add(_key(step.span))
    return around


def _uses(root: Part) -> tuple[Counter[Part], Counter[Part], Counter[Part]]:
    """How often each part is applied, how often apart from side outputs, and how often its
    weights are there: once where it is shared."""
    times, in_evaluation, owned = Counter({root: 1}), Counter({root: 1}), Counter({root: 1})
    for part in reversed(list(root.parts())):  # a part comes after all that use it
        for step in part.steps:
            if isinstance(step.op, Part):
                times[step.op] += times[part] * step.repeat
                if step.weight is None:
                    in_evaluation[step.op] += in_evaluation[part] * step.repeat
                if step.module is None:
                    owned[step.op] += owned[part] * step.repeat
        for shared in part.shared:
            if isinstance(shared.op, Part):
                owned[shared.op] += owned[part]
    return times, in_evaluation, owned


def _in_order(part: Part, seen: set[Part]) -> Iterator[Part]:
    """The different parts, each where it is first used. A part comes before those within it."""
    if part in seen:
        return
    seen.add(part)
    yield part
    for step in part.steps:
        if isinstance(step.op, Part):
            yield from _in_order(step.op, seen)
