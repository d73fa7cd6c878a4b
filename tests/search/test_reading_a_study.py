"""What only reads a study writes nothing, whoever made the study and whatever stands in it."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tiny_search import TRIALS, TinySearch

import archdsl
from archdsl.search.database import log_of
from archdsl.search.snapshot import read_study
from archdsl.search.storage import open_storage

pytestmark = pytest.mark.quiet

JOURNAL = Path(__file__).with_name("data") / "journal.study"
PYTHON = ("--allow-python", "watched.py")
READERS = {
    "verdict": ("verdict", "tiny", *PYTHON),
    "verdict as JSON": ("verdict", "tiny", "--json", *PYTHON),
    "report": ("report", "tiny", "-o", "../report.html", *PYTHON),
    "best": ("best", "tiny", "-o", "../best.arch", *PYTHON),
}


def content(folder: Path) -> dict[Path, bytes]:
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def done(whole: TinySearch, tmp_path: Path) -> TinySearch:
    """A finished study of one's own."""
    copy = TinySearch(tmp_path / "copy")
    shutil.copytree(whole.study, copy.study)
    return copy


# ---------------------------------------------------------------------- nothing is written


@pytest.mark.parametrize("name", READERS)
def test_a_command_that_reads_leaves_the_folder_as_it_was(name: str, done: TinySearch) -> None:
    before = content(done.study)
    ran = done.here(*READERS[name])
    assert ran.code == 0, ran.err
    assert content(done.study) == before


def test_also_while_the_study_is_written_to(done: TinySearch) -> None:
    """What stands in the log alone is read, and no lock, log or index of it is touched."""
    storage = open_storage(done.study, None)
    try:
        head = storage.get_study_id_from_name("tiny")
        storage.set_study_user_attr(head, "stage", "explore")
        before = content(done.study)
        assert log_of(done.database) in before and before[log_of(done.database)]
        for arguments in READERS.values():
            ran = done.here(*arguments)
            assert ran.code == 0, ran.err
        with read_study(str(done.study), None, done.table) as study:
            assert study.stage == "explore"
            assert sum(row.is_result for row in study.rows()) == TRIALS
        assert content(done.study) == before
    finally:
        storage.close()
    assert not log_of(done.database).exists(), "the last to leave puts the file in order"


