"""Layers of one's own in the place of operations that the language has no layer for: their classes
as Python, and the registry that has them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

from archdsl.importing.calls import TensorExpression, Unwritable, code_of
from archdsl.importing.classes import CustomLayer, file_text
from archdsl.importing.places import CodeLine
from archdsl.importing.record import Ref, TracedCall
from archdsl.layers.base import Shape
from archdsl.registered import defined_in
from archdsl.registry import REGISTRY, Registry

if TYPE_CHECKING:
    from archdsl.importing.lower import Lowering
from archdsl.importing.values import Vertex

MODULE = "archdsl_imported_layers"  # how the module of such layers is called
WORDS = frozenset(
    "and arch as auto block default else false fix fn for from if in input let log match not "
    "optional or output paper repeat require search step true use variant width classes depth "
    "shared drop_path entering".split()
)


@dataclass(frozen=True, slots=True)
class OperationUse:
    """One result of an operation: its code, or why there is none, and the shapes."""

    operation: str
    result: int
    code: TensorExpression | None
    why: str
    inputs: tuple[Shape, ...]
    output: Shape


@dataclass(frozen=True, slots=True)
class Missing:
    """A gap: the operation, why there is no layer, its module, its line, and its results.
    ``follows`` says that it may be one only because of a gap before it."""

    operation: str
    why: str
    path: str
    place: CodeLine | None
    uses: tuple[OperationUse, ...] = ()
    follows: bool = False

    @property
    def unwritable(self) -> str | None:
        """Why no layer of one's own can be written for it; nothing where it can."""
        if not self.uses:
            return ""
        return next((use.why for use in self.uses if use.code is None), None)


@dataclass(frozen=True, slots=True)
class Custom:
    """Layers by the code that they are of, the registry that has them, and the text of their
    file."""

    names: Mapping[TensorExpression, str] = field(default_factory=dict)
    registry: Registry = REGISTRY
    text: str = ""


NONE = Custom()


def custom_of(uses: Iterable[OperationUse]) -> Custom:
    """The layers of some results, one for each code."""
    groups: dict[TensorExpression, list[OperationUse]] = {}
    for use in uses:
        assert use.code is not None, "what has no code is told before"
        groups.setdefault(use.code, []).append(use)
    if not groups:
        return NONE
    names: dict[TensorExpression, str] = {}
    layers = []
    for code, of in groups.items():
        names[code] = name_of(of[0], set(names.values()))
        layers.append(layer_of(names[code], of))
    text = file_text(layers)
    module = ModuleType(MODULE)
    exec(compile(text, "<imported layers>", "exec"), module.__dict__)
    return Custom(names, REGISTRY.with_added(defined_in(module)), text)


def layer_of(name: str, uses: Sequence[OperationUse]) -> CustomLayer:
    """The class of uses of one code."""
    rows = {use.inputs: use.output for use in uses}
    return CustomLayer(name, uses[0].operation, uses[0].code, rows, uses[0].why)


def name_of(use: OperationUse, taken: Iterable[str] = ()) -> str:
    """What a layer of an operation is called: by its own name where that is free."""
    plain = re.sub(r"\W", "_", use.operation.strip("_").lower()) or "mine"
    plain = f"op_{plain}" if not plain.isidentifier() else plain
    spelled = {s.lower() for s in REGISTRY.layers.synonyms}
    known = {*REGISTRY.layers, *REGISTRY.patterns, *WORDS, *spelled}
    base = f"my_{plain}" if plain in known else plain
    base = f"{base}_{use.result + 1}" if use.result else base
    name, number = base, 2
    while name in taken:
        name, number = f"{base}_{number}", number + 1
    return name


def uses_of(lower: Lowering, record: TracedCall) -> tuple[tuple[OperationUse, ...], list[Vertex]]:
    """The results of an operation as uses of code, and the vertices that the code takes."""
    operands: list[Vertex] = []

    def operand(argument: Any) -> str:
        value = lower.value(argument)
        found = lower.settled(value, record) if isinstance(argument, Ref) else value
        if not hasattr(found, "vertex"):
            raise Unwritable(", one of whose arguments is a tensor of parameters or fixed numbers")
        numbers = [vertex.number for vertex in operands]
        if found.vertex.number not in numbers:
            operands.append(found.vertex)
            numbers.append(found.vertex.number)
        text = f"{{{numbers.index(found.vertex.number)}}}"
        if found.plain:
            return text
        return f"{text}.permute({', '.join(map(str, (0, *(a + 1 for a in found.axes))))})"

    found = []
    for result, shape in enumerate(record.shapes):
        if Ref(record, result) not in lower.asked:
            continue
        code, why = None, ""
        try:
            if shape is None or len(shape) < 2 or shape[0] != lower.batch:
                raise Unwritable(", whose result is not one tensor for each image")
            if record.module is not None:
                single = [operand(argument) for argument in record.args]
                if single != ["{0}"]:
                    raise Unwritable(", a module of tensors in another form")
            text, weights = code_of(record, result, operand)
            if not operands:
                raise Unwritable(", which is not applied to a tensor")
            code = TensorExpression(text, len(operands), record.module is not None, weights)
        except Unwritable as problem:
            why = str(problem)
        inputs = tuple(vertex.shape for vertex in operands)
        found.append(
            OperationUse(record.op, result, code, why, inputs, (shape or (1,))[1:] or (1,))
        )
    return tuple(found), operands
