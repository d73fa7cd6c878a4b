"""Whether a graph of ONNX may be run as it is: it asks for no more than any file may."""

from __future__ import annotations

from pathlib import Path

from archdsl.importing.extent import DamagedFile, TooMuch, check_ends, check_run
from archdsl.importing.file_module import ProgramModule
from archdsl.importing.onnx_file import read_onnx
from archdsl.importing.onnx_graph import FAULTS, graph_of


def check_onnx(path: Path) -> None:
    """Raises ``DamagedFile`` for what is no graph, for one that asks for more than any file may,
    and for one whose run may not end. What an import cannot read is let pass: onnxruntime has more
    operations. Raises ``ArchError`` where the package `onnx` is not installed."""
    check_ends(graph_of(path)[0])
    try:
        check_run(ProgramModule(read_onnx(path)[0]).eval())
    except TooMuch:
        raise
    except (DamagedFile, *FAULTS):
        return
