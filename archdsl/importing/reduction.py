"""One level of a graph, that of a module, reduced: series, parallel parts and taps, until nothing
is left; what no reduction fits runs in order, with names for the tensors that are used later."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from archdsl.importing.fractals import NOT_THE_FIRST, fractal, met_in, no_fractal
from archdsl.importing.graphs import not_alone
from archdsl.importing.simplify import live
from archdsl.importing.terms import Kept, Term, last, of_scope, rename, walk
from archdsl.importing.values import MAIN, Vertex
from archdsl.importing.weighted import per_axis

if TYPE_CHECKING:
    from archdsl.diagnostics.model import ArchError
    from archdsl.importing.series import Levels

HOW = ("per", "scaling")  # arguments of a sum that drops its branch
OWN_STEP = "own_step"  # of a residual: its shortcut is not the one that is found by itself
SHORT = 8  # terms of a part that may be an arm


@dataclass(eq=False, slots=True)
class ReducedPart:
    """A part on the way: what it takes, what it gives, the terms in between. With a ``join`` its
    inputs meet first, each after the terms of its arm; without, its first term is given all but
    the first of them, if there are several."""

    inputs: list[int]
    output: int
    terms: list[Term]
    join: Vertex | None
    at: int
    arms: list[list[Term]] = field(default_factory=list)

    @property
    def is_chain(self) -> bool:
        """Whether it is terms that one tensor goes through."""
        return self.join is None and len(self.inputs) == 1


def _own_step(short: list[Term], before: Vertex | None, after: Vertex) -> dict[str, object]:
    """What is said of a shortcut with another stride than the one that ``residual`` finds by the
    sizes: an image of one pixel has one after any stride."""
    given = [term.args.get("stride", 1) for term in walk(short) if term.op == "conv"]
    if before is None or len(given) != 1:
        return {}
    sizes = zip(before.shape[1:], after.shape[1:], strict=False)
    steps = tuple(-(-n // m) for n, m in sizes)
    return {} if per_axis(given[0], len(steps)) == steps else {OWN_STEP: True}


def arguments_of(vertex: Vertex) -> dict[str, object]:
    """The axis of a concatenation, where it is not that of channels; the heads of attention; the
    columns of a fractal that meet."""
    layer = vertex.layer
    if layer is None or (vertex.op not in ("concat", "cross_attend") and not layer.columns_met):
        return {}
    return dict(layer.given())


def _meets_columns(vertex: Vertex) -> bool:
    """Whether the columns of a fractal meet, which are no arms."""
    return vertex.layer is not None and vertex.layer.columns_met is not None


def _extent(arm: list[Term]) -> tuple[int, int]:
    """How long an arm is, and how large the largest of its kernels: a shortcut is the lesser."""
    kernels = [term.args["kernel"] for term in walk(arm) if term.args.get("kernel")]
    sides = [side for k in kernels for side in (k if isinstance(k, tuple) else (k,))]
    return sum(term.kind != "module" for term in walk(arm)), max(
        (s for s in sides if isinstance(s, int)), default=0
    )


class Reduction:
    """One level: its items, fewer and fewer."""

    def __init__(
        self,
        levels: Levels,
        items: list[ReducedPart],
        input: int,
        output: int,
        inputs: Mapping[int, str],
        results: Mapping[int, list[str]],
    ) -> None:
        """``inputs`` and ``results`` are those with names, of a network of several."""
        self.levels, self.items, self.input, self.output = levels, items, input, output
        self.inputs = {number: name for number, name in inputs.items() if name}
        self.results = results
        self.fresh = -1  # values that are of no vertex
        self.inner: dict[int, Vertex] = {}  # where columns meet that are not all, by their values

    def terms(self) -> list[Term]:
        while self._series() or self._fractal() or self._parallel() or self._tap():
            pass
        for vertex in self.inner.values():
            raise no_fractal(vertex, NOT_THE_FIRST)
        one = self.items[0] if len(self.items) == 1 else None
        if one and one.join is None and one.inputs == [self.input] and not self.results:
            return one.terms
        return self._in_order()

    def _uses(self) -> dict[int, list[ReducedPart | None]]:
        found: dict[int, list[ReducedPart | None]] = defaultdict(list)
        for item in self.items:
            for value in item.inputs:
                found[value].append(item)
        for value in self.results or [self.output]:
            found[value].append(None)
        return found

    def _series(self) -> bool:
        made = {item.output: item for item in self.items}
        uses, changed = self._uses(), False
        for after in list(self.items):
            if after.join is not None or len(after.inputs) > 1:
                continue
            before = made.get(after.inputs[0])
            if before is None or len(uses[after.inputs[0]]) != 1:
                continue
            before.terms += after.terms
            before.output = after.output
            made[after.output] = before
            self.items.remove(after)
            changed = True
        return changed

    def _fractal(self) -> bool:
        for join in self.items:
            if (found := fractal(self, join)) is None:
                continue
            term, source, parts = found
            uses, inside = self._uses(), [join, *parts]
            if any(user not in inside for part in parts for user in uses[part.output]):
                continue
            met = met_in(join)
            if join.join is not None and met is not None and met.places[0] > 0:
                self.inner[join.output] = join.join
            for part in parts:
                self.inner.pop(part.output, None)
            join.terms.insert(0, term)
            join.inputs, join.join = [source], None
            self.items = [item for item in self.items if item not in parts]
            return True
        return False

    def _parallel(self) -> bool:
        made = {item.output: item for item in self.items}
        uses = self._uses()
        for join in self.items:
            if join.join is None or _meets_columns(join.join):
                continue
            arms: list[ReducedPart | None] = []
            sources: list[int] = []
            for value in join.inputs:
                arm = made.get(value)
                if arm is not None and arm.is_chain and len(uses[value]) == 1:
                    arms.append(arm)
                    sources.append(arm.inputs[0])
                else:
                    arms.append(None)
                    sources.append(value)
            if len(set(sources)) == 1:
                terms = [arm.terms if arm is not None else [] for arm in arms]
                join.terms.insert(0, self._join(join.join, terms, sources[0]))
                join.inputs, join.join = [sources[0]], None
                for arm in arms:
                    if arm is not None:
                        self.items.remove(arm)
                return True
        return False

    def _tap(self) -> bool:
        if not self.levels.nests:
            return False
        made = {item.output: item for item in self.items}
        uses = self._uses()
        for join in self.items:
            if join.join is None or join.join.op not in ("concat", "add") or len(join.inputs) < 3:
                continue
            if arguments_of(join.join):
                continue
            for first in range(len(join.inputs) - 1):
                for x, y in ((first, first + 1), (first + 1, first)):
                    value, result = join.inputs[x], join.inputs[y]
                    arm = made.get(result)
                    if arm is None or arm.join is not None or arm.inputs != [value]:
                        continue
                    both = {id(arm), id(join)}
                    if len(uses[result]) != 1 or {id(u) for u in uses[value]} != both:
                        continue
                    if len(uses[value]) != 2:
                        continue
                    terms = [[], arm.terms] if x < y else [arm.terms, []]
                    arm.terms = [self._join(join.join, terms, value)]
                    self.levels.nested = True
                    arm.output, self.fresh = self.fresh, self.fresh - 1
                    join.inputs[first : first + 2] = [arm.output]
                    return True
        return False

    def _join(self, vertex: Vertex, arms: list[list[Term]], source: int) -> Term:
        known = self.levels.vertices.get(source)
        channels = None if known is None else known.shape[0]
        op = vertex.op
        if _meets_columns(vertex):
            raise no_fractal(vertex)
        if op == "add" and len(arms) == 2:
            args: dict[str, object] = {}
            if vertex.drop:
                assert vertex.layer is not None, "a sum"
                given = dict(vertex.layer.given())
                args = {"drop": vertex.drop, **{k: given[k] for k in HOW if k in given}}
                short, body = arms
                args |= _own_step(short, known, vertex)
                made = ([body], "identity") if not short else ([body, short], "layer")
                return Term("residual", made[1], args, made[0], channels)
            uses = any(arm[0].kind == "use" for arm in arms if arm)
            if sum(not arm for arm in arms) == 1 and not uses:
                return Term("residual", "identity", args, [max(arms, key=len)], channels)
            short, body = sorted(arms, key=_extent)
            if short and all(t.kind != "use" for t in (*short, *body)):
                args = _own_step(short, known, vertex)
                return Term("residual", "layer", args, [body, short], channels)
        return Term("branch", op, arguments_of(vertex), arms, channels)

    def _in_order(self) -> list[Term]:
        """What no reduction fits: one after the other, tensors that are used later by name."""
        self._inline()
        sequence: list[Term] = []
        current = self.input
        names = dict(self.inputs)
        fresh = (name for n in count(1) if (name := f"t{n}") not in self.inputs.values())
        ends: dict[int, Term] = {}

        def use(value: int) -> Term:
            if value not in names:
                names[value] = next(fresh)
                if value in ends:
                    ends[value].keep = names[value]
                else:
                    sequence.insert(0, Term("layer", "identity", keep=names[value]))
            return Term("use", names[value])

        for item in self._ordered():
            found: list[Term] = []
            if item.join is None:
                if item.inputs[0] != current:
                    found.append(use(item.inputs[0]))
                if len(item.inputs) > 1:
                    named = zip(item.terms[0].args, item.inputs[1:], strict=True)
                    item.terms[0].args = {name: Kept(use(value).op) for name, value in named}
            else:
                arms = [
                    [*([] if value == current else [use(value)]), *terms]
                    for value, terms in zip(item.inputs, item.arms, strict=True)
                ]
                found.append(self._join(item.join, arms, item.inputs[0]))
            found += item.terms
            if self._is_aside(item):
                name = self.results[item.output][0]
                sequence.append(self._result(name, found))
                continue
            alone = self.results and item.at not in self.levels.always
            if alone and not all(self._may_stand(term) for term in walk(found)):
                raise self._not_alone(item.at)
            sequence += found
            current = item.output
            if (end := last(sequence)) is not None:
                ends[current] = end
        for value, said in self.results.items():
            if said != [MAIN] and not self._is_aside(self._made.get(value)):
                sequence += [self._result(name, [use(value)]) for name in said]
        if current != self.output and (not self.results or [MAIN] in self.results.values()):
            sequence.append(use(self.output))
        given = {names[value] for value in names if value not in self.inputs}
        kept = [term.keep for term in of_scope(sequence) if term.keep in given]
        rename(sequence, dict(zip(kept, sorted(kept, key=lambda name: int(name[1:])), strict=True)))
        return sequence

    def _result(self, name: str, terms: list[Term]) -> Term:
        """A result, of training alone or always, with its weight in the loss: where the module does
        not say it, one of evaluation has none but an auxiliary one, as a recipe may change."""
        graph = self.levels.graph
        kind = "output" if name in graph.meeting else "result"
        usual = 1 if kind == "output" or name.startswith("aux") else 0
        return Term(kind, name, {"weight": graph.shares.get(name, usual)}, [terms])

    def _may_stand(self, term: Term) -> bool:
        """Whether evaluation may compute a term that only results of training take: it does so in
        the module, too, or the term has neither weights nor multiply-adds of its own."""
        layers = self.levels.graph.registry.layers
        if term.kind not in ("layer", "branch") or term.path in self.levels.graph.evaluated:
            return True
        return term.op in layers and layers[term.op].is_free()

    def _not_alone(self, number: int) -> ArchError:
        """What is said of layers with a cost that only a result of training takes, and that would
        stand outside of its braces, where evaluation computes them, too."""
        graph = self.levels.graph
        name = next(
            n for n, v in graph.asides if self.levels.vertices[number] in live(graph.vertices, [v])
        )
        return not_alone(name)

    def _inline(self) -> None:
        """Short parts that a join alone takes become arms of it."""
        made, uses = {item.output: item for item in self.items}, self._uses()
        for join in list(self.items):
            if join.join is None:
                continue
            join.arms = [[] for _ in join.inputs]
            if _meets_columns(join.join):
                continue
            for place, value in enumerate(join.inputs):
                arm = made.get(value)
                if arm is None or not arm.is_chain or uses[value] != [join]:
                    continue
                if sum(1 for _ in walk(arm.terms)) <= SHORT and last(arm.terms) is arm.terms[-1]:
                    join.inputs[place], join.arms[place] = arm.inputs[0], arm.terms
                    self.items.remove(arm)

    def _is_aside(self, item: ReducedPart | None) -> bool:
        """Whether what an item gives is one of several results, and nothing else."""
        return item is not None and item.output in self._asides

    def _ordered(self) -> list[ReducedPart]:
        """The items, each after what it takes; one that takes the current value comes next."""
        uses = self._uses()
        self._made = {item.output: item for item in self.items}
        self._asides = {
            value
            for value, names in self.results.items()
            if len(names) == 1 and names != [MAIN] and uses[value] == [None]
        }
        left = sorted(self.items, key=lambda item: item.at)
        have, current = {self.input, *self.inputs}, self.input
        found = []
        while left:
            ready = [item for item in left if have.issuperset(item.inputs)]
            one = next((item for item in ready if current in item.inputs), ready[0])
            found.append(one)
            left.remove(one)
            if not self._is_aside(one):
                current = one.output
            have.add(current)
        return found
