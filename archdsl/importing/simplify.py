"""A graph in the form in which people write it: what several operations say together is one layer.

Each step leaves what is computed as it is: no flattening before a linear layer, which flattens by
itself; ``x * sigmoid(x)`` is ``silu``; a branch that is dropped at times and a sum are a sum with
``survive``; a concatenation that extends another takes its result; sums of sums are one.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction

from archdsl.importing.custom import Missing
from archdsl.importing.layer_of import make
from archdsl.importing.record import ModuleCall
from archdsl.importing.reordered import reorder_filters
from archdsl.importing.values import Vertex

MOST_SUMMED = 8  # tensors of one sum
PARTS = 256  # blocks over which the chance of a drop grows
NEAR = 2.0**-23  # how far numbers in single precision are off


def live(vertices: Iterable[Vertex], outputs: Iterable[Vertex]) -> list[Vertex]:
    """The vertices that outputs need, in order."""
    found: set[int] = set()
    todo = list(outputs)
    while todo:
        one = todo.pop()
        if one.number not in found:
            found.add(one.number)
            todo += one.inputs
    return [v for v in vertices if v.number in found]


def users(vertices: Iterable[Vertex]) -> dict[int, list[Vertex]]:
    """Who takes each vertex's result, by its number."""
    found: dict[int, list[Vertex]] = defaultdict(list)
    for vertex in vertices:
        for source in vertex.inputs:
            found[source.number].append(vertex)
    return found


def renumbered(vertices: Iterable[Vertex]) -> list[Vertex]:
    """The vertices so that each comes after what it takes, numbered in that order."""
    order: list[Vertex] = []
    seen: set[int] = set()
    for vertex in sorted(vertices, key=lambda v: (v.aside is not None, v.number)):
        stack = [(vertex, False)]
        while stack:
            one, ready = stack.pop()
            if ready:
                order.append(one)
            elif id(one) not in seen:
                seen.add(id(one))
                stack.append((one, True))
                stack += [(source, False) for source in reversed(one.inputs)]
    for number, vertex in enumerate(order):
        vertex.number = number
    return order


def simplify(vertices: list[Vertex], outputs: list[Vertex]) -> tuple[list[Vertex], list[Missing]]:
    """The graph, in place, without what is not needed; and what stands where it cannot."""
    vertices = live(vertices, outputs)
    _linear(vertices, outputs)
    vertices = live(vertices, outputs)
    for vertex in vertices:
        if vertex.op == "reshape" and len(vertex.shape) == 1:
            vertex.layer = make("flatten")
    _silu(vertices)
    vertices = live(vertices, outputs)
    reorder_filters(vertices, outputs, users(vertices))
    vertices = live(vertices, outputs)
    _columns(vertices)
    missing = _dropped(vertices, outputs)
    vertices = live(vertices, outputs)
    _extended(vertices)
    vertices = _squares(vertices)
    _sums(vertices, outputs)
    _means(vertices, outputs)
    return live(vertices, outputs), missing


def _linear(vertices: list[Vertex], outputs: list[Vertex]) -> None:
    taken = users(vertices)
    for vertex in vertices:
        if vertex.op != "linear":
            continue
        vertex.inputs[0] = _unflattened(vertex.inputs[0])
        drop = vertex.inputs[0]
        alone = all(u.op == "linear" for u in taken[drop.number]) and drop not in outputs
        if drop.op == "dropout" and alone:
            drop.inputs[0] = _unflattened(drop.inputs[0])
            drop.shape = drop.inputs[0].shape


def _unflattened(vertex: Vertex) -> Vertex:
    while vertex.op in ("flatten", "reshape", "flatten_space"):
        vertex = vertex.inputs[0]
    return vertex


def _silu(vertices: list[Vertex]) -> None:
    taken = users(vertices)
    for vertex in vertices:
        if vertex.op != "mul" or len(vertex.inputs) != 2:
            continue
        a, b = vertex.inputs
        for x, gate in ((a, b), (b, a)):
            if gate.op == "sigmoid" and gate.inputs[0] is x and len(taken[gate.number]) == 1:
                vertex.layer, vertex.inputs = make("silu"), [x]
                break


def _columns(vertices: list[Vertex]) -> None:
    """Where columns of a fractal meet it is known of how many, once all of them have met."""
    before: dict[ModuleCall, list[Vertex]] = defaultdict(list)
    for vertex in vertices:
        met = None if vertex.layer is None else vertex.layer.columns_met
        if met is None or vertex.layer is None:
            continue
        before[vertex.call].append(vertex)
        for one in before.pop(vertex.call) if 0 in met.places else ():
            assert one.layer is not None, "a join"
            given = dict(one.layer.given()) | {"of": len(met.places)}
            one.layer = make(one.op, **given)


