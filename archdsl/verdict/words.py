"""The parts of a verdict in sentences, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.units import MOST_FOLDS, SHARES
from archdsl.verdict.model import (
    DEPENDS,
    EQUIVALENT,
    LOSS,
    NO_EVIDENCE,
    ArmPair,
    AverageDifference,
    ByLoss,
    Contrast,
    Growth,
    Optimum,
    Settled,
    SliceVerdict,
    Slope,
)
from archdsl.verdict.results import Question
from archdsl.verdict.rounding import (
    digit_place,
    number,
    p_words,
    rounded,
    size_words,
    unit,
)

FEW = 100  # examples, of fewer than which a verdict says what one of them is
LOOSE = 0.2  # of what an interval reaches: a deviation of the tuning that is told
SEEN = 2.8  # standard errors that a difference must have, to be found in four of five studies
DOUBT = "the bootstrap's interval includes 0: the difference rests on few results"
UNITS = {"macs": "multiply-adds", "params": "parameters"}


def slice_words(part: SliceVerdict, question: Question) -> list[str]:
    """A sentence for a slice, and its figures below it."""
    names = [named(arm.shape, part.kind) for arm in part.arms]
    lines = [placed(part.slice, _sentence(part, names, question))]
    figures = [_figures(n, a, question) for n, a in zip(names, part.arms, strict=True) if a.seeds]
    if figures:
        lines.append(f"  {'; '.join(figures)}")
    examples = None if part.contrast is None else part.contrast.examples
    if part.contrast is not None and part.contrast.folds:
        lines.append(f"  {_folds(part.contrast, question)}")
    elif part.contrast is not None and examples is None:
        lines.append("  only scores are known: the interval does not cover other examples")
    elif examples is not None and examples < FEW:
        lines.append(f"  {_few(examples, question)}")
    if part.contrast is not None and _is_loose(part.contrast):
        lines.append(f"  {_tuning(part.contrast, question)}")
    for name, arm in zip(names, part.arms, strict=True):
        if arm.failed:
            tries = arm.seeds + arm.failed
            lines.append(
                f"  {arm.failed} of {tries} training runs of {name} failed: not in its mean"
            )
    if part.contrast is not None and part.contrast.loss is not None and part.by != LOSS:
        lines += _loss(part.contrast.loss, names, part.word, part.by, part.contrast, question)
    if part.contrast is not None and _doubtful(part.word, part.contrast) and part.by != LOSS:
        lines.append(f"  {DOUBT}")
    order = {a.shape: -question.sign * a.mean for a in part.arms if a.mean is not None}
    pairs = sorted(part.pairs, key=lambda p: sorted((order[p.first], order[p.second])))
    lines += [f"  {_pair(pair, part, question)}" for pair in pairs]
    if part.optimum is not None and part.optimum.why is None:
        lines.append(f"  {_peak(part.optimum)}")
    return lines


def _sentence(part: SliceVerdict, names: Sequence[str], question: Question) -> str:
    if part.contrast is None:
        return f"nothing is settled: {part.why}."
    first, second = (a.seeds for a in part.arms[:2])
    return _compared(part.word, part.contrast, names[:2], (first, second), question) + "."


def _pair(pair: ArmPair, part: SliceVerdict, question: Question) -> str:
    """What is said of two further arms of a slice."""
    seeds = {arm.shape: arm.seeds for arm in part.arms}
    shapes = (pair.first, pair.second)
    names = [named(shape, part.kind) for shape in shapes]
    first, second = (seeds[shape] for shape in shapes)
    text = _compared(pair.word, pair.contrast, names, (first, second), question)
    return f"{text}; {DOUBT}" if _doubtful(pair.word, pair.contrast) else text


def _compared(
    word: str, contrast: Contrast, names: Sequence[str], of: tuple[int, int], question: Question
) -> str:
    """A comparison of two arms, with ``of`` so many seeds."""
    first, second = of
    seeds = f"{first} seeds each" if first == second else f"{first} and {second} seeds"
    most = f" of up to {question.looks[-1]}" if len(question.looks) > 1 else ""
    sure = f"{seeds}{most}, {p_words(contrast.corrected)}"
    better = question.sign * contrast.difference >= 0
    one, other = names if better else (names[1], names[0])
    size = size_words(contrast.difference, contrast.interval, question)
    if contrast.withdrawn:
        return _withdrawn(one, other, contrast, f"{size} ({sure})", question)
    if word == EQUIVALENT:
        return f"{one} and {other} are {_within(question)}: {size} ({sure})"
    if word != NO_EVIDENCE and contrast.honest is None and contrast.loss is not None:
        sure = f"{seeds}{most}, {p_words(contrast.loss.corrected)}"
        told = _by_loss(contrast.loss, sure, size, "its", question)
        return f"{one} beats {other} by the log-loss, {told}"
    if word != NO_EVIDENCE:
        return f"{one} beats {other} by {size} ({sure}); {_repeated(contrast, question)}"
    text = f"there is no evidence of a difference between {one} and {other}: {size} ({sure})"
    return f"{text}{_needed(contrast, question)}"


def _by_loss(loss: ByLoss, sure: str, score: str, whose: str, question: Question) -> str:
    """What the log-loss decides: its difference, that of the score, and what is to be expected."""
    assert loss.honest is not None
    higher = "higher" if question.maximize else "lower"
    size, expected = _loss_size(loss, loss.difference), _loss_size(loss, loss.honest, plain=True)
    agree = "" if loss.test is None else _on_test(_loss_size(loss, loss.test, plain=True), loss)
    return (
        f"lower by {size} ({sure}); {whose} {question.measure} is {higher} by {score}, which alone"
        f" shows no difference; a repetition can expect {expected}{agree}"
    )


def _loss(
    loss: ByLoss,
    names: Sequence[str],
    word: str,
    by: str | None,
    found: Contrast | AverageDifference,
    question: Question,
) -> list[str]:
    """What the log-loss shows beside what was said by something else: nothing, or a line."""
    if loss.honest is None:
        return []
    one = names[0 if loss.difference < 0 else 1]
    text = f"  the log-loss of {one} is lower by {_loss_size(loss, loss.difference)}"
    text += f" ({p_words(loss.corrected)})"
    ahead = -question.sign if loss.difference < 0 else question.sign
    against = found.difference * ahead >= 0
    if word == EQUIVALENT or found.withdrawn:
        return [text]
    if by is not None:
        return [f"{text}: it says {'the opposite' if against else 'the same'}"]
    better = "higher" if question.maximize else "lower"
    if against:
        text += f", but the {question.measure} is not {better}"
    elif found.test is not None and found.test * ahead >= 0:
        text += f", but the {question.measure} on test data is not {better}"
    else:
        text += ", but not on test data"
    return [f"{text}: nothing is claimed by it"]


def _loss_size(loss: ByLoss, value: float, plain: bool = False) -> str:
    """A size of the log-loss, to two digits of its uncertainty."""
    if loss.interval is None:
        return f"{abs(value):.3g}{'' if plain else ' in every seed'}"
    reach = (loss.interval[1] - loss.interval[0]) / 2
    digits = max(0, 1 - digit_place(reach))
    size = f"{abs(value):.{digits}f}"
    return size if plain else f"{size} ± {reach:.{digits}f}"


def _folds(contrast: Contrast, question: Question) -> str:
    """That other splits are in the interval, and the interval for other data."""
    text = f"over {contrast.folds} folds of the data: the interval covers other splits"
    if contrast.another is None:
        return text
    size = size_words(contrast.difference, contrast.another, question)
    return f"{text}; another data set of this size: {size}"


def _is_loose(contrast: Contrast) -> bool:
    """Whether the tuning has a part in the interval that is worth a line."""
    if not contrast.tuning or contrast.interval is None:
        return False
    return contrast.tuning >= LOOSE * (contrast.interval[1] - contrast.interval[0]) / 2


def _tuning(contrast: Contrast, question: Question) -> str:
    assert contrast.tuning is not None
    size = number(contrast.tuning, contrast.tuning, question) + unit(question)
    text = "the interval covers what either may lose by its tuned settings: a standard deviation of"
    return f"{text} {size}"


def _repeated(found: Contrast | AverageDifference, question: Question) -> str:
    """What is expected of a repetition: what was claimed is too large on average."""
    assert found.honest is not None
    ends = found.interval or (0.0, abs(found.honest))  # without one, to two digits of itself
    reach = ends[1] - ends[0]
    size = number(abs(found.honest), reach / 2, question)
    text = f"a repetition can expect {size}{unit(question)}"
    if found.test is None:
        return text
    return text + _on_test(number(abs(found.test), reach / 2, question) + unit(question), found)


def _on_test(size: str, found: Contrast | AverageDifference | ByLoss) -> str:
    """That test data agree, as where they do not, nothing is claimed."""
    return f"; test data agree: {size}" if found.test else "; test data show no difference"


def _within(question: Question) -> str:
    size = number(question.target, 0, question) + unit(question)
    return f"within {size} of each other"


def _withdrawn(
    one: str, other: str, found: Contrast | AverageDifference, size: str, question: Question
) -> str:
    assert found.test is not None
    against = number(abs(found.test), 0, question) + unit(question)
    where = "validation and test data together" if question.both else "validation data"
    return (
        f"there is no answer: on {where} {one} is ahead of {other} by {size}, on test data"
        f"{' alone' if question.both else ''} behind it by {against}"
    )


def _few(examples: int, question: Question) -> str:
    kind = "held-out" if question.both else "validation"
    words = f"there are {examples} {kind} examples"
    if question.measure not in SHARES:
        return f"{words}, which is few"
    return f"{words}, of which one is {number(1 / examples, 0, question)}{unit(question)}"


def _needed(contrast: Contrast, question: Question) -> str:
    """What would show the target: more seeds, more examples, or neither alone. Where all seeds
    agree, nothing is known of how they spread, and nothing is said."""
    if contrast.interval is None:
        return ""
    target = number(question.target, 0, question) + unit(question)
    seeds, examples = contrast.seeds_target, None
    if contrast.examples and contrast.examples_target:
        examples = contrast.examples_target - contrast.examples
    kind = "held-out" if question.both else "validation"
    more = f"{rounded(examples)} more {kind} examples" if examples and examples > 0 else ""
    loose = contrast.tuning and (contrast.tuning * SEEN >= question.target or not contrast.examples)
    if seeds is None and loose:
        return f"; more seeds will not show {target}: it takes more trials to tune the shapes"
    if question.folds:
        if seeds is not None and seeds > MOST_FOLDS:
            return f"; folds of these data will not show {target}"
        return "" if seeds is None else f"; about {rounded(seeds)} folds would show {target}"
    if seeds is not None:
        return (
            f"; about {rounded(seeds)} seeds each{f', or {more},' * bool(more)} would show {target}"
        )
    if more:
        return f"; more seeds will not show {target}, about {more} would"
    if contrast.examples:
        return f"; neither more seeds nor more examples alone would show {target}"
    return ""


def _all(slices: Sequence[SliceVerdict]) -> str:
    """What the average is over: "the 3 budgets together"."""
    settled = [part for part in slices if part.contrast is not None]
    budgets, kinds = ({getattr(p, n) for p in settled} for n in ("budget", "kind"))
    if len(kinds) == 1:
        return f"the {len(settled)} budgets together"
    if len(budgets) == 1:
        return f"the {len(settled)} kinds together"
    return f"all {len(settled)} budgets and kinds together"


def average_words(
    average: AverageDifference, slices: Sequence[SliceVerdict], question: Question
) -> list[str]:
    """What holds over all slices."""
    lines, names = [_average(average, slices, question)], ("the deep shapes", "the wide ones")
    if average.loss is not None and average.by != LOSS and average.word != DEPENDS:
        lines += _loss(average.loss, names, average.word, average.by, average, question)
    return lines


def _average(average: AverageDifference, slices: Sequence[SliceVerdict], question: Question) -> str:
    if average.word == DEPENDS:
        return (
            f"Over {_all(slices)} there is no one answer: the answer depends on the kind,"
            " deeper is better in one and wider in another."
        )
    size = f"{size_words(average.difference, average.interval, question)} on average"
    sure = f"{size} ({p_words(average.corrected)})"
    text = f"Over {_all(slices)}, "
    kinds = ["the best deep shapes", "the best wide ones"]
    if question.sign * average.difference < 0:
        kinds = ["the best wide shapes", "the best deep ones"]
    if average.withdrawn:
        return f"{text}{_withdrawn(kinds[0], kinds[1], average, sure, question)}."
    if average.word == EQUIVALENT:
        return f"{text}the wide and the deep shapes are {_within(question)}: {sure}."
    if average.by == LOSS and average.loss is not None:
        told = _by_loss(average.loss, p_words(average.loss.corrected), size, "their", question)
        return f"{text}{' beat '.join(kinds)} by the log-loss, {told}."
    if average.word == NO_EVIDENCE:
        text += "there is no evidence that either the wide or the deep shapes are better:"
        return f"{text} {sure}."
    return f"{text}{' beat '.join(kinds)} by {sure}; {_repeated(average, question)}."


def growth_words(growth: Growth) -> str:
    """How depth and width grow with the budget, in a sentence."""
    if growth.depth is None or growth.width is None:
        return f"How the best shape grows with the budget cannot be told: {growth.why}."
    depth, width = _doubling(growth.depth), _doubling(growth.width)
    return f"With twice the budget, the best depth is {depth}, the best width {width}."


def _doubling(slope: Slope) -> str:
    at, low, high = (2**e for e in (slope.exponent, *slope.interval))
    unsure = ": perhaps the same" if low <= 1 <= high else ""
    return f"{at:.2f} times as large ({low:.2f} to {high:.2f}{unsure})"


def _peak(peak: Optimum) -> str:
    assert peak.depth is not None and peak.depth_interval is not None
    low, high = peak.depth_interval
    best = f"about {peak.depth:.0f} weighted layers ({low:.0f} to {high:.0f})"
    return f"by a curve through all explored shapes, the best depth is {best}"


# ----------------------------------------------------------------------------- pieces


def placed(name: str, sentence: str) -> str:
    """A sentence after the budget that it is about: "At 5M multiply-adds, ..."."""
    if not name:
        return sentence[0].upper() + sentence[1:]
    if name.startswith("with "):
        return f"W{name[1:]}{' ' if sentence.startswith('there') else ', '}{sentence}"
    budget = " ".join(UNITS.get(word, word) for word in name.split())
    return f"At {budget}{' ' if sentence.startswith('there') else ', '}{sentence}"


def named(shape: str, kind: str) -> str:
    """A shape as a sentence has it: "depth 16"; its kind is said before."""
    said = kind.split(" and ") if kind else []
    parts = [part.replace(" = ", " ") for part in shape.split(", ")]
    return ", ".join(part for part in parts if part not in said)


def _figures(name: str, arm: Settled, question: Question) -> str:
    assert arm.mean is not None
    percent = " %" if question.measure in SHARES else ""
    low, high = arm.interval or (arm.mean, arm.mean)
    reach, mean = (high - low) / 2, arm.mean
    text = f"{name}: {number(mean, reach, question)}{percent}"
    if arm.interval is not None:
        ends = (number(end, reach, question, like=mean) for end in (low, high))
        text += f" ({' to '.join(ends)})"
    if arm.test is not None:
        text += f", test {number(arm.test, reach, question, like=mean)}{percent}"
    return text


def _doubtful(word: str, contrast: Contrast) -> bool:
    """Whether a difference is claimed that seeds drawn anew may not have."""
    found = None if word in (NO_EVIDENCE, EQUIVALENT) else contrast.bootstrap
    return found is not None and found[0] <= 0 <= found[1]
