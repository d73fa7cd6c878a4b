"""Reading the domains of a search: what is varied, and what is tuned."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from archdsl.analysis.shapes import ANY
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Label
from archdsl.elaborate.equality import same
from archdsl.elaborate.knobs import Choices, Domain, Interval, Knob, values_near
from archdsl.elaborate.values import describe, is_number, show
from archdsl.layers.arguments import Reader, Unreadable
from archdsl.spec import Spec
from archdsl.syntax import search_tree, tree
from archdsl.training.records import MISTAKEN, Records

LISTED = 10_000  # values of a domain that are looked at one by one


class Domains(Records):
    """Makes domains of their texts. Mistakes are noted in ``found``."""

    def check_inside(self, item: search_tree.Varied, given: Domain, known: Domain | None) -> None:
        """Notes a value of a domain that the spec does not allow."""
        if known is None or known is ANY:
            return
        count = given.count
        listed = count is not None and count <= LISTED
        values = given.enumerate() if listed else given.edges()
        outside = next((v for v in values if v not in known), None)
        if outside is not None:
            assert item.domain is not None
            fields = {"name": item.path, "given": show(outside), "domain": str(known)}
            help = values_near(known, outside)
            self.report(codes.OUTSIDE_DOMAIN, item.domain.span, help=help, fields=fields)

    def read_domain(
        self, node: tree.Choices | tree.Interval, spec: Spec | None = None, knob: Knob | None = None
    ) -> Domain | None:
        """A domain of constants; nothing where there is a mistake.

        The values of a knob are read as its spec would read them, those of a choice inside a body
        are names of its options. A range takes the step of the knob where it says none.
        """
        if isinstance(node, tree.Choices):
            return self.read_choices(node, spec, knob)
        bounds = [self.constant(n) for n in (node.low, node.high)]
        step = None if node.step is None else self.constant(node.step)
        numbers = bounds if step is None else [*bounds, step]
        if MISTAKEN in numbers:
            return None
        if wrong := [n for n in numbers if not is_number(n)]:
            self.report(codes.DOMAIN_NUMBERS, node.span, given=describe(wrong[0]))
            return None
        low, high = bounds
        if step is None and knob is not None and isinstance(knob.domain, Interval):
            step = knob.domain.step
        if step is None and type(low) is int and type(high) is int:
            step = 1
        if low > high or (step is not None and step <= 0) or (node.log and low <= 0):
            self.report(codes.DOMAIN_EMPTY, node.span, domain=node.span.words)
            return None
        if node.log and step not in (None, 1):
            what = "a range takes a `step` or `log`, not both"
            self.report(codes.BAD_COMBINATION, node.span, what=what)
            return None
        return Interval(low, high, step, node.log)

    def read_choices(
        self, node: tree.Choices, spec: Spec | None, knob: Knob | None
    ) -> Choices | None:
        names = tuple(i.span.words for i in node.items)
        values: list[Any] = []
        for name, item in zip(names, node.items, strict=True):
            if spec is None:
                values.append(self.constant(item))
            elif knob is None:
                values.append(name.strip('"'))
            else:
                try:
                    values.append(spec.read_constant(name))
                except ArchError as error:
                    self.found += [
                        replace(d, labels=(Label(item.span),)) for d in error.diagnostics
                    ]
                    values.append(MISTAKEN)
            if values[-1] is not MISTAKEN and any(same(values[-1], v) for v in values[:-1]):
                self.report(codes.SAID_TWICE, item.span, what=name)
        return None if MISTAKEN in values else Choices(tuple(values), names)

    def check_values(self, item: search_tree.Tuned, domain: Domain, reader: Reader) -> None:
        """Notes a value that the recipe would not take."""
        for value in domain.edges():
            try:
                reader.read(value)
            except Unreadable as problem:
                wrong = {"name": item.name.text, "callee": "tune", "given": describe(value)}
                wrong["expected"] = problem.expected
                self.report(codes.WRONG_ARGUMENT, item.domain.span, fields=wrong)
                return
