"""What a .search file asks: a question about a space of architectures.

Nothing here imports torch or optuna: a search is checked as fast as a spec.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from archdsl.analysis.shapes import Varied
from archdsl.costs.base import Cost
from archdsl.diagnostics.source import Source, Span
from archdsl.elaborate.knobs import Domain
from archdsl.registry import Registry
from archdsl.search.rows import EXPLORE, TUNE
from archdsl.spec import Spec
from archdsl.training.recipe import Recipe
from archdsl.training.sets import Data
from archdsl.training.settings import Setting
from archdsl.training.tasks import CLASSIFICATION, TASKS, Task

LEARNED = ("accuracy", "error", "loss")  # objectives that every study knows a column of
MOST_TRIALS = 100_000  # each is queued beforehand
MOST_SEEDS = 1000  # that explore: the fresh ones begin after them
MOST_FRESH = 10_000
MOST_ARMS = 6  # of a slice, which are 15 comparisons
TUNABLE = ("lr", "batch", "label_smoothing", "warmup", "clip")


@dataclass(frozen=True, slots=True)
class HeldCost:
    """A cost that is held at budgets by solving for knobs. ``budgets`` are numbers (latency in
    seconds); ``tolerance`` is a share."""

    cost: str
    budgets: tuple[float, ...]
    tolerance: float
    knobs: tuple[str, ...]
    step: int
    span: Span


@dataclass(frozen=True, slots=True)
class Objective:
    name: str
    minimize: bool


@dataclass(frozen=True, slots=True)
class Own:
    """A training of the user's own: the Python file that has it, nothing where it is given as a
    function, or the table that has the results of trainings; and what a search says of it beside
    what is tuned."""

    file: str
    settings: Mapping[str, Any]
    is_table: bool = False


@dataclass(slots=True)
class SearchRequest:
    """What a .search file asks."""

    name: str
    doc: str
    source: Source
    spec_name: str
    spec: Spec
    fixed: dict[str, Any]
    vary: tuple[Varied, ...]
    hold: HeldCost | None
    data: Data
    recipe: Recipe
    tune: dict[str, Domain]
    objectives: tuple[Objective, ...]
    explore_seeds: int
    settle_seeds: int
    trials: int
    timeout: float | None
    pruner: Setting
    sampler: Setting
    baseline: Setting | None  # what draws the trials beside which the search is put
    spans: dict[str, Span] = field(default_factory=dict)
    own: Own | None = None  # what trains, if not archdsl
    least_seeds: int = 0  # fresh ones, where ``settle_seeds`` are the most: there are looks between
    target: float | None = None  # the smallest difference of interest, in the unit of the score
    arms: int = 2  # shapes of a slice that settle
    folds: int = 0  # splits on which fresh seeds are trained, each in turn; 0: the one of the data
    short: int = 0  # epochs of the trainings that tune; 0: exploration tunes and compares in one

    def short_in(self, stage: str) -> int:
        """The epochs of the trainings of a stage where these are short, else 0. With `seeds 0` no
        whole ones explore: the short ones are the exploration."""
        return self.short if stage == (TUNE if self.explore_seeds else EXPLORE) else 0

    @property
    def costs(self) -> Mapping[str, Cost]:
        """The costs that can be held or minimized."""
        return self.spec.registry.costs

    @property
    def noted(self) -> list[str]:
        """The costs that are noted of each candidate beside those of every study: a user's own,
        and what is held or minimized."""
        asked = [o.name for o in self.objectives if o.name in self.costs]
        asked += [self.hold.cost] if self.hold is not None else []
        return [n for n in self.costs if n in self.spec.registry.own_costs or n in asked]

    @property
    def is_pareto(self) -> bool:
        return len(self.objectives) > 1


def ordered(
    objectives: Sequence[Objective], costs: Container[str], task: Task = CLASSIFICATION
) -> tuple[Objective, ...]:
    """What is learned before what it costs; the score of the task, if nothing is said."""
    found = sorted(objectives, key=lambda o: o.name in costs)
    return tuple(found) or (Objective(task.score, not task.maximize),)


def learned(registry: Registry, minimize: bool, task: Task | None = None) -> list[str]:
    """The objectives that are no costs, which are maximized, or which are minimized: of a task, or
    of all of them."""
    tasks = [task] if task is not None else [*TASKS.values()]
    exact = any(t.exact for t in tasks)
    found = [*(["error"] if exact else []), "loss"] if minimize else []
    found += [
        name
        for name, metric in registry.metrics.items()
        if metric.maximize is not minimize and any(t.name in metric.tasks for t in tasks)
    ]
    return found


def name_of(cost: Cost, budget: float) -> str:
    """The name of a slice: ``5M macs``, ``20ms latency``."""
    return f"{cost.show_short(budget)} {cost.name}"
