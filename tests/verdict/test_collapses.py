"""A training that collapsed counts for all arms: what is seen, what it does, and to whom."""

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from scipy import stats
from studies import DEPTHS, MEAN, SD, normal, nothing, study

from archdsl import judge as judge_table
from archdsl.verdict import Question, Result, Verdict, collapses, judge, words
from archdsl.verdict.contrast import Difference
from archdsl.verdict.crossed import Sample, averaged, compared, share_interval

CALM = [0.90, 0.91, 0.92, 0.90, 0.91]
FALLEN = [0.90, 0.91, 0.10, 0.90, 0.91]
BETTER = [score + 0.03 for score in CALM]
ENDED = "A training ended far from the others of its network."


def results(*pairs: tuple[list[float], list[float]], explored: tuple[float, ...] = ()) -> Verdict:
    """Three budgets, each with a wide and a deep shape and these fresh scores."""
    found = []
    for budget, scores in enumerate(pairs, 1):
        for depth, fresh in zip((10, 40), scores, strict=True):
            like = Result(f"{budget}M", budget, f"depth = {depth}", depth, 40 / depth, 0, 0.91)
            found += [replace(like, seed=-k, score=s) for k, s in enumerate(explored or (0.91,))]
            found += [replace(like, seed=k, score=s, settled=True) for k, s in enumerate(fresh, 1)]
    return judge(found, Question(target=0.1), resamples=0)


def variance(scores: list[float]) -> float:
    return float(np.var(scores, ddof=1))


# ------------------------------------------------------------------- what is seen


def test_far_is_eight_times_the_median_of_all_deviations() -> None:
    """Deviations are from the mean of a network, times sqrt(n / (n - 1))."""
    pairs = [[0.5, 0.6]] * 5  # each is 0.05 from its mean: sqrt(2) * 0.05 = 0.0707
    assert not collapses.seen([*pairs, [0.5, 0.5, 1.19]])  # sqrt(1.5) * 0.46 = 0.5634 < 0.5657
    assert collapses.seen([*pairs, [0.5, 0.5, 1.20]])
    assert collapses.seen([*pairs, [0.5, 0.5, -0.20]])


def test_of_few_trainings_nothing_is_far() -> None:
    assert not collapses.seen([[0.9, 0.91, 0.1], [0.9, 0.91, 0.9], [0.9] * 3, [0.5], []])
    assert collapses.seen([[0.9, 0.91, 0.1], [0.9, 0.91, 0.9], [0.9] * 3, [0.8] * 3])
    assert not collapses.seen([])


# ------------------------------------------------------------------ what it does


def test_no_arm_varies_less_than_all_do_on_average() -> None:
    found = results((CALM, BETTER), (CALM, BETTER), (CALM, FALLEN))
    assert found.collapsed and ENDED in words(found)
    least = (4 * variance(CALM) + variance(CALM) + variance(FALLEN)) / 6
    contrast = found.slices[0].contrast
    assert contrast is not None
    welch = stats.ttest_ind(BETTER, CALM, equal_var=False)
    expected = 2 * stats.t.sf(0.03 / sqrt(2 * least / 5), welch.df)
    assert contrast.difference == pytest.approx(0.03)
    assert contrast.p == pytest.approx(expected) and contrast.p > 0.7 > 0.01 > welch.pvalue
    assert contrast.interval is not None and contrast.interval[1] > 0.2
    assert found.slices[0].word == "no evidence"


def test_the_average_and_the_equivalence_have_it_too() -> None:
    calm = results((CALM, BETTER), (CALM, BETTER), (CALM, CALM))
    assert [part.word for part in calm.slices] == ["deeper", "deeper", "equivalent"]
    assert calm.average is not None and calm.average.word == "deeper"
    found = results((CALM, BETTER), (CALM, CALM), (CALM, FALLEN))
    assert [part.word for part in found.slices] == ["no evidence"] * 3
    unseen = (4 * variance(CALM) + variance(BETTER) + variance(FALLEN)) / 6
    of_mean = (5 * unseen + variance(FALLEN)) / 5 / 9
    assert found.average is not None and found.average.interval is not None
    low, high = found.average.interval
    alone = averaged([(Sample(x), Sample(y)) for x, y in
                      ((BETTER, CALM), (CALM, CALM), (FALLEN, CALM))])  # fmt: skip
    corrected = 0.05 * found.average.p / found.average.corrected
    reach = sqrt(of_mean) * stats.t.ppf(1 - corrected / 2, alone.freedom)
    assert high - low == pytest.approx(2 * reach)


def test_nothing_changes_where_no_training_is_far() -> None:
    wild = [0.85, 0.93, 0.88, 0.95, 0.90]
    found = results((CALM, wild), (CALM, BETTER), (CALM, CALM))
    assert not found.collapsed and ENDED not in words(found)
    contrast = found.slices[0].contrast
    assert contrast is not None
    assert contrast.p == pytest.approx(stats.ttest_ind(wild, CALM, equal_var=False).pvalue)


