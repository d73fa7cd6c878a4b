"""The grammars for editors colour what the parser reads."""

import json
import re
from collections.abc import Iterator
from importlib.resources import files

import pytest

from archdsl.registry import REGISTRY

FOLDER = files("archdsl.grammars")
NAMES = ("arch", "search")
GRAMMARS = {n: json.loads((FOLDER / f"{n}.tmLanguage.json").read_text("utf-8")) for n in NAMES}


def rules(node: dict, name: str) -> Iterator[dict]:
    """The rules of a node in the order in which they are tried."""
    if "include" in node:
        yield from rules(GRAMMARS[name]["repository"][node["include"].removeprefix("#")], name)
    elif "match" in node or "begin" in node:
        yield node
    else:
        for inner in node["patterns"]:
            yield from rules(inner, name)


RULES = {name: list(rules(grammar, name)) for name, grammar in GRAMMARS.items()}


def scopes(line: str, name: str = "arch") -> list[tuple[str, str]]:
    """The coloured pieces of a line: as TextMate, the leftmost match, the first rule of equals."""
    found, at = [], 0
    while at < len(line):
        matches = []
        for order, rule in enumerate(RULES[name]):
            source = rule.get("match") or f'{rule["begin"]}(?:\\\\.|[^"])*(?:{rule["end"]})'
            if (match := re.compile(source).search(line, at)) is not None:
                matches.append((match.start(), order, match, rule))
        if not matches:
            break
        _, _, match, rule = min(matches, key=lambda m: m[:2])
        if "name" in rule:
            found.append((match[0].strip(), rule["name"]))
        for number, capture in rule.get("captures", {}).items():
            if match[int(number)]:
                found.append((match[int(number)], capture["name"]))
        at = max(match.end(), at + 1)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_grammar_is_whole(name):
    grammar = GRAMMARS[name]
    assert grammar["scopeName"] == f"source.{name}" and grammar["fileTypes"] == [name]
    names = set(re.findall(r'"#(\w+)"', json.dumps(grammar)))
    assert names == set(grammar["repository"])
    scope_names = re.findall(r'"name": "([^"]+\.[^"]+)"', json.dumps(grammar))
    assert scope_names and all(scope.endswith(f".{name}") for scope in scope_names)


@pytest.mark.parametrize("name", NAMES)
def test_every_expression_compiles(name):
    for rule in RULES[name]:
        for key in ("match", "begin", "end"):
            if key in rule:
                re.compile(rule[key])


@pytest.mark.parametrize("name", NAMES)
def test_its_keywords_are_those_of_the_parser(name):
    parsed = "".join((FOLDER / f).read_text("utf-8") for f in ("expressions.lark", f"{name}.lark"))
    code = re.sub(r"//.*", "", parsed)
    coloured = {
        word
        for rule in RULES[name]
        if "match" in rule and not rule.get("name", "").startswith(("support", "constant.numeric"))
        for group in re.findall(r"\(([a-z]+(?:\|[a-z]+)*)\)", rule["match"])
        for word in group.split("|")
    }
    assert coloured == set(re.findall(r'"([a-z]+)"', code))


def test_it_knows_the_patterns():
    (rule,) = (r for r in RULES["arch"] if "pattern" in r.get("name", ""))
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


@pytest.mark.parametrize(
    ("line", "piece", "scope"),
    [
        ("search first", "first", "entity.name.function.search"),
        ("spec wide_resnet", "wide_resnet", "entity.name.function.call.search"),
        ('spec "small.arch"', "spec", "keyword.other.statement.search"),
        ("vary depth in {10, 16}", "in", "keyword.control.search"),
        ("hold macs = 1M within 5% by width", "within", "keyword.operator.range.search"),
        ("hold macs = 1M within 5% by width", "by", "keyword.operator.range.search"),
        ("hold macs = {1M, 2M} by width", "by", "keyword.operator.range.search"),
        ("seeds 2 then 5", "then", "keyword.operator.range.search"),
        ("trials 12, timeout 2h", "2h", "constant.numeric.duration.search"),
        ('train with "mine.py", epochs = 3', "with", "keyword.control.search"),
        ("tune lr in 0.02..0.3 log", "log", "keyword.operator.range.search"),
    ],
)
def test_colours_of_searches(line, piece, scope):
    assert (piece, scope) in scopes(line, "search")
