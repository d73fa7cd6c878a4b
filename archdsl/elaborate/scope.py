"""Which name means what, and where: lexical scopes, resolved before anything runs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import (
    MOST,
    ArchError,
    Diagnostic,
    Fault,
    Kind,
    Label,
    diagnose,
    did_you_mean,
    fault,
    in_order,
    spelled_like,
)
from archdsl.diagnostics.source import Span
from archdsl.elaborate.code import Action, BlockCode, FnCode, Getter
from archdsl.elaborate.functions import FUNCTIONS
from archdsl.elaborate.machine import UNSET, Frame, Skip
from archdsl.elaborate.work import Weigher
from archdsl.layers.by_name import LayerTable
from archdsl.layers.init import FUNCTIONS as INIT_FUNCTIONS
from archdsl.layers.unknowns import Undecided, Unknown
from archdsl.syntax import methods, pytorch, tree
from archdsl.syntax.elsewhere import pattern
from archdsl.syntax.other_libraries import LAYERS, elsewhere

# What an imported spec says of itself where it needs layers of a file.
NEEDS = re.compile(r"^# .*--allow-python (\S+)$", re.MULTILINE)


@dataclass(eq=False, slots=True)
class Unit:
    """A piece of code with a frame of its own: a file, a block, a function, a closure."""

    kind: str
    file: int
    parent: Unit | None = None
    slots: int = 0
    captures: list[tuple[int, Getter]] = field(default_factory=list)
    captured: dict[Variable, int] = field(default_factory=dict)
    reads: set[tuple[int, int]] = field(default_factory=set)  # variables of files
    calls: set[BlockCode | FnCode] = field(default_factory=set)
    chooses: bool = False

    def slot(self) -> int:
        self.slots += 1
        return self.slots - 1

    def outward(self) -> Iterator[Unit]:
        """This unit and those around it."""
        unit: Unit | None = self
        while unit is not None:
            yield unit
            unit = unit.parent


@dataclass(eq=False, slots=True)
class Variable:
    """A name with a value: ``kind`` is knob, let, parameter, turn, item or tensor."""

    name: str
    kind: str
    span: Span
    unit: Unit
    slot: int
    top: bool = False  # of a file, outside all bodies: blocks and functions see it
    used: bool = False


Entry = Variable | BlockCode | FnCode


class Connecting(Protocol):
    """What a scope knows of a connection pattern: it compiles each use of itself, and knows
    what numbers that takes, and whether it makes a part."""

    is_part: ClassVar[bool]
    is_value: ClassVar[bool]

    @classmethod
    def value(cls, node: tree.Call, scope: Scope) -> Getter: ...

    @classmethod
    def compile(cls, node: tree.Call, scope: Scope) -> Action: ...

    @classmethod
    def numbers(cls, node: tree.Call, scope: Scope) -> Counter[str | Variable]: ...


@dataclass(eq=False, slots=True)
class Context:
    """What one file is compiled with: the layers and patterns that there are, the compilers
    by type of node, and where mistakes are noted."""

    file: int
    table: LayerTable
    patterns: Mapping[str, type[Connecting]]
    values: Mapping[type[tree.Node], Callable[[Any, Scope], Getter]]
    actions: Mapping[type[tree.Node], Callable[[Any, Scope], Action]]
    layer_value: Callable[[tree.Node, Scope], Getter]
    found: list[Diagnostic]
    warned: list[Diagnostic]  # of, where it is no mistake
    weigher: Weigher
    started: bool = False  # from `input` on: there is a current tensor
    given: dict[str, Span] = field(default_factory=dict)  # where names are given, seen or not
    functions: frozenset[str] = frozenset((*FUNCTIONS, *INIT_FUNCTIONS))

    def report(
        self,
        kind: Kind,
        *labels: Span | Label | None,
        help: list[str] | None = None,
        **fields: object,
    ) -> None:
        made = diagnose(kind, *labels, help=help or [], fields=fields)
        if kind.severity == "warning":
            self.warned.append(made)
            return
        self.found.append(made)
        if len(self.found) > MOST:
            raise ArchError(in_order(self.found))


@dataclass(eq=False, slots=True)
class Scope:
    """The names visible in one pair of braces, and the defaults set there."""

    context: Context
    unit: Unit
    parent: Scope | None = None
    names: dict[str, Entry] = field(default_factory=dict)
    defaults: dict[str, dict[str, tuple[tree.Argument, Scope]]] = field(default_factory=dict)
    labels: dict[str, Span] = field(default_factory=dict)
    looped: bool = False  # within a loop: labels are numbered
    flow: bool = False  # on the main path of an arch: side outputs may stand here

    def inner(self, *, looped: bool | None = None, flow: bool | None = None) -> Scope:
        return Scope(
            self.context,
            self.unit,
            self,
            looped=self.looped if looped is None else looped,
            flow=self.flow if flow is None else flow,
        )

    def seen_from(self, unit: Unit) -> Scope:
        """The names visible here, read by code of another unit within."""
        return Scope(self.context, unit, self.parent, self.names, self.defaults)

    def value(self, node: tree.Node) -> Getter:
        """Any expression, a layer expression included, compiled: the getter of its value."""
        self.context.weigher.count(node.span)
        return self.context.values[type(node)](node, self)

    def action(self, node: tree.Node) -> Action:
        """A statement or layer expression, compiled: what moves the current tensor."""
        self.context.weigher.count(node.span)
        return self.context.actions[type(node)](node, self)

    def lookup(self, name: str) -> Entry | None:
        scope: Scope | None = self
        while scope is not None:
            if (found := scope.names.get(name)) is not None:
                return found
            scope = scope.parent
        return None

    def visible(self) -> Iterator[str]:
        """The user's names that could have been meant here."""
        scope: Scope | None = self
        while scope is not None:
            yield from scope.names
            scope = scope.parent

    def default_arguments(self, callee: str) -> dict[str, tuple[tree.Argument, Scope]]:
        """The defaults in force here for a layer or block, inner ones first."""
        found: dict[str, tuple[tree.Argument, Scope]] = {}
        scope: Scope | None = self
        while scope is not None:
            for name, default in scope.defaults.get(callee, {}).items():
                found.setdefault(name, default)
            scope = scope.parent
        return found

    def define(self, word: tree.Word, entry: Entry) -> None:
        """Adds a name; reports one that is taken here."""
        known = self.names.get(word.text)
        if known is not None:
            self.context.report(
                codes.DEFINED_TWICE,
                word.span,
                Label(known.span, "first defined here"),
                name=word.text,
            )
        self.names[word.text] = entry

    def variable(self, word: tree.Word, kind: str) -> Variable:
        """Adds a variable to this scope."""
        top = self.parent is None and self.unit.kind == "file"
        made = Variable(word.text, kind, word.span, self.unit, self.unit.slot(), top)
        self.context.given[word.text] = word.span
        self.define(word, made)
        return made


