"""What the server answers: one function for each request of the protocol."""

from __future__ import annotations

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from archdsl.diagnostics.model import ArchError
from archdsl.diagnostics.source import Span
from archdsl.editing.colours import LEGEND, colours
from archdsl.editing.completion import complete
from archdsl.editing.fixes import fixes
from archdsl.editing.hover import hover
from archdsl.editing.lenses import quick
from archdsl.editing.outline import folds, symbols
from archdsl.editing.signatures import signature_at
from archdsl.resolve.rename import NAMED
from archdsl.resolve.table import NameUse
from archdsl.server import convert, navigation
from archdsl.server.commands import add_commands
from archdsl.server.session import Server
from archdsl.server.text_positions import TextPositions
from archdsl.syntax.format import format_source


def make_server() -> Server:
    """A server with all its features, to be started on streams."""
    server = Server()
    _texts(server)
    _shown(server)
    _asked(server)
    _names(server)
    _edited(server)
    add_commands(server)
    return server


def _texts(server: Server) -> None:
    """Texts are opened, changed and closed; settings come."""

    @server.feature(types.INITIALIZE)
    def initialize(ls: Server, params: types.InitializeParams) -> None:
        ls.configure(params.initialization_options)

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def configured(ls: Server, params: types.DidChangeConfigurationParams) -> None:
        ls.configure(params.settings)
        for document in list(ls.documents.open.values()):
            text = document.reading.source.text
            ls.documents.put(document.uri, text, document.version, ls.settings["costs"])
            ls.changed(document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    async def opened(ls: Server, params: types.DidOpenTextDocumentParams) -> None:
        ls.changed(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(ls: Server, params: types.DidChangeTextDocumentParams) -> None:
        ls.changed(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    async def closed(ls: Server, params: types.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        running = ls.running.pop(uri, None)
        if running is not None:
            running.cancel()
        ls.documents.close(uri)
        ls.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))


def _shown(server: Server) -> None:
    """What an editor shows of a whole text."""

    @server.feature(types.TEXT_DOCUMENT_INLAY_HINT)
    def hints(ls: Server, params: types.InlayHintParams) -> list[types.InlayHint]:
        if not ls.settings["hints"]:
            return []
        document = ls.document(params.text_document.uri)
        at, wanted = ls.at(document), params.range
        return [
            types.InlayHint(
                at.line_end(hint.line),
                hint.text,
                tooltip=convert.markdown(hint.full),
                padding_left=True,
            )
            for hint in document.hints
            if wanted.start.line < hint.line <= wanted.end.line + 1
        ]

    @server.feature(types.TEXT_DOCUMENT_CODE_LENS)
    def lenses(ls: Server, params: types.CodeLensParams) -> list[types.CodeLens]:
        document = ls.document(params.text_document.uri)
        at, found = ls.at(document), document.verified
        lenses = quick(document.reading) if found is None else found.lenses
        texts = [(lens.span, lens.text) for lens in lenses]
        if document.said_of_knobs and lenses:
            texts.append((lenses[0].span, document.said_of_knobs))
        return [types.CodeLens(at.range(span), types.Command(text, "")) for span, text in texts]

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def outline(ls: Server, params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        document = ls.document(params.text_document.uri)
        at = ls.at(document)
        return [convert.symbol(found, at) for found in symbols(document.reading)]

    @server.feature(types.TEXT_DOCUMENT_FOLDING_RANGE)
    def folding(ls: Server, params: types.FoldingRangeParams) -> list[types.FoldingRange]:
        document = ls.document(params.text_document.uri)
        return [
            types.FoldingRange(first - 1, last - 1, kind=types.FoldingRangeKind(kind))
            for first, last, kind in folds(document.reading)
        ]

    @server.feature(
        types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL,
        types.SemanticTokensLegend(list(LEGEND), list(convert.MODIFIERS)),
    )
    def tokens(ls: Server, params: types.SemanticTokensParams) -> types.SemanticTokens:
        document = ls.document(params.text_document.uri)
        return convert.tokens(colours(document.reading), ls.at(document))


def _asked(server: Server) -> None:
    """What an editor asks of a place."""

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hovered(ls: Server, params: types.HoverParams) -> types.Hover | None:
        document = ls.document(params.text_document.uri)
        found = hover(document.reading, ls.offset(document, params.position))
        if found is None:
            return None
        return types.Hover(convert.markdown(found.markdown), ls.at(document).range(found.span))

    @server.feature(
        types.TEXT_DOCUMENT_COMPLETION,
        types.CompletionOptions(trigger_characters=["(", ",", "=", " ", '"', "."]),
    )
    def completed(ls: Server, params: types.CompletionParams) -> types.CompletionList:
        document = ls.document(params.text_document.uri)
        found = complete(document.reading, ls.offset(document, params.position))
        return convert.completion(found, ls.at(document))

    @server.feature(
        types.TEXT_DOCUMENT_SIGNATURE_HELP, types.SignatureHelpOptions(["(", ","], [","])
    )
    def signature(ls: Server, params: types.SignatureHelpParams) -> types.SignatureHelp | None:
        document = ls.document(params.text_document.uri)
        found = signature_at(document.reading, ls.offset(document, params.position))
        return None if found is None else convert.signature(found)


def _names(server: Server) -> None:
    """Where names are defined and used."""

    def location(ls: Server, found: navigation.Found) -> types.Location:
        uri, span = found
        return types.Location(uri, TextPositions(span.source, ls.encoding).range(span))

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    def definition(ls: Server, params: types.DefinitionParams) -> types.Location | None:
        document = ls.document(params.text_document.uri)
        found = navigation.definition_at(document, ls.offset(document, params.position))
        return None if found is None else location(ls, found)

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    def references(ls: Server, params: types.ReferenceParams) -> list[types.Location]:
        document = ls.document(params.text_document.uri)
        offset = ls.offset(document, params.position)
        found = navigation.references(ls.documents, document, offset)
        if not params.context.include_declaration:
            meant = navigation.definition_at(document, offset)
            found = [f for f in found if f != meant]
        return [location(ls, f) for f in found]

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT)
    def highlights(
        ls: Server, params: types.DocumentHighlightParams
    ) -> list[types.DocumentHighlight]:
        document = ls.document(params.text_document.uri)
        table, at = document.reading.names, ls.at(document)
        meant = table.definition_at(ls.offset(document, params.position))
        spans = [] if meant is None else table.references(meant)
        return [types.DocumentHighlight(at.range(s)) for s in spans if s.source is at.source]

    @server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    def prepared(
        ls: Server, params: types.PrepareRenameParams
    ) -> types.PrepareRenamePlaceholder | None:
        document = ls.document(params.text_document.uri)
        found = document.reading.names.at(ls.offset(document, params.position))
        meant = found.definition if isinstance(found, NameUse) else found
        if found is None or meant is None or meant.kind not in NAMED:
            return None
        return types.PrepareRenamePlaceholder(ls.at(document).range(found.span), found.name)

    @server.feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
    def renamed(ls: Server, params: types.RenameParams) -> types.WorkspaceEdit:
        document = ls.document(params.text_document.uri)
        offset = ls.offset(document, params.position)
        try:
            made = navigation.renamed(ls.documents, document, offset, params.new_name)
        except ValueError as problem:
            raise JsonRpcInvalidParams(str(problem)) from None
        edits = [(uri, span, text) for (uri, span), text in made]
        return convert.edits(edits, ls.at(document), ls.encoding)


def _edited(server: Server) -> None:
    """Edits that the server proposes."""

    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    def formatted(
        ls: Server, params: types.DocumentFormattingParams
    ) -> list[types.TextEdit] | None:
        document = ls.document(params.text_document.uri)
        source = document.reading.source
        try:
            text = format_source(source, document.reading.language)
        except ArchError:
            return None
        if text == source.text:
            return []
        whole = ls.at(document).range(Span(source, 0, len(source.text)))
        return [types.TextEdit(whole, text)]

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions([types.CodeActionKind.QuickFix]),
    )
    def actions(ls: Server, params: types.CodeActionParams) -> list[types.CodeAction]:
        document = ls.document(params.text_document.uri)
        at = ls.at(document)
        first, last = at.offset(params.range.start), at.offset(params.range.end)
        later = document.verified.found if document.verified is not None else ()
        made = []
        for found in (*document.reading.found, *later):
            span = found.span
            if span is None or span.source is not at.source:
                continue
            if span.end < first or span.start > last:
                continue
            shown = convert.diagnostic(found, document, at)
            made += [
                types.CodeAction(
                    fix.title,
                    types.CodeActionKind.QuickFix,
                    [shown],
                    fix.sure,
                    edit=convert.edits(
                        [(document.uri, place, text) for place, text in fix.edits], at, ls.encoding
                    ),
                )
                for fix in fixes(document.reading, found)
            ]
        return made
