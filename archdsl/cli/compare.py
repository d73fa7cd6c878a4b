"""``archdsl compare``: accuracy against cost, as a table and as charts."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from textwrap import wrap
from typing import Any

import click

from archdsl.cli.compared import ComparedNetwork, read_results, rows_of
from archdsl.cli.drawn import save_told
from archdsl.cli.mapped import map_costs
from archdsl.cli.options import SpecName, json_option, python_option, read_registry
from archdsl.cli.output import WIDTH, say, say_json, table
from archdsl.cli.outputs import check_outputs, force_option, read_for
from archdsl.cli.progress import followed
from archdsl.cli.studied import is_study, rows_of_study
from archdsl.costs.base import COUNT, Cost
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.pictures.bubbles import Blob, bubbles, front
from archdsl.pictures.saving import check_format
from archdsl.pictures.scene import Scene
from archdsl.pictures.winners import WINNERS, winners
from archdsl.training.packages import need

MEASURES = {"top1": "top-1", "top5": "top-5"}


@click.command()
@click.argument("specs", nargs=-1, type=SpecName(), metavar="[SPEC...]")
@click.option(
    "--chart",
    type=click.Choice(["bubbles", "winners", "contours"]),
    default="bubbles",
    show_default=True,
    help="Accuracy over cost; the ImageNet challenge by year; lines of equal cost of one SPEC.",
)
@click.option(
    "--x",
    metavar="COST",
    default="macs",
    show_default=True,
    help="The cost on the horizontal axis.",
)
@click.option(
    "--y",
    type=click.Choice(list(MEASURES)),
    default="top1",
    show_default=True,
    help="The accuracy on the vertical axis.",
)
@click.option(
    "--size",
    metavar="COST",
    default="params",
    show_default=True,
    help="The cost that the areas of bubbles show.",
)
@click.option("--dataset", help="The data set of the accuracies: imagenet, or that of a study.")
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Measured accuracies: a study, or CSV or JSON with name, accuracy, low, high.",
)
@click.option("--over", metavar="X,Y", help="The two knobs of contours.", default="depth,width")
@click.option(
    "--batch",
    default=1,
    show_default=True,
    type=click.IntRange(1, 10**6),
    help="Batch size for memory and times.",
)
@click.option(
    "--device", default="cpu", show_default=True, help="The device on which times are measured."
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Draw: .svg, .html, .png or .pdf."
)
@force_option
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@python_option
@json_option
def command(
    specs: tuple[str, ...],
    chart: str,
    x: str,
    y: str,
    size: str,
    dataset: str | None,
    results: Path | None,
    over: str,
    batch: int,
    device: str,
    output: Path | None,
    force: bool,
    as_csv: bool,
    python: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Compare networks: published accuracy against what they cost.

    Without a SPEC, all built-in networks whose accuracy is known. A SPEC may have its knobs
    in parentheses: "resnet(depth = 101)". Times are measured on this device, and need PyTorch.
    """
    if output is not None:
        check_format(output)
        reads = read_for([(name, None) for name in specs], python)
        check_outputs([output], [*reads, *([results] if results else [])], force)
    aside = as_json or as_csv
    if chart == "winners":
        records = [_winner(w) for w in WINNERS]
        _print(records, as_json, as_csv, lambda: _say_winners(records))
        if output is not None:
            save_told(winners(), output, "the winners of ImageNet's challenge", aside=aside)
        return
    if chart == "contours":
        if len(specs) != 1:
            raise click.UsageError("contours are drawn of one SPEC")
        grid = map_costs(specs[0], over, python)
        _print(grid.records(), as_json, as_csv, lambda: say(grid.said()))
        if output is not None:
            save_told(grid.scene(), output, f"what {specs[0]} costs", aside=aside)
        return
    costs = read_registry(python).costs
    for option, name in (("--x", x), ("--size", size)):
        if name not in costs:
            known = ", ".join(costs)
            raise click.BadParameter(f"{name!r} is not one of {known}", param_hint=option)
    rows, dataset = _rows(specs, dataset, y, results, python)
    columns = [costs[key] for key in dict.fromkeys((x, "macs", "params", size))]
    _add_costs(rows, columns, batch, device)
    rows.sort(key=lambda r: (-(r.accuracy or 0), r.costs[x]))
    records = [_plain(r) for r in rows]
    measure = f"{MEASURES[y]} accuracy on {dataset}"
    _print(records, as_json, as_csv, lambda: _say(rows, columns, y))
    if output is not None:
        scene = _scene(rows, costs[x], costs[size], measure, dataset)
        what = f"{len(rows)} network{'s' * (len(rows) != 1)}"
        save_told(scene, output, what, _markup(rows, columns, y), aside=aside)


def _rows(
    specs: tuple[str, ...],
    dataset: str | None,
    measure: str,
    results: Path | None,
    python: tuple[Path, ...],
) -> tuple[list[ComparedNetwork], str]:
    """What is compared, and on which data: networks by their names, and those of a study."""
    if results is None or not is_study(results):
        dataset = dataset or "imagenet"
        return rows_of(specs, dataset, measure, read_results(results), python), dataset
    studied, data = rows_of_study(results, python)
    named = rows_of(specs, dataset or data, measure, {}, python) if specs else []
    return [*studied, *named], dataset or data


