"""The report that is served while a search runs."""

import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest
from simulation import Formula, wide_or_deep, work

from archdsl.diagnostics.model import ArchError
from archdsl.registry import REGISTRY
from archdsl.report import serve
from archdsl.report.serve import Follower, StudyServer
from archdsl.search.opened import find_study

pytestmark = pytest.mark.quiet


@pytest.fixture
def study(half: Path, tmp_path: Path) -> Path:
    """A search that has stopped, and can go on."""
    return Path(shutil.copytree(half, tmp_path / "half.study"))


@pytest.fixture
def server(study: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StudyServer]:
    monkeypatch.setattr(serve, "PAUSE", 0.0)
    with StudyServer(Follower(str(study))) as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def ask(server: StudyServer, path: str = "/", method: str = "GET", **headers: str) -> HTTPResponse:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, headers=named)
    answer = connection.getresponse()
    answer.text = answer.read().decode()  # type: ignore[attr-defined]
    connection.close()
    return answer


def test_it_is_the_report_and_may_ask_its_server_alone(server: StudyServer) -> None:
    answer = ask(server)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    text: str = answer.text  # type: ignore[attr-defined]
    assert "connect-src 'self'\">" in text and "20 of 45 trials have ended" in text
    assert "Live: this page follows the search." in text
    head = ask(server, method="HEAD")
    assert (head.status, head.text) == (200, "")  # type: ignore[attr-defined]
    assert int(head.headers["Content-Length"]) == len(text.encode())


def test_news_are_told_from_no_news(server: StudyServer, study: Path) -> None:
    first = ask(server).headers["ETag"]
    answer = ask(server, If_None_Match=first)
    assert (answer.status, answer.text) == (304, "")  # type: ignore[attr-defined]
    work(find_study(str(study), None, REGISTRY), Formula(wide_or_deep), 2)
    answer = ask(server, If_None_Match=first)
    assert answer.status == 200 and answer.headers["ETag"] != first
    assert "22 of 45 trials have ended" in answer.text  # type: ignore[attr-defined]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1", "[::1]"])
def test_other_names_of_this_machine_get_nothing(server: StudyServer, host: str) -> None:
    """A page elsewhere may have its own name point here (DNS rebinding)."""
    answer = ask(server, Host=host)
    assert answer.status == 403
    assert answer.text == "this server answers to 127.0.0.1 alone\n"  # type: ignore[attr-defined]


def test_there_is_one_page(server: StudyServer) -> None:
    assert ask(server, "/study.json").status == 404
    assert ask(server, "/../study.json").status == 404
    assert ask(server, "/?again").status == 200
    assert ask(server, "/favicon.ico").status == 204
    assert ask(server, method="POST").status == 501
    localhost = ask(server, Host=f"localhost:{server.server_port}")
    assert localhost.status == 200


def test_a_study_that_goes_away_is_told(server: StudyServer, study: Path) -> None:
    assert ask(server).status == 200
    shutil.rmtree(study)
    answer = ask(server)
    assert answer.status == 503
    assert answer.text == f"there is no study `{study}`"  # type: ignore[attr-defined]


def test_only_this_machine_reaches_it(server: StudyServer) -> None:
    assert server.server_address[0] == "127.0.0.1"
    assert server.url == f"http://127.0.0.1:{server.server_port}/"


def test_a_port_that_is_taken(server: StudyServer, study: Path) -> None:
    with pytest.raises(ArchError) as caught:
        StudyServer(Follower(str(study)), server.server_port)
    (told,) = caught.value.diagnostics
    assert told.code == "A718"
    port = server.server_port
    assert told.message == f"no report can be served at port {port}: it is taken"
    assert "= help: choose another with --port N; --port 0 takes a free one" in str(caught.value)


def test_the_study_is_not_touched(study: Path, server: StudyServer) -> None:
    before = {p: p.read_bytes() for p in study.rglob("*") if p.is_file()}
    ask(server)
    assert {p: p.read_bytes() for p in study.rglob("*") if p.is_file()} == before


def test_ctrl_c_ends_it(study: Path) -> None:
    command = [sys.executable, "-m", "archdsl", "report", "--live", str(study), "--port", "0"]
    # A shell that runs the tests in the background has them ignore Ctrl-C.
    heeds = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, preexec_fn=heeds, **pipes)
    assert process.stdout is not None
    first = process.stdout.readline()
    assert first.startswith("http://127.0.0.1:") and first.endswith("Ctrl-C ends it\n")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "ended\n", "")


def raw(server: StudyServer, request: bytes) -> bytes:
    """All that comes back for some bytes."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=30) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"POST / HTTP/1.1\r\n\r\n", b"501"),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET / HTTP/9.9\r\n\r\n", b"505"),
        (b"no request at all\r\n\r\n", b"400"),
        (b"GET /nothing HTTP/1.1\r\n\r\n", b"403"),
    ],
)
def test_every_answer_has_the_headers(server: StudyServer, request_: bytes, status: bytes) -> None:
    answer = raw(server, request_)
    assert status in answer.split(b"\r\n")[0] and answer.count(b"nosniff") == 1


def test_a_connection_that_says_nothing_is_ended(
    server: StudyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve.Handler, "timeout", 0.05)
    assert raw(server, b"GET / HT") == b""
