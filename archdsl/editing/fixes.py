"""Corrections: what the help of a diagnostic says, as edits of the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import Diagnostic
from archdsl.diagnostics.source import Span
from archdsl.editing.described import called
from archdsl.editing.reading import Reading
from archdsl.syntax import pytorch, tree

Edit = tuple[Span, str]


@dataclass(frozen=True, slots=True)
class Correction:
    """A correction of a mistake: what it does in words, and the edits. ``sure``: it is the one
    that is likely meant."""

    title: str
    edits: tuple[Edit, ...]
    sure: bool = False


def fixes(reading: Reading, found: Diagnostic) -> list[Correction]:
    """The corrections of a mistake in the text that is read."""
    span = found.span
    if span is None or span.source is not reading.source:
        return []
    made = [fix for help in found.helps for fix in _of_help(help, span, reading)]
    make = OF_KIND.get(found.code)
    if make is not None:
        made += make(found, span, reading)
    unique = {fix.edits: fix for fix in reversed(made)}
    return list(reversed(unique.values()))


def _of_help(help: str, span: Span, reading: Reading) -> Iterator[Correction]:
    for pattern, make in HELPS:
        if (match := pattern.fullmatch(help)) is not None:
            yield from make(match, span, reading)


def _replace(match: re.Match[str], span: Span, reading: Reading) -> Iterator[Correction]:
    """Another word in the place of the one that is wrong."""
    word = match["word"]
    if span.text.startswith('"') and span.text.endswith('"') and len(span.text) > 1:
        word = f'"{word}"'
    elif not (span.text.replace(".", "_").isidentifier() or SIGNS.fullmatch(span.text)):
        return
    elif span.text in ("&", "|") and reading.source.text.startswith(span.text, span.end):
        span = Span(reading.source, span.start, span.end + 1)
    yield Correction(f"replace `{span.text}` by `{word}`", ((span, word),), sure=True)


def _spelled(match: re.Match[str], span: Span, reading: Reading) -> Iterator[Correction]:
    """Another spelling of a word, or of the last one of a path: ``in.chanels``."""
    if span.text.rpartition(".")[2].isidentifier() and "." not in match["word"]:
        span = Span(reading.source, span.start + span.text.rfind(".") + 1, span.end)
    yield from _replace(match, span, reading)


def _renamed(match: re.Match[str], span: Span, reading: Reading) -> Iterator[Correction]:
    """The layer's name here in the place of PyTorch's, which stands before the bracket where that
    is the mistake: ``nn.ReLU()``."""
    text = reading.source.text
    if text.startswith("(", span.start):
        before = PATH.search(text, text.rfind("\n", 0, span.start) + 1, span.start)
        if before is None:
            return
        word, span = match["word"], Span(reading.source, before.start(), span.start)
        yield Correction(f"replace `{span.text}` by `{word}`", ((span, word),), sure=True)
    else:
        yield from _replace(match, span, reading)


def _comment(match: re.Match[str], span: Span, reading: Reading) -> Iterator[Correction]:
    text = reading.source.text
    at = text.rfind("//", text.rfind("\n", 0, span.start) + 1, span.end)
    if at >= 0:
        yield Correction(
            "write `#` for `//`", ((Span(reading.source, at, at + 2), "#"),), sure=True
        )


def _arrow(match: re.Match[str], span: Span, reading: Reading) -> Iterator[Correction]:
    """``->`` before a word of the line that the mistake is found at, or after."""
    text, word = reading.source.text, match["word"]
    start = text.rfind(word, text.rfind("\n", 0, span.start) + 1, span.end)
    if start >= 0:
        yield _before(start, " -> ", word, reading)


def _quoted(match: re.Match[str], span: Span, reading: Reading) -> Iterator[Correction]:
    """Double quotes for single or curly ones, from the one that is the mistake to the next."""
    text = reading.source.text
    end = text.find("\n", span.start)
    line = text[span.start : end if end >= 0 else len(text)]
    if (found := QUOTED.match(line)) is not None:
        place, new = Span(reading.source, span.start, span.start + found.end()), f'"{found[1]}"'
        yield Correction(f"write `{_short(new)}`", ((place, new),), sure=True)


def _knob(match: re.Match[str], span: Span, reading: Reading) -> Iterator[Correction]:
    """A knob as it is declared, in the place of one that is declared in another way."""
    text, new = reading.source.text, match["line"]
    name = new.partition(" ")[0]
    before = list(re.finditer(rf"\b{name}\b", text[: span.end]))
    if not before:
        return
    start = end = before[-1].start()
    depth = 0
    while end < len(text) and not (depth == 0 and text[end] in ",)\n"):
        depth += (text[end] in "([{") - (text[end] in ")]}")
        end += 1
    place = Span(reading.source, start, end)
    yield Correction(f"write `{_short(new)}`", ((place, new),), sure=True)


def _path(match: re.Match[str], span: Span, reading: Reading) -> Iterator[Correction]:
    """A path in quotes in the place of one that has none."""
    text, new = reading.source.text, match["line"]
    bare = new.replace('"', "")
    start = text.find(bare, text.rfind("\n", 0, span.start) + 1)
    if start >= 0:
        place = Span(reading.source, start, start + len(bare))
        yield Correction(f"write `{_short(new)}`", ((place, new),), sure=True)


def _comma(match: re.Match[str], span: Span, reading: Reading) -> Iterator[Correction]:
    yield _before(span.start, ", ", span.text, reading)


def _before(start: int, sign: str, word: str, reading: Reading) -> Correction:
    """Something put between a word and the one before it, instead of the space that is there."""
    before = len(reading.source.text[:start].rstrip(" "))
    at = Span(reading.source, before, start)
    return Correction(f"write `{sign.strip()}` before `{_short(word)}`", ((at, sign),), sure=True)


def _unquote(match: re.Match[str], span: Span, reading: Reading) -> Iterator[Correction]:
    word = span.text.strip('"')
    if word.isidentifier() and word != span.text:
        yield Correction(f"write `{word}` without quotes", ((span, word),), sure=True)


def _remove(match: re.Match[str], span: Span, reading: Reading) -> Iterator[Correction]:
    if span.text == ":":
        yield Correction("remove the colon", ((span, ""),), sure=True)


def _anew(match: re.Match[str], span: Span, reading: Reading) -> Iterator[Correction]:
    """Another text in the place of the statement that a mistake is in, or of some words of it."""
    text, line = reading.source.text, match["line"]
    start = _statement(text, span.start)
    old = match.groupdict().get("old") or STATEMENT.match(text, start)[0].rstrip()  # type: ignore[index]
    at = text.find(old, start)
    if at >= 0 and old:
        place = Span(reading.source, at, at + len(old))
        yield Correction(f"write `{_short(line)}`", ((place, line),), sure=True)


def _statement(text: str, at: int) -> int:
    """Where the statement begins that a place is in."""
    start = max(text.rfind(sign, 0, at) for sign in "\n{;") + 1
    return start + len(text[start:at]) - len(text[start:at].lstrip())


def _call(match: re.Match[str], span: Span, reading: Reading) -> Iterator[Correction]:
    """Another call in the place of one that is written as in PyTorch: of the one whose bracket,
    name or argument is the mistake."""
    text, call = reading.source.text, match["call"]
    start, end = span.start, span.end
    if text.startswith("(", span.start):
        start = text.rfind("\n", 0, span.start) + 1
        before = PATH.search(text, start, span.start)
        if before is None:
            return
        start, end = before.start(), span.start + pytorch.closing(text[span.start :])
    elif span.text.isidentifier() and text.startswith("(", span.end):
        end += pytorch.closing(text[span.end :])
    elif (around := _call_at(reading, span)) is not None:
        start, end = around.span.start, around.span.end
    else:
        return
    if start < end and text[start:end] not in ("", call):
        yield Correction(f"write `{call}`", ((Span(reading.source, start, end), call),), sure=True)


def _round(match: re.Match[str], span: Span, reading: Reading) -> Iterator[Correction]:
    last = RANGE.search(span.text)
    if last is not None:  # the end of a range
        span = Span(reading.source, span.start + last.start(), span.end)
    for name in ("round", "floor", "ceil"):
        yield Correction(f"round with `{name}`", ((span, f"{name}({span.text})"),))


def _line(match: re.Match[str], span: Span, reading: Reading) -> Iterator[Correction]:
    yield Correction(f"add `{match['line']}`", (_added(match["line"], reading),))


def _use(match: re.Match[str], span: Span, reading: Reading) -> Iterator[Correction]:
    """A block of the library, brought and called by its name."""
    line, word = f"use {match['file']}: {match['word']}", match["word"]
    called = ((span, word),) if span.text != word else ()
    yield Correction(f"add `{line}`", (_added(line, reading), *called), sure=True)


def _added(line: str, reading: Reading) -> tuple[Span, str]:
    """A line that is missing: below `arch`, or at the top."""
    for node in reading.file.statements:
        if isinstance(node, tree.Arch):
            return Span(reading.source, node.span.end, node.span.end), f"\n{line}"
    return Span(reading.source, 0, 0), f"{line}\n"


RANGE = re.compile(r"(?<=\.\.)[^.]+(?:\.\d[^.]*)?$")
QUOTED = re.compile(
    r"['\u2018\u2019\u201c\u201d]([^'\u2018\u2019\u201c\u201d\"\\]*)['\u2018\u2019\u201c\u201d]"
)
STATEMENT = re.compile(r"(?:[^\n;{}#]|\{[^{}\n]*\})*")
PATH = re.compile(r"\w+(?:\s*\.\s*\w+)+$")
SIGNS = re.compile(r"[^\w\s\"]{1,3}|elif")
HELPS: tuple[
    tuple[re.Pattern[str], Callable[[re.Match[str], Span, Reading], Iterator[Correction]]], ...
] = (
    (re.compile(r"did you mean `(?P<word>[^`]+)`\?"), _spelled),
    (re.compile(r"here it is called `(?P<word>\w+)`"), _renamed),
    (
        re.compile(r"(?:[^`:]*: )?write `(?P<call>[a-z_]+\d?|[a-z_]+\d?\(.*\))`"),
        _call,
    ),
    (re.compile(r"for \d+ channels .*, write `(?P<call>[^`]+)`"), _call),
    (re.compile(r"an image (?:of \d+ channels )?is written `(?P<line>input [^`]+)`"), _anew),
    (re.compile(r"write `(?P<call>branch \w+ \{ (?!\.\.\.).* \})`"), _call),
    (re.compile(r"(?:a tensor goes|the first of) .*`(?P<call>\w+ -> (?!.*\.\.\.).*)`"), _call),
    (re.compile(r"a comment begins with `#`"), _comment),
    (re.compile(r"(?:(?:to|for) .*, )?write `(?P<word>==|->|else if|and|or)`"), _replace),
    (re.compile(r"to apply one layer after the other, write `->` before `(?P<word>.*)`"), _arrow),
    (re.compile(r"put the text in (?:double|straight) quotes: .*"), _quoted),
    (re.compile(r"a knob has a default(?:, and its values after `in`)?: `(?P<line>[^`]+)`"), _knob),
    (re.compile(r"a knob that is one of several values is written `(?P<line>[^`]+)`"), _knob),
    (re.compile(r"put a path in quotes: `(?P<line>[^`]+)`"), _path),
    (re.compile(r"(?:(?:minus|the arrow) is written|write) `(?P<word>->|-|<=|>=|!=)`"), _replace),
    (re.compile(r"`(?P<call>flatten)` makes .* features of it"), _call),
    (re.compile(r"is a comma missing before it\?"), _comma),
    (re.compile(r"write the name of a layer without quotes"), _unquote),
    (re.compile(r"leave out the colon: the layers .*"), _remove),
    (re.compile(r"(?:leave the batch out|a shape is written):? `(?P<line>input \d[^`]*)`"), _anew),
    (re.compile(r"(?:[^`]*, )?write `(?P<line>[^`]+)` in place of `(?P<old>[^`]+)`"), _anew),
    (
        re.compile(
            r"a (?:function|part .*) is written `(?P<line>(?:fn|block) (?![^`]*\.\.\.)[^`]+)`"
        ),
        _anew,
    ),
    (re.compile(r"put the body in braces: `(?P<line>(?:repeat|shared)\b[^`]+)`"), _anew),
    (re.compile(r"the (?:body goes in braces:|first of the parts is) `(?P<call>[^`]+)`"), _call),
    (re.compile(r"to keep the result of a layer, write `(?P<line>[^`]+)`"), _anew),
    (re.compile(r"say how to round: .*"), _round),
    (re.compile(r"it is a block of the library: `use (?P<file>\S+): (?P<word>\w+)`"), _use),
    (re.compile(r"(?:begin it with|add) a line such as `(?P<line>[^`]+)`"), _line),
)


# ------------------------------------------------------------- what a kind's help means


def _call_at(reading: Reading, span: Span) -> tree.Call | None:
    """The innermost call that begins with, or is within, a place; a layer that stands alone, such
    as `relu`, is a call without arguments."""
    found = None
    for node in reading.file.walk():
        if isinstance(node, tree.Call) and node.span.start <= span.start < node.span.end:
            found = node
        elif isinstance(node, tree.Name) and node.span == span:
            found = tree.Call(span, tree.Word(span, node.text), ())
    return found


def _argument(call: tree.Call, name: str, reading: Reading) -> tree.Argument | None:
    """The argument of that name, which may be given by its place."""
    described = called(call.callee.text, reading, call.span.start)
    names = [] if described is None else [a.name for a in described.arguments]
    given = (
        (names[place] if place < len(names) else None) if a.name is None else a.name.text
        for place, a in enumerate(call.arguments)
    )
    return next((a for a, of in zip(call.arguments, given, strict=True) if of == name), None)


def _set(call: tree.Call, name: str, value: str, reading: Reading) -> Edit:
    """The edit that gives an argument a value: in the place of another value, or after all."""
    source = reading.source
    if (argument := _argument(call, name, reading)) is not None:
        return argument.value.span, value
    if call.arguments:
        end = call.arguments[-1].span.end
        return Span(source, end, end), f", {name} = {value}"
    end = call.callee.span.end
    brackets = re.compile(r"\s*\(\s*\)").match(source.text, end, call.span.end)
    return Span(source, end, brackets.end() if brackets else end), f"({name} = {value})"


def _groups(found: Diagnostic, span: Span, reading: Reading) -> list[Correction]:
    """Other counts of groups, which divide the channels."""
    call = _call_at(reading, span)
    _, _, listed = found.message.rpartition("these numbers do: ")
    numbers = re.findall(r"\d+", listed)
    if call is None or _argument(call, "groups", reading) is None:
        return []
    return [
        Correction(f"write `groups = {n}`", (_set(call, "groups", n, reading),))
        for n in numbers[-4:]
    ]


def _no_pad(found: Diagnostic, span: Span, reading: Reading) -> list[Correction]:
    """`pad = 0`, which an even kernel needs to say; or a layer that pads before it, which keeps
    the size."""
    call = _call_at(reading, span)
    if call is None or _argument(call, "pad", reading) is not None:
        return []
    none, before = _set(call, "pad", "0", reading), str(found.fields["before"])
    start = Span(span.source, call.span.start, call.span.start)
    kept = Correction(
        f"write `pad = 0`, and `{before}` before it", ((start, f"{before} -> "), none)
    )
    return [Correction("write `pad = 0`", (none,)), kept]


def _pad(found: Diagnostic, span: Span, reading: Reading) -> list[Correction]:
    """`pad = 2` for a kernel of 5: as much as lets the window stand on each pixel."""
    call = _call_at(reading, span)
    kernel = set(re.findall(r"\d+", str(found.fields["kernel"])))
    if call is None or found.fields["layer"] not in PADDED or len(kernel) != 1:
        return []
    if call.callee.text not in PADDED or _argument(call, "dilation", reading) is not None:
        return []
    half = str(int(kernel.pop()) // 2)
    return (
        []
        if half == "0"
        else [Correction(f"write `pad = {half}`", (_set(call, "pad", half, reading),))]
    )


def _no_bias(found: Diagnostic, span: Span, reading: Reading) -> list[Correction]:
    """`bias = false`, where a normalisation follows."""
    call = _call_at(reading, span)
    return (
        []
        if call is None
        else [Correction("write `bias = false`", (_set(call, "bias", "false", reading),))]
    )


def _when(found: Diagnostic, span: Span, reading: Reading) -> list[Correction]:
    """`when` of an output that has no arguments."""
    brackets = re.compile(r"\s*\(\s*\)").match(reading.source.text, span.end)
    place = Span(reading.source, span.end, brackets.end() if brackets else span.end)
    values = ("always", "training")
    return [Correction(f"write `when = {v}`", ((place, f"(when = {v})"),)) for v in values]


def _no_shortcut(found: Diagnostic, span: Span, reading: Reading) -> list[Correction]:
    """A residual unit without `shortcut`: it then adapts by itself."""
    call = _call_at(reading, span)
    argument = None if call is None else _argument(call, "shortcut", reading)
    if call is None or argument is None or not any("shortcut" in h for h in found.helps):
        return []
    if len(call.arguments) == 1:
        text = span.source.text
        start = text.rindex("(", call.span.start, argument.span.start)
        end = text.index(")", argument.span.end) + 1
    else:
        at = call.arguments.index(argument)
        start = call.arguments[at - 1].span.end if at else argument.span.start
        end = argument.span.end if at else call.arguments[1].span.start
    return [Correction("leave `shortcut` out", ((Span(span.source, start, end), ""),))]


PADDED = ("conv", "maxpool", "avgpool")  # whose windows may be padded by half their width
OF_KIND: dict[str, Callable[[Diagnostic, Span, Reading], list[Correction]]] = {
    codes.GROUPS_DO_NOT_DIVIDE.code: _groups,
    codes.EVEN_KERNEL.code: _no_pad,
    codes.WINDOW_TOO_LARGE.code: _pad,
    codes.POOL_PAD_TOO_LARGE.code: _pad,
    codes.CANNOT_JOIN.code: _no_shortcut,
    codes.BIAS_BEFORE_NORM.code: _no_bias,
    codes.OUTPUT_IN_TRAINING.code: _when,
}


def _short(word: str) -> str:
    return word if len(word) <= 20 else word[:17] + "..."
