"""The patterns that a class of their own stands for: dense blocks, and FractalNet's columns."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.backend.dense import LASTS, DensePiece
from archdsl.backend.pieces import ExpressionPiece, FractalPiece, Piece
from archdsl.backend.scope import Unrolled, needs_flat, scope_of
from archdsl.ir.network import Part
from archdsl.layers.base import Columns, Expression


class Containers:
    """Finds the containers of patterns; ``piece`` is what stands for a step."""

    def piece(
        self, scope: Unrolled, place: int, uses: Sequence[int], unit: str | None = None
    ) -> Piece:
        raise NotImplementedError

    def container(self, part: Part) -> DensePiece | FractalPiece | None:
        """The part of a dense or fractal pattern in its container, if it has its usual form."""
        if part.imports or part.shared or part.lent:
            return None
        if part.kind == "dense":
            return self.dense(part)
        if part.kind == "group" and part.name == "dense":
            return self.kept(part)
        if part.kind == "fractal":
            return self.fractal(part)
        return None

    def dense(self, part: Part) -> DensePiece | None:
        scope = scope_of(part)
        uses = [2] * (len(scope.entries) + 1)  # the container needs what a layer took again
        layers = []
        for i in range(0, len(scope.entries), 2):
            layer = scope.entries[i]
            sources = (0, *range(1, i + 2, 2))
            joined = i + 1 < len(scope.entries) and scope.entries[i + 1].inputs == sources
            if layer.inputs != (i,) or not joined:
                return None
            piece = self.unit(scope, i, uses, "layer")
            if piece is None:
                return None
            layers.append(piece)
        return DensePiece(layers, scope.entries[1].span)

    def kept(self, part: Part) -> DensePiece | None:
        """Layers one after the other, all of whose results are kept."""
        scope = scope_of(part)
        *entries, join = scope.entries
        uses = [2] * (len(scope.entries) + 1)
        sources = tuple(range(len(entries) + 1))
        code = None if join.layer is None else join.layer.torch(*join.inputs_shapes)
        joins = isinstance(code, Expression) and code.text.startswith("torch.cat([")
        if not joins or join.inputs != sources or not entries:
            return None
        layers = []
        for i, entry in enumerate(entries):
            piece = self.unit(scope, i, uses, "layer")
            if piece is None or entry.inputs != (i,) or entry.label != f"layer{i + 1}":
                return None
            layers.append(piece)
        return DensePiece(layers, join.span, LASTS)

    def fractal(self, part: Part) -> FractalPiece | None:
        scope = scope_of(part)
        uses = scope.uses()
        firsts, units = list[Piece](), list[Piece]()
        join: Columns | None = None
        for place, entry in enumerate(scope.entries):
            if len(entry.inputs) > 1:
                join = (entry.layer and entry.layer.columns_met) or join
                continue
            piece = self.unit(scope, place, uses, "unit")
            if piece is None or entry.repeat > 1:
                return None
            (firsts if entry.inputs == (0,) else units).append(piece)
        columns = len(firsts)
        alike = all(p == pieces[0] for pieces in (firsts, units) for p in pieces)
        if not firsts or not alike or len(units) != 2**columns - 1 - columns:
            return None
        local, whole = (0.0, 0.0) if join is None else (join.drop_path, join.global_path)
        return FractalPiece(columns, firsts[0], units[0] if units else None, local, whole)

    def unit(self, scope: Unrolled, place: int, uses: Sequence[int], name: str) -> Piece | None:
        """One of the layers of a pattern, if it can be made by itself."""
        entry, piece = scope.entries[place], self.piece(scope, place, uses, name)
        stateless = isinstance(piece, ExpressionPiece) or piece.needs_path
        return None if stateless or needs_flat(entry, entry.inputs_shapes[0]) else piece
