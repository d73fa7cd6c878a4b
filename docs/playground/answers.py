"""What the playground says of a text. It runs in Pyodide, and anywhere else.

``Session.read`` answers first and fast; what takes longer is asked for afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any

from archdsl.analysis.curve import curve
from archdsl.diagnostics.export import to_dict
from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.diagnostics.render import render
from archdsl.editing.chosen import figures, knobs_of
from archdsl.editing.hints import Hint, carried, hints
from archdsl.editing.lenses import Cancelled, verified
from archdsl.editing.reading import Reading, read
from archdsl.files import Library
from archdsl.pictures.svg import svg
from archdsl.pictures.views import draw
from archdsl.spec import Architecture, Spec

RUNS = 300  # of a proof, before the rest of a space is sampled
SECONDS = 5.0  # of a proof: no other question is answered meanwhile
POINTS = 17  # of a curve
TOO_LONG = "to prove all candidates takes longer than this page waits: `archdsl check` does it"
NAME = "spec.arch"


class Session:
    """The text that is being edited, and the network that its knobs make."""

    def __init__(self) -> None:
        self.arch: Architecture | None = None
        self.reading: Reading = read("", NAME)
        self.hints: list[Hint] = []

    def read(self, text: str, settings: Mapping[str, str]) -> dict[str, Any]:
        """Mistakes, what each line makes, knobs and figures. A setting of a knob that the text
        no longer has is left out."""
        before, self.arch = self.reading, None
        self.reading = reading = read(text, NAME)
        program, found = reading.program, list(reading.found)
        given = {k: v for k, v in settings.items() if program is not None and k in program.knobs}
        answer: dict[str, Any] = {"knobs": knobs_of(reading, given), "figures": []}
        if not found:
            try:
                self.arch = Spec(reading.source, Library(None)).candidate(given)
                answer |= {"figures": figures(self.arch), "name": self.arch.name}
            except ArchError as error:
                found += error.diagnostics
        told = hints(reading, network=None if self.arch is None else self.arch.network)
        if found:
            told = carried(before.source.text, text, self.hints, told)
        self.hints = told
        lines = {hint.line: hint.text for hint in told}
        return answer | {"mistakes": self.mistakes(found), "lines": lines}

    def mistakes(self, found: Sequence[Diagnostic]) -> list[dict[str, Any]]:
        """Each with its whole text, and the places of it that are in the text edited."""
        plain = [to_dict(d) | {"text": render([d]).strip()} for d in found]
        for mistake in plain:
            labels = mistake["labels"] + mistake["trail"]
            mistake["places"] = [p for p in labels if p["file"] == NAME]
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
        knob = self.network.spec.knobs[name]
        rows = curve(self.network, knob, ("params", "macs"), POINTS)
        return {"knob": name, "rows": list(rows)}

    def proof(self) -> dict[str, Any]:
        """Whether every candidate is a network, or one that is none; and warnings."""
        end = monotonic() + SECONDS
        try:
            made = verified(self.reading, lambda: monotonic() > end, RUNS)
        except Cancelled:
            return {"said": TOO_LONG, "mistakes": []}
        wrong = any(d.kind.severity == "error" for d in made.found)
        said = "; ".join(lens.text for lens in made.lenses)
        return {"holds": not wrong, "said": said, "mistakes": self.mistakes(made.found)}

    @property
    def network(self) -> Architecture:
        assert self.arch is not None, "asked for after `read` has found no mistake"
        return self.arch


SESSION = Session()


def answer(method: str, arguments: str) -> str:
    """One question as JSON, and its answer: for JavaScript."""
    return json.dumps(getattr(SESSION, method)(*json.loads(arguments)))
