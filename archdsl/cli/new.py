"""``archdsl new``: a first spec and a first search for a folder of images."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Any

import click

from archdsl.cli.output import say, say_json
from archdsl.cli.outputs import check_outputs, force_option
from archdsl.cli.progress import LOADING, told
from archdsl.outputs import check_name, write_output
from archdsl.writing import make_folder

LISTED = 8  # classes that are named


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="FOLDER")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Write the two files into this folder, which is made if it is not there."
    " [default: where you are]",
)
@click.option("--name", default="", help="Name of the two files. [default: that of FOLDER]")
@click.option(
    "--size",
    type=click.IntRange(8, 512),
    help="Pixels of a side. [default: that of the images, 64 at most]",
)
@click.option(
    "--skip-unreadable",
    is_flag=True,
    help="Leave out images that cannot be read, in the search too.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for tools.")
@force_option
def command(
    folder: Path,
    output: Path,
    name: str,
    size: int | None,
    skip_unreadable: bool,
    as_json: bool,
    force: bool,
) -> None:
    """Write a first spec and search for a folder of images.

    FOLDER has a folder of images for each class; or the folders train, val and test, and those
    of the classes in each. What is written is a small residual network, and the question
    whether it should be wider or deeper at an equal number of multiply-adds: a start, to be
    changed. All images are read first, and those that cannot be are named at once.
    """
    from archdsl.search.first import first

    if name and not name.isidentifier():
        raise click.BadParameter(f"{name!r} is not a name", param_hint="--name")
    with told("" if as_json else LOADING):
        found = first(folder, output, name, size, skip_unreadable)
    spec, search = (output / f"{found.name}{ending}" for ending in (".arch", ".search"))
    check_name(output)
    check_outputs([spec, search], [], force)
    make_folder(output)
    write_output(spec, found.spec)
    write_output(search, found.search)
    if as_json:
        say_json(_plain(found, spec, search))
        return
    total = sum(found.counts.values())
    say(f"{folder}: {total:,} images of {len(found.counts)} classes")
    shown = sorted(found.counts.items(), key=lambda item: -item[1])
    for label, count in shown[:LISTED]:
        say(f"  {label}: {count:,} ({count / max(total, 1):.0%})")
    if len(shown) > LISTED:
        say(f"  and {len(shown) - LISTED} more")
    for note in found.notes:
        say(note)
    say(f"{spec}: a residual network for images of {found.size} x {found.size} pixels")
    say(f"{search}: wider or deeper, at {found.budget} multiply-adds")
    name = quote(str(search))
    say(f"next: archdsl check {name}; archdsl search {name}")


def _plain(found: Any, spec: Path, search: Path) -> dict[str, Any]:
    return {
        "spec": str(spec),
        "search": str(search),
        "classes": found.counts,
        "size": found.size,
        "macs": found.budget,
    }
