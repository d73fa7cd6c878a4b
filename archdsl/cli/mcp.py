"""``archdsl mcp``: check, cost, draw and compile specs, as tools for coding agents."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import TYPE_CHECKING, Any

import click

from archdsl import __version__
from archdsl.cli.output import check_streams
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.diagnostics.render import render

if TYPE_CHECKING:
    from pydantic import ValidationError

MOST = 500_000  # characters of an answer
MOST_SAID = 20_000  # characters of what is said of mistakes
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
    check_streams()
    server.run("stdio")


def make_server() -> Any:
    """The server with its tools. One call runs at a time, so that what it may take is bounded."""
    from mcp.server.mcpserver import MCPServer
    from mcp.server.mcpserver.exceptions import ToolError
    from mcp.server.mcpserver.tools import Tool
    from mcp.types import ToolAnnotations
    from pydantic import ValidationError

    from archdsl.cli.tools import TOOLS

    class Strict(Tool):
        """A tool that takes what it names alone, and says in plain words what is wrong."""

        async def run(self, arguments: dict[str, Any], *rest: Any, **named: Any) -> Any:
            known = list(self.parameters["properties"])
            unknown = [name for name in arguments if name not in known]
            if unknown:
                raise ToolError(
                    f"`{self.name}` takes no `{unknown[0][:80]}`: it takes {_names(known)}"
                )
            try:
                self.fn_metadata.validate_arguments(arguments)
            except ValidationError as problem:
                raise ToolError(_in_words(self.name, problem)) from None
            return await super().run(arguments, *rest, **named)

    hints = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
    turn = Lock()
    made = []
    for each in TOOLS:
        as_data = each.__annotations__["return"] != "str"  # a text needs no schema
        tool = Strict.from_function(
            bounded(each, turn), annotations=hints, structured_output=as_data
        )
        tool.parameters["additionalProperties"] = False
        made.append(tool)
    return MCPServer(
        "archdsl",
        instructions=INSTRUCTIONS,
        version=__version__,
        tools=made,
        log_level="CRITICAL",  # what an agent is told says it already
    )


def _names(known: list[str]) -> str:
    return ", ".join(f"`{name[:80]}`" for name in known)


def _in_words(tool: str, problem: ValidationError) -> str:
    """What is wrong with the arguments of a call, each said once."""
    found: dict[str, list[str]] = {}
    for error in problem.errors(include_url=False, include_input=False):
        found.setdefault(str(error["loc"][0]), []).append(str(error["msg"]))
    lines = []
    for name, said in found.items():
        parts = dict.fromkeys(text.removeprefix("Input should be ") for text in said)
        if "Field required" in parts:
            lines.append(f"`{tool}` needs `{name}`")
        else:
            lines.append(f"`{name}` of `{tool}` must be {' or '.join([*parts][:4])}")
    return "\n".join(lines)


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
            raise ToolError(_cut(render(error.diagnostics))) from None
        size = len(str(answer))
        if size > MOST:
            raise ToolError(f"the answer has {size:,} characters, more than {MOST:,}")
        return answer

    return run


def _cut(text: str) -> str:
    """A text, or as many of its first lines as an agent can bear, and how many were left out."""
    if len(text) <= MOST_SAID:
        return text
    kept = text[:MOST_SAID].rsplit("\n", 1)[0]
    left = text.count("\n") - kept.count("\n")
    return f"{kept}\n... and {left:,} lines more"