# Layers that leave the numbers of an image as they are: what is dropped before them is after them.
MOVES = ("reshape", "flatten_space", "transpose", "pixel_shuffle", "pixel_unshuffle")


def _dropped(vertices: list[Vertex], outputs: list[Vertex]) -> list[Missing]:
    taken = users(vertices)
    missing = []
    meant = _in_double({v.drop for v in vertices})
    for vertex in vertices:
        if not vertex.drop or vertex.op == "add":
            continue
        vertex.drop = meant[vertex.drop]
        last, sums = vertex, taken[vertex.number]
        while len(sums) == 1 and sums[0].op in MOVES and last not in outputs:
            last, sums = sums[0], taken[sums[0].number]
        joint = sums[0] if len(sums) == 1 and last not in outputs else None
        if joint is None or joint.op != "add" or len(joint.inputs) != 2:
            why = " of a branch that does not end in a sum"
            missing.append(Missing("DropPath", why, vertex.path, None))
            continue
        if joint.drop:
            why = " on both arms of a sum: `residual` drops one of them"
            missing.append(Missing("DropPath", why, vertex.path, None))
            continue
        other = joint.inputs[1 if joint.inputs[0] is last else 0]
        survive = 1 - vertex.drop
        joint.layer = make("add", survive=survive, per="sample", scaling="train")
        joint.drop = vertex.drop
        branch = vertex.inputs[0] if last is vertex else last
        for moved in taken[vertex.number] if last is not vertex else ():
            moved.inputs = [vertex.inputs[0] if s is vertex else s for s in moved.inputs]
        joint.inputs = [other, branch]
    return missing


def _in_double(chances: set[float]) -> dict[float, float]:
    """Chances in single precision, as ``torch.linspace`` gives them, or computed from such, by what
    they were meant to be: the highest has few digits, and the others are parts of it."""
    top = max(chances, default=0.0)
    short = float(f"{top:.6g}")
    top = short if _single(short) == top else top
    found = {}
    for chance in chances:
        part = Fraction(chance / top if top else 0).limit_denominator(PARTS)
        whole = top * part.numerator / part.denominator
        found[chance] = whole if abs(whole - chance) <= NEAR * top else chance
    return found


def _single(number: float) -> float:
    return float(struct.unpack("f", struct.pack("f", number))[0])


def _extended(vertices: list[Vertex]) -> None:
    joins = {(c.layer, *(v.number for v in c.inputs)): c for c in vertices if c.op == "concat"}
    for vertex in vertices:
        if vertex.op == "concat" and len(vertex.inputs) > 2:
            before = joins.get((vertex.layer, *(v.number for v in vertex.inputs[:-1])))
            if before is not None and before.number < vertex.number:
                vertex.inputs = [before, vertex.inputs[-1]]


def _squares(vertices: list[Vertex]) -> list[Vertex]:
    """The first pixels of all squares, where the others are dealt out, are dealt out with them."""
    dealt = {
        (v.inputs[0].inputs[0].number, v.inputs[0].layer): v
        for v in vertices
        if v.op == "channel_shuffle" and v.inputs[0].op == "pixel_unshuffle"
    }
    for vertex in vertices:
        if vertex.op != "subsample" or vertex.layer is None:
            continue
        stride = dict(vertex.layer.given()).get("stride", 2)
        layer = make("pixel_unshuffle", factor=stride) if isinstance(stride, int) else None
        found = dealt.get((vertex.inputs[0].number, layer))
        if found is not None:
            vertex.layer = make("split", parts=stride**2, part=1)
            vertex.inputs = [found]
    return renumbered(vertices) if dealt else vertices


def _sums(vertices: list[Vertex], outputs: list[Vertex]) -> None:
    taken = users(vertices)
    for vertex in vertices:
        while vertex.op == "add" and not vertex.drop and len(vertex.inputs) < MOST_SUMMED:
            inner = [
                other
                for other in vertex.inputs
                if other.op == "add"
                and not other.drop
                and other.call is vertex.call
                and len(taken[other.number]) == 1
                and other not in outputs
            ]
            if not inner:
                break
            at = vertex.inputs.index(inner[0])
            vertex.inputs[at : at + 1] = inner[0].inputs


def _means(vertices: list[Vertex], outputs: list[Vertex]) -> None:
    """Sums of so many tensors, divided by their number."""
    taken = users(vertices)
    for vertex in vertices:
        if vertex.op != "times" or vertex.layer is None or vertex.weights:
            continue
        total = vertex.inputs[0]
        if total.op != "add" or total.drop or total in outputs or len(taken[total.number]) > 1:
            continue
        if dict(vertex.layer.given()) == {"value": 1 / len(total.inputs)}:
            vertex.layer, vertex.inputs = make("mean"), total.inputs
