"""A block: the merged body of its instances, and the parameters in which these differ."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import Any

from archdsl.importing.render import Renderer
from archdsl.importing.scope import BlockScope
from archdsl.importing.style import Style
from archdsl.importing.terms import MISSING, UNUSED, FirstTurn, Merged, Ramp, Term, flat
from archdsl.importing.wrapped import INDENT

# What the layers of a block may have in common, to be said once.
SHARED = ("bias", "init", "eps", "momentum", "border", "over")
LINE = 40  # characters that a line more has to save


def _alike(body: list[Merged], style: Style) -> dict[str, dict[str, Any]]:
    """What all layers of a kind in a block have, and others outside have not, where saying it once
    is shorter. The convolution that a shortcut makes by itself has what a default says, too."""
    layers: dict[str, list[Merged]] = defaultdict(list)
    shortcuts = False
    for m in flat(body):
        shortcuts = shortcuts or (m.kind == "residual" and "layer" in m.ops)
        if m.kind == "layer" and m.op in style.registry.layers:
            layers[m.op].append(m)
    found: dict[str, dict[str, Any]] = {}
    for op, of in layers.items():
        if op in ("conv", "bn") and shortcuts:
            continue
        for name in SHARED:
            given = [v for m in of for v in m.args.get(name, [MISSING]) if v is not None]
            same = len(set(map(repr, given))) == 1
            if same and given[0] is not MISSING and repr(given[0]) != repr(style.usual(op, name)):
                found.setdefault(op, {})[name] = given[0]
        said = len(", ".join(f"{n} = {v}" for n, v in found.get(op, {}).items()))
        if said and len(of) * said < said + LINE:
            del found[op]
    return found


class BlockDefinition:
    """A block of a spec: its text, its parameters in order, and their defaults."""

    def __init__(self, name: str, body: list[Merged], instances: list[Term], style: Style) -> None:
        self.name = name
        self.tensors = [term.args for term in instances]  # beside the one that comes in
        scope = BlockScope(style, [term.channels for term in instances], tensors=self.tensors[0])
        own = _alike(body, style)
        outer, style.defaults = (
            style.defaults,
            {
                op: {**style.defaults.get(op, {}), **own.get(op, {})}
                for op in (*style.defaults, *own)
            },
        )
        lines = Renderer(scope).lines(body, 1)
        style.defaults = outer
        lines = _entering(lines, scope.uses_entering)
        for op, given in own.items():
            said = ", ".join(f"{key} = {scope.literal(value)}" for key, value in given.items())
            lines.insert(0, f"{INDENT}default {op}({said})")
        self.params = scope.params
        self.defaults: dict[str, Any] = {}
        for param, values in self.params.items():
            known = [v for v in values if v is not None]
            text, often = Counter(map(repr, known)).most_common(1)[0]
            varied = any(isinstance(v, (FirstTurn, Ramp)) for v in known)
            enough = often * 2 >= len(known) and len(known) > 1
            enough = enough and not re.fullmatch(r"c\d*", param)
            lacking = len(known) < len(values) and not param.startswith("drop")
            if (enough or lacking) and not varied:
                self.defaults[param] = next(v for v in known if repr(v) == text)
        required = [p for p in self.params if p not in self.defaults]
        required = [*self.tensors[0], *required]
        self.order = required + [p for p in self.params if p in self.defaults]
        head = ", ".join(
            p if p in required else f"{p} = {scope.literal(self.defaults[p])}" for p in self.order
        )
        opening = f"block {name}({head}) {{" if head else f"block {name} {{"
        self.text = [opening, *lines, "}"]

    def arguments(self, instance: int) -> dict[str, Any]:
        """What one of its instances gives it."""
        found = dict(self.tensors[instance])
        for name in self.order[len(found) :]:
            value = self.params[name][instance]
            if value is None and name.startswith("drop"):
                continue
            if value is None and name in self.defaults:
                found[name] = UNUSED
                continue
            if value is None:  # the instance lacks what the parameter is of
                value = next(v for v in self.params[name] if v is not None)
            if name not in self.defaults or repr(value) != repr(self.defaults[name]):
                found[name] = value
        return found


def _entering(lines: list[str], used: bool) -> list[str]:
    """The lines of a body, with a name for the channels that come in where it needs one: in its
    first line they are ``in.channels``."""
    if not used:
        return lines
    word = re.compile(r"\bentering\b")
    first = lines[0].lstrip()
    opens = next((i for i, line in enumerate(lines) if line.endswith("{")), 0)
    count = opens + 1 if first.startswith("residual") else 1
    arm = INDENT * 2 + "if " if first.startswith("branch") else None  # where each begins
    known = [
        i < count or (arm is not None and line.startswith(arm)) for i, line in enumerate(lines)
    ]
    end = next((i for i, line in enumerate(lines) if line.startswith(INDENT + "}")), len(lines))
    known = [there and i <= end for i, there in enumerate(known)]
    if not any(word.search(line) for line, there in zip(lines, known, strict=True) if not there):
        return [word.sub("in.channels", line) for line in lines]
    return [f"{INDENT}let entering = in.channels", *lines]
