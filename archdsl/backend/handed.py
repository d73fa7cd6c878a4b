"""Layers that a block is given, as an activation is: where its instances are given different ones,
they have one step, and the constructor takes the class of its module.

``InvertedResidual(16, 72, nn.ReLU)`` has ``self.act1 = act(inplace=True)``. That is so for layers
without weights and arguments: the names of weights are those of the spec's layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from archdsl.backend.pieces import LayerPiece, Piece, Skeleton
from archdsl.backend.python import Code, Const, Item, ModuleClass, call
from archdsl.backend.sequences import Child, SequencePiece
from archdsl.backend.spec_text import stands_in
from archdsl.ir.network import numbered

if TYPE_CHECKING:
    from archdsl.backend.instance import Instance
    from archdsl.backend.scope import Entry
    from archdsl.backend.symbols import Symbols
    from archdsl.syntax import tree


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
    scope, pieces = instance.scope, dict[str, Piece]()
    entries: list[Entry] = []
    for entry in scope.entries:
        piece = instance.pieces[entry.label]
        word = _word(entry, piece, block)
        if word in words:
            name = numbered(word, entry.number)
            entry, piece = replace(entry, label=name), _handed(piece, word)
        elif isinstance(piece, SequencePiece):
            piece = SequencePiece([_child(c, words, block) for c in piece.children])
        entries.append(entry)
        pieces[entry.label] = piece
    if len(pieces) < len(entries):  # a label is called like the parameter
        return instance
    return replace(instance, scope=replace(scope, entries=entries), pieces=pieces)


def _child(child: Child, words: AbstractSet[str], block: tree.Block | None) -> Child:
    if isinstance(child.piece, SequencePiece):
        inner = SequencePiece([_child(c, words, block) for c in child.piece.children])
        return replace(child, piece=inner)
    word = _word(child.entry, child.piece, block)
    if word not in words:
        return child
    return replace(child, label=numbered(word, child.number), piece=_handed(child.piece, word))


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
