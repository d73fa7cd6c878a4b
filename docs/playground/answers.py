"""What the playground says of a text. It runs in Pyodide, and anywhere else.

``Session.read`` answers first and fast; what takes longer is asked for afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from archdsl.analysis.lines import by_line
from archdsl.analysis.space import prove
from archdsl.diagnostics.export import to_dict
from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.diagnostics.render import render
from archdsl.diagnostics.source import Source
from archdsl.elaborate.knobs import Knob
from archdsl.files import Library
from archdsl.layers.base import show_shape
from archdsl.pictures.svg import svg
from archdsl.pictures.views import draw
from archdsl.spec import Architecture, Spec
from archdsl.units import human, human_bytes

RUNS = 300  # of a proof, before the rest of a space is sampled
POINTS = 17  # of a curve


class Session:
    """The text that is being edited, and the network that its knobs make."""

    def __init__(self) -> None:
        self.arch: Architecture | None = None

    def read(self, text: str, settings: Mapping[str, str]) -> dict[str, Any]:
        """Mistakes, what each line makes, knobs and figures. A setting of a knob that the text
        no longer has is left out."""
        self.arch, self.source = None, Source("spec.arch", text)
        answer: dict[str, Any] = {"mistakes": [], "lines": {}, "knobs": [], "figures": []}
        try:
            spec = Spec(self.source, Library(None))
            given = {name: value for name, value in settings.items() if name in spec.knobs}
            answer["knobs"] = [plain_knob(knob, given) for knob in spec.knobs.values()]
            self.arch = arch = spec.candidate(given)
        except ArchError as error:
            answer["mistakes"] = self.mistakes(error.diagnostics)
            return answer
        answer["lines"] = {n: p.hint for n, p in by_line(arch.network, self.source).items()}
        answer["figures"] = figures(arch)
        answer["name"] = arch.name
        return answer

    def mistakes(self, found: tuple[Diagnostic, ...]) -> list[dict[str, Any]]:
        """Each with its whole text, and the places of it that are in the text edited."""
        plain = [to_dict(d) | {"text": render([d]).strip()} for d in found]
        for mistake in plain:
            labels = mistake["labels"] + mistake["trail"]
            mistake["places"] = [p for p in labels if p["file"] == self.source.name]
        return plain

    def drawing(self, depth: int) -> str:
        """The network as SVG, so many levels open."""
        arch = self.network
        return svg(draw(arch.network, arch.shown_knobs, depth=depth, first_only=depth > 2))

    def python(self) -> str:
        """Its PyTorch source."""
        return self.network.source()

    def curve(self, name: str) -> dict[str, Any]:
        """What the network costs for values of a knob, or why one makes none."""
        arch, rows = self.network, []
        for value in some_values(arch.spec.knobs[name]):
            row: dict[str, Any] = {"value": arch.spec.knobs[name].show(value)}
            try:
                other = arch.with_knobs(**{name: value})
                row |= {"params": other.params, "macs": other.macs, "depth": other.depth}
            except ArchError as error:
                row["mistake"] = error.diagnostics[0].message
            rows.append(row)
        return {"knob": name, "rows": rows}

    def proof(self) -> dict[str, Any]:
        """Whether every candidate is a network, or one that is none."""
        found = prove(self.network.spec.program, RUNS)
        wrong = found.counterexample
        if wrong is None:
            said = "every candidate is a network" if found.complete else "no mistake was found"
            return {"holds": True, "said": f"{said} ({found.how})", "mistakes": []}
        knobs = ", ".join(f"{k} = {v}" for k, v in wrong.knobs.items())
        said = f"not every candidate is a network: not with {knobs}"
        return {"holds": False, "said": said, "mistakes": self.mistakes(wrong.diagnostics)}

    @property
    def network(self) -> Architecture:
        assert self.arch is not None, "asked for after `read` has found no mistake"
        return self.arch


def plain_knob(knob: Knob, given: Mapping[str, str]) -> dict[str, Any]:
    """A knob as JSON values; ``values`` are those of a small domain."""
    domain = knob.domain
    few = domain is not None and domain.count is not None and domain.count <= POINTS
    return {
        "name": knob.name,
        "value": given.get(knob.name, knob.show(knob.default)),
        "default": knob.show(knob.default),
        "domain": "" if domain is None else str(domain),
        "values": [knob.show(v) for v in domain.enumerate()] if few and domain else [],
        "about": knob.doc,
    }


def some_values(knob: Knob) -> list[Any]:
    """All values of a small domain, else some from end to end."""
    domain = knob.domain
    if domain is None:
        return [knob.default]
    if domain.count is not None and domain.count <= POINTS:
        return list(domain.enumerate())
    return list(dict.fromkeys(domain.at(i / (POINTS - 1)) for i in range(POINTS)))


def figures(arch: Architecture) -> list[tuple[str, str]]:
    """What is told of a network, as names and texts."""
    memory = arch.memory(32)
    field = show_shape(arch.receptive_field)
    return [
        ("input", show_shape(arch.input)),
        ("output", show_shape(arch.output)),
        ("parameters", f"{arch.params:,}"),
        ("MACs", f"{arch.macs:,}"),
        ("activations", human(arch.activations)),
        ("depth", f"{arch.depth} weighted layers"),
        *([("receptive field", field)] if field else []),
        ("memory to train, batch 32", human_bytes(memory.training)),
    ]


SESSION = Session()


def answer(method: str, arguments: str) -> str:
    """One question as JSON, and its answer: for JavaScript."""
    return json.dumps(getattr(SESSION, method)(*json.loads(arguments)))
