"""Values of ``archdsl.editing`` as those of the protocol."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lsprotocol import types

from archdsl.diagnostics.model import Diagnostic
from archdsl.diagnostics.source import Span
from archdsl.editing.colours import LEGEND, Colour
from archdsl.editing.completion import Completion
from archdsl.editing.described import CallableSignature
from archdsl.editing.item import CompletionChoice
from archdsl.editing.outline import Symbol
from archdsl.editing.signatures import Signature
from archdsl.server.documents import Document
from archdsl.server.text_positions import TextPositions
from archdsl.syntax import tree

SYMBOLS = {
    "arch": types.SymbolKind.Class,
    "knob": types.SymbolKind.Property,
    "block": types.SymbolKind.Class,
    "fn": types.SymbolKind.Function,
    "let": types.SymbolKind.Variable,
    "tensor": types.SymbolKind.Variable,
    "variant": types.SymbolKind.EnumMember,
    "label": types.SymbolKind.Namespace,
    "output": types.SymbolKind.Interface,
    "search": types.SymbolKind.Class,
    "statement": types.SymbolKind.Field,
}
ITEMS = {
    "layer": types.CompletionItemKind.Function,
    "pattern": types.CompletionItemKind.Keyword,
    "function": types.CompletionItemKind.Function,
    "fn": types.CompletionItemKind.Function,
    "block": types.CompletionItemKind.Class,
    "class": types.CompletionItemKind.Class,
    "knob": types.CompletionItemKind.Property,
    "cost": types.CompletionItemKind.Property,
    "property": types.CompletionItemKind.Property,
    "argument": types.CompletionItemKind.Field,
    "word": types.CompletionItemKind.EnumMember,
    "value": types.CompletionItemKind.Value,
    "keyword": types.CompletionItemKind.Keyword,
    "file": types.CompletionItemKind.File,
}
MODIFIERS = ("declaration", "defaultLibrary")
SEVERITIES = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
}


def diagnostic(found: Diagnostic, document: Document, at: TextPositions) -> types.Diagnostic:
    """A mistake. One in another file stands where that is used."""
    span = found.span
    place, message = _place(span, document), found.message
    if span is not None and span.source is not at.source:
        message = f"{span.place}: {message}"
    said = [message, *found.notes]
    if found.knobs and found.trail:
        said.append("with " + ", ".join(f"{k} = {v}" for k, v in found.knobs.items()))
    said += [f"help: {help}" for help in found.helps]
    return types.Diagnostic(
        at.range(place),
        "\n".join(said),
        SEVERITIES.get(found.kind.severity, types.DiagnosticSeverity.Error),
        found.code,
        source="archdsl",
        related_information=_related(found, document, at),
    )


def _place(span: Span | None, document: Document) -> Span:
    """A place in the text of a document, for one that may be in a file that it uses."""
    source = document.reading.source
    first = Span(source, 0, max(source.text.find("\n"), 0) or min(len(source.text), 1))
    if span is None:
        return first
    if span.source is source:
        return span
    for node in document.reading.file.statements:
        if isinstance(node, tree.Use) and node.path.value == span.source.name:
            return node.path.span
    return first


def _related(
    found: Diagnostic, document: Document, at: TextPositions
) -> list[types.DiagnosticRelatedInformation] | None:
    """The other places of a mistake, and the blocks that led to it."""
    places = [(label.span, label.text) for label in found.labels if label.text]
    places += [(frame.span, f"in {frame.name}") for frame in found.trail]
    made = []
    for span, text in places:
        uri = document.uri_of(span.source)
        if uri is not None:
            where = at if span.source is at.source else TextPositions(span.source)
            location = types.Location(uri, where.range(span))
            made.append(types.DiagnosticRelatedInformation(location, text))
    return made or None


def markdown(text: str) -> types.MarkupContent:
    return types.MarkupContent(types.MarkupKind.Markdown, text)


def symbol(found: Symbol, at: TextPositions) -> types.DocumentSymbol:
    return types.DocumentSymbol(
        found.name,
        SYMBOLS[found.kind],
        at.range(found.whole.to(found.span)),
        at.range(found.span),
        detail=found.kind,
        children=[symbol(child, at) for child in found.children],
    )


def completion(found: Completion, at: TextPositions) -> types.CompletionList:
    place = at.range(found.word)
    items = [_item(item, number, place) for number, item in enumerate(found.items)]
    return types.CompletionList(False, items)


def _item(item: CompletionChoice, number: int, place: types.Range) -> types.CompletionItem:
    return types.CompletionItem(
        item.label,
        kind=ITEMS.get(item.kind, types.CompletionItemKind.Variable),
        detail=item.detail or None,
        documentation=markdown(item.about) if item.about else None,
        sort_text=f"{number:04}",
        text_edit=types.TextEdit(place, item.insert or item.label),
    )


def signature(found: Signature) -> types.SignatureHelp:
    made = types.SignatureInformation(
        found.described.label,
        markdown(_short(found.described)),
        [
            types.ParameterInformation(a.label, markdown(a.expected) if a.expected else None)
            for a in found.described.arguments
        ],
    )
    active = found.active if found.active >= 0 else len(found.described.arguments)
    return types.SignatureHelp([made], 0, active)


def _short(found: CallableSignature) -> str:
    return found.about.split("\n\n")[0] or found.kind


def tokens(found: Sequence[Colour], at: TextPositions) -> types.SemanticTokens:
    """Five numbers for each name: lines and columns after the one before it, length, type,
    modifiers."""
    data: list[int] = []
    line = column = 0
    for colour in found:
        start, end = at.position(colour.span.start), at.position(colour.span.end)
        if end.line != start.line:
            continue
        data += [
            start.line - line,
            start.character - (column if start.line == line else 0),
            end.character - start.character,
            LEGEND.index(colour.type),
            colour.defined + 2 * colour.built_in,
        ]
        line, column = start.line, start.character
    return types.SemanticTokens(data)


def edits(
    found: Iterable[tuple[str, Span, str]], at: TextPositions, encoding: str
) -> types.WorkspaceEdit:
    """Edits of several texts, by their URIs."""
    changes: dict[str, list[types.TextEdit]] = {}
    for uri, span, text in found:
        where = at if span.source is at.source else TextPositions(span.source, encoding)
        changes.setdefault(uri, []).append(types.TextEdit(where.range(span), text))
    return types.WorkspaceEdit(changes)
