"""A search in the user's own program, which asks for the scores of candidates."""

from __future__ import annotations

import tempfile
import warnings
from collections import deque
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any
from weakref import finalize

import optuna
import torch
from optuna.trial import Trial, TrialState

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.diagnostics.source import Source
from archdsl.files import SEARCH, read_source
from archdsl.registry import REGISTRY, Registry
from archdsl.search.asked import Asked, Objective, Unscored
from archdsl.search.asking import asked_of, told
from archdsl.search.fair import fair_words
from archdsl.search.leader import IN_A_ROW
from archdsl.search.opened import OpenStudy, take_up
from archdsl.search.outcome import judged, verdict
from archdsl.search.own import function_of
from archdsl.search.plan import (
    arms_to_settle,
    queue_baseline,
    queue_exploration,
    queue_settling,
)
from archdsl.search.presence import leading
from archdsl.search.reach import survey
from archdsl.search.reading import read_search
from archdsl.search.request import Own
from archdsl.search.rows import BASELINE, ERROR, FAULTS, INTERRUPTED, SETTLE
from archdsl.search.settling import begun, further
from archdsl.search.start import begin, go_on
from archdsl.search.study import folder_of
from archdsl.search.worker import Failed, Worker
from archdsl.spec import Spec
from archdsl.training.data.given import splits_of
from archdsl.training.data.splits import Splits
from archdsl.training.devices import choose_device
from archdsl.training.own import ProgramData
from archdsl.verdict import Verdict, words


def _follows(name: str, scores: Mapping[str, Any]) -> bool:
    """Whether a score follows from others."""
    return name == "error" and "accuracy" in scores


@dataclass(frozen=True)
class _Open:
    """A candidate that is asked for, and its trial."""

    part: optuna.Study
    trial: Trial


