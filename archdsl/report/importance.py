"""Which knobs the score depends on, as Optuna tells it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from archdsl.report.chosen import spread
from archdsl.search.rows import EXPLORE, Row
from archdsl.search.study import Study

LEAST = 10  # finished trials, below which a forest says nothing
MOST = 500  # that it is grown from; of more, an even sample
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


def importance_of(study: Study, slice: str, rows: Sequence[Row]) -> Importance:
    """The share of the variance of the first objective that each knob explains by itself and
    with others, by a random forest over the finished trials (fANOVA, Hutter et al. 2014)."""
    done = [r for r in rows if r.slice == slice and r.stage == EXPLORE and r.is_result]
    if len(done) < LEAST:
        why = f"{LEAST} finished trials are needed, and there {_are(len(done))}"
        return Importance(slice, why=why)
    try:
        import optuna
    except ImportError:
        return Importance(slice, why="it needs Optuna, which is not installed")
    trials = _trials(study, slice, spread(done, MOST))
    shared = set.intersection(*(set(t.params) for t in trials))
    varied = [n for n in sorted(shared) if len({str(t.params[n]) for t in trials}) > 1]
    if len(varied) < 2:
        only = f"`{varied[0]}` alone varies" if varied else "no knob varies in all of them"
        return Importance(slice, why=f"{only}: there is nothing to weigh")
    if len({t.values[0] for t in trials}) == 1:
        return Importance(slice, why="all scores are equal")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        part = optuna.create_study(directions=["maximize"] * len(trials[0].values))
        part.add_trials(trials)
        shares = optuna.importance.get_param_importances(
            part,
            evaluator=optuna.importance.FanovaImportanceEvaluator(n_trees=TREES, seed=0),
            params=varied,
            target=lambda trial: trial.values[0],
        )
    return Importance(slice, {n: float(s) for n, s in shares.items()}, len(trials))


def _trials(study: Study, slice: str, rows: Sequence[Row]) -> list[Any]:
    """Trials as Optuna has them, with what was drawn for them."""
    import optuna
    from optuna.distributions import json_to_distribution

    part = study.part_id(EXPLORE, slice)
    drawn = {} if part is None else study.tables.params(part, [row.number for row in rows])
    trials = []
    for row in rows:
        params, distributions = {}, {}
        for name, value, text in drawn.get(row.number, ()):
            distributions[name] = json_to_distribution(text)
            params[name] = distributions[name].to_external_repr(value)
        trials.append(
            optuna.trial.create_trial(
                params=params, distributions=distributions, values=list(row.values)
            )
        )
    return trials
