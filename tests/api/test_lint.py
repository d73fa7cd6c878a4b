"""Warnings: each where it belongs, and none where it does not."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from archdsl import parse, read
from archdsl.cli.main import cli
from archdsl.diagnostics.source import Source
from archdsl.files import builtin_names
from archdsl.lint import warnings
from archdsl.search.combinations import doubts
from archdsl.search.reading import read_search


def told(text: str, gpu: bool = False) -> list[tuple[str, int]]:
    spec = parse(text)
    found = warnings(spec.program, spec.with_knobs().network, gpu)
    return [(d.code, d.span.line) for d in found if d.span is not None]


TOP = "arch a\ninput 3x32x32\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("conv(8, 3) -> bn", [("A971", 3)]),
        ("conv(8, 3, bias = false) -> bn", []),
        ("conv(8, 3, bias = true) -> bn", []),
        ("conv(8, 3) -> relu -> bn", []),
        ("conv(8, 3) -> group_norm(4)", []),
        ("conv(8, 3) as x\nbn\nbranch add { identity; x }", []),
        ("block b { relu }\nrelu", [("A972", 3)]),
        ("fn f(x) = x\nrelu", [("A972", 3)]),
        ("let c = 8\nblock b { conv(c, 1) }\nrelu", [("A972", 3), ("A972", 4)]),
        ("let (c, k) = [8, 3]\nconv(c, 3)", []),  # a list is taken apart as a whole
        ("let (c, k) = [8, 3]\nlet (h, _) = in.size\nrelu", [("A972", 3)] * 2 + [("A972", 4)]),
        ("block b { c }\nblock c { b }\nrelu", [("A972", 3), ("A972", 4)]),
        ("maxpool(2, stride = 3)", [("A973", 3)]),
        ("conv(8, 1, stride = 2)", []),
        ("conv(3, 16, 3, pad = 1)", [("A980", 3)]),
        ("conv(16, 16, 3, pad = 1)", []),
        ("conv(16, 3) -> conv_transpose(16, 8, 2)", [("A980", 3)]),
        ("conv(16, 3) -> conv_transpose(8, 8, 2)", []),
        ("conv(3, 16, stride = 3, pad = 1)", []),
        ("conv(3, 16, 16, pad = 0)", []),
        ("maxpool(2)", []),
        ("global_avgpool -> linear(10) -> softmax", [("A975", 3)]),
        ("block b(x) { conv(8, 1) -> x }\nb(conv(in.channels, 1))", [("A977", 4)]),
        ("block b(x) { conv(8, 1) -> x }\nlet y = conv(in.channels, 1)\nb(y)", []),
        ("block b(c) { conv(c, 1) }\nb(2 * in.channels)", []),
        ("residual(shortcut = conv(in.channels, 1)) { relu }", []),
        ("global_avgpool -> linear(10) -> relu -> linear(4)", []),
        ("default conv(bias = false)\nconv(8, 3, bias_init = zeros)", [("A979", 4)]),
        ("default conv(bias = false, bias_init = zeros)\nconv(8, 3)", []),
        ("conv(8, 3, bias = in.channels == 1, bias_init = zeros)", []),
        ("residual(per = sample) { conv(3, 3) }", [("A979", 3)]),
        ("maxpool(3, stride = 2, pad = same, mode = ceil)", [("A979", 3)]),
        ("avgpool(3, stride = 2, pad = 1, mode = ceil)", []),
        ("repeat 2 { bn(track = false, momentum = 0.2) }", [("A979", 3)]),
        ("block b { instance_norm(init = ones) }\nb -> b", [("A979", 3)]),
        ("output p { conv(4, 3) }\nrelu", [("A982", 3)]),
        ("output p(weight = 1) { conv(4, 3) }\nrelu", []),
        ("output p(when = training) { conv(4, 3) }\nrelu", []),
    ],
)
def test_warnings(text: str, found: list[tuple[str, int]]) -> None:
    assert told(f"{TOP}{text}\n") == found


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("conv(8, 3, bias = false, bias_init = ones)", "`bias_init` of `conv`: `bias` is false"),
        ("bn(bias = false, bias_init = ones)", "`bias_init` of `bn`: `bias` is false"),
        ("bn(affine = false, bias_init = ones)", "`bias_init` of `bn`: `affine` is false"),
        ("upsample(2, align_corners = true)", "`align_corners` of `upsample`: `mode` is nearest"),
        ("residual(per = sample) { relu }", "`per` of `residual`: `survive` is 1"),
        ("std_conv(4, 3, gain_init = ones)", "`gain_init` of `std_conv`: `gain` is not given"),
    ],
)
def test_an_argument_that_does_nothing_is_told_where_it_stands(call: str, told: str) -> None:
    spec = parse(f"{TOP}{call}\n")
    (found,) = warnings(spec.program, spec.with_knobs().network)
    assert found.message == told.replace(":", " does nothing here:")
    name = told.split("`")[1]
    assert found.span is not None and found.span.text.startswith(f"{name} = ")
    assert found.helps == ("leave it out",)


def test_a_knob_that_changes_nothing() -> None:
    text = "arch a(w = 8 in {8, 16}, v = 8)\ninput 3x8x8\nconv(w, 3)\nvariant b(v = 16)\n"
    assert told(text) == [("A972", 1)]


def test_an_image_with_a_batch_size() -> None:
    assert told("arch a\ninput 1x3x32x32\nconv(8, 3)\n") == [("A974", 2)]
    assert told("arch a\ninput 1x16x32x32\nconv(8, 3)\n") == []


def test_an_image_with_its_channels_last() -> None:
    assert told("arch a\ninput 32x32x3\nconv(8, 3)\n") == [("A981", 2)]
    assert told("arch a\ninput 3x32x32\nconv(8, 3)\n") == []
    assert told("arch a\ninput 32x8x3\nconv(8, 3)\n") == []


def test_widths_that_gpus_pad() -> None:
    text = f"{TOP}conv(12, 3) -> conv(16, 3)\nglobal_avgpool -> linear(10)\n"
    assert told(text) == []
    assert told(text, gpu=True) == [("A976", 3)]


def test_a_bias_that_the_defaults_need_is_kept_for_others() -> None:
    spec = parse("arch a(norm = identity in {identity, bn})\ninput 3x8x8\nconv(8, 3) -> norm\n")
    assert warnings(spec.program, spec.with_knobs(norm="bn").network) == []


def test_check_tells_warnings_and_fails_when_strict() -> None:
    text = f"{TOP}conv(8, 3) -> bn\n"
    for arguments, code in (([], 0), (["--strict"], 1)):
        result = CliRunner().invoke(cli, ["check", "-", *arguments], text, standalone_mode=False)
        assert result.return_value == code
        assert "every candidate is a network" in result.output
        assert "warning[A971]" in result.output and "<stdin>:3:1" in result.output
        assert ("1 warning, and --strict was asked for\n" in result.output) == bool(code)


def test_each_warning_says_what_to_do() -> None:
    for text in ("arch a(v = 8)\ninput 3x8x8\nconv(8, 3)\n", f"{TOP}conv(8, 2, 3, pad = 0)\n",
                 f"{TOP}conv(8, 3) -> global_avgpool -> linear(10) -> softmax\n"):  # fmt: skip
        spec = parse(text)
        (found,) = warnings(spec.program, spec.with_knobs().network)
        assert found.code in ("A972", "A973", "A975") and found.helps


def test_check_of_a_search_tells_the_warnings_of_its_spec(tmp_path: Path) -> None:
    (tmp_path / "a.arch").write_text(
        "arch a(w = 8 in 4..16, v = 1)\ninput 3x8x8\nconv(w, 3)\nglobal_avgpool -> linear(10)\n"
    )
    search = 'search s\nspec "a.arch"\nvary w\ndata digits\n'
    (tmp_path / "a.search").write_text(search)
    called = ["check", str(tmp_path / "a.search")]
    result = CliRunner().invoke(cli, called, standalone_mode=False)
    assert "warning[A972]: the knob `v` is never used" in result.output


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("train epochs = 12\nprune median", "median ends trials from epoch 5 of 12 on, in the"),
        ("train epochs = 12, schedule = one_cycle\nprune hyperband(warmup = 7)", "of one_cycle"),
        ("train epochs = 12\nprune median(warmup = 8)", ""),
        ("train epochs = 12, schedule = constant\nprune successive_halving", ""),
        ("train epochs = 12", ""),
    ],
)
def test_pruning_in_the_middle_of_a_schedule(text: str, found: str) -> None:
    search = f"search s\nspec wide_resnet\nvary depth in {{10, 16}}\ndata digits\n{text}\n"
    told = doubts(read_search(Source("s.search", search), Path()))
    assert [d.code for d in told] == ["A978"] * bool(found)
    if told:
        assert found in told[0].message and told[0].span is not None and told[0].span.line == 6
        assert "(warmup = 8)`" in told[0].helps[0], "two thirds of them"


def test_check_warns_of_early_pruning(tmp_path: Path) -> None:
    text = "search s\nspec wide_resnet\nvary depth in {10, 16}\ndata digits\nprune median\n"
    (tmp_path / "a.search").write_text(text)
    called = ["check", str(tmp_path / "a.search")]
    result = CliRunner().invoke(cli, called, standalone_mode=False)
    assert "warning[A978]" in result.output and result.return_value == 0
    result = CliRunner().invoke(cli, [*called, "--strict"], standalone_mode=False)
    assert result.return_value == 1


@pytest.mark.parametrize("name", builtin_names())
def test_what_comes_with_archdsl_has_no_warnings(name: str) -> None:
    spec = read(name)
    for knobs in ({}, *(v.knobs for v in spec.variants.values())):
        assert warnings(spec.program, spec.candidate(knobs).network) == []
