"""``archdsl specs``: the built-in specs and their figures."""

from __future__ import annotations

from typing import Any

import click

from archdsl.cli import completing
from archdsl.cli.output import WIDTH, cut, human, say, say_json, say_text, table
from archdsl.elaborate.published import Published, Variant
from archdsl.elaborate.work import Work
from archdsl.files import builtin_names
from archdsl.layers.base import show_shape
from archdsl.named import resolve
from archdsl.spec import Spec


@click.command()
@click.argument("names", nargs=-1, metavar="[SPEC...]", shell_complete=completing.specs)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for tools.")
def command(names: tuple[str, ...], as_json: bool) -> None:
    """List the built-in specs, or the variants of some: figures, papers, published errors.

    A variant is a named setting of the knobs; each can be given wherever a SPEC can, here too.
    """
    found = [resolve(name, work=Work()).spec for name in names or builtin_names()]
    specs = list({spec.source.name: spec for spec in found}.values())
    if as_json:
        say_json([_plain(spec) for spec in specs])
        return
    for spec in specs:
        _say(spec)


def _rows(spec: Spec) -> list[dict[str, Any]]:
    variants: dict[str, Variant | None] = {**spec.variants} or {spec.name: None}
    rows = []
    for name, variant in variants.items():
        arch = spec.with_knobs() if variant is None else spec.variant(name)
        published = () if variant is None else variant.published
        rows.append({"name": name, "arch": arch, "variant": variant, "published": published})
    return rows


def _say(spec: Spec) -> None:
    say_text(spec.doc, title=spec.name)
    for knob in spec.knobs.values():
        domain = f" in {knob.domain}" if knob.domain is not None else ""
        say(cut(f"  {knob.name} = {knob.show(knob.default)}{domain}", WIDTH))
    rows = []
    for row in _rows(spec):
        arch = row["arch"]
        figures = [human(arch.params), human(arch.macs), str(arch.depth)]
        first, *others = [_error(p) for p in row["published"]] or [""]
        rows.append([f"  {row['name']}", *figures, first])
        rows.extend(["", "", "", "", error] for error in others)
    for line in table(["  variant", "params", "MACs", "depth", "published error"], rows, (1, 2, 3)):
        say(line)
    say()


def _error(p: Published) -> str:
    """``imagenet 23.87 %, top-5 7.138 %``."""
    shown = [
        f"{label}{100 * value:.4g} %"
        for label, value in (("", p.top1), ("top-5 ", p.top5), ("", p.error))
        if value is not None
    ]
    return f"{p.dataset} {', '.join(shown)}"


def _plain(spec: Spec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "doc": spec.doc,
        "knobs": {
            k.name: {
                "default": k.show(k.default),
                "domain": None if k.domain is None else str(k.domain),
                "doc": k.doc,
            }
            for k in spec.knobs.values()
        },
        "variants": [
            {
                "name": row["name"],
                "knobs": row["arch"].shown_knobs,
                "input": show_shape(row["arch"].input),
                "params": row["arch"].params,
                "macs": row["arch"].macs,
                "activations": row["arch"].activations,
                "depth": row["arch"].depth,
                "paper": _fields(row["variant"].paper) if row["variant"] else None,
                "published": [_fields(p) for p in row["published"]],
            }
            for row in _rows(spec)
        ],
    }


def _fields(record: Any) -> dict[str, Any] | None:
    if record is None:
        return None
    return {n: getattr(record, n) for n in record.__slots__ if getattr(record, n) not in (None, "")}
