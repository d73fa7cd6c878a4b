"""Knobs inside a body."""

from __future__ import annotations

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import fault
from archdsl.diagnostics.source import Span
from archdsl.elaborate.code import Action
from archdsl.elaborate.groups import run_named
from archdsl.elaborate.machine import Frame
from archdsl.elaborate.patterns.base import Pattern, Use
from archdsl.elaborate.scope import Scope
from archdsl.syntax import tree


class Choose(Pattern):
    """One of several layers: a knob of its own wherever the body stands.

    ``choose mix { a; b; c }`` names it; its values are the labels of the options, or the
    options as they are written.
    """

    name = "choose"
    arms = True
    qualified = "the name of the choice"

    @classmethod
    def compile(cls, node: tree.Call, scope: Scope) -> Action:
        for unit in scope.unit.outward():
            unit.chooses = True
        return super().compile(node, scope)

    def run(self, use: Use, frame: Frame) -> None:
        if not any(s.counts for s in use.body.statements):
            raise fault(codes.NO_OPTIONS, use.span)
        frame.m.effects += 1
        name = self.name if use.qualifier is None else use.qualifier.text
        plain = use.qualifier is not None and not use.scope.looped
        run_named(lambda f: self.pick(use, f), frame, name, use.span, plain=plain)

    def pick(self, use: Use, frame: Frame) -> None:
        frame.m.spend(use.body.weight, use.span)
        for statement in use.body.statements:
            if not statement.counts:
                statement.run(frame)
        options = [s for s in use.body.statements if s.counts]
        if not use.options:
            use.options = tuple(option_name(s.label, s.span) for s in options)
        frame.m.choose(frame.b.path, use.options, [s.run for s in options], frame, use.span)


def option_name(label: tree.Word | None, span: Span) -> str:
    return label.text if label is not None else span.words
