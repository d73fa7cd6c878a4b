"""Optuna's storage of a study, for those who work on it: SQL, here or on another machine."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import quote

import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import BaseStorage, RDBStorage, fail_stale_trials
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.engine import URL
from sqlalchemy.exc import IntegrityError, ProgrammingError, SQLAlchemyError

from archdsl.diagnostics.model import ArchError
from archdsl.search.database import (
    TRIALS,
    Patience,
    address_of,
    arrange,
    cause_of,
    check_schema,
    file_address,
    keep,
    settings_of,
    unusable,
)
from archdsl.search.tables import FINISHED, Tables

BEAT = 10  # seconds between the heartbeats of a worker
GRACE = 60  # seconds without one, and its trial is taken up by another
QUEUE = 8  # trials at the head of the queue that one look takes
ALONE = 4  # times as long that a trial takes which is read by itself, and not with all


def open_storage(folder: Path, url: str | None) -> Storage:
    """The storage of a study: of its folder, or of an address. What is not there is made.
    Raises ``ArchError``."""
    address = file_address(folder / TRIALS) if url is None else address_of(url)
    name = f"sqlite:///{folder / TRIALS}" if url is None else url
    if address.get_backend_name() == "sqlite" and address.database:
        file = Path(address.database)
        check_schema(file, f"file:{quote(str(file.resolve()))}?mode=rw")
    try:
        return Storage(_opened(address), name)
    except ImportError as problem:
        reason = f"{problem}; PostgreSQL needs `pip install psycopg[binary]`"
        raise unusable(name, reason) from None
    except (SQLAlchemyError, StorageInternalError, RuntimeError, OSError) as problem:
        raise unusable(name, cause_of(problem)) from None


def _opened(address: URL) -> RDBStorage:
    """The storage at an address, whose tables are made where there are none.

    Where several open an empty database at once, as the workers of a cluster may, all but one
    of them find that a table has come to be while they were making it: they look again.
    """
    pause = 0.2
    while True:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ExperimentalWarning)  # of heartbeats
                storage = RDBStorage(
                    address.render_as_string(hide_password=False)
                    .replace("{", "{{")
                    .replace("}", "}}"),
                    engine_kwargs=settings_of(address),
                    heartbeat_interval=BEAT,
                    grace_period=GRACE,
                )
            arrange(storage.engine)
            return storage
        except (IntegrityError, ProgrammingError):
            if pause > 2:
                raise
            time.sleep(pause)
            pause *= 1.5


class Storage(BaseStorage):
    """What Optuna asks of a database; asked again while the database is away.

    A trial that has ended is read once, and of the queue its head: Optuna's own cache reads all
    that waits at every look. Raises ``ArchError`` where the database stays away, where it cannot
    do what it is asked, and where what stands there is damaged.
    """

    def __init__(self, inner: RDBStorage, name: str) -> None:
        self.inner = inner
        self.patience = Patience(name)
        self.tables = Tables(inner.engine, self.patience)
        self.ended: dict[int, dict[int, FrozenTrial]] = {}  # by Optuna's ids of study and trial

    def _ask(self, call: Callable[..., Any], *args: Any) -> Any:
        return self.patience.ask(call, *args)

    def _read(self, call: Callable[..., Any], *args: Any) -> Any:
        """Asks for trials. Raises ``ArchError`` for those that Optuna cannot make anything of."""
        try:
            return self._ask(call, *args)
        except (ValueError, TypeError, LookupError, AssertionError, AttributeError) as problem:
            said = str(problem) or type(problem).__name__
            reason = f"what is stored of a trial is damaged ({said})"
            raise unusable(self.patience.url, reason) from None

    # ------------------------------------------------------------------------ studies

    def create_new_study(
        self, directions: Sequence[StudyDirection], study_name: str | None = None
    ) -> int:
        return int(self._ask(self.inner.create_new_study, directions, study_name))

    def delete_study(self, study_id: int) -> None:
        self._ask(self.inner.delete_study, study_id)

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        self._ask(self.inner.set_study_user_attr, study_id, key, value)

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        self._ask(self.inner.set_study_system_attr, study_id, key, value)

    def get_study_id_from_name(self, study_name: str) -> int:
        return int(self._ask(self.inner.get_study_id_from_name, study_name))

    def get_study_name_from_id(self, study_id: int) -> str:
        return str(self._ask(self.inner.get_study_name_from_id, study_id))

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        return list(self._ask(self.inner.get_study_directions, study_id))

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        return dict(self._ask(self.inner.get_study_user_attrs, study_id))

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        return dict(self._ask(self.inner.get_study_system_attrs, study_id))

    def get_all_studies(self) -> list[Any]:
        return list(self._ask(self.inner.get_all_studies))

    # ------------------------------------------------------------------------- trials

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        return int(self._ask(self.inner.create_new_trial, study_id, template_trial))

    def set_trial_param(
        self,
        trial_id: int,
        param_name: str,
        param_value_internal: float,
        distribution: BaseDistribution,
    ) -> None:
        given = (trial_id, param_name, param_value_internal, distribution)
        self._ask(self.inner.set_trial_param, *given)

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        done = bool(self._ask(self.inner.set_trial_state_values, trial_id, state, values))
        if state.is_finished():
            try:
                keep(self.inner.engine.url)
            except OSError as problem:
                raise unusable(self.patience.url, (problem.strerror or "").lower()) from None
        return done

    def set_trial_intermediate_value(
        self, trial_id: int, step: int, intermediate_value: float
    ) -> None:
        self._ask(self.inner.set_trial_intermediate_value, trial_id, step, intermediate_value)

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        self._ask(self.inner.set_trial_user_attr, trial_id, key, value)

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        self._ask(self.inner.set_trial_system_attr, trial_id, key, value)

    def get_trial_id_from_study_id_trial_number(self, study_id: int, trial_number: int) -> int:
        given = (study_id, trial_number)
        return int(self._ask(self.inner.get_trial_id_from_study_id_trial_number, *given))

    def get_trial(self, trial_id: int) -> FrozenTrial:
        found: FrozenTrial = self._read(self.inner.get_trial, trial_id)
        return found

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        """The trials by their numbers. Those that wait, asked for by themselves, are the head of
        the queue alone. They are shared: nobody here changes one."""
        wanted = [s for s in TrialState if states is None or s in states]
        if wanted == [TrialState.WAITING]:
            ids = self.tables.waiting(study_id, QUEUE)
            return [self.get_trial(trial_id) for trial_id in ids]
        known = self.ended.setdefault(study_id, {})
        numbers = self.tables.numbers(study_id, [s.name for s in wanted])
        missing = [trial_id for trial_id in numbers if trial_id not in known]
        if ALONE * len(missing) > len(numbers):
            found = self._read(self.inner.get_all_trials, study_id, False, tuple(wanted))
        else:
            found = [self.get_trial(trial_id) for trial_id in missing]
        by_number = {trial.number: trial for trial in found}
        now = {i: by_number[n] for i, n in numbers.items() if n in by_number}
        known.update((i, t) for i, t in now.items() if t.state.name in FINISHED)
        trials = [now.get(i) or known[i] for i in numbers if i in now or i in known]
        return sorted((t for t in trials if t.state in wanted), key=lambda t: t.number)

    def remove_session(self) -> None:
        self.inner.remove_session()

    def close(self) -> None:
        """Ends all connections of this process; SQLite puts its file in order then."""
        self.inner.remove_session()
        self.inner.engine.dispose()

    # --------------------------------------------------------------------- heartbeats

    @contextmanager
    def beating(self, trial_id: int) -> Iterator[None]:
        """Says every ``BEAT`` seconds that somebody is at a trial, as long as what stands below
        runs. `Study.optimize` does so by itself for storages of Optuna's own alone."""
        over = Event()

        def beat() -> None:
            while True:
                with suppress(ArchError):  # what its trial says next meets the same trouble
                    self._ask(self.inner.record_heartbeat, trial_id)
                if over.wait(BEAT):
                    return

        thread = Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def fail_stale(self, study: str) -> None:
        """Fails the trials of a study that run, and that nobody has been at for ``GRACE`` seconds.
        Whoever leads queues them again."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            part = self._ask(lambda: optuna.load_study(study_name=study, storage=self.inner))
            self._ask(fail_stale_trials, part)
