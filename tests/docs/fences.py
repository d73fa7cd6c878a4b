"""The examples in the documents: what stands between ``` lines, and what it claims to be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])

# What stands above an example that says `fragment`; docs/language.md shows it.
HEADER = "arch example(width = 16, depth = 2, classes = 10)\ninput {shape}\n"
SHAPE = "3x32x32"


@dataclass(frozen=True)
class Fence:
    """One example: ``words`` are what is said of it after the three backticks."""

    document: Path
    line: int
    words: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"{self.document.name}:{self.line}"

    @property
    def language(self) -> str:
        return self.words[0] if self.words else ""

    def after(self, word: str) -> str | None:
        """The word behind another: the code behind ``error``, the name behind ``file``."""
        at = self.words.index(word) if word in self.words else len(self.words)
        return self.words[at + 1] if at + 1 < len(self.words) else None

    @property
    def spec(self) -> str:
        """The text of a whole file: a fragment is put behind the header."""
        if "fragment" not in self.words:
            return self.text
        shapes = [w for w in self.words if re.fullmatch(r"\d+(x\d+)*", w)]
        return HEADER.format(shape=shapes[0] if shapes else SHAPE) + self.text


def fences(document: Path) -> Iterator[Fence]:
    """The examples of a document in their order."""
    lines = document.read_text("utf-8").splitlines()
    at = 0
    while at < len(lines):
        opening = re.fullmatch(r"```(\S.*)?", lines[at])
        at += 1
        if opening is None:
            continue
        start = at
        while lines[at] != "```":
            at += 1
        words = tuple((opening[1] or "").split())
        text = "".join(line + "\n" for line in lines[start:at])
        yield Fence(document, start, words, text)
        at += 1
