"""What holds of every network, and whether it holds of one.

Of each part: its steps come after what they use, every shape is what the layer or the part makes of
its operands, a side output is used by nothing, everything else by something; no two steps have one
name; and what a part says of itself (size, levels, the numbers that a turn takes) is so. All
tests run under it, so whoever changes how networks are made is told where one is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.ir.naming import numbered_names
from archdsl.ir.network import Network, Part, Pick, Step, is_spare
from archdsl.layers.base import Misfit, shape_of, show_shape, show_shapes
from archdsl.layers.join import Join

GIVING = ("block", "group", "turn")  # what may give several tensors
KINDS = ("arch", "block", "group", "dense", "fractal", "output", "turn")


def verify(network: Network) -> None:
    """Raises ``ArchError`` (A009) at the first thing that does not hold of a network."""
    for part in network.root.parts():
        for problem in problems(part):
            raise ArchError([diagnose(codes.BAD_GRAPH, reason=f"in `{part.name}`: {problem}")])
    root = network.root
    if root.kind != "arch" or len(root.imports) != len(network.inputs) - 1 or not root.steps:
        reason = f"its root is of kind {root.kind}, with {len(root.imports)} imports"
        raise ArchError([diagnose(codes.BAD_GRAPH, reason=reason)])
    names = network.inputs
    if len(set(names)) < len(names) or ("" in names and len(names) > 1):
        reason = f"its inputs are called {list(names)}"
        raise ArchError([diagnose(codes.BAD_GRAPH, reason=reason)])


def problems(part: Part) -> Iterator[str]:
    """What does not hold of a part, those within it being right."""
    if part.kind not in KINDS:
        yield f"there is no kind `{part.kind}`"
    if not part.steps:
        yield "it has no steps"
    used = {part.result, *part.given, *(result.value for result in part.results)}
    for place, step in enumerate(part.steps):
        wrong = [n for n in step.inputs if not -len(part.imports) <= n <= place]
        if wrong or not step.inputs:
            yield f"step {place + 1} uses values {list(step.inputs)}, of {place} before it"
            return
        used.update(step.inputs)
        yield from _step(part, step)
    for value in (part.result, *part.given, *(result.value for result in part.results)):
        if not -len(part.imports) <= value <= len(part.steps):
            yield f"its result is value {value}, of {len(part.steps)}"
            return
    if any(_gives(part, n) for n in (part.result, *part.given)):
        yield "its result is several"
    if part.results:
        names = [result.name for result in part.results]
        if part.kind != "arch" or len(set(names)) < len(names):
            yield f"it gives {names}"
        if part.result not in [result.value for result in part.results]:
            yield "its result is not one of those that it gives"
    if part.given and (part.given[0] != part.result or part.kind not in GIVING):
        yield f"of kind {part.kind}, it gives {list(part.given)}, and its result is {part.result}"
    if part.shape != part.shape_of(part.result):
        yield f"it says {show_shape(part.shape)}, and gives {_shown(part, (part.result,))}"
    for place, step in enumerate(part.steps, 1):
        if is_spare(part.steps, step):
            continue
        if (place in used) == (step.weight is not None):
            yield f"`{step.label}` is used by {'something' if place in used else 'nothing'}"
    unused = [n for n in range(1, len(part.imports) + 1) if -n not in used]
    if unused:
        yield f"its imports {unused} are used by nothing"
    yield from _sharing(part)
    yield from _said(part)


def _sharing(part: Part) -> Iterator[str]:
    """What does not hold of the modules that several steps apply."""
    names = [shared.name for shared in part.shared]
    if len(set(names)) < len(names):
        yield f"it has shared modules {names}"
    used: set[int] = set()
    for step in part.steps:
        lent = len(step.op.lent) if isinstance(step.op, Part) else 0
        if len(step.lends) != lent:
            yield f"`{step.label}` takes {lent} modules, and is given {len(step.lends)}"
        numbers = {*step.lends, *(() if step.module is None else (step.module,))}
        if any(not -len(part.lent) <= n < len(part.shared) for n in numbers):
            yield f"`{step.label}` uses the modules {sorted(numbers)}, which are not there"
        used |= numbers
    there = {*range(len(part.shared)), *(-i - 1 for i in range(len(part.lent)))}
    if there - used:
        yield f"its modules {sorted(there - used)} are used by nothing"


def _shown(part: Part, values: tuple[int, ...]) -> str:
    return show_shapes([part.shape_of(n) for n in values])


def _step(part: Part, step: Step) -> Iterator[str]:
    shapes = tuple([part.shape_of(n) for n in step.inputs])
    op = step.op
    gives = tuple(map(op.shape_of, op.given)) if isinstance(op, Part) else ()
    if step.repeat > 1 and gives != shapes[: len(gives)]:
        yield f"`{step.label}` is {step.repeat} times in a row, and does not give what it takes"
    if any(_gives(part, n) for n in step.inputs) != isinstance(op, Pick):
        yield f"`{step.label}` takes several results as one, or picks one of one"
    if isinstance(op, Pick):
        yield from _picked(part, step, op)
        return
    if step.repeat < 1 or (step.repeat > 1 and step.shape != shapes[0]):
        yield f"`{step.label}` is {step.repeat} times in a row, of another shape than its input"
    if (step.weight is not None) != (isinstance(op, Part) and op.kind == "output"):
        yield f"`{step.label}` has the weight {step.weight}"
    if isinstance(op, Part):
        if shapes != (op.input, *op.imports):
            takes = show_shapes((op.input, *op.imports))
            yield f"`{step.label}` takes {takes}, and is given {show_shapes(shapes)}"
        if step.shape != op.shape:
            yield f"`{step.label}` says {show_shape(step.shape)}, and gives {show_shape(op.shape)}"
        return
    if len(shapes) > 1 and not isinstance(op.layer, Join):
        yield f"`{step.label}` is not a join, but has {len(shapes)} operands"
        return
    try:
        shape = shape_of(op.layer, shapes)
    except Misfit as misfit:
        yield f"`{step.label}`: {misfit}"
        return
    if shape != step.shape:
        yield f"`{step.label}` says {show_shape(step.shape)}, and gives {show_shape(shape)}"


def _gives(part: Part, value: int) -> tuple[int, ...]:
    """The values of several results, where a value is such."""
    op = part.steps[value - 1].op if value > 0 else None
    return op.given if isinstance(op, Part) else ()


def _picked(part: Part, step: Step, op: Pick) -> Iterator[str]:
    """What does not hold of a step that takes one of several results."""
    source = part.steps[step.inputs[0] - 1].op if step.inputs[0] > 0 else None
    if not isinstance(source, Part) or len(step.inputs) != 1 or step.repeat != 1:
        return
    if op.number >= len(source.given) or step.shape != source.shape_of(source.given[op.number]):
        yield f"the {op.number + 1}. result of `{source.name}` is not {show_shape(step.shape)}"


def _said(part: Part) -> Iterator[str]:
    """What a part says of itself, and is not so."""
    size = sum(step.size * step.repeat for step in part.steps)
    if part.size != size:
        yield f"it says {part.size} layers and has {size}"
    levels = 1 + max((step.op.levels for step in part.steps), default=0)
    if part.levels != levels:
        yield f"it says {part.levels} levels and has {levels}"
    if part.kind == "turn":  # its names are those of the part around it
        taken: Counter[str] = Counter()
        for step in part.steps:
            op = step.op
            if isinstance(op, Pick):
                continue
            within = op.counts if isinstance(op, Part) and op.kind == "turn" else {step.name: 1}
            for name, count in within.items():
                taken[name] += count * step.repeat
        if any(count > part.counts.get(name, 0) for name, count in taken.items()):
            yield f"it says that a turn takes the numbers {part.counts}, and takes {dict(taken)}"
        return
    seen: set[str] = set()
    for name, _ in numbered_names(part.steps, {}):
        if name in seen:
            yield f"two of its steps are called `{name}`"
        seen.add(name)
