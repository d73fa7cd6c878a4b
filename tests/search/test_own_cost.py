"""A cost of a user's own, one file, works wherever the built-in ones do."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from fake_training import lr_of_a_tenth, trainer

import archdsl
from archdsl.cli.main import main
from archdsl.costs.base import Cost
from archdsl.diagnostics.source import Source
from archdsl.extensions import with_files
from archdsl.registry import REGISTRY, Registry
from archdsl.report.view import read_report
from archdsl.search.opened import OpenStudy
from archdsl.search.plan import queue_exploration
from archdsl.search.reach import survey
from archdsl.search.reading import read_search
from archdsl.search.start import begin
from archdsl.search.worker import Worker

MINE = Path(__file__).parents[2] / "docs" / "examples" / "my_costs.py"
SPEC = """arch net(width = 8 in 8..64 step 8, depth = 1 in 1..2, classes = 10)
input 1x8x8
repeat depth { conv(width, 3) -> relu }
global_avgpool -> linear(classes)
"""
# weights, input and result of each layer, 4 bytes each
CONV = 4 * (8 * 9 + 8 + 64 + 8 * 64)
RELU = 4 * (2 * 8 * 64)
POOL = 4 * (8 * 64 + 8)
LINEAR = 4 * (8 * 10 + 10 + 8 + 10)
WHOLE = CONV + RELU + POOL + LINEAR


@pytest.fixture(scope="module")
def registry() -> Registry:
    return with_files(REGISTRY, [MINE])


@pytest.fixture
def ran(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    monkeypatch.chdir(tmp_path)
    Path("net.arch").write_text(SPEC)

    def run(*arguments: str, code: int = 0) -> str:
        with pytest.raises(SystemExit) as ended:
            main([*arguments, "--allow-python", str(MINE)])
        found = capsys.readouterr()
        assert ended.value.code == code, found.err
        return found.out + found.err

    return run


def test_it_adds_up(registry: Registry) -> None:
    arch = archdsl.parse(SPEC, registry=registry).with_knobs()
    assert arch.cost("bytes_moved") == WHOLE
    assert arch.cost("params") == arch.params and arch.cost("macs") == arch.macs
    with pytest.raises(KeyError):
        archdsl.parse(SPEC).with_knobs().cost("bytes_moved")


def test_summary(ran: Callable[..., str]) -> None:
    shown = ran("summary", "net.arch", "--columns", "bytes_moved,field")
    lines = {line.split()[0]: line.split() for line in shown.splitlines() if line}
    assert lines["conv1"][-2:] == ["KiB", "3x3"] and lines["conv1"][-3] == f"{CONV / 1024:.1f}"
    assert lines["moved"][1:] == [f"{WHOLE / 1024:.1f}", "KiB"]
    plain = json.loads(ran("summary", "net.arch", "--columns", "bytes_moved", "--json"))
    assert plain["bytes_moved"] == WHOLE
    assert sum(row["bytes_moved"] for row in plain["rows"] if row["level"] == 0) == WHOLE


def test_explain(ran: Callable[..., str]) -> None:
    shown = ran("explain", "net.arch")
    assert f"80 parameters, 4.61K MACs, {CONV / 1024:.1f} KiB moved" in shown
    values = json.loads(ran("explain", "net.arch", "--knob", "width", "--json"))["values"]
    assert values[0]["bytes_moved"] == WHOLE
    assert re.search(
        r"width +params +MACs +activations +moved +depth",
        ran("explain", "net.arch", "--knob", "width"),
    )


def test_require(registry: Registry) -> None:
    text = SPEC + 'require bytes_moved <= 10K, "it moves too much"\n'
    assert archdsl.parse(text, registry=registry).with_knobs().cost("bytes_moved") == WHOLE
    with pytest.raises(archdsl.ArchError, match="it moves too much") as caught:
        archdsl.parse(text, registry=registry).with_knobs(width=16)
    assert "bytes_moved is" in str(caught.value)
    with pytest.raises(archdsl.ArchError, match="bytes_moved"):
        archdsl.parse(text)


def test_fit(registry: Registry) -> None:
    spec = archdsl.parse(SPEC, registry=registry)
    wide = spec.with_knobs(width=32)
    assert spec.fit(bytes_moved=wide.cost("bytes_moved"), by="width").hash == wide.hash


def test_compare(ran: Callable[..., str]) -> None:
    shown = ran("compare", "net.arch", "net.arch(width = 16)", "--x", "bytes_moved")
    assert re.search(r"top-1 +moved +MACs +params", shown)
    assert f"{WHOLE / 1024:.1f} KiB" in shown
    assert "'bytes' is not one of params, macs" in ran(
        "compare", "net.arch", "--size", "bytes", code=2
    )


def test_hold_and_report(tmp_path: Path, registry: Registry) -> None:
    study = searched(
        tmp_path, registry, "hold bytes_moved = {30K, 60K} within 30% by width\nvary depth\n"
    )
    (first, *_) = [r for r in study.rows() if r.is_result]
    assert first.slice == "29.3 KiB bytes_moved" and first.cost("bytes_moved") is not None
    assert abs((first.cost("bytes_moved") or 0) / 30000 - 1) <= 0.3
    page = read_report(str(study.folder), None, registry).report()
    assert "bytes moved for one image" in page and "Bytes that are read and written" in page


def test_minimize(tmp_path: Path, registry: Registry) -> None:
    study = searched(tmp_path, registry, "maximize accuracy\nminimize bytes_moved\nvary width\n")
    for row in study.rows():
        assert row.values[1] == row.cost("bytes_moved") > WHOLE / 2


def searched(folder: Path, registry: Registry, asked: str) -> OpenStudy:
    """A study whose networks are scored by a formula."""
    (folder / "net.arch").write_text(SPEC)
    text = 'search moved\nspec "net.arch"\ndata digits\ntrials 4\ntrain epochs = 1\n' + asked
    search = read_search(Source("moved.search", text), folder, registry)
    where = folder / "moved.study"
    study = begin(search, where, folder, 0, None, (), "archdsl search moved", registry)
    queue_exploration(study, survey(study.space))
    Worker(study, torch.device("cpu"), trainer=trainer(lr_of_a_tenth)).run(0)
    return study


SAID = dict.fromkeys(("title", "heading", "about"), "mine")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"name": "macs"}, "there is a cost `macs` already"),
        ({"name": "two words"}, "`two words` cannot be a cost's name"),
        ({"name": "mine", "title": "t", "heading": "t"}, "Mine has no `about`"),
        (
            {"name": "mine", "title": "t", "heading": "t", "about": "t"},
            "Mine has no method `of_layer`",
        ),
    ],
)
def test_a_cost_that_will_not_do(body: dict[str, str], problem: str) -> None:
    with pytest.raises((ValueError, TypeError), match=problem):
        REGISTRY.with_added([type("Mine", (Cost,), body)])
