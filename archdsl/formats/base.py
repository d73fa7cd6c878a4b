"""What an output format is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from archdsl.modelcard import ModelCard
from archdsl.registered import Registered

if TYPE_CHECKING:
    from archdsl.spec import Architecture


@dataclass(frozen=True)
class Checkpoint:
    """A file of weights, and what was told of its layers."""

    path: Path
    order: Sequence[str]
    names: dict[str, str]


@dataclass(frozen=True)
class Options:
    """What was asked for beside the network, of formats that take it."""

    weights: Checkpoint | None = None
    card: ModelCard | None = None  # what the weights were trained on
    device: str = "cpu"
    dtype: str = "float32"
    any_size: bool = False  # whether height and width of what is exported stay free
    notes: list[str] = field(default_factory=list)  # what a user should know of what was written


class Format(Registered):
    """The base of output formats. ``name`` is the ending of a file; ``takes_weights`` says whether
    it can hold those of a checkpoint, ``takes_device`` whether it is for a device and a type of
    numbers."""

    group = "formats"
    noun = "output format"
    takes_weights: ClassVar[bool] = True
    takes_device: ClassVar[bool] = False

    @classmethod
    def check(cls) -> None:
        super().check()
        if cls.write is Format.write:
            raise TypeError(f"{cls.__name__} has no method `write`")

    def write(self, arch: Architecture, path: Path, options: Options) -> Iterable[str]:
        """Writes a network; gives lines to say after it. Raises ``ArchError``."""
        raise NotImplementedError(f"{type(self).__name__}.write")

    def beside(self, path: Path, options: Options) -> list[Path]:
        """The files that are written beside the one that was asked for."""
        return []
