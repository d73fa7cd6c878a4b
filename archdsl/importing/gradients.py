"""Whether a gradient goes through what a model computes: none does in ``torch.no_grad()``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

import torch
from torch.autograd import Function

# What gives numbers that no gradient goes through anyway: of a tensor they take the shape.
OF_SHAPES = frozenset(
    """
    zeros_like ones_like full_like empty_like rand_like randn_like new_zeros new_ones new_full
    new_empty new_tensor
    """.split()
)


def has_gradient(out: Any) -> bool:
    """Whether a gradient goes through what was computed now, where one can. Within the
    ``forward`` of a ``torch.autograd.Function``, as that of checkpoints, gradients are off and
    computed apart."""
    results = out if isinstance(out, (tuple, list)) else (out,)
    numbers = any(isinstance(r, torch.Tensor) and r.is_floating_point() for r in results)
    return torch.is_grad_enabled() or not numbers or _is_in_function()


def _is_in_function() -> bool:
    forwards = {getattr(kind.forward, "__code__", None) for kind in _kinds(Function)}
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code not in forwards:
        frame = frame.f_back
    return frame is not None


def _kinds(of: type[Function]) -> Iterator[type[Function]]:
    for kind in of.__subclasses__():
        yield kind
        yield from _kinds(kind)
