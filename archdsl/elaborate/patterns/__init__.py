"""Connection patterns: functions from layers to a layer.

A pattern is a frozen dataclass, like a layer: its fields are its arguments. Its method
``run`` puts the pattern's steps into the part that is being built.
"""

from archdsl.elaborate.patterns.base import Pattern
from archdsl.elaborate.patterns.branch import Branch
from archdsl.elaborate.patterns.choose import Choose
from archdsl.elaborate.patterns.dense import Dense
from archdsl.elaborate.patterns.fractal import Fractal
from archdsl.elaborate.patterns.residual import Residual

PATTERNS: dict[str, type[Pattern]] = {p.name: p for p in (Residual, Branch, Dense, Fractal, Choose)}

__all__ = ["PATTERNS", "Branch", "Choose", "Dense", "Fractal", "Pattern", "Residual"]
