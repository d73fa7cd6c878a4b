"""Which classes the emitted file has: one for each block of the spec, and for each labelled
part that is more than a sequence.

Instances that differ in values share a class. So do instances of which some lack a step that
takes one tensor (a projection, a dropout), or an operand of a sum (an arm, a shortcut): see
``archdsl.backend.union``. Instances that differ in more get a class of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from archdsl.backend.containers import Containers
from archdsl.backend.flow import INCOMING, ClassTerms
from archdsl.backend.handed import apart, classes_of, with_handed
from archdsl.backend.instance import (
    Instance,
    block_origin,
    blocks_of,
    draws,
    lifted,
    take_alike,
)
from archdsl.backend.names import identifier
from archdsl.backend.naming import name_classes
from archdsl.backend.pieces import (
    ColumnsPiece,
    ExpressionPiece,
    LayerPiece,
    PickPiece,
    Piece,
    PlanPiece,
    SharedPiece,
)
from archdsl.backend.runs import differing
from archdsl.backend.scope import (
    Entry,
    Unrolled,
    is_stateless,
    may_overwrite,
    needs_flat,
    scope_of,
    takes_input,
)
from archdsl.backend.sequences import Child, SequencePiece
from archdsl.backend.symbols import ABSENT, InitParameter, Symbols
from archdsl.backend.union import Lack, grounded, lack, lacks
from archdsl.ir.network import Part, Pick, Shared
from archdsl.layers.base import Expression, Module
from archdsl.syntax import tree


@dataclass(slots=True, eq=False)
class Plan:
    """One class: its instances, of which the fullest has every step."""

    titles: list[str]  # what its instances are: a block's name, or a label
    doc: str
    definition: tree.Block | None
    labels: set[str] = field(default_factory=set)  # of steps that are it, if no block
    name: str = ""  # given when all classes of the file are known
    is_form: bool = False  # one of several of one thing
    instances: list[Instance] = field(default_factory=list)
    places: dict[int, int] = field(default_factory=dict)  # of instances, by their part
    fullest: Instance | None = None
    symbols: Symbols | None = None
    lack: Lack = field(default_factory=Lack)  # what some instances do without
    within: set[int] = field(default_factory=set)  # the classes that it calls: never itself
    needs_path: bool = False
    texts: dict[str, str] = field(default_factory=dict)  # of what needs no module, by label
    handed: frozenset[str] = frozenset()  # the layers that its constructor is given
    has_runs: bool = False  # its instances differ in how often they repeat a block
    stops: dict[str, str] = field(default_factory=dict)  # of loops in ``forward``, by label
    conditions: dict[str, dict[int, str]] = field(default_factory=dict)  # of operands, by label
    whole: bool = False  # translated from the text of its block, for all its instances
    whole_input: bool = False  # such a one works on its input
    result: str = ""  # the channels that it gives, in its parameters, where they are known
    tensors: list[str] = field(default_factory=list)  # and takes these from outside

    @property
    def full(self) -> Instance:
        assert self.fullest is not None, "a plan has an instance"
        return self.fullest

    @property
    def uses_input(self) -> bool:
        """Whether it works on its input, and not on tensors from outside alone."""
        return self.whole_input if self.whole else self.full.uses_input

    def flattened(self) -> frozenset[str]:
        """The steps that need their input as a vector, in any use of the class."""
        entries = (entry for i in self.instances for entry in i.scope.entries)
        return frozenset(e.label for e in entries if needs_flat(e, e.inputs_shapes[0]))

    def place(self, part: Part) -> int:
        return self.places[id(part)]

    @property
    def title(self) -> str:
        """What it is a class of; without a number where its instances have several."""
        stems = {title.rstrip("0123456789") for title in self.titles}
        return self.titles[0] if len(set(self.titles)) == 1 or len(stems) > 1 else stems.pop()

    @property
    def label(self) -> str:
        """The label of the only step that it is, if it is no block."""
        return next(iter(self.labels)) if len(self.labels) == 1 else ""

    def is_like(self, instance: Instance) -> bool:
        """Whether a part from elsewhere has all that it has, and nothing else."""
        full = self.full
        if full.part.kind not in PLACED or not take_alike(full.scope, instance.scope):
            return False
        same = full.size == instance.size
        return same and lack(full, instance) == Lack() == lack(instance, full)

    def add(self, instance: Instance) -> bool:
        """Takes an instance in, if it is of this class."""
        if self.fullest is None:
            self.fullest = instance
        elif not self.whole:
            instance = with_handed(instance, self.handed, self.definition)
            found = self.with_instance(self.full, self.instances, instance)
            if found is None:
                fuller = lifted(instance, self.full)
                full = lifted(self.full, instance)
                others = [lifted(i, fuller) for i in self.instances]
                found = self.with_instance(full, others, fuller)
                if found is None:
                    return self.handed_to(instance)
                self.instances, instance = others, fuller
            self.fullest, self.lack = found
        self.places[id(instance.part)] = len(self.instances)
        self.instances.append(instance)
        self.needs_path = self.needs_path or any(p.needs_path for p in instance.all_pieces)
        return True

    def handed_to(self, instance: Instance) -> bool:
        """Takes in an instance that is given other layers, which the constructor takes then."""
        instances = [*self.instances, instance]
        words = self.handed | apart(instances, self.definition)
        if words == self.handed:
            return False
        if not self.take_instead([with_handed(i, words, self.definition) for i in instances]):
            return False
        self.handed = words
        return True

    def take_instead(self, instances: list[Instance]) -> bool:
        """Takes instances in the place of those that it has, if they are of one class."""
        full = max(instances, key=lambda i: i.size)
        others = [i for i in instances if i is not full]
        alike = all(take_alike(full.scope, i.scope) for i in others)
        lacking = lacks(full, others) if alike else None
        found = None if lacking is None else grounded(full, lacking)
        if found is None:
            return False
        self.fullest, self.lack = found
        self.instances = instances
        self.needs_path = any(p.needs_path for i in instances for p in i.all_pieces)
        self.places = {id(i.part): place for place, i in enumerate(instances)}
        return True

    def with_instance(
        self, full: Instance, others: list[Instance], instance: Instance
    ) -> tuple[Instance, Lack] | None:
        """The fullest of a class with one instance more, and what its instances lack."""
        if not take_alike(full.scope, instance.scope):
            return None
        if instance.size > full.size:
            found = lacks(instance, others)
            return None if found is None else grounded(instance, found)
        one = lack(full, instance)
        both = None if one is None else self.lack.with_other(one)
        return None if both is None else grounded(full, both)

    def signature(self) -> list[InitParameter]:
        """The parameters in use: those without a default first."""
        assert self.symbols is not None, "inner classes are emitted first"
        used = [p for p in self.symbols.parameters if p.used]
        return [p for p in used if p.default is ABSENT] + [
            p for p in used if p.default is not ABSENT
        ]

    def is_told_turns(self) -> bool:
        """Whether its text has a loop, and its constructor parameters that its text does not."""
        if self.whole or self.definition is None:
            return False
        loops = any(isinstance(n, (tree.For, tree.Repeat)) for n in self.definition.body.walk())
        return loops and any(not p.own and p.origin != INCOMING for p in self.signature())

    def offer_parameters(self, taken: Iterable[str], flow: ClassTerms) -> Symbols:
        """The symbols that a block's code may use: its input channels and its own parameters."""
        symbols = Symbols(len(self.instances), flow, taken=set(taken))
        self.symbols = symbols
        parts = [i.part for i in self.instances]
        symbols.offer("in_channels", [p.input[0] for p in parts], origin=INCOMING)
        if self.definition is not None:
            for place, formal in enumerate(self.definition.parameters):
                if formal.name.text in self.handed:
                    given = classes_of(self.instances, formal.name.text)
                    symbols.offer(formal.name.text, given, own=True)
                    continue
                values = [p.arguments[place][1] for p in parts]
                symbols.offer(formal.name.text, values, usual(formal, values), own=True)
        moving = {p.origin: p.name for p in symbols.parameters if len(set(p.values)) > 1}
        if moving or self.definition is not None:  # else it says nothing but numbers
            flow.trace(self, moving, symbols)
        return symbols

    @property
    def is_chain(self) -> bool:
        """Whether a sequence does all that it does."""
        pieces = self.full.pieces.values()
        found = any(isinstance(p, ExpressionPiece) or p.needs_path for p in pieces)
        return not found and self.full.scope.is_chain