class Search:
    """A search whose scores you give: ``ask()`` for a candidate and ``tell()`` its score, or
    ``run`` a function of candidates. Budgets, slices, seeds and the verdict are those of
    `archdsl search`.

        search = archdsl.Search("sorter.search")
        while (candidate := search.ask()) is not None:
            search.tell(candidate, train(candidate))
        print(search.words)

    With ``data`` archdsl trains, by the recipe that the search says:

        print(archdsl.Search("cifar.search", data=torchvision.datasets.CIFAR10(".")).run().words)
    """

    def __init__(
        self,
        search: str | Path,
        spec: Spec | None = None,
        *,
        data: Any = None,
        study: str | Path | None = None,
        resume: bool = False,
        seed: int = 0,
        device: str = "cpu",
        registry: Registry = REGISTRY,
    ) -> None:
        """``search`` is a path, or the text of a search (of more than one line), without `data`.
        ``spec`` is taken for the spec that it names. ``data`` is a data set of PyTorch or Hugging
        Face, a dict of these by their parts, a pair of arrays, or what ``splits_of`` made of one:
        ``run`` trains on it. The study is kept in the folder ``study``, and for as long as this
        object lives where that is not said; with ``resume`` one that is there goes on. Raises
        ``ArchError``.
        """
        text = str(search)
        if "\n" in text:
            source, folder = Source("<search>", text), Path()
        else:
            source, found = read_source(text, SEARCH)
            folder = found or Path()
        given = None if data is None else ProgramData.of(
            data if isinstance(data, Splits) else splits_of(data)
        )  # fmt: skip
        own = Own("", {}) if given is None else None
        asked = read_search(source, folder, registry, spec, own, given)
        self._stack = ExitStack()
        self._let_go = finalize(self, self._stack.close)  # of who closes nothing: when it ends
        if study is None:
            kept = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="archdsl-"))
            study = Path(kept) / asked.name
        where = folder_of(str(study))
        try:
            self._study = self._begun(asked, where, folder, seed, resume, registry)
        except BaseException:
            self._let_go()
            raise
        self.folder = where
        self._worker = Worker(self._study, torch.device(choose_device(device)))
        self._registry = registry
        self._open: dict[Asked, _Open] = {}
        self._last: deque[tuple[str, str]] = deque(maxlen=IN_A_ROW)  # failures and their causes
        queue_exploration(self._study, survey(self._study.space))

    def _begun(
        self, asked: Any, where: Path, data: Path, seed: int, resume: bool, registry: Registry
    ) -> OpenStudy:
        if resume and where.is_dir():
            self._stack.enter_context(leading(where))
            study = go_on(asked, where, data, seed, None, (), registry)
            self._give_up_running(study)
            return study
        study = begin(asked, where, data, seed, None, (), "archdsl.Search(...)", registry)
        self._stack.enter_context(leading(where))
        return study

    @staticmethod
    def _give_up_running(study: OpenStudy) -> None:
        """Queues again what was asked for when a program ended."""
        for _, trial, _ in study.tables.running(list(study.ids())):
            study.storage.set_trial_user_attr(trial, "failure", INTERRUPTED)
            study.storage.set_trial_state_values(trial, TrialState.FAIL)
        for place in study.places:
            take_up(study, place)

    def __enter__(self) -> Search:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets the study go, for others to go on with it; one without a folder is removed."""
        self._let_go()

    # ------------------------------------------------------------------------- asking

    @property
    def stage(self) -> str:
        """``explore``, ``baseline``, ``settle`` or ``done``."""
        return self._study.stage

    def ask(self) -> Asked | None:
        """The next candidate whose score is asked for. Nothing where the search is done, or where
        what comes next depends on candidates that are still to be told of.

        Raises ``ArchError`` where trial after trial has failed, and ``ValueError`` where archdsl
        trains.
        """
        if self._study.search.own is None:
            raise ValueError("with `data` archdsl trains by itself: call `run()`")
        while (place := self._next()) is not None:
            asked = self._asked(place.part, place.trial)
            if asked is not None:
                return asked
        return None

    def _next(self) -> _Open | None:
        """The next trial of the queue; nothing where there is none."""
        self._give_up_if_hopeless()
        while (part := self._worker.next_part()) is None:
            if self._open or not self._goes_on():
                return None
        return _Open(part, part.ask())

    def _asked(self, part: optuna.Study, trial: Trial) -> Asked | None:
        """What a trial asks for; nothing where it needs no training."""
        worker = self._worker
        trial.set_user_attr("worker", worker.name)
        try:
            arch, _, setting = worker.decide(trial)
            known = worker.known(trial, arch, setting)
        except Failed:
            part.tell(trial, state=TrialState.FAIL)
            return None
        except ArchError as error:
            self._fail(_Open(part, trial), ERROR, error.diagnostics[0].message)
            return None
        if known is not None:
            part.tell(trial, worker.repeat(trial, known))
            return None
        asked = asked_of(worker, trial, arch)
        self._open[asked] = _Open(part, trial)
        return asked

    def _goes_on(self) -> bool:
        """Queues the next stage; whether there is one."""
        study = self._study
        if study.stage == "done":
            return False
        if study.stage == SETTLE:
            arms = arms_to_settle(study)
            counts = further(study, begun(study, arms))
            if counts is not None:
                queue_settling(study, arms, counts)
                return True
        later = study.stages[study.stages.index(study.stage) + 1 :]
        if BASELINE in later:
            queue_baseline(study)
        elif SETTLE in later:
            arms = arms_to_settle(study)
            queue_settling(study, arms, begun(study, arms))
        study.stage = later[0] if later else "done"
        return bool(later)

    def tell(self, candidate: Asked, scores: Any) -> None:
        """Says the scores of a candidate: a number, or numbers by their names, or what holds of
        each example. What is no score is kept as a failed trial, with a warning.

        Raises ``ValueError`` for a candidate that is not asked for, or told of already, and for
        scores without a name that the search asks for: the candidate stays asked for then.
        """
        if candidate in self._open and isinstance(scores, Mapping):
            search = self._study.search
            names = [o.name for o in search.objectives if o.name not in search.costs]
            if lacking := [n for n in names if n not in scores and not _follows(n, scores)]:
                given = " and ".join(f"`{n}`" for n in scores) or "nothing"
                raise ValueError(f"the search asks for `{lacking[0]}`, and {given} was told")
        self._tell(candidate, scores)

    def _tell(self, candidate: Asked, scores: Any) -> None:
        place = self._taken(candidate)
        try:
            place.part.tell(place.trial, told(self._worker, place.trial, candidate, scores))
            self._last.append(("", ""))
        except Unscored as problem:
            self._fail(place, problem.failure, str(problem))
            warnings.warn(f"{candidate.shape}: {problem}", stacklevel=2)

    def fail(self, candidate: Asked, cause: str) -> None:
        """Says that there is no score, and why."""
        self._fail(self._taken(candidate), ERROR, cause)

    def prune(self, candidate: Asked) -> None:
        """Says that a training was given up."""
        place = self._taken(candidate)
        place.trial.set_user_attr("curve", candidate.curve)
        place.part.tell(place.trial, state=TrialState.PRUNED)

    def _taken(self, candidate: Asked) -> _Open:
        if candidate not in self._open:
            raise ValueError(f"{candidate.shape} was not asked for, or its result was told already")
        return self._open.pop(candidate)

    def _fail(self, place: _Open, failure: str, cause: str) -> None:
        place.trial.set_user_attr("failure", failure)
        place.trial.set_user_attr("cause", cause)
        place.part.tell(place.trial, state=TrialState.FAIL)
        self._last.append((failure, cause))

    def _give_up_if_hopeless(self) -> None:
        last = self._last
        if len(last) == IN_A_ROW and all(failure in FAULTS for failure, _ in last):
            fields = {"count": IN_A_ROW, "reason": last[-1][1]}
            self._last.clear()
            raise ArchError([diagnose(codes.TRIALS_FAIL, fields=fields)])

    # ------------------------------------------------------------------------- running

    def run(self, objective: Objective | None = None) -> Search:
        """Asks a function for the scores of all candidates, to the end of the search; without
        one, the file that the search names, or archdsl's own training where ``data`` are given.
        What a training raises is kept with its trial.

        Raises ``ArchError`` where trial after trial fails, and ``ValueError`` for a function
        beside ``data``.
        """
        study = self._study
        if study.search.own is None:
            if objective is not None:
                raise ValueError("archdsl trains on `data`: leave out one of data and function")
            return self._train()
        if objective is None:
            own = study.search.own
            file = study.data / own.file if own is not None else Path()
            objective = function_of(study.search, study.data, [file])
        if objective is None:
            raise ArchError([diagnose(codes.MISSING_STATEMENT, what="what trains")])
        while (candidate := self.ask()) is not None:
            try:
                self._tell(candidate, objective(candidate))
            except optuna.TrialPruned:
                self.prune(candidate)
            except Exception as problem:  # whatever a training does
                self.fail(candidate, f"{type(problem).__name__}: {problem}")
        return self

    def _train(self) -> Search:
        """Trains all candidates."""
        worker = self._worker
        worker.check_data()
        while (place := self._next()) is not None:
            trial = place.trial
            try:
                place.part.tell(trial, worker.train(trial))
                self._last.append(("", ""))
            except optuna.TrialPruned:
                place.part.tell(trial, state=TrialState.PRUNED)
            except Failed as problem:
                place.part.tell(trial, state=TrialState.FAIL)
                self._last.append((trial.user_attrs.get("failure", ERROR), str(problem)))
            if worker.trouble is not None:
                raise worker.trouble
        return self

    @property
    def verdict(self) -> Verdict:
        """What the search says, in numbers. Raises ``ArchError`` where nothing is told yet."""
        return verdict(self._study)

    @property
    def words(self) -> str:
        """What the search says. Raises ``ArchError`` where nothing is told yet."""
        rows = judged(self._study)
        found = verdict(self._study, rows)
        return "\n".join([words(found), *fair_words(self._study, rows, found)])
