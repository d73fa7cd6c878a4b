"""A network that settles keeps what it says of each example; old studies are read without."""

from dataclasses import replace

import numpy as np
import pytest
from fake_training import CPU, begun

from archdsl.search.outcome import question, results, verdict
from archdsl.search.plan import arms_to_settle, queue_exploration, queue_settling
from archdsl.search.reach import survey
from archdsl.search.rows import EXPLORE, SETTLE
from archdsl.search.study import Study
from archdsl.search.worker import Worker
from archdsl.training.examples import packed, right_of

ASKED = "vary depth in {1, 2}\ntrain epochs = 1, lr = 0.1, batch = 256\ntrials 2\nseeds 1 then 2\n"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study of four settled networks, trained for an epoch each."""
    made = begun(tmp_path_factory.mktemp("examples") / "of", ASKED)
    queue_exploration(made, survey(made.space))
    worker = Worker(made, CPU)
    worker.run(0)
    made.stage = SETTLE
    queue_settling(made, arms_to_settle(made))
    worker.run(0)
    return made


def test_examples_agree_with_the_scores(study: Study) -> None:
    settled = study.rows(SETTLE)
    assert len(settled) == 4
    for row in settled:
        assert right_of(row.examples).mean() == pytest.approx(row.accuracy)
        assert right_of(row.test_examples).mean() == pytest.approx(row.test)
        assert (len(row.examples), len(row.test_examples)) == (359, 359)
    assert not any(row.examples for row in study.rows(EXPLORE))


def test_results_have_them_in_the_unit_of_the_score(study: Study) -> None:
    found = results(study)
    for result in found:
        if result.settled:
            assert result.examples is not None and result.test_examples is not None
            assert len(result.examples) == 718, "those of validation and of test data"
            assert np.mean(result.examples) == pytest.approx(result.score)
            assert np.mean(result.test_examples) == pytest.approx(result.test)
            assert result.examples[359:].tolist() == result.test_examples.tolist()
            assert result.losses is not None and len(result.losses) == 718
            assert result.losses.mean() == pytest.approx(result.loss, rel=0.02)
            assert result.test_loss == pytest.approx(result.losses[359:].mean())
        else:
            assert result.examples is None
    (contrast,) = (part.contrast for part in verdict(study).slices)
    assert contrast is not None and contrast.examples == 718 and contrast.loss is not None
    assert verdict(study).question.both


def test_test_data_that_are_not_known_of_all_are_not_judged(study: Study) -> None:
    rows = study.rows()
    last = max(i for i, row in enumerate(rows) if row.stage == SETTLE)
    rows[last] = replace(rows[last], test_examples=b"")
    said = verdict(study, rows)
    (contrast,) = (part.contrast for part in said.slices)
    assert contrast is not None and contrast.examples == 359 and not said.question.both


def test_the_question_says_what_the_results_are_of(study: Study) -> None:
    """Of validation and test data where both are known of each network, and else of the former."""
    rows = study.rows()
    assert question(study.search, results(study, rows)).both
    lone = [replace(r, examples=b"") if r.stage == SETTLE and r.seed == 1001 else r for r in rows]
    found = results(study, lone)
    assert not question(study.search, found).both
    settled = [row for row in lone if row.stage == SETTLE]
    assert [r.score for r in found if r.settled] == [row.values[0] for row in settled]


def test_a_study_without_examples_is_judged_by_its_scores(study: Study) -> None:
    rows = [replace(row, examples=b"", test_examples=b"") for row in study.rows()]
    (contrast,) = (part.contrast for part in verdict(study, rows).slices)
    assert contrast is not None and contrast.examples is None and contrast.loss is None


def test_examples_are_read_as_they_were_written(study: Study) -> None:
    row = study.rows(SETTLE)[0]
    text = study.tables.values_of(study.part_id(SETTLE, row.slice), "examples")
    assert row.examples in {packed(t) for t in text.values()}
