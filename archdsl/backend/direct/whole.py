"""A class whose code is translated from the text of its block: one class for all instances, however
they differ, that is right for other arguments too.

Where the text says more than this can say (``Untranslatable``), the class is made of its
instances instead: see ``archdsl.backend.union``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from archdsl.backend.direct.body import Body
from archdsl.backend.direct.expressions import RESERVED, Functions
from archdsl.backend.direct.lines import Line, pruned, shown, words
from archdsl.backend.direct.results import in_parameters
from archdsl.backend.direct.state import GIVEN
from archdsl.backend.direct.terms import TENSOR, TENSORS, Bound, kind_of
from archdsl.backend.direct.uses import Uses
from archdsl.backend.flow import INCOMING, Flow
from archdsl.backend.names import attribute, identifier
from archdsl.backend.plan import Plan
from archdsl.backend.symbols import Parameter, Symbols
from archdsl.backend.translate import Untranslatable
from archdsl.backend.written import Written
from archdsl.elaborate.values import Tensor
from archdsl.syntax import tree

ROUNDS = 4  # until a class that calls itself knows its own parameters


def is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)


def size_of(value: Any) -> Any:
    """A value as the constructor has it: of tensors, their channels."""
    if isinstance(value, Tensor):
        return value.shape[0]
    return tuple(size_of(v) for v in value) if isinstance(value, tuple) else value


def makes_several(node: tree.Node) -> bool:
    """Whether a part of a block's text may be about several tensors in the place of one."""
    lists = (tree.ListOf, tree.Comprehension)
    if isinstance(node, tree.Here):
        return node.field == "tensors"
    if isinstance(node, tree.Apply):
        return isinstance(node.chain, lists)
    return isinstance(node, tree.Chain) and any(isinstance(link, lists) for link in node.links)


class Whole:
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
        if any(part.given or part.is_list for part in self.parts) or any(
            map(makes_several, self.definition.walk())
        ):
            raise Untranslatable
        plan, uses = self.plan, Uses(self.parts)
        symbols = Symbols(len(self.parts), Flow(self.written, self.functions.knobs))
        plan.symbols, plan.whole_input, plan.tensors = symbols, False, []
        plan.result = ""
        names: dict[str, Bound] = {}
        parameters = {INCOMING: Parameter("in_channels", tuple(p.input[0] for p in self.parts))}
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
                made = Parameter(name, tuple(map(size_of, values)), own=True, origin=word)
                parameters[word] = made
                if is_given:
                    self.kinds[word] = kind
                elif attribute(name) != name:
                    names[word].kind = ""
        symbols.parameters = list(parameters.values())
        text_words = {n.text for n in self.definition.walk() if isinstance(n, tree.Word)}
        incoming = next(n for n in ("x", "h", "input_", "given") if n not in text_words)
        for _ in range(ROUNDS):
            body = Body(
                self.written,
                self.functions.knobs,
                self.functions,
                self.definition,
                names,
                uses,
                self.plans,
                incoming,
                set(taken),
                self.whole,
            )
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
            found = in_parameters(channels.text, body.made)
            names_read = words([Line(found)])
            if names_read <= {p.name for p in symbols.parameters if p.used}:
                plan.result = found
        types = {TENSOR: "Tensor", TENSORS: "list[Tensor]"}
        self.takes = [f"{incoming}: Tensor"] if plan.whole_input else []
        self.takes += [f"{names[w].run}: {types[self.kinds[w]]}" for w in plan.tensors]

    def forward(self) -> list[str]:
        """The statements of ``forward``."""
        return [line.replace(GIVEN, self.incoming) for line in shown(self.run, 2)]


def tokens(text: str) -> set[str]:
    """The attributes that a text reads."""
    return set(re.findall(r"self\.\w+", text))
