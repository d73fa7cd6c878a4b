"""The graph of a module, as it is in training: what has no layer, or depends on the batch or on
training, is refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import Any

from torch import nn

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Kind, diagnose
from archdsl.importing import (  # noqa: F401
    arithmetic,
    attention,
    axis_norms,
    embedding,
    ours,
    padding,
    pointwise,
    reduced,
    shaped,
    sliced,
    weighted,
)
from archdsl.importing.attention import parted
from archdsl.importing.chance import HELP
from archdsl.importing.custom import NONE, WORDS, Custom
from archdsl.importing.gaps import gaps
from archdsl.importing.gradients import OF_SHAPES
from archdsl.importing.incoming import Inputs, fails
from archdsl.importing.layer_of import make
from archdsl.importing.lower import Lowering
from archdsl.importing.places import placed
from archdsl.importing.proof import flat_of, pairs
from archdsl.importing.record import ModuleCall, Recording, TracedCall, needed, record
from archdsl.importing.simplify import live, renumbered, simplify, users
from archdsl.importing.through import keys_of
from archdsl.importing.titles import TAKEN, title_of, titles_of
from archdsl.importing.unequal import unequal
from archdsl.importing.values import Graph, TensorValue, Vertex, chain
from archdsl.registry import REGISTRY

BATCHES = (2, 3)
OTHER_BATCHES = (1, 17)  # in evaluation, where a single image is no rare one
TRAINING = "training=self.training"
DROPPED = ("dropout", "dropout_channels", "alpha_dropout")
ONE_BY_ONE = "compute each image by itself: leave out what asks for the size of the batch"
RUNS = 6  # in which what chance decides shows, but for one time in 64 of an even chance
ALIKE = "leave out what asks for `self.training`, but for dropout and results beside the main one"


def graph_of(module: nn.Module, inputs: Inputs, custom: Custom = NONE) -> Graph:
    """The graph of a module, as it is in training: with dropout and side outputs.

    Raises ``ArchError`` for what has no layer (A654), for a graph that depends on the batch
    (A656) or on chance (A668), or that is another in training (A661)."""
    recorded = record(module, BATCHES[0], inputs)
    always = [name for name, _ in recorded.outputs]
    evaluated = graph_once(module, BATCHES[0], inputs, False, custom)
    graphs = [graph_once(module, batch, inputs, True, custom, always) for batch in BATCHES]
    few, many = [(f"with {n} images", graph) for n, graph in zip(BATCHES, graphs, strict=True)]
    if not _same(*graphs):
        _check_chance(lambda: graph_once(module, BATCHES[0], inputs, True, custom, always))
        raise unequal(codes.DEPENDS_ON_BATCH, few, many, help=ONE_BY_ONE)
    for vertex in evaluated.vertices:
        if vertex.op in DROPPED or _drops_weights(vertex):
            said = "dropout_p=p if self.training else 0.0" if _drops_weights(vertex) else TRAINING
            help = [f"a function drops in training alone where its call says `{said}`"]
            reason = "it applies dropout in evaluation, too"
            found = diagnose(codes.CHANGES_IN_TRAINING, help=help, reason=reason)
            raise ArchError([placed(found, vertex.place)])
    seen = f"with {BATCHES[0]} images", evaluated
    for batch in OTHER_BATCHES:
        shown = f"with {batch} image{'s' * (batch > 1)}"
        try:
            other = graph_once(module, batch, inputs, False, custom)
        except ArchError as problem:
            first = problem.diagnostics[0]
            found = diagnose(
                codes.DEPENDS_ON_BATCH,
                help=[ONE_BY_ONE],
                fields={"reason": f"{shown}, {first.message}"},
            )
            raise ArchError([replace(found, labels=first.labels)]) from problem
        if not _same(evaluated, other):
            _check_chance(lambda: graph_once(module, BATCHES[0], inputs, False, custom))
            raise unequal(codes.DEPENDS_ON_BATCH, seen, (shown, other), help=ONE_BY_ONE)
    trained = graph_once(module, BATCHES[0], inputs, True, custom, always)
    tested = _without_drops(evaluated)
    trained = replace(_without_drops(trained), asides=[])
    if not _same(tested, trained):
        _check_chance(lambda: graph_once(module, BATCHES[0], inputs, False, custom))
        _check_chance(lambda: graph_once(module, BATCHES[0], inputs, True, custom, always))
        both = ("in evaluation", tested), ("in training", trained)
        raise unequal(codes.CHANGES_IN_TRAINING, *both, help=ALIKE)
    graphs[0].evaluated = frozenset(
        r.path for r in recorded.records if r.module is not None or keys_of(recorded, r)
    )
    return graphs[0]


def _same(one: Graph, other: Graph) -> bool:
    """Whether two graphs of one module are the same, of the same weights."""
    return pairs(flat_of(one, ""), flat_of(other, ""), named=True) is not None


def _check_chance(again: Callable[[], Graph]) -> None:
    """Raises ``ArchError`` (A668) where a module is not the same network each time it runs."""
    first = again()
    for _ in range(RUNS):
        if not _same(first, other := again()):
            both = ("in one run", first), ("in another", other)
            raise unequal(codes.CHANGES_BY_CHANCE, *both, help=HELP, runs=True)


def graph_once(
    module: nn.Module,
    batch: int,
    inputs: Inputs,
    training: bool,
    custom: Custom,
    always: Sequence[str] | None = None,
) -> Graph:
    """One graph of a module. ``always`` has the names of results that evaluation has, too: what
    training has beside them are side outputs."""
    recording = record(module, batch, inputs, training)
    _check_all_used(recording, inputs)
    _check_all_train(recording)
    _check_gradients(recording)
    lowering = Lowering(recording, custom, padding.moving(module, batch, inputs, recording))
    outputs = [vertex for _, vertex in lowering.outputs]
    missing = list(lowering.missing)
    vertices = lowering.vertices
    if not missing:
        vertices, missing = simplify(vertices, outputs)
        missing += ours.other_draw(lowering, vertices)
    if missing:
        raise ArchError(gaps(missing))
    if not any(v.layer is not None and v.layer.kind in ("conv", "linear") for v in vertices):
        reason = "it has neither a convolution nor a linear layer"
        raise failure(codes.NOTHING_TO_IMPORT, reason=reason)
    _unembed(vertices)
    for key in _unlike(vertices):
        raise failure(codes.SHARED_WEIGHTS, key=key)
    found = dict(lowering.outputs)
    if always is not None and (lost := [n for n in always if n not in found]):
        reason = f"`{lost[0] or 'its result'}` is returned in evaluation only"
        raise failure(codes.CHANGES_IN_TRAINING, reason=reason)
    results = {n: v for n, v in found.items() if always is None or n in always}
    titles = titles_of(found)
    asides = sorted((titles[n], v) for n, v in found.items() if n not in results)
    incoming = [v for v in vertices if v.layer is None]
    for vertex in incoming:
        alone = len(incoming) == 1 and vertex.path == "input"
        vertex.path = "" if alone else _name_of(vertex.path)
    graph = Graph(vertices, found.get("", outputs[0]), asides, lowering.root, custom.registry)
    graph.given = _given(lowering, vertices)
    graph.called = {name: titles[name] if name else "main" for name in found}
    if len(results) > 1:
        graph.results = _named(results, titles, vertices)
        graph.output = graph.results[0][1]
        graph.called |= {n: shown for n, (shown, _) in zip(results, graph.results, strict=True)}
    shares = getattr(module, "output_weights", None)  # as compiled networks have
    for name, weight in shares.items() if isinstance(shares, dict) else ():
        if isinstance(weight, (int, float)) and 0 <= weight < inf:
            graph.shares[graph.called.get(name, str(name))] = weight
    return _with_asides(graph)


def _given(lowering: Lowering, vertices: Sequence[Vertex]) -> dict[ModuleCall, dict[Vertex, str]]:
    """What modules that are made of others are given, in their order and by their names. That of
    which they look at the shape alone may be needed for nothing else."""
    found: dict[ModuleCall, dict[Vertex, str]] = {}
    for call in {call: None for vertex in vertices for call in chain(vertex.call)}:
        known = {name: ref for name, ref in call.given.items() if lowering.is_known(ref)}
        values = {name: lowering.value(ref) for name, ref in known.items()}
        given = {v.vertex: n for n, v in values.items() if isinstance(v, TensorValue) and v.plain}
        if len(given) > 1:
            found[call] = given
    return found


def _check_all_used(recording: Recording, inputs: Inputs) -> None:
    """Raises ``ArchError`` (A652) where a tensor comes in that no result is computed from."""
    records = needed(recording, [ref for _, ref in recording.outputs])
    used = {record.args[0] for record in records if record.op == "input"}
    for name in inputs:
        if name not in used:
            raise fails(f"no result is computed from its input `{name}`")


def _check_all_train(recording: Recording) -> None:
    """Raises ``ArchError`` (A661) where statistics of batches are frozen while the model trains."""
    for one in recording.records if recording.training else ():
        if one.op.startswith("BatchNorm") and one.module.track_running_stats and not one.training:
            reason = (
                f"`{one.path}` is in evaluation while the model trains, so that its statistics are"
                " frozen: leave out its `.eval()`, and freeze it where you train"
            )
            raise failure(codes.CHANGES_IN_TRAINING, reason=reason)


def _check_gradients(recording: Recording) -> None:
    """Raises ``ArchError`` (A669) where a result is computed without gradients."""
    moving: set[int] = set()
    found: list[TracedCall] = []
    for one in needed(recording, [ref for _, ref in recording.outputs]):
        begins = one.op == "input" or keys_of(recording, one)
        if one.op in OF_SHAPES or not (
            begins or any(r.record.number in moving for r in one.refs())
        ):
            continue
        moving.add(one.number)
        if not one.graded:
            found.append(one)
    if found:
        first, more = found[0], len(found) - 1
        reason = f"`{first.op}`" + f" in `{first.path}`" * bool(first.path)
        reason += f" and {more} more operation{'s' * (more > 1)}" if more else ""
        raise ArchError([placed(diagnose(codes.NO_GRADIENT, reason=reason), first.place)])


def _named(
    results: Mapping[str, Vertex], titles: Mapping[str, str], vertices: Sequence[Vertex]
) -> list[tuple[str, Vertex]]:
    """Several results by names that a spec can have. The main one is ``main``, where nothing is
    computed of it: what stands at the end of a spec."""
    taken = users(vertices)
    found: list[tuple[str, Vertex]] = []
    for name, vertex in results.items():
        last = not taken[vertex.number] and list(results.values()).count(vertex) == 1
        shown = "main" if not name and last else titles[name]
        found.append((shown, vertex))
    return found


def _unembed(vertices: Sequence[Vertex]) -> None:
    """Layers that have the weights of an embedding, as the heads of language models."""
    tables = {v.weights["weight"].key for v in vertices if v.op == "embed"}
    for vertex in vertices:
        tied = vertex.weights.get("weight")
        if vertex.op == "conv" and len(vertex.weights) == 1 and tied and tied.key in tables:
            vertex.layer = REGISTRY.layers["unembed"](vertex.shape[0])


def _unlike(vertices: Sequence[Vertex]) -> Iterator[str]:
    """Tensors that two layers have that are not the same layer."""
    seen: dict[str, Vertex] = {}
    for vertex in vertices:
        for tied in vertex.weights.values():
            if vertex.layer is not None and vertex.layer.is_tied:
                continue
            first = seen.setdefault(tied.key, vertex)
            if (first.layer, first.weights) != (vertex.layer, vertex.weights):
                yield tied.key


def _with_asides(graph: Graph) -> Graph:
    """Puts a mark where each side output begins: on the way to the main result, a value of which
    it is computed. Those that are computed of several, or of what others are computed of, too,
    have none: they are ``meeting``."""
    main = {v.number for v in live(graph.vertices, graph.ends)}
    apart = {
        name: [v for v in live(graph.vertices, [result]) if v.number not in main]
        for name, result in graph.asides
    }
    users_of = users(graph.vertices)
    often = Counter(v.number for inside in apart.values() for v in inside)
    for name, result in graph.asides:
        if not apart[name] or users_of[result.number]:
            why = "is taken by another one" if apart[name] else "has no layers of its own"
            reason = f"`{name}`, a result in training only, {why}: return it in evaluation, too"
            raise failure(codes.CHANGES_IN_TRAINING, reason=reason)
        begins = {s.number: s for v in apart[name] for s in v.inputs if s.number in main}
        if len(begins) > 1 or any(often[v.number] > 1 for v in apart[name]):
            graph.meeting.add(name)
            continue
        source = next(iter(begins.values()))
        mark = Vertex(
            max(v.number for v in graph.vertices) + 1,
            make("identity"),
            [source],
            source.shape,
            graph.root,
            aside=(name, result),
        )
        for user in users(graph.vertices)[source.number]:
            if user.number in main:
                user.inputs = [mark if s is source else s for s in user.inputs]
        if graph.output is source:
            graph.output = mark
        graph.results = [(n, mark if v is source else v) for n, v in graph.results]
        graph.vertices.append(mark)
        main.add(mark.number)
    if graph.asides:
        graph.vertices = renumbered(graph.vertices)
    return graph


def _drops_weights(vertex: Vertex) -> bool:
    """Whether it is attention that drops some of its weights."""
    return vertex.layer is not None and getattr(vertex.layer, "dropout", 0.0) > 0


def _without_drops(graph: Graph) -> Graph:
    """The graph of a network without what happens in training alone."""
    for vertex in graph.vertices:
        if vertex.op in DROPPED:
            vertex.layer = make("identity")
        elif _drops_weights(vertex) and vertex.layer is not None:
            given = {n: v for n, v in vertex.layer.given() if n != "dropout"}
            vertex.layer = make(vertex.op, **given)
        elif vertex.op == "add" and vertex.drop:
            vertex.layer, vertex.drop = make("add"), 0.0
        elif vertex.op == "concat" and (source := parted([*map(_kept, vertex.inputs)])):
            vertex.layer, vertex.inputs = make("identity"), [source]  # no part is dropped
        elif vertex.layer is not None and vertex.layer.columns_met is not None:
            vertex.layer = make("mean")
    return graph


def _kept(vertex: Vertex) -> Vertex:
    return vertex.inputs[0] if vertex.op == "identity" else vertex


def _name_of(name: str) -> str:
    """The name of what comes in: that of a layer would hide the layer."""
    name = name if name.isascii() else title_of(name)
    known = name in REGISTRY.layers or name in REGISTRY.patterns or name in WORDS
    return f"x_{name}" if known or name in TAKEN else name


def not_alone(name: str) -> ArchError:
    """What is said of a result of training that takes what evaluation would compute for it alone,
    as it would stand outside of its braces, though the module does so in training only."""
    why = "is not computed by one chain of layers of its own: return it in evaluation, too"
    reason = f"`{name}`, a result in training only, {why}"
    return failure(codes.CHANGES_IN_TRAINING, reason=reason)


def failure(kind: Kind, **fields: Any) -> ArchError:
    return ArchError([diagnose(kind, fields=fields)])
