"""`archdsl fit`: what it solves, prints and writes, and what it says to bad input."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from thinned import later, thinned

import archdsl

Run = Callable[..., Any]


def test_json_has_the_numbers(run: Run) -> None:
    ran = run("fit", "wide_resnet", "--macs", "1.5G", "--by", "width", "--json")
    found = json.loads(ran.out)
    spec = archdsl.read("wide_resnet")
    arch = spec.with_knobs(width=found["solved"]["width"])
    assert ran.code == 0 and found["budget"] == 1.5e9
    assert found["reached"] == found["fitted"]["macs"] == arch.macs
    assert found["off"] == abs(arch.macs - 1.5e9) / 1.5e9 < 0.02
    assert found["before"]["params"] == spec.with_knobs().params
    assert found["around"]["down"]["macs"] < arch.macs < found["around"]["up"]["macs"]


@pytest.mark.slow
def test_the_work_is_bounded(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is near enough by then is taken; else it is said that not all was tried."""
    monkeypatch.setattr("archdsl.cli.fit.FIT_WORK", 1_000_000)
    ran = run("fit", "efficientnet", "--macs", "500M", "--by", "width,depth", "--json")
    assert ran.code == 0 and json.loads(ran.out)["off"] < 0.02, ran.err
    ran = run("fit", "efficientnet", "--params", "900M", "--by", "width,depth")
    assert ran.code == 1 and "error[A705]: no candidate that was tried has 900M params" in ran.err
    assert "help: a command tries no more values of a spec as large as this; `spec.fit`" in ran.err


@pytest.mark.parametrize(("text", "share"), [("0.5", 0.5), ("1/4", 0.25), ("50%", 0.5)])
def test_a_factor_is_of_what_it_costs(run: Run, text: str, share: float) -> None:
    ran = run("fit", "wrn_16_4", "--factor", text, "--of", "params", "--by", "width", "--json")
    found = json.loads(ran.out)
    assert found["budget"] == share * archdsl.load("wrn_16_4").params
    assert found["knobs"]["depth"] == "16"


def test_memory_has_units_and_batches(run: Run) -> None:
    call = [
        "fit",
        "wide_resnet",
        "--memory",
        "2GiB",
        "--batch",
        "64",
        "--training",
        "--by",
        "width",
    ]
    found = json.loads(run(*call, "--json").out)
    arch = archdsl.load("wide_resnet", width=found["solved"]["width"])
    assert found["budget"] == 2 * 2**30 and found["reached"] == arch.memory(64).training


def test_what_is_written_is_the_network(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "fitted.arch"
    ran = run("fit", "wide_resnet", "--params", "2M", "--by", "width", "--set", "depth=16",
              "--json", "-o", str(path))  # fmt: skip
    assert ran.code == 0 and str(path) in ran.err
    assert archdsl.load(str(path)).hash == json.loads(ran.out)["hash"]


BAD = {
    "--macs 2G": (1, "error[A515]", "width"),
    "--macs 2G --by widht": (1, "error[A502]", "did you mean `width`?"),
    "--macs 2G --by classes": (1, "error[A704]", "it has no numeric domain"),
    "--macs 2K --by width": (
        1,
        "error[A705]",
        "the nearest is width = 0.25, the smallest value of its domain\n",
    ),
    "--by width": (1, "error[A516]", "none"),
    "--macs 2G --params 2M --by width": (1, "error[A516]", "here are 2"),
    "--macs abc --by width": (1, "error[A517]", "`abc` is not a budget of macs"),
    "--macs -2G --by width": (1, "error[A517]", "it is not above 0"),
    "--macs 2 --by width --within much": (1, "error[A517]", "`much` is not a budget of within"),
    "--memory 3parsec --by width": (1, "error[A517]", "3parsec"),
    "--latency 3 --by width": (1, "error[A517]", "say its unit, as in 3ms"),
    "--factor 0 --by width": (1, "error[A517]", "it is not above 0"),
    "--macs 2G --of params --by width": (2, "Error", "--of names the cost that --factor"),
    "--macs 2G --on compile --by width": (2, "Error", "--on is for --latency"),
    "--params 2M --batch 8 --by width": (2, "Error", "--batch is for --memory"),
    "--params 2M --device cpu --by width": (2, "Error", "--device is for --latency"),
    "--macs 2G --by width -o f.py": (2, "Error", "-o FILE.arch writes the spec"),
    "--macs 2G --by width --set depth=3": (1, "error[A503]", "depth"),
}


@pytest.mark.parametrize("options", BAD)
def test_bad_input(run: Run, options: str) -> None:
    code, kind, text = BAD[options]
    ran = run("fit", "wide_resnet", *options.split())
    assert ran.code == code and kind in ran.err and text in ran.err and not ran.out


def test_a_spec_without_such_a_knob(run: Run) -> None:
    ran = run("fit", "alexnet", "--factor", "0.5", "--by", "width")
    assert ran.code == 1 and "error[A502]" in ran.err and "no knob has a numeric domain" in ran.err


@pytest.mark.parametrize(
    ("spec", "by", "help"),
    [
        ("resnet50", "width", "`width,depth` instead: width = 32, depth = 101 has 1.98G macs"),
        ("resnet50", "width,inner", "`width,inner,depth` instead: width = 32, inner = 1, depth"),
        later("senet", "width,reduction,depth", ""),
    ],
)
def test_further_knobs_that_reach_the_budget_are_named(
    run: Run, spec: str, by: str, help: str
) -> None:
    budget = "2G" if help else "2K"
    ran = run("fit", spec, "--macs", budget, "--by", by)
    assert ran.code == 1 and "error[A705]" in ran.err and not ran.out
    assert f"help: solve for {help}" in ran.err if help else "solve for" not in ran.err


@pytest.mark.parametrize("given", ["resnet50 --set depth=50", "resnet(depth=50)"])
def test_a_knob_that_was_given_is_not_offered(run: Run, given: str) -> None:
    ran = run("fit", *given.split(), "--macs", "2G", "--by", "width")
    assert ran.code == 1 and "the nearest is width" in ran.err and "solve for" not in ran.err


SMALL = "arch small(width = 8 in 1..16)\ninput 1x8x8\nconv(width, 3) -> relu\n"


@pytest.mark.parametrize("on", thinned(["eager", "compile", "onnxruntime"], 3))
def test_latency_is_measured(run: Run, tmp_path: Path, on: str) -> None:
    path = tmp_path / "small.arch"
    path.write_text(SMALL)
    call = ["fit", str(path), "--factor", "1", "--of", "latency", "--on", on, "--device", "cpu"]
    ran = run(*call, "--by", "width", "--within", "99%", "--json")
    found = json.loads(ran.out)
    assert ran.code == 0 and found["cost"] == "latency" and 0 < found["reached"] < 1
    assert 1 <= int(found["solved"]["width"]) <= 16
