"""Latency as a cost that can be held: measured, where the others follow from the spec."""

from __future__ import annotations

import torch

from archdsl.search.solve import Cost
from archdsl.spec import Architecture
from archdsl.training.timing import measure_inference


def latency_on(device: torch.device) -> Cost:
    """The seconds of an inference of one image on a device; equal networks are measured once."""
    known: dict[str, float] = {}

    def seconds(arch: Architecture) -> float:
        if arch.hash not in known:
            known[arch.hash] = measure_inference(arch, arch.input, device)
        return known[arch.hash]

    return seconds
