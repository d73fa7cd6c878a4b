"""Whether a graph of ONNX was read as what it is: its results are those of an interpreter of ONNX.

That of the package `onnx` is in numpy and counts in double precision, which small networks wait
for; the results of larger ones are onnxruntime's, where it is installed."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isfinite
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.importing.file_module import ProgramModule

SMALL = 20_000_000  # multiply-adds for which numpy is fast enough
# How far results may be off: numbers of the file have seven digits; in single precision.
CLOSE, ROUGH = 1e-6, 1e-4
QUIET = 4  # of onnxruntime: nothing but what ends it


def checked(program: ProgramModule, model: Any) -> str:
    """What was compared, in words. Raises ``ArchError`` (A659) where the results are others."""
    counter = FlopCounterMode(display=False)
    batch = program.described.batch or 2
    generator = torch.Generator().manual_seed(0)
    given = [
        torch.rand((batch, *shape), generator=generator, dtype=torch.float64)
        for shape in program.inputs.values()
    ]
    with torch.no_grad(), counter:
        single = program(*(x.float() for x in given))
    exact = counter.get_total_flops() <= 2 * SMALL * batch or not _runtime()
    if exact:
        with torch.no_grad():
            ours = program.double()(*given)
        program.float()
        theirs = _reference(model, _named(program, given))
    else:
        ours, theirs = single, _session(model, _named(program, [x.float() for x in given]))
    mine = list(ours.values()) if isinstance(ours, dict) else [ours]
    off = max(_off(a.numpy(), b) for a, b in zip(mine, theirs, strict=True))
    if not off <= (CLOSE if exact else ROUGH):
        reason = f"its results are off by {off:.2g} of the largest from those of ONNX"
        raise ArchError([diagnose(codes.NOT_THE_SAME, reason=reason)])
    return f"results of {'ONNX in double precision' if exact else 'onnxruntime'}"


def _named(program: ProgramModule, given: Sequence[torch.Tensor]) -> dict[str, Any]:
    """What comes in, by the names of the file."""
    return {name: x.numpy() for name, x in zip(program.described.inputs, given, strict=True)}


def _off(a: Any, b: Any) -> float:
    if a.shape != b.shape:
        return float("inf")
    off = float(np.abs(a - b).max() / max(float(np.abs(b).max()), 1e-12))
    return off if isfinite(off) else inf  # the largest of several would be none of nan


def _runtime() -> bool:
    from importlib.util import find_spec

    return find_spec("onnxruntime") is not None


def _reference(model: Any, given: dict[str, Any]) -> list[Any]:
    """What the interpreter of `onnx` makes of it, its numbers in double precision."""
    import onnx
    from onnx import numpy_helper
    from onnx.reference import ReferenceEvaluator

    double = onnx.ModelProto()
    double.CopyFrom(model)
    tensors = [*double.graph.initializer]
    for node in double.graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                tensors.append(attribute.t)
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == 1:
                attribute.i = onnx.TensorProto.DOUBLE
    for tensor in tensors:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            array = numpy_helper.to_array(tensor).astype(np.float64)
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    for value in (*double.graph.input, *double.graph.output):
        value.type.tensor_type.elem_type = onnx.TensorProto.DOUBLE
    return list(ReferenceEvaluator(double).run(None, given))


def _session(model: Any, given: dict[str, Any]) -> list[Any]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = QUIET
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=providers)
    return list(session.run(None, given))
