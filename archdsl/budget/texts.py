"""Budgets and shares, as they are written: on a command line, and as texts in Python."""

from __future__ import annotations

import re
from math import isfinite

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.elaborate.program import Program
from archdsl.elaborate.values import describe, is_number
from archdsl.settings import evaluate

UNITS = {
    "memory": {
        "kib": 2.0**10, "mib": 2.0**20, "gib": 2.0**30, "tib": 2.0**40,
        "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "b": 1.0,
    },
    "latency": {"us": 1e-6, "ms": 1e-3, "s": 1.0},
}  # fmt: skip


def read_budget(program: Program, cost: str, text: str) -> float:
    """A budget in units of the cost: seconds of latency, bytes of memory. Raises ``ArchError``."""
    units = UNITS.get(cost, {})
    found = re.fullmatch(r"\s*([0-9.]+)\s*([a-zA-Z]+)\s*", text)
    if found is not None and found[2].lower() in units:
        value = _number(found[1], cost, text) * units[found[2].lower()]
    elif cost == "latency":
        raise _bad(text, cost, "say its unit, as in 3ms")
    else:
        value = _evaluated(program, text, cost)
    if not isfinite(value) or value <= 0:
        raise _bad(text, cost, "it is not above 0")
    return value


def read_share(program: Program, text: str) -> float:
    """``2%`` as 0.02. Raises ``ArchError`` for what is no number."""
    return _evaluated(program, text, "within")


def read_factor(text: str) -> float:
    """``0.5``, ``1/3`` or ``50%`` of what a network costs. Raises ``ArchError``."""
    top, slash, bottom = text.strip().partition("/")
    try:
        value = float(top.removesuffix("%")) / (100 if top.endswith("%") else 1)
        value = value / float(bottom) if slash else value
    except (ValueError, ZeroDivisionError):
        raise _bad(text, "a factor", "it is not a number such as 0.5") from None
    if not isfinite(value) or value <= 0:
        raise _bad(text, "a factor", "it is not above 0")
    return value


def _number(digits: str, cost: str, text: str) -> float:
    try:
        return float(digits)
    except ValueError:
        raise _bad(text, cost, "it is not a number") from None


def _evaluated(program: Program, text: str, cost: str) -> float:
    try:
        value = evaluate(program, "budget", text)
    except ArchError:
        raise _bad(text, cost, "it is not a number such as 2G") from None
    if not is_number(value):
        raise _bad(text, cost, f"it is {describe(value)}")
    return float(value)


def _bad(text: str, cost: str, reason: str) -> ArchError:
    fields = {"given": text[:80], "cost": cost, "reason": reason}
    return ArchError([diagnose(codes.BAD_BUDGET, fields=fields)])
