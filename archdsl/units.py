"""Numbers as people read them."""

from __future__ import annotations

import re
from difflib import get_close_matches

SHARES = (  # scores that are shares of 1, told in points (hundredths)
    "accuracy", "error", "top5", "balanced_accuracy", "f1", "auroc", "map", "iou", "pixel_accuracy",
)  # fmt: skip
ERRORS = ("loss", "mae", "rmse")  # scores that are never below 0
LOWER = (  # the last words of what scores are called of which less is better
    *ERRORS, "error", "err", "mse", "mape", "smape", "msle", "rmsle", "nll", "entropy",
    "perplexity", "ppl", "wer", "cer", "eer", "fid", "lpips", "brier",
)  # fmt: skip
ASIDE = (  # last words that do not say what a score is, but how or on which data it was taken
    "rate", "score", "mean", "avg", "average", "train", "training", "val", "valid", "validation",
    "test",
)  # fmt: skip
TURNED = ("neg", "negative", "minus")  # first words of what is below 0: of it more is better
MOST_FOLDS = 100  # that a search can cut its data into
UNITS = ("", "K", "M", "G", "T", "P")


def is_lower_better(measure: str) -> bool:
    """Whether less of a score is better, as its name says: ``mse``, ``val_loss``, ``testError``,
    ``error_rate``; but not ``neg_log_loss`` (scikit-learn) or ``-mse``."""
    return _names(measure) in LOWER


def is_higher_better(measure: str) -> bool:
    """Whether the name of a score ends in that of a share of which more is better, such as
    ``val_accuracy``; most names say nothing of it."""
    name = _names(measure)
    return name in (*SHARES, "acc") and name not in LOWER


def _names(measure: str) -> str:
    """The word of a name that says what it measures; nothing where it is of the opposite."""
    words = _words(measure)
    while len(words) > 1 and words[-1] in ASIDE:
        words.pop()
    turned = not words or words[0] in TURNED or measure.lstrip().startswith("-")
    return "" if turned else words[-1]


def meant(measure: str) -> str | None:
    """The name of a score that is written with a slip, such as ``val_acuracy``, as it was meant;
    nothing for a name in which no word is one letter off a long one that is known."""
    if measure in SHARES:
        return None
    words = {word for name in (*SHARES, *LOWER) for word in _words(name)}
    known = sorted(word for word in words if len(word) > 6)
    for word in _words(measure):
        near = [] if word in words else get_close_matches(word, known, 1, cutoff=0.85)
        if near and not (near[0].startswith(word) or word.startswith(near[0])):
            return re.sub(word, near[0], measure, count=1, flags=re.IGNORECASE)
    return None


def _words(measure: str) -> list[str]:
    return re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", measure).lower())


def human(count: float) -> str:
    """A count in at most five characters and a unit: ``25.56M``."""
    scaled, unit = float(count), 0
    while abs(scaled) >= 999.95 and unit < len(UNITS) - 1:
        scaled /= 1000
        unit += 1
    if unit == 0 and scaled == int(scaled):
        return str(int(scaled))
    digits = 2 if abs(scaled) < 99.995 else 1
    return f"{scaled:.{digits}f}{UNITS[unit]}"


def counted(count: int, noun: str, *, exact: bool = False) -> str:
    """A count of things: ``1 parameter``, ``25.56M parameters``; all its digits if ``exact``."""
    number = f"{count:,}" if exact else human(count)
    return f"{number} {noun}{'s' * (count != 1)}"


def shown_costs(params: int, macs: int, *, exact: bool = False) -> str:
    """What a network costs: ``25.56M parameters, 4.09G MACs``."""
    parameters = counted(params, "parameter", exact=exact)
    return f"{parameters}, {counted(macs, 'MAC', exact=exact)}"


def human_bytes(count: float) -> str:
    """A size in binary units: ``97.7 MiB``."""
    scaled, unit = float(count), 0
    names = ("B", "KiB", "MiB", "GiB", "TiB")
    while scaled >= 1023.95 and unit < len(names) - 1:
        scaled /= 1024
        unit += 1
    return f"{scaled:.0f} B" if unit == 0 else f"{scaled:.1f} {names[unit]}"


def short(count: float) -> str:
    """A count in four digits at most, as it would be written: ``5M``, ``1.25G``."""
    scaled, unit = float(count), 0
    while abs(scaled) >= 999.95 and unit < len(UNITS) - 1:
        scaled /= 1000
        unit += 1
    return f"{scaled:.4g}{UNITS[unit]}"


def time_text(seconds: float) -> str:
    """A short time, as it is measured: ``3.2 ms``."""
    return f"{1000 * seconds:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def rate(per_second: float) -> str:
    """How many a second: ``1,234``, or two digits of fewer than ten: ``0.58``."""
    return f"{per_second:,.0f}" if per_second >= 9.95 else f"{per_second:.2g}"


def duration(seconds: float) -> str:
    """A time in two units at most: ``45 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
