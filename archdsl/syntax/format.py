"""The formatter. It works on tokens: line breaks and comments stay where their author put
them; indentation and the spaces between tokens are made uniform."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lark import Token

from archdsl.diagnostics.source import Source
from archdsl.syntax.language import ARCH, Language, tokenize
from archdsl.syntax.lines import CLOSE, OPEN, statements
from archdsl.syntax.parse import parse

INDENT = "  "
_OPERANDS = frozenset("NUMBER SHAPE STRING NAME TRUE FALSE RPAR RSQB RBRACE".split())
_TIGHT = frozenset("LPAR LSQB DOT _DOTS".split())
_NO_SPACE_BEFORE = frozenset("RPAR RSQB COMMA _SEMICOLON COLON DOT _DOTS".split())


def format_source(source: Source, language: Language = ARCH) -> str:
    """The text as it should look; formatting it again changes nothing.

    Raises ``ArchError`` for a text that does not parse.
    """
    parse(source, language)
    tokens = tokenize(source, language)
    begins, names = _statement_starts(tokens, language)
    tokens = [names.get(t.start_pos or 0, t) for t in tokens]
    layout = _Layout(begins, _match_braces(tokens), language.sets)
    out: list[str] = []
    blank = False
    for line, below in _with_code_below(list(_lines(tokens))):
        if not line:
            blank = bool(out)
            continue
        if blank and line[0].type not in CLOSE and not layout.just_opened:
            out.append("")
        blank = False
        level = layout.level(line, below)
        out.append(INDENT * level + layout.take(line, level))
    return "\n".join(out) + "\n" if out else ""


def _statement_starts(
    tokens: Sequence[Token], language: Language
) -> tuple[set[int], dict[int, Token]]:
    """The offsets at which statements start, and the keywords that are names where they stand."""
    found: set[int] = set()
    names: dict[int, Token] = {}
    starts = True
    for token in statements(tokens, language.starters):
        if token.type == "NAME":
            names[token.start_pos or 0] = token
        if starts and token.type != "_SEP":
            found.add(token.start_pos or 0)
        starts = token.type in ("_SEP", "LBRACE")
    return found, names


def _match_braces(tokens: Sequence[Token]) -> set[int]:
    """The offsets of the braces around the arms of a `match`."""
    found: set[int] = set()
    waiting: list[int] = []  # how deep each `match` stands whose brace is still to come
    depth = 0
    for token in tokens:
        if token.type == "MATCH":
            waiting.append(depth)
        if token.type == "LBRACE" and waiting and waiting[-1] == depth:
            found.add(token.start_pos or 0)
            waiting.pop()
        depth += (token.type in OPEN) - (token.type in CLOSE)
    return found


def _lines(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """The tokens line by line, without semicolons that stand between no two statements."""
    line: list[Token] = []
    for token in (*tokens, Token("_NEWLINE", "\n")):
        ends = token.type in ("_NEWLINE", "COMMENT", "RBRACE", "_SEMICOLON")
        if ends and line and line[-1].type == "_SEMICOLON":
            line.pop()
        if token.type == "_NEWLINE":
            yield line
            line = []
        elif token.type != "_SEMICOLON" or (line and line[-1].type != "LBRACE"):
            line.append(token)


def _with_code_below(lines: Sequence[list[Token]]) -> list[tuple[list[Token], Token | None]]:
    """Each line with the first token of those below it that is no comment."""
    found: list[tuple[list[Token], Token | None]] = []
    below: Token | None = None
    for line in reversed(lines):
        found.append((line, below))
        if line and line[0].type != "COMMENT":
            below = line[0]
    return found[::-1]


@dataclass
class _Bracket:
    """An open bracket: the level of the line that it stands on, and what kind of braces it is."""

    type: str
    level: int
    is_set: bool = False
    is_match: bool = False


class _Layout:
    """How deep lines stand, and what stands between their tokens."""

    def __init__(self, begins: set[int], match_braces: set[int], sets: frozenset[str]) -> None:
        self.begins = begins
        self.match_braces = match_braces
        self.sets = sets
        self.stack: list[_Bracket] = []
        self.last: Token | None = None  # before this line, comments left out

    @property
    def just_opened(self) -> bool:
        return self.last is not None and self.last.type == "LBRACE"

    def level(self, line: Sequence[Token], below: Token | None) -> int:
        """How far a line is indented: one level more than the line that opened the innermost
        bracket, or as far as that if the line begins by closing it. ``below`` is what comes
        after it."""
        stack = list(self.stack)
        closed: _Bracket | None = None
        for token in line:
            if token.type not in CLOSE or not stack:
                break
            closed = stack.pop()
        if closed is not None:
            return closed.level
        first = line[0]
        if first.type == "COMMENT" and below is not None:  # as the line that it stands above
            first = below
        return (stack[-1].level + 1 if stack else 0) + self.goes_on(first)

    def goes_on(self, first: Token) -> bool:
        """Whether a line goes on with a statement that an earlier one began."""
        last = self.last
        around = self.stack[-1] if self.stack else None
        if last is None or first.type in CLOSE or first.type == "COMMENT":
            return False
        if around is not None and (around.type != "LBRACE" or around.is_set):
            return False
        if last.type in ("LBRACE", "_SEMICOLON") or (
            last.type == "RBRACE" and first.type == "ELSE"
        ):
            return False
        if last.type == "COMMA" and around is not None and around.is_match:
            return False
        return (first.start_pos or 0) not in self.begins

    def take(self, line: Sequence[Token], level: int) -> str:
        """The text of a line, whose brackets are noted."""
        text = ""
        before: Token | None = None
        unary = False
        for token in line:
            if before is not None:
                text += self.space(before, token, unary)
            unary = token.type == "MINUS" and (self.last is None or self.last.type not in _OPERANDS)
            if token.type in OPEN:
                opener = self.last.type if self.last is not None else ""
                is_set = token.type == "LBRACE" and opener in self.sets
                is_match = (token.start_pos or 0) in self.match_braces
                self.stack.append(_Bracket(token.type, level, is_set, is_match))
            elif token.type in CLOSE and self.stack:
                self.stack.pop()
            text += str(token).rstrip() if token.type == "COMMENT" else str(token)
            before = token
            if token.type != "COMMENT":
                self.last = token
        return text

    def space(self, a: Token, b: Token, unary: bool) -> str:
        """What stands between two tokens of a line."""
        if b.type == "COMMENT":
            return "  "
        in_set = bool(self.stack) and self.stack[-1].is_set
        if a.type == "LBRACE" or b.type == "RBRACE":
            return "" if in_set or (a.type == "LBRACE" and b.type == "RBRACE") else " "
        if unary or a.type in _TIGHT or b.type in _NO_SPACE_BEFORE:
            return ""
        if b.type == "LPAR":
            return "" if a.type == "NAME" else " "
        if b.type == "LSQB":
            return "" if a.type in ("NAME", "RPAR", "RSQB") else " "
        return " "
