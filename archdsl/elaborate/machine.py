"""What runs while a candidate is elaborated: the frame of a body, the part being built,
and the machine that bounds, remembers and reports."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import MOST, Diagnostic, Fault, Kind, TrailFrame, diagnose
from archdsl.diagnostics.source import Span
from archdsl.elaborate.builder import PartBuilder
from archdsl.elaborate.code import BlockCode
from archdsl.elaborate.equality import key
from archdsl.elaborate.fits import fit
from archdsl.elaborate.values import (
    COSTLY,
    HOLDERS,
    Closure,
    Preset,
    SharedLayer,
    Tensor,
    Tensors,
    calls_blocks,
    each,
    one,
    show,
    weigh,
)
from archdsl.elaborate.work import MAX_STEPS, MAX_WORK
from archdsl.ir.network import Choice, Op, Part, Shared
from archdsl.layers.base import Layer, Shape

if TYPE_CHECKING:
    from archdsl.elaborate.code import Action, BodyCode

FAULT = 50  # the work of saying what is wrong
MAX_SIZE = 25_000  # layers and joins of a network
MAX_DEPTH = 40  # blocks within blocks
MAX_LEVELS = 100  # parts within parts
MAX_KEPT = 50_000  # layers remembered between candidates

UNSET: Any = object()

# Answers a `choose` by its path, its options and its place: with the number of an option, or
# with nothing, which tries them all.
Decide = Callable[[str, Sequence[str], Span], int | None]


class Skip(Exception):
    """What was asked for depends on a tensor whose mistake has been reported already."""


class StopElaboration(Exception):
    """Elaboration cannot go on: a limit is reached, or only the first mistake is wanted."""


class OptionsDiffer(Exception):
    """The options of a choice leave different shapes, or different modules of what is shared:
    each has to be followed by itself."""

    def __init__(self, path: str, options: Sequence[int]) -> None:
        """``options``: one of each kind, by number."""
        super().__init__(path)
        self.path = path
        self.options = options


class Turn:
    """A loop's counter, which notes what the body looks at.

    As long as it is only compared, the turns up to ``until`` run alike and need not run.
    """

    __slots__ = ("exact", "until", "value")

    def __init__(self, value: int, until: int) -> None:
        self.value = value
        self.until = until
        self.exact = False

    def read(self) -> int:
        self.exact = True
        return self.value

    def change_at(self, value: int) -> None:
        if self.value < value < self.until:
            self.until = value


class Frame:
    """The variables of one body, the current tensor, and the part that is being built."""

    __slots__ = ("b", "g", "m", "v", "x")

    def __init__(
        self, m: Machine, b: PartBuilder, v: list[Any], g: list[Any], x: Tensor | None
    ) -> None:
        self.m = m
        self.b = b
        self.v = v  # the body's own variables
        self.g = g  # those of its file
        self.x = x  # None after a mistake: what follows cannot be judged

    def here(self, span: Span | None = None) -> Tensor:
        """The current tensor, for whoever looks at it; raises ``Skip`` where a mistake has made
        it unknown, and a fault where there are several."""
        return one(self.now(), span)

    def now(self) -> Tensor:
        """The current tensor, or the several; raises ``Skip`` after a mistake."""
        if self.x is None:
            raise Skip
        return self.x


HAS_CODE = frozenset((Closure, Preset, BlockCode, tuple))  # values that may run code of their own
Noted = tuple[str, Span, list[tuple[str, Any]]]  # a block, part or turn, where, its arguments


class Deeper:
    """One level of blocks more (or none), for the time of a ``with``."""

    __slots__ = ("levels", "machine", "noted")

    def __init__(self, machine: Machine, noted: Noted | None, levels: int = 1) -> None:
        self.machine = machine
        self.noted = noted
        self.levels = levels

    def __enter__(self) -> None:
        self.machine.depth += self.levels
        if self.noted is not None:
            self.machine.trail.append(self.noted)

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.machine.depth -= self.levels
        if self.noted is not None:
            if isinstance(error, Fault):
                error.diagnostic = self.machine.placed(error.diagnostic)
            self.machine.trail.pop()


class Machine:
    """One elaboration of one candidate."""

    def __init__(
        self,
        decide: Decide,
        memo: dict[Any, Part],
        ops: dict[Layer | type[Layer], Op],
        first_only: bool = False,
        fuel: int = MAX_STEPS,
    ) -> None:
        self.decide = decide
        self.memo = memo  # block applications met before, in this candidate or another
        self.ops = ops
        self.groups: dict[Any, Part] = {}  # labelled parts of this candidate
        self.first_only = first_only
        self.whole = self.fuel = fuel  # what may be spent, and what is left of it
        self.built = 0  # blocks that were not remembered
        self.saved = 0  # of what was spent: work that was remembered, and not done again
        self.found: list[Diagnostic] = []
        self.depth = 0
        self.trail: list[Noted] = []
        self.knobs: dict[str, Any] = {}
        self.choices: list[Choice] = []
        self.options = 0  # of the choices met so far
        self.given_input: Shape | None = None  # instead of what `input` says of the first
        self.inputs: tuple[str, ...] = ("",)  # names of what comes in
        self.results: dict[str, tuple[Tensor, float]] = {}  # named, with their weights in the loss
        self.effects = 0  # choices and outputs met so far: turns with some never run alike
        self.shared_made: dict[tuple[SharedLayer, Shape], Any] = {}  # what each is for a shape
        self.shared_first: dict[SharedLayer, Shared] = {}  # where each was applied first
        self.held = 0  # numbers for tensors that go from turn to turn
        self.files: list[list[Any]] = []  # the variables of each file
        self.top: list[int] = []  # the slots of the first file's that are visible everywhere

    def spend(self, amount: int, span: Span | None) -> None:
        """Counts work; raises ``StopElaboration`` at more than any network takes."""
        self.fuel -= amount
        if self.fuel < 0:
            limit = MAX_STEPS if self.whole == MAX_STEPS else MAX_WORK
            self.stop(codes.TOO_MUCH_WORK, span, limit=limit)

    @property
    def done(self) -> int:
        """The work that was done."""
        return self.whole - self.fuel - self.saved

    def stop(self, kind: Kind, span: Span | None, **fields: object) -> None:
        self.report(diagnose(kind, span, fields=fields))
        raise StopElaboration

    def report(self, diagnostic: Diagnostic) -> None:
        """Notes a mistake, once for each place, with the blocks and knobs that led to it."""
        place = diagnostic.span
        for known in self.found:
            if known.kind is diagnostic.kind and known.span == place:
                return
        self.found.append(self.placed(diagnostic))
        if self.first_only or len(self.found) > MOST:
            raise StopElaboration

    def placed(self, diagnostic: Diagnostic) -> Diagnostic:
        """The diagnostic with the blocks that led to it, which it may have already."""
        if diagnostic.trail:
            return diagnostic
        trail = [
            TrailFrame(name, span, {k: show(v) for k, v in arguments})
            for name, span, arguments in self.trail
        ]
        return diagnostic.within(trail, self.decided())

    def decided(self) -> dict[str, str]:
        """The knobs and the choices met so far, as they would be written."""
        knobs = {k: show(v) for k, v in self.knobs.items()}
        return knobs | {c.path: c.options[c.chosen] for c in self.choices}

    def deeper(self, name: str, span: Span) -> Deeper:
        """Bounds how deep blocks, functions and passed layers stand in each other: a context."""
        if self.depth >= MAX_DEPTH:
            self.stop(codes.TOO_DEEP, span, limit=MAX_DEPTH, name=name)
        return Deeper(self, None)

    def entered(self, name: str, span: Span, arguments: list[tuple[str, Any]]) -> Deeper:
        """``deeper``, noting the block or labelled part that is being worked on."""
        if self.depth >= MAX_DEPTH:
            self.stop(codes.TOO_DEEP, span, limit=MAX_DEPTH, name=name)
        return Deeper(self, (name, span, arguments))

    def turn(self, i: int, count: int, span: Span, items: list[tuple[str, Any]]) -> Deeper:
        """Notes the turn of a loop, and what its variables are."""
        return Deeper(self, (f"turn {i} of {count}", span, items), 0)

    def key(self, values: tuple[Any, ...], span: Span) -> Hashable:
        """What is remembered of these values is found by this (see ``archdsl.elaborate.equality``).
        To look something up goes through all that they hold, which is counted as work."""
        kinds = tuple(map(type, values))
        if not COSTLY.isdisjoint(kinds):
            self.spend(4 * len(values), span)
        if not HOLDERS.isdisjoint(kinds):
            self.spend(weigh(values, span), span)
        return key(values)

    def context_of(self, values: tuple[Any, ...], span: Span) -> Hashable:
        """What else the code of layers among the values may depend on."""
        if HAS_CODE.isdisjoint(map(type, values)) or not any(map(calls_blocks, values)):
            return None
        own = self.files[0]
        found = [own[s] for s in self.top if not isinstance(own[s], (Tensor, SharedLayer))]
        self.spend(sum(weigh((v,), span) for v in found) // 2, span)
        return key(tuple(found))

    def shared(self, part: Part) -> Part:
        """The one object for equal labelled parts of one place in the text."""
        steps = tuple(
            [
                (id(s.op), s.inputs, s.name, s.number, s.repeat, s.weight, s.plain, s.span)
                for s in part.steps
            ]
        )
        uses = tuple([(s.module, s.lends) for s in part.steps])
        modules = uses, part.lent, tuple([(s.name, id(s.op), s.inputs) for s in part.shared])
        given = part.given or part.result
        alike = (part.kind, part.name, part.input, part.imports, steps, given, modules)
        return self.groups.setdefault(alike, part)

    def intern(self, layer: Layer) -> Op:
        """The one op for equal layers."""
        op = self.ops.get(layer)
        if op is None:
            if len(self.ops) > MAX_KEPT:
                self.ops.clear()
            op = self.ops[layer] = Op(layer)
        return op

    def attempt(self, action: Action, frame: Frame) -> None:
        """Runs an action. A mistake is noted, and makes the current tensor unknown."""
        try:
            action(frame)
        except Fault as error:
            frame.x = None
            self.spend(FAULT, error.diagnostic.span)
            self.report(error.diagnostic)
        except Skip:
            frame.x = None

    def run(self, body: BodyCode, frame: Frame) -> None:
        """Runs the statements of a body one after the other."""
        self.spend(body.weight, body.span)
        if body.several:
            frame.b.several = True
        for statement in body.statements:
            self.attempt(statement.run, frame)

    def choose(
        self, path: str, names: tuple[str, ...], options: list[Action], frame: Frame, span: Span
    ) -> None:
        """Applies the option that is decided on, and notes the choice."""
        chosen = self.decide(path, names, span)
        self.options += len(names)
        if chosen is None:
            self.explore(path, names, options, frame, span)
        else:
            self.choices.append(Choice(path, names, chosen, span))
            options[chosen](frame)

    def explore(
        self, path: str, names: tuple[str, ...], options: list[Action], frame: Frame, span: Span
    ) -> None:
        """Tries every option; goes on with the first where all leave the same shape, and the same
        shared modules for what follows."""
        x, builder = frame.now(), frame.b
        first, made = self.shared_first, self.shared_made
        left: dict[Any, int] = {}  # an option for all that is left behind
        for chosen in reversed(range(len(options))):
            del builder.steps[:], builder.shared[:], builder.borrows[:]
            del builder.imports[builder.takes - 1 :]
            self.shared_first, self.shared_made = dict(first), dict(made)
            builder.counts.clear()
            builder.size, frame.x = 0, x
            met = len(self.choices)
            self.choices.append(Choice(path, names, chosen, span))
            with self.deeper(f"the option `{names[chosen]}`", span):
                options[chosen](frame)
            new = [v for v in self.shared_first if v not in first and not builder.holds(v.builder)]
            modules = [(v, (f := self.shared_first[v]).op, f.inputs) for v in new]
            left[frame.now().shape, frozenset(modules)] = chosen
            if chosen:
                del self.choices[met:]
        if len(left) > 1:
            raise OptionsDiffer(path, sorted(left.values()))

    def join(self, op: Op, frame: Frame, inputs: Sequence[Tensor], span: Span) -> None:
        """Applies a join to several tensors; the result is the current tensor."""
        self.spend(len(inputs), span)
        shapes = tuple([t.shape for t in inputs])
        shape = op.shapes.get(shapes)
        if shape is None:
            shape = op.shapes[shapes] = fit(op.layer, shapes, span)
        builder = frame.b
        frame.x = builder.append(op, tuple([builder.node(t) for t in inputs]), shape, span)

    def enter(
        self,
        frame: Frame,
        part: Part,
        imports: Sequence[Tensor],
        name: str,
        number: int,
        span: Span,
        weight: float | None = None,
        plain: bool = False,
        borrows: Sequence[SharedLayer] = (),
        taken: Sequence[int] = (),
    ) -> None:
        """Applies a finished part to the current tensor; ``taken`` are those that it takes where
        there are several, if not all."""
        if part.levels > MAX_LEVELS:
            self.stop(codes.TOO_DEEP, span, limit=MAX_LEVELS, name=name)
        current = each(frame.now())
        if taken:
            current = tuple([current[i] for i in taken])
        inputs = (*current, *imports)
        if not part.steps:  # it gives back what it was given
            given = tuple([inputs[-n] for n in part.given])
            frame.x = Tensors(given) if given else inputs[-part.result]
            return
        lends = tuple(map(frame.b.module, borrows))
        frame.x = frame.b.add(
            part, inputs, part.shape, name, number, span, weight, plain, lends=lends
        )
        self.check_size(frame.b, span)

    def check_size(self, builder: PartBuilder, span: Span) -> None:
        """Raises ``StopElaboration`` for a network that is larger than any. To be called wherever
        something is repeated: a text alone is short."""
        if builder.size > MAX_SIZE:
            self.stop(codes.TOO_LARGE, span, limit=MAX_SIZE)
