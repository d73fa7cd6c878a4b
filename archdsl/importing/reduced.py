"""What compares or adds up: softmax, means and sums over channels, over pixels, and over arms that
stand side by side as channels."""

from __future__ import annotations

from dataclasses import replace

from archdsl.importing.arithmetic import maximum
from archdsl.importing.cut import Atom, AxisSplit, Group, cut_of
from archdsl.importing.layer_of import Gap, make, named
from archdsl.importing.lower import Lowering, operation
from archdsl.importing.record import TracedCall
from archdsl.importing.shaped import part_of
from archdsl.importing.values import AttentionScores, TensorValue, Vertex
from archdsl.layers.base import Layer


@operation("Softmax", "softmax", "LogSoftmax", "log_softmax", "Softmax2d")
def softmax(lower: Lowering, record: TracedCall) -> TensorValue | AxisSplit | AttentionScores:
    axis = lower.argument(record, 1, "dim")
    if record.module is not None:
        axis = 1 if record.op == "Softmax2d" else record.module.dim
    scores = lower.argument(record, 0, "input")
    if isinstance(scores, AttentionScores):
        if record.op not in ("Softmax", "softmax") or axis not in (
            -1,
            len(scores.shape) - 1,
        ):
            raise Gap(" of attention scores along an axis other than the last")
        return replace(scores, softmax=True)
    if axis is None:
        raise Gap(" without `dim`")
    name = "log_softmax" if record.op in ("LogSoftmax", "log_softmax") else "softmax"
    if isinstance(scores, AxisSplit) and (found := _over_arms(lower, record, scores, axis, name)):
        return found
    x = lower.input(record)
    axis %= len(x.axes) + 1
    if axis == 0:
        raise Gap(" over the batch")
    layer = make(name, over=named(x.axes[axis - 1], len(x.axes)))
    return lower.apply(layer, record, x)


def _arms(cut: AxisSplit, axis: int) -> Atom | None:
    """What an axis runs over, if that is the outermost part of channels: arms, side by side."""
    group = cut.axes[axis % len(cut.axes)]
    arms = group[0] if len(group) == 1 and group[0].axis == 0 else None
    if arms is not None and arms.inner * arms.size == cut.vertex.shape[0] > arms.size:
        return arms
    return None


def _over_arms(
    lower: Lowering, record: TracedCall, cut: AxisSplit, axis: int, name: str
) -> AxisSplit | None:
    """A softmax that compares arms: they become the channels of a tensor, and theirs an axis."""
    arms, shape = _arms(cut, axis), cut.vertex.shape
    if arms is None or cut.factor != 1:
        return None
    space = () if set(shape[1:]) <= {1} else shape[1:]
    layer = make("reshape", to=(arms.size, arms.inner, *space))
    vertex = lower.vertex(layer, [cut.vertex], record)
    vertex = lower.vertex(make(name), [vertex], record)

    def moved(atom: Atom) -> Atom:
        if atom == arms:
            return Atom(0, 1, arms.size)
        return atom if atom.axis < 0 else atom._replace(axis=atom.axis + 1)

    return AxisSplit(vertex, tuple(tuple(map(moved, group)) for group in cut.axes))


@operation("stack")
def stacked(lower: Lowering, record: TracedCall) -> AxisSplit:
    """Tensors beside each other along an axis of their own: side by side, which is then cut."""
    given = [lower.value(item) for item in lower.argument(record, 0, "tensors")]
    values = [lower.settled(item, record) for item in given]
    axis = lower.argument(record, 1, "dim", 0) % (len(record.shapes[0] or ()) or 1)
    if (
        not all(isinstance(v, TensorValue) for v in values)
        or len({(v.shape, v.axes) for v in values}) > 1
    ):
        raise Gap(" of tensors that are not alike")
    if len(values) < 2:
        raise Gap(" of a single tensor")
    first = values[0]
    vertex = lower.vertex(make("concat"), [v.vertex for v in values], record)
    cut = cut_of(vertex, first.axes, lower.batch)
    at, channels = 1 + first.axes.index(0), first.vertex.shape[0]
    own: Group = (Atom(0, 1, channels),) if channels > 1 else ()
    axes = [*cut.axes[:at], own, *cut.axes[at + 1 :]]
    axes.insert(axis, (Atom(0, channels, len(values)),))
    return AxisSplit(vertex, tuple(axes))


