"""``archdsl draw``: a network as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from archdsl.cli.options import candidate_options, read_named, spec_argument
from archdsl.cli.outputs import check_outputs, force_option, read_for
from archdsl.outputs import write_output
from archdsl.pictures.dot import dot
from archdsl.pictures.files import FORMATS, check_format, save
from archdsl.pictures.page import drawing_page
from archdsl.pictures.svg import svg
from archdsl.pictures.views import draw


@click.command()
@spec_argument
@candidate_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("-"),
    help="Write to this file: .svg, .html, .png, .pdf or .dot. - prints SVG (the default).",
)
@click.option(
    "--depth", default=2, show_default=True, type=click.IntRange(1), help="Levels to open."
)
@click.option("--once", is_flag=True, help="Open each block only where it is new.")
@click.option(
    "--layout",
    type=click.Choice(["down", "right"]),
    default="down",
    show_default=True,
    help="Which way the network runs.",
)
@click.option(
    "--size", type=click.Choice(["channels", "macs"]), help="Let the widths of boxes follow these."
)
@force_option
def command(
    spec: str,
    settings: tuple[str, ...],
    shape: str | None,
    python: tuple[Path, ...],
    output: Path,
    depth: int,
    once: bool,
    layout: str,
    size: str | None,
    force: bool,
) -> None:
    """Draw the network as a paper would: blocks as boxes, repeats folded, branches side by
    side, shortcuts as arcs.

    In an .html file blocks open and close, layers are searched for, and each shows its
    figures and the line of the spec it comes from.
    """
    printed = str(output) == "-"
    if not printed:
        check_format(output, (*FORMATS, ".dot"))
    arch, title = read_named(spec, settings, shape, python)
    if not printed:
        check_outputs([output], read_for([(spec, arch)], python), force)
    network, knobs, down = arch.network, arch.shown_knobs, layout == "down"
    if output.suffix.lower() == ".dot":
        write_output(output, dot(network, depth, down))
        return
    options: dict[str, Any] = {"depth": depth, "down": down, "size": size or "", "title": title}
    options["first_only"] = once
    if output.suffix.lower() == ".html":
        write_output(output, drawing_page(network, knobs, **options))
    elif printed:
        click.echo(svg(draw(network, knobs, **options)), nl=False)
    else:
        save(draw(network, knobs, **options), output)
