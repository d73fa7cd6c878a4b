"""What came of a study: results for the verdict, the arms to settle, the best network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from archdsl.costs.base import Cost
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.registry import REGISTRY
from archdsl.search.categories import is_numeric, kind_of, kinds
from archdsl.search.curved import numbers
from archdsl.search.each_example import of_each
from archdsl.search.request import LEARNED, SearchRequest
from archdsl.search.rows import (
    ASIDE,
    BASELINE,
    EXPLORE,
    FAULTS,
    JUDGED,
    OF_FRESH,
    SETTLE,
    TUNE,
    BriefRow,
    R,
    Row,
)
from archdsl.search.space import WHOLE
from archdsl.search.study import Study
from archdsl.search.tables import FINISHED
from archdsl.spec import Architecture
from archdsl.training.examples import Examined, has_losses, loss_of
from archdsl.units import SHARES
from archdsl.verdict import Question, Result, Verdict, judge
from archdsl.verdict.looks import planned
from archdsl.verdict.results import BudgetResults
from archdsl.verdict.settled import Explored, are_ordered
from archdsl.verdict.words import placed

if TYPE_CHECKING:
    from archdsl.training.outcome import Epoch

EARLY = (
    "Fresh seeds are still to come. Whoever looks before all are there finds chance more often than"
    " the p-value says: the answer is that of all of them."
)


def results(
    study: Study, rows: Iterable[BriefRow] | None = None, tuning: bool = False
) -> list[Result]:
    """The trainings that came to an end, well or badly; a pruned one says nothing of its shape.
    ``tuning``: the short ones, which say nothing but how a shape is trained."""
    budgets = {s.name: s.budget or 0.0 for s in study.space.slices}
    known = kinds(study.search)
    objective = study.search.objectives[0]
    own, short = study.search.own is not None, study.search.short_in(TUNE)
    tune, held = study.search.tune, study.search.hold is not None
    found: list[Result] = []
    fresh: dict[int, BriefRow] = {}
    for row in judged(study) if rows is None else rows:
        if not row.shape or row.stage == BASELINE or (row.stage == TUNE) != tuning:
            continue
        if not (row.is_result or row.failure in FAULTS):
            continue
        result = Result(
            slice=row.slice if held else "",
            budget=budgets[row.slice],
            shape=row.shape,
            depth=row.depth,
            width=row.width,
            seed=row.seed or 0,
            score=row.values[0] if row.is_result else None,
            setting=row.setting,
            tuned=numbers(tune, row.setting) if tuning or not short else (),
        )
        if row.stage == SETTLE:
            fresh[len(found)] = row
            result = _fresh(result, row, objective.name, own)
        found.append(result)
    if _are_held_out(found):
        for place, row in fresh.items():
            found[place] = _held_out(found[place], row, objective.name)
    within = [_within(r, kind_of(r.shape, known)) for r in found] if known else []
    return within if within and are_ordered(within) else found


def _fresh(result: Result, row: BriefRow, objective: str, own: bool) -> Result:
    """A result of a fresh seed, with what is known of it alone."""
    return replace(
        result,
        settled=True,
        test=None if row.test is None else measured(objective, row.test, own),
        examples=of_each(objective, row.examples, result.score),
        test_examples=of_each(objective, row.test_examples, row.test),
        **_losses(objective, row),
        fold=row.fold or 0,
    )


def _are_held_out(found: Sequence[Result]) -> bool:
    """Whether fresh seeds are judged on test data too: it is known of all of them what they said of
    each example, and none has a fold of its own."""
    fresh = [r for r in found if r.settled and r.score is not None]
    each = (r.examples is not None and r.test_examples is not None and not r.fold for r in fresh)
    return bool(fresh) and all(each)


def _held_out(result: Result, row: BriefRow, objective: str) -> Result:
    """A fresh result over all held-out examples, validation and test data, of which it has seen
    none; its ``test`` stays that of the test data alone."""
    second = result.test_examples
    examples = of_each(objective, row.examples + row.test_examples)
    if result.score is None or examples is None or second is None:
        return result
    found = replace(
        result, score=float(examples.mean()), examples=examples, test=float(second.mean())
    )
    if result.losses is None or result.test_loss is None:
        return replace(found, loss=None, losses=None, test_loss=None)
    losses = np.concatenate([result.losses, loss_of(row.test_examples)])
    return replace(found, loss=float(losses.mean()), losses=losses)


def _within(result: Result, kind: str) -> Result:
    """A result as one of its kind alone."""
    name = f"{result.slice} with {kind}".strip() if kind else result.slice
    return replace(result, slice=name, kind=kind)


def budget_of(result: Result) -> str:
    """The slice of the study that a result is of: a budget, with all kinds in it."""
    return result.slice.removesuffix(f"with {result.kind}").strip() if result.kind else result.slice


def judged(study: Study) -> list[BriefRow]:
    """The trials that have ended, with what a verdict needs of them."""
    fresh = {SETTLE: OF_FRESH}
    return [
        row
        for stage in study.stages
        for row in study.brief(stage, (*JUDGED, *fresh.get(stage, ())), FINISHED)
    ]


def measured(name: str, test: float, own: bool = False) -> float | None:
    """What a study knows of the test data as the objective would tell it. That is an accuracy where
    accuracy, error or loss is asked for, of which the last is not known there; else, and from a
    training of one's own, the objective itself."""
    if own or name not in LEARNED:
        return test
    return {"accuracy": test, "error": 1 - test}.get(name)


