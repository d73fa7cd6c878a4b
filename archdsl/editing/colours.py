"""What each name of a text is, for its colour."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.diagnostics.source import Span
from archdsl.editing.reading import Reading
from archdsl.resolve.table import Definition, NameUse

# Kinds of names by the types of semantic tokens that editors have colours for.
TYPES = {
    "arch": "class",
    "knob": "property",
    "let": "variable",
    "parameter": "parameter",
    "item": "variable",
    "turn": "variable",
    "tensor": "variable",
    "block": "class",
    "fn": "function",
    "alias": "class",
    "variant": "enumMember",
    "label": "label",
    "output": "label",
    "layer": "function",
    "pattern": "keyword",
    "function": "function",
    "cost": "property",
    "word": "enumMember",
    "argument": "parameter",
}
LEGEND = tuple(dict.fromkeys(TYPES.values()))
BUILT_IN = ("layer", "pattern", "function", "cost")


@dataclass(frozen=True, slots=True)
class Colour:
    """A name and its type, one of ``LEGEND``. ``defined``: it is given here; ``built_in``: it
    comes with the language."""

    span: Span
    type: str
    defined: bool = False
    built_in: bool = False


def colours(reading: Reading) -> list[Colour]:
    """The names of a text that mean something, in its order, none within another."""
    found = [*_definitions(reading), *_uses(reading)]
    made: list[Colour] = []
    for colour in sorted(found, key=lambda c: (c.span.start, -c.span.end)):
        if not made or colour.span.start >= made[-1].span.end:
            made.append(colour)
    return made


def _definitions(reading: Reading) -> list[Colour]:
    return [
        Colour(d.span, TYPES[d.kind], defined=True)
        for d in reading.names.definitions
        if d.kind in TYPES
    ]


def _uses(reading: Reading) -> list[Colour]:
    kinds = [(use, kind_of(use)) for use in reading.names.uses]
    return [
        Colour(use.span, TYPES[kind], built_in=kind in BUILT_IN)
        for use, kind in kinds
        if kind in TYPES
    ]


def kind_of(name: Definition | NameUse) -> str:
    """What a name is: the kind of what it was defined as, or of what is built in."""
    if isinstance(name, NameUse):
        return name.kind if name.definition is None else name.definition.target.kind
    return name.target.kind
