"""Packages that training and searching need, and the compiler does not."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose

# Of pyproject.toml: what trains, reads a study, searches, and reads tables.
EXTRA, STUDY_EXTRA, SEARCH_EXTRA, DATA_EXTRA = "torch", "study", "search", "data"
DATA_GROUP = "archdsl.data"  # of entry points: the data sets of installed packages
SEARCH_NEEDS = ("torch", "optuna", "scipy", "cmaes")
READING_NEEDS = ("scipy", "sqlalchemy")  # a study can be read without the others


def need(module: str, package: str = "", extra: str = "") -> Any:
    """A module of an optional package. Raises ``ArchError`` where it is not installed.

    ``package`` is what installers call it, where that differs; ``extra`` is that of ours that
    brings it, without one the extra ``torch``.
    """
    try:
        return import_module(module)
    except ImportError:
        raise missing(package or module.partition(".")[0], extra or EXTRA) from None


def need_for_search() -> None:
    """Raises ``ArchError`` where a package that a search needs is not installed."""
    _need(SEARCH_NEEDS, SEARCH_EXTRA)


def need_for_reading() -> None:
    """Raises ``ArchError`` where a package that it takes to read a study is not installed."""
    _need(READING_NEEDS, STUDY_EXTRA)


def _need(modules: Sequence[str], extra: str) -> None:
    for module in modules:
        if find_spec(module) is None:
            raise missing(module, extra)


def missing(package: str, extra: str) -> ArchError:
    return ArchError([diagnose(codes.NEEDS_PACKAGE, package=package, extra=extra)])
