"""What an instance of a class lacks of the fullest one.

A step that takes one tensor is the identity where an instance has none, and code without a module
has values with which it does nothing. An operand of a sum is left out: a module that makes it is
``None`` there, and a sum of one operand is that operand. So is one in whose place an instance has
another tensor.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archdsl.backend.pieces import ExpressionPiece, LayerPiece, Piece
from archdsl.backend.runs import is_run

if TYPE_CHECKING:
    from archdsl.backend.instance import Instance

SUM = re.compile(r"\{0\}( \+ \{\d+\})+")
MISSING = None


@dataclass(slots=True)
class Lack:
    """What an instance lacks: the operands of its joins by their labels, the steps that make
    these, the steps that are the identity, and those in whose place it has another value of the
    fullest instance."""

    operands: dict[str, set[int]] = field(default_factory=dict)
    makers: set[str] = field(default_factory=set)
    steps: set[str] = field(default_factory=set)
    instead: dict[str, int] = field(default_factory=dict)

    def with_other(self, other: Lack) -> Lack | None:
        """What either lacks; nothing where a step is the identity in one and left out in the
        other, or where a sum would have no operand that all have."""
        operands = {label: set(places) for label, places in self.operands.items()}
        for label, places in other.operands.items():
            operands.setdefault(label, set()).update(places)
        instead = {**self.instead, **other.instead}
        both = Lack(operands, self.makers | other.makers, self.steps | other.steps, instead)
        if {**other.instead, **self.instead} != instead:
            return None
        ways = (both.makers, both.steps, both.instead.keys())
        return both if len(set[str]().union(*ways)) == sum(map(len, ways)) else None


def is_sum(piece: Piece) -> bool:
    return isinstance(piece, ExpressionPiece) and bool(SUM.fullmatch(piece.code.text))


def _can_lack(piece: Piece) -> bool:
    """Whether a join of two may be its last operand alone."""
    survives = isinstance(piece, LayerPiece) and piece.module.target == "StochasticDepth"
    return survives or is_sum(piece)


def lack(full: Instance, small: Instance) -> Lack | None:
    """What ``small`` lacks of ``full``; nothing where it is of another form."""
    return _Comparison(full, small).compare()


class _Comparison:
    def __init__(self, full: Instance, small: Instance) -> None:
        self.full, self.small = full, small
        self.places = {e.label: i for i, e in enumerate(small.scope.entries, 1)}
        self.found = Lack()
        self.users: dict[int, list[int]] = {}
        for place, entry in enumerate(full.scope.entries, 1):
            for n in entry.inputs:
                self.users.setdefault(n, []).append(place)
        imports = [-i - 1 for i in range(len(full.part.imports))]
        self.new: dict[int, int | None] = {n: n for n in (0, *imports)}

    def compare(self) -> Lack | None:
        met = 0
        mine, theirs = (
            {name: piece.skeleton for name, piece in instance.shared.items()}
            for instance in (self.full, self.small)
        )
        if mine != theirs:
            return None
        for place, entry in enumerate(self.full.scope.entries, 1):
            inputs = [self.new[n] for n in entry.inputs]
            there = self.places.get(entry.label)
            if there is None:
                if not self.absent(place, inputs):
                    return None
                continue
            met += 1
            if there != met or not self.present(place, there, inputs):
                return None
            self.new[place] = there
        whole = met == len(self.places) and self.new[self.full.scope.result] is not MISSING
        ends = (self.full.scope.result, *self.full.scope.results)
        same = [self.new[n] for n in ends] == [self.small.scope.result, *self.small.scope.results]
        return self.found if whole and same else None

    def present(self, place: int, there: int, inputs: list[int | None]) -> bool:
        """Whether a step is the same in both, but for operands of a sum."""
        entry, other = self.full.scope.entries[place - 1], self.small.scope.entries[there - 1]
        piece, peer = self.full.pieces[entry.label], self.small.pieces[entry.label]
        runs = entry.is_loop and other.is_loop and is_run(entry) and is_run(other)
        if entry.gives != other.gives or not (runs or entry.repeat == other.repeat):
            return False
        if entry.weight != other.weight:
            return False
        if (entry.module, entry.lends) != (other.module, other.lends):
            return False
        missing = {i for i, n in enumerate(inputs) if n is MISSING}
        if tuple(n for n in inputs if n is not MISSING) != other.inputs:
            return False
        if not missing:
            return piece.covers(peer)
        self.found.operands[entry.label] = missing
        return is_sum(piece) and is_sum(peer)

    def absent(self, place: int, inputs: list[int | None]) -> bool:
        """Whether the small one does without a step."""
        entry = self.full.scope.entries[place - 1]
        piece = self.full.pieces[entry.label]
        if entry.weight is not None or entry.module is not None or entry.lends:
            return False
        if entry.gives or entry.picks:
            return False
        if len(inputs) > 1:
            there = [i for i, n in enumerate(inputs) if n is not MISSING]
            if not _can_lack(piece) or not (len(there) == 1 or len(there) == len(inputs) == 2):
                return False
            self.found.operands[entry.label] = set(range(len(inputs))) - {there[-1]}
            self.new[place] = inputs[there[-1]]
            return True
        if piece.needs_path:  # which an identity does not take
            return False
        if self.is_dropped(place):
            self.found.makers.add(entry.label)
            self.new[place] = MISSING
            return not isinstance(piece, ExpressionPiece) and not entry.is_loop
        other = self.operand_instead(place)
        if other is not None and self.new[other] != inputs[0]:
            self.found.instead[entry.label] = other
            self.new[place] = self.new[other]
            return not isinstance(piece, ExpressionPiece) and not entry.is_loop
        self.found.steps.add(entry.label)
        self.new[place] = inputs[0]
        stands = not isinstance(piece, ExpressionPiece) or piece.code.idle  # as what does nothing
        return inputs[0] is not MISSING and bool(stands)

    def operand_instead(self, place: int) -> int | None:
        """The value that the small one adds in the place of a step that it lacks."""
        users = self.users.get(place, [])
        if len(users) != 1 or place in (self.full.scope.result, *self.full.scope.results):
            return None
        user = self.full.scope.entries[users[0] - 1]
        there = self.places.get(user.label)
        if there is None or not is_sum(self.full.pieces[user.label]):
            return None
        added = self.small.scope.entries[there - 1].inputs
        if len(added) != len(user.inputs):
            return None
        wanted = added[user.inputs.index(place)]
        return next((n for n, small in self.new.items() if small == wanted and n < place), None)

    def is_dropped(self, place: int) -> bool:
        """Whether a step that the small one lacks makes an operand of a sum, which lacks it."""
        users = self.users.get(place, [])
        if len(users) != 1 or place in (self.full.scope.result, *self.full.scope.results):
            return False
        user = self.full.scope.entries[users[0] - 1]
        if len(user.inputs) < 2 or not _can_lack(self.full.pieces[user.label]):
            return False
        there = self.places.get(user.label)
        if there is None:
            return user.inputs[-1] != place
        return len(self.small.scope.entries[there - 1].inputs) < len(user.inputs)


def lacks(full: Instance, instances: list[Instance]) -> Lack | None:
    """What any of several lacks; nothing where they are not of one form."""
    whole: Lack | None = Lack()
    for instance in instances:
        one = lack(full, instance)
        if one is None or whole is None:
            return None
        whole = whole.with_other(one)
    return whole


def grounded(full: Instance, found: Lack) -> tuple[Instance, Lack] | None:
    """An instance and what others lack of it; nothing where a sum has no operand that all have."""
    for entry in full.scope.entries:
        if len(found.operands.get(entry.label, ())) == len(entry.inputs):
            return None
    return full, found
