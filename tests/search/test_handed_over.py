"""`archdsl.Search(..., data=...)`: archdsl trains on a data set that a program hands over."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import Dataset

import archdsl
from archdsl import ArchError, parse
from archdsl.registry import REGISTRY
from archdsl.search.snapshot import read_study
from archdsl.training.data.given import splits_of

SPEC = """arch a(depth = 1 in 1..4, classes = 10)
input 3x32x32
repeat depth { conv(4, 3) -> relu }
global_avgpool -> linear(classes)
"""
TEXT = """search given
spec a
vary depth in {1, 2}
train epochs = 2, batch = 16
tune lr in 0.01..1 log
seeds 1 then 2
trials 4
"""


class Halves(Dataset[tuple[torch.Tensor, int]]):
    """Signals of one class or the other, and what they are called."""

    classes = ["dark", "bright"]

    def __init__(self, shift: float = 1.0, count: int = 64) -> None:
        self.shift, self.count = shift, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, place: int) -> tuple[torch.Tensor, int]:
        noise = torch.randn(2, 8, 8, generator=torch.Generator().manual_seed(place))
        return noise + self.shift * (place % 2), place % 2


def search(data: Any, text: str = TEXT, **how: Any) -> archdsl.Search:
    return archdsl.Search(text, parse(SPEC, "a.arch"), data=data, **how)


def test_a_data_set_of_a_program_is_searched_on(tmp_path: Path) -> None:
    with search(Halves(), study=tmp_path / "x") as asked:
        with pytest.raises(ValueError, match=r"archdsl trains by itself: call `run\(\)`"):
            asked.ask()
        with pytest.raises(ValueError, match="leave out one of data and function"):
            asked.run(lambda candidate: 1.0)
        words = asked.run().words
        assert asked.stage == "done" and "depth 2: " in words and "test " in words
    study = archdsl.study(tmp_path / "x")
    rows = study.rows
    assert [(r.state, r.stage) for r in rows[:4]] == [("done", "explore")] * 4 and len(rows) == 8
    assert all(len(r.curve) == 2 and r.seconds is not None for r in rows)
    arch = study.architecture(study.best)
    assert arch.input == (2, 8, 8) and arch.output == (2,)
    study.save(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "were trained on a data set of a program, whose images are 2x8x8" in page
    with read_study(str(tmp_path / "x"), None, REGISTRY) as found:
        assert (found.search.data.task, found.search.data.values) == ("classification", "float32")
        with pytest.raises(ArchError, match="only the program that began the study has it"):
            found.search.data.load(Path())


def test_a_study_goes_on_with_the_same_data_alone(tmp_path: Path) -> None:
    splits = splits_of({"train": Halves(), "validation": Halves(count=16)})
    with search(splits, study=tmp_path / "x") as asked:
        asked._worker.work(next(iter(asked._study.parts.values())))
    with pytest.raises(ArchError) as caught:
        search(Halves(2.0), study=tmp_path / "x", resume=True)
    assert caught.value.diagnostics[0].code == "A712"
    with search(splits, study=tmp_path / "x", resume=True) as asked:
        asked.run()
    rows = archdsl.study(tmp_path / "x").rows
    assert len(rows) == 8 and {r.state for r in rows} == {"done"}
    assert all(r.test is None for r in rows), "there are no images to test on"


@pytest.mark.parametrize(
    "line, said",
    [
        ("data digits\n", "the program hands its data over: leave out `data`"),
        ('train with "mine.py"\n', "your own training brings its data"),
    ],
)
def test_data_are_said_once(line: str, said: str) -> None:
    text = TEXT.replace("train epochs = 2, batch = 16\n", "") + line
    with pytest.raises(ArchError, match=said) as caught:
        search(Halves(count=8), text)
    assert [d.code for d in caught.value.diagnostics] == ["A709"]


def test_what_is_no_data_set_is_refused() -> None:
    with pytest.raises(ArchError, match="fails: it is images and labels, and those"):
        search([1, 2, 3])
    with pytest.raises(ArchError, match="several data sets go by their parts"):
        search((Halves(), Halves()))


def test_a_training_that_fails_again_and_again_ends(tmp_path: Path) -> None:
    text = TEXT.replace("0.01..1 log", "1e30..1e38").replace("trials 4", "trials 8")
    with search(Halves(), text) as asked, pytest.raises(ArchError, match="5 trials in a row"):
        asked.run()
