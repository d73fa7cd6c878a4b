"""Norms of the channels at each pixel: those of PyTorch and timm, and those that a model writes
out along whatever axis it has its channels."""

from __future__ import annotations

from typing import Any

from archdsl.importing.layer_of import Gap, make
from archdsl.importing.lower import Lowering, operation
from archdsl.importing.record import Tied, TracedCall
from archdsl.importing.values import TensorValue
from archdsl.importing.weighted import per_axis, weight_of
from archdsl.importing.written_out import ALONG, LAYER, RMS


@operation("RMSNorm", "RmsNorm", "RmsNorm2d")
def rms_norm_module(lower: Lowering, record: TracedCall) -> TensorValue:
    """PyTorch's module, and timm's, of channels that are last or, with ``2d``, first."""
    m, first = record.module, record.op == "RmsNorm2d"
    weights = lower.tied(record, weight=m.weight)
    axis = (1 if first else -1) if len(m.normalized_shape) == 1 else None
    return _rms_norm(lower, record, axis, m.eps, weights)


@operation(RMS)
def rms_norm_function(lower: Lowering, record: TracedCall) -> TensorValue:
    shape = per_axis(lower.argument(record, 1, "normalized_shape"), 1)
    eps = lower.argument(record, 3, "eps")
    return _rms_norm(lower, record, -1 if len(shape) == 1 else None, eps, _weights(lower, record))


@operation(RMS + ALONG)
def rms_norm_along(lower: Lowering, record: TracedCall) -> TensorValue:
    return _rms_norm(lower, record, record.args[1], record.args[3], _weights(lower, record))


@operation(LAYER + ALONG)
def layer_norm_along(lower: Lowering, record: TracedCall) -> TensorValue:
    weights = _weights(lower, record, "weight", "bias")
    arguments: dict[str, Any] = {"eps": record.args[4], "affine": bool(weights)}
    if set(weights) == {"weight"}:
        arguments["bias"] = False
    x = _with_channels(lower, record, record.args[1])
    over = {"over": "channels"} if len(x.axes) > 1 else {}
    return lower.apply(make("layer_norm", **arguments, **over), record, x, weights=weights)


def _rms_norm(
    lower: Lowering,
    record: TracedCall,
    axis: int | None,
    eps: float | None,
    weights: dict[str, Tied],
) -> TensorValue:
    if eps is None:
        raise Gap(" with eps = None, which depends on the precision: say `eps=1e-6`")
    if axis is None or not weights:
        raise Gap(" over several axes, or without factors")
    x = _with_channels(lower, record, axis)
    return lower.apply(make("rms_norm", eps=eps), record, x, weights=weights)


def _with_channels(lower: Lowering, record: TracedCall, axis: int) -> TensorValue:
    """The tensor of a norm, with channels as its axis. Raises ``Gap`` where they are another."""
    x = lower.input(record)
    at = axis % (len(x.axes) + 1) - 1
    if at >= 0 and x.axes[at] != 0 and len(x.axes) == 2:
        x = lower.turned(x, record)
    if at < 0 or x.axes[at] != 0:
        raise Gap(" over a spatial axis")
    return x


def _weights(lower: Lowering, record: TracedCall, *names: str) -> dict[str, Tied]:
    """The parameters of a function, which stand after the axes that it is of."""
    found = {
        name: weight_of(lower.argument(record, place, name))
        for place, name in enumerate(names or ("weight",), 2)
    }
    return {name: tied for name, tied in found.items() if tied is not None}
