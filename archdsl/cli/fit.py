"""``archdsl fit``: the network of a budget, without any data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from archdsl.analysis.solve import Cost, Solution
from archdsl.budget.fitting import Aim, Fitted, cost_of, fit, shown_cost
from archdsl.budget.texts import read_budget, read_factor, read_share
from archdsl.cli import completing
from archdsl.cli.options import (
    candidate_options,
    json_option,
    read_registry,
    read_shape,
    spec_argument,
)
from archdsl.cli.output import human, human_bytes, say, say_json, say_text, table
from archdsl.cli.progress import LOADING, told
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.elaborate.work import FIT_WORK, Work
from archdsl.freeze import write_frozen
from archdsl.named import resolve
from archdsl.settings import split_settings
from archdsl.spec import Architecture
from archdsl.units import shown_costs

COSTS = ("macs", "params", "activations", "memory", "latency")
SHOWN = {"macs": "MACs", "params": "parameters"}


@click.command()
@spec_argument
@candidate_options
@click.option("--macs", metavar="N", help="Multiply-adds for one image: 2G, 350M.")
@click.option("--params", metavar="N", help="Trainable parameters: 25M.")
@click.option("--activations", metavar="N", help="Outputs of convolutions and linear layers.")
@click.option("--memory", metavar="SIZE", help="The estimate at the peak of an inference: 512MiB.")
@click.option(
    "--latency", metavar="TIME", help="Time for one image, measured on this machine: 3ms."
)
@click.option("--factor", metavar="X", help="In place of a budget: what it costs now, times this.")
@click.option(
    "--of",
    type=click.Choice(COSTS),
    help="The cost that --factor multiplies.  [default: macs]",
)
@click.option(
    "--by",
    multiple=True,
    metavar="KNOB,...",
    shell_complete=completing.knobs,
    help="The knobs that are made larger or smaller.",
)
@click.option("--within", default="2%", show_default=True, metavar="SHARE", help="The tolerance.")
@click.option(
    "--step",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="The step in which widths in lists change.",
)
@click.option(
    "--batch",
    default=1,
    show_default=True,
    type=click.IntRange(1, 10**6),
    help="Batch size for --memory.",
)
@click.option("--training", is_flag=True, help="Take --memory as that of training.")
@click.option(
    "--on",
    default="eager",
    show_default=True,
    type=click.Choice(["eager", "compile", "onnxruntime"]),
    help="What runs the network for --latency.",
)
@click.option("--device", help="Where --latency is measured: cpu, cuda, cuda:1, mps.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the network as a spec, its knobs decided.",
)
@json_option
def command(
    spec: str,
    settings: tuple[str, ...],
    shape: str | None,
    python: tuple[Path, ...],
    factor: str | None,
    of: str | None,
    by: tuple[str, ...],
    within: str,
    step: int,
    batch: int,
    training: bool,
    on: str,
    device: str | None,
    output: Path | None,
    as_json: bool,
    **budgets: str | None,
) -> None:
    """Make a network as large as a budget allows.

    The knobs of --by are solved for by static analysis; all others stay as they are. No data is
    needed, and nothing is trained. Exit code 1 if no network is near enough.
    """
    if output is not None and output.suffix != ".arch":
        raise click.UsageError(
            "-o FILE.arch writes the spec;"
            " `archdsl compile FILE.arch -o ...` makes other files of it"
        )
    given = {name: text for name, text in budgets.items() if text is not None}
    if len(given) + (factor is not None) != 1:
        count = len(given) + (factor is not None) or "none"
        raise ArchError([diagnose(codes.NO_BUDGET, count=count)])
    if of is not None and factor is None:
        raise click.UsageError("--of names the cost that --factor multiplies: give both")
    name = next(iter(given), of or "macs")
    _check_idle(name, {"--batch": "memory", "--training": "memory", "--on": "latency"})
    named = resolve(spec, read_registry(python), Work(FIT_WORK))
    chosen = split_settings(settings)
    found, knobs = named.spec, {**named.knobs, **chosen}
    input = read_shape(shape)
    before = found.candidate(knobs, input)
    cost = _measured(on, device) if name == "latency" else cost_of(name, batch, training)
    measuring = "measuring networks" if name == "latency" else ""
    with told(measuring):
        budget = (
            read_factor(factor) * cost(before)
            if factor is not None
            else read_budget(found.program, name, given[name])
        )
    names = tuple(n.strip() for text in by for n in text.split(",") if n.strip())
    share = read_share(found.program, within)
    aim = Aim(name, cost, budget, names, share, step, name == "latency", (*named.settings, *chosen))
    knobs = {n: v for n, v in before.knobs.items() if n in knobs}
    with told(measuring):
        fitted = fit(found, aim, knobs, input)
    if as_json:
        say_json(plain(aim, before, fitted))
    else:
        _say(aim, before, fitted, cost)
    if output is not None:
        write(output, fitted.found.arch, as_json)


def write(output: Path, arch: Architecture, aside: bool) -> None:
    """Writes a network as a spec, and says so: ``aside``, where JSON is printed."""
    used = write_frozen(output, arch)
    say(f"{output}: {arch.name}, {shown_costs(arch.params, arch.macs)}",
        error=aside)  # fmt: skip
    for path in used:
        say(f"{path}: what it uses", error=aside)


def _check_idle(name: str, needs: Mapping[str, str]) -> None:
    """Raises where an option was given that would be ignored."""
    context = click.get_current_context()
    for parameter in context.command.params:
        option = parameter.opts[-1]
        source = context.get_parameter_source(str(parameter.name))
        chosen = source is not None and source.name == "COMMANDLINE"
        if chosen and option in needs and needs[option] != name:
            raise click.UsageError(f"{option} is for --{needs[option]}, not for --{name}")
    if context.params.get("device") is not None and name != "latency":
        raise click.UsageError(f"--device is for --latency, not for --{name}")


def _measured(on: str, device: str | None) -> Cost:
    from archdsl.training.packages import need

    with told(LOADING):
        need("torch")
        from archdsl.training.devices import AUTO, choose_device
        from archdsl.training.latency import latency_on

    return latency_on(choose_device(device or ("cpu" if on == "onnxruntime" else AUTO)), on)


def _say(aim: Aim, before: Architecture, fitted: Fitted, cost: Cost) -> None:
    found = fitted.found
    arch = found.arch
    asked = f"{shown_cost(aim.name, aim.budget)} {aim.name}"
    off = (found.cost - aim.budget) / aim.budget
    say_text(f"{found.shown}: {asked}, {_percent(off)} off", title=arch.name)
    say()
    rows = [_row(name, before, arch) for name in ("macs", "params", "activations")]
    rows.append(["memory", *(human_bytes(a.memory().inference) for a in (before, arch)),
                 _ratio(before.memory().inference, arch.memory().inference)])  # fmt: skip
    if aim.name == "latency":
        a, b = cost(before), found.cost
        rows.append(["latency", shown_cost("latency", a), shown_cost("latency", b), _ratio(a, b)])
    for line in table(["cost", "before", "fitted", ""], rows, right=(1, 2, 3)):
        say(line)
    if fitted.around:
        say()
    for word, near in fitted.around.items():
        costs = f"{shown_cost(aim.name, near.cost)} {aim.name}"
        say(f"a step {word}, {near.shown}, costs {costs}, {_percent(near.cost / found.cost - 1)}")
    if fitted.again is not None:
        again, off = shown_cost(aim.name, fitted.again), fitted.again / aim.budget - 1
        busy = "" if abs(off) <= aim.within else ": what else runs here was measured too"
        say()
        say(f"measured again, it has {again} {aim.name}, {_percent(off)} off{busy}")


def _row(name: str, before: Architecture, after: Architecture) -> list[str]:
    a, b = getattr(before, name), getattr(after, name)
    return [SHOWN.get(name, name), human(a), human(b), _ratio(a, b)]


def _ratio(a: float, b: float) -> str:
    return f"x {b / a:.3g}" if a else ""


def _percent(share: float) -> str:
    return f"{share:+.1%}" if abs(share) >= 0.0005 else "0.0%"


def plain(aim: Aim, before: Architecture, fitted: Fitted) -> dict[str, Any]:
    """As JSON has it: costs in numbers, bytes and seconds."""

    def costs(arch: Architecture) -> dict[str, Any]:
        found = {n: getattr(arch, n) for n in ("macs", "params", "activations")}
        return {**found, "memory": arch.memory().inference}

    def solution(found: Solution) -> dict[str, Any]:
        knobs = found.arch.shown_knobs
        return {"solved": {n: knobs[n] for n in found.knobs}, aim.name: found.cost}

    found = fitted.found
    return {
        "spec": found.arch.name,
        "cost": aim.name,
        "budget": aim.budget,
        "within": aim.within,
        "solved": solution(found)["solved"],
        "reached": found.cost,
        "off": found.off,
        **({} if fitted.again is None else {"measured_again": fitted.again}),
        "knobs": found.arch.shown_knobs,
        "before": costs(before),
        "fitted": costs(found.arch),
        "around": {word: solution(near) for word, near in fitted.around.items()},
        "hash": found.arch.hash,
    }
