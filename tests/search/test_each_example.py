"""What each example adds to an objective: its mean is the score, and its variance over examples is
that of the score, to the first order."""

import numpy as np
import pytest

from archdsl.search.each_example import of_each
from archdsl.training.examples import packed, written

SQUARES = np.random.default_rng(1).exponential(size=2000)
CODES = packed(written([False] * len(SQUARES), SQUARES.tolist()))
SCORES = {
    "rmse": lambda x: np.sqrt(x.mean()),
    "mae": lambda x: np.sqrt(x).mean(),
    "perplexity": lambda x: np.exp(x.mean()),
}


@pytest.mark.parametrize("name", SCORES)
def test_of_a_score_that_follows_from_losses(name: str) -> None:
    score = float(SCORES[name](SQUARES))
    found = of_each(name, CODES, score)
    assert found is not None and found.mean() == pytest.approx(score, rel=1e-12)
    random = np.random.default_rng(2)
    drawn = (SQUARES[random.integers(0, len(SQUARES), len(SQUARES))] for _ in range(400))
    spread = np.std([SCORES[name](x) for x in drawn])
    assert found.std() / np.sqrt(len(found)) == pytest.approx(spread, rel=0.12)


def test_of_others_only_the_score_is_known() -> None:
    """The mean absolute error of several values is below the root of their mean square."""
    pairs = np.random.default_rng(3).standard_normal((500, 2))
    codes = packed(written([False] * 500, (pairs**2).mean(1).tolist()))
    assert of_each("mae", codes, float(np.abs(pairs).mean())) is None
    assert of_each("rmse", codes, float(np.sqrt((pairs**2).mean()))) is not None
    large = packed(written([False] * 3, [1e6, 4e6, 9e6]))  # are kept as 36
    assert of_each("rmse", large, 2160.0) is None
    assert of_each("f1", CODES, 0.5) is None
    right = packed(written([True, False, True], []))
    assert of_each("rmse", right, 1.0) is None and of_each("mae", b"", 1.0) is None
