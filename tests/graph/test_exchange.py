"""Graphs as JSON: out and in, and what comes in that nobody wrote out."""

import json
from collections.abc import Callable
from typing import Any

import pytest

import archdsl
from archdsl.files import builtin_names
from archdsl.graph.exchange import from_json, to_json
from archdsl.graph.text import to_text

TEXT = """
arch small
input 4x8x8
conv(8, 3, init = normal(0.02), bias_init = zeros) -> bn
residual(survive = 0.75) { conv(8, 1x3) -> conv(8, 3x1, init = kaiming_normal(fan_out)) }
output aux(weight = 0.3) { linear(2) }
linear(2)
"""


def text() -> str:
    return to_json(archdsl.parse(TEXT).with_knobs().graph)


@pytest.mark.parametrize("name", builtin_names())
def test_every_spec_goes_out_and_in(name: str) -> None:
    arch = archdsl.load(name)
    graph = arch.graph
    again = from_json(to_json(graph))
    assert to_text(again) == to_text(graph)
    assert to_json(again) == to_json(graph)
    assert again.graph == graph.graph
    for path in graph:
        assert again.nodes[path]["layer"] == graph.nodes[path]["layer"]
        assert again.nodes[path]["blocks"] == graph.nodes[path]["blocks"]


def test_the_form_of_a_document() -> None:
    document = json.loads(text())
    assert list(document) == ["format", "name", "input", "nodes", "output", "side_outputs"]
    assert document["format"] == "archdsl-graph/1"
    assert document["nodes"][0] == {
        "path": "conv1",
        "layer": "conv",
        "arguments": {
            "channels": 8,
            "kernel": 3,
            "init": {"init": "normal", "std": 0.02, "mean": 0.0},
            "bias_init": {"init": "zeros"},
        },
        "inputs": ["input"],
        "shape": [8, 8, 8],
        "blocks": [],
        "place": "<text>:4:1",
    }
    assert document["side_outputs"] == [{"name": "aux", "path": "aux.linear1", "weight": 0.3}]


def broken(change: Callable[[Any], object]) -> str:
    document = json.loads(text())
    change(document)
    return refused(json.dumps(document))


def refused(given: str) -> str:
    with pytest.raises(archdsl.ArchError) as error:
        from_json(given)
    (found,) = error.value.diagnostics
    assert found.code == "A009"
    return found.message.partition(": ")[2]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("", "Expecting value: line 1 column 1 (char 0)"),
        ("{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("null", "its format is not archdsl-graph/1"),
        ("[]", "its format is not archdsl-graph/1"),
        ("{}", "its format is not archdsl-graph/1"),
        ('{"format": "archdsl-graph/2"}', "its format is not archdsl-graph/1"),
        ('{"format": "archdsl-graph/1"}', "'name' is missing"),
    ],
)
def test_what_is_no_document(given: str, reason: str) -> None:
    assert refused(given) == reason


def test_deep_and_long_things_are_refused_and_not_followed() -> None:
    assert "recursion" in refused("[" * 100_000 + "]" * 100_000)
    assert "digits" in refused('{"format": ' + "9" * 10_000 + "}")


def node(document: Any, path: str = "conv1") -> Any:
    return next(n for n in document["nodes"] if n["path"] == path)


def sets(key: str, value: object, path: str = "conv1") -> Callable[[Any], None]:
    return lambda d: node(d, path).update({key: value})


