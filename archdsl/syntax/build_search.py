"""From lark's reductions to the syntax tree of a .search file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lark import Token

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import diagnose
from archdsl.diagnostics.source import Span
from archdsl.syntax import search_tree as tree
from archdsl.syntax.build import TreeBuilder, unquote
from archdsl.syntax.tree import Argument, Node, Poison, Word

SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}


def read_duration(text: str) -> float:
    """The seconds of ``90s``, ``15min``, ``2h`` or ``1d``."""
    unit = next(u for u in ("min", "s", "h", "d") if text.endswith(u))
    return float(text.removesuffix(unit)) * SECONDS[unit]


class SearchBuilder(TreeBuilder):
    """The statements of a .search file; expressions are built as those of .arch."""

    def search(self, span: Span, c: Sequence[Any]) -> tree.Search | Poison:
        if not c[0]:  # a blank: see archdsl.syntax.reader
            return Poison(span)
        return tree.Search(span, self.word(c[0]))

    def spec(self, span: Span, c: Sequence[Any]) -> tree.Spec:
        name = self.word(c[0])
        if c[0].type == "STRING":
            name = Word(name.span, unquote(name.text))
        return tree.Spec(span, name, () if c[1] is None else c[1][1])

    def varied(self, span: Span, c: Sequence[Any]) -> tree.Varied:
        path = ".".join(str(t) for t in c if isinstance(t, Token) and t.type == "NAME")
        domain = c[-1] if isinstance(c[-1], Node) else None
        return tree.Varied(span, path, domain)  # type: ignore[arg-type]

    def vary(self, span: Span, c: Sequence[Any]) -> tree.Vary:
        return tree.Vary(span, tuple(c))

    def budgets(self, span: Span, c: Sequence[Any]) -> tuple[Node, ...]:
        return tuple(x for x in c if x is not None)

    def hold(self, span: Span, c: Sequence[Any]) -> tree.Hold:
        knobs = tuple(self.word(t) for t in c[3:] if isinstance(t, Token) and t.type == "NAME")
        step = c[-1] if isinstance(c[-1], Node) else None
        return tree.Hold(span, self.word(c[0]), c[1], c[2], knobs, step)

    def named(self, statement: str, span: Span, c: Sequence[Any]) -> tree.Named:
        arguments = () if c[1] is None else c[1][1]
        return tree.Named(span, statement, self.word(c[0]), arguments)

    def data(self, span: Span, c: Sequence[Any]) -> tree.Named:
        return self.named("data", span, c)

    def prune(self, span: Span, c: Sequence[Any]) -> tree.Named:
        return self.named("prune", span, c)

    def sampler(self, span: Span, c: Sequence[Any]) -> tree.Named:
        return self.named("sampler", span, c)

    def baseline(self, span: Span, c: Sequence[Any]) -> tree.Named:
        return self.named("baseline", span, c)

    def setting(self, span: Span, c: Sequence[Any]) -> Argument:
        return Argument(span, self.word(c[0]), c[1])

    def train(self, span: Span, c: Sequence[Any]) -> tree.Train:
        return tree.Train(span, tuple(c))

    def train_with(self, span: Span, c: Sequence[Any]) -> tree.Train:
        word = self.word(c[0])
        return tree.Train(span, tuple(c[1:]), Word(word.span, unquote(word.text)))

    def train_table(self, span: Span, c: Sequence[Any]) -> tree.Train:
        word = self.word(c[0])
        return tree.Train(span, tuple(c[1:]), Word(word.span, unquote(word.text)), True)

    def tuned(self, span: Span, c: Sequence[Any]) -> tree.Tuned:
        return tree.Tuned(span, self.word(c[0]), c[2])

    def tune(self, span: Span, c: Sequence[Any]) -> tree.Tune:
        return tree.Tune(span, tuple(c))

    def explore(self, span: Span, c: Sequence[Any]) -> tree.Explore:
        return tree.Explore(span, c[0])

    def objective(self, span: Span, c: Sequence[Any]) -> tree.Objective:
        minimize = c[0].type == "MINIMIZE"
        names = tuple(self.word(t) for t in c if t.type == "NAME")
        return tree.Objective(span, minimize, names)

    def seeds(self, span: Span, c: Sequence[Any]) -> tree.Seeds:
        return tree.Seeds(span, c[0], c[1])

    def settle(self, span: Span, c: Sequence[Any]) -> tree.Settle:
        return tree.Settle(span, c[0])

    def folds(self, span: Span, c: Sequence[Any]) -> tree.Folds:
        return tree.Folds(span, c[0])

    def difference(self, span: Span, c: Sequence[Any]) -> tree.Target:
        return tree.Target(span, c[0], None if c[1] is None else self.word(c[1]))

    def trials(self, span: Span, c: Sequence[Any]) -> Node | tuple[Node, ...]:
        count = tree.Trials(span, c[0])
        if c[1] is None:
            return count
        if str(c[1]) != "timeout":
            place = self.word(c[1]).span
            self.faults.append(
                diagnose(codes.UNEXPECTED, place, found=str(c[1]), expected=", expected `timeout`")
            )
        return count, tree.Timeout(span, read_duration(str(c[2])))

    def timeout(self, span: Span, c: Sequence[Any]) -> tree.Timeout:
        return tree.Timeout(span, read_duration(str(c[0])))

    def start(self, span: Span, c: Sequence[Any]) -> tuple[Node, ...]:
        found: list[Node] = []
        for item in c:
            if isinstance(item, tuple):
                found.extend(item)
            elif item is not None:
                found.append(item)
        return tuple(found)
