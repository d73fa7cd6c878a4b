"""A search that takes seconds, run as its users run it, and brought to harm on purpose.

Its networks hold a layer that does what a file named after their width says: so a test can stop a
trial in its midst, and wait for events only, never by the clock.
"""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archdsl.cli.main import main
from archdsl.extensions import with_files
from archdsl.registry import REGISTRY
from archdsl.search.rows import Row
from archdsl.search.snapshot import read_study

PATIENCE = 180.0  # seconds after which what does not happen is given up

SPEC = """
arch tiny(depth = 2 in 1..8, width = 8 in 1..64, classes = 10)
input 1x8x8
for i in 1..depth { conv(width, 3) -> bn -> relu }
watched
head: global_avgpool -> linear(classes)
"""
SEARCH = """
search tiny
spec "tiny.arch"
vary depth in {1, 2}
hold macs = {20K, 40K} within 20% by width
data digits
train epochs = 2, batch = 256, lr = 0.3
seeds 1 then 2
trials 4
"""
TRIALS = 12  # four networks, and two fresh seeds of each
WIDTHS = (34, 5, 64, 8)  # of the networks, in the order in which they are made

LAYER = '''
from dataclasses import dataclass

from archdsl.layers.base import Example, Expression, Layer


@dataclass(frozen=True, slots=True)
class Watched(Layer):
    """What `happenings.py` does."""

    name = "watched"
    kind = "activation"
    examples = (Example("watched", ((8, 4, 4),), (8, 4, 4)),)

    def shape(self, *inputs):
        return inputs[0]

    def torch(self, *inputs):
        return Expression("__import__('happenings').layer({x})")
'''
HAPPENINGS = """
import os, time
from pathlib import Path

import torch

STEPS = []


def said(wish):
    try:
        return wish.read_text()
    except FileNotFoundError:
        return ""


def layer(x):
    for name in (f"{x.shape[1]}.wish", "any.wish"):
        wish = Path(name)
        if x.requires_grad and (what := said(wish)):
            if what == "pause":
                Path(f"{os.getpid()}.paused").touch()
                while said(wish) == what:
                    time.sleep(0.01)
            elif what == "slow":  # and its first epoch does not end before somebody has seen it
                STEPS.append(name)
                time.sleep(0.3)
                while len(STEPS) > 60 and said(wish) == what:
                    time.sleep(0.01)
            elif what == "raise":
                raise LookupError("the layer has lost its way")
            elif what == "memory":
                raise torch.OutOfMemoryError("CUDA out of memory")
            elif what == "diverge":
                return x * float("nan")
            elif what == "die":
                os.kill(os.getpid(), 9)
            elif what == "allocate":
                return x + torch.zeros(1 << 44).sum()
    return x
"""


