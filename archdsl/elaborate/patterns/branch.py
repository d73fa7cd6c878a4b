"""Parallel arms that meet in a join."""

from __future__ import annotations

from collections import Counter

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import did_you_mean, fault
from archdsl.diagnostics.source import Span
from archdsl.elaborate.code import Action, Arm, Arms
from archdsl.elaborate.groups import run_named
from archdsl.elaborate.machine import Frame
from archdsl.elaborate.patterns.base import Pattern, Use, join_arms
from archdsl.elaborate.reserved import Numbers
from archdsl.elaborate.scope import Scope
from archdsl.elaborate.values import Tensor, one
from archdsl.syntax import tree


class Branch(Pattern):
    """Parallel arms, one for each statement, that meet in a join: ``branch concat { ... }``."""

    name = "branch"
    arms = True
    qualified = "how its arms are joined: concat, add, sub, mean, max or mul"
    qualifier_required = True
    is_part = False

    @classmethod
    def numbers(cls, node: tree.Call, scope: Scope) -> Numbers:
        assert node.body is not None
        found: Numbers = Counter()
        for arm in node.body.statements:
            if isinstance(arm, tree.Labelled):
                found[arm.label.text] += 1
            elif not isinstance(arm, (tree.Let, tree.Require, tree.Default, tree.For, tree.Repeat)):
                found["branch"] += 1
        return found

    @classmethod
    def check_words(cls, node: tree.Call, scope: Scope) -> None:
        super().check_words(node, scope)
        word = node.qualifier
        if word is not None and word.text not in scope.context.table.joins:
            joins = scope.context.table.joins
            help = did_you_mean(word.text, joins) or [f"the joins are {', '.join(sorted(joins))}"]
            if (meant := scope.context.table.synonyms.get(word.text)) in joins:
                help = [f"here it is called `{meant}`"]
            scope.context.report(codes.UNKNOWN_JOIN, word.span, help=help, name=word.text)

    def run(self, use: Use, frame: Frame) -> None:
        x = frame.x
        results: list[tuple[Tensor, Span]] = []
        whole = True

        def arm(action: Action | None, span: Span, label: tree.Word | None) -> None:
            nonlocal whole
            frame.x = x
            name = "branch" if label is None else label.text
            if action is None:
                frame.b.number(name)
                return
            plain = label is not None and not use.scope.looped
            frame.m.attempt(lambda f: run_named(action, f, name, span, plain=plain), frame)
            if frame.x is None:
                whole = False
            else:
                results.append((one(frame.x, span), span))
            frame.x = x  # for the conditions and values of the next turn

        frame.m.spend(use.body.weight, use.span)
        frame.b.several = True
        for statement in use.body.statements:
            frame.x = x
            if (arms := statement.arms) is not None:
                frame.m.attempt(_each(arms, arm), frame)
            else:
                arm(statement.run, statement.span, statement.label)
        if not whole or x is None:
            frame.x = None
            return
        if not results:
            raise fault(codes.NO_ARMS, use.span)
        assert use.qualifier is not None
        join = frame.m.intern(use.scope.context.table.joins[use.qualifier.text]())
        join_arms(join, results, use, frame)


def _each(arms: Arms, arm: Arm) -> Action:
    return lambda frame: arms(frame, arm)
