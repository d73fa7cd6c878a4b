"""The body of a block as the constructor and the ``forward`` of a class: statement by statement,
with its loops and conditions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from archdsl.backend.direct.nested_lines import Line, shown, walk
from archdsl.backend.direct.repeated import RepeatedBodies
from archdsl.backend.direct.result_channels import left_by, read_by
from archdsl.backend.direct.state import AFTER, GIVEN, At, LoopTurn
from archdsl.backend.direct.terms import (
    INT,
    INTS,
    TENSOR,
    TENSORS,
    Bound,
    Said,
)
from archdsl.backend.terms import ATOM, SUM
from archdsl.backend.translate import Untranslatable
from archdsl.syntax import tree


def opposite(condition: str) -> str:
    """``a != b`` of ``a == b``."""
    pair = re.fullmatch(r"([\w.]+) == ([\w.]+)", condition)
    return f"not ({condition})" if pair is None else f"{pair[1]} != {pair[2]}"


def in_common(bodies: Sequence[list[Line]]) -> list[Line]:
    """Takes the statements out of several bodies with which all of them begin; but for
    variables, of which a condition may speak."""
    found: list[Line] = []
    while all(bodies):
        texts = {"\n".join(shown(body[:1], 0)) for body in bodies}
        if len(texts) > 1 or any(line.target for line in walk(bodies[0][:1])):
            break
        found.append(bodies[0][0])
        for body in bodies:
            del body[0]
    return found


LAYERS = (tree.Body, tree.Chain)  # as the values of names


class BodyTranslation(RepeatedBodies):
    """Translates the statements of a block."""

    # -------------------------------------------------------------- statements

    def block(self) -> None:
        """The whole body; ``at`` is its end then."""
        self.statements(self.definition.body.statements, last=True)
        if not self.at.ended:
            self.give_back()

    def give_back(self) -> None:
        """Returns the tensor at hand; what the last statement gives, without a variable for it."""
        now, last = self.at.now, self.run[-1] if self.run else None
        if last is not None and last.code is not None and last.prefix == f"{now.flat()} = ":
            self.run.pop()
            now = last.code
        self.run.append(Line("return ", now))

    def statements(self, nodes: Sequence[tree.Node], last: bool = False) -> None:
        doing = [n for n in nodes if not isinstance(n, (tree.Default, tree.Require))]
        for i, node in enumerate(doing):
            self.statement(node, last and i == len(doing) - 1)

    def statement(self, node: tree.Node, last: bool = False) -> None:
        if isinstance(node, tree.Let):
            self.let(node)
        elif isinstance(node, tree.Apply):
            self.link(node.chain)
        elif isinstance(node, tree.Kept):
            self.kept(node)
        elif isinstance(node, tree.If):
            self.condition(node, last)
        elif isinstance(node, (tree.For, tree.Repeat)):
            self.loop(node)
        else:
            raise Untranslatable

    def let(self, node: tree.Let) -> None:
        if any(isinstance(n, tree.Here) and n.field == "tensors" for n in node.value.walk()):
            self.at.overwritable = False
        if node.unpack or len(node.targets) != 1:
            self.unpack(node)
            return
        if isinstance(node.value, LAYERS):
            self.passed[node.targets[0].text] = node.value
            return
        word = node.targets[0].text
        try:
            made, run = self.value(node.value)
        except Untranslatable:
            said, name = self.run_only(node.value), self.free(word)
            self.run.append(Line(f"{name} = {said.text}", target=name))
            self.say.names[word] = Bound(said.kind, "", name)
            self.in_forward.add(word)
            return
        if run.text == GIVEN and word == self.words[2]:
            self.say.names[word] = Bound(made.kind, made.text, GIVEN)
            return
        name = self.free(word)
        self.say.names[word] = self.variable_of(name, made, run)

    def variable_of(self, name: str, made: Said, run: Said) -> Bound:
        """A variable for a value; a quotient stands where it is used, which says how it is
        rounded."""
        if made.bottom:
            if ".shape" in run.text + run.bottom or self.turn is not None:
                raise Untranslatable
            return Bound(made.kind, made.text, run.text, None, made.level, made.bottom)
        self.made.append(Line(f"{name} = {made.text}", target=name))
        self.run.append(Line(f"{name} = {run.text}", target=name))
        return Bound(made.kind, name, name)

    def unpack(self, node: tree.Let) -> None:
        """``let (before, last) = in.tensors``."""
        words = [t.text for t in node.targets]
        if isinstance(node.value, tree.ListOf) and len(node.value.items) == len(words):
            pairs = [self.value(item) for item in node.value.items]
            names = [self.free(word) for word in words]
            for word, name, pair in zip(words, names, pairs, strict=True):
                self.say.names[word] = self.variable_of(name, *pair)
            return
        made, run = self.value(node.value)
        kind = {INTS: INT, TENSORS: TENSOR}.get(made.kind)
        if kind is None:
            raise Untranslatable
        names = [self.free(word) for word in words]
        for place, (word, name) in enumerate(zip(words, names, strict=True)):
            text = f"{made.at(ATOM)}[{place}]"
            self.say.names[word] = Bound(kind, name, name)
            self.made.append(Line(f"{name} = {text}", target=name))
        if kind == TENSOR:
            self.run.append(Line(f"{', '.join(names)} = {run.text}"))
        else:
            for place, name in enumerate(names):
                self.run.append(Line(f"{name} = {run.at(ATOM)}[{place}]", target=name))

    def kept(self, node: tree.Kept) -> None:
        self.chain_only = False
        self.statement(node.statement)
        name = self.free(node.name.text)
        self.settle(name)
        channels = self.at.channels
        text = "" if channels is None else channels.text
        if " " in text or "(" in text:
            self.made.append(Line(f"{name} = {text}", target=name))
            text = name
            self.at.channels = Said(name, channels.kind if channels is not None else INT)
        kind = "" if channels is None else TENSORS if self.at.several else TENSOR
        self.say.names[node.name.text] = Bound(kind, text, name)
        said = (n.text for n in self.definition.walk() if isinstance(n, tree.Name))
        if node.name.text in said:  # it is read further down
            self.at.overwritable = False

    def condition(self, node: tree.If, last: bool) -> None:
        """``if``: what its bodies leave is joined, or each returns its own."""
        self.chain_only = False
        cases = self.cases(node)
        if not cases or cases[0][0] is None:  # as the knobs say
            for _, body in cases:
                self.statements(body.statements, last)
            return
        asks = [c for c, _ in cases if c is not None]
        heads = [self.value(c) for c in asks]
        bodies = [body for _, body in cases]
        ends_all = cases[-1][0] is None
        name = self.own() if not last else ""
        before, ends, lines = self.at, [], []
        asked, taken, given = self.asked, set(self.taken), set[str]()
        for place, body in enumerate(bodies):
            self.at = At(before.now, before.channels, before.counts.copy())
            self.taken = set(taken) if last else self.taken  # what returns has no name after it
            self.asked = asked.union(*map(self.asked_by, asks[: place + 1]))
            outer = dict(self.say.names)
            with self.below() as (made, run):
                self.statements(body.statements, last)
                if last and not self.at.ended:
                    self.give_back()
                    self.at.ended = True
                elif not last:
                    self.settle(name)
            self.say.names = outer
            ends.append(self.at)
            lines.append((made, run))
            given |= self.taken
        self.asked, self.taken = asked, given
        if not ends_all:
            ends.append(before)
        self.join(before, ends, [made for made, _ in lines], last and ends_all)
        if ends_all:
            self.made += in_common([made for made, _ in lines])
        for place, (made, run) in enumerate(zip(*zip(*lines, strict=True), strict=True)):
            word = "if" if place == 0 else "elif"
            said = list(heads[place]) if place < len(heads) else None
            for sink, body_lines, mode in ((self.made, made, 0), (self.run, run, 1)):
                if said is None:
                    self.otherwise(sink, body_lines, heads[-1][mode], mode)
                elif body_lines or place < len(lines) - 1:
                    head = f"{word} {said[mode].text}:"
                    sink.append(Line(head, body=list(body_lines) or [Line("pass")]))

    def cases(self, node: tree.If) -> list[tuple[tree.Node | None, tree.Body]]:
        """The bodies of an ``if`` that the knobs allow, with their conditions; the last may have
        none."""
        found: list[tuple[tree.Node | None, tree.Body]] = []
        for condition, body in zip(node.conditions, node.bodies, strict=True):
            said = self.value(condition)[0].text
            if said == "True":
                return [*found, (None, body)]
            if said != "False":
                found.append((condition, body))
        return found if node.otherwise is None else [*found, (None, node.otherwise)]

    def asked_by(self, node: tree.Node) -> set[str]:
        """What a condition asks: the names that it reads, and those that their `let`s read."""
        found: set[str] = set()
        for inner in node.walk():
            if isinstance(inner, tree.Here):
                found.add(f"in.{inner.field}")
            elif isinstance(inner, tree.Name):
                found.add(inner.text)
                let = self.written.let(inner, self.definition)
                if isinstance(let, tree.Let):
                    found |= self.asked_by(let.value)
        return found

    def otherwise(self, sink: list[Line], lines: list[Line], head: Said, mode: int) -> None:
        """The last body of an ``if``: after one that returns, it needs no ``else``."""
        before = sink[-1]
        if mode and before.body and before.body[-1].prefix.startswith("return"):
            sink += lines
        elif before.body and before.body[0].prefix == "pass" and not mode:
            sink[-1] = Line(f"if {opposite(head.text)}:", body=lines) if lines else sink[-1]
            if not lines:
                sink.pop()
        elif lines:
            sink.append(Line("else:", body=lines))

    # -------------------------------------------------------------------- loops

    def loop(self, node: tree.For | tree.Repeat) -> None:
        if self.turn is not None:
            raise Untranslatable
        name = self.own()
        outer = set(self.taken)
        header = self.header(node)
        before, start = self.at, self.at.channels
        taken = set(self.taken)
        for moving in (False, True):
            channels = start
            if moving:
                if start is None:
                    raise Untranslatable
                moved = self.free("channels")
                channels = Said(moved, start.kind)
            self.at = At(before.now, channels, before.counts.copy())
            self.turn = LoopTurn(header.counter, before.counts.copy())
            with self.say.within(**header.names), self.below() as (made, run):
                self.turn_of(node)
                self.settle(name)
            self.turn = None
            after = self.at.channels
            same = after is not None and channels is not None and after.text == channels.text
            if same or after is None:
                break
            if moving:
                assert start is not None and channels is not None
                self.made.append(Line(f"{moved} = {start.text}", target=moved))
                if header.high is not None:
                    high = header.high.at(SUM)
                    left = left_by(after.text, made, header.counter, high, start.text)
                    if not {moved, header.counter} & read_by(left):
                        self.finals[moved] = left
                made.append(Line(f"{moved} = {after.text}", target=moved))
                self.at.channels = channels
                break
            self.taken = set(taken)
        if made:
            self.made.append(header.line(0, made))
        self.run.append(header.line(1, run))
        inside = self.at.counts - before.counts
        self.at.counts = before.counts | Counter({f"{AFTER}{name}": 1 for name in inside})
        self.at.overwritable = False
        self.taken = outer
