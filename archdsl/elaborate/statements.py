"""Statements of a body, compiled to actions on a frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import (
    Diagnostic,
    Fault,
    Label,
    diagnose,
    fault,
)
from archdsl.diagnostics.source import Span
from archdsl.elaborate.arithmetic import truth
from archdsl.elaborate.code import Action, Arm, Arms, BodyCode, Statement
from archdsl.elaborate.defaults import default
from archdsl.elaborate.expressions import bind_targets, held
from archdsl.elaborate.groups import carried, fold_turns, moves, run_named, settle
from archdsl.elaborate.machine import FAULT, Frame, Skip, StopElaboration, Turn
from archdsl.elaborate.reserved import makes_parts, reserving, several
from archdsl.elaborate.scope import Scope, Variable
from archdsl.elaborate.values import (
    SharedLayer,
    Tensor,
    Tensors,
    describe,
    is_number,
    rounding,
    show,
)
from archdsl.layers.arguments import whole
from archdsl.layers.polynomial import decided
from archdsl.syntax import tree

MAX_TURNS = 100_000


def compile_body(body: tree.Body, scope: Scope, arms: bool = False) -> BodyCode:
    """The statements of a pair of braces, in a scope of their own.

    With ``arms`` each stands for an arm of a branch or an option of a choice: a label is
    kept beside its statement, and a loop gives an arm for every turn.
    """
    made: list[Statement] = []

    def compile() -> None:
        for node in body.statements:
            if isinstance(node, tree.Default):
                default(node, scope)
            elif arms:
                made.append(_arm(node, scope))
            else:
                made.append(Statement(scope.action(node), node.span))

    _, weight = scope.context.weigher.weighed(compile)
    return BodyCode(made, body.span, weight, several(body, scope))


def _arm(node: tree.Node, scope: Scope) -> Statement:
    """A statement of a branch: one arm, an arm for each turn of a loop, or what is no arm.

    A tensor kept in one arm is not seen in another: they have no order.
    """
    span = node.span
    if isinstance(node, (tree.Let, tree.Require)):
        action = scope.action(node)
        return Statement(action, span, arms=lambda frame, arm: action(frame), counts=False)
    if isinstance(node, tree.Labelled):
        label = node.label
        note_label(label, scope)
        inner = _arm(node.statement, scope)
        named = None if inner.arms is None else _named_arms(inner.arms, label)
        return Statement(inner.run, span, label, named)
    if isinstance(node, tree.For):
        each = for_each(node, scope, _is_if(node.body))

        def arms(frame: Frame, arm: Arm) -> None:
            each(frame, lambda f, body: _run_arm(f, body, arm))

        return Statement(lambda frame: each(frame, run_body), span, arms=arms)
    if isinstance(node, tree.If):
        pick = picked(node, scope, arms=True)

        def maybe(frame: Frame, arm: Arm) -> None:
            body = pick(frame)
            if body is None:
                arm(None, span, None)
            else:
                _run_arm(frame, body, arm)

        return Statement(lambda frame: run_body(frame, pick(frame)), span, arms=maybe)
    if isinstance(node, tree.Repeat):
        times = tree.Range(node.count.span, tree.Literal(node.count.span, 1), node.count, None)
        words = (node.turn or tree.Word(span, "_"),)
        return _arm(tree.For(span, words, False, times, None, node.body), scope)
    return Statement(scope.inner().action(node), span)


def _is_if(body: tree.Body) -> bool:
    """Whether a body does nothing but by an ``if``: where that is not taken, it is no arm."""
    beside = (tree.Let, tree.Require, tree.Default)
    doing = [s for s in body.statements if not isinstance(s, beside)]
    if len(doing) != 1:
        return False
    only = doing[0].statement if isinstance(doing[0], tree.Labelled) else doing[0]
    return isinstance(only, tree.If)


def _run_arm(frame: Frame, body: BodyCode, arm: Arm) -> None:
    """A body as one arm, or, where it does nothing but by an ``if``, as one or none."""
    if all(statement.arms is None for statement in body.statements):
        arm(lambda f: f.m.run(body, f), body.span, None)
        return
    frame.m.spend(body.weight, body.span)
    for statement in body.statements:
        assert statement.arms is not None, "what stands beside an `if` is no arm"
        statement.arms(frame, arm)


def _named_arms(arms: Arms, label: tree.Word) -> Arms:
    """The arms of a labelled loop: all take its name, numbered."""

    def labelled_arms(frame: Frame, arm: Arm) -> None:
        arms(frame, lambda action, span, _: arm(action, span, label))

    return labelled_arms


def run_body(frame: Frame, body: BodyCode | None) -> None:
    if body is not None:
        frame.m.run(body, frame)


# -------------------------------------------------------------------- single statements


def let(node: tree.Let, scope: Scope) -> Action:
    get = scope.value(node.value)
    set_ = bind_targets(node.targets, node.unpack, scope, "let", node.value.span)
    slots = [
        v.slot
        for v in map(scope.names.get, (t.text for t in node.targets))
        if isinstance(v, Variable)
    ]

    def run(frame: Frame) -> None:
        try:
            value = get(frame)
            give_names(node, value)
            set_(frame, value)
            return
        except Fault as error:
            frame.m.spend(FAULT, node.span)
            frame.m.report(error.diagnostic)
        except Skip:
            pass
        for slot in slots:
            frame.v[slot] = None  # unknown: what uses it says nothing more

    return run


def give_names(node: tree.Let, value: Any) -> None:
    """Gives shared layers and tensors the names that a `let` gives them."""
    values = value if node.unpack and isinstance(value, tuple) else (value,)
    for word, one in zip(node.targets, values, strict=False):
        if isinstance(one, SharedLayer):
            one.name = word.text
        elif isinstance(one, Tensor) and not one.named:
            one.named = word.text


def kept(node: tree.Kept, scope: Scope) -> Action:
    action = scope.action(node.statement)
    slot = scope.variable(node.name, "tensor").slot

    def run(frame: Frame) -> None:
        frame.v[slot] = None
        action(frame)
        x = frame.x
        if isinstance(x, Tensors):
            frame.v[slot] = held(x)
        elif x is not None:
            frame.v[slot] = x
            x.named, x.is_value = node.name.text, True

    return run


def labelled(node: tree.Labelled, scope: Scope) -> Action:
    statement = node.statement
    if isinstance(statement, tree.Kept):  # the tensor's name is for what follows the part
        part = tree.Labelled(node.span, node.label, statement.statement)
        return kept(tree.Kept(node.span, part, statement.name), scope)
    action = scope.inner(looped=False, flow=False).action(statement)
    name, span, plain = node.label.text, node.span, not scope.looped
    if plain:
        note_label(node.label, scope)
    return lambda frame: run_named(action, frame, name, span, plain=plain, noted=True)


def note_label(label: tree.Word, scope: Scope) -> None:
    """Reports a label that the same braces have already."""
    earlier = scope.labels.get(label.text)
    if earlier is not None:
        scope.context.report(
            codes.LABEL_TWICE, label.span, Label(earlier, "first used here"), name=label.text
        )
    scope.labels[label.text] = label.span


def apply(node: tree.Apply, scope: Scope) -> Action:
    return scope.action(node.chain)


def sequence(node: tree.Body, scope: Scope) -> Action:
    body = compile_body(node, scope.inner())
    return lambda frame: frame.m.run(body, frame)


def require(node: tree.Require, scope: Scope) -> Action:
    """A condition on the candidate: one that does not hold ends its elaboration."""
    condition = scope.value(node.condition)
    span, message = node.span, node.message

    def run(frame: Frame) -> None:
        if not truth(condition(frame), node.condition.span):
            frame.m.report(unmet(span, message))
            raise StopElaboration

    return run


def unmet(span: Span, message: str | None, notes: Sequence[str] = ()) -> Diagnostic:
    return diagnose(codes.REQUIREMENT, span, notes=notes, message=f": {message}" if message else "")


def misplaced(node: tree.Node, scope: Scope) -> Action:
    word = node.span.text.split(None, 1)[0]
    scope.context.report(codes.MISPLACED, node.span, word=word)
    if isinstance(node, (tree.Block, tree.Fn)):
        scope.variable(node.name, "let")  # so that its use is no mistake, too
    return lambda frame: None


# ------------------------------------------------------------------------- control flow


def picked(node: tree.If, scope: Scope, arms: bool = False) -> Callable[[Frame], BodyCode | None]:
    """Which body of an ``if`` is taken. With ``arms``, one that does nothing but by an ``if``
    again is compiled to its arm, or none."""

    def compiled(body: tree.Body) -> BodyCode:
        return compile_body(body, scope.inner(), arms and _is_if(body))

    cases = [
        (scope.value(c), c.span, compiled(b))
        for c, b in zip(node.conditions, node.bodies, strict=True)
    ]
    otherwise = None if node.otherwise is None else compiled(node.otherwise)

    def pick(frame: Frame) -> BodyCode | None:
        for condition, span, body in cases:
            if truth(condition(frame), span):
                return body
        return otherwise

    return pick


def if_(node: tree.If, scope: Scope) -> Action:
    pick = picked(node, scope)
    return reserving(lambda frame: run_body(frame, pick(frame)), node, scope)


def for_each(
    node: tree.For, scope: Scope, arms: bool = False
) -> Callable[[Frame, Callable[[Frame, BodyCode], None]], None]:
    items = scope.value(node.items)
    inner = scope.inner(looped=True)
    bind_item = bind_targets(node.targets, node.unpack, inner, "item", node.items.span)
    turn = None if node.turn is None else inner.variable(node.turn, "item")
    body = compile_body(node.body, inner, arms)
    span, names = node.items.span, [word.text for word in node.targets]

    def each(frame: Frame, run: Callable[[Frame, BodyCode], None]) -> None:
        values = items(frame)
        if not isinstance(values, (tuple, range)):
            help = ["to count, write a range: `1..n`"] if is_number(values) else []
            raise fault(codes.NEEDS_LIST, span, help=help, what="`for`", given=describe(values))
        frame.b.several = True
        for i, value in enumerate(values, 1):
            frame.m.check_size(frame.b, span)
            bind_item(frame, value)
            if turn is not None:
                frame.v[turn.slot] = i
            given = zip(names, value, strict=False) if node.unpack else [(names[0], value)]
            with frame.m.turn(i, len(values), span, list(given)):
                run(frame, body)

    return each


def for_(node: tree.For, scope: Scope) -> Action:
    each = for_each(node, scope)
    return lambda frame: each(frame, run_body)


def turns_of(value: Any, span: Span) -> int:
    count = whole(decided(value)) if is_number(value) else None
    if count is None or count < 0:
        raise fault(codes.REPEAT_COUNT, span, help=rounding(value), given=describe(value))
    if count > MAX_TURNS:
        raise fault(codes.TOO_MANY_TURNS, span, given=show(value), limit=MAX_TURNS)
    return count


def repeat(node: tree.Repeat, scope: Scope) -> Action:
    get_count = scope.value(node.count)
    inner = scope.inner(looped=True)
    turn_slot = None if node.turn is None else inner.variable(node.turn, "turn").slot
    body = compile_body(node.body, inner)
    span, parts = node.count.span, makes_parts(node, inner)

    def turn_part(frame: Frame) -> None:
        run_named(lambda f: f.m.run(body, f), frame, "turn", node.body.span)

    def run(frame: Frame) -> None:
        count = turns_of(get_count(frame), span)
        machine = frame.m
        frame.b.several = True
        i = 1
        while i <= count:
            x, builder = frame.x, frame.b
            real = x
            if isinstance(x, Tensors):
                x = frame.x = carried(x, frame)
            machine.spend(6 + len(builder.counts) // 8, span)
            machine.check_size(builder, span)
            start, before, effects = len(builder.steps), dict(builder.counts), machine.effects
            known = len(builder.shared)
            turn = Turn(i, count + 1)
            if turn_slot is not None:
                frame.v[turn_slot] = turn
            with machine.turn(i, count, span, []):
                if parts:
                    turn_part(frame)
                else:
                    machine.run(body, frame)
            after = frame.x
            i += 1
            if after is None or x is None:
                return
            alike = not (
                turn.exact
                or (
                    x.is_value and x is real
                )  # whether the body means it, or what stands before it, is not known
                or turn.until <= i
                or machine.effects != effects
                or moves(x.shape, after.shape)
            )
            copies = turn.until - i
            if alike and (after is x or fold_turns(frame, start, x, before, copies, known)):
                i = turn.until
            if isinstance(x, Tensors) and isinstance(real, Tensors):
                settle(frame, start, x, real)
        machine.check_size(frame.b, span)

    return run


TOP_ONLY: tuple[type[tree.Node], ...] = (
    tree.Arch,
    tree.Input,
    tree.Fn,
    tree.Use,
    tree.Block,
    tree.Paper,
    tree.Variant,
    tree.Fix,
)

STATEMENT_ACTIONS: dict[type[tree.Node], Callable[[Any, Scope], Action]] = {
    tree.Let: let,
    tree.Kept: kept,
    tree.Labelled: labelled,
    tree.Apply: apply,
    tree.Body: sequence,
    tree.If: if_,
    tree.For: for_,
    tree.Repeat: repeat,
    tree.Require: require,
    **dict.fromkeys(TOP_ONLY, misplaced),
}
