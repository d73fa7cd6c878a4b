"""The emitted source computes its graph: node by node, in evaluation and in a training step.

What the source adds to the layers (classes, sequences, loops, activations in place, shared
shortcuts) changes no result, no gradient and no statistic.
"""

import ast
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


def unread(source: str) -> set[str]:
    """What classes make and never use: ``U.add1`` where no method of ``U`` but its constructor
    speaks of ``add1``."""
    found = set()
    for made in ast.parse(source).body:
        if not isinstance(made, ast.ClassDef):
            continue
        methods = {n.name: [*ast.walk(n)] for n in made.body if isinstance(n, ast.FunctionDef)}
        init, others = methods.pop("__init__", []), [n for nodes in methods.values() for n in nodes]
        if others and not any(isinstance(n, ast.Name) and n.id == "getattr" for n in others):
            known = [n for n in init if isinstance(n, ast.Attribute)]
            attributes = {n.attr for n in known if isinstance(n.ctx, ast.Store)}
            read = {n.attr for n in others if isinstance(n, ast.Attribute)}
            found |= {f"{made.name}.{name}" for name in attributes - read}
    return found


def assert_computes_its_graph(arch: Architecture) -> None:
    assert not unread(arch.source())
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


UNIT = "{ conv(c, 3) -> bn }; relu"
AGAIN = "branch add { identity; a }"
BOTH = "u(true); u(false)"


def of(block: str, uses: str) -> Architecture:
    return archdsl.parse(f"arch t\ninput 8x8x8\nblock {block}\n{uses}").with_knobs()


@pytest.mark.parametrize(
    ("block", "uses"),
    [
        (
            f"u(c, p = 1) {{ residual(survive = p) {UNIT} }}",
            "repeat 3 as j { u(16, 1 - (j - 1) / 4) }",
        ),
        (
            f"u(c, p = 1) {{ residual(survive = p, shortcut = pad) {UNIT} }}",
            "u(16); u(16, 0.75); u(32); u(32, 0.5); u(64, 0.25)",
        ),
        (
            f"u(c, p = 1, e = false) {{ if e {{ conv(c, 1) }}; residual(survive = p) {UNIT} }}",
            "u(8, 0.8); u(8, 0.5); u(8, 1, true)",
        ),
        ("u(e) { residual { conv(8, 3) -> sigmoid; if e { conv(8, 3) -> bn } } }", BOTH),
        ("u(e) { sigmoid; residual { if e { conv(8, 3) -> bn } } }", BOTH),
    ],
)
def test_sums_in_place(block: str, uses: str) -> None:
    """The fullest use of a class may add in place what another drops at random, or needs again."""
    assert_computes_its_graph(of(block, uses))


@pytest.mark.parametrize(
    ("block", "uses"),
    [
        (f"u(r) {{ conv(8, 3) as a; relu; conv(8, 3); if r {{ {AGAIN} }} }}", BOTH),
        (f"u(r) {{ conv(8, 3) -> bn as a; relu; if r {{ {AGAIN} }} else {{ sigmoid }} }}", BOTH),
        (f"u(r) {{ conv(8, 3) as a; (({AGAIN}) if r else relu); conv(8, 3) }}", BOTH),
        (f"u(r) {{ residual {{ conv(8, 3) as a; if r {{ relu; {AGAIN} }} }}; relu }}", BOTH),
        (
            f"add(a) {{ {AGAIN} }}\nblock u(r) {{ conv(8, 3) as a; relu; if r {{ add(a) }} }}",
            BOTH,
        ),
        (
            f"u(k, r) {{ conv(k, 3) as a; relu; if r {{ {AGAIN} }} }}",
            "fractal(2) { u(8, true) }; fractal(2) { u(8, false) }",
        ),
        (
            "u(r) { conv(8, 3); let t = in.tensors; relu; if r { branch add { identity; t[1] } } }",
            BOTH,
        ),
        ("u(r) { conv(8, 3); repeat 5 { relu } }", BOTH),
    ],
)
def test_activations_in_place(block: str, uses: str) -> None:
    """None overwrites what another use of its class, or another turn, reads again."""
    assert_computes_its_graph(of(block, uses))
