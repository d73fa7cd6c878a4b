"""What a training of the user's own is given, in the place of data: only what fits its networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from archdsl.training.recipe import Recipe
from archdsl.training.sets import Data

FUNCTION = "own function"  # how a card says that nothing in the search's text trains


def plain(value: Any) -> Any:
    """A value of the language as one of Python."""
    if isinstance(value, Fraction):
        return float(value)
    return [plain(v) for v in value] if isinstance(value, (tuple, range)) else value


def recipe_of(settings: Mapping[str, Any]) -> Recipe:
    """What is known of how long a training of one's own takes: its ``epochs``, where it says so."""
    epochs = settings.get("epochs")
    return Recipe(epochs=epochs) if type(epochs) is int and epochs > 0 else Recipe()


@dataclass(frozen=True)
class OwnData(Data):
    """The data of a training that brings its own. Nothing is known of them but the spec's input
    and the length of its result."""

    file: str
    input: tuple[int, ...]
    outputs: int

    name = "own"

    def __str__(self) -> str:
        return f'own "{self.file}"' if self.file else FUNCTION

    def written(self, full: bool = False) -> str:
        return f'those of "{self.file}"' if self.file else "those of a function"

    def describe(self, folder: Path) -> tuple[tuple[int, ...], int]:
        return self.input, self.outputs
