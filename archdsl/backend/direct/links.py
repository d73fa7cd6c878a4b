"""Layers and blocks of a body: modules that are made, and called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from archdsl.backend.direct.base import Base
from archdsl.backend.direct.lines import Line
from archdsl.backend.direct.results import said as said_of
from archdsl.backend.direct.results import with_values
from archdsl.backend.direct.state import AFTER, MOST_NESTED, At, NeedsWhole
from archdsl.backend.direct.terms import (
    INT,
    MADE,
    TENSOR,
    TENSORS,
    Said,
    channels_of,
    kind_of,
)
from archdsl.backend.direct.uses import LayerCode, Use, layer_code, plans_of
from archdsl.backend.flow import INCOMING, Flow
from archdsl.backend.names import attribute
from archdsl.backend.plan import Plan
from archdsl.backend.python import (
    Call,
    Code,
    Item,
    Text,
    Value,
    expression,
)
from archdsl.backend.scope import OVERWRITABLE
from archdsl.backend.symbols import ABSENT
from archdsl.backend.terms import ATOM, Whole
from archdsl.backend.translate import Untranslatable
from archdsl.elaborate.values import Tensor
from archdsl.ir.network import Part, numbered
from archdsl.layers.base import Expression, signature
from archdsl.syntax import tree


class Links(Base):
    """Translates what is applied."""

    def pattern(self, node: tree.Call) -> None:
        """A branch."""
        raise NotImplementedError

    def several(self, node: tree.Node) -> None:
        """A list of layers."""
        raise NotImplementedError

    # -------------------------------------------------------------------- links

    def link(self, node: tree.Node) -> None:
        """Applies a layer expression."""
        if isinstance(node, tree.Chain):
            for link in node.links:
                self.link(link)
                if self.at.depth >= MOST_NESTED:
                    self.settle()
            return
        if isinstance(node, tree.Ternary):
            self.choice(node)
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

    def apply(self, node: tree.Name | tree.Call) -> None:
        """A layer or a block."""
        uses = self.uses.of(node.span)
        if not uses:
            word = node.text if isinstance(node, tree.Name) else node.callee.text
            if word != "identity" or word in self.say.names:
                raise Untranslatable
            return
        if all(isinstance(u.step.op, Part) for u in uses):
            self.call(node, uses)
        elif any(isinstance(u.step.op, Part) for u in uses):
            raise Untranslatable
        else:
            self.layer(node, uses)

    def given(self, node: tree.Name | tree.Call, names: Sequence[str]) -> dict[str, tree.Node]:
        """The arguments of a call, by the names of what it calls."""
        found: dict[str, tree.Node] = {}
        for place, argument in enumerate(node.arguments if isinstance(node, tree.Call) else ()):
            name = names[place] if argument.name is None else argument.name.text
            found[name] = argument.value
        return found

    def layer(self, node: tree.Name | tree.Call, uses: Sequence[Use]) -> None:
        first = uses[0].layer
        names = [p.name for p in signature(type(first))]
        said: dict[str, Said] = {}
        for name, value in self.given(node, names).items():
            if isinstance(value, tree.Literal):
                continue
            made, _ = self.value(value)
            if not made.text.isdigit():
                said[name] = made.quotient()
        found = layer_code(uses, said, self.here())
        if found is None:
            return
        self.emit_layer(found, uses)

    def emit_layer(self, found: LayerCode, uses: Sequence[Use]) -> None:
        layer, code = found.layer, found.code
        if layer.kind == "linear" and len(uses[0].inputs[0]) > 1:
            raise Untranslatable
        if isinstance(code, Expression):
            if code.values or code.helpers or "{module}" in code.text:
                raise Untranslatable
            if code.text.count("{x}") > 1:
                self.settle()
            self.chain_only = False
            self.at.now = expression(code.text, [self.at.now])
            self.at.depth += 1
            self.at.channels, self.at.overwritable = found.channels, False
            return
        if "." not in code.target:
            raise Untranslatable  # a module that the file has to define
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
        self, uses: Sequence[Use], name: str, code: Code, arguments: Sequence[Item] | None = None
    ) -> None:
        """Makes a module, and applies it."""
        names = {u.step.name for u in uses}
        if names == {"branch"} and self.alone:  # an arm of one step has the arm's name
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
            self.made.append(Line("", added(shown, code)))
            head = f'getattr(self, f"{shown}")('
        else:
            self.made.append(Line(f"self.{attribute(shown)} = ", code))
            head = f"self.{attribute(shown)}("
        self.applied(head, arguments)

    def applied(self, head: str, arguments: Sequence[Item] | None) -> None:
        items = (Item(self.at.now),) if arguments is None else tuple(arguments)
        self.at.now = Call(head, items)
        self.at.depth += 1

    # ------------------------------------------------------------------- blocks

    def call(self, node: tree.Name | tree.Call, uses: Sequence[Use]) -> None:
        plans = plans_of(uses, self.plans)
        definition = plans[0].definition
        if definition is None:
            raise Untranslatable
        if len(plans) != 1:
            raise NeedsWhole(definition)
        plan = plans[0]
        if plan.needs_path or any(i.scope.lent for i in plan.instances):
            raise Untranslatable
        names = [p.name.text for p in definition.parameters]
        given = self.given(node, names)
        is_whole = id(definition) in self.whole
        parts = [_part(u) for u in uses]
        lists = {p.is_list for p in parts}, {bool(p.given) for p in parts}
        if any(len(kinds) > 1 for kinds in lists) or parts[0].is_list != self.at.several:
            raise Untranslatable
        if not is_whole and (parts[0].is_list or parts[0].given):
            raise NeedsWhole(definition)
        lent = [] if is_whole else self.imports(uses, given)
        items: list[Item] = []
        for parameter in plan.signature():
            if parameter.origin == INCOMING:
                said = self.at.channels if self.at.several else self.here()
                assert said is not None
            elif parameter.origin in given:
                said = self.value(given[parameter.origin])[0].quotient()
            elif parameter.origin in names and parameter.default is not ABSENT:
                continue
            else:
                formal = next(
                    (p for p in definition.parameters if p.name.text == parameter.origin), None
                )
                if formal is None or not isinstance(formal.default, tree.Literal):
                    raise Untranslatable if is_whole else NeedsWhole(definition)
                said = self.say.literal(formal.default, MADE)
            name = "" if parameter.default is ABSENT else parameter.name
            items.append(Item(Text(said.text), name))
        arguments: list[Item] = [Item(self.at.now)] if plan.uses_input else []
        for word in plan.tensors if is_whole else ():
            if word not in given:
                raise Untranslatable
            arguments.append(Item(Text(self.value(given[word])[1].text)))
        arguments += lent
        if plan.result:
            values = zip([p.name for p in plan.signature()], items, strict=False)
            filled = {name: item.value.flat() for name, item in values}
            channels: Said | None = said_of(with_values(plan.result, filled), bool(parts[0].given))
        elif parts[0].given or parts[0].is_list:
            raise Untranslatable
        else:
            channels = self.result(plan, given, uses)
        if arguments and self.at.depth:
            self.settle()
            arguments = [Item(self.at.now), *arguments[1:]] if plan.uses_input else arguments
        code = Call(f"{plan.name}(", tuple(items))
        self.module(uses, definition.name.text, code, arguments)
        self.at.channels, self.at.overwritable = self.named_width(channels), False
        self.at.maker = None if is_whole else definition

    def imports(self, uses: Sequence[Use], given: Mapping[str, tree.Node]) -> list[Item]:
        """The tensors that a class takes which is made of its instances: those of its arguments
        that they use, in their order."""
        found = {tuple(map(_places(u), _part(u).imported)) for u in uses}
        if len(found) != 1 or len(_part(uses[0]).imports) != len(next(iter(found))):
            raise Untranslatable
        items = []
        for name, place in found.pop():
            if name not in given:
                raise Untranslatable
            node = given[name]
            if place >= 0 and isinstance(node, tree.ListOf):
                text = self.value(node.items[place])[1].text
            else:
                said = self.value(node)[1]
                text = said.text if place < 0 else f"{said.at(ATOM)}[{place}]"
            items.append(Item(Text(text)))
        return items

    def result(
        self, plan: Plan, given: Mapping[str, tree.Node], uses: Sequence[Use]
    ) -> Said | None:
        """The channels that a block gives, if its text says them."""
        assert plan.definition is not None
        part = uses[0].step.op
        assert isinstance(part, Part)
        known = dict(part.arguments)
        values: dict[str, Any] = {}
        for formal in plan.definition.parameters:
            name = formal.name.text
            if name in given and type(known.get(name)) is int:
                said = self.value(given[name])[0]
                values[name] = known[name] if said.text.isdigit() else said.whole(known[name])
            elif name not in given:
                values[name] = known.get(name)
        here: int = part.input[0]
        if plan.uses_input and not self.here().text.isdigit():
            here = self.here().whole(here)
        flow = Flow(self.written, self.knobs)
        translator = flow.translator(plan, values, here)
        found = flow.walk(plan.instances[plan.place(part)], translator, here, False)
        if not isinstance(found, Whole):
            moving = isinstance(here, Whole) or any(isinstance(v, Whole) for v in values.values())
            moving = moving or any(kind_of([v], _is_tensor) == "tensors" for v in known.values())
            return None if moving else channels_of(found)
        return channels_of(found)


def _part(use: Use) -> Part:
    assert isinstance(use.step.op, Part)
    return use.step.op


def _places(use: Use) -> Callable[[Any], tuple[str, int]]:
    """Where the arguments of a block have a tensor: the parameter, and its place in a list."""
    known: dict[int, tuple[str, int]] = {}
    for name, value in _part(use).arguments:
        if isinstance(value, tuple):
            known |= {id(one): (name, place) for place, one in enumerate(value)}
        else:
            known[id(value)] = name, -1
    return lambda tensor: known.get(id(tensor), ("", -1))


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)


def _argument(value: Any) -> Code:
    text = getattr(value, "text", None)
    return Value(value) if text is None else Text(text, loose=value.level < ATOM)


def added(label: str, code: Code) -> Code:
    return Call("self.add_module(", (Item(Text(f'f"{label}"')), Item(code)))
