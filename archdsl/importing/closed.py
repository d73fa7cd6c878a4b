"""Patterns whose parts are short, each in one line of a spec."""

from __future__ import annotations

import re

from archdsl.importing.wrapped import LONG

SHORT = 72  # characters of a line with a pattern in it
PATTERNS = ("repeat", "residual", "dense", "fractal", "branch", "output", "if", "block", "let")
CONDITION = re.compile(r"if ([^{}]+) \{ ([^{};]+) \}$")


def closed(lines: list[str]) -> list[str]:
    """The lines of a spec, in which a pattern or a block of one short line, or of arms that are a
    chain each, is a line itself where it fits; and what is in braces alone, a chain."""
    out: list[str] = []
    opened: list[int] = []  # where the patterns around a line begin
    for line in lines:
        if line.strip().startswith(("}", "] ->")) and opened:
            at = opened.pop()
            head, body = out[at].strip(), [one.strip() for one in out[at + 1 :]]
            short = _short(head, body, line.strip())
            indent = out[at][: len(out[at]) - len(out[at].lstrip())]
            if short and len(indent + short) <= _most(head, body):
                out[at:] = [indent + short]
                continue
        if line.endswith("{") or line.strip() == "[":
            opened.append(len(out))
        out.append(line)
    return out


def word_of(head: str) -> str:
    """The word that a pattern begins with, after the tensor that it takes."""
    return re.split(r"\W", re.sub(r"^(\w+ -> )+", "", head))[0]


def _most(head: str, body: list[str]) -> int:
    """The characters that it may have."""
    whole = word_of(head) == "branch" or head.startswith(("{", "["))
    return LONG if whole or len(body) == 1 or body[0].startswith("let ") else SHORT


def _short(head: str, body: list[str], end: str) -> str:
    """What a pattern is in one line; nothing where it is none."""
    if not body or any(one.endswith("{") or one.startswith("}") for one in body):
        return ""
    plain = not any(re.search(r" as |^let ", one) for one in body)
    steps = plain and not any(one.startswith(("repeat", "dense", "if ", "for ")) for one in body)
    if head == "[":
        return f"[{' '.join(body)}{end}"
    if head == "{":
        if end not in ("}", "},") or not plain:
            return ""
        body = [_as_link(one) for one in body]
        steps = not any(one.startswith(("repeat", "dense", "if ", "for ")) for one in body)
        return (" -> ".join(body) if steps else f"{{ {'; '.join(body)} }}") + end[1:]
    word = word_of(head)
    named = body[0].startswith("let ") and len(body) == 2
    if word in ("block", "let") and (len(body) == 1 or named):
        return f"{head} {'; '.join(body)} }}"
    if word not in PATTERNS or any("{" in one for one in body):
        return ""
    if word == "if" and end != "}":
        return ""
    if word == "branch":
        return f"{head} {'; '.join(body)} {end}"
    if len(body) == 1 or (steps and not any(" -> " in one for one in body)):
        return f"{head} {' -> '.join(body)} {end}"
    return f"{head} {'; '.join(body)} }}" if steps and word in ("block", "let") else ""


def _as_link(line: str) -> str:
    """A condition in one line as a link of a chain."""
    if (found := CONDITION.match(line)) is None:
        return line
    chain = f"({found[2]})" if " -> " in found[2] else found[2]
    return f"({chain} if {found[1]} else identity)"
