"""The leader of a study: plans, starts workers, takes up what they lose, and settles."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from pathlib import Path

from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.search.at_work import epochs_of, score_of
from archdsl.search.categories import kinds
from archdsl.search.changes import Changes
from archdsl.search.clock import EXPIRED
from archdsl.search.opened import OpenStudy, take_up
from archdsl.search.plan import (
    arms_to_settle,
    queue_baseline,
    queue_exploration,
    queue_settling,
    queue_tuned,
)
from archdsl.search.presence import is_gone
from archdsl.search.reach import Reach, survey
from archdsl.search.rows import BASELINE, EXPLORE, FAULTS, INTERRUPTED, LOST, SETTLE, TUNE, Row
from archdsl.search.settling import begun, further
from archdsl.search.stop import Stop
from archdsl.search.storage import BEAT
from archdsl.search.study import Part

NEW = 30.0  # seconds in which a trial may have no worker's name yet
LOOK = 0.5  # seconds between looks at the study, at least
SHARE = 100  # and as often the work of a look: a hundredth of a core
MOST = 10.0  # seconds between looks
GRACE = 15.0  # seconds that a worker has to end when it is asked to
IN_A_ROW = 5  # failures after which a search is given up
INSTALLED = {"PYTHONSAFEPATH": "1"}  # the package that runs, whatever lies in this folder
URL = "ARCHDSL_STORAGE"  # how a worker is told of a storage: no password in a list of processes

Watch = Callable[["SearchProgress"], None]


@dataclass(frozen=True, slots=True)
class SearchProgress:
    """How far a search is."""

    stage: str
    news: Sequence[Row]  # trials that have ended since the last look
    running: int
    waiting: int
    planned: int  # turns of this stage
    seconds: float | None  # that a training takes, by those so far
    started: float  # when the leader began, on the monotonic clock
    deadline: float | None
    before: Sequence[Row] = ()  # at the first look: what had ended when the leader began
    at_work: Sequence[Row] = ()  # trials that run
    epochs: int | None = None  # of a training of this stage, where that is known
    score: str = "accuracy"  # what that of a trial at work is called
    trials: int = 0  # the highest number that a trial of the study has

    @property
    def done(self) -> int:
        """Turns that are over, whatever came of them: a turn is queued once at a time."""
        return max(self.planned - self.running - self.waiting, 0)


@dataclass
class Leader:
    """Leads a search to its end, or to where it can be resumed."""

    study: OpenStudy
    workers: int
    worker_options: Sequence[str] = ()
    url: str | None = None
    timeout: float | None = None
    watch: Watch = lambda progress: None
    crew: list[subprocess.Popen[bytes]] = field(default_factory=list)
    stop: Stop = field(default_factory=Stop)
    nameless: dict[int, float] = field(default_factory=dict)  # trials, and when they were seen
    lost_in: set[Part] = field(default_factory=set)  # parts where a turn may have to be taken up
    checked: float = -inf  # when heartbeats were last looked at
    lost: int = 0  # workers that ended since a trial was last finished
    finished: bool = False  # whether any training came to its end, this time or before
    last: deque[Row] = field(default_factory=lambda: deque(maxlen=IN_A_ROW))  # to end, this time
    times: tuple[float, int] = (0.0, 0)  # of trainings: seconds in all, and how many
    ahead: int = 0  # whole trainings that explore what is being tuned
    backlog: list[Row] = field(default_factory=list)  # what had ended when it began
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.changes = Changes(self.study)
        self.lost_in.update(self.study.places)

    @property
    def deadline(self) -> float | None:
        return None if self.timeout is None else self.started + self.timeout

    @cached_property
    def reaches(self) -> Sequence[Reach]:
        """What each slice can try. Raises ``ArchError`` where one has nothing."""
        with self.stop.at_once():
            return survey(self.study.space)

    def run(self) -> bool:
        """Explores and settles; whether that was done to the end.

        False where the time was up. Raises ``ArchError`` where the search cannot go on, and
        ``KeyboardInterrupt``; workers have ended by then, and what they had in hand is queued.
        """
        study = self.study
        self.backlog = self.look()
        self.last.clear()  # what failed before does not end this search
        reaches, first = self.reaches, study.stages[0]
        planned = queue_exploration(study, reaches, first)
        self.reap()
        study.stage = first
        try:
            if first == TUNE:
                shapes = sum(len(reach.candidates or ()) for reach in reaches)
                self.ahead = shapes * study.search.explore_seeds
                if not self.work(TUNE, planned):
                    return False
                self.ahead, self.times = 0, (0.0, 0)  # those were of short trainings
                planned = queue_tuned(study)
                study.stage = EXPLORE
            done = self.work(EXPLORE, planned)
            if BASELINE in study.stages:
                planned = queue_baseline(study)
                study.stage = BASELINE
                done = self.work(BASELINE, planned) and done
            if study.search.settle_seeds:
                done = self.settle() and done
            if done:
                study.stage = "done"
        finally:
            self.dismiss()
        return done

    def settle(self) -> bool:
        """Trains what was chosen on fresh seeds, until there is an answer or they are used up."""
        study = self.study
        arms = arms_to_settle(study)
        counts: Mapping[str, int] | None = begun(study, arms)
        while counts is not None:
            planned = queue_settling(study, arms, counts)
            study.stage = SETTLE
            if not self.work(SETTLE, planned):
                return False
            counts = further(study, counts)
        return True

    # --------------------------------------------------------------------- the stages

    def work(self, stage: str, planned: int) -> bool:
        """Has a stage worked off; whether nothing of it is left."""
        study = self.study
        while True:
            self.stop.ask()
            began = time.process_time()
            before, news, self.backlog = self.backlog, self.look(), []
            queue = self.changes.open(stage)
            progress = SearchProgress(
                stage, news, queue.running, queue.waiting, planned, self.seconds,
                self.started, self.deadline, before, self.changes.at_work(stage),
                epochs_of(study.search, stage), score_of(study.search), study.trials,
            )  # fmt: skip
            self.watch(progress)
            if not (queue.waiting or queue.running) and not self.reap():
                if not self.finished:  # they may fail faster than they are looked at
                    self.give_up_if_hopeless()
                return True
            if self.time_is_up(stage):
                return False
            self.give_up_if_hopeless()
            self.keep_crew()
            self.reap()
            with self.stop.at_once():
                time.sleep(min(max(LOOK, SHARE * (time.process_time() - began)), MOST))

    def look(self) -> list[Row]:
        """What has ended since the last look, and what follows from it for the leader."""
        news = self.changes.look()
        if any(row.state in ("done", "pruned") for row in news):
            self.finished, self.lost = True, 0
        known = [row.seconds for row in news if row.seconds is not None]
        self.times = (self.times[0] + sum(known), self.times[1] + len(known))
        self.last.extend(news)
        self.lost_in |= {(r.stage, r.slice) for r in news if r.failure in (LOST, INTERRUPTED)}
        return news

    @property
    def seconds(self) -> float | None:
        """How long a training takes, by those so far."""
        total, count = self.times
        return total / count if count else None

    def time_is_up(self, stage: str) -> bool:
        """Whether to end a stage. What comes before settling leaves the time that it will take."""
        if self.deadline is None:
            return False
        left = self.deadline - time.monotonic()
        if stage != SETTLE and self.seconds is not None and self.study.search.settle_seeds:
            of_each = max(1, len(kinds(self.study.search)))
            arms = self.study.search.arms * len(self.study.space.slices) * of_each
            search = self.study.search
            longer = search.recipe.epochs / (search.short_in(stage) or search.recipe.epochs)
            after = (arms * search.settle_seeds + self.ahead) * self.seconds * longer
            left -= after / max(self.workers, 1)
            if stage == EXPLORE and BASELINE in self.study.stages:
                left /= 2  # the baseline takes as long as the exploration has
        return left <= 0

    def give_up_if_hopeless(self) -> None:
        """Raises ``ArchError`` where trial after trial fails by its own fault."""
        last = self.last
        if len(last) == IN_A_ROW and all(r.failure in FAULTS for r in last):
            fields = {"count": IN_A_ROW, "reason": last[-1].cause}
            raise ArchError([diagnose(codes.TRIALS_FAIL, fields=fields)])

    # ------------------------------------------------------------------------ workers

    def keep_crew(self) -> None:
        """Starts the workers that are missing."""
        for place, process in enumerate(self.crew):
            if process.poll() is not None:
                self.look_into(place, process)
                self.crew[place] = self.start(place)
        while len(self.crew) < self.workers:
            self.crew.append(self.start(len(self.crew)))

    def look_into(self, place: int, process: subprocess.Popen[bytes]) -> None:
        """Why a worker ended. Raises ``ArchError`` where others would end in the same way."""
        self.bury(f"{platform.node()}:{process.pid}")
        log = self.log_of(place)
        assert process.stdin is not None and process.stdout is not None
        with process.stdin, process.stdout as stream:
            trouble = stream.read()
        if trouble:
            raise ArchError([diagnose(codes.WORKERS_FAIL, **json.loads(trouble))])
        if process.returncode == EXPIRED:
            return  # it has failed its trial, which took too long
        self.lost += 1
        if self.lost > 2 * self.workers + 1:
            code = process.returncode
            how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
            reason = f"the last one {how}; {log} has what it said"
            raise ArchError([diagnose(codes.WORKERS_FAIL, reason=reason)])

    def start(self, place: int) -> subprocess.Popen[bytes]:
        log = self.log_of(place)
        command = [sys.executable, "-m", "archdsl", "worker", str(self.study.folder)]
        command += ["--led", str(place), "--of", str(self.workers), *self.worker_options]
        environment = {**os.environ, **INSTALLED, **({URL: self.url} if self.url else {})}
        try:
            log.parent.mkdir(exist_ok=True)
            with log.open("ab") as stream:
                return subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,  # ends with the leader, and the worker with it
                    stdout=subprocess.PIPE,  # says why it ended, for all workers
                    stderr=stream,
                    env=environment,
                    start_new_session=True,  # Ctrl-C reaches the leader alone
                )
        except OSError as problem:
            reason = (problem.strerror or str(problem)).lower()
            raise ArchError([diagnose(codes.CANNOT_WRITE, name=str(log), reason=reason)]) from None

    def log_of(self, place: int) -> Path:
        return self.study.folder / "workers" / f"{place}.log"

    def dismiss(self) -> None:
        """Ends the workers, and queues again what they had in hand."""
        for process in self.crew:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        end = time.monotonic() + GRACE
        for process in self.crew:
            try:
                process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        crew = [f"{platform.node()}:{process.pid}" for process in self.crew]
        self.crew.clear()
        for worker in crew:
            self.bury(worker)
        self.lost_in.update(self.study.places)  # where they broke off was not looked at yet
        self.reap()

    # --------------------------------------------------------------------- lost trials

    def reap(self) -> int:
        """Fails the trials of workers that are gone, and queues again what was lost or
        interrupted; how many trials that is."""
        study = self.study
        if time.monotonic() - self.checked > BEAT:
            self.checked = time.monotonic()
            for part in study.parts_of():
                study.storage.fail_stale(part.study_name)
        places = study.ids()
        for id, trial, worker in study.tables.running(list(places)):
            if self.is_lost(trial, worker):
                self.fail(trial, places[id])
        count = sum(take_up(study, place) for place in self.lost_in)
        self.lost_in.clear()
        return count

    def is_lost(self, trial: int, worker: str | None) -> bool:
        """Whether nobody trains a trial any more: in the folder a worker's lock tells at once,
        elsewhere its heartbeat after a while, and as it takes the trial there is neither."""
        if worker is None:
            seen = self.nameless.setdefault(trial, time.monotonic())
            return time.monotonic() - seen > NEW
        return self.study.embedded and is_gone(self.study.folder, worker)

    def bury(self, worker: str) -> None:
        """Fails what a worker of the crew had in hand: its end was seen."""
        places = self.study.ids()
        for id, trial, name in self.study.tables.running(list(places)):
            if name == worker:
                self.fail(trial, places[id])

    def fail(self, trial: int, place: Part) -> None:
        """Fails a trial whose worker is lost."""
        self.lost_in.add(place)
        with suppress(UpdateFinishedTrialError):  # it has ended meanwhile
            self.study.storage.set_trial_state_values(trial, TrialState.FAIL)
