"""What arguments of layers may be, and how they are read into one canonical form."""

from fractions import Fraction
from typing import Any

import pytest

from archdsl.layers import arguments
from archdsl.layers.arguments import Reader, Unreadable
from archdsl.layers.init import FUNCTIONS, Init

ZEROS = Init("zeros", FUNCTIONS["zeros"].call)
WHOLE = "a positive whole number"
PER_AXIS = "a whole number of at least 1, or one for each axis such as 1x7"
SHAPE = "a shape such as 64x7x7"


def reader(alias: Any) -> Reader:
    (found,) = alias.__metadata__
    assert isinstance(found, Reader)
    return found


@pytest.mark.parametrize(
    ("alias", "value", "read"),
    [
        (arguments.Count, 64, 64),
        (arguments.Count, 64.0, 64),
        (arguments.Count, 10**9, 10**9),
        (arguments.Index, 0, 0),
        (arguments.Size, 3, 3),
        (arguments.Size, (1, 7), (1, 7)),
        (arguments.Size, (3, 3), 3),
        (arguments.Size, (2.0, 2, 1), (2, 2, 1)),
        (arguments.Pad, 0, 0),
        (arguments.Pad, (0, 0), 0),
        (arguments.Real, 1, 1.0),
        (arguments.Real, Fraction(1, 4), 0.25),
        (arguments.NotNegative, 0, 0.0),
        (arguments.NotZero, -1, -1.0),
        (arguments.Positive, 0.1, 0.1),
        (arguments.Chance, 1, 1.0),
        (arguments.Flag, True, True),
        (arguments.ShapeArgument, 64, (64,)),
        (arguments.ShapeArgument, (64, 4, 4), (64, 4, 4)),
        (arguments.Rounding, "ceil", "ceil"),
    ],
)
def test_what_is_read(alias: Any, value: Any, read: Any) -> None:
    found = reader(alias).read(value)
    assert found == read and type(found) is type(read)


@pytest.mark.parametrize(
    ("alias", "value", "expected"),
    [
        (arguments.Count, 0, WHOLE),
        (arguments.Count, 0.5, WHOLE),
        (arguments.Count, Fraction(1, 2), WHOLE),
        (arguments.Count, True, WHOLE),
        (arguments.Count, "64", WHOLE),
        (arguments.Count, 10**9 + 1, "at most 1,000,000,000"),
        (arguments.Count, float("inf"), WHOLE),
        (arguments.Count, float("nan"), WHOLE),
        (arguments.Index, -1, "a whole number of at least 0"),
        (arguments.Size, 0, PER_AXIS),
        (arguments.Size, (), PER_AXIS),
        (arguments.Size, (1, 2, 3, 4), PER_AXIS),
        (arguments.Size, (3, 0), PER_AXIS),
        (arguments.Real, True, "a number"),
        (arguments.Real, "1", "a number"),
        (arguments.NotNegative, -0.1, "a number of at least 0"),
        (arguments.Positive, 0, "a number above 0"),
        (arguments.NotZero, 0, "a number other than 0"),
        (arguments.NotZero, True, "a number other than 0"),
        (arguments.NotNegative, float("nan"), "a number of at least 0"),
        (arguments.Positive, float("nan"), "a number above 0"),
        (arguments.Chance, 1.01, "a number from 0 to 1"),
        (arguments.Flag, 1, "true or false"),
        (arguments.ShapeArgument, (), SHAPE),
        (arguments.ShapeArgument, (4,) * 17, SHAPE),
        (arguments.ShapeArgument, (4, 0), SHAPE),
        (arguments.Rounding, "up", "one of floor, ceil"),
        (arguments.Rounding, 1, "one of floor, ceil"),
    ],
)
def test_what_is_refused_and_what_would_do(alias: Any, value: Any, expected: str) -> None:
    with pytest.raises(Unreadable) as error:
        reader(alias).read(value)
    assert error.value.expected == expected


def test_a_number_that_is_too_large_for_a_machine() -> None:
    with pytest.raises(Unreadable):
        reader(arguments.Real).read(10**400)
    with pytest.raises(Unreadable):
        reader(arguments.Real).read(float("inf"))


def test_an_initialisation() -> None:
    (found,) = [n for p in arguments.Start.__args__ for n in getattr(p, "__metadata__", ())] or [
        *arguments.Start.__metadata__
    ]
    assert found.read(ZEROS) is ZEROS
    with pytest.raises(Unreadable, match=r"an initialisation such as zeros or kaiming_normal"):
        found.read("zeros")


@pytest.mark.parametrize(
    ("name", "given", "text"),
    [
        ("zeros", (), "zeros"),
        ("kaiming_normal", (("mode", "fan_in"), ("gain_of", "relu")), "kaiming_normal"),
        ("kaiming_normal", (("mode", "fan_out"), ("gain_of", "relu")), "kaiming_normal(fan_out)"),
        (
            "kaiming_normal",
            (("mode", "fan_in"), ("gain_of", "tanh")),
            "kaiming_normal(gain_of = tanh)",
        ),
        ("normal", (("std", 0.01), ("mean", 0.0)), "normal(0.01)"),
        ("constant", (("value", 1e-6),), "constant(1e-06)"),
    ],
)
def test_an_initialisation_as_it_is_written(name: str, given: Any, text: str) -> None:
    assert str(Init(name, FUNCTIONS[name].call, given)) == text


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda f: f.name)
def test_initialisations_run(function: Any) -> None:
    """The text of each is a call that PyTorch understands."""
    import torch
    from torch import nn

    values = {n: 0.5 if d is None else d for n, d in function.parameters}
    w = torch.empty(8, 4, 3, 3)
    eval(function.call.format(w="w", **values), {"nn": nn, "w": w})
    assert w.isfinite().all()
