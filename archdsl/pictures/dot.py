"""A drawing in the DOT language of Graphviz: blocks that are open are clusters."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.ir.network import Network, Part
from archdsl.layers.base import show_shape
from archdsl.pictures.boxes import times
from archdsl.pictures.drawing import short_name, summary
from archdsl.pictures.palette import on_paper
from archdsl.pictures.sketch import Block, Join, Piece, Stack, sketch

HEAD = """  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=11]
  edge [fontname="Helvetica", fontsize=9]
  graph [fontname="Helvetica", fontsize=12, color="#c5ccd4"]"""


def dot(network: Network, depth: int = 2, down: bool = True) -> str:
    """The network as a digraph, so many levels of its blocks open."""
    root = network.root
    source = f'  "input" [label={_quoted("input " + show_shape(root.input))}, fillcolor="#ffffff"]'
    writer = _Writer(depth)
    lines = list(writer.part(root, "", ["input"], 1, "  "))
    result = (
        f'  "output" [label={_quoted("output " + show_shape(root.shape))}, fillcolor="#ffffff"]'
    )
    lines += [result, *writer.edges, f'  {_quoted(writer.results[""])} -> "output"']
    head = f"  rankdir={'TB' if down else 'LR'}\n{HEAD}"
    return "\n".join([f"digraph {_quoted(network.name)} {{", head, source, *lines, "}"]) + "\n"


class _Writer:
    """Writes parts. ``results`` are the nodes that their values leave from, by their paths;
    ``edges`` stand for themselves, since a cluster takes in every node that it names."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.results: dict[str, str] = {}
        self.edges: list[str] = []

    def part(
        self, part: Part, prefix: str, sources: list[str], level: int, indent: str
    ) -> Iterator[str]:
        """The nodes of a part whose input and imports leave from these nodes."""
        whole = sketch(part)
        values = {-i: source for i, source in enumerate(sources)}
        for place, piece in enumerate(whole.pieces):
            coming = [values[n] for n in piece.inputs]
            path = prefix + piece.name
            if isinstance(piece, Block) and (piece.part.kind == "turn" or level < self.depth):
                yield from self._cluster(piece, path, prefix, coming, level, indent)
            else:
                yield f"{indent}{_quoted(path)} [{_style(piece)}]"
                for node, n in zip(coming, piece.inputs, strict=True):
                    label = _quoted(show_shape(whole.shape(n)))
                    self.edges.append(f"  {_quoted(node)} -> {_quoted(path)} [label={label}]")
                self.results[path] = path
            values[place + 1] = self.results[path]
        self.results[prefix.removesuffix(".")] = values[whole.result]

    def _cluster(
        self, block: Block, path: str, prefix: str, coming: list[str], level: int, indent: str
    ) -> Iterator[str]:
        loop = block.part.kind == "turn"
        title = f"{'' if loop else short_name(block)} {times(block.repeat)}".strip()
        yield f"{indent}subgraph {_quoted('cluster_' + path)} {{"
        yield f'{indent}  label={_quoted(title)}; style="{"dashed" if loop else "rounded"}"'
        inner = prefix if loop else f"{path}."
        kept = self.results.get(prefix.removesuffix("."), "")
        yield from self.part(block.part, inner, coming, level + (not loop), indent + "  ")
        if loop:
            self.results[path] = self.results[prefix.removesuffix(".")]
            self.results[prefix.removesuffix(".")] = kept
        yield f"{indent}}}"


def _style(piece: Piece) -> str:
    if isinstance(piece, Stack):
        heavy = next((s for s in piece.strips if not s.light), piece.strips[0])
        text = "\n".join(s.words for s in piece.strips) + f"\n{times(piece.repeat)}".rstrip()
        return f'label={_quoted(text)}, fillcolor="{on_paper(heavy.layer.kind)}"'
    if isinstance(piece, Join):
        shape = ', shape=circle, width=0.2, fixedsize=true, style=""' if piece.sign else ""
        return f'label={_quoted(piece.sign or piece.layer.name)}, fillcolor="#ffffff"{shape}'
    assert isinstance(piece, Block)
    text = "\n".join(t for t in (f"{short_name(piece)} {times(piece.repeat)}", summary(piece)) if t)
    return f'label={_quoted(text.strip())}, fillcolor="{on_paper("block")}"'


def _quoted(text: str) -> str:
    """A text as a quoted string of DOT."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{plain}"'
