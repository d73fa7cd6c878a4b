"""Mistakes that a text has whatever its statements say that cannot be read."""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.elaborate.compiler import Loader
from archdsl.elaborate.program import Program
from archdsl.elaborate.work import Work
from archdsl.registry import Registry
from archdsl.syntax import tree

CERTAIN = (
    codes.UNKNOWN_NAME,
    codes.UNKNOWN_PATTERN,
    codes.UNKNOWN_JOIN,
    codes.UNKNOWN_WORD,
    codes.NO_SUCH_ARGUMENT,
    codes.TOO_MANY,
    codes.GIVEN_TWICE,
    codes.WRONG_COUNT,
    codes.DEFINED_TWICE,
    codes.NO_SUCH_FIELD,
    codes.NOT_IN_LIBRARY,
)


def certain(found: Iterable[Diagnostic], file: tree.File) -> list[Diagnostic]:
    """Those of some mistakes that are sure: not those of a name that a statement may bring which
    is not read (a ``Poison`` of the tree)."""
    lost = [n.span.text for n in file.walk() if isinstance(n, tree.Poison)]

    def perhaps(name: str) -> bool:
        return any(name in text or text.startswith("use") for text in lost)

    return [d for d in found if d.kind in CERTAIN and not perhaps(str(d.fields.get("name", "")))]


def mistakes_beside(
    file: tree.File, load: Loader, registry: Registry, work: Work | None
) -> tuple[list[Diagnostic], bool]:
    """The mistakes in the statements of a file that can be read, where others cannot, and whether
    these are all."""
    try:
        Program(file, load, registry, work)
    except ArchError as error:
        return certain(error.diagnostics, file), error.complete
    return [], True
