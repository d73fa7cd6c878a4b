"""``archdsl explain``: what each line makes, and what a knob changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import wrap
from typing import Any

import click

from archdsl.analysis.curve import curve, some_values
from archdsl.analysis.family import ClosedForm
from archdsl.analysis.figures import NAMED
from archdsl.cli import completing
from archdsl.cli.formulas import formulas, where
from archdsl.cli.options import candidate_options, json_option, read_candidate, spec_argument
from archdsl.cli.output import WIDTH, Styled, cut, say, say_json, say_text, table
from archdsl.costs.base import Cost
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose, did_you_mean, which_knob
from archdsl.diagnostics.source import Span
from archdsl.elaborate.knobs import Knob
from archdsl.graph.written import call
from archdsl.ir.flat import FlatNode
from archdsl.layers.base import show_shape
from archdsl.spec import Architecture

LINE = ("params", "macs")
POINTS = 9  # values of a knob, where it has more
LARGE = 2_000  # layers of a network of which fewer are shown
FEW = 3
SHOWN = 4  # different layers made by one line before the rest is counted


@dataclass
class Made:
    """What one place in the spec makes."""

    span: Span
    layers: Counter[tuple[str, str]] = field(default_factory=Counter)
    paths: list[str] = field(default_factory=list)
    costs: Counter[str] = field(default_factory=Counter)


@click.command()
@spec_argument
@click.argument("path", required=False)
@candidate_options
@click.option(
    "--knob",
    metavar="KNOB",
    shell_complete=completing.knobs,
    help="Show what this knob changes instead.",
)
@json_option
def command(
    spec: str,
    path: str | None,
    settings: tuple[str, ...],
    shape: str | None,
    python: tuple[Path, ...],
    knob: str | None,
    as_json: bool,
) -> None:
    """Say what each line makes: what is written, what the knobs make of it, what it costs.

    PATH is a part, a layer (stage2.bottleneck1) or a shared module to be explained alone.
    """
    arch = read_candidate(spec, settings, shape, python)
    if knob is not None:
        _explain_knob(arch, knob, as_json)
        return
    places = list(places_of(arch, path))
    if as_json:
        say_json([plain(p) for p in places])
        return
    say_text(", ".join(f"{k} = {v}" for k, v in arch.shown_knobs.items()), title=arch.name)
    for place in places:
        say()
        _say(place, shown_costs(arch))


def places_of(arch: Architecture, path: str | None = None) -> Iterator[Made]:
    """What the places of a spec make, in the order of the text of each file. ``path`` is that of
    a part or a layer, or of a shared module: then its uses are meant.

    Raises ``ArchError`` for a path that is none.
    """
    flat, costs = arch.flat, shown_costs(arch)
    nodes = [n for n in flat.nodes if n.layer is not None]
    if path is not None:
        chosen = [n for n in nodes if _within(n.path, path)]
        chosen = chosen or [n for n in nodes if _within(n.module, path)]
        if not chosen:
            paths = {p for n in nodes for p in (n.path, n.module)}
            known = paths | {p.rpartition(".")[0] for p in paths}
            raise ArchError(
                [diagnose(codes.NO_SUCH_PATH, help=did_you_mean(path, known), path=path)]
            )
        nodes = chosen
    found: dict[tuple[str, int, int], Made] = {}
    counted: set[str] = set()  # modules: what counts once of a shared one does at its first use
    for node in nodes:
        span, layer = node.span, node.layer
        assert span is not None and layer is not None
        made = found.setdefault((span.source.name, span.start, span.end), Made(span))
        inputs = tuple(flat.nodes[n].shape for n in node.inputs)
        made.layers[(call(layer), _shapes(inputs, node))] += 1
        made.paths.append(node.path)
        for name, cost in costs.items():
            if not (cost.once and node.module in counted):
                made.costs[name] += cost.of_layer(layer, inputs, node.shape)
        counted.add(node.module)
    yield from (found[key] for key in sorted(found))


def _within(path: str, part: str) -> bool:
    return path == part or path.startswith(part + ".")


def shown_costs(arch: Architecture) -> dict[str, Cost]:
    """The costs that are said of a line: those of weights and work, and a user's own."""
    registry = arch.spec.registry
    return {n: registry.static_costs[n] for n in (*LINE, *registry.own_costs)}


def _shapes(inputs: tuple[tuple[int, ...], ...], node: FlatNode) -> str:
    before = " + ".join(show_shape(s) for s in inputs[:3]) + (" + ..." if len(inputs) > 3 else "")
    return f"{before} -> {show_shape(node.shape)}"


