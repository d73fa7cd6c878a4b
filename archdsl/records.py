"""Records: classes that are their fields, such as layers and the nodes of a syntax tree."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, dataclass_transform


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Record:
    """The base of records: a subclass is a frozen dataclass, without being told so.

    It is made one when its first instance is made, or ``complete`` asks for it. Of more than a
    hundred records a command needs a few, and dataclasses are slow to make. ``lean`` records
    have a constructor and no more: what compares and shows them is in a class of their own.
    """

    __slots__ = ()
    is_lean: ClassVar[bool] = False

    def __init_subclass__(cls, lean: bool | None = None) -> None:
        if lean is not None:
            cls.is_lean = lean

    def __new__(cls, *values: Any, **named: Any) -> Self:
        if not is_complete(cls):
            complete(cls)
        return object.__new__(cls)


def complete(record: type[Record]) -> None:
    """Makes a record, and the records that it derives from, the dataclasses that they are."""
    for cls in reversed(record.__mro__):
        if issubclass(cls, Record) and cls is not Record and not is_complete(cls):
            full = not cls.is_lean
            cls.__doc__ = cls.__doc__ or cls.__name__  # or its signature, which takes long
            dataclass(frozen=full, eq=full, repr=full)(cls)


def is_complete(record: type[Record]) -> bool:
    return "__dataclass_fields__" in record.__dict__
