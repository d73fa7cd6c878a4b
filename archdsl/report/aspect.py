"""Scores over the aspect, slice by slice: what was explored, the curve, what was settled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from archdsl.pictures.charts import Plot, spanning
from archdsl.pictures.point_labels import Spot, labelled
from archdsl.pictures.scene import Area, Disc, Shape, Wire
from archdsl.report.facts import Facts, SliceFacts
from archdsl.report.figure import (
    COLUMN,
    PAGE,
    Figure,
    Group,
    Panel,
    framed,
    interval,
    lying,
    mark,
    plain,
)
from archdsl.report.scales import many, shape_text, with_interval
from archdsl.search.rows import EXPLORE, SETTLE, Row
from archdsl.verdict.model import Settled
from archdsl.verdict.settled import Explored

ID, TITLE = "aspect", "Wide or deep"
CAPTION = (
    "Each panel is one budget. From left to right, networks become deeper and narrower: the aspect"
    " is the number of weighted layers, divided by the mean number of channels. The curve and its"
    " band are fitted to the explored training runs. Only the retrained networks decide, on seeds"
    " that no choice was based on."
)
STEPS = 61  # points of a curve


def aspect_figure(facts: Facts) -> Figure:
    """The figure of a study whose shapes run from wide to deep."""
    drawn = [p for p in facts.parts if p.shapes]
    panels = tuple(_panel(facts, p, COLUMN, 300) for p in drawn)
    wide = tuple(_panel(facts, p, PAGE, 420) for p in drawn) if len(drawn) == 1 else ()
    settled = any(a.seeds for p in drawn if p.judged for a in p.judged.arms)
    key = [
        (plain(mark("disc", 13, 7, 2.6, "edge")), "one explored training run"),
        (plain(mark("disc", 13, 7, 4.5, "paper", "ink")), "mean of a shape at its best setting"),
    ]
    if any(p.fit for p in drawn):
        line = Wire(((1, 7), (25, 7)), "curve1", stroke=1.8)
        band = Area(((1, 2), (25, 2), (25, 12), (1, 12)), "curve1", 0.18)
        key.append((plain((band, line)), "the curve, and its 95 % band"))
    if any(p.judged and p.judged.optimum and not p.judged.optimum.why for p in drawn):
        key.append((plain(lying(7, 2, 24, "curve1")), "where the curve peaks (95 %)"))
    if settled:
        shapes = (*interval(13, 1, 13, "curve2"), *mark("diamond", 13, 7, 3.6, "curve2"))
        key.append((plain(shapes), "retrained on fresh seeds: mean, 95 % interval"))
    return Figure(
        ID,
        TITLE,
        CAPTION,
        panels,
        wide,
        tuple(key),
        ("budget", "shape", "aspect", "explored", "seeds", "retrained", "seeds", "test"),
        tuple(row for p in drawn for row in _rows(facts, p)),
    )


def _panel(facts: Facts, part: SliceFacts, width: float, height: float) -> Panel:
    measure, sign = facts.measure, facts.question.sign * facts.measure.factor
    shown = {(e.arm.shape, e.arm.setting): e for e in part.shapes}
    arms = [a for a in part.judged.arms if a.seeds] if part.judged else []
    values = [sign * s for e in part.shapes for s in e.scores]
    values += [v * measure.factor for a in arms for v in (a.mean, *(a.interval or ())) if v]
    x = spanning([e.aspect for e in part.shapes], log=True, margin=0.12)
    xs = np.linspace(np.log(part.shapes[0].aspect), np.log(part.shapes[0].aspect), STEPS)
    curve: list[float] = []
    band: tuple[Sequence[float], ...] = ((), ())
    if part.fit is not None:
        xs = np.linspace(part.fit.low, part.fit.high, STEPS)
        curve = [sign * float(v) for v in part.fit.at(xs)]
        low, high = part.fit.band(xs, 0.95)
        band = [sign * float(v) for v in low], [sign * float(v) for v in high]
        values += curve
    y = measure.scale(values, 0.3)
    band = tuple([min(max(v, y.low), y.high) for v in edge] for edge in band)
    plot = framed(width, height, x, y)
    groups = [plain(plot.axes("aspect: depth / width   (wide to deep)", measure.title))]
    lines: list[Wire] = []
    if curve:
        places = [float(np.exp(v)) for v in xs]
        edge = [*zip(places, band[0], strict=True), *reversed([*zip(places, band[1], strict=True)])]
        line = Wire(
            tuple(plot.at(*p) for p in zip(places, curve, strict=True)),
            "curve1",
            stroke=1.8,
            radius=0,
        )
        lines.append(line)
        groups.append(plain((Area(tuple(plot.at(*p) for p in edge), "curve1", 0.18), line)))
    groups += _peak(part, plot)
    hidden = 0
    for row in part.rows:
        value = measure.of(row)
        if row.stage != EXPLORE or not row.is_result or value is None or not row.width:
            continue
        if not plot.y.low <= value <= plot.y.high:
            hidden += 1
            continue
        best = (row.shape, row.setting) in shown
        assert row.depth is not None
        at = plot.at(row.depth / row.width, value)
        disc = Disc(*at, 2.6 if best else 2, "edge", "edge", 1 if best else 0.35)
        groups.append(Group((disc,), (facts.key(row),), _said(facts, row, value)))
    for e in part.shapes:
        at = plot.at(e.aspect, sign * e.mean)
        count = many(len(e.scores), "explored training")
        note = f"{shape_text(e.arm.shape)}: {measure.text(sign * e.mean)}, mean of {count}"
        keys = _keys(facts, part, EXPLORE, e.arm.shape, e.arm.setting)
        groups.append(Group(mark("disc", *at, 4.5, "paper", "ink"), keys, note))
    groups += [_settled(facts, part, a, plot) for a in arms]
    groups.append(plain(_names(part, arms, plot, sign, measure.factor, lines)))
    return Panel(part.title, width, height, tuple(groups), _below(part, hidden))


def _said(facts: Facts, row: Row, value: float) -> str:
    words = [shape_text(row.shape), row.setting, f"seed {row.seed}"]
    return f"{', '.join(w for w in words if w)}: {facts.measure.text(value)}"


def _keys(facts: Facts, part: SliceFacts, stage: str, shape: str, setting: str) -> tuple[str, ...]:
    return tuple(
        facts.key(r)
        for r in part.rows
        if r.stage == stage and (r.shape, r.setting) == (shape, setting)
    )


def _peak(part: SliceFacts, plot: Plot) -> Iterator[Group]:
    """Where the curve is highest, at the foot of the frame."""
    best = part.judged.optimum if part.judged else None
    if best is None or best.why or best.aspect is None or best.aspect_interval is None:
        return
    x, foot = plot.at(best.aspect, plot.y.low)
    (low, _), (high, _) = (plot.at(a, plot.y.low) for a in best.aspect_interval)
    line = Wire(((x, plot.top), (x, foot)), "curve1", dashed=True, radius=0)
    note = f"the curve peaks at aspect {best.aspect:.2g}"
    yield Group((line, *lying(foot - 9, low, high, "curve1")), (), note)


def _settled(facts: Facts, part: SliceFacts, arm: Settled, plot: Plot) -> Group:
    factor = facts.measure.factor
    assert arm.mean is not None and arm.depth and arm.width
    x, y = plot.at(arm.depth / arm.width, arm.mean * factor)
    shapes = mark("diamond", x, y, 5, "curve2")
    if arm.interval is not None:
        ends = [plot.at(1, v * factor)[1] for v in arm.interval]
        shapes = (*interval(x, ends[0], ends[1], "curve2", 5), *shapes)
    size = with_interval(arm.mean, arm.interval, factor, facts.measure.unit)
    note = f"{shape_text(arm.shape)}, retrained on {many(arm.seeds, 'fresh seed')}: {size}"
    return Group(shapes, _keys(facts, part, SETTLE, arm.shape, arm.setting), note)


def _names(
    part: SliceFacts,
    arms: Sequence[Settled],
    plot: Plot,
    sign: float,
    factor: float,
    lines: Sequence[Wire],
) -> Iterator[Shape]:
    spots, taken = [], []
    for rank, e in enumerate(part.shapes):
        x, y = plot.at(e.aspect, sign * e.mean)
        chosen = any(a.shape == e.arm.shape for a in arms)
        spots.append(Spot(x, y, 5, shape_text(e.arm.shape), 100 * chosen - rank, chosen))
    for arm in arms:
        if arm.mean is not None and arm.depth and arm.width:
            x, y = plot.at(arm.depth / arm.width, arm.mean * factor)
            taken.append((x - 6, y - 6, x + 6, y + 6))
    room = (plot.left + 2, plot.top + 2, plot.left + plot.width - 2, plot.top + plot.height - 14)
    yield from labelled(spots, room, lines, taken)


def _below(part: SliceFacts, hidden: int) -> str:
    best = part.judged.optimum if part.judged else None
    words = []
    if best is None:
        pass
    elif best.why:
        words.append(f"No best aspect can be told: {best.why}.")
    elif best.depth_interval and best.width_interval and best.depth and best.width:
        (a, b), (c, d) = best.depth_interval, best.width_interval
        words.append(
            f"The curve peaks at depth {best.depth:.0f} ({a:.0f} to {b:.0f}),"
            f" width {best.width:.0f} ({c:.0f} to {d:.0f})."
        )
    if hidden:
        where = "lies beyond" if hidden == 1 else "lie beyond"
        words.append(f"{many(hidden, 'training')} with worse settings {where} what is shown.")
    return " ".join(words)


def _rows(facts: Facts, part: SliceFacts) -> Iterator[tuple[str, ...]]:
    sign, measure = facts.question.sign * facts.measure.factor, facts.measure
    arms = {a.shape: a for a in part.judged.arms if a.seeds} if part.judged else {}
    for e in sorted(part.shapes, key=_aspect):
        arm = arms.get(e.arm.shape)
        settled = ("", "", "")
        if arm is not None and arm.mean is not None:
            size = with_interval(arm.mean, arm.interval, measure.factor, measure.unit)
            test = "" if arm.test is None else measure.text(arm.test * measure.factor)
            settled = (size, str(arm.seeds), test)
        explored = measure.text(sign * e.mean)
        name = shape_text(e.arm.shape)
        yield part.title, name, f"{e.aspect:.3g}", explored, str(len(e.scores)), *settled


def _aspect(shape: Explored) -> float:
    return shape.aspect
