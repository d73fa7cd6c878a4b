"""Where in a text somebody writes: within which call, at which of its arguments."""

from __future__ import annotations

from dataclasses import dataclass

from lark import Token

from archdsl.diagnostics.source import Span
from archdsl.editing.reading import Reading
from archdsl.syntax.language import tokenize
from archdsl.syntax.lines import CLOSE, OPEN

CALLED = ("NAME", "STRING")  # a search may name its spec in quotes


@dataclass(frozen=True, slots=True)
class ArgumentPlace:
    """A place in a call: what is called, which argument it is by its place (from 0), and its name
    where one is written."""

    callee: str
    place: int
    name: str = ""
    given: frozenset[str] = frozenset()  # names that other arguments have


@dataclass(frozen=True, slots=True)
class CursorContext:
    """Where something is written. ``word`` is what of it is there already; ``statement`` are the
    words of the statement before it; ``kind`` is what it stands within: ``comment``, ``text``
    (in quotes), ``field`` (after a dot), ``argument``, or ``code``."""

    kind: str
    word: Span
    statement: tuple[str, ...]
    argument: ArgumentPlace | None = None


def context_at(reading: Reading, offset: int) -> CursorContext:
    """The context of a place in a text. Never fails."""
    source = reading.source
    tokens = tokenize(source, reading.language)
    before = [t for t in tokens if (t.start_pos or 0) < offset]
    word = Span(source, offset, offset)
    last = before[-1] if before else None
    kind = "code"
    if last is not None and offset <= (last.end_pos or 0):
        start = last.start_pos or 0
        if last.type == "COMMENT":
            return CursorContext("comment", word, ())
        if (last.type == "STRING" and offset < (last.end_pos or 0)) or (
            last.type == "STRAY" and last.startswith('"')
        ):
            before.pop()
            kind, word = "text", Span(source, start + 1, offset)
        elif str(last).isidentifier():
            before.pop()
            word = Span(source, start, offset)
    before = [t for t in before if t.type != "COMMENT"]
    if before and before[-1].type == "DOT":
        kind = "field"
    statement, calls = _read(before, reading)
    argument = calls[-1] if calls else None
    if kind == "code" and argument is not None:
        kind = "argument"
    return CursorContext(kind, word, statement, argument)


def _read(tokens: list[Token], reading: Reading) -> tuple[tuple[str, ...], list[ArgumentPlace]]:
    """The words of the last statement, and the calls that are open at its end. Brackets of values
    within a call belong to its argument."""
    open: list[tuple[str, ArgumentPlace | None]] = []
    statement: list[str] = []
    starters = reading.language.starters
    line_begins = True
    previous: Token | None = None
    for token in tokens:
        kind = token.type
        in_brackets = any(opener != "LBRACE" for opener, _ in open)
        if kind == "_NEWLINE" or kind == "_SEMICOLON":
            line_begins = True
            if not in_brackets:
                statement, previous = [], None
            continue
        if line_begins and kind in starters and kind != "SPEC":
            open = [o for o in open if o[0] == "LBRACE"]  # a statement: what was open never closed
            statement = []
        line_begins = False
        if kind in OPEN:
            called = previous is not None and previous.type in CALLED and kind == "LPAR"
            argument = ArgumentPlace(str(previous), 0) if called else None
            open.append((kind, argument))
            if kind == "LBRACE" and not in_brackets and not reading.is_search:
                statement, previous = [], None
                continue
        elif kind in CLOSE:
            while open:
                opener, _ = open.pop()
                if OPEN[opener] == kind:
                    break
        elif kind == "COMMA" and open and open[-1][1] is not None:
            at = open[-1][1]
            given = at.given | ({at.name} if at.name else set())
            open[-1] = (open[-1][0], ArgumentPlace(at.callee, at.place + 1, "", given))
        elif kind == "EQUAL" and open and open[-1][1] is not None and previous is not None:
            at = open[-1][1]
            open[-1] = (open[-1][0], ArgumentPlace(at.callee, at.place, str(previous), at.given))
        statement.append(str(token))
        previous = token
    calls: list[ArgumentPlace] = []
    for opener, argument in open:
        if opener == "LBRACE":
            calls = []
        elif argument is not None:
            calls.append(argument)
    return tuple(statement), calls
