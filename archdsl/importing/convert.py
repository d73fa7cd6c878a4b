"""From a module to a spec that is the same network, or to a list of what stands in the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import nn

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.importing.counted import check_counts
from archdsl.importing.custom import NONE, Custom
from archdsl.importing.embedding import with_words
from archdsl.importing.file_module import ProgramModule
from archdsl.importing.gaps import replaced, without_partial
from archdsl.importing.graphs import BATCHES, failure, graph_of, graph_once
from archdsl.importing.incoming import Example, Inputs, inputs_of, shown
from archdsl.importing.partial import custom_for
from archdsl.importing.places import OWN, trouble
from archdsl.importing.proof import difference, flat_of, pairs, weights_of
from archdsl.importing.record import Tied, record
from archdsl.importing.running import MOST, carry, compare, prepared
from archdsl.importing.saved import load_program
from archdsl.importing.starts import NO_STARTS, Starts, start_alike, starts_of, with_starts
from archdsl.importing.text import texts, write
from archdsl.importing.titles import title_of
from archdsl.importing.values import Graph
from archdsl.importing.variants import with_variants
from archdsl.importing.widths import with_sizes
from archdsl.layers.base import Shape, Weight
from archdsl.spec import Architecture, Spec, parse

WIDER = 32  # pixels by which the image that is tried and is no square is wider than high
SIZES = (32, 48, 64, 96, 128, 160)  # pixels that are tried beside those of the input


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
    example: Example,
    *,
    name: str | None = None,
    knobs: bool = False,
    run: bool = True,
    partial: bool = False,
) -> Imported:
    """A PyTorch module as a spec, checked to be the same network.

    ``example`` is a batch of images, or the shape of one image such as ``(3, 224, 224)``; for a
    module that takes several tensors, or token ids, a mapping of the names in its ``forward`` to
    such, ``{"words": torch.zeros(1, 64, dtype=torch.long)}``, or a tuple of tensors. The graph is
    proven the same in evaluation and in training, with batches of two and three; with ``run``
    both networks run in double precision, and their results and gradients are compared. ``knobs``
    makes its width and its depths knobs. Raises ``ArchError`` with all that has no counterpart in
    the language; with ``partial`` that is made of layers of one's own, see ``Imported.layers``.

        imported = archdsl.import_module(torchvision.models.resnet50(), (3, 224, 224))
        print(imported.text)
    """
    _check_weights(module)
    inputs = with_words(module, inputs_of(module, example))
    custom, missing = custom_for(module, inputs) if partial else (NONE, [])
    graph = graph_of(module, inputs, custom)
    starts = starts_of(module)
    title = title_of(name or type(module).__name__)
    theirs = flat_of(graph, title)
    spec, paired = proven(graph, title, starts)
    checked = ["graph, parameters and multiply-adds"]
    said: list[str] = []
    if isinstance(module, ProgramModule):
        said, checked = module.described.said, [*checked, *module.described.checked]
    found = with_sizes(graph, title, theirs) if knobs else None
    if isinstance(found, str):
        checked.append(f"no knob for its size: {found}")
    elif found is not None:
        spec, paired = found.spec, found.paired
        checked.append(found.proved)
    warnings = replaced(missing, custom)
    arch = spec.with_knobs()
    made = checked_import(module, graph, inputs, arch, paired, checked, run=run, custom=custom)
    return replace(made, said=list(said), layers=custom.text, warnings=warnings)


def checked_import(
    module: nn.Module,
    graph: Graph,
    inputs: Inputs,
    arch: Architecture,
    paired: dict[int, int],
    checked: list[str],
    *,
    run: bool,
    custom: Custom = NONE,
) -> Imported:
    """A module whose graph is that of a network, with its weights: parameters and multiply-adds
    are counted, and with ``run`` both are run. Raises ``ArchError`` where they differ."""
    mapping = weights_of(graph, arch.flat, paired)
    check_counts(module, arch, mapping, inputs)
    sizes, differs = _sizes(module, arch, inputs, custom)
    if run and arch.params <= MOST:
        _run_both(module, arch, mapping, sizes, graph.called)
        at = " and ".join(shown(size) for size in sizes)
        checked.append(f"results and gradients, in evaluation and in training, at {at}")
    state = module.state_dict()
    names = {key: tied.key for key, tied in mapping.items()}
    weights, fixed = {}, []
    for path, weight in _tensors(arch):
        theirs_key = names.get(path, "")
        if theirs_key in state:
            weights[path] = mapping[path].theirs(state[theirs_key]).reshape(weight.shape)
        elif not weight.trainable:
            fixed.append(path)
    if fixed:  # numbers that the spec has, as those of a filter that is not learned
        built = arch.build().state_dict()
        weights |= {path: built[path] for path in fixed if path in built}
    return Imported(arch.spec, arch, names, weights, checked, differs)


@dataclass(slots=True)
class ImportedFamily:
    """Several modules as one spec: ``variants`` has each by its name, as ``Imported``, ``proved``
    says what else was proved of the knobs."""

    spec: Spec
    variants: dict[str, Imported]
    proved: str

    @property
    def text(self) -> str:
        """The text of the spec."""
        return self.spec.source.text


def import_family(
    modules: Mapping[str, nn.Module],
    examples: Sequence[int] | Mapping[str, Sequence[int]],
    *,
    name: str = "family",
    run: bool = True,
) -> ImportedFamily:
    """Several PyTorch modules, by their names, as one spec with a variant for each.

    ``examples`` is the shape of an image, or that of each module by its name. What differs between
    the modules are knobs. Each variant is checked to be its module, as ``import_module`` does.
    Raises ``ArchError``: A667 where the modules differ in more than numbers."""
    shapes = {
        key: tuple(examples[key] if isinstance(examples, Mapping) else examples) for key in modules
    }
    titles = {key: title_of(key) for key in modules}
    if len(titles) < 2:
        raise failure(codes.NO_FAMILY, names="fewer than two", reason="a family has several models")
    if len(set(titles.values())) < len(titles):
        raise failure(codes.NO_FAMILY, names="they", reason="each needs a name of its own")
    graphs = {}
    for key, module in modules.items():
        _check_weights(module)
        try:
            graphs[titles[key]] = graph_of(module, {"": shapes[key]})
        except ArchError as problem:
            raise ArchError(without_partial(problem.diagnostics)) from None
    spec, paired, proved = with_variants(graphs, title_of(name))
    variants = {}
    for (key, module), found in zip(modules.items(), paired, strict=True):
        arch, graph = spec.variant(titles[key]), graphs[titles[key]]
        checked, inputs = ["graph, parameters and multiply-adds"], {"": shapes[key]}
        made = checked_import(module, graph, inputs, arch, found, checked, run=run)
        variants[titles[key]] = made
    return ImportedFamily(spec, variants, proved)


def import_file(
    path: str | Path,
    shape: Sequence[int] | Mapping[str, Sequence[int]] | None = None,
    *,
    name: str | None = None,
    knobs: bool = False,
    run: bool = True,
    partial: bool = False,
) -> Imported:
    """A network of a ``.pt2`` or ``.onnx`` file as a spec: ``import_module`` without code.

    ``shape`` is that of an image, or of several tensors by their names, where it is not the
    file's. Raises ``ArchError``."""
    program = load_program(Path(path))
    title = name or Path(path).stem
    given = shape or program.inputs
    return import_module(program, given, name=title, knobs=knobs, run=run, partial=partial)


