"""A class that is emitted is right for other arguments too: those that its network does not use.

Every class of a block whose constructor takes nothing but the block's own parameters and the
channels that come in is made at others, and compared with the spec applied there; or it says itself
that it has not the steps of the block there.
"""

from pathlib import Path
from typing import Any

import pytest
import torch
from commit_seed import seed
from other_arguments import classes, compared
from random_blocks import check
from small_networks import SMALL, small
from thinned import thinned

import archdsl
from archdsl.backend.conditions import cannot_fail
from archdsl.backend.terms import ATOM, COMPARISON, Word, opposite


@pytest.mark.parametrize("name", thinned(SMALL, 3))
def test_classes_of_shipped_networks(name: str) -> None:
    list(compared(small(name)))


@pytest.mark.parametrize("part", range(4))
def test_classes_of_random_blocks(part: int) -> None:
    """Other blocks for each commit: a failure says the seed of its spec."""
    start = 1000 * (seed() % 10**6) + 5 * part
    for number in range(start, start + 5):
        problem = check(number)
        assert problem is None, problem


NETWORKS = Path(__file__).with_name("networks")


@pytest.mark.parametrize(
    ("network", "name", "given", "knobs", "place", "channels"),
    [
        ("hardnet68", "Harmonic", ((128,), 16, 24), {"scale": 1.5}, "stage2.harmonic1", (128,)),
        ("hrnet_w18", "Shrink", (256, 60, 1), {"width": 30}, "shrink1", None),
        ("hrnet_w18", "Fuse", ((30, 60), 2), {"width": 30}, "fuse2", (30, 60)),
        (
            *("hrnet_w18", "Fuse", ((40, 80, 160), 3), {"width": 40}),
            *("stage3_1.three1.fuse3", (40, 80, 160)),
        ),
    ],
)
def test_a_class_translated_from_its_text(
    network: str,
    name: str,
    given: tuple[Any, ...],
    knobs: dict[str, Any],
    place: str,
    channels: tuple[int, ...] | None,
) -> None:
    """It has the loops and conditions of its block, and its lists of tensors."""
    spec = archdsl.read(str(NETWORKS / f"{network}.arch"))
    names, plans = classes(spec.with_knobs())
    assert any(p.name == name and p.whole for p in plans)
    with torch.device("meta"):
        made = names[name](*given)
        there = spec.with_knobs(**knobs).build().get_submodule(place)
    shapes = {k: tuple(t.shape) for k, t in made.state_dict().items()}
    assert shapes == {k: tuple(t.shape) for k, t in there.state_dict().items()}
    if channels is not None:
        size = 64
        xs = [
            torch.empty((2, c, size >> i, size >> i), device="meta") for i, c in enumerate(channels)
        ]
        assert made(xs).shape == there(xs).shape


@pytest.mark.parametrize(
    ("name", "given", "place", "channels"),
    [
        ("Module", ((30, 60),), "module1", (30, 60)),
        ("Module", ((40, 80, 160, 320),), "module3", (40, 80, 160, 320)),
        ("Fuse", ((64, 128, 256), 2), "module2.fuse2", (64, 128, 256)),
        ("More", ((44, 88), 176), "more2", (44, 88)),
        ("More", ((44, 88, 176), 352), "more3", (44, 88, 176)),
    ],
)
def test_a_class_over_several_tensors(
    name: str, given: tuple[Any, ...], place: str, channels: tuple[int, ...]
) -> None:
    """It is of any number of tensors, also where the network has others."""
    spec = archdsl.read(str(NETWORKS / "hrnet_lists.arch"))
    names, plans = classes(spec.with_knobs(modules=(1, 1, 1)))
    assert any(p.name == name and p.whole for p in plans)
    with torch.device("meta"):
        made = names[name](*given)
        whole = spec.with_knobs(modules=(1, 1, 1), width=channels[0]).build()
        xs = [torch.empty((2, c, 64 >> i, 64 >> i)) for i, c in enumerate(channels)]
    there = whole.get_submodule(place)
    shapes = {k: tuple(t.shape) for k, t in made.state_dict().items()}
    assert shapes == {k: tuple(t.shape) for k, t in there.state_dict().items()}
    assert [y.shape for y in made(xs)] == [y.shape for y in there(xs)]


