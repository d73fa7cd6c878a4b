"""What a spec says of its input is known without what comes after it."""

import pytest

import archdsl
from archdsl.freeze import freeze

TEXT = """arch net(size = 8)
input [3, size, size]
choose mix { bad: maxpool(99); good: relu }
conv(4, 3)
"""


def test_a_candidate_can_be_frozen_whose_first_option_is_no_network() -> None:
    arch = archdsl.parse(TEXT).candidate({"mix": "good"})
    text = freeze(arch)
    assert "input [3, size, size]" in text
    assert archdsl.parse(text).with_knobs().hash == arch.hash


def test_another_input_is_written() -> None:
    arch = archdsl.parse(TEXT).candidate({"mix": "good"}, input=(3, 9, 9))
    assert "input [3, 9, 9]" in freeze(arch)
    assert archdsl.parse(freeze(arch)).with_knobs().input == (3, 9, 9)


def test_an_option_is_no_other_digit() -> None:
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.parse(TEXT).candidate({"mix": "\N{SUPERSCRIPT TWO}"})
    assert caught.value.diagnostics[0].code == "A503"
