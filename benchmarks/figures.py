"""How fast a candidate's figures are known, against the fastest way that PyTorch offers.

Run: python benchmarks/figures.py [--json]

Every number is a ratio of medians taken in this one run, ours and the peer's in turn. The peer
builds torchvision's module on the meta device and counts with torch.utils.flop_counter. Each
candidate is a fresh one: a knob is changed to a value that has not been seen before, so that
nothing can be remembered of it. Ours come fifty in a row: once by ``Spec.figures``, which has all
but the first few in closed form, and once elaborated, each by itself.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count

import archdsl
from archdsl.analysis.figures import figures


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def ours(
    spec: archdsl.Spec, knob: str, values: Iterator[int], elaborate: bool = False, **fixed: object
) -> float:
    """One fresh candidate, all its counts; with ``elaborate``, those of its network."""
    value = next(values)

    def action() -> None:
        knobs = {knob: value, **fixed}
        found = figures(spec.with_knobs(**knobs).network) if elaborate else spec.figures(**knobs)
        assert found.params > 0 and found.macs > 0 and found.activations > 0

    return seconds(action)


def peer(name: str) -> float:
    """torchvision's module on the meta device, counted by PyTorch's own counter."""
    import torch
    import torchvision
    from torch.utils.flop_counter import FlopCounterMode

    def action() -> None:
        with torch.device("meta"):
            model = torchvision.models.get_model(name, **LEAN.get(name, {}))
            image = torch.empty(1, 3, 224, 224)
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            model.eval()(image)
        assert counter.get_total_flops() > 0
        assert sum(p.numel() for p in model.parameters()) > 0

    return seconds(action)


LEAN: dict[str, dict[str, object]] = {"densenet201": {"memory_efficient": False}}


def text_of(name: str, knob: str, domain: str) -> archdsl.Spec:
    """A built-in spec whose knob may be anything, so that fresh values do not run out."""
    source = archdsl.read(name).source.text
    head, found, tail = source.partition(f"  {knob} = ")
    assert found, f"{name} has a knob {knob} on a line of its own"
    default = tail.split(" in ", 1)[0]
    rest = tail.split("\n", 1)[1]
    return archdsl.parse(f"{head}  {knob} = {default} in {domain},\n{rest}", name)


def against_torch(rounds: int) -> dict[str, dict[str, float]]:
    """Per network: our milliseconds, the peer's, and how many times faster ours are."""
    resnet = text_of("resnet", "width", "1..100000")
    densenet = text_of("densenet", "growth", "1..100000")
    cases = {
        "resnet50": (resnet, "width", {"depth": 50}),
        "resnet152": (resnet, "width", {"depth": 152}),
        "densenet201": (densenet, "growth", {"depth": 201}),
    }
    results = {}
    fresh: dict[str, Iterator[int]] = {"width": count(129), "growth": (2 * n for n in count(30))}
    for name, (spec, knob, fixed) in cases.items():
        peer(name), ours(spec, knob, fresh[knob], **fixed)  # warm up
        closed, elaborated, theirs = [], [], []
        for _ in range(rounds):
            theirs.append(peer(name))
            gc.collect()  # what it has left behind is not ours
            closed.extend(ours(spec, knob, fresh[knob], **fixed) for _ in range(50))
            elaborated.extend(ours(spec, knob, fresh[knob], True, **fixed) for _ in range(50))
        a, b, c = map(statistics.median, (closed, elaborated, theirs))
        results[name] = {
            "ours_ms": 1e3 * a,
            "elaborated_ms": 1e3 * b,
            "peer_ms": 1e3 * c,
            "times_faster": c / a,
            "elaborated_times_faster": c / b,
        }
    return results


def depth_grows(rounds: int) -> dict[str, float]:
    """ResNet-1202 against ResNet-20, elaborated: the cost grows with different blocks only."""
    spec = text_of("resnet_cifar", "width", "1..1000000")
    fresh = count(65)
    shallow, deep = [], []
    for _ in range(20 * rounds):
        shallow.append(ours(spec, "width", fresh, True, depth=20))
        deep.append(ours(spec, "width", fresh, True, depth=1202))
    a, b = statistics.median(shallow), statistics.median(deep)
    return {"depth_20_ms": 1e3 * a, "depth_1202_ms": 1e3 * b, "ratio": b / a}


def candidates_a_second() -> dict[str, float]:
    """Wide ResNet's whole (depth, width) space, from a spec that has seen none of it."""
    spec = archdsl.read("wide_resnet")
    depths, widths = spec.knobs["depth"].domain, spec.knobs["width"].domain
    assert depths is not None and widths is not None
    pairs = [(d, w) for d in depths.enumerate() for w in widths.enumerate()]

    def walk() -> None:
        for depth, width in pairs:
            knobs = {"depth": depth, "width": width}
            found = spec.figures(**knobs)
            assert found.params > 0 and found.macs > 0

    fresh = seconds(walk)
    again = seconds(walk)
    return {
        "candidates": len(pairs),
        "a_second_fresh": len(pairs) / fresh,
        "a_second_again": len(pairs) / again,
    }


def command_against_import(rounds: int) -> dict[str, float]:
    """`archdsl check resnet` against `import torch`, whole processes in turn, from bytecode."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

    def run(command: list[str]) -> float:
        return seconds(
            lambda: subprocess.run(command, check=True, capture_output=True, env=environment)
        )

    check = [sys.executable, "-m", "archdsl", "check", "resnet"]
    torch = [sys.executable, "-c", "import torch"]
    mine, theirs = [], []
    for _ in range(rounds + 1):
        mine.append(run(check))
        theirs.append(run(torch))
    a, b = statistics.median(mine[1:]), statistics.median(theirs[1:])
    return {"check_ms": 1e3 * a, "import_torch_ms": 1e3 * b, "ratio": a / b}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = {
        "figures against the meta device": against_torch(options.rounds),
        "resnet-1202 against resnet-20": depth_grows(options.rounds),
        "wide resnet's space": candidates_a_second(),
        "check against import torch": command_against_import(options.rounds),
    }
    if options.json:
        print(json.dumps(results, indent=1))
        return
    for title, found in results.items():
        print(title)
        for key, value in found.items():
            if isinstance(value, dict):
                shown = ", ".join(f"{k} {v:.3g}" for k, v in value.items())
                print(f"  {key:14} {shown}")
            else:
                print(f"  {key:18} {value:.4g}")


if __name__ == "__main__":
    main()
