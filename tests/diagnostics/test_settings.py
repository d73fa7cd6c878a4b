"""Knobs, variants and paths that a user gives beside a spec, on the command line or in Python."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import pytest
from expected_text import expected

import archdsl
from archdsl import ArchError
from archdsl.cli.explain import places_of
from archdsl.settings import split_settings

NET = """arch net(
  depth = 18 in {18, 34},
  width = 64 in 16..128 step 8,
  drop = 0.1 in 0..0.5,
  act = relu in {relu, silu, leaky_relu(0.2)},
  name = "small" in {"small", "large"},
  bias = false,
  blocks = [2, 2],
  ratio = 0.5,
  title = "net",
  norm = bn
)
variant net34(depth = 34)
input 3x32x32
conv(width, 3, bias = bias) -> norm -> act
for n in blocks { stage: repeat n { choose mix { small: conv(8, 1); conv(8, 3) } } }
"""

SETTINGS = {
    "no_equals": ["depth"],
    "no_name": ["=34"],
    "no_value": ["depth="],
    "typo": ["dept=34"],
    "outside_choices": ["depth=50"],
    "outside_range": ["width=65"],
    "outside_continuous": ["drop=0.75"],
    "outside_layers": ["act=gelu"],
    "outside_texts": ["name=medium"],
    "boolean": ["bias=1"],
    "list": ["blocks=3"],
    "number": ["ratio=high"],
    "number_as_text": ['ratio="0.5"'],
    "layer": ["norm=3"],
    "syntax": ["width=16 +"],
    "two_statements": ["width=16\nrelu"],
    "unknown_name": ["width=2 * w"],
    "division": ["ratio=1 / 0"],
    "huge": ["ratio=10 ^ 10 ^ 10"],
    "function": ["width=max"],
    "several": ["depth=50", "width=65", "bias=1"],
    "escape": ["depth=\x1b[31m"],
    "choice": ["stage1.mix1=huge"],
    "choice_typo": ["stage1.mux1=small"],
    "choice_in_a_folder_that_is_none": ["stage9.mix1=small"],
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings(name: str) -> None:
    with pytest.raises(ArchError) as caught:
        archdsl.parse(NET, "net.arch").candidate(split_settings(SETTINGS[name]))
    expected(f"set_{name}", caught.value)


VALUES: dict[str, Mapping[str, Any]] = {
    "none": {"ratio": None},
    "object": {"ratio": object},
    "infinity": {"ratio": float("inf")},
    "nan": {"ratio": float("nan")},
    "huge": {"ratio": 10**5000},
    "huge_fraction": {"ratio": Fraction(1, 10**5000)},
    "complex": {"ratio": 1j},
    "dict": {"blocks": {"a": 1}},
    "long_list": {"blocks": [1] * 100_000},
    "deep_list": {"blocks": [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]},
    "list_of_objects": {"blocks": [1, b"2"]},
}


@pytest.mark.parametrize("name", VALUES)
def test_values_of_python(name: str) -> None:
    with pytest.raises(ArchError) as caught:
        archdsl.parse(NET, "net.arch").with_knobs(**VALUES[name])
    expected(f"python_{name}", caught.value)


@pytest.mark.parametrize(
    "shape", [(), (0, 8, 8), (3, -1, 8), (3, 10**12, 8), "3x8x8", (2.5, 8), None]
)
def test_input_shapes(shape: Any) -> None:
    spec = archdsl.parse(NET, "net.arch")
    if shape is None:
        assert spec.with_knobs(input=None).input == (3, 32, 32)
        return
    with pytest.raises(ArchError) as caught:
        spec.with_knobs(input=shape)
    assert [d.code for d in caught.value.diagnostics] == ["A301"]


def test_what_is_taken() -> None:
    spec = archdsl.parse(NET, "net.arch")
    arch = spec.candidate(
        split_settings(
            "depth=34|width = 8 * 4|act=leaky_relu(0.2)|name=large|drop=12.5%|bias=true"
            "|blocks=[1, 2, 3]|title=a b|norm=identity|stage1.mix1=2".split("|")
        )
    )
    assert arch.shown_knobs == {
        "depth": "34",
        "width": "32",
        "drop": "0.125",
        "act": "leaky_relu(0.2)",
        "name": '"large"',
        "bias": "true",
        "blocks": "[1, 2, 3]",
        "ratio": "0.5",
        "title": '"a b"',
        "norm": "identity",
        **{path: arch.shown_knobs[path] for path in arch.shown_knobs if "." in path},
    }
    assert arch.shown_knobs["stage1.mix1"] == "conv(8, 3)"
    assert spec.with_knobs(width=32, drop=0.125, blocks=(1,), ratio=Fraction(1, 3)).params


def test_variants() -> None:
    with pytest.raises(ArchError) as caught:
        archdsl.parse(NET, "net.arch").variant("net43")
    expected("variant", caught.value)


def test_paths() -> None:
    arch = archdsl.parse(NET, "net.arch").with_knobs()
    with pytest.raises(ArchError) as caught:
        list(places_of(arch, "stage1.mix1.con1"))
    expected("path", caught.value)
