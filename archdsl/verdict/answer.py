"""The verdict on a study: its parts, and what they say as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from archdsl.verdict.model import AverageDifference, Growth, SliceVerdict
from archdsl.verdict.results import Question
from archdsl.verdict.words import average_words, growth_words, slice_words


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of a study: slice by slice, and over all slices."""

    question: Question
    level: float
    slices: tuple[SliceVerdict, ...]
    average: AverageDifference | None
    growth: Growth | None
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
    return "\n".join(lines)
