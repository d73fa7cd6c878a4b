"""A class whose code is translated from the text of its block: one class for all instances, however
they differ, that is right for other arguments too.

Where the text says more than this can say (``Untranslatable``), the class is made of its
instances instead: see ``archdsl.backend.union``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from archdsl.backend.direct.body import BodyTranslation
from archdsl.backend.direct.expressions import RESERVED, Functions
from archdsl.backend.direct.lists import plain
from archdsl.backend.direct.nested_lines import Line, pruned, shown, words
from archdsl.backend.direct.result_channels import in_parameters, read_by
from archdsl.backend.direct.state import GIVEN, At
from archdsl.backend.direct.terms import INT, TENSOR, TENSORS, Bound, Said, kind_of
from archdsl.backend.direct.uses import Uses
from archdsl.backend.flow import INCOMING, ClassTerms
from archdsl.backend.names import attribute, identifier
from archdsl.backend.plan import Plan, usual
from archdsl.backend.python import Text
from archdsl.backend.spec_text import Written
from archdsl.backend.symbols import InitParameter, Symbols
from archdsl.backend.translate import Untranslatable
from archdsl.elaborate.values import Closure, LayerRef, Preset, Tensor
from archdsl.ir.network import Part
from archdsl.registry import REGISTRY
from archdsl.syntax import tree

ROUNDS = 4  # until a class that calls itself knows its own parameters


def is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)


def size_of(value: Any) -> Any:
    """A value as the constructor has it: of tensors, their channels."""
    if isinstance(value, Tensor):
        return value.shape[0]
    return tuple(size_of(v) for v in value) if isinstance(value, tuple) else value


def incoming_of(part: Part) -> Any:
    """The channels of what comes in; of several tensors, those of each."""
    if not part.is_list:
        return part.input[0]
    return (part.input[0], *(shape[0] for shape in part.imports[: part.takes - 1]))


def first_name(body: tree.Body) -> str:
    """What a body calls the tensors that come in: ``let xs = in.tensors`` at its beginning."""
    node = body.statements[0] if body.statements else None
    if not isinstance(node, tree.Let) or not isinstance(node.value, tree.Here):
        return ""
    known = node.value.field == "tensors" and not node.unpack
    name = node.targets[0].text
    return name if known and identifier(name, RESERVED) == name else ""


def _is_fixed(node: tree.Default) -> bool:
    """Whether what a `default` gives is the same in all uses of a block, or a layer's."""
    given = all(isinstance(argument.value, tree.Literal) for argument in node.arguments)
    return given or node.callee.text not in REGISTRY.patterns


