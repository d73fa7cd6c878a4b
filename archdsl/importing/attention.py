"""Attention, as modules of PyTorch and people write it: heads are cut out of channels, queries
meet keys, and what comes of it meets values."""

from __future__ import annotations

from math import isclose
from operator import attrgetter
from typing import Any, NamedTuple

from archdsl.importing.biases import biased, biased_by, cells_of, given, is_causal
from archdsl.importing.cut import BATCH, Atom, AxisSplit, Group, merged, whole
from archdsl.importing.fixed import Looked
from archdsl.importing.layer_of import Gap, make
from archdsl.importing.lower import Lowering, operation
from archdsl.importing.queried import learned, of_queries, relative_keys
from archdsl.importing.record import Ref, Tied, TracedCall
from archdsl.importing.values import AttentionScores, OfQueries, TensorValue, Vertex
from archdsl.importing.weighted import linear_over_channels, turned_linear
from archdsl.layers.base import alike


class Heads(NamedTuple):
    """Queries, keys or values: heads of so many channels, and which pixels see each other."""

    vertex: Vertex
    heads: int
    each: int  # channels of a head
    sees: dict[str, Any]  # `windows` or `grid` of the layer, or that channels see each other
    factor: float


@operation("matmul", "bmm", "__matmul__")
def product(lower: Lowering, record: TracedCall) -> Any:
    a, b = lower.argument(record, 0, "input"), lower.argument(record, 1, "other")
    b = lower.argument(record, 1, "mat2") if b is None else b
    if isinstance(b, Tied) and len(b.shape) == 2:
        try:
            return turned_linear(lower, record, 0, b, None)
        except Gap as problem:
            source = record.args[0]
            if not isinstance(a, AxisSplit) or a.axes[-1] == whole(a.vertex.shape, 0):
                raise
            return of_queries(record, source, a, str(problem))
    if isinstance(a, AxisSplit) and learned(b):
        return of_queries(record, record.args[0], a, " with a parameter")
    return _product(lower, record, a, b)


@operation("addmm")
def product_and_shift(lower: Lowering, record: TracedCall) -> Any:
    """A linear layer as compilers write it: ``addmm(bias, x, weight.t())``."""
    bias, weight = lower.argument(record, 0, "input"), lower.argument(record, 2, "mat2")
    if not isinstance(bias, Tied) or not isinstance(weight, Tied):
        raise Gap(" that is not a linear layer")
    return turned_linear(lower, record, 1, weight, bias)


@operation("einsum")
def einsum(lower: Lowering, record: TracedCall) -> AttentionScores | AxisSplit | OfQueries:
    """Products of heads: ``bhid,bhjd->bhij`` and ``bhij,bhjd->bhid``, with any letters."""
    equation, *operands = record.args
    if len(operands) == 1 and isinstance(operands[0], tuple):
        operands = list(operands[0])
    given, _, out = str(equation).replace(" ", "").partition("->")
    first, _, second = given.partition(",")
    for one, other in (operands, operands[::-1]) if len(operands) == 2 else ():
        a, b = lower.value(one), lower.value(other)
        if isinstance(a, AxisSplit) and learned(b):
            return of_queries(record, one, a, f" of `{equation}`")
    if len(operands) != 2 or not first[:-2] == second[:-2] == out[:-2]:
        raise Gap(f" of `{equation}`")
    a, b = (lower.value(operand) for operand in operands)
    if first[-1] == second[-1] and out[-2:] == first[-2] + second[-2]:
        b = lower.cut(b)
        if not isinstance(b, AxisSplit):
            raise Gap(" of a parameter")
        b = _swapped(b)
    elif not (first[-1] == second[-2] and out[-2:] == first[-2] + second[-1]):
        raise Gap(f" of `{equation}`")
    return _product(lower, record, a, b)


def _product(lower: Lowering, record: TracedCall, a: Any, b: Any) -> AttentionScores | AxisSplit:
    a, b = lower.cut(a), lower.cut(b)
    if isinstance(b, AttentionScores) and b.turned and isinstance(a, AxisSplit):
        return _swapped(_weighed(lower, record, b, _swapped(a)))  # channels before pixels
    if isinstance(a, AttentionScores) and isinstance(b, AxisSplit) and not a.turned:
        return _weighed(lower, record, a, b)
    if not isinstance(a, AxisSplit) or not isinstance(b, AxisSplit):
        raise Gap(" with a parameter")
    keys = _swapped(b)
    for part in (a, keys):
        heads_of(part)
    return AttentionScores(a, keys, (*a.shape[:-1], keys.shape[-2]))


