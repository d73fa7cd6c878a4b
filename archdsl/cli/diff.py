"""``archdsl diff``: what differs between two networks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from archdsl.cli.drawn import save_told
from archdsl.cli.ends import ends
from archdsl.cli.options import SpecName, json_option, python_option, read_named
from archdsl.cli.output import WIDTH, Styled, cut, human, say, say_json, table
from archdsl.cli.outputs import check_outputs, force_option, read_for
from archdsl.layers.base import show_shape
from archdsl.pictures.difference import Change, DifferenceItem
from archdsl.pictures.pair import Pair
from archdsl.pictures.saving import check_format
from archdsl.spec import Architecture

SIGNS = {"removed": "-", "added": "+"}
COLOURS = {"-": "red", "+": "green"}
FEW = 5  # of a kind in a row within a block that are all listed
FIGURES = ("params", "macs", "activations", "depth")


@click.command()
@click.argument("a", type=SpecName(), metavar="A")
@click.argument("b", type=SpecName(), metavar="B")
@click.option(
    "--depth", default=2, show_default=True, type=click.IntRange(1), help="Levels to go down."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Draw both side by side, what differs marked: .svg, .html, .png or .pdf.",
)
@force_option
@python_option
@json_option
def command(
    a: str,
    b: str,
    depth: int,
    output: Path | None,
    force: bool,
    python: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Say what differs between two networks, part by part.

    A and B are SPECs, each with its knobs in parentheses if it has any to set:
    `archdsl diff resnet50 "resnet(depth = 101)"`.
    """
    if output is not None:
        check_format(output)
    left, right = read_named(a, (), None, python), read_named(b, (), None, python)
    if output is not None:
        check_outputs([output], read_for([(a, left[0]), (b, right[0])], python), force)
    pair = Pair(left[0], right[0], (left[1], right[1]), depth)
    changes = pair.changes
    if as_json:
        say_json(_plain(left, right, changes))
    else:
        _say(left, right, changes, depth)
    if output is not None:
        save_told(pair.scene(), output, f"{left[1]} and {right[1]}", aside=as_json)


Named = tuple[Architecture, str]


def _say(left: Named, right: Named, changes: Sequence[Change], levels: int) -> None:
    knobs = [_differing(left[0], right[0]), _differing(right[0], left[0])]
    for sign, (_, name), settings in zip("-+", (left, right), knobs, strict=True):
        shown = ", ".join(f"{k} = {v}" for k, v in settings.items())
        say(Styled(cut(f"{sign * 3} {name}  {shown}".rstrip(), WIDTH), fg=COLOURS[sign]))
    say()
    differing = ends(left[0], right[0])
    for mark, text in differing:
        say(Styled(f"{SIGNS[mark]} {text}", fg=COLOURS[SIGNS[mark]]))
    if differing:
        say()
    if all(c.mark == "same" for c in changes):
        same = left[0].hash == right[0].hash and not differing
        say("They are the same network." if same else "Their parts are the same.")
        return
    rows = list(_rows(changes, levels, 0))
    widths = [max(len(r[i]) for r in rows) for i in range(5)]
    room = WIDTH - sum(widths[i] + 2 for i in (0, 2, 3, 4)) - 2
    cells = [[r[0], cut(r[1], max(room, 6)), *r[2:]] for r in rows]
    head, *lines = table(["  part", "", "shape", "params", "MACs"], cells, right=(3, 4))
    say(head)
    for line in lines:
        say(Styled(line, fg=COLOURS[line[0]]) if line[0] in COLOURS else line)
    say()
    for line in _totals(left[0], right[0]):
        say(line)


def _differing(arch: Architecture, other: Architecture) -> dict[str, str]:
    """The knobs that the other has not, or has otherwise."""
    theirs = other.shown_knobs if arch.name == other.name else {}
    return {k: v for k, v in arch.shown_knobs.items() if theirs.get(k) != v}


def _rows(changes: Sequence[Change], levels: int, level: int) -> Iterator[list[str]]:
    for mark, group in groupby(changes, key=lambda c: c.mark):
        run = list(group)
        if mark == "changed" or level == 0 or len(run) <= FEW:
            yield from _listed(run, levels, level)
            continue
        yield from _listed(run[:2], levels, level)
        hidden = [item for c in run[2:-1] if (item := c.a or c.b)]
        yield _folded(hidden, SIGNS.get(mark, " "), level)
        yield from _listed(run[-1:], levels, level)


def _folded(items: Sequence[DifferenceItem], sign: str, level: int) -> list[str]:
    """What stands for many in a row."""
    params, macs = (sum(getattr(i, key) for i in items) for key in ("params", "macs"))
    name = f"{sign} {'  ' * level}… {len(items)} more"
    return [name, "", "", human(params) if params else "", human(macs) if macs else ""]


def _listed(changes: Sequence[Change], levels: int, level: int) -> Iterator[list[str]]:
    for change in changes:
        mark = change.mark
        if mark == "same" and change.a is not None:
            yield _row(" ", change.a, level)
            continue
        if mark == "changed" and change.a is not None and change.b is not None:
            if _figures(change.a) == _figures(change.b) and change.a.what == change.b.what:
                yield _row("~", change.a, level)
            else:
                yield _row("-", change.a, level)
                yield _row("+", change.b, level)
            if level + 1 < levels:
                yield from _rows(change.inside, levels, level + 1)
            continue
        item = change.a or change.b
        if item is not None:
            yield _row(SIGNS[mark], item, level)


def _figures(item: DifferenceItem) -> tuple[object, ...]:
    return item.shape, item.params, item.macs, item.repeat


def _row(sign: str, item: DifferenceItem, level: int) -> list[str]:
    what = "" if item.what == item.name else item.what
    return [
        f"{sign} {'  ' * level}{item.name}",
        what,
        show_shape(item.shape),
        human(item.params) if item.params else "",
        human(item.macs) if item.macs else "",
    ]


def _totals(a: Architecture, b: Architecture) -> Iterator[str]:
    rows = []
    names = {"params": "parameters", "macs": "MACs"}
    for key in FIGURES:
        before, after = getattr(a, key), getattr(b, key)
        change = f"{100 * (after / before - 1):+.1f} %" if before and before != after else ""
        rows.append([names.get(key, key), f"{before:,}", f"{after:,}", change])
    yield from table(["in all", "before", "after", ""], rows, right=(1, 2, 3))


def _plain(left: Named, right: Named, changes: Sequence[Change]) -> dict[str, Any]:
    def one(named: Named) -> dict[str, Any]:
        arch, name = named
        figures = {key: getattr(arch, key) for key in FIGURES}
        return {"name": name, "knobs": arch.shown_knobs, "hash": arch.hash, **figures}

    found = [{"mark": mark, "what": text} for mark, text in ends(left[0], right[0])]
    return {
        "a": one(left),
        "b": one(right),
        "ends": found,
        "changes": [_change(c) for c in changes],
    }


def _change(change: Change) -> dict[str, Any]:
    found: dict[str, Any] = {"mark": change.mark}
    for key, item in (("a", change.a), ("b", change.b)):
        if item is not None:
            found[key] = {
                "path": item.path,
                "what": item.what,
                "shape": list(item.shape),
                "repeat": item.repeat,
                "params": item.params,
                "macs": item.macs,
            }
    if change.inside:
        found["inside"] = [_change(c) for c in change.inside]
    return found
