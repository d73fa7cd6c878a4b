"""Which statements of a search do not go together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, prod

from archdsl.analysis.shapes import LIMIT
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Diagnostic, diagnose
from archdsl.diagnostics.source import Span
from archdsl.elaborate.knobs import Interval
from archdsl.search.reach import Reach
from archdsl.search.request import SearchRequest
from archdsl.training.recipe import Cosine, OneCycle

COSTS_ALONE = "all objectives are costs, so nothing would be trained: add `maximize accuracy`"
SEVERAL_PRUNED = "a search with several objectives cannot prune: no trial is worse in all of them"
SEVERAL_HELD = (
    "`hold` fixes a cost, so there can be one objective only: leave out `hold` or the others"
)
SEVERAL_BASELINE = "a search with several objectives has no best trial to compare with a baseline"
UNGUIDED = "a baseline compares a sampler with random draws, and this search has nothing to sample"
ONE_OBJECTIVE = "nsga2 is for several objectives: add `minimize macs`"
ENDLESS_GRID = "grid needs finite domains: give continuous ones a step, or list their values"
RANKED = 2 / 3  # of an annealed schedule, before which its scores do not rank settings
LARGE_GRID = f"grid takes at most {LIMIT:,} shapes, but here are more: take larger steps"


FOLDS_UNUSED = (
    "`folds` trains fresh seeds on each split in turn, but there are fewer than two seeds:"
    " add `seeds 1 then 10`"
)
SHORT_UNTUNED = (
    "`explore` tunes by short training runs, but nothing is tuned: add `tune lr in 0.01..0.3 log`"
)
SHORT_SEVERAL = "a search with several objectives compares what it tunes: leave out `explore`"
SHORT_OWN = "only archdsl's own training can be made shorter: leave out `explore`"
SHORT_SAMPLER = "`explore` tunes every shape equally often, but sampler {} does not: leave one out"
SHORT_PRUNED = "with `explore` no training can be ended early: leave out `prune`"
SHORT_SHAPES = "`explore` needs two trials for each shape, but {} has {} for {} trials"
SETTLE_UNUSED = (
    "`settle` trains shapes on fresh seeds, but there are fewer than two seeds: add"
    " `seeds 1 then 10`"
)
SETTLE_PARETO = "a search with several objectives settles nothing: leave out `settle`"
FOLDS_OF_TABLE = "the training runs of a table are over, and have no folds: leave out `folds`"
ENDLESS_TRAINING = (
    "hyperband has to know how many epochs a training run has: `train with ..., epochs = 20`"
)


def check_short(search: SearchRequest, reaches: Sequence[Reach]) -> None:
    """Raises ``ArchError`` where a slice has too many shapes to tune each by short trainings."""
    share, rest = divmod(search.trials, len(reaches) or 1)
    for number, reach in enumerate(reaches if search.short else ()):
        count = share + (number < rest)
        listed = reach.candidates
        if reach.is_skipped:
            continue
        if listed is None or 2 * len(listed) > count:
            many = "more shapes than are listed" if listed is None else f"{len(listed)} shapes"
            what = SHORT_SHAPES.format(reach.slice.name, many, count)
            raise ArchError([diagnose(codes.BAD_COMBINATION, search.spans["explore"], what=what)])


def doubts(search: SearchRequest) -> list[Diagnostic]:
    """The warnings of a search: what is allowed, but seldom meant."""
    first = getattr(search.pruner, "warmup", None)
    annealed = search.own is None and isinstance(search.recipe.schedule, Cosine | OneCycle)
    if first is None or not annealed or first >= RANKED * search.recipe.epochs:
        return []
    fields = {
        "pruner": search.pruner.name,
        "first": first,
        "epochs": search.recipe.epochs,
        "schedule": search.recipe.schedule.name,
        "late": ceil(RANKED * search.recipe.epochs),
    }
    return [diagnose(codes.EARLY_PRUNING, search.spans["prune"], fields=fields)]


def clashes(search: SearchRequest) -> Iterator[Diagnostic]:
    """The mistakes in a search whose statements are right one by one."""
    spans = search.spans
    start = spans["spec"]

    def clash(what: str, *statements: str) -> Diagnostic:
        place: Span = next((spans[s] for s in statements if s in spans), start)
        return diagnose(codes.BAD_COMBINATION, place, what=what)

    varied = [v.domain for v in search.vary]
    tuned = list(search.tune.values())
    sampler = search.sampler.name
    if all(o.name in search.costs for o in search.objectives):
        yield clash(COSTS_ALONE, "objective")
    if search.is_pareto and "prune" in spans:
        yield clash(SEVERAL_PRUNED, "prune")
    if search.is_pareto and search.hold is not None:
        yield clash(SEVERAL_HELD, "hold")
    if search.baseline is not None:
        guided = bool(tuned) or any(isinstance(d, Interval) for d in varied)
        if search.is_pareto:
            yield clash(SEVERAL_BASELINE, "baseline")
        elif sampler in ("random", "grid") or not guided:
            yield clash(UNGUIDED, "baseline")
    if sampler == "nsga2" and not search.is_pareto:
        yield clash(ONE_OBJECTIVE, "sampler")
    if sampler == "grid":
        counts = [d.count for d in (*varied, *tuned)]
        if None in counts:
            yield clash(ENDLESS_GRID, "sampler")
        elif prod(d.count or 1 for d in varied) > LIMIT:
            yield clash(LARGE_GRID, "sampler")
    if sampler == "cma_es" and not any(isinstance(d, Interval) for d in (*varied, *tuned)):
        yield clash("cma_es needs a knob whose domain is a range of numbers", "sampler")
    own = search.own
    if own is not None and search.pruner.name == "hyperband" and "epochs" not in own.settings:
        yield clash(ENDLESS_TRAINING, "prune")
    if search.folds and (search.settle_seeds < 2 or search.is_pareto):
        yield clash(FOLDS_UNUSED, "folds")
    if search.short:
        if not tuned:
            yield clash(SHORT_UNTUNED, "explore")
        elif search.is_pareto:
            yield clash(SHORT_SEVERAL, "explore")
        elif own is not None:
            yield clash(SHORT_OWN, "explore")
        elif sampler in ("random", "grid"):
            yield clash(SHORT_SAMPLER.format(sampler), "sampler", "explore")
        elif "prune" in spans:
            yield clash(SHORT_PRUNED, "prune")
    if "settle" in spans and search.is_pareto:
        yield clash(SETTLE_PARETO, "settle")
    elif "settle" in spans and search.settle_seeds < 2:
        yield clash(SETTLE_UNUSED, "settle")
    if search.folds and own is not None and own.is_table:
        yield clash(FOLDS_OF_TABLE, "folds")
    if search.hold is not None and search.trials < len(search.hold.budgets):
        what = f"there are {len(search.hold.budgets)} budgets, but too few trials for all of them"
        yield clash(what, "trials")
