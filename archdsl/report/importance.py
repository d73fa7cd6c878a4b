"""Which knobs the score depends on, as Optuna tells it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field

import optuna
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import TrialState

LEAST = 10  # finished trials, below which a forest says nothing
TREES = 64


@dataclass(frozen=True, slots=True)
class Importance:
    """The shares of a slice's knobs, the largest first, or ``why`` they are not known."""

    slice: str
    shares: Mapping[str, float] = field(default_factory=dict)
    trials: int = 0
    why: str = ""


def _are(count: int) -> str:
    return "is 1" if count == 1 else f"are {count}"


def importance_of(part: optuna.Study, slice: str) -> Importance:
    """The share of the variance of the first objective that each knob explains by itself and
    with others, by a random forest over the finished trials (fANOVA, Hutter et al. 2014)."""
    trials = [
        t
        for t in part.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if "turn" in t.user_attrs and "same_as" not in t.user_attrs
    ]
    if len(trials) < LEAST:
        why = f"it takes {LEAST} finished trials, and there {_are(len(trials))}"
        return Importance(slice, why=why)
    shared = set.intersection(*(set(t.params) for t in trials))
    varied = [n for n in sorted(shared) if len({str(t.params[n]) for t in trials}) > 1]
    if len(varied) < 2:
        only = f"`{varied[0]}` alone varies" if varied else "no knob varies in all of them"
        return Importance(slice, why=f"{only}: there is nothing to weigh")
    if len({t.values[0] for t in trials}) == 1:
        return Importance(slice, why="all scores are equal")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shares = get_param_importances(
            part,
            evaluator=FanovaImportanceEvaluator(n_trees=TREES, seed=0),
            params=varied,
            target=lambda trial: trial.values[0],
        )
    return Importance(slice, {n: float(s) for n, s in shares.items()}, len(trials))
