"""Counting what is drawn in training, in networks small enough to see it in their results."""

from __future__ import annotations

from math import sqrt

import torch
from torch import nn

import archdsl

# Standard errors that a frequency may be off: by chance once in some hundred thousand, and with
# a fixed seed always or never.
SIGMAS = 4.5


def assert_share(hits: float, of: int, wanted: float, what: str = "") -> None:
    """So many of so many are the wanted share, to within chance."""
    bound = SIGMAS * sqrt(wanted * (1 - wanted) / of)
    assert abs(hits / of - wanted) <= bound, f"{what}: {hits / of:.4f}, not {wanted} +- {bound:.4f}"


def network(body: str, input: str = "1x1x1") -> nn.Module:
    """A network whose every convolution multiplies by one."""
    made = archdsl.parse(
        f"arch tried()\ninput {input}\ndefault conv(bias = false, init = ones)\n{body}\n"
    )
    torch.manual_seed(11)
    return made.with_knobs().build()
