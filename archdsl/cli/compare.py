"""``archdsl compare``: accuracy against cost, as a table and as charts."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from textwrap import wrap
from typing import Any

import click

from archdsl.cli.compared import Row, read_results, rows_of
from archdsl.cli.mapped import map_costs
from archdsl.cli.options import SpecName, json_option, python_option
from archdsl.cli.output import WIDTH, human_bytes, say, say_json, table
from archdsl.cli.progress import followed
from archdsl.cli.studied import is_study, rows_of_study
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.pictures.bubbles import Blob, bubbles, front
from archdsl.pictures.files import check_format, save
from archdsl.pictures.scene import Scene
from archdsl.pictures.winners import WINNERS, winners
from archdsl.units import human, short

COUNTED = {"macs": "MACs", "params": "parameters", "activations": "activations"}
TIMED = {"latency": "inference_seconds", "train_step": "training_step_seconds"}
TITLES = {
    "macs": "multiply-adds (MACs) for one image",
    "params": "parameters",
    "activations": "activations of convolutions and linear layers, for one image",
    "memory": "memory of inference, estimated",
    "latency": "time of inference",
    "train_step": "time of a training step",
}
SHORT = {"macs": "MACs", "params": "params", "activations": "activ.", "train_step": "train step"}
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
@click.option("--x", type=click.Choice(list(TITLES)), default="macs", show_default=True)
@click.option("--y", type=click.Choice(list(MEASURES)), default="top1", show_default=True)
@click.option(
    "--size",
    type=click.Choice(list(TITLES)),
    default="params",
    show_default=True,
    help="What the areas of blobs are.",
)
@click.option("--dataset", help="Whose accuracies: imagenet, or what a study was trained on.")
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
    help="Images at once: memory, times.",
)
@click.option("--device", default="cpu", show_default=True, help="Where times are measured.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Draw: .svg, .html, .png or .pdf."
)
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
    if chart == "winners":
        records = [_winner(w) for w in WINNERS]
        _print(records, as_json, as_csv, lambda: _say_winners(records))
        if output is not None:
            save(winners(), output)
        return
    if chart == "contours":
        if len(specs) != 1:
            raise click.UsageError("contours are of one SPEC")
        grid = map_costs(specs[0], over, python)
        _print(grid.records(), as_json, as_csv, lambda: say(grid.said()))
        if output is not None:
            save(grid.scene(), output)
        return
    rows, dataset = _rows(specs, dataset, y, results, python)
    for key in dict.fromkeys(("macs", "params", x, size)):
        _add_costs(rows, key, batch, device)
    rows.sort(key=lambda r: (-(r.accuracy or 0), r.costs[x]))
    records = [_plain(r) for r in rows]
    measure = f"{MEASURES[y]} accuracy on {dataset}"
    _print(records, as_json, as_csv, lambda: _say(rows, x, size, y))
    if output is not None:
        save(_scene(rows, x, size, measure, dataset), output, _markup(rows, x, y))


def _rows(
    specs: tuple[str, ...],
    dataset: str | None,
    measure: str,
    results: Path | None,
    python: tuple[Path, ...],
) -> tuple[list[Row], str]:
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
        writer.writerows(records)
    else:
        plain()


# --------------------------------------------------------------------------------- costs


def _add_costs(rows: Sequence[Row], key: str, batch: int, device: str) -> None:
    if key in TIMED:
        _measure(rows, batch, device)
        return
    for row in rows:
        if key == "memory":
            row.costs[key] = row.arch.memory(batch).inference
        else:
            row.costs[key] = getattr(row.arch, key)


def _measure(rows: Sequence[Row], batch: int, device: str) -> None:
    """Times of one batch, measured here; said as it goes, since it takes long."""
    try:
        from archdsl.training.timing import measure
    except ImportError:
        extra = "archdsl[torch]"
        raise ArchError([diagnose(codes.NEEDS_PACKAGE, package="torch", extra=extra)]) from None
    open_rows = [row for row in rows if "latency" not in row.costs]
    for row in followed(open_rows, "measuring", lambda row: row.name):
        found = measure(row.arch, row.arch.input, batch, device)
        for key, field in TIMED.items():
            row.costs[key] = getattr(found, field)


def _show(key: str) -> Callable[[float], str]:
    """How a cost is written."""
    if key in TIMED:
        return _time
    return human_bytes if key == "memory" else short


def _time(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


# ---------------------------------------------------------------------------------- chart


def _blobs(rows: Sequence[Row], x: str, size: str) -> list[Blob]:
    return [
        Blob(
            r.name,
            r.family,
            r.costs[x],
            r.accuracy,
            r.costs[size],
            r.low,
            r.high,
            r.several_crops,
            _note(r, x, size),
        )
        for r in rows
        if r.accuracy is not None
    ]


def _note(row: Row, x: str, size: str) -> str:
    costs = [
        f"{_show(k)(row.costs[k])} {COUNTED.get(k, TITLES[k])}" for k in dict.fromkeys((x, size))
    ]
    return f"{row.name}: {100 * (row.accuracy or 0):.2f} %\n{', '.join(costs)}\n{row.source}"


def _scene(rows: Sequence[Row], x: str, size: str, measure: str, dataset: str) -> Scene:
    blobs = _blobs(rows, x, size)
    if not blobs:
        raise ArchError([diagnose(codes.NOTHING_PUBLISHED, dataset=dataset)])
    title = f"Accuracy on {dataset} over {COUNTED.get(x, TITLES[x])}"
    named = COUNTED.get(size, TITLES[size])
    return bubbles(blobs, title, TITLES[x], measure, named, _show(x), _show(size))


# ---------------------------------------------------------------------------------- table


def _cells(rows: Sequence[Row], x: str, size: str, y: str) -> tuple[list[str], list[list[str]]]:
    best = {b.name for b in front(_blobs(rows, x, size))}
    keys = list(dict.fromkeys((x, "macs", "params", size)))
    head = ["network", MEASURES[y], *(SHORT.get(k, k) for k in keys), "best"]
    show = {k: human if k in COUNTED else _show(k) for k in keys}
    cells = [
        [
            r.name,
            _accuracy(r),
            *(show[k](r.costs[k]) for k in keys),
            "*" if r.name in best else "",
        ]
        for r in rows
    ]
    return head, cells


def _accuracy(row: Row) -> str:
    if row.accuracy is None:
        return ""
    text = f"{100 * row.accuracy:.2f} %"
    if row.low is not None and row.high is not None:
        text += f" ({100 * row.low:.1f} to {100 * row.high:.1f})"
    return text + (" +" if row.several_crops else "")


def _say(rows: Sequence[Row], x: str, size: str, y: str) -> None:
    head, cells = _cells(rows, x, size, y)
    for line in table(head, cells, right=range(1, len(head) - 1)):
        say(line)
    say()
    name = COUNTED.get(x, TITLES[x])
    best = f"*  no other is as good or better with as little or less: {name}"
    for line in wrap(best, WIDTH, subsequent_indent="   "):
        say(line)
    if any(r.several_crops for r in rows):
        say("+  over several crops of each image: not compared with the others")


def _markup(rows: Sequence[Row], x: str, y: str) -> str:
    """The table for a page."""
    head, cells = _cells(rows, x, "params", y)
    lines = ["".join(f"<th>{escape(c)}</th>" for c in head)]
    lines += ["".join(f"<td>{escape(c)}</td>" for c in row) for row in cells]
    body = "\n".join(f"<tr>{line}</tr>" for line in lines)
    return f'<footer><table class="figures">\n{body}\n</table></footer>'


def _plain(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "spec": row.family,
        "accuracy": row.accuracy,
        "low": row.low,
        "high": row.high,
        "source": row.source,
        **row.costs,
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
