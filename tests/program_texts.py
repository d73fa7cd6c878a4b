"""Random texts that parse: every statement and expression in every other, laid out anyhow.

What they say makes no sense: names stand for nothing. ``spec_texts()`` is the strategy.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

NAMES = ("a", "b2", "width", "conv", "relu", "bn", "_x", "Conv2d", "x3", "K", "e5", "iffy", "notes")
SOFT = (  # keywords somewhere, plain names elsewhere
    *("arch", "input", "default", "let", "fn", "require", "use", "block", "output"),
    *("paper", "variant", "fix", "step", "log"),
)
NUMBERS = ("0", "1", "42", "0.5", "1e-4", "2.5E+3", "10M", "4.1G", "15%", "500K", "1000000", "007")
TEXTS = ('""', '"a"', '"a # b"', '"\\"quoted\\" \\\\ and\\nmore"', '"{ [ ("', '"-> é 日本"')
SHAPES = ("3x224x224", "1x7", "3x3", "16x1x1x1")
SYMBOLS = ("+", "-", "*", "/", "//", "%", "^", "and", "or")
COMPARISONS = ("==", "!=", "<", "<=", ">", ">=", "in")
COMMENTS = ("#", "# why", "## what follows", '#! -> { [ ( "', "#\t tabs  and end  ", "# é 日本")

GOES_ON = frozenset((*SYMBOLS, *COMPARISONS, "->", "=", ",", "=>", ":", "..", "not", "|"))
CARRIES_ON = frozenset(("->", "and", "or", "else"))
OPEN, CLOSE = frozenset("([{"), frozenset(")]}")
SEPARATOR = ";"


class Writer:
    """Makes the tokens of a text: ``draw`` decides, ``fuel`` bounds how much there is."""

    def __init__(self, draw: st.DrawFn, fuel: int) -> None:
        self.draw = draw
        self.fuel = fuel
        self.tokens: list[str] = []
        self.depth = 0

    def put(self, *tokens: str) -> None:
        self.tokens.extend(tokens)

    def one(self, *choices: str) -> str:
        return self.draw(st.sampled_from(choices))

    def perhaps(self) -> bool:
        return self.draw(st.booleans())

    def times(self, least: int, most: int) -> range:
        return range(self.draw(st.integers(least, least if self.fuel <= 0 else most)))

    def name(self, soft: bool = True) -> None:
        self.put(self.one(*NAMES, *SOFT) if soft and self.perhaps() else self.one(*NAMES))

    def comma_separated(self, item: Callable[[], None], least: int = 0, most: int = 3) -> int:
        count = len(self.times(least, most))
        for i in range(count):
            if i:
                self.put(",")
            item()
        if count and self.perhaps():
            self.put(",")
        return count

    # ------------------------------------------------------------------ expressions

    def expression(self) -> None:
        """What may stand wherever a value may, a body excepted."""
        self.fuel -= 1
        self.depth += 1
        if self.fuel <= 0 or self.depth > 5:
            self.leaf()
        else:
            kinds = (
                self.leaf, self.leaf, self.operators, self.comparison, self.ternary, self.range,
                self.list, self.comprehension, self.match, self.call, self.postfix, self.group,
                self.unary,
            )  # fmt: skip
            self.draw(st.sampled_from(kinds))()
        self.depth -= 1

    def operand(self) -> None:
        """An expression that binds tighter than any operator."""
        if self.perhaps():
            self.leaf()
        else:
            self.group()

    def leaf(self) -> None:
        kind = self.draw(st.integers(0, 6))
        if kind == 0:
            self.put(self.one(*NUMBERS))
        elif kind == 1:
            self.put(self.one(*TEXTS))
        elif kind == 2:
            self.put(self.one(*SHAPES))
        elif kind == 3:
            self.put(self.one("true", "false"))
        elif kind == 4:
            self.put("in", ".", self.one("channels", "size", "log"))
        else:
            self.name()

    def group(self) -> None:
        self.put("(")
        self.expression()
        self.put(")")

    def unary(self) -> None:
        self.put(self.one("-", "not"))
        self.operand()

    def operators(self) -> None:
        self.operand()
        for _ in self.times(1, 3):
            self.put(self.one(*SYMBOLS))
            if self.draw(st.integers(0, 3)) == 0:
                self.put("-")
            self.operand()

    def comparison(self) -> None:
        self.operand()
        for _ in self.times(1, 2):
            self.put(self.one(*COMPARISONS))
            self.operand()

    def ternary(self) -> None:
        self.operand()
        self.put("if")
        self.operand()
        self.put("else")
        self.operand()

    def range(self) -> None:
        self.operand()
        self.put("..")
        self.operand()
        if self.perhaps():
            self.put("step")
            self.operand()

    def list(self) -> None:
        if self.perhaps():
            self.put("[")
            self.comma_separated(self.chain)
            self.put("]")
        else:
            self.put("(")
            self.chain()
            self.put(",")
            self.comma_separated(self.chain)
            self.put(")")

    def target(self) -> None:
        if self.perhaps():
            self.name()
        else:
            self.put("(")
            self.name()
            self.put(",")
            self.comma_separated(self.name, least=1)
            self.put(")")

    def comprehension(self) -> None:
        self.put("[")
        self.chain()
        for _ in self.times(1, 2):
            self.put("for")
            self.target()
            self.put("in")
            self.operand()
            if self.perhaps():
                self.put("if")
                self.operand()
        self.put("]")

    def match(self) -> None:
        self.put("match")
        self.operand()
        self.put("{")
        for i in self.times(1, 3):
            if i:
                self.put(self.one(",", SEPARATOR))
            start = len(self.tokens)
            self.operand()
            if self.tokens[start] in SOFT:  # at the start of a line it would be a keyword
                self.tokens[start] = "a"
            for _ in self.times(0, 2):
                self.put("|")
                self.operand()
            self.put("=>")
            self.chain()
        self.put("}")

    def call(self) -> None:
        self.name()
        self.arguments()

    def arguments(self) -> None:
        self.put("(")
        self.comma_separated(self.argument)
        self.put(")")

    def argument(self) -> None:
        if self.perhaps():
            self.name()
            self.put("=")
        self.chain()

    def postfix(self) -> None:
        self.name()
        for _ in self.times(1, 2):
            if self.perhaps():
                self.put("[")
                self.expression()
                self.put("]")
            else:
                self.put(".")
                self.name()

    # ----------------------------------------------------------- layer expressions

    def chain(self, soft: bool = True) -> None:
        self.linked(self.times(1, 3), lambda i: self.link(soft or i > 0))

    def linked(self, links: range, link: Callable[[int], None]) -> None:
        """Links with arrows between them; conditionals that others follow get parentheses."""
        for i in links:
            if i:
                self.put("->")
            start = len(self.tokens)
            link(i)
            if i + 1 < len(links) and conditional(self.tokens[start:]):  # A021
                self.tokens.insert(start, "(")
                self.put(")")

    def link(self, soft: bool) -> None:
        kind = self.draw(st.integers(0, 5))
        if kind == 0 and self.fuel > 0 and self.depth < 5:
            self.bodied(soft)
        elif kind == 1 and self.fuel > 0 and self.depth < 5:
            self.body()
        elif soft:
            self.expression()
        else:  # a statement begins here: soft words would be keywords
            self.name(soft=False)
            if self.perhaps():
                self.arguments()

    def bodied(self, soft: bool) -> None:
        self.name(soft)
        if self.perhaps():
            self.arguments()
        if self.perhaps():
            self.put(self.one(*NAMES))
        if self.perhaps():
            self.put("as", self.one(*NAMES))
        self.body()

    def body(self) -> None:
        self.fuel -= 1
        self.depth += 1
        self.put("{")
        self.statements(self.inner_statement, 3)
        self.put("}")
        self.depth -= 1

    # ------------------------------------------------------------------- statements

    def statements(self, statement: Callable[[], None], most: int) -> None:
        for i in self.times(0, most):
            if i:
                self.put(SEPARATOR)
            statement()

    def inner_statement(self) -> None:
        self.draw(st.sampled_from((self.flow, self.flow, self.let, self.default, self.require)))()

    def top_statement(self) -> None:
        kinds = (
            self.flow, self.let, self.fn, self.block, self.arch, self.input, self.default,
            self.require, self.use, self.output, self.paper, self.variant, self.fix,
        )  # fmt: skip
        self.draw(st.sampled_from(kinds))()

    def flow(self) -> None:
        self.fuel -= 1
        if self.draw(st.integers(0, 3)) == 0:
            self.name(soft=False)
            self.put(":")
        kind = self.draw(st.integers(0, 6))
        if kind == 0:
            self.if_()
        elif kind == 1:
            self.put("for")
            self.target()
            self.put("in")
            self.expression()
            self.turn()
        elif kind == 2:
            self.put("repeat")
            self.expression()
            self.turn()
        else:
            self.chain(soft=False)
        if self.draw(st.integers(0, 3)) == 0:
            self.put("as")
            self.name()

    def turn(self) -> None:
        if self.perhaps():
            self.put("as")
            self.name()
        self.body()

    def if_(self) -> None:
        self.put("if")
        self.operand()
        self.body()
        for _ in self.times(0, 2):
            self.put("else", "if")
            self.operand()
            self.body()
        if self.perhaps():
            self.put("else")
            self.body()

    def let(self) -> None:
        self.put("let")
        self.target()
        self.put("=")
        self.chain()

    def parameters(self) -> None:
        self.put("(")
        self.comma_separated(self.parameter)
        self.put(")")

    def parameter(self) -> None:
        self.name()
        if self.perhaps():
            self.put("=")
            self.chain()

    def fn(self) -> None:
        self.put("fn")
        self.name()
        self.parameters()
        self.put("=")
        self.expression()

    def block(self) -> None:
        self.put("block")
        self.name()
        if self.perhaps():
            self.parameters()
        self.body()

    def knob(self) -> None:
        self.name()
        self.put("=")
        self.operand()
        if not self.perhaps():
            return
        self.put("in")
        if self.perhaps():
            self.put("{")
            start = len(self.tokens)
            self.comma_separated(self.chain, least=1)
            if self.tokens[start] in SOFT:  # after a brace it would be a keyword
                self.tokens[start] = "a"
            self.put("}")
        else:
            self.operand()
            self.put("..")
            self.operand()
            if self.perhaps():
                self.put("step")
                self.operand()
            if self.perhaps():
                self.put("log")

    def arch(self) -> None:
        self.put("arch")
        self.name()
        if self.perhaps():
            self.put("(")
            self.comma_separated(self.knob)
            self.put(")")

    def input(self) -> None:
        self.put("input")
        self.expression()

    def default(self) -> None:
        self.put("default")
        self.name()
        self.arguments()

    def require(self) -> None:
        self.put("require")
        self.expression()
        if self.perhaps():
            self.put(",", self.one(*TEXTS))

    def use(self) -> None:
        self.put("use", self.one(*TEXTS))
        for i in self.times(0, 2):
            self.put("," if i else ":")
            self.name()
            if self.perhaps():
                self.put("as")
                self.name()

    def output(self) -> None:
        self.put("output")
        self.name()
        if self.perhaps():
            self.arguments()
        self.body()

    def paper(self) -> None:
        self.put("paper", self.one(*TEXTS))
        for _ in self.times(0, 2):
            self.put(",")
            self.name()
            self.put("=")
            self.operand()

    def fact(self) -> None:
        if self.perhaps():
            self.paper()
        else:
            self.name(soft=False)
            self.arguments()

    def variant(self) -> None:
        self.put("variant")
        self.name()
        if self.perhaps():
            self.arguments()
        if self.perhaps():
            self.put("{")
            self.statements(self.fact, 2)
            self.put("}")

    def fix(self) -> None:
        self.put("fix")
        self.name()
        for _ in self.times(0, 2):
            self.put(".")
            self.name()
        self.put("=")
        self.expression()


def laid_out(tokens: list[str], draw: st.DrawFn) -> str:
    """The tokens as a text, with spaces, line ends and comments wherever they may stand."""
    text = ""
    stack: list[str] = []
    before = ""
    for token in tokens:
        if token == SEPARATOR and (not stack or stack[-1] == "{"):
            text += _separator(draw)
        else:
            if before and before != SEPARATOR:
                text += _gap(before, token, stack, draw)
            text += token
        if token in OPEN:
            stack.append(token)
        elif token in CLOSE:
            stack.pop()
        before = token
    return text + draw(st.sampled_from(("\n", "", "\n\n\n", "  # the end", "\n# the end\n")))


def _separator(draw: st.DrawFn) -> str:
    plain = st.sampled_from(("\n", "\n", "\n", "; ", ";", " ;\n", "\n\n\n", "\r\n", "\n\t\n"))
    noted = st.sampled_from(COMMENTS).map(lambda c: f"  {c}\n")
    alone = st.sampled_from(COMMENTS).map(lambda c: f"\n\n  {c}\n{c}\n")
    return draw(st.one_of(plain, plain, noted, alone))


def conditional(tokens: list[str]) -> bool:
    """Whether an expression is a conditional, outside of all brackets."""
    depth = 0
    for token in tokens:
        depth += (token in ("(", "[", "{")) - (token in (")", "]", "}"))
        if token == "if" and depth == 0:
            return True
    return False


def _gap(before: str, token: str, stack: list[str], draw: st.DrawFn) -> str:
    """What stands between two tokens of a statement."""
    space = draw(st.sampled_from(("", " ", " ", "  ", "\t")))
    needed = _word(before[-1]) and _word(token[0])
    needed = needed or token == "%" or before[-1] == "%"  # `5 % 3` is no 5%
    needed = needed or (token in ("..", ".") and before[-1].isdigit() and token == ".")
    free = bool(stack) and stack[-1] in "(["
    breaks = free or before in GOES_ON or before == "{" or token in CARRIES_ON or token == "}"
    if breaks and draw(st.integers(0, 5)) == 0:
        comment = draw(st.sampled_from(("", "", *COMMENTS)))
        return f"{space}{comment}\n{space}"
    return " " if needed and not space else space


def _word(c: str) -> bool:
    return c.isalnum() or c in '_"'


@st.composite
def spec_texts(draw: st.DrawFn, fuel: int = 40) -> str:
    """A text of up to about ``fuel`` expressions that parses."""
    writer = Writer(draw, fuel)
    writer.statements(writer.top_statement, 6)
    return laid_out(writer.tokens, draw)
