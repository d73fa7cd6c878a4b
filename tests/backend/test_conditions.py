"""What has to hold of the arguments of a class, as text."""

import pytest

from archdsl.backend.conditions import claims, keeps, whichever
from archdsl.backend.terms import COMPARISON, Num, Word


def word(text: str) -> Word:
    return Word(True, text, COMPARISON)


@pytest.mark.parametrize(
    ("text", "holds", "found"),
    [
        ("a == 1 and b", True, {"a == 1", "b"}),
        ("a == 1 and b", False, {"not (a == 1 and b)"}),
        ("not (a != 1 or b > c)", True, {"a == 1", "b <= c"}),
        ("a != 1 or b != c", False, {"a == 1", "b == c"}),
        ("not (not a)", True, {"a"}),
        ("a < b < c", False, {"not (a < b < c)"}),
        ("a or b", True, {"a or b"}),
    ],
)
def test_what_has_to_hold_by_itself(text: str, holds: bool, found: set[str]) -> None:
    assert claims(text, holds) == found


def test_one_of_two_opposites_is_always_there() -> None:
    first, other = word("not (n == 1 and c == d)"), word("n == 1 and c == d")
    found = whichever([[first, word("activate")], [other, word("activate")]])
    assert found is not None and found.text == "activate"
    assert whichever([[first, word("activate")], [other, word("deep")]]) is None
    assert whichever([[first, word("activate")], [word("n == 1"), word("activate")]]) is None
    assert whichever([[first], [other]]) is None
    assert whichever([[first, word("activate")]]) is None


def test_what_keeps_a_shape() -> None:
    c, d, s = Num.of(8, "c"), Num.of(8, "d"), Num.of(2, "s")
    assert [(w.text, w.value) for w in (keeps(c, d, 1), keeps(c, d, s), keeps(c, c, 1))] == [
        ("c == d", True),
        ("s == 1 and c == d", False),
        ("True", True),
    ]