def proven(graph: Graph, title: str, starts: Starts = NO_STARTS) -> tuple[Spec, dict[int, int]]:
    """The spec of a graph, and which layer is which: of its texts the first that is it, and whose
    weights start alike, if there is one."""
    theirs = flat_of(graph, title)
    first: tuple[Spec, dict[int, int]] | None = None
    reason = ""
    for text in _texts(graph, title, starts):
        if first is not None and not text:
            break
        try:
            spec = parse(text or write(graph, title, plain=True), title, graph.registry)
            arch = spec.with_knobs()
        except ArchError as problem:
            reason = f"{problem.diagnostics[0].code}: {problem.diagnostics[0].message}"
            continue
        paired = pairs(theirs, arch.flat)
        if paired is None:
            reason = difference(theirs, arch.flat)
            continue
        first = first or (spec, paired)
        if start_alike(graph, starts, arch.flat, paired):
            return spec, paired
    if first is None:
        raise failure(codes.NOT_THE_SAME, reason=reason)
    return first


def _texts(graph: Graph, title: str, starts: Starts) -> Iterator[str]:
    """The texts of a spec, and at last an empty one, which stands for that without blocks."""
    for apart in (False, True) if starts else (False,):
        with_starts(graph, starts, apart)
        yield from texts(graph, title)
    yield ""


