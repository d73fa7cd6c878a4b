"""Lines of a spec whose layers are one chain: what stands in the line of what it follows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import dropwhile

from archdsl.importing.closed import PATTERNS, SHORT, closed
from archdsl.importing.library import NORMS
from archdsl.importing.link_table import MORE
from archdsl.importing.terms import ACTIVATIONS
from archdsl.importing.wrapped import LONG
from archdsl.registry import Registry

# What follows a layer in its line: all but the layers that a line begins with.
LINE_STARTS = ("conv", "conv_transpose")
ATTENTION = ("attend", "cross_attend")
FIRST_OPS = NORMS | ACTIVATIONS | {"act", "slice", "split"}
WORDS = ("let", "default", "arch", "input", "if", "for", "repeat", "block", "output", "use")
LAYERS = ("residual", "branch", "dense", "fractal")  # patterns that are a layer
KEPT = re.compile(r" as (\w+)$")
BRANCH = re.compile(r"(\w+ -> )?branch .*\}$|\[.*\] -> \w+$")
STEP = re.compile(r"( *)([a-z_0-9]+)(\(.*\))?( as \w+)?$")


def laid_out(lines: list[str], registry: Registry, tensors: Iterable[str] = ()) -> list[str]:
    """The lines of a spec, those that are a chain together in one, short patterns too. ``tensors``
    are the names of those that come in, to the spec or to a block."""
    kept = {found[1] for line in lines if (found := KEPT.search(line))} | {*tensors}
    lines = _named(_led(_chained(lines, kept, registry)))
    while (made := _after_patterns(closed(_ended(lines)), kept)) != lines:
        lines = made
    return lines


def _chained(lines: list[str], kept: set[str], registry: Registry) -> list[str]:
    """What follows a convolution or a block stands in its line; so does what a tensor that was
    kept goes into."""
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
            and _may_join(out, line)
        ):
            out[-1] += " -> " + line.strip()
        else:
            out.append(line)
    return out


def _led(lines: list[str]) -> list[str]:
    """The lines of which those of norms and activations alone begin the next one, whose layer they
    are before, those that end in attention have its projection, those of a convolution alone what
    comes after it, and those that end in one the next."""
    out: list[str] = []
    for line in lines:
        word = re.match(r" *(\w+)", line)
        if (
            out
            and word is not None
            and word[1] not in (*WORDS, *PATTERNS)
            and not line.endswith("{")
            and _leads(out[-1], _indent(line), word[1])
            and _may_join(out, line)
        ):
            out[-1] += " -> " + line.strip()
        else:
            out.append(line)
    return out


def _named(lines: list[str]) -> list[str]:
    """The lines of which one that keeps a tensor, of a single layer, stands in that of the layer
    before it, where both are short."""
    out: list[str] = []
    for line in lines:
        step = STEP.match(line)
        if (
            step is not None
            and step[4] is not None
            and step[2] not in (*WORDS, *LINE_STARTS, *NORMS, *ACTIVATIONS)
            and out
            and STEP.match(_last_step(out[-1])) is not None
            and _ops(out[-1])[0] not in (*WORDS, *LINE_STARTS)
            and _may_join(out, line)
            and len(out[-1]) + len(line.strip()) + 4 <= SHORT
        ):
            out[-1] += " -> " + line.strip()
        else:
            out.append(line)
    return out


def _ended(lines: list[str]) -> list[str]:
    """The lines of which a last convolution of a body, with nothing after it, stands in the line of
    the convolution and the activation before it."""
    out: list[str] = []
    for at, line in enumerate(lines):
        step = STEP.match(line)
        ends = at + 1 < len(lines) and lines[at + 1] == f"{line[: len(_indent(line)) - 2]}}}"
        if (
            step is not None
            and step[2] in LINE_STARTS
            and step[4] is None
            and ends
            and out
            and _is_inside(_ops(out[-1]))
            and _may_join(out, line)
        ):
            out[-1] += " -> " + line.strip()
        else:
            out.append(line)
    return out


def _is_inside(ops: list[str]) -> bool:
    """Whether layers are a convolution and what is not a norm after it."""
    rest = [*dropwhile(lambda op: op in FIRST_OPS, ops)]
    return bool(rest) and rest[0] in LINE_STARTS and not NORMS & {*rest}


def _after_patterns(lines: list[str], kept: set[str]) -> list[str]:
    """The lines of which a pattern stands in that of the tensor which it takes, one of a single
    line in that of the norm before it, and what follows a branch in that of the branch."""
    out: list[str] = []
    for line in lines:
        word = re.match(r" *(\w+)", line)
        whole = bool(out) and BRANCH.match(out[-1].strip()) is not None
        takes = bool(out) and out[-1].strip() in kept
        leads = bool(out) and "{" in line and all(op in FIRST_OPS for op in _ops(out[-1]))
        pattern = word is not None and word[1] in LAYERS
        if (
            word is not None
            and word[1] not in (*WORDS, *kept)
            and ((whole and not pattern) or ((takes or leads) and pattern))
            and (takes or not line.endswith("{"))
            and _may_join(out, line)
        ):
            out[-1] += " -> " + line.strip()
        else:
            out.append(line)
    return out


def _may_join(lines: list[str], line: str) -> bool:
    """Whether a line may stand in the last of these: one of its level that keeps no tensor, and
    where both fit; not two arms of a branch."""
    before, indent = lines[-1], _indent(line)
    return (
        _indent(before) == indent
        and " as " not in before
        and not before.endswith(("[", ","))
        and not line.lstrip().startswith(MORE)
        and len(before) + len(line.strip()) + 4 <= LONG
        and not _in_branch(lines, indent)
    )


def _follows(op: str, registry: Registry) -> bool:
    """Whether a layer stands in the line of what it follows."""
    return (op in registry.layers or op == "act") and op not in LINE_STARTS


def _leads(line: str, indent: str, op: str) -> bool:
    """Whether a line of this indent has no end of its own: what it is of comes after it."""
    ops = _ops(line)
    led = ops[-1] in ATTENTION or all(o in FIRST_OPS for o in ops)
    bare = ops[-1] in LINE_STARTS and (op in LINE_STARTS or len(ops) == 1)
    return not line.endswith("}") and (led or bare)


def _ops(line: str) -> list[str]:
    """The layers of a line, without what they are given."""
    return [re.split(r"\W", step)[0] for step in line.strip().split(" -> ")]


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _last_step(line: str) -> str:
    """The last layer of a line's chain, indented as the line is."""
    return _indent(line) + line.strip().rsplit(" -> ", 1)[-1]


def _in_branch(lines: list[str], indent: str) -> bool:
    for line in reversed(lines):
        if len(_indent(line)) < len(indent):
            return line.strip().startswith("branch") or " -> branch " in line
    return False
