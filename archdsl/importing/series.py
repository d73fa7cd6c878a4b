"""A graph as terms: series and parallel parts, found by reducing the graph until nothing is left.

At each level, that of a module, these are reduced: a value with one user (series), a join all of
whose arms begin at one value (parallel), and a join of a value and what is computed of it (a
tap). A part that no reduction fits runs in order, with names for the tensors that are used later.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archdsl.importing.custom import WORDS
from archdsl.importing.lower import Vertex
from archdsl.importing.record import Call
from archdsl.importing.simplify import live, users
from archdsl.importing.terms import Name, Term, walk

if TYPE_CHECKING:
    from archdsl.importing.text import Graph

Body = Callable[[], list[Term]]
MAIN = "main"  # of several results, what comes out at the end
HOW = ("per", "scaling")  # arguments of a sum that drops its branch
JOINS = ("concat", "add", "sub", "mul", "max")
HOISTS = 3  # times that joins are moved out of modules


@dataclass(eq=False, slots=True)
class Item:
    """A part on the way: what it takes, what it gives, the terms in between. With a ``join`` its
    inputs meet first."""

    inputs: list[int]
    output: int
    terms: list[Term]
    join: Vertex | None
    at: int


@dataclass(slots=True)
class Module:
    """The vertices of a call with one value in and one out."""

    input: int
    output: int
    vertices: set[int] = field(default_factory=set)


def chain(call: Call | None) -> Iterator[Call]:
    """A call and those around it, from the inside out."""
    while call is not None:
        yield call
        call = call.parent


class Levels:
    """The modules of a graph that are parts of their own, and the terms of each level."""

    def __init__(self, graph: Graph) -> None:
        self.graph, self.root = graph, graph.root
        self.vertices = {v.number: v for v in graph.vertices}
        ends = {v.number for v in (*graph.ends, *(v for _, v in graph.asides))}
        self.users = users(graph.vertices)
        self.shared: dict[frozenset[str], Term] = {}  # by the keys of its weights
        self._names: set[str] = set()
        for _ in range(HOISTS):
            if not self._hoist():
                break
        self.modules: dict[Call, Module] = {}
        for call, inside in self._calls().items():
            outside = self._outside(inside)
            given = {
                n for n in inside if n in ends or any(u.number not in inside for u in self.users[n])
            }
            if call.parent is not None and len(outside) == 1 and len(given) == 1:
                self.modules[call] = Module(outside.pop(), given.pop(), inside)

    def _calls(self) -> dict[Call, set[int]]:
        found: dict[Call, set[int]] = defaultdict(set)
        for vertex in self.vertices.values():
            for call in chain(vertex.call):
                found[call].add(vertex.number)
        return found

    def _outside(self, inside: set[int]) -> set[int]:
        return {v.number for n in inside for v in self.vertices[n].inputs if v.number not in inside}

    def _hoist(self) -> bool:
        """Moves joins that open a call to the call around it; says whether there was one."""
        moved = False
        for call, inside in self._calls().items():
            if call.parent is None or len(self._outside(inside)) < 2:
                continue
            mine = [self.vertices[n] for n in inside]
            heads = [v for v in mine if any(s.number not in inside for s in v.inputs)]
            if len(heads) == 1 and heads[0].op in JOINS:
                heads[0].call, moved = call.parent, True
        return moved

    def terms(self) -> list[Term]:
        """The whole graph: what is shared first."""
        graph = self.graph
        main = {v.number for v in live(graph.vertices, graph.ends)}
        self._repeated = self._keys_of_repeated(main)
        inputs = {v.number: v.path for v in graph.inputs}
        results: dict[int, list[str]] = defaultdict(list)
        for name, vertex in graph.results:
            results[vertex.number].append(name)
        found = self._reduced(main, min(main), graph.output.number, self.root, inputs, results)
        return [*self.shared.values(), *found]

    def _keys_of_repeated(self, inside: set[int]) -> set[frozenset[str]]:
        """The weights of what is applied more than once: of modules, and of single layers."""
        calls: dict[str, dict[Call, set[str]]] = defaultdict(lambda: defaultdict(set))
        layers: Counter[frozenset[str]] = Counter()
        for number in inside:
            keys = frozenset(tied.key for tied in self.vertices[number].weights.values())
            layers[keys] += 1
            for call in chain(self.vertices[number].call):
                calls[call.path][call] |= keys
        found = {keys for keys, count in layers.items() if count > 1}
        for of in calls.values():
            every = {frozenset(keys) for keys in of.values()}
            if len(of) > 1 and len(every) == 1:
                found |= every
        return found - {frozenset()}

    def _use(self, keys: frozenset[str], path: str, channels: int | None, body: Body) -> Term:
        """A use of what is shared, which is entered where it is met first."""
        if keys not in self.shared:
            base = re.sub(r"\W", "_", path).strip("_").lower() or "turn"
            base = f"part_{base}" if base[0].isdigit() else base
            registry = self.graph.registry
            if base in registry.layers or base in registry.patterns or base in WORDS:
                base += "_module"
            name, number = base, 2
            while name in self._names:
                name, number = f"{base}_{number}", number + 1
            self._names.add(name)
            self.shared[keys] = Term("shared", name, subs=[body()], channels=channels)
        return Term("layer", self.shared[keys].op, channels=channels, path=path)

    def level(self, inside: set[int], input: int, output: int, here: Call) -> list[Term]:
        """The terms of some vertices, from one value to another."""
        return self._reduced(inside, input, output, here, {}, {})

    def _reduced(
        self,
        inside: set[int],
        input: int,
        output: int,
        here: Call,
        incoming: Mapping[int, str],
        results: Mapping[int, list[str]],
    ) -> list[Term]:
        items: list[Item] = []
        done: set[int] = set()
        for number in sorted(inside):
            vertex = self.vertices[number]
            if number in done or vertex.layer is None:
                continue
            call = self._module(vertex, inside, here)
            if call is not None:
                module = self.modules[call]
                term = self._term(module, call)
                items.append(Item([module.input], module.output, [term], None, number))
                done |= module.vertices
                continue
            inputs = [v.number for v in vertex.inputs]
            if len(inputs) > 1 or vertex.op in JOINS:
                items.append(Item(inputs, number, [], vertex, number))
            else:
                items.append(Item(inputs, number, [self._layer(vertex)], None, number))
        return _Reduction(self, items, input, output, incoming, results).terms()

    def _term(self, module: Module, call: Call) -> Term:
        def body() -> list[Term]:
            return self.level(module.vertices, module.input, module.output, call)

        channels = self.vertices[module.input].shape[0]
        weights = (self.vertices[n].weights.values() for n in module.vertices)
        keys = frozenset(tied.key for of in weights for tied in of)
        if keys in self._repeated:
            outer, self._repeated = self._repeated, self._keys_of_repeated(module.vertices)
            self._repeated.discard(keys)
            found = self._use(keys, call.path, channels, body)
            self._repeated = outer
            return found
        return Term("module", call.cls, subs=[body()], channels=channels, path=call.path)

    def _module(self, vertex: Vertex, inside: set[int], here: Call) -> Call | None:
        """The outermost module of a level that a vertex is in, if it is a part of its own."""
        found = None
        for call in chain(vertex.call):
            if call is here:
                break
            module = self.modules.get(call)
            if module is not None and module.vertices < inside and len(module.vertices) > 1:
                found = call
        return found

    def _layer(self, vertex: Vertex) -> Term:
        channels = vertex.inputs[0].shape[0]
        if vertex.aside is not None:
            name, result = vertex.aside
            weight = {"weight": 1}
            inside = self._between(vertex.inputs[0], result)
            body = self.level(inside, vertex.inputs[0].number, result.number, self.root)
            return Term("output", name, weight, [body], channels)
        assert vertex.layer is not None, "gaps are no terms"
        given = dict(vertex.layer.given())
        keys = frozenset(tied.key for tied in vertex.weights.values())
        if vertex.layer.is_tied:
            given["words"] = Name(self.shared[keys].op)
        term = Term("layer", vertex.op, given, [], channels, path=vertex.path)
        if vertex.layer.is_tied or keys not in self._repeated:
            return term
        return self._use(keys, vertex.path, channels, lambda: [term])

    def _between(self, first: Vertex, last: Vertex) -> set[int]:
        found: set[int] = set()
        todo = [last]
        while todo:
            one = todo.pop()
            if one.number not in found and one is not first:
                found.add(one.number)
                todo += one.inputs
        return found


class _Reduction:
    """One level: its items, fewer and fewer."""

    def __init__(
        self,
        levels: Levels,
        items: list[Item],
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

    def terms(self) -> list[Term]:
        while self._series() or self._parallel() or self._tap():
            pass
        one = self.items[0] if len(self.items) == 1 else None
        if one and one.join is None and one.inputs == [self.input] and not self.results:
            return one.terms
        return self._in_order()

    def _uses(self) -> dict[int, list[Item | None]]:
        found: dict[int, list[Item | None]] = defaultdict(list)
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
            if after.join is not None:
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

    def _parallel(self) -> bool:
        made = {item.output: item for item in self.items}
        uses = self._uses()
        for join in self.items:
            if join.join is None:
                continue
            arms: list[Item | None] = []
            sources: list[int] = []
            for value in join.inputs:
                arm = made.get(value)
                if arm is not None and arm.join is None and len(uses[value]) == 1:
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
        made = {item.output: item for item in self.items}
        uses = self._uses()
        for join in self.items:
            if join.join is None or join.join.op not in ("concat", "add") or len(join.inputs) < 3:
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
                    arm.output, self.fresh = self.fresh, self.fresh - 1
                    join.inputs[first : first + 2] = [arm.output]
                    return True
        return False

    def _join(self, vertex: Vertex, arms: list[list[Term]], source: int) -> Term:
        known = self.levels.vertices.get(source)
        channels = None if known is None else known.shape[0]
        op = vertex.op
        if op == "add" and len(arms) == 2:
            args: dict[str, object] = {}
            if vertex.drop:
                assert vertex.layer is not None, "a sum"
                given = dict(vertex.layer.given())
                args = {"drop": vertex.drop, **{k: given[k] for k in HOW if k in given}}
                short, body = arms
                made = ([body], "identity") if not short else ([body, short], "layer")
                return Term("residual", made[1], args, made[0], channels)
            uses = any(t.kind == "use" for arm in arms if len(arm) == 1 for t in arm)
            if sum(not arm for arm in arms) == 1 and not uses:
                return Term("residual", "identity", args, [max(arms, key=len)], channels)
            short, body = sorted(arms, key=lambda arm: sum(1 for _ in walk(arm)))
            if short and all(t.kind != "use" for t in (*short, *body)):
                return Term("residual", "layer", args, [body, short], channels)
        return Term("branch", op, {}, arms, channels)

    def _in_order(self) -> list[Term]:
        """What no reduction fits: one after the other, tensors that are used later by name."""
        sequence: list[Term] = []
        current = self.input
        names = dict(self.inputs)
        kept = 0
        ends: dict[int, Term] = {}

        def use(value: int) -> Term:
            nonlocal kept
            if value not in names:
                kept += 1
                names[value] = f"t{kept}"
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
            else:
                arms = [[] if value == current else [use(value)] for value in item.inputs]
                found.append(self._join(item.join, arms, item.inputs[0]))
            found += item.terms
            if self._is_aside(item):
                name = self.results[item.output][0]
                sequence.append(Term("result", name, {}, [found]))
                continue
            sequence += found
            current = item.output
            ends[current] = sequence[-1]
        for value, said in self.results.items():
            if said != [MAIN] and not self._is_aside(self._made.get(value)):
                sequence += [Term("result", name, {}, [[use(value)]]) for name in said]
        if current != self.output and (not self.results or [MAIN] in self.results.values()):
            sequence.append(use(self.output))
        return sequence

    def _is_aside(self, item: Item | None) -> bool:
        """Whether what an item gives is one of several results, and nothing else."""
        return item is not None and item.output in self._asides

    def _ordered(self) -> list[Item]:
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