def _swapped(cut: AxisSplit) -> AxisSplit:
    axes = len(cut.axes)
    return cut.permuted([*range(axes - 2), axes - 1, axes - 2])


def _weighed(
    lower: Lowering, record: TracedCall, scores: AttentionScores, values: AxisSplit
) -> AxisSplit:
    if not scores.softmax:
        raise Gap(" of scores without softmax")
    plain = (*scores.queries.shape[:-1], scores.keys.shape[-2])
    if scores.shape != (plain if not scores.turned else (*plain[:-2], plain[-1], plain[-2])):
        raise Gap(" of scores in another shape")
    q, k = scores.queries, scores.keys
    given: dict[str, Any] = {
        "added": scores.added,
        "products": scores.products,
        "dropout": scores.dropout,
    }
    return attended(lower, record, q, k, values, scores.factor, **given)


@operation("scaled_dot_product_attention")
def fused(lower: Lowering, record: TracedCall) -> AxisSplit:
    q, k, v = (
        lower.cut(lower.argument(record, i, n)) for i, n in enumerate(("query", "key", "value"))
    )
    if not all(isinstance(part, AxisSplit) for part in (q, k, v)):
        raise Gap(" with a parameter")
    shape = (*q.shape[:-1], k.shape[-2])
    mask = given(record, 3, "attn_mask")
    scores = AttentionScores(q, k, shape)
    scores = scores if mask is None else biased_by(lower, scores, mask)
    dropout = lower.argument(record, 4, "dropout_p", 0.0)
    scale = lower.argument(record, 6, "scale")
    factor = q.shape[-1] ** -0.5 if scale is None else scale
    causal = bool(lower.argument(record, 5, "is_causal", False))
    added, products = scores.added, scores.products
    return attended(lower, record, q, k, v, factor, causal, added, products, dropout)


def heads_of(cut: AxisSplit) -> Heads:
    """What a tensor ``(batch, heads, pixels, channels)`` is. Raises ``Gap``."""
    shape = cut.vertex.shape
    if len(cut.axes) < 3 or len(shape) < 2:
        raise Gap(" of tensors that are not heads of channels")
    *leading, pixels, channels = cut.axes
    among = {}
    if channels == _pixels(shape) != pixels:
        among, pixels, channels = {"over": "channels"}, channels, pixels
    each = channels[0].size if channels else 1
    if channels != merged([Atom(0, 1, each)] * (each > 1)) or shape[0] % each:
        raise Gap(" of tensors whose channels are not last")
    heads = shape[0] // each
    left = [a for group in leading for a in group if a.axis != BATCH]
    head = Atom(0, each, heads)
    if heads > 1 and head not in left:
        raise Gap(" of tensors whose heads are not slices of the channels")
    apart = merged([a for a in left if a != head])
    if among and apart:
        raise Gap(" among channels within parts of an image")
    return Heads(cut.vertex, heads, each, among or _sees(shape, apart, pixels), cut.factor)


def _pixels(shape: tuple[int, ...]) -> Group:
    return tuple(a for axis in range(1, len(shape)) for a in whole(shape, axis))


