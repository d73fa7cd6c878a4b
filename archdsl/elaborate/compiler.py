"""The files of a spec, compiled: names resolved, statements made ready to run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import (
    ArchError,
    Diagnostic,
    Fault,
    Label,
    diagnose,
    did_you_mean,
)
from archdsl.diagnostics.source import Span
from archdsl.elaborate.application import LAYER_ACTIONS, layer_value
from archdsl.elaborate.builder import PartBuilder
from archdsl.elaborate.code import BlockCode, FnCode, Formal, Getter, Statement
from archdsl.elaborate.defaults import default
from archdsl.elaborate.expressions import VALUES
from archdsl.elaborate.file_code import CostRequirement, FileCode, KnobCode
from archdsl.elaborate.inputs import incoming
from archdsl.elaborate.knobs import Choices, Interval
from archdsl.elaborate.machine import UNSET, Frame, Machine, Skip, StopElaboration
from archdsl.elaborate.scope import Context, Scope, Unit, constant
from archdsl.elaborate.side_outputs import output
from archdsl.elaborate.statements import STATEMENT_ACTIONS, compile_body, let
from archdsl.elaborate.values import MAX_RANGE, describe, is_number
from archdsl.elaborate.work import Weigher, Work
from archdsl.registry import Registry
from archdsl.syntax import tree

Loader = Callable[[str, Span], tree.File]


def settled(domain: Interval, get: Getter) -> Getter:
    """The default of a knob, as one of the numbers of its domain."""
    return lambda frame: domain.settled(get(frame))


class Compiler:
    """Compiles a file and those that it uses. Mistakes are collected in ``found``, and what the
    lint warns of in ``warned``."""

    def __init__(self, load: Loader, registry: Registry, work: Work) -> None:
        self.registry = registry
        self.work = work
        self.weigher = Weigher()
        self.found: list[Diagnostic] = []
        self.warned: list[Diagnostic] = []
        self.files: list[FileCode] = []
        self.budgets: list[CostRequirement] = []
        self.input: Span | None = None  # where it stands
        self.arch: tree.Arch | None = None
        self.load = load
        self._loaded: dict[int, FileCode] = {}
        self._opening: list[int] = []

    def compile_file(self, file: tree.File) -> FileCode:
        index = len(self.files)
        context = Context(
            index,
            self.registry.layers,
            self.registry.patterns,
            {**VALUES, tree.Chain: layer_value, tree.Body: layer_value},
            {**LAYER_ACTIONS, **STATEMENT_ACTIONS, tree.Output: output},
            layer_value,
            self.found,
            self.warned,
            self.weigher,
        )
        scope = Scope(context, Unit("file", index), flow=True)
        made = FileCode(index, file, scope)
        self.files.append(made)
        _, made.weight = self.weigher.weighed(lambda: self.compile_statements(made))
        return made

    def compile_statements(self, made: FileCode) -> None:
        file, scope = made.syntax, made.scope
        context = scope.context
        self.declare(made)
        context.given.update((word.text, word.span) for word in _given(file))
        later: list[Callable[[], None]] = []
        for node in file.statements:
            if isinstance(node, tree.Arch):
                self.compile_header(node, made)
            elif isinstance(node, tree.Block):
                later.append(_block_body(node, scope))
            elif isinstance(node, tree.Fn):
                later.append(_fn_body(node, scope))
            elif isinstance(node, tree.Default):
                default(node, scope)
            elif isinstance(node, tree.Input):
                self.compile_input(node, made)
            elif isinstance(node, tree.Let):
                statement = Statement(let(node, scope), node.span)
                made.statements.append(statement)
                made.lets.append(statement)
            elif isinstance(node, tree.Require):
                self.compile_require(node, made)
            elif not isinstance(node, (tree.Use, tree.Paper, tree.Variant, tree.Fix)):
                made.statements.append(Statement(scope.action(node), node.span))
        for finish in later:
            finish()

    def declare(self, made: FileCode) -> None:
        """Names that may be used before they stand in the text: blocks, functions, imports."""
        scope, index = made.scope, made.index
        for node in made.syntax.statements:
            if isinstance(node, tree.Use):
                self.compile_use(node, made)
            elif isinstance(node, (tree.Block, tree.Fn)):
                formals = [
                    Formal(p.name.text, slot, p.default is None)
                    for slot, p in enumerate(node.parameters)
                ]
                if isinstance(node, tree.Block):
                    block = BlockCode(node.name.text, node.name.span, index, node, formals)
                    scope.define(node.name, block)
                else:
                    scope.define(node.name, FnCode(node.name.text, node.name.span, index, formals))

    def compile_use(self, node: tree.Use, made: FileCode) -> None:
        context = made.scope.context
        try:
            file = self.load(str(node.path.value), node.path.span)
        except (Fault, ArchError) as error:
            self.found += [error.diagnostic] if isinstance(error, Fault) else error.diagnostics
            self.pretend(node, made)
            return
        key = id(file)
        if key in self._opening or file is self.files[0].syntax:
            context.report(codes.CYCLIC_USE, node.path.span, path=node.path.value)
            self.pretend(node, made)
            return
        library = self._loaded.get(key)
        if library is None:
            self._opening.append(key)
            library = self._loaded[key] = self.compile_file(file)
            self._opening.pop()
        exported = {
            n: e
            for n, e in library.scope.names.items()
            if isinstance(e, (BlockCode, FnCode)) and e.file == library.index
        }
        if not node.names:
            for name, entry in exported.items():
                made.scope.define(tree.Word(node.span, name), entry)
        for wanted in node.names:
            found = exported.get(wanted.name.text)
            if found is None:
                help = did_you_mean(wanted.name.text, exported)
                context.report(
                    codes.NOT_IN_LIBRARY,
                    wanted.name.span,
                    help=help or [f"it has {', '.join(exported) or 'no blocks'}"],
                    name=wanted.name.text,
                    path=node.path.value,
                )
                made.scope.variable(wanted.alias or wanted.name, "let")
            else:
                made.scope.define(wanted.alias or wanted.name, found)

    def pretend(self, node: tree.Use, made: FileCode) -> None:
        """Gives the names of a failed `use` a meaning, so that their use is no mistake, too."""
        for wanted in node.names:
            made.scope.variable(wanted.alias or wanted.name, "let")

    def compile_header(self, node: tree.Arch, made: FileCode) -> None:
        scope = made.scope
        if made.index == 0:
            if self.arch is not None:
                scope.context.report(
                    codes.TWO_ARCHS, node.name.span, Label(self.arch.name.span, "the first")
                )
                return
            self.arch = node
        started, scope.context.started = scope.context.started, False
        knob_names = {k.name.text for k in node.knobs}
        for knob in node.knobs:
            default = scope.value(knob.default)
            domain = self.compile_domain(knob, scope, knob_names)
            if isinstance(domain, Choices):
                written = domain.written(knob.default.span.text)
                default = default if written is None else constant(written)
            variable = scope.variable(knob.name, "knob")
            doc = (
                made.syntax.docs.get(knob.span.line, "") if knob.span.line != node.span.line else ""
            )
            if isinstance(domain, Interval):
                default = settled(domain, default)
            made.knobs.append(KnobCode(variable, default, domain, knob, doc))
        scope.context.started = started

    def compile_domain(
        self, knob: tree.Knob, scope: Scope, knobs: set[str]
    ) -> Choices | Interval | None:
        """A domain is constant: its values are worked out here, without any knob."""
        node = knob.domain
        if node is None:
            return None
        for part in node.walk():
            if not isinstance(part, (tree.Name, tree.Call)):
                continue
            word = part if isinstance(part, tree.Name) else part.callee
            if word.text in knobs:
                scope.context.report(codes.DOMAIN_DEPENDS, word.span, name=word.text)
                return None
        plain = Scope(scope.context, Unit("file", scope.context.file), names=scope.names)
        found = len(self.found)
        if isinstance(node, tree.Choices):
            values = [self.constant(item, plain) for item in node.items]
            names = tuple(item.span.words for item in node.items)
            return None if len(self.found) > found else Choices(tuple(values), names)
        low, high = self.constant(node.low, plain), self.constant(node.high, plain)
        step = None if node.step is None else self.constant(node.step, plain)
        if len(self.found) > found:
            return None
        for value in (low, high) if step is None else (low, high, step):
            if not is_number(value):
                scope.context.report(codes.DOMAIN_NUMBERS, node.span, given=describe(value))
                return None
        if step is None and type(low) is int and type(high) is int:
            step = 1
        if low > high or (step is not None and step <= 0) or (node.log and low <= 0):
            scope.context.report(codes.DOMAIN_EMPTY, node.span, domain=node.span.words)
            return None
        made = Interval(low, high, step, node.log)
        if (made.count or 0) > MAX_RANGE:
            scope.context.report(codes.LIST_TOO_LONG, node.span, limit=MAX_RANGE)
            return None
        return made

    def constant(self, node: tree.Node, scope: Scope) -> Any:
        """The value of an expression that depends on no candidate; mistakes are noted."""
        context = scope.context
        found = len(context.found)
        get, weight = context.weigher.weighed(lambda: scope.value(node))
        if len(context.found) > found:
            return None
        machine = Machine(lambda path, names, span: 0, {}, {}, fuel=self.work.of_one())
        machine.files = [[UNSET] * f.scope.unit.slots for f in self.files]
        frame = Frame(
            machine,
            PartBuilder(None, "", (1,)),
            [UNSET] * scope.unit.slots,
            machine.files[scope.context.file],
            None,
        )
        try:
            machine.spend(weight, node.span)
            return get(frame)
        except Fault as error:
            context.found.append(error.diagnostic)
        except Skip:
            context.report(codes.NEEDS_CONSTANT, node.span)
        except StopElaboration:
            context.found.extend(machine.found)
        finally:
            self.work.take(machine.done)
        return None

    def compile_input(self, node: tree.Input, made: FileCode) -> None:
        if made.index != 0:
            return
        if self.input is not None:
            made.scope.context.report(codes.TWO_INPUTS, node.span, Label(self.input, "the first"))
            return
        start = incoming(node, made.scope)
        made.scope.context.started = True
        self.input = node.span
        made.statements.append(Statement(start, node.span))

    def compile_require(self, node: tree.Require, made: FileCode) -> None:
        scope = made.scope
        named = {part.text for part in node.condition.walk() if isinstance(part, tree.Name)}
        unknown = {name for name in named if scope.lookup(name) is None}
        costs = unknown and unknown & self.registry.static_costs.keys()
        if not costs:
            made.statements.append(Statement(scope.action(node), node.span))
            return
        inner = scope.inner()
        slots = {n: inner.variable(tree.Word(node.span, n), "let").slot for n in sorted(costs)}
        condition = inner.value(node.condition)
        if made.index == 0:
            self.budgets.append(CostRequirement(node.span, node.message, condition, slots))

    def check_whole(self) -> None:
        """What every architecture needs, in the order in which it needs it."""
        statements = self.files[0].syntax.statements
        whole = Span(self.files[0].syntax.span.source, 0, 1)
        if self.arch is None:
            first = statements[0].span if statements else whole
            self.found.append(diagnose(codes.NO_ARCH, first))
            return
        if self.input is None:
            self.found.append(
                diagnose(codes.NO_INPUT, self.arch.name.span, name=self.arch.name.text)
            )
        for node in statements:
            if isinstance(node, tree.Input):
                break
            if isinstance(
                node, (tree.Apply, tree.Labelled, tree.Kept, tree.If, tree.For, tree.Repeat)
            ):
                if self.input is not None:
                    self.found.append(diagnose(codes.BEFORE_INPUT, node.span))
                break


def _given(file: tree.File) -> Iterator[tree.Word]:
    """The names that are given to values at the top of a file."""
    for node in file.statements:
        if isinstance(node, tree.Arch):
            yield from (knob.name for knob in node.knobs)
        elif isinstance(node, tree.Let):
            yield from node.targets
        elif isinstance(node, tree.Kept):
            yield node.name
        elif isinstance(node, tree.Input):
            yield from (tensor.name for tensor in node.tensors if tensor.name is not None)


def _block_body(node: tree.Block, scope: Scope) -> Callable[[], None]:
    """Compiles a block later, when all names are known, with the defaults in force here."""
    defaults = {callee: dict(arguments) for callee, arguments in scope.defaults.items()}

    def compile_now() -> None:
        block = scope.names.get(node.name.text)
        if not isinstance(block, BlockCode) or block.definition is not node:
            return
        around = Scope(scope.context, scope.unit, scope.parent, scope.names, defaults)
        unit = Unit("block", block.file, scope.unit)
        inner = Scope(scope.context, unit, around)
        weighed = scope.context.weigher.weighed
        _, weight = weighed(lambda: _formals(node.parameters, block.formals, inner))
        block.weight = 16 + weight
        block.body = compile_body(node.body, inner)
        block.slots = unit.slots
        block.reads, block.calls, block.chooses = unit.reads, unit.calls, unit.chooses

    return compile_now


def _fn_body(node: tree.Fn, scope: Scope) -> Callable[[], None]:
    def compile_now() -> None:
        fn = scope.names.get(node.name.text)
        if not isinstance(fn, FnCode) or fn.span != node.name.span:
            return
        unit = Unit("fn", fn.file, scope.unit)
        inner = Scope(scope.context, unit, scope)

        def compile() -> None:
            _formals(node.parameters, fn.formals, inner)
            fn.value = inner.value(node.value)

        _, weight = scope.context.weigher.weighed(compile)
        fn.weight = 1 + weight + unit.slots // 8
        fn.slots = unit.slots
        fn.reads, fn.calls, fn.chooses = unit.reads, unit.calls, unit.chooses

    return compile_now


def _formals(parameters: tuple[tree.Parameter, ...], formals: list[Formal], scope: Scope) -> None:
    for parameter, formal in zip(parameters, formals, strict=True):
        slot = scope.variable(parameter.name, "parameter").slot
        assert slot == formal.slot, "parameters take the first slots of a frame"
    for parameter, formal in zip(parameters, formals, strict=True):
        if parameter.default is not None:  # `over = over`: the name around the block, not its own
            own = scope.names.pop(formal.name)
            formal.default = scope.value(parameter.default)
            scope.names[formal.name] = own
