"""What a compiled file is: its names, its knobs, its statements, and its budgets."""

from __future__ import annotations

from dataclasses import dataclass, field

from archdsl.diagnostics.source import Span
from archdsl.elaborate.code import Getter, Statement
from archdsl.elaborate.knobs import Choices, Interval
from archdsl.elaborate.scope import Scope, Variable
from archdsl.syntax import tree


@dataclass(eq=False, slots=True)
class FileCode:
    """One compiled file: its names, its knobs, and the statements that run at its top."""

    index: int
    syntax: tree.File
    scope: Scope
    knobs: list[KnobCode] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    lets: list[Statement] = field(default_factory=list)
    weight: int = 1


@dataclass(eq=False, slots=True)
class KnobCode:
    """A knob of the header, compiled."""

    variable: Variable
    default: Getter
    domain: Choices | Interval | None
    node: tree.Knob
    doc: str


@dataclass(eq=False, slots=True)
class CostRequirement:
    """A `require` that speaks of what a network costs: judged once the network is known."""

    span: Span
    message: str | None
    condition: Getter
    slots: dict[str, int]
