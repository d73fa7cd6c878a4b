"""What is held, where it can only be measured."""

from __future__ import annotations

import torch

from archdsl.analysis.solve import Cost
from archdsl.search.request import SearchRequest
from archdsl.spec import Architecture
from archdsl.training.latency import latency_on


def measured_on(search: SearchRequest, device: torch.device) -> Cost:
    """The cost that a search holds, measured on a device; equal networks are measured once."""
    assert search.hold is not None, "a cost is held"
    cost = search.costs[search.hold.cost]
    if cost.name == "latency":
        return latency_on(device)
    known: dict[str, float] = {}

    def measure(arch: Architecture) -> float:
        if arch.hash not in known:
            known[arch.hash] = cost.measure(arch, 1, str(device))
        return known[arch.hash]

    return measure
