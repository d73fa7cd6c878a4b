"""What is to be said of a shape when it is pointed at: figures, and the line it comes from."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.analysis.figures import COUNTED
from archdsl.diagnostics.source import Span
from archdsl.graph.written import call
from archdsl.layers.base import Shape, show_shape
from archdsl.pictures.glyphs import DrawnBlock, DrawnJoin, Strip
from archdsl.pictures.words import call_words
from archdsl.units import counted, human

LONGEST = 300  # characters of source that are shown


@dataclass(frozen=True, slots=True)
class DrawingNote:
    """What is known of one thing drawn. ``name`` is its path within the part around it; costs
    are those of one application, for one image, but that ``params`` are of all repetitions where
    they are ``in_all``; ``drawn`` is what the drawing calls it, and ``shares`` says whose weights
    it has, if not its own."""

    name: str
    what: str
    shapes: str
    params: int = 0
    macs: int = 0
    repeat: int = 1
    place: str = ""
    source: str = ""
    drawn: str = ""
    in_all: bool = False
    shares: str = ""

    @property
    def text(self) -> str:
        """The note in lines."""
        count = counted(self.params, "parameter") + " in all" * self.in_all
        costs = [count] * bool(self.params)
        costs += [f"{human(self.macs)} MACs"] * bool(self.macs)
        lines = [
            f"{self.name}: {self.what}" if self.what else self.name,
            self.shapes + (f", x {self.repeat}" if self.repeat > 1 else ""),
            ", ".join(costs) + (" each" if costs[self.in_all :] and self.repeat > 1 else ""),
            self.shares,
            f"{self.place}  {self.source}" if self.place else "",
        ]
        return "\n".join(line for line in lines if line)


def _place(span: Span) -> tuple[str, str]:
    """``resnet.arch:68`` and what is written there, on one line."""
    text = span.words
    if len(text) > LONGEST:
        text = text[: LONGEST - 1] + "…"
    return f"{span.source.name}:{span.line}", text


def _shapes(before: tuple[Shape, ...], after: Shape) -> str:
    """``64x56x56 to 256x56x56``."""
    shown = list(dict.fromkeys(map(show_shape, before)))
    return f"{' and '.join(shown[:3])}{' and others' * (len(shown) > 3)} to {show_shape(after)}"


def _shares(module: str, params: int) -> str:
    """``weights of eye, shared``, and that they count in another place if they do."""
    if not module:
        return ""
    return f"weights of {module}, shared" + ", counted at their first use" * (not params)


def of_strip(strip: Strip) -> DrawingNote:
    shapes, shares = _shapes((strip.input,), strip.shape), _shares(strip.shares, strip.params)
    place, words = _place(strip.span), strip.words
    costs = strip.params, strip.macs
    return DrawingNote(strip.name, strip.call, shapes, *costs, 1, *place, words, shares=shares)


def of_block(block: DrawnBlock) -> DrawingNote:
    part = block.part
    each, _, macs, *_ = COUNTED.of_part(part)
    in_all = block.params != block.repeat * each and block.repeat > 1
    params = block.params if in_all else block.params // block.repeat
    shares = _shares(block.shares if each else "", params)
    shapes = _shapes((part.input, *part.imports), part.shape)
    what = call_words(part) if part.kind == "block" else ""
    costs, place = (params, macs, block.repeat), _place(block.span)
    return DrawingNote(block.name, what, shapes, *costs, *place, in_all=in_all, shares=shares)


def of_join(join: DrawnJoin, inputs: tuple[Shape, ...]) -> DrawingNote:
    costs = join.params, join.macs
    shapes = _shapes(inputs, join.shape)
    return DrawingNote(join.name, call(join.layer), shapes, *costs, 1, *_place(join.span))
