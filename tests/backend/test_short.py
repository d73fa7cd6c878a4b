"""Short where the spec is short: published networks that are not shipped, by the lines of their
source, and whether they compute their graphs."""

import re
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
import torch
from test_by_node import assert_computes_its_graph
from thinned import later

import archdsl
from archdsl import Architecture
from archdsl.backend.direct.nested_lines import Line, pruned, shown
from archdsl.files import builtin_folder

NETWORKS = Path(__file__).with_name("networks")
LETTERED = re.compile(r"^class \w+[a-z0-9][A-Z]\(", re.MULTILINE)

# At most so many lines; how it is made small enough to run, and its input then.
CASES: dict[str, tuple[int, dict[str, Any], tuple[int, ...]]] = {
    "convmixer": (60, {"width": 256, "depth": 4, "classes": 5}, (3, 28, 28)),
    "repvgg": (80, {"width": 0.5, "last": 2, "classes": 5}, (3, 32, 32)),
    "optional_arms": (70, {}, (3, 8, 8)),
    "yolov8n": (193, {}, (3, 64, 64)),
    "hardnet68": (120, {"classes": 5}, (3, 64, 64)),
    "dla34": (135, {"width": 8, "levels": (1, 3, 2, 1), "classes": 5}, (3, 64, 64)),
    "pnasnet": (290, {"width": 36, "cells": 1, "classes": 5}, (3, 67, 67)),
    "hrnet_w18": (281, {"modules": (2, 1), "classes": 5}, (3, 64, 64)),
    "hrnet_lists": (221, {"modules": (1, 1, 1), "classes": 5}, (3, 64, 64)),
    "hrnet": (200, {"modules": (1, 1, 1), "classes": 5}, (3, 64, 64)),
}


def load(name: str, **knobs: Any) -> Architecture:
    return archdsl.load(str(NETWORKS / f"{name}.arch"), **knobs)


