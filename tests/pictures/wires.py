"""Which layers a drawing connects, read off its shapes; and which the graph does."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import TypeVar

from archdsl.ir.flat import FlatNode, flatten
from archdsl.ir.network import Network
from archdsl.layers.base import show_shape
from archdsl.layers.join import Join
from archdsl.pictures.drawing import FEW, incoming, outgoing
from archdsl.pictures.scene import Box, Disc, Scene, Wire, Words
from archdsl.pictures.structure import Closed, Opened, outline
from archdsl.pictures.words import layer_words

Edge = tuple[str, str]
NEAR = 1.5
TITLE = 26  # the height of a frame's title, at most
ARC = 7  # from the upper or the lower edge of a dense block's step to where its arcs are
BEHIND = 3  # how far the box that says "several times" looks out from below another
FRAMES = ("frame", "inner")
REPEATED = re.compile(r"(?:.* )?x \d+(, shared)?")
# One of several results: where it leaves a block, and where it is taken.
RESULT = re.compile(r"(\d+)(: [\dx]+)?")
BAR = re.compile(r"\d+ tensors")
Extent = tuple[float, float, float, float]
Named = list[tuple[Extent, str]]
Point = tuple[float, float]
Place = TypeVar("Place")


@dataclass(frozen=True)
class Drawn:
    """What a drawing connects; ``again`` are the lines from the end of what is drawn once and
    stands there several times to its beginning, which nobody draws."""

    edges: Counter[Edge]
    again: set[Edge]


def drawn(scene: Scene) -> Drawn:
    """The edges of a drawing that runs down: between texts of boxes, signs and results. A box of
    several layers connects them in their order."""
    it = _Reading(scene)
    edges: Counter[Edge] = Counter()
    for wire in it.wires:
        end = it.at(wire.points[-1], False)
        if end is None and it.stops(wire):
            edges.update((source, "nothing") for source in it.texts(it.sources(wire)))
        elif end is not None and not it.is_passed(end):
            edges.update((source, it.named[end][1]) for source in it.texts(it.sources(wire)))
    for above, below in it.stacked():
        edges[it.named[above][1], it.named[below][1]] += 1
    return Drawn(edges, set(it.again()))


class _Reading:
    def __init__(self, scene: Scene) -> None:
        boxes = [s for s in scene.shapes if isinstance(s, Box) and s.fill not in FRAMES]
        corners = {(b.x, b.y) for b in boxes}
        boxes = [b for b in boxes if (b.x - BEHIND, b.y - BEHIND) not in corners]
        self.words = [s for s in scene.shapes if isinstance(s, Words)]
        discs = [s for s in scene.shapes if isinstance(s, Disc) and s.sign]
        self.named: Named = [
            (b.extent, text) for b in boxes if (text := _text(b.extent, self.words))
        ]
        self.named += [(d.extent, d.sign) for d in discs]
        self.frames = [s for s in scene.shapes if isinstance(s, Box) and s.fill in FRAMES]
        self.wires = [s for s in scene.shapes if isinstance(s, Wire) and len(s.points) > 1]

    def texts(self, boxes: Iterable[int]) -> list[str]:
        return [self.named[box][1] if box >= 0 else "nothing" for box in boxes]

    def at(self, point: Point, leaves: bool) -> int | None:
        """What a line leaves at a point, or what it enters there."""
        x, y = point
        for box, ((left, top, right, bottom), _) in enumerate(self.named):
            within = left - NEAR <= x <= right + NEAR
            side = min(abs(x - left), abs(x - right)) < NEAR and top + NEAR < y < bottom - NEAR
            if (within and abs(y - (bottom if leaves else top)) < NEAR) or (side and not leaves):
                return box
        return None

    def entering(self, box: int) -> list[Wire]:
        return [wire for wire in self.wires if self.at(wire.points[-1], False) == box]

    def before(self, box: int) -> list[int]:
        return [source for wire in self.entering(box) for source in self.boxes(wire)]

    def is_passed(self, box: int) -> bool:
        return box >= 0 and is_passed(box, lambda b: self.texts([b])[0], self.before)

    def sources(self, wire: Wire) -> list[int]:
        """What a line comes from, through all frames around it, and through the results of blocks
        that give several."""
        return [source for box in self.boxes(wire) for source in self.given_by(box)]

    def given_by(self, box: int) -> list[int]:
        return given_by(box, lambda b: self.texts([b])[0], self.before)

    def boxes(self, wire: Wire) -> list[int]:
        """What a line comes from, through all frames around it; -1 is nothing."""
        if wire.curved and (start := self._left_by_arc(wire.points[0])) is not None:
            return [start] if isinstance(start, int) else self._below(start)
        return self._above(wire.points[0])

    def _left_by_arc(self, point: Point) -> int | Box | None:
        """The step of a dense block that an arc leaves at its side."""
        x, y = point
        for box, ((_, _, right, bottom), _) in enumerate(self.named):
            if abs(right - x) < NEAR and abs(bottom - ARC - y) < NEAR:
                return box
        return next((f for f in self.frames if _sided(f, x, f.y + f.height - ARC, y)), None)

    def _below(self, frame: Box) -> list[int]:
        """What leaves a frame."""
        inside = frame.y + frame.height
        return [
            source
            for wire in self.wires
            if _near(wire.points[-1][1], inside) and frame.x < wire.points[-1][0] < _right(frame)
            for source in self.boxes(wire)
        ]

    def _above(self, point: Point) -> list[int]:
        """What comes to a point: it goes on below a frame's title, where arcs may come too."""
        x, y = point
        if (found := self.at(point, True)) is not None:
            return [found]
        entered = [f for f in self.frames if f.x < x < _right(f) and f.y < y < f.y + TITLE]
        tops = {f.y for f in entered} | {y}
        sources = [
            source
            for other in self.wires
            if other.points[0] != point
            and (
                _ends(other, x, tops)
                or any(other.curved and _sided(f, *_entered(other, f)) for f in entered)
            )
            for source in self.boxes(other)
        ]
        return sources or [-1]

    def stops(self, wire: Wire) -> bool:
        """Whether a line goes up to a frame and not on below its title."""
        x, y = wire.points[-1]
        starts = [w.points[0] for w in self.wires if _near(w.points[0][0], x)]
        tops = [f.y for f in self.frames if f.x < x < _right(f) and _near(f.y, y)]
        return any(not any(top < start <= top + TITLE for _, start in starts) for top in tops)

    def stacked(self) -> Iterator[tuple[int, int]]:
        """Boxes of which one stands right upon the other."""
        for (i, (a, _)), (j, (b, _)) in product(enumerate(self.named), repeat=2):
            if i != j and a[0] == b[0] and a[2] == b[2] and _near(a[3], b[1]):
                yield i, j

    def again(self) -> Iterator[Edge]:
        """From the end to the beginning of what is repeated: of frames, and of boxes."""
        for frame in self.frames:
            title = Box(frame.x, frame.y, frame.width, TITLE)
            if not REPEATED.fullmatch(_text(title.extent, self.words)):
                continue
            starts = [
                end
                for wire in self.wires
                if frame.x < wire.points[0][0] < _right(frame)
                and frame.y < wire.points[0][1] <= frame.y + TITLE
                for end in self._ends_of(wire)
            ]
            left = [source for box in self._below(frame) for source in self.given_by(box)]
            yield from product(self.texts(left), starts)
        below = dict(self.stacked())
        for words in self.words:
            if not REPEATED.fullmatch(words.text):
                continue
            for i, (extent, text) in enumerate(self.named):
                beside = 0 < words.x - extent[2] < 2 * ARC and i not in below.values()
                last = i
                while last in below:
                    last = below[last]
                if beside and extent[1] < words.y < self.named[last][0][3]:
                    yield self.named[last][1], text

    def _ends_of(self, wire: Wire) -> list[str]:
        """Where a line arrives, through frames and forks."""
        end = wire.points[-1]
        if (found := self.at(end, False)) is not None:
            return [self.named[found][1]]
        x, y = end
        titles = {f.y for f in self.frames if f.x < x < _right(f) and _near(f.y, y)}
        return [
            there
            for other in self.wires
            if other is not wire
            and _near(other.points[0][0], x)
            and (
                _near(other.points[0][1], y)
                or any(top < other.points[0][1] <= top + TITLE for top in titles)
            )
            for there in self._ends_of(other)
        ]


