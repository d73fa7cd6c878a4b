"""What a spec says of published results: papers, named variants, and their errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import Label, did_you_mean, which_knob
from archdsl.diagnostics.source import Span
from archdsl.elaborate.knobs import Choices, Interval, values_near
from archdsl.elaborate.values import describe, is_number, show
from archdsl.syntax import tree

if TYPE_CHECKING:
    from archdsl.elaborate.program import Program


@dataclass(frozen=True, slots=True)
class Paper:
    """Where an architecture was published."""

    title: str
    arxiv: str = ""
    authors: str = ""
    venue: str = ""
    year: int | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """An error that was published, as fractions of 1: 0.2385 is 23.85 %."""

    dataset: str
    top1: float | None = None
    top5: float | None = None
    error: float | None = None
    source: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Variant:
    """A named setting of the knobs."""

    name: str
    knobs: Mapping[str, Any]
    paper: Paper | None
    published: tuple[Published, ...]
    doc: str
    span: Span


PAPER_FACTS = {"arxiv": str, "authors": str, "venue": str, "year": int}
PUBLISHED_FACTS = {"top1": float, "top5": float, "error": float, "source": str, "note": str}


def read_variants(file: tree.File, program: Program) -> tuple[Variant, ...]:
    """The variants of a file, in its order; mistakes are noted in the program."""
    common: Paper | None = None
    found: dict[str, Variant] = {}
    for node in file.statements:
        if isinstance(node, tree.Paper):
            common = _paper(node, program)
        elif isinstance(node, tree.Variant):
            variant = _variant(node, common, file, program)
            if variant.name in found:
                first = Label(found[variant.name].span, "the first")
                program.main.scope.context.report(
                    codes.VARIANT_TWICE, node.name.span, first, name=variant.name
                )
            found[variant.name] = variant
    return tuple(found.values())


def read_fixed(file: tree.File, program: Program) -> dict[str, tuple[str, Span]]:
    """What the file fixes of choices inside bodies, by their paths: the number of an option, its
    label, or its text."""
    found: dict[str, tuple[str, Span]] = {}
    report = program.main.scope.context.report
    for node in file.statements:
        if not isinstance(node, tree.Fix):
            continue
        value = node.value
        if isinstance(value, tree.Literal) and type(value.value) in (int, str):
            found[node.path] = str(value.value), node.span
        elif isinstance(value, tree.Name):
            found[node.path] = value.text, node.span
        else:
            report(codes.BAD_FIX, value.span)
    return found


def _variant(
    node: tree.Variant, common: Paper | None, file: tree.File, program: Program
) -> Variant:
    report = program.main.scope.context.report
    knobs: dict[str, Any] = {}
    for argument in node.arguments:
        key, place = _named(argument)
        knob = program.knobs.get(key)
        if knob is None:
            help = which_knob(key, program.knobs)
            if argument.name is None:
                help = ["a knob is set by its name: `name = value`"]
            report(codes.UNKNOWN_KNOB, place, help=help, name=key)
            continue
        value = None
        if isinstance(knob.domain, Choices):
            value = knob.domain.written(argument.value.span.text)
        if value is None:
            value = program.constant(argument.value)
        if knob.domain is not None and value is not None and value not in knob.domain:
            report(
                codes.OUTSIDE_DOMAIN,
                argument.span,
                help=values_near(knob.domain, value),
                name=key,
                given=show(value),
                domain=str(knob.domain),
            )
        knobs[key] = knob.domain.settled(value) if isinstance(knob.domain, Interval) else value
    paper = common
    published = []
    for fact in node.facts:
        if isinstance(fact, tree.Paper):
            paper = _paper(fact, program)
        else:
            values = _facts(fact.facts, PUBLISHED_FACTS, fact.dataset.text, program)
            published.append(Published(fact.dataset.text, **values))
    return Variant(node.name.text, knobs, paper, tuple(published), file.doc(node), node.name.span)


def _named(argument: tree.Argument) -> tuple[str, Span]:
    """What an argument is for, and the place of that; one without a name stands for itself."""
    if argument.name is None:
        return argument.span.words, argument.span
    return argument.name.text, argument.name.span


def _paper(node: tree.Paper, program: Program) -> Paper:
    return Paper(node.title, **_facts(node.facts, PAPER_FACTS, "paper", program))


def _facts(
    arguments: tuple[tree.Argument, ...], known: Mapping[str, type], what: str, program: Program
) -> dict[str, Any]:
    report = program.main.scope.context.report
    found: dict[str, Any] = {}
    for argument in arguments:
        key, place = _named(argument)
        wanted = known.get(key)
        if wanted is None:
            help = did_you_mean(key, known) or [f"there are {', '.join(known)}: `name = value`"]
            report(codes.UNKNOWN_FACT, place, help=help, name=key)
            continue
        value = program.constant(argument.value)
        if (wanted is str and isinstance(value, str)) or (wanted is int and type(value) is int):
            found[key] = value
        elif wanted is float and is_number(value) and 0 <= value <= 1:
            found[key] = float(value)
        elif value is not None:
            expected = {str: "a text", int: "a whole number", float: "a share such as 23.9%"}[
                wanted
            ]
            report(
                codes.WRONG_ARGUMENT,
                argument.span,
                name=key,
                callee=what,
                given=describe(value),
                expected=expected,
            )
    return found