def usual(formal: tree.Parameter, values: Sequence[Any]) -> Any:
    """What a constructor takes where it is not given a parameter of a block, if the text says a
    number or a truth that some of its uses have."""
    known = formal.default.value if isinstance(formal.default, tree.Literal) else ABSENT
    return known if type(known) in (bool, int) and known in values else ABSENT


PLACED = ("group", "dense", "fractal", "output")  # parts that a place makes, and not a block


class Planner(Containers):
    """Finds the classes of a network."""

    def __init__(
        self,
        docs: Callable[..., str],
        whole: Container[int] = frozenset(),
        looped: Container[int] = frozenset(),
    ) -> None:
        self.docs = docs  # the doc comment of a block's definition
        self.whole = whole  # the definitions that are translated from their text
        self.looped = looped  # and those whose classes repeat as often as they are told
        self.plans: list[Plan] = []
        self.by_origin: dict[Any, list[Plan]] = {}
        self.known: dict[tuple[Any, int], Plan] = {}

    def network(self, root: Part, title: str) -> Plan:
        """The class of a network, after those of its blocks: of each block the instance with the
        most steps first, so that the others are seen to lack some."""
        blocks: dict[Any, list[Part]] = {}
        for part in root.parts():
            if part.kind == "block":
                blocks.setdefault(id(part.definition), []).append(part)
        for parts in sorted(blocks.values(), key=lambda parts: max(p.levels for p in parts)):
            for part in sorted(parts, key=lambda p: -len(p.steps)):
                self.plan(part, block_origin(part), part.name)
        return self.plan(root, "arch", title)

    def plan(self, part: Part, origin: Any, title: str) -> Plan:
        """The class of a part: one of those of its origin that it fits, or a new one."""
        key = (origin, id(part))
        if key in self.known:
            return self.known[key]
        instance = self.instance(part)
        own = self.by_origin.setdefault(origin, [])
        alike = [p for p in self.plans if p.is_like(instance)] if part.kind in PLACED else []
        within = {n for p in instance.plans() for n in (id(p), *p.within)}
        free = [p for p in (*own, *alike) if p.whole or id(p) not in within]
        looped = id(part.definition) in self.looped
        plan = self.repeated(own, free, part) if looped else None
        plan = plan or next((p for p in free if p.add(instance)), None)
        if plan is None and not looped:
            plan = self.repeated(own, free, part)
        if plan is not None:
            plan.titles.append(title)
            plan.within |= within
        else:
            doc = self.docs(part.definition) if part.definition is not None else ""
            plan = Plan([title], doc, part.definition)
            plan.whole = part.kind == "block" and id(part.definition) in self.whole
            plan.add(instance)
            plan.within = within
            self.plans.append(plan)
            self.by_origin[origin].append(plan)
        self.known[key] = plan
        return plan

    def instance(self, part: Part, runs: Container[str] = frozenset()) -> Instance:
        """A part with what stands for its steps; ``runs`` are the steps that are loops."""
        scope, uses = (found := scope_of(part, runs=runs)), found.uses()
        pieces = {e.label: self.piece(scope, i, uses) for i, e in enumerate(scope.entries)}
        shared = {s.name: p for s in part.shared if (p := self.shared_piece(s)) is not None}
        return Instance(part, scope, pieces, shared, takes_input(part, self.whole))

    def repeated(self, own: list[Plan], free: list[Plan], part: Part) -> Plan | None:
        """The class of a block that a part fits if it repeats some of it more often, or less."""
        return next((p for p in free if p in own and self.with_runs(p, part)), None)

    def with_runs(self, plan: Plan, part: Part) -> bool:
        """Takes a part into a class whose instances differ in how often they repeat a block: a loop
        repeats it then, as often as an instance says."""
        parts = [*(i.part for i in plan.instances), part]
        runs = differing(parts)
        if plan.whole or not runs:
            return False
        made = (self.instance(p, runs) for p in parts)
        taken = plan.take_instead([with_handed(i, plan.handed, plan.definition) for i in made])
        plan.has_runs = plan.has_runs or taken
        return taken

    def named(self, top: Plan, taken: Iterable[str], doc: str) -> list[Plan]:
        """The classes with their names, each after those that it uses. ``doc`` is the
        network's: names are written as it writes them."""
        plans = self.ordered(top)
        name_classes(top, plans, taken, doc)
        return plans

    def ordered(self, top: Plan) -> list[Plan]:
        found: dict[int, Plan] = {}
        begun: set[int] = set()  # a block that is translated whole may call itself

        def visit(plan: Plan) -> None:
            if id(plan) not in begun:
                begun.add(id(plan))
                for instance in plan.instances:
                    blocks = blocks_of(instance.part)
                    whole = (self.known[block_origin(p), id(p)] for p in blocks)
                    for inner in whole if plan.whole else instance.plans():
                        visit(inner)
                found[id(plan)] = plan

        visit(top)
        return [*found.values()]

    def piece(
        self, scope: Unrolled, place: int, uses: Sequence[int], unit: str | None = None
    ) -> Piece:
        """What stands for a step. ``unit`` names the class that a labelled part must have."""
        entry = scope.entries[place]
        if isinstance(entry.op, Pick):
            return PickPiece(entry.op.number)
        if isinstance(entry.op, Part):
            if entry.module is not None:
                return SharedPiece(takes_input(entry.op, self.whole), draws(entry.op))
            return self.part_piece(entry.op, entry, unit)
        assert entry.layer is not None
        code = entry.layer.torch(*entry.inputs_shapes)
        if entry.module is not None and isinstance(code, Module):
            return SharedPiece()
        made = entry.layer, entry.inputs_shapes, entry.span
        if isinstance(code, Expression):
            return ExpressionPiece(code, made=made)
        if (met := entry.layer.columns_met) is not None:
            code = Module("ColumnMean", (met.drop_path,))
            return ColumnsPiece(code, (), met.places, met.global_path, made=made)
        if may_overwrite(scope, place, uses):
            code = replace(code, keywords={**code.keywords, "inplace": True})
        return LayerPiece(code, entry.layer.weights(*entry.inputs_shapes), made=made)

    def shared_piece(self, shared: Shared) -> Piece | None:
        """What stands for a shared module; nothing where it is code alone."""
        op, name = shared.op, shared.name
        if isinstance(op, Part):
            if is_stateless(op):
                return None
            entry = Entry(name, name, 1, op, (0,), shared.inputs, op.shape, shared.span)
            return self.part_piece(op, entry, None)
        code = op.layer.torch(*shared.inputs)
        made = op.layer, shared.inputs, shared.span
        weights = op.layer.weights(*shared.inputs)
        return None if isinstance(code, Expression) else LayerPiece(code, weights, made=made)

    def part_piece(self, part: Part, entry: Entry, unit: str | None) -> Piece:
        if part.kind == "block":
            plan = self.plan(part, block_origin(part), part.name)
            return PlanPiece(plan, part, entry.span)
        found: Piece | None = self.container(part) or (None if unit else self.sequence(part))
        if found is not None:
            return found
        title, span = unit or entry.name, entry.span
        plan = self.plan(part, (part.kind, title, span.source.name, span.start), title)
        plan.labels.add(entry.label if entry.base == title else "")
        return PlanPiece(plan, part, span)

    def sequence(self, part: Part) -> SequencePiece | None:
        """A part as a sequence of modules, if it is one."""
        scope = scope_of(part, unroll=False)
        if not scope.is_chain:
            return None
        uses = scope.uses()
        children: list[Child] = []
        for place, entry in enumerate(scope.entries):
            piece = self.piece(scope, place, uses)
            if isinstance(piece, ExpressionPiece) or piece.needs_path:
                return None
            if needs_flat(entry, entry.inputs_shapes[0]):
                label = identifier("flatten", scope.labels)
                children.append(Child(label, 0, LayerPiece(Module("nn.Flatten"))))
            children.append(Child(entry.label, entry.number, piece, entry.repeat, entry))
        return SequencePiece(children)
