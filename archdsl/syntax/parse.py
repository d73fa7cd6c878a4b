"""From text to the syntax tree, or to every syntax error that stands in it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from lark import Lark, Token
from lark.exceptions import UnexpectedToken
from lark.parsers.lalr_interactive_parser import InteractiveParser

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Diagnostic, Kind, diagnose
from archdsl.diagnostics.source import Source, Span
from archdsl.syntax import tree
from archdsl.syntax.build import Builder
from archdsl.syntax.lines import CLOSE, OPEN, statements

MAX_CHARACTERS = 200_000
MAX_NESTING = 64
MAX_ERRORS = 20


class _Everything:
    """Keeps the lexer's comments and line ends: ``statements`` sorts them out."""

    always_accept = ("_NEWLINE", "_SEMICOLON", "COMMENT", "STRAY")

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        return stream


@dataclass(frozen=True)
class Language:
    """A grammar file, and the keywords that begin its statements."""

    grammar: str
    starters: frozenset[str]

    @cache  # noqa: B019  (a handful of languages, for the life of the process)
    def parser(self) -> Lark:
        folder = files("archdsl.grammars")
        text = "".join(
            (folder / name).read_text("utf-8") for name in ("expressions.lark", self.grammar)
        )
        options: dict[str, Any] = {
            "parser": "lalr",
            "lexer": "basic",
            "postlex": _Everything(),
            "propagate_positions": True,
            "maybe_placeholders": True,
        }
        cached = _cache_file(self.grammar)
        try:
            return Lark(text, cache=cached, **options) if cached else Lark(text, **options)
        except OSError:  # a cache that cannot be written is no reason to stop
            return Lark(text, **options)


ARCH = Language(
    "arch.lark",
    frozenset(
        [
            "ARCH",
            "INPUT",
            "DEFAULT",
            "LET",
            "FN",
            "REQUIRE",
            "USE",
            "BLOCK",
            "OUTPUT",
            "PAPER",
            "VARIANT",
        ]
    ),
)


def _cache_file(grammar: str) -> str | None:
    """Where the parser's tables are kept between runs, or nothing if there is no such place."""
    base = os.environ.get("XDG_CACHE_HOME")
    folder = (Path(base) if base else Path.home() / ".cache") / "archdsl"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return None
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return str(folder / f"{grammar}-{version}.tables") if os.access(folder, os.W_OK) else None


def tokenize(source: Source, language: Language = ARCH) -> list[Token]:
    """All tokens of a text, comments and line ends included. Never fails."""
    ip = language.parser().parse_interactive(source.text)
    return list(ip.lexer_thread.lex(ip.parser_state))


def parse(source: Source, language: Language = ARCH) -> tree.File:
    """The syntax tree of a text.

    Raises ``ArchError`` with every syntax error found: after one, parsing goes on at
    the next statement.
    """
    if len(source.text) > MAX_CHARACTERS:
        raise ArchError([diagnose(codes.FILE_TOO_LONG, name=source.name, limit=MAX_CHARACTERS)])
    tokens = tokenize(source, language)
    found: list[Diagnostic] = []
    found += _too_nested(source, tokens)
    if found:
        raise ArchError(found)
    made = _Reader(source, tokens, language, found).read()
    if not found:
        builder = Builder(source)
        nodes: tuple[tree.Node, ...] = builder.transform(made)
        found += builder.faults
        if not found:
            return tree.File(Span(source, 0, len(source.text)), nodes, _docs(tokens))
    raise ArchError(found[:MAX_ERRORS])


def _too_nested(source: Source, tokens: Sequence[Token]) -> list[Diagnostic]:
    """Brackets that stand too deep, and operators that would: `- - - x`, `a ^ b ^ c`."""
    depth = run = 0
    for token in tokens:
        if token.type in OPEN:
            depth += 1
        elif token.type in CLOSE:
            depth -= 1
        run = run + 1 if token.type in _NESTING else 0 if token.type in _ENDS_RUN else run
        if depth > MAX_NESTING or run > MAX_NESTING:
            return [diagnose(codes.TOO_NESTED, _span(source, token), limit=MAX_NESTING)]
    return []


_NESTING = frozenset(
    [
        "PLUS",
        "MINUS",
        "STAR",
        "SLASH",
        "FLOOR_DIVIDE",
        "MODULO",
        "POWER",
        "NOT",
        "AND",
        "OR",
        "ELSE",
        "DOT",
    ]
)
_ENDS_RUN = frozenset("_NEWLINE _SEMICOLON COMMA LBRACE RBRACE".split())


