"""What the classes of the emitted file are called: after their blocks and labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from archdsl.backend.names import ClassNames, class_name

if TYPE_CHECKING:
    from archdsl.backend.plan import Plan

SUFFIX = "Block"  # of a name that is taken


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
        _name_forms(names, base, rest)
        for plan in alike[1:]:
            if plan.doc and plan.doc == alike[0].doc:
                plan.doc = f"Another form of `{alike[0].name}`."
    _name_by_owners(names, plans, unclear, doc)
    for base, alike in unclear.items():
        _name_forms(names, base, [plan for plan in alike if not plan.name])


def _name_forms(names: ClassNames, base: str, plans: list[Plan]) -> None:
    for plan, name in zip(plans, names.several(base, len(plans), SUFFIX), strict=True):
        plan.name, plan.is_lettered = name, len(plans) > 1


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
        if owner is None or not owner.name or owner.is_lettered:
            continue
        base = bases[id(plan)]
        if count[id(owner), base] > 1:
            if not plan.label or labels[id(owner), plan.label] > 1:
                continue
            base = class_name(plan.label, doc)
        plan.name = names.one(f"{owner.name}{base}", SUFFIX)