def _check_weights(module: nn.Module) -> None:
    if next(module.parameters(), None) is None:
        raise failure(codes.NOTHING_TO_IMPORT, reason="it has no parameters")


def _sizes(
    module: nn.Module, arch: Architecture, inputs: Inputs, custom: Custom
) -> tuple[list[Inputs], list[Shape]]:
    """Two shapes of images that the module takes and at which both are the same network, small ones
    first; the given one among them where it takes fewer that are smaller. And the shapes that it
    takes, too, and at which it is another network: twice the given one is among those tried, and
    one with an odd side that is no square, or else one that is no square. Of several tensors, and
    of token ids, the given shapes alone."""
    found: list[Inputs] = []
    differs: list[Shape] = []
    shape = inputs.get("")
    if shape is None:
        return [inputs], []
    for size in SIZES:
        if len(found) == 2 or size >= min(shape[1:], default=0):
            break
        other = (shape[0], *[size] * (len(shape) - 1))
        same = _same_at(module, arch, other, custom)
        if same:
            found.append({"": other})
        elif same is not None:
            differs.append(other)
    twice = (shape[0], *[2 * side for side in shape[1:]])
    if twice != shape and _same_at(module, arch, twice, custom) is False:
        differs.append(twice)
    sides = len(shape) - 1
    small = min(found[0][""][1:] if found else shape[1:], default=0)
    for odd in (1, 0):
        other = (shape[0], *[small + odd, *[small + WIDER] * (sides - 1)][:sides])
        same = _same_at(module, arch, other, custom)
        if same is not None:
            differs += [other] * (not same)
            break
    return found if len(found) == 2 else [*found, inputs], differs


def _same_at(module: nn.Module, arch: Architecture, shape: Shape, custom: Custom) -> bool | None:
    """Whether a module is the network at another shape; None where it takes none such."""
    batch, inputs = BATCHES[0], {"": shape}
    try:
        always = [name for name, _ in record(module, batch, inputs).outputs]
        record(module, batch, inputs, True)
    except ArchError:
        return None
    try:
        graph = graph_once(module, batch, inputs, True, custom, always)
        at = arch.with_knobs(input=shape)
    except ArchError:
        return False
    return pairs(flat_of(graph, ""), at.flat) is not None


def _run_both(
    module: nn.Module,
    arch: Architecture,
    mapping: Mapping[str, Tied],
    sizes: list[Inputs],
    called: Mapping[str, str],
) -> None:
    theirs = prepared(module)
    for batch, inputs in zip(BATCHES, [*sizes, *sizes], strict=False):
        shape = inputs.get("", arch.input)
        at = arch if shape == arch.input else arch.with_knobs(input=shape)
        ours = prepared(at.build())
        carry(mapping, theirs, ours)
        try:
            problem = compare(theirs, ours, mapping, batch, inputs, called)
        except RuntimeError as failed:
            raise trouble(failed, OWN) from failed
        if problem:
            raise failure(codes.NOT_THE_SAME, reason=problem)


def _tensors(arch: Architecture) -> list[tuple[str, Weight]]:
    """The tensors of a network by their keys."""
    nodes = arch.flat.nodes
    return [
        (f"{node.module}.{weight.name}", weight)
        for node in nodes
        if node.layer is not None
        for weight in node.layer.weights(*[nodes[n].shape for n in node.inputs])
    ]
