"""A journal that was damaged: whatever line is lost, the trials of the others are what they were.

Each kind of damage is done to each line of the journal of a real search in turn.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_search import TRIALS, TinySearch

from archdsl.cli.main import main
from archdsl.diagnostics.model import ArchError
from archdsl.search.journal import Journal, read, written
from archdsl.search.mending import mend
from archdsl.search.storage import open_storage

Damage = Callable[[bytes], bytes]


def flipped(line: bytes) -> bytes:
    """One digit is another one: still JSON, and only the checksum tells."""
    at = max(i for i, byte in enumerate(line[:-20]) if chr(byte).isdigit())
    return line[:at] + (b"8" if line[at : at + 1] != b"8" else b"3") + line[at + 1 :]


DAMAGES: dict[str, Damage] = {
    "garbage": lambda line: b"\x00\xff" * 10 + b"\n",
    "empty": lambda line: b"\n",
    "half": lambda line: line[: len(line) // 2] + b"\n",
    "gone": lambda line: b"",
    "joined to the next": lambda line: line[:-1],
    "a digit": flipped,
}


@pytest.fixture
def damaged(whole: TinySearch, tmp_path: Path) -> TinySearch:
    """A finished search of one's own, to be harmed."""
    copy = TinySearch(tmp_path / "copy")
    shutil.copytree(whole.study, copy.study)
    return copy


QUICK = ("garbage", "gone")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in DAMAGES]
)
def test_any_line_may_be_lost(name: str, damaged: TinySearch, whole: TinySearch) -> None:
    """What the other lines say of the other trials stays, to the last digit."""
    lines = whole.journal.read_bytes().splitlines(keepends=True)
    undisturbed = {n: row_facts(row) for n, row in enumerate(whole.rows())}
    for number, line in enumerate(lines):
        harm = [*lines[:number], DAMAGES[name](line), *lines[number + 1 :]]
        damaged.journal.write_bytes(b"".join(harm))
        spoken = trials_of(lines[number : number + 1 + (name == "joined to the next")])
        found = {row_facts(row) for row in damaged.rows()}
        lost = {facts for facts in undisturbed.values() if facts not in found}
        assert len(lost) <= len(spoken), (number, line, lost)
        assert mend(damaged.journal, {}) is None, "it is mended once"


def row_facts(row: object) -> str:
    """All that is known of a trial, but its number, which follows from the trials before it."""
    return str([getattr(row, name) for name in row.__dataclass_fields__ if name != "number"])  # type: ignore[attr-defined]


def trials_of(lines: list[bytes]) -> set[int]:
    """The trials that lines of a journal speak of."""
    return {log["trial_id"] for line in lines if "trial_id" in (log := json.loads(line))}


def test_a_block_of_zeros(damaged: TinySearch, whole: TinySearch) -> None:
    """As a crash of the machine leaves it: ends of lines are lost with it."""
    data = whole.journal.read_bytes()
    undisturbed = {row_facts(row) for row in whole.rows()}
    for start in range(2000, len(data) - 512, 1024):
        damaged.journal.write_bytes(data[:start] + bytes(512) + data[start + 512 :])
        first = data.rfind(b"\n", 0, start) + 1
        lines = data[first : data.index(b"\n", start + 512) + 1].splitlines(keepends=True)
        lost = undisturbed - {row_facts(row) for row in damaged.rows()}
        assert len(lost) <= len(trials_of(lines))


def test_the_journal_is_cut_anywhere(damaged: TinySearch, whole: TinySearch) -> None:
    """What was finished before is there, and no word is said: a killed writer leaves it so."""
    data = whole.journal.read_bytes()
    for end in range(0, len(data), 997):
        damaged.journal.write_bytes(data[:end])
        assert mend(damaged.journal, {}) is None
        done = data[:end].count(b'"state":1,')
        assert sum(row.state == "done" for row in damaged.rows()) == done


