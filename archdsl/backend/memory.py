"""Memory that is not enough: how PyTorch says so, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose

# How PyTorch says that memory is used up: that of the machine itself has no class of error.
NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")


def is_shortage(problem: BaseException) -> bool:
    """Whether an exception says that memory was used up."""
    if isinstance(problem, MemoryError):
        return True
    return isinstance(problem, RuntimeError) and any(w in str(problem) for w in NO_MEMORY)


def shortage(device: object, what: str) -> ArchError:
    """The error (A810) of a device whose memory is not enough for something."""
    return ArchError([diagnose(codes.OUT_OF_MEMORY, fields={"device": device, "what": what})])


@contextmanager
def room(device: object, what: str) -> Iterator[None]:
    """Raises ``ArchError`` (A810) where the memory is not enough for what is done in it."""
    try:
        yield
        return
    except (MemoryError, RuntimeError) as problem:
        if not is_shortage(problem):
            raise
    raise shortage(device, what)  # after the handler: no frame is kept, and no tensor of it
