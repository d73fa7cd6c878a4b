"""What the labels of an array are of."""

from __future__ import annotations

from typing import Any

from archdsl.training.tasks import CLASSIFICATION, IGNORED, MULTILABEL, REGRESSION, Task

MOST_CLASSES = 100_000


def count_of(labels: Any, task: Task) -> int:
    """How many classes, labels or values there are in an array of NumPy; none where they are not of
    the task."""
    kind, axes = labels.dtype.kind, labels.ndim
    if not labels.size or kind not in "biuf":
        return 0
    whole = kind in "iu"
    if task.dense:
        known = labels[labels != IGNORED]
        return int(known.max(initial=0)) + 1 if whole and axes > 2 and labels.min() >= 0 else 0
    if task is CLASSIFICATION:
        return int(labels.max()) + 1 if whole and axes == 1 and labels.min() >= 0 else 0
    if task.words:
        return int(labels.max()) + 1 if whole and axes == 2 and labels.min() >= 0 else 0
    fits = axes == 2 or (axes == 1 and task is REGRESSION)
    if task is MULTILABEL:
        fits = fits and bool(((labels == 0) | (labels == 1)).all())
    else:
        fits = fits and kind != "b"
    return (labels.shape[1] if axes == 2 else 1) if fits else 0
