"""All layers of the language by name, and how a user's own are added."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from types import ModuleType

from archdsl.layers import (
    activation,
    convolution,
    join,
    normalization,
    pooling,
    resampling,
    shaping,
)
from archdsl.layers.base import Layer, required, signature
from archdsl.layers.join import Join

BUILT_IN = (convolution, normalization, activation, pooling, resampling, shaping, join)


def layers_of(module: ModuleType) -> Iterator[type[Layer]]:
    """The layers that a module defines: its subclasses of ``Layer`` that have a name."""
    for value in vars(module).values():
        if (
            isinstance(value, type)
            and issubclass(value, Layer)
            and value.__module__ == module.__name__
            and isinstance(vars(value).get("name"), str)
        ):
            yield value


class Table(Mapping[str, type[Layer]]):
    """Layers by name. Immutable: ``with_layers`` makes a new one."""

    def __init__(self, layers: Mapping[str, type[Layer]]) -> None:
        self._layers = dict(layers)
        self.synonyms = {s: n for n, c in self._layers.items() for s in c.synonyms}

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

    def with_layers(self, more: Iterator[type[Layer]]) -> Table:
        """This table and more layers. Raises ``ValueError`` for a name that is taken."""
        merged = dict(self._layers)
        for cls in more:
            if cls.name in merged:
                raise ValueError(f"there is a layer `{cls.name}` already")
            if not cls.name.isidentifier():
                raise ValueError(f"`{cls.name}` cannot be a layer's name")
            signature(cls)
            merged[cls.name] = cls
        return Table(merged)


TABLE = Table({cls.name: cls for module in BUILT_IN for cls in layers_of(module)})
