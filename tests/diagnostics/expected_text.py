"""Texts that are kept as files, to be compared to the letter."""

import os
from pathlib import Path

REWRITE = bool(os.environ.get("ARCHDSL_REWRITE"))
EXPECTED = Path(__file__).parent / "expected"


def same_as(path: Path, text: object) -> None:
    """Asserts that a text is that of a file; ``ARCHDSL_REWRITE=1`` writes the file instead."""
    given = f"{text}\n"
    if REWRITE:
        path.write_text(given, "utf-8")
    assert given == path.read_text("utf-8")


def expected(name: str, text: object) -> None:
    """``same_as`` for a file of the folder ``expected``."""
    same_as(EXPECTED / f"{name}.txt", text)
