"""Records: dataclasses that are made when they are first used."""

from dataclasses import FrozenInstanceError, dataclass, fields

import pytest

from archdsl.records import Record, complete, is_complete


class Point(Record):
    """A place."""

    x: int
    y: int = 0


class Named(Point):
    name: str = ""


class Leaf(Record, lean=True):
    text: str


class Branch(Leaf):
    leaves: tuple[Leaf, ...] = ()


def test_a_record_is_made_when_it_is_used() -> None:
    class Late(Point):
        z: int = 0

    assert not is_complete(Late)
    assert (Late(1, z=2), Late(1, 0, 2)) == (Late(1, 0, 2), Late(1, z=2))
    assert is_complete(Late) and [f.name for f in fields(Late)] == ["x", "y", "z"]  # type: ignore[arg-type]


def test_a_record_is_a_frozen_dataclass() -> None:
    point = Named(1, name="a")
    assert repr(point) == "Named(x=1, y=0, name='a')"
    assert point == Named(1, 0, "a") and hash(point) == hash(Named(1, 0, "a"))
    assert point != Named(1, 1, "a") and Point(1) != Named(1)
    with pytest.raises(FrozenInstanceError):
        point.y = 2  # type: ignore[misc]
    with pytest.raises(TypeError, match="y"):
        Point(1, 2, y=3)  # type: ignore[misc]


def test_a_lean_record_has_a_constructor_only() -> None:
    assert Branch("a", (Leaf("b"),)).leaves[0].text == "b"
    assert Leaf("a") != Leaf("a") and Leaf.__repr__ is object.__repr__


def test_a_decorator_does_no_harm() -> None:
    @dataclass(frozen=True, slots=True)
    class Old(Point):
        z: int = 3

    complete(Old)
    assert Old(1) == Old(1, 0, 3) and not hasattr(Old(1), "missing")
