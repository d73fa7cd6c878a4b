"""Calls of functions, and which argument of a call is given for which name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import Fault, Label, did_you_mean, fault
from archdsl.diagnostics.source import Span
from archdsl.elaborate.code import FnCode, Formal, Getter
from archdsl.elaborate.functions import FUNCTIONS, Function
from archdsl.elaborate.machine import MAX_DEPTH, UNSET, Frame
from archdsl.elaborate.scope import Scope, Variable, constant, poison
from archdsl.elaborate.values import MAX_LIST, describe, heft, show, weigh
from archdsl.layers.arguments import Unreadable, read_init
from archdsl.layers.init import FUNCTIONS as INIT_FUNCTIONS
from archdsl.layers.init import Init, InitFunction
from archdsl.layers.polynomial import Polynomial, decided
from archdsl.syntax import pytorch, tree

REDUCED = {  # words that reduce axes elsewhere, and join tensors or numbers here
    "mean": ["the mean over the image is `global_avgpool`, over the channels `channel_avgpool`"],
    "max": ["the maximum over the image is `global_maxpool`, over the channels `channel_maxpool`"],
    "sum": ["the sum over the image is `global_sumpool`, over the channels `channel_sumpool`"],
}
AXES = frozenset(("over", "axis", "axes", "dim", "dims", "keepdim", "keepdims"))

LAYERS = {"abs": "the layer is `absolute`"}  # that compute what a function of numbers does


def call(node: tree.Call, scope: Scope) -> Getter:
    word = node.callee.text
    entry = scope.lookup(word)
    if isinstance(entry, FnCode):
        return call_fn(entry, node, scope)
    if entry is None and node.body is None:
        if word in FUNCTIONS:
            return call_function(FUNCTIONS[word], node, scope)
        if word in INIT_FUNCTIONS:
            return initialisation(INIT_FUNCTIONS[word], node.arguments, node.span, scope)
    return scope.context.layer_value(node, scope)


def call_function(function: Function, node: tree.Call, scope: Scope) -> Getter:
    span = node.span
    named = [argument.name for argument in node.arguments if argument.name is not None]
    over_axes = any(name.text in AXES for name in named)
    reduced = REDUCED.get(function.name) if over_axes else None
    for name in named:
        scope.context.report(
            codes.NO_SUCH_ARGUMENT,
            name.span,
            help=reduced or ["its arguments have no names: give them in their order"],
            name=name.text,
            callee=function.name,
        )
    if reduced:  # its values are of another language, too
        return poison
    count = len(node.arguments)
    if count < function.least or (function.most is not None and count > function.most):
        least, most = function.least, function.most
        if most is None:
            wanted = counted(least, "at least")
        else:
            wanted = counted(most, "" if least == most else f"{least} or")
        more = LAYERS.get(function.name, "docs/adding-a-layer.md says how to add a layer")
        layer = f"it is a function of numbers; {more}"
        help = [] if count else [layer]
        scope.context.report(
            codes.WRONG_COUNT, span, help=help, callee=function.name, wanted=wanted, given=count
        )
        return poison
    getters = [scope.value(a.value) for a in node.arguments]
    apply = function.apply

    def get(frame: Frame) -> Any:
        values = tuple([g(frame) for g in getters])
        cost = weigh(values, span)
        cost += sum(min(len(v), MAX_LIST) for v in values if isinstance(v, range))
        frame.m.spend(1 + cost // 2, span)
        result = apply(values, span)
        if result.__class__ is tuple:
            frame.m.spend(weigh(result, span) // 2, span)
        elif result.__class__ is Polynomial:
            frame.m.spend(heft(result), span)
        return result

    return get


def call_fn(fn: FnCode, node: tree.Call, scope: Scope) -> Getter:
    scope.unit.calls.add(fn)
    bound = bind_formals(node.arguments, fn.formals, fn.name, node, scope)
    return lambda frame: run_fn(fn, bound, frame, node.span)


def run_fn(fn: FnCode, bound: list[tuple[int, Getter]], frame: Frame, span: Span) -> Any:
    machine = frame.m
    machine.spend(fn.weight, span)
    if fn.value is None:  # in a domain, which is worked out before functions are compiled
        help = ["functions of the spec are not known yet here: write the value"]
        raise fault(codes.NEEDS_CONSTANT, span, help=help)
    if machine.depth >= MAX_DEPTH:
        machine.stop(codes.TOO_DEEP, span, limit=MAX_DEPTH, name=fn.name)
    inner = Frame(machine, frame.b, [UNSET] * fn.slots, machine.files[fn.file], None)
    given = {slot for slot, _ in bound}
    for slot, getter in bound:
        inner.v[slot] = getter(frame)
    machine.depth += 1
    try:
        for formal in fn.formals:
            if formal.slot not in given:
                assert formal.default is not None
                inner.v[formal.slot] = formal.default(inner)
        return fn.value(inner)
    except Fault as error:
        known = [(f.name, inner.v[f.slot]) for f in fn.formals]
        values = ", ".join(f"{n} = {show(v)}" for n, v in known if v is not UNSET)
        error.note(f"in {fn.name} (line {span.line})" + (f", with {values}" if values else ""))
        raise
    finally:
        machine.depth -= 1


def bind_formals(
    arguments: tuple[tree.Argument, ...],
    formals: list[Formal],
    callee: str,
    node: tree.Node,
    scope: Scope,
) -> list[tuple[int, Getter]]:
    """The arguments of a block or function by slot. Mistakes are reported."""
    by_name = {f.name: f for f in formals}
    required = {f.name for f in formals if f.required}
    chosen = bind(arguments, [f.name for f in formals], required, callee, node, scope)
    return [(by_name[n].slot, s.value(a.value)) for n, (a, s) in chosen.items()]


def counted(number: int, before: str = "") -> str:
    """``at most 1 argument``, ``2 arguments``, ``no arguments``."""
    if number == 0:
        return "no arguments"
    return f"{before} {number} argument{'' if number == 1 else 's'}".strip()


def takes(callee: str, names: Sequence[str]) -> list[str]:
    """A help line that lists the arguments."""
    return [f"`{callee}` takes {', '.join(names) or 'no arguments'}"]


def _tensor(argument: tree.Argument, callee: str, node: tree.Node, scope: Scope) -> list[str]:
    """What helps where a tensor is given to a layer as an argument, ``relu(x)``."""
    value = argument.value
    entry = scope.lookup(value.text) if isinstance(value, tree.Name) else None
    if not (isinstance(entry, Variable) and entry.kind == "tensor"):
        return []
    rest = pytorch.arguments(node.span.text[len(callee) :])[1:]
    text = f"{callee}({', '.join(rest)})" if rest else callee
    return [f"a tensor goes into a layer by `->`: `{entry.name} -> {text}`"]


OTHER_NAMES = {  # of arguments, in other libraries
    "filters": "channels", "out_channels": "channels", "out_features": "features",
    "units": "features", "kernel_size": "kernel", "pool_size": "kernel", "strides": "stride",
    "padding": "pad", "padding_mode": "border", "dilation_rate": "dilation", "use_bias": "bias",
    "rate": "p", "negative_slope": "slope", "alpha": "slope", "epsilon": "eps",
    "dim": "over", "axis": "over", "num_groups": "groups", "num_heads": "heads",
    "probability": "p", "prob": "p",
}  # fmt: skip


def meant_argument(key: str, callee: str, names: Sequence[str]) -> list[str]:
    """What helps where an argument is not called so."""
    if OTHER_NAMES.get(key) in names:
        return [f"here it is called `{OTHER_NAMES[key]}`"]
    if key in ("in_channels", "in_features", "input_dim", "input_shape", "num_features"):
        return ["leave it out: the input's size is known"]
    if key == "inplace":
        return ["leave it out"]
    if key == "activation":
        return [f"an activation is a layer of its own: `{callee}(...) -> relu`"]
    return did_you_mean(key, names)


def bind(
    arguments: tuple[tree.Argument, ...],
    names: Sequence[str],
    required: set[str],
    callee: str,
    node: tree.Node,
    scope: Scope,
    optional: frozenset[str] = frozenset(),
) -> dict[str, tuple[tree.Argument, Scope]]:
    """Which argument is given for which name: positions first, names, then defaults in force."""
    context = scope.context
    known = frozenset(names)
    chosen: dict[str, tuple[tree.Argument, Scope]] = {}
    is_misnamed = False
    for position, argument in enumerate(arguments):
        if argument.name is None:
            if position >= len(names):
                most = counted(len(names), "at most")
                help = (
                    _tensor(argument, callee, node, scope)
                    or REDUCED.get(callee)
                    or pytorch.meant(node.span.text)
                    or (takes(callee, names) if names else [f"write `{callee}`"])
                )
                context.report(codes.TOO_MANY, argument.span, help=help, callee=callee, most=most)
                continue
            key = names[position]
        else:
            key = argument.name.text
            if key not in known:
                whole = [] if is_misnamed else pytorch.meant(node.span.text)  # once for the call
                help = whole or meant_argument(key, callee, names) or takes(callee, names)
                is_misnamed = True
                context.report(
                    codes.NO_SUCH_ARGUMENT, argument.name.span, help=help, name=key, callee=callee
                )
                if not isinstance(argument.value, tree.Name):  # a word of another library's
                    scope.value(argument.value)
                continue
        if key in chosen:
            first = Label(chosen[key][0].span, "first given here")
            help = pytorch.meant(node.span.text)
            context.report(
                codes.GIVEN_TWICE, argument.span, first, help=help, name=key, callee=callee
            )
            continue
        chosen[key] = (argument, scope)
    for key, (argument, where) in scope.default_arguments(callee).items():
        if key in known and key not in chosen:
            chosen[key] = (argument, where.seen_from(scope.unit))
    missing = [n for n in names if n in required and n not in chosen and n not in optional]
    if missing and not is_misnamed:  # else that is told, and one of these is meant
        context.report(
            codes.MISSING_ARGUMENT,
            node.span,
            help=takes(callee, names),
            names=" and ".join(f"`{n}`" for n in missing),
            callee=callee,
        )
    for key in missing:
        chosen[key] = (tree.Argument(node.span, None, tree.Poison(node.span)), scope)
    return {key: chosen[key] for key in names if key in chosen}


def hidden_word(place: Span, words: Collection[str]) -> list[str]:
    """What helps where a name of the user's has the place of a word that an argument takes."""
    written = place.text.rpartition("=")[2].strip()
    if written not in words:
        return []
    return [f"`{written}` is a name of this spec, which hides the word: call it something else"]


