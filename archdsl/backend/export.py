"""Formats beside Python source: programs of torch.export, and ONNX."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.writing import write_bytes

if TYPE_CHECKING:
    import torch
    from torch import nn

# How far ONNX's results may be off, relative to the largest: rounding, in float32 or in float16.
TOLERANCE, ROUGH = 1e-4, 1e-2


def write_pt2(module: nn.Module, example: torch.Tensor, path: Path) -> None:
    """A program of ``torch.export`` in evaluation, for any batch size. Raises ``ArchError``."""
    import torch

    batch = torch.export.Dim("batch", min=1)
    try:
        program = torch.export.export(module.eval(), (example,), dynamic_shapes=({0: batch},))
    except Exception as problem:
        raise _failed("pt2", problem) from None
    _write(path, lambda aside: torch.export.save(program, aside))


def write_onnx(module: nn.Module, example: torch.Tensor, path: Path) -> float:
    """An ONNX file for any batch size, checked against onnxruntime.

    Returns the largest difference of its results, relative to the largest result. Raises
    ``ArchError``, also where that is more than 1e-4 (1e-2 in float16).
    """
    import torch

    for package in ("onnx", "onnxscript", "onnxruntime"):
        try:
            __import__(package)
        except ImportError:
            raise ArchError(
                [diagnose(codes.NEEDS_PACKAGE, package=package, extra="archdsl[onnx]")]
            ) from None
    batch = torch.export.Dim("batch", min=1)
    difference = 0.0

    def write(aside: Path) -> None:
        nonlocal difference
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                module.eval(),
                (example,),
                aside,
                dynamo=True,
                external_data=False,
                input_names=["input"],
                output_names=["output"],
                dynamic_shapes=({0: batch},),
                verbose=False,
            )
        difference = _onnx_difference(module, example, aside)

    try:
        _write(path, write)
    except ArchError:
        raise
    except Exception as problem:
        raise _failed("onnx", problem) from None
    return difference


def _onnx_difference(module: nn.Module, example: torch.Tensor, path: Path) -> float:
    """What onnxruntime makes of a batch of another size than the example's."""
    import onnxruntime
    import torch

    images = torch.randn(3, *example.shape[1:], dtype=example.dtype)
    with torch.no_grad():
        expected = module.cpu()(images)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: images.numpy()})
    difference = (torch.from_numpy(found) - expected).abs().max().item()
    relative: float = difference / max(expected.abs().max().item(), 1e-12)
    if not relative <= (ROUGH if example.dtype == torch.float16 else TOLERANCE):
        reason = f"its results differ by {relative:.2g} from PyTorch's"
        raise ArchError([diagnose(codes.EXPORT_FAILED, format="onnx", reason=reason)])
    return relative


def _write(path: Path, write: Callable[[Path], None]) -> None:
    """Lets an exporter write into a folder of its own, and then takes the file over."""
    with tempfile.TemporaryDirectory(prefix="archdsl-") as folder:
        aside = Path(folder) / path.name
        write(aside)
        write_bytes(path, aside.read_bytes())


def _failed(format: str, problem: Exception) -> ArchError:
    reason = str(problem).strip().split("\n", 1)[0] or type(problem).__name__
    return ArchError([diagnose(codes.EXPORT_FAILED, format=format, reason=reason)])
