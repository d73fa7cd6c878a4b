"""In which layer two graphs of a model differ, in words, and in which line of its code."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics.model import ArchError, Kind, diagnose
from archdsl.importing.places import placed
from archdsl.importing.proof import flat_of, lacking
from archdsl.importing.values import Graph, Vertex


def unequal(
    kind: Kind, one: tuple[str, Graph], other: tuple[str, Graph], help: str, runs: bool = False
) -> ArchError:
    """The error for two graphs of a model that differ, each of which comes with when it is that:
    `with 2 images`; where they are of two ``runs``, either may be said first. It stands at the
    first layer that one of them has alone."""
    (when, mine), (otherwise, theirs) = one, other
    a, b = flat_of(mine, ""), flat_of(theirs, "")
    first = [mine.vertices[n] for n in lacking(a, b)]
    second = [theirs.vertices[n] for n in lacking(b, a)]
    if not first and not second:
        first = [mine.vertices[n] for n in lacking(a, b, named=True)]
        second = [theirs.vertices[n] for n in lacking(b, a, named=True)]
    if runs and _is_more(second, first):
        first, second = second, first
    if first and second and first[0].layer == second[0].layer and first[0].weights:
        reason = (
            f"{when} it applies `{first[0].path}` where it applies `{second[0].path}` {otherwise}"
        )
    elif not first and not second:
        reason = f"{when} it shares a layer that it has several times {otherwise}"
    elif _is_more(first, second):
        reason = f"{when} it computes {_said(first[0])}, {otherwise} it does not"
    elif _is_more(second, first):
        first, reason = second, f"{otherwise} it computes {_said(second[0])}, {when} it does not"
    else:
        reason = f"{when} it computes {_said(first[0])}, {otherwise} {_said(second[0])}"
    found = diagnose(kind, help=[help], fields={"reason": reason})
    return ArchError([placed(found, next((v.place for v in first if v.place), None))])


def _is_more(mine: Sequence[Vertex], theirs: Sequence[Vertex]) -> bool:
    """Whether the first layer that a graph has alone stands before those of the other."""
    layers = [v.layer for v in theirs]
    return bool(mine) and mine[0].layer not in layers and (not theirs or _later(theirs[0], mine))


def _later(vertex: Vertex, others: Sequence[Vertex]) -> bool:
    return any(vertex.layer == other.layer for other in others[1:])


def _said(vertex: Vertex) -> str:
    """A layer as a spec has it."""
    if vertex.layer is None:
        return "its input"
    given = ", ".join(f"{name} = {_value(value)}" for name, value in vertex.layer.given())
    return f"`{vertex.op}({given})`" if given else f"`{vertex.op}`"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "x".join(map(_value, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
