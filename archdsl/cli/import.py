"""``archdsl import``: a network of PyTorch, or of a file, as a spec that is the same network."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import click

from archdsl.cli.options import FiniteRange, read_shape
from archdsl.cli.output import say, show_diagnostics
from archdsl.cli.outputs import check_outputs, force_option
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.importing.process import ask
from archdsl.importing.sources import read_name
from archdsl.layers.base import show_shape
from archdsl.outputs import write_output
from archdsl.training.packages import EXTRA, missing
from archdsl.units import counted, shown_costs

SECONDS = 600


@click.command()
@click.argument("model")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="File to write, ending in .arch; without it, or for `-`, the spec is printed.",
)
@click.option("--input", "shape", metavar="CxHxW", help="Shape of an image; else the usual one.")
@click.option("--call", metavar="EXPRESSION", help='What makes the model: "Net(width = 32)".')
@click.option(
    "--allow-python",
    is_flag=True,
    help="Run Python code that is neither torchvision's nor timm's; it may do whatever you may.",
)
@click.option("--knobs", is_flag=True, help="Make width and depths knobs, where they can be.")
@click.option(
    "--partial",
    is_flag=True,
    help="Write what has no layer as layers of your own, in a file beside the spec.",
)
@click.option(
    "--timeout",
    default=SECONDS,
    show_default=True,
    type=FiniteRange(min=1),
    metavar="SECONDS",
    help="How long the model's code may run.",
)
@force_option
def command(
    model: str,
    output: Path | None,
    shape: str | None,
    call: str | None,
    allow_python: bool,
    knobs: bool,
    partial: bool,
    timeout: float,
    force: bool,
) -> None:
    """Turn a PyTorch model, or a .pt2 or .onnx file, into a spec.

    MODEL is torchvision.models:NAME, timm:NAME, my_model.py:Net, net.pt2 or net.onnx. A file
    runs no code. The spec is the same network:
    its graph is proven equal, and both are run. What has no counterpart is listed, and then
    nothing is written; with --partial it is written as layers of your own.
    """
    name = read_name(model)
    if name.is_saved and call is not None:
        raise click.UsageError("a file is not called: leave out --call")
    if not allow_python and (name.needs_permission or call is not None):
        shown = model if call is None else call
        raise ArchError([diagnose(codes.NEEDS_PERMISSION, name=shown)])
    output = None if output == Path("-") else output
    if output is not None:
        if output.suffix != ".arch":
            raise click.UsageError(f"what is written is a spec: -o {output.stem}.arch")
        files = [output, layers_file(output)] if partial else [output]
        check_outputs(files, [Path(name.module)] if name.is_file or name.is_saved else [], force)
    elif partial:
        raise click.UsageError("--partial writes a file of layers beside the spec: -o FILE.arch")
    if find_spec("torch") is None:
        raise missing("torch", EXTRA)
    question = {
        "module": name.module,
        "attribute": name.attribute,
        "title": output.stem if output is not None else name.title,
        "call": call,
        "input": read_shape(shape),
        "knobs": knobs,
        "partial": partial,
    }
    found = ask(question, timeout)
    if found["warnings"]:
        show_diagnostics(found["warnings"])
    if output is None:
        say(found["text"].rstrip("\n"))
    else:
        if found["layers"]:
            write_output(layers_file(output), found["layers"])
        write_output(output, found["text"])
    lines = len(re.findall(r"\S.*\n", found["text"]))
    costs = shown_costs(found["params"], found["macs"])
    where = f"{output}: " if output is not None else ""
    at = show_shape(tuple(found["input"]))
    say(f"{where}{counted(lines, 'line')}, {costs} at {at}", error=output is None)
    say(f"equal: {'; '.join(found['checked'])}", error=output is None)
    for line in found["said"]:
        say(f"note: {line}", error=output is None)
    if found["differs"]:
        others = " and ".join(show_shape(tuple(shape)) for shape in found["differs"])
        say(
            f"not equal: at {others} the model is another network than the spec",
            error=output is None,
        )
    if output is not None and found["layers"]:
        say(f"next: archdsl compile {output} --allow-python {layers_file(output)}")


def layers_file(spec: Path) -> Path:
    """The file of the layers that a spec needs: ``net_layers.py`` beside ``net.arch``."""
    return spec.with_name(f"{spec.stem}_layers.py")
