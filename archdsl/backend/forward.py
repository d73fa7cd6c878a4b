"""The body of ``forward``: dataflow as statements that read as they would be written.

Steps of one statement of the spec, and joins, are nested into one expression; what is used more
than once, or further down, gets a name.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence

from archdsl.backend.direct.called import tensors_of
from archdsl.backend.instance import Instance
from archdsl.backend.loops import loop, several
from archdsl.backend.names import attribute
from archdsl.backend.pieces import ColumnsPiece, ExpressionPiece, PlanPiece
from archdsl.backend.python import (
    INDENT,
    WIDTH,
    Call,
    Code,
    Conditional,
    Item,
    Operation,
    Text,
    expression,
    operand,
)
from archdsl.backend.scope import SHORTCUT, Entry
from archdsl.backend.spec_text import Written
from archdsl.backend.union import Lack, is_sum
from archdsl.backend.variables import Variables, kept_names
from archdsl.ir.network import Part
from archdsl.layers.base import show_shape
from archdsl.layers.join import Join

MOST_NESTED = 4  # calls within calls


class Forward:
    """Writes the forward pass of one class."""

    def __init__(
        self,
        instance: Instance,
        texts: Mapping[str, str],
        written: Written,
        taken: Container[str],
        conditions: Mapping[str, Mapping[int, str]],
        flattened: Container[str],
        lack: Lack,
        imports: Sequence[str] = (),
        lent: Sequence[str] = (),
        comments: bool = False,
        incoming: str = "x",
        named: bool = False,
        stops: Mapping[str, str] | None = None,
    ) -> None:
        self.instance = instance
        self.conditions = conditions  # of operands that some instances lack
        self.flattened = flattened  # steps that need a vector
        self.lack = lack  # what some instances do without
        self.stops = stops or {}  # where loops end, by the label of their first
        self.imports = imports  # the names of tensors from outside
        self.lent = lent  # and of shared modules
        self.texts = texts  # the code of steps without a module, by label
        self.written = written
        self.given = taken  # names that stand for something else in the file
        self.entries = instance.scope.entries
        self.uses = instance.scope.uses()
        self.given_back = {instance.scope.result, *instance.scope.results}
        self.comments = comments
        self.incoming, self.named = incoming, named  # what the input is called; by the spec
        self.wanted = kept_names(instance.scope, written)  # the spec's names of values
        self.read_instead = set(lack.instead.values())
        for value, entry in enumerate(self.entries, 1):
            if entry.label in lack.instead:
                self.wanted.setdefault(value, SHORTCUT)
        self.inlined = self.choose_inlined()
        self.sums = self.choose_sums()
        self.wanted |= {y: self.wanted[v] for v, y in self.sums.items() if v in self.wanted}
        self.variables = Variables(self.wanted, taken, {}, lent, named)

    @property
    def names(self) -> dict[int, str]:
        """The variables of the values that have one."""
        return self.variables.names

    # ------------------------------------------------------------------ what is nested

    def consumers(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for place, entry in enumerate(self.entries, 1):
            if entry.picks:
                continue
            for n in entry.inputs:
                found.setdefault(n, []).append(place)
        return found

    def choose_inlined(self) -> set[int]:
        """The values that stand within the expression of their only use."""
        consumers = self.consumers()
        inlined: set[int] = set()
        nested = self.nested_chains(consumers)
        for value in range(1, len(self.entries) + 1):
            if self.uses[value] != 1 or value in self.given_back | self.read_instead:
                continue
            entry = self.entries[value - 1]
            one = not entry.is_loop and not entry.gives and not entry.picks
            one = one and entry.label not in self.lack.instead
            if not one or entry.weight is not None or entry.label in self.conditions:
                continue
            (place,) = consumers[value]
            user = self.entries[place - 1]
            if user.inputs.index(value) in self.conditions.get(user.label, {}):
                inlined.add(value)  # it is worked out where it is there
                continue
            if value in self.wanted:
                continue  # it has a line of its own
            if user.weight is not None or user.is_loop or self.instance.reads_twice(user.label):
                continue
            same_line = value in nested
            into_join = isinstance(user.layer, Join) and not self.is_chained(entry, inlined)
            out_of_join = isinstance(entry.layer, Join) and place == value + 1
            if same_line or into_join or out_of_join:
                inlined.add(value)
        return inlined

    def choose_sums(self) -> dict[int, int]:
        """The sums that are taken in place, ``y += x``, each with its ``y``: it has a name and no
        other use; its layer, which all instances have, needs it for no gradient."""
        found: dict[int, int] = {}
        for value, entry in enumerate(self.entries, 1):
            y = entry.inputs[-1]
            if (
                is_sum(self.instance.pieces[entry.label])
                and len(entry.inputs) == 2
                and y > 0
                and y not in self.inlined
                and self.uses[y] == 1
                and not self.entries[y - 1].picks
                and (maker := self.entries[y - 1].layer) is not None
                and maker.summed_in_place
                and self.entries[y - 1].label not in self.lack.steps
                and y not in self.wanted
                and y not in self.read_instead
                and value in self.inlined
            ):
                found[value] = y
        self.inlined -= found.keys()
        return found

    def nested_chains(self, consumers: dict[int, list[int]]) -> set[int]:
        """The values within a chain of one statement of the spec, which begins with a layer or with
        a block that layers follow; long chains are cut in threes."""
        found: set[int] = set()
        run: list[int] = []
        starts = self.statement_starts()
        for value, entry in enumerate(self.entries, 1):
            run.append(value)
            user = self.entries[value] if value < len(self.entries) else None
            goes_on = (
                user is not None
                and user.inputs == (value,)
                and consumers.get(value) == [value + 1]
                and value + 1 not in starts
                and (not isinstance(entry.op, Part) or (run == [value] and self.shows(entry, user)))
                and not isinstance(user.op, Part)
            )
            if not goes_on:
                cut = len(run) if len(run) <= MOST_NESTED else 3
                found.update(v for i, v in enumerate(run[:-1], 1) if i % cut)
                run = []
        return found

    def shows(self, entry: Entry, user: Entry) -> bool:
        """Whether a line tells as much without a shape between two steps."""
        return not self.comments or entry.shape == user.shape

    def statement_starts(self) -> set[int]:
        """The values with which a statement of the spec begins. What was written elsewhere and
        handed in, such as an activation, belongs to the statement where it is applied."""
        starts: set[int] = set()
        source, begun, before = None, [-1], -1
        for value, entry in enumerate(self.entries, 1):
            start = self.written.statement(entry.span)
            if source not in (None, entry.span.source):
                continue
            if start > max(begun) or (start in begun and start != before):
                source, before = entry.span.source, start
                begun.append(start)
                starts.add(value)
        return starts

    def is_chained(self, entry: Entry, inlined: set[int]) -> bool:
        """Whether an expression nests others already: then it gets a line of its own."""
        return any(n in inlined for n in entry.inputs)

    # ------------------------------------------------------------------- the statements

    def lines(self, indent: int, wrap: Callable[[str], list[str]] | None = None) -> list[str]:
        """All statements; ``wrap`` makes the last ones of the result's expression.

        Where an expression does not fit on a line, a part of it gets a line of its own.
        """
        while True:
            start = {-i - 1: name for i, name in enumerate(self.imports)}
            if self.instance.uses_input:
                start[0] = self.incoming
            self.variables = Variables(self.wanted, self.given, start, self.lent, self.named)
            out: list[str] = []
            for statement, value in self.statements(indent, wrap):
                fits = len(statement) == 1 and len(statement[0]) <= WIDTH
                knot = self.knot(value) if value and not fits else None
                if knot is not None:
                    self.inlined.discard(knot)
                    break
                out += statement
            else:
                return out

    def statements(
        self, indent: int, wrap: Callable[[str], list[str]] | None
    ) -> Iterator[tuple[list[str], int]]:
        """The statements, each with the value that it is the expression of, or 0."""
        scope = self.instance.scope
        last_use = self.last_uses()
        for value, entry in enumerate(self.entries, 1):
            if value in self.inlined or entry.picks:
                continue
            if entry.gives:
                yield several(self, value, indent, last_use), 0
                continue
            if entry.weight is not None:
                name = self.names[value] = self.variables.new(attribute(entry.label))
                call = self.module_call(entry).flat()
                yield [f"{INDENT * indent}{name} = {call} if self.training else None"], 0
                continue
            if entry.is_loop:
                yield loop(self, value, indent, last_use), 0
                continue
            if entry.label in self.conditions:
                yield self.conditional(value, entry, indent, last_use), 0
                continue
            if value in self.sums:
                name = self.names[value] = self.names[self.sums[value]]
                yield self.reference(entry.inputs[0]).lines(indent, f"{name} += "), value
                continue
            code = self.code(value)
            alone = not self.instance.part.given
            if value == scope.result and alone and wrap is None and self.comes_last(value):
                yield code.lines(indent, "return "), value
                return
            name = self.names[value] = self.name_for(value, last_use)
            statement = code.lines(indent, f"{name} = ")
            shape = f"  # {show_shape(entry.shape)}" if self.comments else ""
            if len(statement) == 1 and len(statement[0] + shape) <= WIDTH:
                statement[0] += shape
            yield statement, value
        result = self.reference(scope.result).flat()
        if self.instance.part.given:
            result = ", ".join(self.reference(n).flat() for n in scope.results)
        yield [f"{INDENT * indent}return {result}"] if wrap is None else wrap(result), 0

    def knot(self, value: int) -> int | None:
        """The nested value that best gets a line of its own: a join, or what comes first."""
        entry = self.entries[value - 1]
        for n in entry.inputs:
            if n in self.inlined:
                inner = self.knot(n)
                if inner is not None and isinstance(self.entries[inner - 1].layer, Join):
                    return inner
                if isinstance(self.entries[n - 1].layer, Join):
                    return n
        if isinstance(entry.layer, Join) and not isinstance(self.code(value), Text):
            return None  # it can be broken up
        return next((n for n in entry.inputs if n in self.inlined), None)

    def side_names(self) -> list[str]:
        """The variables of the side outputs, in their order."""
        return [self.names[v] for v, e in enumerate(self.entries, 1) if e.weight is not None]

    def results(self) -> list[str]:
        """The expressions of several results, in their order."""
        return [self.reference(n).flat() for n in self.instance.scope.results]

    def comes_last(self, value: int) -> bool:
        return all(v in self.inlined for v in range(value + 1, len(self.entries) + 1))

    def conditional(
        self, value: int, entry: Entry, indent: int, last_use: dict[int, int]
    ) -> list[str]:
        """A join of which some instances lack operands: what all have, and then the others."""
        pad, conditions = INDENT * indent, self.conditions[entry.label]
        whole = [n for i, n in enumerate(entry.inputs) if i not in conditions]
        base = Operation(tuple(map(self.reference, whole)), "+") if len(whole) > 1 else None
        start = base or self.reference(whole[0])
        later = {r for i in conditions for r in self.read_by(entry.inputs[i])}
        reads = [r for n in whole for r in self.read_by(n) if r not in later]
        free = self.variables.reusable(reads, value, last_use)
        wanted = self.wanted.get(value, "")
        name = free[0] if free and not wanted else self.variables.new(wanted)
        self.names[value] = name
        out = [] if start.flat() == name else start.lines(indent, f"{name} = ")
        for place, condition in conditions.items():
            out.append(f"{pad}if {condition}:")
            given = self.reference(entry.inputs[place])
            code: Code
            if isinstance(self.instance.pieces[entry.label], ExpressionPiece):
                first = place < entry.inputs.index(whole[0])
                code = Operation((given, Text(name)) if first else (Text(name), given), "+")
            else:
                both = [Text(name) if n == whole[0] else self.reference(n) for n in entry.inputs]
                code = Call(f"self.{attribute(entry.label)}(", tuple(map(Item, both)))
            out += code.lines(indent + 1, f"{name} = ")
        return out

    def read_by(self, value: int) -> list[int]:
        """The named values that a reference to a value reads."""
        return self.reads(value) if value in self.inlined else [value]

    def last_uses(self) -> dict[int, int]:
        """The statement at which each value is read for the last time."""
        found: dict[int, int] = {}
        for value in range(1, len(self.entries) + 1):
            if value not in self.inlined and not self.entries[value - 1].picks:
                for read in self.reads(value):
                    found[read] = value
        for value in self.given_back - self.inlined:
            found[value] = len(self.entries) + 1
        return found

    def reads(self, value: int) -> list[int]:
        """The named values that an expression is made of."""
        entry = self.entries[value - 1]
        own = self.instance.read_by(entry)
        if entry.label in self.lack.instead:
            own = (self.lack.instead[entry.label], *own)
        return [read for n in own for read in self.read_by(n)]

    def name_beside(self, step: int, others: Sequence[str], last_use: dict[int, int]) -> str:
        """The variable of one of several results of a step, which is none of the others'."""
        return self.variables.beside(step, self.reads(step), others, last_use)

    def name_for(self, value: int, last_use: dict[int, int]) -> str:
        """The variable of a value."""
        repeated = self.entries[value - 1].is_loop
        return self.variables.of(value, self.reads(value), last_use, repeated)

    # ------------------------------------------------------------------ the expressions

    def reference(self, value: int) -> Code:
        return self.code(value) if value in self.inlined else Text(self.names[value])

    def code(self, value: int) -> Code:
        """The expression of a value."""
        entry = self.entries[value - 1]
        piece = self.instance.pieces[entry.label]
        if isinstance(piece, ExpressionPiece):
            text = self.texts[entry.label]
            if entry.module is not None:
                text = text.replace("{module}", self.module(entry.module))
            return expression(text, [self.reference(n) for n in entry.inputs])
        call = self.module_call(entry)
        if entry.label in self.lack.instead:
            other = self.reference(self.lack.instead[entry.label])
            return Conditional(other, f"self.{attribute(entry.label)} is None", call)
        return call

    def module_call(self, entry: Entry) -> Code:
        read = self.instance.read_by(entry)
        arguments = [self.reference(n) if n in read else Text("") for n in entry.inputs]
        if entry.label in self.flattened:
            arguments[0] = Text(f"{operand(arguments[0])}.flatten(1)")
        own = f"self.{attribute(entry.label)}"
        module = own if entry.module is None else self.module(entry.module)
        return self.called(entry, module, arguments)

    def module(self, number: int) -> str:
        """A shared module: an attribute, or one from outside."""
        if number < 0:
            return self.lent[-number - 1]
        return f"self.{attribute(self.instance.part.shared[number].name)}"

    def called(self, entry: Entry, module: str, arguments: list[Code]) -> Code:
        """The call of a step's module."""
        piece = self.instance.pieces[entry.label]
        if isinstance(piece, PlanPiece) and piece.plan.whole:
            arguments = tensors_of(piece, arguments)
        if not piece.uses_input:
            del arguments[0]
        items = [Item(a) for a in arguments]
        if isinstance(piece, ColumnsPiece):
            keyed = zip(piece.columns, arguments, strict=True)
            items = [Item(Call("{", tuple(Item(a, f"{c}: ") for c, a in keyed), "}"))]
        items += [Item(Text(self.module(n))) for n in entry.lends]
        if piece.needs_path:
            items.append(Item(Text("path")))
        return Call(f"{module}(", tuple(items))
