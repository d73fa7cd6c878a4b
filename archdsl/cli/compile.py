"""``archdsl compile``: to Python source, and to formats that leave Python."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archdsl.backend.build import source_of, top_class
from archdsl.cli.options import candidate_options, read_candidate, spec_argument
from archdsl.cli.output import human, say, show_diagnostics
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.files import find
from archdsl.freeze import write_frozen
from archdsl.spec import Architecture
from archdsl.writing import write_bytes, write_text

if TYPE_CHECKING:
    from torch import nn

FORMATS = (".py", ".pt2", ".onnx", ".arch")
HIDDEN = ("torch", "torchvision", "timm", "numpy", "archdsl")  # modules that a file would hide
MARK, HEAD = b"Compiled by archdsl", 4096  # in these first bytes of what it wrote before
POLL = 0.3  # seconds between two looks at a watched file


@dataclass(frozen=True)
class Checkpoint:
    """A file of weights, and what was told of its layers."""

    path: Path
    order: list[str]
    names: dict[str, str]


@click.command()
@spec_argument
@candidate_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="File to write; its ending says the format: .py, .pt2, .onnx or .arch.",
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
    "--watch", is_flag=True, help="Compile again whenever the spec, or a file it uses, changes."
)
@click.option("--force", is_flag=True, help="Replace a Python file that archdsl did not write.")
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
    force: bool,
    watch: bool,
) -> None:
    """Compile a spec to PyTorch.

    Python source needs nothing but torch; .pt2 is a program of torch.export, .onnx is checked
    against onnxruntime, .arch is the spec with its knobs frozen. A file is written whole or
    not at all.
    """
    if output is not None and output.suffix.lower() not in FORMATS:
        known = ", ".join(FORMATS)
        raise ArchError([diagnose(codes.UNKNOWN_FORMAT, name=output.name, known=known)])

    if weights is None and (order or rename):
        raise click.UsageError("--order and --rename are of a checkpoint: --weights FILE")
    ending = ".py" if output is None else output.suffix.lower()
    if weights is not None and ending == ".arch":
        raise click.UsageError("an .arch file holds no weights: --weights is of the other formats")
    if ending in (".py", ".arch") and (device or dtype):
        option = "--device" if device else "--dtype"
        raise click.UsageError(f"{option} is of an export: -o FILE.pt2 or -o FILE.onnx")
    checkpoint = None if weights is None else Checkpoint(weights, _names(order), _renames(rename))

    def run() -> Iterable[str]:
        arch = read_candidate(spec, settings, shape, python)
        target = output or _module_name(arch.name)
        _check_own(target, force, python)
        _compile(arch, target, checkpoint, device or "cpu", dtype or "float32")
        return arch.spec.used

    if not watch:
        run()
        return
    path, name = find(spec)
    if path is None:
        raise click.UsageError("standard input cannot be watched")
    _watch([path, *python], name, run)


def _check_own(target: Path, force: bool, read: Sequence[Path]) -> None:
    """Raises ``ArchError`` (A008) where a Python file is in the way that archdsl did not write,
    and, whether forced or not, where it is one that this call reads."""
    if target.suffix.lower() != ".py" or not target.is_file():
        return
    if any(path.exists() and target.samefile(path) for path in read):
        reason, help = "it is read by this call", "give another file with -o"
    elif force or MARK in target.read_bytes()[:HEAD]:
        return
    else:
        reason = "it is there, and archdsl did not write it"
        help = "give another file with -o, or replace it with --force"
    fields = {"name": str(target), "reason": reason}
    raise ArchError([diagnose(codes.CANNOT_WRITE, fields=fields, help=[help])])


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
            raise click.UsageError(f"--rename wants OLD=NEW, not `{text}`")
        found[old.strip()] = new.strip()
    return found


def _compile(
    arch: Architecture, output: Path, weights: Checkpoint | None, device: str, dtype: str
) -> None:
    ending = output.suffix.lower()
    if ending == ".arch":
        write_frozen(output, arch)
        then = f"next: archdsl compile {output}, or archdsl train {output} --data ..."
        _report(output, arch, then)
        return
    if ending == ".py":
        source = source_of(arch)
        name = top_class(source)
        load = ""
        if weights is not None:  # first: if they do not fit, nothing is written
            beside = output.with_suffix(".pt")
            _save_weights(arch, weights, beside)
            load = f"; model.load_state_dict(torch.load({str(beside)!r}))"
        write_text(output, source)
        _report(output, arch, f"next: from {output.stem} import {name}; model = {name}(){load}")
        return
    _export(arch, output, weights, device, dtype)


def _export(
    arch: Architecture, output: Path, weights: Checkpoint | None, device: str, dtype: str
) -> None:
    torch = _torch()
    from archdsl.backend.export import write_onnx, write_pt2

    module = _module(arch, weights, device, dtype)
    example = torch.zeros(2, *arch.input, dtype=getattr(torch, dtype), device=device)
    if output.suffix.lower() == ".pt2":
        write_pt2(module, example, output)
        _report(output, arch, f"next: torch.export.load({str(output)!r}).module()(images)")
    else:
        difference = write_onnx(module, example, output)
        checked = f"checked against onnxruntime: results within {difference:.1g}"
        _report(output, arch, f"{checked}; the batch size is free")


def _module(arch: Architecture, weights: Checkpoint | None, device: str, dtype: str) -> nn.Module:
    torch = _torch()
    from archdsl.backend.memory import room
    from archdsl.backend.transfer import transfer

    try:
        module = arch.build(device=device, dtype=getattr(torch, dtype))
    except (RuntimeError, AssertionError) as problem:
        reason = str(problem).split("\n", 1)[0]
        raise ArchError([diagnose(codes.NO_DEVICE, name=device, reason=reason)]) from None
    if weights is not None:
        with room(device, f"the weights of {weights.path} and those of {arch.name}"):
            transfer(weights.path, module, order=weights.order, names=weights.names)
    return module


def _save_weights(arch: Architecture, weights: Checkpoint, beside: Path) -> None:
    import io

    torch = _torch()
    from archdsl.backend.memory import room

    module = _module(arch, weights, "cpu", "float32")
    buffer = io.BytesIO()
    with room("cpu", f"a copy of the weights of {arch.name}"):
        torch.save(module.state_dict(), buffer)
        write_bytes(beside, buffer.getvalue())
    say(f"{beside}: the weights of {weights.path}, under this network's keys")


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        raise ArchError(
            [diagnose(codes.NEEDS_PACKAGE, package="torch", extra="archdsl[torch]")]
        ) from None
    return torch


def _report(output: Path, arch: Architecture, then: str) -> None:
    say(f"{output}: {arch.name}, {human(arch.params)} parameters, {human(arch.macs)} MACs")
    say(then)


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
                show_diagnostics(error.diagnostics)
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
