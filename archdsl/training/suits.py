"""Whether a recipe suits the task of the data: seen before anything is trained, without torch."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Diagnostic, diagnose
from archdsl.layers.base import Shape
from archdsl.training.augmentations import BYTES, Mixing
from archdsl.training.recipe import Recipe
from archdsl.training.tasks import CLASSIFICATION, SEGMENTATION, Task

MIXABLE = ("cross_entropy", "binary_cross_entropy")  # losses that take shares of classes


def unsuited(
    recipe: Recipe, task: Task, image: Shape | None = None, values: str = BYTES
) -> list[Diagnostic]:
    """What of a recipe is for other tasks, or for other images than those of a shape and a type, as
    far as these are known."""
    found = []
    for kind in recipe.augment:
        if task.name not in kind.tasks:
            reason = f"it is an augmentation for {' and '.join(kind.tasks)}"
            found.append(_wrong(kind.name, task, reason))
        elif image is not None and (reason := kind.unfit(image, values)):
            fields = {"name": kind.name, "task": "these images", "reason": reason}
            found.append(diagnose(codes.BAD_TASK, fields=fields))
        elif isinstance(kind, Mixing):
            found += _unmixable(recipe, kind)
    if recipe.loss is not None and recipe.loss.name not in task.losses:
        help = [f"it has {' and '.join(task.losses)}"]
        found.append(_wrong(recipe.loss.name, task, "it is a loss of another task", help))
    for metric in recipe.metrics:
        if task.name not in metric.tasks:
            reason = f"it is a metric for {' and '.join(metric.tasks)}"
            found.append(_wrong(metric.name, task, reason))
    one_class = "it needs one class for each image"
    if task is not CLASSIFICATION:
        if recipe.class_weights == "balanced":
            found.append(_wrong("class_weights = balanced", task, one_class))
        if recipe.sampling == "balanced":
            found.append(_wrong("sampling = balanced", task, one_class))
    if recipe.label_smoothing and task not in (CLASSIFICATION, SEGMENTATION):
        found.append(_wrong("label_smoothing", task, "it needs classes"))
    return found


def _wrong(name: str, task: Task, reason: str, help: list[str] | None = None) -> Diagnostic:
    fields = {"name": name, "task": task.name, "reason": reason}
    return diagnose(codes.BAD_TASK, fields=fields, help=help or [])


def _unmixable(recipe: Recipe, kind: Mixing) -> Iterator[Diagnostic]:
    """What cannot be done with labels that are mixed."""
    if recipe.loss is not None and recipe.loss.name not in MIXABLE:
        fields = {"task": f"the loss {recipe.loss.name}", "reason": "it takes no mixed labels"}
        help = [f"take {' or '.join(MIXABLE)}"]
        yield diagnose(codes.BAD_TASK, help=help, name=kind.name, fields=fields)
    if recipe.class_weights == "balanced":
        reason = "mixed labels take no class weights"
        fields = {"task": "class_weights = balanced", "reason": reason}
        yield diagnose(codes.BAD_TASK, name=kind.name, fields=fields)


def check_recipe(
    recipe: Recipe, task: Task, image: Shape | None = None, values: str = BYTES
) -> None:
    """Raises ``ArchError`` (A824) for a recipe that is for another task, or other images."""
    if found := unsuited(recipe, task, image, values):
        raise ArchError(found)
