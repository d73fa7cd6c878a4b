"""Verdicts on what may come: few results, equal ones, failed ones, none."""

import json
from dataclasses import replace
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from studies import in_slices, study

from archdsl.verdict import Question, Result, Verdict, from_json, judge, to_json, words


def verdict(results: list[Result], question: Question = Question()) -> Verdict:  # noqa: B008
    """The verdict, which can be written down, read again, and told."""
    found = judge(results, question, resamples=99)
    text = json.dumps(to_json(found), allow_nan=False)
    assert from_json(json.loads(text)) == found
    assert "nan" not in words(found) and "None" not in words(found)
    return found


def arms(
    wide: list[float | None], deep: list[float | None], slice: str = "s", budget: float = 1
) -> list[Result]:
    """A slice with two shapes, explored once and settled with these scores."""
    found = []
    for depth, scores in ((10, wide), (40, deep)):
        shape = f"depth = {depth}"
        found.append(Result(slice, budget, shape, depth, 40 / depth, 0, 0.5))
        for seed, score in enumerate(scores, 1):
            found.append(Result(slice, budget, shape, depth, 40 / depth, seed, score, True))
    return found


LOW, HIGH = [0.80, 0.81, 0.82, 0.80], [0.90, 0.92, 0.91, 0.90]


def test_figures() -> None:
    (found,) = verdict(arms(LOW, HIGH)).slices
    assert found.word == "deeper" and found.best == "depth = 40" and found.why is None
    deep, wide = found.arms
    assert (deep.shape, deep.depth, deep.seeds, deep.failed) == ("depth = 40", 40, 4, 0)
    assert deep.mean == pytest.approx(0.9075) and deep.sd == pytest.approx(np.std(HIGH, ddof=1))
    assert wide.interval is not None
    assert wide.interval == pytest.approx(
        tuple(stats.ttest_1samp(LOW, 0).confidence_interval(0.975)), abs=1e-3
    )
    contrast = found.contrast
    expected = stats.ttest_ind(HIGH, LOW, equal_var=False)
    assert contrast is not None
    assert contrast.difference == pytest.approx(0.1)
    assert contrast.p == contrast.corrected == pytest.approx(expected.pvalue)
    interval = pytest.approx(tuple(expected.confidence_interval()))
    assert contrast.interval == interval and contrast.simultaneous == interval
    assert contrast.seeds_observed == 2 and contrast.seeds_target == 59
    assert found.wide == ("depth = 10",) and found.deep == ("depth = 40",)
    assert verdict(arms(LOW, HIGH)).average is None


def test_what_is_minimised() -> None:
    loss = Question(maximize=False, measure="loss")
    (found,) = verdict(arms(LOW, HIGH), loss).slices
    assert found.word == "wider" and found.best == "depth = 10"
    assert found.contrast is not None and found.contrast.difference == pytest.approx(0.1)


def test_categories_are_named() -> None:
    kinds = [replace(r, depth=None, width=None) for r in arms(LOW, HIGH)]
    (found,) = verdict(kinds, Question(ordered=False)).slices
    assert found.word == "depth = 40"
    assert found.optimum is None and found.wide == ()
    assert verdict(kinds, Question(ordered=False)).growth is None


def test_equal_scores_are_no_evidence() -> None:
    (found,) = verdict(arms([0.7] * 5, [0.7] * 5)).slices
    assert found.word == "no evidence" and found.contrast is not None
    assert found.contrast.p == 1 and found.contrast.interval is None
    assert found.contrast.seeds_target is None, "no spread was seen to count them from"
    assert found.contrast.seeds_observed is None and found.contrast.bootstrap is None


def test_scores_without_spread_need_four_seeds() -> None:
    """A permutation test of three and three has no p-value below a tenth."""
    for seeds, word in ((3, "no evidence"), (4, "deeper")):
        (found,) = verdict(arms([0.7] * seeds, [0.8] * seeds)).slices
        assert found.word == word and found.contrast is not None
        assert found.contrast.interval is None