class constant:
    """The getter of a value that depends on nothing."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self, frame: Frame) -> Any:
        return self.value


def poison(frame: Frame) -> Any:
    """What could not be compiled has been reported: nothing more can be said of it."""
    raise Skip


def read(variable: Variable, unit: Unit, span: Span) -> Getter:
    """How a unit reads a variable: from its own frame, from its file's, or captured."""
    variable.used = True
    slot = variable.slot
    if variable.unit is unit:
        if variable.kind == "turn":
            return lambda frame: frame.v[slot].read()
        return _known(variable, _checked(variable, span))
    if variable.top and unit.kind in ("block", "fn"):
        unit.reads.add((variable.unit.file, slot))
        return _known(variable, _global(variable, span))
    own = unit.captured.get(variable)
    if own is None:
        if unit.parent is None:  # a constant, such as a domain, is worked out without variables
            return poison
        own = unit.captured[variable] = unit.slot()
        unit.captures.append((own, read(variable, unit.parent, span)))
    found = own
    return lambda frame: frame.v[found]


def _known(variable: Variable, get: Getter) -> Getter:
    """The getter of a variable; of a knob, nothing may be known until it is asked for."""
    if variable.kind != "knob":
        return get

    def get_known(frame: Frame) -> object:
        value = get(frame)
        if value.__class__ is Unknown:
            raise Undecided(value)
        return value

    return get_known


def _checked(variable: Variable, span: Span) -> Getter:
    slot = variable.slot

    def get(frame: Frame) -> object:
        value = frame.v[slot]
        if value is UNSET:
            raise unset(variable, span)
        if value is None:
            raise Skip
        return value

    return get


def _global(variable: Variable, span: Span) -> Getter:
    slot = variable.slot

    def get(frame: Frame) -> object:
        value = frame.g[slot]
        if value is UNSET:
            raise unset(variable, span)
        if value is None:
            raise Skip
        return value

    return get


def unset(variable: Variable, span: Span) -> Fault:
    given = Label(variable.span, "it is given one here")
    return fault(codes.USED_BEFORE, span, given, name=variable.name)


def unknown(scope: Scope, word: str, span: Span, wanted: str) -> None:
    """Reports a name that nothing has, with what was probably meant."""
    context = scope.context
    label = None
    before = span.source.text[: span.start].rstrip(" ")
    behind = span.source.text[span.end :].partition("\n")[0]
    if said := methods.called(word, behind) or pattern(word, pytorch.arguments(behind)):
        help = said
    elif (here := elsewhere(word)) and not pytorch.written(word, pytorch.arguments(behind)):
        help = [here]
    elif (meant := context.table.meant(word) or pytorch.layer(word)) is not None:
        help = [pytorch.called(word, meant, behind)]
    elif before.endswith("//"):
        help = ["a comment begins with `#`"]
    elif (given := context.given.get(word)) is not None:
        after = given.start > span.start
        where = "from there on" if after else "within its braces"
        label, help = Label(given, f"it is defined here, and known {where} only"), []
    else:
        known = {*scope.visible(), *context.table, *context.patterns, *context.functions}
        others = {**{name: name for name in LAYERS}, **context.table.synonyms}
        near = spelled_like(word, known, others)
        elsewhere_only = near in LAYERS and near not in known
        help = [LAYERS[near]] if near and elsewhere_only else did_you_mean(word, known, others)
    if (needs := NEEDS.search(span.source.text)) is not None:
        help = [f"if it is a layer of `{needs[1]}`, say `--allow-python {needs[1]}`", *help]
    context.report(codes.UNKNOWN_NAME, span, label, help=help, name=word, wanted=wanted)
