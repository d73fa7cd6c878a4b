"""Formats beside Python source: programs of torch.export, and ONNX."""

from __future__ import annotations

import copy
import re
import tempfile
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.backend.example_inputs import another, several
from archdsl.backend.out_of_memory import is_shortage, shortage
from archdsl.backend.stir import stirred
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.modelcard import ModelCard, in_archive, in_onnx
from archdsl.outputs import write_output

if TYPE_CHECKING:
    import torch
    from torch import nn

    Given = torch.Tensor | Sequence[torch.Tensor]  # of several inputs, all of them

# How far ONNX's results may be off, relative to the largest: rounding, in float32 or in float16.
TOLERANCE, ROUGH = 1e-4, 1e-2
MOVED = 1e-2  # by less, a result says nothing of the layers near the image
ERRORS = 3  # what onnxruntime prints; its warnings are of no use to who exports
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def write_pt2(
    module: nn.Module,
    example: Given,
    path: Path,
    card: ModelCard | None = None,
    any_size: bool = False,
) -> None:
    """A program of ``torch.export`` in evaluation, for any batch size: of what the network gives
    there, without the images that it was made with, and with a card among its ``extra_files``.
    With ``any_size`` height and width are free as well, which is tried at two other sizes.
    Raises ``ArchError``."""
    import torch

    others = resized(module, several(example), "pt2") if any_size else []
    try:
        program = _program(module, example, any_size)
        for other in others:
            with torch.no_grad():
                _, expected = results(module(*other))
                _, found = results(program.module()(*other))
            rough = any(t.dtype in (torch.float16, torch.bfloat16) for t in other)
            for made, wanted in zip(found, expected, strict=True):
                _difference("pt2", made, wanted, rough=rough)
    except ArchError:
        raise
    except Exception as problem:
        raise failed("pt2", problem) from None
    with suppress(ValueError):  # older versions of PyTorch do not let go of them
        program.example_inputs = None
    finish = None if card is None else partial(in_archive, card=card.bare)
    _write(path, lambda aside: torch.export.save(program, aside), finish)


