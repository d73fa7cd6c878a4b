"""The emitted source computes its graph: node by node, in evaluation and in a training step.

What the source adds to the layers (classes, sequences, loops, activations in place, shared
shortcuts) changes no result, no gradient and no statistic.
"""

import sys
from pathlib import Path

import pytest
import torch
from agreement import batch, drawn, outputs
from hypothesis import given, settings
from reference import ByNode, key, still
from small_networks import DISTINCT, families, small
from torch import Tensor

import archdsl
from archdsl import Architecture

sys.path.insert(0, str(Path(__file__).parents[1] / "graph"))
from random_specs import specs


def assert_equal(found: Tensor, wanted: Tensor, what: str) -> None:
    torch.testing.assert_close(found, wanted, atol=1e-8, rtol=1e-7, msg=lambda m: f"{what}: {m}")


def assert_computes_its_graph(arch: Architecture) -> None:
    compiled = drawn(arch.build).double()
    images = batch(3, *arch.input).double()
    nodes = ByNode(arch, compiled, torch.float64)
    with torch.no_grad():
        found, wanted = compiled.eval()(images), nodes.train(False).outputs(images)["main"]
    assert_equal(found, wanted, "in evaluation")
    still(compiled.train())
    ours, theirs = (images.clone().requires_grad_() for _ in range(2))
    found, wanted = outputs(compiled, ours), nodes.train(True).outputs(theirs)
    assert list(found) == list(wanted)
    for name, y in wanted.items():
        assert_equal(found[name], y, f"{name} in training")
    for results in (found, wanted):
        sum(((i + 2) * y.sin()).sum() for i, y in enumerate(results.values())).backward()
    assert_equal(ours.grad, theirs.grad, "the gradient of the images")
    seen = set()
    for path, module in nodes.modules.items():
        mine = compiled.get_submodule(key(path)) if module.state_dict() else module
        for (name, p), q in zip(mine.named_parameters(), module.parameters(), strict=True):
            assert (p.grad is None) == (q.grad is None), f"{path}.{name}"
            if p.grad is not None:
                assert_equal(p.grad, q.grad, f"the gradient of {path}.{name}")
            seen.add(p)
        for (name, b), c in zip(mine.named_buffers(), module.buffers(), strict=True):
            assert_equal(b, c, f"{path}.{name} after a step")
    assert seen >= set(compiled.parameters())


@pytest.mark.parametrize("name", families(DISTINCT | {"swin"}))
def test_every_family(name: str) -> None:
    assert_computes_its_graph(small(name))


@settings(max_examples=30)
@given(specs(aux=True, shared=True))
def test_random_networks(text: str) -> None:
    assert_computes_its_graph(archdsl.parse(text).with_knobs())
