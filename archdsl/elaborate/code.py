"""Compiled pieces of a spec: closures over a frame, made once and run for each candidate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics.source import Span
from archdsl.syntax import tree

if TYPE_CHECKING:
    from archdsl.elaborate.machine import Frame

Getter = Callable[["Frame"], Any]  # evaluates an expression
Action = Callable[["Frame"], None]  # runs a statement: moves the frame's current tensor
# Takes one arm of a branch; where there is no action, its number alone.
Arm = Callable[[Action | None, Span, tree.Word | None], None]
Arms = Callable[["Frame", Arm], None]


@dataclass(eq=False, slots=True)
class Statement:
    """A compiled statement.

    ``arms`` is set where a branch takes several arms from it, or none; ``counts`` is false
    for what is no arm and no option, such as `let`.
    """

    run: Action
    span: Span
    label: tree.Word | None = None
    arms: Arms | None = None
    counts: bool = True


@dataclass(eq=False, slots=True)
class BodyCode:
    """A compiled ``{ ... }``."""

    statements: list[Statement]
    span: Span
    weight: int = 1  # what one run of it costs, bodies within it apart
    several: bool = False  # it can make several steps


@dataclass(eq=False, slots=True)
class LayerClosure:
    """A layer expression that can be passed around: it runs in a frame of its own."""

    span: Span
    file: int
    run: Action | None = None
    weight: int = 1
    slots: int = 0
    captures: list[tuple[int, Getter]] = field(default_factory=list)  # slot, and its value
    calls: set[BlockCode | FnCode] = field(default_factory=set)
    names: tuple[str, ...] = ()  # that it takes numbers of, each as often as it does


@dataclass(eq=False, slots=True)
class Formal:
    """A parameter of a block or a function: its slot and its default, if it has one."""

    name: str
    slot: int
    required: bool
    default: Getter | None = None


@dataclass(eq=False, slots=True)
class BlockCode:
    """A compiled ``block``: a layer of the language once its arguments are given."""

    name: str
    span: Span
    file: int
    definition: tree.Block
    formals: list[Formal] = field(default_factory=list)
    body: BodyCode | None = None
    weight: int = 1  # of its defaults, and of what a part takes to be made
    slots: int = 0
    reads: set[tuple[int, int]] = field(default_factory=set)  # (file, slot) of what it uses outside
    calls: set[BlockCode | FnCode] = field(default_factory=set)
    chooses: bool = False  # it, or what it calls, has knobs of its own

    def __str__(self) -> str:
        return self.name


@dataclass(eq=False, slots=True)
class FnCode:
    """A compiled ``fn``."""

    name: str
    span: Span
    file: int
    formals: list[Formal] = field(default_factory=list)
    value: Getter | None = None
    weight: int = 1  # with its defaults
    slots: int = 0
    reads: set[tuple[int, int]] = field(default_factory=set)
    calls: set[BlockCode | FnCode] = field(default_factory=set)
    chooses: bool = False
