"""The verdict on a study: its parts, and what they say as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from archdsl.verdict.model import AverageDifference, Growth, SliceVerdict
from archdsl.verdict.results import Question
from archdsl.verdict.words import average_words, growth_words, slice_words

COLLAPSED = (
    "A training ended far from the others of its network. That may happen to each shape, so each is"
    " taken to vary at least as much as all do on average."
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of a study: slice by slice, and over all slices. ``collapsed``: a training ended
    far from the others of its network, so that no arm is taken to vary less than all do on
    average."""

    question: Question
    level: float
    slices: tuple[SliceVerdict, ...]
    average: AverageDifference | None
    growth: Growth | None
    collapsed: bool = False
    format: Literal[2] = 2

    @property
    def words(self) -> str:
        """What it says, as lines of text."""
        return words(self)


def words(verdict: Verdict) -> str:
    """The verdict as lines of text: a sentence for each slice with its figures below it, then
    what holds over all slices."""
    lines = []
    for part in verdict.slices:
        lines += slice_words(part, verdict.question)
    if verdict.average is not None:
        lines += average_words(verdict.average, verdict.slices, verdict.question)
    if verdict.growth is not None:
        lines.append(growth_words(verdict.growth))
    if verdict.collapsed:
        lines.append(COLLAPSED)
    return "\n".join(lines)
