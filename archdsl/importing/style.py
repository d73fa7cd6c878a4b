"""What an argument is where it is left out: by the language, by a ``default`` of the spec, or by a
block of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from archdsl.importing.across import Family
from archdsl.importing.terms import MISSING, Term, walk
from archdsl.layers.base import signature
from archdsl.layers.init import Init
from archdsl.registry import REGISTRY, Registry

if TYPE_CHECKING:
    from archdsl.importing.definition import BlockDefinition
    from archdsl.importing.known import Known

# Layers whose first optional argument is given by its place.
FIRST = {
    "dropout": "p",
    "leaky_relu": "slope",
    "subsample": "stride",
    "group_norm": "groups",
    "scale": "value",
}
# Layers that a spec has a `default` of, and of which of their arguments.
KEYS = {
    "conv": ("bias",),
    "std_conv": ("bias", "gain", "eps"),
    "bn": ("eps", "momentum"),
    "layer_norm": ("over", "eps", "bias"),
}


class Style:
    """The blocks of a spec by their names, and its defaults of layers."""

    def __init__(self, sequence: list[Term], registry: Registry = REGISTRY) -> None:
        self.registry = registry
        self.family = Family()  # values that differ between the variants of a family
        self.blocks: dict[str, BlockDefinition | Known] = {}
        self.defaults: dict[str, dict[str, Any]] = {}
        self.classes: int | None = None  # what the heads give, where it is a knob
        self.width = 0  # the common factor of channels, where it is a knob
        self.wide = ["channels", "reduced"]  # the arguments that are numbers of channels
        self.widths: list[int] = []  # those that were written
        self.least = 0  # from how many turns on a depth is a knob; none is where it is 0
        self.depths: list[int] = []  # those that are knobs
        self.kernel = 0  # of the convolutions of blocks, where it is a knob
        self.act = ""  # the activation, where it is a knob
        self.turned: set[str] = set()  # which of these and the classes the text speaks of
        # How weights start, by layers and their arguments; nothing where that is not known.
        self.starts: Mapping[str, Mapping[str, Init]] | None = None
        self.drop_path = 0.0  # how often the last block is dropped,
        self.drops = 1  # and what the place of a block is divided by
        given: dict[tuple[str, str], list[Any]] = {}
        for term in walk(sequence):
            for name in KEYS.get(term.op, ()) if term.kind == "layer" else ():
                value = term.args.get(name, self.usual(term.op, name))
                given.setdefault((term.op, name), []).append(value)
        for (op, name), values in given.items():
            value = max(values, key=values.count)
            often = values.count(value) * 2 > len(values) and len(values) > 2
            if often and value != self.built_in(op, name):
                self.defaults.setdefault(op, {})[name] = value

    def start_lines(self) -> list[str]:
        """The defaults that say how weights start."""
        starts = (self.starts or {}).items()
        given = {
            op: ", ".join(f"{name} = {init}" for name, init in of.items()) for op, of in starts
        }
        return [f"default {op}({arguments})" for op, arguments in given.items()]

    def usual(self, op: str, name: str) -> Any:
        """The value of an argument that is not given; ``MISSING`` where it has to be."""
        if op in self.blocks:
            return self.blocks[op].defaults.get(name, MISSING)
        if name in self.defaults.get(op, {}):
            return self.defaults[op][name]
        if name == "drop":
            return 0
        if name in ("per", "scaling"):  # of a sum that drops nothing they say nothing
            return None
        cls = self.registry.layers.get(op)
        for parameter in signature(cls) if cls is not None else ():
            if parameter.name == name and not parameter.required:
                return parameter.default
        return MISSING

    def built_in(self, op: str, name: str) -> Any:
        """What the language itself takes: what a term that lacks the argument has."""
        if op in self.blocks or name in ("drop", "per", "scaling"):
            return self.usual(op, name)
        kept, self.defaults = self.defaults, {}
        try:
            return self.usual(op, name)
        finally:
            self.defaults = kept

    def by_place(self, op: str) -> list[str]:
        """The arguments that are given by their place."""
        if op in self.blocks:
            return [*self.blocks[op].order]
        cls = self.registry.layers.get(op)
        if cls is None:
            return []
        required = [p.name for p in signature(cls) if p.required]
        first = cls.leads or FIRST.get(op)
        return required or ([first] if first else [])
