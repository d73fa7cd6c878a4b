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
    assert "input 3x9x9" in freeze(arch)
    assert archdsl.parse(freeze(arch)).with_knobs().input == (3, 9, 9)


def test_an_option_is_no_other_digit() -> None:
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.parse(TEXT).candidate({"mix": "\N{SUPERSCRIPT TWO}"})
    assert caught.value.diagnostics[0].code == "A503"


SIZED = """arch net(size = 8 in 8..32 step 8, c = 2 in 1..4)
input (3, size, size)
conv(c, 3)
"""


def test_a_knob_that_decides_the_input_still_does_after_others_are_changed() -> None:
    arch = archdsl.parse(SIZED).with_knobs(c=1)
    larger = arch.with_knobs(size=16)
    assert (arch.input, larger.input) == ((3, 8, 8), (3, 16, 16))
    assert (arch.macs, larger.macs) == (27 * 64, 27 * 256)
    assert larger.with_knobs(c=2).macs == 2 * 27 * 256
    assert archdsl.load("darknet").with_knobs(size=128).macs == 2_322_046_976


def test_an_input_that_was_given_stays() -> None:
    arch = archdsl.parse(SIZED).with_knobs(input=(3, 10, 12))
    assert arch.given_input == (3, 10, 12)
    assert arch.with_knobs(size=16, c=4).input == (3, 10, 12)
