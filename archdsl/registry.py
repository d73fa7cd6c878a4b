"""All that a text can name, or a user can add: layers, patterns, costs, data, metrics, recipes.

What is built in comes from modules, as what a user brings does. The modules of a group are
loaded when the group is first asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from archdsl.layers.by_name import LayerTable
from archdsl.registered import Registered, defined_in

if TYPE_CHECKING:
    from archdsl.costs.base import Cost
    from archdsl.elaborate.patterns.base import Pattern
    from archdsl.formats.base import Format
    from archdsl.training.augmentations import Augmentation
    from archdsl.training.loggers import Logger
    from archdsl.training.named import NamedRecipe
    from archdsl.training.scores import Metric
    from archdsl.training.sets import Data

BUILT_IN: Mapping[str, tuple[str, ...]] = {
    "layers": (
        "archdsl.layers.convolution",
        "archdsl.layers.standardized",
        "archdsl.layers.normalization",
        "archdsl.layers.magnitude",
        "archdsl.layers.scalar",
        "archdsl.layers.activation",
        "archdsl.layers.attention",
        "archdsl.layers.tokens",
        "archdsl.layers.cross_attention",
        "archdsl.layers.pooling",
        "archdsl.layers.resampling",
        "archdsl.layers.shaping",
        "archdsl.layers.axes",
        "archdsl.layers.join",
    ),
    "patterns": (
        "archdsl.elaborate.patterns.residual",
        "archdsl.elaborate.patterns.branch",
        "archdsl.elaborate.patterns.dense",
        "archdsl.elaborate.patterns.fractal",
        "archdsl.elaborate.patterns.choose",
        "archdsl.elaborate.patterns.shared",
    ),
    "costs": (
        "archdsl.costs.params",
        "archdsl.costs.macs",
        "archdsl.costs.activations",
        "archdsl.analysis.memory",
        "archdsl.training.timed",
    ),
    "data": ("archdsl.training.sets",),
    "metrics": ("archdsl.training.scores",),
    "augmentations": ("archdsl.training.augmentations",),
    "recipes": ("archdsl.training.named",),
    "formats": (
        "archdsl.formats.source",
        "archdsl.formats.exported",
        "archdsl.formats.frozen",
    ),
    "loggers": ("archdsl.training.loggers",),
}
"""The modules of each group. The order is that of lists that a user reads."""

SHARED = ("layers", "patterns")  # groups whose names stand side by side in a spec


@cache
def built_in(group: str) -> tuple[type[Registered], ...]:
    """What archdsl itself brings of a group."""
    return tuple(cls for name in BUILT_IN[group] for cls in defined_in(import_module(name)))


class Registry:
    """What is built in, and what a user added. Immutable: ``with_added`` makes a new one."""

    def __init__(self, added: Iterable[type[Registered]] = ()) -> None:
        self.added = tuple(added)

    def __reduce__(self) -> tuple[Any, ...]:
        return Registry, (self.added,)

    def with_added(self, more: Iterable[type[Registered]]) -> Registry:
        """This registry and more. Raises ``ValueError`` for a name that is taken or cannot be
        one, ``TypeError`` for a class that cannot be used."""
        made = self
        for cls in more:
            shared = SHARED if cls.group in SHARED else (cls.group,)
            for group in shared:
                known = made.group(group).get(cls.name)
                if known is not None:
                    raise ValueError(f"there is a {known.noun} `{cls.name}` already")
            cls.check()
            made = Registry((*made.added, cls))
        return made

    def group(self, group: str) -> dict[str, Any]:
        """All of a group, by their names."""
        own = (cls for cls in self.added if cls.group == group)
        return {cls.name: cls for cls in (*built_in(group), *own)}

    @property
    def brings_layers(self) -> bool:
        """Whether a user added layers or patterns."""
        return any(cls.group in SHARED for cls in self.added)

    @cached_property
    def layers(self) -> LayerTable:
        """The layers."""
        return LayerTable(self.group("layers"))

    @cached_property
    def patterns(self) -> Mapping[str, type[Pattern]]:
        """The connection patterns."""
        return self.group("patterns")

    @cached_property
    def costs(self) -> Mapping[str, Cost]:
        """The costs."""
        return {name: cls() for name, cls in self.group("costs").items()}

    @cached_property
    def static_costs(self) -> Mapping[str, Cost]:
        """The costs that follow from a spec."""
        return {name: cost for name, cost in self.costs.items() if not cost.measured}

    @cached_property
    def own_costs(self) -> Mapping[str, Cost]:
        """Those among them that are a user's own."""
        return {n: c for n, c in self.static_costs.items() if type(c) in self.added}

    @cached_property
    def data(self) -> Mapping[str, type[Data]]:
        """The data sets."""
        return self.group("data")

    @cached_property
    def metrics(self) -> Mapping[str, type[Metric]]:
        """The metrics."""
        return self.group("metrics")

    @cached_property
    def augmentations(self) -> Mapping[str, type[Augmentation]]:
        """The augmentations."""
        return self.group("augmentations")

    @cached_property
    def recipes(self) -> Mapping[str, type[NamedRecipe]]:
        """The recipes that have names."""
        return self.group("recipes")

    @cached_property
    def formats(self) -> Mapping[str, Format]:
        """The output formats, by the endings of files."""
        return {name: cls() for name, cls in self.group("formats").items()}

    @cached_property
    def loggers(self) -> Mapping[str, type[Logger]]:
        """The loggers."""
        return self.group("loggers")


REGISTRY = Registry()
"""What is built in."""
