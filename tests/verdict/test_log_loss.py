"""The log-loss beside the accuracy: where it decides, where it disagrees, and what it may claim."""

from dataclasses import replace

import numpy as np
import pytest
from crossed import World, beside

from archdsl.verdict import Question, Result, from_json, judge, to_json, words
from archdsl.verdict.answer import Verdict
from archdsl.verdict.model import DEPENDS

EXAMPLES, SEEDS = 200, 6
LUCK = {10: (0, 7, -4, 5, -6, -2), 40: (-3, 5, 6, -7, 3, -4)}  # of a seed, in examples


def studied(
    right: float = 0.0, loss: float = 0.0, *, slice: str = "5M macs", kind: str = "", seed: int = 0
) -> list[Result]:
    """Two depths, each settled on six seeds: by how much the deep one is right more often, and its
    log-loss higher. Examples are right by chance, losses vary by a tenth of what they are."""
    rng = np.random.default_rng(seed)
    common = rng.uniform(0.1, 0.5, EXAMPLES)
    found = []
    for depth in (10, 40):
        more = 1 if depth == 40 else 0
        like = Result(slice, 5e6, f"depth = {depth}", depth, 40 / depth, 0, 0.5, kind=kind)
        found.append(like)
        for k in range(1, SEEDS + 1):
            said = np.zeros(EXAMPLES)
            said[: round(EXAMPLES * (0.9 + more * right)) + LUCK[depth][k - 1]] = 1
            lost = common + more * loss + rng.normal(0, 0.03, EXAMPLES)
            found.append(
                replace(like, seed=k, score=float(said.mean()), settled=True,
                        examples=np.roll(said, 30 * k), loss=float(lost.mean()), losses=lost)
            )  # fmt: skip
    return found


def told(results: list[Result], **asked: object) -> Verdict:
    return judge(results, Question(**asked), resamples=0)  # type: ignore[arg-type]


def on_test(results: list[Result], test: float, loss: float) -> list[Result]:
    """The same with test data on which the deep arm has so much more accuracy, and loss."""
    return [
        replace(r, test=0.9 + deep * test, test_loss=0.3 + deep * loss) if r.settled else r
        for r in results
        for deep in (r.depth == 40,)
    ]


def test_the_log_loss_decides_what_the_accuracy_leaves_open() -> None:
    found = told(studied(0.005, -0.02))
    (part,) = found.slices
    assert (part.word, part.by) == ("deeper", "loss")
    loss = part.contrast.loss  # type: ignore[union-attr]
    assert loss is not None and loss.agrees and loss.claims
    assert loss.difference == pytest.approx(-0.02, abs=0.005) and loss.corrected < 0.001
    assert part.contrast.corrected > 0.3  # type: ignore[union-attr]
    text = words(found)
    assert "At 5M multiply-adds, depth 40 beats depth 10 by the log-loss, lower by 0.0" in text
    assert "(6 seeds each, p < 0.001); its accuracy is higher by 0.5 ± " in text
    assert "which alone shows no difference; a repetition can expect 0.0" in text
    assert from_json(to_json(found)) == found


def test_where_they_disagree_nothing_is_claimed_by_the_log_loss() -> None:
    found = told(studied(-0.005, -0.02))
    (part,) = found.slices
    assert (part.word, part.by) == ("no evidence", None)
    text = words(found)
    assert "there is no evidence of a difference between depth 10 and depth 40" in text
    assert "\n  the log-loss of depth 40 is lower by 0.0" in text
    assert "(p < 0.001), but the accuracy is not higher: nothing is claimed by it" in text


@pytest.mark.parametrize(
    ("test", "loss", "why"),
    [
        (-0.01, -0.02, "but the accuracy on test data is not higher"),
        (0.01, 0.02, "but not on test data"),
    ],
)
def test_nor_where_test_data_disagree(test: float, loss: float, why: str) -> None:
    found = told(on_test(studied(0.005, -0.02), test, loss))
    assert found.slices[0].word == "no evidence" and why in words(found)


def test_where_test_data_agree_it_is_said() -> None:
    found = words(told(on_test(studied(0.005, -0.02), 0.01, -0.0231)))
    assert found.split("\n")[0].endswith("; test data agree: 0.0231.")
    found = words(told(on_test(studied(0.06), 0.05, 0.01)))
    assert " points; test data agree: 5.0 points." in found
    found = words(told(on_test(studied(0.06), 0.0, 0.01)))
    assert " points; test data show no difference." in found


