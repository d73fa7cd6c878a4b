"""A network that a file describes, as a module: its steps are functions of PyTorch, one after the
other, and nothing of the file is run."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
import torch
from torch import nn

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.layers.base import Shape

BITS = 64  # of a whole number that a step gives
MOST = 1 << 28  # numbers that a step makes of arrays
DEEPEST = 100  # modules around a tensor


@dataclass(frozen=True, slots=True)
class Of:
    """A value by its name: what a step gave, a tensor of the file, or an input."""

    name: str


@dataclass(frozen=True, slots=True)
class ModuleScope:
    """A module of the author's around a step: which call of it, its path, its class."""

    key: str
    path: str
    cls: str


class Training:
    """Stands where a function is told whether it runs in training."""


class Unsupported(Exception):
    """A function does not compute an operation in this form."""


@dataclass(slots=True)
class FileStep:
    """One operation. Without a function it has no counterpart, and gives what ``shapes`` say."""

    op: str
    function: Callable[..., Any] | None
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    results: tuple[str, ...]
    scopes: tuple[ModuleScope, ...] = ()
    path: str = ""
    shapes: tuple[Shape | None, ...] = ()


@dataclass(slots=True)
class FileProgram:
    """What a file says: its steps, what comes in and goes out, and its tensors by their keys.

    ``names`` has the key of a tensor for each name that a step calls it by. ``batch`` is the
    number of images that the file was made for, where it names one."""

    steps: list[FileStep] = field(default_factory=list)
    inputs: dict[str, Shape] = field(default_factory=dict)  # without the batch
    outputs: dict[str, str] = field(default_factory=dict)  # of each result, the name of its value
    names: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, torch.Tensor] = field(default_factory=dict)
    buffers: dict[str, torch.Tensor] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)  # by the names of values
    batch: int | None = None
    device: str = "cpu"  # that the file was made for, and the numbers of its last input
    dtype: torch.dtype | None = None
    cls: str = "Network"
    said: list[str] = field(default_factory=list)  # what the reader did that has to be known
    checked: list[str] = field(default_factory=list)  # and what it has checked


class FreshNames:
    """Gives names that are not taken: of many that are alike, each is found at once."""

    def __init__(self) -> None:
        self.counts = Counter[str]()

    def fresh(self, name: str, *taken: Collection[str]) -> str:
        """The name, or with a sign and a number after it where it is taken."""
        found = name
        while any(found in names for names in taken):
            self.counts[name] += 1
            count = self.counts[name]
            found = f"{name}_" if count == 1 else f"{name}_{count}"
        return found


class TensorKeys:
    """Names that tensors of a module can have, whatever a file calls them."""

    def __init__(self) -> None:
        self.names = FreshNames()
        self.tensors: set[str] = set()
        self.modules: set[str] = set()

    def of(self, name: str) -> str:
        """One that no other tensor has, and no module around one."""
        key = re.sub(r"[^\w.]", "_", name).strip(".")
        parts = key.split(".")
        if not all(parts) or len(parts) > DEEPEST:
            key, parts = key.replace(".", "_") or "tensor", []
        around = {".".join(parts[:count]) for count in range(1, len(parts))}
        if key in self.tensors or key in self.modules or not around.isdisjoint(self.tensors):
            key, around = key.replace(".", "_") + "_", set()
            key = self.names.fresh(key, self.tensors, self.modules)
        self.tensors.add(key)
        self.modules |= around
        return key


