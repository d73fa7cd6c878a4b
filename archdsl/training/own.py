"""What stands in the place of data that a text names: of a training of the user's own, only what
fits its networks; and a data set that a program hands over."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.training.recipe import Recipe
from archdsl.training.sets import Data
from archdsl.training.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from archdsl.training.data.splits import Splits

FUNCTION = "own function"  # how a card says that nothing in the search's text trains
HANDED_OVER = re.compile(r"a program's data set \((\w+), (\w+), (\w+)\) ")  # and how it says so


def plain(value: Any) -> Any:
    """A value of the language as one of Python."""
    if isinstance(value, Fraction):
        return float(value)
    return [plain(v) for v in value] if isinstance(value, (tuple, range)) else value


def recipe_of(settings: Mapping[str, Any]) -> Recipe:
    """What is known of how long your own training takes: its ``epochs``, where it says so."""
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


@dataclass(frozen=True)
class ProgramData(Data):
    """A data set that a program has handed over: its ``splits`` are there only within it.
    ``digest`` tells it from others."""

    image: tuple[int, ...]  # type: ignore[misc]
    classes: int  # type: ignore[misc]
    task: str = CLASSIFICATION.name
    values: str = "uint8"
    digest: str = ""
    splits: Splits | None = field(default=None, compare=False, repr=False)

    name = "dataset"

    @classmethod
    def of(cls, splits: Splits) -> ProgramData:
        task, values = splits.task.name, splits.values
        return cls(splits.image, splits.classes, task, values, splits.digest, splits)

    @classmethod
    def on_card(cls, text: str, fits: tuple[tuple[int, ...], int]) -> ProgramData | None:
        """What a study's card says of such a data set; nothing where it says another."""
        found = HANDED_OVER.match(text)
        return None if found is None else cls(*fits, found[1], found[2], found[3])

    def __str__(self) -> str:
        return f"a program's data set ({self.task}, {self.values}, {self.digest})"

    def written(self, full: bool = False) -> str:
        return "a data set of a program"

    def describe(self, folder: Path) -> tuple[tuple[int, ...], int]:
        return self.image, self.classes

    def load(self, folder: Path) -> Splits:
        """Raises ``ArchError`` anywhere but in the program that has the data set."""
        if self.splits is None:
            reason = "only the program that began the study has it"
            help = ["archdsl.Search(..., data=..., study=..., resume=True) goes on with the study"]
            raise ArchError([diagnose(codes.NO_DATA, help=help, name=self.name, reason=reason)])
        return self.splits
