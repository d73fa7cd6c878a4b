"""The texts that are open in an editor, and what is known of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from pygls.uris import from_fs_path, to_fs_path

from archdsl.diagnostics.source import Source, Span
from archdsl.editing.hints import Hint, carried, hints
from archdsl.editing.lenses import Verified
from archdsl.editing.reading import Reading, read
from archdsl.files import ARCH, MAX_LISTED, Library, read_text
from archdsl.resolve.table import Names
from archdsl.syntax import tree
from archdsl.syntax.parse import parse

MOST_TREES = 100  # of other files, that are kept

Trees = dict[tuple[str, str], tree.File]


@dataclass
class Overlay(Library):
    """Loads what `use` names: what is open as it is in the editor, the rest from files."""

    open: dict[Path, str] = field(default_factory=dict)
    trees: Trees = field(default_factory=dict)

    def parsed(self, real: Path, path: str, place: Span) -> tree.File:
        text = self.open.get(real)
        if text is None:
            text = read_text(real, path, place)
        if (path, text) not in self.trees:
            if len(self.trees) >= MOST_TREES:
                self.trees.clear()
            self.trees[path, text] = parse(Source(path, text))
        return self.trees[path, text]

    def path_of(self, source: Source) -> Path | None:
        """The file that a text which was loaded comes from."""
        found = (p for p, file in self.loaded.items() if file.span.source is source)
        return next(found, None)


@dataclass
class Document:
    """An open text. ``verified`` is what the proof in the background has found of this reading;
    ``stop`` ends it."""

    uri: str
    path: Path | None
    load: Overlay
    reading: Reading
    hints: list[Hint]
    costs: bool = True
    hinted: str = ""  # the text that the hints were made of
    version: int | None = None
    verified: Verified | None = None
    stop: Event = field(default_factory=Event)

    def uri_of(self, source: Source) -> str | None:
        """Where a text is: this one, or one that it uses."""
        if source is self.reading.source:
            return self.uri
        path = self.load.path_of(source)
        return None if path is None else from_fs_path(str(path))


class Documents:
    """All open texts, by their URIs."""

    def __init__(self) -> None:
        self.open: dict[str, Document] = {}
        self.texts: dict[Path, str] = {}
        self.trees: Trees = {}

    def put(self, uri: str, text: str, version: int | None = None, costs: bool = True) -> Document:
        """Reads a text that was opened or changed. What ran for the last one is stopped."""
        path = path_of(uri)
        before = self.open.get(uri)
        if before is not None:
            before.stop.set()
        if path is not None:
            self.texts[path] = text
        document = self._read(uri, path, text, costs)
        document.version = version
        if before is not None and document.reading.broken:
            document.hints = carried(before.hinted, text, before.hints)
        document.hinted = text
        self.open[uri] = document
        return document

    def _read(self, uri: str, path: Path | None, text: str, costs: bool) -> Document:
        folder = None if path is None else path.parent
        load = Overlay(folder, open=self.texts, trees=self.trees)
        name = "spec.arch" if path is None else path.name
        if path is None and uri.endswith(".search"):
            name = "search.search"
        reading = read(text, name, load, folder)
        return Document(uri, path, load, reading, hints(reading, costs), costs)

    def close(self, uri: str) -> None:
        document = self.open.pop(uri, None)
        if document is not None:
            document.stop.set()
            if document.path is not None:
                self.texts.pop(document.path, None)

    def users(self, document: Document) -> list[Document]:
        """The open texts that use a file."""
        return [
            other
            for other in self.open.values()
            if other is not document and document.path in other.load.loaded
        ]

    def around(self, document: Document) -> Iterator[Document]:
        """A text, and those that use it: open ones, and those of its folder and the one above."""
        yield document
        seen = {document.path}
        for other in self.open.values():
            if other.path not in seen:
                seen.add(other.path)
                if document.path in other.load.loaded:
                    yield other
        if document.path is None:
            return
        for folder in (document.path.parent, document.path.parent.parent):
            for path in sorted(folder.glob(f"*{ARCH}"))[:MAX_LISTED]:
                if path not in seen:
                    seen.add(path)
                    other_text = _text(path)
                    if document.path.name in other_text:
                        uri = from_fs_path(str(path)) or ""
                        other = self._read(uri, path, other_text, False)
                        if document.path in other.load.loaded:
                            yield other


def used_as(document: Document, path: Path) -> Names | None:
    """The table of names of a file, as a text that uses it has it."""
    file = document.load.loaded.get(path)
    if file is None:
        return None
    tables = document.reading.names.files()
    return next((n for n in tables if n.source is file.span.source), None)


def path_of(uri: str) -> Path | None:
    """The file of a URI, if it is one."""
    if not uri.startswith("file:"):
        return None
    path = to_fs_path(uri)
    return None if path is None else Path(path).resolve()


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, ValueError):
        return ""
