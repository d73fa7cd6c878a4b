"""Readers of values that somebody else may have written, as the card of a study and its trials:
each gives a value of its kind. Raises ``Wrong`` for one of another kind."""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Callable, Mapping
from datetime import datetime
from math import isfinite
from typing import Any

from archdsl.diagnostics.render import HIDDEN
from archdsl.training.examples import packed
from archdsl.within import Outside, bare

WEIGHTS = ".pt"  # the ending of files of weights

Reader = Callable[[Any], Any]
Kind = tuple[str, Reader]  # what it is called, and what reads it


class Wrong(ValueError):
    """A value is not of its kind; the text says of which it should be."""


def read(kind: Kind, value: Any) -> Any:
    """A value of a kind. Raises ``Wrong``."""
    what, reader = kind
    try:
        return reader(value)
    except (ValueError, TypeError, OverflowError, SyntaxError, MemoryError, RecursionError):
        raise Wrong(what) from None


def is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63


def whole(value: Any) -> int:
    if not is_whole(value):
        raise ValueError
    return int(value)


def number(value: Any) -> float | None:
    """A number; none for one that is not finite. One that numpy knows: a longer whole number is
    a float."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError
    if not is_whole(value):
        value = float(value)
    return value if isfinite(value) else None


def amount(value: Any) -> float | None:
    found = number(value)
    if found is not None and found < 0:
        raise ValueError
    return found


def natural(value: Any) -> int:
    if whole(value) < 0:
        raise ValueError
    return int(value)


def text(value: Any) -> str:
    """A text that can be written and hashed: JSON may have halves of characters and NULs."""
    if not isinstance(value, str) or "\0" in value:
        raise ValueError
    value.encode()
    return value


def name(value: Any) -> str:
    """A text that can be the name of a study, and so of its folder."""
    found = text(value)
    if not found or "/" in found or HIDDEN.search(found) or len(found) > 200:
        raise ValueError
    return found


def file(value: Any) -> str:
    """The bare name of a file of weights; nothing for one that leads elsewhere."""
    try:
        return bare(text(value), WEIGHTS)
    except Outside:
        return ""


def texts(value: Any) -> Mapping[str, str]:
    if not isinstance(value, dict):
        raise ValueError
    return {text(name): text(entry) for name, entry in value.items()}


def numbers(value: Any) -> Mapping[str, float | None]:
    if not isinstance(value, dict):
        raise ValueError
    return {text(name): number(entry) for name, entry in value.items()}


def points(value: Any) -> tuple[tuple[float, ...], ...]:
    lists = isinstance(value, list) and all(isinstance(point, list) for point in value)
    if not lists or not all(2 <= len(point) <= 5 for point in value):
        raise ValueError
    for point in value:
        for entry in point:
            number(entry)
    return tuple(tuple(point) for point in value)


def amounts(value: Any) -> tuple[float | None, ...]:
    """Three or four numbers; of the first and the third, a training has always one."""
    if not isinstance(value, list) or len(value) not in (3, 4):
        raise ValueError
    found = [None if entry is None else number(entry) for entry in value]
    if found[0] is None or found[2] is None:
        raise ValueError
    return tuple(found)


def fits(value: Any) -> tuple[tuple[int, ...], int]:
    """The shape and the number of classes with which the description of data ends: of
    ``digits digits(seed = 0) ((1, 8, 8), 10)`` what stands in the last double brackets."""
    found = text(value)
    image, classes = literal_eval(found[found.rindex("((") :])
    if not isinstance(image, tuple) or not 1 <= len(image) <= 4 or natural(classes) < 1:
        raise ValueError
    if any(natural(size) < 1 for size in image):
        raise ValueError
    return image, classes


def described(value: Any) -> str:
    """The description of data."""
    fits(value)
    return text(value)


def moment(value: Any) -> str:
    """A time as ISO 8601 has it."""
    datetime.fromisoformat(text(value))
    return str(value)


WHOLE: Kind = ("a whole number", whole)
NATURAL: Kind = ("a whole number from 0 on", natural)
AMOUNT: Kind = ("a number from 0 on", amount)
EXAMPLES: Kind = ("what a network said of each example", packed)
NUMBER: Kind = ("a number", number)
TEXT: Kind = ("a text", text)
NAME: Kind = ("the name of a study", name)
FILE: Kind = ("the name of a file", file)
TEXTS: Kind = ("a table of texts", texts)
NUMBERS: Kind = ("a table of numbers", numbers)
POINTS: Kind = ("a list of epochs", points)
REACHED: Kind = ("an epoch with its score", amounts)
DATA: Kind = ("a description of data with its shape and classes", described)
MOMENT: Kind = ("a time", moment)
