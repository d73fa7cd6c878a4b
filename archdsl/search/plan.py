"""What is to be trained: turns, queued before a search begins.

Exploration gives every shape of a slice as many turns, so that all are tuned alike, and leaves
what is tuned to the sampler. Where turns are too few for that, slices share them: each begins with
another shape. Of still fewer, or where slices cannot share them, the sampler has the shapes too.
The queue is worked off by whoever is there; what a study has already queued is not queued again, so
that planning may be cut short and done anew.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import product, zip_longest
from typing import Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from archdsl.analysis.distributions import param
from archdsl.elaborate.knobs import Domain
from archdsl.elaborate.values import show
from archdsl.search.curved import values_of
from archdsl.search.opened import OpenStudy
from archdsl.search.outcome import budget_of, judged, question, results
from archdsl.search.reach import Reach, is_drawn, is_shared, turns_of
from archdsl.search.rows import BASELINE, COSTS, DROPPED, EXPLORE, KEPT, SETTLE, TUNE, BriefRow
from archdsl.search.settings import Grid, RandomSampling
from archdsl.search.settling import FRESH
from archdsl.search.space import Candidate
from archdsl.search.study import Study
from archdsl.verdict import to_settle
from archdsl.verdict.settled import Explored, explored


@dataclass(frozen=True, slots=True)
class PlannedTrial:
    """A trial to be: its place in a slice's plan, what is decided already, and its seed."""

    place: int
    seed: int
    params: dict[str, Any] = field(default_factory=dict)
    attrs: dict[str, Any] = field(default_factory=dict)


def turns(
    study: Study, reach: Reach, count: int, first: int | None = None
) -> Iterator[PlannedTrial]:
    """The turns of a slice's exploration: at most ``count``, fewer where nothing is left. Where
    slices share turns, they go round its shapes from the ``first``."""
    search = study.search
    seeds, listed = max(search.explore_seeds, 1), reach.candidates
    drawn, count = is_drawn(search, reach, count), turns_of(search, reach, count, first is not None)
    if listed is not None and first is not None:
        for place in range(count):
            around, at = divmod(first + place, len(listed))
            yield PlannedTrial(place, around % seeds + 1, *decided(study, listed[at]))
    elif listed is not None and isinstance(search.sampler, Grid):
        yield from _grid(study, listed, count)
    elif listed is None or drawn:
        yield from (PlannedTrial(place, place % seeds + 1) for place in range(count))
    elif not search.tune:
        for place, (seed, c) in enumerate(product(range(1, seeds + 1), listed)):
            if place == count:
                return
            yield PlannedTrial(place, seed, *decided(study, c))
    elif isinstance(search.sampler, RandomSampling) or search.is_pareto:
        for place in range(count):
            free = {} if not reach.missed else _drawn(study, reach.slice.name, listed, place)
            yield PlannedTrial(place, place % seeds + 1, free)
    else:  # as many turns for each shape: the best of more draws would look better by that alone
        for place in range(count):
            seed = place // len(listed) % seeds + 1
            yield PlannedTrial(place, seed, *decided(study, listed[place % len(listed)]))


def _drawn(study: Study, slice: str, listed: Sequence[Candidate], place: int) -> dict[str, Any]:
    """A shape for a turn that the sampler has, where others are out of reach: it would draw
    those too. What is tuned is left to it."""
    draw = random.Random(f"{study.card.seed} {slice} {place}")
    return decided(study, draw.choice(listed))[0]


def _grid(study: Study, listed: Sequence[Candidate], count: int) -> Iterator[PlannedTrial]:
    tune = study.search.tune
    values = [[(name, domain, v) for v in domain.enumerate()] for name, domain in tune.items()]
    seeds = range(1, study.search.explore_seeds + 1)
    for place, (seed, candidate, *tuned) in enumerate(product(seeds, listed, *values)):
        if place == count:
            return
        params, attrs = decided(study, candidate)
        params |= {name: param(domain, v) for name, domain, v in tuned}
        yield PlannedTrial(place, seed, params, attrs)


def decided(study: Study, candidate: Candidate) -> tuple[dict[str, Any], dict[str, Any]]:
    """A candidate as the parameters of a trial and what is known of it beforehand."""
    domains: dict[str, Domain] = {}

    def note(name: str, domain: Domain) -> Any:
        domains[name] = domain
        return candidate.shape.knobs[name]

    study.space.shape(note)
    params = {n: param(d, candidate.shape.knobs[n]) for n, d in domains.items()}
    return params, facts(candidate, study.search.noted)


