"""The table of the names of a file: what is defined where, and what each use means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from archdsl.diagnostics.source import Source, Span


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """A name that a text defines.

    ``kind``: ``arch``, ``knob``, ``let``, ``parameter``, ``item`` (of a loop or a list), ``turn``,
    ``tensor``, ``block``, ``fn``, ``alias`` (of ``of``, by `use ... as`), ``missing`` (what a
    `use` names that is not there), and, seen by no expression, ``variant``, ``label`` and
    ``output``.
    ``whole`` is the text of all of it; ``parameters`` are those of a block or function.
    """

    name: str
    kind: str
    span: Span  # of the name
    whole: Span
    parameters: tuple[Definition, ...] = ()
    of: Definition | None = None

    @property
    def target(self) -> Definition:
        """What it stands for: itself, but for an alias."""
        return self.of.target if self.of is not None else self


@dataclass(frozen=True, slots=True, eq=False)
class NameUse:
    """A place where a name is used.

    ``kind`` is ``name`` where it means a ``definition``, else what is built in: ``layer``,
    ``pattern``, ``function``, ``cost``, ``word`` (that an argument understands), ``argument`` (the
    name of one of a layer or a pattern); ``unknown`` where it means nothing.
    """

    name: str
    span: Span
    kind: str
    definition: Definition | None = None


@dataclass(slots=True, eq=False)
class LexicalScope:
    """A stretch of text in which names are seen: a file, a block, a pair of braces.

    ``names`` are in the order of their definition, each with the place from which on it is
    seen. ``late``: what is around is seen as a whole, as by the body of a block.
    """

    span: Span
    parent: LexicalScope | None = None
    late: bool = False
    names: list[tuple[int, Definition]] = field(default_factory=list)
    inner: list[LexicalScope] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Names:
    """The names of one file. ``used`` are the tables of the files that it names by `use`."""

    source: Source
    root: LexicalScope
    definitions: list[Definition] = field(default_factory=list)
    uses: list[NameUse] = field(default_factory=list)
    used: dict[str, Names] = field(default_factory=dict)

    def files(self) -> Iterator[Names]:
        """This table and those of the files that it uses, each once."""
        seen: set[int] = set()
        stack = [self]
        while stack:
            names = stack.pop()
            if id(names) not in seen:
                seen.add(id(names))
                yield names
                stack.extend(names.used.values())

    def at(self, offset: int) -> Definition | NameUse | None:
        """What stands at a place of the text, or ends there."""
        found: list[Definition | NameUse] = [*self.uses, *self.definitions]
        return next((f for f in found if f.span.start <= offset <= f.span.end), None)

    def definition_at(self, offset: int) -> Definition | None:
        """What the name at a place was defined as, also in another file."""
        found = self.at(offset)
        return found.definition if isinstance(found, NameUse) else found

    def references(self, definition: Definition) -> list[Span]:
        """Where a name is defined and used, in this file and in those that it uses."""
        found = [definition.span]
        for names in self.files():
            found += [u.span for u in names.uses if u.definition is definition]
        return found

    def visible(self, offset: int) -> Mapping[str, Definition]:
        """The names that an expression at a place of the text can use, inner ones first."""
        found: dict[str, Definition] = {}
        region: LexicalScope | None = _innermost(self.root, offset)
        place = offset
        while region is not None:
            seen = {d.name: d for start, d in region.names if start <= place}
            found = {**found, **{n: d for n, d in seen.items() if n not in found}}
            if region.late:
                place = len(self.source.text)
            region = region.parent
        return found


def _innermost(region: LexicalScope, offset: int) -> LexicalScope:
    for inner in reversed(region.inner):
        if inner.span.start <= offset <= inner.span.end:
            return _innermost(inner, offset)
    return region
