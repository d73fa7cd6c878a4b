"""The statement `default`: arguments for what is written in the rest of a scope."""

from __future__ import annotations

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import did_you_mean
from archdsl.elaborate.calls import bind
from archdsl.elaborate.scope import Scope, Variable
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
        if (meant := context.table.meant(word)) is not None:
            help = [f"here it is called `{meant}`"]
        context.report(codes.NO_DEFAULTS, node.callee.span, help=help, name=word)
        return
    plain = Scope(context, scope.unit)  # where no defaults are in force
    chosen = bind(node.arguments, names, set(), word, node, plain)
    for name, (argument, _) in chosen.items():
        path = _leads_to(word, argument.value, scope, {word})
        if path is None:
            scope.defaults.setdefault(word, {})[name] = (argument, scope)
        else:
            by = " by way of " + ", ".join(f"`{p}`" for p in path) if path else ""
            context.report(codes.DEFAULT_OF_ITSELF, argument.span, name=word, by=by)


def _leads_to(word: str, value: tree.Node, scope: Scope, seen: set[str]) -> list[str] | None:
    """By way of which defaults a value needs those of a word, itself first; nothing where it
    needs none: such a default would be put into itself without end."""
    for part in value.walk():
        scope.context.weigher.count(part.span)
        if isinstance(part, tree.Name):
            met = [part.text]
        elif isinstance(part, tree.Call):
            pattern = part.callee.text in scope.context.patterns
            met = [part.callee.text, *(("conv", "bn") if pattern else ())]  # a projection's
        else:
            continue
        for other in met:
            if isinstance(scope.lookup(other), Variable):
                continue
            if other == word:
                return []
            if other in seen:
                continue
            seen.add(other)
            for argument, place in scope.default_arguments(other).values():
                found = _leads_to(word, argument.value, place, seen)
                if found is not None:
                    return [other, *found]
    return None
