"""What a statement takes of a body whether it runs or not: numbers, and so the keys of weights.

Names follow the text. A condition that does not hold still takes the numbers that its body would
take, and a label holds a part of its own wherever its text could make several steps: so whatever
layer two candidates share has one key in both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics.model import Fault
from archdsl.elaborate.code import BlockCode, Getter
from archdsl.elaborate.machine import Skip
from archdsl.elaborate.scope import Variable, read
from archdsl.elaborate.values import Closure, LayerRef, Preset, SharedLayer
from archdsl.syntax import tree

if TYPE_CHECKING:
    from archdsl.elaborate.machine import Frame
    from archdsl.elaborate.scope import Scope

Numbers = Counter[str | Variable]  # of a variable: of the layer that it holds
MANY = 2  # steps: more than one


def numbers(node: tree.Node, scope: Scope) -> Numbers:
    """How many numbers of each name a statement takes, as far as its text tells: how often a loop
    turns is not known."""
    if isinstance(node, (tree.Name, tree.Call)):
        return _numbers_of_call(node, scope)
    if isinstance(node, tree.Labelled):
        return Counter({node.label.text: 1})
    if isinstance(node, tree.Output):
        return Counter({node.name.text: 1})
    if bodies := alternatives(node):
        return most(numbers(a, scope) for a in bodies)
    found: Numbers = Counter()
    for inner in node.items if isinstance(node, tree.ListOf) else sequence(node):
        found += numbers(inner, scope)
    return found


def _numbers_of_call(node: tree.Name | tree.Call, scope: Scope) -> Numbers:
    word = node.text if isinstance(node, tree.Name) else node.callee.text
    entry = scope.lookup(word)
    if isinstance(entry, BlockCode):
        return Counter({entry.name: 1})
    if isinstance(entry, Variable):
        return Counter({entry: 1} if entry.kind in ("parameter", "let", "knob") else {})
    if entry is not None:
        return Counter()
    if isinstance(node, tree.Call) and node.body is not None:
        pattern = scope.context.patterns.get(word)
        return Counter() if pattern is None else pattern.numbers(node, scope)
    layer = scope.context.table.get(word)
    return Counter() if layer is None else Counter({layer.name: 1})


def most(found: Iterable[Numbers]) -> Numbers:
    """What the largest of several takes, name by name."""
    whole: Numbers = Counter()
    for each in found:
        whole |= each
    return whole


def steps(node: tree.Node, scope: Scope) -> int:
    """How many steps a statement can make: none, one, or ``MANY``. A tensor that a chain begins
    with is none; a layer that is passed on is taken for one."""
    if isinstance(node, tree.Call) and node.body is not None:
        pattern = scope.context.patterns.get(node.callee.text)
        return 1 if pattern is None or pattern.is_part else MANY
    if isinstance(node, (tree.For, tree.Repeat)):
        return MANY
    if bodies := alternatives(node):
        return max(steps(a, scope) for a in bodies)
    if inner := sequence(node):
        return min(MANY, sum(steps(i, scope) for i in _applied(node, inner, scope)))
    nothing = (tree.Let, tree.Require, tree.Default, tree.Output, tree.Body)
    return 0 if isinstance(node, nothing) or _is_identity(node, scope) else 1


def several(node: tree.Node, scope: Scope) -> bool:
    """Whether a body or a chain has several links or statements that make steps. What stands
    within a condition is another's to say: it matters where it is taken."""
    inner = _applied(node, sequence(node), scope)
    return sum(steps(i, scope) > 0 for i in inner) > 1


def _applied(node: tree.Node, inner: tuple[tree.Node, ...], scope: Scope) -> tuple[tree.Node, ...]:
    begins = isinstance(node, tree.Chain) and _is_tensor(inner[0], scope)
    return inner[1:] if begins else inner


def makes_parts(loop: tree.Repeat, scope: Scope) -> bool:
    """Whether each turn is a part of its own: where it makes several steps that do not all have
    labels, and is more than a few plain layers in a row. A side output stands on the main path,
    and in no part; a choice is called by its place, and keeps its name."""
    body = loop.body
    if steps(body, scope) < MANY or any(map(_is_fixed, body.walk())):
        return False
    if all(isinstance(_stated(s), UNNAMED) for s in body.statements):
        return False
    count = loop.count.value if isinstance(loop.count, tree.Literal) else None
    return not (isinstance(count, int) and count < FEW and all(map(_is_plain, body.walk())))


UNNAMED = (tree.Labelled, tree.Let, tree.Require, tree.Default)
FEW = 3


def _is_fixed(node: tree.Node) -> bool:
    chooses = isinstance(node, tree.Call) and node.body and node.callee.text == "choose"
    return isinstance(node, tree.Output) or bool(chooses)


def _stated(node: tree.Node) -> tree.Node:
    return node.statement if isinstance(node, tree.Kept) else node


def _is_plain(node: tree.Node) -> bool:
    pattern = isinstance(node, tree.Call) and node.body is not None
    return not pattern and not isinstance(node, (tree.For, tree.Repeat))


def _is_tensor(node: tree.Node, scope: Scope) -> bool:
    return isinstance(node, tree.Name) and isinstance(scope.lookup(node.text), Variable)


def _is_identity(node: tree.Node, scope: Scope) -> bool:
    return isinstance(node, tree.Name) and node.text == "identity" and not scope.lookup(node.text)


def alternatives(node: tree.Node) -> tuple[tree.Node, ...]:
    """The bodies of which one is taken at most."""
    if isinstance(node, tree.If):
        return node.bodies if node.otherwise is None else (*node.bodies, node.otherwise)
    if isinstance(node, tree.Ternary):
        return node.then, node.otherwise
    if isinstance(node, tree.Match):
        return tuple([arm.value for arm in node.arms])
    return ()


def sequence(node: tree.Node) -> tuple[tree.Node, ...]:
    """What is applied one after the other."""
    if isinstance(node, tree.Chain):
        return node.links
    if isinstance(node, tree.Body):
        return node.statements
    if isinstance(node, tree.Kept):
        return (node.statement,)
    if isinstance(node, tree.Apply):
        return (node.chain,)
    return ()


Running = Callable[["Frame"], None]


def reserving(run: Running, node: tree.Node, scope: Scope) -> Running:
    """An action with alternatives, after which all numbers are taken that any of them takes."""
    found = numbers(node, scope)
    named = Counter({name: n for name, n in found.items() if isinstance(name, str)})
    held = [
        (read(name, scope.unit, node.span), n)
        for name, n in found.items()
        if isinstance(name, Variable)
    ]
    if not found:
        return run

    def reserve(frame: Frame) -> None:
        wanted = named.copy() if held else named
        for get, times in held:
            for name in names_of(_held(get, frame)):
                wanted[name] += times
        counts = frame.b.counts
        least = [(name, counts.get(name, 0) + count) for name, count in wanted.items()]
        run(frame)
        for name, number in least:
            if counts.get(name, 0) < number:
                counts[name] = number

    return reserve


def _held(get: Getter, frame: Frame) -> Any:
    """What a variable holds; nothing where that is not known here."""
    try:
        return get(frame)
    except (Fault, Skip):
        return None


def names_of(value: Any) -> Iterable[str]:
    """The names that a layer's application takes numbers of."""
    if isinstance(value, Preset):
        value = value.callee
    if isinstance(value, Closure):
        return value.code.names
    if isinstance(value, (BlockCode, SharedLayer)):
        return (value.name,)
    return (value.layer.name,) if isinstance(value, LayerRef) else ()
