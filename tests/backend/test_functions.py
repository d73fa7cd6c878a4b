"""Functions of a spec in the source: they compute what the spec's do, for arguments that its
network does not use too, and their names are ones that Python takes."""

from pathlib import Path
from typing import Any

import pytest
import torch

import archdsl
from archdsl.backend.build import load_source
from archdsl.backend.direct.check import typed

NET = """
arch nested(levels = 3 in 1..20)
input 4x8x8
fn width(FUNCTION
block unit(c) { conv(c, 3) -> bn }
block level(kept, n) {
  let last = len(kept)
  branch concat { for i in 1..last { kept[i] } } -> unit(width(4, last)) as new
  if last < n { level(kept + [new], n) } else { new }
}
identity as base
level([base], levels)
"""

CASES: dict[str, tuple[str, tuple[int, int], int]] = {
    "negative power": ("c, n) = floor(c * 2 ^ (n - 2)) * 0 + c", (14, 1), 14),
    "rounded power": ("c, n) = floor(c * 2 ^ (n - 2))", (14, 1), 7),
    "ceil of a quotient": ("c, n) = ceil((c + n) // 3 / 2)", (4, 3), 1),
    "ceil of a rest": ("c, n) = ceil((c + n) % 4 / 2)", (4, 3), 2),
    "keyword": ("class, n) = class + n", (4, 3), 7),
    "keywords in a list": ("c, n) = c + sum([lambda for lambda in 1..n])", (4, 3), 10),
    "builtins": ("range, len) = range + sum([int for int in 1..len])", (4, 3), 10),
    "names of the file": ("nn, torch) = nn + sum([seq for seq in 1..torch])", (4, 3), 10),
    "itself": ("width, self) = width + self", (4, 3), 7),
    "power of a counter": ("c, n) = c + sum([2 ^ (i - 1) for i in 1..n])", (4, 3), 11),
}


def arch(function: str, **knobs: Any) -> archdsl.Architecture:
    return archdsl.parse(NET.replace("FUNCTION", function)).with_knobs(**knobs)


@pytest.mark.parametrize("case", CASES)
def test_a_function_computes_what_the_specs_does(case: str) -> None:
    function, arguments, wanted = CASES[case]
    found = arch(function)
    made = load_source(found.source(), "nested")["width"](*arguments)
    assert (type(made), made) == (int, wanted)
    with torch.device("meta"):
        assert sum(p.numel() for p in found.build().parameters()) == found.params


def test_whole_powers_are_written_as_they_are() -> None:
    source = arch(CASES["power of a counter"][0]).source()
    assert "return c + sum([2 ** (i - 1) for i in range(1, n + 1)])" in source


def test_what_is_made_is_compared_with_its_types() -> None:
    assert typed((1, "a")) == typed((1, "a"))
    assert typed({"a": (14,)}) != typed({"a": (14.0,)})
    assert typed({"a": True}) != typed({"a": 1})


def test_functions_of_one_name_in_two_files(tmp_path: Path) -> None:
    block = (
        "block NAME(c, n) {\n  conv(width(c, n), 1)\n  if n > 1 { NAME(c + 1, n - 1) }\n  bn\n}\n"
    )
    (tmp_path / "lib.arch").write_text(
        "fn width(c, n) = c + 5 * n\n" + block.replace("NAME", "other")
    )
    text = 'arch two\ninput 4x8x8\nuse "./lib.arch": other\nfn width(c, n) = c + n\n'
    text += block.replace("NAME", "own") + "own(8, 3) -> other(8, 3)\n"
    (tmp_path / "two.arch").write_text(text)
    found = archdsl.load(str(tmp_path / "two.arch"))
    with torch.device("meta"):
        assert sum(p.numel() for p in found.build().parameters()) == found.params
