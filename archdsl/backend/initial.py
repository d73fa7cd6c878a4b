"""How weights start, as code: one loop over all layers of a kind, then what differs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from archdsl.backend.direct.state import CannotBeWhole
from archdsl.backend.names import attribute
from archdsl.backend.pieces import LayerPiece
from archdsl.backend.plan import Plan
from archdsl.backend.python import INDENT, Call, Item, Text, literal
from archdsl.ir.network import Part
from archdsl.layers.base import Weight
from archdsl.layers.init import FUNCTIONS, Init

Key = tuple[str, str]  # the PyTorch class of a layer, and the name of its weight
# What may have modules within it that are no layers of the spec's: it stands in no loop over all.
HOLDS_OTHERS = re.compile(r"^(?!nn\.)|MultiheadAttention")
FEW = 3  # layers that are told in a loop; fewer get a line each


@dataclass(frozen=True, slots=True)
class Start:
    """The start of a weight: of which layer, under which condition, or none."""

    layer: str
    weight: str
    init: Init
    guard: str = ""

    def lines(self, indent: int) -> list[str]:
        return init_call(self.init, f"{self.layer}.{self.weight}").lines(indent)


@dataclass(frozen=True, slots=True)
class EachStart:
    """The starts of every layer of a kind in a class."""

    kind: str
    starts: tuple[Start, ...]


Starts = tuple[Start | EachStart, ...]


@dataclass(slots=True)
class Counts:
    """The initialisations of one kind of weight: how often each is wanted."""

    of: dict[Init | None, int] = field(default_factory=dict)


# What torch.nn.init takes where an argument is left out.
USUAL: dict[str, dict[str, object]] = {
    "nn.init.kaiming_normal_": {"mode": "fan_in", "nonlinearity": None},
    "nn.init.kaiming_uniform_": {"mode": "fan_in", "nonlinearity": None},
    "nn.init.xavier_normal_": {"gain": 1.0},
    "nn.init.xavier_uniform_": {"gain": 1.0},
    "nn.init.orthogonal_": {"gain": 1.0},
    "nn.init.normal_": {"mean": 0.0, "std": 1.0},
    "nn.init.uniform_": {"a": 0.0, "b": 1.0},
    "nn.init.trunc_normal_": {"mean": 0.0, "std": 1.0, "a": -2.0, "b": 2.0},
}


def init_call(init: Init, weight: str) -> Call:
    """``nn.init.zeros_(m.bias)``: defaults of PyTorch left out."""
    values = dict(init.arguments)
    head, _, tail = FUNCTIONS[init.name].call.partition("(")
    usual = USUAL.get(head, {})
    items = [Item(Text(weight))]
    for argument in tail.rstrip(")").split(", ")[1:]:
        key, equals, template = argument.partition("=")
        if not equals:
            items.append(Item(Text(key.format(**{k: literal(v) for k, v in values.items()}))))
            continue
        value = values[template.strip('"').strip("{}")]
        if usual.get(key, ...) != value:
            items.append(Item(Text(literal(value)), key))
    return Call(f"{head}(", tuple(items))


Owned = list[tuple[str, list[Weight]]]  # the PyTorch class of a layer, its trainable weights


def weights_of(plans: list[Plan]) -> Owned:
    """The weights of each layer, those of equal parts once."""
    return [
        (layer.module.target, [w for w in layer.weights if w.trainable])
        for plan in plans
        for instance in plan.instances
        for piece in instance.all_pieces
        for _, layer in piece.layers()
    ]


def common_starts(owned: Owned) -> dict[Key, Init]:
    """The kinds of weight that all start in some way of the spec's, with the usual way."""
    found: dict[Key, Counts] = {}
    for target, weights in owned:
        for weight in weights:
            counts = found.setdefault((target, weight.name), Counts()).of
            counts[weight.init] = counts.get(weight.init, 0) + 1
    return {
        key: max((i for i in counts.of if i is not None), key=lambda i: counts.of[i])
        for key, counts in found.items()
        if None not in counts.of
    }


def sometimes(owned: Owned) -> set[Key]:
    """The kinds of weight that some layers of their class have and others have not."""
    everywhere: dict[str, set[str]] = {}
    anywhere: dict[str, set[str]] = {}
    for target, weights in owned:
        names = {w.name for w in weights}
        anywhere.setdefault(target, set()).update(names)
        everywhere.setdefault(target, set(names)).intersection_update(names)
    return {(t, name) for t, names in anywhere.items() for name in names - everywhere[t]}


def init_lines(root: Part, plans: list[Plan], top: Plan) -> list[str]:
    """The body of ``init_weights``, or nothing where PyTorch's own way is all that is wanted."""
    owned = weights_of(plans)
    common, absent = common_starts(owned), sometimes(owned)
    by_target: dict[str, list[Start]] = {}
    for (target, name), init in common.items():
        guard = f"m.{name} is not None" if (target, name) in absent else ""
        by_target.setdefault(target, []).append(Start("m", name, init, guard))
    by_starts: dict[tuple[Start, ...], list[str]] = {}
    for target, starts in by_target.items():
        by_starts.setdefault(tuple(starts), []).append(target)
    lines = loop((kinds, starts) for starts, kinds in by_starts.items())
    inner: dict[Starts, list[str]] = {}
    for plan in plans:
        own = starts_of_class(plan, common) if plan is not top else ()
        if own:
            inner.setdefault(own, []).append(plan.name)
    lines += loop((classes, starts) for starts, classes in inner.items())
    return lines + guarded(tuple(dict.fromkeys(exceptions(top, "self", common))), 2)


