"""Modules that archdsl's own files have: known by their code, whatever their file is called."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from archdsl.importing.lower import Lowering, make, operation
from archdsl.importing.record import TracedCall
from archdsl.importing.single import KNOWN
from archdsl.importing.special import codes_of
from archdsl.importing.values import TensorValue
from archdsl.layers.base import alike

FILES = {
    "Attention": "attention",
    "WindowAttention": "attention",
    "RMSNorm": "rms_norm",
    "GlobalResponseNorm": "global_response_norm",
    "Sinusoids": "sinusoids",
    "Positions": "positions",
    "Prepend": "prepend",
}


def own_name(module: Any) -> str | None:
    """The operation of a module that is archdsl's own: ``own Attention``."""
    name = type(module).__name__
    if name not in FILES or type(module).__module__.startswith("torch."):
        return None
    return f"own {name}" if codes_of(type(module)) == _own_codes(name) else None


KNOWN.append(own_name)


@cache
def _own_codes(name: str) -> Any:
    return codes_of(getattr(import_module(f"archdsl.layers.modules.{FILES[name]}"), name))


@operation("own Attention")
def attention(lower: Lowering, record: TracedCall) -> TensorValue:
    m = record.module
    options = {"causal": m.causal, "rope": m.rope}
    given = {name: value for name, value in options.items() if value}
    if m.kv_heads != m.heads:
        given["kv_heads"] = m.kv_heads
    return lower.apply(make("attend", heads=m.heads, **given), record, lower.input(record))


@operation("own WindowAttention")
def window_attention(lower: Lowering, record: TracedCall) -> TensorValue:
    m, x = record.module, lower.input(record)
    options: dict[str, Any] = {"relative": True} if m.weight is not None else {}
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
