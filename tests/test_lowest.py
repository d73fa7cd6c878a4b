"""`.ci/lowest`: what it tests with the lowest versions of packages."""

import re
from pathlib import Path

TESTS = Path(__file__).parent
ABSENT = re.compile(
    r"^(?:from|import) (?:onnx\w*|pyte|screens|mcp|playwright|psycopg|ray|pygls|pytest_lsp|"
    r"lightning|transformers|mlflow|wandb|tensorboard|mkdocs)\b",
    re.MULTILINE,
)


def test_what_cannot_be_imported_there_is_left_out() -> None:
    """It installs no package for terminals, browsers, databases, clusters and ONNX."""
    text = (TESTS.parent / ".ci" / "lowest").read_text("utf-8")
    rooms, files = (
        found.split()
        for found in re.findall(r"^(?:rooms|files)=\(([a-z_ ]*)\)$", text, re.MULTILINE)
    )
    needing = [
        path.relative_to(TESTS)
        for path in sorted(TESTS.rglob("test_*.py"))
        if ABSENT.search(path.read_text("utf-8"))
    ]
    left = {p.stem.removeprefix("test_") for p in needing if p.parts[0] not in rooms}
    assert left and left <= set(files)
