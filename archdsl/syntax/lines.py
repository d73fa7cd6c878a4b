"""Which line ends end a statement, and which words are keywords where they stand.

A filter between the lexer and the parser. Inside parentheses and brackets a line
end means nothing and a `;` is a mistake; inside braces, and at the top of a file,
both end a statement, a line end unless the line clearly goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lark import Token

OPEN = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
CLOSE = frozenset(OPEN.values())

# After one of these a statement goes on in the next line; before one of these it
# goes on from the last.
_OPERATORS = "PLUS MINUS STAR SLASH FLOOR_DIVIDE MODULO POWER EQ NE LE GE LT GT AND OR"
_GOES_ON = frozenset(
    f"{_OPERATORS} NOT COMMA EQUAL COLON IF ELSE IN _ARROW _DOTS _MEANS VBAR".split()
)
_CARRIES_ON = frozenset(["_ARROW", "ELSE", "AND", "OR", "RBRACE", "WITHIN", "BY", "THEN"])

# Keywords after an operand only.
_AFTER_OPERAND = frozenset(["_STEP", "LOG", "WITHIN", "BY", "THEN"])
_OPERAND_ENDS = frozenset(
    ["NUMBER", "SHAPE", "STRING", "NAME", "TRUE", "FALSE", "RPAR", "RSQB", "RBRACE"]
)


def statements(
    tokens: Iterable[Token], starters: frozenset[str], within: Iterable[Token] = ()
) -> list[Token]:
    """The tokens for the parser: ``_SEP`` between statements, comments left out.

    ``starters`` are the keywords that begin a statement; anywhere else they are
    plain names, and so are ``step`` and ``log`` where no range can end. An ``as`` that counts what
    is within a body, ``as i {``, is a ``_TURN``. ``within`` are the brackets that are open before
    the first token.
    """
    found = list(_statements(tokens, starters, within))
    for at, token in enumerate(found[:-2]):
        if token.type == "AS" and found[at + 2].type == "LBRACE":
            found[at] = Token.new_borrow_pos("_TURN", str(token), token)
    return found


def _statements(
    tokens: Iterable[Token], starters: frozenset[str], within: Iterable[Token]
) -> Iterator[Token]:
    brackets = Brackets(within)
    waiting: Token | None = None
    last = "LBRACE"
    for token in tokens:
        kind = token.type
        if kind == "COMMENT":
            continue
        if kind in ("_NEWLINE", "_SEMICOLON") and (brackets.at_statements or kind == "_NEWLINE"):
            if brackets.at_statements and (kind == "_SEMICOLON" or last not in _GOES_ON):
                waiting = waiting or token
            continue
        brackets.take(token)
        if waiting is not None and last != "LBRACE" and kind not in _CARRIES_ON:
            yield Token.new_borrow_pos("_SEP", "\n", waiting)
            last = "_SEP"
        waiting = None
        if (
            (kind in starters and last not in ("LBRACE", "_SEP"))
            or (kind in _AFTER_OPERAND and last not in _OPERAND_ENDS)
            or (kind == "TABLE" and last != "WITH")
        ):
            token = Token.new_borrow_pos("NAME", str(token), token)
        last = token.type
        yield token


class Brackets:
    """The brackets that are open, innermost last, while tokens go by."""

    def __init__(self, within: Iterable[Token] = ()) -> None:
        self.open: list[Token] = list(within)
        self.unclosed: list[Token] = []  # those that a bracket around them ended
        self.pairs: list[tuple[Token, Token]] = []  # those that were closed, inner ones first

    @property
    def at_statements(self) -> bool:
        """Whether a line end can end a statement here."""
        return not self.open or self.open[-1].type == "LBRACE"

    def never_closed(self, token: Token) -> bool:
        """Whether this very token is a bracket that nothing has closed."""
        return any(t is token for t in (*self.open, *self.unclosed))

    def take(self, token: Token) -> None:
        """A closing bracket closes its like, and what was left open within; no bracket but a
        brace reaches over a brace."""
        kind = token.type
        if kind in OPEN:
            self.open.append(token)
            return
        if kind not in CLOSE:
            return
        for count, bracket in enumerate(reversed(self.open)):
            if OPEN[bracket.type] == kind:
                for _ in range(count):
                    self.unclosed.append(self.open.pop())
                self.pairs.append((self.open.pop(), token))
                return
            if bracket.type == "LBRACE":
                return


def brackets_before(tokens: Iterable[Token]) -> Brackets:
    """The brackets that are open after these tokens."""
    brackets = Brackets()
    for token in tokens:
        brackets.take(token)
    return brackets
