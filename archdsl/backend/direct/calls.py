"""Blocks of a body: classes of the file that are made, and called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from archdsl.backend.direct.expressions import Expressions
from archdsl.backend.direct.links import Links
from archdsl.backend.direct.nested_lines import Line
from archdsl.backend.direct.result_channels import said as said_of
from archdsl.backend.direct.result_channels import with_values
from archdsl.backend.direct.state import NeedsWhole
from archdsl.backend.direct.terms import (
    INT,
    MADE,
    TENSOR,
    TENSORS,
    Bound,
    Said,
    channels_of,
    kind_of,
)
from archdsl.backend.direct.uses import StepUse, plans_of
from archdsl.backend.flow import INCOMING, ClassTerms
from archdsl.backend.plan import Plan
from archdsl.backend.python import (
    Call,
    Item,
    Text,
)
from archdsl.backend.symbols import ABSENT, spoken
from archdsl.backend.terms import ATOM, Num
from archdsl.backend.translate import Untranslatable
from archdsl.elaborate.values import Tensor
from archdsl.ir.network import Op, Part
from archdsl.syntax import tree

NOTHING = Said("()", TENSORS)  # an empty list


class Calls(Links):
    """Translates the blocks that are applied."""

    def call(self, node: tree.Name | tree.Call, uses: Sequence[StepUse]) -> None:
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
        said_of_all: dict[str, str] = {}
        for parameter in plan.signature():
            if parameter.origin == INCOMING:
                said = self.at.channels if self.at.several else self.here()
                assert said is not None
            elif parameter.origin in given:
                said = self.value(given[parameter.origin])[0].quotient()
            elif (
                parameter.origin in names and parameter.default is not ABSENT
            ) or parameter.idle.issuperset(plan.place(part) for part in parts):
                continue
            else:
                found = self.usual(definition, parameter.origin, given) or self.in_layer(given)
                if found is None:
                    raise Untranslatable if is_whole else NeedsWhole(definition)
                said = found
            name = "" if parameter.default is ABSENT else parameter.name
            said_of_all[parameter.name] = said.text
            items.append(Item(Text(sliced(said.text)), name))
        told = {p.origin for p in plan.signature()}
        unsaid = given.keys() - told
        if not is_whole and any(self.may_differ(given[name]) for name in unsaid):
            raise NeedsWhole(definition)  # what is one number in all uses may be another elsewhere
        if not is_whole and INCOMING not in told:
            self.as_in_all_uses(parts, definition)
        arguments: list[Item] = [Item(self.at.now)] if plan.uses_input else []
        for word in plan.tensors if is_whole else ():
            if word in given:
                arguments.append(Item(Text(self.value(given[word])[1].text)))
            elif self.usual(definition, word, given) == NOTHING:
                arguments.append(Item(Text("[]")))
            else:
                raise Untranslatable
        arguments += lent
        if plan.result:
            left = with_values(plan.result, said_of_all)
            channels: Said | None = said_of(left, bool(parts[0].given))
        elif parts[0].given or parts[0].is_list:
            raise Untranslatable
        else:
            channels = self.result(plan, given, uses)
        if arguments and self.at.depth:
            self.settle()
        if plan.uses_input:  # it may have been given a name since
            arguments = [Item(self.at.now), *arguments[1:]]
        code = Call(f"{plan.name}(", tuple(items))
        self.module(uses, definition.name.text, code, arguments)
        self.at.channels, self.at.overwritable = self.named_width(channels), False
        self.at.maker = None if is_whole else definition

    def as_in_all_uses(self, parts: Sequence[Part], definition: tree.Block) -> None:
        """Says that as many channels come in as in all uses of a class that is not told how many
        they are, if its weights go by them."""
        sizes = {part.input[0] for part in parts}
        here = self.here().text
        if here.isdigit() or len(sizes) > 1 or not any(map(has_weights, parts)):
            return
        if self.in_arm or self.in_item:
            raise NeedsWhole(definition)  # there is no place for a statement
        self.made.append(Line(f"assert {here} == {sizes.pop()}"))

    def may_differ(self, node: tree.Node) -> bool:
        """Whether a value that is the same in all uses, and no tensor or layer, speaks of what a
        class is told, or makes."""
        try:
            said = self.value(node)[0]
        except Untranslatable:
            return False
        return said.kind not in (TENSOR, TENSORS) and not spoken(said.text) <= self.untold

    def usual(self, block: tree.Block, name: str, given: Mapping[str, tree.Node]) -> Said | None:
        """What a block takes where it is not given a parameter, in the values that it is given;
        nothing where these do not say it."""
        formals = {p.name.text: p for p in block.parameters}
        formal = formals.get(name)
        default = None if formal is None else formal.default
        if default is None or isinstance(default, tree.Literal):
            return None if default is None else self.say.literal(default, MADE)
        if isinstance(default, tree.ListOf) and not default.items:
            return NOTHING
        words = {n.text for n in default.walk() if isinstance(n, tree.Name)}
        values: dict[str, Bound] = {}
        for word in words & formals.keys():
            made = self.value(given[word])[0] if word in given else self.usual(block, word, given)
            if made is None:
                return None
            values[word] = Bound(made.kind, made.text, "", None, made.level, made.bottom)
        try:
            return Expressions(values, self.say.functions).value(default, MADE).quotient()
        except Untranslatable:
            return None

    def in_layer(self, given: Mapping[str, tree.Node]) -> Said | None:
        """The only number that the layers say which a block is given: what its class takes beside
        the arguments of the block is a number of these."""
        found: dict[str, Said] = {}
        for value in given.values():
            for call in (n for n in value.walk() if isinstance(n, tree.Call)):
                for argument in call.arguments:
                    try:
                        said = self.value(argument.value)[0].quotient()
                    except Untranslatable:
                        continue
                    if said.kind == INT and not said.text.isdigit():
                        found[said.text] = said
        return next(iter(found.values())) if len(found) == 1 else None

    def imports(self, uses: Sequence[StepUse], given: Mapping[str, tree.Node]) -> list[Item]:
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
        self, plan: Plan, given: Mapping[str, tree.Node], uses: Sequence[StepUse]
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
        flow = ClassTerms(self.written, self.knobs)
        translator = flow.translator(plan, values, here)
        instance = plan.instances[plan.place(part)]
        found = flow.walk(instance, translator, here, False)[instance.scope.result]
        if not isinstance(found, Num):
            moving = isinstance(here, Num) or any(isinstance(v, Num) for v in values.values())
            moving = moving or any(kind_of([v], _is_tensor) == "tensors" for v in known.values())
            return None if moving else channels_of(found)
        return channels_of(found)


def sliced(text: str) -> str:
    """A list of the first items of another as a slice: ``xs[:3]`` for ``(xs[0], xs[1], xs[2])``."""
    items = text.removeprefix("(").removesuffix(")").split(", ")
    word = items[0].removesuffix("[0]")
    if len(items) < 2 or not text.startswith("(") or not word.isidentifier():
        return text
    alike = items == [f"{word}[{i}]" for i in range(len(items))]
    return f"{word}[:{len(items)}]" if alike else text


def _part(use: StepUse) -> Part:
    assert isinstance(use.step.op, Part)
    return use.step.op


def has_weights(part: Part) -> bool:
    """Whether a part, or one in it, has weights of its own."""
    return any(
        bool(step.op.layer.weights(*(inner.shape_of(n) for n in step.inputs)))
        for inner in part.parts()
        for step in inner.steps
        if isinstance(step.op, Op)
    )


def _places(use: StepUse) -> Callable[[Any], tuple[str, int]]:
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
