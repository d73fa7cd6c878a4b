"""A class takes what its code reads: a block that works on kept tensors alone has no `x`."""

import re

import pytest
from other_arguments import compared
from random_blocks import BlockWriter, check
from test_by_node import assert_computes_its_graph

import archdsl
from archdsl.backend.conditions import partly

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


def source_of(body: str) -> str:
    arch = archdsl.parse(f"arch a()\ninput 8x16x16\n{body}").with_knobs()
    assert [given for _, given in compared(arch, 8)], "at other arguments, too"
    return arch.source()


def test_what_is_usual_in_all_uses_is_handed_on_where_others_want_another() -> None:
    """In both uses of the outer block `deep` is false, which is its default."""
    source = source_of(
        "block inner(c, deep = false) { conv(c, 1); if deep { conv(c, 3) }; relu }\n"
        "block outer(c) { conv(c, 1) -> inner(2 * c, deep = c > 20) }\n"
        "outer(8) -> outer(16)\ninner(8, deep = true)\n"
    )
    assert "self.inner1 = Inner(c, 2 * c, deep=c > 20)" in source


def test_a_projection_has_no_groups_of_a_default() -> None:
    """It has them in no use, though they were 1 in all uses that have one."""
    source = source_of(
        "block b(c, e = 1) { default conv(groups = e, dilation = e); residual { conv(c, 3) } }\n"
        "b(16) -> b(16, e = 2) -> b(32)\n"
    )
    assert "dilation=e, groups=e)\n" in source
    assert "conv1=nn.Conv2d(in_channels, c, 1, bias=False), bn1" in source


@pytest.mark.parametrize(("seed", "name"), [(95350, "Block3"), (95342, "ReluBlock1")])
def test_what_decides_the_numbers_that_a_class_is_handed(seed: int, name: str) -> None:
    """Beside the arguments of its block; and under a condition that the class cannot say."""
    assert check(seed) is None
    source = archdsl.parse(BlockWriter(seed).text()).with_knobs().source()
    made = source[source.index(f"class {name}(") :]
    assert "assert c <= 20\n" in made[: made.index("self.conv1")]


@pytest.mark.parametrize(
    ("text", "held", "wanted"),
    [
        ("not (a and b != c) or d <= 20", ("a",), "not b != c or d <= 20"),
        ("not (a and b != c) or d <= 20", ("a", "b != c"), "d <= 20"),
        ("not a or d == 2", ("a", "not a or d == 2"), "d == 2"),
        ("a and (b or c)", ("b",), "a"),
        ("a or b", ("a",), "True"),
        ("a or b", ("a or b", "c"), "a or b"),
    ],
)
def test_a_condition_where_others_hold(text: str, held: tuple[str, ...], wanted: str) -> None:
    assert partly(text, {}, held) == wanted
