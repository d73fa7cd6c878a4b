"""Each line of a drawing is an edge of the graph, and the other way about: read off its shapes."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from random_specs import specs
from thinned import thinned
from wires import drawn, outlined, wanted

import archdsl
from archdsl.files import builtin_names
from archdsl.ir.network import Network
from archdsl.pictures.dot import dot
from archdsl.pictures.mermaid import mermaid
from archdsl.pictures.scene import Point, Wire
from archdsl.pictures.structure import OutlineNode, outline
from archdsl.pictures.svg import svg
from archdsl.pictures.tikz import tikz
from archdsl.pictures.views import draw

INPUTS = "arch net(width = 8)\ninput image: 3x16x16, numbers: 10\n"
NETWORKS = {
    "one input each": """
conv(width, 3, stride = 2) -> relu as c1
numbers -> linear(8) -> relu as n
c1 -> global_avgpool -> flatten as f
branch add { f; n }
output two(when = always) { n -> linear(7) -> tanh }
output c1(when = always) { c1 }
linear(4)
""",
    "an input that is a result": """
output extra(when = always) { numbers -> linear(3) -> relu }
output raw(when = always) { numbers }
conv(width, 3) -> global_avgpool -> flatten
branch concat { identity; numbers }
linear(4)
""",
    "a side output of the second": """
conv(width, 3, stride = 2) -> relu
output aux { numbers -> linear(3) }
global_avgpool -> flatten
branch concat { identity; numbers -> linear(6) -> tanh }
linear(4)
""",
    "results of the first, the second being the main way": """
numbers -> linear(6) -> relu as n
output extra(when = always) { image -> conv(3, 3) }
output aux { image -> conv(4, 5) -> global_avgpool }
n -> linear(4)
""",
    "crossing": """
conv(width, 3) -> global_avgpool -> flatten as f
numbers -> linear(8) as n
output sum(when = always) { branch add { f; n; n -> tanh } }
output both(when = always) { branch concat { n; f -> relu; f } }
branch mul { n -> sigmoid; f }
""",
    "side outputs of what the result does not take": """
conv(width, 3) as a
conv(width, 3, stride = 2) -> relu as b
branch add { resize(a.size); a }
output fine { conv(width, 5) }
output none { branch add { a; identity -> tanh }; sigmoid }
b -> conv(width, 7) -> global_avgpool -> flatten
branch add { identity; numbers -> linear(8) }
output coarse { silu }
""",
    "a block that does not look at what comes in": """
block fuse(a, b) { branch add { a; b -> conv(width, 1) -> tanh } }
conv(width, 3) as x
x -> conv(width, 5) as a
x -> conv(width, 7) -> silu as b
fuse(a, b) -> sigmoid as q
fuse(a, b)
branch mul { identity; q }
global_avgpool -> flatten
branch concat { identity; numbers }
""",
    "one module for both": """
let f = shared { linear(5) -> relu }
global_avgpool -> linear(10) -> f as a
output two(when = always) { numbers -> f -> tanh }
branch add { a; numbers -> f }
""",
}


@pytest.mark.parametrize("name", NETWORKS)
def test_small_networks(name: str) -> None:
    network = archdsl.parse(INPUTS + NETWORKS[name]).with_knobs().network
    assert drawn(draw(network, {}, depth=9)).edges == wanted(network)


SEVERAL = """
block cell(c) {
  let (a, b) = in.tensors
  branch add { a -> conv(c, 3); b -> tanh -> conv(c, 1) }
  [b, identity]
}
conv(width, 3, stride = 2) as c
[c, c -> sigmoid]
cell(width)
let (p, q) = in.tensors
branch mul { p; q -> relu }
"""


@pytest.mark.parametrize(
    ("given", "source"), [("[b, identity]", "+"), ("[identity, b]", "sigmoid")]
)
def test_a_block_that_gives_several(given: str, source: str) -> None:
    """Its results have numbers, where they leave it and where they are taken: a network that takes
    them the other way round is another drawing."""
    text = INPUTS.replace(", numbers: 10", "") + SEVERAL.replace("[b, identity]", given)
    network = archdsl.parse(text).with_knobs().network
    assert_connects_as_the_graph(network)
    edges = drawn(draw(network, {}, depth=9)).edges
    assert [edge for edge in edges if edge[1] == "relu"] == [(source, "relu")]


def assert_connects_as_the_graph(network: Network) -> None:
    """What stands there several times is drawn once; else each line is there as often as in the
    graph. So it is in an outline, which DOT and Mermaid are written from."""
    for found, edges in (
        (drawn(draw(network, {}, depth=99)), wanted(network)),
        (outlined(network), wanted(network, arcs=False)),
    ):
        assert set(found.edges) | found.again >= set(edges) >= set(found.edges)
        assert found.again or found.edges == edges


HARMONIC = """
arch net(n = 4)
input 3x16x16
fn links(layer) = [layer - 2 ^ i for i in 0..4 if layer % 2 ^ i == 0]
block harmonic(kept, n) {
  let layer = len(kept)
  branch concat { for i in links(layer) { kept[i + 1] } } -> conv(8 * layer, 3) as new
  let all = kept + [new]
  if layer < n { harmonic(all, n) } else { branch concat { for i in 2..n + 1 { all[i] } } }
}
conv(3, 1) as first
harmonic([first], n)
relu
"""


@pytest.mark.parametrize("n", [3, 4, 5, 12])
def test_many_lines_into_one_block(n: int) -> None:
    """Two that meet in one join come from the sources that they are of; a frame is as wide as the
    lines that enter it."""
    network = archdsl.parse(HARMONIC).with_knobs(n=n).network
    assert drawn(draw(network, {}, depth=99)).edges == wanted(network)


def test_a_list_of_one_is_that_tensor() -> None:
    text = """
