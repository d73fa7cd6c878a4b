"""What the backend reads in the spec's own text: doc comments, and which statement a step
belongs to. Line breaks are no part of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from archdsl.diagnostics.source import Span
from archdsl.syntax import tree

STATEMENTS = (tree.Apply, tree.Labelled, tree.Kept, tree.Output, tree.Let, tree.Fn)
Place = tuple[str, int, int]


class Written:
    """The files of a spec, by place: the trees are walked when first asked for."""

    def __init__(self, files: Iterable[tree.File]) -> None:
        self.files = {file.span.source.name: file for file in files}
        self.starts: dict[str, dict[tuple[int, int], int]] = {}
        self.names: dict[str, dict[int, str]] = {}  # of tensors, by the end of their statement

    def doc(self, node: tree.Node) -> str:
        """The ``##`` comment above a block, or an empty text."""
        file = self.files.get(node.span.source.name)
        return "" if file is None else file.doc(node)

    def kept_as(self, span: Span) -> str:
        """The name under which the spec keeps the result of the layer at this place: that of
        the last layer of ``... as name``."""
        name = span.source.name
        known = self.names.get(name)
        if known is None:
            file = self.files.get(name)
            nodes = () if file is None else file.walk()
            kept = (node for node in nodes if isinstance(node, tree.Kept))
            known = self.names[name] = {k.statement.span.end: k.name.text for k in kept}
        return known.get(span.end, "")

    def statement(self, span: Span) -> int:
        """Where the statement begins that a layer of this place belongs to: the innermost one
        around it."""
        name = span.source.name
        known = self.starts.get(name)
        if known is None:
            file = self.files.get(name)
            known = {} if file is None else dict(_places(file))
            self.starts[name] = known
        return known.get((span.start, span.end), span.start)


def _places(file: tree.File) -> Iterator[tuple[tuple[int, int], int]]:
    """Every node of a file with the start of its statement."""
    stack: list[tuple[tree.Node, int | None]] = [(file, None)]
    while stack:
        node, start = stack.pop()
        if isinstance(node, tree.Body):
            start = None
        elif start is None and isinstance(node, STATEMENTS):
            start = node.span.start
        if start is not None:
            yield (node.span.start, node.span.end), start
        stack.extend((child, start) for child in node.children())
