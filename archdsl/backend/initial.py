"""How weights start, as code: one loop over all layers of a kind, then what differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

from archdsl.backend.pieces import LayerPiece, Piece, PlanPiece, attribute
from archdsl.backend.plan import Plan
from archdsl.backend.python import INDENT, literal
from archdsl.elaborate.network import Op, Part
from archdsl.layers.base import Module, Weight
from archdsl.layers.init import FUNCTIONS, Init

Key = tuple[str, str]  # the PyTorch class of a layer, and the name of its weight
Start = tuple[str, str]  # a condition, or nothing, and the call that it allows


@dataclass(slots=True)
class Starts:
    """The initialisations of one kind of weight: how often each is wanted, and where."""

    counts: dict[Init | None, int] = field(default_factory=dict)


# What torch.nn.init takes where an argument is left out.
USUAL: dict[str, dict[str, object]] = {
    "nn.init.kaiming_normal_": {"mode": "fan_in", "nonlinearity": None},
    "nn.init.xavier_normal_": {"gain": 1.0},
    "nn.init.xavier_uniform_": {"gain": 1.0},
    "nn.init.orthogonal_": {"gain": 1.0},
    "nn.init.normal_": {"mean": 0.0, "std": 1.0},
    "nn.init.uniform_": {"a": 0.0, "b": 1.0},
    "nn.init.trunc_normal_": {"mean": 0.0, "std": 1.0, "a": -2.0, "b": 2.0},
}


def init_call(init: Init, weight: str) -> str:
    """``nn.init.zeros_(m.bias)``: defaults of PyTorch left out."""
    function = FUNCTIONS[init.name]
    values = dict(init.arguments)
    head, _, tail = function.call.partition("(")
    shown = [weight]
    usual = USUAL.get(head, {})
    for argument in tail.rstrip(")").split(", ")[1:]:
        key, equals, template = argument.partition("=")
        if not equals:
            shown.append(key.format(**{k: literal(v) for k, v in values.items()}))
            continue
        inner = template.strip('"').strip("{}")
        value = values[inner]
        if usual.get(key, ...) != value:
            shown.append(f"{key}={literal(value)}")
    return f"{head}({', '.join(shown)})"


def weights_of(part: Part) -> Iterator[tuple[str, list[Weight]]]:
    """The trainable weights of each layer, with its PyTorch class; each part once."""
    for inner in part.parts():
        for step in inner.steps:
            if isinstance(step.op, Op):
                shapes = tuple(inner.shape_of(n) for n in step.inputs)
                code = step.op.layer.torch(*shapes)
                if isinstance(code, Module):
                    weights = step.op.layer.weights(*shapes)
                    yield code.target, [w for w in weights if w.trainable]


def sometimes(root: Part) -> set[Key]:
    """The kinds of weight that some layers of their class have and others have not."""
    everywhere: dict[str, set[str]] = {}
    anywhere: dict[str, set[str]] = {}
    for target, weights in weights_of(root):
        names = {w.name for w in weights}
        anywhere.setdefault(target, set()).update(names)
        everywhere.setdefault(target, set(names)).intersection_update(names)
    return {(t, name) for t, names in anywhere.items() for name in names - everywhere[t]}


def common_starts(root: Part) -> dict[Key, Init]:
    """The kinds of weight that all start in some way of the spec's, with the usual way."""
    found: dict[Key, Starts] = {}
    for target, weights in weights_of(root):
        for weight in weights:
            starts = found.setdefault((target, weight.name), Starts())
            starts.counts[weight.init] = starts.counts.get(weight.init, 0) + 1
    return {
        key: max((i for i in s.counts if i is not None), key=lambda i: s.counts[i])
        for key, s in found.items()
        if None not in s.counts
    }


