"""Every example in the documents is what it claims to be.

A fence says what it is behind its three backticks:

- ``arch``: a whole file; with every variant it makes a network.
- ``arch fragment``: statements behind the header that docs/language.md shows; a shape behind
  the word (``fragment 64x8x8``) is the input instead.
- ``arch error A201``: exactly this mistake, and no other; with ``fragment`` behind the header.
- ``arch file lib/units.arch``: a file of this name for the examples below it in the document.
- ``... python my_layers.py``: with the layers of that file in docs/examples.
- ``arch values``: expressions, each with its value behind a ``#``.
- ``text graph``: what `archdsl graph` prints of the example above; ``...`` leaves lines out.
- ``text error``: what is printed of the mistake in the example above.
- ``text compiled small.arch``: a part of the source of a file above it.
- ``text searched small.study``: what a search printed whose study is in docs/examples.
- ``console``: commands behind ``$``, each with its output; ``...`` leaves lines out.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from fences import DOCUMENTS, HEADER, ROOT, SHAPE, Fence, fences

import archdsl
from archdsl import ArchError, Architecture, parse, read
from archdsl.cli import live
from archdsl.diagnostics import codes
from archdsl.diagnostics.source import Source
from archdsl.elaborate.scope import Variable
from archdsl.elaborate.values import show
from archdsl.extensions import with_files
from archdsl.graph.text import to_text
from archdsl.registry import REGISTRY
from archdsl.spec import Spec
from archdsl.syntax.format import format_source

pytestmark = pytest.mark.quiet

EXAMPLES = ROOT / "docs" / "examples"
ALL = [fence for document in DOCUMENTS for fence in fences(document)]


def examples(*starts: str) -> list[pytest.param]:
    """Those that train or run PyTorch several times take seconds each: they are slow."""
    chosen = [f for f in ALL if " ".join(f.words).startswith(starts)]
    return [pytest.param(f, id=str(f), marks=[pytest.mark.slow] * takes_long(f)) for f in chosen]


def takes_long(fence: Fence) -> bool:
    return bool(
        re.search(r"^\$ archdsl (train|import|measure|evaluate|search)\b", fence.text, re.M)
    )


def written_above(fence: Fence, folder: Path) -> None:
    """Writes the files that the document has given names to above an example."""
    for other in fences(fence.document):
        name = other.after("file")
        if name is not None and other.line <= fence.line:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(other.text, "utf-8")


def spec_of(fence: Fence, folder: Path) -> Spec:
    """The spec of an example, with the files that it may use beside it."""
    written_above(fence, folder)
    path = folder / (fence.after("file") or "example.arch")
    path.write_text(fence.spec, "utf-8")
    extra = fence.after("python")
    files = [EXAMPLES / extra] if extra else []
    return read(str(path), with_files(REGISTRY, files))


def above(fence: Fence) -> Fence:
    """The example that an output belongs to."""
    before = [f for f in ALL if f.document == fence.document and f.line < fence.line]
    return next(f for f in reversed(before) if f.language == "arch")


def holds(claimed: list[str], found: list[str]) -> bool:
    """Whether lines are what was found; ``...`` stands for any lines."""
    if not claimed:
        return not found
    if claimed[0].strip() == "...":
        return any(holds(claimed[1:], found[i:]) for i in range(len(found) + 1))
    return (
        bool(found) and found[0].rstrip() == claimed[0].rstrip() and holds(claimed[1:], found[1:])
    )


@pytest.mark.parametrize("fence", examples("arch"))
def test_example(fence: Fence, tmp_path: Path) -> None:
    if "values" in fence.words:
        check_values(fence)
        return
    code = fence.after("error")
    if code is not None:
        with pytest.raises(ArchError) as caught:
            candidates(spec_of(fence, tmp_path))
        assert [d.code for d in caught.value.diagnostics] == [code], str(caught.value)
        return
    if fence.after("file") is not None and not re.search(r"^arch\b", fence.text, re.MULTILINE):
        written_above(fence, tmp_path)  # a library: it is tried where it is used
        return
    assert candidates(spec_of(fence, tmp_path))


def candidates(spec: Spec) -> list[Architecture]:
    return [spec.with_knobs(), *(spec.variant(name) for name in spec.variants)]


@pytest.mark.parametrize("fence", examples("arch"))
def test_examples_look_as_fmt_would_have_them(fence: Fence) -> None:
    if "values" not in fence.words:
        assert format_source(Source(str(fence), fence.text)) == fence.text


def check_values(fence: Fence) -> None:
    """Lines ``expression  # value``; those before them that say `let` or `fn` give names."""
    lines = [line for line in fence.text.splitlines() if line.strip()]
    given = list(takewhile(lambda line: line.startswith(("let ", "fn ")), lines))
    for line in lines[len(given) :]:
        text, _, value = line.partition("#")
        if value.strip().startswith("error"):
            with pytest.raises(ArchError) as caught:
                value_of(text, given)
            assert [d.code for d in caught.value.diagnostics] == [value.split()[1]], line
        else:
            assert show(value_of(text, given)) == value.strip(), line


