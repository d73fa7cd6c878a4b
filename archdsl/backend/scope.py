"""A part as the backend sees it: what one Python class, or one sequence, will hold."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field

from archdsl.backend.names import run_stem, unnumbered
from archdsl.diagnostics.source import Span
from archdsl.ir.network import Op, Part, Pick, Step, pick
from archdsl.layers.base import Layer, Module, Shape

UNROLLED = 3  # repetitions that are written out where they are no part of a sequence
OF_SEVERAL = 2  # those of a part that hands several tensors on
SHORTCUT = "shortcut"  # always a module: other instances of its block may have none


@dataclass(slots=True)
class Entry:
    """A step of a scope. ``inputs`` are value numbers, as in ``Step``."""

    label: str
    name: str
    number: int
    op: Op | Part
    inputs: tuple[int, ...]
    inputs_shapes: tuple[Shape, ...]
    shape: Shape
    span: Span
    repeat: int = 1
    weight: float | None = None
    module: int | None = None  # the shared module that is called: its own part's, or of ``lent``
    gives: int = 0  # how many results it has, if it is a part with several; each is picked
    is_loop: bool = False  # it is written as one, however often it is repeated
    lends: tuple[int, ...] = ()  # those that a part's code calls, in the order of its ``lent``

    @property
    def layer(self) -> Layer | None:
        return self.op.layer if isinstance(self.op, Op) else None

    @property
    def picks(self) -> bool:
        """Whether it is one of several results, and nothing that runs."""
        return isinstance(self.op, Pick)

    @property
    def base(self) -> str:
        """The label without its number."""
        return unnumbered(self.label, self.number)


@dataclass(slots=True)
class Unrolled:
    """The steps of a part: turns of loops written out, parts without modules put in place."""

    part: Part
    entries: list[Entry] = field(default_factory=list)
    result: int = 0
    results: tuple[int, ...] = ()  # of a network, or a part, with several
    lent: tuple[str, ...] = ()  # the modules from outside that its code calls; -1 is the first
    runs: Container[str] = frozenset()  # the labels of steps that are loops

    def uses(self) -> list[int]:
        """How often each value is used, from the input on; imports do not count."""
        counts = [0] * (len(self.entries) + 1)
        for entry in self.entries:
            if entry.picks:
                continue  # where it stands, each is picked
            for n in entry.inputs:
                if n >= 0:
                    counts[n] += 1
        for n in self.results or (self.result,):
            if n >= 0:
                counts[n] += 1
        return counts

    @property
    def labels(self) -> set[str]:
        return {e.label for e in self.entries}

    @property
    def is_chain(self) -> bool:
        """Whether every step takes what the one before it gives."""
        straight = all(e.inputs == (i,) for i, e in enumerate(self.entries))
        alone = not self.part.imports and not self.part.shared and not self.lent
        return straight and self.result == len(self.entries) and alone and not self.results


def scope_of(part: Part, unroll: bool = True, runs: Container[str] = frozenset()) -> Unrolled:
    """The scope of a part. Without ``unroll`` repetitions stay folded, as a sequence has them;
    ``runs`` are the labels of steps that stay so, even if they are there once."""
    scope = Unrolled(part, runs=runs)
    imports = [-i - 1 for i in range(len(part.imports))]
    called = borrowed(part)
    scope.lent = tuple([part.lent[i] for i in called])
    numbers = {-i - 1: -place - 1 for place, i in enumerate(called)}
    values = _values(scope, part, 0, imports, _Inside(numbers), {}, unroll)

    def place(n: int) -> int:
        return values[n] if n >= 0 else n

    scope.result = place(part.result)
    given = part.given or [result.value for result in part.results]
    scope.results = tuple(map(place, given))
    return scope


@dataclass(frozen=True, slots=True)
class _Inside:
    """What is known of a part within a scope: the numbers that shared modules from outside have in
    the scope, and how its labels begin. Its own are those of the scope's part, or none."""

    numbers: Mapping[int, int]
    prefix: str = ""

    def module(self, number: int) -> int:
        return self.numbers[number] if number < 0 else number

    def lent(self, step: Step) -> dict[int, int]:
        """The numbers that the modules have in the scope which a step lends its part."""
        assert isinstance(step.op, Part)
        return {-i - 1: self.module(step.lends[i]) for i in borrowed(step.op)}