def write_onnx(
    module: nn.Module,
    example: Given,
    path: Path,
    card: ModelCard | None = None,
    inputs: Sequence[str] = ("input",),
    any_size: bool = False,
) -> float:
    """An ONNX file for any batch size, checked against onnxruntime, with a card in its metadata.
    ``inputs`` are the names of what comes in; several results have their names. With ``any_size``
    height and width are free as well, which is checked at two other sizes.

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
    example = several(example)
    others = resized(module, example, "onnx") if any_size else []
    difference = 0.0

    def write(aside: Path) -> None:
        nonlocal difference
        _onnx(module, example, aside, inputs, any_size)
        difference, moved = compared(module, example, aside)
        for sized in others:
            difference = max(difference, compared(module, sized, aside)[0])
        if moved < MOVED:
            other = stirred(module, example)
            beside = aside.with_name("stirred.onnx")
            _onnx(other, example, beside, inputs)
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


def _onnx(
    module: nn.Module,
    example: Sequence[torch.Tensor],
    path: Path,
    inputs: Sequence[str],
    any_size: bool = False,
) -> None:
    import torch

    with torch.no_grad():
        outputs, _ = results(module.eval()(*example))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            tuple(example),
            path,
            dynamo=True,
            external_data=False,
            input_names=list(inputs),
            output_names=outputs,
            dynamic_shapes=_free(example, any_size),
            verbose=False,
        )


def results(given: Any) -> tuple[list[str], list[torch.Tensor]]:
    """The names of what a network gives in evaluation, and the tensors; one alone is `output`."""
    if isinstance(given, dict):
        return list(given), list(given.values())
    return ["output"], [given]


def _free(example: Sequence[torch.Tensor], any_size: bool) -> tuple[dict[int, Any], ...]:
    """The sizes that are free of each tensor: the batch, and of images height and width."""
    import torch

    dim = torch.export.Dim
    batch = dim("batch", min=1)
    sizes = [range(2, t.dim()) if any_size and t.is_floating_point() else () for t in example]
    return tuple({0: batch, **dict.fromkeys(axes, dim.DYNAMIC)} for axes in sizes)


def resized(
    module: nn.Module, example: Sequence[torch.Tensor], format: str
) -> list[tuple[torch.Tensor, ...]]:
    """Images of two other sizes, and of one that is no multiple where the network takes it. Raises
    ``ArchError`` where it does not take the first two."""
    import torch

    found = []
    for factors, more in (((2, 1), 0), ((2, 2), 0), ((2, 1), 1)):
        other = []
        for tensor in example:
            axes = tensor.dim() - 2 if tensor.is_floating_point() else 0
            times = (*factors, 2)[:axes]
            size = [n * m + more for n, m in zip(tensor.shape[2:], times, strict=True)]
            made = torch.randn(*tensor.shape[:2], *size).to(tensor) if axes > 0 else tensor
            other.append(made)
        shape = "x".join(map(str, other[0].shape[1:]))
        if all(t.shape == given.shape for t, given in zip(other, example, strict=True)):
            raise _not("it is given no images, whose sizes could be free", format)
        try:
            with torch.no_grad():
                module.eval()(*other)
        except Exception as problem:
            if more:  # some are of even sizes alone, or of multiples of a number
                continue
            said = str(problem).strip().split("\n", 1)[0]
            reason = f"its sizes cannot be free: images of {shape} fail: {said}"
            help = ["global_avgpool before the first linear lets a network take images of any size"]
            raise _not(reason, format, help) from None
        found.append(tuple(other))
    return found


def _difference(
    format: str, made: torch.Tensor, wanted: torch.Tensor, rough: bool = False
) -> float:
    """How far a result is from PyTorch's, relative to the largest. Raises ``ArchError`` where it is
    too far."""
    scale = max(wanted.abs().max().item(), 1e-12)
    off = (made - wanted).abs().max().item() / scale
    if not off <= (ROUGH if rough else TOLERANCE):
        raise _not(f"its results differ by {off:.2g} from PyTorch's", format)
    return float(off)


def _program(
    module: nn.Module, example: Given, any_size: bool = False
) -> torch.export.ExportedProgram:
    """The program of what it gives in evaluation; of side outputs, the weights are not in it."""
    import torch

    given = several(example)
    main = copy.copy(module.eval())
    with torch.no_grad():
        names, _ = results(module.eval()(*given))
    sides = [n for n in getattr(module, "output_weights", {}) if n not in ("main", *names)]
    main._modules = {k: v for k, v in module._modules.items() if k not in sides}
    return torch.export.export(main, given, dynamic_shapes=_free(given, any_size))


def compared(module: nn.Module, example: Sequence[torch.Tensor], path: Path) -> tuple[float, float]:
    """What onnxruntime makes of a batch of another size than the example's: the largest
    difference, and how far the results of a black image, or of another's first word alone, are
    from those of another, both relative to the largest; of several results, the least."""
    import onnxruntime
    import torch

    given = another(example, 3)
    for tensor in given:
        tensor[2] = 0
    with torch.no_grad():
        _, expected = results(module.cpu()(*given))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [item.name for item in session.get_inputs()]
    found = session.run(None, dict(zip(names, [t.numpy() for t in given], strict=True)))
    rough = any(t.dtype == torch.float16 for t in example)
    difference, moved = 0.0, float("inf")
    for made, wanted in zip(found, expected, strict=True):
        scale = max(wanted.abs().max().item(), 1e-12)
        off = _difference("onnx", torch.from_numpy(made), wanted, rough=rough)
        difference = max(difference, off)
        moved = min(moved, (wanted[0] - wanted[2]).abs().max().item() / scale)
    return difference, moved


def _not(reason: str, format: str = "onnx", help: Sequence[str] = ()) -> ArchError:
    return ArchError([diagnose(codes.EXPORT_FAILED, help=help, format=format, reason=reason)])


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


def _layer(problem: BaseException | None, module: nn.Module, example: Given) -> str:
    """The path of the layer that could not be translated, if the exporter names its node."""
    while problem is not None:
        found = re.search(r"translating node %(\w+)", str(problem))
        if found is not None:
            name, program = found[1].lstrip("_"), _program(module, example)
            # The exporter takes some nodes apart first, and names what comes of them.
            nodes = [*program.run_decompositions().graph.nodes, *program.graph.nodes]
            for node in nodes:
                if node.name.lstrip("_") == name and node.meta.get("nn_module_stack"):
                    (*_, (path, _)) = node.meta["nn_module_stack"].values()
                    return str(path)
        problem = problem.__cause__
    return ""