class ProgramModule(nn.Module):
    """Runs the steps of a file. ``watch`` is told of each: where it stands, and of those without a
    counterpart."""

    def __init__(self, described: FileProgram) -> None:
        super().__init__()
        self.described = described
        self.watch: Any = None
        for key, tensor in described.parameters.items():
            _place(self, key, nn.Parameter(tensor))
        for key, tensor in described.buffers.items():
            _place(self, key, tensor)
        last: dict[str, int] = {}
        for number, step in enumerate(described.steps):
            for name in _names((step.args, tuple(step.kwargs.values()))):
                last[name] = number
        kept = set(described.outputs.values())
        self._done: list[list[str]] = [[] for _ in described.steps]
        for name, number in last.items():
            if name not in kept:
                self._done[number].append(name)

    @property
    def inputs(self) -> dict[str, Shape]:
        """The shapes of what comes in, without the batch: a single one has no name."""
        found = self.described.inputs
        if len(found) == 1:
            return {"": next(iter(found.values()))}
        return {re.sub(r"\W|^(?=\d)", "_", name): shape for name, shape in found.items()}

    def forward(self, *inputs: torch.Tensor, **named: torch.Tensor) -> Any:
        described = self.described
        values: dict[str, Any] = dict(described.constants)
        inputs = inputs or tuple(named[name] for name in self.inputs)
        values |= dict(zip(described.inputs, inputs, strict=True))
        for name, key in described.names.items():
            values[name] = _tensor(self, key)
        count = inputs[0].shape[0]
        for step, done in zip(described.steps, self._done, strict=True):
            args = _given(step.args, values, self.training)
            kwargs = {k: _given(v, values, self.training) for k, v in step.kwargs.items()}
            if self.watch is not None:
                self.watch.stand(step)
            if prod(a.size for a in args if isinstance(a, np.ndarray)) > MOST:
                raise ValueError(f"it is given arrays that could make more than {MOST:,} numbers")
            if step.function is None:
                found: Any = self._unknown(step, args, kwargs, inputs[0], count)
            else:
                if step.function in BATCHED:
                    args = (described.batch, count, *args)
                try:
                    found = step.function(*args, **kwargs)
                except Unsupported:
                    found = self._unknown(step, args, kwargs, inputs[0], count)
            if isinstance(found, int) and found.bit_length() > BITS:
                raise ValueError(f"it gives a number of more than {BITS} bits")
            results = found if isinstance(found, (tuple, list)) else (found,)
            values.update(zip(step.results, results, strict=False))
            for name in done:
                values.pop(name, None)
        found = {key: values[name] for key, name in described.outputs.items()}
        return next(iter(found.values())) if len(found) == 1 else found

    def _unknown(
        self, step: FileStep, args: Any, kwargs: Any, x: torch.Tensor, count: int
    ) -> list[Any]:
        """What stands for the results of an operation without a counterpart."""
        if self.watch is None:
            raise NotImplementedError(f"no layer computes `{step.op}`")
        if None in step.shapes:
            raise ArchError([diagnose(codes.NO_LAYER, operation=step.op, reason="")])
        made = [x.new_empty((count, *shape[1:])) for shape in step.shapes if shape is not None]
        self.watch.add(step.op, self.watch.ref(args), self.watch.ref(kwargs), made)
        return made


def _place(module: nn.Module, key: str, tensor: torch.Tensor) -> None:
    *path, name = key.split(".")
    for part in path:
        if part not in module._modules:
            module.add_module(part, nn.Module())
        module = module._modules[part]  # type: ignore[assignment]
    if isinstance(tensor, nn.Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


def _tensor(module: nn.Module, key: str) -> torch.Tensor:
    found: Any = module
    for part in key.split("."):
        found = getattr(found, part)
    assert isinstance(found, torch.Tensor)
    return found


def _names(value: Any) -> Sequence[str]:
    if isinstance(value, Of):
        return [value.name]
    if isinstance(value, (tuple, list)):
        return [name for item in value for name in _names(item)]
    return []


def _given(value: Any, values: Mapping[str, Any], training: bool) -> Any:
    if isinstance(value, Of):
        return values[value.name]
    if isinstance(value, (tuple, list)):
        return type(value)(_given(item, values, training) for item in value)
    return training if value is Training else value


# ------------------------------------------------ shapes that name the images of the file's batch


def reshape(batch: int | None, count: int, x: torch.Tensor, to: Sequence[int]) -> torch.Tensor:
    """``x.reshape(to)``, for whatever number of images."""
    sizes = [int(n) for n in to]
    if batch is not None and batch != count and sizes:
        whole = prod(sizes)
        if (whole > 0 and whole * count == x.numel() * batch) or (whole < 0 and sizes[0] == batch):
            sizes[0] = sizes[0] * count // batch
    return x.reshape(sizes)


def expand(batch: int | None, count: int, x: torch.Tensor, to: Sequence[int]) -> torch.Tensor:
    """``x.expand(to)``, for whatever number of images."""
    sizes = [int(n) for n in to]
    if batch is not None and sizes and sizes[0] == batch and x.shape[:1] in ((1,), (count,)):
        sizes[0] = count
    return x.expand(sizes)


# Functions that are told of the number of images: the file's, and that which comes in.
BATCHED: set[Callable[..., Any]] = {reshape, expand}