def _fill(
    scope: Unrolled,
    part: Part,
    source: int,
    imports: Sequence[int],
    at: _Inside,
    offsets: Mapping[str, int],
    unroll: bool,
) -> list[int]:
    """Adds a part's steps to a scope; the numbers of its results there."""
    values = _values(scope, part, source, imports, at, offsets, unroll)
    given = part.given or (part.result,)
    return [values[n] if n >= 0 else imports[-n - 1] for n in given]


def _values(
    scope: Unrolled,
    part: Part,
    source: int,
    imports: Sequence[int],
    at: _Inside,
    offsets: Mapping[str, int],
    unroll: bool,
) -> list[int]:
    """Adds a part's steps to a scope: the numbers of its input and of its steps' results there."""
    values = [source]
    several: dict[int, list[int]] = {}  # the results of steps that give several, by their places
    prefix = at.prefix
    for step in part.steps:
        if isinstance(step.op, Pick):
            values.append(several[step.inputs[0]][step.op.number])
            continue
        inputs = [values[n] if n >= 0 else imports[-n - 1] for n in step.inputs]
        shapes = tuple(part.shape_of(n) for n in step.inputs)
        op = step.op
        if isinstance(op, Part) and (op.kind == "turn" or is_stateless(op)):
            for copy in range(step.repeat):
                moved, inner = dict(offsets), prefix
                if op.kind == "turn":
                    for name, count in op.counts.items():
                        moved[name] = moved.get(name, 0) + copy * count
                else:
                    moved, inner = {}, f"{prefix}{step.label}_"
                within = _Inside(at.lent(step), inner)
                made = _fill(scope, op, inputs[0], inputs[1:], within, moved, unroll)
                inputs = [*made, *inputs[len(made) :]]
            several[len(values)] = made
            values.append(made[0])
            continue
        if is_idle(op, shapes):
            values.append(inputs[0])
            continue
        number = step.number + offsets.get(step.name, 0)
        fold = not unroll
        several_on = isinstance(op, Part) and bool(op.given)
        if unroll and step.repeat > (OF_SEVERAL if several_on else UNROLLED):
            base = unnumbered(prefix + step.numbered(number), number)
            fold = run_stem(base, number, step.repeat) is not None
        is_loop = unroll and prefix + step.numbered(number) in scope.runs
        fold = fold or is_loop
        for copy in range(1 if fold else step.repeat):
            entry = _entry(step, number + copy, inputs, shapes, prefix)
            entry.repeat = step.repeat if fold else 1
            entry.is_loop = is_loop or entry.repeat > 1
            if step.module is not None and is_called(step, shapes):
                entry.module = at.module(step.module)
            if isinstance(op, Part):
                entry.lends = tuple(at.lent(step).values())
            scope.entries.append(entry)
            made = [len(scope.entries)]
            if isinstance(op, Part) and op.given:
                made = several[len(values)] = _picked(scope, entry, op)
            inputs = [*made, *inputs[len(made) :]]
        if step.weight is None:
            values.append(inputs[0])
        else:
            values.append(values[step.inputs[0]] if step.inputs[0] >= 0 else source)
    return values


def _picked(scope: Unrolled, entry: Entry, part: Part) -> list[int]:
    """Adds the results of a step that gives several; their numbers."""
    entry.gives = len(part.given)
    made, found = len(scope.entries), []
    for number, value in enumerate(part.given):
        name, shape = f"{entry.label}#{number}", part.shape_of(value)
        scope.entries.append(
            Entry(name, name, 1, pick(number), (made,), (entry.shape,), shape, entry.span)
        )
        found.append(len(scope.entries))
    return found


def _entry(
    step: Step, number: int, inputs: Sequence[int], shapes: tuple[Shape, ...], prefix: str
) -> Entry:
    label = prefix + step.numbered(number)
    made = Entry(label, step.name, number, step.op, tuple(inputs), shapes, step.shape, step.span)
    made.weight = step.weight
    return made


