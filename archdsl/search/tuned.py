"""A recipe with what a search tunes: as a trial draws it, and as a study says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from fractions import Fraction
from typing import Any

from archdsl.training.recipe import Recipe


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
