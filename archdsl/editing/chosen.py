"""What an editor chooses to see: the network of other knobs than the defaults, its figures, and one
block of it as a drawing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from archdsl import driver
from archdsl.editing.described import knob_values
from archdsl.editing.reading import Reading
from archdsl.ir.network import Network, Part
from archdsl.layers.base import show_shape
from archdsl.pictures.svg import svg
from archdsl.pictures.views import draw
from archdsl.settings import Decisions, read_settings
from archdsl.spec import Architecture
from archdsl.units import human, human_bytes

OPEN = 3  # levels of a block's drawing
BATCH = 32  # of the memory that is told


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawing of a block: its name, the shapes that come in and go out, and SVG."""

    name: str
    svg: str


def network_of(reading: Reading, knobs: Mapping[str, str]) -> Network | None:
    """The network of a text with these knobs, the others at their defaults; nothing where the
    text has mistakes. A knob that the text does not have is left out. Raises ``ArchError`` for a
    value that is wrong, and for values that make no network."""
    program = reading.program
    if program is None or reading.network is None:
        return reading.network
    known = {name: text for name, text in knobs.items() if name in program.knobs}
    if not known:
        return reading.network
    values = read_settings(program, known)
    return driver.elaborate(program, values, Decisions({}, program.fixed, {}))


def knobs_of(reading: Reading, chosen: Mapping[str, str]) -> list[dict[str, Any]]:
    """The knobs of a text, as JSON values: what each is now, values that it may have, and whether
    these are all."""
    if reading.program is None:
        return []
    return [
        {
            "name": knob.name,
            "value": chosen.get(knob.name, knob.show(knob.default)),
            "default": knob.show(knob.default),
            "domain": "" if knob.domain is None else str(knob.domain),
            "values": (values := knob_values(knob)),
            "all": knob.domain is not None and knob.domain.count == len(values),
            "about": knob.doc,
        }
        for knob in reading.program.knobs.values()
    ]


def figures(arch: Architecture) -> list[tuple[str, str]]:
    """What is told of a network, as names and texts."""
    memory = arch.memory(BATCH)
    field = show_shape(arch.receptive_field)
    return [
        *((name, show_shape(shape)) for name, shape in arch.inputs.items()),
        *((name, show_shape(shape)) for name, shape in arch.outputs.items()),
        ("parameters", f"{arch.params:,}"),
        ("MACs", f"{arch.macs:,}"),
        ("activations", human(arch.activations)),
        ("depth", f"{arch.depth} weighted layers"),
        *([("receptive field", field)] if field else []),
        (f"memory to train, batch {BATCH}", human_bytes(memory.training)),
    ]


def drawn_at(reading: Reading, network: Network, offset: int) -> Drawn | None:
    """The drawing of the innermost block at a place: where it is defined, where it is applied, or
    a labelled part. Nothing where there is none. Raises ``ArchError`` for one that is too large."""
    found = sorted(_parts_at(reading, network.root, offset, set()), key=lambda p: p[0])
    if not found:
        return None
    part = found[0][1]
    inputs = ("", *(f"kept{i}" for i in range(1, len(part.imports) + 1)))
    alone = Network(part.name, part, {}, inputs=inputs if part.imports else ("",))
    return Drawn(part.name, svg(draw(alone, {}, depth=OPEN, title=part.name)))


def _parts_at(
    reading: Reading, part: Part, offset: int, seen: set[int]
) -> Iterator[tuple[int, Part]]:
    """The blocks that a place belongs to, with the lengths of the texts that make them."""
    for step in part.steps:
        inner = step.op
        if not isinstance(inner, Part) or id(inner) in seen:
            continue
        seen.add(id(inner))
        if inner.kind != "turn":
            spans = [step.span]
            if inner.definition is not None:
                spans.append(inner.definition.span)
            for span in spans:
                if span.source is reading.source and span.start <= offset <= span.end:
                    yield span.end - span.start, inner
        yield from _parts_at(reading, inner, offset, seen)