def is_idle(op: Op | Part | Pick, inputs: tuple[Shape, ...]) -> bool:
    """Whether a step gives back its first input: a layer that does nothing for these shapes, or a
    part of such, as a block that pads by nothing. It then is no code."""
    if isinstance(op, Op):
        return op.layer.does_nothing(*inputs)
    if isinstance(op, Pick) or op.given or op.shared or op.name == SHORTCUT:
        return False
    return op.result == len(op.steps) > 0 and all(
        step.inputs[:1] == (place,)
        and step.module is None
        and step.weight is None
        and is_idle(step.op, tuple(op.shape_of(n) for n in step.inputs))
        for place, step in enumerate(op.steps)
    )


def is_called(step: Step, inputs: tuple[Shape, ...]) -> bool:
    """Whether the code of a step names its shared module: not where it is code alone."""
    if isinstance(step.op, Part):
        return not is_stateless(step.op)
    code = step.op.layer.torch(*inputs)
    named = isinstance(code, Module) or "{module}" in code.text
    return named and not step.op.layer.does_nothing(*inputs)


def borrowed(part: Part) -> tuple[int, ...]:
    """Which of the modules that a part is lent its code calls, by their places."""
    found: tuple[int, ...] | None = part.figures.get(borrowed)
    if found is None:
        numbers: set[int] = set()
        for step in part.steps:
            if isinstance(step.op, Part):
                numbers.update(step.lends[i] for i in borrowed(step.op))
            shapes = tuple(part.shape_of(n) for n in step.inputs)
            if step.module is not None and is_called(step, shapes):
                numbers.add(step.module)
        found = part.figures[borrowed] = tuple(sorted(-n - 1 for n in numbers if n < 0))
    return found


def takes_input(part: Part, whole: Container[int]) -> bool:
    """Whether a part works on its input, and not on tensors from outside alone. Of blocks that are
    translated from their text (``whole``) that is not known yet: they count as if they did."""
    if not part.imports or id(part.definition) in whole:
        return True
    scope = scope_of(part)
    if 0 in (scope.result, *scope.results):
        return True
    for entry in scope.entries:
        if entry.picks or 0 not in entry.inputs:
            continue
        inner = entry.op if isinstance(entry.op, Part) else None
        if inner is None or 0 in entry.inputs[1:] or takes_input(inner, whole):
            return True
    return False


def is_stateless(part: Part) -> bool:
    """Whether a labelled part is made of expressions alone, so that no module is needed."""
    if part.kind != "group" or part.name == SHORTCUT or part.shared:
        return False
    for step in part.steps:
        if isinstance(step.op, Pick):
            continue
        if step.module is not None:
            continue
        if isinstance(step.op, Part):
            if not is_stateless(step.op):
                return False
        else:
            shapes = tuple(part.shape_of(n) for n in step.inputs)
            if isinstance(step.op.layer.torch(*shapes), Module):
                return False
    return True


# Layers whose result may be overwritten: their backward pass does not need it.
OVERWRITABLE = frozenset(("conv", "linear", "norm", "join"))


def may_overwrite(scope: Unrolled, place: int, uses: Sequence[int]) -> bool:
    """Whether a step may work in place on its input: nobody else uses it, and what made it
    does not need it again, as a turn of the step before would."""
    entry = scope.entries[place]
    source = entry.inputs[0]
    layer = entry.layer
    if layer is None or not layer.inplace or layer.kind != "activation" or source <= 0:
        return False
    if entry.is_loop:
        return False
    made = scope.entries[source - 1]
    maker = made.layer
    if uses[source] != 1 or maker is None or made.weight is not None:
        return False
    if maker.kind == "join" and len(made.inputs) == 1:
        return False  # it may be the tensor that came in
    return maker.kind in OVERWRITABLE and maker.overwritable


def needs_flat(entry: Entry, shape: Shape) -> bool:
    """Whether a layer needs its input as a vector: PyTorch's linear layer does."""
    return entry.layer is not None and entry.layer.kind == "linear" and len(shape) > 1