HARD = """
arch hard(width = 8 in {8, 16})
input 3x16x16

block positional(c, s = 1) {  # a stride that is not called so
  if in.channels == c {
    residual { bn -> conv(c, 3, s) -> bn -> relu -> conv(c, 3) -> bn -> relu }
  } else {
    bn -> relu
    residual(shortcut = conv(c, 1, s)) { conv(c, 3, s) -> bn -> relu -> conv(c, 3) }
  }
}
block pair(c, by) { conv(c, 3, by) -> bn -> relu -> conv(c, 3) -> bn -> relu }
block handed(c, by = 1) {
  if in.channels == c {
    residual { bn -> relu -> pair(c, by) }
  } else {
    bn -> relu -> bn -> relu
    residual(shortcut = conv(c, 1, by)) { pair(c, by) }
  }
}
block mixed(c, deep = false) {
  if deep {
    residual { bn -> relu -> conv(c, 3) -> bn -> relu -> conv(c, 3) -> bn -> relu }
  } else {
    bn -> relu
    residual(shortcut = conv(c, 1)) { conv(c, 3) -> bn -> relu -> conv(c, 3) }
  }
}
block later(c, s = 1) {  # its shortcut begins in the middle
  conv(c, 1)
  residual { conv(c, 3, stride = s) -> bn }
}
block plain(c, s = 1) { residual { conv(c, 3, s) -> bn } }
block often(c, inner) {
  if inner != in.channels { conv(inner, 1) -> bn }
  conv(c, 3) -> relu
}

stem: conv(width, 3)
positional(width); positional(2 * width, s = 2); positional(3 * width); positional(3 * width)
handed(3 * width); handed(4 * width, by = 2); handed(5 * width); handed(5 * width)
mixed(5 * width); mixed(5 * width, deep = true); mixed(6 * width); mixed(6 * width, deep = true)
later(width); later(2 * width, s = 2); later(3 * width)
plain(3 * width); conv(4 * width, 1); plain(4 * width)
often(4 * width, 8); often(5 * width, 16)
"""


SAME = """
arch same
input 3x16x16
block inner(c, k) { conv(c, 3) -> relu -> conv(k, 1) }
block outer(c, n) {
  conv(c, 1)
  repeat n { inner(c, 8 if c > 20 else 4) }
  if c > 9 { residual { conv(8 if c > 20 else 4, 1) } } else { bn -> conv(9, 1) -> conv(4, 3) }
}
outer(8, 2); outer(16, 7); outer(16, 4)
"""


def test_what_has_one_value_in_all_uses_is_handed_on_all_the_same() -> None:
    """The inner block is given 4 in this network, and 8 where there are more channels."""
    arch = archdsl.parse(SAME).with_knobs()
    names, plans = classes(arch)
    assert all(p.whole for p in plans)
    with torch.device("meta"):
        assert names["Outer"](3, 24, 2).inner1.conv2.out_channels == 8
    assert {name for name, _ in compared(arch, 8)} == {"Inner", "Outer"}


def test_forms_of_which_one_repeats_a_block_now_more_now_less() -> None:
    """The first and the second use are one class with a loop; the third has other steps."""
    arch = archdsl.parse(SAME.replace("c > 9", "c < 9")).with_knobs()
    assert {name for name, _ in compared(arch, 8)} == {"Inner", "Outer"}


def test_a_class_of_which_other_arguments_want_another_form_says_so() -> None:
    arch = archdsl.parse(HARD).with_knobs()
    names, _ = classes(arch)
    with torch.device("meta"):
        with pytest.raises(AssertionError):
            names["Plain"](8, 16)
        with pytest.raises(AssertionError):
            names["Mixed"](8, 16, True)
        names["Mixed"](8, 16, False)
        with pytest.raises(AssertionError):
            names["Often"](16, inner=32)
    found = {name for name, _ in compared(arch, 8)}
    assert {"Later", "Mixed", "Often", "Plain", "ShortcutPositional", "Handed"} <= found


