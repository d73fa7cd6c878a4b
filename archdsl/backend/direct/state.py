"""Where the translation of a body stands."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from archdsl.backend.direct.terms import TENSORS, Said
from archdsl.backend.python import Code
from archdsl.syntax import tree

MOST_NESTED = 4  # calls within calls
AFTER = " "  # before the name of what a loop has numbered: its turns are not known
GIVEN = "\u2179"  # stands for what comes in, until it is known whether it is used


class NeedsWhole(Exception):
    """A block within cannot be called with the spec's own arguments: it has to be translated
    whole, too."""

    def __init__(self, definition: tree.Block) -> None:
        super().__init__(definition.name.text)
        self.definition = definition
        self.by = 0  # the definition that asks for it


class CannotBeWhole(Exception):
    """A block whose text cannot be translated, by its definition."""

    def __init__(self, definition: int) -> None:
        super().__init__()
        self.definition = definition


@dataclass(slots=True)
class LoopTurn:
    """The loop that a statement stands in: its counter, from 1 on."""

    counter: str
    before: Counter[str]  # numbers that were given before it


@dataclass(slots=True)
class At:
    """Where the translation stands: the tensor in ``forward``, the channels of it, and the
    numbers that were given. ``overwritable``: it may be worked on in place."""

    now: Code
    channels: Said | None
    counts: Counter[str] = field(default_factory=Counter)
    depth: int = 0
    overwritable: bool = False
    ended: bool = False
    maker: tree.Block | None = None  # the block whose result it is, if its channels are not known

    @property
    def several(self) -> bool:
        """Whether it is a list of tensors; its channels are those of each, then."""
        return self.channels is not None and self.channels.kind == TENSORS
