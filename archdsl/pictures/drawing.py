"""A network as a drawing: templates for its different blocks, and the scene of it for the blocks
that are open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from math import log2, sqrt
from typing import Any

from archdsl.analysis.figures import COUNTED
from archdsl.ir.network import Network, Part
from archdsl.layers.base import Shape, show_shape
from archdsl.layers.ids import Ids
from archdsl.pictures import notes
from archdsl.pictures.boxes import (
    DenseArcs,
    More,
    Slot,
    StackBox,
    Terminal,
    TitledBox,
    strip_size,
    times,
    two_lines,
)
from archdsl.pictures.components import PORT, Component, End, Parallel, Series
from archdsl.pictures.fonts import fit, text_width
from archdsl.pictures.glyphs import Applied, DrawnBlock, DrawnExit, DrawnJoin, Glyph, Sketch, Stack
from archdsl.pictures.layout import Layout
from archdsl.pictures.limits import MOST_LINES, too_large
from archdsl.pictures.notes import DrawingNote
from archdsl.pictures.pen import SMALL, STRONG, Direction, Pen, Template
from archdsl.pictures.sketch import sketch
from archdsl.pictures.weave import weave
from archdsl.pictures.words import call_words

NARROW = 92.0  # the least width of a stack
WIDEST = 230.0  # of a title
FEW = 6  # steps of a dense block that are all drawn


@dataclass(frozen=True, slots=True)
class BoxSizes:
    """What the widths of boxes follow: ``channels`` or ``macs``; otherwise their texts."""

    rule: str = ""
    base: float = NARROW
    least: float = 1.0
    most: float = 1.0

    def width(self, base: float, channels: int, macs: int) -> float:
        """The width across the flow, from one to three times the base."""
        if not self.rule:
            return base
        if self.rule == "macs":
            share = sqrt(macs / self.most)
        else:
            share = log2(channels / self.least) / max(log2(self.most / self.least), 1)
        return self.base * (1 + 2 * min(share, 1))


@dataclass
class BlockFigure:
    """A block as it is drawn: closed, and (made when it is first asked for) open. ``children``
    are the blocks in it: their names and their figures. ``note`` is said of it; ``of`` is the
    block that it is an application of, with the names of what is in it."""

    name: str
    closed: Template
    make: Callable[[BlockFigure], Template]
    note: int | None = None
    of: tuple[str, frozenset[str]] = ("", frozenset())
    children: list[tuple[str, BlockFigure]] = field(default_factory=list)

    @cached_property
    def open(self) -> Template:
        return self.make(self)


class Drawing:
    """All figures of a network; ``notes`` are what is to be said of their shapes."""

    def __init__(self, network: Network, flow: Direction, rule: str = "") -> None:
        self.flow = flow
        self.notes: list[DrawingNote] = []
        self.known: dict[tuple[Any, ...], BlockFigure] = {}
        self.sketches: dict[tuple[object, ...], Sketch] = {}
        self.lines = 0  # that enter the pieces of the sketches
        self.widest: dict[int, float] = {}  # by the sketch: of the texts in its boxes
        self.kinds: Counter[str] = Counter()
        self.sizes = self._sizes(network.root, rule)
        self.root = BlockFigure("", Template(), lambda figure: self._whole(network, figure))

    def sketch(self, part: Part, use: Applied | None = None) -> Sketch:
        use = use or Applied()
        key = id(part), *use.key
        found = self.sketches.get(key)
        if found is None:
            found = self.sketches[key] = sketch(part, use)
            self.lines += sum(len(piece.inputs) for piece in found.pieces)
            if self.lines > MOST_LINES:
                raise too_large()
        return found

    def _sizes(self, root: Part, rule: str) -> BoxSizes:
        if not rule:
            return BoxSizes()
        stacks = [
            p for part in root.parts() for p in self.sketch(part).pieces if isinstance(p, Stack)
        ]
        base = max([NARROW, *(strip_size(s, self.flow)[0] for p in stacks for s in p.strips)])
        if rule == "macs":
            most = max([COUNTED.of_part(p)[2] for p in root.parts() if p is not root], default=1)
            return BoxSizes(rule, base, 0, max(most, *(_macs(p) for p in stacks), 1))
        channels = [p.shape[0] for p in stacks]
        return BoxSizes(rule, base, min(channels, default=1), max(channels, default=1))

    # ------------------------------------------------------------------------- figures

    def figure(self, block: DrawnBlock) -> BlockFigure:
        """The figure of a block; equal blocks of one name have one."""
        of = id(block.part), block.params, block.marked, *block.use.key
        key = (*of, block.name, block.repeat, block.side, len(block.inputs))
        found = self.known.get(key)
        if found is None:
            note = self._note(notes.of_block(block))
            found = self.known[key] = BlockFigure(
                block.name,
                self._closed(block, note),
                lambda figure: self._open(block, note, figure),
                note,
                (block.part.name, _names(block.part)),
            )
        return found

    def _note(self, note: DrawingNote) -> int:
        self.notes.append(note)
        return len(self.notes) - 1

    def _closed(self, block: DrawnBlock, note: int) -> Template:
        pen = Pen(self.flow)
        title = fit(f"{short_name(block)}", STRONG, WIDEST, True)
        below = fit(summary(block) + ", shared" * block.marked, SMALL, WIDEST)
        count = times(block.repeat)
        head = f"{title} {count}".strip()
        wide = max(
            NARROW,
            text_width(head, STRONG, True) + 24,
            text_width(below, SMALL) + 24,
            (len(block.inputs) + 1) * PORT,
        )
        if self.sizes.rule:
            base = max(wide, self.sizes.base)
            macs = COUNTED.of_part(block.part)[2]
            wide = max(base, self.sizes.width(base, block.shape[0], macs))
        height = 40.0 if below else 28.0
        along, across = self.flow.along(wide, height)
        across = max(across, (len(block.inputs) + 1) * PORT)
        if block.repeat > 1:
            pen.box(4, 4 - across / 2, along, across, "block", radius=5)
        pen.box(0, -across / 2, along, across, "block", about=note, radius=5, opens=True)
        two_lines(pen, self.flow, along / 2, 0, (head, below))
        pen.template.size = [along, across / 2, across / 2 + 4 * (block.repeat > 1)]
        return pen.template

    def _open(self, block: DrawnBlock, note: int, figure: BlockFigure) -> Template:
        doors = self._doors(block)
        inside = self._inside(block.part, figure, doors, block.use)
        head = opened_title(block)
        frame = TitledBox(inside, head, self.flow, doors, about=note)
        pen = Pen(self.flow)
        frame.draw(pen, 0.0, 0.0)
        return _sized(pen, frame)

    def _doors(self, block: DrawnBlock) -> tuple[End, ...]:
        """Where lines enter a box."""
        middle = (len(block.doors) - 1) / 2
        return tuple(End((i - middle) * PORT, 0, n) for i, n in enumerate(block.doors))

    def _whole(self, network: Network, figure: BlockFigure) -> Template:
        root = network.root
        sources: list[Component] = [
            Terminal(incoming(path, shape), self.flow, False)
            for path, shape in network.incoming.items()
        ]
        source = Parallel(sources, None) if len(sources) > 1 else sources[0]
        doors = tuple(End(end.t, 0, i) for i, end in enumerate(source.measure.ends))
        result = Terminal(outgoing(root), self.flow, True)
        row = Series([source, self._inside(root, figure, doors), result])
        pen = Pen(self.flow)
        row.place(pen, 0.0, 0.0, [])
        return _sized(pen, row)

    # ---------------------------------------------------------------------- components

    def _inside(
        self,
        part: Part,
        figure: BlockFigure,
        doors: tuple[End, ...] = (End(),),
        use: Applied | None = None,
    ) -> Component:
        """What is in an open part."""
        whole = self.sketch(part, use)
        if part.kind == "dense":
            return self._dense(whole, figure)
        layout = Layout(
            self.flow,
            lambda piece: self._fit(piece, whole, figure),
            lambda value: _label(whole, value),
            lambda piece: self._join(piece, whole),
        )
        return layout.run(weave(whole), doors)

    def _fit(self, piece: Glyph, whole: Sketch, figure: BlockFigure) -> Component:
        if isinstance(piece, Stack):
            self.kinds.update(s.layer.kind for s in piece.strips)
            about = [self._note(notes.of_strip(s)) for s in piece.strips]
            width = self.sizes.width(self._widest(whole), piece.shape[0], _macs(piece))
            return StackBox(piece, self.flow, width, about)
        if isinstance(piece, DrawnExit):
            return Terminal(piece.words, self.flow, True)
        assert isinstance(piece, DrawnBlock)
        if piece.part.kind == "turn":
            title = f"{times(piece.repeat)}"
            doors = self._doors(piece)
            inside = self._inside(piece.part, figure, doors, piece.use)
            return TitledBox(inside, title, self.flow, doors, fill="inner", dashed=True)
        figure.children.append((piece.name, self.figure(piece)))
        return Slot(len(figure.children) - 1, len(piece.inputs))

    def _widest(self, whole: Sketch) -> float:
        """The width of the longest text in the boxes of a part."""
        if id(whole) not in self.widest:
            stacks = [p for p in whole.pieces if isinstance(p, Stack)]
            texts = [strip_size(s, self.flow)[0] for p in stacks for s in p.strips]
            self.widest[id(whole)] = max(NARROW, *texts)
        return self.widest[id(whole)]

    def _join(self, piece: Glyph, whole: Sketch) -> int:
        assert isinstance(piece, DrawnJoin)
        return self._note(notes.of_join(piece, tuple(whole.shape(n) for n in piece.inputs)))

    def _dense(self, whole: Sketch, figure: BlockFigure) -> Component:
        steps = [p for p in whole.pieces if not isinstance(p, DrawnJoin)]
        shown: list[Component] = []
        hidden = steps[3:-1] if len(steps) > FEW else []
        for step in steps:
            if step not in hidden:
                shown.append(self._fit(step, whole, figure))
            elif step is hidden[0]:
                shown.append(self._more(hidden))
        return DenseArcs(shown, self.flow, self._join(whole.pieces[-1], whole))

    def _more(self, hidden: list[Glyph]) -> Component:
        first, last = hidden[0], hidden[-1]
        names = f"{first.name} … {last.name}"
        shown = [p for p in hidden if isinstance(p, DrawnBlock)]
        blocks = [p.part for p in shown]
        params, macs = sum(p.params for p in shown), sum(COUNTED.of_part(b)[2] for b in blocks)
        what = f"{len(hidden)} steps, each with the outputs of all before it as its input"
        inputs = (
            f"{show_shape(blocks[0].input)} to {show_shape(blocks[-1].input)}" if blocks else ""
        )
        note = DrawingNote(names, what, f"inputs from {inputs}", params, macs)
        return More((f"⋮ {len(hidden)} more", names), self.flow, self._note(note))


def _sized(pen: Pen, component: Component) -> Template:
    m = component.measure
    pen.template.size = [pen.template.program.add(x) for x in (m.length, m.before, m.after)]
    return pen.template


def _names(part: Part) -> frozenset[str]:
    """What the steps in a part are called, whatever their order, arguments and repeats."""
    return frozenset(step.name for inner in part.parts() for step in inner.steps)


def _macs(stack: Stack) -> int:
    return sum(s.macs for s in stack.strips)


def _label(whole: Sketch, value: int) -> str:
    """The shape after a piece that changes it; the result's is said where it arrives."""
    if value <= 0 or value > len(whole.pieces) or value == whole.result:
        return ""
    piece = whole.pieces[value - 1]
    told = isinstance(piece, DrawnExit) or piece.side is not None
    if told or piece.shape == whole.shape(piece.inputs[0]):
        return ""
    return show_shape(piece.shape)