def test_in_python(done: TinySearch, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(JOURNAL, done.folder / "small.study")
    for name in ("small",):
        folder = done.folder / f"{name}.study"
        before = content(folder)
        view = archdsl.study(folder)
        assert view.best is not None and view.report()
        assert content(folder) == before


def test_a_log_that_began_anew_while_it_was_copied(
    done: TinySearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then a page may be missing: it is copied again."""
    storage = open_storage(done.study, None)
    head = storage.get_study_id_from_name("tiny")
    storage.set_study_user_attr(head, "stage", "first")
    copy, copied = shutil.copyfile, []

    def meanwhile(source: Path, target: Path) -> Path:
        copied.append(source)
        result = copy(source, target)
        if len(copied) == 1:
            with closing(sqlite3.connect(done.database)) as other:
                other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            storage.set_study_user_attr(head, "stage", "second")
        return result

    monkeypatch.setattr("archdsl.search.snapshot.shutil.copyfile", meanwhile)
    with read_study(str(done.study), None, done.table) as study:
        assert study.stage == "second"
    assert len(copied) == 4, "the file and its log, twice"
    storage.close()


def test_a_search_that_begins_while_its_study_is_read(done: TinySearch) -> None:
    """What is read stays as it stood, also where nobody had the database open."""
    assert not log_of(done.database).exists()
    with read_study(str(done.study), None, done.table) as study:
        with closing(sqlite3.connect(done.database)) as other:
            other.execute("DELETE FROM trials")
            other.commit()
            other.execute("VACUUM")
        assert len(study.rows()) >= TRIALS


@pytest.mark.slow
def test_it_takes_neither_pytorch_nor_optuna(tmp_path: Path) -> None:
    study = Path(__file__).parents[2] / "docs" / "examples" / "small.study"
    block = """import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "optuna"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
"""
    start = "from archdsl.cli.main import main; "
    commands = (
        ["verdict"],
        ["verdict", "--json"],
        ["report", "-o", "r.html"],
        ["best", "-o", "b.arch"],
    )
    calls = [f"{start}main({[name, str(study), *more]})" for name, *more in commands]
    for call in (*calls, f"import archdsl; print(archdsl.study({str(study)!r}).words)"):
        code = block + call
        ran = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
    assert "a functional analysis of variance" in (tmp_path / "r.html").read_text()


# ---------------------------------------------------------------------- journals of 0.1


def test_a_journal_is_read_where_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "old.study"
    shutil.copytree(JOURNAL, folder)
    before = content(folder)
    view = archdsl.study(folder)
    assert sum(row.is_result for row in view.rows) == 28
    assert "At 4M multiply-adds there is no evidence of a difference" in view.words
    assert content(folder) == before


def test_a_journal_that_is_worked_on_is_converted(tmp_path: Path) -> None:
    from archdsl.registry import REGISTRY
    from archdsl.search.opened import find_study

    folder = tmp_path / "old.study"
    shutil.copytree(JOURNAL, folder)
    journal = (folder / "journal.log").read_bytes()
    before = archdsl.study(folder).rows
    study = find_study(str(folder), None, REGISTRY)
    assert study.converted == folder / "journal.log.converted"
    assert study.converted.read_bytes() == journal
    assert not (folder / "journal.log").exists()
    study.storage.close()
    assert archdsl.study(folder).rows == before
    assert find_study(str(folder), None, REGISTRY).converted is None


def test_a_journal_that_is_damaged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "old.study"
    shutil.copytree(JOURNAL, folder)
    lines = (folder / "journal.log").read_bytes().splitlines(keepends=True)
    for harm in (b"oops\n", lines[20].replace(b'"trial_id":', b'"trial_id":"zero",'), b"[]\n"):
        (folder / "journal.log").write_bytes(b"".join([*lines[:20], harm, *lines[21:]]))
        with pytest.raises(archdsl.ArchError, match=r"journal\.log.*cannot be read"):
            archdsl.study(folder)


# ---------------------------------------------------------------------- what may stand there

NAME = "(SELECT trial_id FROM trials JOIN studies USING (study_id) WHERE study_name LIKE '%: 20K%')"
SET = "UPDATE trial_user_attributes SET value_json = "
HARMS = {
    "a number beyond all": "UPDATE trials SET number = -1 WHERE trial_id IN " + NAME,
    "a number that is a word": "UPDATE trials SET number = 'zero' WHERE trial_id IN " + NAME,
    "a time that is none": "UPDATE trials SET datetime_start = 'noon'",
    "no JSON": SET + "'{' WHERE key = 'depth'",
    "a word for a number": SET + "'\"2\"' WHERE key = 'depth'",
    "a list for a word": SET + "'[1]' WHERE key = 'shape'",
    "a number for a table": SET + "'1' WHERE key = 'knobs'",
    "an epoch too short": SET + "'[[1]]' WHERE key = 'curve'",
    "a huge number": SET + "'1' || printf('%.*c', 400, '0') WHERE key = 'macs'",
    "a depth below nothing": SET + "'-3' WHERE key = 'depth'",
    "a width below nothing": SET + "'-3' WHERE key = 'width'",
    "no score": "DELETE FROM trial_values",
    "a score of words": "UPDATE trial_values SET value = 'good'",
    "a state that there is not": "UPDATE trials SET state = 'ASLEEP'",
}


@pytest.mark.parametrize("name", HARMS)
def test_what_is_of_another_kind_is_said(name: str, done: TinySearch) -> None:
    """One that others can write to is no reason for an error that nobody understands."""
    with closing(sqlite3.connect(done.database)) as database, database:
        assert database.execute(HARMS[name]).rowcount
    said = []
    for arguments in (*READERS.values(), ("search", "tiny.search", *PYTHON, "--resume")):
        ran = done.here(*arguments)
        said.append(ran.err)
        assert "internal error" not in ran.err and "Traceback" not in ran.err
    assert any("error[A714]" in err and "trial" in err for err in said), said
    if "state" in name:
        assert all("has an unknown state" in err for err in said), said


def test_values_that_are_too_long_in_every_trial(done: TinySearch) -> None:
    """A whole number of 31 digits is a number, and a name of 50,000 letters keeps nobody busy."""
    with closing(sqlite3.connect(done.database)) as database, database:
        database.execute(SET + "'1' || printf('%.*c', 30, '0') WHERE key = 'width'")
        database.execute(SET + "'\"' || printf('%.*c', 50000, '9') || '\"' WHERE key = 'solved'")
    began = time.process_time()
    for arguments in READERS.values():
        ran = done.here(*arguments)
        assert ran.code == 0, ran.err
    assert time.process_time() - began < 30


def test_ids_that_are_far_apart(done: TinySearch) -> None:
    """A trial of a number that nobody would reach is one trial, and not as many as it says."""
    with closing(sqlite3.connect(done.database)) as database, database:
        database.execute(
            "INSERT INTO trials (trial_id, number, study_id, state) SELECT 1000000000, 1000000000,"
            " study_id, 'FAIL' FROM studies WHERE study_name LIKE '%: 20K%' LIMIT 1"
        )
        database.execute(
            "INSERT INTO trial_user_attributes (trial_id, key, value_json)"
            " VALUES (1000000000, 'turn', '1000000000')"
        )
    with read_study(str(done.study), None, done.table) as study:
        assert [row.number for row in study.rows() if row.state == "failed"] == [1000000000]
    assert done.here(*READERS["verdict"]).code == 0
    assert done.here(*READERS["report"]).code == 0


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
ACTING = {
    "view": f"CREATE VIEW other AS {ENDLESS}",
    "trigger": "CREATE TRIGGER other AFTER INSERT ON trials BEGIN DELETE FROM trials; END",
}


@pytest.mark.parametrize("kind", ACTING)
def test_a_database_that_acts_is_refused(kind: str, done: TinySearch) -> None:
    """A view may run without end, and a trigger change what is there: Optuna makes neither."""
    with closing(sqlite3.connect(done.database)) as database, database:
        database.execute(ACTING[kind])
    before = done.database.read_bytes()
    for arguments in (*READERS.values(), ("search", "tiny.search", *PYTHON, "--resume")):
        ran = done.here(*arguments)
        assert ran.code == 1 and "error[A714]" in ran.err
        assert f"it has a {kind}, which archdsl never makes" in ran.err.replace("\n", " ")
    assert done.database.read_bytes() == before


@pytest.mark.parametrize("harm", ["no database", "cut", "zeros"])
def test_a_file_that_is_damaged(harm: str, done: TinySearch) -> None:
    data = done.database.read_bytes()
    half = len(data) // 2
    done.database.write_bytes(
        {
            "no database": b"nothing" * 9000,
            "cut": data[:half],
            "zeros": data[:4096] + bytes(len(data) - 4096),
        }[harm]
    )
    for arguments in (*READERS.values(), ("search", "tiny.search", *PYTHON, "--resume")):
        ran = done.here(*arguments)
        assert ran.code == 1
        assert "error[A714]" in ran.err and "trials.db" in ran.err, ran.err


@pytest.fixture(autouse=True)
def _unchanged_journal() -> Iterator[None]:
    before = content(JOURNAL)
    yield
    assert content(JOURNAL) == before
