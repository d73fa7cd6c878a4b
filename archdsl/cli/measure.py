"""``archdsl measure``: what a network takes on this machine, in each way to run it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archdsl.cli.options import candidate_options, json_option, read_candidate, spec_argument
from archdsl.cli.output import Styled, human, human_bytes, say, say_json, say_text
from archdsl.cli.progress import LOADING, told
from archdsl.formats.base import Checkpoint, Options
from archdsl.layers.base import show_shape
from archdsl.training.packages import need

if TYPE_CHECKING:
    from archdsl.spec import Architecture
    from archdsl.training.measuring import MeasuredWay

ADVICE = {
    "eager": "the module as it is, model.eval()",
    "channels_last": "model.eval().to(memory_format=torch.channels_last), and the images alike",
    "torch.compile": "torch.compile(model.eval())",
    "torch.compile, frozen": "torch.compile with torch._inductor.config.freezing = True",
    "onnxruntime": "{compile}",
    "openvino": "{compile}, and openvino's compile_model",
}
WIDTHS = (max(map(len, ADVICE)), 8, 10, 10)


@click.command()
@spec_argument
@candidate_options
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Measure it with these weights: what is folded or frozen depends on them.",
)
@click.option("--batch", default=1, show_default=True, type=click.IntRange(1), help="Batch size.")
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:1, ...")
@click.option(
    "--threads",
    type=click.IntRange(1, 1024),
    help="Threads of the processor; if left out, one for each core that it may use.",
)
@click.option(
    "--runs", default=15, show_default=True, type=click.IntRange(1, 10**6), help="Runs of each way."
)
@json_option
def command(
    spec: str,
    settings: tuple[str, ...],
    shape: str | None,
    python: tuple[Path, ...],
    weights: Path | None,
    batch: int,
    device: str,
    threads: int | None,
    runs: int,
    as_json: bool,
) -> int:
    """Measure a network on this machine, in each way to run it.

    As it is, channels last, by torch.compile with and without frozen weights, and exported, by
    onnxruntime and OpenVINO where they are installed. The time is the median of some runs of a
    batch; memory is what a process that does nothing else grew by at its peak. Exit code 1 where
    no way runs.
    """
    arch = read_candidate(spec, settings, shape, python)
    with told(LOADING):
        need("torch")
        from archdsl.formats.module import module_of
        from archdsl.training.devices import choose_device, cores
        from archdsl.training.measuring import best_of, measure_ways
    place = choose_device(device)
    checkpoint = None if weights is None else Checkpoint(weights, [], {})
    module = module_of(arch, Options(checkpoint))
    threads = threads or cores()
    many = f", {threads} thread{'s' if threads > 1 else ''}" if place.type == "cpu" else ""
    if not as_json:
        _head(arch, f"batch {batch}, {place}{many}, median of {runs} runs")
    found = measure_ways(
        module, list(arch.inputs.values()), list(arch.inputs), batch, str(place), threads, runs,
        around=lambda way: told(f"measuring: {way}"), known=None if as_json else _row,
    )  # fmt: skip
    best = best_of(found)
    if as_json:
        say_json(_plain(arch, found, best, batch, str(place), threads, runs))
        return 0 if best is not None else 1
    say()
    if best is None:
        say("nothing runs it with the results that PyTorch gives")
    else:
        compiling = _compiling(arch.name, spec, settings, shape, python, weights)
        say(f"take {best.way}: {ADVICE[best.way].format(compile=compiling)}")
    return 0 if best is not None else 1


def _compiling(
    name: str,
    spec: str,
    settings: tuple[str, ...],
    shape: str | None,
    python: tuple[Path, ...],
    weights: Path | None,
) -> str:
    """The command that writes the file which was measured."""
    words = ["archdsl", "compile", spec]
    words += [word for text in settings for word in ("--set", text)]
    words += [] if shape is None else ["--input", shape]
    words += [word for path in python for word in ("--allow-python", str(path))]
    words += [] if weights is None else ["--weights", str(weights)]
    return shlex.join([*words, "-o", f"{name}.onnx"])


def _head(arch: Architecture, conditions: str) -> None:
    given = ", ".join(show_shape(shape) for shape in arch.inputs.values())
    say_text(f"{human(arch.macs)} MACs at {given}: {conditions}", title=arch.name)
    say()
    say(Styled(_cells("way", "ms", "memory", "difference"), bold=True))


def _row(m: MeasuredWay) -> None:
    """Says a way when its figures are known: the others may take minutes."""
    if m.problem:
        say_text(f"{m.way}: {m.problem}")
        return
    memory = "" if m.memory is None else human_bytes(max(0, m.memory))
    say(_cells(m.way, f"{1000 * m.seconds:.2f}", memory, f"{m.difference:.1g}"))


def _cells(way: str, *figures: str) -> str:
    first, *rest = WIDTHS
    return "  ".join([way.ljust(first), *(f.rjust(w) for f, w in zip(figures, rest, strict=True))])


def _plain(
    arch: Architecture,
    found: list[MeasuredWay],
    best: MeasuredWay | None,
    batch: int,
    device: str,
    threads: int,
    runs: int,
) -> dict[str, Any]:
    """As JSON has it: seconds and bytes; differences relative to the largest result."""
    ways = [
        {"way": m.way, "problem": m.problem} if m.problem else
        {"way": m.way, "seconds": m.seconds, "memory": m.memory, "difference": m.difference}
        for m in found
    ]  # fmt: skip
    return {
        "network": arch.name,
        "hash": arch.hash,
        "batch": batch,
        "device": device,
        "threads": threads,
        "runs": runs,
        "ways": ways,
        "take": None if best is None else best.way,
    }
