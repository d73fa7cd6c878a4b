"""Reading a .search file: from text to what it asks, or to every mistake in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Label, diagnose, did_you_mean
from archdsl.diagnostics.source import Source, Span
from archdsl.elaborate.facts import Variant
from archdsl.elaborate.knobs import Choices, Domain, Interval
from archdsl.elaborate.values import describe, is_number, show
from archdsl.layers.table import TABLE, Table
from archdsl.search import settings
from archdsl.search.request import (
    ANY,
    COSTS,
    MAXIMIZED,
    MINIMIZED,
    TUNABLE,
    Hold,
    Objective,
    Search,
    Varied,
)
from archdsl.spec import Spec, resolve
from archdsl.syntax import search_tree, tree
from archdsl.syntax.language import SEARCH
from archdsl.syntax.parse import parse
from archdsl.training.recipe import Recipe
from archdsl.training.records import Records
from archdsl.training.sets import DATA, DATA_GROUP, PluginData
from archdsl.training.settings import Setting

NO_BEST = "a search with several objectives has no best trial that a baseline could be put beside"
UNGUIDED = "the search leaves nothing to be guided, so that a baseline says nothing of it"

KINDS: dict[type[tree.Node], str] = {
    search_tree.Search: "search",
    search_tree.Spec: "spec",
    search_tree.Vary: "vary",
    search_tree.Hold: "hold",
    search_tree.Train: "train",
    search_tree.Tune: "tune",
    search_tree.Seeds: "seeds",
    search_tree.Trials: "trials",
    search_tree.Timeout: "timeout",
}


def read_search(
    source: Source, folder: Path | None, table: Table = TABLE, spec: Spec | None = None
) -> Search:
    """The search of a text. ``folder`` is where paths in it start; ``spec`` is taken instead of
    the one that it names, where that is in hand.

    Raises ``ArchError`` with every mistake that can be seen without data.
    """
    file = parse(source, SEARCH)
    reader = _Reader(file, folder, table, spec)
    search = reader.read()
    if reader.found:
        raise ArchError(reader.found)
    return search


class _Reader(Records):
    def __init__(
        self, file: tree.File, folder: Path | None, table: Table, spec: Spec | None
    ) -> None:
        super().__init__(file, table)
        self.spec = spec
        self.file = file
        self.folder = folder
        self.table = table
        self.nodes: dict[str, Any] = {}
        self.objectives: list[Objective] = []

    # ------------------------------------------------------------------ the whole

    def read(self) -> Search:
        self.sort()
        spec_node = self.needed("spec", "which spec is searched")
        data_node = self.needed("data", "what it trains on (`data digits`)")
        if spec_node is None or data_node is None:
            raise ArchError(self.found)
        spec, fixed = self.read_spec(spec_node)
        vary = self.read_vary(spec, fixed)
        hold = self.read_hold(spec, fixed, vary)
        if not vary and hold is None:
            self.report(codes.MISSING_STATEMENT, spec_node.span, what="what is varied")
        recipe = self.read_recipe()
        name = self.nodes["search"].name.text if "search" in self.nodes else self.stem()
        seeds = self.nodes.get("seeds")
        explore = self.whole(seeds.explore if seeds else None, 1)
        settle = self.whole(seeds.settle if seeds and seeds.settle else None, 0)
        timeout = self.nodes["timeout"].seconds if "timeout" in self.nodes else None
        objectives = tuple(self.objectives) or (Objective("accuracy", False),)
        search = Search(
            name,
            self.file.doc(self.nodes["search"]) if "search" in self.nodes else "",
            self.file.span.source,
            spec_node.name.text,
            spec,
            fixed,
            vary,
            hold,
            self.read_named(data_node, DATA, "data"),
            recipe,
            self.read_tune(recipe),
            objectives,
            explore,
            settle,
            self.whole(self.nodes["trials"].count if "trials" in self.nodes else None, 20),
            timeout,
            self.read_kind("prune", settings.PRUNERS, settings.NoPruning()),
            self.read_kind("sampler", settings.SAMPLERS, settings.Tpe()),
            self.read_kind("baseline", settings.BASELINES, None),
            {kind: node.span for kind, node in self.nodes.items()},
        )
        self.check_together(search)
        return search

    def stem(self) -> str:
        return Path(self.file.span.source.name).stem

    def sort(self) -> None:
        """The statements by what they are; each may stand once."""
        for node in self.file.statements:
            if isinstance(node, search_tree.Objective):
                self.read_objectives(node)
                continue
            kind: str = KINDS.get(type(node), "") or getattr(node, "statement", "")
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

    def read_spec(self, node: search_tree.Spec) -> tuple[Spec, dict[str, Any]]:
        try:
            spec, variant = self.find_spec(node.name.text)
        except ArchError as error:
            place = [Label(node.name.span)] if not error.diagnostics[0].labels else []
            first = error.diagnostics[0]
            placed = diagnose(
                first.kind, *place, *first.labels, help=first.help, fields=first.fields
            )
            raise ArchError([*self.found, placed, *error.diagnostics[1:]]) from None
        fixed: dict[str, Any] = dict(variant.knobs) if variant is not None else {}
        for argument in node.arguments:
            key = "" if argument.name is None else argument.name.text
            knob = spec.knobs.get(key)
            if knob is None:
                place_of = argument.span if argument.name is None else argument.name.span
                self.report(
                    codes.UNKNOWN_KNOB, place_of, help=did_you_mean(key, spec.knobs), name=key
                )
                continue
            try:
                text = argument.value.span.text
                fixed[key] = spec.read_knob(key, text)
            except ArchError as error:
                for problem in error.diagnostics:
                    self.report(
                        problem.kind, argument.value.span, help=problem.help, fields=problem.fields
                    )
        return spec, fixed

    def find_spec(self, name: str) -> tuple[Spec, Variant | None]:
        if self.spec is not None:
            return self.spec, self.spec.variants.get(name)
        path = name
        if name.endswith(".arch") and self.folder is not None:
            path = str(self.folder / name)
        return resolve(path, self.table)

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
            domain = knob.domain if knob is not None else ANY
            if item.domain is not None:
                given = self.read_domain(item.domain, spec if knob is not None else None)
                if given is None:
                    continue
                known = None if knob is None else domain
                outside = [v for v in given.edges() if known is not None and v not in known]
                if outside:
                    self.report(
                        codes.OUTSIDE_DOMAIN,
                        item.domain.span,
                        name=item.path,
                        given=show(outside[0]),
                        domain=str(domain),
                    )
                domain = given
            if isinstance(domain, Interval) and domain.log and domain.step not in (None, 1):
                what = f"`{item.path}` has a step and is drawn in its logarithm: leave one out"
                self.report(codes.BAD_COMBINATION, item.span, what=what)
            if domain is None:
                self.report(
                    codes.BAD_COMBINATION,
                    item.span,
                    what=f"`{item.path}` has no domain in the spec: say one, `{item.path} in ...`",
                )
                continue
            found[item.path] = Varied(item.path, domain, item.span)
        return tuple(found.values())

    def read_domain(self, node: tree.Choices | tree.Interval, spec: Spec | None) -> Domain | None:
        """A domain of constants; layers and other values are read as the spec would read them."""
        if isinstance(node, tree.Choices):
            names = tuple(" ".join(i.span.text.split()) for i in node.items)
            if spec is None:
                values: tuple[Any, ...] = tuple(n.strip('"') for n in names)
                return Choices(values, names)
            try:
                return Choices(tuple(spec.read_constant(n) for n in names), names)
            except ArchError as error:
                self.report(
                    error.diagnostics[0].kind, node.span, fields=error.diagnostics[0].fields
                )
                return None
        bounds = [self.constant(n) for n in (node.low, node.high)]
        step = None if node.step is None else self.constant(node.step)
        if any(not is_number(b) for b in bounds) or (step is not None and not is_number(step)):
            self.report(codes.DOMAIN_NUMBERS, node.span, given=describe(bounds[0]))
            return None
        low, high = bounds
        if step is None and type(low) is int and type(high) is int:
            step = 1
        if low > high or (step is not None and step <= 0) or (node.log and low <= 0):
            self.report(codes.DOMAIN_EMPTY, node.span, domain=" ".join(node.span.text.split()))
            return None
        return Interval(low, high, step, node.log)

    def read_hold(
        self, spec: Spec, fixed: Mapping[str, Any], vary: tuple[Varied, ...]
    ) -> Hold | None:
        node = self.nodes.get("hold")
        if node is None:
            return None
        if node.cost.text not in COSTS:
            help = did_you_mean(node.cost.text, COSTS) or [f"the costs are {', '.join(COSTS)}"]
            self.report(
                codes.NO_SUCH_SETTING, node.cost.span, help=help, what="cost", name=node.cost.text
            )
        budgets = []
        for item in node.budgets:
            value = self.constant(item)
            if not is_number(value) or value <= 0:
                self.report(codes.WRONG_ARGUMENT, item.span, name=node.cost.text, callee="hold",
                            given=describe(value), expected="a positive number")  # fmt: skip
            else:
                budgets.append(float(value))
        tolerance = 0.02 if node.within is None else self.constant(node.within)
        if not is_number(tolerance) or not 0 < tolerance < 1:
            self.report(codes.WRONG_ARGUMENT, node.within.span, name="within", callee="hold",
                        given=describe(tolerance), expected="a share such as 2%")  # fmt: skip
            tolerance = 0.02
        for word in node.knobs:
            self.check_solvable(word, spec, fixed, vary)
        step = self.whole(node.step, 1)
        names = tuple(w.text for w in node.knobs)
        ordered = tuple(sorted(budgets))
        return Hold(node.cost.text, ordered, float(tolerance), names, step, node.span)

    def check_solvable(
        self, word: tree.Word, spec: Spec, fixed: Mapping[str, Any], vary: tuple[Varied, ...]
    ) -> None:
        knob = spec.knobs.get(word.text)
        if knob is None:
            help = did_you_mean(word.text, spec.knobs)
            self.report(codes.UNKNOWN_KNOB, word.span, help=help, name=word.text)
        elif word.text in fixed or any(v.path == word.text for v in vary):
            self.report(codes.NOT_NUMERIC, word.span, name=word.text, reason="it is set or varied")
        elif isinstance(knob.default, tuple):
            if not all(is_number(v) for v in knob.default):
                self.report(
                    codes.NOT_NUMERIC, word.span, name=word.text, reason="it lists no numbers"
                )
        elif not isinstance(knob.domain, Interval):
            self.report(
                codes.NOT_NUMERIC, word.span, name=word.text, reason="it has no numeric domain"
            )

    # ----------------------------------------------------------- recipes and names

    def read_recipe(self) -> Recipe:
        node = self.nodes.get("train")
        arguments = node.settings if node is not None else ()
        span = node.span if node is not None else self.file.span
        recipe: Recipe | None = self.make(Recipe, arguments, span)
        return recipe if recipe is not None else Recipe()

    def read_tune(self, recipe: Recipe) -> dict[str, Domain]:
        node = self.nodes.get("tune")
        found: dict[str, Domain] = {}
        inner = {f.name for f in fields(recipe.optimizer)}  # type: ignore[arg-type]
        for item in node.items if node is not None else ():
            name = item.name.text
            if name not in TUNABLE and name not in inner:
                known = [*TUNABLE, *sorted(inner)]
                help = did_you_mean(name, known) or [f"there are {', '.join(known)}"]
                self.report(codes.BAD_TUNE, item.name.span, help=help, name=name)
                continue
            domain = self.read_domain(item.domain, None)
            if domain is not None:
                if isinstance(domain, Choices):
                    values = tuple(self.constant(i) for i in item.domain.items)
                    domain = Choices(values, domain.names)
                found[name] = domain
        return found

    def read_objectives(self, node: search_tree.Objective) -> None:
        known = MINIMIZED if node.minimize else MAXIMIZED
        verb = "minimize" if node.minimize else "maximize"
        for word in node.names:
            if word.text not in known:
                help = did_you_mean(word.text, known) or [f"it can {verb} {', '.join(known)}"]
                self.report(codes.BAD_OBJECTIVE, word.span, help=help, name=word.text, verb=verb)
            self.objectives.append(Objective(word.text, node.minimize))

    def read_kind(self, kind: str, table: Mapping[str, type[Setting]], default: Any) -> Any:
        node = self.nodes.get(kind)
        return default if node is None else self.read_named(node, table, kind)

    def read_named(
        self, node: search_tree.Named, table: Mapping[str, type[Setting]], what: str
    ) -> Any:
        name = node.name.text
        if name not in table:
            if what == "data" and name in {p.name for p in entry_points(group=DATA_GROUP)}:
                given = tuple(
                    (a.name.text if a.name else "", self.constant(a.value)) for a in node.arguments
                )
                return PluginData(name, given)
            help = did_you_mean(name, table) or [f"there are {', '.join(table)}"]
            self.report(codes.NO_SUCH_SETTING, node.name.span, help=help, what=what, name=name)
            return None
        return self.make(table[name], node.arguments, node.name.span)

    # -------------------------------------------------------------- what goes together

    def check_together(self, search: Search) -> None:
        sampler = search.sampler.name if search.sampler is not None else ""
        place = search.spans.get("sampler", search.spans["spec"])
        if search.is_pareto and search.spans.get("prune") is not None:
            what = (
                "a search with several objectives cannot prune: a trial is not worse in all of them"
            )
            self.report(codes.BAD_COMBINATION, search.spans["prune"], what=what)
        if search.is_pareto and search.hold is not None:
            what = "`hold` fixes a cost, so there is one objective: leave one of them out"
            self.report(codes.BAD_COMBINATION, search.hold.span, what=what)
        if (baseline := search.spans.get("baseline")) is not None:
            if search.is_pareto:
                self.report(codes.BAD_COMBINATION, baseline, what=NO_BEST)
            elif sampler in ("random", "grid") or not (
                search.tune or any(isinstance(v.domain, Interval) for v in search.vary)
            ):
                self.report(codes.BAD_COMBINATION, baseline, what=UNGUIDED)
        if sampler == "nsga2" and not search.is_pareto:
            what = "nsga2 is for several objectives: add `minimize macs`"
            self.report(codes.BAD_COMBINATION, place, what=what)
        domains = [v.domain for v in search.vary] + list(search.tune.values())
        if sampler == "grid" and any(d.count is None for d in domains):
            what = "grid needs finite domains: give continuous ones a step, or list their values"
            self.report(codes.BAD_COMBINATION, place, what=what)
        if (
            sampler in ("cma_es", "gp")
            and all(isinstance(d, Choices) for d in domains)
            and not search.tune
        ):
            what = f"{sampler} needs a number to search over"
            self.report(codes.BAD_COMBINATION, place, what=what)
