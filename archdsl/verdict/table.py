"""Results that were made elsewhere: a table of shape, budget, seed and score."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import isfinite, isnan, nan
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from archdsl.diagnostics.render import printable
from archdsl.units import SHARES, UNITS, is_lower_better, meant, short
from archdsl.verdict.answer import Verdict
from archdsl.verdict.judge import judge
from archdsl.verdict.results import Arm, Question, Result
from archdsl.verdict.settled import are_ordered
from archdsl.verdict.table_files import check_names, rows_of_file

COLUMNS = (
    *("shape", "score", "budget", "seed", "setting", "depth", "width", "test", "fresh"),
    *("loss", "test_loss"),
)
"""``shape`` and ``score`` are needed. An empty score is a training that failed. ``fresh`` says of
a row whether it was trained after the shapes were chosen. In the place of a ``score`` or a ``test``
there may be what holds of each example: its mean is taken. ``loss`` is the log-loss of each example
beside an accuracy, ``test_loss`` that of the test data or its mean."""
BESIDE = ("accuracy", "error")  # scores that are judged with a log-loss
LARGEST = 1e100  # of a number: its square is one, too
SLIGHTLY = 1e-3  # below 0: a log-loss that was rounded may be
POSITIVE = ("mae", "mse", "rmse", "mape", "perplexity", "ppl", "wer", "cer", "fid")  # or 0
COSTS = ("macs", "params")  # the units of budgets
YES, NO = ("1", "true", "yes"), ("0", "false", "no")


def judge_table(
    table: Any,
    measure: str = "accuracy",
    maximize: bool | None = None,
    target: float | None = None,
) -> tuple[Verdict, Sequence[Result]]:
    """The verdict on a table, and the results in it: see ``archdsl.judge``. Raises ``ValueError``
    for what is none."""
    _check_question(measure, maximize, target)
    given = rows_of(table)
    seeds = [_number(row, "seed", number) for number, row in enumerate(given, 1)]
    unsaid = max((int(seed) for seed in seeds if seed is not None), default=0)
    rows = [
        _result(row, number, unsaid + number if seed is None else int(seed))
        for number, (row, seed) in enumerate(zip(given, seeds, strict=True), 1)
    ]
    if not rows:
        raise ValueError("there are no rows in the table")
    _check(rows, measure)
    if maximize is None:
        maximize = not is_lower_better(measure)
        if not maximize:
            _check_signs(rows, measure)
    made = tuple(rows)
    if not any("fresh" in row for row in given):
        rows += _chosen_before(rows)
    known = all(r.depth is not None and r.width is not None for r in rows)
    ordered = known and len({(r.slice, r.depth) for r in rows}) > len({r.slice for r in rows})
    if ordered:
        _check_aspects(made)
        ordered = are_ordered(rows)
    if target is None:
        target = 0.005 if measure in SHARES else 0.05
    found = judge(_with_examples(rows, measure), Question(maximize, measure, ordered, target))
    return found, made


def _check_question(measure: Any, maximize: Any, target: Any) -> None:
    """Raises ``ValueError`` for what is no measure, no answer to whether more is better, or no
    difference."""
    if not isinstance(measure, str):
        raise ValueError(f"`measure` is the name of a score, such as accuracy, not {measure!r:.40}")
    if slip := meant(measure):
        raise ValueError(f"`measure` is {measure}: did you mean {slip}?")
    if maximize is not None and not isinstance(maximize, (bool, np.bool_)):
        raise ValueError(f"`maximize` is True, False or None, not {maximize!r:.40}")
    number = isinstance(target, Real) and not isinstance(target, bool)
    if target is not None and not (number and isfinite(target) and target > 0):
        raise ValueError(f"`target` is a difference above 0, not {target!r:.40}")


def _with_examples(rows: Sequence[Result], measure: str) -> list[Result]:
    """The rows, with their examples where these are known of all fresh ones, and of an accuracy are
    right or wrong as a whole. Raises ``ValueError`` where they are not equally many, and for losses
    that are beside no accuracy."""
    counts: dict[str, int] = {}
    for number, row in enumerate(rows, 1):
        if measure not in BESIDE and (row.loss is not None or row.test_loss is not None):
            raise ValueError(f"row {number}: a `loss` is judged beside an accuracy, not {measure}")
        for each in (row.examples, row.losses):
            count = 0 if each is None else len(each)
            first = counts.setdefault(row.slice, count) if count else count
            if first != count:
                where = f" at {row.slice}" if row.slice else ""
                raise ValueError(
                    f"the rows{where} are not of the same examples: there are {first} in one, and"
                    f" {count} in another"
                )
    whole = all(
        row.examples is not None and (measure not in BESIDE or _is_whole(row.examples))
        for row in rows
        if row.settled and row.score is not None
    )
    return list(rows) if whole else [replace(row, examples=None) for row in rows]


def _is_whole(examples: npt.NDArray[np.float64]) -> bool:
    """Whether each is right or wrong."""
    return bool(((examples == 0) | (examples == 1)).all())


def _check(rows: list[Result], measure: str) -> None:
    """Raises ``ValueError`` for rows that contradict each other, or are no shares."""
    sizes: dict[tuple[str, str], tuple[float | None, float | None]] = {}
    places: dict[tuple[str, str, int], int] = {}
    units: dict[str, int] = {}
    for number, row in enumerate(rows, 1):
        for name, value in (("score", row.score), ("test", row.test)):
            if measure in SHARES and value is not None and not 0 <= value <= 1:
                raise ValueError(
                    f"row {number}: `{name}` is {value:g}, but {measure} is a number from 0 to 1,"
                    " not a percentage"
                )
        if row.losses is not None and row.losses.min() < -SLIGHTLY:
            raise ValueError(
                f"row {number}: `loss` has {row.losses.min():g}, but the log-loss of an example is"
                " never below 0"
            )
        if row.slice:
            units.setdefault(row.slice.partition(" ")[2].partition(" ")[0], number)
        size = row.depth, row.width
        if sizes.setdefault((row.slice, row.shape), size) != size:
            raise ValueError(
                f"row {number}: `{row.shape}` has another depth or width in an earlier row"
            )
        first = (
            places.setdefault((row.slice, row.shape, row.seed), number) if row.settled else number
        )
        if first != number:
            raise ValueError(
                f"rows {first} and {number} are of one shape and one seed, {row.seed}: each fresh"
                " training has a seed of its own"
            )

    if len(units) > 1 and not units.keys().isdisjoint(COSTS):
        (one, first), (other, second) = [*units.items()][:2]
        raise ValueError(
            f"rows {first} and {second} have budgets of different units, {one or 'none'} and"
            f" {other or 'none'}: judge those of each unit by themselves"
        )


def _check_signs(rows: Iterable[Result], measure: str) -> None:
    """Raises ``ValueError`` for a score that cannot be what its name says, of which less is better:
    turned round, more of it is."""
    if re.split(r"[^a-z]+", measure.lower())[-1] not in POSITIVE:
        return
    for number, row in enumerate(rows, 1):
        if row.score is not None and row.score < 0:
            raise ValueError(
                f"row {number}: `score` is {row.score:g}, but {measure} is never below 0; where it"
                f" was turned round, so that more is better, its name is `neg_{measure}`"
            )


def _check_aspects(rows: Iterable[Result]) -> None:
    """Raises ``ValueError`` for a depth or a width that no network has."""
    for number, row in enumerate(rows, 1):
        for name, value in (("depth", row.depth), ("width", row.width)):
            if value is not None and value <= 0:
                raise ValueError(
                    f"row {number}: `{name}` is {value:g}, but depths and widths are above 0;"
                    " without both columns, shapes are compared in no order"
                )


def _chosen_before(rows: Iterable[Result]) -> list[Result]:
    """Where a budget has two shapes alone, nothing was chosen by their scores: these may stand for
    exploration too. Raises ``ValueError`` for more, which would be chosen and judged by the same
    numbers."""
    rows = list(rows)
    arms: dict[str, set[Arm]] = {}
    for row in rows:
        arms.setdefault(row.slice, set()).add(row.arm)
    for slice, found in arms.items():
        if len(found) > 2:
            where = f"at {slice} there" if slice else "there"
            raise ValueError(
                f"{where} are {len(found)} shapes: say in a column `fresh` which rows were trained"
                " after two of them were chosen"
            )
    unknown: dict[str, Any] = dict.fromkeys(("test", "examples", "loss", "losses", "test_loss"))
    return [replace(r, settled=False, seed=-1 - r.seed, again=True, **unknown) for r in rows]


def rows_of(table: Any) -> Sequence[Mapping[str, Any]]:
    """The rows of a CSV, .npz or Parquet file, of a data frame, of columns by their names, or of
    records. Raises ``ValueError`` for what is none."""
    if isinstance(table, (str, Path)):
        return rows_of_file(Path(table))
    if hasattr(table, "to_pylist") and hasattr(table, "column_names"):  # pyarrow
        check_names([str(name) for name in table.column_names])
        return list(table.to_pylist())
    if hasattr(table, "to_dicts"):  # polars
        return list(table.to_dicts())
    if hasattr(table, "to_dict") and hasattr(table, "columns"):  # pandas
        check_names([str(name) for name in table.columns])
        return list(table.to_dict("records"))
    if isinstance(table, Mapping):
        try:
            lengths = {len(column) for column in table.values()}
        except TypeError:  # a single value
            lengths = set()
        if len(lengths) != 1:
            raise ValueError("the columns of the table are not of one length")
        return [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    if isinstance(table, Iterable):
        rows = list(table)
        if all(isinstance(row, Mapping) for row in rows):
            return rows
    raise ValueError("a table is a CSV or Parquet file, a data frame, or rows with names")


def _result(row: Mapping[str, Any], number: int, seed: int) -> Result:
    unknown = [name for name in row if name not in COLUMNS]
    if unknown:
        raise ValueError(
            f"`{unknown[0]}` is no column that can be judged: those are {', '.join(COLUMNS)};"
            " rename it, or leave it out"
        )
    if _is_empty(row.get("shape")) or "score" not in row:
        raise ValueError(f"row {number} of the table has no `shape`, or no `score`")
    budget = row.get("budget")
    score, examples = _score(row, "score", number)
    test, _ = _score(row, "test", number)
    loss, losses = _score(row, "loss", number)
    test_loss, _ = _score(row, "test_loss", number)
    if loss is not None and losses is None:
        raise ValueError(f"row {number}: `loss` is that of each example, and not their mean")
    return Result(
        slice=_slice(budget, number),
        budget=budget_of(budget, number),
        shape=printable(str(row["shape"])),
        depth=_number(row, "depth", number),
        width=_number(row, "width", number),
        seed=seed,
        score=score,
        settled=_is_fresh(row, number),
        test=test,
        setting="" if _is_empty(row.get("setting")) else str(row["setting"]),
        examples=examples,
        loss=loss,
        losses=losses,
        test_loss=test_loss,
    )


def _score(
    row: Mapping[str, Any], name: str, number: int
) -> tuple[float | None, npt.NDArray[np.float64] | None]:
    """A score; and, where it is given example by example, those: as a list, an array or a tensor,
    or as a text of numbers with spaces between."""
    value: Any = row.get(name)
    value = value.detach().cpu() if hasattr(value, "detach") else value
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, str) and len(value.split()) > 1:
        value = value.split()
    if not isinstance(value, (list, tuple)):
        return _number({name: value}, name, number), None
    found = [_number({name: one}, name, number) for one in value]
    known = [one for one in found if one is not None]
    if not known or len(known) < len(found):
        raise ValueError(f"row {number}: `{name}` is a list in which a number is missing")
    return sum(known) / len(known), np.array(known)


def _slice(budget: Any, number: int) -> str:
    """What a budget is called: 5000000, ``5e6`` and ``5000K`` are all ``5M``."""
    if _is_empty(budget):
        return ""
    found, rest = _read_budget(budget, number)
    name = short(found)
    if _read_budget(name, number)[0] != found:
        name = f"{found:.15g}"
    return printable(f"{name} {rest}".strip())


def _is_fresh(row: Mapping[str, Any], number: int) -> bool:
    value = row.get("fresh", True)
    text = str(value).lower()
    if text in (*YES, *NO):
        return text in YES
    raise ValueError(f"row {number}: `fresh` is true or false, not {value!r:.40}")


def _is_empty(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and isnan(value))


def _number(row: Mapping[str, Any], name: str, number: int) -> float | None:
    """A number of a row; none where its place is empty."""
    value = row.get(name)
    if _is_empty(value):
        return None
    try:
        found = float(value)  # type: ignore[arg-type]
    except OverflowError:
        raise ValueError(f"row {number}: `{name}` is beyond {LARGEST:g}") from None
    except (TypeError, ValueError):
        raise ValueError(f"row {number}: `{name}` is not a number, but {value!r:.40}") from None
    if isnan(found):
        return None
    if not abs(found) <= LARGEST:
        raise ValueError(f"row {number}: `{name}` is {found:g}")
    return found


BUDGET = re.compile(r"\s*([\d.][\d.]*(?:[eE][+-]?\d+)?)\s*([KMGTP]?)(?:\s+(\S.*?)|)\s*", re.DOTALL)


def budget_of(budget: Any, number: int) -> float:
    """A budget as a number: of ``5M macs`` or of 5e6. Raises ``ValueError``."""
    return 0.0 if _is_empty(budget) else _read_budget(budget, number)[0]


def _read_budget(budget: Any, number: int) -> tuple[float, str]:
    """The number of a budget, and what it says beside it."""
    found = BUDGET.fullmatch(str(budget)) if isinstance(budget, (str, Real)) else None
    try:
        value = nan if found is None else float(found[1]) * 1000.0 ** UNITS.index(found[2])
    except ValueError:
        value = nan
    if found is None or not isfinite(value):
        raise ValueError(
            f"row {number}: `budget` must begin with a number such as 5M: {budget!r:.40}"
        )
    return value, found[3] or ""
