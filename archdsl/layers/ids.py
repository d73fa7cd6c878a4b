"""Token ids: tensors of whole numbers, each the number of a word in a vocabulary."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class Ids(tuple[int, ...]):
    """The shape of a tensor of token ids: its sizes, and how many words there are.

    It is another shape than that of a tensor of numbers, ``(512,)``: a layer meets it only where
    it says so (``Layer.takes_ids``), and every result that is remembered by shapes is its own.
    """

    vocabulary: int

    def __new__(cls, sizes: Iterable[int], vocabulary: int) -> Ids:
        made = super().__new__(cls, sizes)
        made.vocabulary = vocabulary
        return made

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self), self.vocabulary

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ids):
            return False
        return self.vocabulary == other.vocabulary and tuple.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((tuple(self), self.vocabulary))

    def __repr__(self) -> str:
        return f"Ids({tuple(self)!r}, {self.vocabulary!r})"