arch net
input 3x16x16
block layer { let xs = in.tensors
  [xs[i] -> conv(4, 3) -> tanh for i in 1..1] }
[conv(4, 3)]
layer
in.tensors[1] -> relu
"""
    network = archdsl.parse(text).with_knobs().network
    for depth in (1, 2, 9):
        assert drawn(draw(network, {}, depth=depth)).edges
    assert drawn(draw(network, {}, depth=9)).edges == wanted(network)


WRITTEN = Path(__file__).parents[1] / "backend" / "networks"


@pytest.mark.parametrize("name", sorted(p.stem for p in WRITTEN.glob("*.arch")))
def test_networks_that_were_written_of_the_documents(name: str) -> None:
    """They are drawn, whatever is opened, and with all open as the graph is."""
    network = archdsl.read(str(WRITTEN / f"{name}.arch")).with_knobs().network
    for depth in (1, 2, 3):
        assert drawn(draw(network, {}, depth=depth)).edges
    assert_connects_as_the_graph(network)


FIRST = ("densenet", "googlenet", "res2net", "unet", "fractalnet20", "hrnet")


@pytest.mark.parametrize(
    "name", [*FIRST, *thinned([n for n in builtin_names() if n not in FIRST], 6)]
)
def test_networks_that_come_with_it(name: str) -> None:
    assert_connects_as_the_graph(archdsl.load(name).network)


@settings(max_examples=25)
@given(specs(shared=True))
def test_random_networks(text: str) -> None:
    assert_connects_as_the_graph(archdsl.parse(text).with_knobs().network)


def test_a_line_too_few_or_too_many_is_seen() -> None:
    """Of a dense block: an arc that is not there, and one that goes elsewhere."""
    text = "arch a\ninput 4x6x6\ndense(3) as i { conv(i, 3) -> conv(i, 1) }\nrelu\n"
    network = archdsl.parse(text).with_knobs().network
    scene = draw(network, {}, depth=9)
    assert drawn(scene).edges == wanted(network)
    arcs = [s for s in scene.shapes if isinstance(s, Wire) and s.curved]
    assert len(arcs) == 6
    for arc in arcs:
        other = next(a for a in arcs if a.points[-1] != arc.points[-1])
        for instead in ((), (replace(arc, points=(*arc.points[:3], *other.points[3:])),)):
            shapes = [s for s in scene.shapes if s is not arc]
            assert drawn(replace(scene, shapes=(*shapes, *instead))).edges != wanted(network)


def test_what_is_written_has_the_lines_of_what_is_drawn() -> None:
    """In SVG, TikZ, DOT and Mermaid: each begins and ends where it does in the drawing."""
    network = archdsl.load("googlenet").network
    scene = draw(network, {}, depth=9)
    wires = [s for s in scene.shapes if isinstance(s, Wire)]
    ends = Counter((w.points[0], w.points[-1]) for w in wires)
    ways = [m.group(1) for m in re.finditer(r'<path class="l-\w+" d="(M[^"]*)"', svg(scene))]
    assert_begin_and_end(ways, r"(-?[\d.]+) (-?[\d.]+)", ends)
    ways = [m.group(1) for m in re.finditer(r"\\draw\[[^]]*\] (.*);", tikz(scene))]
    assert_begin_and_end(ways, r"\((-?[\d.]+),(-?[\d.]+)\)", ends)
    marks, edges = outline(network, 9)
    boxes = [m.path for m in marks if isinstance(m, OutlineNode)]
    names = {f"n{i}": path for i, path in enumerate(boxes)}
    said = re.findall(r"^  (n\d+) -->(?:\|.*?\|)? (n\d+)$", mermaid(network, 9), re.MULTILINE)
    assert [(names[a], names[b]) for a, b in said] == [(e.source, e.target) for e in edges]
    said = re.findall(r'^  "(.*?)" -> "(.*?)"', dot(network, 9), re.MULTILINE)
    assert said == [(e.source, e.target) for e in edges]


def assert_begin_and_end(ways: list[str], point: str, ends: Counter[tuple[Point, Point]]) -> None:
    """That of so many ways, as they are written, there is one for each line."""
    points = [[tuple(map(float, p)) for p in re.findall(point, way)] for way in ways]
    for (start, end), count in ends.items():
        near = [p for p in points if _close(p[0], start) and _close(p[-1], end)]
        assert len(near) >= count


def _close(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return all(abs(x - y) < 0.06 for x, y in zip(a, b, strict=True))
