"""A graph that was tampered with: each kind of damage is named."""

from collections.abc import Callable
from typing import Any

import networkx as nx
import pytest

import archdsl
from archdsl.graph.verify import verify
from archdsl.layers.convolution import Conv
from archdsl.layers.join import Add
from archdsl.layers.shaping import Identity

Graph = Any
TEXT = """
arch small
input 4x8x8
conv(8, 3) -> bn
branch concat { conv(4, 1); conv(4, 3) }
output aux(weight = 0.3) { linear(2) }
linear(2)
"""


def whole() -> Graph:
    return archdsl.parse(TEXT).with_knobs().graph


def damaged(damage: Callable[[Graph], object]) -> str:
    graph = whole()
    damage(graph)
    with pytest.raises(archdsl.ArchError) as error:
        verify(graph)
    (found,) = error.value.diagnostics
    assert found.code == "A009"
    return found.message.partition(": ")[2]


def add_node(graph: Graph, path: str, layer: object, shape: tuple[int, ...], *sources: str) -> None:
    graph.add_node(path, layer=layer, shape=shape, span=None, blocks=())
    for place, source in enumerate(sources):
        graph.add_edge(source, path, key=place)


def test_a_graph_that_was_built_is_whole() -> None:
    verify(whole())


def test_no_input() -> None:
    assert damaged(lambda g: g.remove_node("input")) == (
        "it has 0 inputs, not the one called `input`"
    )


def test_two_inputs() -> None:
    assert damaged(lambda g: g.add_node("input2", layer=None, shape=(1,))) == (
        "it has 2 inputs, not the one called `input`"
    )


def test_an_input_of_another_name() -> None:
    assert damaged(lambda g: nx.relabel_nodes(g, {"input": "image"}, copy=False)) == (
        "it has 1 inputs, not the one called `input`"
    )


def test_an_input_without_a_shape() -> None:
    assert damaged(lambda g: g.nodes["input"].pop("shape")) == "its input has no shape"


def test_an_output_that_is_no_node() -> None:
    assert (
        damaged(lambda g: g.graph.update(output="nowhere")) == "its output `nowhere` is not a node"
    )


def test_a_side_output_that_is_no_node() -> None:
    assert damaged(lambda g: g.graph.update(side_outputs={"aux": ("nowhere", 0.3)})) == (
        "its output `nowhere` is not a node"
    )


def test_a_cycle() -> None:
    assert damaged(lambda g: g.add_edge("bn1", "conv1", key=1)) == "it has a cycle"


def test_a_missing_operand() -> None:
    assert damaged(lambda g: g.remove_edge("branch1", "concat1", key=0)) == (
        "the operands of `concat1` are numbered [1]"
    )


def test_an_operand_twice() -> None:
    def damage(g: Graph) -> None:
        g.remove_edge("branch2", "concat1", key=1)
        g.add_edge("branch2", "concat1", key=0)

    assert damaged(damage) == "the operands of `concat1` are numbered [0, 0]"


def test_a_node_without_operands() -> None:
    assert damaged(lambda g: add_node(g, "lost", Identity(), (1,))) == (
        "`lost` cannot be reached from the input"
    )


def test_a_node_that_nothing_needs() -> None:
    assert damaged(lambda g: add_node(g, "extra", Identity(), (8, 8, 8), "bn1")) == (
        "the result of `extra` is never used"
    )


def test_a_side_output_that_was_forgotten() -> None:
    assert damaged(lambda g: g.graph.update(side_outputs={})) == (
        "the result of `aux.linear1` is never used"
    )


def test_a_wrong_shape() -> None:
    assert damaged(lambda g: g.nodes["bn1"].update(shape=(8, 4, 4))) == (
        "`bn1` has 8x4x4, but gives 8x8x8"
    )


def test_a_shape_that_is_missing() -> None:
    assert damaged(lambda g: g.nodes["bn1"].pop("shape")) == "`bn1` has no shape, but gives 8x8x8"


def test_a_layer_that_does_not_fit() -> None:
    assert damaged(lambda g: g.nodes["conv1"].update(layer=Conv(8, 3, groups=3))) == (
        "`conv1`: 3 groups do not divide the channels of `conv`: 4 come in, 8 go out; "
        "these numbers do: 1, 2, 4"
    )


def test_tensors_that_cannot_be_joined() -> None:
    def damage(g: Graph) -> None:
        g.nodes["concat1"].update(layer=Add())
        g.nodes["branch1"].update(layer=Conv(8, 1), shape=(8, 8, 8))

    assert damaged(damage) == "`concat1`: these tensors cannot be added: 8x8x8 and 4x8x8"


def test_a_layer_of_two_tensors() -> None:
    assert damaged(lambda g: g.nodes["concat1"].update(layer=Identity())) == (
        "`concat1` is not a join, but has 2 operands"
    )