def test_exploration_shows_a_collapse_at_the_setting_that_is_best() -> None:
    """Fresh seeds of no arm show it: the variance of all networks has it."""
    pairs = ((CALM, BETTER), (CALM, BETTER), (CALM, [0.9, 0.95, 0.92, 0.93, 0.91]))
    assert not results(*pairs).collapsed
    fallen = results(*pairs, explored=(0.91, 0.90, 0.10))
    assert fallen.collapsed
    before, after = results(*pairs).slices[0].contrast, fallen.slices[0].contrast
    assert before is not None and after is not None
    squares = 5 * variance(CALM) * 4 + 4 * variance(pairs[2][1])
    least = (squares + 6 * 2 * variance([0.91, 0.90, 0.10])) / (6 * 4 + 6 * 2)
    freedom = stats.ttest_ind(BETTER, CALM, equal_var=False).df
    assert after.p == pytest.approx(2 * stats.t.sf(0.03 / sqrt(2 * least / 5), freedom))
    assert before.p < 0.01 and after.p > 0.8
    like = Result("1M", 1, "depth = 40", 40, 1, 0, 0.1, setting="lr = 9")
    elsewhere = [replace(like, seed=k, score=s) for k, s in enumerate((0.1, 0.9, 0.1))]
    drawn = study(np.random.default_rng(1), settings=1)
    lead = [replace(r, slice=drawn[0].slice, budget=drawn[0].budget, shape=drawn[0].shape,
                    depth=drawn[0].depth) for r in elsewhere]  # fmt: skip
    assert not judge(drawn, Question(), resamples=0).collapsed
    assert not judge([*drawn, *lead], Question(), resamples=0).collapsed


def test_a_network_that_did_not_settle_shows_a_collapse_if_it_was_trained_again() -> None:
    """A single training that ended far below may be the network; with two more it is seen to be
    chance. In a table these are rows that are not fresh."""
    rows = [
        {"budget": budget, "shape": shape, "seed": seed, "score": score, "fresh": fresh}
        for budget in ("1M", "2M", "3M")
        for shape, scores in (("a", CALM), ("b", BETTER))
        for fresh, known in (("no", scores[:1]), ("yes", scores))
        for seed, score in enumerate(known)
    ]
    once = [dict(rows[0], shape="c", score=0.10)]
    assert not judge_table([*rows, *once]).collapsed
    again = [dict(once[0], seed=seed, score=score) for seed, score in ((8, 0.91), (9, 0.90))]
    found = judge_table([*rows, *once, *again])
    assert found.collapsed and {part.word for part in found.slices} == {"no evidence"}
    low = [dict(row, score=row["score"] - 0.8) for row in again]
    assert not judge_table([*rows, *once, *low]).collapsed


def test_folds_are_compared_as_they_are() -> None:
    found = []
    for depth, scores in ((10, [*CALM, *CALM]), (40, [*CALM, *FALLEN])):
        like = Result("1M", 1, f"depth = {depth}", depth, 40 / depth, 0, 0.91)
        found += [like, *(replace(like, seed=k, score=s, settled=True, fold=k)
                          for k, s in enumerate(scores, 1))]  # fmt: skip
    assert not judge(found, Question(folds=10), resamples=0).collapsed
    whole = [replace(r, fold=0) for r in found]
    assert judge(whole, Question(), resamples=0).collapsed


def test_a_larger_variance_never_makes_a_smaller_p() -> None:
    """It is known no better than the one that was seen, and without any the p-value is kept."""
    rng = np.random.default_rng(5)
    for _ in range(200):
        x, y = (Sample(rng.normal(0, spread, 3).tolist()) for spread in (1, 5))
        least = float(rng.choice([0.1, 1.0, 30.0]))
        raised = compared(*(replace(s, least=least) for s in (x, y)))
        seen = compared(x, y)
        assert raised.p >= seen.p and raised.freedom == seen.freedom
    same = [Sample([value] * 3, least=0.01) for value in (0.0, 1.0)]
    assert compared(*same).p == 0.1  # as 20 orders allow
    assert Difference(1.0, 0.5, 4, 0.1).raised(0.0).p == 0.1


def test_the_interval_of_a_mean_has_it() -> None:
    calm, wide = (share_interval(Sample(CALM, least=least), 0.95) for least in (0.0, 0.01))
    assert calm is not None and wide is not None
    assert wide[0] < calm[0] - 0.1 and wide[1] > calm[1] + 0.02
    assert share_interval(Sample([1.0] * 3, least=0.01), 0.95) is None


# ------------------------------------------------------------------- how often


def collapsing_when_deep(rng: np.random.Generator, depth: int, count: int) -> np.ndarray:
    """Deep networks lose twelve deviations in one of ten trainings; the means are equal."""
    fallen = (rng.random(count) < 0.1) - 0.1
    return rng.standard_normal(count) - 12 * fallen * (depth >= 3)


def test_fewer_claims_where_networks_collapse_and_none_that_is_new() -> None:
    rng, before, after = np.random.default_rng(3), [], []
    for _ in range(150):
        drawn = study(rng, nothing, collapsing_when_deep, fresh=5)
        before.append(claims(drawn, np.inf))
        after.append(claims(drawn, collapses.FAR))
    assert all(one >= other for one, other in zip(before, after, strict=True))
    assert sum(before) > 2 * sum(after) > 0


