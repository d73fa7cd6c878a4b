"""What no other network beats, at each cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from archdsl.pictures.charts import Plot, spanning
from archdsl.pictures.palette import CURVES
from archdsl.pictures.point_labels import Spot, labelled
from archdsl.pictures.scene import Wire
from archdsl.report.facts import Facts
from archdsl.report.figure import COLUMN, MARKS, Figure, Group, Panel, framed, mark, plain
from archdsl.report.networks import Trained, flattered
from archdsl.report.scales import cost_names, cost_short, cost_text, many

ID, TITLE = "fronts", "What it costs"
CAPTION = (
    "A panel for each cost, of one image; the time is that of the whole training. The dashed line"
    " is the Pareto front: no network of this study is better at the same cost or less. Filled"
    " marks are on it."
)
NAMED = 6  # names at a front


def fronts_figure(facts: Facts, found: Sequence[Trained]) -> Figure:
    """The figure of a study with results."""
    scored = [t for t in found if t.score is not None]
    if not scored:
        return Figure(ID, TITLE, "", why="No training run has succeeded yet.")
    panels, rows = [], []
    costs = facts.search.costs
    names = cost_names(costs)
    for cost in names:
        points = [(c, t) for t in scored if (c := t.cost(cost)) is not None]
        if points and cost != facts.measure.name:
            best = front(points, facts.measure.sign)
            panels.append(_panel(facts, cost, points, best))
            rows += [
                (names[cost], cost_text(cost, c, costs), _name(facts, t), _score(facts, t))
                for c, t in best
            ]
    held = facts.search.hold is not None
    key = [
        (plain(mark(MARKS[i % 6], 13, 7, 4, CURVES[i % 8])), p.title)
        for i, p in enumerate(facts.parts)
        if held and any(t.part is p for t in scored)
    ]
    key.append((plain([Wire(((1, 7), (25, 7)), "ink", dashed=True, stroke=1.4)]), "front"))
    notes: tuple[str, ...] = ()
    if not any(t.cost("latency") for t in scored):
        notes = ("Latency was not measured: a search measures it where it holds or minimizes it.",)
    header = ("cost", "value", "network on the front", facts.measure.name)
    caption = CAPTION + flattered(scored)
    return Figure(ID, TITLE, caption, tuple(panels), (), tuple(key), header, tuple(rows), "", notes)


def front(points: Sequence[tuple[float, Trained]], sign: int) -> list[tuple[float, Trained]]:
    """Those that none beats, from the cheapest on."""
    found: list[tuple[float, Trained]] = []
    for cost, t in sorted(points, key=lambda p: (p[0], -sign * (p[1].score or 0))):
        if not found or sign * (t.score or 0) > sign * (found[-1][1].score or 0):
            found.append((cost, t))
    return found


def _panel(
    facts: Facts,
    cost: str,
    points: Sequence[tuple[float, Trained]],
    best: Sequence[tuple[float, Trained]],
) -> Panel:
    costs = facts.search.costs
    name = cost_names(costs)[cost]

    def show(value: float) -> str:
        return cost_short(cost, value, costs)

    x = spanning([c for c, _ in points], show=show, margin=0.08)
    y = facts.measure.scale([t.score or 0 for _, t in points], 0.1)
    plot = framed(COLUMN, 280, x, y)
    groups = [plain(plot.axes(name, facts.measure.title))]
    groups.append(plain(_stairs(plot, best)))
    chosen = {id(t) for _, t in best}
    for c, t in points:
        place = t.part.place if facts.search.hold is not None else 0
        hue, on = CURVES[place % 8], id(t) in chosen
        kind = MARKS[place % 6] if facts.search.hold is not None else "disc"
        at = plot.at(c, t.score or 0)
        shapes = mark(kind, *at, 4.5 if on else 3.2, hue if on else "paper", hue)
        note = f"{t.text(facts)}; {name} {cost_text(cost, c, costs)}"
        groups.append(Group(shapes, tuple(facts.key(r) for r in t.rows), note))
    spots = [
        Spot(*plot.at(c, t.score or 0), 5, t.name, rank)
        for rank, (c, t) in enumerate(best[-NAMED:])
    ]
    room = (plot.left + 2, plot.top + 2, plot.left + plot.width - 2, plot.top + plot.height - 2)
    others = [plot.at(c, t.score or 0) for c, t in points]
    taken = [(px - 3, py - 3, px + 3, py + 3) for px, py in others]
    groups.append(plain(labelled(spots, room, list(_stairs(plot, best)), taken)))
    below = f"{many(len(best), 'network')} of {len(points)} on the front."
    return Panel(name, COLUMN, 280, tuple(groups), below)


def _stairs(plot: Plot, best: Sequence[tuple[float, Trained]]) -> Iterator[Wire]:
    points = []
    for (a, t), (b, _) in pairwise(best):
        points += [plot.at(a, t.score or 0), plot.at(b, t.score or 0)]
    cost, last = best[-1]
    points.append(plot.at(cost, last.score or 0))
    points.append((plot.left + plot.width, points[-1][1]))
    yield Wire(tuple(points), "ink", dashed=True, stroke=1.3, radius=0)


def _name(facts: Facts, t: Trained) -> str:
    return f"{t.name} at {t.part.title}" if facts.search.hold is not None else t.name


def _score(facts: Facts, t: Trained) -> str:
    return facts.measure.text(t.score or 0)
