"""From text to the syntax tree, and every syntax error that stands in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lark import Token

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Diagnostic, diagnose
from archdsl.diagnostics.source import Source, Span
from archdsl.syntax import tree
from archdsl.syntax.language import ARCH, Language, tokenize
from archdsl.syntax.mistakes import inside_tokens, span_of
from archdsl.syntax.nesting import (
    MAX_BRACKETS,
    MAX_OPERATORS,
    deepest_bracket,
    deepest_operator,
)
from archdsl.syntax.reader import TokenReader

MAX_CHARACTERS = 50_000


@dataclass(frozen=True)
class Parsed:
    """A text as far as it could be read.

    ``file`` has a ``Poison`` in the place of each statement with a mistake, and all the others;
    ``found`` are the syntax errors in the order of the text.
    """

    file: tree.File
    found: tuple[Diagnostic, ...]


def parse(source: Source, language: Language = ARCH) -> tree.File:
    """The syntax tree of a text. Raises ``ArchError`` with every syntax error found."""
    parsed = read_tree(source, language)
    if parsed.found:
        raise ArchError(parsed.found)
    return parsed.file


def read_tree(source: Source, language: Language = ARCH) -> Parsed:
    """The tree of a text that may have mistakes, and the mistakes. Never fails.

    After a syntax error, reading goes on at the next statement. Of a text that is too long or too
    deeply nested to be read there is an empty tree.
    """
    whole = Span(source, 0, len(source.text))
    if len(source.text) > MAX_CHARACTERS:
        too_long = diagnose(codes.FILE_TOO_LONG, name=source.name, limit=MAX_CHARACTERS)
        return Parsed(tree.File(whole, (), {}), (too_long,))
    tokens = tokenize(source, language)
    if (bracket := deepest_bracket(tokens)) is not None:
        place = span_of(source, bracket)
        too_nested = diagnose(codes.TOO_NESTED, place, what="brackets", limit=MAX_BRACKETS)
        return Parsed(tree.File(whole, (), {}), (too_nested,))
    reader = TokenReader(source, tokens, language)
    builder = language.builder(source)
    nodes = builder.build(reader.read())
    found = [*reader.found, *inside_tokens(source, tokens), *builder.faults]
    if (deepest := deepest_operator(nodes)) is not None:
        found.append(diagnose(codes.TOO_NESTED, deepest, what="operators", limit=MAX_OPERATORS))
        nodes = ()
    found.sort(key=lambda d: d.labels[0].span.start)
    return Parsed(tree.File(whole, nodes, _docs(tokens)), tuple(found))


def _docs(tokens: Sequence[Token]) -> dict[int, str]:
    """``##`` comments by the line of the statement below them."""
    docs: dict[int, str] = {}
    lines: list[str] = []
    last = 0
    code_line = 0
    for token in tokens:
        if token.type == "_NEWLINE":
            continue
        line = token.line or 0
        if token.type == "COMMENT":
            if token.startswith("##") and line != code_line:
                if line != last + 1:
                    lines = []
                lines.append(token[2:].removeprefix(" ").rstrip())
                last = line
            continue
        if lines and line == last + 1:
            docs[line] = "\n".join(lines)
        lines = []
        code_line = line
    return docs
