"""The whole file: what ``archdsl compile`` writes, and what ``build`` runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.resources import files

from archdsl.backend.forward import Forward, import_name
from archdsl.backend.initial import init_lines
from archdsl.backend.pieces import ExpressionPiece, attribute
from archdsl.backend.plan import Plan, Planner
from archdsl.backend.python import INDENT, WIDTH, Code, docstring, literal, quoted
from archdsl.backend.symbols import ABSENT, Parameter, Symbols
from archdsl.elaborate.network import Network, Part
from archdsl.graph.flat import flatten
from archdsl.layers.join import FractalJoin
from archdsl.syntax import tree

HELPER_FILES = {
    "seq": "seq.py",
    "DenseBlock": "dense_block.py",
    "Fractal": "fractal.py",
    "StochasticDepth": "stochastic_depth.py",
    "ChannelNorm": "channel_norm.py",
    "Scale": "scale.py",
    "GlobalResponseNorm": "global_response_norm.py",
}


def emit(network: Network, header: str, docs: Callable[[tree.Block], str]) -> str:
    """Python source that needs nothing but torch.

    ``header`` is the text of the file's docstring; ``docs`` gives a block's doc comment.
    """
    planner = Planner(docs)
    top = planner.plan(network.root, "arch", network.name)
    body: list[str] = []
    helpers: set[str] = set()
    plans = planner.ordered()
    for plan in plans:
        body += ["", "", *_class(plan, plan is top, network, plans)]
        for instance in plan.instances:
            for piece in instance.pieces.values():
                helpers |= piece.helpers()
    parts: list[str] = []
    for name in HELPER_FILES:
        if name in helpers:
            parts += ["", "", *helper_lines(name)]
    text = "\n".join(parts + body)
    return "\n".join([*docstring(header, 0), "", *_imports(text), *parts, *body]) + "\n"


def helper_lines(name: str) -> list[str]:
    """The class or function of a helper, without the file around it."""
    source = (files("archdsl.backend.helpers") / HELPER_FILES[name]).read_text("utf-8")
    lines = source.split("\n")
    start = next(i for i, line in enumerate(lines) if line.startswith(("class ", "def ")))
    return "\n".join(lines[start:]).rstrip().split("\n")


def _imports(text: str) -> list[str]:
    lines = []
    if "OrderedDict(" in text:
        lines += ["from collections import OrderedDict", ""]
    if "torch." in text.replace("torch.nn", ""):
        lines.append("import torch")
    if "F." in text:
        lines.append("import torch.nn.functional as F")
    lines.append("from torch import Tensor, nn")
    return lines


# --------------------------------------------------------------------------- classes


def _class(plan: Plan, is_top: bool, network: Network, plans: list[Plan]) -> list[str]:
    symbols = plan.offer_parameters()
    made = _constructor_body(plan, symbols)
    lines = [f"class {plan.name}(nn.Module):"]
    doc = network.doc if is_top else plan.doc
    if doc:
        lines += [*docstring(doc, 1), ""]
    lines += _signature(plan.signature())
    lines.append(f"{INDENT * 2}super().__init__()")
    lines += made
    if is_top and (outputs := _output_weights(network)):
        shown = ", ".join(f"{quoted(k)}: {literal(v)}" for k, v in outputs.items())
        lines.append(f"{INDENT * 2}self.output_weights = {{{shown}}}")
    starts = init_lines(network.root, plans, plan) if is_top else []
    if starts:
        lines.append(f"{INDENT * 2}self.init_weights()")
    lines += ["", *_forward(plan, is_top, network)]
    if starts:
        lines += ["", f"{INDENT}def init_weights(self) -> None:", *starts]
    if is_top and _output_weights(network):
        lines += ["", *LOSS]
    if is_top and plan.needs_path:
        lines += ["", *_draw_path(network.root)]
    return lines


def _constructor_body(plan: Plan, symbols: Symbols) -> list[str]:
    lines: list[str] = []
    for entry in plan.full.scope.entries:
        pieces = [i.pieces.get(entry.label) for i in plan.instances]
        piece = plan.full.pieces[entry.label]
        if isinstance(piece, ExpressionPiece):
            text, attributes = piece.text(pieces, symbols, entry.label)
            plan.texts[entry.label] = text
            for name, value in attributes:
                lines += value.lines(2, f"self.{name} = ")
            continue
        label = attribute(entry.label)
        code: Code = piece.emit(pieces, symbols, entry.label)
        if any(p is None for p in pieces):
            condition = symbols.truth([p is not None for p in pieces], entry.label)
            lines += _optional(label, code, condition)
        elif entry.repeat > 1:
            stop = entry.number + entry.repeat
            lines.append(f"{INDENT * 2}for i in range({entry.number}, {stop}):")
            lines += code.lines(3, f'self.add_module(f"{entry.base}{{i}}", ', ")")
        else:
            lines += code.lines(2, f"self.{label} = ")
    return lines


def _optional(label: str, code: Code, condition: str) -> list[str]:
    """A part that some instances have: in the others it is the identity."""
    pad = INDENT * 2
    one = f"{pad}self.{label} = {code.flat()} if {condition} else nn.Identity()"
    if len(one) <= WIDTH:
        return [one]
    made = code.lines(3, f"self.{label} = ")
    return [f"{pad}self.{label} = nn.Identity()", f"{pad}if {condition}:", *made]


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


def _forward(plan: Plan, is_top: bool, network: Network) -> list[str]:
    items = ["self", "x: Tensor"]
    items += [f"{import_name(i)}: Tensor" for i in range(len(plan.full.part.imports))]
    if plan.needs_path and not is_top:
        items.append("path: tuple[Tensor, Tensor] | None = None")
    outputs = _output_weights(network) if is_top else {}
    returns = "Tensor | dict[str, Tensor]" if outputs else "Tensor"
    lines = _definition("forward", items, returns)
    if plan.needs_path and is_top:
        lines.append(f"{INDENT * 2}path = self.draw_path(x) if self.training else None")
    forward = Forward(plan.full, plan.texts, comments=is_top)

    def with_outputs(result: str) -> list[str]:
        names = ", ".join(f'"{n}": {attribute(n)}' for n in list(outputs)[1:])
        return [
            f"{INDENT * 2}if self.training:",
            f'{INDENT * 3}return {{"main": {result}, {names}}}',
            f"{INDENT * 2}return {result}",
        ]

    return lines + forward.lines(2, with_outputs if outputs else None)


def _output_weights(network: Network) -> dict[str, float]:
    side = flatten(network).side_outputs if _has_outputs(network.root) else []
    return {"main": 1.0, **{s.name: s.weight for s in side}} if side else {}


def _has_outputs(root: Part) -> bool:
    return any(step.weight is not None for part in root.parts() for step in part.steps)


LOSS = '''\
    def loss(self, outputs, target, criterion=F.cross_entropy) -> Tensor:
        """The loss of all outputs, each with its weight; of one alone in evaluation."""
        if isinstance(outputs, Tensor):
            return criterion(outputs, target)
        weights = self.output_weights
        return sum(weights[k] * criterion(y, target) for k, y in outputs.items())'''.split("\n")


def _draw_path(root: Part) -> list[str]:
    joins = [
        step.op.layer
        for part in root.parts()
        for step in part.steps
        if not isinstance(step.op, Part) and isinstance(step.op.layer, FractalJoin)
    ]
    share = max(j.global_path for j in joins)
    columns = max(j.of for j in joins)
    return f'''\
    def draw_path(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Whether this mini-batch trains one column of the network alone, and which."""
        whole = torch.rand((), device=x.device) < {literal(share)}
        return whole, torch.randint({columns}, (), device=x.device)'''.split("\n")