PADDED = "u(c, s = 1, p = 1) { residual(shortcut = pad, survive = p) { conv(c, 3, stride = s) } }"
FORMS = {  # the blocks of networks, their uses, and what their classes say of other arguments
    "u(c, s) { residual { residual { conv(c, 3, stride = s) -> bn };"
    " residual(shortcut = pad) { conv(2 * c, 3, stride = s) } }; relu }\n"
    "u(8, 1); u(8, 2); u(16, 1)": "in_channels != 2 * c",
    f"{PADDED}\nconv(8, 3); u(8); u(8, 1, 0.5); u(16, 2); u(16, 1, 0.7)": (
        "(s, c - in_channels) in ((1, 0), (2, 8))"
    ),
    f"{PADDED}\nconv(8, 3); u(8); u(8, 1, 0.5); u(16, 2); u(32, 2)": (
        "s == 2 or (s == 1 and in_channels == c)"
    ),
    "u(c, d, n) { conv(12, 3); if n > 2 { conv(c, 3) -> relu }; conv(d, 1) }\n"
    "u(8, 4, 3); u(12, 8, 2); u(4, 8, 4)": "n > 2 or c == 12",
    "u(c, d, n) { conv(12, 3) -> relu; if n > 2 { conv(c, 3) }; bn -> relu -> conv(d, 1) }\n"
    "u(12, 4, 3); u(8, 8, 2); u(12, 8, 4)": "n <= 2 or c == 12",
    "u(c, s = 1, wide = false) { identity as x; bn -> relu as y; branch add {"
    " if in.channels != c or s != 1 { y -> conv(c, 1, s) } else { x };"
    " { y -> conv(c, 3, s) -> bn }; if wide { y -> conv(c, 5, s) } } }\n"
    "conv(8, 3); u(8); u(16, 2); u(16, wide = true); u(16, 2, wide = true); u(16)": (
        "in_channels == c"
    ),
    "u(c, deep = false) { conv(12, 3) -> relu as y; branch add {"
    " if c > 16 { y -> conv(c, 3) -> bn } else { y -> conv(c, 1) }; { y -> conv(c, 3) -> gelu } };"
    " if deep { bn } }\nu(8); u(16, deep = true)": "c <= 16",
    "u(c, n) { conv(c, 3); if n > 2 { relu; if c != 16 { bn } }; conv(2 * c, n) }\n"
    "u(16, 3); u(24, 1); u(16, 1)": "n <= 2 or c == 16",
    "u(c) { conv(c // 2 * 2, 3); conv(8, 1); if c // 2 * 2 > c { identity -> bn } }\nu(8); u(12)": (
        "2 * (c // 2) <= c"
    ),
    "u(c) { conv(max(c, 16), 3); residual { conv(c, 3) -> bn } }\nu(16); u(24)": "max(c, 16) == c",
    "u(c) { conv(ceil(c / 3), 3); residual(shortcut = auto) { conv(c, 3) } }\nu(16); u(24)": (
        "math.ceil(c / 3) != c"
    ),
    # copies of a step, each written with what comes to the first of them
    "u(c, d, n, act = relu) { conv(c + 8, 1); repeat n { conv(c, 3); y1: conv(4 * d, 1); bn;"
    " repeat n { conv(c + 8, 3) -> act } } }\nu(24, 8, 2); u(8, 4, 2)": "4 * d == c + 8",
    # what decides the steps of an inner class that it cannot say itself
    "v(c, s = 1) { identity as x; bn -> relu as y; branch mul {"
    " if in.channels != c or s != 1 { y -> conv(c, 1) -> bn } else { x }; y -> conv(c, 3) } }\n"
    "block u(c) { conv(in.channels, 3) -> v(2 * c) }\n"
    "v(3); v(8); v(8, 2); u(16); u(12)": "in_channels != 2 * c",
    "v(c, deep) { bn -> relu as y; branch add { y -> conv(c, 1);"
    " if not deep { y -> conv(c, 3) -> bn } } }\n"
    "block u(c) { conv(c, 3); v(c, c > 20) }\nv(8, true); u(8); u(12)": "c <= 20",
    "v(c, p) { conv(c, 3) -> dropout(p) }\nblock u(c) { v(c, 0.5 if c > 20 else 0.2) -> relu }\n"
    "u(8); u(12)": "c <= 20",
    "u(c) { bn as y; branch add { y -> conv(c, 3, dilation = 1 if c > 20 else 2) -> relu;"
    " y -> conv(c, 1) -> bn } }\nu(8); u(12)": "c <= 20",
}
ONE_STEP = {  # a layer that one use has, with an argument as usual, and what its class makes of it
    "k = 3: conv(c, k): k = 1": "nn.Conv2d(c, c, k, padding=k // 2)",
    "k = 3: conv(c, k, dilation = 2): k = 1": "nn.Conv2d(c, c, k, padding=k - 1, dilation=2)",
    "p = 1: maxpool(3, stride = 1, pad = p): p = 0": "nn.MaxPool2d(3, stride=1, padding=p)",
    "s = 1: maxpool(2, stride = s, pad = 1): s = 2": "nn.MaxPool2d(2, stride=s, padding=1)",
    "p = 1: conv_transpose(c, 3, pad = p): p = 0": "nn.ConvTranspose2d(c, c, 3, padding=p)",
    "s = 2: conv(c, 3, stride = s): s = 1": "nn.Conv2d(c, c, 3, stride=s, padding=1)",
    "a = 0.2: leaky_relu(a): a = 0.01": "nn.LeakyReLU(negative_slope=a)",
}
DILATED = """
arch t
input 3x32x32
block u(c, k = 3, d = 1) { conv(c, k, dilation = d) -> conv(c, k, dilation = 3) }
u(8); u(16, d = 2); u(24, k = 5)
"""


