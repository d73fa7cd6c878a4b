"""The formatter. It works on tokens: line breaks and comments stay where their author put
them; indentation and the spaces between tokens are made uniform."""

from __future__ import annotations

from collections.abc import Sequence

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
    out: list[str] = []
    stack: list[tuple[str, int, bool]] = []  # bracket, the line it stands on, whether it is a set
    previous: Token | None = None
    blank = False
    for number, line in enumerate(_lines(tokens)):
        if not line:
            blank = bool(out)
            continue
        closes = line[0].type in CLOSE
        if blank and not closes and (previous is None or previous.type != "LBRACE"):
            out.append("")
        blank = False
        depth = _depth(stack, line)
        goes_on = _goes_on(line[0], previous, stack, begins)
        text = _join(line, stack, number, previous, language.sets)
        out.append(INDENT * (depth + goes_on) + text)
        previous = next((t for t in reversed(line) if t.type != "COMMENT"), previous)
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


def _lines(tokens: Sequence[Token]) -> list[list[Token]]:
    lines: list[list[Token]] = [[]]
    for token in tokens:
        if token.type == "_NEWLINE":
            lines.append([])
        else:
            lines[-1].append(token)
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _depth(stack: Sequence[tuple[str, int, bool]], line: Sequence[Token]) -> int:
    """How far a line is indented: brackets that were opened on one line count once."""
    left = len(stack)
    for token in line:
        if token.type not in CLOSE or left == 0:
            break
        left -= 1
    return len({opened for _, opened, _ in stack[:left]})


def _goes_on(
    first: Token,
    previous: Token | None,
    stack: Sequence[tuple[str, int, bool]],
    begins: set[int],
) -> bool:
    """Whether a line goes on with a statement that an earlier one began."""
    if previous is None or first.type in CLOSE or first.type == "COMMENT":
        return False
    if stack and stack[-1][0] != "LBRACE":
        return False
    if previous.type in ("LBRACE", "_SEMICOLON") or (stack and stack[-1][2]):
        return False
    return (first.start_pos or 0) not in begins


def _join(
    line: Sequence[Token],
    stack: list[tuple[str, int, bool]],
    number: int,
    previous: Token | None,
    sets: frozenset[str],
) -> str:
    """The tokens of a line with the spaces that belong between them."""
    text = ""
    before: Token | None = None
    last = previous
    unary = False
    for token in line:
        if before is not None:
            text += _space(before, token, unary, stack)
        unary = token.type == "MINUS" and (last is None or last.type not in _OPERANDS)
        if token.type in OPEN:
            is_set = token.type == "LBRACE" and last is not None and last.type in sets
            stack.append((token.type, number, is_set))
        elif token.type in CLOSE and stack:
            stack.pop()
        text += str(token).rstrip() if token.type == "COMMENT" else str(token)
        before = token
        if token.type != "COMMENT":
            last = token
    return text


def _space(a: Token, b: Token, unary: bool, stack: Sequence[tuple[str, int, bool]]) -> str:
    """What stands between two tokens of a line."""
    if b.type == "COMMENT":
        return "  "
    tight_set = bool(stack) and stack[-1][2]
    if a.type == "LBRACE" or b.type == "RBRACE":
        return "" if tight_set or (a.type == "LBRACE" and b.type == "RBRACE") else " "
    if unary or a.type in _TIGHT or b.type in _NO_SPACE_BEFORE:
        return ""
    if b.type == "LPAR":
        return "" if a.type == "NAME" else " "
    if b.type == "LSQB":
        return "" if a.type in ("NAME", "RPAR", "RSQB") else " "
    return " "
