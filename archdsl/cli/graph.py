"""``archdsl graph``: the graph as text, JSON or DOT."""

from __future__ import annotations

from pathlib import Path

import click

from archdsl.cli.options import candidate_options, read_candidate, spec_argument
from archdsl.cli.output import say
from archdsl.cli.outputs import PRINTED, check_outputs, force_option, read_for
from archdsl.graph.build import build
from archdsl.graph.exchange import to_json
from archdsl.graph.text import to_dot, to_text
from archdsl.outputs import write_output

SOURCES = (".arch", ".search", ".py")  # files that people write: no graph takes their place


@click.command()
@spec_argument
@candidate_options
@click.option("--json", "form", flag_value="json", help="As JSON, which can be read in again.")
@click.option("--dot", "form", flag_value="dot", help="In the DOT language of Graphviz.")
@click.option("--text", "form", flag_value="text", default="text", help="As text (the default).")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Write to this file; - prints."
)
@force_option
def command(
    spec: str,
    settings: tuple[str, ...],
    shape: str | None,
    python: tuple[Path, ...],
    form: str,
    output: Path | None,
    force: bool,
) -> None:
    """Print the graph: every layer and join by its path, its operands and its shape."""
    output = None if output == PRINTED else output
    if output is not None and output.suffix.lower() in SOURCES:
        raise click.UsageError(
            f"a graph cannot be written as {output.suffix}: give another ending with -o"
        )
    arch = read_candidate(spec, settings, shape, python)
    if output is not None:
        check_outputs([output], read_for([(spec, arch)], python), force)
    graph = build(arch.network)
    text = {"json": to_json, "dot": to_dot, "text": to_text}[form](graph)
    if output is None:
        click.echo(text.rstrip("\n"))
    else:
        ending = {"json": ".json", "dot": ".dot", "text": ".txt"}[form]
        write_output(output, text if text.endswith("\n") else text + "\n", ending)
        say(f"{output}: the graph of {arch.name}")
