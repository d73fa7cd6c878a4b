"""The syntax tree of a .search file."""

from __future__ import annotations

from archdsl.syntax.tree import Argument, Choices, Interval, Node, Word


class Search(Node):
    name: Word


class Spec(Node):
    """``spec wide_resnet(classes = 10)``: what is searched, and the knobs that stay."""

    name: Word
    arguments: tuple[Argument, ...]


class Varied(Node):
    path: str
    domain: Choices | Interval | None


class Vary(Node):
    items: tuple[Varied, ...]


class Hold(Node):
    """``hold macs = {5M, 10M} within 2% by width``."""

    cost: Word
    budgets: tuple[Node, ...]
    within: Node | None
    knobs: tuple[Word, ...]
    step: Node | None


class Named(Node):
    """``data``, ``prune``, ``sampler``, ``baseline``: one of some kinds, with arguments."""

    statement: str
    name: Word
    arguments: tuple[Argument, ...]


class Train(Node):
    """``train epochs = 20``, or ``train with "my_training.py", epochs = 20``, or ``train with
    table "runs.csv"``."""

    settings: tuple[Argument, ...]
    file: Word | None = None
    is_table: bool = False


class Tuned(Node):
    name: Word
    domain: Choices | Interval


class Tune(Node):
    items: tuple[Tuned, ...]


class Explore(Node):
    """``explore epochs = 3``: how what is tuned is explored."""

    setting: Argument


class Objective(Node):
    minimize: bool
    names: tuple[Word, ...]


class Seeds(Node):
    """``seeds 2 then 10``, or ``seeds 2 then 3..20``."""

    explore: Node
    settle: Node | None


class Settle(Node):
    """``settle 3``: how many shapes are trained on fresh seeds."""

    count: Node


class Folds(Node):
    """``folds 5``: on how many splits fresh seeds are trained."""

    count: Node


class Target(Node):
    """``target 0.5 points``: a difference, and its unit."""

    value: Node
    unit: Word | None


class Trials(Node):
    count: Node


class Timeout(Node):
    seconds: float
