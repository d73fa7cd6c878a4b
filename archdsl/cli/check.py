"""``archdsl check``: whether every candidate of a spec is a network."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

import click

from archdsl import __version__
from archdsl.analysis.space import ENDLESS_SPACE, LIMIT, Proof, prove
from archdsl.cli import completing
from archdsl.cli.options import json_option, python_option, read_registry
from archdsl.cli.output import WIDTH, ReaderGone, say, say_json, show_diagnostics
from archdsl.cli.progress import Meter
from archdsl.diagnostics.export import to_dict, to_sarif
from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.diagnostics.render import printable
from archdsl.elaborate.work import Work
from archdsl.files import SEARCH, is_one_of
from archdsl.lint import warnings
from archdsl.named import resolve
from archdsl.registry import Registry
from archdsl.spec import Spec
from archdsl.units import counted, shown_costs


@click.command()
@click.argument(
    "specs", nargs=-1, required=True, metavar="SPEC...", shell_complete=completing.checked
)
@click.option(
    "--limit",
    default=LIMIT,
    show_default=True,
    type=click.IntRange(1, 10**9),
    help="Runs that the proof of a space may take; a higher limit also allows more work.",
)
@click.option("--gpu", is_flag=True, help="Also warn of widths that GPUs pad.")
@click.option("--strict", is_flag=True, help="Fail where there is a warning.")
@json_option
@click.option("--sarif", is_flag=True, help="Print a SARIF log for editors and code review.")
@python_option
def command(
    specs: tuple[str, ...],
    limit: int,
    gpu: bool,
    strict: bool,
    as_json: bool,
    sarif: bool,
    python: tuple[Path, ...],
) -> int:
    """Say whether every candidate of a spec is a network, and every budget of a search is met.

    Every setting of the knobs that the requirements allow is proved to be a network. One that is
    not is shown, with its place and the values of the knobs. Of a large space a part is proved,
    and the answer says which. Of a variant, or a spec with its knobs in parentheses, only that
    network is checked. Warnings tell what is allowed, but seldom meant.
    """
    registry = read_registry(python)
    results = [_check(name, limit, registry) for name in specs]
    for result in results:
        result["warnings"] = _warnings(result, gpu)
    well = all(r["ok"] and not (strict and r["warnings"]) for r in results)
    try:
        if sarif:
            say_json(to_sarif(_all(results), __version__))
        elif as_json:
            say_json([plain(r) for r in results])
        else:
            for result in results:
                _say(result)
                if result["warnings"]:
                    show_diagnostics(result["warnings"])
            if strict and (count := sum(len(r["warnings"]) for r in results)):
                say(
                    f"{counted(count, 'warning', exact=True)}, and --strict was asked for",
                    error=True,
                )
        sys.stdout.flush()
    except BrokenPipeError:
        raise ReaderGone(0 if well else 1) from None
    return 0 if well else 1


def _all(results: Sequence[Mapping[str, Any]]) -> list[Diagnostic]:
    """The mistakes and the warnings of all specs."""
    return [d for r in results for d in (*r["diagnostics"], *r["warnings"])]


def _warnings(result: Mapping[str, Any], gpu: bool) -> list[Diagnostic]:
    """The warnings of a spec that is well: of the network that is named, else of the default's;
    of a search, its own and those of its spec."""
    arch, survey = result.get("network"), result.get("survey")
    if not result["ok"]:
        return []
    found = [] if survey is None else survey.doubts
    return found if arch is None else found + warnings(arch.spec.program, arch.network, gpu)


def _check(name: str, limit: int, registry: Registry) -> dict[str, Any]:
    result: dict[str, Any] = {"spec": name, "ok": False, "diagnostics": (), "proof": None}
    result["complete"] = True
    try:
        if is_one_of(name, SEARCH):
            from archdsl.cli.check_search import survey_of  # a spec is checked without it

            found = survey_of(name, registry, max(limit / LIMIT, 1))
            result["survey"], result["diagnostics"] = found, found.missing
            result["ok"] = not found.missing
            result["network"] = found.usual
            return result
        named = resolve(name, registry, Work())
        spec = named.spec
        if named.variant is not None or named.settings:
            result["network"] = result["alone"] = spec.candidate(named.knobs)
            result["ok"] = True
            return result
        with Meter(f"checking {name}") as meter:
            result |= survey_space(spec, limit, meter)
    except ArchError as error:
        result["diagnostics"], result["complete"] = error.diagnostics, error.complete
    return result


def survey_space(
    spec: Spec, limit: int = LIMIT, watch: Callable[[float], None] = lambda share: None
) -> dict[str, Any]:
    """What is found of a spec: of its defaults, its variants and all its candidates. Raises
    ``ArchError`` where the defaults or a variant make no network."""
    network = spec.with_knobs()
    for variant in spec.variants:
        spec.variant(variant)
    proof = prove(spec.program, limit, watch)
    wrong = proof.counterexample
    found = () if wrong is None else wrong.diagnostics
    return {"network": network, "proof": proof, "ok": proof.holds, "diagnostics": found}


def _say(result: dict[str, Any]) -> None:
    name = printable(result["spec"])
    diagnostics: tuple[Diagnostic, ...] = result["diagnostics"]
    proof: Proof | None = result["proof"]
    if "survey" in result:
        from archdsl.cli.check_search import say_survey

        say_survey(name, result["survey"])
        return
    if "alone" in result:
        arch = result["alone"]
        say(f"{name}: a network ({shown_costs(arch.params, arch.macs)})")
        return
    if proof is None:
        show_diagnostics(diagnostics, complete=result["complete"])
        least = "at least " * (not result["complete"])
        say(f"{name}: {least}{counted(len(diagnostics), 'error', exact=True)}", error=True)
        return
    if proof.counterexample is not None:
        show_diagnostics(diagnostics)
        knobs = ", ".join(f"{k} = {v}" for k, v in proof.counterexample.knobs.items())
        shown = f": not with {knobs}" if knobs else ""
        say(f"{name}: not every candidate is a network{shown}", error=True)
        return
    verdict = "every candidate is a network" if proof.complete else "no mistake was found"
    said = f"{name}: {verdict} ({proof.how})"
    for line in wrap(said, WIDTH, subsequent_indent="  ", break_on_hyphens=False):
        say(line)
    if proof.stopped:
        say("  a larger `--limit` covers more")
    if proof.excluded:
        say(f"  {proof.excluded:,} of them are ruled out by requirements")
    if proof.choices:
        options = counted(proof.choices, "option", exact=True)
        say(f"  {options} of choices inside bodies, each where it stands")


def plain(result: dict[str, Any]) -> dict[str, Any]:
    """What was found, as JSON values."""
    proof: Proof | None = result["proof"]
    plain: dict[str, Any] = {
        "spec": result["spec"],
        "ok": result["ok"],
        "diagnostics": [to_dict(d) for d in _all([result])],
        "complete": result["complete"],
    }
    if "survey" in result:
        from archdsl.cli.check_search import plain_survey

        plain["search"] = plain_survey(result["survey"])
    if "alone" in result:
        plain["knobs"] = result["alone"].shown_knobs
    if proof is not None:
        counterexample = proof.counterexample
        plain["space"] = {
            "domains": proof.domains,
            "total": proof.total,
            "covered": min(proof.covered, ENDLESS_SPACE),
            "runs": proof.runs,
            "excluded": proof.excluded,
            "complete": proof.complete,
            "choices": proof.choices,
            "how": proof.how,
            "counterexample": None if counterexample is None else dict(counterexample.knobs),
        }
    return plain
