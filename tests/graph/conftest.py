"""Golden files of this folder: ``ARCHDSL_GOLDEN=write pytest tests/graph`` writes them anew."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

GOLDEN = Path(__file__).with_name("golden")


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Says whether a text is that of a golden file."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("ARCHDSL_GOLDEN") == "write":
            path.write_text(text, "utf-8")
        assert text == path.read_text("utf-8")

    return compare
