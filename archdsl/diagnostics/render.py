"""Diagnostics as text: the one place where they are given their looks."""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.diagnostics.model import Diagnostic, Label
from archdsl.diagnostics.source import Source

MAX_WIDTH = 160


def render(diagnostics: Iterable[Diagnostic]) -> str:
    """All diagnostics, an empty line between them. No colour: see ``archdsl.cli.output``."""
    return "\n\n".join(render_one(d) for d in diagnostics)


def render_one(d: Diagnostic) -> str:
    """A diagnostic with its place, its source lines, and what belongs to it."""
    lines = [f"{d.kind.severity}[{d.code}]: {d.message}"]
    span = d.span
    gutter = 1
    if span is not None:
        gutter = max(
            len(str(label.span.line)) for label in d.labels if label.span.source is span.source
        )
        lines.append(f"{' ' * gutter}--> {span.place}")
        lines.extend(_frames(d, gutter))
    pad = " " * (gutter + 1)
    if where := _where(d):
        lines.append(f"{pad}= {where}")
    lines.extend(f"{pad}= {note}" for note in d.notes)
    lines.extend(f"{pad}= help: {help}" for help in d.helps)
    return "\n".join(lines)


def _where(d: Diagnostic) -> str:
    """The chain of blocks, and the values that led here: the innermost block's arguments, or
    else the knobs."""
    chain = " in ".join(f"{f.name} (line {f.span.line})" for f in reversed(d.trail))
    values = dict(next((f.arguments for f in reversed(d.trail) if f.arguments), {}))
    values |= {k: v for k, v in d.knobs.items() if k not in values}
    shown = ", ".join(f"{k} = {v}" for k, v in values.items() if len(v) <= 60)
    if chain:
        return f"in {chain}" + (f", with {shown}" if shown else "")
    return f"with {shown}" if shown else ""


def _frames(d: Diagnostic, gutter: int) -> list[str]:
    """The lines that the labels point at, each with its carets."""
    main = d.labels[0].span.source
    blank = " " * gutter
    out = [f"{blank} |"]
    last: int | None = None
    same = [label for label in d.labels if label.span.source is main]
    for label in sorted(same, key=lambda x: (x.span.line, x.span.column)):
        line = label.span.line
        if last is not None and line > last + 2:
            out.append(f"{blank}...")
        elif last is not None and line == last + 2:
            out.append(_code(main, line - 1, gutter))
        if line != last:
            out.append(_code(main, line, gutter))
        out.append(_carets(label, "^" if label is d.labels[0] else "-", gutter))
        last = line
    for label in d.labels:
        if label.span.source is not main:
            out.append(f"{blank}::: {label.span.place}: {label.text}")
    return out


def _code(source: Source, number: int, gutter: int) -> str:
    text = _visible(source.line(number))
    if len(text) > MAX_WIDTH:
        text = text[: MAX_WIDTH - 3] + "..."
    return f"{number:>{gutter}} | {text}".rstrip()


def _carets(label: Label, mark: str, gutter: int) -> str:
    source, start = label.span.source, label.span.column - 1
    line = source.line(label.span.line)
    width = max(1, min(label.span.end - label.span.start, len(line) - start))
    start = min(start, MAX_WIDTH)
    width = max(1, min(width, MAX_WIDTH - start))
    text = f" {label.text}" if label.text else ""
    return f"{' ' * gutter} | {' ' * start}{mark * width}{text}"


def _visible(text: str) -> str:
    """Tabs as one space, so that carets stand where they belong; nothing that moves a cursor."""
    return "".join(
        c if c.isprintable() else " " if c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in text
    )
