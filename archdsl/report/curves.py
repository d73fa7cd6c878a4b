"""Learning curves, slice by slice; those of pruned trials end in a mark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archdsl.pictures.charts import AxisScale, Plot
from archdsl.pictures.palette import CURVES
from archdsl.pictures.scene import Shape, Wire
from archdsl.report.facts import Facts, SliceFacts
from archdsl.report.figure import COLUMN, PAGE, Figure, Group, Panel, framed, mark, plain
from archdsl.report.scales import many, shape_text
from archdsl.search.at_work import epochs_of
from archdsl.search.rows import ASIDE, EXPLORE, SETTLE, Row

ID, TITLE = "curves", "Learning curves"
CAPTION = (
    "Each line is a training, on validation data. The scale leaves out the tenth part with the"
    " worst values, which run along its edge."
)
LEFT_OUT = 0.1


def curves_figure(facts: Facts) -> Figure:
    """The figure of all trainings whose epochs are known."""
    known = {p.place: _known(facts, p) for p in facts.parts}
    drawn = [p for p in facts.parts if known[p.place]]
    if not drawn:
        why = "No training run whose epochs are known has ended yet."
        if facts.rows and not facts.measure.along(facts.rows[0]) and facts.measure.name not in (
            "accuracy", "error", "loss",
        ):  # fmt: skip
            why = f"What is searched for, {facts.measure.name}, does not change during training."
        return Figure(ID, TITLE, "", why=why)
    rows = [r for p in drawn for r in known[p.place]]
    order = sorted(rows, key=lambda r: (r.depth or 0, r.shape))
    shapes = list(dict.fromkeys(r.shape for r in order))
    hues = {s: CURVES[i] for i, s in enumerate(shapes[: len(CURVES)])}
    key = [
        (plain([Wire(((2, 7), (24, 7)), hue, stroke=2)]), shape_text(s)) for s, hue in hues.items()
    ]
    if len(shapes) > len(hues):
        key.append((plain([Wire(((2, 7), (24, 7)), "faint", stroke=2)]), "other shapes"))
    if any(r.state == "pruned" for r in rows):
        line = Wire(((2, 7), (20, 7)), "ink", dashed=True)
        key.append((plain((line, *mark("cross", 20, 7, 4, "ink"))), "pruned there"))
    if any(r.stage == SETTLE for r in rows):
        key.append((plain([Wire(((2, 7), (24, 7)), "ink", stroke=2.2)]), "strong: retrained"))
    panels = tuple(_panel(facts, p, known[p.place], hues, COLUMN, 260) for p in drawn)
    wide: tuple[Panel, ...] = ()
    if len(drawn) == 1:
        wide = (_panel(facts, drawn[0], known[drawn[0].place], hues, PAGE, 360),)
    last = facts.measure.name
    return Figure(
        ID,
        TITLE,
        CAPTION,
        panels,
        wide,
        tuple(key),
        ("budget", "shape", "setting", "seed", "state", "epochs", f"last {last}", f"best {last}"),
        tuple(_row(facts, p, r) for p in drawn for r in known[p.place]),
    )


def _known(facts: Facts, part: SliceFacts) -> list[Row]:
    return [r for r in part.rows if r.stage not in ASIDE and facts.measure.along(r)]


def _panel(
    facts: Facts,
    part: SliceFacts,
    rows: Sequence[Row],
    hues: dict[str, str],
    width: float,
    height: float,
) -> Panel:
    values = [v for r in rows for _, v in facts.measure.along(r)]
    asked = epochs_of(facts.search, EXPLORE)
    epochs = asked or max(e for r in rows for e, _ in facts.measure.along(r))
    x = AxisScale(0, max(epochs, 2), show=lambda v: f"{v:g}")
    plot = framed(width, height, x, _scale(facts, values))
    groups = [plain(plot.axes("epoch" if asked else "step", facts.measure.title))]
    for row in sorted(rows, key=lambda r: (r.stage == SETTLE, r.state != "pruned")):
        groups.append(
            Group(
                tuple(_curve(facts, row, plot, hues.get(row.shape, "faint"))),
                (facts.key(row),),
                _said(facts, row),
                "curve",
            )
        )
    pruned = sum(r.state == "pruned" for r in rows)
    below = many(len(rows), "training") + (f", {pruned} of them pruned" if pruned else "")
    return Panel(part.title, width, height, tuple(groups), f"{below}.")


def _scale(facts: Facts, values: Sequence[float]) -> AxisScale:
    """All values but the worst of them."""
    order = sorted(values, reverse=facts.measure.sign < 0)
    return facts.measure.scale(order[int(LEFT_OUT * len(order)) :], 0.05)


def _curve(facts: Facts, row: Row, plot: Plot, hue: str) -> Iterator[Shape]:
    points = tuple(
        plot.at(min(e, plot.x.high), min(max(v, plot.y.low), plot.y.high))
        for e, v in facts.measure.along(row)
    )
    pruned = row.state == "pruned"
    stroke = 1.5 if row.stage == SETTLE else 0.8
    if len(points) > 1:
        yield Wire(points, hue, stroke=stroke, dashed=pruned, radius=0)
    if pruned:
        yield from mark("cross", *points[-1], 4, hue)
    elif len(points) == 1:
        yield from mark("disc", *points[0], 2.5, hue)


def _said(facts: Facts, row: Row) -> str:
    words = [shape_text(row.shape), row.setting, f"seed {row.seed}"]
    epoch, last = facts.measure.along(row)[-1]
    end = f"pruned in epoch {epoch:g} at" if row.state == "pruned" else "ended at"
    return f"{', '.join(w for w in words if w)}: {end} {facts.measure.text(last)}"


def _row(facts: Facts, part: SliceFacts, row: Row) -> tuple[str, ...]:
    points = facts.measure.along(row)
    values = [v for _, v in points]
    best = max(values) if facts.measure.maximize else min(values)
    text = facts.measure.text
    return (
        part.title,
        shape_text(row.shape),
        row.setting,
        str(row.seed),
        row.state,
        str(len(points)),
        text(values[-1]),
        text(best),
    )
