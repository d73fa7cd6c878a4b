"""``archdsl import``: a network of PyTorch, or of a file, as a spec that is the same network."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from archdsl.cli.options import FiniteRange, read_shape
from archdsl.cli.output import say, show_diagnostics
from archdsl.cli.outputs import PRINTED, check_outputs, force_option
from archdsl.cli.progress import told
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.importing.process import ask
from archdsl.importing.sources import read_name
from archdsl.layers.base import show_shape
from archdsl.outputs import write_output
from archdsl.training.packages import EXTRA, missing
from archdsl.units import counted, shown_costs

SECONDS = 600
INPUT = re.compile(r"(\w+)\s*(?:\(\s*ids\s*=\s*(\d+)\s*\))?\s*:\s*(\S+)")


def said_once(ctx: click.Context, option: click.Parameter, said: tuple[str, ...]) -> str | None:
    """What an option was given; several tensors are said in one."""
    if len(said) > 1:
        shown = ", ".join(f"x{i}: {text}" for i, text in enumerate(said, 1))
        raise click.BadParameter(
            f'it is there {len(said)} times: say all in one, by the names in `forward`: "{shown}"'
        )
    return said[0] if said else None


@click.command()
@click.argument("models", metavar="MODEL...", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="File to write, ending in .arch; without it, or for `-`, the spec is printed.",
)
@click.option(
    "--input",
    "inputs",
    metavar="SHAPE",
    callback=said_once,
    multiple=True,
    help='Shape of an image; of several tensors "left: 3x32x32, right: 3x32x32", by the names in '
    '`forward`; of token ids "words(ids = 50257): 64".',
)
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
    models: tuple[str, ...],
    output: Path | None,
    inputs: str | None,
    call: str | None,
    allow_python: bool,
    knobs: bool,
    partial: bool,
    timeout: float,
    force: bool,
) -> None:
    """Turn PyTorch models, or a .pt2 or .onnx file, into a spec.

    MODEL is torchvision.models:NAME, timm:NAME, my_model.py:Net, net.pt2 or net.onnx. A file
    runs no code. The spec is the same network:
    its graph is proven equal, and both are run. What has no counterpart is listed, and then
    nothing is written; with --partial it is written as layers of your own.
    Several models become one spec with a variant for each, whose differences are knobs.
    """
    files_alone = [model for model in models[1:] if model.endswith(".py")]
    if allow_python and files_alone:  # as other commands have it
        raise click.UsageError(f"--allow-python takes no file here: leave out {files_alone[0]}")
    names = [read_name(model) for model in models]
    if len(names) > 1 and (call is not None or knobs or partial):
        raise click.UsageError("several models take no --call, --knobs or --partial")
    if names[0].is_saved and call is not None:
        raise click.UsageError("--call is for Python code, not for a file: leave it out")
    output = None if output == PRINTED else output
    for model, name in zip(models, names, strict=True):
        if not allow_python and (name.needs_permission or call is not None):
            shown = model if call is None else call
            raise ArchError([diagnose(codes.NEEDS_PERMISSION, name=shown)])
    if output is not None:
        if output.suffix != ".arch":
            raise click.UsageError(f"a spec is written: -o {output.stem}.arch")
        files = [output, layers_file(output)] if partial else [output]
        reads = [Path(name.module) for name in names if name.is_file or name.is_saved]
        check_outputs(files, reads, force)
    elif partial:
        raise click.UsageError(
            "--partial also writes a file of layers beside the spec, and needs -o FILE.arch"
        )
    if find_spec("torch") is None:
        raise missing("torch", EXTRA)
    title = output.stem if output is not None else names[0].title
    if len(names) > 1:
        titles = [name.title for name in names]
        if len(set(titles)) < len(titles):
            raise click.UsageError("two of the models have one name, and variants need their own")
        listed = {name.title: list(name) for name in names}
        family = {"models": listed, "title": title, "input": read_inputs(inputs)}
        with told(f"importing {counted(len(names), 'model')}"):
            several = ask(family, timeout)
        _say_family(several, output)
    else:
        name = names[0]
        question: dict[str, Any] = {
            "module": name.module,
            "attribute": name.attribute,
            "title": title,
            "call": call,
            "input": read_inputs(inputs),
            "knobs": knobs,
            "partial": partial,
        }
        with told(f"importing {name.title}"):
            one = ask(question, timeout)
        _say_one(one, output)


def read_inputs(text: str | None) -> dict[str, tuple[tuple[int, ...], int | None]] | None:
    """The shapes of what comes in by their names, and of token ids how many words there are."""
    if text is None:
        return None
    if ":" not in text:
        return {"": (read_shape(text) or (), None)}
    found = {}
    for part in text.split(","):
        one = INPUT.fullmatch(part.strip())
        if one is None:
            example = '"left: 3x32x32, words(ids = 50257): 64"'
            raise click.BadParameter(
                f"{part.strip()!r} is not as in {example}", param_hint="--input"
            )
        if one[1] in found:
            raise click.BadParameter(f"`{one[1]}` is there twice", param_hint="--input")
        found[one[1]] = read_shape(one[3]) or (), int(one[2]) if one[2] else None
    return found


def _say_one(found: dict[str, Any], output: Path | None) -> None:
    """Writes or prints the spec of one model, and says what it is."""
    if found["warnings"]:
        show_diagnostics(found["warnings"])
    if output is not None and found["layers"]:
        write_output(layers_file(output), found["layers"])
    needs = ""
    if output is not None and found["layers"]:  # which a later error reads, too
        needs = f"# Some of its layers are in a file: --allow-python {layers_file(output).name}\n"
    _write(needs + found["text"], output)
    costs = shown_costs(found["params"], found["macs"])
    aside = output is None
    say(f"{_lines(found['text'], output)}, {costs} at {found['input']}", error=aside)
    say(f"equal: {'; '.join(found['checked'])}", error=aside)
    for line in found["said"]:
        say(f"note: {line}", error=aside)
    _say_differs(found, "the model", aside)
    if output is not None and found["layers"]:
        say(f"next: archdsl compile {output} --allow-python {layers_file(output)}")


def _say_family(found: dict[str, Any], output: Path | None) -> None:
    """Writes or prints the spec of several models, and says what each variant is."""
    _write(found["text"], output)
    aside = output is None
    count = counted(len(found["variants"]), "variant")
    proved = f", {found['proved']}" if found["proved"] else ""
    say(f"{_lines(found['text'], output)}, {count}{proved}", error=aside)
    for name, figures in found["variants"].items():
        costs = shown_costs(figures["params"], figures["macs"])
        say(
            f"{name}: {costs} at {figures['input']}; equal: {'; '.join(figures['checked'])}",
            error=aside,
        )
        _say_differs(figures, f"`{name}`", aside)


def _write(text: str, output: Path | None) -> None:
    if output is None:
        say(text.rstrip("\n"))
    else:
        write_output(output, text)


def _lines(text: str, output: Path | None) -> str:
    where = f"{output}: " if output is not None else ""
    return where + counted(len(re.findall(r"\S.*\n", text)), "line")


def _say_differs(found: dict[str, Any], what: str, aside: bool) -> None:
    if found["differs"]:
        others = " and ".join(show_shape(tuple(shape)) for shape in found["differs"])
        say(f"not equal: at {others} {what} is another network than the spec", error=aside)


def layers_file(spec: Path) -> Path:
    """The file of the layers that a spec needs: ``net_layers.py`` beside ``net.arch``."""
    return spec.with_name(f"{spec.stem}_layers.py")
