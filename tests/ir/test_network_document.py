"""Networks as JSON, out and in, and what comes in that nobody wrote out."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from thinned import thinned

import archdsl
from archdsl.analysis.figures import figures
from archdsl.files import builtin_names
from archdsl.ir.document import from_json, to_json
from archdsl.ir.flat import flatten
from archdsl.ir.hash import canonical_hash

TEXT = """
arch small
input 4x8x8
conv(8, 3, init = normal(0.02), bias_init = zeros)
repeat 3 { residual { conv(8, 3) } }
output aux(weight = 0.3) { linear(2) }
choose { relu; silu }
linear(2)
"""


def text() -> str:
    return to_json(archdsl.parse(TEXT).with_knobs().network)


@pytest.mark.parametrize("name", thinned(builtin_names(), 3))
def test_every_spec_goes_out_and_in(name: str) -> None:
    arch = archdsl.load(name)
    written = to_json(arch.network)
    again = from_json(written)
    assert to_json(again) == written
    assert canonical_hash(again) == arch.hash
    assert figures(again) == arch.figures
    mine, theirs = flatten(again), arch.flat
    assert [(n.path, n.layer, n.inputs, n.shape) for n in mine.nodes] == [
        (n.path, n.layer, n.inputs, n.shape) for n in theirs.nodes
    ]
    assert [n.span.place for n in mine.nodes if n.span] == [
        n.span.place for n in theirs.nodes if n.span
    ]
    assert mine.side_outputs == theirs.side_outputs


def test_a_document_grows_with_the_different_blocks() -> None:
    few, many = (to_json(archdsl.load(n).network) for n in ("resnet20", "resnet1202"))
    assert len(many) < len(few) + 100


def test_the_form_of_a_document() -> None:
    document = json.loads(text())
    assert list(document) == ["format", "name", "doc", "choices", "layers", "parts"]
    assert document["choices"] == [{"path": "choose1", "options": ["relu", "silu"], "chosen": 0}]
    assert document["layers"][3] == {
        "layer": "conv",
        "arguments": {
            "channels": 8,
            "kernel": 3,
            "init": {"init": "normal", "std": 0.02, "mean": 0.0},
            "bias_init": {"init": "zeros"},
        },
    }
    side, turn, root = document["parts"]
    assert (turn["kind"], turn["name"], len(turn["steps"])) == ("group", "turn", 2)
    assert (side["kind"], side["name"], len(side["steps"])) == ("output", "aux", 1)
    assert root["steps"][1] == {
        "part": 1, "inputs": [1], "shape": [8, 8, 8], "name": "turn", "number": 1, "repeat": 3,
        "place": "<text>:5:10",
    }  # fmt: skip
    assert root["steps"][2]["weight"] == 0.3


def test_the_numbers_of_a_turn() -> None:
    """What is repeated says how many numbers of each name it takes: at least as many as it does."""
    looped = "arch looped\ninput 4x8x8\nrepeat 2 { conv(4, 3) -> relu }"
    document = json.loads(to_json(archdsl.parse(looped).with_knobs().network))
    turn = document["parts"][0]
    assert (turn["kind"], turn["counts"]) == ("turn", {"conv": 1, "relu": 1})
    turn["counts"]["relu"] = 0
    reason = "it says that a turn takes the numbers {'conv': 1, 'relu': 0}, and takes"
    assert refused(json.dumps(document)) == (f"in `turn`: {reason} {{'conv': 1, 'relu': 1}}")


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
        ("null", "its format is not archdsl-network/1"),
        ('{"format": "archdsl-network/1"}', "'layers' is missing"),
        ("[" * 100_000 + "]" * 100_000, "maximum recursion depth exceeded"),
    ],
)
def test_what_is_no_document(given: str, reason: str) -> None:
    assert refused(given).startswith(reason)


def at(*keys: Any) -> Callable[[Any], Any]:
    def find(document: Any) -> Any:
        for key in keys:
            document = document[key]
        return document

    return find


ROOT = at("parts", -1)


@pytest.mark.parametrize(
    ("where", "change", "reason"),
    [
        (at(), {"name": "a b"}, '"a b" is not a name'),
        (at(), {"parts": []}, "it has no parts"),
        (at(), {"parts": {}}, "{} stands where a list should be"),
        (at("layers", 1), {"layer": "convolve"}, "there is no layer `convolve`"),
        (at("layers", 1, "arguments"), {"kernel": 0}, "`kernel` of `conv` must be a whole number"),
        (at("choices", 0), {"chosen": 2}, "`choose1` has no option 2"),
        (ROOT, {"kind": "tree"}, "in `small`: there is no kind `tree`"),
        (ROOT, {"kind": "turn"}, "in `small`: it says that a turn takes the numbers {}"),
        (ROOT, {"kind": "group"}, "its root is of kind group"),
        (ROOT, {"steps": []}, "in `small`: it has no steps"),
        (ROOT, {"result": 9}, "in `small`: its result is value 9, of 5"),
        (ROOT, {"result": 1}, "in `small`: it says 2, and gives 8x8x8"),
        (ROOT, {"input": [4, 8, 0]}, "[4, 8, 0] is not a shape"),
        (ROOT, {"imports": [[1]]}, "in `small`: its imports [1] are used by nothing"),
        (at("parts", -1, "steps", 0), {"inputs": [1]}, "in `small`: step 1 uses values [1]"),
        (at("parts", -1, "steps", 0), {"inputs": []}, "in `small`: step 1 uses values []"),
        (at("parts", -1, "steps", 0), {"layer": 99}, "there is no layer or part 99"),
        (at("parts", -1, "steps", 0), {"place": "there"}, "`there` is not a place"),
        (at("parts", -1, "steps", 0), {"shape": [9, 8, 8]}, "in `small`: `conv1` says 9x8x8"),
        (at("parts", -1, "steps", 0), {"repeat": 2}, "in `small`: `conv1` is 2 times in a row"),
        (at("parts", -1, "steps", 0), {"repeat": 10**6}, "`small` has more than 25,000 layers"),
        (at("parts", -1, "steps", 0), {"weight": 0.1}, "in `small`: `conv1` has the weight 0.1"),
        (at("parts", -1, "steps", 1), {"part": 2}, "there is no layer or part 2 before it"),
        (at("parts", -1, "steps", 1), {"shape": [2]}, "in `small`: `turn1` is 3 times in a row"),
        (at("parts", -1, "steps", 2), {"inputs": [0]}, "in `small`: `aux` takes 8x8x8, and is"),
        (at("parts", -1, "steps", 3), {"inputs": [2, 1]}, "in `small`: `choose1` is not a join"),
        (at("parts", -1, "steps", 4), {"inputs": [2]}, "in `small`: `choose1` is used by nothing"),
        (at("parts", -1, "steps", 3), {"name": "conv"}, "in `small`: two of its steps are called"),
    ],
)
def test_a_broken_document_is_refused(
    where: Callable[[Any], Any], change: dict[str, Any], reason: str
) -> None:
    document = json.loads(text())
    where(document).update(change)
    assert refused(json.dumps(document)).startswith(reason)
