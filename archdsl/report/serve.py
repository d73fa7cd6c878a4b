"""A report that follows a search: served on the loopback, for this machine alone."""

from __future__ import annotations

import errno
import hashlib
import threading
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.registry import REGISTRY, Registry
from archdsl.report.facts import gather
from archdsl.report.page import report_page
from archdsl.report.trials import Album
from archdsl.search.snapshot import read_study, state_of

HOST = "127.0.0.1"
PAUSE = 2.0  # seconds between two readings of a study, at least
IDLE = 30.0  # seconds that a connection may be silent
HEADERS = {
    "Cache-Control": "no-cache",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Follower:
    """The page of a study as it stands, made anew only where the study has changed."""

    def __init__(
        self,
        name: str,
        url: str | None = None,
        registry: Registry = REGISTRY,
        data: Path | None = None,
    ) -> None:
        self.read = partial(read_study, name, url, registry, data)
        self.state: Callable[[], Any] = partial(state_of, name) if url is None else time.monotonic
        self.storage = url is not None
        self.album = Album()
        self.lock = threading.Lock()
        self.seen: Any = self  # no state is this
        self.looked = -PAUSE
        self.page = b""
        self.tag = ""

    def look(self) -> tuple[bytes, str]:
        """The page, and a tag that changes with it. Raises ``ArchError``."""
        with self.lock:
            state = self.state()
            if state != self.seen and time.monotonic() - self.looked >= PAUSE:
                with self.read() as study:
                    facts = gather(study, self.storage)
                self.page = report_page(facts, self.album, live=True).encode()
                self.tag = f'"{hashlib.sha256(self.page).hexdigest()[:32]}"'
                self.seen, self.looked = state, time.monotonic()
            return self.page, self.tag


class Handler(BaseHTTPRequestHandler):
    """Answers for the page, and for nothing else."""

    server: StudyServer
    server_version, sys_version = "archdsl", ""
    timeout = IDLE
    default_request_version = "HTTP/1.0"  # what is no request is answered with headers as well

    def do_GET(self) -> None:
        if self.headers.get("Host") not in self.server.hosts:  # a page elsewhere, by a false name
            self.answer(HTTPStatus.FORBIDDEN, b"this server answers to 127.0.0.1 alone\n")
        elif self.path == "/favicon.ico":
            self.answer(HTTPStatus.NO_CONTENT)
        elif self.path.partition("?")[0] != "/":
            self.answer(HTTPStatus.NOT_FOUND, b"there is one page: /\n")
        else:
            self.give_page()

    do_HEAD = do_GET

    def give_page(self) -> None:
        try:
            page, tag = self.server.follower.look()
        except ArchError as error:
            said = error.diagnostics[0].message.encode()
            self.answer(HTTPStatus.SERVICE_UNAVAILABLE, said)
            return
        if self.headers.get("If-None-Match") == tag:
            self.answer(HTTPStatus.NOT_MODIFIED, tag=tag)
        else:
            self.answer(HTTPStatus.OK, page, "text/html; charset=utf-8", tag)

    def answer(
        self,
        status: HTTPStatus,
        body: bytes = b"",
        kind: str = "text/plain; charset=utf-8",
        tag: str = "",
    ) -> None:
        self.send_response(status)
        if tag:
            self.send_header("ETag", tag)
        if status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def end_headers(self) -> None:
        """Every answer has them, those to what is no request at all as well."""
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *given: Any) -> None:
        """Says nothing: the terminal is the user's."""


class StudyServer(ThreadingHTTPServer):
    """Serves a study on the loopback. Raises ``ArchError`` where the port cannot be had."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, follower: Follower, port: int = 0) -> None:
        self.follower = follower
        try:
            super().__init__((HOST, port), Handler)
        except OSError as problem:
            taken = problem.errno == errno.EADDRINUSE
            reason = "it is taken" if taken else (problem.strerror or str(problem)).lower()
            raise ArchError([diagnose(codes.NO_PORT, port=port, reason=reason)]) from None
        self.hosts = {f"{name}:{self.server_port}" for name in (HOST, "localhost")}

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server_port}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away in the middle of an answer is no news."""
