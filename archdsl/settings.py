"""Values for knobs: as text from a command line, or as values of Python."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from os.path import isfile  # False for what can be no path, where a Path raises
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import (
    ArchError,
    Diagnostic,
    Fault,
    Label,
    diagnose,
    did_you_mean,
    which_knob,
)
from archdsl.diagnostics.source import Source, Span
from archdsl.elaborate.arithmetic import MAX_BITS
from archdsl.elaborate.knobs import Choices, Interval, Knob, option_number, values_near
from archdsl.elaborate.program import Program
from archdsl.elaborate.values import describe, exact, is_layer, is_number, show, weigh
from archdsl.files import ARCH
from archdsl.ir.network import Choice
from archdsl.layers.arguments import Sizes, Unreadable
from archdsl.layers.base import Shape
from archdsl.syntax import tree
from archdsl.syntax.parse import parse

LET = "let "  # before a setting, so that it is a statement of the language


def split_settings(texts: list[str] | tuple[str, ...]) -> dict[str, str]:
    """``name=value`` texts by name. Raises ``ArchError`` for one that is not of that form."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise ArchError([diagnose(codes.BAD_SETTING, text=text)])
        found[name.strip()] = value.strip()
    return found


def split_call(text: str) -> tuple[str, dict[str, str]]:
    """The name and the knobs of ``name(knob = value)``, the form in which every command takes a
    network; a file that has parentheses in its name is a name. Raises ``ArchError``."""
    name, bracket, rest = text.partition("(")
    if not bracket or not rest.endswith(")") or text.endswith(ARCH) or isfile(text):  # noqa: PTH113
        return text, {}
    return name.strip(), _read_arguments(rest[:-1], text)


def _read_arguments(text: str, whole: str) -> dict[str, str]:
    """``name = value`` texts of a list such as a call has. Raises ``ArchError`` for another."""
    try:
        file = parse(Source("<knobs>", f"let it = f({text})"))
    except ArchError:
        file = None
    node = file.statements[0] if file is not None and file.statements else None
    if not (isinstance(node, tree.Let) and isinstance(node.value, tree.Call)):
        reason = "its knobs are written `name = value`, with commas between them"
        raise ArchError([diagnose(codes.BAD_NETWORK, text=whole, reason=reason)])
    found: dict[str, str] = {}
    for argument in node.value.arguments:
        if argument.name is None:
            reason = f"`{argument.span.text}` has no name: write `name = value`"
            raise ArchError([diagnose(codes.BAD_NETWORK, text=whole, reason=reason)])
        found[argument.name.text] = argument.value.span.text
    return found


def read_settings(program: Program, given: Mapping[str, Any]) -> dict[str, Any]:
    """The knobs' values of what a user gave, checked. Raises ``ArchError`` with all mistakes.

    Settings of choices inside bodies (their names have no place in the header) are left for
    ``read_choices``.
    """
    found: list[Diagnostic] = []
    values: dict[str, Any] = {}
    for name, value in given.items():
        knob = program.knobs.get(name)
        if knob is None:
            if "." in name or program.has_choices:
                continue
            help = which_knob(name, program.knobs)
            found.append(diagnose(codes.UNKNOWN_KNOB, help=help, name=name))
            continue
        try:
            values[name] = _checked(knob, read_value(program, knob, value))
        except ArchError as error:
            found.extend(error.diagnostics)
    if found:
        raise ArchError(found)
    return values


def read_value(program: Program, knob: Knob, value: Any) -> Any:
    """One value for a knob: a text is read as the language would read it."""
    value = _plain(value)
    if isinstance(value, str):
        if isinstance(knob.domain, Choices):
            written = knob.domain.written(value)
            if written is not None:
                return written
        if isinstance(knob.default, str) and '"' not in value:
            return value
        found = evaluate(program, knob.name, value)
        return knob.domain.meant(found) if isinstance(knob.domain, Choices) else found
    found = from_python(value, knob.name)
    if isinstance(knob.domain, Choices):
        found = knob.domain.meant(found)
        if is_layer(found) and found not in knob.domain:  # of another reading of a spec
            found = knob.domain.written(str(found)) or found
    if isinstance(value, float) and isinstance(knob.domain, Interval):
        found = knob.domain.meant(Fraction(found))
    try:
        weigh((found,), knob.span)
    except Fault as error:
        raise ArchError([error.diagnostic]) from None
    return found


def evaluate(program: Program, name: str, text: str) -> Any:
    """The value of an expression among the names of a spec; ``name`` is what it is for."""
    try:
        file = parse(Source("--set", f"{LET}{name} = {text}"))
        node = file.statements[0] if len(file.statements) == 1 else None
        if not isinstance(node, tree.Let):
            raise ArchError([diagnose(codes.BAD_SETTING, text=text)])
        return program.evaluate(node.value)
    except ArchError as error:
        raise ArchError([_as_given(d) for d in error.diagnostics]) from None


