"""What is said in Python of a value of the spec, in the constructor and in ``forward`` alike."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from archdsl.backend.terms import ATOM, PRODUCT, SUM, Num
from archdsl.backend.translate import Untranslatable

MADE, RUN = "made", "run"  # in the constructor, and in ``forward``
INT, EXACT, BOOL, STR, INTS, TENSOR, TENSORS = (
    *("int", "exact", "bool", "str", "ints", "tensor", "tensors"),
)
ANNOTATIONS = {INT: "int", BOOL: "bool", STR: "str", INTS: "tuple[int, ...]"}


@dataclass(frozen=True, slots=True)
class Said:
    """An expression with its kind. ``bottom`` is what a quotient is divided by: exact numbers have
    no sign for it in Python, so it is said by what takes it (``floor``, a count of channels)."""

    text: str
    kind: str
    level: int = ATOM
    bottom: str = ""

    def at(self, level: int) -> str:
        """The text as an operand of an operator of this level."""
        if self.bottom:
            raise Untranslatable
        return self.text if self.level >= level else f"({self.text})"

    def quotient(self) -> Said:
        """Rounded down, as a count is that is whole."""
        if not self.bottom:
            return self
        if product := re.fullmatch(rf"{re.escape(self.bottom)} \* ([\w.]+)", self.text):
            return Said(product[1], INT)
        return Said(f"{self.text} // {self.bottom}", INT, PRODUCT)

    def whole(self, value: int) -> Num:
        """With its number in one instance, for a layer to compute with."""
        said = self.quotient()
        if said.kind != INT:
            raise Untranslatable
        return Num.of(value, said.text, said.level)


@dataclass(slots=True)
class Bound:
    """What a name of the spec stands for: its kind, and its text here and there. ``least`` is a
    number that it is never below, where one is known."""

    kind: str
    made: str
    run: str
    least: int | None = None
    level: int = ATOM
    bottom: str = ""  # of a quotient

    def said(self, mode: str) -> Said:
        text = self.made if mode == MADE else self.run
        if not text:
            raise Untranslatable
        return Said(text, self.kind, self.level, self.bottom)


def channels_of(value: int) -> Said:
    """The expression of a number of channels."""
    if isinstance(value, Num):
        return Said(value.text, INT, value.level)
    return Said(str(int(value)), INT)


def kind_of(values: list[Any], is_tensor: Any) -> str:
    """The kind that all these values have; nothing where Python has no like of it."""
    kinds = {_kind(v, is_tensor) for v in values}
    if len(kinds) == 2 and all(v == () or _kind(v, is_tensor) for v in values):
        return next((k for k in (INTS, TENSORS) if kinds == {k, ""}), "")
    return kinds.pop() if len(kinds) == 1 else ""


def _kind(value: Any, is_tensor: Any) -> str:
    if isinstance(value, bool):
        return BOOL
    if isinstance(value, int):
        return INT
    if isinstance(value, str):
        return STR
    if is_tensor(value):
        return TENSOR
    if isinstance(value, tuple) and value:
        inner = {_kind(v, is_tensor) for v in value}
        return {INT: INTS, TENSOR: TENSORS}.get(inner.pop(), "") if len(inner) == 1 else ""
    return ""


def less_one(said: Said) -> str:
    """An index that counts from 1, as one that counts from 0."""
    if said.text.isdigit():
        return str(int(said.text) - 1)
    if said.text.endswith(" + 1") and said.level == SUM:
        return said.text.removesuffix(" + 1")
    return f"{said.at(SUM)} - 1"


def more_one(said: Said) -> str:
    """The end of a range, as Python has it: the first that is not in it."""
    if said.text.isdigit():
        return str(int(said.text) + 1)
    if said.text.endswith(" - 1") and said.level == SUM:
        return said.text.removesuffix(" - 1")
    return f"{said.at(SUM)} + 1"
