"""The hash: equal for equal graphs written differently, different for any other graph."""

from itertools import combinations

import pytest

import archdsl
from archdsl.files import builtin_names

BASE = """
arch net(width = 8, p = 0.5)
input 3x8x8
default conv(init = kaiming_normal(fan_out), bias = false)
block unit(c) { conv(c, 3) -> bn -> relu }
unit(width)
residual { conv(width, 3) -> dropout(p) }
branch concat { conv(4, 1); conv(4, 3) }
global_avgpool -> linear(10)
"""


def hash_of(text: str, **knobs: object) -> str:
    return archdsl.parse(text).with_knobs(**knobs).hash


def changed(*replacements: tuple[str, str]) -> str:
    text = BASE
    for old, new in replacements:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


WRITTEN_DIFFERENTLY = {
    "knobs and arch renamed": (
        BASE.replace("width", "w").replace("net(", "other(").replace("p = 0.5", "q = 50%")
        .replace("dropout(p)", "dropout(q)")
    ),
    "a knob written out": changed(("unit(width)", "unit(8)")),
    "a default written out": changed(("dropout(p)", "dropout")),
    "a block inlined": changed(("unit(width)", "conv(width, 3) -> bn -> relu")),
    "a block renamed": BASE.replace("unit", "piece"),
    "labels": changed(("unit(width)", "stem: unit(width)"), ("residual", "body: residual")),
    "the padding written out": changed(("conv(c, 3)", "conv(c, 3, pad = 1)")),
    "the kernel along each axis": changed(("conv(c, 3)", "conv(c, 3x3)")),
    "the stride written out": changed(("conv(4, 1)", "conv(4, 1, stride = 1, groups = 1)")),
    "comments and lines": changed(("unit(width)\n", "## first\n\nunit(width)  # here\n\n\n")),
    "the shortcut written out": changed(("residual {", "residual(shortcut = identity) {")),
    "identities": changed(("unit(width)", "identity -> unit(width) -> identity")),
    "a chain in statements": changed(("pool -> linear(10)", "pool; linear(10)")),
    "a loop": changed(("unit(width)", "repeat 1 { unit(width) }")),
    "a condition": changed(("unit(width)", "if width > 4 { unit(width) } else { relu }")),
    "a layer by a name": changed(("dropout(p)", "drop")).replace(
        "unit(width)", "let drop = dropout(p)\nunit(width)"
    ),
    "an arm that is named": changed(("conv(4, 1);", "small: conv(4, 1);")),
    "a residual as a branch": changed(
        ("residual { conv(width, 3) -> dropout(p) }",
         "branch add { identity; conv(width, 3) -> dropout(p) }")
    ),
    "operands of a sum in another order": changed(
        ("residual { conv(width, 3) -> dropout(p) }",
         "branch add { conv(width, 3) -> dropout(p); identity }")
    ),
    "a slice of everything": changed(("unit(width)", "unit(width) -> slice(1, 8)")),
    "how a bias that is not there starts": changed(("conv(c, 3)", "conv(c, 3, bias_init = ones)")),
    "a tensor that is kept": changed(
        ("residual { conv(width, 3) -> dropout(p) }",
         "identity as x\nconv(width, 3) -> dropout(p)\nidentity as y\nbranch add { x; y }")
    ),
    "independent statements in another order": changed(
        ("branch concat { conv(4, 1); conv(4, 3) }",
         "identity as x\nx -> conv(4, 3) as large\nx -> conv(4, 1) as small\n"
         "branch concat { small; large }")
    ),
    "an input that is given": changed(("input 3x8x8", "input (3, 8, 8)")),
    "an init with its defaults": changed(
        ("kaiming_normal(fan_out)", "kaiming_normal(mode = fan_out, gain_of = relu)")
    ),
}  # fmt: skip

