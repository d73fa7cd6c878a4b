"""Defaults of parameters: what their names mean."""

import archdsl


def test_a_default_of_its_own_name_is_the_knob_around_it() -> None:
    spec = archdsl.parse(
        "arch net(c = 4 in 1..8)\ninput 3x8x8\n"
        "fn twice(c = c) = 2 * c\n"
        "block unit(c = c, twin = c) { conv(c, 1) -> conv(twin, 1) }\n"
        "unit\nunit(c = 3)\nunit(twin = 5)\nconv(twice(), 1)"
    )
    assert [s[0] for s in spec.with_knobs().shapes.values()][1:] == [4, 4, 3, 3, 4, 5, 8]
    assert spec.with_knobs(c=7).output == (14, 8, 8)
