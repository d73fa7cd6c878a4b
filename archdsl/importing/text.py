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
from archdsl.importing.closed import PATTERNS, closed
from archdsl.importing.fold import stages
from archdsl.importing.known import Known
from archdsl.importing.library import NORMS, library, with_library
from archdsl.importing.render import INDENT, LONG, Renderer
from archdsl.importing.scope import BlockScope
from archdsl.importing.series import PAD_TO, Levels
from archdsl.importing.style import KEYS, Style
from archdsl.importing.terms import ACTIVATIONS, MISSING, Merged, Term, keep, lift, walk
from archdsl.importing.values import Graph
from archdsl.importing.wrapped import wrapped
from archdsl.layers.ids import Ids
from archdsl.registry import Registry
from archdsl.syntax.format import format_source

# What follows a layer in its line: all but the layers that a line begins with.
HEADS = ("conv", "conv_transpose")
ATTENTION = ("attend", "cross_attend")
FIRST_OPS = NORMS | ACTIVATIONS | {"act", "slice", "split"}
WORDS = ("let", "default", "arch", "input", "if", "for", "repeat", "block", "output")
ACTS = ("relu", "relu6", "silu", "gelu", "hardswish", "mish")  # that may be a knob
CHOICES = ("relu", "silu", "gelu", "hardswish")  # what it may be then, beside its own
SHALLOW = 8  # turns that may be as few as one, where they are a knob
LONGER = 1.1  # a text with blocks of several tensors, to be taken
SHORTER = 0.8  # a text with blocks of the library, to be taken
PAGE = 32  # lines of a text, empty ones counted, whose blocks are better seen than used
KEPT = re.compile(r" as (\w+)$")
STEP = re.compile(r"( *)([a-z_0-9]+)(\(.*\))?( as \w+)?$")


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
) -> str:
    """The text of a spec. ``width`` makes it a knob, ``depth`` how often parts repeat that
    do so at least so many times, ``more`` the ``kernel`` of blocks and the activation (``act``);
    ``plain`` leaves out blocks and loops. ``library`` uses blocks of the library, beside the gates;
    the text is empty where there are none."""
    writer = SpecWriter(graph, name, width, plain, depth, more)
    if library and not with_library(writer.terms, writer.style):
        return ""
    return writer.text()


def texts(graph: Graph, name: str) -> Iterator[str]:
    """The texts of a spec: with blocks, those of several tensors among them where it becomes
    hardly longer, with those of the library where it is long and becomes shorter by them."""
    graph.several, alone = False, write(graph, name)
    graph.several, several = bool(graph.given), ""
    with suppress(ArchError):  # the others are there for what it cannot say
        several = write(graph, name) if graph.several else ""
    if 0 < several.count("\n") <= LONGER * alone.count("\n"):
        yield from _shortest(graph, name, several)
    graph.several = False
    yield from _shortest(graph, name, alone)


def _shortest(graph: Graph, name: str, own: str) -> Iterator[str]:
    """A text, and before it the one with blocks of the library, where that is to be taken."""
    lines = own.count("\n")
    if lines > PAGE:
        used = write(graph, name, library=True)
        if 0 < used.count("\n") <= SHORTER * lines:
            yield used
    yield own


class SpecWriter:
    """Writes the text of one graph."""

    def __init__(
        self,
        graph: Graph,
        name: str,
        width: Width | None,
        plain: bool,
        depth: int,
        more: Sequence[str] = (),
    ) -> None:
        self.graph, self.name, self.plain = graph, name, plain
        self.width = width
        levels = Levels(graph, not plain)
        terms = levels.terms()
        self.style = Style(terms, graph.registry)
        if any(term.op == PAD_TO for term in walk(terms)):
            (block,) = (one.known for one in library() if one.known.name == PAD_TO)
            self.style.blocks[PAD_TO] = block
        self.style.starts = graph.starts
        self.style.width = width.value if width is not None else 0
        self.style.classes = levels.heads.classes
        if not any(term.op in HEADS for term in walk(terms)):
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
        if len(style.depths) == 1:
            lines = [re.sub(r"\bdepth1\b", "depth", line) for line in lines]
        text = "\n".join(wrapped(closed(_chained(lines, self.style.registry)))) + "\n"
        return format_source(Source(self.name, text))

    def sequence(self) -> list[Term]:
        """The terms that the text is of, with blocks and loops."""
        if self.plain:
            return _opened(self.terms)
        return stages(blocks(self.terms, self.style), self.style)

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
            merged = _beside(merged, lift(piece))
        scope = BlockScope(self.style, [None] * len(term.subs), outside=True)
        body = Renderer(scope).lines(merged, 1)
        params = scope.params
        if not params:
            return [f"repeat {len(term.subs)} {{", *body, "}"]
        rows = []
        for number in range(len(term.subs)):
            cells = [scope.literal(_cell(values[number]), p) for p, values in params.items()]
            rows.append(f"({', '.join(cells)})" if len(cells) > 1 else cells[0])
        names = ", ".join(params)
        names = f"({names})" if len(params) > 1 else names
        head = f"for {names} in [{', '.join(rows)}] {{"
        if len(head) > LONG:
            table = [INDENT + row + "," * (row is not rows[-1]) for row in rows]
            return [f"for {names} in [", *table, "] {", *body, "}"]
        return [head, *body, "}"]


