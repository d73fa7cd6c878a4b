"""Which device trains."""

from __future__ import annotations

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
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as problem:
        reason = str(problem).split("\n", 1)[0]
        raise ArchError([diagnose(codes.NO_DEVICE, name=name, reason=reason)]) from None
