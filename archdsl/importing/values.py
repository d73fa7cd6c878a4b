"""What a tensor of a recording is on the way to a graph: of which vertex, with its axes in which
order, or what it becomes a part of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from archdsl.importing.cut import AxisSplit
from archdsl.importing.fixed import Looked
from archdsl.importing.places import CodeLine
from archdsl.importing.record import ModuleCall, Ref, Tied, TracedCall
from archdsl.layers.base import Layer, Shape
from archdsl.layers.init import Init
from archdsl.registry import REGISTRY, Registry

MAIN = "main"  # of several results, what comes out at the end


@dataclass(eq=False, slots=True)
class Vertex:
    """A layer in the graph. ``weights`` are the tensors that are its own, by its names of them.
    The input, and what is a gap, have no layer."""

    number: int
    layer: Layer | None
    inputs: list[Vertex]
    shape: Shape
    call: ModuleCall
    path: str = ""
    weights: dict[str, Tied] = field(default_factory=dict)
    drop: float = 0.0  # of a branch that is dropped in training: how often
    place: CodeLine | None = None  # the line of the model that it is of
    like: Vertex | None = None  # of what is padded: whose size it gets at any size of the image
    aside: tuple[str, Vertex] | None = None  # a side output that begins here: its name and result

    @property
    def op(self) -> str:
        """The layer's name."""
        return "input" if self.layer is None else self.layer.name


@dataclass(frozen=True, slots=True)
class TensorValue:
    """A tensor: axis ``i + 1`` of it is axis ``axes[i]`` of the vertex's."""

    vertex: Vertex
    axes: tuple[int, ...]

    @property
    def shape(self) -> Shape:
        return tuple(self.vertex.shape[axis] for axis in self.axes)

    @property
    def plain(self) -> bool:
        return self.axes == tuple(range(len(self.axes)))


@dataclass(frozen=True, slots=True)
class Computed:
    """A tensor that is computed of parameters or of nothing; ``by`` says by what else than the
    module that has it as a weight."""

    constant: bool
    of: Ref | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class OfQueries:
    """What is computed of queries and learned vectors alone: ``ref``, of the tensors in
    ``sources``. It begins with the product at ``record``, which is no layer for the reason ``why``.
    ``shape`` is that of the scores to which it is added, and ``factor`` what both are multiplied
    with then."""

    ref: Ref
    sources: Mapping[Ref, AxisSplit]
    record: TracedCall
    why: str
    shape: Shape = ()
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class AttentionScores:
    """What pixels think of each other, on the way to attention: queries times keys."""

    queries: AxisSplit
    keys: AxisSplit
    shape: Shape
    factor: float = 1.0
    softmax: bool = False
    dropout: float = 0.0  # of the weights, in training
    turned: bool = False  # whether keys come first
    added: tuple[Looked, ...] = ()  # to them, each in the shape that they have without cuts
    products: tuple[OfQueries, ...] = ()  # that are added to them


@dataclass(frozen=True, slots=True)
class Repeated:
    """A tensor that is to be repeated along some axes: a product does so by itself."""

    value: TensorValue
    shape: Shape


@dataclass(frozen=True, slots=True)
class Bordered:
    """A tensor with minus infinity before and after each spatial axis, which a maximum does not
    see. ``moves`` says whether it is another one at another size of the image."""

    value: TensorValue
    sides: tuple[tuple[int, int], ...]
    moves: bool


@dataclass(frozen=True, slots=True)
class Moving:
    """What is padded otherwise where images are larger: the numbers of the records with such a
    border of minus infinity, as TensorFlow's padding is, and of those that make an image as large
    as a tensor."""

    borders: frozenset[int] = frozenset()
    like: Mapping[int, Ref] = field(default_factory=dict)


def chain(call: ModuleCall | None) -> Iterator[ModuleCall]:
    """A call and those around it, from the inside out."""
    while call is not None:
        yield call
        call = call.parent


@dataclass(slots=True)
class Graph:
    """What a spec is made of: vertices in order, the main result, side outputs by name, and the
    call of the whole model. ``registry`` has the layers that the vertices are of, ``results`` what
    it gives where that are several tensors; ``called`` what they are called, by the model's names.
    ``given`` has the names of what modules of several tensors take, and ``several`` says whether
    such are blocks in the text. ``meeting`` has the names of side outputs that are computed from
    several tensors of the main path, and ``evaluated`` the paths of what runs in evaluation and is
    a module of torch.nn or takes parameters, whether or not a result needs it. ``starts`` says
    how weights start, by layers and their arguments, and ``shares`` which weights outputs have in
    the loss.
    """

    vertices: list[Vertex]
    output: Vertex
    asides: list[tuple[str, Vertex]]
    root: ModuleCall
    registry: Registry = REGISTRY
    results: list[tuple[str, Vertex]] = field(default_factory=list)
    called: dict[str, str] = field(default_factory=dict)
    given: dict[ModuleCall, dict[Vertex, str]] = field(default_factory=dict)
    several: bool = False
    meeting: set[str] = field(default_factory=set)
    evaluated: frozenset[str] = frozenset()
    starts: dict[str, dict[str, Init]] | None = None
    shares: dict[str, float] = field(default_factory=dict)

    @property
    def inputs(self) -> list[Vertex]:
        """What comes in."""
        return [v for v in self.vertices if v.layer is None]

    @property
    def ends(self) -> list[Vertex]:
        """What comes out in evaluation."""
        return [v for _, v in self.results] or [self.output]

    @property
    def named(self) -> list[tuple[str, Vertex]]:
        """What the text names at its end or on the way: all results, where that are several or
        some are of training alone and meet there."""
        met = [(name, v) for name, v in self.asides if name in self.meeting]
        return [*(self.results or [(MAIN, self.output)]), *met] if met else self.results
