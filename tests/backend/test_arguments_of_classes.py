"""A class takes what its code reads: a block that works on kept tensors alone has no `x`."""

import re

import pytest
from test_by_node import assert_computes_its_graph

import archdsl

HEAD = """arch net(c = 8)
input 3x16x16
default conv(bias = false)
block fuse(a, b) { branch add { a; b -> conv(c, 1) -> bn } }
block outer(a, b) { fuse(a, b) -> relu }
conv(c, 3) as x
x -> conv(c, 3) -> bn as a
x -> conv(c, 3) -> silu as b
"""
FORWARD = r"def forward\(self, (.*?)\) -> .*?:\n(.*?)(?=\n\n|\Z)"
BODIES = {
    "a block": "fuse(a, b) as p\np -> conv(c, 3) as q\nfuse(a, b)\nbranch add { identity; q }",
    "in a block": "outer(a, b) as p\np -> conv(c, 3) as q\nouter(a, b)\nbranch add { identity; q }",
    "shared": "let f = shared { fuse(a, b) }\nx -> f -> tanh as p\nf\nbranch mul { p; identity }",
    "shared in a block": "let f = shared { outer(a, b) }\nx -> f\n",
}


@pytest.mark.parametrize("name", BODIES)
def test_no_argument_is_unused(name: str) -> None:
    arch = archdsl.parse(HEAD + BODIES[name]).with_knobs()
    forwards = re.findall(FORWARD, arch.source(), re.DOTALL)
    assert len(forwards) > 1
    for arguments, code in forwards:
        for argument in re.findall(r"(\w+): ", arguments):
            assert re.search(rf"\b{argument}\b", code), (argument, code)
    assert_computes_its_graph(arch)
