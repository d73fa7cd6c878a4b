"""The grammar for editors colours what the parser reads."""

import json
import re
from collections.abc import Iterator
from importlib.resources import files

import pytest

from archdsl.registry import REGISTRY

FOLDER = files("archdsl.grammars")
GRAMMAR = json.loads((FOLDER / "arch.tmLanguage.json").read_text("utf-8"))


def rules(node: dict) -> Iterator[dict]:
    """The rules of a node in the order in which they are tried."""
    if "include" in node:
        yield from rules(GRAMMAR["repository"][node["include"].removeprefix("#")])
    elif "match" in node or "begin" in node:
        yield node
    else:
        for inner in node["patterns"]:
            yield from rules(inner)


RULES = list(rules(GRAMMAR))


def scopes(line: str) -> list[tuple[str, str]]:
    """The coloured pieces of a line: as TextMate, the leftmost match, the first rule of equals."""
    found, at = [], 0
    while at < len(line):
        matches = []
        for order, rule in enumerate(RULES):
            source = rule.get("match") or f'{rule["begin"]}(?:\\\\.|[^"])*(?:{rule["end"]})'
            if (match := re.compile(source).search(line, at)) is not None:
                matches.append((match.start(), order, match, rule))
        if not matches:
            break
        _, _, match, rule = min(matches, key=lambda m: m[:2])
        if "name" in rule:
            found.append((match[0].strip(), rule["name"]))
        for number, capture in rule.get("captures", {}).items():
            found.append((match[int(number)], capture["name"]))
        at = max(match.end(), at + 1)
    return found


def test_the_grammar_is_whole():
    assert GRAMMAR["scopeName"] == "source.arch" and GRAMMAR["fileTypes"] == ["arch"]
    names = set(re.findall(r'"#(\w+)"', json.dumps(GRAMMAR)))
    assert names == set(GRAMMAR["repository"])


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.get("name", ""))
def test_every_expression_compiles(rule):
    for key in ("match", "begin", "end"):
        if key in rule:
            re.compile(rule[key])


def test_its_keywords_are_those_of_the_parser():
    parsed = "".join((FOLDER / f).read_text("utf-8") for f in ("expressions.lark", "arch.lark"))
    code = re.sub(r"//.*", "", parsed)
    expressions = [r["match"] for r in RULES if "match" in r and "pattern" not in r.get("name", "")]
    coloured = {
        word
        for expression in expressions
        for group in re.findall(r"\(([a-z]+(?:\|[a-z]+)*)\)", expression)
        for word in group.split("|")
    }
    assert coloured == set(re.findall(r'"([a-z]+)"', code))


def test_it_knows_the_patterns():
    (rule,) = (r for r in RULES if "pattern" in r.get("name", ""))
    assert set(re.findall(r"[a-z]{4,}", rule["match"])) == set(REGISTRY.patterns)


@pytest.mark.parametrize(
    ("line", "piece", "scope"),
    [
        ("## a comment", "## a comment", "comment.line.documentation.arch"),
        ("relu  # a comment", "# a comment", "comment.line.number-sign.arch"),
        ('paper "A # b", year = 2016', '"A # b"', "string.quoted.double.arch"),
        ("arch net(width = 16)", "net", "entity.name.function.arch"),
        ("  block unit(c) { bn }", "block", "keyword.other.statement.arch"),
        ("input 3x224x224", "3x224x224", "constant.numeric.shape.arch"),
        ("require macs <= 4.1G", "4.1G", "constant.numeric.arch"),
        ("let a = 15%", "15%", "constant.numeric.arch"),
        ("stem: conv(16, 3)", "stem", "entity.name.tag.arch"),
        ("stem: conv(16, 3)", "conv", "entity.name.function.call.arch"),
        ("if a { x: bn }", "x", "entity.name.tag.arch"),
        ("conv(in.channels, 1)", "in", "variable.language.arch"),
        ("for c in widths { relu }", "in", "keyword.control.arch"),
        ("a = 8 in 8..64 step 8", "step", "keyword.operator.range.arch"),
        ("branch concat { identity }", "branch", "support.function.pattern.arch"),
        ("bn -> relu", "->", "keyword.operator.arch"),
    ],
)
def test_colours(line, piece, scope):
    assert (piece, scope) in scopes(line)


@pytest.mark.parametrize(
    ("line", "piece", "kind"),
    [
        ("  input = 3,", "input", "keyword"),
        ("conv(log, 3)", "log", "keyword"),
        ("step: conv(16, 3)", "step", "keyword"),
        ("dense: conv(16, 3)", "dense", "support"),
        ("conv(10, 3)  # for ever", "for", "keyword"),
    ],
)
def test_names_are_not_taken_for_keywords(line, piece, kind):
    assert not any(p == piece and s.startswith(kind) for p, s in scopes(line))