def _cell(value: object) -> object:
    return 0 if value is None else value


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


def _beside(a: list[Merged], b: list[Merged]) -> list[Merged]:
    """Two sequences of one form, laid over each other."""
    out = []
    for x, y in zip(a, b, strict=True):
        count = len(x.present)
        args = {
            name: x.args.get(name, [MISSING] * count) + y.args.get(name, [MISSING])
            for name in dict.fromkeys([*x.args, *y.args])
        }
        subs = [_beside(s, t) for s, t in zip(x.subs, y.subs, strict=True)]
        out.append(
            Merged(
                x.kind,
                x.op if x.op == y.op else "mixed",
                args,
                subs,
                x.present + y.present,
                x.channels + y.channels,
                x.ops + y.ops,
                x.keep,
            )
        )
    return out


def _chained(lines: list[str], registry: Registry) -> list[str]:
    """What follows a convolution or a block stands in its line; so does what a tensor that was
    kept goes into."""
    kept = {found[1] for line in lines if (found := KEPT.search(line))}
    out: list[str] = []
    for line in lines:
        step = STEP.match(line)
        before = STEP.match(_last_step(out[-1])) if out else None
        if (
            step is not None
            and before is not None
            and step[1] == before[1]
            and (before[0].strip() in kept or _follows(step[2], registry))
            and before[2] not in WORDS
            and step[2] not in WORDS
            and not out[-1].endswith(("{", "}"))
            and " as " not in out[-1]
            and len(out[-1]) + len(line.strip()) + 4 <= LONG
            and not _in_branch(out, step[1])
        ):
            out[-1] += " -> " + line.strip()
        else:
            out.append(line)
    return _led(out)


def _led(lines: list[str]) -> list[str]:
    """The lines of which those of norms and activations alone begin the next one, whose layer they
    are before, and those that end in attention have its projection."""
    out: list[str] = []
    for line in lines:
        word = re.match(r" *(\w+)", line)
        indent = line[: len(line) - len(line.lstrip())]
        if (
            out
            and word is not None
            and word[1] not in (*WORDS, *PATTERNS)
            and not line.endswith("{")
            and _leads(out[-1], indent)
            and len(out[-1]) + len(line.strip()) + 4 <= LONG
            and not _in_branch(out, indent)
        ):
            out[-1] += " -> " + line.strip()
        else:
            out.append(line)
    return out


def _follows(op: str, registry: Registry) -> bool:
    """Whether a layer stands in the line of what it follows."""
    return (op in registry.layers or op == "act") and op not in HEADS


def _leads(line: str, indent: str) -> bool:
    """Whether a line of this indent has no end of its own: what it is of comes after it."""
    ops = [re.split(r"\W", step)[0] for step in line.strip().split(" -> ")]
    level = line.startswith(indent) and line[len(indent) :][:1] != " "
    whole = not line.endswith("}") and " as " not in line
    led = ops[-1] in ATTENTION or all(op in FIRST_OPS for op in ops)
    return level and whole and led


def _last_step(line: str) -> str:
    """The last layer of a line's chain, indented as the line is."""
    indent = line[: len(line) - len(line.lstrip())]
    return indent + line.strip().rsplit(" -> ", 1)[-1]


def _in_branch(lines: list[str], indent: str) -> bool:
    for line in reversed(lines):
        if len(line) - len(line.lstrip()) < len(indent):
            return line.strip().startswith("branch")
    return False
