"""What a shell offers where a command expects a name: completion reads texts, and runs nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError
from archdsl.elaborate.knobs import Choices, Knob
from archdsl.elaborate.values import show
from archdsl.elaborate.work import Work
from archdsl.files import SEARCH, builtin_names
from archdsl.named import builtin_variants, resolve
from archdsl.registry import REGISTRY

MOST_VALUES = 50  # of an interval that are offered


def networks(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Built-in specs and their variants, and files; after one and a parenthesis, its knobs."""
    called = _called(incomplete) if "(" in incomplete else []
    return called or _offered([*builtin_names(), *builtin_variants()], incomplete, "file")


def specs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Built-in specs alone."""
    return _offered(builtin_names(), incomplete)


def searches(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Built-in searches, and files."""
    return _offered(builtin_names(SEARCH), incomplete, "file")


def checked(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What can be checked: networks and searches."""
    called = _called(incomplete) if "(" in incomplete else []
    found = [*builtin_names(), *builtin_variants(), *builtin_names(SEARCH)]
    return called or _offered(found, incomplete, "file")


def knobs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The knobs of the spec that the command names, also after others and a comma."""
    before, comma, _ = incomplete.rpartition(",")
    return _offered((before + comma + known for known in _spec_knobs(ctx)), incomplete)


def settings(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The knobs of the spec that the command names, and what each may be."""
    known = _spec_knobs(ctx)
    name, equals, _ = incomplete.partition("=")
    if not equals:
        return _offered((f"{n}=" for n in known), name)
    values = _values(known[name]) if name in known else []
    return _offered((f"{name}={v}" for v in values), incomplete)


def data(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Data sets, and folders."""
    return _offered(REGISTRY.data, incomplete, "dir")


def studies(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The studies in this folder, or where none begins like this, folders: both would be the
    same folder twice."""
    found = sorted(p.name for p in Path().glob("*.study") if p.is_dir())
    return _offered(found, incomplete) or _offered([], incomplete, "dir")


def errors(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The codes of diagnostics, with what they say."""
    return [
        CompletionItem(kind.code, help=kind.template)
        for kind in codes.ALL.values()
        if kind.code.startswith(incomplete.upper())
    ]


def _offered(names: Iterable[str], incomplete: str, kind: str = "") -> list[CompletionItem]:
    found = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return [*found, CompletionItem(incomplete, type=kind)] if kind else found


def _called(incomplete: str) -> list[CompletionItem]:
    """``resnet(depth = 101``: a knob of the spec, or what it may be. Where one knob is left its
    values are offered at once: a shell ends a word of which there is only one."""
    name, _, settings = incomplete.partition("(")
    begun = settings.rpartition(",")[2].lstrip()
    before = incomplete[: len(incomplete) - len(begun)]
    given = {part.partition("=")[0].strip() for part in settings.split(",")[:-1]}
    known = {n: knob for n, knob in _knobs_of(name.strip()).items() if n not in given}
    knob, equals, value = begun.partition("=")
    if equals:
        before += begun[: len(begun) - len(value.lstrip())]
        found = [known[knob.strip()]] if knob.strip() in known else []
    else:
        found = [k for n, k in known.items() if n.startswith(begun)]
        if len(found) != 1:
            return _offered((f"{before}{k.name} = " for k in found), incomplete)
        before += f"{found[0].name} = "
    values = [f"{before}{v})" for k in found for v in _values(k)]
    return _offered(values or [before] * len(found), incomplete)


def _spec_knobs(ctx: click.Context) -> Mapping[str, Knob]:
    """The knobs of the spec that the command names; none where it cannot be read."""
    # An option that has no value yet keeps click from giving the arguments their names.
    return _knobs_of(
        ctx.params.get("spec") or next((a for a in ctx.args if not a.startswith("-")), "")
    )


def _knobs_of(name: str) -> Mapping[str, Knob]:
    if name == "-":  # a shell's own input
        return {}
    with suppress(ArchError):
        return resolve(name, REGISTRY, Work()).spec.knobs
    return {}


def _values(knob: Knob) -> list[str]:
    domain = knob.domain
    if domain is None or domain.count is None:
        return []
    values = domain.values if isinstance(domain, Choices) else domain.enumerate()
    return [show(v).strip('"') for v in values[:MOST_VALUES]]
