"""``archdsl draw``: a network as a picture."""

from __future__ import annotations

from pathlib import Path

import click

from archdsl.cli.options import candidate_options, read_named, spec_argument
from archdsl.pictures.dot import dot
from archdsl.pictures.files import FORMATS, check_format, save
from archdsl.pictures.page import drawing_page
from archdsl.pictures.svg import svg
from archdsl.pictures.views import draw
from archdsl.writing import write_text


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
def command(
    spec: str,
    settings: tuple[str, ...],
    shape: str | None,
    python: tuple[Path, ...],
    output: Path,
    depth: int,
    layout: str,
    size: str | None,
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
    down = layout == "down"
    if output.suffix.lower() == ".dot":
        write_text(output, dot(arch.network, depth, down))
        return
    if output.suffix.lower() == ".html":
        write_text(
            output,
            drawing_page(
                arch.network, arch.shown_knobs, depth=depth, down=down, size=size or "", title=title
            ),
        )
        return
    scene = draw(
        arch.network, arch.shown_knobs, depth=depth, down=down, size=size or "", title=title
    )
    if printed:
        click.echo(svg(scene), nl=False)
    else:
        save(scene, output)
