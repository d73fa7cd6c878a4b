"""How a study was made: what repeats it, what it was made of, and what its words mean."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from html import escape

from archdsl import __about__
from archdsl.costs.base import Cost
from archdsl.report.facts import Facts
from archdsl.report.scales import many
from archdsl.units import duration

GLOSSARY = {
    "MACs": "multiply-adds of convolutions and linear layers for one image, in evaluation.",
    "activations": "outputs of convolutions and linear layers for one image.",
    "depth": "weighted layers: convolutions and linear layers on the longest way through the"
    " network. A knob that a spec calls depth may count otherwise.",
    "width": "the mean number of channels that the convolutions put out.",
    "aspect": "depth over width: low for wide networks, high for deep ones.",
    "budget": "a cost at which networks are compared: a knob is solved for, so that each"
    " network has it.",
    "explored": "trained while the search was still choosing. The best of many is partly luck, so"
    " these trainings choose and do not decide.",
    "retrained": "the chosen shapes, trained again on fresh seeds. Only these trainings decide.",
    "baseline": "drawn at random, for as many epochs as exploring took: what a search is worth.",
    "pruned": "ended early, because it learned worse than others of its shape.",
    "interval": "95 %. That of a difference holds for other seeds, and for other examples or splits"
    " where these are known, corrected for all comparisons of the study (closed testing). A verdict"
    " is given only where it excludes zero.",
    "hash": "of the network's graph: equal for networks that compute the same, whatever the knobs"
    " are called.",
}


def origin_html(facts: Facts) -> str:
    """The section that lets another repeat the study."""
    card = facts.card
    rows = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in _origin(facts)
    )
    texts = [(card.search_name, card.search), (card.spec_name, card.spec), *card.uses.items()]
    sources = "".join(
        f"<details><summary>{escape(name)}</summary><pre>{escape(text)}</pre></details>"
        for name, text in texts
    )
    return (
        '<section id="origin" aria-labelledby="h-origin"><h2 id="h-origin">How it was made</h2>'
        f'<p>This command repeats it:</p><pre class="command">{escape(card.command)}</pre>'
        f'<dl class="facts">{rows}</dl>{sources}</section>'
    )


def _origin(facts: Facts) -> Iterator[tuple[str, str]]:
    card = facts.card
    yield "begun", card.created.replace("T", " ")
    if facts.last_end is not None:
        yield "last trial ended", f"{facts.last_end:%Y-%m-%d %H:%M:%S}"
    seconds = facts.seconds
    if seconds:
        yield "training in all", f"{duration(sum(seconds))} in {many(len(seconds), 'training')}"
    yield "seed", str(card.seed)
    yield "data", card.data
    for name, text in card.machine.items():
        yield f"machine: {name}", text
    workers = sorted({r.worker.partition(":")[0] for r in facts.rows if r.worker})
    if workers and workers != [card.machine.get("host")]:
        yield "trained on", ", ".join(workers)
    for name, text in card.versions.items():
        yield f"version: {name}", text
    for name, text in card.identity.items():
        yield f"hash: {name}", text
    if facts.best is not None:
        yield "hash: the best network", facts.best.hash
    if card.versions.get("archdsl") != __about__.VERSION:
        yield "this report by", f"archdsl {__about__.VERSION}"


def glossary_html(costs: Mapping[str, Cost]) -> str:
    """What the words of a report mean; ``costs`` are a user's own."""
    words = GLOSSARY | {c.title: f"{inspect.getdoc(c)}" for c in costs.values()}
    rows = "".join(f"<dt>{escape(w)}</dt><dd>{escape(t)}</dd>" for w, t in words.items())
    return (
        '<section id="words" aria-labelledby="h-words"><h2 id="h-words">What the words mean</h2>'
        f'<dl class="facts">{rows}</dl></section>'
    )