OTHER_GRAPHS = {
    "input": changed(("3x8x8", "3x9x9")),
    "channels": changed(("unit(width)", "unit(12)")),
    "kernel": changed(("conv(c, 3)", "conv(c, 5)")),
    "padding": changed(("conv(c, 3)", "conv(c, 5, pad = 1)")),
    "stride": changed(("conv(c, 3)", "conv(c, 3, stride = 2)")),
    "dilation": changed(("conv(c, 3)", "conv(c, 3, dilation = 2)")),
    "groups": changed(("conv(4, 1)", "conv(4, 1, groups = 2)")),
    "bias": changed(("conv(4, 1)", "conv(4, 1, bias = true)")),
    "border": changed(("conv(c, 3)", "conv(c, 3, border = reflect)")),
    "initialisation": changed(("fan_out", "fan_in")),
    "initialisation of one layer": changed(("conv(4, 1)", "conv(4, 1, init = zeros)")),
    "no initialisation": changed(("init = kaiming_normal(fan_out), ", "")),
    "initialisation by its seventh digit": changed(("kaiming_normal(fan_out)", "normal(0.01)")),
    "and another": changed(("kaiming_normal(fan_out)", "normal(0.010000001)")),
    "initialisation of a bias": changed(("linear(10)", "linear(10, bias_init = zeros)")),
    "initialisation of a norm": changed(("bn", "bn(init = zeros)")),
    "dropout": changed(("p = 0.5", "p = 0.4")),
    "no dropout": changed((" -> dropout(p)", "")),
    "epsilon": changed(("bn", "bn(eps = 1e-3)")),
    "momentum": changed(("bn", "bn(momentum = 0.01)")),
    "activation": changed(("relu", "silu")),
    "activation's argument": changed(("relu", "leaky_relu")),
    "another slope": changed(("relu", "leaky_relu(0.2)")),
    "join": changed(("branch concat", "branch add")),
    "order of operands": changed(("conv(4, 1); conv(4, 3)", "conv(4, 3); conv(4, 1)")),
    "order of layers": changed(("bn -> relu", "relu -> bn")),
    "stochastic depth": changed(("residual {", "residual(survive = 0.5) {")),
    "another survival": changed(("residual {", "residual(survive = 0.6) {")),
    "for each sample": changed(("residual {", "residual(survive = 0.5, per = sample) {")),
    "scaled in training": changed(("residual {", "residual(survive = 0.5, scaling = train) {")),
    "a shortcut that projects": changed(("residual {", "residual(shortcut = project) {")),
    "a side output": changed(("global_avg", "output aux(weight = 0.3) { linear(10) }\nglobal_avg")),
    "its weight": changed(("global_avg", "output aux(weight = 0.4) { linear(10) }\nglobal_avg")),
    "classes": changed(("linear(10)", "linear(11)")),
    "one layer for two": changed(("conv(4, 1); conv(4, 3)", "x; x")).replace(
        "branch concat", "conv(4, 1) as x\nbranch concat"
    ),
    "two layers for one": changed(("conv(4, 1); conv(4, 3)", "conv(4, 1); conv(4, 1)")),
    "which of two equal layers is taken": changed(
        ("branch concat { conv(4, 1); conv(4, 3) }",
         "identity as x\nx -> conv(4, 1) as a\nx -> conv(4, 1) as b\n"
         "branch concat { a -> relu; a -> relu; b }")
    ),
    "each of two equal layers is taken": changed(
        ("branch concat { conv(4, 1); conv(4, 3) }",
         "identity as x\nx -> conv(4, 1) as a\nx -> conv(4, 1) as b\n"
         "branch concat { a -> relu; b -> relu; a }")
    ),
    "three turns": changed(("unit(width)", "repeat 3 { unit(width) }")),
    "two turns": changed(("unit(width)", "repeat 2 { unit(width) }")),
}  # fmt: skip


@pytest.mark.parametrize("text", WRITTEN_DIFFERENTLY.values(), ids=WRITTEN_DIFFERENTLY)
def test_what_is_written_differently_is_the_same(text: str) -> None:
    assert hash_of(text) == hash_of(BASE)


def test_other_graphs_have_other_hashes() -> None:
    hashes = {"base": hash_of(BASE)} | {n: hash_of(t) for n, t in OTHER_GRAPHS.items()}
    same = [(a, b) for a, b in combinations(hashes, 2) if hashes[a] == hashes[b]]
    assert same == []