def _as_given(found: Diagnostic) -> Diagnostic:
    """A mistake in a setting, shown in what the user wrote: without the `let` before it."""

    def moved(label: Label) -> Label:
        span = label.span
        if not span.source.text.startswith(LET) or span.source.name != "--set":
            return label
        given = Source(span.source.name, span.source.text.removeprefix(LET))
        start, end = (max(at - len(LET), 0) for at in (span.start, span.end))
        return Label(Span(given, start, end), label.text)

    return replace(found, labels=tuple(map(moved, found.labels)))


def from_python(value: Any, name: str) -> Any:
    """A value of Python as one of the language; decimals are taken as they print."""
    value = _plain(value)
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ArchError([_wrong_type(name, "a finite number", str(value))])
        return exact(Fraction(repr(value)))
    if isinstance(value, (int, Fraction)):
        if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
            raise ArchError([_wrong_type(name, "a number of at most 300 digits", "a longer one")])
        return exact(value) if isinstance(value, Fraction) else value
    if isinstance(value, (list, tuple)):
        return tuple(from_python(v, name) for v in value)
    if isinstance(value, range) or is_layer(value):
        return value
    raise ArchError([_wrong_type(name, "a number, text, boolean, list or layer", repr(value)[:80])])


def _plain(value: Any) -> Any:
    """Scalars and arrays of numpy and the like as what Python has for them."""
    return value.tolist() if hasattr(value, "tolist") else value


def read_input(value: Any) -> Shape:
    """The shape of an input, channels first. Raises ``ArchError`` for what is none."""
    given = from_python(value, "input")
    try:
        return Sizes().read(given)
    except Unreadable as problem:
        raise ArchError([_no_shape(given, problem.expected)]) from None


def _no_shape(given: Any, expected: str) -> Diagnostic:
    return diagnose(
        codes.WRONG_ARGUMENT,
        name="shape",
        callee="input",
        given=describe(given),
        expected=expected,
    )


def _wrong_type(name: str, expected: str, given: str) -> Diagnostic:
    return diagnose(codes.KNOB_TYPE, name=name, expected=expected, given=given)


def _checked(knob: Knob, value: Any) -> Any:
    if knob.domain is not None:
        if value not in knob.domain:
            raise ArchError(
                [
                    diagnose(
                        codes.OUTSIDE_DOMAIN,
                        knob.span,
                        help=values_near(knob.domain, value),
                        name=knob.name,
                        given=show(value),
                        domain=str(knob.domain),
                    )
                ]
            )
        return knob.domain.settled(value) if isinstance(knob.domain, Interval) else value
    for test, expected in KINDS:
        if test(knob.default):
            if not test(value):
                raise ArchError([_wrong_type(knob.name, expected, describe(value))])
            break
    return value


KINDS: tuple[tuple[Callable[[Any], bool], str], ...] = (
    (lambda v: isinstance(v, bool), "true or false"),
    (is_number, "a number"),
    (lambda v: isinstance(v, str), "a text"),
    (lambda v: isinstance(v, (tuple, range)), "a list"),
    (is_layer, "a layer"),
)


class Decisions:
    """Answers choices inside bodies: with what the user sets, else with what the file fixes, else
    with what is kept from before, else with the first option."""

    def __init__(
        self,
        given: Mapping[str, Any],
        fixed: Mapping[str, tuple[str, Span]],
        kept: Mapping[str, str],
    ) -> None:
        self.given = given
        self.fixed = fixed
        self.kept = kept

    def __call__(self, path: str, options: Sequence[str], span: Span) -> int:
        if path not in self.given and path not in self.fixed:
            return option_number(self.kept.get(path, ""), options) or 0
        text, place = str(self.given.get(path)), span
        if path not in self.given:
            text, place = self.fixed[path]
        found = option_number(text, options)
        if found is None:
            domain = "{" + ", ".join(options) + "}"
            help, fields = did_you_mean(text, options), {"name": path, "given": text}
            error = diagnose(codes.OUTSIDE_DOMAIN, place, help=help, domain=domain, fields=fields)
            raise ArchError([error])
        return found

    def check_all_used(self, met: Sequence[Choice]) -> None:
        """Raises ``ArchError`` for a setting of a choice that was not met."""
        known = {c.path for c in met}
        for name in self.given:
            if name not in known:
                help = did_you_mean(name, known)
                raise ArchError([diagnose(codes.UNKNOWN_KNOB, help=help, name=name)])
        for name, (_, span) in self.fixed.items():
            if name not in known:
                help = did_you_mean(name, known)
                raise ArchError([diagnose(codes.NO_SUCH_CHOICE, span, help=help, path=name)])
