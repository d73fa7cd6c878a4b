"""Modules of blocks that take and give several tensors, and of loops that carry them."""

import re
from pathlib import Path

import pytest
import torch
from test_by_node import assert_computes_its_graph

import archdsl
from archdsl import Architecture

BLOCKS = """
block cell(c) {
  let (before, last) = in.tensors
  branch add { before -> relu -> conv(c, 3) -> bn; last -> conv(c, 1) }
  [last, identity]
}
block unit { residual { conv(in.channels, 3) -> bn }; relu }
block fuse(i) {
  let xs = in.tensors
  branch add { for x in xs as j { if i == j { x } else { x -> conv(8, 1) -> bn } } }
}
block module { [x -> unit for x in in.tensors]; [fuse(i) for i in 1..len(in.tensors)] }
block change { let (a, b, c) = in.tensors; [c -> tanh, a, b -> conv(8, 1)] }
"""
TWO = "[conv(8, 1), conv(8, 3)]\n"
SUM = "\nbranch add { for x in in.tensors { x -> conv(8, 1) } }"
NETWORKS = {
    "a cell": TWO + "cell(8)\nin.tensors[2] -> relu",
    "cells": TWO + "repeat 6 { cell(8) }\nin.tensors[2] -> relu",
    "one twice": "conv(8, 1) as x; [x, x]; repeat 6 { cell(8) }; in.tensors[2] -> relu",
    "streams": TWO + "repeat 2 { module }" + SUM,
    "many streams": "[conv(8, k) for k in 1..5 if k % 2 == 1]; repeat 5 { module }" + SUM,
    "three that change": "[conv(8, k) for k in [1, 3, 5]]; repeat 7 { change }" + SUM,
    "turns of several": TWO + "repeat 5 { cell(8); module }" + SUM,
    "with a label": TWO + "part: { cell(8); [in.tensors[2] -> relu, in.tensors[1]] }" + SUM,
    "without modules": TWO + "part: [x -> tanh for x in in.tensors]" + SUM,
    "with shared weights": TWO
    + "let f = shared { conv(8, 3) -> relu }; repeat 5 { [x -> f for x in in.tensors] }"
    + SUM,
    "other widths": "[conv(8, 1), conv(8, 3)]; cell(8); cell(16); cell(8)" + SUM,
    "results": TWO + "module\noutput a(when = always) { in.tensors[1] }\n"
    "output b(when = always) { in.tensors[2] -> relu }",
}


def arch(layers: str) -> Architecture:
    return archdsl.parse(f"arch net\ninput 3x8x8\n{BLOCKS}{layers}\n").with_knobs()


@pytest.mark.parametrize("name", [n for n in NETWORKS if n != "results"])
def test_it_computes_its_graph(name: str) -> None:
    assert_computes_its_graph(arch(NETWORKS[name]))


def test_hrnet_is_the_same_network_with_its_depths_as_knobs() -> None:
    """Written with lists, and with blocks that hand all sizes on to the next."""
    folder = Path(__file__).with_name("networks")
    lists = archdsl.load(str(folder / "hrnet_lists.arch"))
    assert lists.params == 21_299_004, "timm's"
    assert lists.hash == archdsl.load(str(folder / "hrnet_w18.arch")).hash
    (step,) = [s for s in lists.network.root.steps if s.name == "module" and s.repeat == 4]
    assert step.label == "module2"


def test_pnasnet_has_its_cells_as_a_knob() -> None:
    spec = archdsl.read(str(Path(__file__).with_name("networks") / "pnasnet.arch"))
    found = spec.with_knobs().figures
    assert (found.params, found.macs) == (86_057_668, 24_937_395_792), "timm's pnasnet5large"
    one, two, three = (spec.with_knobs(cells=n).params for n in (2, 5, 8))
    assert one - two == two - three, "each cell more is another of the same"


def test_results_of_a_list() -> None:
    found = arch(NETWORKS["results"]).build()(torch.zeros(1, 3, 8, 8))
    assert {name: tuple(y.shape) for name, y in found.items()} == {
        "a": (1, 8, 8, 8),
        "b": (1, 8, 8, 8),
    }


def forward(source: str, name: str) -> str:
    """The forward pass of a class, without its comments."""
    body = source.partition(f"class {name}(")[2].partition("\nclass ")[0]
    return re.sub(r"  # .*", "", body.partition("    def forward")[2]).strip()


def test_the_source_hands_several_on() -> None:
    source = arch(NETWORKS["cells"]).source()
    assert forward(source, "Cell") == (
        "(self, before: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:\n"
        "        x = self.branch1(before) + self.branch2(last)\n"
        "        return last, x"
    )
    assert forward(source, "Net").startswith(
        "(self, x: Tensor) -> Tensor:\n"
        "        y = self.conv1(x)\n"
        "        x = self.conv2(x)\n"
        "        for i in range(1, 7):\n"
        '            y, x = getattr(self, f"cell{i}")(y, x)\n'
        "        return self.relu1(x)"
    )


ITEMS = """arch net(c = 8)
input 3x8x8
block wide(other, n) {{ branch concat {{ identity; other }} -> conv(n, 3) -> relu }}
block sums(other, n) {{ branch concat {{ other; identity; other }} -> conv(n, 1) }}
block items(last) {{
  let xs = in.tensors
  [xs[i] -> {item} for i in 2..last]
}}
[conv(c, 3), conv(c, 1), conv(2 * c, 1)]
items(3)
items(2)
in.tensors[1] -> relu
"""


@pytest.mark.parametrize(
    "item",
    [
        "(wide(xs[i - 1], c * i) if i == 2 else sums(xs[i - 1], c))",
        "(wide(xs[i - 1], 4 if i > 2 else c) if last < 3 else sums(xs[i - 1], xs[i].channels))",
    ],
)
def test_layers_of_a_list_that_differ(item: str) -> None:
    """One class for lists of three tensors and of two; it gives a list of one, too."""
    net = archdsl.parse(ITEMS.format(item=item)).with_knobs()
    source = net.source()
    assert "class Items(nn.Module):" in source and "    (y,) = self.items2(" in source
    assert_computes_its_graph(net)