@pytest.mark.parametrize(
    ("wide", "deep", "why"),
    [
        ([0.8], [0.9] * 3, "there are 1 of depth = 10"),
        ([], [], "there are 0 of depth = 40, 0 of depth = 10"),
        ([None] * 5, [0.9] * 5, "there are 0 of depth = 10"),
        ([None, 0.8, None], [0.9, 0.8], "there are 1 of depth = 10"),
    ],
)
def test_too_few_fresh_results(wide: list, deep: list, why: str) -> None:
    (found,) = verdict(arms(wide, deep)).slices
    assert found.word == "not settled" and found.contrast is None
    assert found.why == f"a comparison needs 2 fresh results of each shape; {why}"


def test_one_shape_and_none() -> None:
    shape = [r for r in arms(LOW, HIGH) if r.depth == 10]
    (found,) = verdict(shape).slices
    assert (found.word, found.why) == (
        "not settled",
        "only one shape has a training run that succeeded",
    )
    assert found.best == "depth = 10" and found.arms[0].seeds == 4
    (found,) = verdict([Result("s", 1, "depth = 10", 10, 1, 0, None)]).slices
    assert (found.word, found.why) == ("not settled", "no explored training run succeeded")
    assert found.best is None and found.arms == ()
    assert verdict([]).slices == ()


def test_failures_are_counted_and_left_out() -> None:
    (found,) = verdict(arms([*LOW, None, None], HIGH)).slices
    (plain,) = verdict(arms(LOW, HIGH)).slices
    assert found.arms[1].failed == 2 and found.arms[1].seeds == 4
    assert found.contrast == plain.contrast


def test_a_slice_that_is_not_settled_costs_the_others_nothing() -> None:
    alone = verdict(arms(LOW, HIGH, "5M", 5)).slices[0]
    both = verdict([*arms(LOW, HIGH, "5M", 5), *arms([0.8], [0.9], "10M", 10)])
    assert both.slices[0] == alone
    assert [s.word for s in both.slices] == ["deeper", "not settled"] and both.average is None


def of_depths(
    budgets: tuple[tuple[int, ...], ...], settled: tuple[tuple[int, ...], ...], best: int = 16
) -> list[Result]:
    """Budgets with the depths that were explored, and those that have fresh seeds. Depth ``best``
    is the best, and then the one next to it."""
    found = []
    for budget, (explored, fresh) in enumerate(zip(budgets, settled, strict=True), 1):
        for depth in explored:
            like = Result(f"{budget}M", budget, f"depth = {depth}", depth, 2**budget / depth, 0, 0)
            score = 0.9 - abs(depth - best) / 1000
            found.append(replace(like, score=score))
            for seed in range(1, 7) if depth in fresh else ():
                luck = (-1) ** seed * 0.001 * (1 + depth / 100)
                found.append(replace(like, score=score + luck, seed=seed, settled=True))
    return found


def compared(results: list[Result], question: Question = Question()) -> list[list[str]]:  # noqa: B008
    """The depths of each slice that has a comparison."""
    said = verdict(results, question)
    return [
        [arm.shape.removeprefix("depth = ") for arm in part.arms] if part.contrast else []
        for part in said.slices
    ]


def test_a_verdict_is_of_what_was_settled() -> None:
    """Exploration that went on may name another contender: it has no fresh seeds, and the study
    keeps the answer that it has. With fresh seeds the contender is compared."""
    budgets = ((10, 16, 22, 28), (10, 16, 22, 28))
    assert compared(of_depths(budgets, ((16, 22), (16, 22)))) == [["22", "16"]] * 2
    assert compared(of_depths(budgets, ((16, 28), (10, 22)))) == [["28", "16"], ["22", "10"]]
    assert compared(of_depths(budgets, ((16, 22, 28), (10, 22, 28)))) == [
        ["22", "16"], ["22", "10"],
    ], "the best of each half"  # fmt: skip
    assert compared(of_depths(budgets, ((16,), (10, 16)))) == [[], []], "one half alone"
    two = Question(arms=3)
    assert compared(of_depths(budgets, ((10, 16, 22), (10, 16, 28))), two) == [
        ["22", "16", "10"], ["28", "16", "10"],
    ]  # fmt: skip
    kinds = Question(ordered=False)
    assert compared(of_depths(budgets, ((10, 28), (16, 28))), kinds) == [["10", "28"], ["16", "28"]]


