"""Modules that archdsl's own files have: known by their code, whatever their file is called."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import import_module
from typing import Any

from archdsl.importing.custom import Missing
from archdsl.importing.earlier import EARLIER
from archdsl.importing.layer_of import Gap, make
from archdsl.importing.lower import Lowering, operation
from archdsl.importing.record import Ref, TracedCall
from archdsl.importing.single import KNOWN
from archdsl.importing.special import codes_of
from archdsl.importing.values import TensorValue, Vertex
from archdsl.layers.base import alike

FILES = {
    "Attention": "layers.modules.attention",
    "ChannelAttention": "layers.modules.attention",
    "CrossAttention": "layers.modules.cross_attention",
    "WindowAttention": "layers.modules.attention",
    "RMSNorm": "layers.modules.rms_norm",
    "HeadRMSNorm": "layers.modules.rms_norm",
    "GlobalResponseNorm": "layers.modules.global_response_norm",
    "Sinusoids": "layers.modules.sinusoids",
    "Positions": "layers.modules.positions",
    "Prepend": "layers.modules.prepend",
    "ColumnMean": "backend.helpers.column_mean",
}


def own_name(module: Any) -> str | None:
    """The operation of a module that is archdsl's own: ``own Attention``."""
    name = type(module).__name__
    if name not in FILES or type(module).__module__.startswith("torch."):
        return None
    return f"own {name}" if codes_of(type(module)) in _own_codes(name) else None


KNOWN.append(own_name)
PATH = "path"  # the draw of a network, in what is remembered of it
OTHER_DRAW = " with another draw than that of its network"


@cache
def _own_codes(name: str) -> list[Any]:
    """What the methods of a class do, and did in sources that were compiled earlier."""
    now = getattr(import_module(f"archdsl.{FILES[name]}"), name)
    return [codes_of(cls) for cls in (now, *EARLIER.get(name, ()))]


def _of_attention(record: TracedCall) -> dict[str, Any]:
    """The heads of keys and values where they are others, and the dropout of weights where it
    acts."""
    m = record.module
    dropout = getattr(m, "dropout", 0.0)
    given: dict[str, Any] = {"dropout": dropout} if dropout and record.training else {}
    fewer = getattr(m, "kv_heads", m.heads) != m.heads
    return {**given, "kv_heads": m.kv_heads} if fewer else given


@operation("own Attention")
def attention(lower: Lowering, record: TracedCall) -> TensorValue:
    m = record.module
    options = {"causal": m.causal, "rope": m.rope}
    given = {name: value for name, value in options.items() if value} | _of_attention(record)
    return lower.apply(make("attend", heads=m.heads, **given), record, lower.input(record))


@operation("own CrossAttention")
def cross_attention(lower: Lowering, record: TracedCall) -> TensorValue:
    layer = make("cross_attend", heads=record.module.heads, **_of_attention(record))
    x, context = lower.input(record, 0, "x"), lower.input(record, 1, "context")
    return lower.apply(layer, record, lower.plain(x, record), lower.plain(context, record))


@operation("own ChannelAttention")
def channel_attention(lower: Lowering, record: TracedCall) -> TensorValue:
    layer = make("attend", heads=record.module.heads, over="channels", **_of_attention(record))
    return lower.apply(layer, record, lower.input(record))


@operation("own WindowAttention")
def window_attention(lower: Lowering, record: TracedCall) -> TensorValue:
    m, x = record.module, lower.input(record)
    options = _of_attention(record) | ({"relative": True} if m.weight is not None else {})
    if m.height_rel is not None:
        options["relative_keys"] = True
    if m.grid:
        options["grid"] = alike(m.side)
    elif tuple(m.side) != x.shape[1:] or m.shift:
        options["windows"] = alike(m.side)
    if m.shift:
        options["shift"] = m.shift
    tensors = {name: getattr(m, name) for name in ("weight", "height_rel", "width_rel")}
    weights = lower.tied(record, **tensors)
    return lower.apply(make("attend", heads=m.heads, **options), record, x, weights=weights)


@operation("own RMSNorm")
def rms_norm(lower: Lowering, record: TracedCall) -> TensorValue:
    m = record.module
    weights = lower.tied(record, weight=m.weight)
    return lower.apply(make("rms_norm", eps=m.eps), record, lower.input(record), weights=weights)