def starts_of_class(plan: Plan, common: dict[Key, Init]) -> Starts:
    """How a class starts its weights, where it has a way of its own: layer by layer, or with a
    loop over all layers of a kind where that is shorter."""
    single = tuple(dict.fromkeys(exceptions(plan, "m", common)))
    below = {kind for kind, _ in weights_of(classes_below(plan))}
    ways: dict[str, set[tuple[Start, ...]]] = {}
    for kind, weights in weights_of([plan]):
        given = [(w.name, w.init) for w in weights]
        own = [Start("layer", n, i) for n, i in given if i not in (None, common.get((kind, n)))]
        ways.setdefault(kind, set()).add(tuple(own))
    own_ways = {kind: found for kind, found in ways.items() if any(found)}
    alone = all(len(found) == 1 and kind not in below for kind, found in own_ways.items())
    if not alone or any(HOLDS_OTHERS.search(kind) for kind in (*ways, *below)):
        return single
    looped = tuple(EachStart(kind, *found) for kind, found in own_ways.items())
    return min(single, looped, key=lambda starts: len(guarded(starts, 4)))


def classes_below(plan: Plan) -> list[Plan]:
    """The classes that a class calls, and those that they call."""
    found: dict[int, Plan] = {}
    new = [plan]
    while new:
        inner = [p for instance in new.pop().instances for p in instance.plans()]
        new += [p for p in inner if id(p) not in found]
        found |= {id(p): p for p in inner}
    return list(found.values())


def loop(
    cases: Iterable[tuple[list[str], Starts]], one: str = "m", whole: str = "self", depth: int = 2
) -> list[str]:
    """A loop over all modules: what is done with those of some classes."""
    lines: list[str] = []
    for classes, starts in cases:
        kinds = classes[0] if len(classes) == 1 else f"({', '.join(classes)})"
        word = "elif" if lines else "if"
        lines.append(f"{INDENT * (depth + 1)}{word} isinstance({one}, {kinds}):")
        lines += guarded(starts, depth + 2)
    return [f"{INDENT * depth}for {one} in {whole}.modules():", *lines] if lines else []


def guarded(starts: Starts, depth: int) -> list[str]:
    """The calls, each under its condition; neighbours under one and the same."""
    each = [start for start in starts if isinstance(start, EachStart)]
    out = loop([([e.kind], e.starts) for e in each], "layer", "m", depth)
    single = [start for start in starts if isinstance(start, Start)]
    for guard, group in groupby(single, key=lambda start: start.guard):
        if guard:
            out.append(f"{INDENT * depth}if {guard}:")
        out += alike(list(group), depth + bool(guard))
    return out


def alike(starts: list[Start], depth: int) -> list[str]:
    """The calls; those that differ in their layer alone as a loop."""
    out: list[str] = []
    for (weight, init), group in groupby(starts, key=lambda s: (s.weight, s.init)):
        same = list(group)
        if len(same) < FEW:
            out += [line for start in same for line in start.lines(depth)]
            continue
        layers = Call("(", tuple(Item(Text(s.layer)) for s in same))
        out += layers.lines(depth, "for layer in ", ":")
        out += Start("layer", weight, init).lines(depth + 1)
    return out


def exceptions(plan: Plan, prefix: str, common: dict[Key, Init]) -> Iterator[Start]:
    """The weights of a class that start in a way of their own."""
    if plan.whole:
        for piece in (p for i in plan.instances for p in i.all_pieces):
            for _, layer in piece.layers():
                if any(own_starts(layer, "", "", common)):
                    raise CannotBeWhole(id(plan.definition))
        return
    for name, piece in plan.full.shared.items():
        for inner, layer in piece.layers():
            path = f"{prefix}.{attribute(name)}{inner}"
            yield from own_starts(layer, path, "", common)
    for entry in plan.full.scope.entries:
        piece = plan.full.pieces[entry.label]
        absent = any(entry.label not in i.pieces for i in plan.instances)
        for copy in range(entry.repeat):
            label = entry.label if entry.repeat == 1 else f"{entry.base}{entry.number + copy}"
            path = f"{prefix}.{attribute(label)}"
            guard = f"not isinstance({path}, nn.Identity)" if absent else ""
            if entry.label in plan.lack.makers or entry.label in plan.lack.instead:
                guard = f"{path} is not None"
            for inner, layer in piece.layers():
                yield from own_starts(layer, f"{path}{inner}", guard, common)


def own_starts(
    layer: LayerPiece, path: str, guard: str, common: dict[Key, Init]
) -> Iterator[Start]:
    """The weights of a layer that start in a way of their own."""
    for weight in layer.weights:
        usual = common.get((layer.module.target, weight.name))
        if weight.trainable and weight.init not in (None, usual):
            yield Start(path, weight.name, weight.init, guard)
