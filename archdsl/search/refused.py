"""A study whose spec the checks of today refuse: what it has found is read all the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.diagnostics.source import Source
from archdsl.registry import REGISTRY, Registry
from archdsl.search.card import LAYERS, Card
from archdsl.search.request import SearchRequest
from archdsl.search.rows import Row
from archdsl.search.space import Space
from archdsl.search.study import Study, made_of
from archdsl.syntax import tree
from archdsl.syntax.parse import read_tree

KEPT = (tree.Arch, tree.Input, tree.Variant)  # of a spec: what a search speaks of
BODY = "choose stand_in { one: identity; two: identity }\n"
OWN = "the study has layers in Python, which `--allow-python FILE` lets it use"
OTHER = "this version of archdsl refuses the spec of the study"


def made_or_refused(
    card: Card, registry: Registry, data: Path | None = None
) -> tuple[tuple[SearchRequest, Space, Path], tuple[Diagnostic, ...]]:
    """As ``made_of``. Where the spec is refused, a stand-in with its knobs takes its place, and the
    mistakes are given. Raises ``ArchError`` where not even that can be made."""
    try:
        return made_of(card, registry, data), ()
    except ArchError as error:
        own = {card.spec_name, *card.uses}
        found_in = [None if d.span is None else d.span.source.name for d in error.diagnostics]
        if not own.issuperset(found_in) or any(
            d.kind is codes.OUTSIDE_FOLDER for d in error.diagnostics
        ):
            raise
        try:
            found = made_of(replace(card, spec=_stand_in(card), uses={}), registry, data)
        except ArchError:
            raise error from None
        return found, tuple(error.diagnostics)


def _stand_in(card: Card) -> str:
    """A spec with the knobs, the input and the variants of that of a card, and any body."""
    statements = read_tree(Source(card.spec_name, card.spec)).file.statements
    texts = [node.span.text for node in statements if isinstance(node, KEPT)]
    return "\n".join([*texts[:2], BODY, *texts[2:]]) + "\n"


def refusal(study: Study, row: Row | None) -> tuple[Diagnostic, ...]:
    """The mistakes for which the spec of a study, or the network of a trial, is refused."""
    if study.refused or row is None:
        return study.refused
    try:
        study.search.spec.candidate(dict(row.knobs or {}), study.space.input, first_only=True)
    except ArchError as error:
        return tuple(error.diagnostics)
    return ()


def words(study: Study, found: Sequence[Diagnostic]) -> str:
    """What is refused, in a line, and what that means for what is shown."""
    unknown = [d for d in found if d.kind is codes.UNKNOWN_NAME]
    first, *rest = unknown or found
    line = "" if first.span is None else f"line {first.span.line}: "
    if unknown and LAYERS in study.card.identity and study.search.spec.registry is REGISTRY:
        return f"{line}{first.message}; {OWN}; its results are as they were kept"
    more = f", and {len(rest)} more" if rest else ""
    return f"{OTHER} ({line}{first.code}, {first.message}{more}); its results are as they were kept"


def as_kept(card: Card, knobs: Mapping[str, str]) -> str:
    """The text of a spec as a card has it, the knobs of its header at some values."""
    text = card.spec
    for node in read_tree(Source(card.spec_name, text)).file.statements:
        if isinstance(node, tree.Arch):
            for knob in reversed(node.knobs):
                if knob.name.text in knobs:
                    new = f"{knob.name.text} = {knobs[knob.name.text]}"
                    text = text[: knob.span.start] + new + text[knob.span.end :]
    return text
