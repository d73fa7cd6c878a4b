"""A drawing as a flowchart of Mermaid, which Markdown pages show: blocks that are open are
subgraphs."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.ir.network import Network
from archdsl.pictures.palette import on_paper
from archdsl.pictures.structure import Closed, Mark, Opened, OutlineNode, outline

ENTITIES = {c: f"#{ord(c)};" for c in '"#&<>;`'}


def mermaid(network: Network, depth: int = 2, down: bool = True) -> str:
    """The network as a flowchart, so many levels of its blocks open."""
    marks, edges = outline(network, depth)
    nodes = [mark for mark in marks if isinstance(mark, OutlineNode)]
    names = {node.path: f"n{i}" for i, node in enumerate(nodes)}
    lines = [f"flowchart {'TB' if down else 'LR'}", *_inside(marks, names)]
    for edge in edges:
        arrow = f"-->|{_quoted(edge.shape)}|" if edge.shape else "-->"
        lines.append(f"  {names[edge.source]} {arrow} {names[edge.target]}")
    for kind in sorted({node.kind for node in nodes}):
        lines.append(f"  classDef {kind} fill:{on_paper(kind)},stroke:#4a525c,color:#1a1d21")
    return "\n".join(lines) + "\n"


def _inside(marks: list[Mark], names: dict[str, str]) -> Iterator[str]:
    indent, blocks = "  ", 0
    for mark in marks:
        if isinstance(mark, Opened):
            yield f"{indent}subgraph b{blocks} [{_quoted(mark.title or ' ')}]"
            blocks, indent = blocks + 1, indent + "  "
        elif isinstance(mark, Closed):
            indent = indent[2:]
            yield f"{indent}end"
        else:
            yield f"{indent}{names[mark.path]}{_shaped(mark)}:::{mark.kind}"


def _shaped(node: OutlineNode) -> str:
    text = _quoted("\n".join(node.lines))
    return f"(({text}))" if node.sign else f"[{text}]"


def _quoted(text: str) -> str:
    """A text as a string of Mermaid, in which what it would read as markup are entities."""
    plain = "".join(ENTITIES.get(c, c if c.isprintable() or c == "\n" else "\ufffd") for c in text)
    return '"' + plain.replace("\n", "<br/>") + '"'
