"""What the search takes from Optuna that has no public name: a version without it fails here, with
a word of what to do."""

import inspect

import optuna
from optuna.storages import InMemoryStorage, RDBStorage, _heartbeat

from archdsl.search.storage import Storage

SEE = f"Optuna {optuna.__version__} is another: see archdsl/search/"


def test_who_has_heartbeats() -> None:
    """``Study.optimize`` asks this class whether a storage has heartbeats, and offers no other."""
    assert issubclass(RDBStorage, _heartbeat.BaseHeartbeat), f"{SEE}storage.py"
    asked = {n for n in vars(_heartbeat.BaseHeartbeat) if not n.startswith("__")} - {"_abc_impl"}
    assert asked == {
        "record_heartbeat",
        "_get_stale_trial_ids",
        "get_heartbeat_interval",
        "get_heartbeat_stale_trial_callback",
        "get_failed_trial_callback",
    }, f"{SEE}storage.py"
    assert not inspect.isabstract(Storage)


def test_the_storage_of_a_study_and_the_id_of_a_trial() -> None:
    """A storage is asked by ids, which a trial shows to nobody else; and a pruner that writes down
    what it finds needs the study's storage."""
    storage = InMemoryStorage()
    study = optuna.create_study(storage=storage)
    assert study._storage is storage, f"{SEE}optimizers.py"
    study.tell(study.ask(), 1.0)
    (frozen,) = storage.get_all_trials(study._study_id)
    assert storage.get_trial(frozen._trial_id).number == frozen.number, f"{SEE}storage.py"
