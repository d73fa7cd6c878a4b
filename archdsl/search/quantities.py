"""How many shapes settle on how many fresh seeds, on which splits, and which difference matters."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics import codes
from archdsl.elaborate.values import describe, is_number
from archdsl.search.domains import Domains
from archdsl.search.request import MOST_ARMS, MOST_FRESH, Objective, ordered
from archdsl.syntax import search_tree, tree
from archdsl.training.recipe import Recipe
from archdsl.training.records import MISTAKEN
from archdsl.training.tasks import Task
from archdsl.units import MOST_FOLDS, SHARES


class Quantities(Domains):
    """Readers of `seeds`, `explore`, `settle`, `folds` and `target`."""

    def read_fresh(self, node: tree.Node | None) -> tuple[int, int]:
        """The least and the most fresh seeds: one number, or a range of them."""
        value = self.constant(node) if isinstance(node, tree.Range) else None
        if value is None:
            count = self.whole(node, 0, "seeds", limit=MOST_FRESH)
            return count, count
        if value is MISTAKEN:
            return 0, 0
        if not (isinstance(value, range) and value.step == 1 and len(value) > 1
                and value[0] >= 2 and value[-1] <= MOST_FRESH):  # fmt: skip
            assert node is not None
            expected = f"a range such as 3..20, from at least 2 to at most {MOST_FRESH:,}"
            self.report(codes.WRONG_ARGUMENT, node.span, name="seeds", callee="search",
                        given=describe(value), expected=expected)  # fmt: skip
            return 0, 0
        return value[0], value[-1]

    def read_folds(self, node: search_tree.Folds | None) -> int:
        """On how many splits fresh seeds are trained; 0 on the one that explores."""
        return 0 if node is None else self.read_several("folds", node, MOST_FOLDS)

    def read_arms(self, node: search_tree.Settle | None) -> int:
        """How many shapes of a slice settle."""
        return 2 if node is None else self.read_several("settle", node, MOST_ARMS)

    def read_several(
        self, name: str, node: search_tree.Folds | search_tree.Settle, most: int
    ) -> int:
        """A whole number from 2 to ``most``; 0 where it is none."""
        value = self.constant(node.count)
        if type(value) is int and 2 <= value <= most:
            return value
        if value is not MISTAKEN:
            expected = f"a whole number from 2 to {most}"
            self.report(codes.WRONG_ARGUMENT, node.span, name=name, callee="search",
                        given=describe(value), expected=expected)  # fmt: skip
        return 0

    def read_short(self, node: search_tree.Explore | None, recipe: Recipe) -> int:
        """The epochs of the trainings that tune, fewer than those of a training; 0 where nothing
        is said of them."""
        if node is None:
            return 0
        name = node.setting.name
        assert name is not None
        if name.text != "epochs":
            help = ["it is `epochs`: `explore epochs = 3`"]
            self.report(codes.NO_SUCH_SETTING, name.span, help=help, what="setting of `explore`",
                        name=name.text)  # fmt: skip
            return 0
        value = self.constant(node.setting.value)
        if type(value) is int and 1 <= value < recipe.epochs:
            return value
        if value is not MISTAKEN:
            expected = f"a whole number from 1 on, below the {recipe.epochs} epochs of a training"
            self.report(codes.WRONG_ARGUMENT, node.span, name="epochs", callee="explore",
                        given=describe(value), expected=expected)  # fmt: skip
        return 0

    def read_target(
        self, node: search_tree.Target | None, objectives: Sequence[Objective], task: Task
    ) -> float | None:
        """The smallest difference of interest, in the unit of the score."""
        if node is None:
            return None
        first = ordered(objectives, self.registry.costs, task)[0].name
        unit = "points" if first in SHARES else first
        value = self.constant(node.value)
        if value is MISTAKEN:
            return None
        given = "" if node.unit is None else node.unit.text
        fits = given == unit or (not given and unit != "points")
        if not is_number(value) or value <= 0 or not fits:
            example = "`target 0.5 points`" if unit == "points" else f"`target 0.05 {unit}`"
            shown = f"{describe(value)} {given}".strip()
            expected = f"a positive number of {unit}: {example}"
            self.report(codes.WRONG_ARGUMENT, node.span, name="target", callee="search",
                        given=shown, expected=expected)  # fmt: skip
            return None
        return float(value) / 100 if unit == "points" else float(value)