def is_passed(
    box: Place, text: Callable[[Place], str], before: Callable[[Place], list[Place]]
) -> bool:
    """Whether a box is where one of several results leaves a block, or is taken, or where those of
    a block meet: it stands for what it is reached from."""
    if BAR.fullmatch(text(box)):
        return all(RESULT.fullmatch(text(b)) for b in before(box))
    return bool(RESULT.fullmatch(text(box)))


def given_by(
    box: Place,
    text: Callable[[Place], str],
    before: Callable[[Place], list[Place]],
    number: str = "",
) -> list[Place]:
    """What a box stands for: itself; of a bar, the result of this number, or all."""
    if not is_passed(box, text, before):
        return [box]
    if result := RESULT.fullmatch(text(box)):
        if number and result[1] != number:
            return []
        number = result[1] if result[2] else ""
    return [source for b in before(box) for source in given_by(b, text, before, number)]


def _text(extent: Extent, words: Iterable[Words]) -> str:
    left, top, right, bottom = extent
    inside = [w for w in words if left <= w.x <= right and top <= w.y <= bottom]
    return inside[0].text.removesuffix(", shared") if inside else ""


def _near(a: float, b: float) -> bool:
    return abs(a - b) < NEAR


def _right(box: Box) -> float:
    return box.x + box.width


