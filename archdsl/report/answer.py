"""The top of a report: what a study says, how far it is, and what was asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from html import escape
from shlex import quote

from archdsl.layers.base import show_shape
from archdsl.report.facts import AT_WORK, OPEN, Facts
from archdsl.report.figure import table
from archdsl.report.scales import cost_text, listing, many, place_text, shape_text
from archdsl.search.at_work import called, epochs_of, said, score_of
from archdsl.search.outcome import name_of
from archdsl.search.rows import BASELINE, EXPLORE, SETTLE, TUNE, Row
from archdsl.training.own import ProgramData
from archdsl.verdict import words

STAGES = {
    TUNE: "tuning by short training runs",
    EXPLORE: "exploring",
    BASELINE: "training its random baseline",
    SETTLE: "retraining what it chose on fresh seeds",
}


def answer_html(facts: Facts) -> str:
    """What a study says, in words."""
    parts = [f'<p class="status" role="note">{escape(s)}</p>' for s in status(facts)]
    parts += [_line(f"  {line}") for line in at_work(facts, datetime.now())]
    if facts.front:
        parts += _front(facts)
    elif facts.verdict is not None:
        parts += [_line(line) for line in [*words(facts.verdict).split("\n"), *facts.fair]]
        parts += [f"<p>{escape(sentence)}</p>" for sentence in facts.beside]
    else:
        parts.append(f'<p class="answer">{escape(nothing(facts))}</p>')
    if facts.best is not None and facts.compares:
        parts.append(_best(facts, facts.best))
    head = '<section id="answer" aria-labelledby="h-answer"><h2 id="h-answer">The answer</h2>'
    return f"{head}{''.join(parts)}</section>"


def _line(line: str) -> str:
    style = "figures" if line.startswith("  ") else "answer"
    return f'<p class="{style}">{escape(line.strip())}</p>'


def status(facts: Facts) -> Iterator[str]:
    """How far a study is, where it is not at its end, and what failed."""
    ended = sum(n for state, n in facts.counts.items() if state not in OPEN) - facts.passed
    total, failed = facts.turns, facts.failures.total()
    if not facts.total:
        yield "This search has only begun: nothing is planned yet."
    elif not facts.is_done:
        doing = STAGES.get(facts.stage)
        doing = f"it is {doing}" if doing else "it has been resumed"
        running = facts.counts["running"]
        at_work = f", {running} running" if running else ""
        yield (
            f"This search is not finished: {doing}, {ended} of {many(total, 'trial')}"
            f" have ended{at_work}. Results may change."
        )
    if failed:
        causes = [f"{cause} ({count})" for cause, count in facts.failures.most_common()]
        yield f"{failed} of {many(total, 'trial')} failed: {listing(causes)}."


def at_work(facts: Facts, now: datetime) -> Iterator[str]:
    """The trials that run, and how far each is."""
    search = facts.search
    for row in [r for r in facts.rows if r.state == "running"][:AT_WORK]:
        words = said(row, score_of(search), epochs_of(search, row.stage), now)
        yield f"trial {row.called}, {', '.join(filter(None, called(row)))}: {', '.join(words)}"


def nothing(facts: Facts) -> str:
    """Why there is no answer."""
    failed = [r for r in facts.rows if r.is_failure]
    if failed and facts.failures.total() == facts.turns:
        last = next((r.cause for r in reversed(failed) if r.cause), "")
        return "There is no answer: every trial failed." + (f" The last: {last}." if last else "")
    if facts.is_done:
        return "There is no answer: no training run finished."
    return "There is no answer yet: no training run has finished."


def _best(facts: Facts, row: Row) -> str:
    value = facts.measure.of(row)
    words = [shape_text(name_of(row))]
    words += [f"at {place_text(row.slice)}"] if facts.search.hold is not None else []
    if value is not None:
        words.append(f"which reached {facts.measure.name} {facts.measure.text(value)}")
    storage = " --storage URL" if facts.storage else ""
    name = facts.name if facts.storage else str(facts.folder)
    command = f"archdsl best {quote(name)} -o best.arch{storage}"
    return (
        f'<p class="best">Best network: {escape(", ".join(words))} '
        f'(<a href="#trials" data-open="{facts.key(row)}">trial {row.called}</a>).'
        f" To save it as a spec: <code>{escape(command)}</code></p>"
    )


def _front(facts: Facts) -> Iterator[str]:
    names = [o.name for o in facts.search.objectives]
    aims = [f"{'less' if o.minimize else 'more'} {o.name}" for o in facts.search.objectives]
    these = "this one is" if len(facts.front) == 1 else f"these {len(facts.front)} are"
    trained = sum(r.is_result for r in facts.rows) if facts.is_whole else facts.counts["done"]
    text = (
        f"Of {many(trained, 'trained network')}, {these} beaten by no"
        f" other in all that was asked for, {listing(aims)}."
    )
    yield f'<p class="answer">{escape(text)}</p>'
    rows = [
        [
            shape_text(name_of(row)),
            *(cost_text(n, v, facts.search.costs) for n, v in zip(names, row.values, strict=True)),
        ]
        for row in facts.front
    ]
    yield table(["network", *names], rows)


# ------------------------------------------------------------------------------- the question


def asked_html(facts: Facts) -> str:
    """What was asked, for who has not asked it."""
    doc = f'<p class="doc">{escape(facts.search.doc)}</p>' if facts.search.doc else ""
    return doc + f'<p class="faint">{escape(" ".join(asked(facts)))}</p>'


def _data(facts: Facts) -> str:
    """The data as the search names them."""
    if facts.search.own is not None:
        return f"your own data from {facts.search.own.file or 'a function'}"
    if isinstance(facts.search.data, ProgramData):
        return facts.search.data.written()
    span = facts.search.spans["data"]
    return " ".join(facts.search.source.text[span.start : span.end].split()[1:])


def asked(facts: Facts) -> Iterator[str]:
    """The set-up of a study in sentences."""
    search = facts.search
    varied = listing([f"{v.path} in {v.domain}" for v in search.vary])
    image = f", whose images are {show_shape(facts.input)}" if facts.input else ""
    yield f"Networks of the spec {search.spec_name} were trained on {_data(facts)}{image}."
    if search.hold is None:
        yield f"Varied: {varied}."
    else:
        budgets = listing([p.title for p in facts.parts])
        within = f"{100 * search.hold.tolerance:g} %"
        yield (
            f"Varied: {varied}. For each, {listing(search.hold.knobs)} was solved for, so that the"
            f" networks compared have the same cost: {budgets}, within {within}."
        )
    if search.tune:
        tuned = listing([f"{name} in {domain}" for name, domain in search.tune.items()])
        yield f"Tuned for each shape: {tuned}."
    took = f"{many(search.explore_seeds, 'seed')} a shape"
    if not search.explore_seeds:
        took = f"short trainings, of {many(search.short, 'epoch')} each"
    if search.is_pareto:
        aims = [f"{'minimized' if o.minimize else 'maximized'} {o.name}" for o in search.objectives]
        yield f"The search {listing(aims)}, on validation data."
    elif search.settle_seeds:
        few = search.least_seeds < search.settle_seeds
        fresh = f"{search.least_seeds} to " * few + many(search.settle_seeds, "fresh seed")
        yield (
            f"Exploring took {took}; the best shape of each side{further(search.arms - 2)}"
            f" was then trained anew on {fresh}. Scores are of validation data"
            f"{', fresh ones of the test data too' if facts.question.both else ''};"
            " exploring has not seen the test data."
        )
    else:
        yield f"Exploring took {took}, and nothing was retrained on fresh seeds."


def further(count: int) -> str:
    """What else was trained anew, beside the best shape of each side."""
    return "" if not count else ", and the next best," if count == 1 else f", and the next {count},"
