"""Feeds the tokens of a text to the parser; after a mistake it goes on at the next statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lark import Token, Tree
from lark.exceptions import UnexpectedToken
from lark.parsers.lalr_interactive_parser import InteractiveParser

from archdsl.diagnostics.model import MOST, Diagnostic
from archdsl.diagnostics.source import Source
from archdsl.syntax.language import Language
from archdsl.syntax.lines import brackets_before, statements
from archdsl.syntax.mistakes import stray, text_end, unclosed, unexpected, unfinished


@dataclass
class _Start:
    """Where a statement begins: the parser as it was there, how many braces were open, and the
    statement's first token."""

    parser: InteractiveParser
    braces: int
    first: Token | None = None


class TokenReader:
    """Reads the tokens of a text once. Mistakes are collected in ``found``.

    The parser is kept at the start of the statement that is being read, and of those around it: a
    mistake takes it back there, a blank statement (``tree.Poison``) stands for what failed, and
    reading goes on after it.
    """

    def __init__(self, source: Source, tokens: Sequence[Token], language: Language) -> None:
        self.source = source
        self.all = tokens
        self.language = language
        self.tokens = statements(tokens, language.starters)
        self.parser: InteractiveParser = language.parser().parse_interactive("")
        self.braces = 0
        self.starts: list[_Start] = []
        self.found: list[Diagnostic] = []

    def read(self) -> Tree[Token]:
        """The parse tree of the whole text."""
        self.begins_statement()
        at = 0
        while at < len(self.tokens) and len(self.found) <= MOST:
            token = self.tokens[at]
            if self.starts[-1].first is None:
                self.starts[-1].first = token
            try:
                self.parser.feed_token(token)
            except UnexpectedToken:
                at = self.mistake(at)
            else:
                self.pass_by(token.type)
                at += 1
        if len(self.found) <= MOST:
            last = self.tokens[-1] if self.tokens else None
            try:
                return self.result(self.parser.feed_eof(last))
            except UnexpectedToken:
                accepted = self.accepted()
                self.found.append(unfinished(self.source, self.tokens, accepted))
        return self.cut_off()

    def accepted(self) -> set[str]:
        """The kinds of tokens that could come next. An ``as`` shows that it counts by the brace
        after it, which is what is missing."""
        found: set[str] = self.parser.accepts()
        return found - {"_TURN"}

    def result(self, made: Any) -> Tree[Token]:
        assert isinstance(made, Tree)
        return made

    def pass_by(self, kind: str) -> None:
        """Notes the braces, and where a statement begins."""
        if kind == "LBRACE":
            self.braces += 1
        elif kind == "RBRACE":
            self.braces -= 1
        if kind in ("LBRACE", "RBRACE", "_SEP"):
            self.begins_statement()

    def begins_statement(self) -> None:
        while self.starts and self.starts[-1].braces > self.braces:
            self.starts.pop()
        if self.language.blank[0] in self.parser.choices():
            if self.starts and self.starts[-1].braces == self.braces:
                self.starts.pop()
            self.starts.append(_Start(self.parser.copy(deepcopy_values=False), self.braces))

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
            accepted = self.accepted()
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
        made = statements(rest, self.language.starters, brackets_before(done).open)
        if made and made[0].type != "RBRACE" and (not done or done[-1].type != "_SEP"):
            done.append(Token.new_borrow_pos("_SEP", "\n", made[0]))
        self.tokens = [*done, *made]
        return at

    def recover(self, at: int) -> int:
        """Forgets the statement that failed, and finds where the next one starts."""
        start = self.starts[-1]
        opened = self.braces - start.braces  # braces of the statement that are still open
        last = self.tokens[at - 1] if at else None
        while at < len(self.tokens):
            kind = self.tokens[at].type
            if opened == 0 and (kind == "_SEP" or (kind == "RBRACE" and start.braces)):
                break
            opened += (kind == "LBRACE") - (kind == "RBRACE" and opened > 0)
            last = self.tokens[at]
            at += 1
        self.parser, self.braces = start.parser.copy(deepcopy_values=False), start.braces
        self.blank(start, last)
        return at

    def blank(self, start: _Start, last: Token | None) -> None:
        """A statement that says nothing, from the first token of one that failed to its last."""
        first = start.first or last
        begin = (first.start_pos or 0) if first is not None else 0
        end = max((last.end_pos or 0) if last is not None else 0, begin)
        line = (first.line or 1) if first is not None else 1
        for kind in self.language.blank:
            self.parser.feed_token(Token(kind, "", begin, line, 1, line, 1, end))

    def cut_off(self) -> Tree[Token]:
        """The tree of a text that ends within a statement, or that is read no further."""
        last = self.tokens[-1] if self.tokens else None
        for start in reversed(self.starts):
            self.parser = start.parser.copy(deepcopy_values=False)
            self.blank(start, last)
            try:
                end = (last.end_pos or 0) if last is not None else 0
                for _ in range(start.braces):
                    self.parser.feed_token(Token("RBRACE", "}", end, 1, 1, 1, 1, end))
                return self.result(self.parser.feed_eof(last))
            except UnexpectedToken:  # a bracket round the braces is open too: go further out
                continue
        raise AssertionError("a blank statement can stand alone")