def _sided(frame: Box, x: float, y: float, wanted: float) -> bool:
    return _near(_right(frame), x) and _near(y, wanted)


def _entered(arc: Wire, frame: Box) -> tuple[float, float, float]:
    x, y = arc.points[-1]
    return x, y, frame.y + ARC


def _ends(wire: Wire, x: float, tops: set[float]) -> bool:
    end = wire.points[-1]
    return not wire.curved and _near(end[0], x) and any(_near(end[1], t) for t in tops)


def outlined(network: Network) -> Drawn:
    """The edges of an outline, all of whose blocks are open: between the lines of its boxes."""
    marks, edges = outline(network, 99)
    lines: dict[str, list[str]] = {}
    within: dict[str, list[str]] = {}  # the boxes of what is there several times
    frames: list[str] = []
    found = Drawn(Counter(), set())
    for mark in marks:
        if isinstance(mark, Opened):
            frames.append(mark.path if REPEATED.fullmatch(mark.title) else "")
        elif isinstance(mark, Closed):
            frames.pop()
        else:
            said = [t.removesuffix(", shared") for t in mark.lines]
            own = lines[mark.path] = [t for t in said if not REPEATED.fullmatch(t)]
            found.edges.update(pairwise(own))
            if len(own) < len(said):
                found.again.add((own[-1], own[0]))
            for frame in filter(None, frames):
                within.setdefault(frame, []).append(mark.path)
    sources: dict[str, list[str]] = {}
    for e in edges:
        sources.setdefault(e.target, []).append(e.source)

    def text(path: str) -> str:
        return lines[path][0]

    def before(path: str) -> list[str]:
        return sources.get(path, [])

    edges = [
        replace(e, source=source)
        for e in edges
        if not is_passed(e.target, text, before)
        for source in given_by(e.source, text, before)
    ]
    found.edges.update((lines[e.source][-1], lines[e.target][0]) for e in edges)
    for inside in within.values():
        leaves = (e for e in edges if e.source in inside and e.target not in inside)
        enters = (e for e in edges if e.target in inside and e.source not in inside)
        starts = [lines[e.target][0] for e in enters]
        found.again.update(product((lines[e.source][-1] for e in leaves), starts))
    return found


