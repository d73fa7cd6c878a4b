"""Formats beside Python source: programs of torch.export, and ONNX."""

from __future__ import annotations

import copy
import re
import tempfile
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.backend.memory import is_shortage, shortage
from archdsl.backend.stir import stirred
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.modelcard import ModelCard, in_archive, in_onnx
from archdsl.outputs import write_output

if TYPE_CHECKING:
    import torch
    from torch import nn

# How far ONNX's results may be off, relative to the largest: rounding, in float32 or in float16.
TOLERANCE, ROUGH = 1e-4, 1e-2
MOVED = 1e-2  # by less, a result says nothing of the layers near the image
ERRORS = 3  # what onnxruntime prints; its warnings are of no use to who exports
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def write_pt2(
    module: nn.Module, example: torch.Tensor, path: Path, card: ModelCard | None = None
) -> None:
    """A program of ``torch.export`` in evaluation, for any batch size: of the main output alone,
    without the images that it was made with, and with a card among its ``extra_files``. Raises
    ``ArchError``."""
    import torch

    try:
        program = _program(module, example)
    except Exception as problem:
        raise failed("pt2", problem) from None
    program.example_inputs = None
    finish = None if card is None else partial(in_archive, card=card.bare)
    _write(path, lambda aside: torch.export.save(program, aside), finish)


def write_onnx(
    module: nn.Module, example: torch.Tensor, path: Path, card: ModelCard | None = None
) -> float:
    """An ONNX file for any batch size, checked against onnxruntime, with a card in its metadata.

    Returns the largest difference of its results, relative to the largest result. Where these do
    not depend on the images, as those of many untrained networks, a copy with other weights is
    exported and checked too. Raises ``ArchError``, also where a difference is more than 1e-4
    (1e-2 in float16).
    """
    for package in ("onnx", "onnxscript", "onnxruntime"):
        try:
            __import__(package)
        except ImportError:
            raise ArchError(
                [diagnose(codes.NEEDS_PACKAGE, package=package, extra="onnx")]
            ) from None
    difference = 0.0

    def write(aside: Path) -> None:
        nonlocal difference
        _onnx(module, example, aside)
        difference, moved = compared(module, example, aside)
        if moved < MOVED:
            other = stirred(module, example)
            beside = aside.with_name("stirred.onnx")
            _onnx(other, example, beside)
            checked, moved = compared(other, example, beside)
            if moved < MOVED:
                raise _not(f"it cannot be checked: its results move by {moved:.1g} with the images")
            difference = max(difference, checked)

    try:
        _write(path, write, None if card is None else partial(in_onnx, card=card.bare))
    except ArchError:
        raise
    except Exception as problem:
        raise failed("onnx", problem, _layer(problem, module, example)) from None
    return difference


def _onnx(module: nn.Module, example: torch.Tensor, path: Path) -> None:
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            (example,),
            path,
            dynamo=True,
            external_data=False,
            input_names=["input"],
            output_names=["output"],
            dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
            verbose=False,
        )


def _program(module: nn.Module, example: torch.Tensor) -> torch.export.ExportedProgram:
    """The program of the main output; of side outputs, the weights are not in it."""
    import torch

    main = copy.copy(module.eval())
    sides = [n for n in getattr(module, "output_weights", {}) if n != "main"]
    main._modules = {k: v for k, v in module._modules.items() if k not in sides}
    batch = torch.export.Dim("batch", min=1)
    return torch.export.export(main, (example,), dynamic_shapes=({0: batch},))


def compared(module: nn.Module, example: torch.Tensor, path: Path) -> tuple[float, float]:
    """What onnxruntime makes of a batch of another size than the example's: the difference, and
    how far the result of a black image is from that of another, both relative to the largest."""
    import onnxruntime
    import torch

    images = torch.randn(3, *example.shape[1:], dtype=example.dtype)
    images[2] = 0
    with torch.no_grad():
        expected = module.cpu()(images)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: images.numpy()})
    scale = max(expected.abs().max().item(), 1e-12)
    difference: float = (torch.from_numpy(found) - expected).abs().max().item() / scale
    if not difference <= (ROUGH if example.dtype == torch.float16 else TOLERANCE):
        raise _not(f"its results differ by {difference:.2g} from PyTorch's")
    moved: float = (expected[0] - expected[2]).abs().max().item() / scale
    return difference, moved


def _not(reason: str) -> ArchError:
    return ArchError([diagnose(codes.EXPORT_FAILED, format="onnx", reason=reason)])


def _write(
    path: Path, write: Callable[[Path], None], finish: Callable[[bytes], bytes] | None = None
) -> None:
    """Lets an exporter write into a folder of its own, and then takes the file over, finished."""
    with tempfile.TemporaryDirectory(prefix="archdsl-") as folder:
        aside = Path(folder) / path.name
        write(aside)
        data = aside.read_bytes()
        write_output(path, finish(data) if finish is not None else data)


def failed(format: str, problem: BaseException, layer: str = "") -> ArchError:
    """The error for what an exporter raised: its cause in one line, and where."""
    while problem.__cause__ is not None:
        problem = problem.__cause__
    if is_shortage(problem):
        return shortage("cpu", f"the export to {format}")
    lines = COLOURS.sub("", str(problem)).strip().split("\n", 1)
    reason = lines[0].rstrip(".") or type(problem).__name__
    help = []
    if layer:
        reason = f"at `{layer}`: {reason}"
        help = [f"write `{layer.split('.')[-1].rstrip('0123456789')}` as other layers, or use .pt2"]
        if "adaptive" in layer:
            help = ["where the sizes divide, avgpool or maxpool gives the same and is exported"]
    return ArchError([diagnose(codes.EXPORT_FAILED, help=help, format=format, reason=reason)])


def _layer(problem: BaseException | None, module: nn.Module, example: torch.Tensor) -> str:
    """The path of the layer that could not be translated, if the exporter names its node."""
    while problem is not None:
        found = re.search(r"translating node %(\w+)", str(problem))
        if found is not None:
            name = found[1].lstrip("_")
            for node in _program(module, example).graph.nodes:
                if node.name.lstrip("_") == name and node.meta.get("nn_module_stack"):
                    (*_, (path, _)) = node.meta["nn_module_stack"].values()
                    return str(path)
        problem = problem.__cause__
    return ""
