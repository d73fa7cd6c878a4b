"""Uses of a block that differ in what they are given, or in what is there, are one class."""

import re

from test_by_node import assert_computes_its_graph

import archdsl

HANDED = """arch net(c = 8)
input 3x16x16
block unit(c, act = relu, wide = false) {
  if wide { conv(2 * c, 1) -> bn -> act }
  residual(shortcut = conv(c, 1)) { conv(c, 3) -> bn -> act -> conv(c, 3) }
  branch mul { identity; global_avgpool -> conv(c, 1) -> act -> conv(c, 1) }
}
unit(c) -> unit(c, silu, true) -> unit(c, gelu)
"""


def test_an_activation_is_an_argument() -> None:
    """A class takes that of the module, which works in place where all of them can."""
    arch = archdsl.parse(HANDED).with_knobs()
    source = arch.source()
    assert source.count("class Unit") == 1
    assert "act: type[nn.Module],\n" in source
    assert "self.unit2 = Unit(8, nn.SiLU, 16, wide=True)" in source
    assert "self.act2 = act()" in source
    assert_computes_its_graph(arch)
    arch = archdsl.parse(HANDED.replace(" -> unit(c, gelu)", " -> unit(c, prelu)")).with_knobs()
    assert re.findall(r"class (Unit\w*)", arch.source()) == ["UnitA", "UnitB"]  # it has weights
    assert_computes_its_graph(arch)


OWNERS = """arch net(c = 8)
input 3x16x16
block half { branch concat { slice(1, in.channels // 2) -> conv(4, 3); slice(5, 8) -> bn } }
block whole { branch add { conv(8, 3); slice(1, 4) -> conv(8, 1) -> silu } }
conv(c, 3) -> half -> whole
"""


def test_parts_of_one_label_are_called_after_their_blocks() -> None:
    arch = archdsl.parse(OWNERS).with_knobs()
    names = re.findall(r"class (\w*Branch\w*)", arch.source())
    assert names == ["HalfBranch1", "HalfBranch2", "WholeBranch"]
    assert_computes_its_graph(arch)
