"""A drawing in the DOT language of Graphviz: blocks that are open are clusters."""

from __future__ import annotations

from archdsl.ir.network import Network
from archdsl.pictures.palette import on_paper
from archdsl.pictures.structure import Closed, Opened, OutlineNode, outline

HEAD = """  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=11]
  edge [fontname="Helvetica", fontsize=9]
  graph [fontname="Helvetica", fontsize=12, color="#c5ccd4"]"""
CIRCLE = ', shape=circle, width=0.2, fixedsize=true, style=""'


def dot(network: Network, depth: int = 2, down: bool = True) -> str:
    """The network as a digraph, so many levels of its blocks open."""
    marks, edges = outline(network, depth)
    lines = [f"digraph {_quoted(network.name)} {{", f"  rankdir={'TB' if down else 'LR'}\n{HEAD}"]
    indent = "  "
    for mark in marks:
        if isinstance(mark, Opened):
            lines.append(f"{indent}subgraph {_quoted('cluster_' + mark.path)} {{")
            style = "dashed" if mark.loop else "rounded"
            lines.append(f'{indent}  label={_quoted(mark.title)}; style="{style}"')
            indent += "  "
        elif isinstance(mark, Closed):
            indent = indent[2:]
            lines.append(f"{indent}}}")
        else:
            lines.append(f"{indent}{_quoted(mark.path)} [{_style(mark)}]")
    # Edges stand for themselves: a cluster takes in every node that it names.
    for edge in edges:
        label = f" [label={_quoted(edge.shape)}]" if edge.shape else ""
        lines.append(f"  {_quoted(edge.source)} -> {_quoted(edge.target)}{label}")
    return "\n".join([*lines, "}"]) + "\n"


def _style(node: OutlineNode) -> str:
    colour = on_paper(node.kind)
    text = "\n".join(node.lines)
    return f'label={_quoted(text)}, fillcolor="{colour}"{CIRCLE if node.sign else ""}'


def _quoted(text: str) -> str:
    """A text as a quoted string of DOT."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{plain}"'
