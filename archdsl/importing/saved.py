"""Networks in files that run no code: ``.pt2`` and ``.onnx``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.files import named_like
from archdsl.importing.extent import DamagedFile, check_run
from archdsl.importing.file_module import FileProgram, ProgramModule
from archdsl.layers.base import show_shape


def load_program(path: Path) -> ProgramModule:
    """The network of a file, in evaluation. Nothing in it is run or unpickled.

    Raises ``ArchError``: A663 for a file that cannot be read, is damaged, asks for more than it
    holds or for what could run code, and where a package is missing that it takes to read it."""
    try:
        described, graph = _described(path)
        if not described.inputs:
            raise DamagedFile("it has no input: a model to import takes a tensor")
        if not described.outputs:
            raise DamagedFile("it returns nothing: a model to import returns a tensor")
        for name, shape in described.inputs.items():
            if not shape or 0 in shape:
                said = show_shape(shape) or "of a scalar"
                raise DamagedFile(f"its input `{name}` has the shape {said}")
        try:
            program = ProgramModule(described).eval()
        except (KeyError, TypeError, ValueError, RuntimeError):
            raise DamagedFile("its tensors have names that no module has") from None
        if len(program.inputs) < len(described.inputs):
            raise DamagedFile("its inputs have names that differ in punctuation only")
        whole = check_run(program)
        if graph is not None and whole:
            from archdsl.importing.onnx_check import checked

            try:
                described.checked.append(checked(program, graph))
            except (RuntimeError, ValueError) as problem:
                reason = str(problem).strip().split("\n", 1)[0][:200]
                raise DamagedFile(f"its run fails: {reason}") from None
        return program
    except DamagedFile as problem:
        raise _error(path, str(problem)) from None
    except FileNotFoundError:
        raise _error(path, "there is no such file", named_like(path)) from None
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        raise _error(path, reason) from None


def _described(path: Path) -> tuple[FileProgram, Any]:
    """What a file says, and the graph itself where it is of ONNX."""
    if path.suffix == ".onnx":
        from archdsl.importing.onnx_file import read_onnx

        return read_onnx(path)
    from archdsl.importing.exported import read_pt2

    return read_pt2(path), None


def _error(path: Path, reason: str, help: Sequence[str] = ()) -> ArchError:
    return ArchError([diagnose(codes.NO_PROGRAM, help=help, name=path.name, reason=reason)])
