"""Uses of a block that differ in what they are given, or in what is there, are one class."""

import re

import pytest
import torch
from other_arguments import classes
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
    forms = re.findall(r"class (\w*Unit)", arch.source())
    assert forms == ["Unit", "PreluUnit"]  # it has weights
    assert_computes_its_graph(arch)


def made(text: str, channels: int = 3) -> str:
    """The calls of classes in the source of blocks and their uses, which compute their graphs."""
    arch = archdsl.parse(f"arch t\ninput {channels}x16x16\n{text}").with_knobs()
    assert_computes_its_graph(arch)
    return " ".join(re.findall(r"self\.\w+ = (.*)", arch.source()))


def test_what_is_handed_in_has_the_number_of_its_word() -> None:
    """It is the same in each use, and so are those of the same layer that stand beside it."""
    calls = made(
        "block u(a, b) { a -> conv(3, 1) -> b -> conv(3, 1) -> a }\n"
        "u(relu, relu) -> u(silu, silu) -> u(relu, silu)"
    )
    assert calls.endswith("U(nn.ReLU, nn.ReLU) U(nn.SiLU, nn.SiLU) U(nn.ReLU, nn.SiLU)")
    calls = made(
        "block u(act, n = 1) { if n > 1 { act -> conv(3, 1) -> relu } else { conv(3, 1) }\n"
        "act -> branch add { act -> conv(3, 1); identity }; relu }\n"
        "u(relu) -> u(gelu, 2) -> u(relu, 2) -> u(gelu)"
    )
    uses = "U(nn.ReLU) U(nn.GELU, n=2) U(nn.ReLU, n=2) U(nn.GELU)"
    assert calls.endswith(uses)


def test_a_stride_that_is_the_kernel_in_some_uses() -> None:
    """It is that which the text says, and nothing of its own."""
    text = "block p(k, s = 2) { maxpool(k, stride = s, pad = WAY) -> conv(8, 3, stride = s) }\n"
    for way, pool in (("same", "SameMaxPool2d(k, stride=s)"), ("1", "stride=s, padding=1)")):
        calls = made(text.replace("WAY", way) + "p(3) -> p(2) -> p(3, s = 1)")
        assert pool in calls
        assert calls.endswith("P(3, 3) P(8, 2) P(8, 3, s=1)")


def test_a_padded_shortcut_says_which_stride_it_has() -> None:
    text = (
        "block res(c, s = 1) { residual(shortcut = pad) { conv(c, 3, stride = s) }; relu }\n"
        "res(16) -> res(32, 2) -> res(32) -> res(64, 2)"
    )
    calls = made(text, 16)
    assert " Shortcut(c - in_channels) " in calls
    names, _ = classes(archdsl.parse(f"arch t\ninput 16x16x16\n{text}").with_knobs())
    for given in ((16, 32, 1), (16, 32, 3)):
        with pytest.raises(AssertionError):
            names["Res"](*given)
    assert names["Res"](16, 24, 2)(torch.ones(1, 16, 8, 8)).shape == (1, 24, 4, 4)
    ends = "if s == 1 { conv(c, 1) -> relu } else { bn -> conv(c, 3) -> prelu }"
    assert "BnRes(16, 32)" in made(text.replace("; relu", f"; {ends}"), 16)  # in two bodies


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
