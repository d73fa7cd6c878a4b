"""The classes of the emitted file, as lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from archdsl.backend.direct.check import makes_its_instances
from archdsl.backend.direct.expressions import Functions
from archdsl.backend.direct.nested_lines import shown
from archdsl.backend.direct.state import CannotBeWhole, NeedsWhole
from archdsl.backend.direct.whole import BlockClass
from archdsl.backend.flow import ClassTerms
from archdsl.backend.forward import Forward
from archdsl.backend.general import NamedPart, more
from archdsl.backend.initial import init_lines
from archdsl.backend.loop_tables import statements
from archdsl.backend.names import (
    BUILTINS,
    MODULE_NAMES,
    SPOKEN,
    UNCLEAR,
    attribute,
    identifier,
    run_stem,
)
from archdsl.backend.parameters import import_names, incoming_name, lent_names, returned, unlike
from archdsl.backend.pieces import ExpressionPiece, PickPiece, SharedPiece
from archdsl.backend.plan import Plan
from archdsl.backend.python import (
    INDENT,
    WIDTH,
    Added,
    Call,
    Code,
    Const,
    Item,
    dictionary,
    docstring,
    literal,
    quoted,
)
from archdsl.backend.scope import SHORTCUT, Entry
from archdsl.backend.sequences import last_of
from archdsl.backend.spec_text import Written
from archdsl.backend.symbols import ABSENT, InitParameter, Symbols
from archdsl.backend.terms import Word
from archdsl.backend.translate import Untranslatable
from archdsl.backend.union import lack
from archdsl.backend.variables import RUNNING, kept_names
from archdsl.ir.flat import flatten
from archdsl.ir.network import Network, Part


class ClassWriter:
    """Writes the classes of a network."""

    def __init__(
        self,
        network: Network,
        top: Plan,
        plans: list[Plan],
        written: Written,
        reserved: set[str],
        by_part: Mapping[int, Plan],
    ) -> None:
        self.by_part = by_part
        self.functions = Functions(written.files, network.knobs)
        self.network, self.top, self.plans, self.written = network, top, plans, written
        self.given = {*reserved, *(plan.name for plan in plans)}
        self.taken = {*reserved, *SPOKEN, *UNCLEAR, *BUILTINS, *(plan.name for plan in plans)}
        side = flatten(network).side_outputs if _has_outputs(network.root) else []
        results = {r.name: r.weight for r in network.root.results}
        self.outputs = (results or {"main": 1.0}) | {s.name: s.weight for s in side}
        if not side and not results:
            self.outputs = {}

    def lines(self, plan: Plan) -> list[str]:
        is_top = plan is self.top
        if plan.whole:
            return self.whole_lines(plan)
        is_sequence = plan.is_chain and not is_top
        made = self.constructor(plan, is_sequence)
        lines = [f"class {plan.name}(nn.{'Sequential' if is_sequence else 'Module'}):"]
        doc = self.network.doc if is_top else plan.doc
        if doc:
            lines += [*docstring(doc, 1), ""]
        lines += _signature(plan.signature())
        lines += [f"{INDENT * 2}super().__init__()", *made]
        if is_top:
            return lines + self.rest_of_top()
        return lines if is_sequence else [*lines, "", *self.forward(plan)]

    def whole_lines(self, plan: Plan) -> list[str]:
        """A class that is translated from the text of its block. Raises ``CannotBeWhole``."""
        whole = frozenset(id(p.definition) for p in self.plans if p.whole)
        shared = {id(s.op) for part in self.network.root.parts() for s in part.shared}
        if not shared.isdisjoint(id(i.part) for i in plan.instances):
            raise CannotBeWhole(id(plan.definition))
        try:
            found = BlockClass(plan, self.written, self.functions, self.by_part, self.given, whole)
            found.translate()
        except Untranslatable:
            raise CannotBeWhole(id(plan.definition)) from None
        except NeedsWhole as need:
            need.by = id(plan.definition)
            raise
        head = f"class {plan.name}(nn.{'Sequential' if found.is_sequence else 'Module'}):"
        lines = _signature(plan.signature())
        lines += [f"{INDENT * 2}super().__init__()", *shown(found.made, 2)]
        if not found.is_sequence:
            takes = ["self", *found.takes]
            lines += ["", *_definition("forward", takes, found.returns), *found.forward()]
        functions = [line for lines in self.functions.lines.values() for line in lines]
        if not makes_its_instances(plan, [head, *lines], functions, self.by_part):
            raise CannotBeWhole(id(plan.definition))
        return [head, *([*docstring(plan.doc, 1), ""] if plan.doc else []), *lines]

    def rest_of_top(self) -> list[str]:
        """What the network has beyond its parts."""
        lines: list[str] = []
        if self.outputs:
            weights = tuple(Item(Const(v), f"{quoted(k)}: ") for k, v in self.outputs.items())
            lines += Call("{", weights, "}").lines(2, "self.output_weights = ")
        starts = init_lines(self.network.root, self.plans, self.top)
        if starts:
            lines.append(f"{INDENT * 2}self.init_weights()")
        lines += ["", *self.forward(self.top)]
        if starts:
            lines += ["", f"{INDENT}def init_weights(self) -> None:", *starts]
        if self.outputs:
            lines += ["", *(LOSS_OF_SEVERAL if self.network.root.results else LOSS)]
        if self.top.needs_path:
            lines += ["", *_draw_path(self.network.root)]
        return lines

    def constructor(self, plan: Plan, is_sequence: bool) -> list[str]:
        """The statements that make the parts."""
        symbols = plan.offer_parameters(self.taken, ClassTerms(self.written, self.network.knobs))
        picks = {entry.label for entry in plan.full.scope.entries if entry.picks}
        labels = [*(name for name in plan.full.pieces if name not in picks), *plan.full.shared]
        attributes = {*MODULE_NAMES, *map(attribute, labels)}
        flattened = plan.flattened()
        lines: list[str | NamedPart] = []
        given: dict[str, str] = {}  # attributes by their code
        made: set[str] = set()  # shared modules
        decided: dict[int, tuple[list[bool], Word | None]] = {}  # which uses have a step, and why
        for place, entry in enumerate(plan.full.scope.entries, 1):
            pieces = [i.pieces.get(entry.label) for i in plan.instances]
            piece = plan.full.pieces[entry.label]
            lines += self.shared(plan, entry, symbols, made)
            if entry.label in plan.lack.operands:
                lines += self.operands(plan, entry, symbols, attributes)
            if isinstance(piece, ExpressionPiece):
                names = list(dict.fromkeys((entry.base, entry.label)))
                text, values = piece.text(pieces, symbols, names, attributes, given)
                plan.texts[entry.label] = text
                for name, value in values:
                    lines += value.lines(2, f"self.{name} = ")
                continue
            if isinstance(piece, (PickPiece, SharedPiece)):
                continue
            if is_sequence and entry.label in flattened:
                name = identifier("flatten", attributes)
                lines.append(f"{INDENT * 2}self.{name} = nn.Flatten()")
            label = attribute(entry.label)
            code: Code = piece.emit(pieces, symbols, entry.label)
            condition = ""
            if any(p is None for p in pieces):
                there = [p is not None for p in pieces]
                joins = entry.label in plan.lack.operands
                wanted = (SHORTCUT,) if joins else (entry.base, entry.label)
                said = symbols.flow.condition(entry.label, entry.span, plan.definition)
                before = decided.get(entry.inputs[0])
                if said is None and before is not None and before[0] == there:
                    said = before[1]  # what was handed in stands beside it
                decided[place] = there, said
                condition = symbols.truth(tuple(there), *wanted, term=said)
            if entry.is_loop:
                room = None if is_sequence else attributes
                stop, counts = self.stop(plan, entry, symbols, room)
                lines += [*counts, *_several(entry, code, condition, symbols, stop)]
            elif condition:
                none = plan.lack.steps.isdisjoint((entry.label,))
                lines += _optional(label, code, condition, "None" if none else "nn.Identity()")
            else:
                lines.append(NamedPart(entry.label, entry.number, code))
        forms = [f"{INDENT * 2}assert {text}" for text in symbols.needs()]
        kept = [(n, t) for n, t in symbols.locals.items() if n in symbols.used_locals]
        return [
            *(f"{INDENT * 2}{name} = {text}" for name, text in kept),
            *forms,
            *statements(lines, symbols.new_name),
        ]

    def stop(
        self, plan: Plan, entry: Entry, symbols: Symbols, attributes: set[str] | None
    ) -> tuple[str, list[str]]:
        """Where the numbers of a run end, and the statements that keep it for ``forward``, which
        has ``attributes``."""
        steps = [
            next((e for e in i.scope.entries if e.label == entry.label), None)
            for i in plan.instances
        ]
        numbers = [None if e is None else e.number - 1 + e.repeat for e in steps]
        last = last_of(plan.full.pieces[entry.label], numbers, entry.base, symbols)
        if last is None:
            return str(entry.number + entry.repeat), []
        if attributes is None:
            return more(last), []
        name = last.flat() if symbols.is_own(last.flat()) else f"{entry.base}s"
        name = attribute(identifier(name, attributes))
        attributes.add(name)
        plan.stops[entry.label] = f"self.{name} + 1"
        return more(last), last.lines(2, f"self.{name} = ")

    def shared(self, plan: Plan, entry: Entry, symbols: Symbols, made: set[str]) -> list[str]:
        """The statements that make the shared modules that a step is the first to need."""
        lines: list[str] = []
        own = [n for n in (*entry.lends, entry.module) if n is not None and n >= 0]
        for name in [plan.full.part.shared[n].name for n in own]:
            if name in plan.full.shared and name not in made:
                made.add(name)
                pieces = [i.shared[name] for i in plan.instances]
                code = plan.full.shared[name].emit(pieces, symbols, name)
                lines += code.lines(2, f"self.{attribute(name)} = ")
        return lines

    def operands(
        self, plan: Plan, entry: Entry, symbols: Symbols, attributes: set[str]
    ) -> list[str]:
        """The statements that keep which operands of a join are there; their conditions in
        ``forward`` are noted."""
        lines: list[str] = []
        conditions = plan.conditions.setdefault(entry.label, {})
        lacking = [lack(plan.full, instance) for instance in plan.instances]
        for place in sorted(plan.lack.operands[entry.label]):
            n = entry.inputs[place]
            maker = plan.full.scope.entries[n - 1].label if n > 0 else ""
            if not isinstance(plan.full.pieces[entry.label], ExpressionPiece):
                maker = entry.label
            elif maker not in plan.lack.makers:
                maker = ""
            if maker:
                conditions[place] = f"self.{attribute(maker)} is not None"
                continue
            there = [
                one is None or place not in one.operands.get(entry.label, ()) for one in lacking
            ]
            kept = identifier(SHORTCUT, attributes)
            attributes.add(kept)
            said = symbols.flow.shortcuts.get(entry.label)
            lines.append(
                f"{INDENT * 2}self.{kept} = {symbols.truth(tuple(there), SHORTCUT, term=said)}"
            )
            conditions[place] = f"self.{kept}"
        return lines

    def forward(self, plan: Plan) -> list[str]:
        is_top = plan is self.top
        outputs = self.outputs if is_top else {}
        called = {i.part.called for i in plan.instances}
        own = called.pop() if len(called) == 1 else ""
        name = incoming_name(self.network.inputs[0] if is_top else own, self.taken)
        named = name != RUNNING
        parts = [i.part for i in plan.instances]
        free = self.taken - {RUNNING}
        imports = import_names(parts, {*free, name} if named else free)
        if not is_top:
            kept = kept_names(plan.full.scope, self.written).values()
            name = unlike(name, {*imports, *kept})
        items = ["self"] + [f"{name}: Tensor"] * plan.full.uses_input
        items += [f"{name}: Tensor" for name in imports]
        lent = lent_names([i.scope for i in plan.instances], {*self.taken, name, *imports})
        items += [f"{name}: nn.Module" for name in lent]
        if plan.needs_path and not is_top:
            items.append("path: tuple[Tensor, Tensor] | None = None")
        results = [r.name for r in self.network.root.results] if is_top else []
        returns = returned(plan.full.part, bool(outputs), bool(results))
        lines = _definition("forward", items, returns)
        if plan.needs_path and is_top:
            lines.append(f"{INDENT * 2}path = self.draw_path({name}) if self.training else None")
        forward = Forward(
            plan.full,
            plan.texts,
            self.written,
            free,
            plan.conditions,
            plan.flattened(),
            plan.lack,
            imports,
            lent,
            comments=is_top,
            incoming=name,
            named=named,
            stops=plan.stops,
        )

        def with_outputs(result: str) -> list[str]:
            always = dict(zip(results, forward.results(), strict=True)) or {"main": result}
            sides = zip(list(outputs)[len(always) :], forward.side_names(), strict=True)
            both = always | dict(sides)
            evaluated = dictionary(always).lines(2, "return ")
            if not results:
                evaluated = [f"{INDENT * 2}return {result}"]
            elif both == always:
                return evaluated
            training = dictionary(both).lines(3, "return ")
            return [f"{INDENT * 2}if self.training:", *training, *evaluated]

        return lines + forward.lines(2, with_outputs if outputs else None)


def _optional(label: str, code: Code, condition: str, otherwise: str) -> list[str]:
    """A part that some instances have: in the others it is the identity, or ``None``."""
    pad = INDENT * 2
    one = f"{pad}self.{label} = {code.flat()} if {condition} else {otherwise}"
    if len(one) <= WIDTH:
        return [one]
    made = code.lines(3, f"self.{label} = ")
    return [f"{pad}self.{label} = {otherwise}", f"{pad}if {condition}:", *made]


def _several(entry: Entry, code: Code, condition: str, symbols: Symbols, stop: str) -> list[str]:
    """Modules that are alike, numbered; under a condition where some instances lack them."""
    first = entry.number
    stem = run_stem(entry.base, first, entry.repeat)
    assert stem is not None, "repetitions are folded where they have a stem"
    made = Added(f"{stem}{{i}}", code, "")
    pad, loop = INDENT * 3, f"{INDENT * 2}for i in range({first}, {stop}):"
    one = f"{pad}{made.adding(f'{code.flat()} if {condition} else nn.Identity()')}"
    if condition and len(one) <= WIDTH:
        return [loop, one]
    depth = 4 if condition else 3
    if len(made.lines(depth)) > 1:
        made = replace(made, name=symbols.new_name(stem))
    if not condition:
        return [loop, *made.lines(depth)]
    otherwise = [f"{pad}else:", f"{pad}{INDENT}{made.adding('nn.Identity()')}"]
    return [loop, f"{pad}if {condition}:", *made.lines(depth), *otherwise]


def _signature(parameters: Sequence[InitParameter]) -> list[str]:
    items = ["self"]
    for p in parameters:
        default = "" if p.default is ABSENT else f" = {literal(p.default)}"
        items.append(f"{p.name}: {p.annotation}{default}")
    return _definition("__init__", items, "None")


def _definition(name: str, items: Sequence[str], returns: str) -> list[str]:
    pad = INDENT
    one = f"{pad}def {name}({', '.join(items)}) -> {returns}:"
    if len(one) <= WIDTH:
        return [one]
    inner = f"{pad}{INDENT}{', '.join(items)}"
    if len(inner) <= WIDTH:
        return [f"{pad}def {name}(", inner, f"{pad}) -> {returns}:"]
    return [f"{pad}def {name}(", *(f"{pad}{INDENT}{i}," for i in items), f"{pad}) -> {returns}:"]


def _has_outputs(root: Part) -> bool:
    return any(step.weight is not None for part in root.parts() for step in part.steps)


LOSS = '''\
    def loss(self, outputs, target, criterion=F.cross_entropy) -> Tensor:
        """The loss of all outputs, each with its weight; of one alone in evaluation."""
        if isinstance(outputs, Tensor):
            return criterion(outputs, target)
        weights = self.output_weights
        return sum(weights[k] * criterion(y, target) for k, y in outputs.items())'''.split("\n")


LOSS_OF_SEVERAL = '''\
    def loss(self, outputs, target, criterion=F.cross_entropy) -> Tensor:
        """The loss of all outputs that have a weight."""
        shares = {k: w for k, w in self.output_weights.items() if w and k in outputs}
        return sum(w * criterion(outputs[k], target) for k, w in shares.items())'''.split("\n")


def _draw_path(root: Part) -> list[str]:
    joins = [
        met
        for part in root.parts()
        for step in part.steps
        if not isinstance(step.op, Part) and (met := step.op.layer.columns_met) is not None
    ]
    share = max(j.global_path for j in joins)
    columns = max(j.of for j in joins)
    return f'''\
    def draw_path(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Whether this mini-batch trains one column of the network alone, and which."""
        whole = torch.rand((), device=x.device) < {literal(share)}
        return whole, torch.randint({columns}, (), device=x.device)'''.split("\n")
