"""One form for a network in every command: ``name(knob = value)``."""

import json
from pathlib import Path
from typing import Any

import pytest

import archdsl
from archdsl.diagnostics.model import ArchError
from archdsl.settings import split_call

NAMED = "resnet(depth = 34, width = 16)"
PARAMS = archdsl.load("resnet", depth=34, width=16).params


@pytest.mark.parametrize(
    "command", ["summary", "fit --by width --params 1.5M --within 3%", "check"]
)
def test_every_command_takes_knobs_in_parentheses(command: str, run: Any) -> None:
    name, *options = command.split()
    wrong = run(name, "resnet(dpth = 34)", *options)
    assert wrong.code == 1
    assert "A502" in wrong.err and "did you mean `depth`?" in wrong.err
    ran = run(name, NAMED, *options, "--json")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert (told[0] if name == "check" else told)["knobs"]["depth"] == "34"


def test_what_is_no_list_of_knobs(run: Any) -> None:
    unreadable = run("summary", "resnet(34)")
    assert unreadable.code == 1 and "A902" in unreadable.err


def test_files_are_named_after_the_spec(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run("compile", NAMED)
    assert (ran.code, [p.name for p in tmp_path.iterdir()]) == (0, ["resnet.py"])
    assert f"{PARAMS / 1e6:.2f}M parameters" in ran.out
    assert run("draw", NAMED, "-o", "x.svg").code == 0
    assert ">" + NAMED + "<" in Path("x.svg").read_text("utf-8").replace("&#160;", " ")


def test_check_looks_at_one_network_where_one_is_named(run: Any) -> None:
    whole, variant, one = (run("check", n).out for n in ("resnet", "resnet50", NAMED))
    assert whole == "resnet: every candidate is a network (all 2,880 assignments)\n"
    assert variant == "resnet50: a network (25.56M parameters, 4.09G MACs)\n"
    assert one.startswith(f"{NAMED}: a network ({PARAMS / 1e6:.2f}M parameters, ")
    outside = run("check", "resnet(depth = 3)")
    assert outside.code == 1 and "A503" in outside.err


def test_python_reads_the_same_form() -> None:
    assert archdsl.load(NAMED).params == PARAMS
    assert archdsl.load(NAMED, depth=18).knobs["depth"] == 18
    with pytest.raises(ArchError, match="has no name"):
        archdsl.load("resnet(34)")


def test_a_file_with_parentheses_in_its_name_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("net (1).arch", "odd(a = 1)"):
        Path(name).write_text("arch one\ninput 4\nlinear(2)\n", "utf-8")
        assert split_call(name) == (name, {})
        assert archdsl.load(name).params == 10
    assert split_call("x.arch(a = 1, b = [2, 3])") == ("x.arch", {"a": "1", "b": "[2, 3]"})
