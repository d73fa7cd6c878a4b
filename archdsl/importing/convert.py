"""From a module to a spec that is the same network, or to a list of what stands in the way."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Diagnostic, Kind, diagnose
from archdsl.importing import arithmetic, attention, own, pointwise, shaped, weighted  # noqa: F401
from archdsl.importing.custom import NONE, Custom
from archdsl.importing.gaps import gaps, replaced
from archdsl.importing.lower import Lowering, Vertex, make, shared
from archdsl.importing.partial import custom_for
from archdsl.importing.places import OWN, trouble
from archdsl.importing.program import Program
from archdsl.importing.proof import difference, flat_of, pairs, weights_of
from archdsl.importing.record import Tied, needed, record
from archdsl.importing.running import MOST, carry, compare, prepared
from archdsl.importing.saved import load_program
from archdsl.importing.simplify import renumbered, simplify
from archdsl.importing.text import Graph, write
from archdsl.importing.widths import with_sizes
from archdsl.layers.base import Shape, show_shape
from archdsl.spec import Architecture, Spec, parse

BATCHES = (2, 3)
OTHER_BATCHES = (1, 17)  # in evaluation, where a single image is no rare one
SIZES = (32, 48, 64, 96, 128, 160)  # pixels that are tried beside those of the input
DROPPED = ("dropout", "dropout_channels", "alpha_dropout")


@dataclass(slots=True)
class Imported:
    """A module as a spec.

    ``spec`` has the text (``spec.source.text``); ``architecture`` is the network that the module
    is. ``names`` has the module's key for each key of the compiled module's ``state_dict``, and
    ``weights`` the module's tensors in the new names. ``checked`` says in words what was checked;
    ``differs`` has the shapes of images that the module takes, too, and at which it is another
    network than the spec: it computes with the size of its input, for instance. ``said`` is what a
    file left out, and how it was read. ``layers`` is the text of a Python file with the layers of
    one's own that the spec needs, and ``warnings`` says of each what it stands for.
    """

    spec: Spec
    architecture: Architecture
    names: dict[str, str]
    weights: dict[str, torch.Tensor]
    checked: list[str] = field(default_factory=list)
    differs: list[Shape] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    layers: str = ""
    warnings: list[Diagnostic] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text of the spec."""
        return self.spec.source.text


def import_module(
    module: nn.Module,
    example: torch.Tensor | Sequence[int],
    *,
    name: str | None = None,
    knobs: bool = False,
    run: bool = True,
    partial: bool = False,
) -> Imported:
    """A PyTorch module as a spec, checked to be the same network.

    ``example`` is a batch of images, or the shape of one image such as ``(3, 224, 224)``. The graph
    is proven the same in evaluation and in training, with batches of two and three; with ``run``
    both networks run in double precision, and their results and gradients are compared. ``knobs``
    makes its width and its depths knobs. Raises ``ArchError`` with all that has no counterpart in
    the language; with ``partial`` that is made of layers of one's own, see ``Imported.layers``.

        imported = archdsl.import_module(torchvision.models.resnet50(), (3, 224, 224))
        print(imported.text)
    """
    given = tuple(example.shape[1:]) if isinstance(example, torch.Tensor) else tuple(example)
    shape = tuple(int(n) for n in given)
    _check_weights(module)
    custom, missing = custom_for(module, shape) if partial else (NONE, [])
    graph = graph_of(module, shape, custom)
    title = _title(name or type(module).__name__)
    theirs = flat_of(graph, title)
    spec, paired = proven(graph, title)
    checked = ["graph, parameters and multiply-adds"]
    said: list[str] = []
    if isinstance(module, Program):
        said, checked = module.described.said, [*checked, *module.described.checked]
    found = with_sizes(graph, title, theirs) if knobs else None
    if isinstance(found, str):
        checked.append(f"no knob for its size: {found}")
    elif found is not None:
        spec, paired = found.spec, found.paired
        checked.append(found.proved)
    arch = spec.with_knobs()
    mapping = weights_of(graph, arch.flat, paired)
    _check_counts(module, arch, mapping, shape)
    sizes, differs = _sizes(module, spec, shape, custom)
    if run and arch.params <= MOST:
        _run_both(module, arch, spec, mapping, sizes, len(graph.asides))
        shown = " and ".join(show_shape(s) for s in sizes)
        checked.append(f"results and gradients, in evaluation and in training, at {shown}")
    state = module.state_dict()
    names = {key: tied.key for key, tied in mapping.items()}
    weights = {}
    for path, layer in _tensors(arch):
        theirs_key = names.get(path, "")
        if theirs_key in state:
            weights[path] = mapping[path].theirs(state[theirs_key]).reshape(layer)
    warnings = replaced(missing, custom)
    return Imported(spec, arch, names, weights, checked, differs, list(said), custom.text, warnings)


