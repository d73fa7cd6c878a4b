"""What a block's text decides, and its uses decide alike: which body of a condition is taken.

A class has the steps that one of its uses has at least. Of a condition that none of them decides
otherwise it has one body, or none: it is right for arguments that decide it so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archdsl.backend.skipped import either
from archdsl.backend.spec_text import holds, stands_in
from archdsl.backend.terms import Word, both, opposite
from archdsl.backend.translate import Translator, Untranslatable
from archdsl.elaborate.reserved import alternatives, sequence
from archdsl.elaborate.values import Tensor
from archdsl.syntax import tree

if TYPE_CHECKING:
    from archdsl.backend.flow import ClassTerms
    from archdsl.diagnostics.source import Span

BRANCH, SHORTCUT = "branch", "shortcut"


@dataclass(slots=True)
class BodiesTaken:
    """Goes through the text of a block as the use runs that ``flow`` went through last; ``always``
    says whether a condition holds in all uses."""

    flow: ClassTerms
    translator: Translator
    always: Callable[[Word], bool]
    kept: dict[str, int | None] = field(default_factory=dict)  # channels of tensors, by name

    def forms(self) -> Iterator[Word]:
        """What decides each condition that this use comes to as it does."""
        block = self.translator.block
        if block is not None and any(map(alternatives, block.body.walk())):
            yield from self.within(block.body, self.translator.channels, [])

    def within(self, node: tree.Node, here: int | None, outer: list[Word]) -> Iterator[Word]:
        """Those in a part of the text, to which so many channels come; ``outer`` are the
        conditions under which it is met at all."""
        if isinstance(node, (tree.If, tree.Ternary)):
            yield from self.alternatives(node, here, outer)
        elif isinstance(node, (tree.For, tree.Repeat)):
            yield from self.within(node.body, here, outer)
        elif isinstance(node, tree.Labelled):
            yield from self.within(node.statement, here, outer)
        elif isinstance(node, tree.Call):
            said = (a.value for a in node.arguments if a.name and a.name.text == SHORTCUT)
            for value in said:
                yield from self.within(value, here, outer)
            if node.body is not None and node.callee.text == BRANCH:
                for arm in node.body.statements:
                    yield from self.within(arm, here, outer)
            elif node.body is not None:
                yield from self.within(node.body, here, outer)
        for inner in sequence(node):
            yield from self.within(inner, here, outer)
            here = self.after(inner, here)
        if isinstance(node, tree.Kept):
            self.kept[node.name.text] = here

    def alternatives(
        self, node: tree.If | tree.Ternary, here: int | None, outer: list[Word]
    ) -> Iterator[Word]:
        """That the body is taken which this use takes, and those in that."""
        translator = self.translator
        if here is not None:
            translator.stand(node.span, here)
        bodies = alternatives(node)
        last = len(node.conditions if isinstance(node, tree.If) else bodies[1:])
        try:
            cases = [translator.taken(node, number, here) for number in range(last + 1)]
        except Untranslatable:
            for body in bodies:
                if any(self.is_of(body, span) for span, _ in self.flow.steps):
                    yield from self.within(body, here, outer)
            return
        number = next(i for i, case in enumerate(cases) if getattr(case, "value", case))
        taken = cases[number]
        alike = not isinstance(taken, Word) or self.always(taken)
        said = number == 0 and len(bodies) == 1 and self.is_said(bodies[0])
        others = [c for i, c in enumerate(cases) if i != number and isinstance(c, Word)]
        told = [taken] if alike else [] if said else [opposite(c) for c in others]
        for form in told:
            if isinstance(form, Word):
                yield either(opposite(both(outer)), form) if outer else form
        if number < len(bodies):
            more = [] if alike or not isinstance(taken, Word) else [taken]
            yield from self.within(bodies[number], here, [*outer, *more])

    def is_said(self, body: tree.Node) -> bool:
        """Whether the class has the steps of a body under its condition, or one of its own: some
        of the uses lack each."""
        places = self.flow.spans.items()
        labels = [n for n, spans in places if any(self.is_of(body, span) for span in spans)]
        return bool(labels) and all(len(self.flow.widths[n]) < self.flow.count for n in labels)

    def is_of(self, node: tree.Node, span: Span) -> bool:
        """Whether the step at a place belongs to a part of the text."""
        return stands_in(span, self.translator.block) and holds(node, span)

    def after(self, node: tree.Node, here: int | None) -> int | None:
        """The channels that a part of the text gives: those of its last step."""
        for span, channels in reversed(self.flow.steps):
            if self.is_of(node, span):
                return channels
        if isinstance(node, tree.Name):
            if node.text in self.kept:
                return self.kept[node.text]
            if isinstance(self.translator.values.get(node.text), Tensor):
                return None
        return here
