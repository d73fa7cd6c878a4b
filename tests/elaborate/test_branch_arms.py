"""Arms of a branch that loops and conditions give: one for each turn and each that is taken."""

import pytest

import archdsl


def channels(body: str) -> int:
    arch = archdsl.parse(f"arch net(deep = false)\ninput 8x4x4\nbranch concat {{ {body} }}")
    return arch.with_knobs().output[0]


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("for i in 1..4 { if i != 2 { conv(i, 1) } }", 1 + 3 + 4),
        ("for i in 1..4 { let c = 2 * i; if c != 4 { conv(c, 1) } }", 2 + 6 + 8),
        ("for i in 1..4 { if i > 1 { if i != 3 { conv(i, 1) } } }", 2 + 4),
        ("for i in 1..4 { if i == 1 { conv(1, 1) } else if i == 3 { conv(5, 1) } }", 1 + 5),
        ("for i in 1..2 { x: if i == 2 { conv(1, 1) } }; identity", 1 + 8),
        ("repeat 3 as i { if i != 2 { conv(i, 1) } }", 1 + 3),
        ("if deep { conv(3, 1) }; conv(2, 1)", 2),
        ("for i in 1..2 { if in.channels == 8 { conv(1, 1) } }", 1 + 1),
        # a turn that does something else is an arm
        ("for i in 1..2 { relu; if i == 2 { conv(3, 1) } }", 8 + 3),
        ("for i in 1..2 { identity }", 8 + 8),
    ],
)
def test_a_turn_whose_if_is_not_taken_is_no_arm(body: str, wanted: int) -> None:
    assert channels(body) == wanted


def test_a_branch_all_of_whose_turns_are_none_says_so() -> None:
    with pytest.raises(archdsl.ArchError) as caught:
        channels("for i in 1..2 { if i > 2 { relu } }")
    assert caught.value.diagnostics[0].code == "A133"
