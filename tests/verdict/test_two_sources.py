"""The variance of a difference: of seeds and of examples, and what would make it smaller."""

import numpy as np
import pytest
from scipy import stats

from archdsl.verdict import Question, Result, judge, words
from archdsl.verdict.contrast import average, variance, welch
from archdsl.verdict.crossed import (
    Sample,
    Sources,
    averaged,
    compared,
    examples_needed,
    honest,
    seeds_needed,
    share_interval,
    sources,
)


def drawn(rng: np.random.Generator, p: np.ndarray, seeds: int) -> Sample:
    """An arm that is right on each example with its own probability."""
    right = (rng.random((seeds, len(p))) < p).astype(float)
    return Sample(right.mean(axis=1).tolist(), right)


# ------------------------------------------------------------------ the difference


def test_one_image_is_no_evidence() -> None:
    """Five networks of one depth are wrong on an image where five of another are right: of
    seeds p = 0.008, of images there is one."""
    first = np.ones((5, 359))
    second = first.copy()
    second[:, 7] = 0
    a, b = (Sample(x.mean(axis=1).tolist(), x) for x in (first, second))
    assert welch(a.scores, b.scores).p == pytest.approx(2 / 252)
    found = compared(a, b)
    assert found.value == pytest.approx(1 / 359)
    assert found.error == pytest.approx(1 / 359) and found.p == pytest.approx(0.318, abs=1e-3)


def test_independent_flips_leave_what_welch_says() -> None:
    """Where arms differ on no example but by luck, nothing is added on average."""
    rng = np.random.default_rng(0)
    p = np.full(400, 0.9)
    ratios = []
    for _ in range(200):
        a, b = drawn(rng, p, 8), drawn(rng, p, 8)
        ratios.append(compared(a, b).error / welch(a.scores, b.scores).error)
    assert min(ratios) == pytest.approx(1) and np.mean(ratios) < 1.15


def test_examples_on_which_arms_differ_widen_the_interval() -> None:
    """Each arm is always right on its own half of the hard examples: no seed sees it."""
    rng = np.random.default_rng(1)
    easy = np.full(300, 0.98)
    a = drawn(rng, np.concatenate([easy, [1.0] * 30, [0.1] * 30]), 5)
    b = drawn(rng, np.concatenate([easy, [0.1] * 30, [1.0] * 30]), 5)
    found = sources(a, b)
    assert found.examples == 360
    assert found.own == pytest.approx(60 / 360 * 0.81, rel=0.2)
    assert compared(a, b).error > 2 * welch(a.scores, b.scores).error


def test_without_examples_it_is_welch() -> None:
    a, b = [0.9, 0.91, 0.93], [0.88, 0.9, 0.89, 0.91]
    assert compared(Sample(a), Sample(b)) == welch(a, b)
    assert sources(Sample(a), Sample(b)).examples is None


def test_examples_of_several_budgets_are_the_same_ones() -> None:
    """The same arms at two budgets: seeds are averaged, what examples add is not."""
    rng = np.random.default_rng(2)
    p = rng.random(2000)
    pair = drawn(rng, p, 400), drawn(rng, 1 - p, 400)
    again = drawn(rng, p, 400), drawn(rng, 1 - p, 400)
    alone = compared(*pair)
    assert averaged([pair, again]).error == pytest.approx(alone.error, rel=0.05)
    assert average([alone, compared(*again)]).error == pytest.approx(alone.error / 2**0.5, rel=0.05)
    scores = [(Sample(x.scores), Sample(y.scores)) for x, y in (pair, again)]
    assert averaged(scores) == average([compared(*pair) for pair in scores])


# ------------------------------------------------------------------- what would show it

UNIT = variance([1.0, -1.0, 1.0, -1.0])


@pytest.mark.parametrize(("effect", "seeds"), [(1, 17), (0.5, 64), (0.2, 394), (2, 6)])
def test_seeds_are_those_of_cohen(effect: float, seeds: int) -> None:
    """Cohen (1988), table 2.4.1: two-sided, 5 %, 80 % power."""
    found = seeds_needed(effect * UNIT**0.5, Sources(UNIT, UNIT), 0.05)
    assert found is not None and seeds <= found <= seeds * 1.02


def test_seeds_show_what_they_should() -> None:
    """With unequal spread, at a corrected level."""
    alpha = 0.05 / 3
    n = seeds_needed(2.0, Sources(1.0, 9.0), alpha)
    assert n is not None
    rng = np.random.default_rng(1)
    first, second = rng.normal(2, 1, (4000, n)), rng.normal(0, 3, (4000, n))
    found = np.mean(stats.ttest_ind(first, second, axis=1, equal_var=False).pvalue < alpha)
    assert found == pytest.approx(0.8, abs=0.02)


