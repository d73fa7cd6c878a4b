"""Gates of the library that ships with archdsl, in the place of modules that are equal to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

from archdsl.diagnostics.model import ArchError
from archdsl.diagnostics.source import Source
from archdsl.files import Library, builtin_folder, read_text
from archdsl.importing.proof import pairs
from archdsl.importing.render import Renderer
from archdsl.importing.scope import BlockScope
from archdsl.importing.style import Style
from archdsl.importing.terms import ACTIVATIONS, MISSING, Term, lift, walk
from archdsl.ir.flat import Flat
from archdsl.registry import Registry
from archdsl.spec import Spec
from archdsl.syntax import tree
from archdsl.syntax.parse import parse as parse_tree

FILE = "lib/attention.arch"
SIDE = 32  # pixels of the images on which blocks are compared


@dataclass(frozen=True, eq=False, slots=True)
class Known:
    """A block of the library, as ``Definition`` is one of the spec: ``defaults`` has those that are
    plain, and ``computed`` the names of the others."""

    name: str
    order: tuple[str, ...]
    defaults: dict[str, Any]
    computed: frozenset[str]
    text: tuple[str, ...] = ()
    file: str = FILE

    def candidates(self, body: list[Term]) -> Iterator[dict[str, Any]]:
        """What it may be given, by what stands in the layers of a module."""
        layers = [term for term in walk(body) if term.kind == "layer"]
        acts: list[Any] = [*dict.fromkeys(t.op for t in layers if t.op in ACTIVATIONS)]
        values = {"act": acts, "gate": acts}
        for ours, theirs in (("reduced", "channels"), ("kernel", "kernel")):
            found = [t.args[theirs] for t in layers if theirs in t.args]
            values[ours] = [*dict.fromkeys(n for n in found if isinstance(n, int))]
        for name in self.computed:
            values[name] = [MISSING, *values[name]]
        for chosen in product(*(values[name] for name in self.order)):
            given = dict(zip(self.order, chosen, strict=True))
            yield {k: v for k, v in given.items() if v not in (MISSING, self.defaults.get(k))}

    def flat(self, channels: int, given: dict[str, Any], style: Style) -> Flat | None:
        """The graph of it, or of nothing that it is."""
        call = ", ".join(f"{name} = {value}" for name, value in given.items())
        text = [f'use "{FILE}": {self.name}', *_head(channels), f"{self.name}({call})"]
        return _flat(text, style)


@cache
def gates() -> tuple[Known, ...]:
    """The blocks of the file of gates, the largest first."""
    file = parse_tree(Source(FILE, read_text(builtin_folder() / FILE, FILE)))
    found = []
    for block in reversed([item for item in file.statements if isinstance(item, tree.Block)]):
        names = tuple(p.name.text for p in block.parameters)
        given = {p.name.text: p.default for p in block.parameters if p.default is not None}
        plain = {name: node for name, node in given.items() if isinstance(node, tree.Name)}
        numbers = {name: node for name, node in given.items() if isinstance(node, tree.Literal)}
        defaults: dict[str, Any] = {name: node.span.text for name, node in plain.items()}
        defaults |= {name: int(node.span.text) for name, node in numbers.items()}
        found.append(Known(block.name.text, names, defaults, frozenset(given) - defaults.keys()))
    return tuple(found)


def known_of(terms: list[Term], style: Style) -> tuple[Known, list[dict[str, Any]]] | None:
    """The block that all instances of a class are, and what it is given in each."""
    if not all(_is_gate(term, style) for term in terms):
        return None
    for known in gates():
        if style.blocks.get(known.name, known) is not known or known.name in style.registry.layers:
            continue
        given = [_given(known, term, style) for term in terms]
        found = [one for one in given if one is not None]
        said = [name for name in known.computed if any(name in one for one in found)]
        if len(found) == len(terms) and all(name in one for name in said for one in found):
            return known, found
    return None


def _is_gate(term: Term, style: Style) -> bool:
    """Whether a module is of tensors times what is computed of them, and of nothing else."""
    body = term.subs[0]
    products = all(part.kind == "branch" and part.op == "mul" for part in body)
    names = any(t.keep or t.op in style.blocks for t in walk(body))
    return bool(body) and products and not names and term.channels is not None


def _given(known: Known, term: Term, style: Style) -> dict[str, Any] | None:
    assert term.channels is not None, "a gate is of an image"
    plain = Style([], style.registry)
    lines = Renderer(BlockScope(plain, [term.channels])).lines(lift(term.subs[0]), 0)
    theirs = _flat([*_head(term.channels), *style.start_lines(), *lines], style)
    for given in known.candidates(term.subs[0]) if theirs is not None else ():
        ours = known.flat(term.channels, given, style)
        if ours and theirs and pairs(theirs, ours, starts=style.starts is not None) is not None:
            return given
    return None


def _head(channels: int) -> list[str]:
    return ["arch gate", f"input {channels}x{SIDE}x{SIDE}"]


def _flat(lines: list[str], style: Style) -> Flat | None:
    return compared("\n".join(lines) + "\n", style.registry)


FILES = Library(None)  # the library's files, read once


def compared(text: str, registry: Registry) -> Flat | None:
    """The graph of a text that uses the library alone; nothing where it is no network."""
    try:
        return Spec(Source("part", text), FILES, registry).with_knobs().flat
    except ArchError:
        return None
