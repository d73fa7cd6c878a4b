"""Branches of a body: arms that are written one by one, or made by a loop."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from archdsl.backend.direct.calls import Calls
from archdsl.backend.direct.nested_lines import Line, words
from archdsl.backend.direct.result_channels import read_by
from archdsl.backend.direct.state import AFTER, At
from archdsl.backend.direct.terms import (
    INT,
    Said,
)
from archdsl.backend.direct.translation import Header
from archdsl.backend.python import (
    Added,
    Call,
    Code,
    Comprehension,
    Item,
    Operation,
    Text,
)
from archdsl.backend.terms import PRODUCT, SUM
from archdsl.backend.translate import Untranslatable
from archdsl.syntax import tree


class BranchTranslation(Calls):
    """Translates branches."""

    # ----------------------------------------------------------------- branches

    def pattern(self, node: tree.Call) -> None:
        if node.callee.text != "branch" or node.qualifier is None or node.body is None:
            raise Untranslatable
        if node.qualifier.text not in ("add", "concat"):
            raise Untranslatable
        self.chain_only = False
        self.settle()
        arms = [n for n in node.body.statements if not isinstance(n, tree.Require)]
        if len(arms) == 1 and isinstance(arms[0], tree.For):
            self.arms_of_loop(node.qualifier.text, arms[0])
        else:
            self.arms(node.qualifier.text, arms)

    def arms(self, join: str, nodes: Sequence[tree.Node]) -> None:
        """Arms that are written one by one."""
        before, items = self.at, list[Item]()
        channels: list[Said | None] = []
        for node in nodes:
            self.at = At(before.now, before.channels, Counter())
            if isinstance(node, tree.For):
                items.append(self.arm_for_each(join, node, before))
                channels.append(self.at.channels)
                continue
            if not isinstance(node, (tree.Apply, tree.If)):
                raise Untranslatable
            before.counts["branch"] += 1
            if before.counts[f"{AFTER}branch"] or self.turn is not None:
                raise Untranslatable
            if isinstance(node, tree.If):
                self.either_arm(node)
            else:
                self.arm(node.chain, str(before.counts["branch"]))
            items.append(Item(self.at.now))
            channels.append(self.at.channels)
        self.at = At(before.now, None, before.counts)
        if join == "concat":
            inner = Call("[", tuple(items), "]")
            self.at.now = Call("torch.cat(", (Item(inner), Item(Text("1"))))
            known = [c for c in channels if c is not None]
            if len(known) == len(channels):
                self.at.channels = together(known)
        else:
            self.at.now = Operation(tuple(item.value for item in items), "+")
            self.at.channels = shortest(channels)
        self.at.depth, self.at.overwritable = 1, len(items) > 1
        if any(isinstance(node, tree.For) for node in nodes):
            self.settle()

    def arm_for_each(self, join: str, node: tree.For, before: At) -> Item:
        """Arms that a loop makes, after others: ``*children``, or a sum."""
        body = [n for n in node.body.statements if not isinstance(n, tree.Require)]
        only = body[0] if len(body) == 1 else None
        if not isinstance(only, tree.Apply) or self.turn is not None:
            raise Untranslatable
        outer, header = set(self.taken), self.header(node)
        with self.say.within(**header.names):
            if self.is_plain(only.chain):
                sizes, tensors = self.value(only.chain)
                made, run = (h.removesuffix(":") for h in header.heads(tensors.text))
                text = each(tensors.text, run)
                channels = Said(f"sum({each(sizes.text, made)})", INT)
                self.at = At(before.now, channels, before.counts)
            elif join == "add" and node.turn is None:
                text = self.made_for_each(only.chain, header, before)
            else:
                raise Untranslatable
        self.taken = outer
        before.counts[f"{AFTER}branch"] = 1  # how many they are is not known
        if join == "add":
            return Item(Call("sum(", (Item(Text(text)),)))
        return Item(Text(f"[{text}]" if " for " in text else text), "*")

    def made_for_each(self, chain: tree.Node, header: Header, before: At) -> str:
        """``getattr(self, f"branch{i}")(x) for i, x in enumerate(xs, 2)``."""
        number = before.counts["branch"] + 1
        heads = [head.replace(", 1):", f", {number}):") for head in header.counted]
        if heads == header.counted and number > 1:  # it counts by itself
            raise Untranslatable
        with self.below() as (made, run):
            self.arm(chain, f"{{{header.counter}}}")
        if run:
            raise Untranslatable
        text = self.at.now.flat()
        moving = {header.counter, *(b.made for b in header.names.values())}
        if self.at.channels is not None and moving & read_by(self.at.channels.text):
            self.at.channels = None
        lines, text = _added(made, text, self.free("branch"))
        if lines:
            items = re.fullmatch(r"for (\w+), (\w+) in enumerate\((\w+), \d+\):", heads[0])
            if items is not None and items[2] not in words(lines):
                last = f"len({items[3]}) + {number}"
                heads[0] = f"for {items[1]} in range({number}, {last}):"
            self.made.append(Line(heads[0], body=lines))
        return f"{text} {heads[1].removesuffix(':')}"

    def either_arm(self, node: tree.If) -> None:
        """``skip[:, :, n:-n] if n > 0 else skip``: an arm of which ``forward`` says what it is."""
        if len(node.bodies) != 1 or node.otherwise is None:
            raise Untranslatable
        condition = self.run_only(node.conditions[0])
        before, found = self.at, []
        for body in (node.bodies[0], node.otherwise):
            chain = body.statements[0] if len(body.statements) == 1 else None
            if not isinstance(chain, tree.Apply):
                raise Untranslatable
            self.at = At(before.now, before.channels, Counter())
            with self.below() as (made, run):
                self.link(chain.chain)
            if made or run:
                raise Untranslatable
            found.append(self.at)
        then, other = found
        text = f"{then.now.flat()} if {condition.text} else {other.now.flat()}"
        self.at = At(Text(text, loose=True), shortest([e.channels for e in found]), Counter(), 1)

    def arm(self, node: tree.Node, number: str, name: str = "branch") -> None:
        """One arm: a tensor, or modules after each other in a part of their own."""
        links = list(self.links_of(node))
        while links and isinstance(links[0], (tree.Name, tree.Index)) and self.is_tensor(links[0]):
            self.tensor(links.pop(0))
        start, depth, label = self.at.now, self.at.depth, f"{name}{number}"
        outer, self.in_arm = self.in_arm, True
        with self.below() as (made, run):
            for link in links:
                if isinstance(link, tree.Call) and link.body is not None:
                    raise Untranslatable
                self.alone = label if len(links) == 1 else ""
                self.link(link)
                self.alone = ""
                if not made and not run:  # it comes before the modules
                    start, depth = self.at.now, self.at.depth
        self.in_arm = outer
        if run or any(not line.prefix.startswith("self.") or line.body for line in made):
            raise Untranslatable
        if not made:
            return
        if len(made) == 1 and made[0].prefix == f"self.{label} = ":
            self.made += made
            return
        items = tuple(
            Item(line.code, line.prefix.removeprefix("self.").removesuffix(" = "))
            for line in made
            if line.code is not None
        )
        code: Code = Call("seq(", items)
        self.made.append(Line(f"self.{label} = ", code))
        self.at.now, self.at.depth = Call(f"self.{label}(", (Item(start),)), depth + 1

    def arms_of_loop(self, join: str, node: tree.For) -> None:
        """Arms that a loop makes: one in each turn."""
        body = [n for n in node.body.statements if not isinstance(n, tree.Require)]
        before = self.at
        if self.turn is not None or before.counts["branch"]:
            raise Untranslatable
        outer = set(self.taken)
        header = self.header(node)
        only = body[0] if len(body) == 1 else None
        with self.say.within(**header.names):
            if isinstance(only, tree.Apply) and self.is_plain(only.chain):
                self.arms_of_tensors(join, only.chain, header)
            else:
                self.arms_of_cases(join, body, header)
        self.at.counts = before.counts | Counter({f"{AFTER}branch": 1})
        self.taken = outer

    def is_plain(self, node: tree.Node) -> bool:
        return isinstance(node, (tree.Name, tree.Index)) and self.is_tensor(node)

    def arms_of_tensors(self, join: str, node: tree.Node, header: Header) -> None:
        """``torch.cat([xs[i] for i in places], 1)``."""
        sizes, tensors = self.value(node)
        counts = self.at.counts
        made, run = header.heads(tensors.text)
        loop = run.removesuffix(":")
        if join == "concat":
            inner = Comprehension("[", "", Text(tensors.text), loop, "]")
            code = Call("torch.cat(", (Item(inner), Item(Text("1"))))
            channels = Said(f"sum({sizes.text} {made.removesuffix(':')})", INT)
        else:
            code = Call("sum(", (Item(Comprehension("", "", Text(tensors.text), loop, "")),))
            channels = None
        self.at = At(code, channels, counts, 1)

    def arms_of_cases(self, join: str, body: Sequence[tree.Node], header: Header) -> None:
        """A list of tensors, to which each turn adds what its conditions say."""
        cases = exclusive(body)
        if cases is None or join != "add":
            raise Untranslatable
        before = self.at
        channels: list[Said | None] = []
        moving = {header.counter, *(b.made for b in header.names.values())}
        branch = self.free("branch")
        made_lines: list[Line] = []
        run_cases: list[tuple[str, str]] = []
        counts: Counter[str] = Counter()
        for condition, chain in cases:
            said = self.value(condition)
            self.at = At(before.now, before.channels, counts)
            with self.below() as (made, run):
                self.arm(chain, f"{{{header.counter}}}")
            if run:
                raise Untranslatable
            counts = self.at.counts
            if self.at.channels is not None and not moving & read_by(self.at.channels.text):
                channels.append(self.at.channels)
            lines, text = _added(made, self.at.now.flat(), branch)
            made_lines += [Line(f"if {said[0].text}:", body=[line]) for line in lines]
            run_cases.append((said[1].text, text))
        if made_lines:
            self.made.append(header.line(0, made_lines))
        ys = self.free("ys")
        self.run.append(Line(f"{ys} = []"))
        self.run.append(header.line(1, _cases(ys, run_cases)))
        self.at = At(Text(f"sum({ys})"), shortest(channels), before.counts, 1)


def _added(made: Sequence[Line], text: str, name: str) -> tuple[list[Line], str]:
    """Modules with a number in their names, as statements that add them, and what calls them."""
    lines = []
    for line in made:
        label = line.prefix.removeprefix("self.").removesuffix(" = ")
        text = text.replace(f"self.{label}(", f'getattr(self, f"{label}")(')
        assert line.code is not None
        lines.append(Line("", Added(label, line.code, name)))
    return lines, text


def each(text: str, loop: str) -> str:
    """What a loop gives; the list itself where that is its items: ``x for x in xs``."""
    word, _, items = loop.removeprefix("for ").partition(" in ")
    return items if word == text else f"{text} {loop}"


def together(channels: Sequence[Said]) -> Said:
    """The channels of what is concatenated: ``2 * c + d``."""
    found = Counter(c.at(PRODUCT) for c in channels)
    if len(found) == len(channels):
        return Said(" + ".join(c.at(SUM) for c in channels), INT, SUM)
    texts = [text if n == 1 else f"{n} * {text}" for text, n in found.items()]
    return Said(" + ".join(texts), INT, SUM if len(texts) > 1 else PRODUCT)


def shortest(channels: Sequence[Said | None]) -> Said | None:
    """The channels of a sum, of which all arms have as many."""
    return min((c for c in channels if c is not None), key=lambda c: len(c.text), default=None)


def _cases(ys: str, cases: Sequence[tuple[str, str]]) -> list[Line]:
    """One of several tensors, added to a list: what two conditions share stands once."""
    texts = list(dict.fromkeys(text for _, text in cases))
    if len(texts) == 2:
        alone = next(t for t in texts if sum(text == t for _, text in cases) == 1)
        other = next(t for t in texts if t != alone)
        condition = next(c for c, text in cases if text == alone)
        return [Line(f"{ys}.append(", Text(f"{alone} if {condition} else {other}"), ")")]
    found = []
    for place, (condition, text) in enumerate(cases):
        word = "if" if place == 0 else "elif"
        head = f"{word} {condition}:" if place < len(cases) - 1 else "else:"
        found.append(Line(head, body=[Line(f"{ys}.append(", Text(text), ")")]))
    return found


def exclusive(body: Sequence[tree.Node]) -> list[tuple[tree.Node, tree.Node]] | None:
    """The conditions of a body of which exactly one holds, each with its chain: ``a < b``,
    ``a == b`` and ``a > b``."""
    found: list[tuple[tree.Node, tree.Node]] = []
    symbols = []
    for node in body:
        if not isinstance(node, tree.If) or node.otherwise is not None or len(node.bodies) != 1:
            return None
        (condition,), (inner,) = node.conditions, node.bodies
        if not isinstance(condition, tree.Compare) or len(inner.statements) != 1:
            return None
        statement = inner.statements[0]
        if not isinstance(statement, tree.Apply):
            return None
        symbols.append(condition.operators)
        found.append((condition, statement.chain))
    if sorted(symbols) != [("<",), ("==",), (">",)]:
        return None
    operands = {
        repr([o.said() for o in c.operands]) for c, _ in found if isinstance(c, tree.Compare)
    }
    return found if len(operands) == 1 else None
