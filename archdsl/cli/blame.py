"""Whose mistake an exception is: one in the code of a user's layer is no bug of archdsl."""

from __future__ import annotations

from pathlib import Path
from traceback import walk_tb

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.extensions import MODULE
from archdsl.layers.base import Layer


def blame(problem: Exception) -> ArchError | None:
    """What to say where the code of a layer from a Python file raised something, or where the
    network that has such a layer did; nothing where archdsl itself is to blame."""
    frames = [(frame, line) for frame, line in walk_tb(problem.__traceback__)]
    for frame, line in reversed(frames):
        if str(frame.f_globals.get("__name__", "")).startswith(MODULE):
            file, here = Path(frame.f_code.co_filename), Path.cwd()
            shown = file.relative_to(here) if file.is_relative_to(here) else file
            return _error(f"`{frame.f_code.co_name}` at {shown}:{line}", problem)
    from archdsl.backend.build import COMPILED  # slow to load, and nothing else here needs it

    for frame, line in reversed(frames):
        if frame.f_code.co_filename.startswith(COMPILED) and has_own(Layer):
            return _error(f"line {line} of the compiled network", problem)
    return None


def has_own(layer: type[Layer]) -> bool:
    """Whether layers from Python files are loaded."""
    own = layer.__module__.startswith(MODULE)
    return own or any(has_own(below) for below in layer.__subclasses__())


def _error(place: str, problem: Exception) -> ArchError:
    first = str(problem).strip().partition("\n")[0]
    reason = f"{type(problem).__name__}: {first}" if first else type(problem).__name__
    return ArchError([diagnose(codes.LAYER_RAISES, fields={"place": place, "reason": reason})])
