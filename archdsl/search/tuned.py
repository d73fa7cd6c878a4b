"""A recipe with what a search tunes: as a trial draws it, and as a study says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from fractions import Fraction
from hashlib import file_digest
from pathlib import Path
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.files import opened
from archdsl.training.recipe import Recipe, Steps


def tuned(recipe: Recipe, values: Mapping[str, Any]) -> Recipe:
    """The recipe with values of what is tuned: its own settings, and those of its optimizer."""
    own = {f.name for f in fields(recipe)}
    for name, value in values.items():
        number: Any = value if isinstance(value, int) else float(value)
        if name in own:
            if name == "batch":
                number = max(1, round(number))
            recipe = replace(recipe, **{name: number})
        else:
            optimizer: Any = recipe.optimizer
            recipe = replace(recipe, optimizer=replace(optimizer, **{name: number}))
    return recipe


def shortened(recipe: Recipe, epochs: int) -> Recipe:
    """The recipe as a whole training of fewer epochs, if any are said: its schedule ends with
    them."""
    if not epochs:
        return recipe
    share = epochs / recipe.epochs
    schedule: Any = recipe.schedule
    if isinstance(schedule, Steps):
        schedule = replace(schedule, at=tuple(max(1, round(at * share)) for at in schedule.at))
    return replace(recipe, epochs=epochs, warmup=recipe.warmup * share, schedule=schedule)


def seed_of(study: int, trial: int) -> int:
    """The seed of a training, of that of its study and that of its trial."""
    return study * 1_000_003 + trial


def starting(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe, its file of weights found from the folder where paths of data start."""
    if recipe.weights is None:
        return recipe
    return replace(recipe, weights=str(folder / recipe.weights))


def digest_of_start(recipe: Recipe, folder: Path) -> str:
    """What the weights to start from are, as a hash, after a space; nothing where there are none.
    Raises ``ArchError`` (A002) where the file cannot be read."""
    if recipe.weights is None:
        return ""
    path = folder / recipe.weights
    try:
        with opened(path) as file:
            stream: Any = file
            return f" {file_digest(stream, 'sha256').hexdigest()}"
    except OSError as problem:
        fields = {"name": str(path), "reason": (problem.strerror or str(problem)).lower()}
        raise ArchError([diagnose(codes.UNREADABLE, fields=fields)]) from None


def recipe_of(recipe: Recipe, setting: str) -> Recipe:
    """The recipe of a trial, by what it drew as a study says it: ``lr = 0.05, momentum = 9/10``.
    Raises ``ValueError`` for what no study says."""
    values: dict[str, Any] = {}
    for part in setting.split(", ") if setting else ():
        name, equals, text = part.partition(" = ")
        if not equals:
            raise ValueError(part)
        number = Fraction(text)
        values[name] = int(number) if number.denominator == 1 else float(number)
    try:
        return tuned(recipe, values)
    except TypeError:  # the recipe has no such setting
        raise ValueError(setting) from None
