"""What comes in: ``input 3x224x224``, ``input image: 3x224x224, text(ids = 30522): 128``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import fault
from archdsl.diagnostics.source import Span
from archdsl.elaborate.builder import PartBuilder
from archdsl.elaborate.code import Action, Getter
from archdsl.elaborate.machine import Frame
from archdsl.elaborate.making import LayerArguments, bind_layer, construct
from archdsl.elaborate.scope import Scope, poison
from archdsl.elaborate.values import Tensor, describe
from archdsl.layers.arguments import Sizes, Unreadable, Whole
from archdsl.layers.base import Layer, Shape
from archdsl.layers.ids import Ids
from archdsl.syntax import tree
from archdsl.syntax.elsewhere import without_batch


class Incoming(Layer):
    """The arguments of ``input name(...): shape``."""

    ids: Annotated[int | None, Whole(1)] = None

    name = "input"


def incoming(node: tree.Input, scope: Scope) -> Action:
    """The tensors that come in. The first is the current tensor; those with names are kept."""
    compiled: list[tuple[int | None, str, Getter, LayerArguments, Span]] = []
    for tensor in node.tensors:
        shape = _shape(tensor.shape, scope)
        arguments = bind_layer(Incoming, tensor, scope)
        slot, name = None, ""
        if tensor.name is not None:
            name = tensor.name.text
            slot = scope.variable(tensor.name, "tensor").slot
        compiled.append((slot, name, shape, arguments, tensor.shape.span))

    def run(frame: Frame) -> None:
        builder = frame.b
        given = frame.m.given_input
        tensors: list[Tensor] = []
        for slot, name, getter, arguments, span in compiled:
            sizes = given if given is not None and not tensors else read(getter(frame), span)
            values = tuple([argument(frame) for _, argument, _ in arguments])
            ids = construct(Incoming, arguments, values, span).ids
            shape = sizes if ids is None else Ids(sizes, ids)
            if tensors:
                tensor = Tensor(shape, 0, PartBuilder(None, "", shape))
                builder.imports.append(tensor)
            else:
                builder.input = shape
                tensor = builder.start()
            tensor.named = name
            if slot is not None:
                frame.v[slot] = tensor
            tensors.append(tensor)
        frame.m.inputs = tuple([tensor.named for tensor in tensors])
        frame.x = tensors[0]

    return run


def _shape(node: tree.Node, scope: Scope) -> Getter:
    """The shape of a tensor that comes in, which has no batch."""
    first = node.items[0] if isinstance(node, tree.ListOf) and node.items else node
    help = without_batch(node.span.text)
    if help and isinstance(first, tree.Name) and scope.lookup(first.text) is None:
        wanted, word = "value or layer", first.text
        scope.context.report(codes.UNKNOWN_NAME, first.span, help=help, name=word, wanted=wanted)
        return poison
    return scope.value(node)


def check_used(
    builder: PartBuilder, results: Sequence[Tensor], names: tuple[str, ...], span: Span | None
) -> None:
    """Raises a fault where one of several inputs leads nowhere."""
    used = {*map(builder.node, results), *(n for step in builder.steps for n in step.inputs)}
    for place, name in enumerate(names):
        if name and -place not in used:
            raise fault(codes.UNUSED_INPUT, span, name=name)


def read(value: object, span: Span) -> Shape:
    """A shape; a fault for what is none."""
    try:
        return Sizes().read(value)
    except Unreadable as problem:
        raise fault(
            codes.WRONG_ARGUMENT,
            span,
            name="shape",
            callee="input",
            help=without_batch(span.text),
            given=describe(value),
            expected=problem.expected,
        ) from None
