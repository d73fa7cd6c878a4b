"""Data of installed packages: entry points of the group ``archdsl.data``."""

from __future__ import annotations

from importlib.metadata import entry_points
from numbers import Integral
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose, did_you_mean
from archdsl.training.packages import DATA_GROUP
from archdsl.training.tasks import CLASSIFICATION, IGNORED, TASKS

if TYPE_CHECKING:
    from archdsl.training.sets import PluginData


def made(data: PluginData) -> Any:
    """What the entry point makes of the arguments: docs/training.md says what it has.

    Raises ``ArchError`` where there is no such entry point, or where it fails.
    """
    points = {point.name: point for point in entry_points(group=DATA_GROUP)}
    if data.plugin not in points:
        help = did_you_mean(data.plugin, points)
        reason = f"no installed package has an entry point of this name under {DATA_GROUP}"
        raise ArchError([diagnose(codes.NO_DATA, help=help, name=data.plugin, reason=reason)])
    placed = [value for name, value in data.given if not name]
    named = {name: value for name, value in data.given if name}
    try:
        return points[data.plugin].load()(*placed, **named)
    except Exception as problem:  # whatever the author's code does
        raise failed(data.plugin, f"{type(problem).__name__}: {problem}") from None


def says_nothing(source: Any) -> bool:
    """Whether a user's object says neither the shape of an image nor the number of classes."""
    return getattr(source, "image", None) is None and getattr(source, "classes", None) is None


def checked(name: str, source: Any) -> tuple[tuple[int, ...], int]:
    """The shape of an image and the number of classes that a user's object says.

    Raises ``ArchError`` where it says none, or where they are none.
    """
    try:
        image, classes = tuple(source.image), source.classes
    except Exception as problem:  # whatever the author's code does
        raise failed(name, f"{type(problem).__name__}: {problem}") from None
    task = TASKS[task_of(name, source)]
    if len(image) not in ((1,) if task.words else (1, 2, 3, 4)) or not all(map(_count, image)):
        wanted = "channels, and up to three sizes: all whole numbers above 0"
        wanted = "how many tokens stand in a row, as (64,)" if task.words else wanted
        raise failed(name, f"image = {image!r} is not what it should be, {wanted}")
    if not _count(classes) or classes < task.least:
        raise failed(name, f"classes = {classes!r} is not a whole number from {task.least} on")
    if task.dense and len(image) < 3:
        raise failed(
            name, f"image = {image!r} is of a signal or a row, and masks are of images or volumes"
        )
    if task.dense and classes > IGNORED:
        raise failed(
            name, f"classes = {classes!r} are more than the {IGNORED} that a mask can have"
        )
    return tuple(map(int, image)), int(classes)


def task_of(name: str, source: Any) -> str:
    """The task that a user's object says: classification, where it says none. Raises
    ``ArchError``."""
    task = getattr(source, "task", CLASSIFICATION.name)
    if not isinstance(task, str) or task not in TASKS:
        raise failed(name, f"task = {task!r} is not one of {', '.join(TASKS)}")
    return task


def _count(value: Any) -> bool:
    """Whether a value is a whole number above 0, of Python or of NumPy."""
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) > 0


def failed(name: str, reason: str) -> ArchError:
    return ArchError([diagnose(codes.BAD_PLUGIN, name=name, reason=reason)])
