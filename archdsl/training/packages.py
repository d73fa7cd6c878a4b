"""Packages that training and searching need, and the compiler does not."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose

EXTRA = "archdsl[torch]"
SEARCH_EXTRA = "archdsl[search]"
SEARCH_NEEDS = ("torch", "optuna", "scipy", "cmaes")


def need(module: str, package: str = "") -> Any:
    """A module of an optional package. Raises ``ArchError`` where it is not installed.

    ``package`` is what installers call it, where that differs.
    """
    try:
        return import_module(module)
    except ImportError:
        raise missing(package or module.partition(".")[0], EXTRA) from None


def need_for_search() -> None:
    """Raises ``ArchError`` where a package that a search needs is not installed."""
    for module in SEARCH_NEEDS:
        if find_spec(module) is None:
            raise missing(module, SEARCH_EXTRA)


def missing(package: str, extra: str) -> ArchError:
    return ArchError([diagnose(codes.NEEDS_PACKAGE, package=package, extra=extra)])
