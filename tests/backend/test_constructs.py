"""What compiles runs: every layer, by its own examples, in every construct of the language,
once and many times, gives what its layers give that are applied one by one."""

from collections.abc import Iterator
from math import prod

import pytest
import torch
from agreement import batch, drawn
from reference import ByNode, still

import archdsl
from archdsl import ArchError, Architecture
from archdsl.layers.base import Example, show_shape
from archdsl.layers.join import Join
from archdsl.registry import REGISTRY

HEAVY = 300_000
LEAST_OF_SOME = 50
BODIES = {  # what stands in the network for a layer `L` that is applied `N` times
    "repeat": "repeat N { L }",
    "for": "for i in 1..N { L }",
    "label in repeat": "repeat N { a: L }",
    "label of repeat": "a: { repeat N { L } }",
    "braces": "repeat N { { L } }",
    "nested": "repeat N { a: { repeat N { L } } }",
    "with another": "repeat N { L -> tanh }",
    "branch": "branch concat { repeat N { L }; repeat N { a: L } }",
    "arms": "branch(N) concat { L }",
    "residual": "residual { repeat N { L } }",
    "residuals": "repeat N { residual { L } }",
    "dense": "dense(N) { L }",
    "dense of several": "dense(2) { repeat N { L } }",
    "block": "repeat N { unit(2) }",
    "in a block": "unit(N)\nunit(N)",
    "in some blocks": "some(1)\nsome(2)\nsome(1)",
}
BLOCKS = """
block unit(n) { repeat n { L } }
block some(n) {
  tanh
  if n > 1 { repeat N { L } }
}
"""
FRACTALS = {f"fractal of {n}": f"fractal(columns = {n}) {{ L }}" for n in (1, 2, 3)}
FRACTALS["fractal of fractals"] = "fractal(columns = 2) { fractal(columns = 2) { L } }"


def arm(shape: tuple[int, ...]) -> str:
    """A layer that makes this shape of any image."""
    if len(shape) == 1:
        return f"linear({shape[0]})"
    return f"adaptive_avgpool({show_shape(shape[1:])}) -> conv({shape[0]}, 1)"


def written(example: Example) -> str:
    """An example in a chain: a join stands in a branch, whose arms give what it takes."""
    if not issubclass(REGISTRY.layers[example.call.partition("(")[0]], Join):
        return example.call
    return f"branch {example.call} {{ {'; '.join(map(arm, example.inputs))} }}"


def weight(arch: Architecture) -> int:
    """About how many numbers are worked on."""
    return arch.macs // 10 + sum(prod(node.shape) for node in arch.flat.nodes)


def written_apart(name: str) -> list[tuple[str, str]]:
    """What the networks of a layer are, and their texts: each example in each construct. The
    first are of a layer that is repeated so often that the source has a loop."""
    cases = [(k, v, n) for n in (4, 7, 3, 2, 1) for k, v in BODIES.items()]
    cases += [(k, v, 1) for k, v in FRACTALS.items()]
    found = []
    for construct, body, n in cases:
        for example in REGISTRY.layers[name].examples:
            if issubclass(REGISTRY.layers[name], Join) and "(" in example.call:
                continue  # patterns alone write its arguments
            if REGISTRY.layers[name].takes_ids:
                continue  # what it gives are no ids: it stands once
            first = example.inputs[0]
            input = show_shape(first) if len(first) > 1 else f"({first[0]},)"
            text = f"arch t\ninput {input}\n{BLOCKS}\n{body}\ntanh\n"
            text = text.replace("N", str(n)).replace("L", written(example))
            found.append((f"{construct} of {n}: {example.call}", text))
    return found


def networks(texts: list[tuple[str, str]]) -> Iterator[tuple[str, Architecture]]:
    """Those of which shapes allow, but for large ones."""
    for what, text in texts:
        try:
            arch = archdsl.parse(text).with_knobs()
        except ArchError:
            continue
        if weight(arch) < HEAVY:
            yield what, arch


def assert_runs(arch: Architecture) -> None:
    """In evaluation and in training; a product of products may be no number in both."""
    compiled = drawn(arch.build).double()
    images = batch(2, *arch.input).double()
    nodes = ByNode(arch, compiled, torch.float64)
    assert sum(p.numel() for p in compiled.parameters()) == arch.params
    with torch.no_grad():
        found, wanted = compiled.eval()(images), nodes.train(False).outputs(images)["main"]
        torch.testing.assert_close(found, wanted, atol=1e-9, rtol=1e-7, equal_nan=True)
        found = still(compiled.train())(images)
        wanted = nodes.train(True).outputs(images)["main"]
        torch.testing.assert_close(found, wanted, atol=1e-9, rtol=1e-7, equal_nan=True)


def assert_all_run(texts: list[tuple[str, str]]) -> int:
    count = 0
    for what, arch in networks(texts):
        try:
            assert_runs(arch)
        except Exception as error:
            raise AssertionError(f"{what}\n{arch.source()}") from error
        count += 1
    return count


def loops(name: str) -> list[tuple[str, str]]:
    """Some of each layer's texts in which it is repeated in a loop, others for each layer."""
    texts = written_apart(name)
    return texts[:1] + texts[1 + list(REGISTRY.layers).index(name) % 5 : len(BODIES) : 5]


def test_every_layer_in_a_loop() -> None:
    assert (
        assert_all_run([text for name in REGISTRY.layers for text in loops(name)]) > LEAST_OF_SOME
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in REGISTRY.layers if written_apart(name)])
def test_every_layer_in_every_construct(name: str) -> None:
    assert assert_all_run(written_apart(name)) > 0


IDLE = """\
arch net
use "lib/unet.arch": pad_to
input 3x{n}x{n}
block up(other) {{ upsample(2) -> pad_to(other); branch add {{ other; identity }} }}
conv(3, 3) as a
maxpool(2)
up(a)
"""


@pytest.mark.parametrize(("n", "said"), [(8, False), (9, True)])
def test_a_block_that_does_nothing_is_no_class(n: int, said: bool) -> None:
    """Where it pads by nothing its docstring would say what it does not do."""
    arch = archdsl.parse(IDLE.format(n=n)).with_knobs()
    assert ("class PadTo" in arch.source()) == said
    assert_runs(arch)
