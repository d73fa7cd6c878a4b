"""What is to be said of a shape when it is pointed at: figures, and the line it comes from."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.analysis.figures import COUNTED
from archdsl.diagnostics.source import Span
from archdsl.graph.written import call
from archdsl.layers.base import Shape, show_shape
from archdsl.pictures.sketch import Block, Join, Strip
from archdsl.pictures.words import call_words
from archdsl.units import counted, human

LONGEST = 300  # characters of source that are shown


@dataclass(frozen=True, slots=True)
class Note:
    """What is known of one thing drawn. ``name`` is its path within the part around it; costs
    are those of one application, for one image; ``drawn`` is what the drawing calls it."""

    name: str
    what: str
    shapes: str
    params: int = 0
    macs: int = 0
    repeat: int = 1
    place: str = ""
    source: str = ""
    drawn: str = ""

    @property
    def text(self) -> str:
        """The note in lines."""
        costs = [counted(self.params, "parameter")] * bool(self.params)
        costs += [f"{human(self.macs)} MACs"] * bool(self.macs)
        lines = [
            f"{self.name}: {self.what}" if self.what else self.name,
            self.shapes + (f", x {self.repeat}" if self.repeat > 1 else ""),
            ", ".join(costs) + (" each" if costs and self.repeat > 1 else ""),
            f"{self.place}  {self.source}" if self.place else "",
        ]
        return "\n".join(line for line in lines if line)


def _place(span: Span) -> tuple[str, str]:
    """``resnet.arch:68`` and what is written there, on one line."""
    text = " ".join(span.text.split())
    if len(text) > LONGEST:
        text = text[: LONGEST - 1] + "…"
    return f"{span.source.name}:{span.line}", text


def _shapes(before: tuple[Shape, ...], after: Shape) -> str:
    """``64x56x56 to 256x56x56``."""
    shown = list(dict.fromkeys(map(show_shape, before)))
    return f"{' and '.join(shown[:3])}{' and others' * (len(shown) > 3)} to {show_shape(after)}"


def of_strip(strip: Strip) -> Note:
    shapes = _shapes((strip.input,), strip.shape)
    place, words = _place(strip.span), strip.words
    return Note(strip.name, strip.call, shapes, strip.params, strip.macs, 1, *place, words)


def of_block(block: Block) -> Note:
    part = block.part
    params, _, macs, *_ = COUNTED.of_part(part)
    shapes = _shapes((part.input, *part.imports), part.shape)
    what = call_words(part) if part.kind == "block" else ""
    return Note(block.name, what, shapes, params, macs, block.repeat, *_place(block.span))


def of_join(join: Join, inputs: tuple[Shape, ...]) -> Note:
    return Note(
        join.name, call(join.layer), _shapes(inputs, join.shape), 0, 0, 1, *_place(join.span)
    )
