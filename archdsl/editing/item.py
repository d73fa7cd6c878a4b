"""One of the things that can be written at a place of a text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CompletionChoice:
    """What can be written instead of the ``word`` that is there already. ``kind`` as in
    ``archdsl.editing.colours``, or ``keyword``, ``value``, ``file``."""

    label: str
    kind: str
    detail: str = ""
    about: str = ""
    insert: str = ""
