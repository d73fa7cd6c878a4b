"""Memory that is not enough: how PyTorch says so, and what is said of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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


@contextmanager
def no_more_than_there_is() -> Iterator[None]:
    """What is done in it gets no more memory than the machine has left: where it asks for more, it
    fails, and the machine does not. Where the system does not tell or cannot hold to it (it is not
    Linux), nothing is bounded."""
    try:
        import resource

        (left,) = re.findall(r"MemAvailable: +(\d+)", Path("/proc/meminfo").read_text())
        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except (ImportError, OSError, ValueError):
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = held + 1024 * int(left)
    most = min([most, *(n for n in (soft, hard) if n != resource.RLIM_INFINITY)])
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
