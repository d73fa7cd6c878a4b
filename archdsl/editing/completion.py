"""What can be written at a place of a text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from archdsl.diagnostics.source import Span
from archdsl.editing import described
from archdsl.editing.context import CursorContext, context_at
from archdsl.editing.item import CompletionChoice
from archdsl.editing.reading import Reading
from archdsl.editing.search_completion import search_items
from archdsl.elaborate.functions import FUNCTIONS
from archdsl.files import builtin_folder
from archdsl.layers.init import FUNCTIONS as INIT_FUNCTIONS

STATEMENTS = {
    "arch": "the name of the architecture, and its knobs",
    "input": "the shape of the input, channels first",
    "default": "arguments of a layer from here on",
    "let": "a name for a value",
    "fn": "a function of values",
    "require": "what a candidate has to fulfil",
    "use": "blocks of another file",
    "block": "a part with parameters",
    "output": "a side output",
    "paper": "where it was published",
    "variant": "named values of knobs",
    "fix": "what a choice inside a body is",
    "if": "a part under a condition",
    "for": "a part for each item",
    "repeat": "a part several times",
}
HERE = ("channels", "height", "width", "size", "shape", "axes", "tensors")


@dataclass(frozen=True, slots=True)
class Completion:
    """All that can be written in the place of ``word``."""

    word: Span
    items: tuple[CompletionChoice, ...]


def complete(reading: Reading, offset: int) -> Completion:
    """What can be written at a place of a text. Never fails."""
    context = context_at(reading, offset)
    if context.kind == "comment":
        return Completion(context.word, ())
    make = search_items if reading.is_search else _items
    unique = {item.label: item for item in reversed(list(make(reading, context, offset)))}
    return Completion(context.word, tuple(reversed(unique.values())))


def _items(reading: Reading, context: CursorContext, offset: int) -> Iterator[CompletionChoice]:
    if context.kind == "text":
        yield from _texts(reading, context)
    elif context.kind == "field":
        if context.statement[-2:-1] == ("in",) or context.statement[-2:] == ("in", "."):
            yield from (
                CompletionChoice(name, "property", "of the tensor that comes in") for name in HERE
            )
    elif context.argument is not None:
        yield from _arguments(reading, context, offset)
    else:
        if not context.statement or context.statement[-1] in (":", "{"):
            yield from (CompletionChoice(k, "keyword", about) for k, about in STATEMENTS.items())
        if context.statement[:1] != ("variant",):
            yield from layers(reading)
            yield from _names(reading, offset)
            yield from _functions()


def _texts(reading: Reading, context: CursorContext) -> Iterator[CompletionChoice]:
    """Inside quotes: files after `use`, else the texts that a knob may be."""
    if context.statement[:1] == ("use",):
        folder = builtin_folder()
        for path in sorted(folder.glob("*/*.arch")):
            yield CompletionChoice(
                path.relative_to(folder).as_posix(), "file", "comes with archdsl"
            )
        return
    for value in _values_near(reading, context):
        if value.startswith('"'):
            yield CompletionChoice(value.strip('"'), "value")


def _values_near(reading: Reading, context: CursorContext) -> list[str]:
    """The values of the knob that is compared, matched or set just before."""
    words = list(reversed(context.statement))
    named = [context.argument.name] if context.argument is not None else []
    for word in (*named, *words):
        values = described.values_of(word, reading)
        if values is not None:
            return values
    return []


def _arguments(reading: Reading, context: CursorContext, offset: int) -> Iterator[CompletionChoice]:
    at = context.argument
    assert at is not None
    found = described.called(at.callee, reading, offset)
    arguments = found.arguments if found is not None else ()
    if context.statement[:1] == ("variant",) and not at.name:
        arguments = tuple(described.knobs_taken(reading))
    taken = next((a for a in arguments if a.name == at.name), None)
    if at.name:
        values = described.values_of(at.name, reading)
        if context.statement[:1] == ("variant",) and values is not None:
            yield from (CompletionChoice(v, "value", f"`{at.name}`") for v in values)
            return
        if taken is not None:
            yield from _values(taken)
    else:
        if at.place < len(arguments) and not at.given:
            yield from _values(arguments[at.place])
        for argument in arguments:
            if argument.name not in at.given:
                yield CompletionChoice(
                    argument.name,
                    "argument",
                    argument.label,
                    argument.expected,
                    f"{argument.name} = ",
                )
    yield from _names(reading, offset)
    yield from _functions()
    if taken is not None and "layer" in taken.expected:
        yield from layers(reading)


def _values(taken: described.SignatureArgument) -> Iterator[CompletionChoice]:
    words = taken.words
    if taken.expected == "true or false":
        words = ("true", "false")
    yield from (CompletionChoice(word, "word", f"`{taken.name}`") for word in words)
    if "initialisation" in taken.expected:
        yield from (CompletionChoice(name, "function", "initialisation") for name in INIT_FUNCTIONS)


def layers(reading: Reading) -> Iterator[CompletionChoice]:
    """The layers and the patterns."""
    for name in (*reading.registry.layers, *reading.registry.patterns):
        found = described.built_in(name, reading)
        if found is not None and found.kind != "join layer":
            kind = "pattern" if found.kind == "connection pattern" else "layer"
            yield CompletionChoice(name, kind, found.label, found.about)


def _names(reading: Reading, offset: int) -> Iterator[CompletionChoice]:
    for name, definition in reading.names.visible(offset).items():
        found = described.definition(definition, reading)
        yield CompletionChoice(name, definition.target.kind, found.label, found.about)


def _functions() -> Iterator[CompletionChoice]:
    yield from (CompletionChoice(f.name, "function", f.doc) for f in FUNCTIONS.values())
