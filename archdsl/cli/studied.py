"""What commands ask of a study: the networks that it has measured, and that it is left alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.cli.compared import ComparedNetwork
from archdsl.cli.options import read_registry
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.training.packages import need_for_reading

if TYPE_CHECKING:
    from archdsl.report.view import StudyView
    from archdsl.verdict.model import Settled


def is_study(path: Path) -> bool:
    """Whether a path is that of a study: its folder, with or without its ending."""
    return path.is_dir() or path.with_name(path.name + ".study").is_dir()


def check_study_is_left(output: Path, study: str) -> None:
    """Raises ``ArchError`` for an output in the folder of the study that it is made from."""
    from archdsl.search.study import folder_of

    if output.resolve().is_relative_to(folder_of(study).resolve()):
        reason = "it is in the study, where archdsl alone writes; choose another folder"
        raise ArchError([diagnose(codes.CANNOT_WRITE, name=str(output), reason=reason)])


def rows_of_study(path: Path, python: tuple[Path, ...]) -> tuple[list[ComparedNetwork], str]:
    """The shapes that a study has trained anew, with the means of their accuracies and their
    intervals; and what its data are called. Raises ``ArchError``."""
    need_for_reading()
    from archdsl.report.view import read_study

    study = read_study(path, registry=read_registry(python))
    name = study.facts.search.objectives[0].name
    if name != "accuracy":
        raise _none(path, f"it measures {name}, not accuracy")
    verdict = study.verdict
    found = [
        _row(study, part.slice, arm)
        for part in (verdict.slices if verdict else ())
        for arm in part.arms
        if arm.mean is not None
    ]
    if not found:
        raise _none(path, "it has trained no shape anew yet")
    return found, study.facts.search.data.name


def _row(study: StudyView, slice: str, arm: Settled) -> ComparedNetwork:
    from archdsl.search.outcome import name_of
    from archdsl.search.rows import SETTLE

    trial = next(r for r in study.rows if (r.slice, r.stage, r.shape) == (slice, SETTLE, arm.shape))
    arch = study.architecture(trial)
    low, high = arm.interval or (None, None)
    return ComparedNetwork(
        f"{arch.name}({name_of(trial)})",
        arch.name,
        arch,
        arm.mean,
        None if low is None else max(low, 0.0),
        None if high is None else min(high, 1.0),
        f"study {study.name}: {slice}, {arm.seeds} seeds",
    )


def _none(path: Path, reason: str) -> ArchError:
    return ArchError([diagnose(codes.BAD_RESULTS, name=str(path), reason=reason)])
