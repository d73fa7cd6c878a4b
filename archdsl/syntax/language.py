"""A language of archdsl: its grammar, its parser, its tokens."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from operator import itemgetter
from pathlib import Path
from typing import Any

from lark import Lark, Token

from archdsl.diagnostics.source import Source
from archdsl.syntax.build import TreeBuilder
from archdsl.syntax.build_search import SearchBuilder


class _Everything:
    """Keeps the lexer's comments and line ends: ``statements`` sorts them out."""

    always_accept = ("_NEWLINE", "_SEMICOLON", "COMMENT", "STRAY")

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        return stream


@dataclass(frozen=True)
class Language:
    """A grammar file, and the keywords that begin its statements.

    ``blank``: the tokens of a statement that takes the place of one with a mistake; the first can
    stand only where a statement begins. ``sets``: the tokens after which a brace opens a set of
    values, and not a body.
    """

    grammar: str
    starters: frozenset[str]
    builder: type[TreeBuilder]
    blank: tuple[str, ...]
    sets: frozenset[str] = frozenset(["IN"])

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
            made = Lark(text, cache=cached, **options) if cached else Lark(text, **options)
        except OSError:  # a cache that cannot be written is no reason to stop
            made = Lark(text, **options)
        hand_on(made)
        return made


ARCH = Language(
    "arch.lark",
    frozenset(
        "ARCH INPUT DEFAULT LET FN REQUIRE USE BLOCK OUTPUT PAPER VARIANT FIX".split(),
    ),
    TreeBuilder,
    ("REQUIRE", "NAME"),
)
SEARCH = Language(
    "search.lark",
    frozenset(
        "SEARCH SPEC VARY HOLD DATA TRAIN TUNE EXPLORE MAXIMIZE MINIMIZE SEEDS SETTLE FOLDS "
        "TARGET TRIALS TIMEOUT PRUNE SAMPLER BASELINE".split()
    ),
    SearchBuilder,
    ("SEARCH", "NAME"),
    frozenset(["IN", "EQUAL"]),
)


def hand_on(parser: Lark) -> None:
    """Makes rules that are another rule, as a sum of one product is that product, hand on what they
    are given. Lark looks there for positions that it has already: half the time of reading a text,
    where a number is a dozen such rules deep. The name is private to Lark: without it a text is
    read as well, and takes longer."""
    made = getattr(parser, "_callbacks", {})
    for rule in made:
        options, parts = rule.options, rule.expansion
        if not options.expand1 or rule.alias or len(parts) > 1 or any(options.empty_indices):
            continue
        if parts and not parts[0].is_term and not parts[0].name.startswith("_"):
            made[rule] = itemgetter(0)


def language_of(name: str) -> Language:
    """The language of a file, by the ending of its name."""
    return SEARCH if name.endswith(".search") else ARCH


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
