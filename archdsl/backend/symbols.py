"""What a constructor's values have in common: literals, parameters, and expressions of them.

A class of the emitted source stands for several instances. Every value in it is a *vector*:
what it is in each instance. Values that agree are written down; those that follow from a
parameter of the block (``4 * width``) are written as that; what is left becomes a parameter.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from math import lcm
from types import CodeType
from typing import TYPE_CHECKING, Any

from archdsl.backend.conditions import cannot_fail, partly
from archdsl.backend.names import identifier
from archdsl.backend.python import Code, Const, ModuleClass, Text
from archdsl.backend.terms import ATOM, Num, Real, Word

if TYPE_CHECKING:
    from archdsl.backend.flow import ClassTerms

ABSENT: Any = object()  # an instance that has no such value: anything will do

Vector = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class ValueSource:
    """What a value is of: the piece in each instance, and which of its arguments, keywords, values
    or, of a class of the file, parameters."""

    pieces: tuple[Any, ...]
    kind: str
    key: Any


NOWHERE = ValueSource((), "", None)  # its text is not known


@dataclass(slots=True)
class InitParameter:
    """A parameter of a constructor, with its value in each instance. ``own`` ones are the
    spec's; the others were made."""

    name: str
    values: Vector
    default: Any = ABSENT
    used: bool = False
    own: bool = False
    origin: str = ""  # what the spec calls it
    idle: frozenset[int] = frozenset()  # the instances for which any value will do
    sources: list[ValueSource] = field(default_factory=list)  # what it was made for

    @property
    def annotation(self) -> str:
        kinds = {type(v) for v in self.values if v is not ABSENT}
        names = [t.__name__ for t in (bool, int, float, str) if t in kinds]
        if names == ["int", "float"]:
            names = ["float"]
        if tuple in kinds:
            names.append("tuple[int, ...]")
        if ModuleClass in kinds:
            names.append("type[nn.Module]")
        return " | ".join(names) or "object"