def test_halves_of_all_budgets_take_no_answer_away() -> None:
    """The first budget settled the best of its own halves; over all budgets 22 is wide, too."""
    budgets = ((10, 16, 22, 28), (16, 22, 28, 40), (10, 16, 28, 40))
    said = verdict(of_depths(budgets, ((16, 22), (16, 28), (16, 28))))
    assert [[a.shape for a in part.arms] for part in said.slices] == [
        ["depth = 22", "depth = 16"], ["depth = 28", "depth = 16"], ["depth = 28", "depth = 16"],
    ]  # fmt: skip
    assert [part.word for part in said.slices] == ["wider"] * 3
    assert said.slices[0].deep == ("depth = 22", "depth = 28"), "those that were compared"
    assert said.average is not None and said.average.slices == 3
    both = verdict(of_depths(budgets, ((16, 22, 28), (16, 28), (16, 28))))
    assert [a.shape for a in both.slices[0].arms] == ["depth = 28", "depth = 16"]
    assert both.slices[0].deep == ("depth = 28",)


def test_what_was_begun_is_not_compared_yet() -> None:
    """A fresh training that failed counts as one: scores do not decide what is compared."""
    budgets = ((10, 16, 22, 28),)
    found = of_depths(budgets, ((16, 28),))
    like = next(r for r in found if r.shape == "depth = 22")
    begun = [replace(like, seed=seed, settled=True, score=None) for seed in (1, 2)]
    assert compared([*found, begun[0]]) == [["28", "16"]]
    assert compared([*found, *begun]) == [[]]


def test_the_average_of_slices() -> None:
    found = verdict([*arms(LOW, HIGH, "5M", 5), *arms(HIGH, LOW, "10M", 10)])
    assert [s.word for s in found.slices] == ["deeper", "wider"]
    assert found.average is not None and found.average.word == "no evidence"
    assert found.average.difference == pytest.approx(0, abs=1e-12) and found.average.slices == 2
    found = verdict([*arms(LOW, HIGH, "5M", 5), *arms(LOW, HIGH, "10M", 10)])
    assert found.average is not None and found.average.word == "deeper"
    assert found.average.corrected < found.slices[0].contrast.corrected  # type: ignore[union-attr]


def test_only_fresh_seeds_settle() -> None:
    results = arms(LOW, HIGH)
    stale = [replace(r, seed=0, score=0.1) for r in results if r.settled and r.seed == 1]
    assert verdict([*results, *stale]) == verdict(results)


def test_a_training_counts_once() -> None:
    results = arms(LOW, HIGH)
    assert verdict([*results, *results]) == verdict(results)
    failed = [replace(r, score=None) for r in results]
    assert verdict([*failed, *results]) == verdict([*results, *failed]) == verdict(results)


def test_test_scores_choose_nothing() -> None:
    results = arms(LOW, HIGH)
    other = [replace(r, test=0.6 if r.depth == 10 else 0.7) for r in results]
    plain, tested = verdict(results).slices[0], verdict(other).slices[0]
    assert [a.test for a in tested.arms] == pytest.approx([0.7, 0.6])
    assert tested.contrast is not None and tested.contrast.test == pytest.approx(0.1)
    assert tested.word == plain.word == "deeper" and not tested.contrast.withdrawn


def test_a_claim_that_test_data_turn_round_is_withdrawn() -> None:
    results = [replace(r, test=0.7 if r.depth == 10 else 0.6) for r in arms(LOW, HIGH)]
    found = verdict(results)
    (part,) = found.slices
    assert part.word == "no evidence" and part.contrast is not None and part.contrast.withdrawn
    said = words(found)
    assert "beats" not in said
    assert said.startswith("At s there is no answer: on validation data depth 40 is ahead of ")
    assert "on test data behind it by 10 points." in said
    both = [*results, *(replace(r, slice="t", budget=2) for r in results)]
    found = verdict(both)
    assert found.average is not None and found.average.withdrawn
    assert found.average.word == "no evidence" and "beat" not in words(found)


@pytest.mark.parametrize(
    ("wide", "deep", "figures"),
    [
        (
            [0.985, 0.99, 1.0],
            [0.97, 0.96, 0.98],
            "depth 40: 97.0 % (91.0 to 99.0); depth 10: 99.2 % (90.2 to 99.9)",
        ),
        ([1.0] * 3, [0.9833] * 3, "depth 40: 98.33 %; depth 10: 100 %"),
        ([0.0, 0.01, 0.03], [0.0] * 3, "depth 40: 0 %; depth 10: 1.3 % (0.1 to 20.6)"),
    ],
)
def test_a_mean_is_told_within_its_scale_and_without_an_interval_of_nothing(
    wide: list[float | None], deep: list[float | None], figures: str
) -> None:
    said = words(verdict(arms(wide, deep)))
    assert f"\n  {figures}\n" in said and "± 0" not in said


