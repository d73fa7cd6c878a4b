"""A report as a page: one file, which asks nothing of any other place."""

from __future__ import annotations

from html import escape
from importlib.resources import files

from archdsl.pictures.page import POLICY, page
from archdsl.pictures.palette import COLOURS
from archdsl.report.answer import answer_html, asked_html
from archdsl.report.aspect import ID as ASPECT
from archdsl.report.aspect import TITLE as ASPECT_TITLE
from archdsl.report.aspect import aspect_figure
from archdsl.report.curves import curves_figure
from archdsl.report.facts import Facts
from archdsl.report.figure import Figure, figure_html
from archdsl.report.fronts import fronts_figure
from archdsl.report.growth import growth_figure
from archdsl.report.networks import networks
from archdsl.report.origin import glossary_html, origin_html
from archdsl.report.plane import map_figure
from archdsl.report.shapes import shapes_figure
from archdsl.report.shown import words
from archdsl.report.trials import Album, trials_data, trials_html
from archdsl.report.weights import importances_figure

LIVE = "; connect-src 'self'"


def report_page(facts: Facts, album: Album | None = None, live: bool = False) -> str:
    """The report of a study. A ``live`` one asks the server that it comes from for news; an
    ``album`` keeps the drawings from one report to the next."""
    shown = figures(facts)
    sections = [
        answer_html(facts),
        *([_note(facts.refused)] if facts.refused else []),
        *([] if facts.is_whole else [_note(words(len(facts.rows), facts.total))]),
        *(figure_html(f) for f in shown),
        f'<section id="trials" aria-labelledby="h-trials"><h2 id="h-trials">Trials</h2>'
        f"{trials_html(facts)}</section>",
        origin_html(facts),
        glossary_html(facts.search.spec.registry.own_costs),
    ]
    titles = [
        ("answer", "The answer"),
        *((f.id, f.title) for f in shown if not f.why),
        ("trials", "Trials"),
        ("origin", "How it was made"),
        ("words", "Words"),
    ]
    links = "".join(f'<li><a href="#{i}">{escape(t)}</a></li>' for i, t in titles)
    follows = "Live: this page follows the search."
    if not any(n for state, n in facts.counts.items() if state != "waiting"):
        follows += " Its workers are loading PyTorch."
    status = f'<p id="live" role="status">{follows}</p>' if live else ""
    body = (
        f'<a class="skip" href="#answer">To the answer</a>{status}<header><div class="top">'
        f'<h1>{escape(facts.name)}</h1><button type="button" id="dark">Light or dark</button></div>'
        f'{asked_html(facts)}<nav aria-label="contents"><ul>{links}</ul></nav></header>'
        f"<main>{''.join(sections)}</main>"
        f'<div id="tip" role="status" hidden></div>'
    )
    return page(
        f"{facts.name}: a report",
        body,
        _asset("report.js"),
        {**trials_data(facts, album or Album()), "live": live},
        style(),
        POLICY + LIVE * live,
    )


def _note(text: str) -> str:
    return f'<p class="faint" role="note">{escape(text[:1].upper() + text[1:])}</p>'


def figures(facts: Facts) -> list[Figure]:
    """The figures of a study in the order of a report, the main one first."""
    found = networks(facts)
    return [
        *([main_figure(facts)] if facts.compares else []),
        *([] if facts.compares else [fronts_figure(facts, found)]),
        map_figure(facts, found),
        growth_figure(facts),
        *([fronts_figure(facts, found)] if facts.compares else []),
        curves_figure(facts),
        importances_figure(facts),
    ]


def main_figure(facts: Facts) -> Figure:
    """The figure that shows the answer."""
    if not facts.compares:
        return fronts_figure(facts, networks(facts))
    if not any(p.shapes for p in facts.parts):
        return Figure(ASPECT, ASPECT_TITLE, "", why="No training run has succeeded yet.")
    return aspect_figure(facts) if facts.question.ordered else shapes_figure(facts)


def style() -> str:
    """The style sheet of a report, with the colours of the roles of shapes."""
    roles = "".join(
        f".archdsl .{r}{{fill:var(--{r})}}.archdsl .l-{r}{{stroke:var(--{r})}}" for r in COLOURS
    )
    return roles + _asset("report.css")


def _asset(name: str) -> str:
    return files("archdsl.report").joinpath(name).read_text("utf-8")