def import_file(
    path: str | Path,
    shape: Sequence[int] | None = None,
    *,
    name: str | None = None,
    knobs: bool = False,
    run: bool = True,
    partial: bool = False,
) -> Imported:
    """A network of a ``.pt2`` or ``.onnx`` file as a spec: ``import_module`` without code.

    ``shape`` is that of an image, where it is not the file's. Raises ``ArchError``."""
    program = load_program(Path(path))
    title = name or Path(path).stem
    given = shape or program.shape
    return import_module(program, given, name=title, knobs=knobs, run=run, partial=partial)


def graph_of(module: nn.Module, shape: Shape, custom: Custom = NONE) -> Graph:
    """The graph of a module, as it is in training: with dropout and side outputs.

    Raises ``ArchError`` for what has no layer (A654), for a graph that depends on the batch
    (A656), or that is another in training (A661)."""
    graphs = [_graph(module, (batch, *shape), True, custom) for batch in BATCHES]
    evaluated = _graph(module, (BATCHES[0], *shape), False, custom)
    flats = [flat_of(graph, "") for graph in graphs]
    if pairs(*flats) is None:
        reason = difference(*flats)
        raise _error(codes.DEPENDS_ON_BATCH, reason=reason)
    if any(vertex.op in DROPPED for vertex in evaluated.vertices):
        raise _error(codes.CHANGES_IN_TRAINING, reason="it drops elements in evaluation, too")
    for batch in OTHER_BATCHES:
        other = flat_of(_graph(module, (batch, *shape), False, custom), "")
        if pairs(flat_of(evaluated, ""), other) is None:
            reason = difference(flat_of(evaluated, ""), other)
            raise _error(codes.DEPENDS_ON_BATCH, reason=reason)
    plain = flat_of(_without_drops(_graph(module, (BATCHES[0], *shape), True, custom)), "")
    plain.side_outputs = []
    tested = flat_of(_without_drops(evaluated), "")
    tested.side_outputs = []
    if pairs(tested, plain) is None:
        raise _error(codes.CHANGES_IN_TRAINING, reason=difference(tested, plain))
    return graphs[0]


def _graph(module: nn.Module, shape: Shape, training: bool, custom: Custom) -> Graph:
    lowering = Lowering(record(module, shape, training), custom)
    outputs = [vertex for _, vertex in lowering.outputs]
    missing = list(lowering.missing)
    vertices = lowering.vertices
    if not missing:
        vertices, missing = simplify(vertices, outputs)
    if missing:
        raise ArchError(gaps(missing))
    if not any(v.layer is not None and v.layer.kind in ("conv", "linear") for v in vertices):
        reason = "it has neither a convolution nor a linear layer"
        raise _error(codes.NOTHING_TO_IMPORT, reason=reason)
    for key in shared(vertices):
        raise _error(codes.SHARED_WEIGHTS, key=key)
    (_, main), *asides = lowering.outputs
    named = [(_title(name), vertex) for name, vertex in asides]
    graph = Graph(vertices, main, sorted(named), lowering.root, custom.registry)
    return _with_asides(graph)


def _with_asides(graph: Graph) -> Graph:
    """Puts a mark where each side output begins: on the way to the main result, a value of which
    it is computed."""
    from archdsl.importing.simplify import live, users

    main = {v.number for v in live(graph.vertices, [graph.output])}
    for name, result in graph.asides:
        apart = [v for v in live(graph.vertices, [result]) if v.number not in main]
        begins = {s.number: s for v in apart for s in v.inputs if s.number in main}
        if len(begins) != 1:
            raise _error(
                codes.MODEL_FAILS,
                reason=f"its result `{name}` is not computed of one tensor of the main way",
            )
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
        graph.vertices.append(mark)
        main.add(mark.number)
    if graph.asides:
        graph.vertices = renumbered(graph.vertices)
    return graph


def _without_drops(graph: Graph) -> Graph:
    """The graph of a network without what happens in training alone."""
    for vertex in graph.vertices:
        if vertex.op in DROPPED:
            vertex.layer = make("identity")
        elif vertex.op == "add" and vertex.drop:
            vertex.layer, vertex.drop = make("add"), 0.0
    return graph


def proven(graph: Graph, title: str) -> tuple[Spec, dict[int, int]]:
    """The spec of a graph, and which layer is which: with blocks, or, where these say something
    else, without."""
    theirs = flat_of(graph, title)
    reason = ""
    for plain in (False, True):
        try:
            spec = parse(write(graph, title, plain=plain), title, graph.registry)
            arch = spec.with_knobs()
        except ArchError as problem:
            reason = f"{problem.diagnostics[0].code}: {problem.diagnostics[0].message}"
            continue
        paired = pairs(theirs, arch.flat)
        if paired is not None:
            return spec, paired
        reason = difference(theirs, arch.flat)
    raise _error(codes.NOT_THE_SAME, reason=reason)


