"""Scores of shapes that have no order from wide to deep: a row for each, the best above."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.pictures.charts import AxisScale, Plot
from archdsl.pictures.fonts import fit as fitted
from archdsl.pictures.fonts import text_width
from archdsl.pictures.scene import Disc, Shape, Wire, Words
from archdsl.report.facts import Facts, SliceFacts
from archdsl.report.figure import COLUMN, PAGE, Figure, Group, Panel, lying, mark, plain
from archdsl.report.scales import many, shape_text, with_interval
from archdsl.search.rows import EXPLORE, SETTLE
from archdsl.verdict.model import Settled
from archdsl.verdict.settled import Explored

ID, TITLE = "shapes", "Shape against shape"
CAPTION = (
    "Each panel is one budget, the best shape above. Only the retrained networks, on seeds that"
    " no choice was based on, decide."
)
MOST = 20  # shapes of a panel
ROW = 24.0
SIZE = 10.0


def shapes_figure(facts: Facts) -> Figure:
    """The figure of a study whose shapes are kinds."""
    drawn = [p for p in facts.parts if p.shapes]
    panels = tuple(_panel(facts, p, COLUMN) for p in drawn)
    wide = tuple(_panel(facts, p, PAGE) for p in drawn) if len(drawn) == 1 else ()
    key = [
        (plain(mark("disc", 13, 7, 2.6, "edge")), "one explored training run"),
        (plain(mark("disc", 13, 7, 4.5, "paper", "ink")), "mean of a shape at its best setting"),
    ]
    if any(a.seeds for p in drawn if p.judged for a in p.judged.arms):
        shapes = (*lying(7, 3, 23, "curve2"), *mark("diamond", 13, 7, 3.6, "curve2"))
        key.append((plain(shapes), "retrained on fresh seeds: mean, 95 % interval"))
    return Figure(
        ID,
        TITLE,
        CAPTION,
        panels,
        wide,
        tuple(key),
        ("budget", "shape", "explored", "seeds", "retrained", "seeds", "test"),
        tuple(row for p in drawn for row in _rows(facts, p)),
    )


def _panel(facts: Facts, part: SliceFacts, width: float) -> Panel:
    measure, sign = facts.measure, facts.question.sign * facts.measure.factor
    shown = part.shapes[:MOST]
    arms = {a.shape: a for a in part.judged.arms if a.seeds} if part.judged else {}
    values = [sign * s for e in shown for s in e.scores]
    for arm in arms.values():
        values += [v * measure.factor for v in (arm.mean, *(arm.interval or ())) if v is not None]
    names = [shape_text(e.arm.shape) for e in shown]
    left = min(width * 0.45, 16 + max(text_width(n, SIZE) for n in names))
    height = ROW * len(shown) + 56
    plot = Plot(
        left,
        10,
        width - left - 14,
        ROW * len(shown),
        measure.scale(values),
        AxisScale(0, len(shown)),
    )
    groups = [plain(axes(plot, measure.title))]
    for place, (e, name) in enumerate(zip(shown, names, strict=True)):
        y = plot.top + (place + 0.5) * ROW
        label = fitted(name, SIZE, left - 12)
        groups.append(plain([Words(left - 8, y, label, SIZE, "end", e.arm.shape in arms)]))
        groups += _explored(facts, part, e, plot, y)
        if e.arm.shape in arms:
            groups.append(_settled(facts, part, arms[e.arm.shape], plot, y))
    left_out = len(part.shapes) - len(shown)
    below = f"{many(left_out, 'more shape')} below these: see the numbers." if left_out else ""
    return Panel(part.title, width, height, tuple(groups), below)


def axes(plot: Plot, title: str) -> Iterator[Shape]:
    """The axis of scores below rows of shapes."""
    right, bottom = plot.left + plot.width, plot.top + plot.height
    for value in plot.x.ticks(max(int(plot.width / 60), 3)):
        x, _ = plot.at(value, 0)
        yield Wire(((x, plot.top), (x, bottom)), "rule", stroke=0.6)
        yield Words(x, bottom + 13, plot.x.show(value), SIZE, "middle", colour="faint")
    yield Wire(((plot.left, plot.top), (plot.left, bottom), (right, bottom)), "edge", radius=0)
    yield Words(plot.left + plot.width / 2, bottom + 33, title, 11, "middle")


def _explored(facts: Facts, part: SliceFacts, e: Explored, plot: Plot, y: float) -> Iterator[Group]:
    measure, sign = facts.measure, facts.question.sign * facts.measure.factor
    name = shape_text(e.arm.shape)
    mine = [
        r
        for r in part.rows
        if r.stage == EXPLORE and (r.shape, r.setting) == (e.arm.shape, e.arm.setting)
    ]
    for row in mine:
        value = measure.of(row)
        if row.is_result and value is not None:
            note = f"{name}, seed {row.seed}: {measure.text(value)}"
            disc = Disc(plot.at(value, 0)[0], y + 5, 2.6, "edge", "edge")
            yield Group((disc,), (facts.key(row),), note)
    text = measure.text(sign * e.mean)
    note = f"{name}: {text}, mean of {many(len(e.scores), 'explored training')}"
    dot = mark("disc", plot.at(sign * e.mean, 0)[0], y + 5, 4.5, "paper", "ink")
    yield Group(dot, tuple(facts.key(r) for r in mine), note)


def _settled(facts: Facts, part: SliceFacts, arm: Settled, plot: Plot, y: float) -> Group:
    factor = facts.measure.factor
    assert arm.mean is not None
    x, _ = plot.at(arm.mean * factor, 0)
    shapes = mark("diamond", x, y - 5, 4.5, "curve2")
    if arm.interval is not None:
        low, high = (plot.at(v * factor, 0)[0] for v in arm.interval)
        shapes = (*lying(y - 5, low, high, "curve2"), *shapes)
    keys = tuple(
        facts.key(r)
        for r in part.rows
        if r.stage == SETTLE and (r.shape, r.setting) == (arm.shape, arm.setting)
    )
    size = with_interval(arm.mean, arm.interval, factor, facts.measure.unit)
    note = f"{shape_text(arm.shape)}, retrained on {many(arm.seeds, 'fresh seed')}: {size}"
    return Group(shapes, keys, note)


def _rows(facts: Facts, part: SliceFacts) -> Iterator[tuple[str, ...]]:
    sign, measure = facts.question.sign * facts.measure.factor, facts.measure
    arms = {a.shape: a for a in part.judged.arms if a.seeds} if part.judged else {}
    for e in part.shapes:
        arm = arms.get(e.arm.shape)
        settled = ("", "", "")
        if arm is not None and arm.mean is not None:
            size = with_interval(arm.mean, arm.interval, measure.factor, measure.unit)
            test = "" if arm.test is None else measure.text(arm.test * measure.factor)
            settled = (size, str(arm.seeds), test)
        explored = measure.text(sign * e.mean)
        yield part.title, shape_text(e.arm.shape), explored, str(len(e.scores)), *settled
