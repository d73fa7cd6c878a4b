"""Makes the pictures of the documents, and the page of all architectures.

python docs/gallery.py           # rewrites what has changed
python docs/gallery.py --check   # writes nothing; fails where something would change
python docs/gallery.py --report  # takes the picture of the report, in Chromium

A picture in a document is what the command above it draws: ``archdsl draw ... -o NAME.svg`` in a
``console`` example, and an image ``gallery/NAME.svg`` somewhere below it.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

import tables

import archdsl
from archdsl.cli.output import human
from archdsl.elaborate.published import Published
from archdsl.files import builtin_names
from archdsl.pictures.svg import svg
from archdsl.pictures.views import draw
from archdsl.spec import Architecture, Spec, read
from archdsl.syntax.tree import Paper, Variant

DOCS = Path(__file__).parent
PAGE = DOCS / "gallery.md"
FOLDER = DOCS / "gallery"
DEPTH = 3  # levels that are open in a picture of the page
LEVELS = {"inception_v3": 2, "mobilenet_v3": 2}  # of those with too many different blocks
STUDY = "small.study"  # the one of which the report is shown
FENCE = re.compile(r"^```(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
FILE = re.compile(r"\bfile (\S+)")
DRAWS = re.compile(r"^\$ (archdsl .*-o (\S+\.svg)\b.*)$", re.MULTILINE)
FAMILIES = re.compile(r"(<!-- families -->\n)(.*?)(<!-- end -->)", re.DOTALL)


# ------------------------------------------------------------------------------ families


def families() -> list[Spec]:
    """The built-in specs by the years of their papers."""
    return sorted(map(read, builtin_names()), key=lambda spec: (year(spec), spec.name))


def year(spec: Spec) -> int:
    papers = [v.paper for v in spec.variants.values() if v.paper is not None]
    return min((paper.year or 9999 for paper in papers), default=9999)


def picture(name: str) -> str:
    """The drawing of a family at its defaults, each block open where it is new."""
    arch = archdsl.load(name)
    depth = LEVELS.get(name, DEPTH)
    scene = draw(arch.network, arch.shown_knobs, depth=depth, title=name, first_only=True)
    return svg(scene, notes=False)


def core(spec: Spec) -> str:
    """The text of a spec without what it says of papers and published results."""
    source = spec.source.text
    lines: list[str | None] = list(source.split("\n"))
    for node in spec.program.main.syntax.statements:
        if isinstance(node, (Paper, Variant)):
            start = first = source.count("\n", 0, node.span.start)
            while first and (lines[first - 1] or "").startswith("#"):
                first -= 1
            end = start + node.span.text.rstrip().count("\n")
            lines[first : end + 1] = [None] * (end + 1 - first)
    text = "\n".join(line for line in lines if line is not None)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def section(spec: Spec) -> Iterator[str]:
    name, text = spec.name, core(spec)
    yield f"## {name}"
    about = " ".join(spec.doc.split())
    yield f"{about} {'; '.join(tables.papers(spec))}".strip()
    yield "\n".join(figures(spec))
    count = text.count("\n")
    yield f"<details><summary>The spec: {count} lines, without its published results</summary>"
    yield f"```text\n{text}```"
    yield "</details>"
    yield f"![{name}](gallery/{name}.svg)"


def figures(spec: Spec) -> Iterator[str]:
    """The variants of a family, or its defaults where it has none."""
    archs = {v: (spec.variant(v), spec.variants[v].published) for v in spec.variants}
    yield tables.header("variant", "parameters", "MACs", "depth", "published error")
    for name, (arch, published) in (archs or {"its defaults": (spec.with_knobs(), ())}).items():
        yield tables.row(name, *costs(arch), "; ".join(map(error, published)))


def costs(arch: Architecture) -> tuple[str, str, str]:
    return human(arch.params), human(arch.macs), str(arch.depth)


def error(fact: Published) -> str:
    first = fact.top1 if fact.top1 is not None else fact.error
    shares = {"": first, "top-5 ": fact.top5}
    shown = (f"{which}{100 * s:.4g} %" for which, s in shares.items() if s is not None)
    return f"{fact.dataset} {', '.join(shown)}"


def page(text: str) -> str:
    """The page with its families as the specs say them."""
    found = families()
    index = ", ".join(f"[{spec.name}](#{spec.name})" for spec in found)
    said = "\n\n".join(chain([index], *map(section, found)))
    return FAMILIES.sub(lambda match: f"{match[1]}\n{said}\n\n{match[3]}", text)


# ----------------------------------------------------------------------------- documents


def drawn(document: Path) -> dict[str, str]:
    """The pictures that the commands of a document draw, by their names."""
    text = document.read_text("utf-8")
    found: dict[str, str] = {}
    with TemporaryDirectory() as folder:
        copytree(DOCS / "examples" / STUDY, Path(folder, STUDY))
        for words, inside in FENCE.findall(text):
            if name := FILE.search(words):
                path = Path(folder, name[1])
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(inside, "utf-8")
            for command, made in DRAWS.findall(inside) if words == "console" else ():
                if f"(gallery/{made})" in text:
                    run = [sys.executable, "-m", *shlex.split(command)]
                    subprocess.run(run, cwd=folder, check=True, stdout=subprocess.DEVNULL)
                    found[made] = Path(folder, made).read_text("utf-8")
    return found


def wanted() -> Iterator[tuple[Path, str]]:
    """All files that this makes, and what is to stand in them."""
    yield PAGE, page(PAGE.read_text("utf-8"))
    for name in builtin_names():
        yield FOLDER / f"{name}.svg", picture(name)
    for document in sorted(DOCS.glob("*.md")):
        for name, text in drawn(document).items():
            yield FOLDER / name, text


def photograph() -> None:
    """Writes the picture of the report of the study in the examples."""
    from playwright.sync_api import sync_playwright

    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        copytree(DOCS / "examples" / STUDY, Path(folder, STUDY))
        make = [sys.executable, "-m", "archdsl", "report", STUDY, "-o", "report.html"]
        subprocess.run(make, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1000, "height": 1100}, color_scheme="light")
        page.goto(Path(folder, "report.html").as_uri())
        page.screenshot(path=FOLDER / "report.png")
        browser.close()


def main(arguments: list[str]) -> int:
    found = dict(wanted())
    made = {path for path in FOLDER.glob("*.svg") if path not in found}
    old = [p for p, text in found.items() if not p.exists() or p.read_text("utf-8") != text]
    names = [str(path.relative_to(DOCS.parent)) for path in [*old, *sorted(made)]]
    if "--report" in arguments:
        photograph()
    if "--check" in arguments:
        for name in names:
            print(f"{name} is not what `python docs/gallery.py` makes")
        return 1 if names else 0
    for path in made:
        path.unlink()
    for path in old:
        path.write_text(found[path], "utf-8")
    for name in names:
        print(f"{name} changed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
