"""What has to hold of the arguments of a class, as text."""

import pytest

import archdsl
from archdsl.backend.conditions import cannot_fail, claims, implies, keeps, partly, whichever
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


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("s != 2 or s != 1", True),
        ("s != c or s != d", False),
        ("s != 2 or c != 1", False),
        ("s == 1 or s == 2", False),
        ("not (a and b) or a", True),
        ("c + 8 > c", True),
    ],
)
def test_what_holds_whatever_the_arguments_are(text: str, holds: bool) -> None:
    assert cannot_fail(text) == holds


def test_what_follows_from_another_condition() -> None:
    assert implies("s == 2", "s != 1") and not implies("s != 1", "s == 2")
    assert implies("s != 1 or c != d", "not (c == d and s == 1)")


def test_what_is_left_of_a_condition() -> None:
    text = "not (c + 8 != c or s != 1) or c <= 20"
    assert partly(text, {}) == "c <= 20"
    assert partly("n > 1 and deep or not c > 20", {"n": 1}) == "not c > 20"
    assert partly("n > 1 and deep or not c > 20", {"n": 2}) == "deep or not c > 20"
    assert partly("n > 1", {"n": 2}) == "True"


NAMES = ("Unit", "Other")
BODIES = """arch net
input 8x9x9
block unit(c, s = 1) {
  conv(c, 1)
  if s == 2 { bn -> relu; residual(shortcut = conv(c, 1) if s != 1 else identity) { conv(c, 3) } }
}
block other(c, s = 1) {
  conv(c, 1)
  if s > 1 { bn; residual(shortcut = conv(c, 1) if s != 3 else \"none\") { conv(c, 3) } }
}
unit(8)
unit(16, s = 2)
other(8, s = 3)
other(16, s = 2)
other(8)
"""


def test_a_shortcut_stands_under_the_conditions_around_it() -> None:
    source = archdsl.parse(BODIES).with_knobs().source()
    unit, other = (source.split(f"class {name}(")[1].split("\n\n\n")[0] for name in NAMES)
    assert "self.shortcut = nn.Conv2d(c, c, 1) if s == 2 else None" in unit
    assert "self.shortcut = nn.Conv2d(c, c, 1) if s > 1 and s != 3 else None" in other
    assert "assert" not in unit + other


HANDED_ON = """arch net
input 8x9x9
block inner(c, n = 1) { conv(c, 1) -> dense(n) { conv(4, 1) } }
block outer(c) { conv(c, 3) -> inner(c, n = 2 if c > 20 else 1) -> conv(c, 1) }
block copies(c, n = 1) { conv(16, 3); repeat n { single(c) }; bn }
block single(c) { conv(max(c, 16), 1) -> relu }
outer(8)
outer(16)
inner(8, n = 3)
copies(16, n = 2)
copies(24)
"""


def test_what_is_as_usual_in_all_uses_is_said_where_it_may_be_another() -> None:
    source = archdsl.parse(HANDED_ON).with_knobs().source()
    assert "self.inner1 = Inner(c, c, n=2 if c > 20 else 1)" in source
    assert "for i in range(1, n + 1):\n            assert channels == 16" in source
