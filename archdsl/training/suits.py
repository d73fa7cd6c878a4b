"""Whether a recipe suits the task of the data: seen before anything is trained, without torch."""

from __future__ import annotations

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Diagnostic, diagnose
from archdsl.training.recipe import Recipe
from archdsl.training.tasks import CLASSIFICATION, SEGMENTATION, Task


def unsuited(recipe: Recipe, task: Task) -> list[Diagnostic]:
    """What of a recipe is for other tasks."""
    found = []
    if recipe.loss is not None and recipe.loss.name not in task.losses:
        help = [f"it has {' and '.join(task.losses)}"]
        found.append(_wrong(recipe.loss.name, task, "it is a loss of another task", help))
    for metric in recipe.metrics:
        if task.name not in metric.tasks:
            reason = f"it is a metric for {' and '.join(metric.tasks)}"
            found.append(_wrong(metric.name, task, reason))
    one_class = "it wants one class for each image"
    if task is not CLASSIFICATION:
        if recipe.class_weights == "balanced":
            found.append(_wrong("class_weights = balanced", task, one_class))
        if recipe.sampling == "balanced":
            found.append(_wrong("sampling = balanced", task, one_class))
    if recipe.label_smoothing and task not in (CLASSIFICATION, SEGMENTATION):
        found.append(_wrong("label_smoothing", task, "it wants classes"))
    return found


def _wrong(name: str, task: Task, reason: str, help: list[str] | None = None) -> Diagnostic:
    fields = {"name": name, "task": task.name, "reason": reason}
    return diagnose(codes.BAD_TASK, fields=fields, help=help or [])


def check_recipe(recipe: Recipe, task: Task) -> None:
    """Raises ``ArchError`` (A824) for a recipe that is for another task."""
    if found := unsuited(recipe, task):
        raise ArchError(found)
