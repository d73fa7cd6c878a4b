"""What stands in a class or a sequence: layers, sequences, blocks, and the containers of
patterns. Pieces of several instances that have one skeleton are emitted together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from archdsl.backend.general import either, plain_code
from archdsl.backend.names import attribute, identifier
from archdsl.backend.own_modules import Helper, helpers_of
from archdsl.backend.python import Code, Const, Deferred, Item, call
from archdsl.backend.symbols import ABSENT, Symbols, ValueSource
from archdsl.backend.terms import Word
from archdsl.diagnostics.source import Span
from archdsl.layers.base import Expression, Layer, Module, Shape, Weight

if TYPE_CHECKING:
    from archdsl.backend.plan import Plan
    from archdsl.ir.network import Part

Skeleton = tuple[Any, ...]
Made = tuple[Layer, tuple[Shape, ...], Span]  # a layer, its inputs, and its place

# What PyTorch calls the arguments that are given by position: for parameters that are made.
POSITIONS = {
    "nn.Conv": ("in_channels", "channels", "kernel"),
    "nn.ConvTranspose": ("in_channels", "channels", "kernel"),
    "nn.Linear": ("in_features", "features"),
    "nn.BatchNorm": ("channels",),
    "nn.GroupNorm": ("groups", "channels"),
    "nn.MaxPool": ("kernel",),
    "nn.AvgPool": ("kernel",),
}


class Piece:
    """One part of an instance."""

    @property
    def skeleton(self) -> Skeleton:
        raise NotImplementedError

    @property
    def needs_path(self) -> bool:
        """Whether it takes part in the draw of a FractalNet's column."""
        return False

    @property
    def uses_input(self) -> bool:
        """Whether it works on its input, and not on tensors from outside alone."""
        return True

    @property
    def size(self) -> int:
        """How many steps it is made of."""
        return 1

    def covers(self, other: Piece) -> bool:
        """Whether it stands for another, too, with other numbers, or without layers of its own."""
        return self.skeleton == other.skeleton

    def helpers(self) -> set[str | Helper]:
        """What its code names that the file has to define: containers, and modules of layers."""
        return set()

    def plans(self) -> Iterator[Plan]:
        """The classes of the file that its code names."""
        yield from ()

    def layers(self) -> Iterator[tuple[str, LayerPiece]]:
        """Its layers with their paths in it, but for those in classes of the file."""
        yield from ()

    def emit(self, pieces: Sequence[Any], symbols: Symbols, hint: str) -> Code:
        """The code that makes the piece; ``pieces`` are it and its like in each instance,
        nothing where an instance has none."""
        raise NotImplementedError


@dataclass(slots=True)
class LayerPiece(Piece):
    module: Module
    weights: tuple[Weight, ...] = ()
    made: Made | None = field(default=None, compare=False, kw_only=True)

    @property
    def skeleton(self) -> Skeleton:
        m = self.module
        others = tuple(k for k in m.keywords if k not in m.usual and k != "inplace")
        starts = tuple((w.name, w.init) for w in self.weights if w.init is not None)
        return (m.target, m.through, len(m.arguments), others, starts)

    def helpers(self) -> set[str | Helper]:
        return set() if self.made is None else {*helpers_of(self.made[0], self.module)}

    def layers(self) -> Iterator[tuple[str, LayerPiece]]:
        yield "", self

    def emit(self, pieces: Sequence[Any], symbols: Symbols, hint: str) -> Code:
        modules = [None if p is None else p.module for p in pieces]
        target = self.module.target
        kind = target.rstrip("0123d")
        names = POSITIONS.get("nn.Conv" if kind.endswith("Conv") else kind, ())
        found = [symbols.flow.codes.get(id(p)) for p in (self, *pieces)]
        codes = [code for code in found if isinstance(code, Module)]
        traced = codes[0] if codes else None
        if traced is None and len(modules) == 1:
            return plain_code(self.module)
        items = []
        for i in range(len(self.module.arguments)):
            vector = tuple(ABSENT if m is None else m.arguments[i] for m in modules)
            name = names[i] if i < len(names) else f"size{i + 1}"
            term = traced.arguments[i] if traced is not None else None
            source = ValueSource(tuple(pieces), "arguments", i)
            names_of = (name, f"{hint}_{name}")
            items.append(Item(symbols.express(vector, *names_of, term=term, source=source)))
        present = [m for m in modules if m is not None]
        keys = dict.fromkeys(k for m in present for k in (*m.usual, *m.keywords))
        for key in keys:
            given = [key in m.keywords for m in present]
            if key == "inplace" and not all(given):
                continue
            vector = tuple(
                ABSENT if m is None else m.keywords.get(key, m.usual.get(key, ABSENT))
                for m in modules
            )
            term = next((code.keywords[key] for code in codes if key in code.keywords), None)
            said = getattr(symbols.flow.layers.get(id(self)), key, None)
            if term is None or isinstance(said, Word):  # what is left out here, as it is usual
                term = said
            source = ValueSource(tuple(pieces), "keywords", key)
            if not any(given) and not symbols.says(term, vector):
                symbols.constants.append(source)
                continue
            value = symbols.express(vector, key, f"{hint}_{key}", term=term, source=source)
            items.append(Item(value, key))
        made = call(target, items)
        return call(self.module.through, [Item(made)]) if self.module.through else made