def incoming(path: str, shape: Shape) -> str:
    """What is written of a tensor that comes in."""
    kind = " ids" if isinstance(shape, Ids) else ""
    return f"{path.removeprefix('input.')} {show_shape(shape)}{kind}"


def outgoing(root: Part) -> str:
    """What is written where a network ends."""
    return f"{len(root.results)} outputs" if root.results else f"output {show_shape(root.shape)}"


def short_name(piece: Glyph) -> str:
    """What a block or a side output is called among its neighbours."""
    return piece.name.rpartition(".")[2]


def opened_title(block: DrawnBlock) -> str:
    """What stands above an open block."""
    return f"{short_name(block)} {times(block.repeat)}".strip() + ", shared" * block.marked


def summary(block: DrawnBlock) -> str:
    """A line about what is in a block."""
    part = block.part
    if block.side is not None:
        return f"side output, weight {block.side:g}"
    if part.kind == "dense":
        return f"dense, {sum(isinstance(s.op, Part) for s in part.steps)} steps"
    if part.kind == "fractal":
        return f"fractal, {max(_columns(part), default=1)} columns"
    if part.kind == "block":
        return call_words(part)
    names = Counter[str]()
    for step in part.steps:
        if step.op.name:
            names[step.op.name] += step.repeat
    if len(names) == 1:
        ((name, count),) = names.items()
        return f"{name} {times(count)}".strip()
    return f"{part.size} layers"


def _columns(part: Part) -> Iterator[int]:
    for step in part.steps:
        name = step.name.removeprefix("column")
        if name.isdigit():
            yield int(name)
