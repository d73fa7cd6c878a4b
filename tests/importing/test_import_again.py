"""Specs that are compiled and imported again."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.init import constant_, orthogonal_

import archdsl
from archdsl.files import builtin_names
from archdsl.importing import convert
from archdsl.importing.proof import pairs
from archdsl.importing.starts import starts_of
from archdsl.importing.wrapped import wrapped
from archdsl.registry import REGISTRY

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


ACTIVATIONS = [
    example.call
    for layer in REGISTRY.layers.values()
    for example in layer.examples
    if layer.kind == "activation" and len(example.inputs[0]) == 3
]


@pytest.mark.parametrize("call", ACTIVATIONS)
def test_every_activation_comes_back(call: str) -> None:
    """As itself, or as what it is made of, which is compared."""
    wanted = archdsl.parse(
        f"arch net\ninput 3x6x6\nconv(8, 3) -> {call} -> conv(4, 1)"
    ).with_knobs()
    imported = archdsl.import_module(wanted.build(), wanted.input)
    assert imported.checked[1].startswith("results and gradients")


def test_how_weights_start_comes_back() -> None:
    """A compiled network says it in a method: the hash, of which it is a part, is the spec's."""
    text = NET.format(start=", init = kaiming_normal(fan_out)", bn="(init = zeros)")
    for wanted in map(started, (NET.format(start="", bn=""), text)):
        imported = archdsl.import_module(wanted.build(), wanted.input, name="net", run=False)
        assert imported.architecture.hash == wanted.hash


def started(text: str) -> archdsl.Architecture:
    return archdsl.parse(text).with_knobs()


STARTS = {  # of five layers, and what the text says of them
    "default conv(init = normal(0.02), bias_init = zeros)": (
        "default conv(init = normal(0.02), bias_init = zeros)\n"
    ),
    "default conv(init = trunc_normal(0.02, low = -0.1))\ndefault bn(init = constant(0.5))": (
        "default conv(init = trunc_normal(0.02, low = -0.1))\ndefault bn(init = constant(0.5))\n"
    ),
    "default conv(init = orthogonal)\nconv(4, 1, init = xavier_uniform(2), bias_init = ones)": (
        "\nconv(4, 1, init = xavier_uniform(2), bias_init = ones)\n"
    ),
}


@pytest.mark.parametrize(("starts", "said"), STARTS.items())
def test_starts_of_many_layers_are_defaults(starts: str, said: str) -> None:
    body = "repeat 4 { conv(8, 3) -> bn -> relu }\nglobal_avgpool -> linear(3)"
    wanted = started(f"arch net\ninput 3x8x8\n{starts}\n{body}\n")
    made = archdsl.import_module(wanted.build(), wanted.input, name="net", run=False)
    assert said in made.text
    assert made.architecture.hash == wanted.hash


