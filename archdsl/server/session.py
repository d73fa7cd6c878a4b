"""The server as it runs: what was agreed on with the editor, and what goes on in the background."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from archdsl import __version__
from archdsl.diagnostics.model import Diagnostic
from archdsl.editing.lenses import Cancelled, Verified, verified
from archdsl.server import convert
from archdsl.server.documents import Document, Documents
from archdsl.server.text_positions import TextPositions

SOON = 0.02  # seconds after an edit until it is answered, if no other comes
PAUSE = 0.3  # and until its space is proved


class Server(LanguageServer):
    """The open texts and the settings: ``hints``, ``costs`` (in hints), ``proof``."""

    def __init__(self) -> None:
        super().__init__("archdsl", __version__)
        self.documents = Documents()
        self.settings: dict[str, bool] = {"hints": True, "costs": True, "proof": True}
        self.running: dict[str, asyncio.Task[None]] = {}
        if not os.environ.get("ARCHDSL_DEBUG"):  # what an editor is answered says it already
            logging.getLogger("pygls").setLevel(logging.CRITICAL)

    @property
    def encoding(self) -> str:
        return str(getattr(self.workspace.position_encoding, "value", "utf-16"))

    def configure(self, given: Any) -> None:
        """Takes the settings that are named; others stay."""
        if isinstance(given, dict) and isinstance(given.get("archdsl"), dict):
            given = given["archdsl"]
        if isinstance(given, dict):
            for name in self.settings:
                if isinstance(given.get(name), bool):
                    self.settings[name] = given[name]

    def document(self, uri: str) -> Document:
        """A text as it is now, read if it has changed since it was last asked for."""
        text = self.workspace.get_text_document(uri)
        known = self.documents.open.get(uri)
        if known is not None and known.reading.source.text == text.source:
            return known
        return self.documents.put(uri, text.source, text.version, self.settings["costs"])

    def at(self, document: Document) -> TextPositions:
        return TextPositions(document.reading.source, self.encoding)

    def offset(self, document: Document, position: types.Position) -> int:
        return self.at(document).offset(position)

    # ------------------------------------------------------------------ in the background

    def changed(self, uri: str) -> None:
        """Answers an edit soon, and proves its space if no other comes."""
        known = self.documents.open.get(uri)
        if known is not None:
            known.stop.set()
        before = self.running.get(uri)
        if before is not None:
            before.cancel()
        self.running[uri] = asyncio.get_running_loop().create_task(self.settle(uri))

    async def settle(self, uri: str) -> None:
        await asyncio.sleep(SOON)
        document = self.document(uri)
        self.publish(document)
        for user in self.documents.users(document):
            text = user.reading.source.text
            self.publish(self.documents.put(user.uri, text, user.version, user.costs))
        await self.refresh()
        if not self.settings["proof"]:
            return
        await asyncio.sleep(PAUSE)
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(
                None, verified, document.reading, document.stop.is_set
            )
        except Cancelled:
            return
        self.proved(document, found)
        await self.refresh()

    def proved(self, document: Document, found: Verified) -> None:
        if self.documents.open.get(document.uri) is document:
            document.verified = found
            self.publish(document)

    def publish(self, document: Document) -> None:
        """Tells the mistakes of a text."""
        found: list[Diagnostic] = list(document.reading.found)
        if document.verified is not None:
            known = {(d.code, d.span, d.message) for d in found}
            found += [
                d for d in document.verified.found if (d.code, d.span, d.message) not in known
            ]
        at = self.at(document)
        made = [convert.diagnostic(d, document, at) for d in found]
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(document.uri, made, document.version)
        )

    async def refresh(self) -> None:
        """Asks an editor that can to ask for hints and lenses again."""
        can = self.client_capabilities.workspace
        if can is None:
            return
        try:
            if can.code_lens is not None and can.code_lens.refresh_support:
                await self.workspace_code_lens_refresh_async(None)
            if can.inlay_hint is not None and can.inlay_hint.refresh_support:
                await self.workspace_inlay_hint_refresh_async(None)
        except JsonRpcException:
            pass  # it said that it can, and cannot: it shows what it has until it asks
