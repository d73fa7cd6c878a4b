"""Tensors whose axes were cut and moved, as the heads and windows of attention are: which places of
a vertex's tensor each axis runs over. Nothing is computed by it, and no layer stands for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, NamedTuple

import torch

from archdsl.layers.base import Shape

if TYPE_CHECKING:
    from archdsl.importing.values import Vertex

BATCH = -1


class Atom(NamedTuple):
    """``size`` places of an axis of a vertex's tensor, ``inner`` places apart. The batch is axis
    -1, channels are axis 0."""

    axis: int
    inner: int
    size: int


Group = tuple[Atom, ...]


@dataclass(frozen=True, slots=True)
class AxisSplit:
    """A tensor, the batch included: each of its axes runs over some atoms, the last one fastest;
    all its numbers are multiplied with ``factor``. The vertex's spatial axes were rolled by
    ``rolled`` before, if by anything."""

    vertex: Vertex
    axes: tuple[Group, ...]
    factor: float = 1.0
    rolled: Shape = ()

    @property
    def shape(self) -> Shape:
        return tuple(prod(atom.size for atom in group) for group in self.axes)

    @property
    def key(self) -> tuple[int, tuple[Group, ...], float]:
        """Equal for tensors that are the same, but for what rolled them."""
        return self.vertex.number, self.axes, self.factor

    @property
    def batch(self) -> int:
        """How many images it is of."""
        return next((atom.size for atom in self.atoms if atom.axis == BATCH), 1)

    @property
    def atoms(self) -> list[Atom]:
        return [atom for group in self.axes for atom in group]

    def permuted(self, order: Sequence[int]) -> AxisSplit:
        return replace(self, axes=tuple(self.axes[axis] for axis in order))

    def reshaped(self, to: Shape) -> AxisSplit | None:
        """The same numbers in their order in another shape; nothing where that cuts atoms
        unevenly."""
        left = self.atoms
        axes: list[Group] = []
        for size in to:
            group: list[Atom] = []
            while size > 1:
                if not left:
                    return None
                atom = left.pop(0)
                if atom.size > size:
                    if atom.size % size:
                        return None
                    rest = atom.size // size
                    left.insert(0, Atom(atom.axis, atom.inner, rest))
                    atom = Atom(atom.axis, atom.inner * rest, size)
                if size % atom.size:
                    return None
                group.append(atom)
                size //= atom.size
            axes.append(merged(group))
        return None if left else replace(self, axes=tuple(axes))


def merged(atoms: Sequence[Atom]) -> Group:
    """Atoms that follow each other within one axis are one."""
    out: list[Atom] = []
    for atom in atoms:
        last = out[-1] if out else None
        if last is not None and last.axis == atom.axis and last.inner == atom.inner * atom.size:
            out[-1] = Atom(atom.axis, atom.inner, last.size * atom.size)
        else:
            out.append(atom)
    return tuple(out)


def whole(shape: Shape, axis: int) -> Group:
    """All places of an axis; an axis of one place has none to run over."""
    return (Atom(axis, 1, shape[axis]),) if shape[axis] > 1 else ()


def cut_of(vertex: Vertex, order: Sequence[int], batch: int) -> AxisSplit:
    """A tensor that is a vertex's, its axes in another order."""
    first: Group = (Atom(BATCH, 1, batch),) if batch > 1 else ()
    return AxisSplit(vertex, (first, *(whole(vertex.shape, axis) for axis in order)))


def order_of(cut: AxisSplit, batch: int) -> tuple[int, ...] | None:
    """Which axis of the vertex each axis is, after the batch; nothing where that is not so."""
    first, *rest = cut.axes
    shape = cut.vertex.shape
    if cut.rolled or first != cut_of(cut.vertex, (), batch).axes[0] or len(rest) != len(shape):
        return None
    single = [axis for axis, size in enumerate(shape) if size == 1]
    order = []
    for group in rest:
        if not group:
            if not single:
                return None
            order.append(single.pop(0))
        elif len(group) == 1 and group == whole(shape, group[0].axis):
            order.append(group[0].axis)
        else:
            return None
    return tuple(order) if len(set(order)) == len(shape) else None


def in_order(cut: AxisSplit, batch: int, order: Sequence[int] | None = None) -> bool:
    """Whether the numbers are in the order in which the vertex has them, or would have them with
    its axes in another order."""
    if cut.rolled:
        return False
    plain = cut_of(cut.vertex, order or range(len(cut.vertex.shape)), batch)
    again = cut.reshaped(plain.shape)
    return again is not None and again.axes == plain.axes


def numbers_of(cut: AxisSplit, tensor: torch.Tensor) -> torch.Tensor:
    """A cut tensor, of its vertex's with the batch first."""
    strides = tensor.contiguous().stride()
    index = torch.zeros((), dtype=torch.long)
    for group in cut.axes:
        places = torch.zeros(1, dtype=torch.long)
        for atom in group:
            steps = torch.arange(atom.size) * atom.inner * strides[atom.axis + 1]
            places = (places[:, None] + steps).flatten()
        index = index[..., None] + places
    return tensor.flatten()[index] * cut.factor


class Squares(NamedTuple):
    """Squares of an image whose pixels were made channels: their side, whether the channels of each
    pixel are side by side, or its places in each channel, and whether places go down first."""

    side: int
    beside: bool
    down: bool


def squares_in(cut: AxisSplit) -> Squares | None:
    """The squares of an image whose pixels were made channels; nothing where that is not so."""
    shape = cut.vertex.shape
    if len(shape) != 3 or len(cut.axes) != 4 or len(cut.axes[1]) != 3 or cut.rolled:
        return None
    side = next(atom.size for atom in cut.axes[1] if atom.axis != 0)
    places = [Atom(1, 1, side), Atom(2, 1, side)]
    counts = [(axis, shape[axis] // side) for axis in (1, 2)]
    left: list[Group] = [(Atom(axis, side, n),) if n > 1 else () for axis, n in counts]
    of = list(whole(shape, 0))
    forms = {
        (*places, *of): Squares(side, True, False),
        (*of, *places): Squares(side, False, False),
        (*reversed(places), *of): Squares(side, True, True),
    }
    return forms.get(tuple(cut.axes[1])) if [*cut.axes[2:]] == left else None