class Says(nn.Module):
    """A module that says how its weights start, in what the language has and in what it has not."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3)
        self.bn = nn.BatchNorm2d(4)
        with torch.no_grad():
            self.bn.weight.fill_(7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.bn(self.other(self.one(x)))

    def init_weights(self) -> None:
        nn.init.kaiming_normal_(self.one.weight, 0, "fan_out", "relu")
        nn.init.kaiming_uniform_(self.other.weight, a=5**0.5)
        nn.init.zeros_(self.one.bias)
        nn.init.constant_(self.one.bias, val=0.25)
        self.bn.weight.data.fill_(0)


class Fails(Says):
    def init_weights(self) -> None:
        raise ValueError


class Asks(Says):
    def init_weights(self, std: float = 0.1) -> None:
        raise AssertionError("it is not run")


@pytest.mark.parametrize("cls", [Says, Fails, Asks])
def test_what_a_module_says_of_its_weights(cls: type[Says]) -> None:
    """Its weights stay as they are: the method runs on a copy without numbers. What fails, or has
    arguments, says nothing."""
    module = cls()
    kept = {key: tensor.clone() for key, tensor in module.state_dict().items()}
    made = archdsl.import_module(module, (3, 8, 8), name="net", run=False)
    layers = [node.layer for node in made.architecture.flat.nodes if node.layer is not None]
    said = [(str(layer.init), str(layer.bias_init)) for layer in layers]  # type: ignore[attr-defined]
    first = ("kaiming_normal(fan_out)", "constant(0.25)") if cls is Says else ("None", "None")
    assert said == [first, ("None", "None"), ("None", "None")]
    assert all(torch.equal(kept[key], tensor) for key, tensor in module.state_dict().items())


class Convs(nn.Module):
    def __init__(self, write: Callable[[torch.Tensor], object]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 1)
        self.write = write

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x)

    def init_weights(self) -> None:
        nn.init.zeros_(self.conv.bias)
        nn.init.normal_(self.conv.weight, std=0.02)
        self.write(self.conv.weight)


WRITES: dict[str, tuple[Callable[[torch.Tensor], object], str | None]] = {
    "a factor": (lambda w: w.data.div_(2), None),
    "a part": (lambda w: nn.init.zeros_(w[:1]), None),
    "a part by itself": (lambda w: w[:1].fill_(1), None),
    "the whole by another name": (lambda w: nn.init.ones_(w.data), "ones"),
    "the whole after a part": (lambda w: [w[:1].zero_(), nn.init.ones_(w)], "ones"),
    "a number": (lambda w: w.fill_(0.5), None),
    "a result": (lambda w: torch.ones(w.shape, out=w.data), None),
    "a list": (lambda w: torch._foreach_mul_([w], 2.0), None),
    "a function as it was imported": (lambda w: constant_(w, 3.0), "constant(3)"),
    "one that stops without numbers": (lambda w: orthogonal_(w), None),
    "what the language lacks": (lambda w: nn.init.dirac_(w), None),
    "other memory": (lambda w: setattr(w, "data", torch.ones_like(w)), None),
    "nothing": (lambda w: w.mul(2).zero_(), "normal(0.02)"),
}


@pytest.mark.parametrize(("write", "said"), WRITES.values(), ids=WRITES)
def test_the_last_write_says_how_a_weight_starts(
    write: Callable[[torch.Tensor], object], said: str | None
) -> None:
    found = {"conv.bias": "zeros"} | ({} if said is None else {"conv.weight": said})
    assert {key: str(start) for key, start in starts_of(Convs(write)).items()} == found


def test_a_method_that_ends_the_program_says_nothing() -> None:
    assert starts_of(Convs(lambda w: sys.exit(3))) == {}

    def stopped(w: torch.Tensor) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        starts_of(Convs(stopped))


LARGE = ("convnext", "convnext_v2")  # which start from numbers that are no method's


@pytest.mark.slow
@pytest.mark.parametrize("name", builtin_names())
def test_every_spec_comes_back_with_its_hash(name: str) -> None:
    wanted = archdsl.read(name).with_knobs()
    module = wanted.build(device=None if name in LARGE else "meta")
    made = archdsl.import_module(module, wanted.input, name=name, run=False)
    assert made.architecture.hash == wanted.hash


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
        ("coatnet", 19, "mbconv, transformer"),
        ("maxvit", 29, "mbconv, transformer"),
        ("efficientnet_v2", 37, "inverted_residual, fused_inverted_residual"),
        ("ghostnet", 27, "ghost_bottleneck"),
        ("res2net", 14, "res2"),
        ("unet", 6, "unet"),  # which holds itself
    ],
)
def test_a_long_text_becomes_shorter_by_the_library(name: str, lines: int, used: str) -> None:
    """Norms, activations, gates, attention and the chance of a drop are what blocks are given."""
    made = again(name)[1]
    assert used in made.text
    assert sum(1 for line in made.text.splitlines() if line) == lines


NETWORKS = Path(__file__).parents[1] / "backend" / "networks"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["fpn", "repvgg", "yolov8n", "msdnet", "dla34", "hardnet68", "pvt_v2"]
)
def test_published_networks_come_back_about_as_long(name: str) -> None:
    path = NETWORKS / f"{name}.arch"
    wanted, made = again(str(path))
    assert made.architecture.hash == wanted.hash
    assert lines(made.text) <= 1.3 * lines(path.read_text("utf-8"))


def lines(text: str) -> int:
    """The lines of a spec that are neither empty nor comments."""
    return sum(1 for line in text.splitlines() if line.strip() and not line.strip().startswith("#"))


ROOT = """\
arch net

input 4x8x8

conv(8, 3) -> relu as t1
conv(8, 3) -> relu
branch concat { t1; conv(8, 3) -> relu; identity } -> conv(4, 1)
"""
NEWEST = """\
arch net

input 4x8x8

dense(3) { slice(in.channels - 3, in.channels) -> maxpool(5, stride = 1, pad = 2) }
conv(4, 1)
"""

AFTER_ALL = """\
arch net

input 4x8x8

block layer(with_part = true) {
  if with_part { slice(in.channels - 2, in.channels) }
  conv(3, 3) -> relu
}

dense(3) as j { layer(false if j == 1 else true) }
conv(4, 1)
"""
OF_UNITS = """\
arch net()

input 4x8x8

block unit(c) { conv(c, 3) -> bn -> relu }

