"""What comes into a model: one tensor, or several by the names of its ``forward``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import Parameter, signature
from operator import index
from typing import Any

import torch
from torch import nn

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose, did_you_mean
from archdsl.importing.file_module import ProgramModule
from archdsl.layers.base import Shape, show_shape
from archdsl.layers.ids import Ids

LONGEST = 40  # letters of what is no shape, to be shown
Inputs = Mapping[str, Shape]  # without the batch; a single one may be without a name: ``""``
One = torch.Tensor | Sequence[int] | str
Example = One | Mapping[str, One] | tuple[torch.Tensor, ...]


def inputs_of(module: nn.Module, example: Example) -> dict[str, Shape]:
    """The shapes of an example: of a batch, of one image, or of several by their names, or as
    tensors in the order of a module's ``forward``. A tensor of whole numbers is one of token ids,
    of how many words is not known yet."""
    given = example if isinstance(example, (tuple, list)) else ()
    tensors = [one for one in given if isinstance(one, torch.Tensor)]
    if tensors and len(tensors) == len(given):
        return _in_order(module, tensors)
    if isinstance(example, Mapping):
        return {str(name): _shape(one) for name, one in example.items()}
    return {"": _shape(example)}  # type: ignore[arg-type]


def _in_order(module: nn.Module, tensors: list[torch.Tensor]) -> dict[str, Shape]:
    """Those of tensors by the names of what a ``forward`` takes by place."""
    if len(tensors) == 1:
        return {"": _shape(tensors[0])}
    names, given = places_of(module), len(tensors)
    if len(names) < given:
        takes = ", ".join(f"`{name}`" for name in names) or "nothing"
        raise fails(f"its `forward` takes {takes} by place, and {given} tensors were given")
    return {name: _shape(one) for name, one in zip(names, tensors, strict=False)}


def _shape(one: One) -> Shape:
    """The shape of one. Raises ``ArchError`` (A652) where there is none."""
    if isinstance(one, torch.Tensor):
        if one.dtype == torch.bool or one.is_complex():
            kind = str(one.dtype).removeprefix("torch.")
            raise fails(f"a tensor of `{kind}` comes in, and a network takes real numbers or ids")
        shape = tuple(one.shape[1:])
        return shape if one.is_floating_point() else Ids(shape, 0)
    if isinstance(one, Ids):
        return one
    try:
        sizes = one.lower().split("x") if isinstance(one, str) else [index(n) for n in one]
        shape = tuple(int(n) for n in sizes)
    except (TypeError, ValueError):
        shape = ()
    if not shape or min(shape) < 1:
        given = repr(one)
        given = given if len(given) <= LONGEST else f"`{type(one).__name__}`"
        raise fails(f"{given} is not a shape such as (3, 224, 224)")
    return shape


def shown(inputs: Inputs) -> str:
    """``3x224x224``, ``left 3x32x32 and right 3x32x32``."""
    parts = [f"{name} {show_shape(shape)}".strip() for name, shape in inputs.items()]
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def tensors_of(inputs: Inputs, batch: int, dtype: torch.dtype, **options: Any) -> list[Any]:
    """A tensor for each: random numbers, or random token ids."""
    found = []
    for shape in inputs.values():
        if isinstance(shape, Ids):
            found.append(torch.randint(0, max(shape.vocabulary, 1), (batch, *shape), **options))
        else:
            found.append(torch.randn((batch, *shape), dtype=dtype, **options))
    return found


def called(inputs: Inputs, tensors: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a call: by name, or by place what has none."""
    if "" in inputs:
        return tuple(tensors), {}
    return (), dict(zip(inputs, tensors, strict=True))


def check_taken(model: nn.Module, inputs: Inputs) -> None:
    """Raises ``ArchError`` (A652) where a model takes no tensor, or others than these."""
    if isinstance(model, ProgramModule):
        if sorted(model.inputs) != sorted(inputs):
            names = ", ".join(f"`{name}`" for name in model.inputs if name) or "one tensor"
            raise fails(f"the file takes {names}: say the shapes of these")
        return
    try:
        parameters = signature(model.forward).parameters.values()
    except (TypeError, ValueError):
        return
    kinds = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    places = [p.name for p in parameters if p.kind in kinds or p.kind is p.VAR_POSITIONAL]
    if not places and "" in inputs:
        raise fails("its `forward` takes no tensor: import a module whose `forward(x)` calls it")
    named = (*kinds, Parameter.KEYWORD_ONLY)
    needed = [p.name for p in parameters if p.kind in named and p.default is p.empty]
    if "" in inputs:
        if len(needed) > 1 or any(
            p.kind is p.KEYWORD_ONLY and p.name in needed for p in parameters
        ):
            names = ", ".join(f"`{name}`" for name in needed)
            example = ", ".join(f"{name}: {show_shape(inputs[''])}" for name in needed)
            raise fails(
                f"its `forward` takes {names}, and one shape was given: say all of them",
                f'`--input "{example}"`; of token ids `{needed[0]}(ids = 50257): 64`;'
                f" from Python, a mapping of names to shapes, or a tuple of tensors",
            )
        return
    known = [p.name for p in parameters if p.kind in named]
    free = any(p.kind is p.VAR_KEYWORD for p in parameters)
    for name in inputs:
        if name not in known and not free:
            raise fails(f"its `forward` takes no `{name}`", *did_you_mean(name, known))
    if missing := [f"`{name}`" for name in needed if name not in inputs]:
        raise fails(f"its `forward` takes {', '.join(missing)}, too: say its shape")


def places_of(module: nn.Module) -> list[str]:
    """What the ``forward`` of a module calls what it is given by its place."""
    try:
        parameters = signature(module.forward).parameters.values()
    except (TypeError, ValueError):
        return []
    kinds = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    return [one.name for one in parameters if one.kind in kinds]


def fails(reason: str, *help: str) -> ArchError:
    return ArchError([diagnose(codes.MODEL_FAILS, help=help, reason=reason)])