@dataclass(slots=True)
class ExpressionPiece(Piece):
    """Code without a module: it stands in ``forward``."""

    code: Expression
    made: Made | None = field(default=None, compare=False, kw_only=True)

    @property
    def skeleton(self) -> Skeleton:
        return ("expression", self.code.text, tuple(self.code.values))

    def helpers(self) -> set[str | Helper]:
        return set() if self.made is None else {*helpers_of(self.made[0], self.code)}

    def text(
        self,
        pieces: Sequence[Any],
        symbols: Symbols,
        names: Sequence[str],
        taken: set[str],
        known: dict[str, str],
    ) -> tuple[str, list[tuple[str, Code]]]:
        """The code with its values put in, and the attributes for those that differ between
        instances, called after the first free one of ``names``. ``known`` are the attributes
        that the class has, by their code."""
        text, attributes = self.code.text, []
        for name in self.code.values:
            if f"{{{name}}}" not in text:
                continue
            idle = self.code.idle.get(name, ABSENT)
            vector = tuple(idle if p is None else p.code.values[name] for p in pieces)
            wanted = [f"{n}_{name}" for n in names]
            traced = symbols.flow.codes.get(id(self))
            term = traced.values.get(name) if isinstance(traced, Expression) else None
            source = ValueSource(tuple(pieces), "values", name)
            value = symbols.express(vector, name, *wanted, term=term, source=source)
            shown = value.flat()
            if not isinstance(value, Const):
                kept = known.get(shown)
                if kept is None:
                    own = [shown] if symbols.is_own(shown) and attribute(shown) == shown else []
                    kept = next((n for n in (*own, *wanted) if n not in taken), None)
                    kept = known[shown] = kept or identifier(wanted[-1], taken)
                    taken.add(kept)
                    attributes.append((kept, value))
                shown = f"self.{kept}"
            text = text.replace(f"{{{name}}}", shown)
        return spaced(text), attributes


def spaced(text: str) -> str:
    """Slices as the formatters have them: ``x[:, 3:]``, and ``x[:, self.first :]``."""

    def slice(found: re.Match[str]) -> str:
        return f"{found[1]} : {found[2]}".strip() if "self." in found[0] else found[0]

    return re.sub(r"([\w.]*):(-?[\w.]*)(?=[\],])", slice, text)


@dataclass(slots=True)
class SharedPiece(Piece):
    """A use of a shared module, which is made once for all."""

    takes: bool = True  # its input
    draws: bool = False

    @property
    def skeleton(self) -> Skeleton:
        return ("shared", self.takes)

    @property
    def uses_input(self) -> bool:
        return self.takes

    @property
    def needs_path(self) -> bool:
        return self.draws