# ------------------------------------------------------------------------- of the graph


def wanted(network: Network, arcs: bool = True) -> Counter[Edge]:
    """The edges of the graph, by the same texts. With ``arcs``, the concatenations between the
    steps of a dense block are lines, and of many steps those in the middle are one box."""
    flat = flatten(network)
    nodes = flat.nodes
    dense = _dense(nodes) if arcs else {}
    texts, boxes = [], []
    for i, node in enumerate(nodes):
        hidden = _hidden(node, dense)
        boxes.append(hidden or i)
        if hidden:
            texts.append(hidden[1])
        elif node.layer is None:
            texts.append(incoming(node.path, node.shape))
        elif isinstance(node.layer, Join):
            sign = node.layer.sign if len(node.inputs) > 1 else ""  # of one tensor it is a box
            texts.append(sign or node.layer.name.replace("_", " "))
        else:
            texts.append(layer_words(node.layer, nodes[node.inputs[0]].shape))

    def is_line(node: FlatNode) -> bool:
        at, step = _numbered(node.path, "concat")
        return step < dense.get(at, 0)

    def through(n: int) -> Iterator[int]:
        for source in nodes[n].inputs:
            if is_line(nodes[source]):
                yield from through(source)
            else:
                yield source

    found: Counter[Edge] = Counter()
    lines: set[tuple[object, object]] = set()
    for i, node in enumerate(nodes):
        for source in () if is_line(node) else through(i):
            line = boxes[source], boxes[i]
            if line == (source, i) or (line[0] != line[1] and line not in lines):
                found[texts[source], texts[i]] += 1
            lines.add(line)
    end = outgoing(network.root)
    bar = f"{len(flat.results)} tensors"
    for result in flat.results:
        shown = f"{result.name} {show_shape(nodes[result.node].shape)}"
        found[texts[result.node], shown] += 1
        found[shown, bar] += 1
    found[bar if flat.results else texts[flat.output], end] += 1
    for side in flat.side_outputs:
        shape = show_shape(nodes[side.node].shape)
        found[texts[side.node], f"{side.name.rpartition('.')[2]} {shape}"] += 1
    return found


def _numbered(path: str, name: str) -> tuple[str, int]:
    """Of the path of what is ``name3`` in something, or is in it: that, and 3."""
    match = re.match(rf"(?:(.*)\.)?{name}(\d+)(?:\.|$)", path)
    return (match[1] or "", int(match[2])) if match else ("", 0)


def _dense(nodes: Iterable[FlatNode]) -> dict[str, int]:
    """The dense blocks by their paths, and how many steps they have: each is concatenated."""
    steps: Counter[str] = Counter()
    joins: Counter[str] = Counter()
    for node in nodes:
        parts = node.path.split(".")
        for k, part in enumerate(parts):
            if match := re.fullmatch(r"layer(\d+)", part):
                at = ".".join(parts[:k])
                steps[at] = max(steps[at], int(match[1]))
        at, step = _numbered(node.path, "concat")
        joins[at] = max(joins[at], step)
    return {at: count for at, count in steps.items() if joins[at] == count}


def _hidden(node: FlatNode, dense: dict[str, int]) -> tuple[str, str] | None:
    """The box that stands for a node, where a dense block has many steps."""
    parts = node.path.split(".")
    for k, part in enumerate(parts):
        at, count = ".".join(parts[:k]), dense.get(".".join(parts[:k]), 0)
        match = re.fullmatch(r"layer(\d+)", part)
        if match and count > FEW and 3 < int(match[1]) < count:
            return at, f"⋮ {count - 4} more"
    return None
