"""Layers by name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property

from archdsl.layers.base import Layer, required
from archdsl.layers.join import Join

_AXES = re.compile("[123]d$")


class LayerTable(Mapping[str, type[Layer]]):
    """Layers by name, in the order in which they are listed. Immutable."""

    def __init__(self, layers: Mapping[str, type[Layer]]) -> None:
        self._layers = dict(layers)
        self.synonyms = {s: n for n, c in self._layers.items() for s in c.synonyms}

    def meant(self, word: str) -> str | None:
        """The layer that another library calls so, whatever the case, the ``_`` and the axes:
        ``MaxPool2d``, ``leakyrelu``."""
        plain = _plain(word)
        return (
            self.synonyms.get(word)
            or self._spelled.get(plain)
            or self._spelled.get(_AXES.sub("", plain))
        )

    @cached_property
    def _spelled(self) -> dict[str, str]:
        spelled = {_plain(synonym): name for synonym, name in self.synonyms.items()}
        return spelled | {_plain(name): name for name in self._layers}

    @cached_property
    def joins(self) -> dict[str, type[Join]]:
        """What `branch` can name: the joins that need no arguments."""
        return {
            name: layer
            for name, layer in self._layers.items()
            if issubclass(layer, Join) and not required(layer)
        }

    def __getitem__(self, name: str) -> type[Layer]:
        return self._layers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._layers)

    def __len__(self) -> int:
        return len(self._layers)


def _plain(word: str) -> str:
    return word.lower().replace("_", "")
