"""Expressions, compiled to closures over a frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import did_you_mean, fault
from archdsl.diagnostics.source import Span
from archdsl.elaborate.arithmetic import MAX_LIST, OPERATORS, compare, numbers, same
from archdsl.elaborate.code import BlockCode, FnCode, Formal, Getter
from archdsl.elaborate.functions import FUNCTIONS, Function
from archdsl.elaborate.machine import MAX_DEPTH, UNSET, Frame, Skip
from archdsl.elaborate.scope import Scope, Variable, read, unknown
from archdsl.elaborate.values import LayerRef, describe, is_number
from archdsl.layers.init import FUNCTIONS as INIT_FUNCTIONS
from archdsl.layers.init import Init, InitFunction
from archdsl.syntax import tree


def compile_value(node: tree.Node, scope: Scope) -> Getter:
    """Any expression, a layer expression included: the getter of its value."""
    return scope.context.values[type(node)](node, scope)


def constant(value: Any) -> Getter:
    return lambda frame: value


def literal(node: tree.Literal, scope: Scope) -> Getter:
    return constant(node.value)


def name(node: tree.Name, scope: Scope) -> Getter:
    entry = scope.lookup(node.text)
    if isinstance(entry, Variable):
        return read_variable(entry, scope, node.span)
    if isinstance(entry, BlockCode):
        scope.unit.calls.add(entry)
        return constant(entry)
    if isinstance(entry, FnCode):
        scope.context.report(codes.NEEDS_CALL, node.span, name=node.text)
    elif node.text in scope.context.table:
        return constant(LayerRef(scope.context.table[node.text]))
    elif node.text in INIT_FUNCTIONS:
        return initialisation(INIT_FUNCTIONS[node.text], (), node.span, scope)
    elif node.text in FUNCTIONS:
        scope.context.report(codes.NEEDS_CALL, node.span, name=node.text)
    elif node.text in scope.context.patterns:
        scope.context.report(codes.NEEDS_BODY, node.span, name=node.text)
    else:
        unknown(scope, node.text, node.span, "value or layer")
    return poison


def poison(frame: Frame) -> Any:
    """What could not be compiled has been reported: nothing more can be said of it."""
    raise Skip


def read_variable(variable: Variable, scope: Scope, span: Span) -> Getter:
    if (
        variable.kind == "tensor"
        and variable.unit is not scope.unit
        and scope.unit.kind in ("block", "fn")
    ):
        scope.context.report(codes.TENSOR_FROM_OUTSIDE, span, name=variable.name)
        return poison
    return read(variable, scope.unit, span)


def here(node: tree.Here, scope: Scope) -> Getter:
    if any(u.kind == "fn" for u in scope.unit.outward()):
        scope.context.report(codes.NO_INPUT_HERE, node.span)
        return poison
    property = HERE.get(node.field)
    if property is None:
        help = did_you_mean(node.field, HERE)
        scope.context.report(
            codes.NO_SUCH_FIELD, node.span, help=help, name=node.field, known=", ".join(HERE)
        )
        return poison
    return lambda frame: property(frame.here().shape)


HERE: dict[str, Callable[[tuple[int, ...]], Any]] = {
    "channels": lambda s: s[0],
    "height": lambda s: s[1] if len(s) > 2 else 1,
    "width": lambda s: s[-1] if len(s) > 1 else 1,
    "size": lambda s: s[1:],
    "shape": lambda s: s,
    "axes": lambda s: len(s) - 1,
}


def field(node: tree.Field, scope: Scope) -> Getter:
    scope.context.report(codes.NO_FIELDS, node.span, name=node.name)
    return poison


def index(node: tree.Index, scope: Scope) -> Getter:
    get_items = compile_value(node.object, scope)
    get_index = compile_value(node.index, scope)
    span, index_span = node.span, node.index.span

    def get(frame: Frame) -> Any:
        items = get_items(frame)
        at = get_index(frame)
        if not isinstance(items, (tuple, range)):
            raise fault(codes.NEEDS_LIST, span, what="an index", given=describe(items))
        if isinstance(at, range):
            if at.step != 1 or (at and not 1 <= at[0] <= at[-1] <= len(items)):
                raise fault(codes.INDEX_OUTSIDE, index_span, given=describe(at), length=len(items))
            return tuple(items[at.start - 1 : at.stop - 1]) if at else ()
        if type(at) is not int or not 1 <= at <= len(items):
            raise fault(codes.INDEX_OUTSIDE, index_span, given=describe(at), length=len(items))
        return items[at - 1]

    return get


def unary(node: tree.Unary, scope: Scope) -> Getter:
    operand = compile_value(node.operand, scope)
    span = node.span
    if node.operator == "not":
        return lambda frame: not truth(operand(frame), span)

    def negate(frame: Frame) -> Any:
        value = operand(frame)
        if not is_number(value):
            raise fault(codes.NEEDS_NUMBER, span, operator="-", given=describe(value))
        return -value

    return negate


def truth(value: Any, span: Span) -> bool:
    if value is True or value is False:
        return bool(value)
    raise fault(codes.NEEDS_BOOLEAN, span, given=describe(value))


def binary(node: tree.Binary, scope: Scope) -> Getter:
    left, right = compile_value(node.left, scope), compile_value(node.right, scope)
    span, left_span, right_span = node.span, node.left.span, node.right.span
    if node.operator == "and":
        return lambda frame: truth(left(frame), left_span) and truth(right(frame), right_span)
    if node.operator == "or":
        return lambda frame: truth(left(frame), left_span) or truth(right(frame), right_span)
    apply = OPERATORS[node.operator]
    return lambda frame: apply(left(frame), right(frame), span)


MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def compare_(node: tree.Compare, scope: Scope) -> Getter:
    if len(node.operators) == 1:
        turn = _turn_comparison(node, scope)
        if turn is not None:
            return turn
    operands = [compile_value(o, scope) for o in node.operands]
    span = node.span
    if len(operands) == 2:
        left, right = operands
        symbol = node.operators[0]
        return lambda frame: compare(symbol, left(frame), right(frame), span)
    operators = node.operators

    def get(frame: Frame) -> bool:
        value = operands[0](frame)
        for symbol, operand in zip(operators, operands[1:], strict=True):
            after = operand(frame)
            if not compare(symbol, value, after, span):
                return False
            value = after
        return True

    return get


def _turn_comparison(node: tree.Compare, scope: Scope) -> Getter | None:
    """A loop's counter compared with something: the loop notes where the answer changes."""
    symbol = node.operators[0]
    if symbol not in MIRRORED:
        return None
    for operand, other, operator in (
        (node.operands[0], node.operands[1], symbol),
        (node.operands[1], node.operands[0], MIRRORED[symbol]),
    ):
        entry = scope.lookup(operand.text) if isinstance(operand, tree.Name) else None
        if isinstance(entry, Variable) and entry.kind == "turn" and entry.unit is scope.unit:
            entry.used = True
            slot = entry.slot
            get_other = compile_value(other, scope)
            span = node.span

            def get(
                frame: Frame,
                slot: int = slot,
                operator: str = operator,
                get_other: Getter = get_other,
            ) -> bool:
                turn = frame.v[slot]
                value = get_other(frame)
                if not is_number(value):
                    numbers(operator, turn.value, value, span)
                floor = int(value // 1)
                turn.change_at(floor)
                turn.change_at(floor + 1)
                return compare(operator, turn.value, value, span)

            return get
    return None


def ternary(node: tree.Ternary, scope: Scope) -> Getter:
    condition = compile_value(node.condition, scope)
    then, otherwise = compile_value(node.then, scope), compile_value(node.otherwise, scope)
    span = node.condition.span
    return lambda frame: then(frame) if truth(condition(frame), span) else otherwise(frame)


def range_(node: tree.Range, scope: Scope) -> Getter:
    low, high = compile_value(node.low, scope), compile_value(node.high, scope)
    step = constant(1) if node.step is None else compile_value(node.step, scope)
    span = node.span

    def get(frame: Frame) -> range:
        bounds = low(frame), high(frame), step(frame)
        for value in bounds:
            if type(value) is not int:
                raise fault(codes.RANGE_NEEDS_WHOLE, span, given=describe(value))
        if bounds[2] < 1:
            raise fault(codes.RANGE_STEP, span, given=bounds[2])
        return range(bounds[0], bounds[1] + 1, bounds[2])

    return get


def list_of(node: tree.ListOf, scope: Scope) -> Getter:
    items = [compile_value(item, scope) for item in node.items]
    return lambda frame: tuple([item(frame) for item in items])


def bind_targets(
    targets: tuple[tree.Word, ...], unpack: bool, scope: Scope, kind: str, span: Span
) -> Callable[[Frame, Any], None]:
    """How the items of a list are given names: one, or several by position."""
    slots = [scope.variable(word, kind).slot for word in targets]
    if not unpack:
        slot = slots[0]

        def one(frame: Frame, value: Any) -> None:
            frame.v[slot] = value

        return one

    def several(frame: Frame, value: Any) -> None:
        if not isinstance(value, (tuple, range)) or len(value) != len(slots):
            raise fault(codes.CANNOT_UNPACK, span, count=len(slots), given=describe(value))
        for slot, item in zip(slots, value, strict=True):
            frame.v[slot] = item

    return several


def comprehension(node: tree.Comprehension, scope: Scope) -> Getter:
    inner = scope.inner()
    clauses = []
    for clause in node.clauses:
        items = compile_value(clause.items, inner)
        bind = bind_targets(clause.targets, clause.unpack, inner, "item", clause.span)
        condition = None if clause.condition is None else compile_value(clause.condition, inner)
        clauses.append((items, bind, condition, clause))
    item = compile_value(node.item, inner)
    span = node.span

    def get(frame: Frame) -> tuple[Any, ...]:
        made: list[Any] = []

        def expand(depth: int) -> None:
            if depth == len(clauses):
                if len(made) >= MAX_LIST:
                    raise fault(codes.LIST_TOO_LONG, span, limit=MAX_LIST)
                made.append(item(frame))
                return
            get_items, bind, condition, clause = clauses[depth]
            values = get_items(frame)
            if not isinstance(values, (tuple, range)):
                raise fault(
                    codes.NEEDS_LIST, clause.items.span, what="`for`", given=describe(values)
                )
            for value in values:
                frame.m.spend(1, span)
                bind(frame, value)
                if condition is None or truth(condition(frame), span):
                    expand(depth + 1)

        expand(0)
        return tuple(made)

    return get


def matching(patterns: list[tuple[Getter | None, Span]]) -> Callable[[Frame, Any], bool]:
    """Whether a value is met by one of the patterns of an arm; ``None`` stands for ``_``."""

    def test(frame: Frame, value: Any) -> bool:
        for pattern, _ in patterns:
            if pattern is None:
                return True
            wanted = pattern(frame)
            if isinstance(wanted, range):
                if type(value) is int and value in wanted:
                    return True
            elif same(wanted, value):
                return True
        return False

    return test


def compile_patterns(arm: tree.Arm, scope: Scope) -> Callable[[Frame, Any], bool]:
    found: list[tuple[Getter | None, Span]] = []
    for pattern in arm.patterns:
        wild = isinstance(pattern, tree.Name) and pattern.text == "_"
        found.append((None if wild else compile_value(pattern, scope), pattern.span))
    return matching(found)


def match(node: tree.Match, scope: Scope) -> Getter:
    subject = compile_value(node.subject, scope)
    arms = [(compile_patterns(arm, scope), compile_value(arm.value, scope)) for arm in node.arms]
    span = node.subject.span

    def get(frame: Frame) -> Any:
        value = subject(frame)
        for test, result in arms:
            if test(frame, value):
                return result(frame)
        raise fault(codes.NO_ARM, span, given=describe(value))

    return get


# ------------------------------------------------------------------------ calls


def call(node: tree.Call, scope: Scope) -> Getter:
    word = node.callee.text
    entry = scope.lookup(word)
    if isinstance(entry, FnCode):
        return call_fn(entry, node, scope)
    if entry is None and node.body is None:
        if word in FUNCTIONS:
            return call_function(FUNCTIONS[word], node, scope)
        if word in INIT_FUNCTIONS:
            return initialisation(INIT_FUNCTIONS[word], node.arguments, node.span, scope)
    return scope.context.layer_value(node, scope)


def call_function(function: Function, node: tree.Call, scope: Scope) -> Getter:
    span = node.span
    for argument in node.arguments:
        if argument.name is not None:
            scope.context.report(
                codes.NO_SUCH_ARGUMENT,
                argument.name.span,
                name=argument.name.text,
                callee=function.name,
            )
    count = len(node.arguments)
    if count < function.least or (function.most is not None and count > function.most):
        least, most = function.least, function.most
        wanted = (
            f"at least {least}"
            if most is None
            else str(least)
            if least == most
            else f"{least} or {most}"
        )
        scope.context.report(
            codes.WRONG_COUNT, span, callee=function.name, wanted=wanted, given=count
        )
        return poison
    getters = [compile_value(a.value, scope) for a in node.arguments]
    apply = function.apply

    def get(frame: Frame) -> Any:
        values = tuple([g(frame) for g in getters])
        cost = sum(len(v) for v in values if isinstance(v, (tuple, range)))
        frame.m.spend(1 + cost // 8, span)
        return apply(values, span)

    return get


def call_fn(fn: FnCode, node: tree.Call, scope: Scope) -> Getter:
    scope.unit.calls.add(fn)
    bound = bind_formals(node.arguments, fn.formals, fn.name, node, scope)
    return lambda frame: run_fn(fn, bound, frame, node.span)


def run_fn(fn: FnCode, bound: list[tuple[int, Getter]], frame: Frame, span: Span) -> Any:
    machine = frame.m
    machine.spend(2, span)
    if machine.depth >= MAX_DEPTH:
        machine.stop(codes.TOO_DEEP, span, limit=MAX_DEPTH, name=fn.name)
    inner = Frame(machine, frame.b, [UNSET] * fn.slots, machine.files[fn.file], None)
    given = {slot for slot, _ in bound}
    for slot, getter in bound:
        inner.v[slot] = getter(frame)
    machine.depth += 1
    try:
        for formal in fn.formals:
            if formal.slot not in given:
                assert formal.default is not None
                inner.v[formal.slot] = formal.default(inner)
        assert fn.value is not None
        return fn.value(inner)
    finally:
        machine.depth -= 1


def bind_formals(
    arguments: tuple[tree.Argument, ...],
    formals: list[Formal],
    callee: str,
    node: tree.Node,
    scope: Scope,
) -> list[tuple[int, Getter]]:
    """The arguments of a block or function by slot. Mistakes are reported."""
    by_name = {f.name: f for f in formals}
    required = {f.name for f in formals if f.required}
    chosen = bind(arguments, list(by_name), required, callee, node, scope)
    return [(by_name[n].slot, compile_value(a.value, s)) for n, (a, s) in chosen.items()]


def bind(
    arguments: tuple[tree.Argument, ...],
    names: list[str],
    required: set[str],
    callee: str,
    node: tree.Node,
    scope: Scope,
    optional: frozenset[str] = frozenset(),
) -> dict[str, tuple[tree.Argument, Scope]]:
    """Which argument is given for which name: positions first, names, then defaults in force."""
    context = scope.context
    chosen: dict[str, tuple[tree.Argument, Scope]] = {}
    for position, argument in enumerate(arguments):
        if argument.name is None:
            if position >= len(names):
                context.report(codes.TOO_MANY, argument.span, callee=callee, most=len(names))
                continue
            key = names[position]
        else:
            key = argument.name.text
            if key not in names:
                help = did_you_mean(key, names)
                if not help and names:
                    help = [f"`{callee}` takes {', '.join(names)}"]
                context.report(
                    codes.NO_SUCH_ARGUMENT, argument.name.span, help=help, name=key, callee=callee
                )
                compile_value(argument.value, scope)
                continue
        if key in chosen:
            context.report(codes.GIVEN_TWICE, argument.span, name=key, callee=callee)
            continue
        chosen[key] = (argument, scope)
    for key, (argument, where) in scope.default_arguments(callee).items():
        if key in names and key not in chosen:
            chosen[key] = (argument, where.seen_from(scope.unit))
    missing = [n for n in names if n in required and n not in chosen and n not in optional]
    if missing:
        context.report(
            codes.MISSING_ARGUMENT,
            node.span,
            names=" and ".join(f"`{n}`" for n in missing),
            callee=callee,
        )
        for key in missing:
            chosen[key] = (tree.Argument(node.span, None, tree.Poison(node.span)), scope)
    return {key: chosen[key] for key in names if key in chosen}


def initialisation(
    function: InitFunction, arguments: tuple[tree.Argument, ...], span: Span, scope: Scope
) -> Getter:
    names = [n for n, _ in function.parameters]
    required = {n for n, default in function.parameters if default is None}
    node = tree.Name(span, function.name)
    chosen = bind(arguments, names, required, function.name, node, scope)
    getters: list[tuple[str, Getter, Span]] = []
    for key, (argument, where) in chosen.items():
        words = InitFunction.words.get(key, ())
        value = argument.value
        if (
            isinstance(value, tree.Name)
            and value.text in words
            and where.lookup(value.text) is None
        ):
            getters.append((key, constant(value.text), argument.span))
        else:
            getters.append((key, compile_value(value, where), argument.span))

    def get(frame: Frame) -> Init:
        values: dict[str, Any] = dict(function.parameters)
        for key, getter, place in getters:
            value = getter(frame)
            words = InitFunction.words.get(key)
            if words is not None:
                if value not in words:
                    expected = "one of " + ", ".join(words)
                    raise fault(
                        codes.WRONG_ARGUMENT,
                        place,
                        name=key,
                        callee=function.name,
                        given=describe(value),
                        expected=expected,
                    )
                values[key] = value
            elif is_number(value):
                values[key] = float(value)
            else:
                raise fault(
                    codes.WRONG_ARGUMENT,
                    place,
                    name=key,
                    callee=function.name,
                    given=describe(value),
                    expected="a number",
                )
        return Init(function.name, function.call, tuple(values.items()))

    return get


VALUES: dict[type[tree.Node], Callable[[Any, Scope], Getter]] = {
    tree.Literal: literal,
    tree.Name: name,
    tree.Here: here,
    tree.Field: field,
    tree.Index: index,
    tree.Unary: unary,
    tree.Binary: binary,
    tree.Compare: compare_,
    tree.Ternary: ternary,
    tree.Range: range_,
    tree.ListOf: list_of,
    tree.Comprehension: comprehension,
    tree.Match: match,
    tree.Call: call,
    tree.Poison: lambda node, scope: poison,
}
