"""The text of a spec, from a graph of layers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from typing import NamedTuple

from archdsl.diagnostics.model import ArchError
from archdsl.diagnostics.source import Source
from archdsl.importing.blocks import blocks
from archdsl.importing.chained import LINE_STARTS, laid_out
from archdsl.importing.definition import BlockDefinition
from archdsl.importing.fold import stages
from archdsl.importing.known import Known
from archdsl.importing.library import library, with_library
from archdsl.importing.recurring import recurring
from archdsl.importing.render import Renderer
from archdsl.importing.scope import BlockScope
from archdsl.importing.series import PAD_TO, Levels
from archdsl.importing.style import KEYS, Style
from archdsl.importing.terms import UNUSED, Term, beside, keep, lift, renumber, walk
from archdsl.importing.values import Graph
from archdsl.importing.wrapped import INDENT, LONG, wrapped
from archdsl.layers.ids import Ids
from archdsl.syntax.format import format_source

ACTS = ("relu", "relu6", "silu", "gelu", "hardswish", "mish")  # that may be a knob
CHOICES = ("relu", "silu", "gelu", "hardswish")  # what it may be then, beside its own
SHALLOW = 8  # turns that may be as few as one, where they are a knob
LONGER = 1.1  # a text with blocks of several tensors, to be taken
SHORTER = 0.9  # a text with blocks of the library, to be taken
NAMED_PARTS = re.compile(r"^(block|use) ", re.MULTILINE)
PAGE = 32  # lines of a text, empty ones counted, whose blocks are better seen than used


class Width(NamedTuple):
    """A width as a knob: the common factor of the channels, and what else it may be."""

    value: int
    low: int
    high: int
    step: int

    @property
    def domain(self) -> str:
        return f"{self.low}..{self.high}" + f" step {self.step}" * (self.step > 1)


def write(
    graph: Graph,
    name: str,
    width: Width | None = None,
    plain: bool = False,
    depth: int = 0,
    more: Sequence[str] = (),
    library: bool = False,
    again: bool = False,
    nests: bool = True,
) -> str:
    """The text of a spec. ``width`` makes it a knob, ``depth`` how often parts repeat that
    do so at least so many times, ``more`` the ``kernel`` of blocks and the activation (``act``);
    ``plain`` leaves out blocks and loops. ``library`` uses blocks of the library, beside the gates;
    ``again`` makes blocks of what comes again without a module; the text is empty where there are
    none. ``nests`` has joins within joins."""
    writer = SpecWriter(graph, name, width, plain, depth, more, nests)
    if library and not with_library(writer.terms, writer.style):
        return ""
    writer.again = again
    text = writer.text()
    return "" if again and not writer.again else text


def texts(graph: Graph, name: str) -> Iterator[str]:
    """The texts of a spec, the one to be taken first. Those without joins within joins come before
    those with them, where they are not longer; those with blocks of several tensors before those
    without, where they are hardly longer; and those with blocks of the library first, where they
    are shorter than a long text."""
    graph.several = False
    writer = SpecWriter(graph, name)
    nested = writer.text()
    if writer.levels.nested:
        plain = ""
        with suppress(ArchError):  # what results of training take may stand in such joins alone
            plain = write(graph, name, nests=False)
        if 0 < _lines(plain) <= _lines(nested):
            yield from _with_several(graph, name, plain, False)
    yield from _with_several(graph, name, nested, True)


def _with_several(graph: Graph, name: str, alone: str, nests: bool) -> Iterator[str]:
    """The texts that are made of one, first those with blocks of several tensors."""
    graph.several, several = bool(graph.given), ""
    with suppress(ArchError):  # the others are there for what it cannot say
        several = write(graph, name, nests=nests) if graph.several else ""
    if 0 < several.count("\n") <= LONGER * alone.count("\n"):
        yield from _shortest(graph, name, several, nests)
    graph.several = False
    yield from _shortest(graph, name, alone, nests)


def _shortest(graph: Graph, name: str, own: str, nests: bool) -> Iterator[str]:
    """A text, and before it the one with blocks of the library, where that is to be taken, or the
    one without loops, where there are no blocks and that is shorter."""
    found = [own]
    if not NAMED_PARTS.search(own):
        plain = write(graph, name, plain=True, nests=nests)
        if _lines(plain) < _lines(own):
            found.append(plain)
    if own.count("\n") > PAGE:
        taken = False
        for library, again in ((True, False), (False, True)):
            used = write(graph, name, library=library or taken, again=again, nests=nests)
            if 0 < _lines(used) <= SHORTER * _lines(found[-1]):
                found.append(used)
                taken = library
    yield from reversed(found)


def _lines(text: str) -> int:
    """How many lines of a text say something."""
    return sum(1 for line in text.split("\n") if line)


class SpecWriter:
    """Writes the text of one graph."""

    def __init__(
        self,
        graph: Graph,
        name: str,
        width: Width | None = None,
        plain: bool = False,
        depth: int = 0,
        more: Sequence[str] = (),
        nests: bool = True,
    ) -> None:
        self.graph, self.name, self.plain, self.again = graph, name, plain, False
        self.width = width
        self.levels = levels = Levels(graph, not plain, nests)
        terms = levels.terms()
        self.style = Style(terms, graph.registry)
        if any(term.op == PAD_TO for term in walk(terms)):
            (block,) = (one.known for one in library() if one.known.name == PAD_TO)
            self.style.blocks[PAD_TO] = block
        self.style.starts = graph.starts
        self.style.width = width.value if width is not None else 0
        self.style.classes = levels.heads.classes
        if not any(term.op in LINE_STARTS for term in walk(terms)):
            self.style.wide.append("features")
        self._ramp(terms)
        # The chance of a drop grows with the place of a block among all of them.
        self.style.least = 0 if self.style.drop_path else depth
        self.terms = terms
        layers = [t for t in walk(terms) if t.kind == "layer"]
        if "act" in more:
            acts = [t.op for t in layers if t.op in ACTS and not t.args]
            self.style.act = max(acts, key=acts.count, default="")
        if "kernel" in more:
            convs = [t.args for t in layers if t.op == "conv" and t.args.get("pad") is None]
            sizes = [k for k in (a.get("kernel") for a in convs) if isinstance(k, int) and k > 1]
            self.style.kernel = max(sizes, key=sizes.count, default=0)

    def _ramp(self, terms: list[Term]) -> None:
        """Stochastic depth whose chance grows evenly: one knob, and the place of each block."""
        drops = [t for t in walk(terms) if t.kind == "residual" and t.args.get("drop")]
        if not drops:
            return
        found = sorted({t.args["drop"] for t in drops})
        highest = found[-1]
        for parts in range(1, 4 * len(drops) + 8):
            places = [highest * k / parts for k in range(parts + 1)]
            near = [min(range(parts + 1), key=lambda k, p=p: abs(places[k] - p)) for p in found]  # type: ignore[misc]
            if all(abs(places[k] - p) < 1e-7 for k, p in zip(near, found, strict=True)):
                break
        else:
            return
        # The last block may be dropped less often than the knob says: `drop * l / n`, l < n.
        top, count = Fraction(highest).limit_denominator(10**6), parts
        for more in range(parts, 2 * parts + 2):
            whole = top * more / parts
            if whole.denominator <= 20:
                top, count = whole, more
                break
        step = float(top) / count
        for chance in found:  # as it is written
            written = 1 - float(top) * round(chance / step) / count
            if f"{written:.10g}" != f"{1 - chance:.10g}":
                return
        self.style.drop_path, self.style.drops = float(top), count
        for term in drops:
            term.args["drop"] = round(term.args["drop"] / step)

    def text(self) -> str:
        style = self.style
        terms = self.sequence()
        body: list[str] = []
        for term in terms:
            body += self._loop(term) if term.kind == "for" else self._lines([term])
        texts = [block.text for block in style.blocks.values()]
        definitions = [line for text in texts if text for line in (*text, "")]
        head = [self.head(), "", *self.uses(), *self.input()]
        lines = [*head, *self._defaults(), "", *definitions, *body]
        tensors = {vertex.path for vertex in self.graph.inputs} - {""}
        for block in style.blocks.values():
            tensors |= {*block.tensors[0]} if isinstance(block, BlockDefinition) else set()
        if len(style.depths) == 1:
            lines = [re.sub(r"\bdepth1\b", "depth", line) for line in lines]
        text = "\n".join(wrapped(laid_out(lines, style.registry, tensors))) + "\n"
        return format_source(Source(self.name, text))

    def sequence(self) -> list[Term]:
        """The terms that the text is of, with blocks and loops."""
        if self.plain:
            return _opened(self.terms)
        found = stages(blocks(self.terms, self.style), self.style)
        if self.again:
            self.again = recurring(found, self.style)
            renumber(found)
        return found

    def uses(self) -> list[str]:
        """The line for what is of the library."""
        files: dict[str, list[str]] = {}
        for name, block in self.style.blocks.items():
            if isinstance(block, Known):
                files.setdefault(block.file, []).append(name)
        lines = [f'use "{file}": {", ".join(names)}' for file, names in sorted(files.items())]
        return [*lines, ""] if lines else []

    def input(self) -> list[str]:
        """The lines that say what comes in."""
        shown = []
        for vertex in self.graph.inputs:
            shape, name = "x".join(map(str, vertex.shape)), vertex.path
            if isinstance(vertex.shape, Ids):
                name = f"{name or 'ids'}(ids = {vertex.shape.vocabulary})"
            shown.append(f"{name}: {shape}" if name else shape)
        return [f"input {', '.join(shown)}"]

    def head(self) -> str:
        """The line of the header."""
        style = self.style
        knobs = []
        if self.width is not None:
            knobs.append(f"width = {self.width.value} in {self.width.domain}")
        for number, depth in enumerate(style.depths):
            low = 1 if depth <= SHALLOW else depth // 2
            knobs.append(f"depth{number + 1} = {depth} in {low}..{2 * depth}")
        if "kernel" in style.turned:
            near = range(max(style.kernel - 2, 3), max(style.kernel - 2, 3) + 5, 2)
            knobs.append(f"kernel = {style.kernel} in {{{', '.join(map(str, near))}}}")
        if "act" in style.turned:
            acts = ", ".join(dict.fromkeys([style.act, *CHOICES]))
            knobs.append(f"act = {style.act} in {{{acts}}}")
        if style.drop_path:
            knobs.append(f"drop_path = {style.drop_path:.12g}")
        if "classes" in style.turned:
            knobs.append(f"classes = {style.classes}")
        return self.header(knobs)

    def header(self, knobs: list[str]) -> str:
        """The line of the header, or a line for each of its knobs where it would be long."""
        head = f"arch {self.name}({', '.join(knobs)})"
        if len(head) <= LONG:
            return head
        return f"arch {self.name}(\n{INDENT}" + f",\n{INDENT}".join(knobs) + "\n)"

    def _defaults(self) -> list[str]:
        scope = BlockScope(self.style, [])
        found = []
        starts = self.style.starts or {}
        for op in dict.fromkeys([*KEYS, *starts]):
            given = {**self.style.defaults.get(op, {}), **starts.get(op, {})}
            values = [f"{name} = {scope.literal(value)}" for name, value in given.items()]
            if values:
                found.append(f"default {op}({', '.join(values)})")
        return found

    def _lines(self, terms: Sequence[Term]) -> list[str]:
        return Renderer(BlockScope(self.style, [None], outside=True)).lines(lift(list(terms)), 0)

    def _loop(self, term: Term) -> list[str]:
        """``for`` over stages: a table of what differs between them."""
        merged = lift(term.subs[0])
        for piece in term.subs[1:]:
            merged = beside(merged, lift(piece))
        scope = BlockScope(self.style, [None] * len(term.subs), outside=True)
        body = Renderer(scope).lines(merged, 1)
        params = scope.params
        if not params:
            return [f"repeat {len(term.subs)} {{", *body, "}"]
        rows = []
        for number in range(len(term.subs)):
            cells = [scope.literal(_cell(values[number], p), p) for p, values in params.items()]
            rows.append(f"({', '.join(cells)})" if len(cells) > 1 else cells[0])
        names = ", ".join(params)
        names = f"({names})" if len(params) > 1 else names
        head = f"for {names} in [{', '.join(rows)}] {{"
        if len(head) > LONG:
            table = [INDENT + row + "," * (row is not rows[-1]) for row in rows]
            return [f"for {names} in [", *table, "] {", *body, "}"]
        return [head, *body, "}"]


def _cell(value: object, name: str) -> object:
    """A value of a table; of what a row does not need, one that changes nothing."""
    if value is None or value is UNUSED:
        return 1 if name.startswith(("kernel", "stride")) else 0
    return value


def _opened(terms: list[Term]) -> list[Term]:
    """The terms with those of modules in their places."""
    out: list[Term] = []
    for term in terms:
        term.subs = [_opened(sub) for sub in term.subs]
        if term.kind == "module":
            body = term.subs[0]
            if term.keep:
                keep(body, term.keep)
            out += body
        else:
            out.append(term)
    return out
