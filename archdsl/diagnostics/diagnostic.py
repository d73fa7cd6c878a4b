"""A diagnostic as data: what can go wrong, where it did, and what led there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from archdsl.diagnostics.source import Span


@dataclass(frozen=True, slots=True)
class Kind:
    """What can go wrong, once and for all: a code, its texts, and its page.

    ``message`` and ``help`` are ``str.format`` templates over a diagnostic's fields.
    ``page`` is what ``archdsl error CODE`` prints.
    """

    code: str
    message: str
    page: str
    help: str = ""
    severity: str = "error"

    @property
    def template(self) -> str:
        """The message with its fields shown as blanks: ``there is no file `<name>` ``."""
        return self.message.format_map(_Blanks())

    @property
    def advice(self) -> str:
        """The help with its fields shown as blanks."""
        return self.help.format_map(_Blanks())


class _Blanks(dict[str, str]):
    def __missing__(self, key: str) -> _Blank:
        return _Blank(key)


class _Blank(str):
    def __format__(self, spec: str) -> str:
        return f"<{str.__str__(self)}>"


@dataclass(frozen=True, slots=True)
class Label:
    """A place and what is to be said about it."""

    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True)
class TrailFrame:
    """One step of the chain that led to a diagnostic: a block or labelled part with its arguments,
    or the turn of a loop, ``turn 2 of 4``, with the variables of that."""

    name: str
    span: Span
    arguments: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_turn(self) -> bool:
        """Whether it is the turn of a loop: no name of a block has a blank."""
        return " " in self.name


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing to tell the user. The first label is the place.

    ``instead``: its help stands in the place of the kind's, which takes the text to mean something
    else.
    """

    kind: Kind
    fields: Mapping[str, object]
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: tuple[str, ...] = ()
    trail: tuple[TrailFrame, ...] = ()
    knobs: Mapping[str, str] = field(default_factory=dict)
    instead: bool = False

    @property
    def code(self) -> str:
        """The code of its kind, such as ``A201``."""
        return self.kind.code

    @property
    def message(self) -> str:
        """What went wrong, in a line."""
        return self.kind.message.format_map(self.fields)

    @property
    def helps(self) -> tuple[str, ...]:
        """What to do about it: this case first, then what always helps."""
        if self.instead or not self.kind.help:
            return self.help
        return (*self.help, self.kind.help.format_map(self.fields))

    @property
    def span(self) -> Span | None:
        """Where it is; nothing where no text is at fault."""
        return self.labels[0].span if self.labels else None

    def at(self, span: Span) -> Diagnostic:
        """The same diagnostic at a place, if it has none."""
        return self if self.labels else replace(self, labels=(Label(span),))

    def within(self, trail: Sequence[TrailFrame], knobs: Mapping[str, str]) -> Diagnostic:
        """The same diagnostic with the blocks and knob values that led to it."""
        return replace(self, trail=tuple(trail), knobs=dict(knobs))