@dataclass(frozen=True)
class Ran:
    """What a command left: its exit code, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return " ".join((self.out + self.err).split())


@dataclass
class TinySearch:
    """A search in a folder of its own."""

    folder: Path
    storage: str | None = None
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.write("tiny.arch", SPEC)
        self.write("tiny.search", SEARCH)
        self.write("watched.py", LAYER)
        self.write("happenings.py", HAPPENINGS)

    @property
    def study(self) -> Path:
        return self.folder / "tiny.study"

    @property
    def database(self) -> Path:
        return self.study / "trials.db"

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    # ----------------------------------------------------------------------- commands

    def start(self, *arguments: str, **how: Any) -> subprocess.Popen[str]:
        """Starts ``archdsl``; what it prints goes to files, as nobody reads a pipe meanwhile."""
        place = {"cwd": self.folder, **how}
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(self.folder)}
        number = len(self.running)
        with (
            (self.folder / f"{number}.out").open("w") as out,
            (self.folder / f"{number}.err").open("w") as err,
        ):
            process = subprocess.Popen(
                [sys.executable, "-m", "archdsl", *arguments],
                stdout=out, stderr=err, text=True, env=environment, **place,
            )  # fmt: skip
        self.running.append(process)
        return process

    def search(self, *arguments: str, **how: Any) -> subprocess.Popen[str]:
        storage = ("--storage", self.storage) if self.storage else ()
        python = ("--allow-python", "watched.py")
        return self.start("search", "tiny.search", *python, *storage, *arguments, **how)

    def ended(self, process: subprocess.Popen[str]) -> Ran:
        """What a command came to. None of them ever shows a traceback."""
        code = process.wait(PATIENCE)
        number = self.running.index(process)
        out, err = ((self.folder / f"{number}.{end}").read_text() for end in ("out", "err"))
        assert "Traceback" not in out + err
        assert "internal error" not in out + err
        return Ran(code, out, err)

    def run(self, *arguments: str, **how: Any) -> Ran:
        return self.ended(self.start(*arguments, **how))

    def here(self, *arguments: str) -> Ran:
        """The same within this process: for what ends soon."""
        out, err = io.StringIO(), io.StringIO()
        with chdir(self.folder), redirect_stdout(out), redirect_stderr(err):
            try:
                main(list(arguments))
            except SystemExit as exit:
                code = exit.code
        assert isinstance(code, int)
        assert "internal error" not in err.getvalue()
        return Ran(code, out.getvalue(), err.getvalue())

    def search_here(self, *arguments: str) -> Ran:
        return self.here("search", "tiny.search", "--allow-python", "watched.py", *arguments)

    def finish(self, *arguments: str) -> Ran:
        """Searches, or goes on, to the verdict."""
        ran = self.ended(self.search(*arguments))
        assert ran.code == 0, ran.err
        assert "best: depth = " in ran.out
        return ran

    def close(self) -> None:
        for wish in self.folder.glob("*.wish"):
            wish.unlink()
        for process in self.running:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        for number, process in enumerate(self.running):  # pytest shows it where a test failed
            code = process.wait(PATIENCE)
            said = [(self.folder / f"{number}.{end}").read_text() for end in ("out", "err")]
            print(process.args, code, *said, sep="\n")

    # ------------------------------------------------------------------------- events

    def wish(self, what: str, width: int | str = "any") -> None:
        """What happens in the networks of a width from now on."""
        self.write(f"{width}.wish", what)

    def unwish(self, width: int | str = "any") -> None:
        (self.folder / f"{width}.wish").unlink()

    def paused(self, besides: tuple[int, ...] = ()) -> int:
        """Waits for a process that is stopped in the midst of a trial; gives its id."""

        def found() -> list[int]:
            known = [int(path.stem) for path in self.folder.glob("*.paused")]
            return [pid for pid in known if pid not in besides and is_alive(pid)]

        return wait_for(found)[0]

    def within_the_first_epoch(self) -> Row:
        """Waits for a trial that has said how far it is in its first epoch."""

        def found() -> list[Row]:
            if not (self.study / "study.json").exists():
                return []
            running = [row for row in self.rows() if row.state == "running"]
            return [row for row in running if row.reached and row.reached[1] is None]

        return wait_for(found)[0]

    def rows(self) -> list[Row]:
        """All trials, as they stand."""
        with read_study(str(self.study), self.storage, self.table) as study:
            return study.rows()

    @property
    def table(self) -> Any:
        return with_files(REGISTRY, [self.folder / "watched.py"])

    def results(self) -> dict[tuple[Any, ...], tuple[Any, ...]]:
        """The numbers of each trial that was trained to its end, by what was trained."""
        return {
            (row.stage, row.slice, row.shape, row.seed): (row.values, row.loss, row.curve, row.test)
            for row in self.rows()
            if row.is_result
        }


def wait_for(event: Callable[[], Any]) -> Any:
    """Waits until something is so; gives it."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := event():
            return found
        time.sleep(0.02)
    raise AssertionError("it has not happened")


def is_alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def kill(pid: int) -> None:
    """Ends a process as the kernel does it where memory is short, and waits until it is gone."""
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not is_alive(pid))
