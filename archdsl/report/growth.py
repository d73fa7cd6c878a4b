"""How the best depth and the best width grow with the budget."""

from __future__ import annotations

from collections.abc import Callable

from archdsl.pictures.charts import spanning
from archdsl.pictures.scene import Shape, Wire
from archdsl.report.facts import Facts, SliceFacts
from archdsl.report.figure import COLUMN, Figure, Group, Panel, framed, interval, mark, plain
from archdsl.report.scales import cost_names, cost_short, many, shape_text
from archdsl.verdict.contrast import Interval
from archdsl.verdict.model import Optimum, Slope

ID, TITLE = "growth", "The best shape over the budgets"
CAPTION = (
    "Where the curve of each budget peaks, with 95 % intervals, and the shape that was best when"
    " it was retrained. A straight line means that depth or width follow a power of the budget."
)
KINDS = ("depth", "width")
TITLES = {"depth": "depth: weighted layers", "width": "width: mean channels"}
Peak = tuple[float, Interval]


def growth_figure(facts: Facts) -> Figure:
    """The figure of a study of several budgets."""
    hold = facts.search.hold
    if not facts.compares or hold is None:
        return Figure(ID, TITLE, "", why="This study holds no budget that could grow.")
    if len(facts.parts) < 2:
        return Figure(ID, TITLE, "", why="This study has one budget: there is no growth to see.")
    if facts.verdict is None:
        return Figure(ID, TITLE, "", why="No training run has succeeded yet.")
    if not facts.question.ordered:
        why = "These shapes are kinds, and do not grow: which is best at each budget stands above."
        return Figure(ID, TITLE, "", why=why)
    growth = facts.verdict.growth
    notes: tuple[str, ...] = ()
    if growth is not None and growth.why is not None:
        notes = (f"No line is drawn: {growth.why}.",)
    slopes = (growth.depth, growth.width) if growth else (None, None)
    costs = facts.search.costs
    title = f"budget: {cost_names(costs)[hold.cost]}"

    def show(value: float) -> str:
        return cost_short(hold.cost, value, costs)

    return Figure(
        ID,
        TITLE,
        CAPTION,
        tuple(
            _panel(facts, kind, slope, title, show)
            for kind, slope in zip(KINDS, slopes, strict=True)
        ),
        key=(
            (plain((*interval(13, 1, 13, "curve1"), *mark("disc", 13, 7, 3.4, "curve1"))), "peak"),
            (plain(mark("diamond", 13, 7, 4.4, "curve2")), "best when retrained"),
        ),
        header=("budget", "best depth", "best width", "best when retrained"),
        rows=tuple(_row(p) for p in facts.parts),
        notes=notes,
    )


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.4g} ms"


def peak(part: SliceFacts, kind: str) -> Peak | None:
    """Where the curve of a slice peaks, if that is located."""
    best = part.judged.optimum if part.judged else None
    if best is None or best.why is not None:
        return None
    value, reach = _of(best, kind)
    return None if value is None or reach is None else (value, reach)


def _of(best: Optimum, kind: str) -> tuple[float | None, Interval | None]:
    if kind == "depth":
        return best.depth, best.depth_interval
    return best.width, best.width_interval


def winner(part: SliceFacts, kind: str) -> float | None:
    """The depth or width of the shape that was best when it was retrained."""
    if part.judged is None:
        return None
    arm = next((a for a in part.judged.arms if a.seeds and a.shape == part.judged.best), None)
    return None if arm is None else (arm.depth if kind == "depth" else arm.width)


def _panel(
    facts: Facts, kind: str, slope: Slope | None, title: str, show: Callable[[float], str]
) -> Panel:
    known = [(p, peak(p, kind), winner(p, kind)) for p in facts.parts]
    explored = [v for p in facts.parts for e in p.shapes if (v := getattr(e, kind))]
    values = [*explored, *(v for _, at, _ in known if at for v in (at[0], *at[1]))]
    x = spanning([p.budget or 1 for p in facts.parts], log=True, show=show, margin=0.12)
    plot = framed(COLUMN, 280, x, spanning(values or [1], log=True))
    groups = [plain(plot.axes(title, TITLES[kind]))]
    located = [(p.budget or 1, at[0]) for p, at, _ in known if at]
    if slope is not None and len(located) > 1:
        groups.append(plain(_line(plot.at, located, slope)))
    for part, at, best in known:
        if best is not None:
            assert part.judged is not None and part.judged.best is not None
            note = f"{part.title}: {shape_text(part.judged.best)} was best, with {kind} {best:.3g}"
            groups.append(
                Group(mark("diamond", *plot.at(part.budget or 1, best), 5, "curve2"), (), note)
            )
        if at is not None:
            px, py = plot.at(part.budget or 1, at[0])
            low, high = (plot.at(1, v)[1] for v in at[1])
            shapes = (*interval(px, low, high, "curve1"), *mark("disc", px, py, 4, "curve1"))
            note = f"{part.title}: best {kind} {at[0]:.3g} ({at[1][0]:.3g} to {at[1][1]:.3g})"
            groups.append(Group(shapes, (), note))
    located_count = len(located)
    below = f"A peak is located at {many(located_count, 'budget')} of {len(facts.parts)}."
    if slope is not None:
        low, high = (2**e for e in slope.interval)
        times = f"{2**slope.exponent:.2f} ({low:.2f} to {high:.2f})"
        below = f"With twice the budget, the best {kind} is {times} times as large."
    return Panel(kind, COLUMN, 280, tuple(groups), below)


def _line(
    at: Callable[[float, float], tuple[float, float]],
    located: list[tuple[float, float]],
    slope: Slope,
) -> list[Shape]:
    """The power of the budget through the middle of the peaks."""
    count = len(located)
    budget = _mean([b for b, _ in located])
    value = _mean([v for _, v in located])
    assert count
    ends = (min(b for b, _ in located), max(b for b, _ in located))
    points = tuple(at(b, value * (b / budget) ** slope.exponent) for b in ends)
    return [Wire(points, "curve1", stroke=1.6, dashed=True, radius=0)]


def _mean(values: list[float]) -> float:
    """The geometric mean."""
    product = 1.0
    for v in values:
        product *= v ** (1 / len(values))
    return product


def _row(part: SliceFacts) -> tuple[str, ...]:
    cells = []
    for kind in KINDS:
        at = peak(part, kind)
        cells.append(f"{at[0]:.3g} ({at[1][0]:.3g} to {at[1][1]:.3g})" if at else "not located")
    best = part.judged.best if part.judged and winner(part, "depth") is not None else None
    return part.title, *cells, shape_text(best) if best else ""
