"""`archdsl measure`: each way gives the same results, failures are lines of the table, and the
fastest of the right ones is taken."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import archdsl
from archdsl.training import measuring, ways
from archdsl.training.measuring import MeasuredWay, best_of, measure_ways
from archdsl.training.ways import EAGER, FROZEN, LAST, ONNX, OPENVINO, WAYS, Job, WayRun, measured

TINY = """arch tiny(c = 4)
input 3x8x8
conv(c, 3) -> bn -> relu
head: global_avgpool -> linear(4)
"""


def job_of(folder: Path, way: str) -> Job:
    return Job(way, str(folder), 1, "cpu", 1, 2)


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of its own loads PyTorch each time."""
    monkeypatch.setattr(measuring, "WAYS", (EAGER, LAST, ONNX))
    monkeypatch.setattr(measuring, "_run", measured)


def measured_here() -> dict[str, MeasuredWay]:
    arch = archdsl.parse(TINY).with_knobs()
    threads = torch.get_num_threads()
    try:
        found = measure_ways(arch.build(), [arch.input], ["input"], batch=2, runs=2)
    finally:
        torch.set_num_threads(threads)
    return {m.way: m for m in found}


def test_each_way_has_figures_and_the_same_results(in_this_process: None) -> None:
    found = measured_here()
    assert list(found) == [EAGER, LAST, ONNX]
    assert [m.problem for m in found.values()] == ["", "", ""]
    assert found[EAGER].difference == 0
    assert all(m.seconds > 0 and m.difference < 1e-5 for m in found.values())


@pytest.mark.parametrize("place", [0, 1])
def test_results_that_hold_nan_are_a_problem(
    in_this_process: None, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    """Also where it is not the first of several results."""

    def spoiled(job: Job) -> WayRun:
        found = measured(job)
        path = Path(job.folder) / f"{job.way}.npz"
        with np.load(path) as kept:
            results = [kept[name] for name in kept.files] * 2
        if job.way == LAST:
            results[place] = results[place] * np.nan
        np.savez(path, *results)
        return found

    monkeypatch.setattr(measuring, "_run", spoiled)
    found = measured_here()
    assert found[LAST].problem == "its results hold inf or nan"
    assert not found[LAST].usable and found[ONNX].usable


def test_a_result_that_differs_is_seen_and_not_taken(
    in_this_process: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other(job: Job) -> WayRun:
        found = measured(job)
        path = Path(job.folder) / f"{job.way}.npz"
        if job.way == ONNX:
            with np.load(path) as results:
                results = {name: 2 * results[name] for name in results.files}
            np.savez(path, **results)
        return found

    monkeypatch.setattr(measuring, "_run", other)
    found = measured_here()
    assert found[ONNX].difference == pytest.approx(1, rel=1e-3)
    assert not found[ONNX].usable and found[LAST].usable


def test_what_is_not_installed_or_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "WAYS", (EAGER, OPENVINO))
    monkeypatch.setattr(measuring, "find_spec", lambda name: None if name == "openvino" else name)
    monkeypatch.setattr(measuring, "_run", lambda job: WayRun(problem="RuntimeError: it broke"))
    found = measured_here()
    assert found[EAGER].problem == "RuntimeError: it broke"
    assert found[OPENVINO].problem == "openvino is not installed: pip install openvino"
    assert best_of(list(found.values())) is None


def test_an_export_that_fails_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "WAYS", (ONNX,))
    monkeypatch.setattr(measuring, "_export", lambda *_: "the network cannot be exported to onnx")
    assert measured_here()[ONNX].problem == "the network cannot be exported to onnx"


def test_a_process_that_dies_is_a_line_of_the_table(tmp_path: Path) -> None:
    found = measuring._run(replace(job_of(tmp_path, ONNX), count=1))
    assert found.problem.startswith("FileNotFoundError: ")


def test_what_is_compiled_is_left_to_no_other_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that was killed leaves half a file in the cache, which the next one would take."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "/broken")
    handed: dict[str, Any] = {}

    def ran(*_: Any, **given: Any) -> Any:
        handed.update(given["env"])
        return SimpleNamespace(returncode=0, stdout='{"seconds": 1.0}')

    monkeypatch.setattr(measuring.subprocess, "run", ran)
    assert measuring._run(job_of(tmp_path, FROZEN)).seconds == 1
    for name in ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR"):
        assert Path(handed[name]).parent == tmp_path


def test_a_way_is_told_when_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(measuring, "WAYS", (EAGER, LAST))

    def fails(job: Job) -> WayRun:
        said.append(f"runs {job.way}")
        return WayRun(problem="x")

    monkeypatch.setattr(measuring, "_run", fails)
    arch = archdsl.parse(TINY).with_knobs()
    measure_ways(arch.build(), [arch.input], ["input"], known=lambda m: said.append(m.way))
    assert said == [f"runs {EAGER}", EAGER, f"runs {LAST}", LAST]


def test_the_fastest_is_taken_and_the_simplest_of_those_as_fast() -> None:
    eager, last = MeasuredWay(EAGER, 1.04), MeasuredWay(LAST, 1.0)
    frozen, onnx = MeasuredWay(FROZEN, 0.5, difference=0.02), MeasuredWay(ONNX, problem="missing")
    assert best_of([eager, last, frozen, onnx]) == eager
    assert best_of([replace(eager, seconds=1.06), last, frozen, onnx]) == last
    assert best_of([onnx]) is None


def test_the_command_prints_a_table_and_json(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [
        MeasuredWay(EAGER, 0.002, 3 * 2**20),
        MeasuredWay(ONNX, 0.001, None, 2e-6),
        MeasuredWay(OPENVINO, problem="openvino is not installed"),
    ]

    def measure(
        *_: Any, known: Callable[[MeasuredWay], None] | None, **__: Any
    ) -> list[MeasuredWay]:
        for way in found if known is not None else []:
            known(way)
        return found

    monkeypatch.setattr(measuring, "measure_ways", measure)
    ran = run("measure", "squeezenet1_1", "--device", "cpu", "--threads", "1", "--batch", "8")
    assert ran.code == 0
    assert "at 3x224x224: batch 8, cpu, 1 thread, median of 15 runs" in " ".join(ran.out.split())
    rows = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert "eager 2.00 3.0 MiB 0" in rows
    assert "onnxruntime 1.00 2e-06" in rows
    assert "openvino: openvino is not installed" in rows
    command = "archdsl compile squeezenet1_1 -o squeezenet.onnx"
    assert f"take onnxruntime: {command}" in rows
    ran = run("measure", "squeezenet1_1", "--device", "cpu", "--set", "classes=7")
    wanted = "archdsl compile squeezenet1_1 --set classes=7 -o squeezenet.onnx"
    assert wanted in " ".join(ran.out.split())
    plain = json.loads(run("measure", "squeezenet1_1", "--device", "cpu", "--json").out)
    assert plain["take"] == ONNX and plain["ways"][0]["memory"] == 3 * 2**20


@pytest.mark.slow
def test_compiled_ways_in_processes_of_their_own(run: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "tiny.arch"
    path.write_text(TINY)
    ran = run("measure", str(path), "--device", "cpu", "--threads", "1", "--runs", "2", "--json")
    found = {way.pop("way"): way for way in json.loads(ran.out)["ways"]}
    assert ran.code == 0 and list(found) == list(WAYS)
    for way in [*WAYS[:-1], *([OPENVINO] if "seconds" in found[OPENVINO] else [])]:
        assert found[way]["difference"] < 1e-4, (way, found[way])
        assert found[way]["memory"] is not None or not ways.STATUS.exists()
