"""docs/own-training.md: its search is run as its users run it, and one that hangs; the trainings
by libraries, too."""

import os
import subprocess
import sys
from pathlib import Path

import optuna
import pytest
from fences import ROOT, fences

import archdsl
from archdsl.extensions import run_file

PAGE = ROOT / "docs" / "own-training.md"
NAMES = ("sorter.arch", "sorter.search", "my_training.py")


def written(folder: Path) -> None:
    for fence in fences(PAGE):
        name = fence.after("file")
        if name in NAMES:
            (folder / name).write_text(fence.text)


def search(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    call = [sys.executable, "-m", "archdsl", "search", "sorter.search", *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(call, cwd=folder, env=environment, text=True, capture_output=True)


@pytest.mark.slow
def test_the_search_of_the_page(tmp_path: Path) -> None:
    written(tmp_path)
    ran = search(tmp_path)
    assert ran.returncode == 1 and "error[A731]" in ran.stderr and "--allow-python" in ran.stderr
    assert not (tmp_path / "sorter.study").exists()
    ran = search(tmp_path, "--allow-python", "my_training.py")
    assert ran.returncode == 0, ran.stderr
    assert "depth 4" in ran.stdout and "test " in ran.stdout and "best: depth = " in ran.stdout
    study = archdsl.study(tmp_path / "sorter")
    assert len(study.rows) == 8 and study.verdict is not None
    study.save(tmp_path / "page.html")
    assert "your own data from my_training.py" in (tmp_path / "page.html").read_text()


@pytest.mark.slow
def test_a_training_that_hangs(tmp_path: Path) -> None:
    """Its worker ends and another begins, whatever it hangs in."""
    written(tmp_path)
    (tmp_path / "my_training.py").write_text(
        "import time\n"
        "def train(candidate):\n"
        "    while candidate.number == 1: time.sleep(1)\n"
        "    return 0.5 + candidate.seed / 1e6\n"
    )
    options = ["--allow-python", "my_training.py", "--trial-timeout", "3s"]
    ran = search(tmp_path, *options)
    assert ran.returncode == 0, ran.stderr
    assert "timed out: it took longer than 3 s" in ran.stdout
    found = [row.failure for row in archdsl.study(tmp_path / "sorter").rows]
    assert found.count("timed out") >= 1 and found.count("") >= 4


@pytest.mark.slow
@pytest.mark.parametrize("library", ["lightning", "trainer"])
def test_a_training_by_a_library(library: str, tmp_path: Path) -> None:
    """The search takes its scores, keeps what it says of each example and the weights of the best;
    and a training that is pruned ends."""
    pytest.importorskip({"trainer": "transformers"}.get(library, library))
    written(tmp_path)
    file = ROOT / "docs" / "examples" / f"my_{library}.py"
    text = (tmp_path / "sorter.search").read_text()
    for old, new in (
        ("my_training.py", str(file)),
        ("epochs = 3", "epochs = 2"),
        ("trials 4", "trials 2"),
    ):
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "sorter.search").write_text(text)
    with archdsl.Search(tmp_path / "sorter.search", study=tmp_path / "sorter") as search:
        search.run()
        assert "depth 2: " in search.words and "depth 4: " in search.words
    rows = archdsl.study(tmp_path / "sorter").rows
    assert [(r.state, r.stage) for r in rows] == [("done", "explore")] * 2 + [
        ("done", "settle")
    ] * 4
    assert all(0 <= r.test <= 1 and len(r.examples) > 0 for r in rows[2:] if r.test is not None)
    assert any(r.weights for r in rows)

    with archdsl.Search(tmp_path / "sorter.search") as search:
        candidate = search.ask()
        assert candidate is not None
        steps: list[int] = []

        def stop(step: int, score: float) -> None:
            steps.append(step)
            raise optuna.TrialPruned

        candidate.on_report = stop
        with pytest.raises(optuna.TrialPruned):
            run_file(file, library).train(candidate)
        assert steps == [1]