def facts(candidate: Candidate, noted: Sequence[str]) -> dict[str, Any]:
    """What stands in a trial's attributes of its candidate; ``noted``: costs that are asked for."""
    arch = candidate.arch
    static = arch.spec.registry.static_costs
    further = [n for n in noted if n in static and n not in COSTS]
    return {
        "shape": candidate.shape.text,
        "knobs": dict(candidate.knobs),
        "solved": candidate.solved,
        "hash": arch.hash,
        "params": arch.params,
        "macs": arch.macs,
        "activations": arch.activations,
        "costs": {n: arch.cost(n) for n in further},
        "depth": arch.depth,
        "width": mean_width(candidate),
    }


def mean_width(candidate: Candidate) -> float:
    """Mean output channels of the convolutions, or of the linear layers where there are none."""
    nodes = candidate.arch.flat.nodes
    for kind in ("conv", "linear"):
        widths = [n.shape[0] for n in nodes if n.layer is not None and n.layer.kind == kind]
        if widths:
            return round(sum(widths) / len(widths), 3)
    return 0.0


def queue_exploration(study: OpenStudy, reaches: Sequence[Reach], stage: str = EXPLORE) -> int:
    """Queues what is not queued yet of a stage that tries shapes and settings; the number of turns
    in all."""
    total = 0
    waiting: dict[str, list[PlannedTrial]] = {}
    share, rest = divmod(study.search.trials, len(reaches))
    shared = is_shared(study.search, reaches)
    for number, reach in enumerate(reaches):
        slice = reach.slice.name
        first = number * len(reach.candidates or ()) // len(reaches) if shared else None
        wanted = list(turns(study, reach, share + (number < rest), first))
        total += len(wanted)
        drop(study, stage, slice, {turn.place for turn in wanted})
        known = places_of(study, stage, slice)
        waiting[slice] = [turn for turn in wanted if turn.place not in known]
    enqueue(study, stage, waiting)
    return total


def queue_tuned(study: OpenStudy) -> int:
    """Queues each shape at the setting that the short trainings gave it, once for each seed that
    explores; the number of turns in all."""
    total = 0
    waiting: dict[str, list[PlannedTrial]] = {}
    rows = [row for row in judged(study) if row.stage == TUNE]
    shapes: dict[str, list[Explored]] = {}
    found = results(study, rows, tuning=True)
    homes = {result.slice: budget_of(result) for result in found}
    for part, known in explored(found, question(study.search, found)):
        known = sorted(known, key=lambda e: e.arm)
        shapes.setdefault(homes[part.name], []).extend(known)
    for slice in study.space.slices:
        mine = shapes.get(slice.name if study.search.hold is not None else "", ())
        trials = [trial_of(study, rows, TUNE, slice.name, shape) for shape in mine]
        seeds = range(1, study.search.explore_seeds + 1)
        queued = places_of(study, EXPLORE, slice.name)
        for place, (seed, trial) in enumerate(product(seeds, trials)):
            total += 1
            if place not in queued:
                keep = {k: v for k, v in trial.user_attrs.items() if k in KEPT}
                turn = PlannedTrial(place, seed, dict(trial.params), keep)
                waiting.setdefault(slice.name, []).append(turn)
    enqueue(study, EXPLORE, waiting)
    return total


def drop(study: OpenStudy, stage: str, slice: str, wanted: set[int]) -> None:
    """Takes turns out of the queue of a stage that goes on with fewer trials."""
    id = study.part_id(stage, slice)
    if id is None:
        return
    places = study.tables.values_of(id, "turn")
    for trial in study.tables.ids(id, ["WAITING"]):
        if trial in places and places[trial] not in wanted:
            with suppress(UpdateFinishedTrialError):  # a worker has taken it meanwhile
                study.storage.set_trial_user_attr(trial, "failure", DROPPED)
                study.storage.set_trial_state_values(trial, TrialState.FAIL)


def places_of(study: Study, stage: str, slice: str) -> set[Any]:
    """The turns of a part that are queued, or were; those that were dropped may come again."""
    id = study.part_id(stage, slice)
    if id is None:
        return set()
    dropped = set(study.tables.with_value(id, "failure", DROPPED))
    found = study.tables.values_of(id, "turn")
    return {place for trial, place in found.items() if trial not in dropped}


def enqueue(study: OpenStudy, stage: str, waiting: Mapping[str, Sequence[PlannedTrial]]) -> None:
    """Queues turns of slices, those of each after one of every other: as they will be taken, and so
    numbered through the whole study."""
    for turns in zip_longest(*waiting.values()):
        for slice, turn in zip(waiting, turns, strict=True):
            if turn is not None:
                study.trials += 1
                attrs = {"turn": turn.place, "trial": study.trials, "stage": stage, "slice": slice}
                attrs |= {"seed": turn.seed, **turn.attrs}
                study.parts[stage, slice].enqueue_trial(turn.params, attrs)