@pytest.mark.parametrize("where", ["middle", "last"])
def test_a_command_says_what_was_mended(
    where: str,
    damaged: TinySearch,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = damaged.journal.read_bytes().splitlines(keepends=True)
    number = len(lines) // 2 if where == "middle" else len(lines) - 1
    before = b"".join([*lines[:number], b"{oops}\n", *lines[number + 1 :]])
    damaged.journal.write_bytes(before)
    monkeypatch.chdir(damaged.folder)
    with pytest.raises(SystemExit) as exit:
        main(["verdict", "tiny", "--allow-python", "watched.py"])
    assert exit.value.code == 0
    assert "no evidence of a difference" in " ".join(capsys.readouterr().out.split())
    kept = damaged.journal.with_name("journal.log.broken1")
    assert kept.read_bytes() == before
    assert damaged.journal.read_bytes() != before


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["CREATE_TRIAL", "COMPLETE", "last"])
def test_a_damaged_search_goes_on(kind: str, damaged: TinySearch, whole: TinySearch) -> None:
    """What was lost is trained again, and comes to the same numbers."""
    lines = damaged.journal.read_bytes().splitlines(keepends=True)
    wanted = {"CREATE_TRIAL": b'{"op_code":4,', "COMPLETE": b'"state":1,', "last": b""}[kind]
    number = max(n for n, line in enumerate(lines) if wanted in line)
    damaged.journal.write_bytes(b"".join([*lines[:number], b"???\n", *lines[number + 1 :]]))
    ran = damaged.finish("--resume")
    assert f"the journal was damaged: line {number + 1} is left out" in ran.text
    assert damaged.results() == whole.results()
    assert len(damaged.results()) == TRIALS


# ----------------------------------------------------------------------------- the file


def create(study: int) -> dict[str, object]:
    return {"op_code": 4, "worker_id": "w", "study_id": study, "datetime_start": None}


def test_lines_say_which_trial_they_make_and_have_a_checksum(tmp_path: Path) -> None:
    path = tmp_path / "journal.log"
    first, second = Journal(path), Journal(path)
    first.append_logs([create(0)])
    second.append_logs([create(0), create(1)])
    first.append_logs([create(1)])
    logs = list(first.read_logs(0))
    assert [log["trial_id"] for log in logs] == [0, 1, 2, 3]
    line = path.read_bytes().splitlines()[0]
    assert read(line) == logs[0]
    assert read(line.replace(b'"study_id":0', b'"study_id":1')) is None
    assert read(b'{"op_code":1}') == {"op_code": 1}, "other programs write no sums"


def test_a_line_that_a_killed_writer_left_unfinished_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "journal.log"
    journal = Journal(path)
    journal.append_logs([create(0)])
    whole_line = path.read_bytes()
    for rest in (whole_line[:-1], b"x" * 200_000):
        path.write_bytes(whole_line + rest)
        assert [log["trial_id"] for log in Journal(path).read_logs(0)] == [0]
        Journal(path).append_logs([{"op_code": 1, "worker_id": "w", "study_id": 0}])
        second = written({"op_code": 1, "worker_id": "w", "study_id": 0})
        assert path.read_bytes() == whole_line + second


def test_a_line_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.log"
    journal = Journal(path)
    journal.append_logs([create(0)])
    before = path.read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(ArchError, match="no space left on device"):
            journal.append_logs([create(0)])
    assert path.read_bytes() == before
    journal.append_logs([create(0)])
    assert [log["trial_id"] for log in journal.read_logs(0)] == [0, 1]


def test_damage_while_it_is_in_use_is_an_error(tmp_path: Path) -> None:
    storage = open_storage(tmp_path, None)
    path = tmp_path / "journal.log"
    for _ in range(2):
        with path.open("ab") as stream:
            stream.write(b"oops\n")
    with pytest.raises(ArchError, match="it was damaged while it was in use"):
        storage.get_all_studies()
