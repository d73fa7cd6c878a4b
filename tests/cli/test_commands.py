"""How commands behave: codes, streams, colours, pipes, files, and what tools get."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

import archdsl
from archdsl.cli.main import COMMANDS
from archdsl.cli.output import cut, human, human_bytes, table
from archdsl.files import builtin_folder, builtin_names

GOOD = "arch a(n = 1 in 1..3)\ninput 3x8x8\nrepeat n { conv(4, 3) -> bn }\nlinear(2)\n"
BAD = "arch a\ninput 3x8x8\nconv(4, 9, pad = 0)\n"


# ---------------------------------------------------------------------------- exit codes


def test_exit_codes(run: Any) -> None:
    assert run("check", "-", stdin=GOOD).code == 0
    assert run("check", "-", stdin=BAD).code == 1
    assert run("check", "resnet", "no_such_spec").code == 1
    assert run("check").code == 2
    assert run().code == 2
    assert run("-h").code == 0


def test_an_option_that_there_is_not(run: Any) -> None:
    """What is alike is offered; the dashes, which all have, make nothing alike."""
    for option, said in (("--init", ""), ("--quite", " Did you mean '--quiet'?")):
        ran = run("search", "first", option)
        assert ran.code == 2 and ran.err.endswith(f"No such option '{option}'.{said}\n")


def test_a_knob_as_an_option(run: Any) -> None:
    for command in ("compile", "check", "summary"):
        ran = run(command, "resnet", "--width", "8")
        assert ran.code == 2
        knob = ran.err.endswith("`width` is no option: as a knob, `--set width=...`.\n")
        assert knob is (command != "check")


def test_what_is_wrong_goes_to_standard_error(run: Any) -> None:
    ran = run("summary", "-", stdin=BAD)
    assert ran.out == "" and ran.err.startswith("error[A207]: ")
    ran = run("summary", "--deep")
    assert ran.out == "" and ran.err.startswith("Usage: ")


def test_an_interruption(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("archdsl.cli.graph.read_candidate", stop)
    ran = run("graph", "resnet")
    assert (ran.code, ran.out, ran.err) == (130, "", "\ninterrupted\n")


def test_a_bug_of_ours(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by accident")

    monkeypatch.setattr("archdsl.cli.graph.read_candidate", fail)
    ran = run("graph", "resnet")
    assert ran.code == 70
    assert ran.err == (
        "internal error: ZeroDivisionError: by accident\n"
        "This is a bug of archdsl. ARCHDSL_DEBUG=1 shows where; please report it.\n"
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_a_line_about_it(command: str, run: Any) -> None:
    ran = run(command, "--help")
    assert ran.code == 0 and ran.out.startswith(f"Usage: archdsl {command} ")
    assert COMMANDS[command] in run("--help").out
    assert all(len(line) <= 80 for line in ran.out.splitlines())


# ------------------------------------------------------------------ streams and terminals

PRINTING = (
    ("summary", "resnet18"),
    ("specs", "resnet"),
    ("explain", "alexnet"),
    ("explain", "resnet", "--knob", "width"),
    ("graph", "alexnet"),
    ("check", "alexnet"),
    ("error", "A201"),
    ("error",),
)


@pytest.mark.parametrize("command", PRINTING, ids=" ".join)
def test_no_colours_but_for_a_terminal(
    command: tuple[str, ...], run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    plain = run(*command)
    assert plain.code == 0 and "\x1b" not in plain.out + plain.err
    coloured = run(*command, tty=True)
    assert click.unstyle(coloured.out) == plain.out
    monkeypatch.setenv("NO_COLOR", "1")
    assert run(*command, tty=True).out == plain.out
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert run(*command, tty=True).out == plain.out


def test_a_terminal_gets_colours(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert run("summary", "alexnet", tty=True).out.startswith("\x1b[1malexnet\x1b[0m  version")
    ran = run("summary", "-", stdin=BAD, tty=True)
    assert ran.err.startswith("\x1b[31m\x1b[1merror[A207]\x1b[0m\x1b[1m: `conv` of 9x9")
    assert click.unstyle(ran.err) == run("summary", "-", stdin=BAD).err


@pytest.mark.parametrize("name", builtin_names())
def test_nothing_is_wider_than_80_columns(name: str, run: Any) -> None:
    for command in (("summary", name), ("summary", name, "--layers"), ("specs", name)):
        wide = [line for line in run(*command).out.splitlines() if len(line) > 80]
        assert wide == [], command
    lines = run("explain", name).out.splitlines()
    assert [line for line in lines if len(line) > 80] == []


def archdsl_process(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    code = "from archdsl.cli.main import main; main()"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen([sys.executable, "-c", code, *arguments], **pipes)


def test_a_reader_that_goes_away() -> None:
    """As in `archdsl graph densenet | head -1`: nothing is said of it."""
    with archdsl_process("graph", "densenet", "--set", "depth=264") as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == b"graph densenet\n"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


def test_a_failing_check_fails_without_a_reader(tmp_path: Path) -> None:
    """As in `archdsl check x.arch 2>&1 | head -1` in a script that asks for failures of pipes."""
    spec = tmp_path / "x.arch"
    spec.write_text("arch x\ninput 3x8x8\nconv(4, 3, groups = 2)\n")
    for options in ([], ["--json"]):
        read, write = os.pipe()
        os.close(read)
        told = {"stdout": write, "stderr": write}
        with archdsl_process("check", str(spec), *options, **told) as process:
            os.close(write)
            assert process.wait() == 1


def test_a_reader_that_was_never_there() -> None:
    read, write = os.pipe()
    os.close(read)
    with archdsl_process("summary", "alexnet", stdout=write) as process:
        os.close(write)
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait() == 0


def test_a_terminal_that_knows_few_characters() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    text = "arch a\ninput 3x8x8\nconv(4, 3) -> \u0142(3)\n".encode()
    with archdsl_process("summary", "-", stdin=subprocess.PIPE, env=environment) as process:
        out, err = process.communicate(text)
    assert process.returncode == 1 and out == b""
    assert err.startswith(b"error[") and b"\\u0142" in err


# --------------------------------------------------------------------------------- input


def test_standard_input_is_a_spec(run: Any) -> None:
    assert run("graph", "-", stdin=GOOD).out == (
        "graph a\n"
        "input : 3x8x8\n"
        "turn1.conv1 = conv(4, 3) <- input : 4x8x8\n"
        "turn1.bn1 = bn <- turn1.conv1 : 4x8x8\n"
        "linear1 = linear(2) <- turn1.bn1 : 2\n"
        "output linear1\n"
    )


def test_a_variant_stands_for_its_spec_and_knobs(run: Any) -> None:
    one = run("graph", "wide_resnet50_2")
    two = run("graph", "resnet", "--set", "inner=2", "--set", "depth=50")
    assert one.out == two.out


def test_settings_add_to_a_variant(run: Any) -> None:
    assert run("graph", "resnet18", "--set", "classes=7").out.endswith(
        "head.linear1 = linear(7) <- head.global_avgpool1 : 7\noutput head.linear1\n"
    )


def test_the_last_setting_of_a_knob_counts(run: Any) -> None:
    ran = run("summary", "-", "--set", "n=2", "--set", "n=3", "--json", stdin=GOOD)
    assert json.loads(ran.out)["knobs"] == {"n": "3"}


def test_a_layer_file_is_run_when_it_is_allowed(run: Any, tmp_path: Path) -> None:
    layers = tmp_path / "mine.py"
    layers.write_text(
        "from dataclasses import dataclass\n"
        "from archdsl.layers.base import Expression, Layer\n"
        "@dataclass(frozen=True, slots=True)\n"
        "class Twice(Layer):\n"
        '    "Twice of it."\n'
        '    name = "twice"\n'
        "    def torch(self, *inputs):\n"
        '        return Expression("{x} * 2")\n'
    )
    text = "arch a\ninput 3x8x8\ntwice\n"
    assert "twice1 = twice" in run("graph", "-", "--allow-python", str(layers), stdin=text).out
    assert run("graph", "-", stdin=text).code == 1
    ran = run("graph", "-", "--allow-python", str(tmp_path / "none.py"), stdin=text)
    assert (ran.code, ran.err[:11]) == (1, "error[A007]")


# ------------------------------------------------------------------------------ for tools


def test_summary_as_json(run: Any) -> None:
    found = json.loads(run("summary", "resnet50", "--json", "--depth", "1", "--batch", "2").out)
    arch = archdsl.load("resnet50")
    rows = found.pop("rows")
    memory = found.pop("memory")
    assert found == {
        "name": "resnet",
        "knobs": arch.shown_knobs,
        "input": "3x224x224",
        "inputs": {"input": "3x224x224"},
        "output": "1000",
        "outputs": {"output": "1000"},
        "params": 25_557_032,
        "buffers": 53_173,
        "macs": 4_089_184_256,
        "side_macs": 0,
        "attention_macs": 0,
        "activations": 11_114_984,
        "conv_activations": 11_113_984,
        "depth": 50,
        "receptive_field": [224, 224],
        "hash": arch.hash,
    }
    assert [r["name"] for r in rows] == ["stem", "stage1", "stage2", "stage3", "stage4", "head"]
    assert sum(r["params"] for r in rows) == arch.params
    assert sum(r["macs"] for r in rows) == arch.macs
    expected = arch.memory(2)
    assert memory == {
        "batch": 2,
        "dtype": "float32",
        "weights": expected.weights,
        "inference": expected.inference,
        "training": expected.training,
    }


def test_rows_of_a_summary_add_up_at_every_depth(run: Any) -> None:
    """What is opened belongs to the row above it; the outermost rows are the network."""
    for name in ("googlenet", "densenet121", "fractalnet20", "wrn_16_8"):
        arch = archdsl.load(name)
        for depth in ("1", "2", "9"):
            rows = json.loads(run("summary", name, "--json", "--depth", depth).out)["rows"]
            assert sum(r["params"] for r in rows if r["level"] == 0) == arch.params
            assert sum(r["macs"] for r in rows if r["level"] == 0) == arch.macs


def test_specs_of_a_variant_are_those_of_its_spec(run: Any) -> None:
    found = run("specs", "resnet50", "resnet18(width = 32)", "resnet")
    assert found.code == 0 and found.out == run("specs", "resnet").out


def test_specs_as_json(run: Any) -> None:
    (found,) = json.loads(run("specs", "densenet", "--json").out)
    assert found["name"] == "densenet" and found["knobs"]["growth"]["domain"] == "12..48 step 4"
    first = found["variants"][0]
    assert first["name"] == "densenet121" and first["params"] == 7_978_856
    assert first["paper"]["arxiv"] == "1608.06993"
    assert first["published"] == [
        {
            "dataset": "imagenet",
            "top1": 0.25566,
            "top5": 0.08028,
            "source": "torchvision IMAGENET1K_V1",
        }
    ]


def test_all_specs_are_listed(run: Any) -> None:
    found = json.loads(run("specs", "--json").out)
    assert [s["name"] for s in found] == builtin_names()


def test_explain_as_json(run: Any) -> None:
    found = json.loads(run("explain", "-", "--json", stdin=GOOD).out)
    assert found[0] == {
        "file": "<stdin>",
        "line": 3,
        "column": 12,
        "written": "conv(4, 3)",
        "made": [{"layer": "conv(4, 3)", "shapes": "3x8x8 -> 4x8x8", "times": 1}],
        "paths": ["turn1.conv1"],
        "params": 112,
        "macs": 6912,
    }
    found = json.loads(run("explain", "-", "--knob", "n", "--json", stdin=GOOD).out)
    assert [v["value"] for v in found["values"]] == ["1", "2", "3"]
    assert found["values"][1]["params"] == 112 + 8 + 148 + 8 + 514
    assert found["closed_form"] is None
    found = json.loads(run("explain", "densenet", "--knob", "growth", "--json").out)
    assert found["closed_form"] == {
        "where": "in 12..48 step 4",
        "params": "6,700 growth^2 + 34,908 growth + 1,000",
        "macs": "2,651,488 growth^2 + 3,719,936 growth",
        "activations": "215,600 growth + 1,000",
    }


def test_what_all_lines_cost_is_what_the_network_costs(run: Any) -> None:
    for name in ("resnet50", "googlenet", "densenet121", "squeezenet1_1"):
        arch = archdsl.load(name)
        places = json.loads(run("explain", name, "--json").out)
        assert sum(p["params"] for p in places) == arch.params
        assert sum(p["macs"] for p in places) == arch.macs + arch.figures.side_macs
        paths = [path for p in places for path in p["paths"]]
        assert sorted(paths) == sorted(n.path for n in arch.flat.nodes[1:])


def test_check_as_json_and_sarif(run: Any) -> None:
    good, bad = json.loads(run("check", "resnet", "no_such_spec", "--json").out)
    assert good["ok"] and good["space"]["complete"] and good["space"]["total"] == 2880
    assert not bad["ok"] and bad["diagnostics"][0]["code"] == "A001"
    log = json.loads(run("check", "-", "--sarif", stdin=BAD).out)
    assert log["version"] == "2.1.0"
    (result,) = log["runs"][0]["results"]
    assert result["ruleId"] == "A207"


def test_graph_as_json_and_dot(run: Any, tmp_path: Path) -> None:
    assert json.loads(run("graph", "-", "--json", stdin=GOOD).out)["output"] == "linear1"
    assert run("graph", "-", "--dot", stdin=GOOD).out.startswith('digraph "a" {\n')
    path = tmp_path / "net.json"
    ran = run("graph", "-", "--json", "-o", str(path), stdin=GOOD)
    assert (ran.code, ran.out) == (0, f"{path}: the graph of a\n")
    assert json.loads(path.read_text("utf-8"))["format"] == "archdsl-graph/1"
    ran = run("graph", "-", "-o", str(tmp_path / "no" / "net.txt"), stdin=GOOD)
    assert (ran.code, ran.err[:11]) == (1, "error[A008]")


# -------------------------------------------------------------------------- fmt and error


def test_fmt_writes_what_differs_and_says_so(run: Any, tmp_path: Path) -> None:
    ugly, fine, other = tmp_path / "a.arch", tmp_path / "b.arch", tmp_path / "c.txt"
    ugly.write_text(GOOD.replace(" -> ", "->"), "utf-8")
    fine.write_text(GOOD, "utf-8")
    other.write_text("anything", "utf-8")
    ran = run("fmt", "--check", str(tmp_path))
    assert (ran.code, ran.out) == (1, f"{ugly} would be formatted\n")
    assert ugly.read_text("utf-8") != GOOD
    ran = run("fmt", str(tmp_path))
    assert (ran.code, ran.out) == (0, f"{ugly} formatted\n")
    assert ugly.read_text("utf-8") == GOOD
    assert run("fmt", "--check", str(tmp_path)).code == 0
    assert other.read_text("utf-8") == "anything"


def test_fmt_of_standard_input_and_of_mistakes(run: Any, tmp_path: Path) -> None:
    assert run("fmt", "-", stdin=GOOD.replace(" -> ", "->")).out == GOOD
    broken = tmp_path / "a.arch"
    broken.write_text("arch a(\n", "utf-8")
    ran = run("fmt", str(broken))
    assert ran.code == 1 and ran.err.startswith("error[A0")
    assert broken.read_text("utf-8") == "arch a(\n"


@pytest.mark.parametrize("command", ["fmt", "check"])
@pytest.mark.parametrize(
    ("ending", "what"),
    [
        ("py", "Python code, not a spec\n  = help: `archdsl import x.py:Net --allow-python`"),
        ("md", "Markdown, not a spec\n  = help: a spec is a text file"),
        ("yaml", "YAML, not a spec\n  = help: a spec is a text file"),
        ("json", "JSON, not a spec\n  = help: a spec is a text file"),
        ("onnx", "an exported network, not a spec\n  = help: `archdsl import x.onnx`"),
        (
            "pt",
            "a file of weights, not a spec\n  = help: `archdsl compile net.arch --weights x.pt`",
        ),
        ("csv", "a table, not a spec\n  = help: `archdsl data 'table(\"x.csv\")'`"),
    ],
)
def test_a_file_of_another_kind_is_told_and_left_as_it_is(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, ending: str, what: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(f"x.{ending}").write_text("x", "utf-8")
    ran = run(command, f"x.{ending}")
    assert ran.code == 1
    assert ran.err.startswith(f"error[A002]: `x.{ending}` cannot be read: it is {what}")
    assert Path(f"x.{ending}").read_text("utf-8") == "x"


def test_the_built_in_specs_are_formatted(run: Any) -> None:
    ran = run("fmt", "--check", str(builtin_folder()))
    assert (ran.code, ran.out) == (0, "")


def test_error_lists_all_and_explains_each(run: Any) -> None:
    listed = run("error").out.splitlines()
    assert len(listed) > 100
    assert listed == sorted(listed) and all(re.match(r"A\d{3}  \S", line) for line in listed)
    assert run("error", "a201").out == run("error", "[A201]").out == run("error", "A201").out


# ------------------------------------------------------------------- numbers and tables


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (7, "7"),
        (999, "999"),
        (1_000, "1.00K"),
        (25_557_032, "25.56M"),
        (99_994_999, "99.99M"),
        (99_995_000, "100.0M"),
        (999_940_000, "999.9M"),
        (999_960_000, "1.00G"),
        (4_089_184_256, "4.09G"),
        (10**12, "1.00T"),
        (0.5, "0.50"),
    ],
)
def test_counts(count: float, text: str) -> None:
    assert human(count) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (102_436_864, "97.7 MiB"),
        (1024**3 - 1, "1.0 GiB"),
        (5 * 1024**4, "5.0 TiB"),
    ],
)
def test_sizes(count: float, text: str) -> None:
    assert human_bytes(count) == text


def test_a_table_gives_way_in_its_first_column() -> None:
    rows = [["net(depth = 2, p = 0.3)", "1"], ["  net(depth = 2, p = 0.5)", "22"]]
    assert table(["name", "n"], rows, right=(1,), width=20) == [
        "name               n",
        "net(depth = 2, p   1",
        "  = 0.3)",
        "  net(depth = 2,  22",
        "    p = 0.5)",
    ]
    assert cut("abc", 3) == "abc" and cut("abcd", 3) == "ab…"