def _check_weights(module: nn.Module) -> None:
    if next(module.parameters(), None) is None:
        raise _error(codes.NOTHING_TO_IMPORT, reason="it has no parameters")


def _check_counts(
    module: nn.Module,
    arch: Architecture,
    mapping: Mapping[str, Tied],
    shape: Shape,
) -> None:
    """Parameters and multiply-adds, counted by PyTorch."""
    from torch.utils.flop_counter import FlopCounterMode

    trained = {n: p.numel() for n, p in module.named_parameters()}
    used = {tied.key for tied in mapping.values()}
    unused = [name for name in trained if name not in used]
    if unused:
        shown = ", ".join(f"`{n}`" for n in unused[:3]) + ", ..." * (len(unused) > 3)
        raise _error(
            codes.NOTHING_TO_IMPORT, reason=f"no result is computed of {shown}: remove it first"
        )
    if arch.params != sum(trained.values()):
        counts = f"{arch.params:,} parameters, and not {sum(trained.values()):,}"
        raise _error(codes.NOT_THE_SAME, reason=counts)
    counter = FlopCounterMode(display=False)
    with counter:
        recording = record(module, (1, *shape))
    main = needed(recording, [recording.outputs[0][1]])
    if len(main) < len(recording.records):
        return  # it computes more than it gives, which PyTorch counts too
    if counter.get_total_flops() != 2 * arch.macs:
        theirs = counter.get_total_flops() // 2
        reason = f"{arch.macs:,} multiply-adds, and not {theirs:,}"
        raise _error(codes.NOT_THE_SAME, reason=reason)


def _sizes(
    module: nn.Module, spec: Spec, shape: Shape, custom: Custom
) -> tuple[list[Shape], list[Shape]]:
    """Two shapes of images that the module takes and at which both are the same network, small ones
    first; the given one among them where it takes fewer that are smaller. And the shapes that it
    takes, too, and at which it is another network; twice the given one is among those tried."""
    found: list[Shape] = []
    differs: list[Shape] = []
    for size in SIZES:
        if len(found) == 2 or size >= min(shape[1:], default=0):
            break
        other = (shape[0], *[size] * (len(shape) - 1))
        same = _same_at(module, spec, other, custom)
        if same is not None:
            (found if same else differs).append(other)
    twice = (shape[0], *[2 * side for side in shape[1:]])
    if twice != shape and _same_at(module, spec, twice, custom) is False:
        differs.append(twice)
    return found if len(found) == 2 else [*found, shape], differs


def _same_at(module: nn.Module, spec: Spec, shape: Shape, custom: Custom) -> bool | None:
    """Whether a module is the network of a spec at another shape; None where it takes none such."""
    batch = (BATCHES[0], *shape)
    try:
        record(module, batch, True)
    except ArchError:
        return None
    try:
        graph, arch = _graph(module, batch, True, custom), spec.with_knobs(input=shape)
    except ArchError:
        return False
    return pairs(flat_of(graph, ""), arch.flat) is not None


def _run_both(
    module: nn.Module,
    arch: Architecture,
    spec: Spec,
    mapping: Mapping[str, Tied],
    sizes: list[Shape],
    sides: int,
) -> None:
    theirs = prepared(module)
    for batch, shape in zip(BATCHES, [*sizes, *sizes], strict=False):
        at = arch if shape == arch.input else spec.with_knobs(input=shape)
        ours = prepared(at.build())
        carry(mapping, theirs, ours)
        try:
            problem = compare(theirs, ours, mapping, (batch, *shape), sides)
        except RuntimeError as failed:
            raise trouble(failed, OWN) from failed
        if problem:
            raise _error(codes.NOT_THE_SAME, reason=problem)


def _tensors(arch: Architecture) -> list[tuple[str, tuple[int, ...]]]:
    """The tensors of a network by their keys, with their shapes."""
    nodes = arch.flat.nodes
    return [
        (f"{node.path}.{weight.name}", tuple(weight.shape))
        for node in nodes
        if node.layer is not None
        for weight in node.layer.weights(*[nodes[n].shape for n in node.inputs])
    ]


def _title(name: str) -> str:
    """A name that a spec can have."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    name = re.sub(r"\W", "_", name).lower().strip("_") or "network"
    return f"net_{name}" if name[0].isdigit() or name in RESERVED else name


RESERVED = ("input", "main", "arch", "output")


def _error(kind: Kind, **fields: Any) -> ArchError:
    return ArchError([diagnose(kind, fields=fields)])
