"""From lark's reductions to the syntax tree of a .search file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lark import Token, v_args
from lark.tree import Meta

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import diagnose
from archdsl.syntax import search_tree as tree
from archdsl.syntax.build import Builder, unquote
from archdsl.syntax.tree import Argument, Node, Word

SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}


def read_duration(text: str) -> float:
    """The seconds of ``90s``, ``15min``, ``2h`` or ``1d``."""
    unit = next(u for u in ("min", "s", "h", "d") if text.endswith(u))
    return float(text.removesuffix(unit)) * SECONDS[unit]


@v_args(meta=True)
class SearchBuilder(Builder):
    """The statements of a .search file; expressions are built as those of .arch."""

    def search(self, meta: Meta, c: Sequence[Any]) -> tree.Search:
        return tree.Search(self.span(meta), self.word(c[0]))

    def spec(self, meta: Meta, c: Sequence[Any]) -> tree.Spec:
        name = self.word(c[0])
        if c[0].type == "STRING":
            name = Word(name.span, unquote(name.text))
        return tree.Spec(self.span(meta), name, () if c[1] is None else c[1][1])

    def varied(self, meta: Meta, c: Sequence[Any]) -> tree.Varied:
        path = ".".join(str(t) for t in c if isinstance(t, Token) and t.type == "NAME")
        domain = c[-1] if isinstance(c[-1], Node) else None
        return tree.Varied(self.span(meta), path, domain)  # type: ignore[arg-type]

    def vary(self, meta: Meta, c: Sequence[Any]) -> tree.Vary:
        return tree.Vary(self.span(meta), tuple(c))

    def budgets(self, meta: Meta, c: Sequence[Any]) -> tuple[Node, ...]:
        return tuple(x for x in c if x is not None)

    def hold(self, meta: Meta, c: Sequence[Any]) -> tree.Hold:
        knobs = tuple(self.word(t) for t in c[3:] if isinstance(t, Token) and t.type == "NAME")
        step = c[-1] if isinstance(c[-1], Node) else None
        return tree.Hold(self.span(meta), self.word(c[0]), c[1], c[2], knobs, step)

    def named(self, statement: str, meta: Meta, c: Sequence[Any]) -> tree.Named:
        arguments = () if c[1] is None else c[1][1]
        return tree.Named(self.span(meta), statement, self.word(c[0]), arguments)

    def data(self, meta: Meta, c: Sequence[Any]) -> tree.Named:
        return self.named("data", meta, c)

    def prune(self, meta: Meta, c: Sequence[Any]) -> tree.Named:
        return self.named("prune", meta, c)

    def sampler(self, meta: Meta, c: Sequence[Any]) -> tree.Named:
        return self.named("sampler", meta, c)

    def baseline(self, meta: Meta, c: Sequence[Any]) -> tree.Named:
        return self.named("baseline", meta, c)

    def setting(self, meta: Meta, c: Sequence[Any]) -> Argument:
        return Argument(self.span(meta), self.word(c[0]), c[1])

    def train(self, meta: Meta, c: Sequence[Any]) -> tree.Train:
        return tree.Train(self.span(meta), tuple(c))

    def tuned(self, meta: Meta, c: Sequence[Any]) -> tree.Tuned:
        return tree.Tuned(self.span(meta), self.word(c[0]), c[2])

    def tune(self, meta: Meta, c: Sequence[Any]) -> tree.Tune:
        return tree.Tune(self.span(meta), tuple(c))

    def objective(self, meta: Meta, c: Sequence[Any]) -> tree.Objective:
        minimize = c[0].type == "MINIMIZE"
        names = tuple(self.word(t) for t in c if t.type == "NAME")
        return tree.Objective(self.span(meta), minimize, names)

    def seeds(self, meta: Meta, c: Sequence[Any]) -> tree.Seeds:
        return tree.Seeds(self.span(meta), c[0], c[1])

    def trials(self, meta: Meta, c: Sequence[Any]) -> Node | tuple[Node, ...]:
        count = tree.Trials(self.span(meta), c[0])
        if c[1] is None:
            return count
        if str(c[1]) != "timeout":
            place = self.word(c[1]).span
            self.faults.append(
                diagnose(codes.UNEXPECTED, place, found=str(c[1]), expected=", expected `timeout`")
            )
        return count, tree.Timeout(self.span(meta), read_duration(str(c[2])))

    def timeout(self, meta: Meta, c: Sequence[Any]) -> tree.Timeout:
        return tree.Timeout(self.span(meta), read_duration(str(c[0])))

    def start(self, meta: Meta, c: Sequence[Any]) -> tuple[Node, ...]:
        found: list[Node] = []
        for item in c:
            if isinstance(item, tuple):
                found.extend(item)
            elif item is not None:
                found.append(item)
        return tuple(found)
