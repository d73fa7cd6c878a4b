"""What stands in a class or a sequence: layers, sequences, blocks, and the containers of
patterns. Pieces of several instances that have one skeleton are emitted together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archdsl.backend.general import generalize
from archdsl.backend.python import (
    Call,
    Code,
    Comprehension,
    Deferred,
    Item,
    Value,
    call,
    identifier,
    listed,
)
from archdsl.backend.symbols import ABSENT, Symbols
from archdsl.layers.base import Expression, Module

if TYPE_CHECKING:
    from archdsl.backend.plan import Plan
    from archdsl.elaborate.network import Part

Skeleton = tuple[Any, ...]

# Attributes of a torch.nn.Module or Sequential: parts of these names get an underscore.
MODULE_NAMES = frozenset(
    """T_destination add_module append apply bfloat16 buffers call_super_init children compile
    cpu cuda double dump_patches eval extend extra_repr float forward get_buffer
    get_extra_state get_parameter get_submodule half insert ipu load_state_dict modules mtia
    named_buffers named_children named_modules named_parameters parameters pop
    register_backward_hook register_buffer register_forward_hook register_forward_pre_hook
    register_full_backward_hook register_full_backward_pre_hook
    register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module
    register_parameter register_state_dict_post_hook register_state_dict_pre_hook
    requires_grad_ set_extra_state set_submodule share_memory state_dict to to_empty train
    training type xpu zero_grad loss init_weights draw_path output_weights self""".split()
)

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


def attribute(label: str) -> str:
    """A part's label as the name of an attribute, and so as the key of its weights."""
    clean = identifier(label, MODULE_NAMES)
    return f"{clean}_" if clean.startswith("_") else clean


class Piece:
    """One part of an instance."""

    @property
    def skeleton(self) -> Skeleton:
        raise NotImplementedError

    @property
    def needs_path(self) -> bool:
        """Whether it takes part in the draw of a FractalNet's column."""
        return False

    def helpers(self) -> set[str]:
        """The helper classes that its code names."""
        return set()

    def plans(self) -> Iterator[Plan]:
        """The classes of the file that its code names."""
        yield from ()

    def emit(self, pieces: Sequence[Any], symbols: Symbols, hint: str) -> Code:
        """The code that makes the piece; ``pieces`` are it and its like in each instance,
        nothing where an instance has none."""
        raise NotImplementedError


@dataclass(slots=True)
class LayerPiece(Piece):
    module: Module

    @property
    def skeleton(self) -> Skeleton:
        m = self.module
        others = tuple(k for k in m.keywords if k not in m.usual)
        return (m.target, len(m.arguments), others)

    def helpers(self) -> set[str]:
        return set(self.module.helpers)

    def emit(self, pieces: Sequence[Any], symbols: Symbols, hint: str) -> Code:
        modules = [None if p is None else p.module for p in pieces]
        target = self.module.target
        names = POSITIONS.get(target.rstrip("0123d"), ())
        items = []
        for i in range(len(self.module.arguments)):
            vector = tuple(ABSENT if m is None else m.arguments[i] for m in modules)
            name = names[i] if i < len(names) else f"size{i + 1}"
            items.append(Item(symbols.express(vector, f"{hint}_{name}")))
        present = [m for m in modules if m is not None]
        keys = dict.fromkeys(k for m in present for k in (*m.usual, *m.keywords))
        for key in keys:
            given = any(m is not None and key in m.keywords for m in modules)
            if not given:
                continue
            vector = tuple(
                ABSENT if m is None else m.keywords.get(key, m.usual.get(key)) for m in modules
            )
            items.append(Item(symbols.express(vector, f"{hint}_{key}"), key))
        return call(target, items)


@dataclass(slots=True)
class ExpressionPiece(Piece):
    """Code without a module: it stands in ``forward``."""

    code: Expression

    @property
    def skeleton(self) -> Skeleton:
        return ("expression", self.code.text, tuple(self.code.values))

    def text(
        self, pieces: Sequence[Any], symbols: Symbols, label: str
    ) -> tuple[str, list[tuple[str, Code]]]:
        """The code with its values put in, and the attributes for those that differ between
        instances."""
        text, attributes = self.code.text, []
        for name in self.code.values:
            vector = tuple(ABSENT if p is None else p.code.values[name] for p in pieces)
            value = symbols.express(vector, f"{label}_{name}")
            shown = value.flat()
            if not isinstance(value, Value):
                shown = f"self.{label}_{name}"
                attributes.append((f"{label}_{name}", value))
            text = text.replace(f"{{{name}}}", shown)
        return text, attributes


@dataclass(slots=True)
class Child:
    """A named part of a sequence or a container, ``repeat`` times in a row."""

    label: str
    number: int
    piece: Piece
    repeat: int = 1

    @property
    def base(self) -> str:
        digits = str(self.number)
        return self.label[: -len(digits)] if self.label.endswith(digits) else self.label


@dataclass(slots=True)
class SequencePiece(Piece):
    children: list[Child]

    @property
    def skeleton(self) -> Skeleton:
        return ("seq", tuple((c.label, c.repeat, c.piece.skeleton) for c in self.children))

    def helpers(self) -> set[str]:
        return {"seq"}.union(*(c.piece.helpers() for c in self.children))

    def plans(self) -> Iterator[Plan]:
        for child in self.children:
            yield from child.piece.plans()

    def emit(self, pieces: Sequence[Any], symbols: Symbols, hint: str) -> Code:
        made: list[tuple[Child, Code]] = []
        for i, child in enumerate(self.children):
            vector = [None if p is None else p.children[i].piece for p in pieces]
            made.append((child, child.piece.emit(vector, symbols, f"{hint}_{child.label}")))
        return Call("seq(", tuple(named_items(made)))


