"""Layers of a body: modules that are made, and called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archdsl.backend.direct.nested_lines import Line
from archdsl.backend.direct.state import AFTER, MOST_NESTED, At
from archdsl.backend.direct.terms import (
    INT,
    TENSOR,
    TENSORS,
    Said,
)
from archdsl.backend.direct.translation import Base
from archdsl.backend.direct.uses import LayerCode, StepUse, layer_code
from archdsl.backend.names import attribute
from archdsl.backend.python import (
    Added,
    Call,
    Code,
    Conditional,
    Const,
    Item,
    Text,
    expression,
)
from archdsl.backend.scope import OVERWRITABLE
from archdsl.backend.spec_text import holds
from archdsl.backend.terms import ATOM, CHOICE, EITHER
from archdsl.backend.translate import Untranslatable
from archdsl.ir.network import Part, numbered
from archdsl.layers.base import Expression, signature
from archdsl.registry import REGISTRY
from archdsl.syntax import tree


class Links(Base):
    """Translates what is applied."""

    def pattern(self, node: tree.Call) -> None:
        """A branch."""
        raise NotImplementedError

    def call(self, node: tree.Name | tree.Call, uses: Sequence[StepUse]) -> None:
        """A block."""
        raise NotImplementedError

    def several(self, node: tree.Node) -> None:
        """A list of layers."""
        raise NotImplementedError

    def statements(self, nodes: Sequence[tree.Node], last: bool = False) -> None:
        """Those of a body."""
        raise NotImplementedError

    # -------------------------------------------------------------------- links

    def link(self, node: tree.Node) -> None:
        """Applies a layer expression."""
        if isinstance(node, (tree.Chain, tree.Body)) or (
            isinstance(node, tree.Name) and node.text in self.passed
        ):
            for link in self.links_of(node):
                self.link(link)
                if self.at.depth >= MOST_NESTED:
                    self.settle()
            return
        if isinstance(node, tree.Ternary):
            self.choice(node)
        elif isinstance(node, tree.Name) and node.text in self.constant:
            if self.uses.of(node.span):
                self.apply(node)
        elif isinstance(node, (tree.Name, tree.Index, tree.Here)) and self.is_tensor(node):
            self.tensor(node)
        elif isinstance(node, (tree.ListOf, tree.Comprehension, tree.Binary)):
            self.several(node)
        elif isinstance(node, tree.Call) and node.body is not None:
            self.pattern(node)
        elif isinstance(node, (tree.Name, tree.Call)):
            self.apply(node)
        else:
            raise Untranslatable

    def links_of(self, node: tree.Node) -> Iterator[tree.Node]:
        """The layers of an expression one after the other, those of what it calls by name too."""
        if isinstance(node, tree.Name) and node.text in self.passed:
            node = self.passed[node.text]
        if isinstance(node, tree.Chain):
            for link in node.links:
                yield from self.links_of(link)
        elif isinstance(node, tree.Body):
            for statement in node.statements:
                if not isinstance(statement, tree.Apply):
                    raise Untranslatable
                yield from self.links_of(statement.chain)
        else:
            yield node

    def is_tensor(self, node: tree.Node) -> bool:
        if isinstance(node, tree.Here):
            return node.field == "tensors"
        if isinstance(node, tree.Index):
            return self.is_list(node.object)
        bound = self.say.names.get(node.text) if isinstance(node, tree.Name) else None
        if bound is not None and bound.kind not in (TENSOR, TENSORS):
            raise Untranslatable
        return bound is not None

    def is_list(self, node: tree.Node) -> bool:
        if isinstance(node, tree.Here):
            return node.field == "tensors"
        bound = self.say.names.get(node.text) if isinstance(node, tree.Name) else None
        return bound is not None and bound.kind == TENSORS

    def tensor(self, node: tree.Node) -> None:
        made, run = self.value(node)
        if made.kind not in (TENSOR, TENSORS):
            raise Untranslatable
        self.chain_only = False
        channels = made if made.kind == TENSORS else Said(made.text, INT, made.level)
        self.at = At(Text(run.text), channels, self.at.counts)

    def choice(self, node: tree.Ternary) -> None:
        """``(relu if k < steps else identity)``."""
        condition = self.value(node.condition)
        if self.in_item:
            self.choice_of_items(node, *condition)
            return
        name = self.own()
        before, ends, lines = self.at, [], []
        for inner in (node.then, node.otherwise):
            self.at = At(before.now, before.channels, before.counts.copy())
            self.at.overwritable = before.overwritable
            with self.below() as (made, run):
                self.link(inner)
                self.settle(name)
            ends.append(self.at)
            lines.append((made, run))
        self.join(before, ends, [made for made, _ in lines], False)
        self.at.now = before.now
        for sink, place in ((self.made, 0), (self.run, 1)):
            then, otherwise = lines[0][place], lines[1][place]
            said = condition[place]
            if then:
                sink.append(Line(f"if {said.text}:", body=then))
                if otherwise:
                    sink.append(Line("else:", body=otherwise))
            elif otherwise:
                sink.append(Line(f"if not {said.at(ATOM)}:", body=otherwise))

    def choice_of_items(self, node: tree.Ternary, made_if: Said, run_if: Said) -> None:
        """The same within a list that a loop makes: ``a(x) if i == 1 else b(x)``."""
        before, ends, sizes = self.at, list[At](), list[Said]()
        for head, inner in ((f"if {made_if.text}:", node.then), ("else:", node.otherwise)):
            self.at = At(before.now, before.channels, before.counts.copy())
            with self.below() as (made, run):
                self.link(inner)
            if run or not made:
                raise Untranslatable
            sizes.append(self.here())
            ends.append(self.at)
            self.made.append(Line(head, body=made))
        then, other = ends
        channels = f"{sizes[0].at(EITHER)} if {made_if.at(EITHER)} else {sizes[1].at(CHOICE)}"
        now = Conditional(then.now, run_if.at(EITHER), other.now)
        self.at = At(now, Said(channels, INT, CHOICE), then.counts | other.counts, 1)

    def apply(self, node: tree.Name | tree.Call) -> None:
        """A layer or a block."""
        uses = self.uses.of(node.span)
        if not uses:
            word = node.text if isinstance(node, tree.Name) else node.callee.text
            layer = REGISTRY.layers.get(word)
            if word in self.say.names or layer is None:
                raise Untranslatable
            if word != "identity":
                names = [p.name for p in signature(layer)]
                self.layer(node, self.uses.unseen(layer, self.given(node, names), node.span))
            return
        if all(isinstance(u.step.op, Part) for u in uses):
            self.call(node, uses)
        elif any(isinstance(u.step.op, Part) for u in uses):
            raise Untranslatable
        else:
            self.layer(node, uses)

    def given(self, node: tree.Name | tree.Call, names: Sequence[str]) -> dict[str, tree.Node]:
        """The arguments of a call, by the names of what it calls; those of a `default` of the block
        among them. One of the file is a number, unless it speaks of what comes in."""
        found: dict[str, tree.Node] = {}
        for default in self.written.defaults(node.span, self.definition):
            of_block = holds(self.definition, default.span)
            for place, argument in enumerate(default.arguments):
                if of_block:
                    name = names[place] if argument.name is None else argument.name.text
                    found[name] = argument.value
                elif any(isinstance(n, (tree.Field, tree.Here)) for n in argument.walk()):
                    raise Untranslatable
        for place, argument in enumerate(node.arguments if isinstance(node, tree.Call) else ()):
            name = names[place] if argument.name is None else argument.name.text
            found[name] = argument.value
        return found

    def layer(self, node: tree.Name | tree.Call, uses: Sequence[StepUse]) -> None:
        first = uses[0].layer
        names = [p.name for p in signature(type(first))]
        said: dict[str, Said] = {}
        for name, value in self.given(node, names).items():
            if isinstance(value, tree.Literal):
                continue
            try:
                made, _ = self.value(value)
            except Untranslatable:
                if not isinstance(first.torch(*uses[0].inputs), Expression):
                    raise
                made = self.run_only(value)
            if not made.text.isdigit():
                said[name] = made.quotient()
        found = layer_code(uses, said, self.here())
        if found is None:
            return
        self.emit_layer(found, uses)

    def emit_layer(self, found: LayerCode, uses: Sequence[StepUse]) -> None:
        layer, code = found.layer, found.code
        if layer.kind == "linear" and len(uses[0].inputs[0]) > 1:
            raise Untranslatable
        if isinstance(code, Expression):
            if code.helpers or "{module}" in code.text:
                raise Untranslatable
            if code.text.count("{x}") > 1:
                self.settle()
            self.chain_only = False
            self.at.now = expression(_filled(code), [self.at.now])
            self.at.depth += 1
            self.at.channels, self.at.overwritable = found.channels, False
            return
        if code.through:
            raise Untranslatable
        keywords = dict(code.keywords)
        if layer.inplace and layer.kind == "activation" and self.at.overwritable:
            keywords["inplace"] = True
        items = [Item(_argument(a)) for a in code.arguments]
        items += [Item(_argument(v), k) for k, v in keywords.items()]
        self.module(uses, layer.name, Call(f"{code.target}(", tuple(items)))
        self.at.channels = self.named_width(found.channels)
        self.at.overwritable = layer.kind in OVERWRITABLE and layer.overwritable

    def label(self, name: str) -> str:
        """The number of the next part of this name, as text: by the counter in a loop."""
        self.at.counts[name] += 1
        count = self.at.counts[name]
        if self.turn is not None:
            if self.turn.before[name] or count > 1:
                raise Untranslatable
            return f"{{{self.turn.counter}}}"
        if self.at.counts[f"{AFTER}{name}"]:
            raise Untranslatable
        return str(count)

    def module(
        self,
        uses: Sequence[StepUse],
        name: str,
        code: Code,
        arguments: Sequence[Item] | None = None,
    ) -> None:
        """Makes a module, and applies it."""
        names = {u.step.name for u in uses}
        alone = self.alone.split("{")[0].rstrip("0123456789")
        if alone and names == {alone}:  # an arm of one step has the arm's name
            self.made.append(Line(f"self.{self.alone} = ", code))
            self.applied(f"self.{self.alone}(", arguments)
            return
        if names != {name}:
            raise Untranslatable
        number = self.label(name)
        shown = numbered(name, 7).replace("7", number)
        if self.turn is not None:
            if attribute(numbered(name, 7)) != numbered(name, 7):
                raise Untranslatable
            self.made.append(Line("", Added(shown, code, self.free(name))))
            head = f'getattr(self, f"{shown}")('
        else:
            self.made.append(Line(f"self.{attribute(shown)} = ", code))
            head = f"self.{attribute(shown)}("
        self.applied(head, arguments)

    def applied(self, head: str, arguments: Sequence[Item] | None) -> None:
        items = (Item(self.at.now),) if arguments is None else tuple(arguments)
        self.at.now = Call(head, items)
        self.at.depth += 1


def _filled(code: Expression) -> str:
    """The text of an expression with its values put in."""
    text = code.text
    for name, value in code.values.items():
        shown = getattr(value, "text", repr(value))
        loose = getattr(value, "level", ATOM) < ATOM
        text = text.replace(f"{{{name}}}", f"({shown})" if loose else shown)
    return text


def _argument(value: Any) -> Code:
    text = getattr(value, "text", None)
    return Const(value) if text is None else Text(text, loose=value.level < ATOM)
