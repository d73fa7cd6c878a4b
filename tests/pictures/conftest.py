"""The command line, as its own tests run it."""

import sys
from collections.abc import Callable
from io import BytesIO, TextIOWrapper
from types import SimpleNamespace

import pytest

from archdsl.cli.main import main


class Terminal(TextIOWrapper):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., SimpleNamespace]:
    """Runs ``archdsl`` in this process: its exit code, and what it printed."""

    def call(*arguments: str, tty: bool = False) -> SimpleNamespace:
        kind = Terminal if tty else TextIOWrapper
        buffers = BytesIO(), BytesIO()
        streams = [kind(b, "utf-8", newline="\n") for b in buffers]
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", streams[0])
            patch.setattr(sys, "stderr", streams[1])
            with pytest.raises(SystemExit) as exit:
                main(list(arguments))
            for stream in streams:
                stream.flush()
        out, err = (b.getvalue().decode() for b in buffers)
        return SimpleNamespace(code=exit.value.code, out=out, err=err)

    return call
