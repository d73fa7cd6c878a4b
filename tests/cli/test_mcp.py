"""The tools for coding agents, asked by the SDK's own client over standard input and output."""

import asyncio
import os
import re
import sys
from collections.abc import Awaitable, Callable
from inspect import signature
from pathlib import Path
from threading import Lock
from typing import Any

import pytest

import archdsl

if os.environ.get("ARCHDSL_REQUIRE_ALL") != "1":
    pytest.importorskip("mcp")

from mcp import Client, StdioServerParameters, stdio_client

from archdsl.cli.mcp import INSTRUCTIONS, MOST, MOST_SAID, bounded
from archdsl.cli.tools import TOOLS
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import diagnose

SPEC = "arch a(w = 8 in 4..16)\ninput 3x8x8\nconv(w, 3) -> relu\nglobal_avgpool -> linear(10)\n"
USING = 'arch a\nuse "mine/parts.arch"\ninput 3x8x8\nmine(8)\n'
PARTS = "block mine(w) { conv(w, 3) -> relu }\n"
Ask = Callable[..., Awaitable[Any]]


def talk(asked: Callable[[Client, Ask], Awaitable[None]], folder: Path) -> None:
    """Starts the server in a folder, and asks. ``ask`` gives data or text, or raises ``ValueError``
    with what a refusal says."""
    failed: list[BaseException] = []

    async def run() -> None:
        command = ["-P", "-m", "archdsl", "mcp"]
        server = StdioServerParameters(
            command=sys.executable, args=command, cwd=folder, env=dict(os.environ)
        )
        async with Client(stdio_client(server)) as client:

            async def ask(tool: str, **arguments: Any) -> Any:
                found = await client.call_tool(tool, arguments)
                text = found.content[0].text
                if found.is_error:
                    raise ValueError(text)
                return text if found.structured_content is None else found.structured_content

            try:
                await asked(client, ask)
            except Exception as error:  # the client would wrap it
                failed.append(error)

    asyncio.run(asyncio.wait_for(run(), 120))
    if failed:
        raise failed[0]


