"""A layer's call through the language, and its PyTorch code through PyTorch."""

import dataclasses
import math
from functools import cache

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import archdsl
from archdsl.backend.own_modules import helpers_of
from archdsl.ir.network import Op
from archdsl.layers.base import Expression, Layer, Shape, show_shape
from archdsl.layers.ids import Ids
from archdsl.layers.join import Join
from archdsl.records import complete
from archdsl.registry import REGISTRY

NOTHING = "arch nothing\ninput 1x1x1\nrelu"


def sized(shape: Shape) -> str:
    """A shape as the language writes it."""
    return show_shape(shape) if len(shape) > 1 else f"({shape[0]},)"


def incoming(shape: Shape) -> str:
    """What comes in, as the language writes it."""
    if isinstance(shape, Ids):
        return f"words(ids = {shape.vocabulary}): {sized(tuple(shape))}"
    return sized(shape)


def tensor(shape: Shape, batch: int = 2, device: str = "cpu") -> torch.Tensor:
    """A batch of numbers, or of token ids: the first ones."""
    if isinstance(shape, Ids):
        return torch.arange(math.prod(shape), device=device).expand(batch, -1).view(-1, *shape)
    return torch.zeros(batch, *shape, device=device)


@cache
def elaborated(call: str, *inputs: Shape) -> tuple[Layer, archdsl.Architecture]:
    """The layer that a call makes of these inputs, and the network of it and a `relu`.

    A join stands after a list of layers, each of which gives one of the inputs.
    """
    name = call.partition("(")[0]
    if not issubclass(REGISTRY.layers[name], Join):
        written = call
    elif REGISTRY.layers[name].takes_list:
        written = f"[{', '.join(arm(s) for s in inputs)}] -> {call}"
    else:
        return join_with_arguments(call), archdsl.parse(NOTHING).with_knobs()
    text = f"arch one\ninput {incoming(inputs[0])}\n{written} -> relu\n"
    architecture = archdsl.parse(text).with_knobs()
    nodes = architecture.flat.nodes
    layer = nodes[nodes[-1].inputs[0]].layer
    if layer is None:  # the language leaves an identity out
        layer = REGISTRY.layers[name]()
    return layer, architecture


def arm(shape: Shape) -> str:
    """A layer that makes this shape of anything."""
    if len(shape) == 1:
        return f"linear({shape[0]})"
    size = show_shape(shape[1:])
    return f"adaptive_avgpool({size}) -> conv({shape[0]}, 1)"


def join_with_arguments(call: str) -> Layer:
    """A join whose arguments are written: patterns alone make these, so that the call goes
    through a layer of one input with the same arguments."""
    join = REGISTRY.layers[call.partition("(")[0]]
    complete(join)
    fields = [(f.name, f.type, f) for f in dataclasses.fields(join)]
    probe = dataclasses.make_dataclass(
        "Probe",
        [(n, t, dataclasses.field(default=f.default)) for n, t, f in fields],
        bases=(Layer,),
        namespace={"name": "probe"},
        frozen=True,
        slots=True,
    )
    registry = REGISTRY.with_added([probe])
    text = call.replace(join.name, "probe", 1)
    made = archdsl.parse(f"arch one\ninput 1x1x1\n{text}\n", registry=registry).with_knobs()
    (step,) = made.network.root.steps
    assert isinstance(step.op, Op)
    return join(**{n: getattr(step.op.layer, n) for n, _, _ in fields})


def names_of(layer: Layer, *inputs: Shape) -> dict[str, object]:
    """What a layer's PyTorch code may speak of. Skips the test where a class is not there."""
    names: dict[str, object] = {"torch": torch, "nn": nn, "F": F}
    code = layer.torch(*inputs)
    if not isinstance(code, Expression):
        for needed in helpers_of(layer, code):
            if needed.name == "FractalJoin":
                pytest.skip("the joins of a fractal are emitted in a container")
            exec(needed.file.read_text("utf-8"), names)
    return names


def module_of(layer: Layer, *inputs: Shape, device: str = "cpu") -> nn.Module | None:
    """The module of a layer's code, which is read back from its text; none of an expression."""
    code = layer.torch(*inputs)
    if isinstance(code, Expression):
        return None
    given = [repr(a) for a in code.arguments]
    given += [f"{k}={v!r}" for k, v in code.keywords.items()]
    with torch.device(device):
        made = f"{code.target}({', '.join(given)})"
        module = eval(f"{code.through}({made})", names_of(layer, *inputs))
    assert isinstance(module, nn.Module)
    return module


def run(
    layer: Layer, *tensors: torch.Tensor, shapes: tuple[Shape, ...] | None = None
) -> torch.Tensor:
    """What a layer's code computes of tensors with a batch axis, whose shapes are those of the
    tensors unless told; in evaluation."""
    inputs = shapes or tuple(tuple(t.shape[1:]) for t in tensors)
    if layer.kind == "linear":
        tensors = tuple(t.flatten(1) for t in tensors)
    module = module_of(layer, *inputs, device=tensors[0].device.type)
    if module is not None:
        return module.eval()(*tensors)
    code = layer.torch(*inputs)
    assert isinstance(code, Expression)
    places = {f"t{i}": t for i, t in enumerate(tensors)}
    text = code.filled().format(*places, x="t0")
    result = eval(text, {**names_of(layer, *inputs), **places})
    assert isinstance(result, torch.Tensor)
    return result


def rows_seen(layer: Layer, shape: Shape, axis: int, others: list[torch.Tensor]) -> int:
    """How many rows of pixels across an axis are seen, at most, by one pixel of the output:
    NaN in a row turns up in every pixel that sees it."""
    size = shape[axis + 1]
    first, last = torch.tensor(size), torch.tensor(size - 1)
    for row in range(size):
        x = torch.rand(1, *shape)
        x.select(axis + 2, row).fill_(math.nan)
        seen = run(layer, x, *others).isnan().any(1)
        first = torch.where(seen & (first == size), row, first)
        last = torch.where(seen, row, last)
    return int((last - first).max()) + 1
