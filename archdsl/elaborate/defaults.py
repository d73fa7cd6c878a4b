"""The statement `default`: arguments for what is written in the rest of a scope."""

from __future__ import annotations

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import did_you_mean
from archdsl.elaborate.calls import bind
from archdsl.elaborate.scope import Scope
from archdsl.layers.base import signature
from archdsl.syntax import tree


def default(node: tree.Default, scope: Scope) -> None:
    """Sets arguments for what is written in the rest of the scope."""
    word = node.callee.text
    context = scope.context
    entry = scope.lookup(word)
    formals = getattr(entry, "definition", None)
    if formals is not None:
        names = [p.name.text for p in formals.parameters]
    elif entry is None and word in context.table:
        names = [p.name for p in signature(context.table[word])]
    elif entry is None and word in context.patterns:
        names = [p.name for p in signature(context.patterns[word])]
    else:
        known = {*context.table, *context.patterns, *scope.visible()}
        help = did_you_mean(word, known) if entry is None else []
        if (meant := context.table.synonyms.get(word)) is not None:
            help = [f"here it is called `{meant}`"]
        context.report(codes.NO_DEFAULTS, node.callee.span, help=help, name=word)
        return
    plain = Scope(context, scope.unit)  # where no defaults are in force
    chosen = bind(node.arguments, names, set(), word, node, plain)
    scope.defaults.setdefault(word, {}).update({n: (a, scope) for n, (a, _) in chosen.items()})
