"""``archdsl summary``: shapes and costs, part by part, repeats folded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from archdsl.analysis.receptive import receptive_fields
from archdsl.cli.options import candidate_options, json_option, read_candidate, spec_argument
from archdsl.cli.output import WIDTH, cut, human_bytes, say, say_json, say_text, table
from archdsl.costs.base import Cost
from archdsl.costs.sums import Lent, Sums
from archdsl.graph.written import call
from archdsl.ir.network import Part, Pick, Step
from archdsl.layers.base import Shape, show_shape
from archdsl.layers.ids import Ids
from archdsl.spec import Architecture

USUAL = "params,macs"  # the columns where none are named
FIELD = "field"  # the column of receptive fields


@click.command()
@spec_argument
@candidate_options
@click.option(
    "--depth", default=2, show_default=True, type=click.IntRange(1), help="Levels of parts to open."
)
@click.option("--layers", is_flag=True, help="Open all, down to single layers.")
@click.option(
    "--columns",
    default=USUAL,
    show_default=True,
    metavar="NAME,NAME",
    help="Columns for each part: costs (params, macs, activations, memory), and field.",
)
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
    columns: str,
    batch: int,
    dtype: str,
    as_json: bool,
) -> None:
    """Print shapes and costs, part by part, repeats folded.

    MACs are multiply-adds of convolutions, linear layers and attention for one image;
    parameters are the trainable ones; memory is what weights and results take, in float32;
    field is the receptive field, the pixels of the input that a part's result can see.
    """
    arch = read_candidate(spec, settings, shape, python)
    shown = columns_of(arch, columns)
    levels = 1000 if layers else depth
    if as_json:
        say_json(plain(arch, shown, levels, batch, dtype))
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
            _short(row["shape"]),
            *(column.text(row[name]) for name, column in shown.items()),
        ]
        for row in _rows(arch, shown, levels)
    ]
    rows[:0] = [
        [name, _kind(shape), show_shape(shape), *("" for _ in shown)]
        for name, shape in arch.inputs.items()
    ]
    head = ["part", "", "shape", *(c.heading for c in shown.values())]
    for line in table(head, _fit(rows), right=range(3, len(head))):
        say(line)
    say()
    for line in _totals(arch, batch, dtype):
        say(line)


def _short(shapes: str) -> str:
    """The first, the second and the last of many shapes."""
    each = shapes.split(", ")
    return shapes if len(each) < 4 else f"{each[0]}, {each[1]}, ..., {each[-1]}"


def _fit(rows: list[list[str]]) -> list[list[str]]:
    """Shortens what is written of a layer, so that a row has its 80 columns."""
    others = (0, *range(2, len(rows[0])))
    room = WIDTH - sum(max(len(r[i]) for r in rows) + 2 for i in others) - 6
    for row in rows:
        row[1] = cut(row[1], max(room, 6))
    return rows


def _totals(arch: Architecture, batch: int, dtype: str) -> Iterator[str]:
    f, memory = arch.figures, arch.memory(batch, dtype)
    yield f"parameters   {f.params:,}" + (f"  and {f.buffers:,} in buffers" if f.buffers else "")
    yield (
        f"MACs         {f.macs:,}"
        + (f"  ({f.attention_macs:,} of attention)" if f.attention_macs else "")
        + (f"  and {f.side_macs:,} of side outputs in training" if f.side_macs else "")
    )
    if arch.network.root.results:
        yield "outputs      " + ", ".join(f"{n} {show_shape(s)}" for n, s in arch.outputs.items())
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
    for cost in arch.spec.registry.own_costs.values():
        yield f"{cost.title:12} {cost.show(arch.cost(cost.name))}"


Value = Any  # a number, or the pixels of each axis
NOTHING = Sums(())


@dataclass(frozen=True, slots=True)
class SummaryColumn:
    """Columns for each part: a cost, or, where there is none, its receptive field."""

    heading: str
    cost: Cost | None = None
    fields: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def of(self, part: Part, lent: Lent | None) -> list[Value]:
        """The costs of the steps of a part, all their repetitions; nothing for a field."""
        return (
            [] if self.cost is None else [r[0] for _, r, _ in self.cost.sums.of_steps(part, lent)]
        )

    def text(self, value: Value) -> str:
        if not value:
            return ""
        return show_shape(value) if self.cost is None else self.cost.show(value)


def columns_of(arch: Architecture, text: str = USUAL) -> dict[str, SummaryColumn]:
    """The columns that a text names, with commas between them."""
    costs = arch.spec.registry.static_costs
    found: dict[str, SummaryColumn] = {}
    for name in (n.strip() for n in text.split(",")):
        if name == FIELD:
            found[name] = SummaryColumn(FIELD, fields=receptive_fields(arch.flat))
        elif name in costs:
            found[name] = SummaryColumn(costs[name].heading, costs[name])
        else:
            there = ", ".join([*costs, FIELD])
            raise click.BadParameter(f"{name!r} is not one of {there}", param_hint="--columns")
    return found


def _rows(
    arch: Architecture, columns: Mapping[str, SummaryColumn], levels: int
) -> Iterator[dict[str, Any]]:
    yield from _part_rows(arch.network.root, "", 0, levels, columns, {})


def _part_rows(
    part: Part,
    prefix: str,
    level: int,
    levels: int,
    columns: Mapping[str, SummaryColumn],
    lent: Lent | None,
) -> Iterator[dict[str, Any]]:
    costs = {name: column.of(part, lent) for name, column in columns.items()}
    for place, (step, _, within) in enumerate(NOTHING.of_steps(part, lent)):
        op = step.op
        is_turn = isinstance(op, Part) and op.kind == "turn"
        path = prefix + _last(step)
        yield {
            "level": level,
            "name": "repeat" if is_turn else _name(step),
            "repeat": step.repeat,
            "what": "" if is_turn else _what(step),
            "shape": ", ".join(map(show_shape, _given(step))),
            **{n: c[place] if c else columns[n].fields.get(path, ()) for n, c in costs.items()},
        }
        if isinstance(op, Part) and is_turn:
            yield from _part_rows(op, prefix, level + 1, levels, columns, within)
        elif isinstance(op, Part) and level + 1 < levels:
            inner = f"{prefix}{step.label}."
            yield from _part_rows(op, inner, level + 1, levels, columns, within)


def _last(step: Step) -> str:
    """The path of the last layer of a step, or that of the last of its repetitions."""
    number, turns, op = step.number + step.repeat - 1, step.repeat - 1, step.op
    if not isinstance(op, Part) or op.kind != "turn":
        return step.numbered(number)
    last = op.steps[op.result - 1] if op.result > 0 else op.steps[-1]
    if isinstance(last.op, Pick):
        last = op.steps[last.inputs[0] - 1]
    first = _last(last)
    if isinstance(last.op, Part) and last.op.kind == "turn":
        return first
    return last.numbered(last.number + last.repeat - 1 + turns * op.counts.get(last.name, 0))


def _given(step: Step) -> list[Shape]:
    """The shapes of what a step gives: several, where a part gives several tensors."""
    op = step.op
    if isinstance(op, Part) and op.given:
        return [op.shape_of(n) for n in op.given]
    return [step.shape]


def _name(step: Step) -> str:
    if step.repeat == 1:
        return step.label
    return f"{step.label}-{step.number + step.repeat - 1}"


def _kind(shape: Shape) -> str:
    """What comes in, where it is no numbers."""
    return f"ids of {shape.vocabulary:,}" if isinstance(shape, Ids) else ""


def _what(step: Step) -> str:
    if isinstance(step.op, Part):
        if step.weight is not None:
            return f"side output, weight {step.weight:g}"
        return "" if step.op.name == step.name else step.op.name
    text = call(step.op.layer)
    return "" if text == step.name else text


def plain(
    arch: Architecture, columns: Mapping[str, SummaryColumn], levels: int, batch: int, dtype: str
) -> dict[str, Any]:
    """What is printed, as JSON values: shapes as texts, costs in numbers, memory in bytes."""
    f, memory = arch.figures, arch.memory(batch, dtype)
    return {
        "name": arch.name,
        "knobs": arch.shown_knobs,
        "input": show_shape(arch.input),
        "inputs": {name: show_shape(shape) for name, shape in arch.inputs.items()},
        "output": show_shape(arch.output),
        "outputs": {name: show_shape(shape) for name, shape in arch.outputs.items()},
        "params": f.params,
        "buffers": f.buffers,
        "macs": f.macs,
        "side_macs": f.side_macs,
        "attention_macs": f.attention_macs,
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
        **{name: arch.cost(name) for name in arch.spec.registry.own_costs},
        "rows": list(_rows(arch, columns, levels)),
    }
