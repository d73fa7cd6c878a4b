"""Folds: what is not test data, cut into parts, each of which validates once."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.training.data.splits import Splits, order_of, strata, together


@dataclass
class Folds:
    """The folds of a set; the one that was asked for last is kept."""

    splits: Splits
    count: int
    last: Splits | None = None

    def at(self, number: int) -> Splits:
        """Raises ``ArchError`` (A803) where there are too few images."""
        if self.last is None or self.last.fold != (number, self.count):
            self.last = fold(self.splits, number, self.count)
        return self.last


def fold(splits: Splits, number: int, count: int) -> Splits:
    """The ``number``-th of ``count`` folds, from 1: the images of that part to validate with, all
    others to train on. Test data stay as they are.

    The parts are equal but for one image, all together and class by class. Raises ``ArchError``
    (A803) where a part would be empty.
    """
    whole = together(splits.train, splits.validation)
    if len(whole) < 2 * count:
        reason = f"{len(whole):,} images are too few for {count} folds"
        raise ArchError([diagnose(codes.BAD_SPLIT, name="folds", reason=reason)])
    classes: dict[int, list[int]] = {}
    for row, label in enumerate(strata(whole, splits.task)):
        classes.setdefault(label, []).append(row)
    dealt = [row for label in sorted(classes, key=str) for row in order_of(classes[label])]
    held = sorted(row for place, row in enumerate(dealt) if place % count == number - 1)
    rest = sorted(set(dealt) - set(held))
    return Splits(
        whole.at(rest),
        whole.at(held),
        lambda: splits.test,
        splits.classes,
        splits.names,
        splits.notes,
        (number, count),
        splits.task,
    )
