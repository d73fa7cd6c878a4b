"""The command line, run in this process; and golden files of what it prints.

``ARCHDSL_GOLDEN=write pytest tests/cli`` writes the golden files anew.
"""

import io
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from archdsl.cli.main import main

GOLDEN = Path(__file__).with_name("golden")


@dataclass(frozen=True)
class Ran:
    """What a command left: its exit code, and what it printed."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


class Terminal(io.TextIOWrapper):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs ``archdsl`` with these arguments; ``stdin`` is what it reads, and ``tty`` makes it
    believe that it prints to a terminal."""

    def call(*arguments: str, stdin: str | bytes = b"", tty: bool = False) -> Ran:
        given = stdin.encode() if isinstance(stdin, str) else stdin
        kind = Terminal if tty else io.TextIOWrapper
        out, err = (kind(io.BytesIO(), "utf-8", newline="\n") for _ in range(2))
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given), "utf-8"))
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            with pytest.raises(SystemExit) as exit:
                main(list(arguments))
            out.flush()
            err.flush()
        code = exit.value.code
        assert isinstance(code, int)
        texts = [s.buffer.getvalue().decode() for s in (out, err)]  # type: ignore[attr-defined]
        return Ran(code, *texts)

    return call


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Says whether a text is that of a golden file."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("ARCHDSL_GOLDEN") == "write":
            path.write_text(text, "utf-8")
        assert text == path.read_text("utf-8")

    return compare
