"""Specs that are compiled and imported again."""

import pytest

import archdsl
from archdsl.importing import convert
from archdsl.importing.proof import pairs
from archdsl.importing.wrapped import wrapped

NET = """\
arch net
input 3x16x16
conv(8, 3{start}) -> bn{bn} -> relu
conv(8, 3) -> global_avgpool -> linear(3)
"""
SHUFFLED = """\
arch shufflenet_v2(classes = 1000)

use "lib/shuffle.arch": shuffle_v2

input 3x224x224
default conv(bias = false)

conv(24, 3, stride = 2) -> bn -> relu -> maxpool(3, stride = 2, pad = 1)
for (n, c) in [(4, 116), (8, 232), (4, 464)] {
  repeat n as j { shuffle_v2(c, 2 if j == 1 else 1) }
}
conv(1024, 1) -> bn -> relu -> global_avgpool -> linear(classes)
"""


def test_a_hash_but_for_how_weights_start() -> None:
    """A module does not say how its weights start: the hash of what comes back is that of the spec
    without it."""
    plain = archdsl.parse(NET.format(start="", bn="")).with_knobs()
    text = NET.format(start=", init = kaiming_normal(fan_out)", bn="(init = zeros)")
    started = archdsl.parse(text).with_knobs()
    assert started.hash != plain.hash
    for wanted in (plain, started):
        imported = archdsl.import_module(wanted.build(), wanted.input, name="net", run=False)
        assert imported.architecture.hash == plain.hash


def again(name: str) -> tuple[archdsl.Architecture, convert.Imported]:
    wanted = archdsl.read(name).with_knobs()
    made = archdsl.import_module(wanted.build(), wanted.input, name=name, run=False)
    assert pairs(wanted.flat, made.architecture.flat) is not None
    return wanted, made


def test_blocks_of_the_library_are_used() -> None:
    """The units of ShuffleNetV2, and the shuffle at their end, are those of the library."""
    wanted, made = again("shufflenet_v2")
    assert made.text == SHUFFLED
    assert made.architecture.hash == wanted.hash


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "lines", "used"),
    [
        ("coatnet", 23, "mbconv, transformer"),
        ("maxvit", 29, "mbconv, transformer"),
        ("efficientnet_v2", 32, "inverted_residual, fused_inverted_residual"),
        ("ghostnet", 27, "ghost_bottleneck"),
        ("res2net", 14, "res2"),
        ("unet", 5, "unet"),  # which holds itself
    ],
)
def test_a_long_text_becomes_shorter_by_the_library(name: str, lines: int, used: str) -> None:
    """Norms, activations, gates, attention and the chance of a drop are what blocks are given."""
    made = again(name)[1]
    assert used in made.text
    assert sum(1 for line in made.text.splitlines() if line) == lines


KEPT_BEFORE_AN_OUTPUT = """\
arch net
input 3x8x8
conv(4, 3) as a
conv(4, 3) as b
branch add { a; b } as x
output exit1 { global_avgpool -> linear(3) }
branch max { a; b }
branch mul { x; identity }
global_avgpool -> linear(3)
"""
SUMS_OF_ARMS = """\
arch net
input 4x8x8
branch add { bn; repeat 2 { conv(4, 1, bias = false) -> bn } }
relu
branch add { repeat 2 { conv(4, 1, stride = 2, bias = false) -> bn } }
global_avgpool -> linear(3)
"""
ZERO = """\
arch net
input 3x8x8
conv(4, 3) -> branch mul { identity; global_avgpool -> zero -> hardtanh(-2, -1) }
global_avgpool -> linear(3)
"""
PYRAMID = """\
arch net
input 3x8x8
conv(4, 3) as c2
conv(4, 3, stride = 2) as c3
conv(4, 3, stride = 2) as m4
branch add { resize(c3.size); c3 } as m3
branch add { resize(c2.size); c2 }
output p2 { conv(4, 3) }
output p3 { m3 -> conv(4, 3) }
m4 -> conv(4, 3)
output pool { subsample(2) }
"""
ONE_CHANNEL = """\
arch net
input 3x8x8
conv(4, 3) -> reshape(1x32x8) -> scale(bias = true) -> reshape(4x8x8)
global_avgpool -> linear(3)
"""


CLASSES = """\
arch net(classes = 5)

input 3x8x8

conv(5, 1) -> relu -> conv(classes, 1) -> {end}
"""


@pytest.mark.parametrize("end", ["resize(16)", "relu -> global_avgpool", "softmax"])
def test_the_channels_of_a_last_convolution_are_the_classes(end: str) -> None:
    wanted = archdsl.parse(CLASSES.format(end=end)).with_knobs()
    made = archdsl.import_module(wanted.build(), wanted.input, name="net", run=False)
    assert "arch net(classes = 5)" in made.text
    assert made.text.count("conv(5, 1)") == made.text.count("conv(classes, 1)") == 1


@pytest.mark.parametrize("text", [KEPT_BEFORE_AN_OUTPUT, SUMS_OF_ARMS, ZERO, PYRAMID, ONE_CHANNEL])
def test_small_networks_come_back(text: str) -> None:
    """Results that are used after a side output, sums whose arms are like a shortcut, zeros, side
    outputs that are computed from several tensors, and a factor of the only channel."""
    wanted = archdsl.parse(text).with_knobs()
    made = archdsl.import_module(wanted.build(), wanted.input, name="net", run=False)
    assert made.architecture.hash == wanted.hash


def test_long_lines_are_broken_within_parentheses() -> None:
    given = ", ".join(f"number{n} = {n}" for n in range(9))
    assert wrapped([f"  block name({given}) {{", "  short"]) == [
        "  block name(",
        f"    {given[:90]}",
        f"    {given[91:]}",
        "  ) {",
        "  short",
    ]
    for kept in (f'pad(border = "{given}, (a, b)")', f"conv(4, 3) # {given}, (a, b)"):
        assert wrapped([kept]) == [kept]
