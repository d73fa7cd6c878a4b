"""Which knobs the score depends on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import pi, sqrt

import numpy as np
import numpy.typing as npt

from archdsl.report.shown import spread
from archdsl.search.rows import EXPLORE, BriefRow
from archdsl.search.study import Study

Floats = npt.NDArray[np.float64]

LEAST = 10  # finished trials, below which nothing is said
MOST = 1000  # that are weighed; of more, an even sample
DEGREE = 3  # of the curve over a number
SPARE = 2  # trials for each number that is fitted, at least


@dataclass(frozen=True, slots=True)
class Importance:
    """The shares of a slice's knobs, the largest first, or ``why`` they are not known."""

    slice: str
    shares: Mapping[str, float] = field(default_factory=dict)
    trials: int = 0
    why: str = ""


@dataclass(slots=True)
class DrawnFrom:
    """What the trials drew for a knob: numbers ``(N,)`` in its domain, or places among choices."""

    domain: Mapping[str, object]
    values: list[float] = field(default_factory=list)


def _are(count: int) -> str:
    return "is 1" if count == 1 else f"are {count}"


def importance_of(study: Study, slice: str, rows: Sequence[BriefRow]) -> Importance:
    """How the variance of the first objective is shared among the knobs by the effect that each has
    by itself, over the finished trials of a slice (a functional analysis of variance, as Hooker's
    of 2007 and fANOVA's of 2014, whose curves are polynomials and levels in place of a forest)."""
    done = [r for r in rows if r.slice == slice and r.stage == EXPLORE and r.is_result]
    if len(done) < LEAST:
        why = f"{LEAST} finished trials are needed, and there {_are(len(done))}"
        return Importance(slice, why=why)
    done = spread(done, MOST)
    knobs = {n: d for n, d in _drawn(study, slice, done).items() if len(set(d.values)) > 1}
    if len(knobs) < 2:
        only = f"`{next(iter(knobs))}` alone varies" if knobs else "no knob varies in all of them"
        return Importance(slice, why=f"{only}: there is nothing to weigh")
    scores = np.array([row.values[0] for row in done])
    if np.ptp(scores) == 0:
        return Importance(slice, why="all scores are equal")
    found = effects({n: basis(d, DEGREE) for n, d in knobs.items()}, scores)
    if found is None:  # a straight line for each number, where a curve asks for more trials
        found = effects({n: basis(d, 1) for n, d in knobs.items()}, scores)
    if found is None:
        return Importance(slice, why=f"{len(done)} trials are few for as many values of knobs")
    if not (total := sum(found.values())):
        return Importance(slice, why="no knob explains more of the scores than chance does")
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return Importance(slice, {n: share / total for n, share in ranked}, len(done))


def _drawn(study: Study, slice: str, rows: Sequence[BriefRow]) -> dict[str, DrawnFrom]:
    """What was drawn for the knobs that stand in every trial, by their names."""
    part = study.part_id(EXPLORE, slice)
    known = {} if part is None else study.tables.params(part, [row.number for row in rows])
    found: dict[str, DrawnFrom] = {}
    for row in rows:
        for name, value, text in known.get(row.number, ()):
            if name not in found:
                found[name] = DrawnFrom(json.loads(text)["attributes"])
            found[name].values.append(float(value))
    return {name: found[name] for name in sorted(found) if len(found[name].values) == len(rows)}


def basis(drawn: DrawnFrom, degree: int) -> Floats:
    """Functions of a knob, ``(N, K)``: of mean 0 and variance 1 over its domain, and uncorrelated
    there. Those of a number are Legendre's polynomials, on the scale on which it is drawn; those of
    choices, cosines over the ones that occur."""
    values: Floats = np.array(drawn.values)
    domain = drawn.domain
    places, place = np.unique(values, return_inverse=True)
    if "choices" in domain:
        waves = np.arange(1, len(places))
        return np.asarray(sqrt(2) * np.cos(pi * np.outer(place + 0.5, waves) / len(places)))
    low, high = (float(str(domain[end])) for end in ("low", "high"))
    if domain["log"]:
        values, low, high = np.log(values), float(np.log(low)), float(np.log(high))
    degree = min(degree, len(places) - 1)
    at = 2 * (values - low) / (high - low) - 1
    scales = np.sqrt(2 * np.arange(degree + 1) + 1)
    return np.asarray(np.polynomial.legendre.legvander(at, degree) * scales, np.float64)[:, 1:]


def effects(knobs: Mapping[str, Floats], scores: Floats) -> dict[str, float] | None:
    """The variance of the scores ``(N,)`` that each knob makes by itself where all of its domain is
    as likely, by a fit of all at once; what chance adds to it is taken off. None where the trials
    are too few, or do not tell two knobs apart."""
    table = np.column_stack([np.ones(len(scores)), *knobs.values()])
    count, columns = table.shape
    if count < SPARE * columns or np.linalg.matrix_rank(table) < columns:
        return None
    inverse = np.linalg.inv(table.T @ table)
    fitted = inverse @ (table.T @ scores)
    noise = float(((scores - table @ fitted) ** 2).sum()) / (count - columns)
    parts = fitted**2 - noise * np.diag(inverse)
    found, start = {}, 1
    for name, of in knobs.items():
        found[name] = max(float(parts[start : start + of.shape[1]].sum()), 0.0)
        start += of.shape[1]
    return found