def test_seeds_that_cannot_be_told() -> None:
    assert seeds_needed(0.0, Sources(1, 1), 0.05) is None
    assert seeds_needed(1e-9, Sources(1, 1), 0.05) is None
    assert seeds_needed(0.1, Sources(0, 0), 0.05) is None


def test_where_examples_leave_too_much_open_more_seeds_do_not_help() -> None:
    known = Sources(1e-5, 1e-5, 0.002, own=0.02, examples=400)
    assert seeds_needed(0.005, known, 0.05) is None
    count = examples_needed(0.005, known, 10, 0.05)
    assert count is not None and count > 400
    more = Sources(1e-5, 1e-5, 0.002, own=0.02, examples=10 * count)
    assert seeds_needed(0.005, more, 0.05) is not None


def test_where_seeds_leave_too_much_open_more_examples_do_not_help() -> None:
    assert examples_needed(0.005, Sources(1e-3, 1e-3, 0.002, 0.02, 400), 3, 0.05) is None
    assert examples_needed(0.005, Sources(1e-5, 1e-5), 3, 0.05) is None


def settled(depth: int, sample: Sample) -> list[Result]:
    like = {"shape": f"depth = {depth}", "depth": depth, "width": 40 / depth}
    explored = Result("5M macs", 5e6, seed=0, score=0.5, **like)
    assert sample.examples is not None
    return [explored] + [
        Result("5M macs", 5e6, seed=k, score=s, settled=True, examples=e, **like)
        for k, (s, e) in enumerate(zip(sample.scores, sample.examples, strict=True), 1)
    ]


def test_the_words_say_that_more_seeds_will_not_help() -> None:
    rng = np.random.default_rng(3)
    a = drawn(rng, np.concatenate([np.ones(300), [1.0] * 30, [0.0] * 30]), 5)
    b = drawn(rng, np.concatenate([np.ones(300), [0.0] * 30, [1.0] * 30]), 5)
    found = judge(settled(10, a) + settled(40, b), Question(), resamples=0)
    assert (
        words(found)
        .splitlines()[0]
        .endswith(
            "more seeds will not show 0.5 points, about 52,000 more validation examples would."
        )
    )


@pytest.mark.parametrize(("count", "said"), [(50, True), (99, True), (100, False)])
def test_few_examples_are_told(count: int, said: bool) -> None:
    rng = np.random.default_rng(4)
    a, b = (drawn(rng, np.full(count, share), 4) for share in (0.9, 0.6))
    found = words(judge(settled(10, a) + settled(40, b), Question(), resamples=0))
    one = f"  there are {count} validation examples, of which one is {100 / count:.4g} points"
    assert (one in found.splitlines()) is said


# ------------------------------------------------------------------ intervals and sizes


def test_an_interval_of_a_share_never_passes_its_ends() -> None:
    for scores in ([0.985, 0.99, 1.0], [0.0, 0.01, 0.02], [0.999, 1.0]):
        found = share_interval(Sample(scores), 0.95)
        assert found is not None and 0 <= found[0] < np.mean(scores) < found[1] <= 1


def test_three_equal_results_have_the_interval_of_their_examples() -> None:
    right = np.ones((3, 360))
    right[:, :6] = 0
    sample = Sample(right.mean(axis=1).tolist(), right)
    found = share_interval(sample, 0.95)
    assert found is not None
    wilson = stats.binomtest(354, 360).proportion_ci(method="wilson")
    assert found == pytest.approx((wilson.low, wilson.high), abs=2e-4)
    assert share_interval(Sample(sample.scores), 0.95) is None
    faultless = share_interval(Sample([1.0] * 3, np.ones((3, 360))), 0.95)
    assert faultless is not None and 0.98 < faultless[0] < 0.995 and faultless[1] == 1


def test_what_is_claimed_is_shrunk_to_what_can_be_expected_of_a_repetition() -> None:
    """On average over what is claimed, where differences are of the size of their error: the raw
    size is nearly three times too large, the honest one less than twice."""
    rng = np.random.default_rng(4)
    seen = rng.normal(1, 1, 4000)
    p = 2 * stats.norm.sf(np.abs(seen))
    raw = np.abs(seen[p < 0.05])
    shrunk = [abs(honest(v, q, 0.05)) for v, q in zip(seen, p, strict=True) if q < 0.05]
    assert raw.mean() > 2.4 and np.mean(shrunk) < 1.6
    assert honest(0.6, 0.049, 0.05) < 0.15 < honest(0.6, 0.016, 0.05) < 0.4
    assert honest(0.6, 1e-9, 0.05) == pytest.approx(0.6, rel=0.01)
    assert honest(-0.6, 0.016, 0.05) == -honest(0.6, 0.016, 0.05)
    assert honest(0.6, 0.2, 0.05) == 0.6
