"""Several networks as one spec with variants: what differs between them is a knob.

The blocks are those of all networks together, so that a relation between numbers is taken only
where it holds in all of them. Then the sequences of the networks are laid over each other, and the
numbers in which they differ are knobs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import gcd
from typing import Any

from archdsl.analysis.space import prove
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.importing.across import Across
from archdsl.importing.blocks import blocks
from archdsl.importing.fold import fold, stages
from archdsl.importing.graphs import failure
from archdsl.importing.proof import difference, flat_of, pairs
from archdsl.importing.series import Levels
from archdsl.importing.style import Style
from archdsl.importing.terms import Classes, FirstTurn, Term, skeleton, walk
from archdsl.importing.text import SpecWriter
from archdsl.importing.values import Graph
from archdsl.importing.widths import RUNS, WORK
from archdsl.spec import Spec, parse

RANGES, VALUES, NONE = range(3)  # what the domain of a knob is


class FamilyWriter(SpecWriter):
    """Writes the text of several graphs, the variants of one spec. Raises ``ArchError`` (A667)
    where they are not of one form."""

    def __init__(self, graphs: Mapping[str, Graph], name: str, domains: int = RANGES) -> None:
        self.domains = domains
        self.names, self.graphs = list(graphs), list(graphs.values())
        self.graph, self.name, self.plain, self.width = self.graphs[0], name, False, None
        found, classes = [], set[int | None]()
        for graph in self.graphs:
            if len(graph.inputs) > 1 or graph.results:
                raise self.differ("models of a family take one tensor and give one result")
            levels = Levels(graph)
            found.append(Term("variant", "", subs=[levels.terms()]))
            classes.add(levels.heads.classes)
        self.style = Style(found, self.graph.registry)
        if any(t.args.get("drop") for t in walk(found)):
            raise self.differ("they drop branches in training with different probabilities")
        self.style.classes = classes.pop() if len(classes) == 1 else None
        self.terms = found
        self.count = 0

    def differ(self, reason: str) -> ArchError:
        """That they are no family, and why."""
        return ArchError([diagnose(codes.NO_FAMILY, names=listed(self.names), reason=reason)])

    def sequence(self) -> list[Term]:
        found = [fold(term.subs[0], self.style) for term in blocks(self.terms, self.style)]
        terms = self._beside(found)
        self.style.family.meet([*_across(terms), *self._sides()])
        return stages(terms, self.style)

    # ------------------------------------------------------------------ one sequence of several

    def _beside(self, sequences: Sequence[list[Term]]) -> list[Term]:
        lengths = [len(sequence) for sequence in sequences]
        if len(set(lengths)) > 1:
            shown = [f"`{n}` has {k}" for n, k in zip(self.names, lengths, strict=True)]
            raise self.differ(f"of the parts that follow each other {listed(shown, '')}")
        return [self._one(list(terms)) for terms in zip(*sequences, strict=True)]

    def _one(self, terms: list[Term]) -> Term:
        repeated = next((t for t in terms if t.kind == "repeat" and len(t.subs[0]) == 1), None)
        if repeated is not None:
            terms = [self._as_repeated(t, repeated) for t in terms]
        first = terms[0]
        for name, term in zip(self.names, terms, strict=True):
            if (term.kind, term.op, len(term.subs), term.keep) != (
                first.kind,
                first.op,
                len(first.subs),
                first.keep,
            ):
                one, other = _shown(first), _shown(term)
                raise self.differ(f"where `{self.names[0]}` has {one}, `{name}` has {other}")
        self.count += 1
        place = self.count
        args = {}
        for name in dict.fromkeys(n for term in terms for n in term.args):
            values = [term.args.get(name, self.style.built_in(first.op, name)) for term in terms]
            args[name] = self._value(name, values, place, first)
        subs = [self._beside(list(parts)) for parts in zip(*(t.subs for t in terms), strict=True)]
        channels = first.channels if len({t.channels for t in terms}) == 1 else None
        made = Term(first.kind, first.op, args, subs, channels, first.keep)
        made.path, made.label = first.path, first.label
        return made

    def _as_repeated(self, term: Term, like: Term) -> Term:
        """A term as one that is repeated once, where others are so more often."""
        if term.kind == "repeat" or skeleton(term) != skeleton(like.subs[0][0]):
            return term
        return Term("repeat", "", {"n": 1}, [[term]], term.channels)

    def _value(self, name: str, values: list[Any], place: int, term: Term) -> Any:
        """What an argument is in all variants."""
        if len(set(map(repr, values))) == 1:
            return values[0]
        rests = [v.rest for v in values if isinstance(v, FirstTurn)]
        if rests:  # of one turn alone there is no rest
            both = [v if isinstance(v, FirstTurn) else FirstTurn(v, rests[0]) for v in values]
            one = self._value(name, [v.first for v in both], place, term)
            return FirstTurn(one, self._value(name, [v.rest for v in both], place, term))
        if any(not isinstance(v, (int, float, bool, str)) for v in values):
            raise self.differ(f"`{name}` of {_shown(term)} differs, and is not a number")
        if len({type(v) for v in values} - {Classes}) > 1 or isinstance(values[0], str):
            shown = listed([str(v) for v in dict.fromkeys(values)])
            raise self.differ(f"`{name}` of {_shown(term)} is {shown}")
        role = "classes" if all(isinstance(v, Classes) for v in values) else name
        return Across(tuple(values), role, place if name == "n" else 0)

    # ------------------------------------------------------------------------ head and input

    def _sides(self) -> list[Across]:
        """The lengths of what comes in, where they differ."""
        return [side for side in self._input() if isinstance(side, Across)]

    def _input(self) -> list[Any]:
        shapes = [graph.vertices[0].shape for graph in self.graphs]
        if len({len(shape) for shape in shapes}) > 1:
            raise self.differ("their inputs differ in their number of axes")
        return [
            sides[0] if len(set(sides)) == 1 else Across(tuple(sides), "size")
            for sides in zip(*shapes, strict=True)
        ]

    def input(self) -> list[str]:
        sides = self._input()
        if any(isinstance(side, Across) for side in sides):
            family = self.style.family
            parts = [family.written(s) if isinstance(s, Across) else str(s) for s in sides]
            shown = f"({', '.join(parts)})"
        else:
            shown = "x".join(map(str, sides))
        return [*self._variants(), "", f"input {shown}"]

    def _variants(self) -> list[str]:
        lines = []
        for number, name in enumerate(self.names):
            given = [
                f"{knob} = {_literal(values[number])}"
                for knob, values in self.style.family.knobs.items()
                if values[number] != values[0]
            ]
            lines.append(f"variant {name}({', '.join(given)})" if given else f"variant {name}")
        return lines

    def head(self) -> str:
        self.input()  # whose knobs are of the header
        knobs = [
            f"{k} = {_literal(v[0])}{self._domain(k, v)}"
            for k, v in self.style.family.knobs.items()
        ]
        if "classes" in self.style.turned:
            knobs.append(f"classes = {self.style.classes}")
        return self.header(knobs)

    def _domain(self, name: str, values: Sequence[Any]) -> str:
        """What a knob may be beside the values of the variants."""
        whole = all(isinstance(v, int) and not isinstance(v, bool) for v in values)
        if self.domains == NONE or not whole:
            return ""
        if self.domains == VALUES:
            return f" in {{{', '.join(map(str, sorted(set(values))))}}}"
        step = gcd(*values) if not name.startswith("depth") else 1
        return f" in {min(values)}..{max(values)}" + f" step {step}" * (step > 1)


def _across(terms: list[Term]) -> Iterator[Across]:
    """The values that differ between variants, in the order of the text."""
    for term in walk(terms):
        for value in term.args.values():
            for one in (value.first, value.rest) if isinstance(value, FirstTurn) else (value,):
                if isinstance(one, Across):
                    yield one


def _literal(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:.12g}"


def _shown(term: Term) -> str:
    if term.kind == "layer":
        return f"`{term.op}`"
    return f"`{term.kind}`" if term.kind != "module" else "a part of its own"


def listed(names: Sequence[str], mark: str = "`") -> str:
    shown = [f"{mark}{name}{mark}" for name in names]
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def with_variants(graphs: Mapping[str, Graph], name: str) -> tuple[Spec, list[dict[int, int]], str]:
    """The spec of a family; of each variant, which layer is which; and what was proved of other
    values of its knobs. Raises ``ArchError``."""
    reason = ""
    for domains in (RANGES, VALUES, NONE):
        text = FamilyWriter(graphs, name, domains).text()
        try:
            spec = parse(text, name)
            archs = [spec.variant(variant) for variant in graphs]
            proof = None if domains == NONE else prove(spec.program, RUNS, most=WORK)
        except ArchError as problem:
            reason = f"{problem.diagnostics[0].code}: {problem.diagnostics[0].message}"
            continue
        if proof is not None and not (proof.holds and proof.complete):
            continue
        found = []
        for (variant, graph), arch in zip(graphs.items(), archs, strict=True):
            theirs = flat_of(graph, name)
            paired = pairs(theirs, arch.flat)
            if paired is None:
                reason = f"what they have in common is not `{variant}`: "
                reason += difference(theirs, arch.flat)
                raise failure(codes.NO_FAMILY, names=listed(list(graphs)), reason=reason)
            found.append(paired)
        said = "" if proof is None else "a network for all values of the knobs"
        return spec, found, said
    raise failure(codes.NO_FAMILY, names=listed(list(graphs)), reason=reason)