def queue_baseline(study: OpenStudy) -> int:
    """Queues trials that a slice's baseline draws, for as many epochs as its exploration took.
    The number of turns in all."""
    total = 0
    waiting: dict[str, list[PlannedTrial]] = {}
    for slice in study.space.slices:
        explored = study.part_id(EXPLORE, slice.name)
        epochs = 0
        for id in (explored, study.part_id(TUNE, slice.name)):
            curves = {} if id is None else study.tables.values_of(id, "curve")
            epochs += sum(len(curve) for curve in curves.values() if isinstance(curve, list))
        known = places_of(study, BASELINE, slice.name)
        count = round(epochs / study.search.recipe.epochs)
        if study.search.own is not None and explored is not None:
            count = len(study.tables.ids(explored, ("COMPLETE",), 0))
        total += count
        seeds = max(study.search.explore_seeds, 1)
        new = [place for place in range(count) if place not in known]
        waiting[slice.name] = [PlannedTrial(place, place % seeds + 1) for place in new]
    enqueue(study, BASELINE, waiting)
    return total


def arms_to_settle(study: OpenStudy) -> dict[str, list[FrozenTrial]]:
    """The explored trials whose shapes are to be trained on fresh seeds: with their settings, or
    with those that a curve through all trials gave."""
    rows = [row for row in judged(study) if row.stage == EXPLORE]
    found = results(study, rows)
    chosen: dict[str, list[Explored]] = {}
    homes = {result.slice: budget_of(result) for result in found}
    for name, shapes in to_settle(found, question(study.search, found)).items():
        chosen.setdefault(homes[name], []).extend(shapes)
    arms: dict[str, list[FrozenTrial]] = {}
    for slice in study.space.slices:
        known = chosen.get(slice.name if study.search.hold is not None else "", ())
        for shape in known:
            frozen = trial_of(study, rows, EXPLORE, slice.name, shape)
            arms.setdefault(slice.name, []).append(frozen)
    return arms


def trial_of(
    study: OpenStudy, rows: Sequence[BriefRow], stage: str, slice: str, explored: Explored
) -> FrozenTrial:
    """A trial that trained an arm, with the setting that a curve through all trials gave it, where
    there is one."""
    arm = (explored.arm.shape, explored.arm.setting)
    number = next(
        r.number for r in rows if r.slice == slice and r.is_result and (r.shape, r.setting) == arm
    )
    part = study.part_id(stage, slice)
    assert part is not None
    trial = study.storage.get_trial_id_from_study_id_trial_number(part, number)
    frozen = study.storage.get_trial(trial)
    if explored.tuned:
        domains = study.search.tune
        tune(frozen, domains, values_of(domains, explored.tuned))
    return frozen


def tune(trial: FrozenTrial, domains: Mapping[str, Domain], values: Mapping[str, Any]) -> None:
    """Gives a trial other values of what is tuned."""
    params = {name: param(domains[name], value) for name, value in values.items()}
    trial.params = {**trial.params, **params}
    words = ", ".join(f"{name} = {show(value)}" for name, value in values.items())
    trial.user_attrs = {**trial.user_attrs, "setting": words}


def queue_settling(
    study: OpenStudy,
    arms: Mapping[str, Sequence[FrozenTrial]],
    counts: Mapping[str, int] | None = None,
) -> int:
    """Queues fresh seeds, as many as ``counts`` says of each slice or else all, for the trials
    that were chosen, in turns, so that a search that is cut short has as many of each. The number
    of turns in all."""
    total = 0
    waiting: dict[str, list[PlannedTrial]] = {}
    for slice, chosen in arms.items():
        count = study.search.settle_seeds if counts is None else counts[slice]
        part = study.parts[SETTLE, slice]
        trials = part.get_trials(deepcopy=False)
        known = {arm_of(t.user_attrs) for t in trials}
        place = len(trials)
        for seed in range(FRESH + 1, FRESH + count + 1):
            for trial in chosen:
                total += 1
                keep = {k: v for k, v in trial.user_attrs.items() if k in KEPT}
                if folds := study.search.folds:
                    keep["fold"] = (seed - FRESH - 1) % folds + 1
                if arm_of({**keep, "seed": seed}) not in known:
                    turn = PlannedTrial(place, seed, dict(trial.params), keep)
                    waiting.setdefault(slice, []).append(turn)
                    place += 1
    enqueue(study, SETTLE, waiting)
    return total


def arm_of(attrs: Mapping[str, Any]) -> tuple[Any, ...]:
    """What is trained: a network, a setting, a seed."""
    return attrs.get("hash"), attrs.get("setting", ""), attrs.get("seed")