def initialisation(
    function: InitFunction, arguments: tuple[tree.Argument, ...], span: Span, scope: Scope
) -> Getter:
    names = [n for n, _ in function.parameters]
    required = {n for n, default in function.parameters if default is None}
    node = tree.Name(span, function.name)
    chosen = bind(arguments, names, required, function.name, node, scope)
    getters: list[tuple[str, Getter, Span]] = []
    for key, (argument, where) in chosen.items():
        words = InitFunction.words.get(key, ())
        value = argument.value
        if (
            isinstance(value, tree.Name)
            and value.text in words
            and where.lookup(value.text) is None
        ):
            getters.append((key, constant(value.text), argument.span))
        else:
            getters.append((key, where.value(value), argument.span))
            scope.context.weigher.count(span, 4)

    places = {key: place for key, _, place in getters}

    def get(frame: Frame) -> Init:
        given = {key: decided(getter(frame)) for key, getter, _ in getters}
        try:
            return read_init(function, given)
        except Unreadable as problem:
            key = problem.argument
            raise fault(
                codes.WRONG_ARGUMENT,
                places[key],
                name=key,
                callee=function.name,
                given=describe(given[key]),
                expected=problem.expected,
                help=hidden_word(places[key], InitFunction.words.get(key, ())),
            ) from None

    if all(isinstance(getter, constant) for _, getter, _ in getters):
        return _once(get, scope)
    return get


def _once(get: Getter, scope: Scope) -> Getter:
    """A getter that looks at no frame, worked out now."""
    nothing: Any = None
    try:
        return constant(get(nothing))
    except Fault as error:
        scope.context.found.append(error.diagnostic)
        return poison
