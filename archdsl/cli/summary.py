"""``archdsl summary``: shapes and costs, part by part, repeats folded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from archdsl.analysis.figures import COUNTED
from archdsl.cli.options import candidate_options, json_option, read_candidate, spec_argument
from archdsl.cli.output import WIDTH, cut, human, human_bytes, say, say_json, say_text, table
from archdsl.graph.written import call
from archdsl.ir.network import Part, Step
from archdsl.layers.base import show_shape
from archdsl.spec import Architecture


@click.command()
@spec_argument
@candidate_options
@click.option(
    "--depth", default=2, show_default=True, type=click.IntRange(1), help="Levels of parts to open."
)
@click.option("--layers", is_flag=True, help="Open all, down to single layers.")
@click.option(
    "--batch",
    default=32,
    show_default=True,
    type=click.IntRange(1, 10**6),
    help="Batch size of the memory estimate.",
)
@click.option(
    "--dtype",
    default="float32",
    show_default=True,
    type=click.Choice(["float64", "float32", "bfloat16", "float16"]),
    help="Type of the memory estimate.",
)
@json_option
def command(
    spec: str,
    settings: tuple[str, ...],
    shape: str | None,
    python: tuple[Path, ...],
    depth: int,
    layers: bool,
    batch: int,
    dtype: str,
    as_json: bool,
) -> None:
    """Print shapes and costs, part by part, repeats folded.

    MACs are multiply-adds of convolutions and linear layers for one image; parameters are
    the trainable ones.
    """
    arch = read_candidate(spec, settings, shape, python)
    levels = 1000 if layers else depth
    if as_json:
        say_json(_plain(arch, levels, batch, dtype))
        return
    say_text(", ".join(f"{k} = {v}" for k, v in arch.shown_knobs.items()), title=arch.name)
    if arch.network.doc:
        say_text(arch.network.doc)
    say()
    rows = [
        [
            "  " * row["level"]
            + row["name"]
            + (f" x {row['repeat']}" if row["repeat"] > 1 else ""),
            row["what"],
            row["shape"],
            human(row["params"]) if row["params"] else "",
            human(row["macs"]) if row["macs"] else "",
        ]
        for row in _rows(arch, levels)
    ]
    rows.insert(0, ["input", "", show_shape(arch.input), "", ""])
    for line in table(["part", "", "shape", "params", "MACs"], _fit(rows), right=(3, 4)):
        say(line)
    say()
    for line in _totals(arch, batch, dtype):
        say(line)


def _fit(rows: list[list[str]]) -> list[list[str]]:
    """Shortens what is written of a layer, so that a row has its 80 columns."""
    room = WIDTH - sum(max(len(r[i]) for r in rows) + 2 for i in (0, 2, 3, 4)) - 6
    for row in rows:
        row[1] = cut(row[1], max(room, 6))
    return rows


def _totals(arch: Architecture, batch: int, dtype: str) -> Iterator[str]:
    f, memory = arch.figures, arch.memory(batch, dtype)
    yield f"parameters   {f.params:,}" + (f"  and {f.buffers:,} in buffers" if f.buffers else "")
    yield f"MACs         {f.macs:,}" + (
        f"  and {f.side_macs:,} of side outputs in training" if f.side_macs else ""
    )
    yield f"activations  {f.activations:,}  ({f.conv_activations:,} of convolutions)"
    field = show_shape(arch.receptive_field)
    yield f"depth        {arch.depth} weighted layers" + (
        f", receptive field {field}" if field else ""
    )
    yield (
        f"memory       about {human_bytes(memory.inference)} for inference, "
        f"{human_bytes(memory.training)} for training"
    )
    yield f"             (batch {batch}, {dtype}; weights {human_bytes(memory.weights)})"


def _rows(arch: Architecture, levels: int) -> Iterator[dict[str, Any]]:
    yield from _part_rows(arch.network.root, 0, levels, {})


def _part_rows(
    part: Part, level: int, levels: int, offsets: dict[str, int]
) -> Iterator[dict[str, Any]]:
    for step in part.steps:
        op = step.op
        if isinstance(op, Part) and op.kind == "turn":
            yield {
                "level": level,
                "name": "repeat",
                "repeat": step.repeat,
                "what": "",
                "shape": show_shape(step.shape),
                "params": COUNTED.of_part(op)[0] * step.repeat,
                "macs": COUNTED.of_part(op)[2] * step.repeat,
            }
            yield from _part_rows(op, level + 1, levels, offsets)
            continue
        costs = COUNTED.of_step(part, step)
        side = step.weight is not None
        yield {
            "level": level,
            "name": _name(step),
            "repeat": step.repeat,
            "what": _what(step),
            "shape": show_shape(step.shape),
            "params": costs[0] * step.repeat,
            "macs": 0 if side else costs[2] * step.repeat,
        }
        if isinstance(op, Part) and level + 1 < levels:
            yield from _part_rows(op, level + 1, levels, {})


def _name(step: Step) -> str:
    if step.repeat == 1:
        return step.label
    return f"{step.label}-{step.number + step.repeat - 1}"


def _what(step: Step) -> str:
    if isinstance(step.op, Part):
        if step.weight is not None:
            return f"side output, weight {step.weight:g}"
        return "" if step.op.name == step.name else step.op.name
    text = call(step.op.layer)
    return "" if text == step.name else text


def _plain(arch: Architecture, levels: int, batch: int, dtype: str) -> dict[str, Any]:
    f, memory = arch.figures, arch.memory(batch, dtype)
    return {
        "name": arch.name,
        "knobs": arch.shown_knobs,
        "input": show_shape(arch.input),
        "output": show_shape(arch.output),
        "params": f.params,
        "buffers": f.buffers,
        "macs": f.macs,
        "side_macs": f.side_macs,
        "activations": f.activations,
        "conv_activations": f.conv_activations,
        "depth": arch.depth,
        "receptive_field": list(arch.receptive_field),
        "hash": arch.hash,
        "memory": {
            "batch": batch,
            "dtype": dtype,
            "weights": memory.weights,
            "inference": memory.inference,
            "training": memory.training,
        },
        "rows": list(_rows(arch, levels)),
    }
