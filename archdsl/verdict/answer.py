"""The verdict on a study: its parts, and what they say as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from archdsl.verdict.model import (
    DEPENDS,
    EQUIVALENT,
    NO_EVIDENCE,
    NOT_SETTLED,
    AverageDifference,
    Growth,
    SliceVerdict,
)
from archdsl.verdict.results import Question
from archdsl.verdict.words import average_words, growth_words, slice_words

UNCLAIMED = (NO_EVIDENCE, NOT_SETTLED, EQUIVALENT, DEPENDS)  # words that claim no difference
COLLAPSED = (
    "A training ended far from the others of its network. That may happen to each shape, so each is"
    " taken to vary at least as much as all do on average."
)
BLIND = (
    "So few seeds do not show whether a network collapses now and then. The claim is safer with"
    " {} fresh seeds{}."
)
UNPOOLED = (
    "No curve goes through the settings that were tuned: the interval does not cover what their"
    " choice may lose."
)
SPLIT = "The claim is about this split of the data; folds would cover others."
TWICE = ", or where each network is explored on two"
TEN = 10  # fresh seeds, of which collapses show


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of a study: slice by slice, and over all slices. ``collapsed``: a training ended
    far from the others of its network, so that no arm is taken to vary less than all do on
    average. ``blind``: no network was trained on two seeds but the fresh ones, and these are few,
    so that nothing shows whether networks collapse. ``tuned``: what explored differs in its
    settings. ``unpooled``: no curve could be drawn through these settings."""

    question: Question
    level: float
    slices: tuple[SliceVerdict, ...]
    average: AverageDifference | None
    growth: Growth | None
    collapsed: bool = False
    blind: bool = False
    tuned: bool = False
    unpooled: bool = False
    format: Literal[2] = 2

    @property
    def claims(self) -> bool:
        """Whether it says of anything that it is better."""
        words = [part.word for part in self.slices]
        words += [pair.word for part in self.slices for pair in part.pairs]
        words += [self.average.word] if self.average is not None else []
        return any(word not in UNCLAIMED for word in words)

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
    if verdict.claims and not verdict.question.folds:
        lines.append(SPLIT)
    if verdict.unpooled:
        lines.append(UNPOOLED)
    if verdict.collapsed:
        lines.append(COLLAPSED)
    elif verdict.blind and verdict.claims:
        lines.append(BLIND.format(TEN, "" if verdict.tuned else TWICE))
    return "\n".join(lines)
