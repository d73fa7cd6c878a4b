"""A drawing without places: its nodes, the blocks that are open around them, and its edges. What
a program that lays out graphs by itself is given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from archdsl.ir.network import Network, Part
from archdsl.layers.base import show_shape
from archdsl.pictures.boxes import times
from archdsl.pictures.drawing import incoming, opened_title, outgoing, short_name, summary
from archdsl.pictures.glyphs import DrawnBlock, DrawnExit, DrawnJoin, Glyph, Stack
from archdsl.pictures.sketch import sketch

OUTPUT = "output"


@dataclass(frozen=True, slots=True)
class OutlineNode:
    """A box: a stack of layers, a join, or a block that is closed. ``lines`` are its text, and
    ``kind`` is the role of its colour; a ``sign`` is drawn as a circle."""

    path: str
    lines: tuple[str, ...]
    kind: str
    sign: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """A block begins whose nodes follow, or the turn of a loop."""

    path: str
    title: str
    loop: bool


@dataclass(frozen=True, slots=True)
class Closed:
    """The block that was opened last ends."""


@dataclass(frozen=True, slots=True)
class Edge:
    """From a node to another: the shape of the tensor, where the picture says it."""

    source: str
    target: str
    shape: str = ""


Mark = OutlineNode | Opened | Closed


def outline(network: Network, depth: int) -> tuple[list[Mark], list[Edge]]:
    """The network, so many levels of its blocks open."""
    root = network.root
    walk = _Walk(depth)
    sources = [OutlineNode(p, (incoming(p, s),), "paper") for p, s in network.incoming.items()]
    inside = list(walk.part(root, "", {k: node.path for k, node in enumerate(sources)}, 1))
    walk.edges.append(Edge(walk.results[""], OUTPUT))
    result = OutlineNode(OUTPUT, (outgoing(root),), "paper")
    return [*sources, *inside, result], walk.edges


class _Walk:
    """``results`` are the nodes that the values of parts leave from, by their paths."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.results: dict[str, str] = {}
        self.edges: list[Edge] = []

    def part(self, part: Part, prefix: str, sources: dict[int, str], level: int) -> Iterator[Mark]:
        """The nodes of a part; ``sources`` are those that its operands leave from: 0 is its
        input, ``k`` its ``k``-th import."""
        whole = sketch(part)
        values = {-operand: node for operand, node in sources.items()}
        for place, piece in enumerate(whole.pieces):
            coming = [values[n] for n in piece.inputs]
            path = prefix + piece.name
            if isinstance(piece, DrawnBlock) and (piece.part.kind == "turn" or level < self.depth):
                yield from self._opened(piece, path, prefix, coming, level)
            else:
                yield _node(piece, path)
                for node, n in zip(coming, piece.inputs, strict=True):
                    self.edges.append(Edge(node, path, show_shape(whole.shape(n))))
                self.results[path] = path
            values[place + 1] = self.results[path]
            if piece.side is not None:
                result = f"{OUTPUT} {path}"
                yield OutlineNode(
                    result, (f"{short_name(piece)} {show_shape(piece.shape)}",), "paper"
                )
                self.edges.append(Edge(self.results[path], result))
        self.results[prefix.removesuffix(".")] = values[whole.result]

    def _opened(
        self, block: DrawnBlock, path: str, prefix: str, coming: list[str], level: int
    ) -> Iterator[Mark]:
        loop = block.part.kind == "turn"
        title = times(block.repeat) if loop else opened_title(block)
        yield Opened(path, title, loop)
        inner = prefix if loop else f"{path}."
        kept = self.results.get(prefix.removesuffix("."), "")
        sources = dict(zip(block.doors, coming, strict=True))
        yield from self.part(block.part, inner, sources, level + (not loop))
        if loop:
            self.results[path] = self.results[prefix.removesuffix(".")]
            self.results[prefix.removesuffix(".")] = kept
        yield Closed()


def _node(piece: Glyph, path: str) -> OutlineNode:
    if isinstance(piece, Stack):
        heavy = next((s for s in piece.strips if not s.light), piece.strips[0])
        lines = (*(s.words for s in piece.strips), times(piece.repeat))
        return OutlineNode(path, tuple(t for t in lines if t), heavy.layer.kind)
    if isinstance(piece, DrawnJoin):
        return OutlineNode(path, (piece.sign or piece.words,), "paper", bool(piece.sign))
    if isinstance(piece, DrawnExit):
        return OutlineNode(path, (piece.words,), "paper")
    assert isinstance(piece, DrawnBlock)
    head = f"{short_name(piece)} {times(piece.repeat)}".strip()
    below = summary(piece) + ", shared" * piece.marked
    return OutlineNode(path, tuple(t for t in (head, below) if t), "block")
