"""Layer expressions: applied to the current tensor where they stand, or kept as values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import Label, did_you_mean, fault
from archdsl.diagnostics.source import Span
from archdsl.elaborate.arithmetic import truth
from archdsl.elaborate.builder import PartBuilder
from archdsl.elaborate.calls import bind_formals, counted, takes
from archdsl.elaborate.code import Action, BlockCode, FnCode, Getter, LayerClosure
from archdsl.elaborate.expressions import compile_patterns, listed
from archdsl.elaborate.fits import fit
from archdsl.elaborate.joining import join_action, meant_join
from archdsl.elaborate.machine import UNSET, Frame, Skip
from archdsl.elaborate.making import MAKING, bind_layer, layer_op, missing, plain_op
from archdsl.elaborate.reserved import numbers, reserving, several
from archdsl.elaborate.scope import Scope, Unit, Variable, constant, unknown
from archdsl.elaborate.shared import apply_shared, use_tied
from archdsl.elaborate.values import (
    Closure,
    LayerRef,
    Preset,
    SharedLayer,
    Tensor,
    Tensors,
    describe,
    one,
)
from archdsl.ir.network import Op, numbered
from archdsl.layers.base import signature
from archdsl.layers.join import Join
from archdsl.syntax import elsewhere, tree
from archdsl.syntax.elsewhere import PATTERNS

# ------------------------------------------------------- layer expressions as values


def layer_value(node: tree.Node, scope: Scope) -> Getter:
    """A chain, a call of a layer, or a body as a value: a closure over what it uses."""
    if isinstance(node, tree.Call) and node.body is not None:
        word = node.callee.text
        pattern = None if scope.lookup(word) else scope.context.patterns.get(word)
        if pattern is not None and pattern.is_value:
            return pattern.value(node, scope)
    unit = Unit("closure", scope.context.file, scope.unit)
    inner = Scope(scope.context, unit, scope)
    run, weight = scope.context.weigher.weighed(lambda: inner.action(node))
    code = LayerClosure(
        node.span, scope.context.file, run, weight, unit.slots, unit.captures, unit.calls
    )
    code.names = tuple(n for n in numbers(node, scope).elements() if isinstance(n, str))
    scope.unit.calls |= unit.calls
    scope.unit.reads |= unit.reads
    scope.unit.chooses |= unit.chooses
    if not code.captures:
        return constant(Closure(code, ()))
    getters = [getter for _, getter in code.captures]
    span = node.span
    return lambda frame: Closure(code, listed(tuple([g(frame) for g in getters]), frame, span))


def apply_value(value: Any, frame: Frame, span: Span) -> None:
    """Applies a value to the current tensor; raises a fault where it is not a layer."""
    if isinstance(value, Closure):
        run_closure(value, frame, span)
    elif isinstance(value, (LayerRef, BlockCode)):
        apply_with(value, {}, frame, span)
    elif isinstance(value, Preset):
        apply_with(value.callee, preset(value), frame, span)
    elif isinstance(value, SharedLayer):
        apply_shared(value, frame, span, run_closure)
    elif isinstance(value, Tensor):
        frame.x = value
    elif isinstance(value, tuple) and value:
        apply_list(value, frame, span)
    else:
        help = ["write the name of a layer without quotes"] if isinstance(value, str) else []
        raise fault(codes.NOT_A_LAYER, span, help=help, given=describe(value))


def apply_list(layers: tuple[Any, ...], frame: Frame, span: Span) -> None:
    """Applies each layer of a list to the current tensor: their results are the several tensors in
    its place."""
    x = frame.x
    found: list[Tensor | None] = []
    frame.b.several = True
    for layer in layers:
        frame.m.spend(2, span)
        frame.x = x
        apply_value(layer, frame, span)
        found.append(None if frame.x is None else one(frame.x, span))
        frame.m.check_size(frame.b, span)
    tensors = tuple([t for t in found if t is not None])
    frame.x = Tensors(tensors) if len(tensors) == len(found) else None


def run_closure(value: Closure, frame: Frame, span: Span) -> None:
    machine, code = frame.m, value.code
    machine.spend(4 + code.weight + (code.slots + len(code.captures)) // 8, span)
    variables: list[Any] = [UNSET] * code.slots
    for (slot, _), captured in zip(code.captures, value.captured, strict=True):
        variables[slot] = captured
    inner = Frame(machine, frame.b, variables, machine.files[code.file], frame.x)
    assert code.run is not None
    with machine.deeper("a layer that is passed on", span):
        code.run(inner)
    frame.x = inner.x


# ------------------------------------------------------------------ layers and blocks


def name(node: tree.Name, scope: Scope) -> Action:
    """A name as a layer: a built-in, a block, a layer value, or a tensor that was kept."""
    return call(tree.Call(node.span, tree.Word(node.span, node.text), ()), scope, bare=True)


def call(node: tree.Call, scope: Scope, bare: bool = False) -> Action:
    word, span = node.callee.text, node.span
    context = scope.context
    entry = scope.lookup(word)
    if node.body is not None:
        if entry is None and word in context.patterns:
            return context.patterns[word].compile(node, scope)
        kind = codes.NO_BODY if entry is not None or word in context.table else None
        if kind is not None and entry is not None and word in context.patterns:
            named = Label(entry.span, "named here")
            help = [f"the pattern `{word}` is hidden by this name: call it something else"]
            context.report(kind, node.callee.span, named, help=help, name=word)
        elif kind is not None:
            help = ["separate the layers of a chain by `->`"]
            context.report(kind, node.callee.span, help=help, name=word)
        else:
            patterns = ", ".join(context.patterns)
            help = did_you_mean(word, context.patterns, PATTERNS)
            help = help or [f"the patterns are {patterns}"]
            context.report(codes.UNKNOWN_PATTERN, node.callee.span, help=help, name=word)
        return skip
    if isinstance(entry, BlockCode):
        scope.unit.calls.add(entry)
        bound = bind_formals(node.arguments, entry.formals, word, node, scope)
        return lambda frame: enter_block(entry, bound, frame, span)
    if isinstance(entry, Variable):
        return variable_call(entry, node, scope, bare)
    if entry is None and word in context.table:
        layer = context.table[word]
        if issubclass(layer, Join) and (help := meant_join(node, scope)):
            context.report(codes.JOIN_AS_LAYER, node.callee.span, help=help, name=word)
            return skip
        if layer.is_tied:
            ((_, get, place),) = bind_layer(layer, node, scope)
            return lambda frame: use_tied(layer, get, place, frame, span)
        make = layer_op(layer, bind_layer(layer, node, scope), span)
        return join_action(make, span) if issubclass(layer, Join) else layer_action(make, span)
    if entry is None and word in context.patterns:
        help = elsewhere.pattern(word, [argument.span.text for argument in node.arguments])
        context.report(codes.NEEDS_BODY, node.callee.span, help=help, name=word)
        return skip
    if isinstance(entry, FnCode) or word in context.functions:
        value = scope.value(node)
        return lambda frame: apply_value(value(frame), frame, span)
    unknown(scope, word, node.callee.span, "layer or block")
    for argument in node.arguments:
        scope.value(argument.value)
    return skip


def skip(frame: Frame) -> None:
    """Stands for what could not be compiled: it has been reported."""
    raise Skip


def variable_call(entry: Variable, node: tree.Call, scope: Scope, bare: bool) -> Action:
    """``act`` or ``norm(groups = 8)``: a layer that a variable holds."""
    span = node.span
    get = scope.value(tree.Name(node.callee.span, node.callee.text))
    if bare or not node.arguments:
        return lambda frame: apply_value(get(frame), frame, span)
    given = [(a, scope.value(a.value)) for a in node.arguments]
    scope.context.weigher.count(span, 2 * MAKING)

    def apply(frame: Frame) -> None:
        found = get(frame)
        value = found.callee if isinstance(found, Preset) else found
        if isinstance(value, LayerRef):
            names = [p.name for p in signature(value.layer)]
        elif isinstance(value, BlockCode):
            names = [f.name for f in value.formals]
        else:
            raise fault(codes.TAKES_NO_ARGUMENTS, span, name=entry.name, given=describe(value))
        chosen: dict[str, tuple[Getter, Span]] = {}
        for position, (argument, getter) in enumerate(given):
            if argument.name is None and position >= len(names):
                most = counted(len(names), "at most")
                raise fault(codes.TOO_MANY, argument.span, callee=entry.name, most=most)
            key = names[position] if argument.name is None else argument.name.text
            if key not in names:
                place = argument.span if argument.name is None else argument.name.span
                help = did_you_mean(key, names) or takes(entry.name, names)
                raise fault(codes.NO_SUCH_ARGUMENT, place, help=help, name=key, callee=entry.name)
            if key in chosen:
                first = Label(chosen[key][1], "first given here")
                raise fault(codes.GIVEN_TWICE, argument.span, first, name=key, callee=entry.name)
            chosen[key] = (getter, argument.span)
        if isinstance(found, Preset):
            chosen = {**preset(found), **chosen}
        apply_with(value, chosen, frame, span)

    return apply


def preset(value: Preset) -> dict[str, tuple[Getter, Span]]:
    """The arguments that a value has already."""
    return {key: (constant(held), place) for key, held, place in value.given}


def apply_with(
    callee: LayerRef | BlockCode, chosen: dict[str, tuple[Getter, Span]], frame: Frame, span: Span
) -> None:
    """Applies a layer or a block that a value names, with these arguments."""
    if isinstance(callee, BlockCode):
        slots = {f.name: f.slot for f in callee.formals}
        enter_block(callee, [(slots[k], g) for k, (g, _) in chosen.items()], frame, span)
        return
    if callee.layer.is_tied and chosen:
        ((get, place),) = chosen.values()
        use_tied(callee.layer, get, place, frame, span)
        return
    if not chosen:
        use_layer(plain_op(callee.layer, frame, span), frame, span)
        return
    parameters = {p.name: p for p in signature(callee.layer)}
    arguments = tuple((parameters[k], g, s) for k, (g, s) in chosen.items())
    use_layer(layer_op(callee.layer, arguments, span)(frame), frame, span)


def layer_action(make: Callable[[Frame], Op], span: Span) -> Action:
    """Applies the layer that ``make`` makes. Most of what runs is this: it is kept flat."""

    def run(frame: Frame) -> None:
        op = make(frame)
        x = frame.x
        if x is None:
            return
        shape = op.shapes.get(x.shape)
        if shape is None:
            if op.layer.is_identity:
                return
            one(x, span)
            shape = op.shapes[x.shape] = fit(op.layer, (x.shape,), span)
        frame.m.fuel -= 1
        builder = frame.b
        node = x.node if x.builder is builder else builder.node(x)
        frame.x = builder.append(op, (node,), shape, span)

    return run


def use_layer(op: Op, frame: Frame, span: Span) -> None:
    (join_action if isinstance(op.layer, Join) else layer_action)(lambda frame: op, span)(frame)


def enter_block(
    block: BlockCode, bound: list[tuple[int, Getter]], frame: Frame, span: Span
) -> None:
    """Applies a block: the part that it makes is built once for equal arguments and shapes."""
    machine = frame.m
    machine.spend(2 + block.slots // 8 + len(block.reads) // 4, span)
    variables: list[Any] = [UNSET] * block.slots
    for slot, getter in bound:
        variables[slot] = getter(frame)
    number = frame.b.number(block.name)
    x = frame.x
    if x is None:
        return
    home = machine.files[block.file]
    key: Any = None
    if not block.chooses:
        files = machine.files
        values = *variables[: len(block.formals)], *[files[f][s] for f, s in block.reads]
        key = (block, machine.key(values, span), machine.context_of(values, span))
        part = machine.memo.get((key, x.shape))
        if part is not None:  # it costs what to make it costs: a limit knows no memory
            machine.spend(part.work, span)
            machine.saved += part.work
            machine.enter(frame, part, (), block.name, number, span, taken=part.taken)
            return
    machine.built += 1
    start = machine.fuel
    machine.spend(block.weight, span)
    builder = PartBuilder(frame.b, numbered(block.name, number), x.shape)
    inner = Frame(machine, builder, variables, home, builder.start())
    given: list[tuple[str, Any]] = []
    before = len(machine.found), machine.effects
    with machine.entered(block.name, span, given):
        for formal in block.formals:
            if variables[formal.slot] is UNSET:
                if formal.default is None:
                    raise missing([formal.name], block.name, span, [f.name for f in block.formals])
                variables[formal.slot] = formal.default(inner)
            given.append((formal.name, variables[formal.slot]))
        assert block.body is not None
        machine.run(block.body, inner)
    if inner.x is None:
        frame.x = None
        return
    first = machine.shared_first
    part = builder.close(
        *("block", block.name, inner.x, (), first),
        definition=block.definition,
        arguments=tuple(given),
    )
    part.work, part.taken = start - machine.fuel, builder.taken
    own = not builder.outside and not builder.borrows
    if key is not None and own and before == (len(machine.found), machine.effects):
        machine.memo[key, x.shape] = part
    borrows, outside = builder.borrows, builder.outside
    machine.enter(frame, part, outside, block.name, number, span, borrows=borrows, taken=part.taken)


# --------------------------------------------------------------------------- chains


def chain(node: tree.Chain, scope: Scope) -> Action:
    links = [scope.action(link) for link in node.links]
    many = several(node, scope)

    def run(frame: Frame) -> None:
        if many:
            frame.b.several = True
        for link in links:
            link(frame)

    return run


def ternary(node: tree.Ternary, scope: Scope) -> Action:
    condition = scope.value(node.condition)
    then, otherwise = scope.action(node.then), scope.action(node.otherwise)
    span = node.condition.span

    def run(frame: Frame) -> None:
        (then if truth(condition(frame), span) else otherwise)(frame)

    return reserving(run, node, scope)


def match(node: tree.Match, scope: Scope) -> Action:
    subject = scope.value(node.subject)
    arms = [(compile_patterns(arm, scope), scope.inner().action(arm.value)) for arm in node.arms]
    span = node.subject.span

    def run(frame: Frame) -> None:
        value = subject(frame)
        for test, action in arms:
            if test(frame, value):
                action(frame)
                return
        raise fault(codes.NO_ARM, span, given=describe(value))

    return reserving(run, node, scope)


def other(node: tree.Node, scope: Scope) -> Action:
    """An expression whose value is a layer: ``layers[2]``; of anything else, an error."""
    value = scope.value(node)
    span = node.span
    return lambda frame: apply_value(value(frame), frame, span)


LAYER_ACTIONS: dict[type[tree.Node], Callable[[Any, Scope], Action]] = {
    tree.Name: name,
    tree.Call: call,
    tree.Chain: chain,
    tree.Ternary: ternary,
    tree.Match: match,
    tree.Poison: lambda node, scope: skip,
    **dict.fromkeys(
        (
            tree.Literal,
            tree.Here,
            tree.Field,
            tree.Index,
            tree.Unary,
            tree.Binary,
            tree.Compare,
            tree.Range,
            tree.ListOf,
            tree.Comprehension,
        ),
        other,
    ),
}
