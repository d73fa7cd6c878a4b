"""Latency as a cost: measured, where the others follow from the spec."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from archdsl.analysis.solve import Measured
from archdsl.backend.export import write_onnx
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.spec import Architecture
from archdsl.training.packages import missing
from archdsl.training.timing import RUNS, measure_call, measure_inference, ready

EAGER, COMPILED, ONNX = "eager", "compile", "onnxruntime"
ON = (EAGER, COMPILED, ONNX)  # what runs the network


def latency_on(device: torch.device | str, on: str = EAGER) -> Measured:
    """The seconds of an inference of one image on a device; equal networks are measured once.

    ``on`` says what runs it: PyTorch, ``torch.compile``, or onnxruntime on the CPU, where the cost
    raises ``ArchError`` if the network cannot be exported. Raises ``ArchError``.
    """
    place = torch.device(device)
    measure = _MEASURES[on]
    if on == ONNX:
        check_onnx(place)
    return Measured(lambda arch: measure(arch, place))


def check_onnx(device: torch.device) -> None:
    """Raises ``ArchError`` where onnxruntime is not installed, or has nothing for a device."""
    for package in ("onnx", "onnxscript", "onnxruntime"):
        try:
            __import__(package)
        except ImportError:
            raise missing(package, "onnx") from None
    if device.type != "cpu":
        fields = {"name": str(device), "reason": "onnxruntime is measured on the CPU"}
        raise ArchError([diagnose(codes.NO_DEVICE, fields=fields)])


def _eager(arch: Architecture, device: torch.device) -> float:
    return measure_inference(arch, arch.input, device)


def _compiled(arch: Architecture, device: torch.device) -> float:
    torch.compiler.reset()
    module, image = ready(arch, arch.input, 1, device, torch.float32)
    run: Any = torch.compile(module.eval())

    def infer() -> None:
        with torch.inference_mode():
            run(*image)

    return measure_call(infer, device, RUNS)


def _onnx(arch: Architecture, device: torch.device) -> float:
    import onnxruntime

    module, images = ready(arch, arch.input, 2, device, torch.float32)
    images = tuple(tensor.contiguous() for tensor in images)
    with tempfile.TemporaryDirectory(prefix="archdsl-") as place:
        path = Path(place) / "network.onnx"
        write_onnx(module, images, path, inputs=list(arch.inputs))
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    given = {n: t[:1].numpy() for n, t in zip(arch.inputs, images, strict=True)}
    return measure_call(lambda: _run(session, given), device, RUNS)


def _run(session: Any, given: dict[str, Any]) -> None:
    session.run(None, given)


_MEASURES: dict[str, Callable[[Architecture, torch.device], float]] = {
    EAGER: _eager,
    COMPILED: _compiled,
    ONNX: _onnx,
}
