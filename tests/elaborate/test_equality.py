"""A boolean equals no number, wherever the two stand: in Python they are equal."""

import pytest

import archdsl


def value(text: str) -> int:
    """A whole number, worked out as the channels of a layer."""
    return archdsl.parse(f"arch net\ninput 1x4x4\nconv({text}, 1)\n").with_knobs().output[0]


@pytest.mark.parametrize(
    "text, equal",
    [
        ("1 == true", False),
        ("[1] == [true]", False),
        ("[[0], 2] == [[false], 2]", False),
        ("[1, 2] == [1, 2]", True),
        ("[1, 2] == 1..2", True),
        ("[1..2] == [[1, 2]]", True),
        ("[1, 2] == [1]", False),
        ("1 in [true]", False),
        ("[1] in [[true]]", False),
        ("[1] in [[true], [1]]", True),
        ("2 == 2.0", True),
        ("0.5 == 1 / 2", True),
        ("relu == relu", True),
        ('"1" == 1', False),
    ],
)
def test_equality(text: str, equal: bool) -> None:
    assert value(f"2 if {text} else 1") == 1 + equal


def test_what_is_unique() -> None:
    assert value("len(unique([1, true, [1], [true], 1, [1], 1.0]))") == 4


def test_a_match_tells_them_apart() -> None:
    assert value("match [true] { [1] => 1, [true] => 2 }") == 2


def test_blocks_are_remembered_apart() -> None:
    """A block that was applied to one is worked out anew for the other."""
    text = """arch net
input 1x4x4
block pick(x) { if x[1] == true { relu } else { gelu } }
block run(f) { f }
let (one, yes) = (pick([1]), pick([true]))
pick([1]); pick([true])
run(one); run(yes)
"""
    made = [path.split(".")[-1] for path in archdsl.parse(text).with_knobs().shapes]
    assert made == ["input", "gelu1", "relu1", "gelu1", "relu1"]
