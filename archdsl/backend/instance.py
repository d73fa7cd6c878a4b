"""A part with what stands for its steps: one instance of a class."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from archdsl.backend.pieces import ExpressionPiece, LayerPiece, Piece, SharedPiece
from archdsl.backend.scope import Entry, Unrolled
from archdsl.ir.network import Op, Part

if TYPE_CHECKING:
    from archdsl.backend.plan import Plan


@dataclass(slots=True, eq=False)
class Instance:
    """A part, its scope, its pieces by label, and the shared modules that it has, by name."""

    part: Part
    scope: Unrolled
    pieces: dict[str, Piece]
    shared: dict[str, Piece] = field(default_factory=dict)
    uses_input: bool = True  # it works on its input, and not on tensors from outside alone

    def read_by(self, entry: Entry) -> tuple[int, ...]:
        """The values that a step's code reads: not its input, if it works on others alone."""
        if entry.picks or self.pieces[entry.label].uses_input:
            return entry.inputs
        return entry.inputs[1:]

    @property
    def all_pieces(self) -> list[Piece]:
        return [*self.shared.values(), *self.pieces.values()]

    def made_by(self, entry: Entry) -> Piece:
        """What stands for a step: of a call of a shared module of the part, the module."""
        piece = self.pieces[entry.label]
        if isinstance(piece, SharedPiece) and entry.module is not None and entry.module >= 0:
            return self.shared[self.part.shared[entry.module].name]
        return piece

    def plans(self) -> Iterator[Plan]:
        """The classes of the file that its code names."""
        for piece in self.all_pieces:
            yield from piece.plans()

    @property
    def size(self) -> int:
        """How many steps it is made of, those of its sequences too."""
        return sum(piece.size for piece in self.pieces.values())

    def reads_twice(self, label: str) -> bool:
        """Whether an expression names its operand more than once: it must not be computed twice."""
        piece = self.pieces[label]
        return isinstance(piece, ExpressionPiece) and piece.code.text.count("{x}") > 1


def lifted(instance: Instance, other: Instance) -> Instance:
    """An instance in which what stands for itself is a module, where it is one in the other; and a
    module one that does more, where it is that in the other."""
    pieces = dict(instance.pieces)
    for label, piece in instance.pieces.items():
        peer = other.pieces.get(label)
        if not isinstance(piece, (ExpressionPiece, LayerPiece)) or not isinstance(peer, LayerPiece):
            continue
        code = piece.code.module if isinstance(piece, ExpressionPiece) else piece.module.general
        if code is not None and peer.module.target == code.target:
            weights = piece.weights if isinstance(piece, LayerPiece) else ()
            pieces[label] = LayerPiece(code, weights, made=piece.made)
    return replace(instance, pieces=pieces)


def take_alike(a: Unrolled, b: Unrolled) -> bool:
    """Whether parts take as many tensors and modules from outside, and give as many tensors."""
    mine, theirs = ((len(s.part.imports), len(s.lent), len(s.part.given)) for s in (a, b))
    return mine == theirs


def blocks_of(part: Part) -> Iterator[Part]:
    """The blocks that a part applies, those in its labelled parts too."""
    for step in part.steps:
        if isinstance(step.op, Part):
            if step.op.kind == "block":
                yield step.op
            else:
                yield from blocks_of(step.op)


def block_origin(part: Part) -> tuple[str, int]:
    return "block", id(part.definition)


def draws(part: Part) -> bool:
    """Whether a part takes part in the draw of a FractalNet's column."""
    met = (s.op.layer.columns_met for p in part.parts() for s in p.steps if isinstance(s.op, Op))
    return any(columns is not None and columns.global_path > 0 for columns in met)
