"""Every published network of the table is its spec: each figure, exactly."""

from collections import Counter
from math import prod

import pytest
from facts import FACTS, Fact, read_shape

from archdsl.layers.base import Shape

each = pytest.mark.parametrize("fact", [pytest.param(f, id=f.name) for f in FACTS])


def test_the_table_has_all_networks() -> None:
    assert len(FACTS) == 159
    assert len({f.name for f in FACTS}) == 159


@each
def test_figures(fact: Fact) -> None:
    arch = fact.build()
    assert arch.input == read_shape(fact.input)
    found = {
        "params": arch.params,
        "buffers": arch.buffers,
        "macs": arch.macs,
        "conv_activations": arch.conv_activations,
        "activations": arch.activations,
        "side_macs": arch.figures.side_macs,
        "depth": arch.depth,
    }
    assert found == {name: getattr(fact, name) for name in found}


@each
def test_layers(fact: Fact) -> None:
    """As many convolutions, normalisations with statistics, and linear layers; a linear layer
    may be a 1x1 convolution on a single pixel and the other way round."""
    arch = fact.build()
    counts = Counter(n.layer.name for n in arch.flat.nodes if n.layer is not None)
    found = {"conv": counts["conv"], "norm": counts["bn"], "linear": counts["linear"]}
    assert found == fact.layers


@each
def test_shapes_of_stages_in_their_order(fact: Fact) -> None:
    """A node may stand for two neighbours of the list, as a tensor and flattened."""
    arch = fact.build()
    nodes, place = arch.flat.nodes, 0
    for text in fact.shapes:
        wanted = read_shape(text)
        later = (i for i in range(place, len(nodes)) if stands_for(wanted, nodes[i].shape))
        found = next(later, None)
        assert found is not None, f"{text} after {nodes[place].path}"
        place = found
    assert stands_for(read_shape(fact.shapes[-1]), arch.output)


def stands_for(wanted: Shape, shape: Shape) -> bool:
    """A vector of n elements is n x 1 x 1, or any tensor of n elements that is flattened."""
    return wanted == shape or (len(wanted) == 1 and wanted[0] == prod(shape))
