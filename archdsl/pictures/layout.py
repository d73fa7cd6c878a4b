"""From what hangs together to what can be placed: components for the nodes of a weave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from archdsl.layers.base import show_shape
from archdsl.pictures.boxes import Terminal
from archdsl.pictures.components import (
    ARROW,
    PORT,
    Bare,
    Component,
    DrawnLine,
    End,
    Extent,
    Parallel,
    Series,
)
from archdsl.pictures.glyphs import DrawnBlock, DrawnJoin, Glyph
from archdsl.pictures.grid import LAST, GraphComponent, Source, Tie, door
from archdsl.pictures.joints import Joint, LineLabel
from archdsl.pictures.lengths import Length
from archdsl.pictures.pen import Direction, Pen
from archdsl.pictures.weave import START, Fork, Knot, Leaf, Node, Run, Strand, Thread, Web


@dataclass(frozen=True, slots=True)
class Layout:
    """Makes components of nodes. ``fit`` draws a piece, ``label`` says what is written beside
    a value, ``note`` keeps what is to be said of a join."""

    flow: Direction
    fit: Callable[[Glyph], Component]
    label: Callable[[int], str]
    note: Callable[[Glyph], int]

    def component(self, node: Node) -> Component:
        if isinstance(node, Leaf):
            return self.fit(node.piece)
        if isinstance(node, Thread):
            return Bare(node.tag) if node.side is None else self.result(node.side, node.tag)
        if isinstance(node, Fork):
            return self.fork(node)
        return self.run(node) if isinstance(node, Run) else self.web(node)

    def leaving(self, node: Node) -> Component:
        """What hangs from a value without coming back. A side output ends as the network does."""
        last = node.items[-1] if isinstance(node, Run) else node
        component = self.component(node)
        if not isinstance(last, Leaf) or getattr(last.piece, "side", None) is None:
            return component
        return Series([component, self.result(last.piece)])

    def result(self, side: Glyph, tag: int = 0) -> Terminal:
        """Where a side output ends: its name and shape."""
        text = f"{side.name.rpartition('.')[2]} {show_shape(side.shape)}"
        return Terminal(text, self.flow, True, ARROW, tag)

    def fork(self, fork: Fork) -> Component:
        """Arms: one that is no shortcut stays on the axis, unless several meet in a bar."""
        real = [i for i, a in enumerate(fork.arms) if not _is_shortcut(a)]
        in_a_bar = isinstance(fork.into, DrawnJoin) and not fork.into.sign
        main = real[0] if real else 0
        return Parallel(
            [self.component(a) for a in fork.arms],
            None if in_a_bar and len(real) != 1 else main,
        )

    def run(self, run: Run, doors: tuple[End, ...] = (End(),)) -> Component:
        parts: list[Component | Knot] = []
        side: list[Component] = []
        for item in run.items:
            if isinstance(item, Knot):
                parts.append(item)
                side = [self.leaving(n) for n in item.loose]
            else:
                parts.append(_beside(self.component(item), side))
                side = []
        if side:
            parts.append(_beside(Bare(), side))
        made: list[Component] = []
        for i, part in enumerate(parts):
            if isinstance(part, Knot):
                before = parts[i - 1] if i else None
                after = parts[i + 1] if i + 1 < len(parts) else None
                assert not isinstance(before, Knot) and not isinstance(after, Knot)
                made.append(self.joint(part, before, after, doors))
            else:
                made.append(part)
        return made[0] if len(made) == 1 else Series(made)

    def joint(
        self,
        knot: Knot,
        before: Component | None,
        after: Component | None,
        doors: tuple[End, ...] = (End(),),
    ) -> Joint:
        hub = self.fit(knot.hub) if isinstance(knot.hub, DrawnBlock) else knot.hub
        note = self.note(hub) if isinstance(hub, DrawnJoin) else 0
        label = LineLabel(self.label(knot.value), self.flow)
        dashed = isinstance(knot.hub, DrawnBlock) and knot.hub.side is not None
        return Joint(hub, label, before, after, doors, note, dashed)

    def web(self, web: Web) -> Component:
        """A grid: its cells are what is on the strands, and the knots in which several meet."""
        components: list[Component] = []
        ties: list[Tie] = []
        loose: set[int] = set()  # of what is there for side outputs
        sources = {web.start: (door(0), 0)}  # of what leaves each knot
        waiting: dict[int, list[Strand]] = {}
        for strand in web.strands:
            waiting.setdefault(strand.end, []).append(strand)
        while waiting:
            end = next(v for v, into in waiting.items() if all(s.start in sources for s in into))
            knot = web.knots[end]
            coming: list[tuple[int, Source]] = []
            for strand in waiting.pop(end):
                node = self.component(strand.node)
                tags = [e.tag for e in node.measure.ends]
                lines = [sources[strand.start]]
                if strand.start == START:  # the inputs of a part are lines of their own
                    lines = [(door(e.tag), 0) for e in node.measure.starts]
                if node.bare:
                    coming.append((tags[0], lines[0]))
                    continue
                if knot.hub is None and end != web.end:
                    node = Series([node, self.joint(knot, node, None)])
                ties += [Tie(n, len(components), i, port) for i, (n, port) in enumerate(lines)]
                coming += [(tag, (len(components), port)) for port, tag in enumerate(tags)]
                components.append(node)
            coming.sort()
            if end == web.end:
                ties += [Tie(n, LAST, tag, port) for tag, (n, port) in coming]
            elif knot.hub is None:
                sources[end] = coming[0][1]
            else:
                place = len(components)
                ties += [Tie(n, place, tag, port) for tag, (n, port) in coming]
                sources[end] = place, 0
                if isinstance(knot.hub, DrawnBlock) and knot.hub.side is not None:
                    loose.add(place)
                components.append(self.meeting(knot, len(coming)))
            for hanging in knot.loose if end != web.end else ():
                n, port = sources[end]
                ties.append(Tie(n, len(components), port=port))
                loose.add(len(components))
                components.append(self.leaving(hanging))
        return GraphComponent(components, ties, loose)

    def meeting(self, knot: Knot, count: int) -> Component:
        """A knot as a component of its own, which so many lines enter."""
        if isinstance(knot.hub, DrawnBlock):
            block = self.fit(knot.hub)
            return Series([block, self.joint(Knot(knot.value), block, None)])
        step = 0.0 if isinstance(knot.hub, DrawnJoin) and knot.hub.sign else PORT
        ends = tuple(End((i - (count - 1) / 2) * step, 0, i) for i in range(count))
        return Meeting(self.joint(knot, Doors(ends), None), ends)


class Doors(Component):
    """Where lines come from, and nothing else."""

    def __init__(self, ends: tuple[End, ...]) -> None:
        super().__init__(Extent(0.0, 0.0, 0.0, ends, ends))


class Meeting(Component):
    """A joint that stands alone."""

    def __init__(self, joint: Joint, starts: tuple[End, ...]) -> None:
        self.joint = joint
        m = joint.measure
        super().__init__(Extent(m.length, m.before, m.after, starts))

    def place(self, pen: Pen, s: Length, t: Length, lines: list[DrawnLine]) -> list[DrawnLine]:
        return self.joint.place(pen, s, t, lines)


def _beside(main: Component, side: Sequence[Component]) -> Component:
    """A component with others beside it that end in nothing."""
    if not side:
        return main
    return Parallel([main, *side], 0, frozenset(range(1, len(side) + 1)))


def _is_shortcut(node: Node) -> bool:
    if isinstance(node, Leaf):
        return node.piece.shortcut
    if isinstance(node, Run):
        return all(isinstance(n, Knot) or _is_shortcut(n) for n in node.items)
    return isinstance(node, Thread)
