"""The layers of docs/adding-a-layer.md are what PyTorch makes of their code."""

import pytest
import torch
from fences import ROOT, fences
from torch import nn
from torch.nn import functional

from archdsl import ArchError, parse
from archdsl.extensions import with_files
from archdsl.layers.base import Expression, Layer
from archdsl.registry import REGISTRY

WITH_MINE = with_files(REGISTRY, [ROOT / "docs" / "examples" / "my_layers.py"])
MINE = list(WITH_MINE.added)


def applied(call: str, shape: tuple[int, ...]) -> tuple[Layer, tuple[int, ...]]:
    arch = parse(f"arch t\ninput {'x'.join(map(str, shape))}\n{call}\n", registry=WITH_MINE)
    node = arch.with_knobs().flat.nodes[-1]
    return node.layer, node.shape


@pytest.mark.parametrize("cls", MINE, ids=lambda cls: cls.name)
def test_shape_and_weights(cls: type[Layer]) -> None:
    for example in cls.examples:
        layer, shape = applied(example.call, example.inputs[0])
        assert shape == example.output
        code = layer.torch(*example.inputs)
        x = torch.zeros(2, *example.inputs[0])
        if isinstance(code, Expression):
            y = eval(code.filled().format("x", x="x"), {"x": x, "torch": torch, "F": functional})
            assert layer.weights(*example.inputs) == ()
        else:
            module = eval(code.target, {"nn": nn})(*code.arguments, **code.keywords)
            y = module(x)
            weights = {w.name: w.shape for w in layer.weights(*example.inputs)}
            assert weights == {k: tuple(v.shape) for k, v in module.state_dict().items()}
        assert tuple(y.shape[1:]) == shape


def test_they_compile() -> None:
    document = ROOT / "docs" / "adding-a-layer.md"
    (spec,) = (f for f in fences(document) if f.after("file") == "gated.arch")
    arch = parse(spec.text, registry=WITH_MINE).with_knobs()
    module = arch.build()
    assert sum(p.numel() for p in module.parameters()) == arch.params
    assert module(torch.zeros(2, *arch.input)).shape == (2, *arch.output)


def test_what_does_not_fit_has_a_place() -> None:
    for call, code in (("swish_gate", "A210"), ("patches(8, 5)", "A210"), ("patches(0)", "A301")):
        with pytest.raises(ArchError) as caught:
            applied(call, (3, 32, 32))
        assert [d.code for d in caught.value.diagnostics] == [code]
        assert caught.value.diagnostics[0].span is not None


def test_they_are_not_there_unless_asked_for() -> None:
    with pytest.raises(ArchError) as caught:
        parse("arch t\ninput 4x8x8\nswish_gate\n")
    assert caught.value.diagnostics[0].code == "A101"
