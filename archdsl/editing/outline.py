"""What a text consists of: its definitions as a tree, and what can be folded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archdsl.diagnostics.source import Span
from archdsl.editing.reading import Reading
from archdsl.syntax import search_tree, tree
from archdsl.syntax.language import tokenize
from archdsl.syntax.lines import CLOSE, OPEN


@dataclass(frozen=True, slots=True)
class Symbol:
    """Something that has a name. ``kind`` is as in ``archdsl.resolve``, or ``statement`` of a
    search."""

    name: str
    kind: str
    span: Span  # of the name
    whole: Span
    children: tuple[Symbol, ...] = ()


def symbols(reading: Reading) -> tuple[Symbol, ...]:
    """The definitions of a text, those within others below them."""
    if reading.is_search:
        return tuple(_statements(reading.file.statements))
    return tuple(s for node in reading.file.statements for s in _of(node))


def _of(node: tree.Node) -> Iterator[Symbol]:
    if isinstance(node, tree.Arch):
        knobs = tuple(Symbol(k.name.text, "knob", k.name.span, k.span) for k in node.knobs)
        yield from _named(node.name, "arch", node.span, knobs)
    elif isinstance(node, (tree.Block, tree.Output)):
        kind = "block" if isinstance(node, tree.Block) else "output"
        yield from _named(node.name, kind, node.span, _within(node.body))
    elif isinstance(node, tree.Fn):
        yield from _named(node.name, "fn", node.span)
    elif isinstance(node, tree.Variant):
        yield from _named(node.name, "variant", node.span)
    elif isinstance(node, tree.Let):
        for word in node.targets:
            yield from _named(word, "let", node.span)
    elif isinstance(node, tree.Labelled):
        yield from _named(node.label, "label", node.span, _within(node.statement))
    elif isinstance(node, tree.Kept):
        yield from _named(node.name, "tensor", node.span, _within(node.statement))
    elif not isinstance(node, (tree.Use, tree.Input, tree.Default, tree.Paper)):
        yield from _within(node)


def _within(node: tree.Node) -> tuple[Symbol, ...]:
    return tuple(s for child in node.children() for s in _of(child))


def _named(
    word: tree.Word, kind: str, whole: Span, children: tuple[Symbol, ...] = ()
) -> Iterator[Symbol]:
    if word.text:
        yield Symbol(word.text, kind, word.span, whole, children)


def _statements(nodes: Sequence[tree.Node]) -> Iterator[Symbol]:
    for node in nodes:
        if not isinstance(node, tree.Poison):
            first = node.span.text.split("\n")[0]
            kind = "search" if isinstance(node, search_tree.Search) else "statement"
            yield Symbol(first, kind, node.span, node.span)


def folds(reading: Reading) -> list[tuple[int, int, str]]:
    """First line, last line (counted from 1) and kind of what can be folded: ``region`` what
    stands in brackets, ``comment`` several lines of them."""
    found: list[tuple[int, int, str]] = []
    open: list[tuple[str, int]] = []
    comments: list[int] = []
    last_code = 0
    for token in tokenize(reading.source, reading.language):
        line = token.line or 0
        if token.type == "COMMENT" and line != last_code:
            if comments and comments[-1] != line - 1:
                found += _comment(comments)
                comments = []
            comments.append(line)
        if token.type not in ("COMMENT", "_NEWLINE"):
            last_code = line
        if token.type in OPEN:
            open.append((OPEN[token.type], line))
        elif token.type in CLOSE and open and open[-1][0] == token.type:
            begin = open.pop()[1]
            if line > begin + 1:
                found.append((begin, line - 1, "region"))
    found += _comment(comments)
    return sorted(set(found))


def _comment(lines: Sequence[int]) -> list[tuple[int, int, str]]:
    return [(lines[0], lines[-1], "comment")] if len(lines) > 1 else []
