"""Definitions, references and renaming across the files that use each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from archdsl.diagnostics.source import Source, Span
from archdsl.resolve.rename import rename
from archdsl.resolve.table import Definition, Names
from archdsl.server.documents import Document, Documents, used_as

Found = tuple[str, Span]  # a URI, and a place there


def definition_at(document: Document, offset: int) -> Found | None:
    """Where the name at a place is defined: a text of `use`, where that names a file."""
    found = document.reading.names.definition_at(offset)
    if found is None:
        return None
    uri = document.uri_of(found.target.span.source)
    return None if uri is None else (uri, found.target.span)


def references(documents: Documents, document: Document, offset: int) -> list[Found]:
    """Where the name at a place is defined and used, in this text, those that it uses, and those
    that use it."""
    found: dict[tuple[str, int], Found] = {}
    for user, place in _users(documents, document, offset):
        names = user.reading.names
        meant = names.definition_at(place)
        if meant is None:
            continue
        for span in names.references(meant):
            uri = user.uri_of(span.source)
            if uri is not None:
                found.setdefault((uri, span.start), (uri, span))
    return list(found.values())


def renamed(
    documents: Documents, document: Document, offset: int, new: str
) -> list[tuple[Found, str]]:
    """The edits that give the name at a place another one everywhere. Raises ``ValueError`` with
    the reason where that cannot be."""
    found: dict[tuple[str, int], tuple[Found, str]] = {}
    for user, place in _users(documents, document, offset):
        for span, text in rename(user.reading.names, place, new):
            uri = user.uri_of(span.source)
            if uri is None or _is_built_in(user, span.source):
                raise ValueError("it comes with archdsl")
            found.setdefault((uri, span.start), ((uri, span), text))
    return list(found.values())


def _is_built_in(document: Document, source: Source) -> bool:
    from archdsl.files import builtin_folder

    path = document.load.path_of(source)
    return path is not None and path.is_relative_to(builtin_folder().resolve())


def _users(documents: Documents, document: Document, offset: int) -> Iterator[tuple[Document, int]]:
    """The text with the place, and a place in each text that uses it which means the same."""
    yield document, offset
    found = document.reading.names.definition_at(offset)
    if found is None or found.target.kind not in ("block", "fn"):
        return
    home = document if found.target.span.source is document.reading.source else None
    path = document.path if home else document.load.path_of(found.target.span.source)
    if path is None:
        return
    start = home or document
    for user in documents.around(start):
        if user is document:
            continue
        place = _use_of(user, path, found.target)
        if place is not None:
            yield user, place


def _use_of(user: Document, path: Path, meant: Definition) -> int | None:
    """Where a text uses a definition of another file."""
    table = used_as(user, path)
    if table is None:
        return None
    names: Names = user.reading.names
    for use in names.uses:
        if use.definition is None or use.name != meant.name:  # it may be called otherwise there
            continue
        target = use.definition.target.span
        if target.source is table.source and target.start == meant.span.start:
            return use.span.start
    return None
