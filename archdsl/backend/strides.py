"""By how much the pieces of a class make an image smaller."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archdsl.backend.conditions import changes, fixed
from archdsl.backend.dense import DensePiece
from archdsl.backend.pieces import ExpressionPiece, FractalPiece, LayerPiece, Piece, PlanPiece
from archdsl.backend.scope import SHORTCUT, Entry
from archdsl.backend.sequences import SequencePiece
from archdsl.backend.terms import Num, Word, opposite, same
from archdsl.layers.base import Layer

if TYPE_CHECKING:
    from archdsl.backend.flow import ClassTerms
    from archdsl.backend.instance import Instance


@dataclass(slots=True)
class Strides:
    """What is known of the pieces of a class: their layers, whose numbers may be terms, and by how
    much those that are classes of the file make an image smaller."""

    layers: dict[int, Layer] = field(default_factory=dict)
    calls: dict[int, int | None] = field(default_factory=dict)


def stride_of(piece: Piece, known: Strides) -> int | None:
    """By how much a piece makes an image smaller; nothing where that is not known."""
    if isinstance(piece, SequencePiece):
        whole: int | None = 1
        for child in piece.children:
            own = stride_of(child.piece, known) if child.repeat == 1 else None
            whole = None if whole is None or own is None else whole * own
        return whole
    if isinstance(piece, PlanPiece):
        return known.calls.get(id(piece))
    if isinstance(piece, DensePiece):
        return 1  # what is joined is of one size
    if isinstance(piece, FractalPiece):
        return stride_of(piece.first, known)
    if not isinstance(piece, (LayerPiece, ExpressionPiece)) or piece.made is None:
        return None
    layer, shapes, _ = piece.made
    if layer.shape(*shapes)[1:] == shapes[0][1:]:
        return getattr(known.layers.get(id(piece)), "stride", 1)
    traced = getattr(known.layers.get(id(piece)), "stride", None)
    return traced if isinstance(traced, int) else None


def stride_between(instance: Instance, start: int, end: int, known: Strides) -> int | None:
    """By how much the steps from one value to a later one make an image smaller; nothing where
    that is not known."""
    whole = 1
    while end > start:
        entry = instance.scope.entries[end - 1]
        piece = instance.made_by(entry)
        own = None if entry.is_loop else stride_of(piece, known)
        if own is None:
            return None
        whole, end = own * whole, entry.inputs[-1]
    return whole if end == start else None


def projected(
    flow: ClassTerms, instance: Instance, place: int, found: Mapping[int, int]
) -> tuple[int, int | None] | None:
    """The channels of a body that the shortcut at a place is added to, and its stride."""
    shortcut = instance.scope.entries[place - 1]
    if shortcut.name != SHORTCUT or len(shortcut.inputs) != 1:
        return None
    for entry in instance.scope.entries[place:]:
        end = entry.inputs[-1]
        if entry.inputs[0] == place and flow.is_said(instance, end, found):
            return found[end], stride_between(instance, shortcut.inputs[0], end, flow.strides)
    return None


def as_written(flow: ClassTerms, piece: Piece, entry: Entry, here: int) -> Iterator[Word]:
    """What the shortcut at hand does, if it has no weights, where that is written in it: its
    stride, and how many channels it adds."""
    if flow.projected is None or not isinstance(piece, PlanPiece) or piece.plan.definition:
        return
    wanted, stride = flow.projected
    strides = {written_stride(instance) for instance in piece.plan.instances}
    step = strides.pop() if len(strides) == 1 else None
    if step is None:
        return
    terms, alike = list[tuple[int, int, int]](), None
    if isinstance(stride, Num):
        terms.append((stride, step, 1))
    widths = flow.widths[entry.label]
    added = {out - into for into, out in widths}
    if len(added) == 1 and not same(wanted, here):
        terms.append((wanted - here, added.pop(), 0))
    elif not same(wanted, here):
        alike = opposite(changes(here, wanted, 1))
    if terms:
        yield fixed(terms, len(widths) < flow.count, alike)


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
