"""What is said of a syntax error: what stands there, what could, and what was perhaps meant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lark import Token

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import Diagnostic, Label, diagnose
from archdsl.diagnostics.source import Source, Span
from archdsl.syntax.lines import CLOSE, Brackets

# What other languages write, and how it is written here.
_ELSEWHERE = {
    "'": 'a text stands between double quotes: `"..."`',
    "\N{LEFT DOUBLE QUOTATION MARK}": 'a text stands between straight quotes: `"..."`',
    "\N{RIGHT DOUBLE QUOTATION MARK}": 'a text stands between straight quotes: `"..."`',
    "&": "for both of two conditions, write `and`",
    "!": "for the opposite of a condition, write `not`",
    "\N{RIGHTWARDS ARROW}": "the arrow is written `->`",
    "\N{MULTIPLICATION SIGN}": "write `*`, or `x` in a shape",
    "\N{MINUS SIGN}": "minus is written `-`",
    "\N{EN DASH}": "minus is written `-`",
    "\N{LESS-THAN OR EQUAL TO}": "write `<=`",
    "\N{GREATER-THAN OR EQUAL TO}": "write `>=`",
    "\N{NOT EQUAL TO}": "write `!=`",
    "\N{HORIZONTAL ELLIPSIS}": "a range is written `1..4`",
    "\N{ZERO WIDTH NO-BREAK SPACE}": "the mark that some editors put before a file: leave it out",
}
_WORDS_ELSEWHERE = {
    "elif": "write `else if`",
    "elseif": "write `else if`",
    "def": "a function is written `fn f(x) = ...`; what applies layers is a `block`",
    "func": "a function is written `fn f(x) = ...`; what applies layers is a `block`",
    "function": "a function is written `fn f(x) = ...`; what applies layers is a `block`",
    "const": "to give a value a name, write `let`",
    "var": "to give a value a name, write `let`; it cannot be changed later",
    "while": "there are loops over lists and ranges only: `for i in 1..4 { ... }`",
    "import": 'blocks of another file are brought in with `use "file.arch": name`',
    "from": 'blocks of another file are brought in with `use "file.arch": name`',
    "include": 'blocks of another file are brought in with `use "file.arch": name`',
    "return": "the last layer of a body is its result",
    "assert": 'write `require condition, "message"`',
}

# Characters that show a reader something else than what is there: those that move the cursor
# or colour a terminal, those that turn the direction of text, and halves of characters.
HIDDEN = re.compile(
    "[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)

_OPENED = {"RPAR": "(", "RSQB": "[", "RBRACE": "{"}
_STARTS_VALUE = frozenset("NAME NUMBER SHAPE STRING LPAR LSQB TRUE FALSE NOT".split())
_WORDS = {
    "NAME": "a name", "NUMBER": "a number", "STRING": "a text in quotes", "LBRACE": "`{`",
    "RBRACE": "`}`", "LPAR": "`(`", "RPAR": "`)`", "LSQB": "`[`", "RSQB": "`]`",
    "COMMA": "`,`", "EQUAL": "`=`", "COLON": "`:`", "_ARROW": "`->`", "_MEANS": "`=>`",
    "_SEP": "a new line", "AS": "`as`", "IN": "`in`", "DOT": "`.`", "_DOTS": "`..`",
}  # fmt: skip


def span_of(source: Source, token: Token) -> Span:
    start = token.start_pos or 0
    return Span(source, start, start + max(len(token), 1))


def stray(source: Source, token: Token) -> Diagnostic:
    """A character that begins nothing."""
    text, span = str(token), span_of(source, token)
    if text == '"':
        return diagnose(codes.OPEN_STRING, span)
    help = [_ELSEWHERE[text]] if text in _ELSEWHERE else []
    return diagnose(codes.STRAY_CHARACTER, span, help=help, found=_character(text))


def _character(text: str) -> str:
    return text if text.isprintable() else f"U+{ord(text):04X}"


def inside_tokens(source: Source, tokens: Sequence[Token]) -> Iterator[Diagnostic]:
    """Hidden characters in comments and texts, and escapes that mean nothing."""
    for token in tokens:
        if token.type not in ("COMMENT", "STRING"):
            continue
        start = token.start_pos or 0
        for match in HIDDEN.finditer(token):
            place = Span(source, start + match.start(), start + match.end())
            yield diagnose(codes.STRAY_CHARACTER, place, found=_character(match[0]))
        if token.type == "STRING":
            for match in _ESCAPE.finditer(token):
                if match[1] not in ('"', "\\", "n"):
                    place = Span(source, start + match.start(), start + match.end())
                    yield diagnose(codes.BAD_ESCAPE, place, found=match[0])


def unfinished(source: Source, brackets: Brackets) -> Diagnostic:
    """The file has ended too early."""
    if brackets.open:
        bracket = brackets.open[-1]
        return diagnose(codes.UNCLOSED, span_of(source, bracket), bracket=str(bracket))
    end = len(source.text.rstrip())
    return diagnose(codes.FILE_ENDS_EARLY, Span(source, max(end - 1, 0), max(end, 1)))


def unclosed(source: Source, bracket: Token, token: Token) -> Diagnostic:
    """A bracket that is closed nowhere, as a token shows that cannot stand within it."""
    shown = Label(span_of(source, token), "this cannot stand within it")
    return diagnose(codes.UNCLOSED, span_of(source, bracket), shown, bracket=str(bracket))


def unexpected(source: Source, tokens: Sequence[Token], at: int, accepted: set[str]) -> Diagnostic:
    """A token that cannot stand where it does, where one of ``accepted`` could."""
    token = tokens[at]
    expected = _expected(accepted)
    help = _hint(tokens, at, accepted)
    if token.type == "_SEP":
        end = token.start_pos or 0 if at == 0 else span_of(source, tokens[at - 1]).end
        return diagnose(
            codes.LINE_ENDS_EARLY, Span(source, end, end + 1), help=help, expected=expected
        )
    span = span_of(source, token)
    if token.isidentifier() and token.type != "NAME" and _wants_name(accepted):
        return diagnose(codes.RESERVED, span, name=str(token))
    return diagnose(codes.UNEXPECTED, span, help=help, found=str(token), expected=expected)


def _wants_name(expected: set[str]) -> bool:
    return "NAME" in expected and "NUMBER" not in expected


def _expected(expected: set[str]) -> str:
    """What could have stood there, in words, if it is little enough to be of use."""
    words = [text for name, text in _WORDS.items() if name in expected]
    if not words or len(words) > 4 or ("NUMBER" in expected and len(words) > 2):
        words = ["a value or a layer"] if "NUMBER" in expected else []
    return f", expected {' or '.join(words)}" if words else ""


def _hint(tokens: Sequence[Token], at: int, expected: set[str]) -> list[str]:
    """What was perhaps meant: the first rule that fits says it."""
    token = tokens[at]
    kinds = [t.type for t in tokens[max(at - 3, 0) : at]]
    kinds = ["_SEP"] * (3 - len(kinds)) + kinds
    before = kinds[-1]
    begins = kinds[-2] in ("_SEP", "LBRACE")  # the token before is the first of its statement
    word = str(tokens[at - 1]) if at else ""
    after = tokens[at + 1] if at + 1 < len(tokens) else None
    first = _first(tokens, at)
    for name in (str(first), str(token)):
        if name in _WORDS_ELSEWHERE:
            return [_WORDS_ELSEWHERE[name]]
    if token.type == "_SEP" and after is not None and after.type == "LBRACE":
        return ["`{` stands on the same line as what it belongs to"]
    if token.type == "EQUAL":
        return _equals_hint(kinds, begins, word, expected)
    if token.type == "STAR" and before == "STAR":
        return ["a power is written `^`"]
    if token.type == "VBAR":
        return ["for one of two conditions, write `or`"]
    if token.type == "FLOOR_DIVIDE" and before in ("_SEP", "LBRACE"):
        return ["a comment begins with `#`"]
    if token.type in CLOSE and token.type not in expected:
        return [f"there is no `{_OPENED[token.type]}` that it could close"]
    if token.type == "COLON" and before == "INPUT":
        return ["write it without the colon: `input 3x224x224`"]
    if token.type == "COLON" and "LBRACE" in expected:
        return ["a body stands in braces: `{ ... }`"]
    if token.type == "LBRACE" and first.type == "ARCH":
        return ["the layers of an architecture stand in no braces"]
    if token.type == "LPAR" and first.type == "LET" and "EQUAL" in expected:
        return [f"a function is written `fn {word}(x) = ...`"]
    if token.type == "LBRACE" and first.type == "FN":
        return ["a function is a value: `fn f(x) = ...`; what applies layers is a `block`"]
    if token.type in _STARTS_VALUE:
        return _value_hint(token, before, begins, word, expected)
    if before == "NAME" and kinds[-2] == "NAME" and "LBRACE" in expected:
        return ["the layers of a chain stand apart by `->`"]
    return []


def _first(tokens: Sequence[Token], at: int) -> Token:
    """The first token of the statement that a token belongs to."""
    while at > 0 and tokens[at - 1].type not in ("_SEP", "LBRACE", "RBRACE"):
        at -= 1
    return tokens[at]


def _equals_hint(kinds: list[str], begins: bool, word: str, expected: set[str]) -> list[str]:
    if kinds[-1] == "NAME" and begins:
        return [f"to give a value a name, write `let {word} = ...`"]
    if kinds[-1] in ("PLUS", "MINUS", "STAR", "SLASH"):
        return ["nothing is ever assigned anew: give the new value another name with `let`"]
    return ["to compare, write `==`"] if "EQ" in expected else []


def _value_hint(
    token: Token, before: str, begins: bool, word: str, expected: set[str]
) -> list[str]:
    if "COMMA" in expected:
        return ["is a comma missing before it?"]
    if before == "NAME" and begins and token.type in ("NUMBER", "SHAPE", "STRING", "LSQB"):
        return [f"arguments stand in parentheses: `{word}(...)`"]
    return ["statements stand on lines of their own, the layers of a chain apart by `->`"]
