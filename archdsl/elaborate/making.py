"""How a layer is made: which argument is given for which of its fields, and what it reads as."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import Fault, did_you_mean, fault
from archdsl.diagnostics.source import Span
from archdsl.elaborate.calls import bind, hidden_word, takes
from archdsl.elaborate.code import Getter
from archdsl.elaborate.machine import Frame
from archdsl.elaborate.scope import Scope, constant
from archdsl.elaborate.values import Tensor, describe, is_number, rounding, show
from archdsl.ir.network import Op
from archdsl.layers.arguments import Reader, Unreadable
from archdsl.layers.base import Layer, Parameter, required, signature
from archdsl.layers.filters import Convolution
from archdsl.registry import REGISTRY
from archdsl.syntax import methods, pytorch, tree
from archdsl.syntax.other_libraries import ELSEWHERE
from archdsl.syntax.pytorch_layers import BY_PLACE

MAX_MADE = 5000  # layers that a place keeps, in case that they are asked for again

MAKING = 8  # the work of making a layer from its arguments

LayerArguments = tuple[tuple[Parameter, Getter, Span], ...]


def bind_layer(
    layer: type[Layer], node: tree.Call | tree.Incoming | tree.Output, scope: Scope
) -> LayerArguments:
    """The arguments of a built-in layer, a pattern, an input or an output, compiled; mistakes are
    reported."""
    parameters = {p.name: p for p in signature(layer)}
    required = {n for n, p in parameters.items() if p.required}
    chosen = bind(node.arguments, list(parameters), required, layer.name, node, scope)
    arguments = tuple(
        (
            parameters[key],
            argument_value(argument.value, parameters[key].reader, where),
            argument.span,
        )
        for key, (argument, where) in chosen.items()
    )
    _report_idle(layer, node, arguments, scope)
    if not all(isinstance(getter, constant) for _, getter, _ in arguments):
        scope.context.weigher.count(node.span, MAKING)  # it may be another layer each time
    return arguments


def _report_idle(
    layer: type[Layer],
    node: tree.Call | tree.Incoming | tree.Output,
    arguments: LayerArguments,
    scope: Scope,
) -> None:
    """Warns of arguments of the call itself that can do nothing, as the text alone says."""
    here = {a.span for a in node.arguments}
    given = {p.name: (getter, span) for p, getter, span in arguments}
    usual = {p.name: p.default for p in signature(layer)}
    for name, other, value in layer.idle:
        if name not in given or (span := given[name][1]) not in here:
            continue
        getter = given[other][0] if other in given else constant(usual[other])
        if isinstance(getter, constant) and getter.value == value:
            shown = value if isinstance(value, str) else show(value)
            scope.context.report(
                codes.IDLE_ARGUMENT,
                span,
                name=name,
                callee=layer.name,
                other=other,
                value="not given" if value is None else shown,
            )


def argument_value(node: tree.Node, reader: Reader, scope: Scope) -> Getter:
    """An argument's value: a bare word that the argument understands stands for itself,
    unless the user has given that name to something."""
    if (
        isinstance(node, tree.Name)
        and node.text in reader.words
        and scope.lookup(node.text) is None
    ):
        return constant(node.text)
    if isinstance(node, tree.Name) and reader.words and scope.lookup(node.text) is None:
        known = {*scope.context.table, *scope.context.functions}
        if node.text not in known:
            said = ELSEWHERE.get(node.text)
            help = [said] if said else did_you_mean(node.text, reader.words)
            scope.context.report(
                codes.UNKNOWN_WORD,
                node.span,
                help=help,
                name=node.text,
                known=", ".join(reader.words),
            )
            return scope.value(tree.Poison(node.span))
    return scope.value(node)


def layer_op(layer: type[Layer], arguments: LayerArguments, span: Span) -> Callable[[Frame], Op]:
    """How a layer is made from its arguments, once for each different values."""
    if not arguments:
        return _without_arguments(layer, span)
    getters = [getter for _, getter, _ in arguments]
    # Only what is worked out anew has to be looked at: most arguments are constants.
    given = [g.value if isinstance(g, constant) else None for g in getters]
    places = [i for i, g in enumerate(getters) if not isinstance(g, constant)]
    moving = [getters[i] for i in places]
    made: dict[Any, Op] = {}

    def get(frame: Frame) -> Op:
        found = tuple([g(frame) for g in moving])
        key = frame.m.key(found, span)
        op = made.get(key)
        if op is None:
            if len(made) > MAX_MADE:
                made.clear()
            values = list(given)
            for i, value in zip(places, found, strict=True):
                values[i] = value
            op = made[key] = frame.m.intern(construct(layer, arguments, tuple(values), span))
        return op

    return get


def _without_arguments(layer: type[Layer], span: Span) -> Callable[[Frame], Op]:
    def get(frame: Frame) -> Op:
        return frame.m.ops.get(layer) or plain_op(layer, frame, span)

    return get


def plain_op(layer: type[Layer], frame: Frame, span: Span) -> Op:
    """A layer without arguments."""
    op = frame.m.ops.get(layer)
    if op is None:
        if required(layer):
            raise lacking(layer, (), span)
        op = frame.m.ops[layer] = frame.m.intern(layer())
    return op


def construct(
    layer: type[Any], arguments: LayerArguments, values: tuple[Any, ...], span: Span
) -> Any:
    """A layer or pattern from values; raises a fault at the argument that is wrong."""
    read: dict[str, Any] = {}
    for (parameter, _, place), value in zip(arguments, values, strict=True):
        try:
            read[parameter.name] = found = parameter.reader.read(value)
            if pytorch.is_pair(layer.name, place.text):
                raise Unreadable("a number, or one for each axis such as 0x1")
            if parameter.name in BY_PLACE:
                wrong = pytorch.by_place(layer.name, parameter.name, found, place.text)
                if wrong is not None:
                    raise Unreadable(wrong)
        except Unreadable as problem:
            raise fault(
                codes.WRONG_ARGUMENT,
                place,
                help=(rounding(value) if "whole" in problem.expected else [])
                + hidden_word(place, parameter.reader.words)
                + _meant(layer.name, parameter.name, value, place, span),
                name=parameter.name,
                callee=layer.name,
                given=describe(value),
                expected=problem.expected,
            ) from None
    if not required(layer) <= read.keys():
        raise lacking(layer, read, span)
    return layer(**read)


def _meant(layer: str, name: str, value: Any, place: Span, call: Span) -> list[str]:
    """What helps one who writes as in another language, `linear(64, 10)` or `width = [16, 32]`."""
    if isinstance(value, tuple) and value and place.text.isidentifier():
        knob = f"{place.text} = {show(value[0])} in {{{show(value)[1:-1]}}}"
        return [f"a knob that is one of several values is written `{knob}`"]
    if isinstance(value, Tensor):
        rest = pytorch.arguments(call.text.removeprefix(layer))[1:]
        text = f"{layer}({', '.join(rest)})" if rest else layer
        return [f"a tensor goes into a layer by `->`: `{place.text} -> {text}`"]
    is_filter = issubclass(REGISTRY.layers.get(layer, Layer), Convolution)
    if (said := pytorch.meant(call.text)) and (not is_filter or name == "bias"):
        return said
    if name == "eps" and "=" not in place.text:
        return [f"the input's size is known: write `{layer}`"]
    if pytorch.is_pair(layer, place.text):
        a, b = pytorch.arguments(f"({place.text[1:-1]})")
        return [
            f"for each axis, it is `pad({a}x{b})`; before and after the width of an image,"
            f" `pad(before = 0x{a}, after = 0x{b})`"
        ]
    if layer == "transpose" and is_number(value):
        return [methods.FIRST]
    if name == "before" and "=" not in place.text:
        return ["the sides have names: `pad(before = 0, after = 1)`"]
    if is_number(value) and name == "over" and layer.endswith("softmax"):
        return [
            f"`{layer}` takes no number of classes: write `linear({place.text})` and no softmax,"
            " as the loss contains it"
        ]
    return []


def lacking(layer: type[Any], given: Collection[str], span: Span) -> Fault:
    """What is wrong with a layer that has only these arguments."""
    names = [p.name for p in signature(layer)]
    absent = [n for n in names if n in required(layer) and n not in given]
    return missing(absent, layer.name, span, names)


def missing(absent: list[str], callee: str, span: Span, names: list[str]) -> Fault:
    quoted = " and ".join(f"`{n}`" for n in absent)
    help = takes(callee, names)
    return fault(codes.MISSING_ARGUMENT, span, help=help, names=quoted, callee=callee)
