"""The tensors along the main path of a network, and what leads past some of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.ir.network import Network, Part
from archdsl.layers.base import Shape
from archdsl.pictures import notes
from archdsl.pictures.glyphs import Applied, DrawnBlock, DrawnExit, DrawnJoin, Glyph, Stack
from archdsl.pictures.limits import MOST_SHAPES, too_large
from archdsl.pictures.sketch import sketch


@dataclass(frozen=True, slots=True)
class TrunkTensor:
    """A tensor, and what makes it of which others, by their numbers. ``kind`` is that of the
    layer; a closed block has a ``title``."""

    shape: Shape
    inputs: tuple[int, ...]
    kind: str
    words: str
    title: str = ""
    note: str = ""
    end: str = ""  # the name of a side output


@dataclass(frozen=True, slots=True)
class Past:
    """A line that leads past tensors of the path: from one to a later one, through ``words``."""

    start: int
    end: int
    words: str


@dataclass(frozen=True, slots=True)
class Trunk:
    """The tensors of the main path in their order; lines past some of them; and the side
    outputs, each with the tensor that it leaves from."""

    tensors: tuple[TrunkTensor, ...]
    past: tuple[Past, ...]
    sides: tuple[tuple[int, TrunkTensor], ...]


def trunk(network: Network, depth: int) -> Trunk:
    """The main path of a network, so many levels of its blocks open: the longest of those from
    its input to its result. A block within itself, such as the half of a U-Net, is of the same
    level. A block is open only where all that leads past its longest path is a row of layers.
    Raises ``ArchError`` (A906, A907)."""
    root = network.root
    if root.imports:
        raise _none(network, f"it has {len(root.imports) + 1} inputs")
    found: list[TrunkTensor] = [TrunkTensor(root.input, (), "paper", "input")]
    result = _TrunkWalk().add(root, [0], found, depth)
    made = _trunk(found, result)
    if made is None:
        raise _none(network, "the paths beside its longest one are more than chains of layers")
    return made


def _none(network: Network, reason: str) -> ArchError:
    return ArchError([diagnose(codes.NO_TRUNK, name=network.name, reason=reason)])


class _TrunkWalk:
    """Takes the blocks of a network apart that have a trunk. ``plain`` are those that have one, by
    the part and how many levels may be open in it."""

    def __init__(self) -> None:
        self.plain: dict[tuple[int, int], bool] = {}

    def add(
        self,
        part: Part,
        sources: list[int],
        found: list[TrunkTensor],
        depth: int,
        use: Applied | None = None,
    ) -> int:
        """Adds the tensors of a part, whose operands are the ``sources``. The number of its
        result."""
        whole = sketch(part, use)
        numbers = {0: sources[0], **{-k: n for k, n in enumerate(sources) if k}}
        for place, piece in enumerate(whole.pieces):
            if len(found) > MOST_SHAPES:
                raise too_large()
            inputs = tuple(numbers[n] for n in piece.inputs)
            numbers[place + 1] = self.tensors(piece, inputs, found, depth, part)
        return numbers[whole.result]

    def tensors(
        self,
        piece: Glyph,
        inputs: tuple[int, ...],
        found: list[TrunkTensor],
        depth: int,
        around: Part,
    ) -> int:
        """Adds the tensors that a piece of a part makes; the number of the last."""
        if isinstance(piece, DrawnExit):
            return inputs[0]
        end = piece.name.rpartition(".")[2] if piece.side is not None else ""
        if isinstance(piece, DrawnBlock):
            within_itself = piece.part.definition == around.definition is not None
            left = depth if within_itself else depth - 1
            if left and piece.repeat == 1 and not end and self.is_plain(piece.part, left):
                sources = [inputs[0]] * (len(piece.part.imports) + 1)
                for door, number in zip(piece.doors, inputs, strict=True):
                    sources[door] = number
                return self.add(piece.part, sources, found, left, piece.use)
            times = f" x {piece.repeat}" if piece.repeat > 1 else ""
            title, text = piece.name.rpartition(".")[2] + times, notes.of_block(piece).text
            tensor = TrunkTensor(piece.shape, inputs, "block", title, title, text, end)
        elif isinstance(piece, DrawnJoin):
            text = notes.of_join(piece, tuple(found[n].shape for n in inputs)).text
            tensor = TrunkTensor(piece.shape, inputs, "join", piece.words, note=text)
        else:
            assert isinstance(piece, Stack)
            main = next((s for s in piece.strips if not s.light), piece.strips[0])
            text = "\n".join(notes.of_strip(s).text for s in piece.strips)
            tensor = TrunkTensor(
                piece.shape, inputs, main.layer.kind, main.words, note=text, end=end
            )
        found.append(tensor)
        return len(found) - 1

    def is_plain(self, part: Part, depth: int) -> bool:
        """Whether an open block has a trunk: all but its longest path are rows of layers."""
        key = id(part), depth
        if key not in self.plain:
            self.plain[key] = part.kind not in ("dense", "fractal") and self._has_trunk(part, depth)
        return self.plain[key]

    def _has_trunk(self, part: Part, depth: int) -> bool:
        found = [TrunkTensor(shape, (), "paper", "") for shape in (part.input, *part.imports)]
        imports = range(1, len(found))
        result = self.add(part, list(range(len(found))), found, depth)
        return _trunk(found, result, imports) is not None


def _trunk(found: list[TrunkTensor], result: int, imports: Iterable[int] = ()) -> Trunk | None:
    """The trunk of tensors in an order in which they can be made; nothing where there is none."""
    length = [0] * len(found)
    for number, tensor in enumerate(found):
        if tensor.inputs:
            length[number] = 1 + max(length[n] for n in tensor.inputs)
    path = [result]
    while found[path[-1]].inputs:
        path.append(max(found[path[-1]].inputs, key=lambda n: length[n]))
    path.reverse()
    if path[0] in imports:
        return None
    places = {number: place for place, number in enumerate(path)}
    outside = {*places, *imports}

    @cache
    def row(number: int) -> tuple[int, tuple[str, ...]] | None:
        """Where a row of layers beside the path begins, and what it is made of."""
        words: list[str] = []
        while number not in outside:
            tensor = found[number]
            if len(tensor.inputs) != 1:
                return None
            words.append(tensor.words)
            (number,) = tensor.inputs
        return number, tuple(reversed(words))

    past: list[Past] = []
    for place, number in enumerate(path):
        taken = list(found[number].inputs)
        if taken:
            taken.remove(path[place - 1])
        for other in taken:
            begun = row(other)
            if begun is None:
                return None
            if begun[0] in places:
                past.append(Past(places[begun[0]], place, ", ".join(begun[1])))
    used = {n for tensor in found for n in tensor.inputs} | {result}
    sides: list[tuple[int, TrunkTensor]] = []
    for number, tensor in enumerate(found):
        if number in used or number in outside:
            continue
        begun = row(number)
        if begun is None or begun[0] not in places:
            return None
        sides.append((places[begun[0]], tensor))
    tensors = [replace(found[n], inputs=()) for n in path]
    return Trunk(tuple(tensors), tuple(past), tuple(sides))