class _Reader:
    """Feeds tokens to the parser; after an error it goes on at the next statement."""

    def __init__(
        self, source: Source, tokens: Sequence[Token], language: Language, found: list[Diagnostic]
    ) -> None:
        self.source = source
        self.tokens = list(statements(tokens, language.starters))
        self.parser: InteractiveParser = language.parser().parse_interactive("")
        self.found = found

    def read(self) -> Any:
        at = 0
        while at < len(self.tokens):
            try:
                self.parser.feed_token(self.tokens[at])
            except UnexpectedToken as error:
                self.found.append(self.describe(at, error))
                if len(self.found) >= MAX_ERRORS:
                    return None
                at = self.recover(at)
            else:
                at += 1
        try:
            return self.parser.feed_eof(self.tokens[-1] if self.tokens else None)
        except UnexpectedToken:
            self.found.append(self.describe(at, None))
            return None

    def recover(self, at: int) -> int:
        """Forget the statement that failed, and find where the next one starts."""
        state = self.parser.parser_state
        opened = 0
        while "REQUIRE" not in self.parser.choices():
            state.state_stack.pop()
            value = state.value_stack.pop()
            opened += isinstance(value, Token) and value.type == "LBRACE"
        self.parser.feed_token(Token("NAME", "_", 0, 1, 1, 1, 1, 0))
        while at < len(self.tokens):
            kind = self.tokens[at].type
            if opened == 0 and kind in ("_SEP", "RBRACE"):
                if kind == "RBRACE" and "RBRACE" not in self.parser.accepts():
                    at += 1  # a brace that nothing opened
                    continue
                break
            opened += (kind == "LBRACE") - (kind == "RBRACE")
            at += 1
        return at

    def describe(self, at: int, error: UnexpectedToken | None) -> Diagnostic:
        if error is None:
            return self.unfinished()
        token = self.tokens[at]
        before = self.tokens[at - 1] if at else None
        span = _span(self.source, token)
        if token.type == "STRAY":
            return self.stray(token, span)
        if token.type == "_SEP":
            end = span if before is None else _span(self.source, before)
            point = Span(self.source, end.end, end.end + 1)
            return diagnose(
                codes.LINE_ENDS_EARLY, point, help=self.hints(at, error), expected=_expected(error)
            )
        kind: Kind = codes.UNEXPECTED
        return diagnose(
            kind, span, help=self.hints(at, error), found=str(token), expected=_expected(error)
        )

    def stray(self, token: Token, span: Span) -> Diagnostic:
        text = str(token)
        if text == '"':
            return diagnose(codes.OPEN_STRING, span)
        shown = text if text.isprintable() else f"U+{ord(text):04X}"
        return diagnose(codes.STRAY_CHARACTER, span, found=shown)

    def unfinished(self) -> Diagnostic:
        stack: list[Token] = []
        for token in self.tokens:
            if token.type in OPEN:
                stack.append(token)
            elif token.type in CLOSE and stack and OPEN[stack[-1].type] == token.type:
                stack.pop()
        if stack:
            return diagnose(codes.UNCLOSED, _span(self.source, stack[-1]), bracket=str(stack[-1]))
        end = len(self.source.text.rstrip())
        return diagnose(codes.FILE_ENDS_EARLY, Span(self.source, max(end - 1, 0), max(end, 1)))

    def hints(self, at: int, error: UnexpectedToken) -> list[str]:
        token = self.tokens[at]
        before = self.tokens[at - 1].type if at else "_SEP"
        starts = at < 2 or self.tokens[at - 2].type in ("_SEP", "LBRACE")
        after = self.tokens[at + 1].type if at + 1 < len(self.tokens) else ""
        stack = self.open_brackets(at)
        opened = stack[-1] if stack and stack[-1].type != "LBRACE" else None
        if opened is not None and opened.line != token.line:
            return [f"the `{opened}` in line {opened.line} is still open"]
        if token.type == "_SEP" and after == "LBRACE":
            return ["`{` stands on the same line as what it belongs to"]
        if token.type == "EQUAL" and before == "NAME" and starts:
            return [f"to give a value a name, write `let {self.tokens[at - 1]} = ...`"]
        if token.type == "EQUAL" and "EQ" in error.expected:
            return ["to compare, write `==`"]
        if token.type == "_SEP" and before == "NAME":
            return ["layers of a chain stand apart by `->`"]
        if token.type in _STARTS_VALUE and "COMMA" in error.expected:
            return ["is a comma missing before it?"]
        if token.type in _STARTS_VALUE:
            return ["statements stand on lines of their own, layers of a chain apart by `->`"]
        return []

    def open_brackets(self, at: int) -> list[Token]:
        """The brackets that are open before a token, innermost last."""
        stack: list[Token] = []
        for token in self.tokens[:at]:
            if token.type in OPEN:
                stack.append(token)
            elif token.type in CLOSE and stack and OPEN[stack[-1].type] == token.type:
                stack.pop()
        return stack


_STARTS_VALUE = frozenset("NAME NUMBER SHAPE STRING LPAR LSQB".split())


def _span(source: Source, token: Token) -> Span:
    start = token.start_pos or 0
    return Span(source, start, start + max(len(token), 1))


_WORDS = {
    "NAME": "a name", "NUMBER": "a number", "STRING": "a text in quotes", "LBRACE": "`{`",
    "RBRACE": "`}`", "LPAR": "`(`", "RPAR": "`)`", "LSQB": "`[`", "RSQB": "`]`",
    "COMMA": "`,`", "EQUAL": "`=`", "COLON": "`:`", "_ARROW": "`->`", "_MEANS": "`=>`",
    "_SEP": "a new line", "AS": "`as`", "IN": "`in`", "DOT": "`.`", "_DOTS": "`..`",
}  # fmt: skip


def _expected(error: UnexpectedToken) -> str:
    """What could have stood there, in words, if it is little enough to be of use."""
    words = [text for name, text in _WORDS.items() if name in error.expected]
    if not words or len(words) > 4 or ("NUMBER" in error.expected and len(words) > 2):
        words = ["a value or a layer"] if "NUMBER" in error.expected else []
    return f", expected {' or '.join(words)}" if words else ""


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