def of_test(name: str, said: Examined) -> dict[str, Any]:
    """What a study keeps of test data: see ``measured``."""
    score = said.means[0] if name in LEARNED else said.scores.get(name)
    told = {} if score is None else {"test": score}
    return {"test_examples": said.written(), **told}


def score_along(name: str, epoch: Epoch) -> float:
    """What the curve of a trial shows: the accuracy, where there is one and nothing else is asked
    for than what follows from it, or the loss; else the objective."""
    known = epoch.accuracy if name in LEARNED else epoch.scores.get(name)
    return epoch.loss if known is None else known


def _losses(name: str, row: BriefRow) -> dict[str, Any]:
    """The log-losses of a settled network, which are judged beside the share of right examples."""
    if name not in ("accuracy", "error") or row.loss is None or not has_losses(row.examples):
        return {}
    test = loss_of(row.test_examples).mean() if has_losses(row.test_examples) else None
    return {
        "loss": row.loss,
        "losses": loss_of(row.examples),
        "test_loss": None if test is None else float(test),
    }


def name_of(row: BriefRow) -> str:
    return f"{row.shape}, {row.solved}" if row.solved else row.shape


def question(search: SearchRequest, found: Sequence[Result]) -> Question:
    """What a study asks: shapes that differ by numbers are ordered from wide to deep, in each of
    the kinds that they come in."""
    objective = search.objectives[0]
    numeric = all(map(is_numeric, search.vary)) or any(r.kind for r in found)
    unit = search.target or (0.005 if objective.name in SHARES else 0.05)
    ordered = numeric and are_ordered(found)
    looks = () if search.least_seeds == search.settle_seeds else looks_of(search)
    settles = search.settle_seeds > 0
    best, arms = not objective.minimize, search.arms
    both = _are_held_out(found)
    return Question(best, objective.name, ordered, unit, looks, search.folds, arms, settles, both)


def looks_of(search: SearchRequest) -> tuple[int, ...]:
    """The numbers of fresh seeds at which a search looks at its results."""
    return planned(search.least_seeds, search.settle_seeds)


def verdict(
    study: Study,
    rows: Sequence[BriefRow] | None = None,
    found: Sequence[Result] | None = None,
    known: Sequence[tuple[BudgetResults, Sequence[Explored]]] | None = None,
) -> Verdict:
    """What a study says, by its trials, the results that were made of them and their shapes, where
    they are at hand. Raises ``ArchError`` where it has no results yet."""
    rows = judged(study) if rows is None else rows
    found = results(study, rows) if found is None else found
    if not any(r.score is not None for r in found):
        raise nothing_to_say(study, rows)
    return judge(found, question(study.search, found), parts=known, short=tuning(study, rows))


def tuning(study: Study, rows: Iterable[BriefRow]) -> list[Result]:
    """The short trainings that tuned, where a search has such: exploration, if it was short; where
    it has none, whole trainings tune."""
    if study.search.short_in(EXPLORE):
        return [result for result in results(study, rows) if not result.settled]
    return results(study, rows, tuning=True) if study.search.short_in(TUNE) else []


def early(study: Study, rows: Iterable[BriefRow]) -> bool:
    """Whether fresh seeds that were planned to be judged once are judged before all of them are
    there."""
    once = len(looks_of(study.search)) < 2
    begun = any(row.stage == SETTLE and row.is_result for row in rows)
    return begun and once and study.stage == SETTLE


