"""Diagnostics as text: the one place where they are given their looks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from unicodedata import combining, east_asian_width

from archdsl.diagnostics.diagnostic import Diagnostic, Label, TrailFrame
from archdsl.diagnostics.source import Source, Span

# Characters that show a reader something else than what is there: those that move the cursor
# or colour a terminal, those that turn the direction of text, and halves of characters.
HIDDEN = re.compile(
    "[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)

WIDTH = 120  # columns of a source line that are shown
LONGEST = 1_000  # characters of any line
LONG_CHAIN = 400  # characters of a chain in which the turns of a loop are told apart
TURN = "a turn"
MAX_VALUE = 60  # characters of a value that is shown beside its name


def render(diagnostics: Iterable[Diagnostic]) -> str:
    """All diagnostics, an empty line between them. No colour: see ``archdsl.cli.output``."""
    return "\n\n".join(render_one(d) for d in diagnostics)


def render_one(d: Diagnostic) -> str:
    """A diagnostic with its place, its source lines, and what belongs to it."""
    lines = [f"{d.kind.severity}[{d.code}]: {d.message}"]
    gutter = max((len(str(label.span.line)) for label in d.labels), default=1)
    for number, labels in enumerate(_by_source(d.labels)):
        arrow = ":::" if number else "-->"
        lines.append(f"{' ' * gutter}{arrow} {labels[0].span.place}")
        lines.extend(_source_lines(labels, d.labels[0], gutter))
    pad = " " * (gutter + 1)
    if led := where(d):
        lines.append(f"{pad}= {led}")
    lines.extend(f"{pad}= {note}" for note in d.notes)
    for help in d.helps:
        first, *more = help.split("\n")
        lines.append(f"{pad}= help: {first}")
        lines.extend(f"{pad}  {line}".rstrip() for line in more)  # code, a line each
    return "\n".join(printable(line) for line in lines)


def _by_source(labels: Iterable[Label]) -> list[list[Label]]:
    """The labels of each text together, those of the main one first."""
    found: dict[int, list[Label]] = {}
    for label in labels:
        found.setdefault(id(label.span.source), []).append(label)
    return list(found.values())


def where(d: Diagnostic) -> str:
    """The chain of blocks and turns, and the values that led here: the variables of the turns, the
    innermost block's arguments, and the knobs."""
    frames = tuple(reversed(d.trail))
    chain = _chain(frames, d.span)
    if len(chain) > LONG_CHAIN:  # the same loops, in other turns
        chain = _chain([replace(f, name=TURN) if f.is_turn else f for f in frames], d.span)
    values: dict[str, str] = {}
    for frame in reversed(d.trail):
        values = {**frame.arguments, **values}
        if frame.arguments and not frame.is_turn:
            break
    values |= {k: v for k, v in d.knobs.items() if k not in values}
    shown = ", ".join(f"{k} = {v}" for k, v in values.items() if len(v) <= MAX_VALUE)
    if chain:
        return chain + (f", with {shown}" if shown else "")
    return f"with {shown}" if shown else ""


def _chain(frames: Sequence[TrailFrame], main: Span | None) -> str:
    """``in turn 1 of 2 (line 3) in grow (line 3, 2 times)``: neighbours that repeat stand once."""
    texts = [f"{f.name} ({_line(f.span, main)}" for f in frames]
    loops = [(f.span.start, f.span.end) if f.is_turn else None for f in frames]
    links: list[str] = []
    for at, length, times in _repeats([*zip(texts, loops, strict=True)]):
        if length == 1:
            links.append(f"{texts[at]}{f', {times} times' if times > 1 else ''})")
        else:
            links.append(f"[{' in '.join(f'{t})' for t in texts[at : at + length])}] {times} times")
    return "".join(f" in {link}" for link in links).strip()


def _repeats(items: Sequence[object]) -> Iterator[tuple[int, int, int]]:
    """Items as runs of what repeats: where each begins, of how many items, how many times."""
    at = 0
    while at < len(items):
        best = (1, 1)  # that which is the longest in all
        for length in range(1, (len(items) - at) // 2 + 1):
            first, times = items[at : at + length], 1
            while items[at + length * times : at + length * (times + 1)] == first:
                times += 1
            if times > 1 and length * times > best[0] * best[1]:
                best = length, times
        yield (at, *best)
        at += best[0] * best[1]


def _line(span: Span, main: Span | None) -> str:
    if main is None or span.source is main.source:
        return f"line {span.line}"
    return f"{span.source.name}:{span.line}"


def _source_lines(labels: list[Label], main: Label, gutter: int) -> Iterator[str]:
    """The lines that the labels point at, each with its carets."""
    source = labels[0].span.source
    blank = " " * gutter
    yield f"{blank} |"
    last: int | None = None
    for label in sorted(labels, key=lambda x: (x.span.line, x.span.column)):
        number = label.span.line
        text = source.line(number)
        first = _window(text, label.span.column - 1)
        if last is not None and number > last + 2:
            yield f"{blank}..."
        elif last is not None and number == last + 2:
            yield _code(source, last + 1, 0, gutter)
        if number != last or first:
            yield _code(source, number, first, gutter)
        yield _carets(label, text, first, "^" if label is main else "-", gutter)
        last = number


def _window(text: str, column: int) -> int:
    """Where the shown piece of a line begins: a long line is cut around what is pointed at."""
    return 0 if len(text) <= WIDTH or column < WIDTH - 20 else column - WIDTH // 2


def _code(source: Source, number: int, first: int, gutter: int) -> str:
    text = source.line(number)
    piece = text[first : first + WIDTH]
    before = "..." if first else ""
    after = "..." if first + WIDTH < len(text) else ""
    return f"{number:>{gutter}} | {before}{_spaced(piece)}{after}".rstrip()


def _carets(label: Label, text: str, first: int, mark: str, gutter: int) -> str:
    start = label.span.column - 1
    end = min(start + max(label.span.end - label.span.start, 1), max(len(text), start + 1))
    room = first + WIDTH
    before = _columns(text[first:start]) + (3 if first else 0)
    width = max(1, _columns(text[start : min(end, room)]))
    said = f" {label.text}" if label.text else ""
    return f"{' ' * gutter} | {' ' * before}{mark * width}{said}"


def _columns(text: str) -> int:
    """How many columns of a terminal a piece of text takes."""
    return sum(
        0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in printable(text)
    )


def _spaced(text: str) -> str:
    """Tabs as one space, so that carets stand where they belong."""
    return text.replace("\t", " ")


def printable(text: str) -> str:
    """One line that moves no cursor and changes no colour, whatever a file or a name holds."""
    text = text[: LONGEST - 3] + "..." if len(text) > LONGEST else text
    return "".join(
        c
        if c.isprintable() or combining(c)
        else " "
        if c in "\t\n"
        else "\N{REPLACEMENT CHARACTER}"
        for c in text
    )
