"""Fresh seeds that are trained and judged on a fold each, the same for both arms."""

import pytest

from archdsl.verdict import Question, Result, Verdict, judge
from archdsl.verdict.crossed import Sample, averaged, compared, paired, seeds_needed, sources

WIDE = (0.90, 0.94, 0.86, 0.92)
DEEP = (0.92, 0.95, 0.89, 0.94)  # 2, 1, 3, 2 points better: a mean of 2, a deviation of 0.8165


def study(
    wide: tuple[float | None, ...],
    deep: tuple[float | None, ...],
    slice: str = "1M macs",
    k: int = 4,
) -> list[Result]:
    found = []
    for depth, scores in ((10, wide), (40, deep)):
        shape = (slice, float(slice[0]), f"depth = {depth}", depth, 40 / depth)
        found.append(Result(*shape, seed=1, score=0.9))
        found += [
            Result(*shape, seed=1000 + i, score=s, settled=True, fold=(i - 1) % k + 1)
            for i, s in enumerate(scores, 1)
        ]
    return found


def said(results: list[Result], folds: int = 4) -> Verdict:
    return judge(results, Question(folds=folds), resamples=0)


def test_the_difference_is_that_of_pairs() -> None:
    (part,) = said(study(WIDE, DEEP)).slices
    found = part.contrast
    assert found is not None
    assert found.difference == pytest.approx(0.02)
    assert found.p == pytest.approx(0.0163, abs=1e-4), "t = 0.02 / (0.008165 / 2) = 4.899, df = 3"
    assert found.interval == pytest.approx((0.00701, 0.03299), abs=1e-5)
    assert found.folds == 4
    # Nadeau and Bengio: 1/4 + 1/3 in the place of 1/4
    assert found.another == pytest.approx((0.02 - 0.01984, 0.02 + 0.01984), abs=1e-5)
    assert part.word == "deeper"


def test_what_is_said_of_folds() -> None:
    text = said(study(WIDE, DEEP)).words
    assert "depth 40 beats depth 10 by 2.0 ± 1.3 points (4 seeds each, p = 0.016)" in text
    assert (
        "over 4 folds of the data: the interval covers other splits; another data set of this"
        " size: 2.00 ± 1.98 points"
    ) in text
    assert "only scores are known" not in text
    text = said(study(WIDE, (0.92, 0.93, 0.89, 0.91))).words
    assert (
        "0.8 ± 3.3 points (4 seeds each, p = 0.52); folds of these data will not show 0.5 points."
        in text
    )
    text = judge(study(WIDE, (0.92, 0.93, 0.89, 0.91)), Question(folds=4, target=0.01)).words
    assert "; about 36 folds would show 1 points" in text


def test_seeds_beyond_the_folds_are_means_of_a_fold() -> None:
    """Eight seeds on four folds are four differences, each of two seeds."""
    lower = tuple(s - 0.01 for s in WIDE)
    found = said(study(WIDE + lower, DEEP + DEEP)).slices[0].contrast
    assert found is not None and found.folds == 4
    assert found.difference == pytest.approx(0.025)
    assert found.p == pytest.approx(0.00881, abs=1e-4), "t = 0.025 / 0.0040825, df = 3"


def test_a_fold_that_lacks_an_arm_is_left_out() -> None:
    (part,) = said(study(WIDE, (None, *DEEP[1:]))).slices
    assert part.contrast is not None and part.contrast.folds == 3
    assert part.contrast.difference == pytest.approx(0.02)
    (part,) = said(study((*WIDE[:2], None, None), (None, None, *DEEP[2:]))).slices
    assert part.word == "not settled"
    assert part.why == "a comparison needs 2 folds in which both shapes have a result"


def test_no_spread_is_a_test_of_signs() -> None:
    found = compared(Sample((0.5, 0.75), folds=(1, 2)), Sample((0.25, 0.5), folds=(1, 2)))
    assert (found.value, found.error, found.p) == (0.25, 0.0, 0.5)
    same = compared(Sample((0.5, 0.75), folds=(1, 2)), Sample((0.5, 0.75), folds=(1, 2)))
    assert same.p == 1.0


def test_what_differs_in_its_rounding_is_equal_in_each_fold() -> None:
    wide, deep = (0.1 + 0.2, 0.3 + 0.6, 0.1 + 0.7, 0.7), (0.3, 0.9, 0.8, 0.7)
    assert (
        wide != deep
        and paired([(Sample(wide, folds=[1, 2, 3, 4]), Sample(deep, folds=[1, 2, 3, 4]))])
        == [0.0] * 4
    )
    (part,) = said(study(tuple(10 * (0.1 + 0.2) for _ in range(10)), (3.0,) * 10, k=10), 10).slices
    assert part.contrast is not None and part.contrast.p == 1


def test_budgets_share_their_folds() -> None:
    """What a fold does to both budgets alike is no evidence twice."""
    a, b = Sample(WIDE, folds=(1, 2, 3, 4)), Sample(DEEP, folds=(1, 2, 3, 4))
    assert paired([(b, a)]) == pytest.approx([0.02, 0.01, 0.03, 0.02])
    assert averaged([(b, a), (b, a)]) == compared(b, a)
    assert seeds_needed(0.02, sources(b, a), 0.05) == 4


def test_results_of_one_split_have_no_folds() -> None:
    assert paired([(Sample(WIDE), Sample(DEEP))]) is None
