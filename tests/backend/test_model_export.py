"""What an export holds, what its check sees, and what a failure says."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import archdsl
from archdsl import ArchError
from archdsl.backend import export
from archdsl.backend.export import write_onnx, write_pt2
from archdsl.backend.stir import stirred

DEEP = """arch deep(c = 8)
input 3x8x8
repeat 14 { conv(c, 3, bias = false) -> bn -> relu }
global_avgpool -> linear(5)
"""


def moves(module: nn.Module) -> float:
    """How far the result for an image is from that for a black one, relative to the largest."""
    images = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(5))
    images[1] = 0
    with torch.no_grad():
        y = module.eval()(images)
    return ((y[0] - y[1]).abs().max() / y.abs().max()).item()


def deep() -> tuple[nn.Module, torch.Tensor]:
    torch.manual_seed(1)
    return archdsl.parse(DEEP).with_knobs().build().eval(), torch.zeros(2, 3, 8, 8)


def test_a_stirred_copy_depends_on_its_input() -> None:
    module, example = deep()
    before = {k: v.clone() for k, v in module.state_dict().items()}
    state = torch.get_rng_state()
    assert moves(module) < 1e-4
    assert moves(stirred(module, example)) > 0.1
    assert all(torch.equal(v, before[k]) for k, v in module.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.slow
def test_another_stem_is_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The result of a deep network that is not trained says nothing of its first layer: with its
    own weights alone, a file with another one passes."""
    module, example = deep()
    written = export._onnx

    def other_stem(network: nn.Module, *how: Any) -> None:
        other = copy.deepcopy(network)
        first = next(m for m in other.modules() if isinstance(m, nn.Conv2d))
        first.weight.data.neg_()
        written(other, *how)

    monkeypatch.setattr(export, "_onnx", other_stem)
    other_stem(module, (example,), tmp_path / "own.onnx", ["input"])
    difference, moved = export.compared(module, (example,), tmp_path / "own.onnx")
    assert difference < 1e-4 and moved < 1e-4
    with pytest.raises(ArchError, match=r"A604.*its results differ by"):
        write_onnx(module, example, tmp_path / "x.onnx")
    assert not (tmp_path / "x.onnx").exists()


def test_the_stirred_copy_is_not_what_is_kept(tmp_path: Path) -> None:
    module, example = deep()
    assert write_onnx(module, example, tmp_path / "x.onnx") < 1e-4
    difference, moved = export.compared(module, (example,), tmp_path / "x.onnx")
    assert difference < 1e-4 and moved < 1e-4


@pytest.mark.parametrize(
    ("image", "body", "layer", "operation"),
    [
        ((3, 2, 8, 8), "conv(c, 1x3x3) -> adaptive_avgpool(2x1x1)", "avg", "_adaptive_avg_pool3d"),
        ((3, 13), "conv(c, 3) -> adaptive_maxpool(5)", "max", "adaptive_max_pool2d"),
    ],
)
def test_a_layer_that_cannot_be_exported_is_named(
    image: tuple[int, ...], body: str, layer: str, operation: str, tmp_path: Path
) -> None:
    """Also one that the exporter takes apart: in one dimension, as one of two."""
    text = f"arch x(c = 8)\ninput {'x'.join(map(str, image))}\nbody: {{ {body} }}\n"
    module = archdsl.parse(text).with_knobs().build()
    with pytest.raises(ArchError) as error:
        write_onnx(module, torch.zeros(2, *image), tmp_path / "x.onnx")
    (found,) = error.value.diagnostics
    assert found.code == "A604"
    assert found.message.startswith(
        f"the network cannot be exported to onnx: at `body.adaptive_{layer}pool1`: No ONNX "
        f"function found for <OpOverload(op='aten.{operation}', overload='default')>"
    )
    assert "\x1b" not in found.message
    assert tuple(found.help) == (
        "where the sizes divide, avgpool or maxpool gives the same and is exported",
    )


def test_onnxruntime_says_nothing_of_a_good_export(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = "arch p\ninput 3x15x15\nconv(4, 3) -> maxpool(2, mode = ceil) -> global_avgpool\n"
    write_onnx(
        archdsl.parse(text).with_knobs().build(), torch.zeros(2, 3, 15, 15), tmp_path / "x.onnx"
    )
    assert capfd.readouterr().err == ""


def test_a_program_has_neither_images_nor_the_weights_of_side_outputs(tmp_path: Path) -> None:
    text = (
        "arch s(c = 8)\ninput 3x64x64\nconv(c, 3) -> relu\n"
        "output aux(weight = 0.3) { flatten -> linear(8) }\nglobal_avgpool -> linear(4)\n"
    )
    module = archdsl.parse(text).with_knobs().build()
    write_pt2(module, torch.zeros(2, 3, 64, 64), tmp_path / "x.pt2")
    program = torch.export.load(tmp_path / "x.pt2")
    if torch.__version__ >= "2.7":  # older ones do not let go of them
        assert program.example_inputs is None
        assert (tmp_path / "x.pt2").stat().st_size < 50_000
    assert not [key for key in program.state_dict if key.startswith("aux")]
    assert hasattr(module, "aux")
    images = torch.randn(3, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(program.module()(images), module.eval()(images))
