"""A part of a network under construction."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from operator import attrgetter
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import Label, fault
from archdsl.diagnostics.source import Span
from archdsl.elaborate.values import SharedLayer, Tensor, Tensors, each
from archdsl.ir.naming import clash, numbered_names
from archdsl.ir.network import Op, Part, Shared, Step, is_spare, numbered, pick, used_by
from archdsl.layers.base import Shape

INPUTS = attrgetter("inputs")


_NEXT = re.compile(r"[\s;]*(?:->)?\s*([A-Za-z_]\w*)\s*(?:->|[;}\n]|$)")


class PartBuilder:
    """A part under construction."""

    __slots__ = (
        "borrows",
        "counts",
        "first",
        "imports",
        "input",
        "is_list",
        "label",
        "parent",
        "several",
        "shared",
        "size",
        "steps",
        "taken",
        "takes",
    )

    def __init__(self, parent: PartBuilder | None, label: str, input: Shape) -> None:
        """``input`` is the shape of the current tensor, or those of several: these are its input
        and its first imports."""
        self.parent = parent
        self.label = label
        self.steps: list[Step] = []
        self.counts: dict[str, int] = {}
        self.imports: list[Tensor] = []
        self.shared: list[SharedLayer] = []  # modules of its own that several steps may apply
        self.borrows: list[SharedLayer] = []  # those from outside
        self.size = 0
        self.several = False  # it stays a part, even of one step: its text could make more
        shapes: tuple[Any, ...] = input if input and isinstance(input[0], tuple) else (input,)
        self.takes = len(shapes)  # current tensors
        self.taken: tuple[
            int, ...
        ] = ()  # which of them are left, once it is closed and some are not
        self.is_list = shapes is input
        self.input = shapes[0]
        self.first = Tensor(self.input, 0, self)
        self.imports += [Tensor(shape, -i, self) for i, shape in enumerate(shapes[1:], 1)]

    def start(self) -> Tensor:
        """The tensor that it begins with, or the several."""
        if not self.is_list:
            return Tensor(self.input, 0, self)
        return Tensors((self.first, *self.imports[: self.takes - 1]))

    @property
    def outside(self) -> list[Tensor]:
        """The tensors from outside that it uses beside its current ones."""
        return self.imports[self.takes - 1 :]

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

    def module(self, layer: SharedLayer) -> int:
        """The number of a shared layer's module here: its own, or one from outside. What no part
        around it is the owner of, as what stands in a library, the network has."""
        own = layer.builder is self or self.parent is None
        known = self.shared if own else self.borrows
        place = next((i for i, one in enumerate(known) if one is layer), len(known))
        if place == len(known):
            known.append(layer)
        return place if own else -place - 1

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
        module: int | None = None,
        lends: tuple[int, ...] = (),
    ) -> Tensor:
        nodes = tuple([t.node if t.builder is self else self.node(t) for t in inputs])
        steps = self.steps
        steps.append(Step(op, nodes, shape, name, number, span, 1, weight, plain, module, lends))
        self.size += op.size if op.__class__ is Part else 1
        made = Tensor(shape, len(steps), self)
        return self.picked(made, op, span) if op.__class__ is Part and op.given else made

    def picked(self, made: Tensor, part: Part, span: Span) -> Tensors:
        """The results of a step that gives several."""
        found = []
        for number, value in enumerate(part.given):
            shape = part.shape_of(value)
            self.steps.append(Step(pick(number), (made.node,), shape, "", 1, span))
            found.append(Tensor(shape, len(self.steps), self))
        return Tensors(tuple(found))

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
        builder: PartBuilder | None = self
        while builder is not None:
            if builder.label:
                names.append(builder.label)
            builder = builder.parent
        return ".".join(reversed(names))

    def holds(self, other: PartBuilder) -> bool:
        """Whether the other part is this one, or within it."""
        at: PartBuilder | None = other
        while at is not None and at is not self:
            at = at.parent
        return at is self

    def unused(self, results: Sequence[Tensor]) -> Step | None:
        """A step whose result nothing uses: work and weights for nothing."""
        used = {*map(self.node, results), *chain.from_iterable(map(used_by, self.steps))}
        if used.issuperset(range(1, len(self.steps) + 1)):
            return None
        for place, step in enumerate(self.steps, 1):
            if place not in used and step.weight is None and not is_spare(self.steps, step):
                return step
        return None

    def prune(self, results: Sequence[int]) -> list[int]:
        """Leaves out those of several current tensors that nothing uses: ``taken`` are the others.
        The numbers that the results then have."""
        used = {*results, *chain.from_iterable(map(INPUTS, self.steps))}
        kept = [i for i in range(self.takes) if -i in used] or [0]
        shapes = [self.input, *(t.shape for t in self.imports[: self.takes - 1])]
        less = self.takes - len(kept)
        places = {-i: -place for place, i in enumerate(kept)}
        if not less:
            return [*results]

        def moved(n: int) -> int:
            return places[n] if n in places else n + less if n < 0 else n

        for step in self.steps:
            step.inputs = tuple(map(moved, step.inputs))
        self.input = shapes[kept[0]]
        before = [self.first, *self.imports[: self.takes - 1]]
        self.first = before[kept[0]]
        known = [t for t in self.imports[: self.takes - 1] if -t.node in kept[1:]]
        self.imports[: self.takes - 1] = known
        self.takes, self.taken = len(kept), tuple(kept)
        return [*map(moved, results)]

    def close(
        self,
        kind: str,
        name: str,
        result: Tensor,
        others: Sequence[Tensor] = (),
        first: Mapping[SharedLayer, Shared] | None = None,
        **more: Any,
    ) -> Part:
        """The finished part; raises a fault where one of its layers is for nothing, or two
        have one name. ``others`` are results beside the one."""
        results = each(result)
        step = self.unused((*results, *others))
        if step is not None:
            raise fault(codes.UNUSED_RESULT, step.span, other=instead_of(step.span))
        same = clash(self.steps, self.counts)
        if same is not None:
            taken, one, other = same
            raise fault(codes.NAME_TAKEN, other, Label(one, "the first"), name=taken)
        shared = self.modules(first or {})
        nodes = list(map(self.node, results))
        if self.takes > 1:
            nodes = self.prune(nodes)
        part = Part(
            kind,
            name,
            self.input,
            tuple(t.shape for t in self.imports),
            tuple(self.steps),
            nodes[0],
            results[0].shape,
            self.size,
            **more,
        )
        if isinstance(result, Tensors):
            part.given = tuple(nodes)
        part.takes = self.takes
        part.is_list, part.called = self.is_list, self.first.named if self.is_list else ""
        part.tensors = tuple([t.named for t in self.imports])
        if kind == "block":
            part.imported = tuple(self.imports)
        part.shared, part.lent = shared, tuple([layer.name for layer in self.borrows])
        return part

    def modules(self, first: Mapping[SharedLayer, Shared]) -> tuple[Shared, ...]:
        """The shared modules of its own, each with a name of its own. ``first`` says what each is.
        Raises a fault where a step has that name."""
        if not self.shared:
            return ()
        counts: dict[str, int] = {}
        taken = dict(numbered_names(self.steps, {}, own=True))
        found = []
        for layer in self.shared:
            number = counts[layer.name] = counts.get(layer.name, 0) + 1
            name = numbered(layer.name, number, plain=True)
            if name in taken:
                label = Label(taken[name], "the first")
                raise fault(codes.NAME_TAKEN, layer.span, label, name=name)
            found.append(replace(first[layer], name=name, span=layer.span))
        return tuple(found)


def instead_of(place: Span) -> str:
    """The name of the tensor that takes the place of a result that nothing uses: what follows in
    the text."""
    found = _NEXT.match(place.source.text, place.end)
    return found[1] if found else "x"
