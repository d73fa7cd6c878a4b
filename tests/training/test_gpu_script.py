"""`benchmarks/gpu.sh`: what it does on a GPU machine is tried here, in sizes for a processor."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu.sh"
PARTS = (
    "The same numbers",
    "Ways to train",
    "Two workers on one device",
    "Memory over its estimate",
    "Latency as a budget",
    "Against torchvision, compiled",
)


@pytest.mark.slow
def test_every_part_has_its_figures(tmp_path: Path) -> None:
    ran = subprocess.run(
        ["bash", str(SCRIPT), "run", "--tiny"],
        env={
            **os.environ,
            "PYTHON": sys.executable,
            "OMP_NUM_THREADS": "1",
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
        },
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    parts = dict(part.split("\n", 1) for part in ran.stdout.split("\n### ")[1:])
    assert tuple(parts) == PARTS
    assert "float64: results within 0, gradients within 0 of the CPU's" in parts[PARTS[0]]
    assert parts[PARTS[1]].count("images a second") == 4
    assert "s from start to verdict; best depth = " in parts[PARTS[2]]
    assert parts[PARTS[4]].count("latency") >= 2
    assert parts[PARTS[5]].count("images a second") == 2


def test_without_a_word_it_says_how_to_call_it() -> None:
    ran = subprocess.run(["bash", str(SCRIPT)], capture_output=True, text=True)
    assert ran.returncode == 2
    assert "benchmarks/gpu.sh pack [PYTHON]" in ran.stderr
