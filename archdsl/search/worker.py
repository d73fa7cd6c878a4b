"""A worker: takes trials from a study's queue and trains them, until nothing is left."""

from __future__ import annotations

import logging
import os
import platform
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from typing import Any, NoReturn

import optuna
import torch
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import Trial
from torch import nn

from archdsl.analysis.distributions import suggest
from archdsl.analysis.shapes import Unreachable
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.elaborate.values import show
from archdsl.modelcard import ModelCard
from archdsl.search.asked import Objective, Unscored
from archdsl.search.asking import noted, result_of_own
from archdsl.search.at_work import Note
from archdsl.search.clock import Clock
from archdsl.search.kept import keep_weights
from archdsl.search.measured import measured_on
from archdsl.search.opened import OpenStudy
from archdsl.search.outcome import of_test, score_along
from archdsl.search.own import trace_of
from archdsl.search.plan import facts
from archdsl.search.rows import (
    ERROR,
    EXPLORE,
    INTERRUPTED,
    LOST,
    OUT_OF_MEMORY,
    SETTLE,
    TUNE,
    UNREACHABLE,
    Row,
    fault_of,
)
from archdsl.search.stop import Stop
from archdsl.search.study import Part
from archdsl.search.team import TeamFailed
from archdsl.search.tuned import digest_of_start, seed_of, shortened, starting, tuned
from archdsl.spec import Architecture
from archdsl.training.data import load
from archdsl.training.data.folds import Folds
from archdsl.training.data.splits import Splits
from archdsl.training.evaluate import examine
from archdsl.training.keep import card_of
from archdsl.training.loop import train_candidate
from archdsl.training.outcome import Epoch, Failure, Outcome, TrainingStep
from archdsl.training.recipe import Recipe
from archdsl.training.suits import check_recipe
from archdsl.training.timing import measure_inference

SAME = (
    "trial",
    "seed",
    "setting",
    "same_as",
    "accuracy",
    "loss",
    "latency",
    "costs",
)  # of what is alike
DRAWS = 20  # times that a sampler may propose what meets no budget before its turn is over
PAUSE = 0.5  # seconds between looks into an empty queue
NO_FAULT = (codes.BAD_STORAGE, codes.CANNOT_WRITE)  # errors that no trial is to blame for

log = logging.getLogger(__name__)


class Failed(Exception):
    """A trial that failed; its cause stands in its attributes."""