@pytest.mark.parametrize(("text", "form"), FORMS.items())
def test_a_class_says_which_arguments_it_has_not_the_steps_of(text: str, form: str) -> None:
    arch = archdsl.parse(f"arch t\ninput 3x16x16\nblock {text}").with_knobs()
    source = arch.source()
    lines = [line.split("assert ")[1] for line in source.split("\n") if "assert " in line]
    assert lines == ([form] if form else [])


def test_a_class_says_nothing_that_always_holds() -> None:
    body = """if in.channels == c and s == 1 { residual { bn -> relu -> conv(c, 3) } }
    else { bn -> relu; residual(shortcut = conv(c, 1, s)) { conv(c, 3, s) -> bn } }"""
    blocks = f"block u(c, s = 1) {{ {body} }}\nu(8) -> u(16, 2) -> u(16)"
    source = archdsl.parse(f"arch t\ninput 8x8x8\n{blocks}").with_knobs().source()
    assert "class U(nn.Module)" in source
    assert "assert" not in source


@pytest.mark.parametrize(
    ("text", "always"),
    [
        ("not (a == c and s == 1) or c == a", True),
        ("a != c or (a == c or s == 1)", True),
        ("n <= 2 or n > 2", True),
        ("not (a == c and s == 1) or s == 2", False),
        ("a == c", False),
        ("c == c", True),
        ("c < c or a <= a", True),
        ("c + 8 > c", True),
        ("2 * c > c + 8", False),
    ],
)
def test_what_cannot_fail(text: str, always: bool) -> None:
    assert cannot_fail(text) is always


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("a == b", "a != b"),
        ("n > 2", "n <= 2"),
        ("deep", "not deep"),
        ("not deep", "deep"),
        ("not (a == b and s == 1)", "a == b and s == 1"),
        ("1 < n < 3", "not (1 < n < 3)"),
    ],
)
def test_the_opposite_of_a_condition_in_few_words(text: str, other: str) -> None:
    level = ATOM if text == "deep" else COMPARISON
    assert opposite(Word(True, text, level)).text == other


@pytest.mark.parametrize(("text", "code"), ONE_STEP.items())
def test_what_is_as_usual_in_the_one_use_that_has_it_is_said(text: str, code: str) -> None:
    """Other arguments want it: no other use shows what it depends on."""
    usual, layer, given = text.split(": ")
    body = f"conv(c, 3) -> relu; if deep {{ {layer} }}"
    blocks = f"block u(c, {usual}, deep = false) {{ {body} }}\nu(8); u(16, {given}, deep = true)"
    source = archdsl.parse(f"arch t\ninput 3x16x16\n{blocks}").with_knobs().source()
    assert f" = {code}" in source