def test_fewer_yet_where_the_worst_network_of_each_budget_was_trained_again() -> None:
    """Nothing is explored twice but that one, with two more seeds."""
    rng, before, after = np.random.default_rng(4), 0, 0
    for _ in range(200):
        drawn = study(rng, nothing, collapsing_when_deep, settings=1, explore=1, fresh=3)
        before += claims(drawn, collapses.FAR)
        after += claims(drawn + worst_again(rng, drawn), collapses.FAR)
    assert (before, after) == (35, 27)


def worst_again(rng: np.random.Generator, drawn: list[Result]) -> list[Result]:
    found = []
    for budget in {r.budget for r in drawn}:
        explored = [r for r in drawn if r.budget == budget and not r.settled]
        worst = min(explored, key=lambda r: r.score or 0.0)
        scores = MEAN + SD * collapsing_when_deep(rng, DEPTHS.index(int(worst.depth or 0)), 2)
        found += [replace(worst, seed=-k, score=s) for k, s in enumerate(scores.tolist(), 1)]
    return found


def test_and_others_hardly_ever_count_as_collapsed() -> None:
    rng = np.random.default_rng(2)
    drawn = [study(rng, nothing, normal) for _ in range(100)]
    assert sum(judge(s, Question(), resamples=0).collapsed for s in drawn) <= 2


def claims(drawn: list[Result], far: float) -> bool:
    """Whether a difference is claimed anywhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collapses, "FAR", far)
        said = judge(drawn, Question(), resamples=0)
    assert said.average is not None
    return any(part.word in ("deeper", "wider") for part in (*said.slices, said.average))


# ------------------------------------------------------------- what nothing shows

FEW_SEEDS = (
    "So few seeds do not show whether a network collapses now and then. The claim is safer with"
    " 10 fresh seeds, or where each network is explored on two."
)


def test_a_claim_says_that_few_seeds_show_no_collapse() -> None:
    found = results((CALM, BETTER), (CALM, CALM))
    assert found.blind and found.claims and words(found).splitlines()[-1] == FEW_SEEDS
    nothing_claimed = results((CALM, CALM), (CALM, CALM))
    assert nothing_claimed.blind and not nothing_claimed.claims
    assert "collapse" not in words(nothing_claimed)


def test_what_was_explored_twice_or_has_ten_seeds_is_not_blind() -> None:
    twice = results((CALM, BETTER), (CALM, CALM), explored=(0.91, 0.90))
    assert not twice.blind and twice.claims and "collapse" not in words(twice)
    ten = results((2 * CALM, 2 * BETTER), (2 * CALM, 2 * CALM))
    nine = results((2 * CALM, 2 * BETTER), (2 * CALM, (2 * CALM)[:9]))
    assert (ten.blind, nine.blind) == (False, True)


def test_rows_of_a_table_without_fresh_ones_count_once() -> None:
    """They stand for exploration, too, but are no further trainings."""
    rows = [
        {"shape": shape, "seed": seed, "score": score}
        for shape, scores in (("a", CALM), ("b", BETTER))
        for seed, score in enumerate(scores)
    ]
    found = judge_table(rows)
    assert found.blind and found.claims and words(found).splitlines()[-1] == FEW_SEEDS
    more = [dict(row, seed=seed + 10 * k) for k in (1, 2) for seed, row in enumerate(rows)]
    assert not judge_table([*rows, *more]).blind
    fallen = [dict(row, score=0.1) if row["seed"] == 1 else row for row in rows]
    assert not judge_table(fallen).collapsed  # too few to say so


def test_a_collapse_that_was_seen_is_told_alone() -> None:
    """Of the budgets one has a collapse, and another a difference that is there all the same."""
    far = [score + 2 for score in CALM]
    found = results((CALM, far), (CALM, CALM), (CALM, FALLEN))
    assert found.claims and ENDED in words(found) and "So few seeds" not in words(found)


def test_where_rates_are_tuned_more_fresh_seeds_are_the_way_out() -> None:
    found = []
    for depth in (10, 20, 40, 80):
        like = Result("", 0.0, f"depth = {depth}", depth, 40 / depth, 0, 0.9)
        better = 0.2 if depth == 80 else 0.0
        for k in range(4):
            rate = -3.0 + k / 2
            score = 0.7 + better - 0.02 * (rate + 2.25) ** 2 + 0.001 * (k % 2)
            named = {"setting": f"lr = {rate}", "tuned": (rate,)}
            found.append(replace(like, seed=k, score=score, **named))
        at = {"setting": "lr = best", "tuned": (-2.25,), "settled": True}
        found += [
            replace(like, seed=1000 + k, score=s - 0.2 + better, **at) for k, s in enumerate(CALM)
        ]
    said = judge(found, Question(), resamples=0)
    assert said.blind and said.tuned and said.claims
    assert words(said).splitlines()[-1] == FEW_SEEDS.split(", or")[0] + "."
