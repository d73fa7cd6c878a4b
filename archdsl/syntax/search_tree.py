"""The syntax tree of a .search file."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.syntax.tree import Argument, Choices, Interval, Node, Word


@dataclass(slots=True)
class Search(Node):
    name: Word


@dataclass(slots=True)
class Spec(Node):
    """``spec wide_resnet(classes = 10)``: what is searched, and the knobs that stay."""

    name: Word
    arguments: tuple[Argument, ...]


@dataclass(slots=True)
class Varied(Node):
    path: str
    domain: Choices | Interval | None


@dataclass(slots=True)
class Vary(Node):
    items: tuple[Varied, ...]


@dataclass(slots=True)
class Hold(Node):
    """``hold macs = {5M, 10M} within 2% by width``."""

    cost: Word
    budgets: tuple[Node, ...]
    within: Node | None
    knobs: tuple[Word, ...]
    step: Node | None


@dataclass(slots=True)
class Named(Node):
    """``data``, ``prune``, ``sampler``, ``baseline``: one of some kinds, with arguments."""

    statement: str
    name: Word
    arguments: tuple[Argument, ...]


@dataclass(slots=True)
class Train(Node):
    settings: tuple[Argument, ...]


@dataclass(slots=True)
class Tuned(Node):
    name: Word
    domain: Choices | Interval


@dataclass(slots=True)
class Tune(Node):
    items: tuple[Tuned, ...]


@dataclass(slots=True)
class Objective(Node):
    minimize: bool
    names: tuple[Word, ...]


@dataclass(slots=True)
class Seeds(Node):
    explore: Node
    settle: Node | None


@dataclass(slots=True)
class Trials(Node):
    count: Node


@dataclass(slots=True)
class Timeout(Node):
    seconds: float
