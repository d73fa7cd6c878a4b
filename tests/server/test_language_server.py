"""The language server, asked by a real client over its standard input and output."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

if os.environ.get("ARCHDSL_REQUIRE_ALL") != "1":
    pytest.importorskip("pytest_lsp")

import pytest_lsp
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

from archdsl.diagnostics.source import Source, Span
from archdsl.server.text_positions import TextPositions

SPEC = "arch a(w = 8 in 4..16)\ninput 3x8x8\nconv(w, 3) -> bn\nglobal_avgpool -> linear(10)\n"
SERVER = [sys.executable, "-P", "-m", "archdsl", "lsp"]


@pytest_lsp.fixture(config=ClientServerConfig(server_command=SERVER))  # type: ignore[untyped-decorator]
async def client(lsp_client: LanguageClient) -> AsyncIterator[None]:
    for refresh in (types.WORKSPACE_CODE_LENS_REFRESH, types.WORKSPACE_INLAY_HINT_REFRESH):
        lsp_client.feature(refresh)(lambda params: None)
    asked = types.InitializeParams(capabilities=client_capabilities("visual-studio-code"))
    await lsp_client.initialize_session(asked)
    yield
    await lsp_client.shutdown_session()


def open_text(client: LanguageClient, path: Path, text: str) -> types.TextDocumentIdentifier:
    uri = path.as_uri()
    client.text_document_did_open(
        types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "arch", 1, text))
    )
    return types.TextDocumentIdentifier(uri)


def change(client: LanguageClient, at: types.TextDocumentIdentifier, text: str) -> None:
    client.text_document_did_change(
        types.DidChangeTextDocumentParams(
            types.VersionedTextDocumentIdentifier(2, at.uri),
            [types.TextDocumentContentChangeWholeDocument(text)],
        )
    )


Told = list[tuple[int, int, str]]


async def told(client: LanguageClient, uri: str, wanted: Told) -> None:
    """Waits until just these mistakes are told: others may come before, of the text as it was."""

    def now() -> Told | None:
        found = client.diagnostics.get(uri)
        if found is None:
            return None
        places = [(d.range.start, d.message.split("\n")) for d in found]
        return [
            (at.line, at.character, " / ".join(dict.fromkeys(m[:1] + m[-1:]))) for at, m in places
        ]

    while now() != wanted:
        notified = client.wait_for_notification("textDocument/publishDiagnostics")
        await asyncio.wait_for(notified, 60)


async def lens(client: LanguageClient, at: types.TextDocumentIdentifier) -> Any:
    found = await client.text_document_code_lens_async(types.CodeLensParams(at))
    return None if not found else found[0].command.title  # type: ignore[union-attr]


@pytest.mark.asyncio
async def test_an_edit_is_answered_with_mistakes_hints_and_corrections(
    client: LanguageClient, tmp_path: Path
) -> None:
    at = open_text(client, tmp_path / "a.arch", SPEC)
    await told(client, at.uri, [])
    everything = types.Range(types.Position(0, 0), types.Position(9, 0))
    hints = await client.text_document_inlay_hint_async(types.InlayHintParams(at, everything))
    assert [(h.position.line, h.position.character, h.label) for h in hints or ()] == [
        (2, 16, "8x8x8, 240 params, 13.82K MACs"),
        (3, 28, "10, 90 params, 80 MACs"),
    ]
    change(client, at, SPEC.replace("bn", "bnn"))
    wrong = "there is no layer or block called `bnn` / help: did you mean `bn`?"
    await told(client, at.uri, [(2, 14, wrong)])
    actions = await client.text_document_code_action_async(
        types.CodeActionParams(at, everything, types.CodeActionContext([]))
    )
    assert [a.title for a in actions or ()] == ["replace `bnn` by `bn`"]


@pytest.mark.asyncio
async def test_the_space_is_proved_in_the_background(
    client: LanguageClient, tmp_path: Path
) -> None:
    at = open_text(client, tmp_path / "a.arch", SPEC.replace("bn", "slice(1, 6)"))
    wrong = "channels 1 to 6 cannot be taken: there are 4"
    await told(client, at.uri, [(2, 14, wrong)])
    assert await lens(client, at) == "13 candidates: not every one is a network: not with w = 4"


@pytest.mark.asyncio
async def test_names_are_followed_and_changed_across_files(
    client: LanguageClient, tmp_path: Path
) -> None:
    library = tmp_path / "blocks.arch"
    library.write_text("block unit(c) { conv(c, 3) -> bn }\n")
    main = tmp_path / "net.arch"
    main.write_text('use "blocks.arch": unit\narch a\ninput 3x8x8\nunit(8)\n')
    at = open_text(client, main, main.read_text())
    place = types.Position(3, 1)
    found = await client.text_document_definition_async(types.DefinitionParams(at, place))
    assert isinstance(found, types.Location)
    assert (found.uri, found.range.start.character) == (library.as_uri(), 6)
    asked = types.RenameParams(at, place, "part")
    edit = await client.text_document_rename_async(asked)
    assert edit is not None and edit.changes is not None
    assert {uri.rsplit("/", 1)[1]: len(e) for uri, e in edit.changes.items()} == {
        "blocks.arch": 1,
        "net.arch": 2,
    }
    # from the library's side too
    own = open_text(client, library, library.read_text())
    asked = types.RenameParams(own, types.Position(0, 7), "part")
    assert await client.text_document_rename_async(asked) == edit
    where = types.ReferenceParams(
        types.ReferenceContext(include_declaration=False), own, types.Position(0, 7)
    )
    references = await client.text_document_references_async(where)
    assert sorted(r.range.start.line for r in references or ()) == [0, 3]


@pytest.mark.asyncio
async def test_the_rest_of_what_an_editor_asks(client: LanguageClient, tmp_path: Path) -> None:
    text = "arch a(w = 8)\ninput 3x8x8\n# \U0001d6fc\nconv(w,3) ->bn\n"
    at = open_text(client, tmp_path / "a.arch", text)
    place = types.Position(3, 8)
    hover = await client.text_document_hover_async(types.HoverParams(at, types.Position(3, 1)))
    assert hover is not None and isinstance(hover.contents, types.MarkupContent)
    assert hover.contents.value.endswith("Here: 8x8x8, 240 params, 13.82K MACs")
    help = await client.text_document_signature_help_async(types.SignatureHelpParams(at, place))
    assert help is not None and help.active_parameter == 1
    listed = await client.text_document_completion_async(types.CompletionParams(at, place))
    assert isinstance(listed, types.CompletionList) and listed.items
    edits = await client.text_document_formatting_async(
        types.DocumentFormattingParams(at, types.FormattingOptions(2, True))
    )
    assert [e.new_text for e in edits or ()] == [
        "arch a(w = 8)\ninput 3x8x8\n# \U0001d6fc\nconv(w, 3) -> bn\n"
    ]
    symbols = await client.text_document_document_symbol_async(types.DocumentSymbolParams(at))
    assert [s.name for s in symbols or ()] == ["a"]
    tokens = await client.text_document_semantic_tokens_full_async(types.SemanticTokensParams(at))
    assert tokens is not None and len(tokens.data) == 5 * 5
    assert await client.text_document_folding_range_async(types.FoldingRangeParams(at)) == ()


@pytest.mark.asyncio
async def test_knobs_are_set_for_what_hints_show(client: LanguageClient, tmp_path: Path) -> None:
    async def ask(command: str, *arguments: Any) -> Any:
        asked = types.ExecuteCommandParams(f"archdsl.server.{command}", list(arguments))
        return await client.workspace_execute_command_async(asked)

    async def first_hint() -> Any:
        whole = types.Range(types.Position(0, 0), types.Position(9, 0))
        found = await client.text_document_inlay_hint_async(types.InlayHintParams(at, whole))
        return found[0].label if found else None

    at = open_text(client, tmp_path / "a.arch", SPEC)
    (knob,) = await ask("knobs", at.uri)
    assert (knob["name"], knob["value"], knob["values"][-1]) == ("w", "8", "16")
    await ask("setKnob", at.uri, "w", "16")
    assert await first_hint() == "16x8x8, 480 params, 27.65K MACs"
    change(client, at, SPEC.replace("bn", "relu"))
    assert await first_hint() == "16x8x8, 448 params, 27.65K MACs"
    lenses = await client.text_document_code_lens_async(types.CodeLensParams(at))
    assert lenses is not None and lenses[-1].command.title == "hints of w = 16"  # type: ignore[union-attr]
    with pytest.raises(JsonRpcException, match="99"):
        await ask("setKnob", at.uri, "w", "99")
    await ask("setKnob", at.uri, "w", None)
    assert await first_hint() == "8x8x8, 224 params, 13.82K MACs"


@pytest.mark.asyncio
async def test_a_block_is_drawn_where_it_stands(client: LanguageClient, tmp_path: Path) -> None:
    text = "arch a\ninput 3x8x8\nblock unit(c) { conv(c, 3) -> tanh }\nunit(8)\nrelu\n"
    at = open_text(client, tmp_path / "a.arch", text)
    for line, drawn in ((2, "unit"), (3, "unit"), (4, None)):
        asked = types.ExecuteCommandParams("archdsl.server.draw", [at.uri, line, 1])
        found: Any = await client.workspace_execute_command_async(asked)
        assert (None if found is None else found["name"]) == drawn
        assert found is None or ("tanh" in found["svg"] and "relu" not in found["svg"])


def test_positions_count_code_units() -> None:
    source = Source("a", "a\U0001d6fcb\nc")
    for encoding, at in (("utf-8", 5), ("utf-16", 3), ("utf-32", 2)):
        positions = TextPositions(source, encoding)
        assert positions.range(Span(source, 2, 3)).start == types.Position(0, at)
        assert positions.offset(types.Position(0, at)) == 2
        assert positions.offset(types.Position(9, 9)) == len(source.text)
        assert positions.offset(types.Position(0, 99)) == 3
