"""Each line of a drawing is an edge of the graph, and the other way about: read off its shapes."""

import pytest
from thinned import thinned
from wires import drawn, wanted

import archdsl
from archdsl.files import builtin_names
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
    assert drawn(draw(network, {}, depth=9)) == wanted(network)


SEVERAL = """
block cell(c) {
  let (a, b) = in.tensors
  branch add { a -> conv(c, 3); b -> tanh -> conv(c, 1) }
  [b, identity]
}
conv(width, 3, stride = 2) as c
[c, c -> sigmoid]
repeat 4 { cell(width) }
in.tensors[2] -> relu
"""


def test_a_block_that_gives_several() -> None:
    """One line leaves it, from a bar that stands for all that it gives."""
    text = INPUTS.replace(", numbers: 10", "") + SEVERAL
    network = archdsl.parse(text).with_knobs().network
    found, edges = drawn(draw(network, {}, depth=9)), wanted(network)
    bar = {edge for edge in found if "2 tensors" in edge}
    assert bar == {("sigmoid", "2 tensors"), ("+", "2 tensors"), ("2 tensors", "relu")}
    again = {("+", "3x3 conv, 8"), ("+", "tanh"), ("sigmoid", "3x3 conv, 8"), ("+", "relu")}
    assert set(found) - bar == set(edges) - again


WHOLE = ("googlenet", "unet", "fractalnet20")  # in which nothing is folded
DENSE = ("densenet", "densenet_cifar", "res2net")  # they have a form of their own
LARGE = [name for name in builtin_names() if name not in (*WHOLE, *DENSE)]


@pytest.mark.parametrize("name", thinned([*WHOLE, *LARGE], 4))
def test_networks_that_come_with_it(name: str) -> None:
    """What stands there several times is drawn once: no line is wrong, and none is missing where
    nothing is folded."""
    network = archdsl.load(name).network
    found, edges = drawn(draw(network, {}, depth=99)), wanted(network)
    assert set(found) <= set(edges), set(found) - set(edges)
    assert name not in WHOLE or found == edges
