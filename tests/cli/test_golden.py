"""What each command prints, word for word. The golden files are for reading: each begins with
the command; what went to standard error stands after a line of dashes."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_every_mistake import COMMANDS as MISTAKES
from test_every_mistake import SLOW
from test_train import REFUSALS

NET = """## A small residual network.
arch net(
  width = 8 in {8, 16},
  ## how often its unit is repeated
  depth = 2 in 1..4,
  act = relu in {relu, silu}
)
require width * depth <= 32, "too large"
input 3x16x16
block unit(c) { residual { conv(c, 3) -> bn -> act -> conv(c, 3) -> bn } -> act }
stem: conv(width, 3) -> act
stage: repeat depth { unit(width) }
head: global_avgpool -> linear(10)
"""
WRONG = """arch wrong(n = 1 in 1..4)
input 3x16x16
block unit(c) { conv(c, 3, stride = 2) -> maxpol(2) }
unit(8)
linaer(10)
"""
SOMETIMES = """arch sometimes(n = 1 in 1..6, width = 8 in {8, 12})
input 3x8x8
block shrink { maxpool(2) }
conv(width, 3)
repeat n { shrink }
conv(16, 3, groups = 8)
"""

COMMANDS = {
    "summary_resnet50": "summary resnet50",
    "summary_googlenet": "summary googlenet --depth 1",
    "summary_densenet121": "summary densenet121 --depth 1 --batch 8 --dtype bfloat16",
    "summary_fractalnet": "summary fractalnet --set columns=2 --set 'widths=[8, 16]' "
    "--set 'dropouts=[0, 0.1]' --layers",
    "summary_wide_resnet": "summary wide_resnet --set width=4 --input 1x28x28",
    "summary_net": "summary - --layers",
    "explain_net": "explain -",
    "explain_part": "explain - stage",
    "explain_knob": "explain - --knob depth",
    "explain_resnet_knob": "explain resnet --knob depth",
    "explain_resnet_width": "explain resnet --knob width",
    "specs_alexnet": "specs alexnet",
    "specs_densenet_cifar": "specs densenet_cifar",
    "graph_net": "graph - --set depth=1",
    "check_net": "check -",
    "check_resnet": "check resnet",
    "error_A201": "error A201",
    "fmt_diff": "fmt - --diff",
    "help": "--help",
    "help_summary": "summary --help",
    "version": "--version",
}
WARNED = ("check_net",)


@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_command_prints(name: str, run: Any, golden: Callable[[str, str], None]) -> None:
    text = NET.replace("  ##", "##").replace("->", " -> ") if name == "fmt_diff" else NET
    ran = run(*shlex.split(COMMANDS[name]), stdin=text)
    assert ran.code == 0
    warned = f"------\n{ran.err}" if name in WARNED else ""
    assert ran.err == "" or warned
    golden(f"{name}.txt", f"$ archdsl {COMMANDS[name]}\n{ran.out}{warned}")


FAILURES = {
    "wrong_names": (1, "summary -", WRONG),
    "not_every_candidate": (1, "check -", SOMETIMES),
    "requirement": (1, "summary - --set width=16 --set depth=4", NET),
    "outside_the_domain": (1, "summary - --set width=9 --set depth=two", NET),
    "no_such_knob": (1, "graph - --set widht=8", NET),
    "no_such_knob_to_explain": (1, "explain - --knob widht", NET),
    "no_such_part": (1, "explain - stagee", NET),
    "no_such_spec": (1, "summary resnett", ""),
    "no_such_file": (1, "check nets/mine.arch", ""),
    "empty": (1, "summary -", ""),
    "not_text": (1, "summary -", b"arch a\xff"),
    "no_command": (2, "sumary resnet", ""),
    "no_spec": (2, "summary", ""),
    "no_option": (2, "summary resnet --deep", ""),
    "no_shape": (2, "summary resnet --input 3x0x3", ""),
    "no_number": (2, "summary resnet --depth two", ""),
    "no_diagnostic": (2, "error Z999", ""),
    "no_shell": (2, "completion csh", ""),
    "no_setting": (1, "summary resnet --set depth", ""),
}


@pytest.mark.parametrize("name", FAILURES)
def test_what_a_mistake_gets(name: str, run: Any, golden: Callable[[str, str], None]) -> None:
    code, command, stdin = FAILURES[name]
    ran = run(*shlex.split(command), stdin=stdin)
    assert ran.code == code
    printed = f"$ archdsl {command}\n{ran.out}------ {code}\n{ran.err}"
    golden(f"failure_{name}.txt", printed)


def test_no_golden_file_is_left_over() -> None:
    known = {f"{n}.txt" for n in COMMANDS} | {f"failure_{n}.txt" for n in FAILURES}
    known |= {f"train_{n}.txt" for n in REFUSALS} | {"train.txt"}
    known |= {f"mistake_{code}.txt" for code in [*MISTAKES, *SLOW]}
    assert {p.name for p in Path(__file__).with_name("golden").iterdir()} == known
