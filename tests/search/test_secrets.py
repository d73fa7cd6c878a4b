"""The password of a database is kept nowhere: not in the study, its database, the report, a
message, or the command that repeats a search, however it was given."""

from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import click
import pytest
from click.testing import CliRunner
from fake_training import CPU, trainer
from searches import START, TINY

from archdsl.cli.repeated import repeated
from archdsl.cli.search import command as search_command
from archdsl.cli.verdict import say_verdict
from archdsl.diagnostics.model import ArchError
from archdsl.registry import REGISTRY
from archdsl.report.view import read_report
from archdsl.search.database import address_of, shown, unusable
from archdsl.search.opened import find_study
from archdsl.search.plan import queue_exploration
from archdsl.search.reach import survey
from archdsl.search.snapshot import read_study
from archdsl.search.worker import Worker

SECRET = "s3cr3tPW"
ADDRESSES = (
    f"postgresql://u:{SECRET}@127.0.0.1:54999/arch",
    f"postgresql+psycopg://u:{SECRET}@127.0.0.1/arch?sslmode=require",
    f"postgresql://u@127.0.0.1/arch?password={SECRET}",
    f"postgresql://127.0.0.1/arch?user=u&password={SECRET}",
    f"postgresql://u@127.0.0.1/arch?sslpassword={SECRET}&sslmode=require",
    f"postgresql://u@127.0.0.1/arch?passfile=/home/{SECRET}",
    f"postgresql://u@127.0.0.1/arch?options=-c%20x%3D{SECRET}",
    f"postgresql://u@127.0.0.1/arch?password={SECRET}&password=other",
)
NONE = (
    f"postgresql://u:pw@{SECRET}@127.0.0.1/arch",
    f"postgresql://u:pw@x/{SECRET}@127.0.0.1/arch",
    f"postgresql://u:{SECRET}@127.0.0.1:port/arch",
    f"postgresql://u:{SECRET}@127.0.0.1:99999999999999999999x/arch",
    f"u:{SECRET}@127.0.0.1/arch",
    f"nosuchdb://u:{SECRET}@127.0.0.1/arch",
    f"postgresql:/u:{SECRET}@127.0.0.1",
    f"postgresql://u:{SECRET}@[::1/arch",
)


@pytest.mark.parametrize("url", ADDRESSES)
def test_an_address_is_shown_without_it(url: str) -> None:
    assert SECRET not in shown(url) and "127.0.0.1" in shown(url)
    assert ("sslmode=require" in url) == ("sslmode=require" in shown(url))
    value = {"passfile": f"/home/{SECRET}", "options": f"-c x={SECRET}"}.get(
        url.partition("?")[2].partition("=")[0], SECRET
    )
    said = str(unusable(url, f"no password such as {value}"))
    assert SECRET not in said and "no password such as ***" in said


def test_what_is_shown_leads_to_the_same_database() -> None:
    url = f"postgresql://u:{SECRET}@host:5433/arch?sslmode=require&password=x&connect_timeout=3"
    assert shown(url) == "postgresql://u:***@host:5433/arch?connect_timeout=3&sslmode=require"
    assert shown("postgresql://u@host/arch") == "postgresql://u@host/arch"
    assert shown("sqlite:////tmp/a.db") == "sqlite:////tmp/a.db"


@pytest.mark.parametrize("url", NONE)
def test_what_is_no_address_is_not_repeated(url: str) -> None:
    with pytest.raises(ArchError) as caught:
        address_of(url)
    assert SECRET not in str(caught.value) and SECRET not in repr(caught.value.diagnostics)
    assert caught.value.diagnostics[0].code == "A714"
    assert SECRET not in shown(url)


# ---------------------------------------------------------------------- what is written down


def said(*words: str, **environment: str) -> str:
    """The command that is kept of a call."""
    from archdsl.cli.search import WRITERS

    found: list[str] = []

    @click.pass_context
    def keep(ctx: click.Context, **given: object) -> None:
        found.append(repeated(ctx, WRITERS | {"storage": shown}))

    fake = click.Command("search", params=search_command.params, callback=keep)
    result = CliRunner().invoke(fake, words, env=environment, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return found[0]


@pytest.mark.parametrize("url", (*ADDRESSES, *NONE))
def test_the_command_that_repeats_a_search(url: str) -> None:
    for words, environment in (
        (("x.search", "--storage", url), {}),
        (("x.search", f"--storage={url}"), {}),
        ((f"--storage={url}", "--workers=2", "x.search"), {}),
        (("x.search",), {"ARCHDSL_STORAGE": url}),
    ):
        told = said(*words, **environment)
        assert SECRET not in told
        assert told.startswith("archdsl search x.search ") and "--storage" in told


def test_the_command_has_what_was_given_and_no_more() -> None:
    assert said("first") == "archdsl search first"
    words = ("--quiet", "my nets.search", "--timeout", "2h", "--seed", "3", "--workers", "2",
             "--allow-python", "a.py", "--allow-python", "b c.py")  # fmt: skip
    told = said(*words)
    assert told == (
        "archdsl search 'my nets.search' --workers 2 --seed 3 --timeout 7200s --quiet"
        " --allow-python a.py --allow-python 'b c.py'"
    )


def test_nothing_that_a_search_leaves_has_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A search in a database whose address has a password: all of its files are looked through."""
    from archdsl.diagnostics.source import Source
    from archdsl.search.reading import read_search
    from archdsl.search.start import begin

    (tmp_path / "a.arch").write_text(TINY)
    asked = "vary depth in {1, 2}\ntrain epochs = 1\nsampler grid\ntrials 2\n"
    text = START.replace("spec a", 'spec "a.arch"') + asked
    search = read_search(Source("x.search", text), tmp_path)
    url = f"sqlite:///{tmp_path}/shared.db?password={SECRET}"
    command = said("x.search", f"--storage={url}")
    real: Callable[..., object] = address_of
    with (
        patch("os.fsync"),
        patch("archdsl.search.storage.address_of", lambda given: real(given.partition("?")[0])),
        patch("archdsl.search.snapshot.address_of", lambda given: real(given.partition("?")[0])),
    ):
        study = begin(search, tmp_path / "x.study", tmp_path, 0, url, (), command, REGISTRY)
        queue_exploration(study, survey(study.space))
        Worker(study, CPU, trainer=trainer(lambda *_: 0.9)).run(0)
        study.storage.close()
        again = find_study(str(tmp_path / "x"), url, REGISTRY)
        again.storage.close()
        with read_study(str(tmp_path / "x"), url, REGISTRY) as found:
            say_verdict(found)
        page = read_report(str(tmp_path / "x"), url, REGISTRY, None).report()
        with pytest.raises(ArchError) as caught:
            find_study(str(tmp_path / "nothing"), url, REGISTRY)
    (tmp_path / "report.html").write_text(page)
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert {"study.json", "shared.db", "report.html"} <= {p.name for p in files}
    for path in files:
        assert SECRET.encode() not in path.read_bytes(), path
    assert SECRET not in str(caught.value)
    assert "shared.db" in again.card.storage and "shared.db" in again.card.command
    printed = capsys.readouterr().out
    assert f" --storage sqlite:///{tmp_path}/shared.db -o best.arch" in printed
    assert SECRET not in printed
