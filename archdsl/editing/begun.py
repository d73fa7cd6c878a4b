"""The network of what stands before the first mistake of a text: what its hints are of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from archdsl import driver
from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.diagnostics.source import Span
from archdsl.elaborate.compiler import Loader
from archdsl.elaborate.program import Program
from archdsl.elaborate.work import Work
from archdsl.ir.network import Network
from archdsl.registry import Registry
from archdsl.settings import Decisions
from archdsl.syntax import tree

MOST = 4  # times that something is left out, before there is said to be no network
APPLIED = (tree.Apply, tree.Labelled, tree.Kept, tree.If, tree.For, tree.Repeat)
NEEDED = (tree.Arch, tree.Input)
WORDS = frozenset("block fn let use default variant paper published require".split())


def begun_network(
    file: tree.File, found: Sequence[Diagnostic], load: Loader, registry: Registry
) -> Network | None:
    """The network of the defaults, of the layers before the first that a mistake touches; nothing
    where that is no network. A definition with a mistake is left out, and so is what uses it."""
    unread = [n.span for n in file.walk() if isinstance(n, tree.Poison)]
    left = _without(file, [*unread, *_places(found)])
    work = Work()
    for _ in range(MOST):
        if left is None or not any(isinstance(n, APPLIED) for n in left.statements):
            return None
        try:
            return driver.elaborate(Program(left, load, registry, work), {}, Decisions({}, {}, {}))
        except ArchError as error:
            left = _without(left, [*_places(error.diagnostics)])
    return None


def _without(file: tree.File, places: Sequence[Span]) -> tree.File | None:
    """The file without the statements at these places, the definitions that need them, and the
    layers from the first such on; nothing where they are of what cannot be left out."""
    wrong = [n for n in file.statements if any(_holds(n.span, place) for place in places)]
    if not wrong or any(isinstance(n, NEEDED) for n in wrong):
        return None
    lost = set(map(id, wrong))
    while names := [word.text for n in wrong for word in _defined(n)]:
        used = re.compile(rf"\b({'|'.join(map(re.escape, names))})\b")
        wrong = [n for n in file.statements if id(n) not in lost and used.search(n.span.text)]
        lost.update(map(id, wrong))
    ends = (n.span.start for n in file.statements if id(n) in lost and _may_apply(n))
    end = next(ends, len(file.span.source.text))
    kept = [
        n
        for n in file.statements
        if id(n) not in lost and not (n.span.start >= end and isinstance(n, APPLIED))
    ]
    return tree.File(file.span, tuple(kept), file.docs)


def _may_apply(node: tree.Node) -> bool:
    """Whether it is a layer, or may be one that cannot be read."""
    if isinstance(node, tree.Poison):
        return node.span.text.split(maxsplit=1)[0] not in WORDS
    return isinstance(node, APPLIED)


def _defined(node: tree.Node) -> tuple[tree.Word, ...]:
    """The names that a statement gives."""
    if isinstance(node, tree.Let):
        return node.targets
    return (node.name,) if isinstance(node, (tree.Block, tree.Fn)) else ()


def _places(found: Sequence[Diagnostic]) -> Iterator[Span]:
    """Where mistakes are, and what led there."""
    for diagnostic in found:
        yield from (frame.span for frame in diagnostic.trail)
        if diagnostic.span is not None:
            yield diagnostic.span


def _holds(whole: Span, place: Span) -> bool:
    return whole.source is place.source and whole.start <= place.start < max(whole.end, 1)
