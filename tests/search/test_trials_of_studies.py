"""The trials of a study: whatever stands in an attribute of one, no command fails of itself."""

import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from fake_training import CPU, begun, explored, lr_of_a_tenth, trainer
from optuna.trial import TrialState
from searches import START
from sqlalchemy import create_engine, text
from test_cards_of_studies import WRONG

from archdsl.cli.main import main
from archdsl.diagnostics.model import ArchError
from archdsl.search.opened import OpenStudy, take_up
from archdsl.search.plan import queue_exploration
from archdsl.search.reach import survey
from archdsl.search.rows import CARRIED, KINDS
from archdsl.search.worker import Worker

ASKED = "vary depth in {1, 2}\ntrain epochs = 1\nsampler grid\ntrials 2\n"
COMMANDS = ("verdict x", "best x", "report x -o page.html")
RESUME = "search x.search --resume --quiet --device cpu"
# A search that goes on takes longer than to read it: a few attributes of each kind.
RESUMED_WITH = (
    "seed",
    "same_as",
    "shape",
    "hash",
    "examples",
    "weights",
    "knobs",
    "costs",
    "curve",
)
CALLS = [
    *((command, attribute) for command in COMMANDS for attribute in KINDS),
    *((RESUME, attribute) for attribute in RESUMED_WITH),
]


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A study that is explored, and the folder that it is copied into."""
    folder = tmp_path_factory.mktemp("trials")
    explored(folder, ASKED).storage.close()
    (folder / "x.study").rename(folder / "sent.study")
    (folder / "x.search").write_text(START.replace("spec a", 'spec "a.arch"') + ASKED)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("os.fsync", lambda _: None)
        yield folder


def changed(folder: Path, attribute: str, value: str) -> None:
    """A copy of the study, in whose first trial an attribute has another value."""
    shutil.rmtree(folder / "x.study", ignore_errors=True)
    shutil.copytree(folder / "sent.study", folder / "x.study")
    engine = create_engine(f"sqlite:///{folder / 'x.study' / 'trials.db'}")
    with engine.begin() as connection:
        first = connection.execute(text("SELECT MIN(trial_id) FROM trials")).scalar_one()
        given = {"trial": first, "key": attribute, "value": value}
        connection.execute(
            text("DELETE FROM trial_user_attributes WHERE trial_id = :trial AND key = :key"), given
        )
        connection.execute(
            text(
                "INSERT INTO trial_user_attributes (trial_id, key, value_json)"
                " VALUES (:trial, :key, :value)"
            ),
            given,
        )
    engine.dispose()


@pytest.mark.slow
@pytest.mark.parametrize(("command", "attribute"), CALLS)
def test_no_value_of_a_trial_is_more_than_a_command_can_bear(
    command: str, attribute: str, sent: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {**WRONG, "no JSON": None}.items():
        changed(sent, attribute, "{" if name == "no JSON" else json.dumps(value))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(command.split())
        said = capsys.readouterr().err
        assert ended.value.code in (0, 1), (name, said)
        assert "internal error" not in said and "Traceback" not in said, (name, said)
        assert (ended.value.code == 1) == ("error[A" in said), (name, said)


RESUMED = [name for name in CARRIED if name not in KINDS or name in (
    "turn", "trial", "seed", "fold", "shape", "setting", "knobs", "solved", "hash", "costs",
)]  # fmt: skip


WORDS = ("shape", "setting", "solved", "hash")


@pytest.fixture
def waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenStudy]:
    """A study whose two trials wait, and whose disk is not waited for."""
    monkeypatch.setattr("os.fsync", lambda _: None)
    study = begun(tmp_path, ASKED)
    queue_exploration(study, survey(study.space))
    yield study
    study.storage.close()


@pytest.mark.slow
@pytest.mark.parametrize("attribute", RESUMED)
def test_a_search_goes_on_whatever_stands_in_the_queue(attribute: str, waiting: OpenStudy) -> None:
    """A worker fails such a trial with a word, and the leader says which trial it is."""
    part = waiting.parts["explore", "all"]
    for value in WRONG.values():
        if attribute not in WORDS or not isinstance(value, str):
            planned = {"turn": 1, "seed": 1, "stage": "explore", "slice": "all", attribute: value}
            part.enqueue_trial({}, planned)
    with suppress(ArchError):  # its message says which trial it is
        Worker(waiting, CPU, trainer=trainer(lr_of_a_tenth)).run(0)
    for trial in part.get_trials(deepcopy=False):
        cause = trial.user_attrs.get("cause", "")
        assert "Error" not in cause, cause


@pytest.mark.filterwarnings("ignore:Heartbeat")
@pytest.mark.parametrize("attribute", ["draws", "retries", "stage", "slice", "seed"])
def test_a_lost_trial_of_another_kind_is_named(attribute: str, waiting: OpenStudy) -> None:
    part = waiting.parts["explore", "all"]
    trial = part.ask()
    trial.set_user_attr("failure", "lost")
    trial.set_user_attr(attribute, [])
    part.tell(trial, state=TrialState.FAIL)
    with pytest.raises(ArchError) as error:
        take_up(waiting, ("explore", "all"))
    assert f"trial 0 of all has a `{attribute}` that is not " in error.value.diagnostics[0].message
