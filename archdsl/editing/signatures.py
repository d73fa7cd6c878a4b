"""What the call that is being written takes."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.editing.context import context_at
from archdsl.editing.described import CallableSignature, called
from archdsl.editing.reading import Reading


@dataclass(frozen=True, slots=True)
class Signature:
    """What is called, and which of its arguments (from 0) is being written; -1 is none of them."""

    described: CallableSignature
    active: int


def signature_at(reading: Reading, offset: int) -> Signature | None:
    """The signature of the innermost call around a place of a text."""
    context = context_at(reading, offset)
    at = context.argument
    if at is None or context.kind == "comment":
        return None
    found = called(at.callee, reading, offset)
    if found is None or not found.arguments:
        return None
    names = [a.name for a in found.arguments]
    if at.name in names:
        return Signature(found, names.index(at.name))
    return Signature(found, at.place if at.place < len(names) and not at.given else -1)