def _of_arms(lower: Lowering, record: TracedCall, join: str) -> TensorValue | AxisSplit | None:
    """Arms that meet in a layer of several tensors; nothing where an axis is no arms."""
    x, dims = lower.argument(record, 0, "input"), lower.argument(record, 1, "dim")
    only = dims[0] if isinstance(dims, (tuple, list)) and len(dims) == 1 else dims
    arms = _arms(x, only) if isinstance(x, AxisSplit) and isinstance(only, int) else None
    if arms is None or not isinstance(x, AxisSplit) or x.factor != 1:
        return None
    at = only % len(x.axes)
    if join != "add" and at and not _is_stack(x.vertex, arms):  # which is a layer of all channels
        return None
    whole = TensorValue(x.vertex, tuple(range(len(x.vertex.shape))))
    parts = [
        part_of(lower, record, whole, place * arms.inner, arms.inner, True).vertex
        for place in range(arms.size)
    ]
    kept: tuple[Group, ...] = ((),) if lower.argument(record, 2, "keepdim", False) else ()
    axes = (*x.axes[:at], *kept, *x.axes[at + 1 :])
    return lower.joined(AxisSplit(lower.vertex(make(join), parts, record), axes))


def _is_stack(vertex: Vertex, arms: Atom) -> bool:
    """Whether a vertex puts tensors beside each other, each of which is an arm."""
    joins = vertex.op == "concat" and vertex.layer is not None and vertex.layer.is_associative
    return joins and [source.shape[0] for source in vertex.inputs] == [arms.inner] * arms.size


@operation("sum")
def summed(lower: Lowering, record: TracedCall) -> TensorValue | AxisSplit:
    return _of_arms(lower, record, "add") or _reduced(lower, record, "sumpool")


@operation("normalize")
def normalized(lower: Lowering, record: TracedCall) -> TensorValue:
    """Channels, or the places of another axis, divided by their length."""
    x = lower.input(record)
    p, axis, eps = (
        lower.argument(record, i + 1, name, usual)
        for i, (name, usual) in enumerate((("p", 2.0), ("dim", 1), ("eps", 1e-12)))
    )
    if p != 2 or not isinstance(axis, int):
        raise Gap(" with anything but the 2-norm along one axis")
    axis %= len(x.axes) + 1
    if axis == 0:
        raise Gap(" along the batch")
    made = _of_axis(lower, record, x.vertex, x.axes[axis - 1], make("l2_norm", eps=eps))
    return lower.checked(TensorValue(made, x.axes), record)


@operation("mean", "amax")
def reduced(lower: Lowering, record: TracedCall) -> TensorValue | AxisSplit:
    if record.op == "mean":
        return _of_arms(lower, record, "mean") or _reduced(lower, record, "avgpool")
    return _greatest(lower, record)


def _greatest(lower: Lowering, record: TracedCall) -> TensorValue | AxisSplit:
    return _of_arms(lower, record, "max") or _reduced(lower, record, "maxpool")


@operation("max")
def greatest(lower: Lowering, record: TracedCall) -> TensorValue | AxisSplit:
    """Along an axis, whose places are a second result; or of two tensors."""
    along = isinstance(lower.argument(record, 1, "dim"), int)
    return _greatest(lower, record) if along else maximum(lower, record)


def _reduced(lower: Lowering, record: TracedCall, kind: str) -> TensorValue | AxisSplit:
    """All places of some axes as one: all pixels of each channel, or all channels of each
    pixel."""
    x = lower.input(record)
    dims, keep = lower.argument(record, 1, "dim"), lower.argument(record, 2, "keepdim", False)
    rank = len(x.axes) + 1
    if dims is None:
        raise Gap(" over all axes, the batch too")
    dims = [d % rank for d in ((dims,) if isinstance(dims, int) else dims)]
    if 0 in dims:
        raise Gap(" over the batch")
    gone = sorted(x.axes[d - 1] for d in dims)
    every, vertex = list(range(1, rank - 1)), x.vertex
    if every and gone[-len(every) :] == every:
        vertex, left = lower.vertex(make(f"global_{kind}"), [vertex], record), gone[: -len(every)]
    else:
        left = gone
    for axis in left:
        vertex = _over(lower, record, vertex, axis, kind)
    pooled = TensorValue(vertex, x.axes)
    if keep or not gone:
        return pooled
    kept = [axis for axis in range(rank - 1) if axis not in gone]
    if not kept:
        return AxisSplit(vertex, lower.cut(pooled).axes[:1])
    to = tuple(vertex.shape[axis] for axis in kept)
    order = tuple(kept.index(axis) for axis in x.axes if axis in kept)
    return lower.apply(make("reshape", to=to), record, pooled, axes=order)


def _over(lower: Lowering, record: TracedCall, vertex: Vertex, axis: int, kind: str) -> Vertex:
    """All places of one axis as one."""
    return _of_axis(lower, record, vertex, axis, make(f"channel_{kind}"))


def _of_axis(
    lower: Lowering, record: TracedCall, vertex: Vertex, axis: int, layer: Layer
) -> Vertex:
    """A layer over channels, of any axis: while that and channels have changed places."""
    rank = len(vertex.shape)
    if axis == 0:
        return lower.vertex(layer, [vertex], record)
    names = {} if rank == 2 else {"first": named(0, rank), "second": named(axis, rank)}
    swap = make("transpose", **names)
    made = lower.vertex(layer, [lower.swapped(swap, vertex, record)], record)
    return lower.swapped(swap, made, record)
