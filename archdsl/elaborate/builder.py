"""A part of a network under construction."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from operator import attrgetter
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import Label, fault
from archdsl.diagnostics.source import Span
from archdsl.elaborate.values import Tensor
from archdsl.ir.naming import clash
from archdsl.ir.network import Op, Part, Step
from archdsl.layers.base import Shape

INPUTS = attrgetter("inputs")


class Builder:
    """A part under construction."""

    __slots__ = ("counts", "imports", "input", "label", "parent", "several", "size", "steps")

    def __init__(self, parent: Builder | None, label: str, input: Shape) -> None:
        self.parent = parent
        self.label = label
        self.steps: list[Step] = []
        self.counts: dict[str, int] = {}
        self.imports: list[Tensor] = []
        self.size = 0
        self.several = False  # it stays a part, even of one step: its text could make more
        self.input = input

    def start(self) -> Tensor:
        """The tensor that it begins with."""
        return Tensor(self.input, 0, self)

    def number(self, name: str) -> int:
        """The next number of an unlabelled kind of step: conv1, conv2, ..."""
        number = self.counts.get(name, 0) + 1
        self.counts[name] = number
        return number

    def node(self, tensor: Tensor) -> int:
        """The number of a tensor here; one from outside becomes an import."""
        if tensor.builder is self:
            return tensor.node
        for i, known in enumerate(self.imports):
            if known is tensor:
                return -i - 1
        self.imports.append(tensor)
        return -len(self.imports)

    def add(
        self,
        op: Op | Part,
        inputs: Sequence[Tensor],
        shape: Shape,
        name: str,
        number: int,
        span: Span,
        weight: float | None = None,
        plain: bool = False,
    ) -> Tensor:
        nodes = tuple([t.node if t.builder is self else self.node(t) for t in inputs])
        steps = self.steps
        steps.append(Step(op, nodes, shape, name, number, span, 1, weight, plain))
        self.size += op.size if op.__class__ is Part else 1
        return Tensor(shape, len(steps), self)

    def append(self, op: Op, nodes: tuple[int, ...], shape: Shape, span: Span) -> Tensor:
        """``add`` for a layer or join on values of this part, numbered among its kind."""
        counts, name, steps = self.counts, op.name, self.steps
        number = counts[name] = counts.get(name, 0) + 1
        steps.append(Step(op, nodes, shape, name, number, span))
        self.size += 1
        return Tensor(shape, len(steps), self)

    @property
    def path(self) -> str:
        names: list[str] = []
        builder: Builder | None = self
        while builder is not None:
            if builder.label:
                names.append(builder.label)
            builder = builder.parent
        return ".".join(reversed(names))

    def unused(self, results: Sequence[Tensor]) -> Step | None:
        """A step whose result nothing uses: work and weights for nothing."""
        used = {*map(self.node, results), *chain.from_iterable(map(INPUTS, self.steps))}
        if used.issuperset(range(1, len(self.steps) + 1)):
            return None
        for place, step in enumerate(self.steps, 1):
            if place not in used and step.weight is None:
                return step
        return None

    def close(
        self, kind: str, name: str, result: Tensor, others: Sequence[Tensor] = (), **more: Any
    ) -> Part:
        """The finished part; raises a fault where one of its layers is for nothing, or two
        have one name. ``others`` are results beside the one."""
        step = self.unused((result, *others))
        if step is not None:
            raise fault(codes.UNUSED_RESULT, step.span)
        same = clash(self.steps, self.counts)
        if same is not None:
            taken, first, second = same
            raise fault(codes.NAME_TAKEN, second, Label(first, "the first"), name=taken)
        part = Part(
            kind,
            name,
            self.input,
            tuple(t.shape for t in self.imports),
            tuple(self.steps),
            self.node(result),
            result.shape,
            self.size,
            **more,
        )
        part.tensors = tuple([t.named for t in self.imports])
        return part