@dataclass(slots=True)
class Symbols:
    """The parameters of one class. ``express`` finds or makes what a vector needs."""

    count: int
    flow: ClassTerms
    locals: dict[str, str] = field(default_factory=dict)  # variables with their expressions
    used_locals: set[str] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)  # of parameters, by those of the spec
    parameters: list[InitParameter] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    known: dict[tuple[Any, ...], Code] = field(default_factory=dict)
    constants: list[ValueSource] = field(default_factory=list)  # what all instances have alike

    def offer(
        self,
        name: str,
        values: Sequence[Any],
        default: Any = ABSENT,
        own: bool = False,
        origin: str = "",
    ) -> None:
        """A parameter that is there if it is needed."""
        if not all(map(_is_plain, values)):
            return
        plain = tuple(float(v) if isinstance(v, Fraction) else v for v in values)
        if {type(v) for v in plain} == {int, float}:
            plain = tuple(map(float, plain))
            default = float(default) if default is not ABSENT else default
        origin, name = origin or name, self.new_name(name)
        self.names[origin] = name
        self.parameters.append(InitParameter(name, plain, default, own=own, origin=origin))

    def new_name(self, *wanted: str) -> str:
        """The first of the names that is free."""
        free = [name for name in wanted if identifier(name, self.taken) == name]
        name = free[0] if free else identifier(wanted[-1], self.taken)
        self.taken.add(name)
        return name

    def express(
        self, values: Vector, *names: str, term: Any = None, source: ValueSource | None = None
    ) -> Code:
        """Code for a value: its ``term``, if the spec says it; or a parameter that is made for
        it, which gets a free one of ``names``, and notes its ``source``."""
        present = [v for v in values if v is not ABSENT]
        if not present:
            return Const(None)
        first = present[0]
        if self.says(term, values):
            return self.said(term)
        alike = all(type(v) is type(first) and v == first for v in present)
        if alike and not (isinstance(term, Num) and len(present) > 1 and self.varies(term)):
            self.constants.append(source or NOWHERE)
            return Const(first)
        key = tuple((type(v), v) for v in values)
        code = self.known.get(key)
        if code is None:
            code = self.known[key] = self.make(values, names)
        made = next((p for p in self.parameters if p.name == code.flat()), None)
        if made is not None:
            made.sources.append(source or NOWHERE)
        return code

    def keep(self, name: str, term: Num) -> str:
        """A variable of the constructor for a `let` of the spec."""
        name = self.new_name(name)
        self.locals[name] = term.text
        return name

    def says(self, term: Any, values: Vector) -> bool:
        """Whether a term is an expression of parameters that is right for every instance."""
        known = isinstance(term, (Num, Real, Word)) and self.varies(term)
        return known and self.holds(term, values)

    def said(self, term: Num | Real | Word) -> Code:
        """The expression of a term."""
        self.note(term.text)
        return Text(term.text, loose=term.level < ATOM)

    def holds(self, term: Any, values: Vector) -> bool:
        """Whether a term is what these values are, in every instance."""
        for i, value in enumerate(values):
            if value is ABSENT:
                continue
            names: dict[str, Any] = {p.name: p.values[i] for p in self.parameters}
            for name, text in self.locals.items():
                names[name] = worked_out(text, names)
            if not _same((value,), (worked_out(term.text, names),)):
                return False
        return True

    def always(self, term: Word) -> bool:
        """Whether a condition holds in every instance."""
        return self.holds(term, (True,) * self.count)

    def needs(self) -> list[str]:
        """What holds for all instances and decides which steps the class has: with arguments of
        which it does not hold, the block has other steps than the class. A parameter that it does
        without is the number that it is in all instances; and a condition that it cannot say, and
        is made for, holds."""
        fixed = {p.name: p.values[0] for p in self.parameters if len({*p.values}) == 1}
        texts = [*self.decisive()]
        silent = [text for text in texts if not spoken(text) <= self.used_names]
        found: dict[str, None] = {}
        for text in texts:
            unused = spoken(text) - self.used_names
            holds = [other for other in (*silent, *found) if other in text]
            if unused or holds:
                text = partly(text, {name: fixed[name] for name in unused & fixed.keys()}, holds)
            if spoken(text) <= self.used_names and not cannot_fail(text):
                found[text] = None
        return [*found]

    def unsaid(self) -> list[str]:
        """What decides the steps of the class likewise, and speaks of a parameter that it does
        without: whoever makes one has to say it."""
        own = {p.name for p in self.parameters}
        texts = (text for text in self.decisive() if not spoken(text) <= self.used_names)
        return [text for text in texts if spoken(text) <= own]

    @property
    def used_names(self) -> set[str]:
        return {p.name for p in self.parameters if p.used} | self.used_locals

    def decisive(self) -> Iterator[str]:
        """What holds for all instances and may not for others."""
        for term in self.flow.forms.values():
            if self.varies(term) and self.always(term) and not cannot_fail(term.text):
                yield term.text

    def note(self, text: str) -> None:
        """Notes that the class speaks of what a text speaks of."""
        names = spoken(text)
        for p in self.parameters:
            p.used = p.used or p.name in names
        for name in self.locals.keys() & names:
            if name not in self.used_locals:
                self.used_locals.add(name)
                self.note(self.locals[name])

    def varies(self, term: Any) -> bool:
        """Whether a parameter that a term speaks of differs between instances."""
        names = spoken(term.text)
        if not names.isdisjoint(self.locals):
            return True
        return any(len(set(p.values)) > 1 for p in self.parameters if p.name in names)

    def truth(self, values: Vector, *names: str, term: Any = None) -> str:
        """A condition for what is there in some instances only: its ``term``, if the spec says
        it, or a parameter that is made for it."""
        wanted = tuple(values)
        if self.says(term, wanted):
            return self.said(term).flat()
        wanted = tuple(v is True for v in wanted)
        key = tuple((bool, v) for v in wanted)
        code = self.known.get(key)
        if code is None:
            code = self.known[key] = self.make(wanted, names, default=False)
        return code.flat()

    def given_class(self, targets: Sequence[str | None], word: str) -> str:
        """The class of a module, which is that of the block's parameter ``word``."""
        vector = tuple(ABSENT if t is None else ModuleClass(t) for t in targets)
        term = Word(True, self.names[word]) if word in self.names else None
        return self.express(vector, word, term=term).flat()

    def is_own(self, text: str) -> bool:
        """Whether a text is the name of a parameter that the spec's block has."""
        return any(p.own and p.name == text for p in self.parameters)

    def use(self, parameter: InitParameter) -> str:
        parameter.used = True
        return parameter.name

    def make(self, values: Vector, names: Sequence[str], default: Any = ABSENT) -> Code:
        """A new parameter. Where a value is absent, the usual one stands in."""
        present = [v for v in values if v is not ABSENT]
        usual = max(present, key=present.count)
        filled = tuple(usual if v is ABSENT else v for v in values)
        absent = len(present) < len(values)
        if default is ABSENT and absent and filled.count(usual) > 1:
            default = usual
        name = self.new_name(*names)
        idle = frozenset(i for i, v in enumerate(values) if v is ABSENT)
        self.parameters.append(InitParameter(name, filled, default, used=True, idle=idle))
        return Text(name)


