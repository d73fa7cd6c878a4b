"""Parts that come again and have no module of their own, as blocks: chains of layers that take the
same number of kept tensors, as the nodes of a pyramid or the sums of a network of several sizes."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from archdsl.importing.blocks import define, spliced
from archdsl.importing.style import Style
from archdsl.importing.terms import Kept, Term, copied, walk

LONGEST = 8  # terms of a part
TENSORS = ("x", "y", "z", "u", "v")  # what a block calls those that it takes
NO_PART = ("use", "output", "result", "shared", "for", "module", "fractal")
NUMBERS = 2  # that may differ between the parts of a block
SAVED = 60  # characters that a block has to save
CURRENT = ""  # the tensor that comes into a part, among the names of kept ones


@dataclass(frozen=True, slots=True)
class RecurringPart:
    """Some terms of a sequence, from one place on, and the tensors that they take, in order."""

    at: int
    terms: Sequence[Term]
    tensors: tuple[str, ...]


def recurring(sequence: list[Term], style: Style) -> bool:
    """Makes blocks of what comes again in a sequence, as long as that saves text; says whether
    there was anything."""
    found = False
    while (parts := _best(sequence)) is not None:
        if not _made(sequence, parts, style):
            break
        found = True
    return found


def _best(sequence: list[Term]) -> list[RecurringPart] | None:
    """The parts of one form that save most as one block."""
    groups: dict[Any, list[RecurringPart]] = defaultdict(list)
    for at in range(len(sequence)):
        for end in range(at + 1, min(at + LONGEST, len(sequence)) + 1):
            terms = sequence[at:end]
            if terms[-1].kind in NO_PART:
                break
            if sum(1 for _ in walk(terms)) > 1 and (part := _part(at, terms)) is not None:
                form = _form(terms, {name: n for n, name in enumerate(part.tensors)}, True)
                groups[len(part.tensors), form].append(part)
            if terms[-1].keep:
                break
    best: tuple[float, list[RecurringPart]] | None = None
    for parts in _few_numbers(groups.values()):
        apart = _apart(parts)
        saved = _saved(apart) if len(apart) > 1 else 0
        if saved > SAVED and (best is None or saved > best[0]):
            best = saved, apart
    return None if best is None else best[1]


def _few_numbers(groups: Any) -> Iterator[list[RecurringPart]]:
    """Groups of parts, those with many numbers that differ also by these."""
    for parts in groups:
        if len(parts) < 2:
            continue
        if len(_columns(parts)) <= NUMBERS:
            yield parts
            continue
        alike: dict[Any, list[RecurringPart]] = defaultdict(list)
        for part in parts:
            numbers = {name: n for n, name in enumerate(part.tensors)}
            alike[_form(part.terms, numbers, False)].append(part)
        yield from alike.values()


def _columns(parts: Sequence[RecurringPart]) -> set[tuple[str, ...]]:
    """Arguments of the parts that differ between them, each once."""
    rows = [
        [repr(v) for t in walk([*part.terms]) for v in t.args.values() if not isinstance(v, Kept)]
        for part in parts
    ]
    return {column for column in zip(*rows, strict=False) if len(set(column)) > 1}


def _apart(parts: Sequence[RecurringPart]) -> list[RecurringPart]:
    """Those of some parts that share no terms, in order."""
    found: list[RecurringPart] = []
    for part in parts:
        if not found or part.at >= found[-1].at + len(found[-1].terms):
            found.append(part)
    return found


def _saved(parts: Sequence[RecurringPart]) -> float:
    """About how many characters a block of these parts saves."""
    one = parts[0]
    whole = sum(map(_written, walk([*one.terms])))
    tensors = 4 * len(one.tensors)
    call = 8 + tensors + 4 * len(_columns(parts))
    return (len(parts) - 1) * whole - len(parts) * call - 30 - tensors


def _written(term: Term) -> int:
    given = [len(repr(value)) + 2 for value in term.args.values()]
    return len(term.op or term.kind) + 4 + sum(given)


def _part(at: int, terms: Sequence[Term]) -> RecurringPart | None:
    """A part with the tensors that it takes; nothing where it is none, or takes too many."""
    if any(t.keep for t in walk([*terms[:-1], *(s for t in terms for sub in t.subs for s in sub)])):
        return None
    if any(t.kind in NO_PART[1:] for t in walk([*terms])):
        return None
    first = [*dict.fromkeys(_tensors(terms[0], True))]
    names = [*dict.fromkeys([*first, *(n for t in terms[1:] for n in _tensors(t, False))])]
    if not names or len(names) > len(TENSORS) or not first:
        return None
    return RecurringPart(at, terms, tuple(names))


def _tensors(term: Term, first: bool) -> Iterator[str]:
    """The kept tensors that a term takes, in order; of the first of a part also what comes in."""
    if first and term.kind != "branch":
        yield CURRENT
    for sub in term.subs:
        arm = first and term.kind == "branch" and (not sub or sub[0].kind != "use")
        if arm:
            yield CURRENT
        for inner in sub:
            if inner.kind == "use":
                yield inner.op
            yield from _tensors(inner, False)
    yield from (str(value) for value in term.args.values() if isinstance(value, Kept))


def _form(
    terms: Sequence[Term], numbers: dict[str, int], any_number: bool, first: bool = True
) -> Any:
    """Equal for parts of one form: tensors by their places, with ``any_number`` of channels."""
    found: list[Any] = []
    for place, term in enumerate(terms):
        begins = first and place == 0
        subs = []
        for sub in term.subs:
            inner = _form(sub, numbers, any_number, False)
            if begins and term.kind == "branch" and (not sub or sub[0].kind != "use"):
                inner = (("use", numbers[CURRENT]), *inner)
            subs.append(inner)
        if term.kind == "use":
            found.append(("use", numbers[term.op]))
            continue
        args = tuple(sorted((k, _value(v, numbers, any_number)) for k, v in term.args.items()))
        found.append((term.kind, term.op, args, tuple(subs)))
    return tuple(found)


def _value(value: Any, numbers: dict[str, int], any_number: bool) -> str:
    if isinstance(value, Kept):
        return f"tensor {numbers[value]}"
    number = isinstance(value, int) and not isinstance(value, bool)
    return "number" if any_number and number else repr(value)


def _made(sequence: list[Term], parts: Sequence[RecurringPart], style: Style) -> bool:
    """Puts a block in the place of parts of one form; says whether there is one."""
    entering = _entering(parts)
    if entering is None:
        return False
    title = _title(parts)
    modules: list[Term] = []
    for part in reversed(parts):
        names = {}
        for place, name in enumerate(part.tensors):
            if place != entering:
                names[name] = TENSORS[place - (place > entering)]
        body = copied([*part.terms])
        keep, body[-1].keep = body[-1].keep, ""
        comes = part.tensors[entering]
        before: list[Term] = []
        if comes != CURRENT and CURRENT in names:
            names_current = _keep_before(sequence, part.at)
            if names_current is None:
                return bool(modules)
        else:
            names_current = ""
        _renamed(body, names, comes)
        if comes != CURRENT:
            before = [Term("use", comes)]
        given = {new: Kept(names_current if old == CURRENT else old) for old, new in names.items()}
        channels = body[0].channels if entering == 0 and comes == CURRENT else None
        module = Term("module", title, given, [body], channels, keep)
        sequence[part.at : part.at + len(part.terms)] = [*before, module]
        modules.append(module)
    define(title, modules[::-1], style)
    spliced(sequence)
    return any(module.kind == "layer" for module in modules)


def _entering(parts: Sequence[RecurringPart]) -> int | None:
    """Which of the tensors of parts is the one that comes in: that which does so already in most,
    of those that the first term alone takes."""
    late = {
        place
        for part in parts
        for place, name in enumerate(part.tensors)
        if any(name in _tensors(t, False) for t in part.terms[1:])
    }
    places = Counter(p.tensors.index(CURRENT) for p in parts if CURRENT in p.tensors)
    free = [n for n in range(len(parts[0].tensors)) if n not in late]
    return max(free, key=lambda n: places[n], default=None)


def _keep_before(sequence: list[Term], at: int) -> str | None:
    """The name of what comes in at a place of a sequence: one that it has, or a new one."""
    for term in reversed(sequence[:at]):
        if term.kind in ("output", "result", "shared"):
            continue
        if term.kind == "use":
            return term.op
        taken = {t.keep for t in walk(sequence)} | {t.op for t in walk(sequence)}
        number = 1
        while f"m{number}" in taken:
            number += 1
        term.keep = term.keep or f"m{number}_t1"
        return term.keep
    return None


def _renamed(body: list[Term], names: dict[str, str], comes: str) -> None:
    """Makes the tensors that a part takes those of its block."""
    for sub in body[0].subs if body[0].kind == "branch" else ():
        if sub and sub[0].kind == "use":
            if sub[0].op == comes:
                del sub[0]
        elif comes != CURRENT:
            sub.insert(0, Term("use", CURRENT))
    for term in walk(body):
        if term.kind == "use":
            term.op = names[term.op]
        for key, value in term.args.items():
            if isinstance(value, Kept):
                term.args[key] = Kept(names[value])


def _title(parts: Sequence[RecurringPart]) -> str:
    """What the modules that the layers of a part stand in are called, where all are called so."""
    found = set()
    for part in parts:
        paths = [t.path.split(".")[:-1] for t in walk([*part.terms]) if t.path]
        common: list[str] = []
        for names in zip(*paths, strict=False):
            if len(set(names)) > 1:
                break
            common.append(names[0])
        words = [re.sub(r"\d+$", "", name).strip("_") for name in common]
        found.add(next((word for word in reversed(words) if word), ""))
    title = found.pop() if len(found) == 1 else ""
    return title or "part"
