"""Which device trains, and on how many cores."""

from __future__ import annotations

import os

import torch

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose

AUTO = "auto"


def choose_device(name: str = AUTO, index: int = 0) -> torch.device:
    """The device of a name; for ``auto`` a GPU where there is one, that of ``index`` where there
    are several. Raises ``ArchError`` (A606) for one that is not here."""
    if name == AUTO:
        if torch.cuda.is_available():
            return torch.device("cuda", index % torch.cuda.device_count())
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        probe = torch.zeros(1, device=name)
        probe.item()  # a device may be known and hold no numbers, as `meta` does
    except (RuntimeError, AssertionError) as problem:
        reason = str(problem).split("\n", 1)[0].split(". ", 1)[0]
        if reason.startswith("Expected one of"):  # a long list, most of it not in this build
            reason = "PyTorch has no type of device of this name"
        raise ArchError([diagnose(codes.NO_DEVICE, name=name, reason=reason)]) from None
    return probe.device


def cores() -> int:
    """The cores that this process may use: a job on a shared machine may have few of them."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
