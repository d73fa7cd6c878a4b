"""From text to the syntax tree, or to every syntax error that stands in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lark import Token
from lark.exceptions import UnexpectedToken
from lark.parsers.lalr_interactive_parser import InteractiveParser

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import MOST, ArchError, Diagnostic, diagnose
from archdsl.diagnostics.source import Source, Span
from archdsl.syntax import tree
from archdsl.syntax.language import ARCH, Language, tokenize
from archdsl.syntax.lines import brackets_before, statements
from archdsl.syntax.mistakes import (
    inside_tokens,
    span_of,
    stray,
    text_end,
    unclosed,
    unexpected,
    unfinished,
)
from archdsl.syntax.nesting import (
    MAX_BRACKETS,
    MAX_OPERATORS,
    deepest_bracket,
    deepest_operator,
)

MAX_CHARACTERS = 50_000


def parse(source: Source, language: Language = ARCH) -> tree.File:
    """The syntax tree of a text.

    Raises ``ArchError`` with every syntax error found: after one, parsing goes on at
    the next statement.
    """
    if len(source.text) > MAX_CHARACTERS:
        raise ArchError([diagnose(codes.FILE_TOO_LONG, name=source.name, limit=MAX_CHARACTERS)])
    tokens = tokenize(source, language)
    if (bracket := deepest_bracket(tokens)) is not None:
        place = span_of(source, bracket)
        raise ArchError([diagnose(codes.TOO_NESTED, place, what="brackets", limit=MAX_BRACKETS)])
    reader = _Reader(source, tokens, language)
    made = reader.read()
    found = [*reader.found, *inside_tokens(source, tokens)]
    if not found:
        builder = language.builder(source)
        nodes = builder.build(made)
        found += builder.faults
        if (deepest := deepest_operator(nodes)) is not None:
            found.append(diagnose(codes.TOO_NESTED, deepest, what="operators", limit=MAX_OPERATORS))
        if not found:
            return tree.File(Span(source, 0, len(source.text)), nodes, _docs(tokens))
    found.sort(key=lambda d: d.labels[0].span.start)
    raise ArchError(found[:MOST])


class _Reader:
    """Feeds tokens to the parser; after an error it goes on at the next statement."""

    def __init__(self, source: Source, tokens: Sequence[Token], language: Language) -> None:
        self.source = source
        self.all = tokens
        self.language = language
        self.tokens = list(statements(tokens, language.starters))
        self.parser: InteractiveParser = language.parser().parse_interactive("")
        self.found: list[Diagnostic] = []

    def read(self) -> Any:
        at = 0
        while at < len(self.tokens):
            try:
                self.parser.feed_token(self.tokens[at])
            except UnexpectedToken:
                at = self.mistake(at)
                if len(self.found) >= MOST:
                    return None
            else:
                at += 1
        try:
            return self.parser.feed_eof(self.tokens[-1] if self.tokens else None)
        except UnexpectedToken:
            accepted = self.parser.accepts()
            self.found.append(unfinished(self.source, self.tokens, accepted))
            return None

    def mistake(self, at: int) -> int:
        """Notes that a token cannot stand where it does; the place to go on from."""
        token = self.tokens[at]
        bracket = self.unclosed(at)
        if bracket is not None and bracket.line != token.line:
            self.found.append(unclosed(self.source, bracket, token))
        elif token.type == "STRAY":
            self.found.append(stray(self.source, token))
            at = text_end(self.tokens, at)
        else:
            accepted = self.parser.accepts()
            self.found.append(unexpected(self.source, self.tokens, at, accepted))
        if bracket is not None:
            line = token.line or 0
            at = self.close(at, line if bracket.line != line else line + 1)
        return self.recover(at)

    def unclosed(self, at: int) -> Token | None:
        """The parenthesis or bracket around a token, if it is closed nowhere."""
        around = brackets_before(self.tokens[:at])
        if around.at_statements:
            return None
        bracket = around.open[-1]
        return bracket if brackets_before(self.tokens).never_closed(bracket) else None

    def close(self, at: int, line: int) -> int:
        """Takes the parentheses and brackets that are closed nowhere for closed where a line
        begins: from there on the text is read anew. The place to go on from."""
        brackets = brackets_before(self.tokens)
        before = [t for t in self.tokens[:at] if t.type in ("LPAR", "LSQB")]
        ended = {id(t) for t in before if brackets.never_closed(t)}

        def stays(token: Token) -> bool:
            return (token.line or 0) < line and id(token) not in ended

        at = len(list(filter(stays, self.tokens[:at])))
        done = list(filter(stays, self.tokens))
        rest = [t for t in self.all if (t.line or 0) >= line]
        made = list(statements(rest, self.language.starters, brackets_before(done).open))
        if made and made[0].type != "RBRACE" and (not done or done[-1].type != "_SEP"):
            done.append(Token.new_borrow_pos("_SEP", "\n", made[0]))
        self.tokens = [*done, *made]
        return at

    def recover(self, at: int) -> int:
        """Forget the statement that failed, and find where the next one starts."""
        state = self.parser.parser_state
        opened = 0  # braces of the statement that are still open; below 0, whole bodies of it
        while opened < 0 or self.language.blank[0] not in self.parser.choices():
            state.state_stack.pop()
            kind = getattr(state.value_stack.pop(), "type", None)
            opened += (kind == "LBRACE") - (kind == "RBRACE")
        inside = any(isinstance(v, Token) and v.type == "LBRACE" for v in state.value_stack)
        for kind in self.language.blank:
            self.parser.feed_token(Token(kind, "_", 0, 1, 1, 1, 1, 0))
        while at < len(self.tokens):
            kind = self.tokens[at].type
            if opened == 0 and (kind == "_SEP" or (kind == "RBRACE" and inside)):
                break
            opened += (kind == "LBRACE") - (kind == "RBRACE" and opened > 0)
            at += 1
        return at


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
