"""What a whole family of candidates costs, in closed form.

A candidate's figures take one elaboration. Where many candidates are asked for that differ in
their numeric knobs, the spec is elaborated with polynomials in the place of these
(``archdsl.layers.polynomial``), as for a proof of its space: its figures then are polynomials too,
exact for a whole region of the space, and a further candidate of that region costs no more than
putting its numbers in. What a spec rounds is a number of its own in these, worked out from the
knobs each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from archdsl.analysis.figures import COUNTED, Figures, figures_of
from archdsl.analysis.region import Place, Region, Stretch, index_of, place_of, smooth
from archdsl.diagnostics.model import ArchError
from archdsl.elaborate.equality import key as key_of
from archdsl.elaborate.knobs import Interval
from archdsl.elaborate.program import Program
from archdsl.layers.base import Shape
from archdsl.layers.polynomial import Polynomial
from archdsl.layers.unknowns import Effort, Undecided, Unknown
from archdsl.registry import REGISTRY

SMALL = 8  # candidates of a region that are elaborated one by one: a closed form does not pay
ANSWERS = 500_000  # work that may go into answers that are worked out place by place
MOST = 5_000  # regions that are kept


@dataclass(slots=True)
class _Node:
    """A region of candidates.

    It has its ``costs``, or the ``parts`` that it was split into by the values of a ``knob``, or,
    where it is ``ended``, neither: its candidates are not networks, or there is only one.
    """

    region: Region
    costs: tuple[Any, ...] | None = None  # of what is COUNTED: numbers, or polynomials
    knob: str = ""
    parts: list[_Node] = field(default_factory=list)
    ended: bool = False


@dataclass(frozen=True, slots=True)
class ClosedForm:
    """Costs as polynomials in one knob, for these values of it, the other knobs being decided."""

    values: Interval
    params: Any
    macs: Any
    activations: Any


class Families:
    """The closed forms of a spec, as far as they were worked out."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.domains = {
            knob.name: knob.domain
            for knob in program.knobs.values()
            if isinstance(knob.domain, Interval) and knob.domain.is_exact
        }
        self.starts = {name: smooth(domain) for name, domain in self.domains.items()}
        self.roots: dict[Any, _Node] = {}
        self.answers = Effort(ANSWERS)
        self.count = 0
        # A choice inside a body is no number, a budget asks for one candidate, and a user's layer
        # need not know what to do with a polynomial.
        simple = not (program.has_choices or program.fixed or program.compiler.budgets)
        self.able = simple and program.compiler.registry is REGISTRY

    def figures(self, values: Mapping[str, Any], input: Shape | None) -> Figures | None:
        """The figures of a candidate with these knobs, which then is a network; nothing where
        no closed form is known, and it has to be elaborated."""
        if not self.able:
            return None
        places: dict[str, Place] = {}
        pieces: dict[str, Any] = {}
        key: list[Any] = [input]
        for name, value in values.items():
            place = place_of(value, self.domains[name]) if name in self.domains else None
            if place is None:
                pieces[name] = value
                key += name, key_of((value,))
            else:
                start = index_of(place, self.starts[name])
                places[name], pieces[name] = place, self.starts[name][start]
                key += name, start
        if not places:
            return None
        root = self.roots.get(tuple(key))
        if root is None:
            if self.count > MOST:
                self.roots.clear()
                self.count = 0
            root = self.roots[tuple(key)] = self.node(Region(pieces))
        return self.look_up(root, places, input)

    def node(self, region: Region) -> _Node:
        self.count += 1
        return _Node(region, ended=not region.open)

    def look_up(
        self, node: _Node, places: Mapping[str, Place], input: Shape | None
    ) -> Figures | None:
        while node.costs is None:
            if node.parts:
                node = self.part_of(node, places[node.knob])
                continue
            if node.ended or node.region.is_smaller(SMALL):
                return None
            self.work_out(node, input, self.answers)
        at = {n: node.region.pieces[n].inside(p, self.domains[n]) for n, p in places.items()}
        row = [int(c.at(at)) if isinstance(c, Polynomial) else c for c in node.costs]
        return figures_of(tuple(row))

    def part_of(self, node: _Node, place: Place) -> _Node:
        """The part in which a place of the knob is by which a region was split."""
        domain = self.domains[node.knob]
        return next(
            n for n in node.parts if n.region.pieces[node.knob].inside(place, domain) is not None
        )

    def closed_form(
        self, knobs: Mapping[str, Any], name: str, input: Shape | None
    ) -> ClosedForm | None:
        """How the costs of a candidate follow from one of its knobs, as far around as they follow
        alike; nothing where each value is a case of its own."""
        if not self.able or name not in self.domains:
            return None
        domain = self.domains[name]
        place = place_of(knobs[name], domain)
        if place is None:
            return None
        start = self.starts[name][index_of(place, self.starts[name])]
        node = self.node(Region({**knobs, name: start}))
        while node.costs is None and not node.ended:
            self.work_out(node, input)
            if node.parts:
                node = self.part_of(node, place)
        return None if node.costs is None else _in_knob(name, domain, node)

    def work_out(self, node: _Node, input: Shape | None, rounds: Effort | None = None) -> None:
        """Elaborates a region as a whole, or splits it where its candidates differ. With
        ``rounds``, what is rounded is a number of its own in the costs."""
        values = {
            name: piece.value(name, self.domains[name], rounds)
            if isinstance(piece, Stretch)
            else piece
            for name, piece in node.region.pieces.items()
        }
        try:
            found = self.program.elaborate(values, lambda path, options, span: 0, input, True)
            node.costs = COUNTED.of_part(found.network.root)
        except Undecided as question:
            name = node.knob = question.unknown.name
            parts = node.region.pieces[name].split(self.domains[name], question)
            node.parts = [self.node(node.region.with_piece(name, part)) for part in parts]
            node.ended = not parts
        except ArchError:
            node.ended = True


def _in_knob(name: str, domain: Interval, node: _Node) -> ClosedForm | None:
    """The costs of a region in terms of a knob, and not of the places of its domain; nothing where
    they are longer than a polynomial may be."""
    piece: Stretch = node.region.pieces[name]
    low, high = (Stretch(end, end).value(name, domain) for end in (piece.first, piece.last))
    step = None if domain.step is None else domain.step * piece.stride
    unit = high - low if step is None else step
    knob = Polynomial({((Unknown(name, None), 1),): 1})
    try:
        costs = [
            c.at({name: (knob - low) / unit}) if isinstance(c, Polynomial) else c
            for c in node.costs or ()
        ]
    except Undecided:
        return None
    params, _, macs, activations, *_ = costs
    return ClosedForm(Interval(low, high, step, domain.log), params, macs, activations)
