"""The trials of a study: whatever stands in an attribute of one, no command fails of itself."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_training import explored
from sqlalchemy import create_engine, text
from test_cards_of_studies import WRONG

from archdsl.cli.main import main
from archdsl.search.rows import KINDS

ASKED = "vary depth in {1, 2}\ntrain epochs = 1\nsampler grid\ntrials 2\n"
COMMANDS = ("verdict x", "best x", "report x -o page.html")


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A study that is explored, and the folder that it is copied into."""
    folder = tmp_path_factory.mktemp("trials")
    explored(folder, ASKED).storage.close()
    (folder / "x.study").rename(folder / "sent.study")
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
@pytest.mark.parametrize("attribute", KINDS)
@pytest.mark.parametrize("command", COMMANDS)
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
