"""`folds 3`: a fresh seed of both arms is trained and judged on one of three parts of the data."""

from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import torch
from fake_training import CPU, begun, explored, lr_of_a_tenth, trainer
from searches import TINY, search_of

import archdsl
from archdsl import ArchError, parse
from archdsl.diagnostics.source import Source
from archdsl.search.asked import Asked
from archdsl.search.outcome import results, verdict
from archdsl.search.plan import arms_to_settle, queue_settling
from archdsl.search.reading import read_search
from archdsl.search.rows import SETTLE
from archdsl.search.worker import Worker
from archdsl.training.data import load
from archdsl.training.data.folds import fold
from archdsl.training.data.splits import Splits
from archdsl.training.sets import Digits

ASKED = """
vary depth in {1, 2}
train epochs = 1, lr = 0.1, batch = 256
trials 2
seeds 1 then 4
folds 3
"""


def test_folds_cut_all_but_the_test_data_in_parts() -> None:
    whole = load(Digits(), Path())
    parts = [fold(whole, number, 3) for number in (1, 2, 3)]
    assert [len(p.validation) for p in parts] == [480, 479, 479]
    assert [len(p.train) for p in parts] == [958, 959, 959]
    assert parts[1].which == ", fold 2 of 3", "which stands with the weights"
    assert [p.fold for p in parts] == [(1, 3), (2, 3), (3, 3)]
    assert all(p.test is whole.test for p in parts)
    judged = torch.cat([p.validation.images for p in parts]).flatten(1).sum(1).sort().values
    all_ = torch.cat([whole.train.images, whole.validation.images])
    assert judged.equal(all_.flatten(1).sum(1).sort().values), "each image judges once"
    counts = torch.stack([p.validation.labels.bincount() for p in parts])
    assert (counts.max(0).values - counts.min(0).values).max() <= 1, "class by class"
    assert fold(whole, 1, 3).digest == parts[0].digest != parts[1].digest


def test_a_fold_needs_images() -> None:
    whole = load(Digits(), Path())
    few = whole.train.at(range(3))
    small = type(whole)(few, few, lambda: few, 10)
    with pytest.raises(ArchError) as caught:
        fold(small, 1, 4)
    assert "6 images are too few for 4 folds" in caught.value.diagnostics[0].message


def test_seeds_go_round_the_folds(tmp_path: Path) -> None:
    study = explored(tmp_path / "of", ASKED)
    study.stage = SETTLE
    assert queue_settling(study, arms_to_settle(study)) == 8
    used: list[tuple[tuple[int, int] | None, int]] = []
    train = trainer(lr_of_a_tenth)

    def noting(arch: Any, splits: Splits, *rest: Any, **how: Any) -> Any:
        used.append((splits.fold, len(splits.validation)))
        return train(arch, splits, *rest, **how)

    with patch("os.fsync"):
        Worker(study, CPU, trainer=noting).run(0)
    turns = [(1, 480), (2, 479), (3, 479), (1, 480)]
    assert used == [((k, 3), size) for k, size in turns for _ in range(2)]
    settled = sorted(study.rows(SETTLE), key=lambda r: (r.shape, r.seed or 0))
    found = [(r.seed, r.fold) for r in settled]
    assert found == 2 * [(1001, 1), (1002, 2), (1003, 3), (1004, 1)]
    assert all(len(r.test_examples) == 359 for r in settled)
    assert [r.fold for r in results(study) if not r.settled] == [0, 0]
    (part,) = verdict(study).slices
    assert part.contrast is not None and part.contrast.folds == 3


def test_a_training_of_ones_own_is_told_its_fold() -> None:
    text = "search x\nspec wide_resnet\nvary depth in {10, 16}\nseeds 1 then 2\nfolds 2\ntrials 2\n"
    told: list[tuple[str, tuple[int, int] | None]] = []

    def train(asked: Asked) -> float:
        told.append((asked.stage, asked.fold))
        return 0.5 + asked.seed % 10 / 100

    archdsl.Search(text).run(train)
    assert told == [
        *[("explore", None)] * 2,
        *[("settle", (1, 2))] * 2,
        *[("settle", (2, 2))] * 2,
    ]


def test_a_lost_training_is_taken_up_on_its_fold(tmp_path: Path) -> None:
    text = "search x\nspec wide_resnet\nvary depth in {10, 16}\nseeds 1 then 3\nfolds 3\ntrials 2\n"
    folder = tmp_path / "x.study"
    with archdsl.Search(text, study=folder) as search:
        for _ in range(5):
            asked = search.ask()
            assert asked is not None
            search.tell(asked, 0.5)
        asked = search.ask()
        assert asked is not None and asked.fold == (2, 3)
    with archdsl.Search(text, study=folder, resume=True) as search:
        folds = []
        while (asked := search.ask()) is not None:
            folds.append(asked.fold)
            search.tell(asked, 0.5)
    assert sorted(map(str, folds)) == ["(2, 3)", "(3, 3)", "(3, 3)"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("folds 1", "a whole number from 2 to 100"),
        ("folds 101; seeds 1 then 9", "a whole number from 2 to 100"),
        ("folds 5", "`folds` trains fresh seeds on each split"),
        ("folds 5; seeds 2 then 1", "add `seeds 1 then 10`"),
        (
            "folds 5; seeds 1 then 5; maximize accuracy; minimize macs",
            "`folds` trains fresh seeds on each split",
        ),
    ],
)
def test_mistakes(text: str, expected: str) -> None:
    with pytest.raises(ArchError) as caught:
        search_of(f"vary depth\n{text}\n")
    (found,) = caught.value.diagnostics
    assert expected in found.message


def test_a_table_has_no_folds() -> None:
    text = 'search x\nspec a\nvary depth\ntrain with table "t.csv"\nseeds 1 then 5\nfolds 5\n'
    with pytest.raises(ArchError) as caught:
        read_search(Source("x.search", text), Path(), spec=parse(TINY, "a.arch"))
    assert "have no folds" in caught.value.diagnostics[0].message


def test_too_few_images_are_an_error_before_the_first_trial(tmp_path: Path) -> None:
    study = begun(tmp_path / "of", ASKED.replace("folds 3", "folds 100"))
    worker = Worker(study, CPU)
    few = worker.splits.train.at(range(50))
    worker.splits = type(worker.splits)(few, few, lambda: few, 10)
    with pytest.raises(ArchError, match="too few for 100 folds"):
        worker.run(0)
