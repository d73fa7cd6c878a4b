"""Patterns whose parts are short, each in one line of a spec."""

from __future__ import annotations

import re

from archdsl.importing.render import LONG

SHORT = 72  # characters of a line with a pattern in it
PATTERNS = ("repeat", "residual", "dense", "branch", "output", "if")


def closed(lines: list[str]) -> list[str]:
    """The lines of a spec, in which a pattern of one short line, or of arms that are a chain each,
    is a line itself where it fits; and what is in braces alone, a chain."""
    out: list[str] = []
    opened: list[int] = []  # where the patterns around a line begin
    for line in lines:
        if line.strip().startswith("}") and opened:
            at = opened.pop()
            head, body = out[at].strip(), [one.strip() for one in out[at + 1 :]]
            short = _short(head, body, line.strip())
            indent = out[at][: len(out[at]) - len(out[at].lstrip())]
            most = LONG if head.startswith(("{", "branch")) else SHORT
            if short and len(indent + short) <= most:
                out[at:] = [indent + short]
                continue
        if line.endswith("{"):
            opened.append(len(out))
        out.append(line)
    return out


def _short(head: str, body: list[str], end: str) -> str:
    """What a pattern is in one line; nothing where it is none."""
    if not body or any(one.endswith("{") or one.startswith("}") for one in body):
        return ""
    plain = not any(re.search(r" as |^let ", one) for one in body)
    steps = plain and not any(one.startswith(("repeat", "dense", "if ", "for ")) for one in body)
    if head == "{":
        if end != "}" or not plain:
            return ""
        return " -> ".join(body) if steps else f"{{ {'; '.join(body)} }}"
    word = re.split(r"\W", head)[0]
    if word not in PATTERNS or any("{" in one for one in body):
        return ""
    if word == "if" and end != "}":
        return ""
    if word == "branch":
        return f"{head} {'; '.join(body)} {end}"
    if len(body) == 1 or (steps and not any(" -> " in one for one in body)):
        return f"{head} {' -> '.join(body)} {end}"
    return ""
