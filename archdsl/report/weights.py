"""How much each knob matters, as bars."""

from __future__ import annotations

from archdsl.pictures.fonts import fit, text_width
from archdsl.pictures.scene import Box, Wire, Words
from archdsl.report.facts import Facts
from archdsl.report.figure import COLUMN, Figure, Group, Panel, plain
from archdsl.report.importance import Importance
from archdsl.report.scales import place_text

ID, TITLE = "importances", "What matters"
CAPTION = (
    "How the differences between explored trainings are shared among the knobs, by what each does"
    " by itself (a functional analysis of variance). A knob that was tried over a wide range"
    " explains much: this ranks knobs, and says nothing about wide or deep."
)
ROW, SIZE = 26.0, 10.5


def importances_figure(facts: Facts) -> Figure:
    """The figure of a study; what is not known is said."""
    known = [i for i in facts.importances if i.shares]
    whys = {i.slice: i.why for i in facts.importances if i.why}
    one = len(facts.importances) == 1
    notes = tuple(
        f"Not known: {w}." if one else f"Not known at {place_text(s)}: {w}."
        for s, w in whys.items()
    )
    if not known:
        return Figure(ID, TITLE, "", why=" ".join(notes))
    return Figure(
        ID,
        TITLE,
        CAPTION,
        tuple(_panel(i, one) for i in known),
        header=("budget", "knob", "share", "trials"),
        rows=tuple(
            (_title(i, one), name, f"{100 * share:.0f} %", str(i.trials))
            for i in known
            for name, share in i.shares.items()
        ),
        notes=notes,
    )


def _title(found: Importance, one: bool) -> str:
    return "all networks" if one and found.slice == "all" else place_text(found.slice)


def _panel(found: Importance, one: bool) -> Panel:
    left = min(COLUMN * 0.45, 16 + max(text_width(n, SIZE) for n in found.shares))
    room = COLUMN - left - 50
    groups = []
    for place, (name, share) in enumerate(found.shares.items()):
        y = 8 + place * ROW
        text = f"{100 * share:.0f} %"
        shapes = (
            Words(left - 8, y + 9, fit(name, SIZE, left - 10), SIZE, "end"),
            Box(left, y, max(room * share, 1), 18, "curve1", "", 1),
            Words(left + room * share + 6, y + 9, text, SIZE),
        )
        groups.append(Group(shapes, (), f"{name}: {text}"))
    height = 14 + ROW * len(found.shares)
    foot = plain([Wire(((left, 4), (left, height - 6)), "edge", radius=0)])
    return Panel(_title(found, one), COLUMN, height, (*groups, foot))
