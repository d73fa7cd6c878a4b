"""The orders of a checkpoint's layers in which they fit a network's.

A checkpoint is a tree of layers, the network a list of them in the order in which they run. The
members of a group stay together. Of what stands beside each other, that which differs in a
number or a letter at the end is in its order; else every order is tried. Of those that fit, the
names decide. The order of the keys in a file means nothing: a sorted file is taken as another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from math import inf
from string import ascii_lowercase

from archdsl.backend.layer_tensors import Group, difference

SHORTCUTS = frozenset({"shortcut", "downsample", "proj", "skip"})
# What transformers call their blocks, and the norm that comes after them.
SERIES = ("blocks", "layers", "h")
AFTER = frozenset({"norm", "ln", "ln_f", "ln_post"})
STATES = 100_000  # steps of a search that are taken before it is given up

# Shortcuts that stand for none, or none for one; names in common, below 0; groups that are
# interrupted; names that begin alike, not in the order of their numbers.
Cost = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Way:
    """Layers in an order that fits, and what speaks against it."""

    cost: Cost
    groups: tuple[Group, ...]

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.groups]


@dataclass(slots=True)
class LayerQueue:
    """Layers and groups of layers that are taken in this order."""

    stem: str
    members: list[LayerGroup | Group] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class LayerGroup:
    """Layers and groups of layers; an inner node has its own tensors as a layer."""

    queues: list[LayerQueue]


def tree(groups: Sequence[Group], order: Sequence[str] = (), depth: int = 0) -> LayerGroup:
    """The layers by the parts of their names from ``depth`` on. What ``order`` names, by its
    whole name or by the last part of it, comes in that order."""
    children: dict[str, list[Group]] = {}
    for group in groups:
        parts = group[0].split(".")
        children.setdefault(parts[depth] if depth < len(parts) else "", []).append(group)
    letters = sorted(name for name in children if len(name) == 1 and name.isalpha())
    if letters != list(ascii_lowercase[: len(letters)]):
        letters = []  # names of something, and no places
    queues: dict[str, list[tuple[tuple[int, str], LayerGroup | Group]]] = {}
    for name, members in children.items():
        path = ".".join(members[0][0].split(".")[: depth + 1])
        alone = len(members) == 1 and members[0][0].count(".") <= depth
        child = members[0] if alone else tree(members, order, depth + 1)
        wanted = next((i for i, key in enumerate(order) if key in (name, path)), None)
        stem, place = _place(name) if wanted is None else (".", (wanted, ""))
        if wanted is None and name in letters:
            stem, place = "a letter", (0, name)
        if name in AFTER and wanted is None:
            stem, place = next(((s, (0, "")) for s in SERIES if s in children), (stem, place))
        queues.setdefault(stem, []).append((place, child))
    return LayerGroup(
        [
            LayerQueue(s, [c for _, c in sorted(queues[s], key=lambda x: x[0])])
            for s in sorted(queues)
        ]
    )


def _place(name: str) -> tuple[str, tuple[int, str]]:
    """What a name begins with, and its place among those that begin with it: ``conv2``,
    ``mixed_6b``."""
    found = re.fullmatch(r"(.*?)_?(\d+)([a-z]?)", name)
    return (found[1], (int(found[2]), found[3])) if found else (name, (-1, ""))


@cache
def _series(stem: str) -> tuple[str, float]:
    """The word that names begin with, and a number that follows: ``branch3x3``. What pools
    (``branch_pool``) stands last."""
    found = re.match(r"([A-Za-z]+?)_?(\d+|pool$)", stem)
    if found is None:
        return "", 0
    return found[1], inf if found[2] == "pool" else int(found[2])


class OrderSearch:
    """Looks for the orders of a checkpoint's layers in which they fit a network's.

    ``problem`` is what is wrong with the layer at which it got furthest, if possible with one
    that has the right tensors; ``reached`` says where that is, and whether it has.
    """

    def __init__(self, target: list[Group], kept: int = 2) -> None:
        self.target, self.kept = target, kept
        self.reached, self.problem = (-1, False), ""
        self.known: dict[tuple[int, int], list[Way]] = {}
        self.states = 0

    def fits(self, order: Sequence[Group]) -> bool:
        """Whether the layers fit in this very order, and are all that is needed."""
        if not all(self.fit(group, place) for place, group in enumerate(order)):
            return False
        if len(order) < len(self.target):
            self.note((len(order), False), f"nothing is left for `{self.target[len(order)][0]}`")
        return len(order) == len(self.target)

    def fit(self, group: Group, place: int) -> bool:
        if place == len(self.target):
            problem = f"`{group[0]}` is left over: the network has no more layers"
            self.note((place, False), problem)
            return False
        names, problem = difference(group, self.target[place])
        if problem:
            self.note((place, names), problem)
        return not problem

    def note(self, reached: tuple[int, bool], problem: str) -> None:
        if reached > self.reached:
            self.reached, self.problem = reached, problem

    def best(self, root: LayerGroup) -> list[Way]:
        """The orders of all layers against which least speaks: none, one, or several."""
        return [way for way in self.arrange(root, 0) if len(way.groups) == len(self.target)]

    def arrange(self, node: LayerGroup | Group, start: int) -> list[Way]:
        """The best orders of a node's layers that fit the network's from ``start`` on."""
        if not isinstance(node, LayerGroup):
            if not self.fit(node, start):
                return []
            return [Way(_cost(node[0], self.target[start][0]), (node,))]
        key = (id(node), start)
        if key not in self.known:
            self.known[key] = self.arrange_queues(node.queues, start)
        return self.known[key]

    def arrange_queues(self, queues: list[LayerQueue], start: int) -> list[Way]:
        """The best ways through the states: how many of each queue are taken, and the last."""
        ways = {((0,) * len(queues), -1): [Way((0, 0, 0, 0), ())]}
        for _ in range(sum(len(q.members) for q in queues)):
            longer: dict[tuple[tuple[int, ...], int], list[Way]] = {}
            for (taken, last), before in ways.items():
                self.states += 1
                if self.states > STATES:
                    return []
                place = start + len(before[0].groups)
                for q, queue in enumerate(queues):
                    if taken[q] == len(queue.members):
                        continue
                    more = self.arrange(queue.members[taken[q]], place)
                    if more:
                        after = tuple(n + (i == q) for i, n in enumerate(taken))
                        step = _step(queues, taken, last, q)
                        found = longer.setdefault((after, q), [])
                        found += _joined(before, step, more)
            ways = {state: self.least(found) for state, found in longer.items()}
        return self.least([way for found in ways.values() for way in found])

    def least(self, ways: list[Way]) -> list[Way]:
        """Those that cost least, of each order one."""
        least = min((way.cost for way in ways), default=None)
        found: list[Way] = []
        for way in ways:
            if way.cost == least and all(way.names != other.names for other in found):
                found.append(way)
                if len(found) == self.kept:
                    break
        return found


def _joined(before: list[Way], step: Cost, after: list[Way]) -> Iterator[Way]:
    for a in before:
        for b in after:
            yield Way(_sum(_sum(a.cost, step), b.cost), a.groups + b.groups)


def _sum(a: Cost, b: Cost) -> Cost:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]


def _step(queues: list[LayerQueue], taken: tuple[int, ...], last: int, q: int) -> Cost:
    """What speaks against taking from a queue now."""
    begun = last not in (-1, q) and 0 < taken[last] < len(queues[last].members)
    word, number = _series(queues[q].stem)
    late = 0
    if word:
        for i, other in enumerate(queues):
            if i != q and taken[i] < len(other.members):
                also, smaller = _series(other.stem)
                late += also == word and smaller < number
    return 0, 0, int(begun), late


def _cost(theirs: str, ours: str) -> Cost:
    """What speaks for a layer in the place of another, by their names."""
    a, b = _parts(theirs), _parts(ours)
    shared = len(a[1] & b[1]) + (theirs == ours)
    return int(a[0] != b[0]), -shared, 0, 0


@cache
def _parts(name: str) -> tuple[bool, frozenset[str]]:
    """Whether a layer is on a shortcut, and the parts of its name that are not numbers."""
    parts = name.split(".")
    shortcut = any(part.rstrip("0123456789_") in SHORTCUTS for part in parts)
    return shortcut, frozenset(p for p in parts if p and not p[-1].isdigit()) - SHORTCUTS