@cache
def compiled(text: str) -> CodeType:
    return compile(text, "<term>", "eval")


@cache
def spoken(text: str) -> frozenset[str]:
    """The variables that an expression speaks of, and no functions that it calls."""
    nodes = list(ast.walk(ast.parse(text, mode="eval")))
    called = {n.func.id for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    return frozenset(n.id for n in nodes if isinstance(n, ast.Name)) - called - {"math"}


def worked_out(text: str, names: Mapping[str, Any]) -> Any:
    """The value of an expression; nothing where it has none."""
    try:
        return eval(compiled(text), {"math": math}, dict(names))
    except (ArithmeticError, TypeError):
        return None


def line_through(xs: Sequence[Any], ys: Sequence[Any], name: str) -> str | None:
    """``a + b * name`` through all points, if there is such a line; fractions kept exact."""
    points = [(x, y) for x, y in zip(xs, ys, strict=True) if y is not ABSENT]
    distinct = dict(points)
    if len(distinct) < 3 or any(distinct[x] != y for x, y in points):
        return None
    ends = list(distinct.items())
    (x0, y0), (x1, y1) = ends[0], ends[-1]
    slope = (Fraction(y1) - Fraction(y0)) / (x1 - x0)
    slope = slope.limit_denominator(10**6)
    start = (Fraction(y0) - slope * x0).limit_denominator(10**6)
    if any(abs(float(start + slope * x) - y) > 1e-12 * max(1.0, abs(y)) for x, y in points):
        return None
    return line_text(start, slope, name)


def line_text(start: Fraction, slope: Fraction, name: str) -> str:
    """``64 + 32 * i``, ``1 - i / 108``, ``(164 - i) / 170``."""
    bottom = lcm(start.denominator, slope.denominator)
    if bottom > 1 and start.denominator > 1:
        return f"({line_text(start * bottom, slope * bottom, name)}) / {bottom}"
    size = abs(slope)
    term = name if size.numerator == 1 else f"{size.numerator} * {name}"
    if size.denominator > 1:
        term += f" / {size.denominator}"
    if start == 0 and slope > 0:
        return term
    return f"{start} {'+' if slope > 0 else '-'} {term}"


def _all(values: Sequence[Any], kind: Any) -> bool:
    if kind is bool:
        return all(isinstance(v, bool) for v in values)
    return all(isinstance(v, kind) and not isinstance(v, bool) for v in values)


def _is_plain(value: Any) -> bool:
    """Whether a value can be written down, and be an argument of PyTorch's."""
    if isinstance(value, tuple):
        return all(isinstance(v, int) for v in value)
    return isinstance(value, (int, float, Fraction, str))


def _same(wanted: Vector, found: Vector) -> bool:
    """Whether values may stand for those that are wanted: a count is no fraction, 1 no truth."""
    return all(
        w is ABSENT
        or (
            w == f
            and isinstance(w, bool) == isinstance(f, bool)
            and isinstance(w, int) <= isinstance(f, int)
        )
        for w, f in zip(wanted, found, strict=True)
    )
