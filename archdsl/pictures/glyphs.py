"""What a drawing is made of: stacks of layers, blocks, joins, and results that have a number."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from archdsl.costs.sums import NONE, Lent
from archdsl.diagnostics.source import Span
from archdsl.graph.written import call
from archdsl.ir.network import Part
from archdsl.layers.base import Layer, Shape
from archdsl.layers.join import Join as JoinLayer
from archdsl.pictures.words import layer_words

LIGHT = ("norm", "activation", "drop")  # kinds that go with another layer


@dataclass(frozen=True, slots=True)
class Strip:
    """One layer of a stack: its path within the part, and what is known of it. ``shares`` is the
    shared module whose weights it has: these count in ``params`` where it is applied first, as in
    ``Sums.of_steps``. ``marked``: no box around it says so."""

    name: str
    layer: Layer
    input: Shape
    shape: Shape
    params: int
    macs: int
    span: Span
    shares: str = ""
    marked: bool = False

    @property
    def words(self) -> str:
        return layer_words(self.layer, self.input) + ", shared" * self.marked

    @property
    def call(self) -> str:
        return call(self.layer)

    @property
    def light(self) -> bool:
        return self.layer.kind in LIGHT


@dataclass(frozen=True, slots=True)
class Glyph:
    """Something drawn. ``inputs`` are values as in a ``Part``: 0 is the part's input, ``i + 1``
    the result of piece ``i``, ``-(j + 1)`` the ``j``-th import."""

    name: str
    inputs: tuple[int, ...]
    shape: Shape
    span: Span
    repeat: int = 1
    side: float | None = None  # of a side output: its weight in the loss
    shortcut: bool = False
    shares: str = ""  # the shared module whose weights it has


@dataclass(frozen=True, slots=True)
class Stack(Glyph):
    """Layers in a row, as one box of strips."""

    strips: tuple[Strip, ...] = ()
    whole: bool = False  # a block of its own: nothing else joins it


@dataclass(frozen=True, slots=True)
class DrawnBlock(Glyph):
    """A part: a box that can be opened. A ``turn`` (the body of a loop) always is. ``doors`` are
    which of the part's operands its lines are: 0 the input, ``k`` the ``k``-th import. ``params``
    are of all repetitions, and ``marked`` is one that is a shared module; ``lent`` are the shared
    modules that are first applied in it, as in ``Sums.of_steps``."""

    part: Part = field(kw_only=True)
    params: int = field(kw_only=True)
    marked: bool = False
    lent: Lent | None = field(default=None, compare=False)
    labelled: bool = False
    doors: tuple[int, ...] = (0,)

    @property
    def use(self) -> Applied:
        return Applied(self.lent, self.shares)


class Results(Layer):
    """Where several results leave a network: nothing is computed."""

    name = "outputs"


@dataclass(frozen=True, slots=True)
class DrawnJoin(Glyph):
    """Where several tensors meet."""

    layer: Layer = field(kw_only=True)
    params: int = 0
    macs: int = 0

    @property
    def words(self) -> str:
        """What stands in a bar."""
        own = isinstance(self.layer, Results)
        return self.name if own else self.layer.name.replace("_", " ")

    @property
    def sign(self) -> str:
        return self.layer.sign if isinstance(self.layer, JoinLayer) else ""


@dataclass(frozen=True, slots=True)
class DrawnExit(Glyph):
    """One of several results: where it leaves the part that gives it, and where it is taken."""

    words: str = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Sketch:
    """The pieces of an open part. ``result`` is the value that leaves it."""

    kind: str
    input: Shape
    imports: tuple[Shape, ...]
    pieces: tuple[Glyph, ...]
    result: int

    def shape(self, value: int) -> Shape:
        if value > 0:
            return self.pieces[value - 1].shape
        return self.input if value == 0 else self.imports[-value - 1]

    def uses(self) -> Counter[int]:
        """How often each value is taken."""
        return Counter([n for p in self.pieces for n in p.inputs] + [self.result])


@dataclass(frozen=True, slots=True)
class Applied:
    """How a part is applied: the shared modules that are first applied in it, as in
    ``Sums.of_steps``, and the shared one that it is, or is in."""

    lent: Lent | None = field(default_factory=lambda: NONE)
    shares: str = ""

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for uses of one part that are drawn and said alike."""
        return None if self.lent is None else tuple(sorted(self.lent)), self.shares
