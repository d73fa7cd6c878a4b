"""Another name for what a text defines, wherever it is used."""

from __future__ import annotations

from archdsl.diagnostics.source import Source, Span
from archdsl.files import Bundle
from archdsl.registry import REGISTRY, Registry
from archdsl.resolve.resolver import resolve
from archdsl.resolve.table import Definition, Names, NameUse
from archdsl.syntax.parse import read_tree

Edit = tuple[Span, str]

NAMED = ("knob", "let", "parameter", "item", "turn", "tensor", "block", "fn", "alias")


def rename(names: Names, offset: int, new: str, registry: Registry = REGISTRY) -> list[Edit]:
    """The edits that give what stands at a place another name, also in the files that are used.

    Raises ``ValueError`` with the reason where there is nothing to rename, and where any name would
    mean something else afterwards.
    """
    found = names.at(offset)
    if found is None:
        raise ValueError("there is no name here")
    definition = found.definition if isinstance(found, NameUse) else found
    if definition is None:
        raise ValueError(f"`{found.name}` is not a name of this text")
    if definition.kind not in NAMED:
        raise ValueError(f"`{definition.name}` is a {definition.kind}: it stands for nothing else")
    edits = [(span, new) for span in names.references(definition)]
    if not new.isidentifier() or not _reads_alike(names, edits):
        raise ValueError(f"`{new}` cannot be a name")
    before = _meanings(names)
    after = _meanings(_edited(names, edits, registry))
    for (place, was), (_, becomes) in zip(before, after, strict=False):
        if was != becomes:
            raise ValueError(f"`{new}` would mean something else at {place}")
    if len(before) != len(after):
        raise ValueError(f"`{new}` would mean something else")
    return edits


def _texts(names: Names, edits: list[Edit]) -> dict[str, str]:
    """The texts of all files after the edits, by the names of their sources."""
    found = {}
    for file in names.files():
        text = file.source.text
        own = [(s, w) for s, w in edits if s.source is file.source]
        for span, word in sorted(own, key=lambda e: e[0].start, reverse=True):
            text = text[: span.start] + word + text[span.end :]
        found[file.source.name] = text
    return found


def _reads_alike(names: Names, edits: list[Edit]) -> bool:
    """Whether the files have as many mistakes after the edits as before."""
    after = _texts(names, edits)
    return all(
        len(read_tree(file.source).found)
        == len(read_tree(Source("", after[file.source.name])).found)
        for file in names.files()
    )


def _edited(names: Names, edits: list[Edit], registry: Registry) -> Names:
    texts = _texts(names, edits)
    main = Source(names.source.name, texts.pop(names.source.name))
    return resolve(read_tree(main).file, Bundle(texts), registry)


def _meanings(names: Names) -> list[tuple[str, tuple[str, int]]]:
    """Every use of all files in order: its place, its kind, and the number of its definition; then
    what each region shows, so that no name hides another."""
    files = list(names.files())
    numbers: dict[Definition, int] = {}
    for file in files:
        for definition in file.definitions:
            numbers[definition] = len(numbers)
    uses = [use for file in files for use in file.uses]
    found = [
        (u.span.place, (u.kind, numbers.get(u.definition, -1) if u.definition else -1))
        for u in uses
    ]
    for file in files:
        regions = [file.root]
        while regions:
            region = regions.pop()
            regions += region.inner
            shown = len({d.name for _, d in region.names})
            found.append((region.span.place, ("region", shown)))
    return found
