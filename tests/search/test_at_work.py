"""What is told of a training while it runs: by its worker, in the live view, on the live page."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from searches import TINY

import archdsl
from archdsl import parse
from archdsl.report.answer import at_work as on_page
from archdsl.report.facts import gather
from archdsl.report.page import report_page
from archdsl.search import at_work
from archdsl.search.at_work import said
from archdsl.search.changes import Changes
from archdsl.search.rows import Row
from archdsl.training.outcome import TrainingStep

TEXT = """search asked
spec a
vary depth in {1, 2}
train with "mine.py", epochs = 4
tune lr in 0.1..1
trials 4
"""
NOW = datetime(2026, 1, 1)


def test_a_worker_notes_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(at_work, "EVERY", 0.0)
    (tmp_path / "mine.py").touch()
    (tmp_path / "asked.search").write_text(TEXT)
    spec = parse(TINY, "a.arch")
    with archdsl.Search(tmp_path / "asked.search", spec, study=tmp_path / "x") as search:
        waiting = report_page(gather(search._study), live=True)
        assert "its workers are loading pytorch" in waiting.lower()
        candidate = search.ask()
        assert candidate is not None
        candidate.report(1, 0.5)
        changes = Changes(search._study)
        changes.look()
        (row,) = changes.at_work("explore")
        assert row.reached[:2] == (1.0, 0.5) and 0 <= row.reached[2] < 60 and row.started
        facts = gather(search._study)
        (line,) = on_page(facts, row.started + timedelta(seconds=9))
        assert line.startswith(f"trial {row.called}, {row.shape}")
        assert ": epoch 1/4, accuracy 50.00 %, " in line and line.endswith(" left")
        page = report_page(facts, live=True)
        assert "epoch 1/4, accuracy 50.00 %" in page and "loading PyTorch" not in page
        search.tell(candidate, 0.5)
        (ended,) = changes.look()
        assert ended.knobs == candidate.architecture.shown_knobs
        assert changes.at_work("explore") == []


class Noted:
    """A trial that keeps what is written of it."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def set_user_attr(self, name: str, value: Any) -> None:
        assert name == "reached"
        self.values.append(value)


def test_notes_are_not_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is a transaction."""
    now = 0.0
    monkeypatch.setattr(at_work.time, "monotonic", lambda: now)
    trial = Noted()
    note = at_work.Note(trial)
    for epoch, now in (1, 0.4), (2, 1.2), (3, 1.3):  # noqa: B007, the clock reads it
        note.epoch(epoch, 0.25, 1.5)
    now = 2.25
    note.epoch(4, float("nan"), 1.5)
    note.epoch(5, 0.75)
    assert trial.values == [[2, 0.25, 1.2, 1.5], [5, 0.75, 2.25]]


def test_steps_are_noted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in the first epoch, which has no score yet; the loss is read where it is noted alone."""
    now, read = 0.0, []
    monkeypatch.setattr(at_work.time, "monotonic", lambda: now)

    class Total:
        def __float__(self) -> float:
            read.append(now)
            return 8.0

    trial = Noted()
    note, said = at_work.Note(trial), list[TrainingStep]()
    say = at_work.seldom(said.append)
    for done in range(1, 4):
        now += 0.6
        step = TrainingStep(1, done, 3, Total())  # type: ignore[arg-type]
        note.step(step)
        say(step)
    note.epoch(1, 0.5, 0.25)
    now += 0.6
    note.step(TrainingStep(2, 1, 3, 6.0))
    assert trial.values == [[0.5, None, 1.2, 4.0], [1.25, 0.5, 2.4, 6.0]]
    assert read == [1.2] and [step.done for step in said] == [2]
    assert TrainingStep(*said[0].said()) == TrainingStep(1, 2, 3, 8.0)


def row(*reached: float | None) -> Row:
    started = NOW - timedelta(seconds=30)
    return Row(0, "all", "explore", "running", reached=reached, started=started)


@pytest.mark.parametrize(
    "reached, name, epochs, words",
    [
        ((), "accuracy", 8, ["epoch 0/8", "for 30 s"]),
        ((), "mae", None, ["begun", "for 30 s"]),
        ((2, 0.5, 20, 2), "accuracy", 8, ["epoch 2/8", "accuracy 50.00 %", "50 s left", "loss 2"]),
        ((2.5, 0.5, 20, 2), "accuracy", 8,
         ["epoch 2.50/8", "accuracy 50.00 %", "34 s left", "train loss 2"]),
        ((0.25, None, 20, 2), "accuracy", 8, ["epoch 0.25/8", "10 min 10 s left", "train loss 2"]),
        ((2, 0.5, 20), "error", 8, ["epoch 2/8", "error 50.00 %", "50 s left"]),
        ((8, 1.25, 29, 1.25), "loss", 8, ["epoch 8/8", "loss 1.25", "0 s left"]),
        ((3, 7.5, 20), "mae", None, ["step 3", "mae 7.5", "for 30 s"]),
    ],
)  # fmt: skip
def test_how_far_in_words(reached: Any, name: str, epochs: int | None, words: list[str]) -> None:
    assert said(row(*reached), name, epochs, NOW) == words