def _say(place: Made, costs: Mapping[str, Cost]) -> None:
    line = place.span.source.name + f":{place.span.line}"
    text = place.span.words
    cost = [f"{c.show(place.costs[n])} {c.title}" for n, c in costs.items() if place.costs[n]]
    text = cut(text, max(WIDTH - len(line) - 2, 20))
    say(Styled(line, fg="blue"), "  ", Styled(text, bold=True))
    if cost:
        say(f"    {', '.join(cost)}" + (" in all" if len(place.paths) > 1 else ""))
    for (layer, shapes), times in list(place.layers.items())[:SHOWN]:
        made = f"    {layer}  {shapes}" + (f"  x {times}" if times > 1 else "")
        for part in [made] if len(made) <= WIDTH else wrap(made, WIDTH, subsequent_indent=" " * 6):
            say(part)
    if len(place.layers) > SHOWN:
        say(f"    and {len(place.layers) - SHOWN} more")


@dataclass(frozen=True, slots=True)
class Effect:
    """What a knob changes: costs over its values, their formulas, and the lines of the spec."""

    knob: Knob
    rows: list[dict[str, Any]]
    form: ClosedForm | None
    lines: list[str]

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        closed = self.form and {"where": where(self.form), **formulas(self.form)}
        return {
            "knob": self.knob.name,
            "values": self.rows,
            "closed_form": closed,
            "changes": self.lines,
        }


def effect_of(arch: Architecture, name: str) -> Effect:
    """What a knob changes. Raises ``ArchError`` for one that the spec does not have."""
    known = arch.spec.knobs
    if name not in known:
        help = which_knob(name, known)
        raise ArchError([diagnose(codes.UNKNOWN_KNOB, help=help, name=name)])
    knob = known[name]
    form = arch.spec.families.closed_form(arch.network.knobs, name, arch.given_input)
    points = POINTS if len(arch.flat.nodes) < LARGE else FEW
    rows = list(curve(arch, knob, knob_costs(arch), points))
    return Effect(knob, rows, form, _changed_lines(arch, knob))


def _explain_knob(arch: Architecture, name: str, as_json: bool) -> None:
    effect = effect_of(arch, name)
    if as_json:
        say_json(effect.plain())
        return
    knob, rows, form, changed = effect.knob, effect.rows, effect.form, effect.lines
    domain = f" in {knob.domain}" if knob.domain is not None else ""
    say(Styled(name, bold=True), f" = {knob.show(arch.network.knobs[name])}{domain}")
    if knob.doc:
        say_text(knob.doc)
    say()
    costs = knob_costs(arch)
    first, *others = costs
    shown = [
        [
            r["value"],
            r.get("error") or costs[first].show(r[first]),
            *(costs[k].show(r[k]) if k in r else "" for k in others),
            str(r.get("depth", "")),
        ]
        for r in rows
    ]
    heads = [c.title if n in NAMED else c.heading for n, c in costs.items()]
    heads[0] = costs[first].heading
    for line in table([name, *heads, "depth"], shown, range(1, len(costs) + 2)):
        say(line)
    say()
    if form is not None and changed:
        say(f"For {name} {where(form)}:")
        for cost, formula in formulas(form).items():
            say(f"  {'MACs' if cost == 'macs' else cost:11}  {formula}")
        say()
    if changed:
        say("It changes what these lines make:")
        for place in changed:
            say(f"  {place}")
    else:
        say("It changes nothing that can be seen in the graph.")


def knob_costs(arch: Architecture) -> dict[str, Cost]:
    """The costs that are shown over the values of a knob."""
    registry = arch.spec.registry
    return {n: registry.static_costs[n] for n in (*NAMED, *registry.own_costs)}


def _changed_lines(arch: Architecture, knob: Knob) -> list[str]:
    """The places whose layers differ between the present value and another."""
    present = arch.network.knobs[knob.name]
    before = {(p.span.source.name, p.span.start): p for p in places_of(arch)}
    changed: dict[tuple[str, int], str] = {}
    for value in some_values(arch, knob, 3):
        if value == present:
            continue
        try:
            after = {
                (p.span.source.name, p.span.start): p
                for p in places_of(arch.with_knobs(**{knob.name: value}))
            }
        except ArchError:
            continue
        for key in before.keys() | after.keys():
            a, b = before.get(key), after.get(key)
            if a is None or b is None or a.layers != b.layers:
                place = b or a
                assert place is not None
                text = place.span.words[:60]
                changed[key] = f"{place.span.source.name}:{place.span.line}  {text}"
    return [changed[key] for key in sorted(changed)]


def plain(place: Made) -> dict[str, Any]:
    """What a place makes, as JSON values."""
    return {
        "file": place.span.source.name,
        "line": place.span.line,
        "column": place.span.column,
        "written": place.span.text,
        "made": [
            {"layer": layer, "shapes": shapes, "times": times}
            for (layer, shapes), times in place.layers.items()
        ],
        "paths": place.paths,
        **place.costs,
    }