def init_lines(root: Part, plans: list[Plan], top: Plan) -> list[str]:
    """The body of ``init_weights``, or nothing where PyTorch's own way is all that is wanted."""
    common = common_starts(root)
    exceptions = list(_exceptions(plans, top, common))
    if not common and not exceptions:
        return []
    pad = INDENT * 2
    out: list[str] = []
    absent = sometimes(root)
    by_target: dict[str, list[Start]] = {}
    for (target, name), init in common.items():
        guard = f"m.{name} is not None" if (target, name) in absent else ""
        by_target.setdefault(target, []).append((guard, init_call(init, f"m.{name}")))
    by_starts: dict[tuple[Start, ...], list[str]] = {}
    for target, starts in by_target.items():
        by_starts.setdefault(tuple(starts), []).append(target)
    if by_starts:
        out.append(f"{pad}for m in self.modules():")
        word = "if"
        for shared, targets in by_starts.items():
            kinds = targets[0] if len(targets) == 1 else f"({', '.join(targets)})"
            out.append(f"{pad}{INDENT}{word} isinstance(m, {kinds}):")
            out += guarded(shared, 4)
            word = "elif"
    own = [line for owner, _, line in exceptions if owner is None]
    inner: dict[str, list[Start]] = {}
    for owner, guard, line in exceptions:
        if owner is not None:
            inner.setdefault(owner, []).append((guard, line))
    if inner:
        out.append(f"{pad}for m in self.modules():")
        word = "if"
        for owner, lines in inner.items():
            out.append(f"{pad}{INDENT}{word} isinstance(m, {owner}):")
            out += guarded(tuple(dict.fromkeys(lines)), 4)
            word = "elif"
    out += [f"{pad}{line}" for line in own]
    return out


def guarded(lines: tuple[Start, ...], depth: int) -> list[str]:
    """The calls, each under its condition; neighbours under one and the same."""
    out: list[str] = []
    for guard, group in groupby(lines, key=lambda start: start[0]):
        if guard:
            out.append(f"{INDENT * depth}if {guard}:")
        out += [f"{INDENT * (depth + bool(guard))}{line}" for _, line in group]
    return out


def _exceptions(
    plans: list[Plan], top: Plan, common: dict[Key, Init]
) -> Iterator[tuple[str | None, str, str]]:
    """Weights that start in a way of their own: the class that has them, the condition under
    which it has, and the call."""
    for plan in plans:
        owner = None if plan is top else plan.name
        prefix = "self" if plan is top else "m"
        instance = plan.full
        for entry in instance.scope.entries:
            piece = instance.pieces[entry.label]
            path = f"{prefix}.{attribute(entry.label)}"
            absent = any(entry.label not in i.pieces for i in plan.instances)
            guard = f"not isinstance({path}, nn.Identity)" if absent else ""
            for line in _of_piece(piece, entry.op, entry.inputs_shapes, path, common):
                yield owner, guard, line


def _of_piece(
    piece: Piece,
    op: Op | Part,
    shapes: tuple[tuple[int, ...], ...],
    path: str,
    common: dict[Key, Init],
) -> Iterator[str]:
    if isinstance(piece, PlanPiece):
        return
    if isinstance(piece, LayerPiece) and isinstance(op, Op):
        for weight in op.layer.weights(*shapes):
            usual = common.get((piece.module.target, weight.name))
            if weight.init is not None and weight.init != usual:
                yield init_call(weight.init, f"{path}.{weight.name}")
    elif isinstance(op, Part):
        for step in op.steps:
            inner_shapes = tuple(op.shape_of(n) for n in step.inputs)
            for copy in range(step.repeat):
                label = attribute(step.numbered(step.number + copy))
                inner = _piece_of(step.op, inner_shapes)
                yield from _of_piece(inner, step.op, inner_shapes, f"{path}.{label}", common)


def _piece_of(op: Op | Part, shapes: tuple[tuple[int, ...], ...]) -> Piece:
    if isinstance(op, Op):
        code = op.layer.torch(*shapes)
        return LayerPiece(code) if isinstance(code, Module) else Piece()
    if op.kind == "block":
        return _Opaque()
    return Piece()


class _Opaque(PlanPiece):
    """A block: its own class sees to its weights."""

    def __init__(self) -> None:
        pass
