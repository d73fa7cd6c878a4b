"""Parts that come again, without a module of their own, are blocks that take tensors."""

from pathlib import Path

import archdsl

NETWORKS = Path(__file__).parents[1] / "backend" / "networks"
CELL = """
block cell(x, y) {
  branch add {
    maxpool(3, stride = 2, pad = 1) -> times(1, learned = true)
    x -> times(1, learned = true)
    y -> times(1, learned = true)
  }
  node
}
"""


def imported(name: str) -> str:
    wanted = archdsl.read(NETWORKS / f"{name}.arch").with_knobs()
    shapes = wanted.inputs if len(wanted.inputs) > 1 else wanted.input
    return archdsl.import_module(wanted.build(), shapes, name=name, run=False).text


def test_the_nodes_of_a_pyramid_are_blocks() -> None:
    text = imported("bifpn")
    assert CELL in text
    assert "block node { silu -> conv(in.channels, 3, groups = in.channels)" in text
    assert "\ncell(t4, t7) as t9\n" in text
    assert sum(1 for line in text.split("\n") if line) < 70


def test_a_short_block_is_a_line() -> None:
    text = imported("msdnet")
    assert "\nblock unit(c, stride = 2) { conv(c, 3, stride = stride) -> bn -> relu }\n" in text
    assert "\ngrow_from(t9, 12)\n" in text
    assert sum(1 for line in text.split("\n") if line) <= 32
