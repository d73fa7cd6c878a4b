"""What is compared: networks, their published or measured accuracies, and their costs."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from io import StringIO
from pathlib import Path
from typing import Any

from archdsl.cli.options import read_named
from archdsl.cli.progress import followed
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Fault, diagnose
from archdsl.elaborate.published import Published
from archdsl.elaborate.work import Work
from archdsl.files import builtin_names, read_text
from archdsl.layers.base import show_shape
from archdsl.spec import Architecture, Spec, read

COLUMNS = ("name", "accuracy", "low", "high")


@dataclass(frozen=True, slots=True)
class MeasuredAccuracy:
    """An accuracy that was measured, with its interval if it has one."""

    name: str
    accuracy: float
    low: float | None = None
    high: float | None = None


@dataclass(slots=True)
class ComparedNetwork:
    """A network in the comparison. Accuracies are shares of 1; ``several_crops`` says that one
    is of several crops of each image, which is better than others of the same network."""

    name: str
    family: str
    arch: Architecture
    accuracy: float | None = None
    low: float | None = None
    high: float | None = None
    source: str = ""
    several_crops: bool = False
    costs: dict[str, float] = field(default_factory=dict)

    @property
    def outputs(self) -> dict[str, str]:
        """The shapes of its results in evaluation, by name; one alone is ``output``."""
        return {name: show_shape(shape) for name, shape in self.arch.outputs.items()}


def rows_of(
    names: tuple[str, ...],
    dataset: str,
    measure: str,
    results: Mapping[str, MeasuredAccuracy],
    python: tuple[Path, ...],
) -> list[ComparedNetwork]:
    """The networks that are named, the variants of a spec with what is published of them; those
    of all built-in specs if none is named, as far as something is. Raises ``ArchError``."""
    found: list[ComparedNetwork] = []
    given: list[tuple[str, ComparedNetwork]] = []
    for name in followed(names or builtin_names(), "reading", str):
        rows = list(_rows(name, dataset, measure, python))
        given += [(name, row) for row in rows if len(rows) == 1]
        found += rows
    often = Counter(row.name for row in found)
    for name, row in given:
        if often[row.name] > 1:  # as networks of files do that have one name
            row.name = name
    if not names:
        found = [r for r in found if r.accuracy is not None or r.name in results]
    known = {r.name for r in found}
    for name, result in results.items():
        if name not in known:
            arch, title = read_named(name, (), None, python)
            found.append(ComparedNetwork(title, arch.name, arch))
            known.add(title)
        for row in found:
            if row.name == name:
                row.accuracy, row.low, row.high = result.accuracy, result.low, result.high
                row.source, row.several_crops = "measured", False
    return found


def _rows(
    name: str, dataset: str, measure: str, python: tuple[Path, ...]
) -> Iterator[ComparedNetwork]:
    if name in builtin_names() and not Path(name).is_file():
        spec = read(name, work=Work())
        if spec.variants:
            for variant in spec.variants.values():
                yield _published(variant.name, spec.variant(variant.name), dataset, measure)
            return
    arch, title = read_named(name, (), None, python)
    yield _published(title, arch, dataset, measure)


def _published(name: str, arch: Architecture, dataset: str, measure: str) -> ComparedNetwork:
    row = ComparedNetwork(name, arch.name, arch)
    for fact in _facts(arch.spec, arch):
        share = _error(fact, measure)
        if fact.dataset == dataset and share is not None:
            row.accuracy = 1 - share
            row.source = ", ".join(t for t in (fact.source, fact.note) if t)
            row.several_crops = "ten crops" in fact.note
            break
    return row


def _facts(spec: Spec, arch: Architecture) -> tuple[Published, ...]:
    """What was published of an architecture: of the variant that has its knobs."""
    for variant in spec.variants.values():
        if spec.candidate(variant.knobs).shown_knobs == arch.shown_knobs:
            return variant.published
    return ()


def _error(fact: Published, measure: str) -> float | None:
    if measure == "top5":
        return fact.top5
    return fact.top1 if fact.top1 is not None else fact.error


# ------------------------------------------------------------------------------- results


def read_results(path: Path | None) -> dict[str, MeasuredAccuracy]:
    """Measured accuracies by the networks' names, of a CSV or a JSON file.

    Raises ``ArchError`` for one that is neither.
    """
    if path is None:
        return {}
    try:
        text = read_text(path, str(path))
    except Fault as problem:
        raise ArchError([problem.diagnostic]) from None
    try:
        records = (
            json.loads(text) if path.suffix == ".json" else list(csv.DictReader(StringIO(text)))
        )
        results = [_result(r) for r in _list(records)]
    except (ValueError, TypeError, csv.Error) as problem:
        reason = str(problem) or "it cannot be read"
        raise ArchError([diagnose(codes.BAD_RESULTS, name=str(path), reason=reason)]) from None
    return {r.name: r for r in results}


def _list(records: Any) -> list[Any]:
    if not isinstance(records, list) or not records:
        raise ValueError("there are no rows in it")
    return records


def _result(record: Any) -> MeasuredAccuracy:
    if not isinstance(record, dict) or not record.get("name"):
        raise ValueError("a row has no `name`")
    values = {k: _share(record.get(k), k) for k in COLUMNS[1:]}
    accuracy = values["accuracy"]
    if accuracy is None:
        raise ValueError(f"`{record['name']}` has no `accuracy`")
    return MeasuredAccuracy(str(record["name"]), accuracy, values["low"], values["high"])


def _share(value: Any, key: str) -> float | None:
    """``0.931`` or ``93.1%`` as a share of 1."""
    if value in (None, ""):
        return None
    text = str(value).strip()
    try:
        share = float(Fraction(text[:-1]) / 100) if text.endswith("%") else float(text)
    except ValueError:
        raise ValueError(f"`{key}` is a share such as 0.931, not {text[:40]!r}") from None
    if not 0 <= share <= 1:
        raise ValueError(f"`{key}` is a share between 0 and 1, not {text[:40]}")
    return share
