"""Lines of the user's code: where an operation stands, and where a run failed."""

from __future__ import annotations

import os
import runpy
import sys
import sysconfig
from collections.abc import Callable, Sequence
from pathlib import Path
from traceback import walk_tb
from types import FrameType
from typing import Any, NamedTuple

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Diagnostic, diagnose
from archdsl.diagnostics.source import Source, Span

# What torch says where a run asks for numbers that a meta tensor does not have.
ASKS_NUMBERS = (
    "cannot be called on meta tensors",
    "data-dependent",
    "Cannot copy out of meta tensor",
    "aten::_local_scalar_dense",
    "aten::nonzero",
    "aten::equal",
    "aten::is_nonzero",
)
# Folders whose lines are none of the user's: archdsl's, PyTorch's, Python's.
OWN = (
    str(Path(__file__).parents[1]),
    str(Path(runpy.__file__).parent / "runpy.py"),
    *(str(Path(p) / "torch") + os.sep for p in sys.path if (Path(p) / "torch").is_dir()),
    str(Path(runpy.__file__).parent / "importlib"),
)

PACKAGES = f"{os.sep}site-packages{os.sep}"  # which may lie within the folder of Python's library


class CodeLine(NamedTuple):
    """A line of a file."""

    file: str
    line: int

    @property
    def span(self) -> Span | None:
        """The line as a diagnostic shows it; nothing where the file cannot be read."""
        try:
            text = Path(self.file).read_text("utf-8")
        except (OSError, ValueError):
            return None
        source = Source(self.file, text)
        lines = text.split("\n")
        if not 1 <= self.line <= len(lines):
            return None
        start = sum(len(line) + 1 for line in lines[: self.line - 1])
        line = lines[self.line - 1]
        return Span(source, start + len(line) - len(line.lstrip()), start + len(line.rstrip()))


def place_of(own: Sequence[str]) -> CodeLine | None:
    """The innermost line that runs now and is in none of these folders."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith((*own, "<")):
            return CodeLine(file, frame.f_lineno)
        frame = frame.f_back
    return None


def place_in(problem: BaseException, own: Sequence[str]) -> CodeLine | None:
    """The innermost line on an exception's way that is in none of these folders."""
    place = None
    trace = problem.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith((*own, "<")):
            place = CodeLine(file, trace.tb_lineno)
        trace = trace.tb_next
    return place


def run_theirs(function: Callable[..., Any], args: Any, kwargs: Any = None) -> Any:
    """Calls what the model calls: what is raised here is none of archdsl's."""
    return function(*args, **(kwargs or {}))


def is_own(problem: BaseException) -> bool:
    """Whether archdsl itself failed: the line that raised is one of its own, or of what Python's
    library does for it. A lack of memory is nobody's fault."""
    if not isinstance(problem, Exception) or isinstance(problem, MemoryError):
        return False
    codes = [frame.f_code for frame, _ in walk_tb(problem.__traceback__)]
    of_python = sysconfig.get_path("stdlib") + os.sep
    last = next(
        code
        for code in reversed(codes)
        if PACKAGES in code.co_filename or not code.co_filename.startswith((of_python, "<frozen"))
    )
    return last.co_filename.startswith(OWN[0] + os.sep) and last is not run_theirs.__code__


def trouble(problem: Exception, own: Sequence[str], given: str = "") -> ArchError:
    """What a run that failed is as a diagnostic: A655 where it asked a tensor for its numbers, else
    A652. ``given`` says on what it was run, and how."""
    place = place_in(problem, own)
    reason = str(problem).strip().split("\n", 1)[0][:300] or type(problem).__name__
    if "expected device meta" in str(problem):  # the device on which it is recorded
        reason = (
            "it makes a tensor that is not on the device of its input: say `device=x.device`, or"
            " keep it as a buffer"
        )
        return ArchError([placed(diagnose(codes.MODEL_FAILS, reason=reason), place)])
    if "_nested_tensor_from_mask" in str(problem):
        reason = (
            "attention leaves out padded tokens by a mask, and in a spec sees all tokens: leave out"
            " its `src_key_padding_mask`"
        )
        return ArchError([placed(diagnose(codes.MODEL_FAILS, reason=reason), place)])
    if "'indices'" in str(problem) and "Long" in str(problem):  # an embedding was given numbers
        reason = (
            "it looks up vectors of token ids, and was given a tensor of numbers: say"
            ' `--input "words(ids = 50257): 64"` with the name that its `forward` has for them'
        )
        return ArchError([placed(diagnose(codes.MODEL_FAILS, reason=reason), place)])
    asks = any(text in str(problem) for text in ASKS_NUMBERS)
    kind = codes.DEPENDS_ON_DATA if asks else codes.MODEL_FAILS
    fields = {} if asks else {"reason": f"{type(problem).__name__}: {reason}"}
    notes = [f"it was run on {given}"] if given and not asks else []
    help = ["if it takes another input, say so: `--input 3x299x299`"] if notes else []
    if asks:
        help = ["decide it by a shape (`x.shape`), or by a setting of the constructor"]
    return ArchError([placed(diagnose(kind, notes=notes, help=help, fields=fields), place)])


def placed(diagnostic: Diagnostic, place: CodeLine | None) -> Diagnostic:
    """A diagnostic at a line of a file, if that can be shown."""
    span = None if place is None else place.span
    return diagnostic if span is None else diagnostic.at(span)