class BlockClass:
    """The class of one block. ``lines`` are its constructor's statements and those of ``forward``;
    the plan knows its parameters then."""

    def __init__(
        self,
        plan: Plan,
        written: Written,
        functions: Functions,
        plans: Mapping[int, Plan],
        reserved: set[str],
        whole: frozenset[int],
    ) -> None:
        assert plan.definition is not None
        self.plan, self.written, self.functions, self.plans = plan, written, functions, plans
        self.definition: tree.Block = plan.definition
        self.parts = [i.part for i in plan.instances]
        self.reserved, self.whole = reserved, whole
        self.kinds: dict[str, str] = {}  # of tensors that are taken, by their name in the spec
        self.made: list[Line] = []
        self.run: list[Line] = []
        self.is_sequence = False

    def translate(self) -> None:
        """Raises ``Untranslatable``, or ``NeedsWhole`` for a block within."""
        is_list, self.gives = (
            {bool(each) for each in several}
            for several in ([p.is_list for p in self.parts], [p.given for p in self.parts])
        )
        if len(is_list) > 1 or len(self.gives) > 1 or any(p.taken for p in self.parts):
            raise Untranslatable
        if any(
            isinstance(n, tree.Default) and not _is_fixed(n) for n in self.definition.body.walk()
        ):
            raise Untranslatable
        takes_list = True in is_list
        plan, uses = self.plan, Uses(self.parts)
        symbols = Symbols(len(self.parts), ClassTerms(self.written, self.functions.knobs))
        plan.symbols, plan.whole_input, plan.tensors = symbols, False, []
        plan.result = ""
        names: dict[str, Bound] = {}
        passed: dict[str, tree.Node] = {}
        constant: set[str] = set()
        parameters = {INCOMING: InitParameter("in_channels", tuple(map(incoming_of, self.parts)))}
        parameters[INCOMING].origin = INCOMING
        files = self.written.files
        file = files.get(self.definition.span.source.name)
        known = () if file is None else file.statements
        functions = {n.name.text for n in known if isinstance(n, tree.Fn)}
        taken = {*functions, *self.reserved, *RESERVED, "in_channels"}
        for place, formal in enumerate(self.definition.parameters):
            word, values = formal.name.text, [p.arguments[place][1] for p in self.parts]
            name = identifier(word, taken)
            taken.add(name)
            kind = kind_of(values, is_tensor)
            is_given = kind in (TENSOR, TENSORS)
            names[word] = Bound(kind, name, name if is_given else f"self.{name}")
            if kind:
                given = tuple(map(size_of, values))
                made = InitParameter(name, given, usual(formal, given), own=True, origin=word)
                parameters[word] = made
                if is_given:
                    self.kinds[word] = kind
                elif attribute(name) != name:
                    names[word].kind = ""
            elif values and all(isinstance(v, (LayerRef, Preset)) for v in values):
                if len({str(v) for v in values}) == 1:
                    constant.add(word)
            elif values and all(isinstance(v, Closure) and not v.captured for v in values):
                spans = {v.code.span for v in values}
                found_node = self.written.node(spans.pop()) if len(spans) == 1 else None
                if found_node is not None:
                    passed[word] = found_node
        symbols.parameters = list(parameters.values())
        text_words = {n.text for n in self.definition.walk() if isinstance(n, tree.Word)}
        single = next(n for n in ("x", "h", "input_", "given") if n not in text_words)
        several = next(n for n in ("xs", "tensors", "several") if n not in text_words)
        called = first_name(self.definition.body) if takes_list else ""
        incoming = called or (several if takes_list else single)
        start = Said("in_channels", TENSORS if takes_list else INT)
        for _ in range(ROUNDS):
            body = BodyTranslation(
                self.written,
                self.functions.knobs,
                self.functions,
                self.definition,
                names,
                uses,
                self.plans,
                At(Text(GIVEN), start),
                (single, several, incoming),
                set(taken),
                self.whole,
            )
            body.passed, body.constant = dict(passed), constant
            body.untold = {
                p.name for p in symbols.parameters if not p.used and len(set(p.values)) == 1
            }
            body.block()
            self.made, self.run = pruned(body.made), pruned(body.run)
            self.is_sequence = body.chain_only
            if self.is_sequence:
                self.run = []
            before = ([p.used for p in symbols.parameters], plan.whole_input, list(plan.tensors))
            read, run = words(self.made), words(self.run)
            run_text = "\n".join(shown(self.run, 0))
            kept = [p for p in symbols.parameters if f"self.{p.name}" in tokens(run_text)]
            for p in symbols.parameters:
                p.used = p.name in read or p in kept
            plan.tensors = [w for w in self.kinds if names[w].run in run]
            plan.whole_input = self.is_sequence or GIVEN in run
            after = ([p.used for p in symbols.parameters], plan.whole_input, plan.tensors)
            if before == after:
                break
        else:
            raise Untranslatable
        self.made = [Line(f"self.{p.name} = {p.name}") for p in kept] + self.made
        self.incoming = incoming
        channels = body.at.channels
        if channels is not None and not channels.bottom:
            found = plain(in_parameters(channels.text, body.made, body.finals))
            if read_by(found) <= {p.name for p in symbols.parameters if p.used}:
                plan.result = found
        types = {INT: "Tensor", TENSOR: "Tensor", TENSORS: "list[Tensor]"}
        self.returns = types[TENSORS if True in self.gives else TENSOR]
        self.takes = [f"{incoming}: {types[start.kind]}"] if plan.whole_input else []
        self.takes += [f"{names[w].run}: {types[self.kinds[w]]}" for w in plan.tensors]

    def forward(self) -> list[str]:
        """The statements of ``forward``."""
        return [line.replace(GIVEN, self.incoming) for line in shown(self.run, 2)]


def tokens(text: str) -> set[str]:
    """The attributes that a text reads."""
    return set(re.findall(r"self\.\w+", text))
