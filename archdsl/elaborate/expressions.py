"""Expressions, compiled to closures over a frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import Fault, did_you_mean, fault
from archdsl.diagnostics.source import Span
from archdsl.elaborate.arithmetic import OPERATORS, blamed, truth
from archdsl.elaborate.calls import call, initialisation
from archdsl.elaborate.code import BlockCode, FnCode, Getter
from archdsl.elaborate.comparisons import comparison, measured
from archdsl.elaborate.equality import same
from archdsl.elaborate.functions import FUNCTIONS
from archdsl.elaborate.machine import Frame
from archdsl.elaborate.making import argument_value
from archdsl.elaborate.scope import Scope, Variable, constant, poison, read, unknown
from archdsl.elaborate.values import (
    MAX_LIST,
    MAX_RANGE,
    LayerRef,
    Preset,
    Tensor,
    describe,
    each,
    heft,
    is_number,
    rounding,
    weigh,
)
from archdsl.layers.arguments import Reader
from archdsl.layers.base import signature
from archdsl.layers.init import FUNCTIONS as INIT_FUNCTIONS
from archdsl.layers.polynomial import decided
from archdsl.syntax import tree
from archdsl.syntax.elsewhere import without_prefix


def literal(node: tree.Literal, scope: Scope) -> Getter:
    return constant(node.value)


def name(node: tree.Name, scope: Scope) -> Getter:
    entry = scope.lookup(node.text)
    if isinstance(entry, Variable):
        return read_variable(entry, scope, node.span)
    if isinstance(entry, BlockCode):
        scope.unit.calls.add(entry)
        return with_defaults(entry, node.text, scope)
    if isinstance(entry, FnCode):
        scope.context.report(codes.NEEDS_CALL, node.span, name=node.text)
    elif node.text in scope.context.table:
        return with_defaults(LayerRef(scope.context.table[node.text]), node.text, scope)
    elif node.text in INIT_FUNCTIONS:
        return initialisation(INIT_FUNCTIONS[node.text], (), node.span, scope)
    elif node.text in FUNCTIONS:
        scope.context.report(codes.NEEDS_CALL, node.span, name=node.text)
    elif node.text in scope.context.patterns:
        scope.context.report(codes.NEEDS_BODY, node.span, name=node.text)
    else:
        unknown(scope, node.text, node.span, "value or layer")
    return poison


def with_defaults(callee: LayerRef | BlockCode, word: str, scope: Scope) -> Getter:
    """A layer or a block as a value: what a `default` sets where it is written goes with it."""
    readers: dict[str, Reader] = {}
    if isinstance(callee, LayerRef):
        readers = {p.name: p.reader for p in signature(callee.layer)}
    getters = []
    for key, (argument, place) in scope.default_arguments(word).items():
        where = place.seen_from(scope.unit)
        reader = readers.get(key)
        value = argument.value
        get = where.value(value) if reader is None else argument_value(value, reader, where)
        getters.append((key, get, argument.span))
    if not getters:
        return constant(callee)

    def get_preset(frame: Frame) -> Preset:
        values = listed(tuple([get(frame) for _, get, _ in getters]), frame, getters[0][2])
        given = zip(getters, values, strict=True)
        return Preset(callee, tuple([(key, value, span) for (key, _, span), value in given]))

    return get_preset


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
    if not scope.context.started and scope.unit.kind == "file":
        scope.context.report(codes.NO_TENSOR_YET, node.span, name=node.field)
        return poison
    span = node.span
    if node.field == "tensors":
        return lambda frame: listed(held(frame.now()), frame, span)
    property = shape_property(node.field, span, scope, (*HERE, "tensors"))
    return poison if property is None else lambda frame: property(frame.here(span).shape)


def held(tensor: Tensor) -> tuple[Tensor, ...]:
    """The tensors of a current one as values, by which they can be asked for later."""
    for t in each(tensor):
        t.is_value = True
    return each(tensor)


HERE: dict[str, Callable[[tuple[int, ...]], Any]] = {
    "channels": lambda s: s[0],
    "height": lambda s: s[1] if len(s) > 2 else 1,
    "width": lambda s: s[-1] if len(s) > 1 else 1,
    "size": lambda s: s[1:],
    "shape": lambda s: tuple(s),
    "axes": lambda s: len(s) - 1,
}


def shape_property(
    name: str, span: Span, scope: Scope, known: Iterable[str] = HERE
) -> Callable[[tuple[int, ...]], Any] | None:
    """What a tensor answers under a name; a name that none has is reported."""
    property = HERE.get(name)
    if property is None:
        if name in ("length", "len", "count"):
            help = ["the length of a list is `len(xs)`"]
        else:
            help = did_you_mean(name, known)
        names = ", ".join(known)
        scope.context.report(codes.NO_SUCH_FIELD, span, help=help, name=name, known=names)
    return property


def field(node: tree.Field, scope: Scope) -> Getter:
    """``skip.channels``: of a tensor that was kept, what ``in`` is asked for."""
    is_foreign = isinstance(node.object, tree.Name) and scope.lookup(node.object.text) is None
    if is_foreign and (help := without_prefix(node.span.text)):  # nn.ReLU
        wanted, word = "value or layer", node.span.text
        scope.context.report(codes.UNKNOWN_NAME, node.span, help=help, name=word, wanted=wanted)
        return poison
    get = scope.value(node.object)
    property = shape_property(node.name, node.span, scope)
    if property is None:
        return poison
    span, name = node.span, node.name

    def get_property(frame: Frame) -> Any:
        value = get(frame)
        if not isinstance(value, Tensor):
            raise fault(codes.NO_FIELDS, span, name=name, given=describe(value))
        return property(value.shape)

    return get_property


def index(node: tree.Index, scope: Scope) -> Getter:
    get_items = scope.value(node.object)
    get_index = scope.value(node.index)
    span, index_span = node.span, node.index.span

    def get(frame: Frame) -> Any:
        items = get_items(frame)
        at = decided(get_index(frame))
        if not isinstance(items, (tuple, range)):
            raise fault(codes.NEEDS_LIST, span, what="an index", given=describe(items))
        if isinstance(at, range):
            if at.step != 1 or (at and not 1 <= at[0] <= at[-1] <= len(items)):
                raise fault(codes.INDEX_OUTSIDE, index_span, given=describe(at), length=len(items))
            part = items[at.start - 1 : at.stop - 1] if at else ()
            return listed(part, frame, span) if isinstance(part, tuple) else part
        if type(at) is not int or not 1 <= at <= len(items):
            help = ["lists are counted from 1"] if same(at, 0) else rounding(at)
            raise fault(
                codes.INDEX_OUTSIDE, index_span, help=help, given=describe(at), length=len(items)
            )
        return items[at - 1]

    return get


def unary(node: tree.Unary, scope: Scope) -> Getter:
    operand = scope.value(node.operand)
    span = node.span
    if node.operator == "not":
        return lambda frame: not truth(operand(frame), span)

    def negate(frame: Frame) -> Any:
        value = operand(frame)
        if not is_number(value):
            raise fault(codes.NEEDS_NUMBER, span, operator="-", given=describe(value))
        return -value

    return negate


def binary(node: tree.Binary, scope: Scope) -> Getter:
    left, right = scope.value(node.left), scope.value(node.right)
    span, left_span, right_span = node.span, node.left.span, node.right.span
    if node.operator == "and":
        return lambda frame: truth(left(frame), left_span) and truth(right(frame), right_span)
    if node.operator == "or":
        return lambda frame: truth(left(frame), left_span) or truth(right(frame), right_span)
    apply = OPERATORS[node.operator]
    joins = node.operator == "+"
    plain = (int, float)

    def get(frame: Frame) -> Any:
        a, b = left(frame), right(frame)
        try:
            result = apply(a, b, span)
        except Fault as error:
            raise blamed(error, (a, left_span), (b, right_span)) from None
        if a.__class__ not in plain or b.__class__ not in plain or result.__class__ not in plain:
            frame.m.spend(heft(a, b) + heft(result), span)
        return listed(result, frame, span) if joins and result.__class__ is tuple else result

    return get


def ternary(node: tree.Ternary, scope: Scope) -> Getter:
    condition = scope.value(node.condition)
    then, otherwise = scope.value(node.then), scope.value(node.otherwise)
    span = node.condition.span
    return lambda frame: then(frame) if truth(condition(frame), span) else otherwise(frame)


def range_(node: tree.Range, scope: Scope) -> Getter:
    low, high = scope.value(node.low), scope.value(node.high)
    step = constant(1) if node.step is None else scope.value(node.step)
    span = node.span

    def get(frame: Frame) -> range:
        bounds = decided(low(frame)), decided(high(frame)), decided(step(frame))
        for value in bounds:
            if type(value) is not int:
                raise fault(
                    codes.RANGE_NEEDS_WHOLE, span, help=rounding(value), given=describe(value)
                )
        if bounds[2] < 1:
            raise fault(codes.RANGE_STEP, span, given=bounds[2])
        if (bounds[1] - bounds[0]) // bounds[2] >= MAX_RANGE:
            raise fault(codes.LIST_TOO_LONG, span, limit=MAX_RANGE)
        return range(bounds[0], bounds[1] + 1, bounds[2])

    return get


def list_of(node: tree.ListOf, scope: Scope) -> Getter:
    items = [scope.value(item) for item in node.items]
    span = node.span
    return lambda frame: listed(tuple([item(frame) for item in items]), frame, span)


def listed(values: tuple[Any, ...], frame: Frame, span: Span) -> tuple[Any, ...]:
    """A new list: what it holds is bounded, and counted as work."""
    frame.m.spend(weigh(values, span) // 2, span)
    return values


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
    clauses: list[Any] = []
    weighed = scope.context.weigher.weighed
    span = node.span

    def compile(depth: int) -> Getter:
        """The clauses from one on, each with the weight of what it takes for each value."""
        if depth == len(node.clauses):
            return inner.value(node.item)
        clause = node.clauses[depth]
        items = inner.value(clause.items)
        bind = bind_targets(clause.targets, clause.unpack, inner, "item", clause.items.span)

        def each() -> tuple[Getter | None, Getter]:
            condition = None if clause.condition is None else inner.value(clause.condition)
            return condition, compile(depth + 1)

        (condition, item), weight = weighed(each)
        clauses.insert(0, (items, bind, condition, clause, weight))
        return item

    item = compile(0)

    def get(frame: Frame) -> tuple[Any, ...]:
        made: list[Any] = []

        def expand(depth: int) -> None:
            if depth == len(clauses):
                if len(made) >= MAX_LIST:
                    raise fault(codes.LIST_TOO_LONG, span, limit=MAX_LIST)
                made.append(item(frame))
                return
            get_items, bind, condition, clause, weight = clauses[depth]
            values = get_items(frame)
            if not isinstance(values, (tuple, range)):
                raise fault(
                    codes.NEEDS_LIST, clause.items.span, what="`for`", given=describe(values)
                )
            for value in values:
                frame.m.spend(weight, span)
                bind(frame, value)
                if condition is None or truth(condition(frame), span):
                    expand(depth + 1)

        expand(0)
        return listed(tuple(made), frame, span)

    return get


def compile_patterns(arm: tree.Arm, scope: Scope) -> Callable[[Frame, Any], bool]:
    """Whether a value is met by one of the patterns of an arm; ``_`` takes anything."""
    patterns = [
        None if isinstance(p, tree.Name) and p.text == "_" else scope.value(p) for p in arm.patterns
    ]
    span = arm.span

    def test(frame: Frame, value: Any) -> bool:
        for pattern in patterns:
            if pattern is None:
                return True
            wanted = pattern(frame)
            symbol = "in" if isinstance(wanted, range) else "=="
            if measured(symbol, value, wanted, frame, span):
                return True
        return False

    return test


def match(node: tree.Match, scope: Scope) -> Getter:
    subject = scope.value(node.subject)
    arms = [(compile_patterns(arm, scope), scope.value(arm.value)) for arm in node.arms]
    span = node.subject.span

    def get(frame: Frame) -> Any:
        value = subject(frame)
        for test, result in arms:
            if test(frame, value):
                return result(frame)
        raise fault(codes.NO_ARM, span, given=describe(value))

    return get


VALUES: dict[type[tree.Node], Callable[[Any, Scope], Getter]] = {
    tree.Literal: literal,
    tree.Name: name,
    tree.Here: here,
    tree.Field: field,
    tree.Index: index,
    tree.Unary: unary,
    tree.Binary: binary,
    tree.Compare: comparison,
    tree.Ternary: ternary,
    tree.Range: range_,
    tree.ListOf: list_of,
    tree.Comprehension: comprehension,
    tree.Match: match,
    tree.Call: call,
    tree.Poison: lambda node, scope: poison,
}