def test_the_accuracy_decides_where_it_can() -> None:
    same, opposite = told(studied(0.06, -0.02)), told(studied(0.06, 0.02))
    for found, says in ((same, "the same"), (opposite, "the opposite")):
        (part,) = found.slices
        assert (part.word, part.by) == ("deeper", "accuracy")
        assert f"(p < 0.001): it says {says}" in words(found)
        assert "depth 40 beats depth 10 by 6.0" in words(found)


def test_an_error_is_read_the_other_way_round() -> None:
    rows = [replace(r, score=1 - r.score, examples=None if r.examples is None else 1 - r.examples)
            for r in studied(0.005, -0.02) if r.score is not None]  # fmt: skip
    found = told(rows, maximize=False, measure="error")
    assert (found.slices[0].word, found.slices[0].by) == ("deeper", "loss")
    assert "its error is lower by 0.5" in words(found)


def test_within_the_target_that_is_the_answer() -> None:
    found = told(studied(0.005, -0.02), target=0.2)
    assert (found.slices[0].word, found.slices[0].by) == ("equivalent", "accuracy")
    assert "\n  the log-loss of depth 40 is lower by" in words(found)


def test_without_the_loss_of_each_example_nothing_changes() -> None:
    rows = studied(0.005, -0.02)
    without = [replace(r, loss=None, losses=None) for r in rows]
    missing = [replace(r, losses=None) if r.settled and r.seed == 3 else r for r in rows]
    assert told(missing) == told(without)
    assert told(without).slices[0].contrast.loss is None  # type: ignore[union-attr]


def test_folds_are_compared_fold_by_fold() -> None:
    rows = [replace(r, fold=r.seed) if r.settled else r for r in studied(0.005, -0.02)]
    found = told(rows, folds=6)
    assert (found.slices[0].word, found.slices[0].by) == ("deeper", "loss")


def test_the_average_over_budgets() -> None:
    rows = [r for n in (1, 2) for r in studied(0.005, -0.02, slice=f"{n}M macs", seed=n)]
    rows = [replace(r, budget=float(r.slice[0])) for r in rows]
    average = told(rows).average
    assert average is not None and (average.word, average.by) == ("deeper", "loss")
    text = words(told(rows))
    assert "the best deep shapes beat the best wide ones by the log-loss, lower by 0.0" in text
    assert "their accuracy is higher by 0.5 ± " in text


def test_kinds_that_answer_otherwise_have_no_average() -> None:
    """In JSON as in words."""
    rows = studied(0.06, slice="5M macs with act relu", kind="act relu")
    rows += studied(-0.06, slice="5M macs with act silu", kind="act silu", seed=1)
    found = told(rows)
    assert [part.word for part in found.slices] == ["deeper", "wider"]
    assert found.average is not None
    assert (found.average.word, found.average.by) == (DEPENDS, None)
    assert "there is no one answer" in words(found)


def test_together_they_claim_no_more_than_one_alone() -> None:
    """Where nothing differs in at most one study of twenty, and what is there in more of them."""
    nothing = beside(World(360, 5, 0.16, losses=True), 150, seed=1)
    assert nothing.both <= 0.05 + 3 * (0.05 * 0.95 / 150) ** 0.5
    better = beside(World(360, 5, 0.0, losses=True, better=1.0), 80, seed=2)
    assert better.both >= better.alone + 0.05
    assert -better.loss > 1.2 * better.accuracy


def test_a_difference_without_spread_is_no_interval_of_rounding() -> None:
    """Each example of an arm has one loss, 0.3 or 0.4, to the last bit but one."""
    results = [
        replace(r, loss=lost, losses=np.full(EXAMPLES, lost)) if r.settled else r
        for r in studied(0.005)
        for lost in (0.3 + 0.1 * (r.depth == 40),)
    ]
    loss = told(results).slices[0].contrast.loss  # type: ignore[union-attr]
    assert loss is not None and loss.interval is None
    assert loss.difference == pytest.approx(0.1) and loss.p > 0.001
    assert "e-" not in words(told(results)) and "0.1000000" not in words(told(results))


def test_one_example_is_no_interval() -> None:
    results = [
        replace(r, score=1.0, examples=np.ones(1), loss=None, losses=None) if r.settled else r
        for r in studied()
    ]
    found = told(results)
    assert [arm.interval for arm in found.slices[0].arms] == [None, None]
    assert "100 %" in words(found)
