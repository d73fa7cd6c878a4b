"""Whether a gradient goes through what a model computes: none does in ``torch.no_grad()``."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import torch
from torch.autograd.function import FunctionCtx

# What gives numbers that no gradient goes through anyway: of a tensor they take the shape.
OF_SHAPES = frozenset(
    """
    zeros_like ones_like full_like empty_like rand_like randn_like new_zeros new_ones new_full
    new_empty new_tensor
    """.split()
)


def has_gradient(out: Any) -> bool:
    """Whether a gradient goes through what was computed now, where one can. Within a
    ``torch.autograd.Function``, as that of checkpoints, gradients are off and computed apart."""
    results = out if isinstance(out, (tuple, list)) else (out,)
    numbers = any(isinstance(r, torch.Tensor) and r.is_floating_point() for r in results)
    return torch.is_grad_enabled() or not numbers or _is_in_function()


def _is_in_function() -> bool:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        first = frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
        if isinstance(first, FunctionCtx):
            return True
        frame = frame.f_back
    return False
