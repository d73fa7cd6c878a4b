"""The settings of shapes, from one curve through all that was explored."""

from dataclasses import replace

import numpy as np
import pytest
from tuned import Tuning, claimed

from archdsl.verdict import Question, Result, choose_arms, judge, to_settle
from archdsl.verdict.contrast import Difference
from archdsl.verdict.crossed import Sources, examples_needed, seeds_needed
from archdsl.verdict.posterior import Posterior, downward, sums
from archdsl.verdict.tuning import lost, pooled

RATES = np.log([0.02, 0.07, 0.25])


def explored(
    rng: np.random.Generator, sd: float, shift: float = 0.0, rates: np.ndarray = RATES
) -> list[Result]:
    """Four depths at some rates; the best is 0.1, in logarithms ``shift`` more for each depth."""
    found = []
    for i, depth in enumerate((10, 16, 22, 28)):
        for rate in rates:
            score = 0.98 - 0.004 * (rate - np.log(0.1) - shift * i) ** 2
            score += sd * rng.standard_normal()
            like = {"shape": f"depth = {depth}", "depth": depth, "width": 40 / depth}
            found.append(
                Result("1M", 1e6, seed=1, score=score, setting=f"lr = {np.exp(rate):.4g}",
                       tuned=(float(rate),), **like)
            )  # fmt: skip
    return found


def test_the_peak_is_that_of_all_shapes() -> None:
    tuned = pooled(explored(np.random.default_rng(0), 0.0), 1)
    assert tuned is not None
    assert [np.exp(s[0]) for s in tuned.settings.values()] == pytest.approx([0.1] * 4)
    assert list(tuned.values.values()) == pytest.approx([0.98] * 4)


def test_shapes_have_peaks_of_their_own_where_the_data_carry_them() -> None:
    rates = np.log(np.geomspace(0.01, 1, 7))
    tuned = pooled(explored(np.random.default_rng(1), 0.0002, shift=0.3, rates=rates), 1)
    assert tuned is not None
    peaks = [s[0] - np.log(0.1) for s in tuned.settings.values()]
    assert peaks == pytest.approx([0, 0.3, 0.6, 0.9], abs=0.05)


def test_one_curve_loses_less_than_the_best_of_three_trainings() -> None:
    """What a shape loses by its rate, and how much more one shape loses than another."""
    rng = np.random.default_rng(2)
    loss = lambda rate: 0.004 * (rate - np.log(0.1)) ** 2  # noqa: E731
    differences = {"curve": [], "best": []}
    for _ in range(200):
        results = explored(rng, 0.004, rates=rng.uniform(np.log(0.02), np.log(0.3), 3))
        tuned = pooled(results, 1)
        assert tuned is not None
        a, b = (loss(tuned.settings["1M", f"depth = {d}"][0]) for d in (10, 28))
        differences["curve"].append(a - b)
        a, b = (
            loss(max((r for r in results if r.depth == d), key=lambda r: r.score).tuned[0])
            for d in (10, 28)
        )
        differences["best"].append(a - b)
    assert np.std(differences["curve"]) < 0.4 * np.std(differences["best"])


def test_a_training_that_collapsed_does_not_bend_the_curve() -> None:
    results = explored(np.random.default_rng(3), 0.0002)
    tuned = pooled(results, 1)
    worst = [replace(r, score=0.1) if r.setting == "lr = 0.25" and r.depth == 28 else r
             for r in results]  # fmt: skip
    failed = [replace(r, score=None) if r.score == 0.1 else r for r in worst]
    assert tuned is not None
    for other in (pooled(worst, 1), pooled(failed, 1)):
        assert other is not None
        assert other.settings["1M", "depth = 10"][0] == pytest.approx(
            tuned.settings["1M", "depth = 10"][0], abs=0.8
        )


@pytest.mark.parametrize("change", [
    lambda r: replace(r, tuned=()),
    lambda r: replace(r, tuned=(1.0,) if r.depth == 10 else ()),
    lambda r: replace(r, tuned=(float(r.tuned[0] > RATES[0]),)),
])  # fmt: skip
def test_where_no_curve_can_be_drawn(change: object) -> None:
    results = explored(np.random.default_rng(4), 0.001)
    assert pooled([change(r) for r in results], 1) is None  # type: ignore[operator]
    assert pooled(results[:5], 1) is None, "too few trainings"
    assert pooled([], 1) is None


