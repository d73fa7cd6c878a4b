"""What elaboration makes: parts within parts, over tensors whose shapes are known.

A ``Part`` is a straight piece of dataflow. Its steps are layers, joins, and other parts;
equal parts are one object, however often they are used, so that whatever is computed
over a network grows with the number of its *different* blocks. ``archdsl.ir.flat`` spells it out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from archdsl.layers.base import Layer, Shape
from archdsl.registry import REGISTRY

if TYPE_CHECKING:
    from archdsl.diagnostics.source import Span
    from archdsl.syntax import tree


class Op:
    """A layer in use: one object for equal layers, with what is known of it by input shapes."""

    __slots__ = ("figures", "free", "layer", "name", "shapes")
    levels = 0  # of parts within it

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.name = layer.name
        self.free = layer.is_free()
        self.shapes: dict[Any, Shape] = {}  # by the input's shape, or by the tuple of them
        self.figures: dict[Any, Any] = {}  # remembered by archdsl.costs


class Pick(Op):
    """One of the results of a part that gives several: the step's input is the step that applies
    the part. It computes nothing; its steps have no name."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        super().__init__(REGISTRY.layers["identity"]())
        self.name = ""
        self.number = number  # from 0 on


@cache
def pick(number: int) -> Pick:
    """The one operation that takes a result of this number."""
    return Pick(number)


def numbered(name: str, number: int, plain: bool = False) -> str:
    """``conv2``, and ``relu6_2`` of a name that ends in a digit. ``plain``: the first goes
    without a number."""
    if plain and number == 1:
        return name
    return f"{name}_{number}" if name[-1].isdigit() else f"{name}{number}"


LEVELS = attrgetter("op.levels")  # of a step


class Step:
    """One operation of a part: an op or a part, applied ``repeat`` times in a row.

    Values are numbered: 0 is the part's input, ``i + 1`` the result of step ``i``, and
    ``-(j + 1)`` the part's ``j``-th import. ``name`` and ``number`` make the path. The results of
    a part that gives several are taken by ``Pick`` alone; where it is repeated, they are the first
    operands of the next time.

    Shared modules are numbered too: ``module`` is that whose weights the step has (``i`` the
    part's own, ``-(j + 1)`` its ``j``-th from outside; nothing for weights of its own), and
    ``lends`` are those that a part is given.
    """

    __slots__ = (
        "inputs",
        "lends",
        "module",
        "name",
        "number",
        "op",
        "plain",
        "repeat",
        "shape",
        "span",
        "weight",
    )

    def __init__(
        self,
        op: Op | Part,
        inputs: tuple[int, ...],
        shape: Shape,
        name: str,
        number: int,
        span: Span,
        repeat: int = 1,
        weight: float | None = None,
        plain: bool = False,
        module: int | None = None,
        lends: tuple[int, ...] = (),
    ) -> None:
        self.op = op
        self.inputs = inputs
        self.shape = shape
        self.name = name
        self.number = number
        self.span = span
        self.repeat = repeat
        self.weight = weight  # of a side output: its share in the loss
        self.plain = plain  # a label: the first of its name goes without its number
        self.module = module
        self.lends = lends

    @property
    def label(self) -> str:
        """The step's name within its part: ``conv2``, ``stem``."""
        return self.numbered(self.number)

    def numbered(self, number: int) -> str:
        return numbered(self.name, number, self.plain)

    @property
    def size(self) -> int:
        """Layers and joins in one application."""
        if isinstance(self.op, Part):
            return self.op.size
        return 0 if isinstance(self.op, Pick) else 1


@dataclass(frozen=True, slots=True)
class NamedResult:
    """One of several results of a network in evaluation: its name, the number of its value in the
    root, its weight in the loss."""

    name: str
    value: int
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Shared:
    """A module that several steps apply: its name in the part that has it, what it is, and the
    shapes that came into it where it was applied first."""

    name: str
    op: Op | Part
    inputs: tuple[Shape, ...]
    span: Span


