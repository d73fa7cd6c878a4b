"""What the classes of the emitted file are called: after their blocks and labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING

from archdsl.backend.dense import DensePiece
from archdsl.backend.names import ClassNames, class_name
from archdsl.backend.pieces import ExpressionPiece, Piece, PlanPiece
from archdsl.backend.scope import SHORTCUT
from archdsl.backend.sequences import SequencePiece

if TYPE_CHECKING:
    from archdsl.backend.instance import Instance
    from archdsl.backend.plan import Plan

SUFFIX = "Block"  # of a name that is taken
PLACES = frozenset(("branch", "layer", "turn"))  # they say where, and not what
DEEPEST = 4  # parts within parts that a form is told by


def name_classes(top: Plan, plans: list[Plan], taken: Iterable[str], doc: str) -> None:
    """Gives classes their names: ``top`` is the network's, and ``doc`` its comment: names are
    written as it writes them. A class stands after those that it uses in ``plans``."""
    names = ClassNames(taken)
    top.name = names.one(class_name(top.title, doc), "Net")
    kinds: dict[str, list[Plan]] = {}
    for plan in plans:
        if plan is not top:
            kinds.setdefault(class_name(plan.title).lower(), []).append(plan)
    unclear: dict[str, list[Plan]] = {}
    for alike in kinds.values():
        base = class_name(alike[0].title, f"{alike[0].doc}\n{doc}")
        met = Counter(label for plan in alike for label in plan.labels)
        known = [p for p in alike if len(alike) > 1 and p.label and met[p.label] == 1]
        rest = [plan for plan in alike if plan not in known]
        if len(rest) > 1 and alike[0].definition is None:
            unclear[base] = alike
            continue
        for plan in known:  # as the one that it is
            plan.name = names.one(class_name(plan.label, doc), SUFFIX)
        _name_forms(names, base, rest, doc)
        for plan in alike[1:]:
            if plan.doc and plan.doc == alike[0].doc:
                plan.doc = f"Another form of `{alike[0].name}`."
    _name_by_owners(names, plans, unclear, doc)
    for base, alike in unclear.items():
        _name_forms(names, base, [plan for plan in alike if not plan.name], doc)


def _name_forms(names: ClassNames, base: str, plans: list[Plan], doc: str) -> None:
    """Names the forms of one thing after what each alone has: ``AttentionUnit`` and
    ``SeparableUnit``. One may have nothing of its own; of more such, all get letters."""
    told = _telling(plans) if len(plans) > 1 else None
    if told is not None:
        for plan, word in zip(plans, told, strict=True):
            plan.name = names.one(f"{class_name(word, doc) if word else ''}{base}", SUFFIX)
    else:
        for plan, name in zip(plans, names.several(base, len(plans), SUFFIX), strict=True):
            plan.name = name
    for plan in plans:
        plan.is_form = len(plans) > 1


def _telling(plans: Sequence[Plan]) -> list[str] | None:
    """For each form the first step that all its uses have, and no use of the others; an empty
    text for one form that has none."""
    for depth, idle in product(range(1, DEEPEST + 1), (PLACES | {SHORTCUT}, PLACES)):
        uses = [[list(_steps(i, depth)) for i in plan.instances] for plan in plans]
        every = [set(found[0]).intersection(*found) for found in uses]
        some = [set[str]().union(*found) for found in uses]
        told = []
        for place, found in enumerate(uses):
            others = set[str]().union(*some[:place], *some[place + 1 :]) | idle
            own = (word for word in found[0] if word in every[place] - others)
            told.append(next(own, ""))
        if told.count("") < 2:
            return told
    return None


def _steps(instance: Instance, depth: int) -> Iterator[str]:
    """What the steps with modules of an instance are called, those of the parts within it too."""
    for entry in instance.scope.entries:
        piece = instance.pieces[entry.label]
        if not entry.picks and not isinstance(piece, ExpressionPiece):
            yield entry.name
            yield from _within(piece, depth - 1)


def _within(piece: Piece, depth: int) -> Iterator[str]:
    """The same of a step that is no block and no layer."""
    if depth == 0:
        return
    if isinstance(piece, PlanPiece) and piece.plan.definition is None:
        yield from _steps(piece.plan.instances[piece.plan.place(piece.part)], depth)
    for child in piece.children if isinstance(piece, SequencePiece) else ():
        yield child.entry.name if child.entry is not None else child.label
        yield from _within(child.piece, depth - 1)
    for unit in piece.units if isinstance(piece, DensePiece) else ():
        yield from _within(unit, depth)


def _name_by_owners(
    names: ClassNames, plans: list[Plan], kinds: dict[str, list[Plan]], doc: str
) -> None:
    """Names parts that have one label in several classes after the class that each is a part of,
    ``HeadBranch``; with the number of the label where that one has several."""
    owners: dict[int, dict[int, Plan]] = {}
    for plan in plans:
        for inner in (p for i in plan.instances for p in i.plans()):
            owners.setdefault(id(inner), {})[id(plan)] = plan
    bases = {id(plan): base for base, alike in kinds.items() for plan in alike}
    alone = {n: next(iter(o.values())) for n, o in owners.items() if len(o) == 1 and n in bases}
    count = Counter((id(owner), bases[n]) for n, owner in alone.items())
    labels = Counter((id(alone[id(p)]), p.label) for p in plans if id(p) in alone)
    for plan in reversed(plans):  # what has a part is named before it
        owner = alone.get(id(plan))
        if owner is None or not owner.name or owner.is_form:
            continue
        base = bases[id(plan)]
        if count[id(owner), base] > 1:
            if not plan.label or labels[id(owner), plan.label] > 1:
                continue
            base = class_name(plan.label, doc)
        plan.name = names.one(f"{owner.name}{base}", SUFFIX)
