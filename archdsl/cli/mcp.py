"""``archdsl mcp``: check, cost, draw and compile specs, as tools for coding agents."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import Any

import click

from archdsl import __version__
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.diagnostics.render import render

MOST = 500_000  # characters of an answer
INSTRUCTIONS = """\
archdsl is a language for neural network architectures. A spec says its knobs and their values in
the header, then layers in the order of the data; `->` joins them, shapes are channels first, and
`repeat`, `block`, `branch`, `residual` stand for what their names say:

## A small residual network.
arch small(width = 32 in {16, 32, 64}, depth = 3 in 1..6)
input 3x32x32
block unit(width, stride = 1) {
  residual(shortcut = conv(width, 1, stride)) {
    conv(width, 3, stride, bias = false) -> bn -> relu
    conv(width, 3, bias = false) -> bn
  } -> relu
}
conv(width, 3, bias = false) -> bn -> relu
repeat depth { unit(width) }
unit(2 * width, stride = 2)
global_avgpool -> linear(10)

`check` first: it finds mistakes in every candidate of the knobs, and says where they are.
"""


@click.command()
def command() -> None:
    """Offer check, summary, explain, fit, draw and source to coding agents, over standard input
    and output, by the Model Context Protocol.

    An agent starts it: see docs/agents.md. Specs come and go as text; nothing is written.
    """
    try:
        server = make_server()
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("mcp", "mcp_types", "pydantic"):
            raise
        raise ArchError([diagnose(codes.NEEDS_PACKAGE, package="mcp", extra="mcp")]) from None
    server.run("stdio")


def make_server() -> Any:
    """The server with its tools. One call runs at a time, so that what it may take is bounded."""
    from mcp.server.mcpserver import MCPServer
    from mcp.types import ToolAnnotations

    from archdsl.cli.tools import TOOLS

    server = MCPServer(
        "archdsl",
        instructions=INSTRUCTIONS,
        version=__version__,
        log_level="CRITICAL",  # what an agent is told says it already
    )
    hints = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
    turn = Lock()
    for tool in TOOLS:
        as_data = tool.__annotations__["return"] != "str"  # a text needs no schema
        server.add_tool(bounded(tool, turn), annotations=hints, structured_output=as_data)
    return server


def bounded(tool: Callable[..., Any], turn: Lock) -> Callable[..., Any]:
    """A tool that runs alone, whose mistakes are texts, and whose answer is no longer than an
    agent can bear."""
    from mcp.server.mcpserver.exceptions import ToolError

    @wraps(tool)
    def run(**arguments: Any) -> Any:
        try:
            with turn:
                answer = tool(**arguments)
        except ArchError as error:
            raise ToolError(render(error.diagnostics)) from None
        size = len(str(answer))
        if size > MOST:
            raise ToolError(f"the answer has {size:,} characters, more than {MOST:,}")
        return answer

    return run
