"""Blocks of a spec: classes of modules that stand more than once, from the inside out."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from archdsl.importing.definition import BlockDefinition
from archdsl.importing.fold import fold
from archdsl.importing.known import known_of
from archdsl.importing.ranges import are_same, as_slices, even_out, is_range
from archdsl.importing.scope import KEYWORDS
from archdsl.importing.style import Style
from archdsl.importing.terms import (
    NAMED,
    Kept,
    Merged,
    Term,
    copied,
    flat,
    keep,
    lift,
    of_scope,
    renumber,
    size,
    skeleton,
    walk,
)
from archdsl.importing.unify import merge

SMALL = 3  # terms that are no block where all instances are the same
TAKEN = KEYWORDS | {"in", "entering", "width", "classes", "drop_path", "j", "depth"}


def blocks(sequence: list[Term], style: Style) -> list[Term]:
    """The sequence with blocks in the place of modules; the blocks are entered in ``style``."""
    as_slices(sequence)
    root = [Term("module", "", subs=[sequence])]
    inside = root[0].subs[0]
    for term in list(walk(inside)):
        if term.kind == "module" and (is_container(term.op) or _is_fractal(term)):
            _open(term)
    spliced(inside)
    while modules := [t for t in walk(inside) if t.kind == "module"]:
        heights = {id(t): _height(t) for t in modules}
        highest: dict[str, int] = {}
        for term in modules:
            highest[term.op] = max(highest.get(term.op, 0), heights[id(term)])
        if min(highest.values()) == 1:
            ready = [t for t in modules if highest[t.op] == 1]
        else:  # a class within itself
            ready = [t for t in modules if heights[id(t)] == 1]
        groups: dict[str, list[Term]] = defaultdict(list)
        for term in ready:
            groups[term.op].append(term)
        for cls, terms in groups.items():
            even_out(terms)
            _fold_alike(terms, style)
            define(cls, terms, style)
        spliced(inside)
    renumber(inside)
    return inside


def define(cls: str, terms: list[Term], style: Style) -> None:
    """Makes blocks of the instances of a class: that of the library which they are, or one for all
    that are alike enough."""
    if (library := known_of(terms, style)) is not None:
        known, given = library
        style.blocks[known.name] = known
        for term, arguments in zip(terms, given, strict=True):
            if style.act and "act" in known.order:  # which is a knob
                arguments.setdefault("act", known.defaults["act"])
            term.kind, term.op, term.args, term.subs = "layer", known.name, arguments, []
        return
    clusters: list[tuple[list[Merged], list[Term]]] = []
    for term in terms:
        renumber(term.subs[0])
        lifted = lift(term.subs[0])
        for number, (merged, members) in enumerate(clusters):
            found = merge(merged, lifted, len(members))
            if found is not None:
                clusters[number] = found, [*members, term]
                break
        else:
            clusters.append((lifted, [term]))
    for merged, members in clusters:
        named = [m for m in flat(merged) if m.keep or m.kind in NAMED]
        same = are_same([m.subs[0] for m in members])
        plain = size(merged) <= 1 or (same and size(merged) <= SMALL) or _takes_a_part(merged)
        if len(members) < 2 or plain:
            for term in members:
                _open(term)
            continue
        if not all(all(m.present) for m in named):  # a name that some would lack
            for term in members:
                _open(term)
            continue
        name = _name(cls, style)
        definition = BlockDefinition(name, merged, members, style)
        style.blocks[name] = definition
        for number, term in enumerate(members):
            term.kind, term.op = "layer", name
            term.args, term.subs = definition.arguments(number), []


def _takes_a_part(merged: list[Merged]) -> bool:
    """Whether it is a layer, or a block, of a range of the channels."""
    return len(merged) == 2 and is_range(merged[0]) and merged[1].kind == "layer"


def _name(cls: str, style: Style) -> str:
    base = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls)
    base = re.sub(r"\W", "_", base).lower().strip("_") or "unit"
    base = "unit" if base == "block" else base
    if base in TAKEN or base in style.registry.layers or base in style.registry.patterns:
        base += "_unit"
    name, number = base, 2
    while name in style.blocks:
        name, number = f"{base}_{number}", number + 1
    return name


def _height(term: Term) -> int:
    inner = max((_height(t) for sub in term.subs for t in sub), default=0)
    return (term.kind == "module") + inner


def is_container(cls: str) -> bool:
    return cls in ("ModuleList", "ModuleDict") or cls.endswith("Sequential")


def _is_fractal(term: Term) -> bool:
    """Whether a module is a fractal and nothing else."""
    return len(term.subs[0]) == 1 and term.subs[0][0].kind == "fractal"


def _open(term: Term) -> None:
    """Its terms belong to the sequence around it; names of tensors are made its own."""
    term.kind = "splice"
    last = re.sub(r"\W", "_", term.path.rsplit(".", 1)[-1])
    last = f"u{last}" if last[:1].isdigit() else last
    given = term.args  # the tensors that it takes, by its names of them
    for inner in of_scope(term.subs[0]):
        if inner.kind == "module":
            inner.path = f"{last}_{inner.path.rsplit('.', 1)[-1]}"
        if inner.keep:
            inner.keep = f"{last}_{inner.keep}"
        for name, value in inner.args.items():
            if isinstance(value, Kept):
                inner.args[name] = given.get(value, Kept(f"{last}_{value}"))
        if inner.kind == "use":
            inner.op = given.get(inner.op, f"{last}_{inner.op}")


def _fold_alike(terms: list[Term], style: Style) -> None:
    """Folds the bodies of instances of a class: those that have one form in one way, or not at
    all; but runs of blocks, as stages are, always."""
    forms: dict[Any, list[Term]] = defaultdict(list)
    for term in terms:
        forms[tuple(map(skeleton, term.subs[0]))].append(term)
    for alike in forms.values():
        folded = [fold(copied(term.subs[0]), style) for term in alike]
        one_form = len({tuple(map(skeleton, body)) for body in folded}) == 1
        if one_form or all(t.op in style.blocks for term in alike for t in term.subs[0]):
            for term, body in zip(alike, folded, strict=True):
                term.subs = [body]


def spliced(sequence: list[Term]) -> None:
    """Puts the terms of what was opened in its place."""
    at = 0
    while at < len(sequence):
        term = sequence[at]
        for sub in term.subs:
            spliced(sub)
        if term.kind != "splice":
            at += 1
            continue
        body = term.subs[0]
        if term.keep:
            keep(body, term.keep)
        sequence[at : at + 1] = body
