"""A graph as terms: series and parallel parts, found by reducing the graph until nothing is left.

At each level, that of a module, these are reduced: a value with one user (series), a join all of
whose arms begin at one value (parallel), and a join of a value and what is computed of it (a
tap). A part that no reduction fits runs in order, with names for the tensors that are used later.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archdsl.importing.blocks import is_container
from archdsl.importing.custom import WORDS
from archdsl.importing.heads import class_heads
from archdsl.importing.record import ModuleCall
from archdsl.importing.reduction import ReducedPart, Reduction
from archdsl.importing.simplify import live, users
from archdsl.importing.terms import BareName, Classes, Term
from archdsl.importing.titles import titles_of
from archdsl.importing.values import Vertex, chain

if TYPE_CHECKING:
    from archdsl.importing.values import Graph

Body = Callable[[], list[Term]]
Shared = tuple[frozenset[str], int]  # of what is shared: the keys of its weights, and its vertices
JOINS = ("concat", "add", "sub", "mul", "max")
OTHER_NAMES = WORDS | {"act", "kernel", "stride", "n", "j"}
COUNTED = re.compile(r"(c|t|depth)\d*")  # names that the importer gives
PAD_TO = "pad_to"  # a block of the library
HOISTS = 3  # times that joins are moved out of modules


@dataclass(slots=True)
class ModuleVertices:
    """The vertices of a call with one value in and one out. Of several that come in ``others`` has
    all but the first, by their names."""

    input: int
    output: int
    vertices: set[int] = field(default_factory=set)
    others: dict[int, str] = field(default_factory=dict)


class Levels:
    """The modules of a graph that are parts of their own, and the terms of each level."""

    def __init__(self, graph: Graph, sized: bool = True, nests: bool = True) -> None:
        """``sized`` makes what is padded to the size of another tensor so, at any size. ``nests``
        makes joins within joins: of three tensors that meet, where the second is computed from the
        first, the first two meet by themselves."""
        self.graph, self.root, self.heads = graph, graph.root, class_heads(graph)
        self.nests = nests
        self.vertices = {v.number: v for v in graph.vertices}
        self.always = {v.number for v in live(graph.vertices, graph.ends)}  # in evaluation, too
        ends = {v.number for v in (*graph.ends, *(v for _, v in graph.asides))}
        self.users = users(graph.vertices)
        self.like: dict[int, int] = {}
        for vertex in self.vertices.values() if sized else ():
            if vertex.like is not None and self.vertices.get(vertex.like.number) is vertex.like:
                self.like[vertex.number] = vertex.like.number
                self.users[vertex.like.number].append(vertex)
        self.nested = False  # whether there is a join within a join
        self.shared: dict[Shared, Term] = {}
        self._names = {v.path for v in graph.inputs}  # of what comes in, and of what is shared
        for _ in range(HOISTS):
            if not self._hoist():
                break
        self.modules: dict[ModuleCall, ModuleVertices] = {}
        for call, inside in self._calls().items():
            outside = self._outside(inside)
            given = {
                n for n in inside if n in ends or any(u.number not in inside for u in self.users[n])
            }
            if call.parent is None or len(given) != 1:
                continue
            if len(outside) == 1:
                self.modules[call] = ModuleVertices(outside.pop(), given.pop(), inside)
            elif graph.several and (found := self._named(call, outside)):
                (first, *_), others = found, dict([*found.items()][1:])
                self.modules[call] = ModuleVertices(first, given.pop(), inside, others)
        self._only_alike()

    def _calls(self) -> dict[ModuleCall, set[int]]:
        found: dict[ModuleCall, set[int]] = defaultdict(set)
        for vertex in self.vertices.values():
            for call in chain(vertex.call):
                found[call].add(vertex.number)
        return found

    def _outside(self, inside: set[int]) -> set[int]:
        taken = {v.number for n in inside for v in self.vertices[n].inputs}
        return (taken | {self.like[n] for n in inside if n in self.like}) - inside

    def _named(self, call: ModuleCall, outside: set[int]) -> dict[int, str]:
        """What comes into a module of several tensors, in its order and by names that parameters
        of a block can have; nothing where something has none."""
        given = {v.number: n for v, n in self.graph.given.get(call, {}).items()}
        found = {number: name for number, name in given.items() if number in outside}
        registry = self.graph.registry
        titles = titles_of(found.values())
        taken = set(titles.values())
        for number, name in found.items():
            title = titles[name]
            known = title in registry.layers or title in registry.patterns or title in OTHER_NAMES
            if known or COUNTED.fullmatch(title):
                while title in taken:
                    title = f"x_{title}"
                taken.add(title)
            found[number] = title
        return found if len(found) == len(outside) else {}

    def _only_alike(self) -> None:
        """Leaves those modules of several tensors that have others of their class."""
        several = {c: tuple(m.others.values()) for c, m in self.modules.items() if m.others}
        kinds = Counter((call.cls, names) for call, names in several.items())
        paths = Counter(call.path for call in several)
        for call, names in several.items():
            if kinds[call.cls, names] < 2 or paths[call.path] > 1:
                del self.modules[call]

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
        named = graph.named
        main = {v.number for v in live(graph.vertices, [*graph.ends, *(v for _, v in named)])}
        self._enter(main)
        inputs = {v.number: v.path for v in graph.inputs}
        results: dict[int, list[str]] = defaultdict(list)
        for name, vertex in named:
            results[vertex.number].append(name)
        found = self._reduced(main, min(main), graph.output.number, self.root, inputs, results)
        return [*self.shared.values(), *found]

    def _enter(self, inside: set[int]) -> None:
        """From here on what is shared is what these vertices apply more than once: modules, and
        single layers."""
        calls: dict[str, dict[ModuleCall, set[int]]] = defaultdict(lambda: defaultdict(set))
        layers: Counter[Shared] = Counter()
        for number in inside:
            layers[self._weights({number})] += 1
            for call in chain(self.vertices[number].call):
                calls[call.path][call].add(number)
        self._scope = inside
        self._repeated = {one for one, count in layers.items() if count > 1 and one[0]}
        for of in calls.values():
            every = {self._weights(numbers) for numbers in of.values()}
            if len(of) > 1 and len(every) == 1:
                self._repeated |= {one for one in every if one[0]}

    def _weights(self, inside: set[int]) -> Shared:
        weights = (self.vertices[n].weights.values() for n in inside)
        return frozenset(tied.key for of in weights for tied in of), len(inside)

    def _use(self, keys: Shared, path: str, channels: int | None, body: Body) -> Term:
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

    def level(
        self,
        inside: set[int],
        input: int,
        output: int,
        here: ModuleCall,
        others: Mapping[int, str] | None = None,
    ) -> list[Term]:
        """The terms of some vertices, from one value to another; ``others`` come in, too."""
        return self._reduced(inside, input, output, here, others or {}, {})

    def _reduced(
        self,
        inside: set[int],
        input: int,
        output: int,
        here: ModuleCall,
        incoming: Mapping[int, str],
        results: Mapping[int, list[str]],
    ) -> list[Term]:
        items: list[ReducedPart] = []
        done: set[int] = set()
        for number in sorted(inside):
            vertex = self.vertices[number]
            if number in done or vertex.layer is None:
                continue
            call = self._module(vertex, inside, here)
            if call is not None:
                module = self.modules[call]
                term = self._term(module, call)
                taken = [module.input, *module.others]
                items.append(ReducedPart(taken, module.output, [term], None, number))
                done |= module.vertices
                continue
            inputs = [v.number for v in vertex.inputs]
            if number in self.like:
                term = Term("layer", PAD_TO, {"other": None}, [], vertex.inputs[0].shape[0])
                taken = [*inputs, self.like[number]]
                items.append(ReducedPart(taken, number, [term], None, number))
            elif len(inputs) > 1 or vertex.op in JOINS:
                items.append(ReducedPart(inputs, number, [], vertex, number))
            else:
                items.append(ReducedPart(inputs, number, [self._layer(vertex)], None, number))
        return Reduction(self, items, input, output, incoming, results).terms()

    def _term(self, module: ModuleVertices, call: ModuleCall) -> Term:
        def body() -> list[Term]:
            inside, others = module.vertices, module.others
            return self.level(inside, module.input, module.output, call, others)

        channels = self.vertices[module.input].shape[0]
        keys = self._weights(module.vertices)
        if module.others:
            names = dict.fromkeys(module.others.values())
            return Term("module", call.cls, names, [body()], channels, path=call.path)
        if keys in self._repeated and keys in self.shared:
            return self._use(keys, call.path, channels, body)
        if keys in self._repeated:
            outer = self._scope  # where it counts once: what stands outside, too, is shared within
            turns = [m.vertices for m in self.modules.values() if self._weights(m.vertices) == keys]
            self._enter(outer.difference(*turns) | module.vertices)
            self._repeated.discard(keys)
            found = self._use(keys, call.path, channels, body)
            self._enter(outer)
            return found
        shapes = self.vertices[module.input].shape, self.vertices[module.output].shape
        return Term("module", call.cls, {}, [body()], channels, path=call.path, shapes=shapes)

    def _module(self, vertex: Vertex, inside: set[int], here: ModuleCall) -> ModuleCall | None:
        """The outermost call within ``here`` that a vertex is in and that is a part of its own;
        nothing where there is none. Of calls with the same vertices, as those of a wrapper and of
        what it holds, it is the innermost: other modules may be of its class."""
        found = None
        for call in chain(vertex.call):
            if call is here:
                break
            module = self.modules.get(call)
            if module is None or not module.vertices < inside or len(module.vertices) < 2:
                continue
            if found is None or is_container(found.cls) or not self._same(found, call):
                found = call
        return found

    def _same(self, call: ModuleCall, other: ModuleCall) -> bool:
        return self.modules[call].vertices == self.modules[other].vertices

    def _layer(self, vertex: Vertex) -> Term:
        channels = vertex.inputs[0].shape[0]
        if vertex.aside is not None:
            name, result = vertex.aside
            weight = {"weight": self.graph.shares.get(name, 1)}
            inside = self._between(vertex.inputs[0], result)
            body = self.level(inside, vertex.inputs[0].number, result.number, self.root)
            return Term("output", name, weight, [body], channels)
        assert vertex.layer is not None, "gaps are no terms"
        given = dict(vertex.layer.given())
        if vertex.number in self.heads.layers:
            given["features" if vertex.op == "linear" else "channels"] = Classes(vertex.shape[0])
        keys = self._weights({vertex.number})
        if vertex.layer.is_tied:
            given["words"] = BareName(self.shared[keys].op)
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
