"""Lengths that depend on open blocks, and the program that works them out."""

import pytest

from archdsl.pictures.lengths import BEFORE, LENGTH, Expr, Length, LengthProgram, most, size, value


def worked_out(length: Length, sizes: list[list[float]]) -> float:
    program = LengthProgram()
    written = program.add(length)
    return value(written, program.run(sizes))


SIZES = [[10.0, 4.0, 6.0], [3.0, 1.0, 2.0]]
a, b = size(0, LENGTH), size(1, BEFORE)
LENGTHS: list[tuple[Length, float]] = [
    (12.5, 12.5),
    (a, 10),
    (a + 5, 15),
    (5 + a, 15),
    (a - b, 9),
    (20 - a, 10),
    (-a, -10),
    (a * 0.5, 5),
    (0.5 * (a + b), 5.5),
    (most(a, b, 3), 10),
    (most(b, 3, 2.5) + most(a * 2, a), 23),
    (most(1, 2, 3), 3),
]


@pytest.mark.parametrize(("length", "wanted"), LENGTHS)
def test_lengths(length: Length, wanted: float) -> None:
    assert worked_out(length, SIZES) == wanted


def test_what_is_known_is_worked_out_at_once() -> None:
    assert most(1.0, 2.0) == 2.0 and not isinstance(most(1.0), Expr)
    assert a + 0 is a and a * 1 is a and most(a) is a and most(a, a) is a


def test_an_instruction_is_given_once() -> None:
    program = LengthProgram()
    both = a + b
    first, second = program.add(both * 2), program.add(both * 3)
    assert program.code == [
        ["size", 1, 1],
        ["size", 0, 0],
        ["sum", [1], [0]],
        ["times", [2], 2],
        ["times", [2], 3],
    ]
    results = program.run(SIZES)
    assert (value(first, results), value(second, results)) == (22, 33)


def test_a_long_sum_is_no_deep_recursion() -> None:
    total: Length = a
    for _ in range(50_000):
        total = total + b
    assert worked_out(total, SIZES) == 10 + 50_000
