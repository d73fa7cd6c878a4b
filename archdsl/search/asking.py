"""A trial whose score somebody else gives: what is asked, and what of the answer is kept."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import optuna
from optuna.trial import Trial

from archdsl.analysis.distributions import suggest
from archdsl.search.asked import Asked, Unscored, scores_of
from archdsl.search.at_work import Note
from archdsl.search.rows import COSTS, ERROR, EXPLORE, SETTLE
from archdsl.spec import Architecture
from archdsl.training.own import plain
from archdsl.training.seeds import seed_all

if TYPE_CHECKING:
    from archdsl.search.worker import Worker

POINTS = 1000  # of a curve that are kept, where a training reports after each of its steps


def asked_of(worker: Worker, trial: Trial, arch: Architecture) -> Asked:
    """What is asked for the score of."""
    search, attrs = worker.study.search, trial.user_attrs
    assert search.own is not None
    drawn = {name: plain(suggest(trial, name, domain)) for name, domain in search.tune.items()}

    far, curve, name = Note(trial), list[tuple[float, ...]](), search.objectives[0].name

    def on_report(step: int, score: float) -> None:
        curve.append(point_of(name, step, score))
        if len(curve) > POINTS:
            del curve[1:-1:2]
        with worker.stop.later():
            far.epoch(step, score)
        if search.is_pareto or attrs["stage"] != EXPLORE:
            return
        with worker.stop.later():
            trial.report(score, step)
            pruned = trial.should_prune()
        if pruned:
            trial.set_user_attr("curve", curve)
            raise optuna.TrialPruned

    return Asked(
        arch, {**search.own.settings, **drawn}, worker.seed_of(trial), worker.device,
        attrs["stage"], attrs["slice"], attrs["shape"], trial.number,
        attrs.get("setting", ""), (attrs["fold"], search.folds) if "fold" in attrs else None,
        curve, on_report,
    )  # fmt: skip


def point_of(name: str, step: int, score: float) -> tuple[float, ...]:
    """A report as a point of a trial's curve: the accuracy stands there for the error, and the loss
    in its place beside the score."""
    known = {"error": (1 - score,), "loss": (score, score)}.get(name, (score,))
    return (step, *(round(n, 7) for n in known))


def result_of_own(worker: Worker, trial: Trial, arch: Architecture) -> Any:
    """Has a candidate trained; the values of the objectives."""
    assert worker.objective is not None, "nobody is there to train"
    asked = asked_of(worker, trial, arch)
    started = time.perf_counter()
    with worker.stop.at_once():
        seed_all(worker.device, asked.seed)
        try:
            said = worker.objective(asked)
        except SystemExit as problem:  # it ends its own training, and no worker
            raise Unscored(ERROR, f"SystemExit: {problem}") from None
    return told(worker, trial, asked, said, time.perf_counter() - started)


def told(
    worker: Worker, trial: Trial, asked: Asked, said: Any, seconds: float | None = None
) -> Any:
    """Writes down what was said of a candidate; the values of the objectives. Raises
    ``Unscored``."""
    names = [o.name for o in worker.study.search.objectives]
    scores = scores_of(said, names[0])
    found: dict[str, Any] = {n: v for n, v in scores.known.items() if n in ("accuracy", "loss")}
    if asked.stage == SETTLE:
        told_of_each = {"examples": scores.examples, "test_examples": scores.test_examples}
        found |= {name: text for name, text in told_of_each.items() if text}
        if scores.test is not None:
            found["test"] = scores.test
    costs = worker.costs(trial, asked.architecture, asked.built)
    values = [float(costs[name]) if name in costs else scores.of(name) for name in names]
    seconds = seconds if scores.seconds is None else scores.seconds
    if seconds is not None:
        found["seconds"] = round(seconds, 3)
    for name, value in {**found, **noted(costs)}.items():
        trial.set_user_attr(name, value)
    trial.set_user_attr("scores", dict(scores.known))
    if asked.curve:
        trial.set_user_attr("curve", asked.curve)
    if asked.built is not None:
        worker.keep_weights(trial, asked.built, values[0], asked.card)
    return values if len(values) > 1 else values[0]


def noted(costs: Mapping[str, float]) -> dict[str, Any]:
    """What stands of costs in a trial's attributes: that of the spec's own stands there."""
    found: dict[str, Any] = {"costs": {n: v for n, v in costs.items() if n not in COSTS}}
    return found | ({"latency": costs["latency"]} if "latency" in costs else {})
