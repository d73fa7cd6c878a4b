"""``archdsl compile``: to Python source, and to formats that leave Python."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import click

from archdsl.backend.own_modules import file_of
from archdsl.cli.options import candidate_options, read_candidate, read_registry, spec_argument
from archdsl.cli.output import say, show_diagnostics
from archdsl.cli.outputs import PRINTED, check_outputs, force_option, read_for
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.files import find
from archdsl.formats.base import Checkpoint, Options
from archdsl.layers.base import Layer
from archdsl.modelcard import ModelCard, card_in, card_in_text
from archdsl.settings import split_call
from archdsl.spec import Architecture
from archdsl.units import shown_costs

HIDDEN = ("torch", "torchvision", "timm", "numpy", "archdsl")  # modules that a file would hide
POLL = 0.3  # seconds between two looks at a watched file


@click.command()
@spec_argument
@candidate_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="File to write; its ending says the format: .py, .pt2, .onnx, .arch, or one of your own."
    " `-` prints the source.",
)
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    help="Load a checkpoint first: one of this network, or of another implementation.",
)
@click.option(
    "--order",
    metavar="NAME,NAME",
    help="Layers of the checkpoint in the order in which they run, where several orders fit.",
)
@click.option(
    "--rename",
    multiple=True,
    metavar="OLD=NEW",
    help="What a layer or a group of the checkpoint is called here; * stands for any part.",
)
@click.option("--device", show_default="cpu", help="Device that a .pt2 or .onnx file is for.")
@click.option(
    "--dtype",
    show_default="float32",
    type=click.Choice(["float32", "float64", "bfloat16", "float16"]),
    help="Type of the weights of a .pt2 or .onnx file.",
)
@click.option(
    "--any-size",
    is_flag=True,
    help="Leave height and width of a .pt2 or .onnx file free, where the network allows it.",
)
@click.option(
    "--watch", is_flag=True, help="Compile again whenever the spec, or a file it uses, changes."
)
@force_option
def command(
    spec: str,
    settings: tuple[str, ...],
    shape: str | None,
    python: tuple[Path, ...],
    output: Path | None,
    weights: Path | None,
    order: str | None,
    rename: tuple[str, ...],
    device: str | None,
    dtype: str | None,
    any_size: bool,
    force: bool,
    watch: bool,
) -> None:
    """Compile a spec to PyTorch.

    Python source needs nothing but torch; .pt2 is a program of torch.export, .onnx is checked
    against onnxruntime, .arch is the spec with its knobs frozen. A file is written whole or
    not at all.
    """
    if weights is None and (order or rename):
        raise click.UsageError("--order and --rename need a checkpoint: --weights FILE")
    if output == PRINTED:
        if weights is not None or watch or device or dtype or any_size:
            raise click.UsageError("-o - prints only the source: use -o FILE")
        say(read_candidate(spec, settings, shape, python).source().rstrip("\n"))
        return
    registry = read_registry(python)
    formats = registry.formats
    ending = "py" if output is None else output.suffix.lower().removeprefix(".")
    if ending not in formats:
        known = ", ".join(f".{name}" for name in formats)
        shown = "" if output is None else output.name
        raise ArchError([diagnose(codes.UNKNOWN_FORMAT, name=shown, known=known)])
    chosen = formats[ending]
    if weights is not None and not chosen.takes_weights:
        a = "an" if ending[0] in "aeiou" else "a"
        what = f"{a} .{ending} file holds no weights"
        raise click.UsageError(f"{what}: --weights is for the other formats")
    if not chosen.takes_device and (device or dtype or any_size):
        option = "--device" if device else "--dtype" if dtype else "--any-size"
        able = " or ".join(f"-o FILE.{n}" for n, f in formats.items() if f.takes_device)
        raise click.UsageError(f"{option} is for an export: {able}")
    checkpoint = None if weights is None else Checkpoint(weights, _names(order), _renames(rename))

    def run() -> Iterable[str]:
        arch = read_candidate(spec, settings, shape, python)
        options = Options(
            checkpoint, _card(arch, weights), device or "cpu", dtype or "float32", any_size
        )
        target = output or _module_name(arch.name)
        reads = read_for([(spec, arch)], [*python, *([weights] if weights else [])])
        keeps = weights is not None and target.suffix.lower() == ".py"
        check_outputs([target, target.with_suffix(".pt")] if keeps else [target], reads, force)
        said = list(chosen.write(arch, target, options))
        say(f"{target}: {arch.name}, {shown_costs(arch.params, arch.macs)}")
        for line in [*said, *options.notes]:
            say(line)
        return arch.spec.used

    if not watch:
        run()
        return
    path, name = find(split_call(spec)[0])
    if path is None:
        raise click.UsageError("standard input cannot be watched")
    added = (cls for cls in registry.added if issubclass(cls, Layer))
    _watch([path, *python, *(file_of(cls) for cls in added)], name, run)


def _card(arch: Architecture, weights: Path | None) -> ModelCard | None:
    """What the network was trained on: as its weights say, or the spec if it is the one of it."""
    card = None if weights is None else card_in(weights)
    if card is not None:
        return card if card.is_of(arch.input, arch.output) else None
    source = arch.spec.source
    card = card_in_text(source.text, source.name)
    return card if card is not None and card.network == arch.hash else None


def _module_name(name: str) -> Path:
    """The file of a network: one that hides no module which its own source imports."""
    return Path(
        f"{name}_net.py" if name in HIDDEN or name in sys.stdlib_module_names else f"{name}.py"
    )


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def _renames(texts: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for text in texts:
        old, equals, new = text.partition("=")
        if not (equals and old.strip() and new.strip()):
            raise click.UsageError(f"--rename takes OLD=NEW, not `{text}`")
        found[old.strip()] = new.strip()
    return found


def _watch(paths: list[Path], name: str, run: Callable[[], Iterable[str]]) -> None:
    """Compiles now, and again whenever one of the files changes, until interrupted.

    The first of ``paths`` is the spec. ``run`` gives the files that it uses, as it names them;
    where it fails, those that the diagnostics speak of are watched too.
    """
    used: set[Path] = set()
    last: dict[Path, tuple[int, int] | None] = {}
    while True:
        now = {path: _state(path) for path in (*paths, *used)}
        if now != last and now[paths[0]] is not None:
            try:
                used = {paths[0].parent / file for file in run()}
            except ArchError as error:
                show_diagnostics(error.diagnostics, complete=error.complete)
                spans = [d.span for d in error.diagnostics if d.span is not None]
                used |= {paths[0].parent / span.source.name for span in spans}
            say(f"watching {name}; Ctrl-C ends")
            now = {path: now.get(path) or _state(path) for path in (*paths, *used)}
        last = now
        time.sleep(POLL)


def _state(path: Path) -> tuple[int, int] | None:
    """What tells that a file was changed."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
