"""A PostgreSQL server of one's own: in a temporary folder, on a private port, killed at will."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from required import skip
from tiny_search import is_alive, kill, wait_for

PASSWORD = "s3cret-word"  # the server asks for none, and none may be shown


def programs() -> Path:
    """The folder of PostgreSQL's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    if not found and on_path is None:
        skip("there is no PostgreSQL: apt-get install postgresql")
    return (found[-1] if found else Path(str(on_path))).parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class OwnServer:
    """The server. Root may not run one: the user `postgres` does then."""

    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="archdsl-pg-")))
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    databases: int = 0

    def __post_init__(self) -> None:
        self.programs = programs()
        self.who: dict[str, Any] = {}
        if os.geteuid() == 0:
            try:
                entry = pwd.getpwnam("postgres")
            except KeyError:
                skip("there is no user `postgres` to run a server")
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
            self.who = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        command = [self.programs / "initdb", "--pgdata", self.data, "--username", "postgres"]
        command += ["--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync"]
        ran = subprocess.run(
            list(map(str, command)), cwd=self.folder, capture_output=True, text=True, **self.who
        )
        assert ran.returncode == 0, ran.stderr

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def address(self) -> str:
        return f"postgresql://postgres:{PASSWORD}@127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts the server, and waits until it answers."""
        command = [str(self.programs / "postgres"), "-D", str(self.data), "-p", str(self.port)]
        command += ["-k", str(self.folder), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]

        def answers() -> bool:
            if self.process is None or self.process.poll() is not None:  # the old one lingers
                with (self.folder / "log").open("ab") as log:
                    self.process = subprocess.Popen(
                        command, stdout=log, stderr=log, cwd=self.folder, **self.who
                    )
            try:
                psycopg.connect(f"{self.address}/postgres", connect_timeout=5).close()
            except psycopg.OperationalError:
                return False
            return True

        wait_for(answers)

    def kill(self) -> None:
        """Ends the server and all that belongs to it at once."""
        assert self.process is not None
        pids = [int(p.parent.name) for p in Path("/proc").glob("[0-9]*/stat")]
        family = [pid for pid in pids if parent(pid) == self.process.pid]
        for pid in (self.process.pid, *family):
            if is_alive(pid):
                kill(pid)
        self.process.wait()

    def database(self) -> str:
        """The address of a new database."""
        self.databases += 1
        name = f"studies{self.databases}"
        with psycopg.connect(f"{self.address}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
        return f"{self.address}/{name}"

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return -1
