"""The whole file: what ``archdsl compile`` writes, and what ``build`` runs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass
from importlib.resources import files

from archdsl.backend.direct.state import CannotBeWhole, NeedsWhole
from archdsl.backend.flow import INCOMING
from archdsl.backend.own_code import check_own_code
from archdsl.backend.own_modules import FUTURE, Definitions, Helper, definitions, import_lines
from archdsl.backend.plan import Plan, Planner
from archdsl.backend.python import (
    docstring,
)
from archdsl.backend.spec_text import Written
from archdsl.backend.writer import ClassWriter
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Diagnostic, diagnose
from archdsl.ir.flat import flatten
from archdsl.ir.network import Network
from archdsl.layers.base import Layer

CONTAINERS = {
    "seq": "seq.py",
    "DenseBlock": "dense_block.py",
    "KeepAll": "keep_all.py",
    "ColumnMean": "column_mean.py",
    "Fractal": "fractal.py",
}


FORM = 10  # lines that one more class of a block is worth, or being told which steps it has


@dataclass(frozen=True, slots=True)
class Emitted:
    """A file, and what wrote it."""

    text: str
    writer: ClassWriter

    @property
    def plans(self) -> list[Plan]:
        """The classes that stand for blocks."""
        return [p for p in self.writer.plans if p.definition is not None]

    @property
    def cost(self) -> int:
        """Lines to read; a block that has several classes costs more than they, and so does one
        that is told which steps it has. A number that its text does not have costs a line."""
        forms = Counter(id(p.definition) for p in self.plans)
        more = FORM * sum(n - 1 for n in forms.values())
        for parameter in (p for plan in self.plans for p in plan.signature()):
            if not parameter.own and parameter.origin != INCOMING:
                more += FORM if parameter.annotation == "bool" else 1
        return self.text.count("\n") + more

    def of_many_forms(self) -> frozenset[int]:
        """The blocks, by their definitions, that have several classes, or one that is told how
        often it repeats another, or which turns of a loop it has."""
        found = Counter(id(p.definition) for p in self.plans)
        several = {definition for definition, count in found.items() if count > 1}
        told = {id(p.definition) for p in self.plans if p.has_runs or p.is_told_turns()}
        return frozenset(several | told)


def emit(network: Network, header: str, written: Written, below: str = "") -> str:
    """Python source that needs nothing but torch.

    ``header`` is the text of the file's docstring; ``written`` is the spec's own text; ``below``
    is code that stands below the classes.
    Raises ``ArchError`` for layers that have no code (A607), whose module cannot be taken (A608) or
    whose code cannot run (A609).
    """
    return emitted(network, header, written, below).text


def emitted(network: Network, header: str, written: Written, below: str = "") -> Emitted:
    """What ``emit`` gives. A block that would have several classes, or one of many parameters, has
    one that is translated from its text, where that can be and makes the file easier to read."""
    _require_code(network)
    whole, looped = frozenset[int](), frozenset[int]()
    refused: set[int] = set()
    best: Emitted | None = None
    while True:
        wanted: frozenset[int] = frozenset()
        try:
            found = _emitted(network, header, written, below, whole, looped)
        except NeedsWhole as need:
            inner = id(need.definition)
            wanted = frozenset((inner,))
            if inner in refused or inner in whole:
                refused.add(need.by)
        except CannotBeWhole as problem:
            refused.add(problem.definition)
        else:
            if best is None or found.cost < best.cost:
                best = found
            wanted = found.of_many_forms()
        following, loops = (whole | wanted) - refused, looped | (wanted & refused)
        if (following, loops) == (whole, looped):
            assert best is not None, "with no block whole, there is a file"
            return best
        whole, looped = following, loops


def _emitted(
    network: Network,
    header: str,
    written: Written,
    below: str,
    whole: frozenset[int],
    looped: frozenset[int],
) -> Emitted:
    """The file in which these blocks are translated from their text, and those repeat what they
    have as often as they are told."""
    writer, helpers, own = prepared(network, written, whole, looped)
    body: list[str] = []
    for plan in writer.plans:
        body += ["", "", *writer.lines(plan)]
    body += ["", "", *below.split("\n")] if below else []
    parts: list[str] = []
    code = UNREAD.sub("", "\n".join(body))
    called = set(CALLED.findall(code))
    for name in CONTAINERS:
        if name in called or (name in helpers and name != "seq"):
            parts += ["", "", *container_lines(name)]
    for text in own.texts:
        parts += ["", "", *text.split("\n")]
    for lines in writer.functions.lines.values():
        parts += ["", "", *lines]
    used = set(NAME.findall(code)) | set(NAME.findall(UNREAD.sub("", "\n".join(parts))))
    imports = _imports(used, own.imports)
    text = "\n".join([*docstring(header, 0), "", *imports, *parts, *body]) + "\n"
    return Emitted(text, writer)


def prepared(
    network: Network,
    written: Written,
    whole: frozenset[int] = frozenset(),
    looped: frozenset[int] = frozenset(),
) -> tuple[ClassWriter, dict[str | Helper, None], Definitions]:
    """The writer of a network's classes, whose names are known; the helpers that their layers
    name, and the code of those that stand beside a layer."""
    planner = Planner(written.doc, whole, looped)
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
    by_part = {part: plan for (_, part), plan in planner.known.items()}
    return ClassWriter(network, top, plans, written, reserved, by_part), helpers, own


def _require_code(network: Network) -> None:
    missing: dict[type[Layer], Diagnostic] = {}
    flat = flatten(network)
    for node in flat.nodes:
        layer = node.layer
        if layer is None or layer.has_code() or type(layer) in missing:
            continue
        title = type(layer).__name__
        missing[type(layer)] = diagnose(codes.NO_CODE, node.span, layer=layer.name, title=title)
    if missing:
        raise ArchError(list(missing.values()))
    check_own_code(flat)


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
CALLED = re.compile(rf"({NAME.pattern})\(")


def _imports(names: Set[str], own: Mapping[str, str]) -> list[str]:
    """The imports that code of these names needs. ``own`` are those of modules that layers bring,
    by the names that they bind."""
    inner, others = import_lines(own)
    future = [FUTURE, ""] if FUTURE in own.values() else []
    lines = ["import math"] if "math" in names else []
    fractions = ["from fractions import Fraction"] if "Fraction" in names else []
    lines += ["from collections import OrderedDict"] if "OrderedDict" in names else []
    lines += fractions
    lines += inner
    lines += [""] if lines else []
    lines += ["import torch"] if "torch" in names else []
    lines += ["import torch.nn.functional as F"] if "F" in names else []
    return [*future, *lines, "from torch import Tensor, nn", *others]
