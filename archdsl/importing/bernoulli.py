"""Stochastic depth and dropout that a model writes out: a mask of ones and zeros drawn in training,
and a division by the probability of a one."""

from __future__ import annotations

from math import isclose
from typing import Any, NamedTuple

from archdsl.importing.layer_of import Gap, make
from archdsl.importing.lower import OPERATIONS, Lowering, operation
from archdsl.importing.record import Ref, TracedCall
from archdsl.importing.values import Computed, TensorValue
from archdsl.layers.base import Shape


class Mask(NamedTuple):
    """Ones with probability ``keep``, else zeros, times ``factor``."""

    keep: float
    factor: float
    shape: Shape


@operation("new_empty", "empty_like")
def room(lower: Lowering, record: TracedCall) -> Computed:
    """Memory for a mask."""
    return Computed(True, Ref(record))


def mask_of(lower: Lowering, value: Any) -> Mask | None:
    """The mask that a value is, if it was drawn as one."""
    if not isinstance(value, Computed) or value.of is None:
        return None
    record = value.of.record
    if record.op == "bernoulli_":
        keep = lower.argument(record, 1, "p", 0.5)
        drawn = isinstance(keep, float) and 0 < keep < 1
        return Mask(keep, 1.0, record.shapes[0] or ()) if drawn else None
    if OPERATIONS.get(record.op.rstrip("_")) is OPERATIONS["div"]:
        mask = mask_of(lower, lower.argument(record, 0, "input"))
        by = lower.argument(record, 1, "other")
        plain = isinstance(by, (int, float)) and by and not record.kwargs.get("rounding_mode")
        return mask._replace(factor=mask.factor / by) if mask is not None and plain else None
    return None


def masked(lower: Lowering, record: TracedCall, x: Any, mask: Mask) -> TensorValue:
    """A tensor times a mask: what is left has to be divided by the probability of a one, before or
    after that. Raises ``Gap``."""
    if not isinstance(x, TensorValue):
        raise Gap(" of a parameter and a mask that is drawn")
    if not lower.training:
        raise Gap(" with a mask that is drawn in evaluation, too")
    source, factor = x.vertex, mask.factor
    if not isclose(factor * mask.keep, 1, rel_tol=1e-6) and source.op == "times":
        given = dict(source.layer.given()) if source.layer is not None else {}
        factor *= 1.0 if given.get("learned") else float(given["value"])
        source = source.inputs[0]
    if not isclose(factor * mask.keep, 1, rel_tol=1e-6):
        raise Gap(" with a mask that is drawn: divide what remains by the probability of a one")
    batch, *rest = mask.shape or (0,)
    if batch == lower.batch and set(rest) <= {1}:
        made = lower.vertex(make("identity"), [source], record, drop=round(1 - mask.keep, 12))
    elif tuple(rest) == x.shape:
        made = lower.vertex(make("dropout", p=round(1 - mask.keep, 12)), [source], record)
    else:
        raise Gap(" with a mask that is neither one for each image nor one for each number")
    return TensorValue(made, x.axes)
