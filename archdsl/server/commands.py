"""The commands of the server: a knob set for what the hints show, and a block as a drawing."""

from __future__ import annotations

from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from archdsl.diagnostics.model import ArchError
from archdsl.editing.chosen import drawn_at, knobs_of, network_of
from archdsl.server.session import Server

KNOBS = "archdsl.server.knobs"
SET_KNOB = "archdsl.server.setKnob"
DRAW = "archdsl.server.draw"


def add_commands(server: Server) -> None:
    """The commands, each with the text's address first."""

    @server.command(KNOBS)
    def knobs(ls: Server, uri: str) -> list[dict[str, Any]]:
        document = ls.document(uri)
        return knobs_of(document.reading, document.knobs)

    @server.command(SET_KNOB)
    async def set_knob(ls: Server, uri: str, name: str, value: str | None = None) -> dict[str, str]:
        """The knobs that are set then; without a value, the knob has its default again."""
        document = ls.document(uri)
        program = document.reading.program
        if program is None or name not in program.knobs:
            raise JsonRpcInvalidParams(f"there is no knob `{name}`")
        chosen = {n: v for n, v in document.knobs.items() if n != name and n in program.knobs}
        if value is not None:
            chosen[name] = value
        try:
            network_of(document.reading, chosen)
        except ArchError as error:
            raise JsonRpcInvalidParams(error.diagnostics[0].message) from None
        text = document.reading.source.text
        document.knobs = chosen  # reading again shows them, and also what none is set for
        ls.documents.put(uri, text, document.version, document.costs)
        ls.changed(uri)
        return chosen

    @server.command(DRAW)
    def draw(ls: Server, uri: str, line: int, character: int) -> dict[str, str] | None:
        """The block at a place, as its name and SVG; nothing where there is none."""
        document = ls.document(uri)
        network = document.network
        if network is None:
            raise JsonRpcInvalidParams("the text has mistakes, and makes no network")
        offset = ls.offset(document, types.Position(line, character))
        try:
            found = drawn_at(document.reading, network, offset)
        except ArchError as error:
            raise JsonRpcInvalidParams(error.diagnostics[0].message) from None
        return None if found is None else {"name": found.name, "svg": found.svg}