def nothing_to_say(study: Study, rows: Iterable[BriefRow]) -> ArchError:
    """The error of a study without results; it says so where trainings came to nothing."""
    failed = [row for row in rows if row.is_failure]
    if not failed:
        return ArchError([diagnose(codes.NOTHING_TO_SAY, name=study.name)])
    (last,) = study.whole(failed[-1:])
    said = f"{len(failed)} failed; the reason of the last: {last.cause or last.failure}"
    return ArchError([diagnose(codes.NOTHING_TO_SAY, help=[said], name=study.name)])


def best(study: Study, slice: str | None = None, rows: Sequence[BriefRow] | None = None) -> Row:
    """The best trial: of the settled arm with the better mean, the one with the best score; where
    nothing is settled, of all that were explored. Raises ``ArchError`` where there is none."""
    known = [r for r in (judged(study) if rows is None else rows) if r.stage not in ASIDE]
    rows = [r for r in known if r.is_result and slice in (None, r.slice)]
    if not rows:
        raise nothing_to_say(study, known)
    sign = -1.0 if study.search.objectives[0].minimize else 1.0
    if slice is None:  # the largest budget, which is the last
        last = [s.name for s in study.space.slices if any(r.slice == s.name for r in rows)][-1]
        rows = [r for r in rows if r.slice == last]
    settled = [r for r in rows if r.stage == SETTLE]
    if settled:
        groups: dict[tuple[str, str], list[BriefRow]] = {}
        for row in settled:
            groups.setdefault((row.shape, row.setting), []).append(row)
        rows = max(groups.values(), key=lambda g: sign * sum(r.values[0] for r in g) / len(g))
    (found,) = study.whole([max(rows, key=lambda r: (sign * r.values[0], -r.number))])
    return found


@dataclass(frozen=True, slots=True)
class Beside:
    """The best explored trial of a slice, and the best that its baseline drew in as many epochs."""

    slice: str
    explored: Row
    baseline: Row
    better: bool  # whether exploration was

    def words(self, objective: str) -> str:
        """The two in a sentence."""
        scores = [shown(objective, row.values[0]) for row in (self.explored, self.baseline)]
        than = "better than" if self.better else "no better than"
        name = "" if self.slice == WHOLE.name else self.slice
        return placed(
            name,
            f"the best that was explored is {than} the best that random draws found in as many"
            f" epochs: {scores[0]} against {scores[1]} ({name_of(self.baseline)}).",
        )


def beside(study: Study, rows: Sequence[BriefRow]) -> list[Beside]:
    """The exploration of each slice and its baseline, where both have a result."""
    sign = -1.0 if study.search.objectives[0].minimize else 1.0
    found = []
    for slice in study.space.slices:
        mine = [r for r in rows if r.slice == slice.name and r.is_result]
        best_of = {
            stage: max((r for r in mine if r.stage == stage), key=lambda r: sign * r.values[0],
                       default=None)
            for stage in (EXPLORE, BASELINE)
        }  # fmt: skip
        ours, theirs = best_of[EXPLORE], best_of[BASELINE]
        if ours is not None and theirs is not None:
            better = sign * ours.values[0] > sign * theirs.values[0]
            ours, theirs = study.whole([ours, theirs])  # exploration is the first stage
            found.append(Beside(slice.name, ours, theirs, better))
    return found


def shown(objective: str, value: float, costs: Mapping[str, Cost] = REGISTRY.costs) -> str:
    """A value of an objective, as people read it. ``costs`` are those of the study."""
    if objective in SHARES:
        return f"{100 * value:.2f} %"
    return costs[objective].show(value) if objective in costs else f"{value:.4f}"


def front(study: Study, rows: Sequence[R]) -> list[R]:
    """The rows that no other one beats in all objectives, by the first.

    One that beats another comes before it in the order of their scores, so that each is held
    against those alone that nothing before it has beaten.
    """
    signs = [-1.0 if o.minimize else 1.0 for o in study.search.objectives]
    scored = [
        ([s * v for s, v in zip(signs, row.values, strict=True)], row)
        for row in rows
        if row.is_result
    ]
    kept: list[tuple[list[float], R]] = []
    for score, row in sorted(scored, key=lambda pair: pair[0], reverse=True):
        if not any(
            other != score and all(a >= b for a, b in zip(other, score, strict=True))
            for other, _ in kept
        ):
            kept.append((score, row))
    return [row for _, row in kept]


def architecture(study: Study, row: Row) -> Architecture:
    """The network of a trial."""
    return study.search.spec.candidate(dict(row.knobs or {}), study.space.input)
