"""Which arms are settled: chosen from exploration alone."""

from itertools import chain

import numpy as np
import pytest

from archdsl.verdict import Arm, Question, Result, choose_arms
from archdsl.verdict.settled import explored as known
from archdsl.verdict.settled import halves, shrink


def explored(
    depth: int, *scores: float | None, setting: str = "", width: float = 1
) -> list[Result]:
    return [
        Result("s", 1, f"depth = {depth}", depth, width, seed, score, setting=setting)
        for seed, score in enumerate(scores)
    ]


def chosen(*results: list[Result], question: Question = Question()) -> list[str]:  # noqa: B008
    arms = choose_arms(chain(*results), question)
    return [" ".join((a.shape, a.setting)).strip() for a in arms.get("s", ())]


def test_the_best_meets_the_best_of_the_other_half() -> None:
    """And not the second best, which is its neighbour."""
    results = [explored(d, s) for d, s in ((8, 0.80), (10, 0.85), (20, 0.90), (40, 0.91))]
    assert chosen(*results) == ["depth = 40", "depth = 10"]
    assert chosen(*results, question=Question(ordered=False)) == ["depth = 40", "depth = 20"]
    assert chosen(*results, question=Question(maximize=False)) == ["depth = 8", "depth = 20"]


def test_the_middle_shape_of_an_odd_number_is_wide() -> None:
    results = [explored(d, s) for d, s in ((10, 0.80), (20, 0.90), (40, 0.85))]
    assert chosen(*results) == ["depth = 20", "depth = 40"]
    ((_, shapes),) = known(chain(*results), Question())
    wide, deep = halves(shapes)
    assert [sorted(e.depth for e in half) for half in (wide, deep)] == [[10, 20], [40]]


def of_budgets(*depths: tuple[int, ...]) -> list[tuple[set[float], set[float]]]:
    """The wide and the deep depths of budgets, each twice as large as the one before."""
    results = [
        Result(f"{k}M", k, f"depth = {depth}", depth, 2**k / depth, 0, 0.5 + depth / 1000)
        for k, of in enumerate(depths, 1)
        for depth in of
    ]
    found = [halves(shapes) for _, shapes in known(results, Question())]
    return [({e.depth or 0 for e in wide}, {e.depth or 0 for e in deep}) for wide, deep in found]


def test_a_shape_is_wide_or_deep_at_all_budgets() -> None:
    """Also where a budget lacks some: its own middle is elsewhere. So does a larger budget's, whose
    shapes are all wider."""
    lacking = of_budgets((10, 16, 22, 28), (16, 22, 28, 40), (10, 16, 28, 40))
    assert lacking == [
        ({10, 16, 22}, {28}), ({16, 22}, {28, 40}), ({10, 16}, {28, 40}),
    ]  # fmt: skip
    once = of_budgets((10, 16, 22, 28), (16, 22, 28, 40), (16, 22, 28))
    assert once == [
        ({10, 16}, {22, 28}), ({16, 22}, {28, 40}), ({16, 22}, {28}),
    ], "a shape that is at one budget alone is compared with none of the others"  # fmt: skip
    assert of_budgets((10, 16), (28, 40), (10, 16), (28, 40)) == [
        ({10}, {16}), ({28}, {40}), ({10}, {16}), ({28}, {40}),
    ], "none of a half"  # fmt: skip


def test_shapes_of_one_aspect_stay_together() -> None:
    same = [Result("s", 1, f"kernel = {k}", 10, 1, 0, 0.5 + k / 100) for k in (3, 5, 7)]
    assert chosen(same, explored(20, 0.5)) == ["kernel = 7", "depth = 20"]
    assert chosen(same) == ["kernel = 7"]


def test_each_shape_comes_with_its_best_setting() -> None:
    results = [
        explored(10, 0.80, 0.82, setting="lr = 0.1"),
        explored(10, 0.84, 0.86, setting="lr = 0.2"),
        explored(20, 0.90, 0.70, setting="lr = 0.1"),
        explored(20, 0.81, 0.83, setting="lr = 0.2"),
    ]
    assert chosen(*results) == ["depth = 10 lr = 0.2", "depth = 20 lr = 0.2"]


def test_one_lucky_seed_does_not_win_over_three_steady_ones() -> None:
    lucky = [explored(20, 0.93), explored(21, 0.85, 0.95), explored(22, 0.84, 0.96)]
    steady = explored(10, 0.925, 0.93, 0.92)
    others = [explored(d, 0.90, 0.88, 0.89) for d in (11, 12)]
    assert chosen(*lucky, steady, *others)[0] == "depth = 10"


def test_shrinking() -> None:
    assert shrink([[1.0], [2.0]]).tolist() == [1, 2]  # no spread is known
    assert shrink([[1.0, 1.0], [2.0, 2.0]]).tolist() == [1, 2]  # none was seen
    chance = shrink([[0.0, 2.0], [0.9, 1.3]])
    assert chance == pytest.approx([1.05, 1.05], abs=1e-6) and chance[0] < chance[1]
    means, drawn = np.array([0.0, 0.0, 4.0]), shrink([[-1.0, 1.0], [-1.0, 1.0], [4.0]])
    assert drawn[0] == drawn[1] > 0 and drawn[2] < 4
    # within 4 / 2, between 16 / 3 - 2 * (1/2 + 1/2 + 1) / 3 = 4
    kept = 4 / (4 + 2 / np.array([2, 2, 1]))
    assert drawn == pytest.approx(4 / 3 + kept * (means - 4 / 3))


def test_a_failed_training_counts_as_the_worst() -> None:
    assert chosen(explored(10, 0.99, None), explored(20, 0.9, 0.9), explored(40, 0.5, 0.5)) == [
        "depth = 20",
        "depth = 40",
    ]


def test_what_failed_altogether_is_no_choice() -> None:
    assert chosen(explored(10, None, None), explored(20, 0.9)) == ["depth = 20"]
    assert chosen(explored(10, None)) == []


def test_settled_results_have_no_say() -> None:
    results = explored(10, 0.8) + explored(20, 0.9)
    fresh = [Result("s", 1, "depth = 10", 10, 1, 5, 0.99, settled=True)]
    assert choose_arms(results + fresh, Question()) == choose_arms(results, Question())


def test_equal_scores_are_decided_by_the_text() -> None:
    results = explored(20, 0.9) + explored(10, 0.9)
    assert choose_arms(results, Question()) == choose_arms(results[::-1], Question())
    assert choose_arms(results, Question())["s"] == (Arm("depth = 10"), Arm("depth = 20"))


def test_ordered_questions_need_depth_and_width() -> None:
    results = [Result("s", 1, "dense", None, None, 0, 0.9)]
    with pytest.raises(ValueError, match="needs the depth and the width"):
        choose_arms(results, Question())
    assert choose_arms(results, Question(ordered=False)) == {"s": (Arm("dense"),)}


@pytest.mark.parametrize("bad", [0, -3])
def test_depth_and_width_are_above_zero(bad: float) -> None:
    for depth, width in ((bad, 1), (1, bad)):
        results = [*explored(10, 0.8), Result("s", 1, "odd", depth, width, 0, 0.9)]
        with pytest.raises(ValueError, match="both above 0"):
            choose_arms(results, Question())


def test_slices_are_apart_and_in_the_order_of_their_budgets() -> None:
    results = [Result(name, budget, "a", 1, 1, 0, 0.9) for name, budget in (("10M", 10), ("5M", 5))]
    assert list(choose_arms(results, Question())) == ["5M", "10M"]
