"""The fractal expansion rule."""

from __future__ import annotations

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import fault
from archdsl.elaborate.groups import run_named
from archdsl.elaborate.machine import Frame
from archdsl.elaborate.patterns.base import Pattern, Use, join_arms, last_span
from archdsl.layers.arguments import Chance, Count
from archdsl.layers.join import FractalJoin, Join, Mean

MAX_COLUMNS = 12


class Fractal(Pattern):
    """The expansion rule of FractalNet (Larsson et al. 2017, arXiv:1605.07648):
    ``f(1) = body``, ``f(C + 1) = join(f(C) -> f(C), body)``.

    Column ``c`` of ``columns`` (the shallowest is 1) holds ``2^(c - 1)`` bodies. Adjacent
    joins are one, and the joined tensor goes on in every column that took part.
    ``drop_path`` is the probability of local drop-path, ``global_path`` the share of
    mini-batches in which one column of the whole network is trained alone (half of them,
    as in the paper, unless told; none without ``drop_path``).
    """

    columns: Count
    drop_path: Chance = 0.0
    global_path: Chance | None = None

    name = "fractal"

    def run(self, use: Use, frame: Frame) -> None:
        if self.columns > MAX_COLUMNS:
            raise fault(codes.TOO_MANY_COLUMNS, use.span, columns=self.columns, most=MAX_COLUMNS)
        run_named(lambda f: self.expand(use, f), frame, "fractal", use.span, kind="fractal")

    def expand(self, use: Use, frame: Frame) -> None:
        frame.b.several = True
        count = self.columns
        span = last_span(use.body)
        heads = [frame.here(use.span)] * count
        for step in range(1, 2 ** (count - 1) + 1):
            ending = [c for c in range(count) if step % 2 ** (count - 1 - c) == 0]
            for c in ending:
                frame.x = heads[c]
                name = f"column{c + 1}"
                run_named(lambda f: frame.m.run(use.body, f), frame, name, span, title="unit")
                if frame.x is None:
                    return
                heads[c] = frame.here(span)
            if len(ending) > 1:
                arms = [(heads[c], span) for c in ending]
                join_arms(frame.m.intern(self.join(ending)), arms, use, frame)
                for c in ending:
                    heads[c] = frame.here(span)

    def join(self, ending: list[int]) -> Join:
        whole = self.global_path
        if whole is None:
            whole = 0.5 if self.drop_path else 0.0
        if not self.drop_path and not whole:
            return Mean()
        return FractalJoin(tuple(c + 1 for c in ending), self.columns, self.drop_path, whole)
