"""Every text that a user may meet, in files: ``texts/PACKAGE.txt`` has the prose of each module of
a package in its order, what is filled in between ``<`` and ``>``.

``ARCHDSL_REWRITE=1 pytest tests/diagnostics/test_texts.py`` writes the files anew; read the
difference.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from expected_text import REWRITE

ROOT = Path(__file__).parents[2]
TEXTS = Path(__file__).with_name("texts")
PROSE = re.compile(r"(?<![\w.])[A-Za-z]+,? [a-z`<][^ ]* [^ ]")  # three words that follow each other
PACKAGES = sorted({p.relative_to(ROOT / "archdsl").parts[0] for p in ROOT.glob("archdsl/*/*.py")})


def texts_of(tree: ast.AST) -> Iterator[str]:
    """The prose of a module: neither docstrings nor lists of words nor regular expressions."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue  # a docstring
        if isinstance(node, ast.Attribute) and node.attr in ("split", "splitlines"):
            continue
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "re.compile":
            continue
        text = _text(node)
        if text is None:
            yield from texts_of(node)
            continue
        if PROSE.search(text) and "(?" not in text:
            yield text.strip()
        if isinstance(node, ast.JoinedStr):
            yield from (t for v in node.values if not _text(v) for t in texts_of(v))


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(map(_piece, node.values))
    return None


def _piece(node: ast.expr) -> str:
    if isinstance(node, ast.FormattedValue):
        value = ast.unparse(node.value)
        return f"<{value}>".replace('"', "'")  # versions of Python choose other quotes
    return _text(node) or ""


def catalogue(package: str) -> str:
    """The texts of all modules of a package, or of the modules that are in none, ``main``."""
    folder = ROOT / "archdsl"
    paths = folder.glob("*.py") if package == "main" else (folder / package).rglob("*.py")
    lines = []
    for path in sorted(paths):
        found = dict.fromkeys(texts_of(ast.parse(path.read_text("utf-8"))))
        if found:
            lines += [f"== {path.relative_to(ROOT).as_posix()}", *map(_indented, found), ""]
    return "\n".join(lines)


def _indented(text: str) -> str:
    return text.replace("\n", "\n    ")


@pytest.mark.parametrize("package", ["main", *PACKAGES])
def test_texts(package: str) -> None:
    path, given = TEXTS / f"{package}.txt", catalogue(package)
    if REWRITE:
        TEXTS.mkdir(exist_ok=True)
        path.write_text(given, "utf-8")
    kept = path.read_text("utf-8") if path.exists() else ""
    again = "ARCHDSL_REWRITE=1 pytest tests/diagnostics/test_texts.py writes the file anew"
    assert given.splitlines() == kept.splitlines(), again


def test_no_file_is_of_a_package_that_is_gone() -> None:
    assert {path.stem for path in TEXTS.glob("*.txt")} <= {"main", *PACKAGES}


def test_why_an_operation_is_no_layer_follows_its_name() -> None:
    source = "".join(p.read_text("utf-8") for p in (ROOT / "archdsl/importing").glob("*.py"))
    begins = re.findall(r'\bGap\(\s*f?"([^"])', source)
    assert len(begins) > 100
    assert set(begins) == {" ", ":"}