@dataclass
class Worker:
    """Trains trials of a study on one device."""

    study: OpenStudy
    device: torch.device
    name: str = field(default_factory=lambda: f"{platform.node()}:{os.getpid()}")
    trainer: Callable[..., tuple[nn.Module, Outcome]] = train_candidate
    objective: Objective | None = None  # a training of the user's own
    clock: Clock = field(default_factory=Clock)
    stop: Stop = field(default_factory=Stop)
    trouble: ArchError | None = None  # what happened beside a trial, and stops the worker

    def __post_init__(self) -> None:
        if self.study.space.is_measured and self.study.space.measure is None:
            self.study.space.measure = measured_on(self.study.search, self.device)

    def run(self, patience: float = inf) -> bool:
        """Works until the study is done: says so, or that nothing was queued for ``patience``
        seconds.

        Raises ``ArchError`` where the data or the study's folder are not what they were, and
        ``KeyboardInterrupt`` when asked to stop; the trial at hand has failed then, and its
        leader queues it again.
        """
        self.check_data()
        idle = time.monotonic()
        while True:
            self.stop.ask()
            part = self.next_part()
            if part is not None:
                self.work(part)
                if self.trouble is not None:
                    raise self.trouble
                idle = time.monotonic()
            elif self.study.stage == "done":
                return True
            elif time.monotonic() - idle >= patience:
                return False
            else:
                time.sleep(PAUSE)

    @cached_property
    def splits(self) -> Splits:
        with self.stop.at_once():
            return load(self.study.search.data, self.study.data)

    @cached_property
    def folds(self) -> Folds:
        return Folds(self.splits, self.study.search.folds)

    def splits_of(self, trial: Trial) -> Splits:
        """What a trial is trained and judged on: the split of the data, or one of its folds."""
        number = trial.user_attrs.get("fold")
        return self.splits if number is None else self.folds.at(number)

    def check_data(self) -> None:
        """The data of all workers are the same; your own training brings them."""
        if self.study.search.own is not None:
            return
        check_recipe(
            self.study.search.recipe, self.splits.task, self.splits.image, self.splits.values
        )
        if self.study.search.folds:  # too few images are no fault of a trial
            self.folds.at(1)
        digest = self.study.attribute("data")
        here = self.splits.digest + digest_of_start(self.study.search.recipe, self.study.data)
        if digest is None:
            self.study.head.set_user_attr("data", here)
        elif digest != here:
            start = " or the weights to start from" if self.study.search.recipe.weights else ""
            fields = {"name": self.study.name, "what": f"the data{start}"}
            raise ArchError([diagnose(codes.STUDY_CHANGED, fields=fields)])

    def next_part(self) -> optuna.Study | None:
        """The part whose next turn comes first: slices take turns."""
        study = self.study
        places = study.ids([study.stage])
        first: dict[int, Part] = {}
        for id, queue in study.tables.queues(list(places)).items():
            if queue.next is not None:
                for row in study.rows_of(id, places[id], [queue.next], "turn"):
                    first.setdefault(row.turn or 0, places[id])
        return study.parts[first[min(first)]] if first else None

    def work(self, part: optuna.Study) -> None:
        """One trial, from the queue to its end."""
        taken: list[Trial] = []

        def objective(trial: Trial) -> Any:
            taken.append(trial)
            with self.study.storage.beating(self.id_of(part, trial.number)):
                return self.train(trial)

        try:
            part.optimize(objective, n_trials=1, catch=(Failed,))
        except (UpdateFinishedTrialError, ValueError):  # what Optuna says to one who is late
            if not taken or not self.has_ended(part, taken[0].number):
                raise
            log.warning("the trial was given to another worker")  # this one seemed to be lost

    def id_of(self, part: optuna.Study, number: int) -> int:
        """What the storage calls a trial."""
        storage = self.study.storage
        study = storage.get_study_id_from_name(part.study_name)
        return storage.get_trial_id_from_study_id_trial_number(study, number)

    def has_ended(self, part: optuna.Study, number: int) -> bool:
        return self.study.storage.get_trial(self.id_of(part, number)).state.is_finished()

    # ------------------------------------------------------------------------ a trial

    def train(self, trial: Trial) -> Any:
        if "turn" not in trial.user_attrs:  # another worker was faster: the queue is empty
            self.fail(trial, LOST, "nothing was left to do")
        fault, place = fault_of(trial.user_attrs), map(trial.user_attrs.get, ("stage", "slice"))
        if fault or tuple(place) not in self.study.parts:  # others write to the storage
            self.fail(trial, ERROR, f"it {fault or 'is of no slice of this search'}")
        trial.set_user_attr("worker", self.name)
        try:
            candidate_arch, recipe, setting = self.decide(trial)
            found = self.known(trial, candidate_arch, setting)
            if found is not None:
                return self.repeat(trial, found)
            with self.clock.running(trial):
                if self.study.search.own is not None:
                    return result_of_own(self, trial, candidate_arch)
                return self.result(trial, candidate_arch, recipe)
        except (Failed, optuna.TrialPruned, UpdateFinishedTrialError):
            raise
        except KeyboardInterrupt:  # whoever leads queues it again
            trial.set_user_attr("failure", INTERRUPTED)
            raise
        except (TeamFailed, Unscored) as problem:
            self.fail(trial, problem.failure, str(problem))
        except Failure as problem:
            self.fail(trial, problem.cause, problem.diagnostic.message)
        except ArchError as error:
            if error.diagnostics[0].kind in NO_FAULT:
                with suppress(ArchError):
                    trial.set_user_attr("failure", INTERRUPTED)
                raise
            short = error.diagnostics[0].kind is codes.OUT_OF_MEMORY
            self.fail(trial, OUT_OF_MEMORY if short else ERROR, error.diagnostics[0].message)
        except Exception as problem:  # whatever a layer of the user's does
            number = trial.user_attrs.get("trial", trial.number)
            log.error("trial %s\n%s", number, trace_of(problem))
            self.fail(trial, ERROR, f"{type(problem).__name__}: {problem}")

    def fail(self, trial: Trial, failure: str, cause: str) -> NoReturn:
        trial.set_user_attr("failure", failure)
        trial.set_user_attr("cause", cause)
        raise Failed(cause)

    def decide(self, trial: Trial) -> tuple[Architecture, Recipe, str]:
        """The network of a trial and how it is trained."""
        study = self.study
        try:
            shape = study.space.shape(lambda name, domain: suggest(trial, name, domain))
            known = trial.user_attrs.get("knobs")
            if known is None or trial.user_attrs.get("shape") != shape.text:
                slice = next(s for s in study.space.slices if s.name == trial.user_attrs["slice"])
                candidate = study.space.candidate(shape, slice)
                for name, value in facts(candidate, self.study.search.noted).items():
                    trial.set_user_attr(name, value)
                arch = candidate.arch
            else:
                arch = study.search.spec.candidate(known, study.space.input)
        except Unreachable as problem:
            self.draw_again(trial, problem)
        recipe, setting = self.tuned(trial)
        if setting:
            trial.set_user_attr("setting", setting)
        return arch, recipe, setting

    def draw_again(self, trial: Trial, problem: Unreachable) -> NoReturn:
        """Ends a trial whose shape is ruled out, and gives its turn to what is drawn next."""
        draws = trial.user_attrs.get("draws", 0) + 1
        if draws < DRAWS:
            part = self.study.parts[trial.user_attrs["stage"], trial.user_attrs["slice"]]
            kept = ("turn", "trial", "stage", "slice", "seed")
            attrs = {k: v for k, v in trial.user_attrs.items() if k in kept}
            part.enqueue_trial({}, {**attrs, "draws": draws})
        self.fail(trial, UNREACHABLE, problem.error.diagnostics[0].message)

    def tuned(self, trial: Trial) -> tuple[Recipe, str]:
        """The recipe with what is tuned, and that in words."""
        search = self.study.search
        values = {name: suggest(trial, name, domain) for name, domain in search.tune.items()}
        words = ", ".join(f"{name} = {show(value)}" for name, value in values.items())
        short = search.short_in(trial.user_attrs["stage"])
        recipe = shortened(starting(search.recipe, self.study.data), short)
        return recipe if search.own is not None else tuned(recipe, values), words

    def known(self, trial: Trial, arch: Architecture, setting: str) -> Row | None:
        """A finished trial that trained the same network in the same way."""
        study, seed = self.study, trial.user_attrs["seed"]
        for id, place in study.ids([trial.user_attrs["stage"]]).items():
            alike = study.tables.with_value(id, "hash", arch.hash)
            for row in study.rows_of(id, place, alike, *SAME):
                if row.is_result and (row.seed, row.setting) == (seed, setting):
                    return row
        return None

    def repeat(self, trial: Trial, row: Row) -> Any:
        trial.set_user_attr("same_as", row.called)
        for name in ("accuracy", "loss", "latency", "costs"):
            if getattr(row, name) is not None:
                trial.set_user_attr(name, getattr(row, name))
        return list(row.values) if len(row.values) > 1 else row.values[0]

    def result(self, trial: Trial, arch: Architecture, recipe: Recipe) -> Any:
        search = self.study.search
        stage = trial.user_attrs["stage"]
        curve: list[tuple[float, ...]] = []
        far = Note(trial)

        @self.stop.later()
        def on_epoch(epoch: Epoch) -> None:
            score = score_along(search.objectives[0].name, epoch)
            point = (epoch.epoch, score, epoch.loss, epoch.train_loss, epoch.lr)
            curve.append(tuple(round(float(x), 7) for x in point))
            far.epoch(epoch.epoch, score, epoch.loss)
            if search.is_pareto or stage != EXPLORE:
                return
            trial.report(epoch.score(search.objectives[0].name), epoch.epoch)
            if trial.should_prune():
                trial.set_user_attr("curve", curve)
                raise optuna.TrialPruned

        def on_step(step: TrainingStep) -> None:
            if far.is_due:
                with self.stop.later():
                    far.step(step)

        splits, seed = self.splits_of(trial), self.seed_of(trial)
        with self.stop.at_once():
            module, outcome = self.trainer(
                arch, splits, recipe, seed, self.device, on_epoch=on_epoch, on_step=on_step
            )
        trial.set_user_attr("curve", curve)
        values = self.note(trial, arch, module, outcome, recipe)
        card = card_of(arch, splits, search.data, recipe, trial.user_attrs["seed"])
        if stage != TUNE:
            self.keep_weights(trial, module, values[0], card)
        return values if len(values) > 1 else values[0]

    def seed_of(self, trial: Trial) -> int:
        return seed_of(self.study.card.seed, trial.user_attrs["seed"])

    def note(
        self, trial: Trial, arch: Architecture, module: nn.Module, outcome: Outcome, recipe: Recipe
    ) -> list[float]:
        """Writes a result down; the values of the objectives."""
        found: dict[str, Any] = {
            "loss": outcome.loss,
            "seconds": round(outcome.seconds, 3),
            "images_per_second": round(outcome.images_per_second, 1),
        }
        if outcome.accuracy is not None:
            found["accuracy"] = outcome.accuracy
        if outcome.scores:
            found["scores"] = dict(outcome.scores)
        if outcome.peak_memory is not None:
            found["peak_memory"] = outcome.peak_memory
        names = [o.name for o in self.study.search.objectives]
        costs = self.costs(trial, arch, module)
        with self.stop.at_once():
            if trial.user_attrs["stage"] == SETTLE:
                if outcome.examples:
                    found["examples"] = outcome.examples
                splits = self.splits_of(trial)
                if len(test := splits.test):
                    found |= of_test(names[0], examine(module, test, splits, self.device, recipe))
        found |= noted(costs)
        for name, value in found.items():
            trial.set_user_attr(name, value)
        return [float(costs[n]) if n in costs else outcome.score(n) for n in names]

    def costs(self, trial: Trial, arch: Architecture, module: nn.Module | None) -> dict[str, float]:
        """What a candidate costs: what follows from its spec, and what is measured of it here."""
        costs: dict[str, float] = {n: arch.cost(n) for n in ("macs", "params", "activations")}
        costs |= trial.user_attrs.get("costs", {})
        with self.stop.at_once():
            for name in self.study.search.noted:
                if name == "latency":
                    costs[name] = self.latency(module or arch, arch)
                elif (cost := self.study.search.costs[name]).measured:
                    costs[name] = cost.measure(arch, 1, str(self.device))
        return costs

    def latency(self, module: nn.Module | Architecture, arch: Architecture) -> float:
        return measure_inference(module, arch.input, self.device)

    def keep_weights(
        self, trial: Trial, module: nn.Module, value: float, card: ModelCard | None = None
    ) -> None:
        self.trouble = keep_weights(self.study, trial, module, value, card)
