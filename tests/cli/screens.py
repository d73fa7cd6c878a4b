"""Programs run on a terminal of so many columns, and what its screen shows in the end."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyte

LINES = 40


@dataclass(frozen=True)
class Shown:
    """What a program left on a screen, without the spaces at its right, and all it wrote."""

    code: int
    screen: str
    written: str


def _take_terminal() -> None:
    """Its own terminal: what is typed, and a change of its size, reaches all of its processes.
    Ctrl-C is heard, too, where the tests run in the background, which ignores it."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def on_terminal(
    arguments: Sequence[str],
    columns: int,
    folder: Path,
    after: str = "",
    resized: int = 0,
    typed: bytes = b"",
) -> Shown:
    """Runs ``python ARGUMENTS`` on a terminal of ``LINES`` times ``columns`` characters. When
    ``after`` has been written, the terminal gets ``resized`` columns, and keys are ``typed``."""
    ours, theirs = pty.openpty()
    size(theirs, columns)
    unset = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")
    environment = {k: v for k, v in os.environ.items() if k not in unset}
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env={**environment, "TERM": "xterm-256color", "OMP_NUM_THREADS": "1"},
        start_new_session=True,
        preexec_fn=_take_terminal,
    )
    os.close(theirs)
    written, before = b"", 0
    while True:
        try:
            part = os.read(ours, 1 << 16)
        except OSError:  # Linux says so where the last writer has closed it
            break
        if not part:
            break
        written += part
        if after and after.encode() in written:
            after = ""
            if resized:
                before = len(written)
                size(ours, resized)
                time.sleep(1)
            os.write(ours, typed)
    os.close(ours)
    return Shown(
        process.wait(), shown(written, columns, before, resized), written.decode(errors="replace")
    )


def size(terminal: int, columns: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, columns, 0, 0))


def shown(written: bytes, columns: int, before: int = 0, resized: int = 0) -> str:
    """What stands on a screen when this was written to it; where it is ``resized``, after so many
    bytes."""
    screen = pyte.Screen(columns, LINES)
    stream = pyte.ByteStream(screen)
    if resized:
        stream.feed(written[:before])
        screen.resize(columns=resized)
        written = written[before:]
    stream.feed(written)
    return "\n".join(line.rstrip() for line in screen.display).rstrip("\n") + "\n"