def _print(
    records: Sequence[dict[str, Any]], as_json: bool, as_csv: bool, plain: Callable[[], None]
) -> None:
    if as_json:
        say_json(list(records))
    elif as_csv:
        writer = csv.DictWriter(
            sys.stdout, list(records[0]) if records else [], lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(
            {k: _listed(v) if isinstance(v, dict) else v for k, v in r.items()} for r in records
        )
    else:
        plain()


# --------------------------------------------------------------------------------- costs


def _add_costs(
    rows: Sequence[ComparedNetwork], costs: Sequence[Cost], batch: int, device: str
) -> None:
    for row in rows:
        for cost in costs:
            if cost.name == "memory":  # which grows with the batch
                row.costs[cost.name] = row.arch.memory(batch).inference
            elif not cost.measured:
                row.costs[cost.name] = row.arch.cost(cost.name)
    if measured := [cost for cost in costs if cost.measured]:
        _measure(rows, measured, batch, device)


def _measure(
    rows: Sequence[ComparedNetwork], costs: Sequence[Cost], batch: int, device: str
) -> None:
    """Times of one batch, measured here; said as it goes, since it takes long."""
    need("torch")
    for row in followed(rows, "measuring", lambda row: row.name):
        for cost in costs:
            row.costs[cost.name] = cost.measure(row.arch, batch, device)


# ---------------------------------------------------------------------------------- chart


def _blobs(rows: Sequence[ComparedNetwork], x: Cost, size: Cost) -> list[Blob]:
    return [
        Blob(
            r.name,
            r.family,
            r.costs[x.name],
            r.accuracy,
            r.costs[size.name],
            r.low,
            r.high,
            r.several_crops,
            _note(r, x, size),
        )
        for r in rows
        if r.accuracy is not None
    ]


def _note(row: ComparedNetwork, x: Cost, size: Cost) -> str:
    costs = [f"{_brief(c)(row.costs[c.name])} {c.title}" for c in dict.fromkeys((x, size))]
    head = f"{row.name}: {100 * (row.accuracy or 0):.2f} %"
    several = f"outputs {_listed(row.outputs)}" if len(row.outputs) > 1 else ""
    return "\n".join(t for t in (head, ", ".join(costs), several, row.source) if t)


def _listed(outputs: Mapping[str, str]) -> str:
    """``fine 16x32x32, coarse 32x16x16``."""
    return ", ".join(f"{name} {shape}" for name, shape in outputs.items())


def _scene(
    rows: Sequence[ComparedNetwork], x: Cost, size: Cost, measure: str, dataset: str
) -> Scene:
    blobs = _blobs(rows, x, size)
    if not blobs:
        raise ArchError([diagnose(codes.NOTHING_PUBLISHED, dataset=dataset)])
    title = f"Accuracy on {dataset} over {x.title}"
    return bubbles(blobs, title, x.about, measure, size.title, _brief(x), _brief(size))


def _brief(cost: Cost) -> Callable[[float], str]:
    """How a cost is written in a chart: a count in the digits that it needs."""
    return cost.show_short if cost.unit == COUNT else cost.show


# ---------------------------------------------------------------------------------- table


def _cells(
    rows: Sequence[ComparedNetwork], columns: Sequence[Cost], y: str
) -> tuple[list[str], list[list[str]]]:
    """The head and the lines of the table; the first column is what accuracy is put over."""
    best = {b.name for b in front(_blobs(rows, columns[0], columns[-1]))}
    head = ["network", MEASURES[y], *(c.heading for c in columns), "best"]
    cells = [
        [
            r.name,
            _accuracy(r),
            *(c.show(r.costs[c.name]) for c in columns),
            "*" if r.name in best else "",
        ]
        for r in rows
    ]
    return head, cells


def _accuracy(row: ComparedNetwork) -> str:
    if row.accuracy is None:
        return ""
    text = f"{100 * row.accuracy:.2f} %"
    if row.low is not None and row.high is not None:
        text += f" ({100 * row.low:.1f} to {100 * row.high:.1f})"
    return text + (" +" if row.several_crops else "")


def _say(rows: Sequence[ComparedNetwork], columns: Sequence[Cost], y: str) -> None:
    head, cells = _cells(rows, columns, y)
    for line in table(head, cells, right=range(1, len(head) - 1)):
        say(line)
    say()
    best = f"*  no other is as good or better with as little or less: {columns[0].title}"
    for line in wrap(best, WIDTH, subsequent_indent="   "):
        say(line)
    if any(r.several_crops for r in rows):
        say("+  over several crops of each image: not compared with the others")
    for r in rows:
        if len(r.outputs) > 1:
            text = f"outputs of {r.name}: {_listed(r.outputs)}"
            for line in wrap(text, WIDTH, subsequent_indent="   ", break_on_hyphens=False):
                say(line)


def _markup(rows: Sequence[ComparedNetwork], columns: Sequence[Cost], y: str) -> str:
    """The table for a page."""
    head, cells = _cells(rows, columns, y)
    lines = ["".join(f"<th>{escape(c)}</th>" for c in head)]
    lines += ["".join(f"<td>{escape(c)}</td>" for c in row) for row in cells]
    body = "\n".join(f"<tr>{line}</tr>" for line in lines)
    return f'<footer><table class="figures">\n{body}\n</table></footer>'


def _plain(row: ComparedNetwork) -> dict[str, Any]:
    return {
        "name": row.name,
        "spec": row.family,
        "accuracy": row.accuracy,
        "low": row.low,
        "high": row.high,
        "source": row.source,
        **row.costs,
        "outputs": row.outputs,
    }


def _winner(winner: Any) -> dict[str, Any]:
    keys = ("year", "place", "name", "error", "depth", "source")
    return {k: getattr(winner, k) for k in keys}


def _say_winners(records: Sequence[dict[str, Any]]) -> None:
    rows = [
        [str(r["year"]), r["name"], f"{100 * r['error']:.2f} %", str(r["depth"] or ""), r["source"]]
        for r in records
    ]
    for line in table(["year", "entry", "top-5 error", "depth", "source"], rows, right=(2, 3)):
        say(line[:80].rstrip())
