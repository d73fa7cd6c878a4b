"""Builds the site into docs/site: the documents with their search, and the playground.

Any static host can serve the folder: `python -m http.server -d docs/site`. Pyodide is fetched by
`npm`, once, into build/pyodide; the pages ask nothing of any other place. The documents need the
extra `docs`; they are put together in build/pages, where links between them hold as they stand.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import logging
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import files
from pathlib import Path
from typing import Any

import lexer

from archdsl.files import builtin_names, read_source

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
SITE = DOCS / "site"
PLAYGROUND = DOCS / "playground"
PYODIDE = "314.0.7"
DIGEST = (
    "sha512-0YvXxEhfEdpLfb/XkM2BFAeMROq0iMUX2bzzH9pOttyMcWkwq+HbE"
    "5uyuGD82LN7y2q+SNvi/6V5JEsOlD2R1A=="
)
PARTS = (
    *("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip"),
    *("pyodide-lock.json", "package.json", "README.md"),
)


TOP = (
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md"),
    *("benchmarks/README.md", "benchmarks/imported.md"),
)
FENCE = re.compile(r"^```(\w+)((?: \S+)*)$", re.MULTILINE)
LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")


class CannotBuild(Exception):
    """What the site needs is not there."""


def pyodide() -> Path:
    """The archive of Pyodide, from npm or an earlier time. Raises ``CannotBuild``."""
    folder = ROOT / "build" / "pyodide"
    archive = folder / f"pyodide-{PYODIDE}.tgz"
    if not archive.exists():
        npm = shutil.which("npm")
        if npm is None:
            raise CannotBuild("npm is not installed, which fetches Pyodide")
        folder.mkdir(parents=True, exist_ok=True)
        fetch = [npm, "pack", "--silent", f"pyodide@{PYODIDE}"]
        run = subprocess.run(fetch, cwd=folder, text=True, capture_output=True, check=False)
        if run.returncode:
            raise CannotBuild(f"npm cannot fetch Pyodide: {run.stderr.strip()[-300:]}")
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if f"sha512-{digest}" != DIGEST:
        archive.unlink()
        raise CannotBuild(f"Pyodide {PYODIDE} is not what it was: sha512-{digest}")
    return archive


def own_files() -> Iterator[tuple[Path, str]]:
    """The files of archdsl as they are installed: where each is, and its path there."""
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    folders = tool["package-dir"]
    for package in tool["packages"]:
        path = package.replace(".", "/")
        at = max((p for p in folders if f"{package}.".startswith(f"{p}.")), default="")
        within = package[len(at) :].removeprefix(".").replace(".", "/")
        folder = ROOT / folders.get(at, "") / within
        for pattern in ("*.py", *tool["package-data"].get(package, ())):
            for file in sorted(folder.glob(pattern)):
                yield file, f"{path}/{file.name}"


def files_of(distribution: str) -> Iterator[tuple[Path, str]]:
    """The files of an installed package."""
    for file in files(distribution) or ():
        if file.suffix != ".pyc" and ".." not in file.parts:
            yield Path(str(file.locate())), str(file)


def examples() -> dict[str, str]:
    """The specs that are offered: those of the README, then the built-in ones."""
    readme = (ROOT / "README.md").read_text("utf-8")
    fences = [part.split("\n", 1) for part in readme.split("```arch file ")[1:]]
    shown = {name.removesuffix(".arch"): text.split("```")[0] for name, text in fences}
    return shown | {name: read_source(name)[0].text for name in builtin_names()}


def build_playground(into: Path) -> None:
    """Writes the playground. Raises ``CannotBuild``."""
    archive = pyodide()
    shutil.rmtree(into, ignore_errors=True)
    shutil.copytree(PLAYGROUND, into, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "grammars" / "arch.tmLanguage.json", into)
    (into / "examples.json").write_text(json.dumps(examples()), "utf-8")
    (into / "pyodide").mkdir()
    with tarfile.open(archive) as packed:
        for name in PARTS:
            file = packed.extractfile(f"package/{name}")
            assert file is not None, f"Pyodide has no {name}"
            (into / "pyodide" / name).write_bytes(file.read())
    with zipfile.ZipFile(into / "packages.zip", "w", zipfile.ZIP_DEFLATED) as packed_files:
        for path, name in [*own_files(), *files_of("lark")]:
            packed_files.write(path, name)


# ------------------------------------------------------------------------- the documents


def pages() -> list[Path]:
    """The documents, by their paths in the repository."""
    return [Path(name) for name in TOP] + sorted(p.relative_to(ROOT) for p in DOCS.glob("*.md"))


def page(path: Path, known: set[Path]) -> str:
    """A document as the site has it: a fence says its language and the name of its file alone, and
    what is no page of the site is not a link."""
    text = FENCE.sub(fence, (ROOT / path).read_text("utf-8"))

    def link(match: re.Match[str]) -> str:
        target = match[2].partition("#")[0]
        inside = (ROOT / path.parent / target).resolve().relative_to(ROOT) if target else path
        there = ":" in target or inside in known or inside.is_relative_to("docs/gallery")
        return match[0] if there else match[1]

    return LINK.sub(link, text)


def fence(match: re.Match[str]) -> str:
    """```` ```arch file net.arch```` as ```` ```arch title="net.arch"````."""
    words = match[2].split()
    name = words[words.index("file") + 1] if "file" in words else ""
    return f"```{match[1]}" + (f' title="{name}"' if name else "")


def menu_of(known: set[Path], menu: list[Any]) -> list[Any]:
    """What the menu has to have besides: the pages that it does not name."""
    named = set(re.findall(r"[\w./-]+\.md", json.dumps(menu)))
    others = sorted(str(path) for path in known if str(path) not in named)
    return [{"More": others}] if others else []


def build_documents(into: Path) -> None:
    """Writes the documents and their search. Raises ``CannotBuild``."""
    try:
        from mkdocs.commands.build import build
        from mkdocs.config import load_config
        from mkdocs.exceptions import Abort
    except ImportError:
        raise CannotBuild("the documents need: pip install '.[docs]'") from None
    lexer.register()
    assembled = ROOT / "build" / "pages"
    shutil.rmtree(assembled, ignore_errors=True)
    known = set(pages())
    for path in known:
        file = assembled / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page(path, known), "utf-8")
    shutil.copytree(DOCS / "gallery", assembled / "docs" / "gallery")
    try:
        config = load_config(str(DOCS / "mkdocs.yml"), strict=True)
        config["nav"] += menu_of(known, config["nav"])
        build(config)
    except Abort as problem:
        raise CannotBuild(f"the documents have faults: {problem}") from None
    shutil.rmtree(into, ignore_errors=True)
    shutil.copytree(config["site_dir"], into)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--playground",
        action="store_true",
        help="the playground alone, into docs/site/playground",
    )
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    try:
        if not chosen.playground:
            build_documents(SITE)
        build_playground(SITE / "playground")
    except CannotBuild as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    print(SITE.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