def test_each_tool_answers(tmp_path: Path) -> None:
    arch = archdsl.parse(SPEC).with_knobs(w=16)

    async def asked(client: Client, ask: Ask) -> None:
        tools = (await client.list_tools()).tools
        assert [t.name for t in tools] == ["check", "summary", "explain", "fit", "draw", "source"]
        assert all(t.annotations is not None and t.annotations.read_only_hint for t in tools)

        assert client.instructions == INSTRUCTIONS
        example = INSTRUCTIONS[INSTRUCTIONS.index("## ") : INSTRUCTIONS.index("`check`")]
        checked = await ask("check", spec=example)
        assert checked["ok"] and checked["text"] == ""
        assert checked["space"]["how"] == "all 18 assignments"

        wrong = await ask("check", spec=SPEC.replace("relu", "reluu"))
        assert not wrong["ok"]
        (mistake,) = wrong["diagnostics"]
        assert (mistake["code"], mistake["labels"][0]["line"]) == ("A101", 3)
        assert "did you mean `relu`?" in wrong["text"]
        warned = await ask("check", spec=SPEC.replace("conv(w, 3)", "conv(8, 3)"))
        assert warned["ok"] and [d["code"] for d in warned["diagnostics"]] == ["A972"]

        summed = await ask("summary", spec=SPEC, knobs={"w": 16})
        assert summed["params"] == 618 and summed["rows"][0]["shape"] == "16x8x8"
        for shape in ([3, 16, 16], "3x16x16"):
            assert (await ask("summary", spec=SPEC, input=shape))["input"] == "3x16x16"

        (first, *_) = (await ask("explain", spec=SPEC))["lines"]
        assert first["written"] == "conv(w, 3)" and first["params"] == 8 * 28
        effect = await ask("explain", spec=SPEC, knob="w")
        assert effect["closed_form"]["params"] == "38 w + 10"

        asked = {"spec": SPEC, "cost": "params", "budget": "540"}
        fitted = await ask("fit", **asked, by=["w"])
        assert await ask("fit", **asked, by="w") == fitted
        assert fitted["solved"] == {"w": "14"} and "arch a(w = 14)" in fitted["spec"]
        assert (await ask("summary", spec=fitted["spec"]))["hash"] == fitted["hash"]

        assert (await ask("draw", spec=SPEC)).startswith("<svg")
        flow = await ask("draw", spec=SPEC, form="mermaid")
        assert flow.startswith("flowchart TB") and "3x3 conv, 8" in flow
        source = arch.source().replace("<text>", "spec.arch")
        assert await ask("source", spec=SPEC, knobs={"w": 16}) == source

    talk(asked, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_call_reads_what_is_handed_in_and_has_bounds(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "parts.arch").write_text(PARTS)

    async def asked(client: Client, ask: Ask) -> None:
        async def refused(said: str, tool: str, **arguments: Any) -> None:
            with pytest.raises(ValueError, match=said):
                await ask(tool, **arguments)

        handed = await ask("source", spec=USING, files={"mine/parts.arch": PARTS})
        assert "class Mine(" in handed
        for files in ({}, {"other.arch": PARTS}):
            await refused("there is no file `mine/parts.arch`", "source", spec=USING, files=files)
        beside = {"spec": USING.replace("mine/", "../"), "files": {"../parts.arch": PARTS}}
        await refused("outside the spec's folder", "source", **beside)
        built_in = await ask("check", spec=SPEC.replace("input", 'use "lib/residual.arch"\ninput'))
        assert built_in["ok"]

        endless = await ask("check", spec="arch a\ninput 3x8x8\nrepeat 10 ^ 9 { relu }\n")
        assert [d["code"] for d in endless["diagnostics"]] == ["A404"]
        many = {"files": {f"{n}.arch": "#" * 40_000 for n in range(6)}}
        await refused(
            "must be at most 200,000 characters in all, but it is 240,000",
            "source",
            spec=SPEC,
            **many,
        )
        again = SPEC.replace("\n", '\nuse "none.arch"' * 201 + "\n", 1)
        handed = {"files": {"none.arch": ""}}
        await refused("more than 200 files", "source", spec=again, **handed)

        await refused("^`depth` of `draw` must be less than or equal to 100$", "draw", spec=SPEC,
                      depth=1000)  # fmt: skip
        await refused("^`draw` takes no `format`: it takes .*`form`, `depth`$", "draw", spec=SPEC,
                      format="mermaid")  # fmt: skip
        await refused("^`form` of `draw` must be 'svg' or 'mermaid'$", "draw", spec=SPEC, form="x")
        await refused("^`draw` needs `spec`$", "draw")
        await refused("`shape` of `input` must be", "draw", spec=SPEC, input="3 by 8")
        fit = {"spec": SPEC, "cost": "macs", "budget": "1G"}
        await refused("^`by` of `fit` must be ", "fit", **fit, by=["w"] * 100_000)
        with pytest.raises(ValueError) as twice:
            await ask("fit", **fit, by="w," * 100_000 + "w")
        assert str(twice.value).count("A703") == 1
        await refused("at most 50,000 characters", "source", spec=SPEC + "#" * 50_000)
        await refused("there is no knob called `wide`", "source", spec=SPEC, knobs={"wide": 1})

    talk(asked, tmp_path)


def test_every_argument_is_in_the_document() -> None:
    text = (Path(__file__).parents[2] / "docs" / "agents.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (`.*?) \|", text, re.MULTILINE)
    named = {tool: re.findall(r"`(\w+)`", arguments) for tool, arguments in rows}
    assert named == {tool.__name__: list(signature(tool).parameters) for tool in TOOLS}


def test_mistakes_are_no_longer_than_an_agent_can_bear() -> None:
    from mcp.server.mcpserver.exceptions import ToolError

    def wrong() -> None:
        raise archdsl.ArchError([diagnose(codes.SAID_TWICE, what="w" * 500)] * 90)

    with pytest.raises(ToolError) as caught:
        bounded(wrong, Lock())()
    assert len(str(caught.value)) < MOST_SAID + 50
    assert re.search(r"\n\.\.\. and \d\d\d lines more$", str(caught.value))


def test_an_answer_is_no_longer_than_an_agent_can_bear() -> None:
    from mcp.server.mcpserver.exceptions import ToolError

    long = bounded(lambda: "x" * (MOST + 1), Lock())
    with pytest.raises(ToolError, match="500,001 characters, more than 500,000"):
        long()
    assert bounded(lambda: "short", Lock())() == "short"
