"""What each held-out example adds to an objective: numbers whose mean it is.

An accuracy and a loss are means over examples. A root and an exponential of such a mean are not:
they are taken as linear where they are, which is right to the first order (the delta method), so
that the variance over examples of a difference of two networks is theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from archdsl.training.examples import has_losses, loss_of, right_of
from archdsl.verdict.results import Floats

NEAR = 0.02  # of the objective: as exactly as it follows from losses that are known to 6 % each


def _root(squares: Floats) -> Floats:
    """Of the root of the mean squared error."""
    value = np.sqrt(squares.mean())
    found: Floats = value + (squares - squares.mean()) / (2 * value)
    return found


def _distance(squares: Floats) -> Floats:
    """Of the mean absolute error, where an example has one value."""
    found: Floats = np.sqrt(squares)
    return found


def _perplexity(entropies: Floats) -> Floats:
    """Of the exponential of the mean cross-entropy."""
    found: Floats = np.exp(entropies.mean()) * (1 + entropies - entropies.mean())
    return found


OF_LOSSES: Mapping[str, Callable[[Floats], Floats]] = {
    "rmse": _root,
    "mae": _distance,
    "perplexity": _perplexity,
}


def of_each(name: str, codes: bytes, score: float | None = None) -> Floats | None:
    """The numbers ``(N,)`` whose mean an objective is, from what a network said of each example:
    see ``archdsl.training.examples``. Nothing where the objective has none, or where its ``score``
    is not what follows from them: of a mean absolute error of several values, and of losses out of
    the range in which they are kept."""
    if not codes:
        return None
    if name == "loss":
        return loss_of(codes)
    if name in ("accuracy", "error"):
        right = right_of(codes)
        return right if name == "accuracy" else 1 - right
    if name not in OF_LOSSES or not has_losses(codes):
        return None
    found = OF_LOSSES[name](loss_of(codes))
    mean = float(found.mean())
    if score is None:
        return found
    return found * (score / mean) if abs(mean - score) <= NEAR * score else None
