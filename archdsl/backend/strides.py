"""By how much the pieces of a class make an image smaller."""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.backend.pieces import ExpressionPiece, LayerPiece, Piece, SequencePiece
from archdsl.layers.base import Layer


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
