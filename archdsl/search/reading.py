"""Reading a .search file: from text to what it asks, or to every mistake in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from archdsl.analysis.shapes import ANY, Varied
from archdsl.analysis.solve import reason_against
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Label, diagnose, did_you_mean, in_order
from archdsl.diagnostics.source import Source, Span
from archdsl.elaborate.knobs import Domain
from archdsl.elaborate.published import Variant
from archdsl.elaborate.values import describe, is_number
from archdsl.elaborate.work import Work
from archdsl.files import ARCH, name_like
from archdsl.layers.arguments import Number
from archdsl.layers.base import signature
from archdsl.named import beside, how_named, resolve
from archdsl.registry import REGISTRY, Registry
from archdsl.search import settings
from archdsl.search.combinations import clashes
from archdsl.search.objectives import Objectives, which_cost
from archdsl.search.request import (
    MOST_SEEDS,
    MOST_TRIALS,
    TUNABLE,
    HeldCost,
    Objective,
    Own,
    SearchRequest,
    name_of,
    ordered,
)
from archdsl.spec import Spec
from archdsl.syntax import search_tree, tree
from archdsl.training.own import OwnData, plain, recipe_of
from archdsl.training.recipe import Recipe
from archdsl.training.records import MISTAKEN, parsed
from archdsl.training.sets import Data
from archdsl.training.settings import Setting
from archdsl.training.tasks import CLASSIFICATION

HANDED_OVER = "the program hands its data over: leave out `data`"
TRAINS_ITSELF = "the program hands its data over, and your own training brings its data: " \
    "leave out one of them"  # fmt: skip
KINDS: dict[type[tree.Node], str] = {
    search_tree.Search: "search",
    search_tree.Spec: "spec",
    search_tree.Vary: "vary",
    search_tree.Hold: "hold",
    search_tree.Train: "train",
    search_tree.Tune: "tune",
    search_tree.Explore: "explore",
    search_tree.Seeds: "seeds",
    search_tree.Settle: "settle",
    search_tree.Folds: "folds",
    search_tree.Target: "target",
    search_tree.Trials: "trials",
    search_tree.Timeout: "timeout",
}


def read_search(
    source: Source,
    folder: Path | None,
    registry: Registry = REGISTRY,
    spec: Spec | None = None,
    own: Own | None = None,
    data: Data | None = None,
    work: Work | None = None,
) -> SearchRequest:
    """The search of a text. ``folder`` is where paths in it start; ``spec`` is taken instead of
    the one that it names, ``own`` is what trains, if it names nothing, ``data`` is what a program
    hands over to train on, and ``work`` is how much may be done with its spec. Raises
    ``ArchError`` with every mistake that can be seen without data."""
    file = parsed(source, registry)
    return _Reader(file, folder, registry, spec, own, data, work).read()


class _Reader(Objectives):
    def __init__(
        self,
        file: tree.File,
        folder: Path | None,
        registry: Registry,
        spec: Spec | None,
        own: Own | None,
        data: Data | None,
        work: Work | None,
    ) -> None:
        super().__init__(file, registry)
        self.own = own
        self.data = data
        self.work = work
        self.spec = spec
        self.file = file
        self.folder = folder
        self.registry = registry
        self.nodes: dict[str, Any] = {}
        self.objectives: list[Objective] = []

    # ------------------------------------------------------------------ the whole

    def read(self) -> SearchRequest:
        self.sort()
        spec_node = self.needed("spec", "which spec is searched")
        own = self.read_own()
        data = None if own is not None else self.read_data()
        recipe = self.read_recipe() if own is None else recipe_of(own.settings)
        tune = self.read_tune(recipe)
        seeds, trials = self.nodes.get("seeds"), self.nodes.get("trials")
        least_explore = 0 if "explore" in self.nodes else 1
        explore = self.whole(
            seeds.explore if seeds else None, 1, "seeds", limit=MOST_SEEDS, least=least_explore
        )
        after = seeds.settle if seeds and seeds.settle else None
        least, settle = self.read_fresh(after)
        count = self.whole(trials.count if trials else None, 20, "trials", limit=MOST_TRIALS)
        timeout = self.nodes["timeout"].seconds if "timeout" in self.nodes else None
        pruner = self.read_kind("prune", settings.PRUNERS, settings.NoPruning())
        sampler = self.read_kind("sampler", settings.SAMPLERS, settings.Tpe())
        baseline = self.read_kind("baseline", settings.BASELINES, None)
        spec, fixed = (None, {}) if spec_node is None else self.read_spec(spec_node)
        if own is not None and spec is not None:
            data = self.own_data(own, spec, fixed, spec_node)
        if spec is None or data is None:
            raise ArchError(in_order(self.found))
        vary = self.read_vary(spec, fixed)
        hold = self.read_hold(spec, fixed, vary)
        if "vary" not in self.nodes and hold is None:
            self.report(codes.MISSING_STATEMENT, spec_node.span, what="what is varied")
        if self.found:
            raise ArchError(in_order(self.found))
        task = CLASSIFICATION
        if own is None:
            recipe, task = self.fitting(recipe, data)
        asked = self.nodes.get("search")
        search = SearchRequest(
            Path(self.file.span.source.name).stem if asked is None else asked.name.text,
            "" if asked is None else self.file.doc(asked),
            self.file.span.source,
            spec_node.name.text,
            spec,
            fixed,
            vary,
            hold,
            data,
            recipe,
            tune,
            ordered(self.objectives, self.registry.costs, task),
            explore,
            settle,
            count,
            timeout,
            pruner,
            sampler,
            baseline,
            {"data": spec_node.span, **{kind: node.span for kind, node in self.nodes.items()}},
            own,
            least,
            self.read_target(self.nodes.get("target"), self.objectives, task),
            self.read_arms(self.nodes.get("settle")),
            self.read_folds(self.nodes.get("folds")),
            self.read_short(self.nodes.get("explore"), recipe),
        )
        if self.found:
            raise ArchError(in_order(self.found))
        if found := list(clashes(search)):
            raise ArchError(in_order(found))
        return search

    def sort(self) -> None:
        """The statements by what they are; each may stand once."""
        for node in self.file.statements:
            kind: str = KINDS.get(type(node), "") or getattr(node, "statement", "")
            if isinstance(node, search_tree.Objective):
                self.read_objectives(node)
                self.nodes.setdefault("objective", node)
                continue
            if kind in self.nodes:
                first = Label(self.nodes[kind].span, "first said here")
                self.report(codes.SAID_TWICE, node.span, first, what=kind)
            self.nodes[kind] = node

    def needed(self, kind: str, what: str) -> Any:
        node = self.nodes.get(kind)
        if node is None:
            start = Span(self.file.span.source, 0, 1)
            self.report(codes.MISSING_STATEMENT, start, what=what)
        return node

    # ------------------------------------------------------------------- the spec

    def read_spec(self, node: search_tree.Spec) -> tuple[Spec | None, dict[str, Any]]:
        """The spec, and the knobs that stay as they are; no spec where it has mistakes."""
        try:
            spec, variant = self.find_spec(node.name.text)
        except ArchError as error:
            own, is_path = self.own_spec(node.name.text), node.name.text.endswith(ARCH)
            self.found += [
                replace(d.at(node.name.span), help=(own or d.help) if is_path else (d.help or own))
                for d in error.diagnostics
            ]
            return None, {}
        fixed: dict[str, Any] = dict(variant.knobs) if variant is not None else {}
        given: set[str] = set()
        for argument in node.arguments:
            key = "" if argument.name is None else argument.name.text
            place = argument.span if argument.name is None else argument.name.span
            if key not in spec.knobs:
                help = did_you_mean(key, spec.knobs) or ["a knob is set by its name: `depth = 16`"]
                self.report(codes.UNKNOWN_KNOB, place, help=help, name=key or argument.span.text)
            elif key in given:
                self.report(codes.SAID_TWICE, place, what=key)
            else:
                given.add(key)
                try:
                    fixed[key] = spec.read_knob(key, argument.value.span.text)
                except ArchError as error:
                    value = argument.value.span
                    self.found += [replace(d, labels=(Label(value),)) for d in error.diagnostics]
        return spec, fixed

    def find_spec(self, name: str) -> tuple[Spec, Variant | None]:
        if self.spec is not None:
            return self.spec, self.spec.variants.get(name)
        if not name.endswith(ARCH) and not name.isidentifier():
            raise ArchError([diagnose(codes.NO_SUCH_FILE, help=[how_named(name)], name=name)])
        found = resolve(beside(name, self.folder), self.registry, self.work)
        return found.spec, found.variant

    def own_spec(self, name: str) -> tuple[str, ...]:
        """A hint where a file beside the search is called much the same."""
        place = (self.folder or Path()) / name
        near = None if self.folder is None else name_like(place.with_name(place.stem + ARCH))
        return () if near is None else (f'did you mean `spec "{Path(name).with_name(near)}"`?',)

    def read_vary(self, spec: Spec, fixed: Mapping[str, Any]) -> tuple[Varied, ...]:
        node = self.nodes.get("vary")
        found: dict[str, Varied] = {}
        for item in node.items if node is not None else ():
            if item.path in found or item.path in fixed:
                self.report(codes.SAID_TWICE, item.span, what=item.path)
            knob = spec.knobs.get(item.path)
            if knob is None and not spec.program.has_choices:
                help = did_you_mean(item.path, spec.knobs)
                self.report(codes.UNKNOWN_KNOB, item.span, help=help, name=item.path)
                continue
            known = ANY if knob is None else knob.domain
            domain = known
            if item.domain is not None:
                domain = self.read_domain(item.domain, spec, knob)
                if domain is None:
                    continue
                self.check_inside(item, domain, known)
            if domain is None:
                what = f"`{item.path}` has no domain in the spec: write `vary {item.path} in ...`"
                self.report(codes.BAD_COMBINATION, item.span, what=what)
                continue
            found[item.path] = Varied(item.path, domain, item.span)
        return tuple(found.values())

    def read_hold(
        self, spec: Spec, fixed: Mapping[str, Any], vary: tuple[Varied, ...]
    ) -> HeldCost | None:
        node = self.nodes.get("hold")
        if node is None:
            return None
        costs = self.registry.costs
        cost = costs.get(node.cost.text)
        if cost is None:
            help = which_cost(node.cost.text, costs)
            self.report(
                codes.NO_SUCH_SETTING, node.cost.span, help=help, what="cost", name=node.cost.text
            )
        budgets: dict[str, float] = {}
        for item in node.budgets:
            value = self.constant(item)
            if value is MISTAKEN:
                continue
            if not is_number(value) or value <= 0:
                self.report(codes.WRONG_ARGUMENT, item.span, name=node.cost.text, callee="hold",
                            given=describe(value), expected="a positive number")  # fmt: skip
                continue
            name = name_of(cost, value) if cost else item.span.text
            if name in budgets:
                self.report(codes.SAID_TWICE, item.span, what=name)
            budgets[name] = float(value)
        tolerance = 0.02 if node.within is None else self.constant(node.within)
        if not is_number(tolerance) or not 0 < tolerance < 1:
            self.report(codes.WRONG_ARGUMENT, node.within.span, name="within", callee="hold",
                        given=describe(tolerance), expected="a share such as 2%")  # fmt: skip
            tolerance = 0.02
        names = tuple(w.text for w in node.knobs)
        for place, word in enumerate(node.knobs):
            if word.text in names[:place]:
                self.report(codes.SAID_TWICE, word.span, what=word.text)
            self.check_solvable(word, spec, fixed, vary)
        step = self.whole(node.step, 1, "step", "hold")
        ordered = tuple(sorted(budgets.values()))
        return HeldCost(node.cost.text, ordered, float(tolerance), names, step, node.span)

    def check_solvable(
        self, word: tree.Word, spec: Spec, fixed: Mapping[str, Any], vary: tuple[Varied, ...]
    ) -> None:
        knob = spec.knobs.get(word.text)
        if knob is None:
            help = did_you_mean(word.text, spec.knobs)
            self.report(codes.UNKNOWN_KNOB, word.span, help=help, name=word.text)
        elif word.text in fixed or any(v.path == word.text for v in vary):
            self.report(codes.NOT_NUMERIC, word.span, name=word.text, reason="it is set or varied")
        elif reason := reason_against(knob):
            self.report(codes.NOT_NUMERIC, word.span, name=word.text, reason=reason)

    # ----------------------------------------------------------- recipes and names

    def read_data(self) -> Any:
        if self.data is not None:
            if "data" in self.nodes:
                self.report(codes.BAD_COMBINATION, self.nodes["data"].span, what=HANDED_OVER)
            return self.data
        node = self.needed("data", "what it trains on (`data digits`)")
        return None if node is None else self.read_named(node, self.registry.data, "data")

    def read_own(self) -> Own | None:
        """The training of the user's own, if one is named or given."""
        node = self.nodes.get("train")
        file = None if node is None else node.file
        if file is None and self.own is None:
            return None
        if self.data is not None:
            assert file is not None, "nobody hands over both"
            self.report(codes.BAD_COMBINATION, file.span, what=TRAINS_ITSELF)
        if "data" in self.nodes:
            whose = "a table" if node is not None and node.is_table else "your own training"
            what = f"{whose} brings its data: leave out `data`"
            self.report(codes.BAD_COMBINATION, self.nodes["data"].span, what=what)
        found: dict[str, Any] = {}
        for argument in () if node is None else node.settings:
            name = argument.name.text
            if name in found:
                self.report(codes.SAID_TWICE, argument.span, what=name)
            found[name] = plain(self.constant(argument.value))
        if file is not None:
            return Own(file.text, found, bool(node and node.is_table))
        assert self.own is not None
        return replace(self.own, settings=found)

    def own_data(
        self, own: Own, spec: Spec, fixed: Mapping[str, Any], node: search_tree.Spec
    ) -> OwnData | None:
        """What stands for the data; nothing where the spec's own input is not a network's."""
        try:
            arch = spec.candidate(fixed)
        except ArchError as error:
            self.found += [d.at(node.span) for d in error.diagnostics]
            return None
        return OwnData(own.file, arch.input, arch.output[0])

    def read_recipe(self) -> Recipe:
        node = self.nodes.get("train")
        arguments = node.settings if node is not None else ()
        span = node.span if node is not None else self.file.span
        recipe = self.recipe(arguments, span)
        return recipe if recipe is not None else Recipe()

    def read_tune(self, recipe: Recipe) -> dict[str, Domain]:
        node = self.nodes.get("tune")
        found: dict[str, Domain] = {}
        inner = [p for p in signature(type(recipe.optimizer)) if isinstance(p.reader, Number)]
        known = {p.name: p.reader for p in (*signature(Recipe), *inner)}
        names = [*TUNABLE, *(p.name for p in inner)]
        free = self.is_own
        for item in node.items if node is not None else ():
            name = item.name.text
            if name not in names and not free:
                help = did_you_mean(name, names) or [f"there are {', '.join(names)}"]
                self.report(codes.BAD_TUNE, item.name.span, help=help, name=name)
                continue
            if name in found:
                self.report(codes.SAID_TWICE, item.span, what=name)
            domain = self.read_domain(item.domain)
            if domain is not None:
                found[name] = domain
                if not free:
                    self.check_values(item, domain, known[name])
        return found

    def read_kind(self, kind: str, table: Mapping[str, type[Setting]], default: Any) -> Any:
        node = self.nodes.get(kind)
        what = {"prune": "pruner"}.get(kind, kind)
        return default if node is None else self.read_named(node, table, what)