SAME_LAYERS = (
    ("24x8x8", "attend(2, kv_heads = 2)", "attend(2)"),
    ("8x8x8", "[identity, conv(16, 1)] -> cross_attend(2, kv_heads = 2)",
     "[identity, conv(16, 1)] -> cross_attend(2)"),
    ("8x8x8", "conv(4, 3, pad = 1)", "conv(4, 3x3, dilation = 1x1)"),
    ("8x8x8", "conv(4, 1x3)", "conv(4, 1x3, pad = 0x1)"),
    ("8x8x8", "conv(4, 1, border = reflect)", "conv(4, 1)"),
    ("8x8x8", "conv_transpose(4, 2, bias = false, bias_init = zeros)",
     "conv_transpose(4, 2, bias = false)"),
    ("8x8x8", "maxpool(2)", "maxpool(2x2, stride = 2)"),
    ("8x8x8", "global_avgpool", "adaptive_avgpool(1)"),
    ("8x8x8", "global_maxpool", "adaptive_maxpool(1x1)"),
    ("8x8x8", "pad(1, after = 1)", "pad(before = 1, after = 2)"),
    ("8x8x8", "split(4, 2)", "slice(3, 4)"),
    ("8x8x8", "relu -> split(1, 1)", "relu"),
    ("8", "layer_norm", "layer_norm(over = channels)"),
    ("8x8x8", "bn(affine = false, init = zeros)", "bn(affine = false)"),
    ("8x8x8", "bn(track = false, momentum = 0.2)", "bn(track = false)"),
    ("8x8x8", "upsample(2, align_corners = true)", "upsample(2x2)"),
    ("8x8x8", "branch add { relu; silu; tanh }", "branch add { tanh; relu; silu }"),
    ("8x8x8", "branch mul { relu; sigmoid }", "branch mul { sigmoid; relu }"),
)  # fmt: skip
OTHER_LAYERS = (
    ("8x8x8", "global_avgpool", "global_maxpool"),
    ("8x8x8", "layer_norm", "layer_norm(over = channels)"),
    ("8x8x8", "conv(8, 3, pad = 1x0)", "conv(8, 3, pad = 0x1)"),
    ("8x8x8", "pad(before = 1)", "pad(after = 1)"),
    ("8x8x8", "split(4, 2)", "split(4, 3)"),
    ("8x8x8", "bn(affine = false)", "bn"),
    ("8x8x8", "prelu", "prelu(shared = true)"),
    ("8x8x8", "upsample(2, mode = bilinear)", "upsample(2, mode = bilinear, align_corners = true)"),
    ("8x8x8", "branch concat { relu; silu }", "branch concat { silu; relu }"),
    ("8x8x8", "residual(survive = 0.5, shortcut = relu) { silu }",
     "residual(survive = 0.5, shortcut = silu) { relu }"),
)  # fmt: skip


@pytest.mark.parametrize(("shape", "first", "second"), SAME_LAYERS)
def test_layers_that_compute_the_same_are_the_same(shape: str, first: str, second: str) -> None:
    text = f"arch a\ninput {shape}\n"
    assert hash_of(text + first) == hash_of(text + second)


@pytest.mark.parametrize(("shape", "first", "second"), OTHER_LAYERS)
def test_layers_that_do_not_are_not(shape: str, first: str, second: str) -> None:
    text = f"arch a\ninput {shape}\n"
    assert hash_of(text + first) != hash_of(text + second)


def test_a_fractal_join_counts_with_all_its_arguments() -> None:
    text = "arch f\ninput 4x8x8\nfractal({}) {{ conv(4, 3) }}\nlinear(2)"
    ways = (
        "2",
        "3",
        "2, drop_path = 0.1",
        "2, drop_path = 0.2",
        "2, drop_path = 0.1, global_path = 0.25",
        "2, drop_path = 0.1, global_path = 0",
    )
    assert len({hash_of(text.format(w)) for w in ways}) == len(ways)


def test_the_hash_is_that_of_yesterday() -> None:
    """Studies are resumed by it: a change here needs a new version of the hash."""
    assert hash_of(BASE) == "d183ba8c50a9f82c5a6fe6fde8af87f7"
    assert archdsl.load("resnet50").hash == "906f077d7fd05575db8c52c601ba4aad"


def test_every_variant_is_another_graph() -> None:
    """But for those that have two names, each of a paper of its own."""
    names: dict[str, list[str]] = {}
    for spec in map(archdsl.read, builtin_names()):
        for variant in spec.variants:
            names.setdefault(spec.variant(variant).hash, []).append(variant)
    assert [sorted(n) for n in names.values() if len(n) > 1] == [
        ["fractalnet_thin5", "plain_thin5"],
    ]
