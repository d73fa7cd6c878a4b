"""A trial is at work as long as its worker says so, by public names of Optuna alone."""

import threading
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState
from sqlalchemy import text

import archdsl.search.storage as at
from archdsl.search.storage import Storage, open_storage


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return open_storage(tmp_path, None)


def begun(storage: Storage) -> int:
    """A trial that runs, by what the storage calls it."""
    trial = optuna.create_study(storage=storage, study_name="a").ask()
    return storage.get_trial_id_from_study_id_trial_number(
        storage.get_study_id_from_name("a"), trial.number
    )


def beats(storage: Storage) -> list[tuple[int, str]]:
    """The trials that have a heartbeat, and when it was."""
    with storage.inner.engine.connect() as connection:
        found = connection.execute(text("SELECT trial_id, heartbeat FROM trial_heartbeats"))
        return [(int(trial), str(beat)) for trial, beat in found]


def test_a_worker_says_again_and_again_that_it_is_at_a_trial(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at, "BEAT", 0.01)
    trial, said, third = begun(storage), 0, threading.Event()
    record = storage.inner.record_heartbeat

    def count(trial_id: int) -> None:
        nonlocal said
        record(trial_id)
        said += 1
        if said == 3:
            third.set()

    monkeypatch.setattr(storage.inner, "record_heartbeat", count)
    assert beats(storage) == []
    before = set(threading.enumerate())
    with storage.beating(trial):
        assert set(threading.enumerate()) - before
        assert third.wait(60)
    assert set(threading.enumerate()) <= before, "whoever has ended says nothing more"
    assert [of for of, _ in beats(storage)] == [trial]


def test_a_trial_that_nobody_is_at_is_failed(storage: Storage) -> None:
    trial = begun(storage)
    with storage.beating(trial):
        pass
    storage.fail_stale("a")
    assert storage.get_trial(trial).state is TrialState.RUNNING
    with storage.inner.engine.begin() as connection:
        connection.execute(
            text("UPDATE trial_heartbeats SET heartbeat = datetime('now', '-61 seconds')")
        )
    storage.fail_stale("a")
    assert storage.get_trial(trial).state is TrialState.FAIL


def test_an_error_below_ends_the_beats(storage: Storage) -> None:
    with pytest.raises(KeyboardInterrupt), storage.beating(begun(storage)):
        raise KeyboardInterrupt
    assert len(beats(storage)) == 1