@operation("own HeadRMSNorm")
def head_norm(lower: Lowering, record: TracedCall) -> TensorValue:
    m, x = record.module, lower.input(record)
    heads = x.vertex.shape[0] // m.weight.shape[0]
    layer = make("rms_norm", eps=m.eps, heads=heads)
    return lower.apply(layer, record, x, weights=lower.tied(record, weight=m.weight))


@operation("own GlobalResponseNorm")
def response_norm(lower: Lowering, record: TracedCall) -> TensorValue:
    m = record.module
    weights = lower.tied(record, weight=m.weight, bias=m.bias)
    return lower.apply(make("grn", eps=m.eps), record, lower.input(record), weights=weights)


@operation("own Sinusoids")
def sinusoids(lower: Lowering, record: TracedCall) -> TensorValue:
    layer = make("sinusoids", base=float(record.module.base))
    return lower.apply(layer, record, lower.input(record))


@operation("own Positions")
def positions(lower: Lowering, record: TracedCall) -> TensorValue:
    weights = lower.tied(record, weight=record.module.weight)
    return lower.apply(make("positions"), record, lower.input(record), weights=weights)


@operation("own Prepend")
def prepend(lower: Lowering, record: TracedCall) -> TensorValue:
    weight = record.module.weight
    layer = make("prepend", tokens=weight.shape[1])
    tied = lower.tied(record, weight=weight)
    return lower.apply(layer, record, lower.input(record), weights=tied)


@operation("own ColumnMean")
def column_mean(lower: Lowering, record: TracedCall) -> TensorValue:
    """Where columns of a fractal meet. Of how many columns they are, ``simplify`` finds."""
    columns: dict[int, Ref] = lower.argument(record, 0, "inputs")
    if not all(isinstance(column, int) for column in columns):
        raise Gap(" of columns that have no numbers")
    values = [lower.settled(lower.value(ref), record) for ref in columns.values()]
    if not all(isinstance(value, TensorValue) for value in values):
        raise Gap(" of a parameter")
    taken = [lower.plain(value, record) for value in values]
    path = record.args[1] if len(record.args) > 1 else record.kwargs.get("path")
    drop = record.module.drop_path
    if len(taken) == 1:
        return taken[0]
    if not record.training or not (drop or path):
        return lower.apply(make("mean"), record, *taken)
    met = tuple(column + 1 for column in columns)
    share = _share(lower, path) if path else 0.0
    layer = make("fractal_join", columns=met, of=met[-1], drop_path=drop, global_path=share)
    return lower.apply(layer, record, *taken)


def _share(lower: Lowering, path: Any) -> float:
    """In which share of mini-batches one column of the whole network is trained alone: there is one
    draw of it, a random number that is less than the share, and that of the column."""
    found = _drawn(path)
    if found is None or lower.memo.setdefault(PATH, path) != path:
        raise Gap(OTHER_DRAW)
    return found[0]


def _drawn(path: Any) -> tuple[float, int] | None:
    """The share that a draw is of, and of how many columns one is drawn from the first on; nothing
    where it is drawn otherwise."""
    if not isinstance(path, tuple) or not all(isinstance(ref, Ref) for ref in path):
        return None
    whole, column = (ref.record for ref in path)
    first, share = whole.args if len(whole.args) == 2 else (None, None)
    if whole.op not in ("lt", "__lt__") or not isinstance(first, Ref):
        return None
    single = [first.record.shapes, column.shapes] == [[()], [()]]
    if (first.record.op, column.op) != ("rand", "randint") or not single:
        return None
    ends = (*column.args, column.kwargs.get("low"), column.kwargs.get("high"))
    numbers = [end for end in ends if isinstance(end, int)]
    if not numbers or any(numbers[:-1]) or not isinstance(share, (int, float)):
        return None
    return float(share), numbers[-1]


def other_draw(lower: Lowering, vertices: Iterable[Vertex]) -> list[Missing]:
    """What stands in the way where the column that is trained alone is drawn of another number of
    columns than the network has at most."""
    joins: list[tuple[int, str]] = []
    drawn = _drawn(lower.memo.get(PATH))
    for vertex in vertices if drawn is not None else ():
        met = None if vertex.layer is None else vertex.layer.columns_met
        joins += [] if met is None else [(met.of, vertex.path)]
    if drawn is None or not joins or drawn[1] == max(joins)[0]:
        return []
    return [Missing("own ColumnMean", OTHER_DRAW, max(joins)[1], None)]
