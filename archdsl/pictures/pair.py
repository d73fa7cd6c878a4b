"""Two architectures side by side, for notebooks and the command line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from archdsl.pictures.difference import Change, difference, marks, opened
from archdsl.pictures.scene import Scene
from archdsl.pictures.svg import svg
from archdsl.pictures.views import draw_both

if TYPE_CHECKING:
    from archdsl.spec import Architecture


@dataclass(frozen=True)
class Pair:
    """What differs between two architectures. In a notebook it is their picture, with so many
    levels open where they differ; ``titles`` are what they are called there."""

    left: Architecture
    right: Architecture
    titles: tuple[str, str] = ("", "")
    depth: int = 2

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """Their parts, brought together."""
        return difference(self.left.network, self.right.network)

    @property
    def differing(self) -> tuple[tuple[str, str], ...]:
        """The paths of the innermost parts that differ, in either; one that the other has not
        stands beside an empty text."""
        return tuple(_innermost(self.changes))

    def scene(self) -> Scene:
        """The picture."""
        a, b = (
            (arch.network, arch.shown_knobs, title)
            for arch, title in zip((self.left, self.right), self.titles, strict=True)
        )
        return draw_both(a, b, marks(self.changes), opened(self.changes), self.depth)

    def __repr__(self) -> str:
        if self.left.hash == self.right.hash:
            return "<Pair: the same network>"
        count = len(self.differing)
        return f"<Pair: {count} part{'' if count == 1 else 's'} differ{'s' if count == 1 else ''}>"

    def _repr_html_(self) -> str:
        return f'<div style="max-height: 45em; overflow: auto">{svg(self.scene())}</div>'


def _innermost(changes: Sequence[Change]) -> Iterator[tuple[str, str]]:
    for change in changes:
        inner = list(_innermost(change.inside))
        if inner:
            yield from inner
        elif change.mark != "same":
            yield (
                change.a.path if change.a else "",
                change.b.path if change.b else "",
            )
