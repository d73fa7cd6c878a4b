"""What a search maximizes and minimizes, and whether that suits what its data is labelled with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import Diagnostic, diagnose, did_you_mean
from archdsl.diagnostics.source import Span
from archdsl.registry import Registry
from archdsl.search.quantities import Quantities
from archdsl.search.request import Objective, Own, learned
from archdsl.syntax import search_tree, tree
from archdsl.training.augmentations import BYTES
from archdsl.training.recipe import Recipe
from archdsl.training.sets import Data, PluginData
from archdsl.training.suits import unsuited
from archdsl.training.tasks import CLASSIFICATION, TASKS, Task
from archdsl.units import is_higher_better, is_lower_better, meant


def which_cost(word: str, costs: Iterable[str]) -> list[str]:
    """A help line for a name that no cost has: the cost that was meant, or all."""
    if word.lower() in ("flops", "mflops", "gflops"):
        return ["`macs` are multiply-adds, each of them two FLOPs"]
    known = list(costs)
    return did_you_mean(word, known) or [f"the costs are {', '.join(known)}"]


class Objectives(Quantities):
    """Readers of `maximize` and `minimize`."""

    objectives: list[Objective]
    file: tree.File
    own: Own | None
    nodes: dict[str, Any]

    @property
    def is_own(self) -> bool:
        """Whether a training of the user's own gives the scores."""
        trains = [n for n in self.file.statements if isinstance(n, search_tree.Train)]
        return self.own is not None or any(n.file is not None for n in trains)

    def read_objectives(self, node: search_tree.Objective) -> None:
        verb = "minimize" if node.minimize else "maximize"
        for word in node.names:
            help = self.against(word.text, node.minimize)
            if help:
                self.report(codes.BAD_OBJECTIVE, word.span, help=help, name=word.text, verb=verb)
            if any(o.name == word.text for o in self.objectives):
                self.report(codes.SAID_TWICE, word.span, what=word.text)
            self.objectives.append(Objective(word.text, node.minimize))

    def against(self, name: str, minimize: bool) -> list[str]:
        """What helps where a name is no objective; nothing where it is one."""
        verb, way = ("minimize", "maximize") if minimize else ("maximize", "minimize")
        costs = [*self.registry.costs]
        known = [*learned(self.registry, minimize), *(costs if minimize else [])]
        if name in known:
            return []
        if name in [*learned(self.registry, not minimize), *costs]:
            return [f"`{name}` is {way}d: `{way} {name}`"]
        if not self.is_own:
            return did_you_mean(name, known) or [f"it can {verb} {', '.join(known)}"]
        # scores of a training of the user's own go by the names that it gives
        if slip := meant(name):
            return [f"did you mean `{slip}`?"]
        if is_higher_better(name) if minimize else is_lower_better(name):
            better, other = ("more", "less") if minimize else ("less", "more")
            return [
                f"{better} is better of what is called so: `{way} {name}`",
                f"if {other} of it is better, give it another name, here and where you train",
            ]
        return []

    def fitting(self, recipe: Recipe, data: Data) -> tuple[Recipe, Task]:
        """The recipe with the metrics that are asked for, and the task of the data. Notes what is
        of another task; that of a package's data is only known when it is loaded."""
        recipe = with_metrics(recipe, self.objectives, self.registry)
        if isinstance(data, PluginData):
            return recipe, CLASSIFICATION
        task, places = TASKS[data.task], {k: n.span for k, n in self.nodes.items()}
        self.found += mismatches(recipe, self.objectives, self.registry, task, places)
        return recipe, task


def mismatches(
    recipe: Recipe,
    objectives: Sequence[Objective],
    registry: Registry,
    task: Task,
    places: dict[str, Span],
    image: tuple[int, ...] | None = None,
    values: str = BYTES,
) -> Iterator[Diagnostic]:
    """What of a search is for another task, or other images, than its data has."""
    asked = {o.name for o in objectives}
    kept = replace(recipe, metrics=tuple(m for m in recipe.metrics if m.name not in asked))
    place = places.get("train") or places["data"]
    yield from (d.at(place) for d in unsuited(kept, task, image, values))
    for objective in objectives:
        known = learned(registry, objective.minimize, task)
        if objective.name in registry.costs or objective.name in known:
            continue
        verb = "minimize" if objective.minimize else "maximize"
        if any(objective.name in learned(registry, m) for m in (True, False)):
            help = [f"with data for {task.name} it can {verb} {', '.join(known)}"]
            fields = {"name": objective.name, "verb": verb}
            place = places.get("objective") or places["data"]
            yield diagnose(codes.BAD_OBJECTIVE, place, fields=fields, help=help)


def with_metrics(recipe: Recipe, objectives: Sequence[Objective], registry: Registry) -> Recipe:
    """A recipe that tells the metrics which a search asks for."""
    known = {m.name for m in recipe.metrics}
    more = [registry.metrics[o.name]() for o in objectives if o.name in registry.metrics]
    added = tuple(m for m in more if m.name not in known and m.name != "accuracy")
    return replace(recipe, metrics=(*recipe.metrics, *added)) if added else recipe
