"""Which layers a drawing connects, read off its shapes; and which the graph does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from archdsl.ir.flat import flatten
from archdsl.ir.network import Network
from archdsl.layers.base import show_shape
from archdsl.layers.join import Join
from archdsl.pictures.drawing import incoming, outgoing
from archdsl.pictures.scene import Box, Disc, Scene, Wire, Words
from archdsl.pictures.words import layer_words

Edge = tuple[str, str]
NEAR = 1.5
TITLE = 26  # the height of a frame's title, at most
FRAMES = ("frame", "inner")


def drawn(scene: Scene) -> Counter[Edge]:
    """The edges of a drawing that runs down: between texts of boxes, signs and results. A box of
    several layers connects them in their order."""
    boxes = [s for s in scene.shapes if isinstance(s, Box) and s.fill not in FRAMES]
    words = [s for s in scene.shapes if isinstance(s, Words)]
    discs = [s for s in scene.shapes if isinstance(s, Disc) and s.sign]
    named = [(b.extent, text) for b in boxes if (text := _text(b, words))]
    named += [(d.extent, d.sign) for d in discs]
    frames = [s for s in scene.shapes if isinstance(s, Box) and s.fill in FRAMES]
    wires = [s for s in scene.shapes if isinstance(s, Wire) and len(s.points) > 1]
    found: Counter[Edge] = Counter()
    for wire in wires:
        if end := _at(wire.points[-1], named, False):
            found[_source(wire, wires, frames, named), end] += 1
    for (a, above), (b, below) in ((x, y) for x in named for y in named if x is not y):
        if a[0] == b[0] and a[2] == b[2] and abs(a[3] - b[1]) < NEAR:
            found[above, below] += 1
    return found


def _text(box: Box, words: Iterable[Words]) -> str:
    left, top, right, bottom = box.extent
    inside = [w for w in words if left <= w.x <= right and top <= w.y <= bottom]
    return inside[0].text.removesuffix(", shared") if inside else ""


Named = list[tuple[tuple[float, ...], str]]
Point = tuple[float, float]


def _at(point: Point, named: Named, leaves: bool) -> str:
    """What a line leaves at a point, or what it enters there."""
    x, y = point
    for (left, top, right, bottom), text in named:
        within = left - NEAR <= x <= right + NEAR
        side = min(abs(x - left), abs(x - right)) < NEAR and top + NEAR < y < bottom - NEAR
        if (within and abs(y - (bottom if leaves else top)) < NEAR) or (side and not leaves):
            return text
    return ""


def _source(wire: Wire, wires: list[Wire], frames: list[Box], named: Named) -> str:
    """What a line comes from, through all frames around it: it goes on below a frame's title."""
    x, y = wire.points[0]
    found = _at((x, y), named, True)
    if found:
        return found
    tops = {f.y for f in frames if f.x < x < f.x + f.width and f.y < y < f.y + TITLE} | {y}
    for other in wires:
        end = other.points[-1]
        if (
            other is not wire
            and abs(end[0] - x) < NEAR
            and any(abs(end[1] - t) < NEAR for t in tops)
        ):
            return _source(other, wires, frames, named)
    return "nothing"


def wanted(network: Network) -> Counter[Edge]:
    """The edges of the graph, by the same texts."""
    flat = flatten(network)
    texts = []
    for node in flat.nodes:
        if node.layer is None:
            texts.append(incoming(node.path, node.shape))
        elif isinstance(node.layer, Join):
            texts.append(node.layer.sign or node.layer.name.replace("_", " "))
        else:
            texts.append(layer_words(node.layer, flat.nodes[node.inputs[0]].shape))
    found: Counter[Edge] = Counter()
    for text, node in zip(texts, flat.nodes, strict=True):
        for n in node.inputs:
            found[texts[n], text] += 1
    end = outgoing(network.root)
    bar = ", ".join(r.name for r in flat.results)
    for result in flat.results:
        found[texts[result.node], bar] += 1
    found[bar or texts[flat.output], end] += 1
    for side in flat.side_outputs:
        shape = show_shape(flat.nodes[side.node].shape)
        found[texts[side.node], f"{side.name.rpartition('.')[2]} {shape}"] += 1
    return found