@pytest.mark.parametrize(("trainings", "drawn"), [(6, False), (7, False), (8, False), (9, True)])
def test_a_curve_takes_two_trainings_beyond_the_levels_of_its_budgets(
    trainings: int, drawn: bool
) -> None:
    """Of more budgets than shapes the budgets count: each has a level. With none or less beyond
    these there is no noise to tell, and of one it is told far too small."""
    rng = np.random.default_rng(2)
    results = []
    for i in range(trainings):
        budget, place, rate = i % 5, (i + i // 5) % 2, float(rng.uniform(-3, 0))
        results.append(
            Result(f"{budget}M", budget + 1, f"depth = {place}", place + 5, 10 / (place + 1), 1,
                   0.9 - 0.002 * rate**2 + 0.01 * rng.standard_normal(),
                   setting=f"lr = {rate:.3f}", tuned=(rate,))
        )  # fmt: skip
    assert (pooled(results, 1) is not None) == drawn
    members = [(results[0].slice, results[0].shape)]
    tuning = lost(results, 1, members, [(-1.0,)])
    assert (tuning is not None) == drawn
    said = judge(results, Question(), resamples=0)
    assert [part.word for part in said.slices] == ["not settled"] * 5


def test_what_is_minimised_has_its_peak_below() -> None:
    results = [replace(r, score=1 - r.score) for r in explored(np.random.default_rng(5), 0.0)]
    tuned = pooled(results, -1)
    assert tuned is not None and np.exp(tuned.settings["1M", "depth = 22"][0]) == pytest.approx(0.1)


def test_the_verdict_is_of_the_setting_that_was_settled() -> None:
    results = explored(np.random.default_rng(6), 0.001)
    chosen = to_settle(results, Question())["1M"]
    assert tuple(e.arm for e in chosen) == choose_arms(results, Question())["1M"]
    fresh = [
        Result("1M", 1e6, e.arm.shape, e.depth, e.width, 100 + k, 0.97 + 0.001 * k + 0.01 * i,
               settled=True, setting="lr = 0.1")
        for i, e in enumerate(chosen) for k in range(4)
    ]  # fmt: skip
    (part,) = judge([*results, *fresh], Question(), resamples=0).slices
    assert [a.setting for a in part.arms] == ["lr = 0.1"] * 2 and part.contrast is not None


def test_while_nothing_is_settled_there_is_a_curve_and_no_comparison() -> None:
    results = explored(np.random.default_rng(4), 0.002)
    assert pooled(results, 1) is not None and lost(results, 1, [], []) is None
    assert "nothing is settled" in judge(results, Question(ordered=True)).words


def both(sd: float, rates: int, seed: int = 0, shift: float = 0.0) -> float:
    """The deviation that the tuning adds to the difference of two shapes."""
    spread = np.log(np.geomspace(0.01, 1, rates))
    results = explored(np.random.default_rng(seed), sd, shift, spread)
    found = lost(results, 1, [("1M", "depth = 10"), ("1M", "depth = 28")], [(), ()])
    assert found is not None and found.freedom == 3, "of four shapes"
    assert found.draws.min() >= 0
    return found.variance(0, 1) ** 0.5


def test_a_curve_bends_downward() -> None:
    """The mean of a normal distribution cut at 0; of a bend that is downward for sure, itself."""

    def bend(mean: float, variance: float = 1.0) -> float:
        slope, found = downward(np.array([0.3, mean]), np.diag([1.0, variance]), 1)
        assert slope == 0.3, "which says nothing of the bend here"
        return float(found)

    assert bend(0.0) == pytest.approx(-np.sqrt(2 / np.pi))
    assert bend(-9.0) == pytest.approx(-9.0)
    assert bend(6.0) == pytest.approx(-0.1585, abs=1e-4)
    assert bend(60.0) == pytest.approx(-1 / 60, rel=1e-2)
    assert bend(1.0, 0.0) == 1.0, "it is known"
    together = np.array([[1.0, 0.8], [0.8, 1.0]])  # a slope that falls as its bend does
    drawn = np.random.default_rng(0).multivariate_normal(np.zeros(2), together, 100_000)
    expected = drawn[drawn[:, 1] <= 0].mean(axis=0)
    assert downward(np.zeros(2), together, 1) == pytest.approx(expected, abs=0.01)
    two = np.full((4, 4), 0.5) + np.diag([0.5] * 4)
    drawn = np.random.default_rng(0).multivariate_normal(np.zeros(4), two, 100_000)
    expected = drawn[(drawn[:, 2:] <= 0).all(axis=1)].mean(axis=0)
    assert downward(np.zeros(4), two, 2) == pytest.approx(expected, abs=0.06)


def test_a_shape_is_tuned_better_by_few_trainings_that_bend_downward() -> None:
    """What shapes lose by their rates on average, in points; with the ends of curves that bend
    upward it was 0.078 and 0.023."""
    rng = np.random.default_rng(4)
    for count, most in ((3, 0.06), (6, 0.0215)):
        lost_by = []
        for _ in range(200):
            results = explored(rng, 0.004, rates=rng.uniform(np.log(0.02), np.log(0.5), count))
            tuned = pooled(results, 1)
            assert tuned is not None
            off = np.array([s[0] for s in tuned.settings.values()]) - np.log(0.1)
            lost_by.append(float((0.4 * off**2).mean()))
        assert np.mean(lost_by) < most


def test_no_curve_that_is_drawn_bends_upward() -> None:
    """Trainings that seem to bend upward, by chance: a rate in the middle loses 0.02 points, and
    not the 0.3 of curves that are highest at both ends."""
    rng = np.random.default_rng(1)
    bent = dict(zip(RATES, (0.95, 0.947, 0.95), strict=True))
    results = [
        replace(r, score=bent[r.tuned[0]] + 0.001 * rng.standard_normal())
        for r in explored(rng, 0.0)
    ]
    found = lost(results, 1, [("1M", "depth = 10")], [(float(RATES[1]),)])
    assert found is not None and 5e-5 < found.draws.mean() < 6e-4


def test_what_may_be_lost_by_the_tuning_falls_with_trials_and_with_noise() -> None:
    assert both(0.0, 5) < 1e-6, "nothing is unsure"
    few, many, loud = (
        np.mean([both(*of, seed) for seed in range(8)])
        for of in ((0.004, 3), (0.004, 24), (0.016, 3))
    )
    assert 2e-5 < few < 4e-4 and many < few / 2 and 4 * few < loud < 4e-3


def test_a_curve_that_looks_straight_leaves_room_for_shapes_that_bend() -> None:
    """Three trainings of each shape lead to an end, with a bend that noise may have hidden."""
    rng = np.random.default_rng(3)
    places = np.tile([-1.0, 0.0, 1.0], 4)[:, None]
    shape = np.repeat(np.arange(4), 3)
    scores = 0.5 * places[:, 0] + 0.4 * rng.standard_normal(12)
    design = np.hstack([places, places**2, np.eye(4)[shape]])
    slope, bend, *_ = np.linalg.lstsq(design, scores, rcond=None)[0]
    scores += (0.5 - slope) * places[:, 0] - bend * places[:, 0] ** 2
    straight = sums(places, shape, np.arange(4), np.zeros(4, int), scores)
    found = Posterior.known(straight).losses([0, 1], np.ones((2, 1)))
    assert np.sqrt(np.mean((found[0] - found[1]) ** 2)) > 0.05


@pytest.mark.filterwarnings("error")
def test_what_no_training_tells_is_not_made_of_rounding() -> None:
    """One shape alone is in the middle, so that its level is as good as a bend where levels differ
    much: rounding once made a variance of -2e10 of such a thing."""
    rng = np.random.default_rng(677)
    shape = np.repeat(np.arange(6), 2)
    places = np.tile([-1.0, 1.0], 6)[:, None]
    places[:2] = 0
    scores = 1e3 * rng.normal(size=6)[shape] + rng.normal(size=12)
    known = Posterior.known(sums(places, shape, np.arange(6), np.zeros(6, int), scores))
    sizes = np.array([np.linalg.eigvalsh(part.cover) / part.noise for part in known.parts])
    assert sizes.min() > 0 and sizes.max() == pytest.approx(1000), "what none tells"
    drawn = known.losses([0, 1], np.zeros((2, 1)))
    assert 0 < np.sqrt(np.mean(drawn**2)) < 100 * known.noise


def test_a_setting_off_the_peak_loses_what_the_curve_says() -> None:
    rates = np.log(np.geomspace(0.01, 1, 9))
    results = explored(np.random.default_rng(0), 1e-6, rates=rates)
    off = [(float(np.log(0.1)),), (float(np.log(0.3)),)]
    found = lost(results, 1, [("1M", "depth = 10"), ("1M", "depth = 28")], off)
    assert found is not None
    expected = 0.004 * np.log(3) ** 2
    assert found.draws.mean(axis=1) == pytest.approx([0, expected], abs=1e-5)
    assert found.variance(0, 1) == pytest.approx(expected**2, rel=1e-3)
    assert lost(results, 1, [("1M", "depth = 11")], [()]) is None, "which was not explored"


def test_the_tuning_is_in_the_interval_and_in_what_would_show_a_difference() -> None:
    found = Difference(1.0, 0.3, 8.0, 0.01).widened(0.16, 4.0)
    assert found.error == pytest.approx(0.5)
    assert found.freedom == pytest.approx(0.25**2 / (0.09**2 / 8 + 0.16**2 / 4))
    assert found.p == pytest.approx(0.0787, abs=1e-4)
    sure = Difference(1.0, 0.0, 8.0, 0.01)
    assert sure.widened(1.0, 4.0).p == pytest.approx(0.374, abs=1e-3), "no spread of seeds"
    assert sure.widened(1e-6, 4.0).p == 0.01
    known = Sources(1.0, 1.0, 0.5, 0.1, 400)
    loose = Sources(1.0, 1.0, 0.5, 0.1, 400, tuning=0.04, tuning_freedom=6)
    assert (seeds_needed(1.0, known, 0.05), seeds_needed(1.0, loose, 0.05)) == (17, 25)
    assert seeds_needed(0.5, loose, 0.05) is None, "no number of seeds tells of the tuning"
    assert examples_needed(0.5, known, 100, 0.05) == 9
    assert examples_needed(0.5, loose, 100, 0.05) is None


@pytest.mark.parametrize(("trials", "sd", "told"), [(3, 0.02, True), (40, 0.004, False)])
def test_the_verdict_says_what_the_tuning_leaves(trials: int, sd: float, told: bool) -> None:
    rng = np.random.default_rng(7)
    results = explored(rng, sd, rates=rng.uniform(np.log(0.02), np.log(0.3), trials))
    for e in to_settle(results, Question())["1M"]:
        like = Result("1M", 1e6, e.arm.shape, e.depth, e.width, 0, None, settled=True)
        results += [replace(like, seed=k, score=0.97 + 0.004 * (k % 4)) for k in range(1, 13)]
    found = judge(results, Question(), resamples=0)
    contrast = found.slices[0].contrast
    assert contrast is not None and contrast.tuning is not None
    line = (
        "  the interval covers what either may lose by its tuned settings: a standard deviation of "
    )
    assert (line in found.words) is told
    assert ("it takes more trials to tune the shapes" in found.words) is told


def test_short_trainings_count_by_the_spread_of_whole_ones() -> None:
    """Short trainings spread four times as much as whole ones, and settings differ as much more."""
    spread = np.log(np.geomspace(0.01, 1, 3))
    results = explored(np.random.default_rng(2), 0.004, rates=spread)
    for e in to_settle(results, Question())["1M"]:
        like = Result("1M", 1e6, e.arm.shape, e.depth, e.width, 0, None, settled=True)
        scores = 0.97 + 0.001 * np.random.default_rng(len(results)).standard_normal(12)
        results += [replace(like, seed=k, score=float(x)) for k, x in enumerate(scores)]
    tried = [r for r in results if not r.settled]

    def left(results: list[Result], short: list[Result]) -> float:
        contrast = judge(results, Question(), resamples=0, short=short).slices[0].contrast
        assert contrast is not None and contrast.tuning is not None
        return contrast.tuning

    assert 1 / 5 < left(results, tried) / left(results, []) < 1 / 2
    wide = [replace(r, score=0.97 + 40 * (r.score - 0.97)) if r.settled else r for r in results]
    assert left(wide, tried) == left(wide, []), "but never for more"


@pytest.mark.slow
@pytest.mark.parametrize(("drift", "most"), [(0.0, 0.05), (0.3, 0.05)])
def test_claims_are_few_with_the_tuning_in_them(drift: float, most: float) -> None:
    """Twenty seeds, 24 trials. Where shapes want rates of their own, settings that are taken to be
    the best ones are claimed to differ in twice as many studies."""
    said, blind = claimed(Tuning(24, 20, drift), 300)
    print(f"\ndrift {drift}: {said:.1%} claim, {blind:.1%} with the tuning left out")
    assert said <= most + 2 * (most * (1 - most) / 300) ** 0.5 and said < blind


def at_two_budgets(sd: float) -> list[Result]:
    """Three rates of four depths at one budget, one of each depth at a larger one."""
    small = explored(np.random.default_rng(7), sd)
    large = [
        replace(r, slice="2M", budget=2e6, score=r.score + 0.01)
        for place, r in enumerate(explored(np.random.default_rng(8), sd))
        if place % 3 == place // 3 % 3
    ]
    return [*small, *large]


def test_one_curve_goes_through_all_budgets() -> None:
    results = at_two_budgets(0.0)
    assert pooled(results[12:], 1) is None, "too few for a curve of their own"
    tuned = pooled(results, 1)
    assert tuned is not None and len(tuned.settings) == 8
    assert [np.exp(s[0]) for s in tuned.settings.values()] == pytest.approx([0.1] * 8)
    levels = [0.98] * 4 + [0.99] * 4
    assert list(tuned.values.values()) == pytest.approx(levels), "each budget has levels of its own"
    assert set(to_settle(results, Question())) == {"1M", "2M"}


def test_a_training_tells_of_its_shape_at_other_budgets_too() -> None:
    """Each of four depths once at two budgets, one point better than the one before: the level of a
    depth is known better than from its one training, which has an error of 0.5 points."""
    rng, errors = np.random.default_rng(9), []
    for _ in range(100):
        results = [
            replace(r, slice=slice, score=r.score + 0.01 * place + 0.005 * rng.standard_normal())
            for at, slice in enumerate(("1M", "2M"))
            for place in range(4)
            for r in explored(rng, 0.0)[3 * place + (at + place) % 3 :][:1]
        ]
        tuned = pooled(results, 1)
        assert tuned is not None
        levels = np.reshape(list(tuned.values.values()), (2, 4))
        errors.append(levels - levels.mean() - 0.01 * (np.arange(4) - 1.5))
    assert np.sqrt(np.mean(np.square(errors))) < 0.0045


def test_a_shape_loses_the_same_at_all_budgets() -> None:
    """What it wants is drawn once for all, so that budgets do not average it out."""
    pairs = [(slice, f"depth = {d}") for slice in ("1M", "2M") for d in (10, 28)]
    found = lost(at_two_budgets(0.004), 1, pairs, [(float(np.log(0.1)),)] * 4)
    assert found is not None and found.freedom == 3, "of four shapes"
    assert np.array_equal(found.draws[:2], found.draws[2:])
    assert not np.array_equal(found.draws[0], found.draws[1])
    both = np.mean([(found.draws[0] - found.draws[1]), (found.draws[2] - found.draws[3])], axis=0)
    assert np.mean(both**2) == pytest.approx(found.variance(0, 1))


def test_a_list_of_rates_has_a_curve_too() -> None:
    """The best of a few single trainings, each at one of five rates, was claimed to be better in a
    fifth of studies with twenty seeds."""
    rates = (0.02, 0.04, 0.08, 0.15, 0.3)
    said, blind = claimed(Tuning(12, 20, listed=rates), 200)
    print(f"\na list: {said:.1%} claim, {blind:.1%} with the tuning left out")
    assert said <= 0.05 + 2 * (0.05 * 0.95 / 200) ** 0.5
    found, _ = claimed(Tuning(24, 10, better=0.5, listed=(0.05, 0.1, 0.2)), 100)
    assert found > 0.5


def test_what_no_curve_goes_through_is_told() -> None:
    """Words, or trainings too few: the verdict says that their choice is not in its interval."""
    untold = "No curve goes through the settings that were tuned"
    world = Tuning(12, 5)
    drawn = world.study(np.random.default_rng(5))
    assert untold not in judge(drawn, Question(), resamples=0).words
    named = judge([replace(r, tuned=()) for r in drawn], Question(), resamples=0)
    assert named.unpooled and untold in named.words
    one = judge([replace(r, tuned=(), setting="") for r in drawn], Question(), resamples=0)
    assert not one.unpooled and untold not in one.words
