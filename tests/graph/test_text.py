"""Graphs as text and as DOT: what a reviewer can read, and what Graphviz takes."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import archdsl
from archdsl.graph.text import to_dot, to_text
from archdsl.graph.written import call
from archdsl.layers.convolution import Conv
from archdsl.layers.join import FractalJoin
from archdsl.layers.shaping import PadSpace, Reshape

Golden = Callable[[str, str], None]
SPECS = sorted(Path(__file__).with_name("golden").glob("*.arch"))


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_the_text_of_small_networks(path: Path, golden: Golden) -> None:
    golden(f"{path.stem}.txt", to_text(archdsl.load(str(path)).graph))


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_the_text_is_stable(path: Path) -> None:
    assert to_text(archdsl.load(str(path)).graph) == to_text(archdsl.load(str(path)).graph)


def test_other_choices_are_another_graph(golden: Golden) -> None:
    spec = archdsl.read(str(SPECS[0].with_name("choices.arch")))
    knobs = {"act": "silu", "mix2": "large", "choose1": 2}
    golden("choices_other.txt", to_text(spec.candidate(knobs).graph))


def test_dot(golden: Golden) -> None:
    golden("skips.dot", to_dot(archdsl.load(str(SPECS[0].with_name("skips.arch"))).graph))


def test_dot_has_every_node_and_edge_and_its_quotes_are_closed() -> None:
    graph = archdsl.load("googlenet").graph
    text = to_dot(graph)
    assert text.count(" -> ") == graph.number_of_edges()
    assert len(re.findall(r"\[label=", text)) == len(graph) + len(
        [e for e in graph.edges if graph.in_degree(e[1]) > 1]
    )
    for line in text.splitlines():
        assert line.count('"') % 2 == 0


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (Conv(64, 3), "conv(64, 3)"),
        (Conv(64, (1, 7), bias=False), "conv(64, 1x7, bias = false)"),
        (Conv(64, 3, pad=0), "conv(64, 3, pad = 0)"),
        (PadSpace(before=1), "pad(before = 1)"),
        (PadSpace(2, border="reflect"), "pad(size = 2, border = reflect)"),
        (Reshape((64,)), "reshape([64])"),
        (Reshape((64, 4, 4)), "reshape(64x4x4)"),
        (FractalJoin((2, 3), 3), "fractal_join(2x3, 3)"),
    ],
)
def test_a_layer_as_it_would_be_written(layer: archdsl.Architecture, text: str) -> None:
    assert call(layer) == text
