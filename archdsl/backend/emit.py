"""The whole file: what ``archdsl compile`` writes, and what ``build`` runs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib.resources import files

from archdsl.backend.flow import Flow
from archdsl.backend.forward import Forward
from archdsl.backend.initial import init_lines
from archdsl.backend.names import (
    BUILTINS,
    MODULE_NAMES,
    SPOKEN,
    UNCLEAR,
    attribute,
    identifier,
    run_stem,
)
from archdsl.backend.own_modules import FUTURE, Definitions, Helper, definitions, import_lines
from archdsl.backend.parameters import import_names, incoming_name, lent_names
from archdsl.backend.pieces import ExpressionPiece, SharedPiece
from archdsl.backend.plan import Plan, Planner
from archdsl.backend.python import (
    INDENT,
    WIDTH,
    Call,
    Code,
    Item,
    Value,
    dictionary,
    docstring,
    literal,
    quoted,
)
from archdsl.backend.scope import SHORTCUT, Entry
from archdsl.backend.symbols import ABSENT, Parameter, Symbols
from archdsl.backend.union import lack
from archdsl.backend.written import Written
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Diagnostic, diagnose
from archdsl.ir.flat import flatten
from archdsl.ir.network import Network, Part
from archdsl.layers.base import Layer

CONTAINERS = {
    "seq": "seq.py",
    "DenseBlock": "dense_block.py",
    "KeepAll": "keep_all.py",
    "ColumnMean": "column_mean.py",
    "Fractal": "fractal.py",
}


def emit(network: Network, header: str, written: Written, below: str = "") -> str:
    """Python source that needs nothing but torch.

    ``header`` is the text of the file's docstring; ``written`` is the spec's own text; ``below``
    is code that stands below the classes.
    Raises ``ArchError`` for layers that have no code (A607) or whose module cannot be taken (A608).
    """
    _require_code(network)
    writer, helpers, own = prepared(network, written)
    body: list[str] = []
    for plan in writer.plans:
        body += ["", "", *writer.lines(plan)]
    body += ["", "", *below.split("\n")] if below else []
    parts: list[str] = []
    for name in CONTAINERS:
        if name in helpers:
            parts += ["", "", *container_lines(name)]
    for text in own.texts:
        parts += ["", "", *text.split("\n")]
    imports = _imports("\n".join(parts + body), own.imports)
    return "\n".join([*docstring(header, 0), "", *imports, *parts, *body]) + "\n"


def prepared(
    network: Network, written: Written
) -> tuple[Writer, dict[str | Helper, None], Definitions]:
    """The writer of a network's classes, whose names are known; the helpers that their layers
    name, and the code of those that stand beside a layer."""
    planner = Planner(written.doc)
    top = planner.network(network.root, network.name)
    helpers = dict.fromkeys(
        h
        for plan in planner.plans
        for instance in plan.instances
        for piece in instance.all_pieces
        for h in sorted(piece.helpers(), key=str)
    )
    own = definitions([h for h in helpers if isinstance(h, Helper)], CONTAINERS)
    reserved = {*CONTAINERS, *own.names}
    plans = planner.named(top, reserved, network.doc)
    return Writer(network, top, plans, written, reserved), helpers, own


def _require_code(network: Network) -> None:
    missing: dict[type[Layer], Diagnostic] = {}
    for node in flatten(network).nodes:
        layer = node.layer
        if layer is None or layer.has_code() or type(layer) in missing:
            continue
        title = type(layer).__name__
        missing[type(layer)] = diagnose(codes.NO_CODE, node.span, layer=layer.name, title=title)
    if missing:
        raise ArchError(list(missing.values()))


def container_lines(name: str) -> list[str]:
    """The class or function of a container, without the file around it."""
    source = (files("archdsl.backend.helpers") / CONTAINERS[name]).read_text("utf-8")
    lines = source.split("\n")
    start = next(i for i, line in enumerate(lines) if line.startswith(("class ", "def ")))
    return "\n".join(lines[start:]).rstrip().split("\n")


UNREAD = re.compile(  # what is no code in a source: texts and comments
    r"""\"{3}(?:\\.|[^\\])*?\"{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\#[^\n]*""", re.DOTALL
)
NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*")


def _imports(text: str, own: Mapping[str, str]) -> list[str]:
    """The imports that a text needs; what its docstrings speak of does not count. ``own`` are those
    of modules that layers bring, by the names that they bind."""
    names = set(NAME.findall(UNREAD.sub("", text)))
    inner, others = import_lines(own)
    future = [FUTURE, ""] if FUTURE in own.values() else []
    lines = ["import math"] if "math" in names else []
    lines += ["from collections import OrderedDict"] if "OrderedDict" in names else []
    lines += inner
    lines += [""] if lines else []
    lines += ["import torch"] if "torch" in names else []
    lines += ["import torch.nn.functional as F"] if "F" in names else []
    return [*future, *lines, "from torch import Tensor, nn", *others]


