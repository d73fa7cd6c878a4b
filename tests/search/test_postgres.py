"""A study in PostgreSQL, worked on from several folders, and the server killed in its midst."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from optuna.storages._rdb.models import BaseModel
from own_server import PASSWORD, OwnServer
from sqlalchemy import create_engine
from tiny_search import TRIALS, TinySearch, is_alive, kill, wait_for

from archdsl.search.storage import open_storage

pytestmark = [pytest.mark.postgres, pytest.mark.quiet]

JOIN = ("--allow-python", "watched.py")


@pytest.fixture(scope="module")
def server() -> Iterator[OwnServer]:
    server = OwnServer()
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
def shared(server: OwnServer, tiny: TinySearch) -> TinySearch:
    """A search whose trials are in a database of its own."""
    tiny.storage = server.database()
    return tiny


@pytest.fixture
def elsewhere(shared: TinySearch, tmp_path: Path) -> Iterator[TinySearch]:
    """A folder that another machine would have: it has the layers, and nothing of the study."""
    place = TinySearch(tmp_path / "elsewhere", shared.storage)
    for name in ("tiny.arch", "tiny.search"):
        (place.folder / name).unlink()
    yield place
    place.close()


def join(place: TinySearch, *arguments: str) -> int:
    """Starts a worker; gives its place among the processes of its folder."""
    assert place.storage is not None
    place.start("worker", "tiny", "--storage", place.storage, *JOIN, *arguments)
    return len(place.running) - 1


def age_heartbeats(storage: str) -> None:
    """As if no worker had given a sign of life for an hour: the tests do not wait for it."""
    with psycopg.connect(storage, autocommit=True) as connection:
        connection.execute("UPDATE trial_heartbeats SET heartbeat = heartbeat - INTERVAL '1 hour'")


def test_a_study_in_a_database(
    shared: TinySearch, elsewhere: TinySearch, whole: TinySearch
) -> None:
    """It gives the numbers of one in a journal, and can be read from anywhere."""
    assert shared.storage is not None
    ran = shared.finish()
    assert shared.results() == whole.results()
    assert not shared.database.exists()
    read = elsewhere.run("verdict", "tiny", "--storage", shared.storage, *JOIN)
    assert read.code == 0
    assert read.out.splitlines()[:-1] == [
        line for line in ran.out.splitlines()[:-1] if "seed" not in line or "seeds" in line
    ]
    for said in (ran.out, read.out):
        assert " --storage 'postgresql://" in said.splitlines()[-1], "the command to go on with"
    for text in (ran.text, read.text, (shared.study / "study.json").read_text()):
        assert PASSWORD not in text
    with psycopg.connect(shared.storage) as connection:
        attributes = connection.execute("SELECT value_json FROM study_user_attributes").fetchall()
    assert any("archdsl search" in value for (value,) in attributes)
    assert not any(PASSWORD in value for (value,) in attributes)


def test_where_the_trials_are_is_remembered(shared: TinySearch) -> None:
    """To forget --storage must not begin another study in the same folder."""
    assert shared.storage is not None
    shared.wish("pause", 34)
    search = shared.search()
    shared.paused()
    search.send_signal(signal.SIGINT)
    ran = shared.ended(search)
    assert ran.code == 130
    address = shared.storage.replace(PASSWORD, "***")
    assert f"--storage '{address}'" in ran.text
    for command in (["search", "tiny.search", *JOIN, "--resume"], ["verdict", "tiny", *JOIN]):
        ran = shared.run(*command)
        assert ran.code == 1
        assert f"the trials of `tiny` are in {address}" in ran.text
        assert f"add --storage {address}" in ran.text
    ran = shared.run("search", "tiny.search", *JOIN, "--storage", shared.storage)
    assert ran.code == 1
    assert "the study `tiny.study` is there already, with 0 finished trials" in ran.text


def test_workers_join_and_one_is_killed(
    shared: TinySearch, elsewhere: TinySearch, whole: TinySearch
) -> None:
    """Its trial is taken up by another when its heart has not beaten for a minute."""
    assert shared.storage is not None
    search = shared.search("--workers", "0")
    wait_for(lambda: (shared.study / "study.json").exists())
    elsewhere.wish("pause", 64)
    wait_for(lambda: [row for row in rows_or_none(shared) if row.state == "waiting"])
    join(elsewhere)
    first = elsewhere.paused()
    second = join(elsewhere)
    wait_for(lambda: len([row for row in shared.rows() if row.is_result]) == 3)
    kill(first)
    age_heartbeats(shared.storage)
    elsewhere.paused(besides=(first,))
    (lost,) = [row for row in shared.rows() if row.failure]
    assert (lost.failure, lost.worker.partition(":")[2]) == ("lost", str(first))
    elsewhere.unwish(64)
    assert shared.ended(search).code == 0
    assert shared.results() == whole.results()
    worker = elsewhere.running[second]
    said = elsewhere.ended(worker)
    assert said.code == 0, "the study is done, and so is the worker"
    assert "works for tiny on cpu; Ctrl-C ends it" in said.out
    assert list((elsewhere.study / "weights").glob("*.pt")), "weights stay where they were trained"


def rows_or_none(search: TinySearch) -> list:  # type: ignore[type-arg]
    from archdsl.diagnostics.model import ArchError

    try:
        return search.rows()
    except ArchError:
        return []


def test_a_worker_is_stopped(shared: TinySearch, elsewhere: TinySearch, whole: TinySearch) -> None:
    """What it had in hand is trained by another at once."""
    elsewhere.wish("pause", 34)
    search = shared.search("--workers", "0")
    wait_for(lambda: [row for row in rows_or_none(shared) if row.state == "waiting"])
    first = elsewhere.running[join(elsewhere)]
    elsewhere.paused()
    first.send_signal(signal.SIGINT)
    assert elsewhere.ended(first).code == 130
    elsewhere.unwish(34)
    join(elsewhere)
    assert shared.ended(search).code == 0
    assert shared.results() == whole.results()
    assert [row.failure for row in shared.rows() if row.failure] == ["interrupted"]


def test_an_empty_database_that_two_open_at_once(server: OwnServer) -> None:
    """Both would make its tables; one does, while the other waits to."""
    storage = server.database()
    engine = create_engine(storage.replace("postgresql", "postgresql+psycopg", 1))
    waiting = (
        "SELECT 1 FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with ThreadPoolExecutor(1) as pool, psycopg.connect(storage, autocommit=True) as look:
        with engine.begin() as connection:
            BaseModel.metadata.create_all(connection)
            other = pool.submit(open_storage, Path(), storage)
            wait_for(lambda: look.execute(waiting).fetchall())
        assert other.result(60).get_all_studies() == []
    engine.dispose()


def test_a_trial_that_was_given_away(shared: TinySearch, whole: TinySearch) -> None:
    """A worker that only seemed to be lost leaves its trial to the other, and goes on."""
    assert shared.storage is not None
    shared.wish("pause", 64)
    search = shared.search()
    worker = shared.paused()
    age_heartbeats(shared.storage)
    wait_for(lambda: [row for row in shared.rows() if row.failure == "lost"])
    shared.unwish(64)
    assert shared.ended(search).code == 0
    assert shared.results() == whole.results()
    assert {row.worker.partition(":")[2] for row in shared.rows()} == {str(worker)}


def test_the_server_is_killed_and_started_again(
    server: OwnServer, shared: TinySearch, whole: TinySearch
) -> None:
    """In the midst of a trial: leader and worker wait for it, and go on."""
    shared.wish("pause", 64)
    search = shared.search()
    worker = shared.paused()
    before = shared.results()
    server.kill()
    shared.unwish(64)
    wait_for(lambda: not list(shared.folder.glob("64.wish")))
    server.start()
    assert before.items() <= shared.results().items()
    ran = shared.ended(search)
    assert ran.code == 0
    assert shared.results() == whole.results()
    assert {row.worker.partition(":")[2] for row in shared.rows()} == {str(worker)}
    assert len([row for row in shared.rows() if row.is_result]) == TRIALS


def test_the_leader_is_killed_and_another_leads(shared: TinySearch, whole: TinySearch) -> None:
    shared.wish("pause", 64)
    search = shared.search()
    worker = shared.paused()
    kill(search.pid)
    wait_for(lambda: not is_alive(worker))
    shared.unwish(64)
    shared.finish("--resume")
    assert shared.results() == whole.results()


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("postgresql://nobody:{secret}@127.0.0.1:1/studies", "onnection"),
        ("postgresql://postgres:{secret}@127.0.0.1:{port}/nothing", 'database "nothing" does not'),
        ("an address", "it is not an address such as postgresql://user@host/name"),
    ],
)
def test_an_address_that_cannot_be_used(
    server: OwnServer, tiny: TinySearch, address: str, reason: str
) -> None:
    given = address.format(secret=PASSWORD, port=server.port)
    ran = tiny.run("search", "tiny.search", *JOIN, "--storage", given)
    assert ran.code == 1
    assert "cannot be used" in ran.text
    assert reason in ran.text
    assert PASSWORD not in ran.text
    assert not (tiny.study / "study.json").exists()
