"""What is said of a syntax error: what stands there, what could, and what was perhaps meant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lark import Token

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import Diagnostic, Label, diagnose, did_you_mean
from archdsl.diagnostics.render import HIDDEN
from archdsl.diagnostics.source import Source, Span
from archdsl.registry import REGISTRY
from archdsl.syntax import elsewhere
from archdsl.syntax.lines import CLOSE, OPEN, Brackets, brackets_before
from archdsl.syntax.other_libraries import ELSEWHERE

_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)

_BRACKETS = {"RPAR": "(", "RSQB": "[", "RBRACE": "{"}
_OPENED = {closing: opening for opening, closing in OPEN.items()}
_OPERATORS = frozenset("PLUS STAR SLASH MODULO POWER EQ NE LE GE LT GT".split())
_WITHIN_TEXT = frozenset("NAME STRAY IF FOR REPEAT MATCH AND OR NOT IN AS ELSE".split())
_STARTS_VALUE = frozenset("NAME NUMBER SHAPE STRING LPAR LSQB TRUE FALSE NOT".split())
_WORDS = {
    "NAME": "a name", "NUMBER": "a number", "STRING": "a quoted string", "LBRACE": "`{`",
    "RBRACE": "`}`", "LPAR": "`(`", "RPAR": "`)`", "LSQB": "`[`", "RSQB": "`]`",
    "COMMA": "`,`", "EQUAL": "`=`", "COLON": "`:`", "_ARROW": "`->`", "_MEANS": "`=>`",
    "_SEP": "a new line", "AS": "`as`", "IN": "`in`", "DOT": "`.`", "_DOTS": "`..`",
    "DURATION": "a time such as `90s` or `2h`",
}  # fmt: skip


def span_of(source: Source, token: Token) -> Span:
    start = token.start_pos or 0
    return Span(source, start, start + max(len(token), 1))


def stray(source: Source, token: Token) -> Diagnostic:
    """A character that begins nothing."""
    text, span = str(token), span_of(source, token)
    if text == '"':
        return diagnose(codes.OPEN_STRING, span, help=["a string ends on the line where it begins"])
    help = [elsewhere.CHARACTERS[text]] if text in elsewhere.CHARACTERS else []
    if text.isalpha():
        help = ["a name is made of the letters a to z, digits and `_`"]
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


def text_end(tokens: Sequence[Token], at: int) -> int:
    """Where to go on after a stray character. A text that was begun on one line and closed on
    the next takes the tokens between with it."""
    if str(tokens[at]) != '"':
        return at
    line = tokens[at].line or 0
    below = [i for i in range(at + 1, len(tokens)) if tokens[i].line == line + 1]
    closing = [i for i in below if tokens[i].type == "STRAY" and str(tokens[i]) == '"']
    kinds = [tokens[i].type for i in below[:2]]
    if not closing or kinds[0] not in _WITHIN_TEXT or kinds[-1] in ("COLON", "LPAR", "_ARROW"):
        return at  # the next line is a statement of its own
    return closing[0]


def unfinished(source: Source, tokens: Sequence[Token], accepted: set[str]) -> Diagnostic:
    """The file has ended too early."""
    brackets = brackets_before(tokens)
    if brackets.open:
        bracket = brackets.open[-1]
        suspect = _suspect(source, tokens, brackets)
        return diagnose(codes.UNCLOSED, span_of(source, bracket), suspect, bracket=str(bracket))
    end = len(source.text.rstrip())
    place = Span(source, max(end - 1, 0), max(end, 1))
    help = _hint([*tokens, Token("_SEP", "")], len(tokens), accepted)
    return diagnose(codes.FILE_ENDS_EARLY, place, help=help, expected=_expected(accepted))


def _suspect(source: Source, tokens: Sequence[Token], brackets: Brackets) -> Label | None:
    """The brace within an unclosed one that was probably meant to be closed: what closes it
    stands further left than the line that opens it."""
    indents: dict[int, int] = {}
    for token in tokens:
        if token.type != "_SEP":
            indents.setdefault(token.line or 0, token.column or 0)
    for opening, closing in brackets.pairs:
        line = closing.line or 0
        if indents[line] == closing.column and indents[opening.line or 0] > indents[line]:
            text = f"the `}}` in line {line} closes this brace: was it meant to close the other?"
            return Label(span_of(source, opening), text)
    return None


def unclosed(source: Source, bracket: Token, token: Token) -> Diagnostic:
    """A bracket that is closed nowhere, as a token shows that cannot stand within it."""
    shown = Label(span_of(source, token), "this cannot be inside it")
    return diagnose(codes.UNCLOSED, span_of(source, bracket), shown, bracket=str(bracket))


def unexpected(source: Source, tokens: Sequence[Token], at: int, accepted: set[str]) -> Diagnostic:
    """A token that cannot stand where it does, where one of ``accepted`` could."""
    token = tokens[at]
    expected = _expected(accepted)
    help = _hint(tokens, at, accepted)
    before = tokens[at - 1] if at else None
    ends = token.type == "_SEP" or (
        token.type == "RBRACE"
        and before is not None
        and before.line != token.line
        and _opened(tokens[:at], "LBRACE")
    )
    if ends:
        end = token.start_pos or 0 if before is None else span_of(source, before).end
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


TIMES = {"s": 1.0, "ms": 1e-3, "us": 1e-6}  # units of which a latency has none
OF_COMMAND = ("log", "engine", "workers", "ranks", "device", "storage")  # options, no statements


def _hint(tokens: Sequence[Token], at: int, expected: set[str]) -> list[str]:
    """What was perhaps meant: the first rule that fits says it."""
    token = tokens[at]
    kinds = [t.type for t in tokens[max(at - 3, 0) : at]]
    kinds = ["_SEP"] * (3 - len(kinds)) + kinds
    before = kinds[-1]
    begins = kinds[-2] in ("_SEP", "LBRACE")  # the token before is the first of its statement
    word = str(tokens[at - 1]) if at else ""
    after = tokens[at + 1] if at + 1 < len(tokens) else None
    start = _start(tokens, at)
    first = tokens[start]
    if "SEARCH" in expected:
        if str(token) in OF_COMMAND:
            return [
                f"how a search runs is an option of its command: `archdsl search ... --{token}`"
            ]
        known = sorted(kind.lower() for kind in expected if kind.isalpha() and kind.isupper())
        return did_you_mean(str(token), known) or [
            f"a statement begins with one of {', '.join(known)}"
        ]
    if any(str(t) == "lambda" for t in tokens[start:at]):
        found = [str(t) for t in tokens[start:at]].index("lambda") + start
        name = str(tokens[start + 1]) if first.type == "LET" and found == start + 3 else "f"
        if str(first) == "Lambda":
            return [ELSEWHERE["Lambda"]]
        head, _, body = _rest(tokens, found + 1).partition(":")
        return [elsewhere.function(f"{name}({head.strip()})", body.strip())]
    if said := _of_statement(tokens, start, at):
        return said
    is_list = before == "NUMBER" and kinds[-2] == "IN" and token.type in ("COMMA", "_SEP")
    if (before == "RSQB" or is_list) and "_DOTS" in expected:
        return elsewhere.in_braces(tokens, at, is_range=first.type == "TUNE")
    if first.type == "TRAIN" and at - start == 2 and before == "NAME":
        data = str(token) if word == "on" else word
        if data in REGISTRY.data:
            return [f"the data is a statement of its own: `data {data}`"]
    if before == "DATA" and token.type == "STRING":
        named = elsewhere.of_data_file(str(token)[1:-1])
        return [named] if named else []
    if token.type == "_SEP" and "BY" in expected:
        return ["end `hold` with the knob to solve for: `by width`"]
    if (
        token.type == "_SEP"
        and after is not None
        and after.type == "LBRACE"
        and "LBRACE" in expected
    ):
        return ["put `{` at the end of the line before"]
    if before == "NAME" and kinds[-2] in ("NAME", "RPAR") and expected == {"LBRACE"}:
        if str(tokens[at - 2]) == "shared":
            return [f"put the body in braces: `shared {{ {_rest(tokens, at - 1)} }}`"]
        if word == "x" and token.type == "NUMBER":
            body = elsewhere.joined(tokens[start : at - 1])
            return [f"write `repeat {token} {{ {body} }}` in place of `{body} x {token}`"]
        if kinds[-2] == "NAME" and str(tokens[at - 2]) == "branch" and token.type == "LPAR":
            return [f"a join with arguments is a layer of a list: `[a, b] -> {word}(...)`"]
        return [f"to apply one layer after the other, write `->` before `{word}`"]
    if before == "_ARROW" and token.type in ("REPEAT", "FOR", "IF"):
        return [f"in a chain, put it in braces: `-> {{ {token} ... {{ ... }} }}`"]
    if token.type == "_SEMICOLON":
        return ["put commas between items in `( )` and `[ ]`; statements go into braces"]
    if token.type == "EQUAL" and kinds[-2] == "DOT" and str(first) == "self":
        layer = elsewhere.layer_kept(word, tokens[at + 1 :])
        return layer or [f"a layer or a value with a name is `let {word} = ...`"]
    if first.type == "FOR" and token.type == "EQUAL":
        return [elsewhere.WORDS["while"]]
    if token.type == "EQUAL" and before == "RPAR" and first.type == "NAME" and start + 1 < at:
        return [elsewhere.function(elsewhere.joined(tokens[start:at]), _rest(tokens, at + 1))]
    if token.type == "EQUAL":
        if begins and (layer := elsewhere.layer_kept(word, tokens[at + 1 :])):
            return [*layer, *_equals_hint(kinds, begins, word, expected)]
        return _equals_hint(kinds, begins, word, expected)
    if token.type == "STAR" and before == "STAR":
        return ["a power is written `^`"]
    is_next = after is not None and REGISTRY.layers.meant(str(after)) is not None
    if token.type in ("VBAR", "_MEANS", "COMMA") and is_next and first.type == "NAME":
        return ["to apply one layer after the other, write `->`"]
    if token.type == "GT" and before == "GT":
        return ["to apply one layer after the other, write `->` in place of `>>`"]
    if token.type == "VBAR" and after is not None and after.type == "GT":
        return ["to apply one layer after the other, write `->` in place of `|>`"]
    if token.type == "COLON" and before in ("LSQB", "COMMA") and _opened(tokens[:at], "LSQB"):
        return ["a part of the channels is a layer: `slice(1, 4)` is the first four"]
    if token.type == "VBAR":
        return ["for one of two conditions, write `or`"]
    if token.type == "AS" and before in ("_SEP", "LBRACE"):
        return ["the name comes after the layer, on the same line: `conv(16, 3) as skip`"]
    if first.type == "OUTPUT" and token.type in ("LSQB", "LBRACE", "LPAR") and token is not first:
        return ["a result has a name: `output p3(when = always) { ... }`, a line for each"]
    if token.type == "FLOOR_DIVIDE" and before in ("_SEP", "LBRACE"):
        return ["a comment begins with `#`"]
    if token.type in CLOSE and not _opened(tokens[:at], _OPENED[token.type]):
        return [f"there is no `{_BRACKETS[token.type]}` that it could close"]
    if first.type == "REPEAT" and "LBRACE" in expected and token.type == "NAME":
        head = elsewhere.joined(tokens[start:at])
        return [f"put the body in braces: `{head} {{ {_rest(tokens, at)} }}`"]
    if token.type == "COLON" and "LBRACE" in expected:
        return ["put the body in braces: `{ ... }`"]
    if token.type == "LPAR" and first.type == "LET" and "EQUAL" in expected:
        return [f"a function is written `fn {word}(x) = ...`"]
    if token.type == "LBRACE" and first.type == "FN":
        return ["`fn f(x) = ...` makes a value; a part that applies layers is a `block`"]
    if token.type == "COLON" and "EQUAL" in expected and first.type in ("BLOCK", "FN"):
        return ["parameters have no types: `name = default`"]
    if token.type in _OPERATORS and before == "_SEP":
        return ["to go on in the next line, end this one with the operator"]
    if token.type == "_SEP" and "ELSE" in expected:
        return ["both cases are needed: `a if condition else b`"]
    is_divided = any(t.type == "FLOOR_DIVIDE" for t in tokens[start:at])
    if first.type == "NAME" and is_divided and not _opened(tokens[:at], "LPAR"):
        return ["a comment begins with `#`"]
    if token.type in _STARTS_VALUE:
        return _seconds(tokens, at) or _value_hint(token, tokens[at - 1], begins, expected)
    return []


def _of_statement(tokens: Sequence[Token], start: int, at: int) -> list[str]:
    """What the kind of a statement, or a word of another language, says of its mistake."""
    first, token, path = tokens[start], tokens[at], _path(tokens, at)
    said: list[str] = []
    word = str(first)
    if word == "class" or (word in ("import", "from") and elsewhere.python(tokens)):
        said = elsewhere.python(tokens)
        said += elsewhere.meant_by(word, tokens[: at + 1]) if word == "class" else []
    elif str(token) in elsewhere.WORDS:
        said = [elsewhere.WORDS[str(token)]]
    elif first.type == "ARCH":
        said = elsewhere.header(tokens, at, inside=_opened(tokens[:at], "LPAR"))
    elif token.type == "EQUAL" and at == start + 1 and first.type in elsewhere.COUNTED:
        said = [f"leave out the `=`: `{elsewhere.COUNTED[first.type]}`"]
    elif first.type == "INPUT" and at > start:
        said = elsewhere.shape(tokens[start + 1 :])
    elif first.type in ("SPEC", "USE", "TRAIN") and any(c in path for c in "./"):
        while tokens[at - 1].end_pos == tokens[at].start_pos and token.type != "STRING":
            at -= 1  # to where the path begins
        words = elsewhere.joined(tokens[start:at])
        if words == "train":
            words = "train with table" if path.strip('"').endswith(".csv") else "train with"
        quoted = path if token.type == "STRING" else f'"{path}"'
        begin = "write" if token.type == "STRING" else "put a path in quotes:"
        said = [f"{begin} `{words} {quoted}`"]
    elif token.type == "LPAR" and at > start + 2 and tokens[at - 2].type == "DOT":
        path = _dotted(tokens, at)
        said = elsewhere.without_prefix(path, _rest(tokens, at)) or elsewhere.method(
            _rest(tokens, at - path.count(".") * 2 - 1)
        )
    elif token.type == "LPAR" and at > start and tokens[at - 1].type == "RPAR":
        said = [elsewhere.called_again(_rest(tokens, start))]
    elif first.type == "NAME":
        said = elsewhere.meant_by(str(first), tokens[: at + 1])
    return said


def _path(tokens: Sequence[Token], at: int) -> str:
    """What stands without a gap around a token, as far as no colon or bracket ends it."""
    ends = ("_SEP", "COLON", "LPAR", "STRING", "$END")
    start, end = at, at + 1
    while start and tokens[start].start_pos == tokens[start - 1].end_pos:
        if tokens[start - 1].type in ends:
            break
        start -= 1
    while end < len(tokens) and tokens[end].start_pos == tokens[end - 1].end_pos:
        if tokens[end].type in ends:
            break
        end += 1
    return "".join(tokens[start:end])


def _dotted(tokens: Sequence[Token], end: int) -> str:
    """The names with dots between them that end before a token, ``nn.Conv2d``."""
    start = end - 1
    while start > 1 and tokens[start - 1].type == "DOT":
        start -= 2
    return "".join(tokens[start:end])


def _rest(tokens: Sequence[Token], start: int) -> str:
    """The text of a line from a token on, as far as no bracket around it ends."""
    ends = (i for i, t in enumerate(tokens) if i > start and t.type in ("_SEP", "RBRACE", "$END"))
    return elsewhere.joined(tokens[start : next(ends, len(tokens))])


def _opened(tokens: Sequence[Token], kind: str) -> bool:
    return any(t.type == kind for t in brackets_before(tokens).open)


def _start(tokens: Sequence[Token], at: int) -> int:
    """The place of the first token of the statement that a token belongs to."""
    while at > 0 and tokens[at - 1].type not in ("_SEP", "LBRACE", "RBRACE"):
        at -= 1
    return at


def _equals_hint(kinds: list[str], begins: bool, word: str, expected: set[str]) -> list[str]:
    if kinds[-1] == "NAME" and begins:
        return [f"to give a value a name, write `let {word} = ...`"]
    if kinds[-1] in ("PLUS", "MINUS", "STAR", "SLASH"):
        return ["a name keeps its value: give the new value another name with `let`"]
    return ["to compare, write `==`"] if "EQ" in expected else []


def _seconds(tokens: Sequence[Token], at: int) -> list[str]:
    """What helps where the unit of a time follows a number of `hold latency = ...`."""
    unit, number, begin = tokens[at], tokens[at - 1], at - 1
    while begin > 0 and tokens[begin].type in ("NUMBER", "COMMA", "LBRACE"):
        begin -= 1
    words = [str(token) for token in tokens[max(begin - 2, 0) : begin + 1]]
    if words != ["hold", "latency", "="]:
        return []
    if str(unit) not in TIMES or unit.start_pos != number.end_pos:
        return []
    if not number.replace(".", "", 1).isdecimal():
        return []
    return [f"a latency is in seconds: `{float(number) * TIMES[str(unit)]:.10g}`"]


def _value_hint(token: Token, before: Token, begins: bool, expected: set[str]) -> list[str]:
    if token.type == "NAME" and str(token) in ("step", "log"):
        return [f"`{token}` belongs after a range: `16..128 step 8`, `1e-4..1e-1 log`"]
    if token.type == "NAME" and before.type == "NUMBER" and before.end_pos == token.start_pos:
        return ["a number may end in K, M, G, T or %"]
    if {"IN", "COMMA"} <= expected and "PLUS" not in expected and token.type != "NAME":
        return ["write the values that it may take after `in`"]
    if "COMMA" in expected:
        return ["is a comma missing before it?"]
    if before.type == "NAME" and begins and token.type in ("NUMBER", "SHAPE", "STRING", "LSQB"):
        return [f"put arguments in parentheses: `{before}(...)`"]
    if "_SEP" in expected or expected == {"LBRACE"}:
        return ["begin each statement on a new line, and put `->` between the layers of a chain"]
    return []
