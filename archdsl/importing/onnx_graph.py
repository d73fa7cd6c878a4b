"""A graph of ONNX as its file has it: no larger than any may be, its functions written out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.files import opened
from archdsl.importing.extent import DamagedFile, check_functions, check_lists

MOST = 1 << 31  # bytes of a file
FAULTS = (LookupError, TypeError, ValueError, AttributeError, RuntimeError)


def graph_of(path: Path) -> tuple[Any, int]:
    """A graph with its functions written out, and the bytes of the file."""
    try:
        import onnx
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    except ImportError:
        raise ArchError([diagnose(codes.NEEDS_PACKAGE, package="onnx", extra="onnx")]) from None
    with opened(path) as stream:
        data = stream.read(MOST + 1)
    if len(data) > MOST:
        raise DamagedFile(f"it has more than {MOST:,} bytes")
    try:
        model = onnx.load_model_from_string(data)
        if not model.graph.node:
            raise DamagedFile("it is not an ONNX graph")
        check_lists(model.graph)
        check_functions(model)
        if model.functions:
            from onnx.inliner import inline_local_functions

            model = inline_local_functions(model)
        return model, len(data)
    except DecodeError:
        raise DamagedFile("it is not an ONNX graph") from None
    except DamagedFile:
        raise
    except FAULTS as problem:
        raise DamagedFile(f"its graph is damaged ({type(problem).__name__})") from None