@dataclass(slots=True)
class PickPiece(Piece):
    """One of the results of a step that gives several."""

    number: int

    @property
    def skeleton(self) -> Skeleton:
        return ("pick", self.number)


@dataclass(slots=True)
class ColumnsPiece(LayerPiece):
    """Where columns of a fractal meet that is in no container."""

    columns: tuple[int, ...] = ()
    global_path: float = 0.0

    @property
    def skeleton(self) -> Skeleton:
        return ("columns", self.columns, self.needs_path)

    def helpers(self) -> set[str | Helper]:
        return {"ColumnMean"}

    @property
    def needs_path(self) -> bool:
        return self.global_path > 0


@dataclass(slots=True)
class FractalPiece(Piece):
    """Columns of 1, 2, 4, ... units, all alike but for the first of each column."""

    columns: int
    first: Piece
    unit: Piece | None
    drop_path: float
    global_path: float

    @property
    def skeleton(self) -> Skeleton:
        unit = None if self.unit is None else self.unit.skeleton
        return (
            "fractal", self.columns, self.first.skeleton, unit, self.drop_path, self.needs_path
        )  # fmt: skip

    @property
    def needs_path(self) -> bool:
        return self.global_path > 0

    def helpers(self) -> set[str | Helper]:
        units: set[str | Helper] = set() if self.unit is None else self.unit.helpers()
        return {"Fractal", "ColumnMean"} | self.first.helpers() | units

    def plans(self) -> Iterator[Plan]:
        yield from self.first.plans()
        if self.unit is not None:
            yield from self.unit.plans()

    def layers(self) -> Iterator[tuple[str, LayerPiece]]:
        for c in range(self.columns):
            for i in range(2**c):
                piece = self.unit if i and self.unit is not None else self.first
                for inner, layer in piece.layers():
                    yield f".column{c + 1}_{i + 1}{inner}", layer

    def emit(self, pieces: Sequence[Any], symbols: Symbols, hint: str) -> Code:
        first = self.first.emit([None if p is None else p.first for p in pieces], symbols, hint)
        unit = first
        if self.unit is not None:
            unit = self.unit.emit([None if p is None else p.unit for p in pieces], symbols, hint)
        items = [Item(Const(self.columns)), Item(Deferred(either(first, unit)))]
        if self.drop_path:
            items.append(Item(Const(self.drop_path)))
        return call("Fractal", items)


@dataclass(slots=True, eq=False)
class PlanPiece(Piece):
    """An instance of a class of the emitted file."""

    plan: Plan
    part: Part
    span: Span | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PlanPiece) and self.part is other.part

    def __hash__(self) -> int:
        return id(self.part)

    @property
    def skeleton(self) -> Skeleton:
        return ("class", id(self.plan))

    def plans(self) -> Iterator[Plan]:
        yield self.plan

    @property
    def needs_path(self) -> bool:
        return self.plan.needs_path

    @property
    def uses_input(self) -> bool:
        return self.plan.uses_input

    def emit(self, pieces: Sequence[Any], symbols: Symbols, hint: str) -> Code:
        plan = self.plan
        places = [None if p is None else plan.place(p.part) for p in pieces]
        items = []
        for parameter in plan.signature():
            name, default = parameter.name, parameter.default
            vector = tuple(ABSENT if i is None else parameter.values[i] for i in places)
            source = ValueSource(tuple(pieces), "parameters", parameter)
            term = symbols.flow.walked.given(self, parameter)
            usual = default is not ABSENT and all(v is ABSENT or v == default for v in vector)
            if usual and not symbols.says(term, vector):  # else other arguments may want another
                symbols.constants.append(source)
                continue
            value = symbols.express(vector, name, f"{hint}_{name}", term=term, source=source)
            items.append(Item(value, "" if default is ABSENT else name))
        if plan.definition is None and plan.symbols is not None:
            within = plan.symbols.constants
            symbols.constants += [ValueSource(tuple(pieces), "constants", s) for s in within]
        return call(plan.name, items)
