"""Memory that is not enough while a network is built, exported or given weights."""

from pathlib import Path

import pytest
import torch

import archdsl
from archdsl.backend.export import failed
from archdsl.backend.transfer import read_checkpoint

# No machine has the memory for its weights: PyTorch says so before it takes any.
VAST = "arch vast(width = 2_000_000)\ninput 64\nlinear(width) -> linear(width) -> linear(2)"


def code_of(error: archdsl.ArchError) -> tuple[str, str]:
    (found,) = error.diagnostics
    return found.code, found.message


def test_a_network_that_is_too_large_to_build_is_a_diagnostic() -> None:
    arch = archdsl.parse(VAST.replace("_", "")).with_knobs()
    with pytest.raises(archdsl.ArchError) as caught:
        arch.build()
    assert code_of(caught.value) == (
        "A810",
        "the memory of cpu is not enough for the weights of vast, 4.00T parameters",
    )


def test_another_error_of_a_layer_passes() -> None:
    with pytest.raises(RuntimeError, match="device"):
        archdsl.load("resnet18").build(device="nowhere")


@pytest.mark.parametrize(
    "problem",
    [MemoryError(), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")],
)
def test_an_export_and_a_checkpoint_that_are_too_large(
    problem: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outer = RuntimeError("the export failed")
    outer.__cause__ = problem
    assert code_of(failed("onnx", outer)) == (
        "A810",
        "the memory of cpu is not enough for the export to onnx",
    )

    def load(*_: object, **__: object) -> None:
        raise problem

    torch.save({"a": torch.zeros(2)}, tmp_path / "w.pt")
    monkeypatch.setattr(torch, "load", load)
    with pytest.raises(archdsl.ArchError) as caught:
        read_checkpoint(tmp_path / "w.pt")
    assert code_of(caught.value)[0] == "A810"
