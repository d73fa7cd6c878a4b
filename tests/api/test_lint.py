"""Warnings: each where it belongs, and none where it does not."""

import pytest
from click.testing import CliRunner

from archdsl import parse
from archdsl.cli.main import cli
from archdsl.lint import warnings


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
        ("conv(8, 3) -> relu -> bn", []),
        ("conv(8, 3) -> group_norm(4)", []),
        ("conv(8, 3) as x\nbn\nbranch add { identity; x }", []),
        ("block b { relu }\nrelu", [("A972", 3)]),
        ("fn f(x) = x\nrelu", [("A972", 3)]),
        ("maxpool(2, stride = 3)", [("A973", 3)]),
        ("conv(8, 1, stride = 2)", []),
        ("maxpool(2)", []),
        ("global_avgpool -> linear(10) -> softmax", [("A975", 3)]),
        ("global_avgpool -> linear(10) -> relu -> linear(4)", []),
    ],
)
def test_warnings(text: str, found: list[tuple[str, int]]) -> None:
    assert told(f"{TOP}{text}\n") == found


def test_a_knob_that_changes_nothing() -> None:
    text = "arch a(w = 8 in {8, 16}, v = 8)\ninput 3x8x8\nconv(w, 3)\nvariant b(v = 16)\n"
    assert told(text) == [("A972", 1)]


def test_an_image_with_a_batch_size() -> None:
    assert told("arch a\ninput 1x3x32x32\nconv(8, 3)\n") == [("A974", 2)]
    assert told("arch a\ninput 1x16x32x32\nconv(8, 3)\n") == []


def test_widths_that_gpus_pad() -> None:
    text = f"{TOP}conv(12, 3) -> conv(16, 3)\nglobal_avgpool -> linear(10)\n"
    assert told(text) == []
    assert told(text, gpu=True) == [("A976", 3)]


def test_check_tells_warnings_when_asked_and_fails_when_strict() -> None:
    text = f"{TOP}conv(8, 3) -> bn\n"
    for arguments, code, shown in (([], 0, False), (["--lint"], 0, True), (["--strict"], 1, True)):
        result = CliRunner().invoke(cli, ["check", "-", *arguments], text, standalone_mode=False)
        assert result.return_value == code
        assert ("warning[A971]" in result.output) == shown
    assert "<stdin>:3:1" in result.output
