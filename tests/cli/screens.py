"""Programs run on a terminal of so many columns, and what its screen shows in the end."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
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


def on_terminal(arguments: Sequence[str], columns: int, folder: Path) -> Shown:
    """Runs ``python ARGUMENTS`` on a terminal of ``LINES`` times ``columns`` characters."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, columns, 0, 0))
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
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            part = os.read(ours, 1 << 16)
        except OSError:  # Linux says so where the last writer has closed it
            break
        if not part:
            break
        written += part
    os.close(ours)
    return Shown(process.wait(), shown(written, columns), written.decode())


def shown(written: bytes, columns: int) -> str:
    """What stands on a screen when this was written to it."""
    screen = pyte.Screen(columns, LINES)
    pyte.ByteStream(screen).feed(written)
    return "\n".join(line.rstrip() for line in screen.display).rstrip("\n") + "\n"