class Part:
    """A piece of a network.

    ``kind`` is ``arch``, ``block`` (an application of a ``block``), ``group`` (a labelled
    part), ``dense`` or ``fractal`` (what these patterns make), ``output`` (a side output) or
    ``turn`` (the body of a loop: its steps belong to the part around it). ``given`` are the values
    that a part gives which gives several; ``result`` is the first of them.
    """

    __slots__ = (
        "arguments",
        "called",
        "counts",
        "definition",
        "figures",
        "given",
        "imported",
        "imports",
        "input",
        "is_list",
        "kind",
        "lent",
        "levels",
        "name",
        "result",
        "results",
        "shape",
        "shared",
        "size",
        "steps",
        "taken",
        "takes",
        "tensors",
        "work",
    )
    free = False  # it may have costs

    def __init__(
        self,
        kind: str,
        name: str,
        input: Shape,
        imports: tuple[Shape, ...],
        steps: tuple[Step, ...],
        result: int,
        shape: Shape,
        size: int,
        definition: tree.Block | None = None,
        arguments: tuple[tuple[str, Any], ...] = (),
    ) -> None:
        self.kind = kind
        self.name = name
        self.input = input
        self.imports = imports
        self.steps = steps
        self.result = result
        self.shape = shape
        self.size = size  # layers and joins in it, all repeats counted
        self.levels: int = 1 + max(map(LEVELS, steps), default=0)
        self.definition = definition
        self.arguments = arguments
        self.counts: Mapping[str, int] = {}  # of a turn: how many numbers of each name it takes
        self.given: tuple[int, ...] = ()  # nothing for one that gives one tensor
        self.is_list = False  # several come in, as one current value
        self.takes = 1  # so many current tensors: its input, and the first of its imports
        self.called = ""  # what the spec calls the first of several that come in
        self.taken: tuple[int, ...] = ()  # those that it takes of several current ones, if not all
        self.results: tuple[NamedResult, ...] = ()  # of a root that has several; ``result`` is one
        self.figures: dict[Any, Any] = {}  # remembered by archdsl.costs and the backend
        self.tensors: tuple[str, ...] = ()  # what the spec calls its imports; nothing for some
        self.imported: tuple[Any, ...] = ()  # its imports, as its arguments have them
        self.shared: tuple[Shared, ...] = ()  # modules of its own that several steps may apply
        self.lent: tuple[str, ...] = ()  # what the modules from outside are called
        self.work = 0  # what it took to make it, if it is a block's

    @property
    def ignores_input(self) -> bool:
        """Whether it works on tensors from outside alone."""
        if not self.imports or self.result == 0 or 0 in self.given:
            return False
        return not any(0 in step.inputs and 0 in used_by(step) for step in self.steps)

    def passes_on(self, number: int) -> bool:
        """Whether one of several results is an operand that the part has also used: then it may be
        left."""
        value = self.given[number]
        if value <= 0:
            return any(value in step.inputs for step in self.steps)
        return is_spare(self.steps, self.steps[value - 1])

    def shape_of(self, value: int) -> Shape:
        """The shape of a value by its number."""
        if value > 0:
            return self.steps[value - 1].shape
        return self.input if value == 0 else self.imports[-value - 1]

    def parts(self) -> Iterator[Part]:
        """The different parts below this one and itself, inner ones first."""
        seen: set[int] = set()
        stack: list[tuple[Part, bool]] = [(self, False)]
        while stack:
            part, ready = stack.pop()
            if ready:
                yield part
            elif id(part) not in seen:
                seen.add(id(part))
                stack.append((part, True))
                stack.extend((s.op, False) for s in part.steps if isinstance(s.op, Part))
                stack.extend((s.op, False) for s in part.shared if isinstance(s.op, Part))


def used_by(step: Step) -> tuple[int, ...]:
    """The values that a step works on: a part may look at tensors from outside alone."""
    op = step.op
    return step.inputs[1:] if op.__class__ is Part and op.ignores_input else step.inputs


def is_spare(steps: Sequence[Step], step: Step) -> bool:
    """Whether the result of one of these steps may be used by nothing: it is one of several, and
    one that is passed on."""
    op, place = step.op, step.inputs[0]
    if not isinstance(op, Pick) or not 0 < place <= len(steps):
        return False
    source = steps[place - 1].op
    gives = isinstance(source, Part) and op.number < len(source.given)
    return gives and isinstance(source, Part) and source.passes_on(op.number)


@dataclass(frozen=True, slots=True)
class Choice:
    """A knob met inside a body: the options of a ``choose``, and what was decided."""

    path: str
    options: tuple[str, ...]
    chosen: int
    span: Span


@dataclass(frozen=True, slots=True)
class Network:
    """An elaborated architecture."""

    name: str
    root: Part
    knobs: Mapping[str, Any]  # of the header: what each was decided to be
    choices: tuple[Choice, ...] = field(default=())
    doc: str = ""
    inputs: tuple[str, ...] = ("",)  # names of the root's input and its imports; nothing for one

    @property
    def incoming(self) -> Mapping[str, Shape]:
        """The tensors that come in, by their paths: ``input`` alone, or ``input.image``, ..."""
        shapes = (self.root.input, *self.root.imports)
        return {input_path(n): s for n, s in zip(self.inputs, shapes, strict=True)}


def input_path(name: str) -> str:
    """The path of a tensor that comes in. No part is called ``input``: it begins a statement."""
    return f"input.{name}" if name else "input"
