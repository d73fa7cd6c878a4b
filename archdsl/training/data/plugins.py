"""Data of installed packages: entry points of the group ``archdsl.data``."""

from __future__ import annotations

from importlib.metadata import entry_points
from numbers import Integral
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose, did_you_mean
from archdsl.training.sets import DATA_GROUP, PluginData


def made(data: PluginData) -> Any:
    """What the entry point makes of the arguments: docs/training.md says what it has.

    Raises ``ArchError`` where there is no such entry point, where it fails, or where what it
    makes says no shape and no number of classes.
    """
    points = {point.name: point for point in entry_points(group=DATA_GROUP)}
    if data.plugin not in points:
        help = did_you_mean(data.plugin, points)
        reason = f"no installed package has an entry point of this name under {DATA_GROUP}"
        raise ArchError([diagnose(codes.NO_DATA, help=help, name=data.plugin, reason=reason)])
    placed = [value for name, value in data.given if not name]
    named = {name: value for name, value in data.given if name}
    try:
        source = points[data.plugin].load()(*placed, **named)
        image, classes = tuple(source.image), source.classes
    except Exception as problem:  # whatever the author's code does
        raise failed(data, f"{type(problem).__name__}: {problem}") from None
    if not 2 <= len(image) <= 4 or not all(map(_count, image)):
        wanted = "channels, and one to three sizes: all whole numbers above 0"
        raise failed(data, f"image = {image!r} is not what it should be, {wanted}")
    if not _count(classes) or classes < 2:
        raise failed(data, f"classes = {classes!r} is no whole number from 2 on")
    return source


def _count(value: Any) -> bool:
    """Whether a value is a whole number above 0, of Python or of NumPy."""
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) > 0


def failed(data: PluginData, reason: str) -> ArchError:
    return ArchError([diagnose(codes.BAD_PLUGIN, name=data.plugin, reason=reason)])