# --------------------------------------------------------------------------- classes


class Writer:
    """Writes the classes of a network."""

    def __init__(
        self, network: Network, top: Plan, plans: list[Plan], written: Written, reserved: set[str]
    ) -> None:
        self.network, self.top, self.plans, self.written = network, top, plans, written
        self.taken = {*reserved, *SPOKEN, *UNCLEAR, *BUILTINS, *(plan.name for plan in plans)}
        side = flatten(network).side_outputs if _has_outputs(network.root) else []
        results = {r.name: r.weight for r in network.root.results}
        self.outputs = (results or {"main": 1.0}) | {s.name: s.weight for s in side}
        if not side and not results:
            self.outputs = {}

    def lines(self, plan: Plan) -> list[str]:
        is_top = plan is self.top
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

    def rest_of_top(self) -> list[str]:
        """What the network has beyond its parts."""
        lines: list[str] = []
        if self.outputs:
            weights = tuple(Item(Value(v), f"{quoted(k)}: ") for k, v in self.outputs.items())
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
        symbols = plan.offer_parameters(self.taken, Flow(self.written, self.network.knobs))
        labels = [*plan.full.pieces, *plan.full.shared]
        attributes = {*MODULE_NAMES, *map(attribute, labels)}
        flattened = plan.flattened()
        lines: list[str] = []
        given: dict[str, str] = {}  # attributes by their code
        made: set[str] = set()  # shared modules
        for entry in plan.full.scope.entries:
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
            if isinstance(piece, SharedPiece):
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
                condition = symbols.truth(there, *wanted, term=said)
            if entry.repeat > 1:
                lines += _several(entry, code, condition)
            elif condition:
                none = entry.label in plan.lack.makers or entry.label in plan.lack.operands
                lines += _optional(label, code, condition, "None" if none else "nn.Identity()")
            else:
                lines += code.lines(2, f"self.{label} = ")
        kept = [(n, t) for n, t in symbols.locals.items() if n in symbols.used_locals]
        return [*(f"{INDENT * 2}{name} = {text}" for name, text in kept), *lines]

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
            lines.append(f"{INDENT * 2}self.{kept} = {symbols.truth(there, SHORTCUT, term=said)}")
            conditions[place] = f"self.{kept}"
        return lines

    def forward(self, plan: Plan) -> list[str]:
        is_top = plan is self.top
        outputs = self.outputs if is_top else {}
        name = incoming_name(self.network.inputs[0] if is_top else "", self.taken)
        items = ["self"] + [f"{name}: Tensor"] * plan.full.uses_input
        parts = [i.part for i in plan.instances]
        imports = import_names(parts, {*self.taken, name})
        items += [f"{name}: Tensor" for name in imports]
        lent = lent_names([i.scope for i in plan.instances], {*self.taken, name, *imports})
        items += [f"{name}: nn.Module" for name in lent]
        if plan.needs_path and not is_top:
            items.append("path: tuple[Tensor, Tensor] | None = None")
        results = [r.name for r in self.network.root.results] if is_top else []
        returns = "Tensor | dict[str, Tensor]" if outputs else "Tensor"
        returns = "dict[str, Tensor]" if results else returns
        lines = _definition("forward", items, returns)
        if plan.needs_path and is_top:
            lines.append(f"{INDENT * 2}path = self.draw_path({name}) if self.training else None")
        forward = Forward(
            plan.full,
            plan.texts,
            self.written,
            self.taken,
            plan.conditions,
            plan.flattened(),
            imports,
            lent,
            comments=is_top,
            incoming=name,
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


def _several(entry: Entry, code: Code, condition: str) -> list[str]:
    """Modules that are alike, numbered; under a condition where some instances lack them."""
    first, stop = entry.number, entry.number + entry.repeat
    add = f'self.add_module(f"{run_stem(entry.base, first, entry.repeat)}{{i}}", '
    pad = INDENT * 3
    loop = f"{INDENT * 2}for i in range({first}, {stop}):"
    if not condition:
        return [loop, *code.lines(3, add, ")")]
    one = f"{pad}{add}{code.flat()} if {condition} else nn.Identity())"
    if len(one) <= WIDTH:
        return [loop, one]
    otherwise = [f"{pad}else:", f"{pad}{INDENT}{add}nn.Identity())"]
    return [loop, f"{pad}if {condition}:", *code.lines(4, add, ")"), *otherwise]


def _signature(parameters: Sequence[Parameter]) -> list[str]:
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