dense(3) as j { slice(1 if j == 1 else in.channels - 2, in.channels) -> unit(3) }
unit(6)
conv(4, 1)
"""


@pytest.mark.parametrize("text", [ROOT, NEWEST, AFTER_ALL, OF_UNITS])
def test_concatenations_stay_those_that_the_module_has(text: str) -> None:
    """One of a tensor, of what is computed of it and of what is computed of that is no other one
    within one; and a first turn that takes all is a turn of those that take the newest."""
    wanted = archdsl.parse(text).with_knobs()
    made = archdsl.import_module(wanted.build(), wanted.input, name="net")
    assert made.text == text.replace("net\n", "net()\n", 1)
    assert made.architecture.hash == wanted.hash


STANDARDISED = """\
arch net()

input 4x8x8
default std_conv(gain = 1.5, eps = 1e-05)

std_conv(8, 3) -> relu -> std_conv(8, 1) -> relu -> std_conv(4, 1)
"""


def test_what_most_standardised_filters_have_is_a_default() -> None:
    wanted = archdsl.parse(STANDARDISED).with_knobs()
    made = archdsl.import_module(wanted.build(), wanted.input, name="net")
    assert made.text == STANDARDISED


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
NEARLY_EVEN = """\
arch net
input 3x8x8
for survive in [0.9666667, 0.9333333, 0.9] {
  residual(survive = survive, per = sample, scaling = train) { conv(3, 3) }
}
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
NEWEST = """\
arch net
input 8x8x8
dense(3) { slice(in.channels - 7, in.channels) -> conv(8, 3) -> bn }
branch add {
  { repeat 2 { conv(32, 1, bias = false) -> bn } }
  repeat 3 { conv(32, 3) }
  conv(32, 1)
}
transpose(channels, height) -> slice(2, 8) -> transpose(channels, height)
global_avgpool -> linear(3)
"""
UNITS = """\
arch net
input 3x16x16
block unit(stride = 1) {
  branch add {
    if stride == 1 { bn }
    repeat 4 { conv(in.channels, 3, stride = stride, bias = false) -> bn }
    conv(in.channels, 1, stride = stride, bias = false) -> bn
  }
  relu
}
conv(4, 3, bias = false)
unit(2) -> unit -> unit -> unit(2) -> unit
global_avgpool -> linear(3)
"""
UNIT_BLOCK = """\
block unit(stride = 1) {
  branch add {
    if stride == 1 { bn }
    repeat 4 { conv(4, 3, stride = stride) -> bn }
    conv(4, 1, stride = stride) -> bn
  }
  relu
}
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


@pytest.mark.parametrize(
    "text", [KEPT_BEFORE_AN_OUTPUT, SUMS_OF_ARMS, ZERO, PYRAMID, NEWEST, ONE_CHANNEL, NEARLY_EVEN]
)
def test_small_networks_come_back(text: str) -> None:
    """Results that are used after a side output, sums whose arms are like a shortcut, zeros, side
    outputs that are computed from several tensors, the newest channels of a dense block, arms in a
    loop and loops in an arm, a range of rows, a factor of the only channel, and chances of a drop
    that grow almost evenly."""
    wanted = archdsl.parse(text).with_knobs()
    made = archdsl.import_module(wanted.build(), wanted.input, name="net", run=False)
    assert made.architecture.hash == wanted.hash


TWO_TURNS = """\
arch net
input 4x8x8
branch concat { identity; conv(3, 3) }
branch concat { identity; slice(5, 7) -> conv(3, 3) }
conv(4, 1)
"""
NO_THIRD_TURN = TWO_TURNS.replace(
    "conv(4, 1)", "branch concat { identity; slice(1, 7) -> conv(3, 3) }\nconv(4, 1)"
)


@pytest.mark.parametrize("text", [TWO_TURNS, NO_THIRD_TURN])
def test_two_concatenations_get_no_layer_more(text: str) -> None:
    """As ``dense`` the first of them would have a slice of all that comes in."""
    wanted = archdsl.parse(text).with_knobs()
    made = archdsl.import_module(wanted.build(), wanted.input, name="net", run=False)
    assert made.architecture.hash == wanted.hash
    assert "dense" not in made.text


def test_ranges_arms_and_what_only_some_have_are_written_as_people_do() -> None:
    """MobileOne's units, with one more arm where the size stays, and a block of newest channels."""
    assert (
        imported(NEWEST).count("dense(3) { slice(in.channels - 7, in.channels) -> conv(8, 3)") == 1
    )
    assert "{ repeat 2 { conv(32, 1, bias = false) -> bn } }" in imported(NEWEST)
    assert "repeat 3 { conv(32, 3) }" in imported(NEWEST)
    assert UNIT_BLOCK in imported(UNITS)


def imported(text: str) -> str:
    wanted = archdsl.parse(text).with_knobs()
    return archdsl.import_module(wanted.build(), wanted.input, name="net", run=False).text


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