def value_of(expression: str, given: list[str]) -> Any:
    lines = ["arch example", *given, f"let it = {expression}", "input 3x8x8", "relu"]
    program = parse("\n".join(lines)).program
    it = program.main.scope.names["it"]
    assert isinstance(it, Variable)
    return program.elaborate({}, lambda path, options, span: 0).frame.v[it.slot]


@pytest.mark.parametrize("fence", examples("text graph"))
def test_graph(fence: Fence, tmp_path: Path) -> None:
    found = to_text(spec_of(above(fence), tmp_path).with_knobs().graph)
    assert holds(["...", *fence.text.splitlines(), "..."], found.splitlines()), found


@pytest.mark.parametrize("fence", examples("text error"))
def test_message(fence: Fence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = above(fence)
    written_above(example, tmp_path)
    monkeypatch.chdir(tmp_path)
    name = example.after("file") or "example.arch"
    Path(name).write_text(example.spec, "utf-8")
    with pytest.raises(ArchError) as caught:
        read(name).with_knobs()
    found = re.sub(r" +$", "", str(caught.value), flags=re.MULTILINE)
    assert found.splitlines() == fence.text.rstrip("\n").splitlines()


@pytest.mark.parametrize("fence", examples("text compiled"))
def test_source(fence: Fence, tmp_path: Path) -> None:
    written_above(fence, tmp_path)
    name = fence.after("compiled") or ""
    assert fence.text in read(str(tmp_path / name)).with_knobs().source()


@pytest.mark.parametrize("fence", examples("text searched"))
def test_what_a_search_printed(fence: Fence) -> None:
    """A search is not run again: its trials and its verdict are in its study."""
    study = archdsl.study(EXAMPLES / (fence.after("searched") or ""))
    trials = [f"  {live.line(row)}" for row in study.rows]
    found = fence.text.splitlines()
    shown = [text for text in found if re.match(r"\d+/\d+  ", text)]
    assert len(shown) > 5 and all(any(text.endswith(t) for t in trials) for text in shown)
    assert " ".join(study.words.split()) in " ".join(fence.text.split())


@pytest.mark.parametrize("fence", examples("console"))
def test_commands(fence: Fence, tmp_path: Path) -> None:
    written_above(fence, tmp_path)
    for path in EXAMPLES.glob("*.py"):
        shutil.copy(path, tmp_path)
    for path in EXAMPLES.glob("*.study"):
        shutil.copytree(path, tmp_path / path.name)
    lines = fence.text.splitlines()
    places = [i for i, line in enumerate(lines) if line.startswith("$ ")]
    for start, end in zip(places, [*places[1:], len(lines)], strict=True):
        words = shlex.split(lines[start][2:])
        if words[0] != "archdsl":
            continue
        found = command(words[1:], tmp_path)
        assert holds(lines[start + 1 : end], found.splitlines()), found


def command(arguments: list[str], folder: Path) -> str:
    run = subprocess.run(
        [sys.executable, "-m", "archdsl", *arguments],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "NO_COLOR": "1"},
        timeout=600,  # of what hangs: a busy machine is no fault
        check=False,
    )
    return run.stdout


@pytest.mark.parametrize("fence", examples("python"))
def test_python(fence: Fence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python is run, or is what stands in the file that it names."""
    name = fence.after("file")
    if name is not None:
        assert fence.text == (EXAMPLES / name).read_text("utf-8")
        return
    written_above(fence, tmp_path)
    for path in EXAMPLES.glob("*.py"):
        shutil.copy(path, tmp_path)
    for path in EXAMPLES.glob("*.study"):
        shutil.copytree(path, tmp_path / path.name)
    monkeypatch.chdir(tmp_path)
    exec(compile(fence.text, str(fence), "exec"), {"__name__": "example"})


def test_every_code_in_the_documents_exists() -> None:
    for document in DOCUMENTS:
        for code in re.findall(r"\bA[0-5]\d\d\b", document.read_text("utf-8")):
            assert code in codes.ALL, f"{document.name} speaks of {code}"


def test_links_lead_somewhere() -> None:
    for document in DOCUMENTS:
        for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text("utf-8")):
            if link.startswith(("http:", "https:")):
                continue
            target, _, anchor = link.partition("#")
            path = document.parent / target if target else document
            assert path.exists(), f"{document.name} links to {link}"
            if anchor:
                assert anchor in anchors(path), f"{document.name} links to {link}"


def anchors(document: Path) -> set[str]:
    """What GitHub calls the headings of a document."""
    headings = re.findall(r"^#+ (.*)$", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def test_the_header_of_fragments_is_the_one_that_is_shown() -> None:
    text = (ROOT / "docs" / "language.md").read_text("utf-8")
    assert HEADER.format(shape=SHAPE) in text
