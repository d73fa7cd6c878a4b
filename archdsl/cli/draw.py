"""``archdsl draw``: a network as a picture."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from archdsl.cli.drawn import save_told
from archdsl.cli.options import candidate_options, read_named, spec_argument
from archdsl.cli.output import say
from archdsl.cli.outputs import PRINTED, check_outputs, force_option, read_for
from archdsl.ir.network import Network
from archdsl.outputs import write_output
from archdsl.pictures.dot import dot
from archdsl.pictures.mermaid import mermaid
from archdsl.pictures.page import drawing_page
from archdsl.pictures.saving import FORMATS, check_format
from archdsl.pictures.svg import svg
from archdsl.pictures.views import draw, draw_volumes

Outlines = Callable[[Network, int, bool], str]
OUTLINES: dict[str, Outlines] = {".dot": dot, ".mmd": mermaid}  # what other programs lay out


class Room(click.ParamType[tuple[float, float]]):
    """A width and a height in pixels: ``800x1100``."""

    name = "WIDTHxHEIGHT"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float]:
        found = re.fullmatch(r"(\d{2,5})x(\d{2,5})", value)
        if found is None:
            self.fail(
                f"{value!r} is not a width and a height in pixels, such as 800x1100", param, ctx
            )
        return float(found[1]), float(found[2])


@click.command()
@spec_argument
@candidate_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Write to this file: .svg, .html, .png, .pdf, .tex (TikZ), .mmd (Mermaid) or .dot. - "
    "prints SVG; so does a pipe. Otherwise it is the network's name with .svg.",
)
@click.option(
    "--depth",
    type=click.IntRange(1),
    help="Levels to open. By default three, each block only where it first appears; two for "
    "volumes, .mmd and .dot.",
)
@click.option("--once", is_flag=True, help="Open each block only where it first appears.")
@click.option(
    "--layout",
    type=click.Choice(["down", "right"]),
    default="down",
    show_default=True,
    help="Which way the network runs.",
)
@click.option(
    "--size", type=click.Choice(["channels", "macs"]), help="What the widths of boxes show."
)
@click.option(
    "--volumes",
    is_flag=True,
    help="Draw tensors as volumes, as large as their images and as thick as their channels, in "
    "rows by resolution: a U-Net is a U.",
)
@click.option(
    "--within",
    type=Room(),
    help="Break the network into columns (rows, with --layout right), so that the picture has at "
    "most this width and height in pixels; what is still too large is made smaller.",
)
@click.option("--no-title", is_flag=True, help="Leave out the title above the picture.")
@click.option("--no-legend", is_flag=True, help="Leave out the legend below it.")
@force_option
def command(
    spec: str,
    settings: tuple[str, ...],
    shape: str | None,
    python: tuple[Path, ...],
    output: Path | None,
    depth: int | None,
    once: bool,
    layout: str,
    size: str | None,
    volumes: bool,
    within: tuple[float, float] | None,
    no_title: bool,
    no_legend: bool,
    force: bool,
) -> None:
    """Draw the network as a paper would: blocks as boxes, repeats folded, branches side by
    side, shortcuts as arcs.

    In an .html file blocks open and close, layers are searched for, and each shows its
    figures and the line of the spec it comes from.
    """
    ending = "" if output is None else output.suffix.lower()
    if output is not None and output != PRINTED:
        check_format(output, (*FORMATS, *OUTLINES))
    of_pictures = {"--no-title": no_title, "--no-legend": no_legend, "--within": within}
    of_pictures["--volumes"] = volumes
    option = next((name for name, given in of_pictures.items() if given), "")
    if option and ending in (*OUTLINES, ".html"):
        raise click.UsageError(f"{option} is for a picture: .svg, .png, .pdf or .tex")
    if volumes and (once or size or layout != "down"):
        raise click.UsageError(
            "--volumes has a layout of its own: leave out --once, --size and --layout"
        )
    if depth is None:
        flat = volumes or ending in OUTLINES
        depth, once = (2, False) if flat else (3, True)
    arch, title = read_named(spec, settings, shape, python)
    if output is None:
        output = Path(f"{arch.name}.svg" if sys.stdout.isatty() else "-")
    printed = output == PRINTED
    if not printed:
        check_outputs([output], read_for([(spec, arch)], python), force)
    network, knobs, down = arch.network, arch.shown_knobs, layout == "down"
    if ending in OUTLINES:
        write_output(output, OUTLINES[ending](network, depth, down))
        say(f"{output}: {title}")
        return
    around: dict[str, Any] = {"head": not no_title, "foot": not no_legend, "within": within}
    options: dict[str, Any] = {"depth": depth, "title": title}
    if volumes:
        scene = draw_volumes(network, knobs, **options, **around)
    else:
        options |= {"down": down, "size": size or "", "first_only": once}
        if ending == ".html":
            write_output(output, drawing_page(network, knobs, **options))
            say(f"{output}: {title}")
            return
        scene = draw(network, knobs, **options, **around)
    if printed:
        click.echo(svg(scene), nl=False)
        return
    save_told(scene, output, title)