def _sees(shape: tuple[int, ...], apart: Group, pixels: Group) -> dict[str, Any]:
    if not apart:
        if pixels != _pixels(shape):
            raise Gap(" of tensors whose pixels were reordered")
        return {}
    axes = range(1, len(shape))
    sides = {axis: next((a.size for a in pixels if a.axis == axis), 1) for axis in axes}
    for how in ("windows", "grid") if len(shape) == 3 else ():
        inner = {axis: 1 if how == "windows" else shape[axis] // sides[axis] for axis in axes}
        outer = {axis: sides[axis] if how == "windows" else 1 for axis in axes}
        left = {axis: shape[axis] // sides[axis] for axis in axes}
        seen = merged([Atom(x, inner[x], sides[x]) for x in axes if sides[x] > 1])
        other = merged([Atom(x, outer[x], left[x]) for x in axes if left[x] > 1])
        if (pixels, apart) == (seen, other):
            return {how: alike(tuple(sides.values()))}
    raise Gap(" within parts of an image that are not windows")


def attended(
    lower: Lowering,
    record: TracedCall,
    q: AxisSplit,
    k: AxisSplit,
    v: AxisSplit,
    factor: float,
    causal: bool = False,
    added: tuple[Looked, ...] = (),
    products: tuple[OfQueries, ...] = (),
    dropout: float = 0.0,
) -> AxisSplit:
    """Attention of heads. Raises ``Gap`` where it is not among the pixels of one tensor."""
    parts = [heads_of(part) for part in (q, k, v)]
    if any(part.sees != parts[0].sees for part in parts) or {q.rolled} != {k.rolled, v.rolled}:
        raise Gap(" between different windows")
    queries, keys, values = parts
    if keys.heads != values.heads or queries.each != keys.each:
        raise Gap(" with keys that have other channels than the queries, or heads than the values")
    left = factor * queries.factor * keys.factor / queries.each**-0.5
    rest = [queries.vertex, keys.vertex, values.vertex]
    keyed: dict[str, Tied] = {}
    if products:
        shape, cells = (*q.shape[:-1], k.shape[-2]), cells_of(q, queries.sees)
        before, keyed = relative_keys(q, products, shape, cells)
        if not isclose(before, 1, rel_tol=1e-6):
            rest[0] = lower.vertex(make("times", value=before), [queries.vertex], record)
        if not isclose(left / before, 1, rel_tol=1e-6):
            rest[1] = lower.vertex(make("times", value=left / before), [keys.vertex], record)
    elif not isclose(left, 1, rel_tol=1e-6):
        rest[0] = lower.vertex(make("times", value=left), [queries.vertex], record)
    elsewhere = any(part.vertex.shape[1:] != queries.vertex.shape[1:] for part in parts)
    if elsewhere or values.each != keys.each:
        if causal or added or products or queries.sees or q.rolled:
            whose = "of one tensor to another" if elsewhere else "with values of other channels"
            raise Gap(f" {whose}, within windows or with something added")
        given: dict[str, Any] = {"kv_heads": keys.heads} if keys.heads != queries.heads else {}
        given |= {"dropout": dropout} if dropout else {}
        both = [rest[0], side_by_side(lower, record, rest[1:])]
        made = lower.vertex(make("cross_attend", heads=queries.heads, **given), both, record)
        return AxisSplit(made, _of_values(q, queries, values), values.factor)
    if queries.sees.get("over") and (added or causal or products or keys.heads != queries.heads):
        raise Gap(" among channels, with something added or fewer heads of keys")
    options, weights = biased(q, queries.sees, added)
    if keys.heads != queries.heads:
        options["kv_heads"] = keys.heads
    if causal:
        options["causal"] = True
    if dropout:
        options["dropout"] = dropout
    if keyed:
        options["relative_keys"], weights = True, {**weights, **keyed}
    layer = make("attend", heads=queries.heads, **options)
    made = lower.vertex(layer, [side_by_side(lower, record, rest)], record, weights=weights)
    return AxisSplit(made, q.axes, values.factor, q.rolled)


def _of_values(q: AxisSplit, queries: Heads, values: Heads) -> tuple[Group, ...]:
    """The axes of a result: those of the queries, with as many channels a head as the values."""
    head, each = Atom(0, queries.each, queries.heads), values.each
    *leading, pixels, _ = q.axes
    moved = [tuple(head._replace(inner=each) if a == head else a for a in g) for g in leading]
    return (*moved, pixels, (Atom(0, 1, each),) if each > 1 else ())


def side_by_side(lower: Lowering, record: TracedCall, parts: list[Vertex]) -> Vertex:
    """The channels of several tensors: those of one where they are all of its parts in order."""
    return parted(parts) or lower.vertex(make("concat"), parts, record)


def parted(parts: list[Vertex]) -> Vertex | None:
    """The tensor of which several are all parts of its channels in order, if there is one."""
    source = parts[0].inputs[0] if parts[0].inputs else parts[0]
    at = 0
    for part in parts:
        if _first_channel(part) != at or part.inputs[0] is not source:
            return None
        at += part.shape[0]
    return source if at == source.shape[0] else None


def _first_channel(vertex: Vertex) -> int | None:
    """The first channel, from 0, of what is a part of a tensor's channels."""
    if vertex.layer is None:
        return None
    given = dict(vertex.layer.given())
    if vertex.op == "split":
        return (int(given["part"]) - 1) * int(vertex.shape[0])
    return int(given["first"]) - 1 if vertex.op == "slice" else None


@operation("MultiheadAttention")
def multihead(lower: Lowering, record: TracedCall) -> list[Any]:
    """PyTorch's module: a projection to queries, keys and values, attention, a projection."""
    m = record.module
    q, k, v = (lower.argument(record, i, n) for i, n in enumerate(("query", "key", "value")))
    if not isinstance(q, TensorValue) or len(q.axes) != 2 or not m.batch_first:
        raise Gap(" of tensors that are not (batch, tokens, channels): say `batch_first=True`")
    if q != k or k != v:
        raise Gap(" of several tensors")
    if q.plain:  # what comes in has its last axis last
        q = TensorValue(lower.once(make("transpose"), q.vertex, record), (1, 0))
        if record.args and isinstance(record.args[0], Ref):
            lower.assign(record.args[0], q)  # so that what it is added to stands likewise
    if m.in_proj_weight is None or m.bias_k is not None or m.add_zero_attn:
        raise Gap(" with keys of other channels (`kdim`), or with an added key and value")
    if lower.argument(record, 3, "key_padding_mask") is not None:
        raise Gap(" with a mask of tokens (`key_padding_mask`)")
    options: dict[str, Any] = {"heads": m.num_heads}
    mask = given(record, 5, "attn_mask")
    if mask is not None and is_causal(mask):
        options["causal"] = True
    elif mask is not None:
        raise Gap(" with a mask that is not causal")
    if m.dropout and record.training:
        options["dropout"] = m.dropout
    inward = _tied(record, weight="in_proj_weight", bias="in_proj_bias")
    outward = _tied(record, weight="out_proj.weight", bias="out_proj.bias")
    return [between(lower, record, q, options, inward, outward), None]


@operation("ShiftedWindowAttention")
def shifted(lower: Lowering, record: TracedCall) -> TensorValue:
    """Torchvision's module of Swin transformers, of images whose channels are last."""
    m, x = record.module, lower.input(record)
    if x.axes != (1, 2, 0):
        raise Gap(" of tensors whose channels are not last")
    (height, width), side = x.shape[:2], m.window_size[0]
    if len({*m.window_size}) > 1 or height % side or width % side or len({*m.shift_size}) > 1:
        raise Gap(
            f" of an image of {height}x{width} pixels, which does not divide into windows of {side}"
        )
    options: dict[str, Any] = {"heads": m.num_heads, "windows": side, "relative": True}
    if m.attention_dropout and record.training:
        options["dropout"] = m.attention_dropout
    shift = m.shift_size[0]
    if shift and min(height, width) <= side < max(height, width):
        raise Gap(" that are shifted along one axis only")
    if shift and side < height:
        options["shift"] = shift
    inward = _tied(record, weight="qkv.weight", bias="qkv.bias")
    outward = _tied(record, weight="proj.weight", bias="proj.bias")
    bias = _tied(record, weight="relative_position_bias_table")
    made = between(lower, record, x, options, inward, outward, bias)
    drops = m.dropout and record.training
    return lower.apply(make("dropout", p=m.dropout), record, made) if drops else made


def between(
    lower: Lowering,
    record: TracedCall,
    x: TensorValue,
    options: dict[str, Any],
    inward: dict[str, Tied],
    outward: dict[str, Tied],
    bias: dict[str, Tied] | None = None,
) -> TensorValue:
    """Attention with the projections around it."""
    inside = linear_over_channels(lower, record, x, inward)
    made = lower.vertex(make("attend", **options), [inside.vertex], record, weights=bias)
    return linear_over_channels(lower, record, TensorValue(made, x.axes), outward)


def _tied(record: TracedCall, **names: str) -> dict[str, Tied]:
    """Tensors of a module and of its parts, by our names of them; those that it has."""
    found = {}
    for ours, name in names.items():
        tensor = attrgetter(name)(record.module)
        if tensor is not None:
            key = f"{record.path}.{name}"
            found[ours] = Tied(key, tuple(tensor.shape), tensor.requires_grad, tensor)
    return found
