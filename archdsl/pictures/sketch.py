"""What is drawn of a part when it is open: stacks of layers, blocks, and joins.

Arms of a branch and shortcuts are no boxes of their own: their pieces belong to the part around
them. Layers in a row that go together (a convolution, its normalisation and its activation) are
one stack, and a block that is no more than such a row is drawn as one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from archdsl.analysis.figures import COUNTED
from archdsl.costs.sums import Row
from archdsl.ir.network import Op, Part, Pick, Step, used_by
from archdsl.layers.base import show_shape
from archdsl.pictures.glyphs import (
    Applied,
    DrawnBlock,
    DrawnExit,
    DrawnJoin,
    Glyph,
    Results,
    Sketch,
    Stack,
    Strip,
)
from archdsl.pictures.words import step_name

UNNAMED = ("branch", "shortcut")  # what arms are called that the user gave no name


def sketch(part: Part, use: Applied | None = None) -> Sketch:
    """The pieces of a part."""
    loose: list[Glyph] = []
    sources = [0, *(-i - 1 for i in range(len(part.imports)))]
    values = _poured(part, "", sources, loose, False, use or Applied())

    def value(n: int) -> int:
        return values[n][0] if n >= 0 else sources[-n]

    names = {r.name: r.value for r in part.results}
    names = names or {str(i): n for i, n in enumerate(part.given, 1)}
    result = value(next(iter(names.values()), part.result))
    if len(names) > 1:
        span, before = part.steps[-1].span, len(loose)
        for name, n in names.items():
            shape = part.shape_of(n)
            words = f"{name} {show_shape(shape)}" if part.results else name
            loose.append(DrawnExit(f"[{name}]", (value(n),), shape, span, words=words))
        given = tuple(range(before + 1, len(loose) + 1))
        title = f"{len(given)} tensors"
        loose.append(DrawnJoin(title, given, part.shape, span, layer=Results()))
        result = len(loose)
    whole = Sketch(part.kind, part.input, part.imports, tuple(loose), result)
    return _put_together(whole)


def _pour(
    part: Part, prefix: str, sources: list[int], found: list[Glyph], shortcut: bool, use: Applied
) -> list[int]:
    """Adds the pieces of a part; ``sources`` are its input and its imports. Its results."""
    values = _poured(part, prefix, sources, found, shortcut, use)
    given = part.given or (part.result,)
    return [values[n][0] if n >= 0 else sources[-n] for n in given]


def _poured(
    part: Part, prefix: str, sources: list[int], found: list[Glyph], shortcut: bool, use: Applied
) -> list[list[int]]:
    """Adds the pieces of a part: the values of its input and of its steps."""
    values = [sources[:1]]
    boxes: dict[int, str] = {}  # those that give several tensors, by their steps, with their names
    exits: dict[tuple[int, int], int] = {}
    rows = COUNTED.of_steps(part, use.lent)

    def value(n: int) -> int:
        return values[n][0] if n >= 0 else sources[-n]

    for step in part.steps:
        if isinstance(step.op, Pick):
            place, number = step.inputs[0], step.op.number
            source = values[place]
            if place not in boxes:
                values.append([source[number]])
                continue
            if (place, number) not in exits:
                name = f"{boxes[place]}[{number + 1}]"
                words = f"{number + 1}: {show_shape(step.shape)}"
                found.append(DrawnExit(name, tuple(source), step.shape, step.span, words=words))
                exits[place, number] = len(found)
            values.append([exits[place, number]])
            continue
        inputs = tuple(value(n) for n in step.inputs)
        op = step.op
        _, row, lent = next(rows)
        within = Applied(lent, _module(part, step) or use.shares)
        cut = shortcut or step.name == "shortcut"
        if isinstance(op, Part) and is_arm(step, op):
            values.append(_pour(op, f"{prefix}{step.label}.", list(inputs), found, cut, within))
            continue
        name = prefix + step_name(step)
        found.append(_piece(part, step, name, inputs, cut, row, within))
        if isinstance(op, Part) and len(op.given) > 1:
            boxes[len(values)] = name
        values.append([len(found)])
    return values


def is_arm(step: Step, part: Part) -> bool:
    """Whether a part is no box: its pieces are drawn among the others."""
    alone = step.repeat == 1 and step.weight is None
    return part.kind == "group" and step.name in UNNAMED and alone


def _module(part: Part, step: Step) -> str:
    """The name of the shared module that a step applies; nothing for weights of its own."""
    n = step.module
    return "" if n is None else part.shared[n].name if n >= 0 else part.lent[-n - 1]


def _piece(
    part: Part,
    step: Step,
    name: str,
    inputs: tuple[int, ...],
    cut: bool,
    row: Row,
    use: Applied,
) -> Glyph:
    op, marked = step.op, step.module is not None
    place = step.shape, step.span, step.repeat, step.weight, cut, use.shares
    if isinstance(op, Op):
        if len(inputs) > 1:
            params, _, macs, *_ = row
            return DrawnJoin(name, inputs, *place, layer=op.layer, params=params, macs=macs)
        params = row[0] if marked else row[0] // step.repeat
        return Stack(name, inputs, *place, strips=(_strip(part, step, name, params, use, marked),))
    own = step.name in ("layer", *UNNAMED) or step.name.startswith("column")
    labelled = op.kind != "turn" and not own and step.name != op.name
    if not labelled and step.weight is None and (strips := row_of(op, name + ".", use, marked)):
        return Stack(name, inputs, *place, strips=tuple(strips), whole=True)
    doors = _taken(op) or (0,)
    lines = tuple(inputs[n] for n in doors)
    more: dict[str, Any] = {"params": row[0], "marked": marked, "lent": use.lent}
    return DrawnBlock(name, lines, *place, part=op, labelled=labelled, doors=doors, **more)


def _taken(part: Part) -> tuple[int, ...]:
    """The operands that a part makes use of: one that has imports may not look at its input."""
    used = {part.result, *part.given, *(n for s in part.steps for n in used_by(s))}
    return tuple(k for k in range(len(part.imports) + 1) if -k in used)


def _strip(part: Part, step: Step, name: str, params: int, use: Applied, marked: bool) -> Strip:
    assert isinstance(step.op, Op)
    each, _, macs, *_ = COUNTED.of_step(part, step)
    layer, before = step.op.layer, part.shape_of(step.inputs[0])
    shares = use.shares if each or layer.is_tied else ""
    marked = marked and bool(shares)
    return Strip(name, layer, before, step.shape, params, macs, step.span, shares, marked)


def row_of(
    part: Part, prefix: str, use: Applied | None = None, marked: bool = False
) -> list[Strip]:
    """The layers of a part that is one row with at most one that is not light; else nothing."""
    use = use or Applied()
    found: list[Strip] = []
    if (
        part.imports
        or part.given
        or part.result != len(part.steps)
        or part.kind not in ("block", "group")
    ):
        return []
    for i, step in enumerate(part.steps):
        if step.inputs != (i,) or step.repeat > 1 or step.weight is not None:
            return []
    for step, row, lent in COUNTED.of_steps(part, use.lent):
        within = Applied(lent, _module(part, step) or use.shares)
        mark = marked or step.module is not None
        if isinstance(step.op, Op):
            found.append(_strip(part, step, prefix + step.label, row[0], within, mark))
        elif inner := row_of(step.op, f"{prefix}{step.label}.", within, mark):
            found.extend(inner)
        else:
            return []
    return found if sum(not s.light for s in found) <= 1 else []


# ------------------------------------------------------------------------- put together


def _put_together(whole: Sketch) -> Sketch:
    """The same with rows of layers as stacks, and rows of blocks that are alike as one."""
    groups = list(_groups(whole))
    numbers = {0: 0, **{-i - 1: -i - 1 for i in range(len(whole.imports))}}
    for place, group in enumerate(groups):
        numbers[group[-1] + 1] = place + 1
    pieces = [
        replace(piece, inputs=tuple(numbers[n] for n in piece.inputs))
        for group in groups
        for piece in [_one([whole.pieces[n] for n in group])]
    ]
    return replace(whole, pieces=tuple(pieces), result=numbers[whole.result])


def _one(group: list[Glyph]) -> Glyph:
    first, last = group[0], group[-1]
    if isinstance(first, Stack):
        strips = tuple(s for p in group if isinstance(p, Stack) for s in p.strips)
        return replace(first, shape=last.shape, strips=strips)
    if len(group) == 1:
        return first
    name = first.name.partition("-")[0] + "-" + re.sub(r".*\D", "", last.name)
    whole = replace(first, name=name, repeat=sum(p.repeat for p in group))
    assert isinstance(whole, DrawnBlock)
    return replace(whole, params=sum(p.params for p in group if isinstance(p, DrawnBlock)))


def _groups(whole: Sketch) -> Iterator[list[int]]:
    """The places of pieces that make one box, in their order."""
    uses = whole.uses()
    row: list[int] = []
    for place, piece in enumerate(whole.pieces):
        goes_on = bool(row) and piece.inputs == (row[-1] + 1,) and uses[row[-1] + 1] == 1
        if row and not (goes_on and _belongs(whole.pieces[row[-1]], piece)):
            yield from _divided(whole, row)
            row = []
        row.append(place)
    yield from _divided(whole, row)


def _belongs(before: Glyph, piece: Glyph) -> bool:
    """Whether a piece may share a box with the one before it."""
    if isinstance(before, DrawnBlock) and isinstance(piece, DrawnBlock):
        plain = before.side is None and piece.side is None and before.shares == piece.shares
        named = before.labelled or piece.labelled or "turn" in (before.part.kind, piece.part.kind)
        return plain and not named and alike(before.part, piece.part)
    return _is_loose(before) and _is_loose(piece)


def alike(a: Part, b: Part, but_for: tuple[str, ...] = ("drop", "join")) -> bool:
    """Whether two parts differ in nothing but the arguments of such kinds of layers: in rates
    of dropping, unless told otherwise."""
    if a is b:
        return True
    if (a.kind, a.name, a.input, a.imports, len(a.steps)) != (
        *(b.kind, b.name, b.input, b.imports),
        len(b.steps),
    ):
        return False
    return all(
        (x.inputs, x.shape, x.repeat, x.weight) == (y.inputs, y.shape, y.repeat, y.weight)
        and _same(x.op, y.op, but_for)
        for x, y in zip(a.steps, b.steps, strict=True)
    )


def _same(a: Op | Part, b: Op | Part, but_for: tuple[str, ...]) -> bool:
    if isinstance(a, Part) or isinstance(b, Part):
        return isinstance(a, Part) and isinstance(b, Part) and alike(a, b, but_for)
    if isinstance(a, Pick) or isinstance(b, Pick):
        return a is b
    near = a.layer.kind in but_for and type(a.layer) is type(b.layer)
    return near or a.layer == b.layer


def _is_loose(piece: Glyph) -> bool:
    return isinstance(piece, Stack) and piece.repeat == 1 and piece.side is None


def _divided(whole: Sketch, row: list[int]) -> Iterator[list[int]]:
    """A row of layers as boxes: each with one layer that is not light. As the row begins, with a
    normalisation or without, the light ones stand before it or after it."""
    if not row or not _is_loose(whole.pieces[row[0]]):
        yield from [row] if row else []
        return
    stacks = [p for n in row if isinstance(p := whole.pieces[n], Stack)]
    light = [not p.whole and all(s.light for s in p.strips) for p in stacks]
    leads = light[0] and stacks[0].strips[0].layer.kind == "norm" and not all(light)
    last = max((i for i, is_light in enumerate(light) if not is_light), default=-1)
    group: list[int] = []
    heavy = False  # whether the group has a layer that is not light
    for i, (place, is_light) in enumerate(zip(row, light, strict=True)):
        starts = heavy and i <= last if leads else not is_light
        if group and starts:
            yield group
            group, heavy = [], False
        group.append(place)
        heavy = heavy or not is_light
    yield group