@dataclass(slots=True)
class DensePiece(Piece):
    layers: list[Piece]

    @property
    def skeleton(self) -> Skeleton:
        return ("dense", tuple(p.skeleton for p in self.layers))

    def helpers(self) -> set[str]:
        return {"DenseBlock"}.union(*(p.helpers() for p in self.layers))

    def plans(self) -> Iterator[Plan]:
        for piece in self.layers:
            yield from piece.plans()

    def emit(self, pieces: Sequence[Any], symbols: Symbols, hint: str) -> Code:
        codes = []
        for i, piece in enumerate(self.layers):
            vector = [None if p is None else p.layers[i] for p in pieces]
            codes.append(piece.emit(vector, symbols, f"{hint}_layer{i + 1}"))
        length, common, moving = _like(codes)
        if common is not None and length == len(codes):
            loop = f"for {'i' if moving else '_'} in range({length})"
            return Call("DenseBlock(", (Item(Comprehension("", "", common, loop, "")),))
        return call("DenseBlock", [Item(listed(codes))])


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
        return ("fractal", self.columns, self.first.skeleton, unit, self.drop_path)

    @property
    def needs_path(self) -> bool:
        return self.global_path > 0

    def helpers(self) -> set[str]:
        return {"Fractal"} | self.first.helpers()

    def plans(self) -> Iterator[Plan]:
        yield from self.first.plans()
        if self.unit is not None:
            yield from self.unit.plans()

    def emit(self, pieces: Sequence[Any], symbols: Symbols, hint: str) -> Code:
        first = self.first.emit([None if p is None else p.first for p in pieces], symbols, hint)
        unit = first
        if self.unit is not None:
            unit = self.unit.emit([None if p is None else p.unit for p in pieces], symbols, hint)
        items = [Item(Value(self.columns)), Item(Deferred(first)), Item(Deferred(unit))]
        if self.drop_path:
            items.append(Item(Value(self.drop_path)))
        return call("Fractal", items)


@dataclass(slots=True, eq=False)
class PlanPiece(Piece):
    """An instance of a class of the emitted file."""

    plan: Plan
    part: Part

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

    def emit(self, pieces: Sequence[Any], symbols: Symbols, hint: str) -> Code:
        plan = self.plan
        places = [None if p is None else plan.place(p.part) for p in pieces]
        items = []
        for parameter in plan.signature():
            vector = tuple(ABSENT if i is None else parameter.values[i] for i in places)
            if parameter.default is not ABSENT:
                if all(v is ABSENT or v == parameter.default for v in vector):
                    continue
                items.append(Item(symbols.express(vector, parameter.name), parameter.name))
            else:
                items.append(Item(symbols.express(vector, parameter.name)))
        return call(plan.name, items)


# ------------------------------------------------------------------ runs of like parts

FEW = 3  # like parts that are written in a loop; fewer are written out


def named_items(made: Sequence[tuple[Child, Code]]) -> list[Item]:
    """Named parts as keyword arguments, runs of like ones as a loop."""
    flat: list[tuple[str, str, int, Code]] = []
    items: list[Item] = []

    def flush() -> None:
        items.extend(_runs(flat))
        flat.clear()

    for child, code in made:
        name = attribute(child.label)
        if child.repeat >= FEW:
            flush()
            last = child.number + child.repeat
            items.append(_loop(child.base, child.number, last, code))
            continue
        for copy in range(child.repeat):
            number = child.number + copy
            label = name if child.repeat == 1 else attribute(f"{child.base}{number}")
            flat.append((label, child.base, number, code))
    flush()
    return items


def _runs(parts: Sequence[tuple[str, str, int, Code]]) -> list[Item]:
    items: list[Item] = []
    at = 0
    while at < len(parts):
        label, base, number, code = parts[at]
        end = at + 1
        while (
            end < len(parts)
            and parts[end][1] == base
            and parts[end][2] == number + end - at
            and parts[end][0] == f"{base}{parts[end][2]}"
        ):
            end += 1
        length, common, moving = _like([p[3] for p in parts[at:end]])
        if common is not None and label == f"{base}{number}":
            if moving:
                items.append(_moving_loop(base, number, length, common))
            else:
                items.append(_loop(base, number, number + length, common))
            at += length
        else:
            items.append(Item(code, label))
            at += 1
    return items


def _like(codes: Sequence[Code]) -> tuple[int, Code | None, bool]:
    """How many of the first codes are alike, what they have in common, and whether that
    moves on evenly with their place."""
    same = 1
    first = codes[0].flat()
    while same < len(codes) and codes[same].flat() == first:
        same += 1
    if same >= FEW:
        return same, codes[0], False
    for length in range(len(codes), FEW, -1):
        common = generalize(codes[:length])
        if common is not None:
            return length, common, True
    return 1, None, False


def _loop(base: str, first: int, last: int, code: Code) -> Item:
    key = f'f"{base}{{i}}": '
    return Item(Comprehension("{", key, code, f"for i in range({first}, {last})", "}"), "**")


def _moving_loop(base: str, first: int, length: int, code: Code) -> Item:
    key = f'f"{base}{{i + {first}}}": '
    return Item(Comprehension("{", key, code, f"for i in range({length})", "}"), "**")
