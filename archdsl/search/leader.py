"""The leader of a study: plans, starts workers, takes up what they lose, and settles."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import optuna
from optuna.exceptions import ExperimentalWarning, UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.search.outcome import arms_to_settle
from archdsl.search.plan import queue_baseline, queue_exploration, queue_settling
from archdsl.search.presence import is_gone
from archdsl.search.reach import survey
from archdsl.search.rows import BASELINE, EXPLORE, FAULTS, SETTLE, Row
from archdsl.search.stop import Stop
from archdsl.search.study import Study, take_up

NEW = 30.0  # seconds in which a trial may have no worker's name yet
LOOK = 0.5  # seconds between looks at the study
GRACE = 15.0  # seconds that a worker has to end when it is asked to
IN_A_ROW = 5  # failures after which a search is given up
INSTALLED = {"PYTHONSAFEPATH": "1"}  # the package that runs, whatever lies in this folder
URL = "ARCHDSL_STORAGE"  # how a worker is told of a storage: no password in a list of processes

Watch = Callable[["Progress"], None]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a search is."""

    stage: str
    rows: Sequence[Row]
    planned: int  # turns of this stage
    started: float  # when the leader began, on the monotonic clock
    deadline: float | None

    @property
    def done(self) -> int:
        """Turns that are over, whatever came of them."""
        turns = {(r.slice, r.turn) for r in self.rows if r.stage == self.stage}
        open_turns = {
            (r.slice, r.turn)
            for r in self.rows
            if r.stage == self.stage and r.state in ("waiting", "running")
        }
        return len(turns - open_turns)


@dataclass
class Leader:
    """Leads a search to its end, or to where it can be gone on with."""

    study: Study
    workers: int
    worker_options: Sequence[str] = ()
    url: str | None = None
    timeout: float | None = None
    watch: Watch = lambda progress: None
    crew: list[subprocess.Popen[bytes]] = field(default_factory=list)
    stop: Stop = field(default_factory=Stop)
    nameless: dict[int, float] = field(default_factory=dict)  # trials, and when they were seen
    lost: int = 0  # workers that ended since a trial was last finished
    finished: int = 0
    started: float = field(default_factory=time.monotonic)
    before: frozenset[tuple[str, str, int]] = frozenset()  # trials that had ended when it began

    @property
    def deadline(self) -> float | None:
        return None if self.timeout is None else self.started + self.timeout

    def run(self) -> bool:
        """Explores and settles; whether that was done to the end.

        False where the time was up. Raises ``ArchError`` where the search cannot go on, and
        ``KeyboardInterrupt``; workers have ended by then, and what they had in hand is queued.
        """
        study = self.study
        self.before = frozenset(key(row) for row in study.rows() if row.ended is not None)
        with self.stop.at_once():
            reaches = survey(study.space)
        planned = queue_exploration(study, reaches)
        self.reap()
        study.stage = EXPLORE
        try:
            done = self.work(EXPLORE, planned)
            if BASELINE in study.stages:
                planned = queue_baseline(study)
                study.stage = BASELINE
                done = self.work(BASELINE, planned) and done
            if study.search.settle_seeds:
                arms = arms_to_settle(study)
                planned = queue_settling(study, arms)
                study.stage = SETTLE
                done = self.work(SETTLE, planned) and done
            if done:
                study.stage = "done"
        finally:
            self.dismiss()
        return done

    # --------------------------------------------------------------------- the stages

    def work(self, stage: str, planned: int) -> bool:
        """Has a stage worked off; whether nothing of it is left."""
        while True:
            self.stop.ask()
            rows = self.study.rows()
            self.watch(Progress(stage, rows, planned, self.started, self.deadline))
            mine = [r for r in rows if r.stage == stage]
            finished = sum(r.state in ("done", "pruned") for r in rows)
            if finished > self.finished:
                self.finished, self.lost = finished, 0
            if not any(r.state in ("waiting", "running") for r in mine) and not self.reap():
                if not finished:  # they may fail faster than they are looked at
                    self.give_up_if_hopeless(mine)
                return True
            if self.time_is_up(stage, mine):
                return False
            self.give_up_if_hopeless(mine)
            self.keep_crew()
            with self.stop.at_once():
                time.sleep(LOOK)
            self.reap()

    def time_is_up(self, stage: str, rows: Sequence[Row]) -> bool:
        """Whether to end a stage. What comes before settling leaves the time that it will take."""
        if self.deadline is None:
            return False
        left = self.deadline - time.monotonic()
        seconds = [r.seconds for r in rows if r.seconds is not None]
        if stage != SETTLE and seconds and self.study.search.settle_seeds:
            arms = 2 * len(self.study.space.slices)
            settling = arms * self.study.search.settle_seeds * sum(seconds) / len(seconds)
            left -= settling / max(self.workers, 1)
            if stage == EXPLORE and BASELINE in self.study.stages:
                left /= 2  # the baseline takes as long as the exploration has
        return left <= 0

    def give_up_if_hopeless(self, rows: Sequence[Row]) -> None:
        """Raises ``ArchError`` where trial after trial fails by its own fault."""
        ended = [(r.ended, r) for r in rows if r.ended is not None and key(r) not in self.before]
        last = [r for _, r in sorted(ended, key=lambda pair: pair[0])[-IN_A_ROW:]]
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
        self.reap()

    # --------------------------------------------------------------------- lost trials

    def reap(self) -> int:
        """Fails the trials of workers that are gone, and queues again what was lost or
        interrupted; how many trials that is."""
        by_heartbeat = isinstance(self.study.storage, RDBStorage)
        count = 0
        for part in self.study.parts_of():
            if by_heartbeat:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", ExperimentalWarning)
                    optuna.storages.fail_stale_trials(part)
            for trial in part.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
                worker = trial.user_attrs.get("worker")
                if worker is None:
                    lost = self.is_overdue(trial)
                else:
                    lost = not by_heartbeat and is_gone(self.study.folder, worker)
                if lost:
                    fail(part, trial)
            count += take_up(part)
        return count

    def is_overdue(self, trial: FrozenTrial) -> bool:
        """Whether a trial that is running has gone without a worker's name for too long: its
        worker was lost as it took the trial, and has left no lock and no heartbeat."""
        seen = self.nameless.setdefault(trial._trial_id, time.monotonic())
        return time.monotonic() - seen > NEW

    def bury(self, worker: str) -> None:
        """Fails what a worker of the crew had in hand: its end was seen."""
        for part in self.study.parts_of():
            for trial in part.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
                if trial.user_attrs.get("worker") == worker:
                    fail(part, trial)


def key(row: Row) -> tuple[str, str, int]:
    return row.stage, row.slice, row.number


def fail(part: optuna.Study, trial: FrozenTrial) -> None:
    """Fails a trial whose worker is lost."""
    with suppress(ValueError, UpdateFinishedTrialError):  # it has ended meanwhile
        part.tell(trial.number, state=TrialState.FAIL)