def test_the_padding_of_any_kernel_and_dilation() -> None:
    """Half of ``d * (k - 1)``, of an even kernel too where the dilation is even."""
    source = archdsl.parse(DILATED).with_knobs().source()
    assert "k, padding=d * (k - 1) // 2, dilation=d)" in source
    assert "k, padding=3 * (k // 2), dilation=3)" in source


def test_many_classes_are_compared() -> None:
    found = {n for name in ("resnet", "mobilenet_v2", "senet") for n, _ in compared(small(name))}
    assert len(found) >= 3


DEFAULTS = {
    "in the block": "default conv(stride = stride); conv(c, 3) -> conv(c, 3, stride = 1)",
    "of a shortcut": "default conv(stride = stride)\n"
    "residual(shortcut = identity if stride == 1 and in.channels == c else conv(c, 1)) {\n"
    "conv(c, 3) -> bn -> relu -> conv(c, 3, stride = 1) }",
    "in a body": "conv(c, 1); residual(shortcut = conv(c, 1, stride = stride)) {\n"
    "default conv(stride = stride, bias = bias); conv(c, 3) -> bn }",
    "one over another": "default conv(bias = bias, dilation = stride); conv(c, 3)\n"
    "residual { default conv(dilation = 3); conv(c, 3) -> bn }; conv(c, 3)",
    "of a pattern": "default residual(survive = 0.5 if bias else 1)\n"
    "conv(c, 1, stride = stride); residual { conv(c, 3) }",
    "of another block": "default leaf(n = 8 * stride); leaf(c, bias = bias); leaf(c, n = 24)",
    "how often": "default dense(2 if c > 7 else 3); conv(c, 3, stride = stride)\n"
    "dense { conv(8, 3) -> relu }; conv(c, 1)",
    "after that of a shortcut": "default residual(shortcut = conv(c, 1))\n"
    "default conv(bias = bias)\nresidual { conv(c, 3) -> bn }; avgpool(stride)",
    "of a layer by its name alone": "default bn(eps = 0.1 if bias else 0.01)\n"
    "conv(c, 3, stride = stride) -> bn -> relu -> bn",
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_arguments_that_a_default_gives(name: str) -> None:
    """They are what the block says, as those of a call are: no number of one use stands in the
    class, and none is an argument beside those of the block."""
    text = f"""arch a(width = 16 in {{16, 24}})
input 16x16x16
default conv(bias = width != 24)
block leaf(c, n = 16, bias = true) {{ conv(n, 1, bias = bias) -> conv(c, 3) -> relu }}
block u(c, stride = 1, bias = true) {{
{DEFAULTS[name]}
}}
u(width) -> u(32, 2) -> u(32) -> u(8, 1, bias = false)
"""
    arch = archdsl.parse(text).with_knobs()
    _, plans = classes(arch)
    (plan,) = [p for p in plans if p.name == "U"]
    assert {p.origin for p in plan.signature()} <= {"in.channels", "c", "stride", "bias"}
    assert len([given for found, given in compared(arch, 8) if found == "U"]) >= 4


def test_a_default_of_the_file_that_speaks_of_what_comes_in() -> None:
    """Its knobs are theirs, also in a block that calls a parameter of its own so."""
    text = """arch a(few = 20)
input 16x16x16
default conv(kernel = 3 if in.channels > few else 1)
block u(c, stride = 1) { conv(c, stride = stride) -> bn }
block v(c, few = 1) { conv(c) -> conv(few, 1) }
u(16) -> u(32, 2) -> u(48) -> v(8) -> conv(40, 1) -> v(16, 2)
"""
    arch = archdsl.parse(text).with_knobs()
    source = arch.source()
    assert "in_channels, c, 3 if in_channels > 20 else 1, stride" in " ".join(source.split())
    assert len([given for found, given in compared(arch, 8) if found == "U"]) >= 4
    assert_computes(arch)


def assert_computes(arch: archdsl.Architecture) -> None:
    module = arch.build()
    assert sum(p.numel() for p in module.parameters()) == arch.params
    assert module.eval()(torch.zeros(1, 16, 16, 16)).shape[1:] == arch.output
