"""The weights that a study keeps: of each arm those of its best network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from optuna.trial import Trial
from torch import nn

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.modelcard import ModelCard
from archdsl.search.kinds import WEIGHTS
from archdsl.search.opened import OpenStudy
from archdsl.search.rows import SETTLE
from archdsl.training.keep import write_weights


def keep_weights(
    study: OpenStudy, trial: Trial, module: nn.Module, value: float, card: ModelCard | None = None
) -> ArchError | None:
    """Keeps the weights of the best network of each arm; those it beats are removed. What went
    wrong where they cannot be written: the trial is not to blame for it."""
    minimize = study.search.objectives[0].minimize
    attrs = trial.user_attrs
    place = (attrs["stage"], attrs["slice"])
    id = study.part_id(*place)
    assert id is not None
    known = study.tables.with_attribute(id, "weights")
    alike = [
        row
        for row in study.rows_of(id, place, known, "weights", "shape", "setting")
        if row.state == "done"
        if attrs["stage"] != SETTLE or (row.shape, row.setting) == arm_of(attrs)
    ]
    if any((r.values[0] <= value) if minimize else (r.values[0] >= value) for r in alike):
        return None
    words = f"{attrs['slice']} {attrs['stage']} {trial.number}"
    path = study.weights(f"{re.sub(r'[^A-Za-z0-9.]+', '-', words)}{WEIGHTS}")
    try:
        if path is None:
            raise OSError("a link leads out of the study")
        path.parent.mkdir(exist_ok=True)
        write_weights(path, module, card)
    except ArchError as problem:
        return problem
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        where = str(path or study.folder / "weights")
        return ArchError([diagnose(codes.CANNOT_WRITE, name=where, reason=reason)])
    trial.set_user_attr("weights", path.name)
    for row in alike:
        if beaten := study.weights(row.weights):
            beaten.unlink(missing_ok=True)
    return None


def arm_of(attrs: Mapping[str, Any]) -> tuple[str, str]:
    return attrs.get("shape", ""), attrs.get("setting", "")