def test_an_interval_beyond_all_shares_is_not_written_out() -> None:
    """Two seeds each, far apart: 51.7 points, and nothing is known of them."""
    text = words(verdict(arms([1.0, 0.944], [0.30, 0.61])))
    assert "51.7 ± over 100 points (2 seeds each" in text


def test_scores_that_are_no_shares_have_the_digits_of_target_and_value() -> None:
    """A mean absolute error has no scale of its own; it is never below 0."""

    def told(scale: float, target: float, by: float = 0.0) -> str:
        results = [
            replace(r, score=(r.score + by) * scale)
            for r in arms([0.10, 0.30, 0.11, 0.13], [0.21, 0.19, 0.40, 0.17])
            if r.score is not None
        ]
        return words(verdict(results, Question(maximize=False, measure="mae", target=target)))

    text = told(1, 0.05)
    assert "0.08 ± 0.17 of mae" in text
    assert "would show 0.05 of mae" in text
    assert "depth 40: 0.24 (0.02 to 0.46); depth 10: 0.16 (0.00 to 0.36)" in text
    assert "depth 40: 0.00024 (" in told(0.001, 0.00005)
    assert "depth 40: 2425 (" in told(10000, 500)
    assert "depth 10: 0.19 (0.00 to 0.39)" in told(1, 0.05, 0.034), "from -0.0026"


@pytest.mark.parametrize("bad", [nan, inf])
def test_what_is_not_finite_is_no_result(bad: float) -> None:
    with pytest.raises(ValueError, match="it must be a finite number"):
        Result("s", 1, "a", 1, 1, 0, bad)


SCORE = st.one_of(st.none(), st.sampled_from([0.1, 0.5, 0.9]), st.floats(0, 1))
RESULT = st.builds(
    lambda budget, depth, **more: Result(
        f"{budget}M macs", budget, f"depth = {depth}", depth, 100 / depth, **more
    ),
    st.integers(0, 3),
    st.sampled_from([5, 10, 20, 40, 80]),
    seed=st.integers(0, 9),
    score=SCORE,
    settled=st.booleans(),
    setting=st.sampled_from(["", "lr = 0.1"]),
)


@given(st.lists(RESULT, max_size=80), st.booleans(), st.booleans())
def test_whatever_comes(results: list[Result], maximize: bool, ordered: bool) -> None:
    """There is a verdict, without a NaN, and it holds what it says."""
    agrees(verdict(results, Question(maximize, ordered=ordered)))


@pytest.mark.parametrize("seed", range(20))
def test_an_interval_excludes_zero_exactly_where_there_is_a_verdict(seed: int) -> None:
    rng = np.random.default_rng(seed)
    agrees(judge(study(rng, in_slices(1, 1, 1)), Question(), resamples=0))


def agrees(found: Verdict) -> None:
    parts = [(s.word, s.contrast) for s in found.slices if s.contrast is not None]
    for word, part in [*parts, *([(found.average.word, found.average)] if found.average else [])]:
        if part.interval is None:
            continue
        low, high = part.interval
        assert low <= part.difference <= high
        if abs(part.corrected - 0.05) > 1e-9:
            assert (low <= 0 <= high) == (word == "no evidence")
            assert (part.corrected < 0.05) == (word != "no evidence")


def test_a_claim_without_an_interval_has_two_digits() -> None:
    """All seeds agree: nothing is known of how they spread, and 0.1871 points is too exact."""
    found = []
    for depth, score in ((10, 0.9), (40, 0.903)):
        like = Result("", 0.0, f"depth = {depth}", depth, 40 / depth, 0, 0.9)
        found += [like, *(replace(like, seed=k, score=score, settled=True) for k in range(1, 6))]
    said = words(judge(found, Question(), resamples=0))
    assert "beats depth 10 by 0.3 points in every seed (5 seeds each" in said
    assert "; a repetition can expect 0.19 points" in said
