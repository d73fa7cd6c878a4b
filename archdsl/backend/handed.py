"""Layers that a block is given, as an activation is: where its instances are given different ones,
they have one step, and the constructor takes the class of its module.

``InvertedResidual(16, 72, nn.ReLU)`` has ``self.act1 = act(inplace=True)``. That is so for layers
without weights and arguments: the names of weights are those of the spec's layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from archdsl.backend.pieces import LayerPiece, Piece, Skeleton
from archdsl.backend.python import Code, Const, Item, ModuleClass, call
from archdsl.backend.sequences import Child, SequencePiece
from archdsl.backend.spec_text import around, holds, stands_in
from archdsl.elaborate.reserved import alternatives, names_of, sequence
from archdsl.ir.network import numbered
from archdsl.syntax import tree

if TYPE_CHECKING:
    from archdsl.backend.instance import Instance
    from archdsl.backend.scope import Entry
    from archdsl.backend.symbols import Symbols
    from archdsl.diagnostics.source import Span


@dataclass(slots=True)
class HandedPiece(LayerPiece):
    """A layer that the block is given as its parameter ``word``."""

    word: str = ""

    @property
    def skeleton(self) -> Skeleton:
        return ("handed", self.word)

    def emit(self, pieces: Sequence[Any], symbols: Symbols, hint: str) -> Code:
        target = symbols.given_class([p and p.module.target for p in pieces], self.word)
        found = [p.module.keywords for p in pieces if p is not None]
        in_place = all(keywords.get("inplace") for keywords in found)
        return call(target, [Item(Const(True), "inplace")] if in_place else [])


def apart(instances: Sequence[Instance], block: tree.Block | None) -> frozenset[str]:
    """The parameters of a block for which its instances are given different layers."""
    given: dict[str, set[str]] = {}
    for instance in instances if block is not None else ():
        for entry, piece in _steps(instance):
            word = _word(entry, piece, block)
            if word:
                assert isinstance(piece, LayerPiece)
                given.setdefault(word, set()).add(piece.module.target)
    return frozenset(word for word, targets in given.items() if len(targets) > 1)


def classes_of(instances: Sequence[Instance], word: str) -> list[ModuleClass]:
    """The classes of the modules that instances are given as a parameter; where one makes none of
    it, any will do."""
    found: list[str] = []
    for instance in instances:
        pieces = (p for _, p in _steps(instance) if isinstance(p, HandedPiece) and p.word == word)
        found.append(next((p.module.target for p in pieces), ""))
    usual = max((t for t in found if t), key=found.count)
    return [ModuleClass(target or usual) for target in found]


def with_handed(instance: Instance, words: AbstractSet[str], block: tree.Block | None) -> Instance:
    """An instance in which the steps that are parameters of its block are called after these."""
    if not words or block is None:
        return instance
    scope, pieces = instance.scope, dict[str, Piece]()
    names = _Names(words, block, dict(instance.part.arguments))
    entries: list[Entry] = []
    for entry in scope.entries:
        piece = instance.pieces[entry.label]
        if isinstance(piece, SequencePiece):
            piece = names.within(piece)
        else:
            label, number, piece = names.named(entry, piece)
            entry = replace(entry, label=label, number=number)
        entries.append(entry)
        pieces[entry.label] = piece
    if len(pieces) < len(entries):  # a label is called like the parameter
        return instance
    return replace(instance, scope=replace(scope, entries=entries), pieces=pieces)


class _Names:
    """What the steps of a scope are called, gone through in their order. A step that is handed in
    has a number of its word; those of the same layer that are not handed in are numbered without
    it."""

    def __init__(
        self,
        words: AbstractSet[str],
        block: tree.Block,
        arguments: Mapping[str, Any],
        is_inner: bool = False,
    ) -> None:
        self.block, self.arguments, self.is_inner = block, arguments, is_inner
        self.seen: dict[str, list[Span]] = {word: [] for word in words}

    def named(self, entry: Entry, piece: Piece) -> tuple[str, int, Piece]:
        """The label of a step, its number, and what stands for it."""
        word = _word(entry, piece, self.block)
        found = _handed(piece, word) if word in self.seen else piece
        if entry.module is not None or entry.label != numbered(entry.name, entry.number):
            return entry.label, entry.number, found
        name, number = entry.name, entry.number
        if word in self.seen:
            name, number = word, self.before(word, entry.span) + 1
            self.seen[word].append(entry.span)
        elif isinstance(piece, LayerPiece) and not piece.weights:
            alike = [w for w in self.seen if name in names_of(self.arguments[w])]
            number -= sum(self.before(w, entry.span) for w in alike)
        return numbered(name, number), number, found

    def within(self, piece: SequencePiece) -> SequencePiece:
        """A sequence, whose steps have numbers of their own."""
        inner = _Names(self.seen.keys(), self.block, self.arguments, is_inner=True)
        children: list[Child] = []
        for child in piece.children:
            if isinstance(child.piece, SequencePiece):
                child = replace(child, piece=self.within(child.piece))
            elif child.entry is not None:
                label, number, found = inner.named(child.entry, child.piece)
                child = replace(child, label=label, number=number, piece=found)
            children.append(child)
        return SequencePiece(children)

    def before(self, word: str, span: Span) -> int:
        """The numbers of a word that are taken before a place: by steps, and by the bodies of
        conditions that do not hold."""
        seen = self.seen[word]
        if not stands_in(span, self.block):
            return len(seen)
        path = list(around(self.block.body, span))
        starts = [i for i, node in enumerate(path) if _has_numbers(node)] if self.is_inner else []
        path = path[starts[-1] :] if starts else path
        lacking = 0
        for i, node in enumerate(path):
            if i < bool(starts) or (i and _is_branch(path[i - 1])):
                continue  # other arms have numbers of their own
            before = [inner for inner in sequence(node) if inner.span.end <= span.start]
            lacking += sum(_lacking(inner, word, seen) for inner in before)
        return len(seen) + lacking


def _has_numbers(node: tree.Node) -> bool:
    """Whether what is in a part of a text is numbered anew."""
    return _is_branch(node) or isinstance(node, (tree.Labelled, tree.For, tree.Repeat))


def _is_branch(node: tree.Node) -> bool:
    return isinstance(node, tree.Call) and node.callee.text == "branch"


def _lacking(node: tree.Node, word: str, seen: Sequence[Span]) -> int:
    """The numbers of a word that conditions in a statement take beside those of its steps."""
    if alternatives(node):
        return max(0, _taken(node, word) - sum(holds(node, span) for span in seen))
    return sum(_lacking(inner, word, seen) for inner in _links(node))


def _taken(node: tree.Node, word: str) -> int:
    """How many numbers of a word a statement takes, as far as its text tells."""
    if isinstance(node, tree.Name):
        return int(node.text == word)
    if bodies := alternatives(node):
        return max(_taken(body, word) for body in bodies)
    return sum(_taken(inner, word) for inner in _links(node))


def _links(node: tree.Node) -> tuple[tree.Node, ...]:
    """What is applied one after the other, and has numbers of what stands around it."""
    if isinstance(node, (tree.For, tree.Repeat)):
        return (node.body,)
    if isinstance(node, tree.Call) and node.body is not None and not _has_numbers(node):
        return (node.body,)
    return sequence(node)


def _handed(piece: Piece, word: str) -> HandedPiece:
    assert isinstance(piece, LayerPiece)
    return HandedPiece(piece.module, piece.weights, made=piece.made, word=word)


def _steps(instance: Instance) -> Iterator[tuple[Entry | None, Piece]]:
    """The steps of an instance, those of its sequences too."""
    left: list[tuple[Entry | None, Piece]] = [
        (entry, instance.pieces[entry.label]) for entry in instance.scope.entries
    ]
    while left:
        entry, piece = left.pop()
        if isinstance(piece, SequencePiece):
            left += [(c.entry, c.piece) for c in piece.children]
        else:
            yield entry, piece


def _word(entry: Entry | None, piece: Piece, block: tree.Block | None) -> str:
    """The parameter of a block that stands where a step does, if its module may be given."""
    if entry is None or block is None or not isinstance(piece, LayerPiece):
        return ""
    module = piece.module
    if entry.module is not None or entry.repeat > 1 or piece.weights or module.through:
        return ""
    if module.arguments or set(module.keywords) - {"inplace"} or "." not in module.target:
        return ""
    if not stands_in(entry.span, block):
        return ""
    word = entry.span.words
    return word if any(p.name.text == word for p in block.parameters) else ""
