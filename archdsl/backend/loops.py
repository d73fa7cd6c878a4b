"""Steps of a forward pass that are repeated, and those that give several tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.backend.names import run_stem
from archdsl.backend.pieces import ExpressionPiece, PlanPiece
from archdsl.backend.python import INDENT, Code, Text, expression

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archdsl.backend.forward import Forward


def loop(forward: Forward, value: int, indent: int, last_use: dict[int, int]) -> list[str]:
    """A layer that is repeated many times: its modules in their order, or its code."""
    entry = forward.entries[value - 1]
    pad = INDENT * indent
    source = forward.reference(entry.inputs[0]).flat()
    name = forward.names[value] = forward.name_for(value, last_use)
    out = [] if source == name else [f"{pad}{name} = {source}"]
    if isinstance(forward.instance.pieces[entry.label], ExpressionPiece):
        code = expression(forward.texts[entry.label], [Text(name)])
        out.append(f"{pad}for _ in range({entry.repeat}):")
        return [*out, *code.lines(indent + 1, f"{name} = ")]
    return [*out, *_turns(forward, value, indent, [name], [], name)]


def several(forward: Forward, value: int, indent: int, last_use: dict[int, int]) -> list[str]:
    """A step that gives several tensors: a name for each. Where it is repeated, they are what it
    takes the next time."""
    entry = forward.entries[value - 1]
    picked = range(value + 1, value + 1 + entry.gives)
    names: list[str] = []
    for n in picked:
        wanted = forward.uses[n] > 0 or entry.repeat > 1
        name = forward.name_beside(value, names, last_use) if wanted else "_"
        forward.names[n] = name
        names.append(name)
    piece = forward.instance.pieces[entry.label]
    is_list = isinstance(piece, PlanPiece) and piece.plan.whole
    given = f"({names[0]},)" if is_list and len(names) == 1 else ", ".join(names)
    if entry.repeat == 1:
        return forward.module_call(entry).lines(indent, f"{given} = ")
    sources = [forward.reference(n).flat() for n in entry.inputs]
    taken, others = sources[: entry.gives], sources[entry.gives :]
    out = [] if taken == names else [f"{INDENT * indent}{given} = {', '.join(taken)}"]
    return [*out, *_turns(forward, value, indent, names, others, given)]


def _turns(
    forward: Forward,
    value: int,
    indent: int,
    names: Sequence[str],
    others: Sequence[str],
    given: str,
) -> list[str]:
    """The loop over the modules of a repeated step, or over the uses of a shared one. ``names`` go
    from turn to turn, ``others`` do not change; a turn's result is ``given`` to them."""
    entry = forward.entries[value - 1]
    pad = INDENT * indent
    arguments: list[Code] = [Text(name) for name in (*names, *others)]
    if entry.module is not None:
        head = f"{pad}for _ in range({entry.repeat}):"
        module = forward.module(entry.module)
    else:
        stop = forward.stops.get(entry.label, entry.number + entry.repeat)
        head = f"{pad}for i in range({entry.number}, {stop}):"
        stem = run_stem(entry.base, entry.number, entry.repeat)
        module = f'getattr(self, f"{stem}{{i}}")'
    call = forward.called(entry, module, arguments)
    return [head, *call.lines(indent + 1, f"{given} = ")]
