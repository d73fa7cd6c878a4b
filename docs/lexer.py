"""The colours of .arch and .search in the documents: the TextMate grammars, read by Pygments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from pygments import lexers
from pygments.lexer import Lexer
from pygments.token import Comment, Keyword, Name, Number, Operator, String, Text

KINDS = {
    "comment": Comment.Single,
    "string": String.Double,
    "keyword.operator": Operator,
    "keyword": Keyword,
    "constant.numeric": Number,
    "constant": Keyword.Constant,
    "entity.name.tag": Name.Label,
    "entity": Name.Function,
    "support": Name.Builtin,
    "variable": Name.Variable,
}


def kind(scope: str) -> Any:
    """The kind of token of a scope."""
    return next((k for prefix, k in KINDS.items() if scope.startswith(prefix)), Text)


@cache
def rules(language: str) -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    """The rules of a grammar, in the order in which they are tried."""
    text = (files("archdsl.grammars") / f"{language}.tmLanguage.json").read_text("utf-8")
    grammar = json.loads(text)

    def flat(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if "include" in node:
            yield from flat(grammar["repository"][node["include"].removeprefix("#")])
        elif "match" in node or "begin" in node:
            yield node
        else:
            for inner in node["patterns"]:
                yield from flat(inner)

    return [
        (re.compile(r.get("match") or f'{r["begin"]}(?:\\\\.|[^"])*?(?:{r["end"]})'), r)
        for r in flat(grammar)
    ]


class GrammarLexer(Lexer):
    """Colours line by line: the leftmost match, and of those the first rule's."""

    language = ""

    def get_tokens_unprocessed(self, text: str) -> Iterator[tuple[int, Any, str]]:
        start = 0
        for line in text.splitlines(keepends=True):
            at = 0
            for begin, end, scope in pieces(line.rstrip("\n"), self.language):
                if begin > at:
                    yield start + at, Text, line[at:begin]
                yield start + begin, kind(scope), line[begin:end]
                at = end
            if at < len(line):
                yield start + at, Text, line[at:]
            start += len(line)


def pieces(line: str, language: str) -> Iterator[tuple[int, int, str]]:
    """The coloured pieces of a line, in their order."""
    at = 0
    while at < len(line):
        found = [
            (m.start(), i) for i, (p, _) in enumerate(rules(language)) if (m := p.search(line, at))
        ]
        if not found:
            return
        pattern, rule = rules(language)[min(found)[1]]
        match = pattern.search(line, at)
        assert match is not None
        if "name" in rule:
            yield match.start(), match.end(), rule["name"]
        for group, capture in rule.get("captures", {}).items():
            if match[int(group)]:
                yield *match.span(int(group)), capture["name"]
        at = max(match.end(), at + 1)


class ArchLexer(GrammarLexer):
    name, aliases, filenames, language = "arch", ["arch"], ["*.arch"], "arch"


class SearchLexer(GrammarLexer):
    name, aliases, filenames, language = "search", ["search"], ["*.search"], "search"


def register() -> None:
    """Lets Pygments find them by name."""
    for lexer in (ArchLexer, SearchLexer):
        entry = (__name__, lexer.name, tuple(lexer.aliases), tuple(lexer.filenames), ())
        lexers.LEXERS[lexer.__name__] = entry
        lexers._lexer_cache[lexer.name] = lexer