@pytest.mark.parametrize("name", CASES)
def test_lines(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(NETWORKS)  # the source says where it is from, in more lines for a longer path
    assert archdsl.load(f"{name}.arch").source().count("\n") <= CASES[name][0]


def test_lines_of_a_neck() -> None:
    assert load("pan").source().count("\n") <= 85


@pytest.mark.parametrize(
    "name", ["convmixer", "repvgg", "optional_arms", "dla34", "bifpn", "hrnet_lists", "hrnet"]
)
def test_no_class_is_lettered(name: str) -> None:
    assert LETTERED.findall(load(name).source()) == []


@pytest.mark.parametrize(
    "name", ["unet", "preresnet", "preresnet_cifar", "shufflenet_v2", "swin", "wide_resnet"]
)
def test_a_block_of_a_built_in_spec_is_one_class(name: str) -> None:
    """Also where it calls itself, or is another layer in each body of an `if`."""
    assert "Another form of" not in archdsl.load(name).source()


def test_the_built_in_specs_of_which_a_block_has_several_classes() -> None:
    """Their uses differ in more than in what is there: in joins."""
    found: dict[str, list[str]] = {}
    for file in Path(__file__).with_name("golden").glob("*.py"):
        source = file.read_text("utf-8")
        found[file.stem] = re.findall("Another form of `(\\w+)`", source)
    assert {name: blocks for name, blocks in found.items() if blocks} == {"res2net": ["Res2"]}


def test_parts_that_are_no_forms_of_one_thing_are_called_as_they_are() -> None:
    source = archdsl.load("inception_v3").source()
    assert "self.branch2 = Branch2(in_channels)" in source
    source = archdsl.load("res2net50_26w_8s").source()
    assert (
        "                Layer1(8 * width, width),\n                Layer(9, 1, 8, width)" in source
    )
    assert "res2_2=DenseRes2(256, 256, 26)," in source  # all else follows from these


def test_what_bodies_without_names_take_is_said_in_the_parameters_of_their_block() -> None:
    source = load("nfnet").source()
    assert "self.branch2 = Branch2(in_channels, channels, 1, middle // 64, c)" in source
    source = load("mambaout_tiny").source()
    assert "self.branch2 = GatedBranch2(hidden, 2 * hidden - c, c)" in source
    assert '**{f"gated{i}": Gated(96, 96) for i in range(1, 4)}' in source


def test_how_many_parts_there_are_is_an_argument() -> None:
    body = "conv(12, 1) -> maxout(n) -> split(k, 1) -> conv(12, 1)"
    text = f"arch a\ninput 3x4x4\nblock b(n, k) {{ {body} }}\nb(2, 3)\nb(3, 2)\n"
    source = archdsl.parse(text).with_knobs().source()
    assert "self.conv1(x).unflatten(1, (-1, self.n)).amax(2).chunk(self.k, 1)[0]" in source


def test_a_unit_that_calls_itself_crops_what_it_has_beside_it() -> None:
    source = archdsl.load("unet").source()
    assert "self.unet1 = UNetBlock(c, 2 * c, levels - 1)" in source
    assert "margin = (skip.shape[-2] - x.shape[-2]) // 2" in source
    assert "if margin > 0 else skip" in source


def test_a_unit_that_other_strides_would_give_a_projection_says_so() -> None:
    """Where the condition of the block asks for channels alone, a stride of 2 would give the unit
    with equal channels a projection of what comes in, which the class does not have."""
    text = (builtin_folder() / "wide_resnet.arch").read_text()
    wide = archdsl.parse(text).with_knobs().source()
    assert "class Unit(nn.Module):" in wide and "assert" not in wide
    text = text.replace("if in.channels == c and stride == 1 {", "if in.channels == c {")
    source = archdsl.parse(text).with_knobs().source()
    assert re.findall(r"class (\w*Unit\w*)", source) == ["Unit"]
    assert "        assert in_channels != c or stride == 1\n" in source


def test_a_shortcut_more_or_less_stands_in_one_line() -> None:
    """What is added is the activated tensor convolved, or what comes in: one class says both."""
    unit = archdsl.load("preresnet").source().partition("class Unit(")[2].partition("class ")[0]
    assert (
        "        self.shortcut = None\n"
        "        if stride != 1 or in_channels != 4 * c:\n"
        "            self.shortcut = nn.Conv2d(in_channels, 4 * c, 1, stride=stride, bias=False)\n"
    ) in unit
    assert unit.rstrip().endswith(
        "        y = self.relu1(self.bn1(x))\n"
        "        shortcut = x if self.shortcut is None else self.shortcut(y)\n"
        "        return shortcut + self.convs1(y)"
    )
    assert "self.bn1 = nn.BatchNorm2d(in_channels) if activate else nn.Identity()" in unit


INSTEAD = """
arch instead
input 8x8x8
block unit(c, wide = false) {
  identity as x
  bn -> relu as y
  branch add {
    { y -> conv(c, 3) -> bn }
    if wide { y -> conv(c, 1) } else { x }
  }
  relu
}
unit(8) -> unit(16, wide = true) -> unit(16) -> unit(16, wide = true)
"""


def test_what_another_tensor_stands_for_is_not_summed_in_place() -> None:
    """The last operand may be what comes in, which is not to be overwritten."""
    arch = archdsl.parse(INSTEAD).with_knobs()
    source = arch.source()
    assert re.findall(r"class (\w*Unit\w*)", source) == ["Unit"]
    assert "        shortcut = x if self.branch2 is None else self.branch2(y)\n" in source
    assert "+=" not in source
    assert_computes_its_graph(arch)
    module = arch.build().eval()
    x = torch.randn(2, 8, 8, 8)
    before = x.clone()
    compiled = torch.compile(module, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(x), module(x))
    torch.testing.assert_close(torch.export.export(module, (x,)).module()(x), module(x))
    torch.testing.assert_close(x, before)


HRNETS = ("hrnet_w18", "hrnet_lists")


@pytest.mark.parametrize("name", [*sorted({*CASES} - {*HRNETS}), *map(later, HRNETS)])
def test_it_computes_its_graph(name: str) -> None:
    _, knobs, input = CASES[name]
    spec = archdsl.read(str(NETWORKS / f"{name}.arch"))
    assert_computes_its_graph(spec.with_knobs(input=input, **knobs))


def test_depth_takes_no_lines() -> None:
    """An anonymous body of a loop is a class, and a loop."""
    lengths = [load("convmixer", depth=d).source().count("\n") for d in (8, 36)]
    assert lengths[0] == lengths[1]


def test_an_arm_more_or_less_is_an_argument() -> None:
    source = load("optional_arms").source()
    assert "self.branch1 = nn.BatchNorm2d(in_channels) if in_channels == c else None" in source
    assert "if self.branch1 is not None:\n            y = self.branch1(x) + y" in source
    assert "self.shortcut = c == 16" in source


COUNTED = {
    "turns": "repeat n as i { conv(c, 3) -> bn; relu }; avgpool(2)",
    "one turn of one layer": "repeat n { conv(c, 3) }; relu",
    "layers of a dense block": "dense(n) { bn; relu; conv(c, 3) }; conv(in.channels, 1); relu",
    "blocks of a dense block": "dense(n) { unit(c) } -> conv(c, 1)",
}
RUNS = """arch a
input 3x8x8
block unit(c, d) { residual { conv(c, 3) -> bn -> relu; conv(d, 3) } }
block far(c, n, deep = false, act = relu) {
  branch add {
    { conv(c, 1) -> bn; repeat n { unit(c, c) }; if deep { avgpool(3, stride = 1, pad = 1) }; act }
    conv(c, 3)
  }
  repeat n + 1 as j { unit(2 * c if j > 1 else c, c) }
  bn
}
far(8, 1) -> far(16, 2, act = identity) -> far(16, 5, deep = true) -> far(24, 1)
"""


def test_a_run_of_blocks_is_a_loop_as_long_as_an_instance_says() -> None:
    """Also within an arm, where a layer without weights may be there or not."""
    arch = archdsl.parse(RUNS).with_knobs()
    source = arch.source()
    assert LETTERED.findall(source) == []
    assert '**{f"unit{i}": Unit(c, c, c) for i in range(1, n + 1)},' in source
    assert "avgpool1=nn.AvgPool2d(3, stride=1, padding=1) if deep else nn.Identity()," in source
    assert "for i in range(2, n + 2):" in source
    assert "for i in range(2, self.units + 1):" in source
    assert "self.far2 = Far(8, 16, 2, 16, 32)" in source
    assert_computes_its_graph(arch)


@pytest.mark.parametrize(
    ("count", "stop"),
    [
        ("n if deep else n - 1", "(n if deep else n - 1) + 1"),
        ("n + 1 if deep else n + 2", "(n + 1 if deep else n + 2) + 1"),
        ("n - 1", "n"),
        ("2 * (n - 1)", "(2 * (n - 1)) + 1"),
    ],
)
def test_where_a_run_ends(count: str, stop: str) -> None:
    uses = " -> ".join(f"stage(8, {n}, {d})" for n in (3, 5) for d in ("true", "false"))
    arch = archdsl.parse(
        "arch a\ninput 3x16x16\nblock unit(c) { residual { conv(c, 3) -> bn -> relu } }\n"
        f"block stage(c, n, deep) {{ conv(c, 1); repeat ({count}) {{ unit(c) }}; "
        f"if deep {{ relu }} }}\n{uses}\n"
    ).with_knobs()
    assert f"in range(1, {stop})" in arch.source()
    assert sum(p.numel() for p in arch.build().parameters()) == arch.params
    assert_computes_its_graph(arch)


def test_what_takes_a_path_is_there_or_the_class_is_another() -> None:
    """An identity in its place would not take it."""
    arch = archdsl.parse(
        "arch a\ninput 3x16x16\nblock unit(c) { residual { conv(c, 3) -> bn -> relu } }\n"
        "block st(c, n, p) { conv(c, 1); if p { fractal(3, drop_path = 0.15, global_path = 0.5) "
        "{ conv(c, 3) -> bn -> relu } }; residual { repeat n { unit(c) } } }\n"
        "st(8, 3, false) -> st(8, 3, true)\n"
    ).with_knobs()
    assert_computes_its_graph(arch)


def test_words_of_a_choice_are_no_constant() -> None:
    arch = archdsl.parse(
        "arch a\ninput 3x8x8\nblock unit(c, deep) { conv(c, 3); "
        'if ("relu" if deep else "silu") == "relu" { relu } else { silu } }\n'
        "unit(8, true) -> unit(8, false)\n"
    ).with_knobs()
    assert arch.source().count("class Unit") == 1
    assert_computes_its_graph(arch)


BODIES_THAT_STAY = {
    "a sum in each turn": "repeat n { residual { conv(in.channels, 3) }; relu }; conv(c, 1)",
    "layers that see the last": "dense(n, sees = last) { conv(c, 3) -> relu }",
    "a slice in each layer": "dense(n) { slice(1, 4) -> conv(c, 3) -> relu }",
    "a dense block in each turn": "repeat 2 { dense(n) { conv(c, 3) -> relu }; conv(4, 1) }",
}


def counted(body: str) -> Architecture:
    text = "arch a\ninput 4x16x16\nblock unit(c) { bn -> relu -> conv(c, 1) }\n"
    text += f"block stage(n, c) {{ {body} }}\nstage(1, 8) -> stage(3, 4) -> stage(6, 8)\n"
    return archdsl.parse(text).with_knobs()


@pytest.mark.parametrize("name", COUNTED)
def test_how_often_a_body_is_repeated_is_an_argument(name: str) -> None:
    arch = counted(COUNTED[name])
    assert "class Stage(nn.Sequential):" in arch.source()
    assert_computes_its_graph(arch)


@pytest.mark.parametrize("name", BODIES_THAT_STAY)
def test_what_a_sequence_cannot_do_is_right(name: str) -> None:
    assert_computes_its_graph(counted(BODIES_THAT_STAY[name]))


def test_numbered_parts_that_differ_in_numbers_are_a_loop_over_a_table() -> None:
    source = load("hrnet_lists").source()
    assert "for i, c in ((2, 128), (4, 256), (6, 512)):" in source
    assert "conv1=nn.Conv2d(c, 2 * c, 3, stride=2, padding=1)," in source


KEPT = """
arch a
input 3x8x8
block b(c, x) { conv(c, 1) -> relu as y; branch add { y; conv(c, 1); x } }
conv(8, 3) as x
branch add { conv(8, 3); x } as m4
part: conv(8, 3) -> relu as n
b(8, x)
branch concat { identity; m4; n }
"""


def test_kept_tensors_keep_their_names() -> None:
    """Also one that is called as what comes in, the result of a branch and that of a part."""
    arch = archdsl.parse(KEPT).with_knobs()
    top = arch.source().rpartition("def forward")[2]
    assert "        x = self.conv1(x)" in top
    assert "        m4 = self.branch1(x) + x" in top
    assert "        n = self.part(m4)" in top
    assert "def forward(self, h: Tensor, x: Tensor) -> Tensor:" in arch.source()
    assert_computes_its_graph(arch)


def test_what_is_kept_and_not_there_in_all_uses_is_worked_out_where_it_is_there() -> None:
    text = "arch a\ninput 4x8x8\nblock b(c, more) {\n  conv(c, 3) as t\n"
    text += "  branch add { if more { t -> bn as u }; t -> conv(c, 1) as v }\n  relu\n}\n"
    arch = archdsl.parse(f"{text}b(4, true) -> b(4, false)\n").with_knobs()
    assert "            y = self.branch1(t) + y" in arch.source()
    assert_computes_its_graph(arch)


def test_a_name_is_given_again_when_nobody_reads_the_first() -> None:
    text = "arch a\ninput 8x8x8\nconv(8, 1) as s\nfor k in [1, 3, 5] {\n  conv(8, k) as t\n"
    text += "  branch add { t; conv(8, 1); s }\n}\n"
    arch = archdsl.parse(text).with_knobs()
    assert arch.source().count("        t = self.conv") == 3
    assert_computes_its_graph(arch)


def test_what_is_long_gets_a_name_before_it_is_added() -> None:
    source = load("hrnet_w18").source()
    assert (
        "            conv = nn.Conv2d(channels, width, 3, stride=2, padding=1, bias=False)\n"
        '            self.add_module(f"conv{k}", conv)\n' in source
    )


def test_layers_that_start_alike_start_in_one_loop() -> None:
    source = load("hrnet_lists").source()
    assert "            if isinstance(m, (Bottleneck, Basic)):" in source
    assert "                    if isinstance(layer, nn.Conv2d):" in source


def test_a_bias_more_or_less_is_an_argument() -> None:
    source = load("hrnet").source()
    assert "        bias: bool = False,\n" in source
    assert "stride=stride, padding=kernel // 2, bias=bias\n" in source


def test_layers_after_a_block_stand_around_it() -> None:
    source = load("hrnet").source()
    assert "        y = self.relu2(self.unit2(y))\n" in source
    assert "        y = self.relu1(self.unit1(x))  # 18x56x56\n" in source


def test_hrnet_with_its_units_stated_once_is_the_same_network() -> None:
    one, other = load("hrnet"), load("hrnet_lists")
    assert (one.params, one.macs) == (other.params, other.macs) == (21_299_004, 4_283_537_072)


def test_what_is_left_out_compiles_whole() -> None:
    arch = load("optional_arms")
    module = arch.build().eval()
    x = torch.randn(2, *arch.input)
    compiled = torch.compile(module, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(x), module(x))


def test_equal_classes_are_one() -> None:
    source = load("yolov8n").source()
    classes = re.findall(r"^class (\w+)\(", source, re.MULTILINE)
    assert {"Down", "Up"} <= set(classes)
    assert not any(c.startswith(("Down", "Up")) and c not in ("Down", "Up") for c in classes)


def test_forms_are_called_after_what_each_alone_has() -> None:
    """And there are several for the layers that they are given alone: not for a slice, a shortcut,
    or a layer of a dense block, more or less."""
    source = load("yolov8n").source()
    classes = re.findall(r"^class (\w+)\(", source, re.MULTILINE)
    assert [c for c in classes if "Each" in c] == ["UnitEach", "MaxpoolEach"]
    assert [c for c in classes if "Layer" in c] == ["UnitLayer", "MaxpoolLayer"]
    assert "UnitLayer(c * i, c, shortcut=shortcut) for i in range(n)" in source
    source = load("caformer").source()
    assert re.findall(r"class (\w*Unit)\(", source) == ["SeparableUnit", "AttentionUnit"]
    # A unit may have a shortcut, or none; that with a pool before it has other keys.
    source = load("nfnet").source()
    assert re.findall(r"class (\w*Unit)\(", source) == ["Unit", "AvgpoolUnit"]
    assert "shortcut = x if self.branch1 is None else self.branch1(y)" in source
    source = archdsl.load("res2net").source()
    assert re.findall(r"class (\w*Res2\w*)\(", source) == ["Res2", "DenseRes2", "Res2Net"]


LIKE = """
arch like
input 8x8x8
block a(n) {
  if n == 1 { conv(8, 3) -> relu -> conv(8, 1) } else if n == 2 { relu -> conv(8, 3) }
  else { relu -> conv(8, 1) -> relu }
  branch mul { identity; identity }
}
a(1) -> a(2) -> a(3)
"""


def test_forms_of_which_several_have_nothing_of_their_own_are_lettered() -> None:
    source = archdsl.parse(LIKE).with_knobs().source()
    assert re.findall(r"class (A\w*)\(", source) == ["AA", "AB"]


GROWING = """
arch a
input 8x6x6
block each(n) {
  let c = in.channels
  dense(n) { slice(in.channels - c + 1, in.channels) -> conv(c, 3); residual { FORM } }
  conv(c, 1)
}
each(2) -> each(3) -> conv(4, 1) -> each(1) -> each(4)
"""


@pytest.mark.parametrize("form", ["conv(c, 1)", "conv(2 * c, 1) -> conv(c, 1)", "bn"])
def test_how_many_layers_a_dense_block_has_is_an_argument(form: str) -> None:
    arch = archdsl.parse(GROWING.replace("FORM", form)).with_knobs()
    assert LETTERED.findall(arch.source()) == []
    assert_computes_its_graph(arch)


def test_what_layers_of_a_dense_block_differ_in_is_listed() -> None:
    text = (
        "arch a\ninput 4x6x6\nblock b(ks) { dense(len(ks)) as i { conv(4, ks[i]); residual { bn }"
    )
    text += " } -> conv(4, 1) }\nb([3, 1, 5]) -> b([5, 3]) -> b([1])\n"
    arch = archdsl.parse(text).with_knobs()
    assert LETTERED.findall(arch.source()) == []
    assert_computes_its_graph(arch)


def test_tensors_from_outside_keep_their_names() -> None:
    source = load("hrnet_w18").source()
    assert "def forward(self, xs: list[Tensor])" in source
    assert "w = self.fuse1([a, b, c, d])" in source


def test_several_tensors_are_a_list() -> None:
    """Blocks that take and give several have one class for each number of them."""
    source = load("hrnet_lists").source()
    assert 'xs = [getattr(self, f"units{i}")(x) for i, x in enumerate(xs, 1)]' in source
    assert 'return [getattr(self, f"fuse{i}")(xs) for i in range(1, len(xs) + 1)]' in source
    assert "return [*xs, self.relu1(self.shrink1(xs[-1]))]" in source
    assert 'y, x, z = getattr(self, f"module{i}")([y, x, z])' in source


RECURSIVE = """
arch nested(levels = 3 in 1..5)
input 4x8x8
block level(c, n) {
  BODY
  if n > 1 { level(2 * c, n - 1) -> conv(c, 1) }
  bn
}
level(8, levels)
"""


def test_a_block_that_calls_itself_is_a_class_that_does() -> None:
    arch = archdsl.parse(RECURSIVE.replace("BODY", "conv(c, 3) -> relu")).with_knobs()
    assert "self.level1 = Level(c, 2 * c, n - 1)" in arch.source()
    assert_computes_its_graph(arch)


def test_what_cannot_be_translated_has_a_class_for_each_level() -> None:
    text = RECURSIVE.replace("BODY", "residual(survive = 0.5) { conv(c, 3) }")
    arch = archdsl.parse(text).with_knobs()
    assert re.findall(r"^class (Level\w*)", arch.source(), re.MULTILINE) == [
        "LevelA",
        "LevelB",
        "LevelC",
    ]
    assert_computes_its_graph(arch)


def test_a_statement_goes_with_all_that_stood_below_it() -> None:
    """Of assignments that nothing reads; what stays is Python."""
    unread = Line("t = x", target="t")
    lines = [
        Line(
            "if n > 1:",
            body=[Line("if n == 2:", body=[Line("x = f(x)")]), Line("else:", body=[unread])],
        ),
        Line("if n == 3:", body=[unread]),
        Line("else:", body=[Line("x = g(x)")]),
        Line(
            "for i in range(n):", body=[Line("if i:", body=[unread]), Line("else:", body=[unread])]
        ),
        Line("return x"),
    ]
    text = "\n".join(shown(pruned(lines), 0))
    compile(f"def forward(x, n):\n{indent(text, '    ')}", "forward", "exec")
    assert (
        text.split()
        == """
        if n > 1: if n == 2: x = f(x)
        if n == 3: pass else: x = g(x)
        return x
    """.split()
    )


def test_a_sum_in_place_is_kept_for_the_residual_after_it() -> None:
    text = "arch a\ninput 4x6x6\nblock b(c, k) {\n  if c == in.channels {\n"
    text += "    residual { conv(c, 3) -> bn } -> residual { conv(c, k) -> bn; relu }\n  }\n"
    text += "  conv(c, 1)\n}\nb(4, 3) -> b(8, 5) -> b(8, 1) -> b(6, 3)\n"
    assert_computes_its_graph(archdsl.parse(text).with_knobs())


def test_a_block_is_given_what_was_named_for_its_arguments() -> None:
    text = "arch a\ninput 4x6x6\nblock unit(c) { conv(c, 3) -> bn; relu }\n"
    text += "block b(c, flag = true) {\n  group_norm(2) -> unit(in.channels) as t\n"
    text += "  conv(c, 3) -> (conv(c, 1) if flag else relu)\n}\n"
    text += "b(4) -> conv(4, 1) -> b(8) -> conv(4, 1) -> b(6, flag = false)\n"
    assert_computes_its_graph(archdsl.parse(text).with_knobs())


HEADS = """
arch heads(width = 16)
input 16x9
block of_heads(n) {
  reshape((n, 8, 9)) -> transpose(channels, height)
  rms_norm
  transpose(channels, height) -> reshape((n * 8, 9))
}
block unit(n) { conv(8 * n, 1) -> of_heads(n) -> conv(width, 1) }
unit(2) -> unit(4)
"""


def test_what_is_reshaped_takes_the_parameters_of_its_block() -> None:
    arch = archdsl.parse(HEADS).with_knobs()
    assert "def __init__(self, n: int) -> None:" in arch.source()
    assert "OfHeads(n)" in arch.source()
    assert_computes_its_graph(arch)
    short = archdsl.parse(
        "arch heads(width = 16)\ninput 16x9\n"
        "block unit(n) { conv(8 * n, 1) -> rms_norm(heads = n) -> conv(width, 1) }\n"
        "unit(2) -> unit(4)\n"
    ).with_knobs()
    assert_computes_its_graph(short)
    ours, others = short.build().eval(), arch.build().eval()
    others.load_state_dict(dict(zip(others.state_dict(), ours.state_dict().values(), strict=True)))
    x = torch.randn(2, 16, 9)
    torch.testing.assert_close(ours(x), others(x))
