"""What a module needs that the language has no layers for, as layers of one's own."""

from __future__ import annotations

from torch import nn

from archdsl.diagnostics.model import ArchError
from archdsl.importing import padding
from archdsl.importing.calls import TensorExpression
from archdsl.importing.custom import Custom, Missing, OperationUse, custom_of
from archdsl.importing.gaps import gaps
from archdsl.importing.incoming import Inputs
from archdsl.importing.lower import Lowering
from archdsl.importing.record import record
from archdsl.layers.base import Shape

BATCH = 2


def custom_for(module: nn.Module, inputs: Inputs) -> tuple[Custom, list[Missing]]:
    """Layers for all operations that lack one, in training and in evaluation; and these operations.

    Raises ``ArchError`` (A654) where one of them cannot be written as a layer."""
    found: dict[tuple[TensorExpression | None, tuple[Shape, ...]], OperationUse] = {}
    missing: list[Missing] = []
    for training in (True, False):
        recording = record(module, BATCH, inputs, training)
        moving = padding.moving(module, BATCH, inputs, recording)
        while True:
            custom = custom_of(found.values())
            left = Lowering(recording, custom, moving).missing
            now = [gap for gap in left if not gap.follows]  # of what follows, the rest comes next
            fresh = {(u.code, u.inputs): u for gap in now for u in gap.uses}
            if any(gap.unwritable is not None for gap in now):
                raise ArchError(gaps([*missing, *now]))
            if not fresh.keys() - found.keys():
                break
            missing += now
            found |= fresh
        if left:  # what has a layer, and is none in this form
            raise ArchError(gaps(left))
    return custom_of(found.values()), missing
