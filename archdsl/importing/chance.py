"""A model that draws numbers with Python or NumPy while it runs, to decide what it does."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose

HELP = (
    "drop at random with `nn.Dropout`, timm's `DropPath` or torchvision's `StochasticDepth` alone: "
    "these are known"
)


@contextmanager
def without_draws() -> Iterator[None]:
    """Raises ``ArchError`` (A668) where numbers are drawn: how rarely one decides otherwise, no run
    can tell. Those of PyTorch decide nothing, as tensors have no numbers here."""
    before = _states()
    yield
    drawn = [name for name, state in _states().items() if state != before.get(name, state)]
    if drawn:
        reason = f"it draws numbers with `{drawn[0]}`"
        raise ArchError([diagnose(codes.CHANGES_BY_CHANCE, help=[HELP], reason=reason)])


def _states() -> dict[str, Any]:
    """Where the generators that a model may share stand."""
    found: dict[str, Any] = {"random": random.getstate()}
    numpy: Any = sys.modules.get("numpy.random")
    if numpy is not None:  # NumPy may be imported while a model runs
        kind, numbers, *rest = numpy.get_state()
        found["np.random"] = (kind, bytes(numbers), *rest)
    return found
