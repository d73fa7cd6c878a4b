"""The texts that are open in an editor, and what is known of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from pygls.uris import from_fs_path, to_fs_path

from archdsl.diagnostics.model import ArchError
from archdsl.diagnostics.source import Source, Span
from archdsl.editing.chosen import network_of
from archdsl.editing.hints import Hint, carried, hints
from archdsl.editing.lenses import Verified
from archdsl.editing.reading import Reading, read
from archdsl.files import ARCH, MAX_LISTED, Library, read_text
from archdsl.ir.network import Network
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
    ``stop`` ends it. ``knobs`` are those that were set for the hints; ``wrong`` says why they make
    none now, and the hints are those of the defaults."""

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
    knobs: dict[str, str] = field(default_factory=dict)
    wrong: str = ""

    @property
    def network(self) -> Network | None:
        """The network that the hints are of."""
        try:
            return network_of(self.reading, self.knobs)
        except ArchError:
            return self.reading.network

    def set_knobs(self, knobs: dict[str, str]) -> None:
        """Makes the hints those of other knobs. A text with mistakes has none to make."""
        self.knobs, self.wrong = knobs, ""
        if not knobs or self.reading.network is None:
            return
        try:
            network = network_of(self.reading, knobs)
        except ArchError as error:
            self.wrong, network = error.diagnostics[0].message, None
        self.hints = hints(self.reading, self.costs, network)

    @property
    def said_of_knobs(self) -> str:
        """What stands above `arch` of the knobs that were set."""
        if not self.knobs:
            return ""
        said = ", ".join(f"{name} = {text}" for name, text in self.knobs.items())
        return (
            f"hints of the defaults, not of {said}: {self.wrong}"
            if self.wrong
            else (f"hints of {said}")
        )

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
        if before is not None:
            document.set_knobs(before.knobs)
        if before is not None and document.reading.network is None:
            document.hints = carried(before.hinted, text, before.hints, document.hints)
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