def argument(key: str, value: object) -> Callable[[Any], None]:
    return lambda d: node(d)["arguments"].update({key: value})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda d: d.update(name=1), "1 is not a name"),
        (lambda d: d.update(name="a b"), '"a b" is not a name'),
        (lambda d: d.update(name='x"; import os'), '"x\\"; import os" is not a name'),
        (lambda d: d.update(input=[]), "[] is not a shape"),
        (lambda d: d.update(input=[4, 0, 8]), "[4, 0, 8] is not a shape"),
        (lambda d: d.update(input=[4, -8, 8]), "[4, -8, 8] is not a shape"),
        (lambda d: d.update(input=[4.0, 8, 8]), "[4.0, 8, 8] is not a shape"),
        (lambda d: d.update(input=[True, 8, 8]), "[true, 8, 8] is not a shape"),
        (lambda d: d.update(input="4x8x8"), '"4x8x8" stands where a list should be'),
        (lambda d: d.update(input=[10**10, 8, 8]), "[10000000000, 8, 8] is not a shape"),
        (lambda d: d.update(nodes={}), "{} stands where a list should be"),
        (lambda d: d.update(nodes=[1]), "'int' object is not subscriptable"),
        (lambda d: d.update(output="nowhere"), "its output `nowhere` is not a node"),
        (lambda d: d.update(output=["linear1"]), '["linear1"] is not a name'),
        (lambda d: d.update(side_outputs=[{"name": "aux"}]), "'path' is missing"),
        (
            lambda d: d["side_outputs"][0].update(weight=-1),
            "expected a number of at least 0",
        ),
        (
            lambda d: d["side_outputs"][0].update(weight=float("nan")),
            "expected a number of at least 0",
        ),
        (lambda d: d["nodes"].append(node(d)), "`conv1` is there twice"),
        (sets("path", "input"), "`input` is there twice"),
        (sets("path", "a..b"), '"a..b" is not a name'),
        (sets("layer", "convolve"), "there is no layer `convolve`"),
        (sets("layer", ["conv"]), "unhashable type: 'list'"),
        (sets("inputs", ["later"]), "`conv1` needs `later`, which is not there before it"),
        (sets("inputs", ["conv1"]), "`conv1` needs `conv1`, which is not there before it"),
        (sets("inputs", [["input"]]), "`conv1` needs `['input']`, which is not there before it"),
        (sets("inputs", "input"), '"input" stands where a list should be'),
        (sets("inputs", []), "`conv1` cannot be reached from the input"),
        (sets("inputs", ["input", "input"]), "`conv1` is not a join, but has 2 operands"),
        (sets("shape", [8, 8, 9]), "`conv1` has 8x8x9, but gives 8x8x8"),
        (sets("shape", [8, 8]), "`conv1` has 8x8, but gives 8x8x8"),
        (sets("blocks", [1]), "1 is not a name"),
        (argument("channels", 0), "`channels` of `conv` must be a positive whole number"),
        (argument("channels", "8"), "`channels` of `conv` must be a positive whole number"),
        (argument("width", 3), "`conv` has no argument `width`"),
        (lambda d: node(d)["arguments"].pop("channels"), "missing 1 required positional argument"),
        (argument("bias", 1), "`bias` of `conv` must be true or false"),
        (
            argument("border", "__import__('os')"),
            "`border` of `conv` must be one of zeros, reflect, replicate, circular",
        ),
        (argument("init", {"init": "evil"}), "'evil' is missing"),
        (
            argument("init", {"init": "normal", "std": "__import__('os')"}),
            "`init` of `conv` must be a number",
        ),
        (
            argument("init", {"init": "kaiming_normal", "mode": '"); import os; ("'}),
            "`init` of `conv` must be one of fan_in, fan_out",
        ),
        (argument("init", {"init": "normal", "size": 1}), "`normal` has no argument `size`"),
        (argument("init", {"std": 1}), "'init' is missing"),
        (argument("init", {"init": "constant"}), "`init` of `conv` must be a number"),
        (
            argument("init", "zeros"),
            "`init` of `conv` must be an initialisation such as zeros or kaiming_normal(fan_out)",
        ),
    ],
)
def test_a_document_that_was_tampered_with(change: Callable[[Any], object], reason: str) -> None:
    assert reason in broken(change)


def test_a_layer_that_is_not_there() -> None:
    named = text().replace('"layer": "bn"', '"layer": "batch"')
    assert named != text()
    with pytest.raises(archdsl.ArchError, match="there is no layer `batch`"):
        from_json(named)
