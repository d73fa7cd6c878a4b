"""The map of a search: width and depth of all networks, lines of equal budget, and how good
each is."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.pictures.charts import spanning
from archdsl.pictures.palette import HEAT
from archdsl.pictures.point_labels import Spot, labelled
from archdsl.pictures.scene import Disc, Shape, Wire
from archdsl.report.facts import Facts
from archdsl.report.figure import COLUMN, PAGE, Figure, Group, Panel, framed, mark, plain
from archdsl.report.networks import Trained, flattered, winner
from archdsl.report.scales import many

ID, TITLE = "map", "Width and depth"
CAPTION = (
    "Each disc is a network at its depth (weighted layers) and its width (mean channels); larger"
    " and stronger in colour is better."
)
SMALL, LARGE = 3.5, 9.0


def map_figure(facts: Facts, found: Sequence[Trained]) -> Figure:
    """The map of a study."""
    placed = [t for t in found if t.row.depth and t.row.width]
    if not placed:
        why = "No training run has ended yet." if not found else "These networks have no width."
        return Figure(ID, TITLE, "", why=why)
    ranks = _ranks(facts, placed)
    held = facts.search.hold is not None
    lines = " A line joins the networks of a budget." if held else ""
    key = [(plain(_disc(13, 7, r, 2.5 + 4 * r)), t) for r, t in _steps(facts, placed, ranks)]
    if any(t.is_pruned for t in placed):
        key.append((plain(mark("disc", 13, 7, SMALL, "paper", "faint")), "only pruned"))
    if any(t.is_failed for t in placed):
        key.append((plain(mark("cross", 13, 7, 4.5, "removed")), "only failed"))
    if any(t.score is not None for t in placed):
        best = "best of a budget" if held else "best"
        ring = (Disc(13, 7, 6, "paper", "ink"), *_disc(13, 7, 0.6, 4))
        key.append((plain(ring), best))
    return Figure(
        ID,
        TITLE,
        CAPTION + lines + flattered(placed),
        (_panel(facts, placed, ranks, COLUMN, 340),),
        (_panel(facts, placed, ranks, PAGE, 440),),
        tuple(key),
        ("budget", "network", "depth", "width", facts.measure.name, "seeds", "trials"),
        tuple(_row(facts, t) for t in placed),
    )


def _ranks(facts: Facts, placed: Sequence[Trained]) -> dict[int, float]:
    """Scores between 0, the worst, and 1."""
    known = {id(t): facts.measure.sign * t.score for t in placed if t.score is not None}
    low, high = min(known.values(), default=0), max(known.values(), default=0)
    return {i: (v - low) / (high - low) if high > low else 1.0 for i, v in known.items()}


def _disc(x: float, y: float, rank: float, size: float = 0) -> tuple[Shape, ...]:
    role = HEAT[min(int(rank * len(HEAT)), len(HEAT) - 1)]
    return (Disc(x, y, size or SMALL + rank * (LARGE - SMALL), role, "ink"),)


def _steps(
    facts: Facts, placed: Sequence[Trained], ranks: dict[int, float]
) -> list[tuple[float, str]]:
    """The worst, the middle and the best, for the key."""
    scores = sorted(facts.measure.sign * t.score for t in placed if t.score is not None)
    if not scores:
        return []
    if scores[0] == scores[-1]:
        return [(1.0, facts.measure.text(placed[0].score or scores[0]))]
    low, high = scores[0], scores[-1]
    steps = ((0.0, low), (0.5, (low + high) / 2), (1.0, high))
    return [(r, facts.measure.text(abs(v))) for r, v in steps]


def _panel(
    facts: Facts, placed: Sequence[Trained], ranks: dict[int, float], width: float, height: float
) -> Panel:
    x = spanning([t.row.width or 1 for t in placed], log=True, margin=0.08)
    y = spanning([t.row.depth or 1 for t in placed], log=True, margin=0.08)
    plot = framed(width, height, x, y)
    groups = [plain(plot.axes("width: mean channels", "depth: weighted layers"))]
    spots = []
    for part in facts.parts:
        mine = [t for t in placed if t.part is part]
        mine.sort(key=lambda t: (t.row.depth or 0, t.row.width or 0))
        at = {id(t): plot.at(t.row.width or 1, t.row.depth or 1) for t in mine}
        if facts.search.hold is not None and len(mine) > 1:
            groups.append(plain([Wire(tuple(at.values()), "rule", stroke=1.4, radius=0)]))
        if facts.search.hold is not None and mine:
            spots.append(Spot(*at[id(mine[-1])], LARGE, part.title, 100 - part.place))
        best = winner(mine, facts.measure.sign)
        for t in sorted(mine, key=lambda t: ranks.get(id(t), -1)):
            groups.append(_network(facts, t, at[id(t)], ranks.get(id(t)), t is best))
        if best is not None:
            spots.append(Spot(*at[id(best)], LARGE + 3, best.name, 50, True))
    room = (plot.left + 2, plot.top + 2, plot.left + plot.width - 2, plot.top + plot.height - 2)
    groups.append(plain(labelled(spots, room)))
    return Panel(many(len(placed), "network"), width, height, tuple(groups))


def _network(
    facts: Facts, t: Trained, at: tuple[float, float], rank: float | None, best: bool
) -> Group:
    if rank is not None:
        shapes = _disc(*at, rank)
        if best:
            ring = SMALL + rank * (LARGE - SMALL) + 3
            shapes = (Disc(*at, ring, "paper", "ink"), *shapes)
    elif t.is_pruned:
        shapes = mark("disc", *at, SMALL, "paper", "faint")
    else:
        shapes = mark("cross", *at, 4.5, "removed")
    return Group(shapes, tuple(facts.key(r) for r in t.rows), t.text(facts))


def _row(facts: Facts, t: Trained) -> tuple[str, ...]:
    score = "pruned" if t.is_pruned else "failed"
    if t.score is not None:
        score = facts.measure.text(t.score)
    seeds = str(t.seeds) if t.seeds else ""
    return (
        t.part.title,
        t.name,
        str(t.row.depth),
        f"{t.row.width:.4g}",
        score,
        seeds,
        str(len(t.rows)),
    )
