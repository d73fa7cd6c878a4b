"""Specs and searches with something wrong: those that come with archdsl, a few tokens changed."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st
from lark import Token

from archdsl.diagnostics.source import Source
from archdsl.elaborate.functions import FUNCTIONS
from archdsl.files import SEARCH as SEARCH_FILES
from archdsl.files import builtin_folder
from archdsl.layers.init import FUNCTIONS as INITIALISATIONS
from archdsl.registry import REGISTRY
from archdsl.syntax.language import SEARCH, tokenize

SHORT = 2500  # characters: longer specs only take longer

# Small specs that hold what those of the zoo do not, and the shorter ones of the zoo.
FOLDERS = (Path(__file__).parent / "specs", builtin_folder())
SPECS = [
    text
    for folder in FOLDERS
    for path in sorted(folder.glob("*.arch"))
    if len(text := path.read_text("utf-8")) <= SHORT
]

WORDS = sorted({*REGISTRY.layers, *REGISTRY.patterns, *FUNCTIONS, *INITIALISATIONS})
ODD = (
    *(
        "0",
        "1",
        "2",
        "3",
        "7",
        "0.5",
        "1e300",
        "1e-300",
        "10M",
        "15%",
        "2x2",
        "1x1x1x1",
        "10000000000",
    ),
    *(
        '""',
        '"a"',
        "true",
        "false",
        "[]",
        "[1, 2]",
        "[[1], relu]",
        "(1, 2)",
        "1..3",
        "5..1",
        "1..10^9",
    ),
    *(
        "in.channels",
        "in.size",
        "relu",
        "conv",
        "conv(3, 1)",
        "{ relu }",
        "relu -> bn",
        "bn { }",
        "_",
    ),
    *(
        "(-1)",
        "1 / 3",
        "2 ^ 0.5",
        "10 ^ 10",
        "not true",
        "identity",
        "residual",
        "add",
        "max",
        "zeros",
    ),
    *(
        "match 1 { 1 => 2 }",
        "[x for x in 1..3]",
        "1 if true else relu",
        "x.channels",
        "auto",
        "none",
    ),
)
SYMBOLS = tuple(
    "( ) [ ] { } , ; : = -> => .. . + - * / // % ^ < <= == != in and or not as if".split()
)


OPERANDS = frozenset("NUMBER SHAPE STRING TRUE FALSE".split())


# Searches that hold what may be said, and what may be said of the ones in the others.
SEARCHES = [
    *(path.read_text("utf-8") for path in sorted(builtin_folder(SEARCH_FILES).glob("*.search"))),
    """search all
spec resnet_cifar
vary depth in {8, 14, 20}, shortcut in {"A", "B"}
hold macs = {1M, 2M} within 5% by width
data fashion_mnist(train = 5000, validation = 10%)
train epochs = 2, optimizer = adamw, schedule = step(at = [1]), warmup = 0.5, clip = 1
tune lr in 0.01..1 log, weight_decay in 1e-5..1e-3 log
minimize error
sampler gp
baseline random
seeds 2 then 3
trials 8
timeout 10min
""",
]
SAID = tuple(
    """accuracy macs params activations latency width depth classes lr batch epochs digits cifar10
    median hyperband tpe random grid gp cmaes nsga2 sgd adamw cosine step one_cycle constant crop
    within by then log in spec vary hold data train tune maximize minimize sampler prune""".split()
)
NUMBERS = (*"0 -1 0.5 1 1e300 10^30 10M 5% {1,2} 1..2 {1M,10^30} 1..10^9 10h 5..1 [1]".split(), "x")


@st.composite
def search_mutants(draw: st.DrawFn) -> str:
    """A search in which one or two tokens were replaced, deleted or doubled."""
    text = draw(st.sampled_from(SEARCHES))
    source = Source("x", text)
    tokens = [t for t in tokenize(source, SEARCH) if t.type not in ("_NEWLINE", "COMMENT")]
    new = {t.start_pos or 0: str(t) for t in tokens}
    for _ in range(draw(st.integers(1, 2))):
        token = draw(st.sampled_from(tokens))
        other = draw(st.sampled_from(tokens))
        kinds = [NUMBERS, SAID, ("", f"{token} {token}", str(other)), ODD]
        new[token.start_pos or 0] = draw(st.sampled_from(draw(st.sampled_from(kinds))))
    return _written(text, tokens, new)


@st.composite
def mutants(draw: st.DrawFn, changes: int = 4) -> str:
    """A spec in which up to so many tokens were replaced, and some deleted, doubled or swapped."""
    text = draw(st.sampled_from(SPECS))
    tokens = [t for t in tokenize(Source("x", text)) if t.type not in ("_NEWLINE", "COMMENT")]
    names = sorted({str(t) for t in tokens if t.type == "NAME"})
    new = {t.start_pos or 0: str(t) for t in tokens}
    for _ in range(draw(st.integers(1, changes))):
        token = tokens[draw(st.integers(0, len(tokens) - 1))]
        at = token.start_pos or 0
        kind = draw(st.integers(0, 9))
        if kind == 0:
            new[at] = draw(st.sampled_from(("", f"{token} {token}", f" {draw(_symbols)} ")))
        elif kind == 1:
            other = tokens[draw(st.integers(0, len(tokens) - 1))].start_pos or 0
            new[at], new[other] = new[other], new[at]
        elif token.type in OPERANDS or (token.type == "NAME" and kind == 2):
            new[at] = draw(st.sampled_from(ODD))
        elif token.type == "NAME":
            new[at] = draw(st.sampled_from(WORDS if kind == 3 else names))
    return _written(text, tokens, new)


_symbols = st.sampled_from(SYMBOLS)


def _written(text: str, tokens: list[Token], new: dict[int, str]) -> str:
    """A text with other tokens in the place of its own, and all else as it was."""
    pieces: list[str] = []
    end = 0
    for token in tokens:
        start = token.start_pos or 0
        pieces += [text[end:start], new[start]]
        end = start + len(token)
    return "".join([*pieces, text[end:]])
