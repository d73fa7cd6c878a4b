"""``archdsl verdict``: what a study says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from archdsl.cli import completing
from archdsl.cli.options import json_option, python_option, read_registry, storage_option
from archdsl.cli.output import say, say_below, say_json, say_text, table
from archdsl.training.packages import need_for_reading

if TYPE_CHECKING:
    from archdsl.search.rows import BriefRow, Row
    from archdsl.search.study import Study


@click.command()
@click.argument("study", metavar="STUDY", shell_complete=completing.studies)
@storage_option
@json_option
@python_option
def command(study: str, storage: str | None, as_json: bool, python: Any) -> int:
    """Print what a study says.

    STUDY is the folder that `archdsl search` has made, or, with --storage, the name of the
    study there.
    """
    need_for_reading()
    from archdsl.search.snapshot import read_study

    with read_study(study, storage, read_registry(python)) as found:
        if as_json:
            say_json(plain_verdict(found))
        else:
            say_verdict(found)
    return 0


def say_refusal(study: Study, row: Row | None) -> None:
    """Says, beside the answer, that the spec of a study is refused today."""
    from archdsl.search.refused import refusal, words

    if found := refusal(study, row):
        say(f"note: {words(study, found)}", error=True)


def say_verdict(study: Study, as_json: bool = False) -> None:
    """Prints what a study says: a verdict, or a front where it has several objectives."""
    from archdsl.search.fair import fair_words
    from archdsl.search.outcome import beside, best, front, judged, name_of, verdict
    from archdsl.verdict import words

    if as_json:
        say(json.dumps({"event": "verdict", **plain_verdict(study)}, ensure_ascii=False))
        return
    rows = judged(study)
    if study.search.is_pareto:
        say(f"{study.name}: no network that was trained beats one of these in every objective")
        shown = front(study, rows)
        say_front(study, shown)
        say_refusal(study, study.whole(shown[:1])[0] if shown else None)
        return
    found = verdict(study, rows)
    lines = words(found).split("\n")
    lines += fair_words(study, rows, found)
    for line in lines:
        say_text(line) if not line.startswith("  ") else say_below(line)
    for pair in beside(study, rows):
        say_text(pair.words(study.search.objectives[0].name))
    row = best(study, rows=rows)
    folder = study.folder
    say(f"best: {name_of(row)} (trial {row.called}, {row.slice}); to save it as a spec:")
    there = f" --storage {quote(study.card.storage)}" if study.card.storage else ""
    say(f"  archdsl best {quote(str(folder))}{there} -o best.arch")
    say_refusal(study, row)


def say_front(study: Study, rows: Sequence[BriefRow]) -> None:
    from archdsl.search.outcome import name_of, shown

    names, costs = [o.name for o in study.search.objectives], study.search.costs
    lines = [
        [name_of(row), *(shown(n, v, costs) for n, v in zip(names, row.values, strict=True))]
        for row in rows
    ]
    for line in table(["network", *names], lines, right=range(1, len(names) + 1)):
        say(line)


def plain_verdict(study: Study) -> dict[str, Any]:
    """What a study says, as JSON has it."""
    from archdsl.cli.live import plain
    from archdsl.search.fair import fair_json, fairness
    from archdsl.search.outcome import beside, best, early, front, judged, verdict
    from archdsl.search.refused import refusal
    from archdsl.verdict import to_json

    rows = judged(study)
    if study.search.is_pareto:
        return {
            "study": study.name,
            "front": [plain(*study.whole([row])) for row in front(study, rows)],
        }
    found = verdict(study, rows)
    top = best(study, rows=rows)
    answer: dict[str, Any] = {
        "study": study.name,
        "verdict": to_json(found),
        "fair": fair_json(fairness(study, rows, found)),
        "best": plain(top),
    }
    if early(study, rows):
        answer["early"] = True
    if mistakes := refusal(study, top):
        answer["refused"] = [{"code": d.code, "message": d.message} for d in mistakes]
    if pairs := beside(study, rows):
        answer["baseline"] = [
            {"slice": p.slice, "better": p.better, "baseline": plain(p.baseline),
             "explored": plain(p.explored)}
            for p in pairs
        ]  # fmt: skip
    return answer
