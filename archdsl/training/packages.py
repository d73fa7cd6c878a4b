"""Packages that training needs, and the compiler does not."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose

EXTRA = "archdsl[torch]"


def need(module: str, package: str = "") -> Any:
    """A module of an optional package. Raises ``ArchError`` where it is not installed.

    ``package`` is what installers call it, where that differs.
    """
    try:
        return import_module(module)
    except ImportError:
        name = package or module.partition(".")[0]
        raise ArchError([diagnose(codes.NEEDS_PACKAGE, package=name, extra=EXTRA)]) from None
