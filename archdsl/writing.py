"""Files that are never half written."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose


def write_text(path: Path, text: str) -> None:
    """Writes a text: see ``write_bytes``."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, data: bytes) -> None:
    """Writes a file beside its place and renames it when it is whole.

    An existing file keeps its permissions. Raises ``ArchError`` where the system refuses, where a
    link leads to a file of another kind (a drawing that would replace a spec), and for a pipe or a
    device, which a file would take the place of; then everything stays as it was.
    """
    target = path.resolve() if path.is_symlink() else path
    if target.suffix.lower() != path.suffix.lower():
        fields = {"name": str(path), "reason": f"it is a link to {target.name}"}
        raise ArchError([diagnose(codes.CANNOT_WRITE, fields=fields)])
    if target.exists() and not target.is_file() and not target.is_dir():
        fields = {"name": str(path), "reason": "it is a pipe or a device, not a file"}
        raise ArchError([diagnose(codes.CANNOT_WRITE, fields=fields)])
    aside = ""
    try:
        handle, aside = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent or Path())
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        mode = target.stat().st_mode & 0o7777 if target.exists() else 0o666 & ~_umask()
        Path(aside).chmod(mode)
        Path(aside).replace(target)
    except (OSError, ValueError) as problem:
        raise refused(path, problem) from None
    finally:  # of an interruption too
        if aside:
            Path(aside).unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Makes a folder, and those that it is in, where they are not there. Raises ``ArchError``
    (A008) where the system refuses."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as problem:
        raise refused(path, problem) from None


def refused(path: Path, problem: OSError | ValueError) -> ArchError:
    reason = (getattr(problem, "strerror", None) or str(problem)).lower()
    return ArchError([diagnose(codes.CANNOT_WRITE, name=str(path), reason=reason)])


@cache
def _umask() -> int:
    """The process's: read once, as reading it changes it for a moment in all threads."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
