"""By how much the pieces of a class make an image smaller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from archdsl.backend.pieces import ExpressionPiece, LayerPiece, Piece
from archdsl.backend.sequences import SequencePiece
from archdsl.layers.base import Layer

if TYPE_CHECKING:
    from archdsl.backend.instance import Instance


def stride_of(piece: Piece, layers: Mapping[int, Layer]) -> int | None:
    """By how much a piece makes an image smaller; nothing where that is not known."""
    if isinstance(piece, SequencePiece):
        whole: int | None = 1
        for child in piece.children:
            own = stride_of(child.piece, layers) if child.repeat == 1 else None
            whole = None if whole is None or own is None else whole * own
        return whole
    if not isinstance(piece, (LayerPiece, ExpressionPiece)) or piece.made is None:
        return None
    layer, shapes, _ = piece.made
    if layer.shape(*shapes)[1:] == shapes[0][1:]:
        return getattr(layers.get(id(piece)), "stride", 1)
    traced = getattr(layers.get(id(piece)), "stride", None)
    return traced if isinstance(traced, int) else None


def stride_between(
    instance: Instance, start: int, end: int, layers: Mapping[int, Layer]
) -> int | None:
    """By how much the steps from one value to a later one make an image smaller; nothing where
    that is not known."""
    whole = 1
    while end > start:
        entry = instance.scope.entries[end - 1]
        own = None if entry.is_loop else stride_of(instance.pieces[entry.label], layers)
        if own is None:
            return None
        whole, end = own * whole, entry.inputs[-1]
    return whole if end == start else None


def written_stride(instance: Instance) -> int | None:
    """By how much a part without weights makes an image smaller along each axis; nothing where
    that is not known."""
    whole = 1
    for piece in instance.pieces.values():
        if not isinstance(piece, (LayerPiece, ExpressionPiece)) or piece.made is None:
            return None
        layer, shapes, _ = piece.made
        steps = {*layer.window(shapes[0])[1]}
        step = steps.pop() if len(steps) == 1 else None
        if not isinstance(step, int) or layer.weights(*shapes):
            return None
        whole *= step
    return whole
