"""Figures of a verdict, with the digits that their uncertainty leaves."""

from __future__ import annotations

from math import floor, log10

from archdsl.units import SHARES
from archdsl.verdict.contrast import Interval
from archdsl.verdict.results import Question


def size_words(difference: float, interval: Interval | None, question: Question) -> str:
    """The size of a difference; the order of the names tells its sign."""
    size = abs(difference)
    if interval is None:
        told = f"{number(size, 0, question)}{unit(question)} in every seed"
        return told if size else "none in any seed"
    reach = (interval[1] - interval[0]) / 2
    digits = _digits(size, reach, question)
    size, reach = size * _factor(question), reach * _factor(question)
    digits += f"{size:.{digits}f}" == f"{reach:.{digits}f}"  # 0.44 ± 0.42, not 0.4 ± 0.4
    if question.measure in SHARES and reach > 100:  # a share is at most 100 %: nothing is known
        return f"{size:.{digits}f} ± over 100{unit(question)}"
    return f"{size:.{digits}f} ± {reach:.{digits}f}{unit(question)}"


def _factor(question: Question) -> int:
    return 100 if question.measure in SHARES else 1


def unit(question: Question) -> str:
    return " points" if question.measure in SHARES else f" of {question.measure}"


def number(value: float, reach: float, question: Question, like: float | None = None) -> str:
    """A score with its uncertainty, in the digits of the score that it is ``like``."""
    if reach == 0:
        return f"{value * _factor(question):.4g}"
    digits = _digits(value if like is None else like, reach, question)
    return f"{value * _factor(question):z.{digits}f}"


def _digits(value: float, reach: float, question: Question) -> int:
    """Digits after the point that show the first digit of an uncertainty, and at least one. Scores
    that are no shares have no scale that is known: theirs show the target too, and two digits of
    the value, as long as the second is not far below the uncertainty."""
    if question.measure in SHARES:
        return max(1, -digit_place(reach * 100))
    target = f"{question.target:.4g}"
    written = len(target.partition(".")[2]) if "e" not in target else -digit_place(question.target)
    least = min(1 - digit_place(value), 1 - digit_place(reach)) if value else 0
    return max(0, -digit_place(reach), written, least)


def digit_place(number: float) -> int:
    """The power of ten of a number's first digit."""
    return floor(log10(abs(number))) if number else 0


def rounded(seeds: int) -> str:
    """A count to two digits: an estimate is no better."""
    return f"{round(seeds, min(0, 2 - len(str(seeds)))):,}"


def p_words(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"
