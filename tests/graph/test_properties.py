"""What holds for every network, tried on random specs."""

from fractions import Fraction
from math import prod

import networkx as nx
from hypothesis import given, settings
from random_specs import specs

import archdsl
from archdsl.diagnostics.source import Source
from archdsl.graph.build import build, operands
from archdsl.graph.exchange import from_json, to_json
from archdsl.graph.text import to_text
from archdsl.graph.verify import verify
from archdsl.graph.written import call
from archdsl.ir.flat import Flat, FlatNode
from archdsl.layers.base import Layer, Shape
from archdsl.layers.join import Add, FractalJoin, Join
from archdsl.syntax.format import format_source

random = settings(max_examples=40)


def shapes_into(flat: Flat, node: FlatNode) -> tuple[Shape, ...]:
    return tuple(flat.nodes[i].shape for i in node.inputs)


def layers(flat: Flat) -> list[tuple[FlatNode, Layer]]:
    return [(n, n.layer) for n in flat.nodes if n.layer is not None]


def upstream(flat: Flat, *places: int) -> set[int]:
    """These nodes and all that they need."""
    found = set(places)
    for place in range(len(flat.nodes) - 1, -1, -1):
        if place in found:
            found.update(flat.nodes[place].inputs)
    return found


@random
@given(specs(shared=True))
def test_figures_part_by_part_are_the_sum_over_all_layers(text: str) -> None:
    arch = archdsl.parse(text).with_knobs()
    flat = arch.flat
    main = upstream(flat, flat.output)
    params = buffers = macs = side_macs = activations = convolved = 0
    counted = set()  # modules: what is shared counts once
    for place, node in enumerate(flat.nodes):
        layer = node.layer
        if layer is None:
            continue
        inputs = shapes_into(flat, node)
        weights = () if node.module in counted else layer.weights(*inputs)
        counted.add(node.module)
        for weight in weights:
            if weight.trainable:
                params += prod(weight.shape)
            else:
                buffers += prod(weight.shape)
        if place not in main:
            side_macs += layer.macs(inputs, node.shape)
            continue
        macs += layer.macs(inputs, node.shape)
        if layer.kind in ("conv", "linear"):
            activations += prod(node.shape)
        if layer.kind == "conv":
            convolved += prod(node.shape)
    f = arch.figures
    assert (f.params, f.buffers, f.macs) == (params, buffers, macs)
    assert (f.side_macs, f.activations, f.conv_activations) == (side_macs, activations, convolved)
    assert arch.network.root.size == len(flat.nodes) - 1


@random
@given(specs())
def test_depth_and_receptive_field_are_those_of_the_longest_path(text: str) -> None:
    arch = archdsl.parse(text).with_knobs()
    flat = arch.flat
    axes = len(arch.input) - 1
    depth, reach, step = [0], [[Fraction(0)] * axes], [[Fraction(1)] * axes]
    for node, layer in layers(flat):
        window, stride = layer.window(flat.nodes[node.inputs[0]].shape)
        depth.append(max(depth[i] for i in node.inputs) + (layer.kind in ("conv", "linear")))
        widest = [max(reach[i][a] for i in node.inputs) for a in range(axes)]
        coarsest = [max(step[i][a] for i in node.inputs) for a in range(axes)]
        if len(window) == axes:
            widest = [r + (w - 1) * s for r, w, s in zip(widest, window, coarsest, strict=True)]
            coarsest = [s * t for s, t in zip(coarsest, stride, strict=True)]
        reach.append(widest)
        step.append(coarsest)
    assert arch.depth == depth[flat.output]
    seen = [min(int(r) + 1, n) for r, n in zip(reach[flat.output], arch.input[1:], strict=True)]
    assert list(arch.receptive_field) == seen


@random
@given(specs())
def test_the_flat_list_is_an_order_in_which_to_run(text: str) -> None:
    flat = archdsl.parse(text).with_knobs().flat
    assert flat.nodes[0].path == "input" and flat.nodes[0].layer is None
    for place, (node, layer) in enumerate(layers(flat), 1):
        assert node.inputs and max(node.inputs) < place
        assert layer.shape(*shapes_into(flat, node)) == node.shape
        assert len(node.inputs) == 1 or isinstance(layer, Join)
    results = [flat.output, *(s.node for s in flat.side_outputs)]
    assert upstream(flat, *results) == set(range(len(flat.nodes)))


@random
@given(specs())
def test_paths_are_unique_and_lead_through_the_blocks(text: str) -> None:
    flat = archdsl.parse(text).with_knobs().flat
    paths = [n.path for n in flat.nodes]
    assert len(set(paths)) == len(paths)
    for node, _ in layers(flat):
        assert all(piece.isidentifier() for piece in node.path.split("."))
        assert len(node.blocks) <= node.path.count(".")
    inner = {p.rpartition(".")[0] for p in paths}
    assert not inner & set(paths), "what has parts is not a layer: they would share a name"


@random
@given(specs())
def test_spans_point_to_what_is_written(text: str) -> None:
    """Where a layer is written, its name begins the text that its span covers; a join's span is
    the pattern's name."""
    for node, layer in layers(archdsl.parse(text).with_knobs().flat):
        assert node.span is not None
        shown = node.span.text
        assert node.span.source.text == text
        if isinstance(layer, Join):
            assert shown in ("residual", "branch", "dense", "fractal"), node.path
        elif "shortcut" not in node.path:
            assert shown.startswith(layer.name), node.path


@random
@given(specs())
def test_the_graph_is_whole_and_goes_out_and_in(text: str) -> None:
    arch = archdsl.parse(text).with_knobs()
    graph = build(arch.network)
    verify(graph)
    assert nx.is_directed_acyclic_graph(graph)
    assert list(graph) == [n.path for n in arch.flat.nodes]
    for node in arch.flat.nodes:
        assert operands(graph, node.path) == [arch.flat.nodes[i].path for i in node.inputs]
    again = from_json(to_json(graph))
    assert to_text(again) == to_text(graph)
    assert to_json(again) == to_json(from_json(to_json(again)))


@random
@given(specs())
def test_elaboration_forgets_nothing_and_mixes_nothing_up(text: str) -> None:
    """Candidates of one spec share what they have in common; each is what it is alone."""
    spec = archdsl.parse(text)
    for w in (4, 12, 4):
        shared = build(spec.with_knobs(w=w).network)
        alone = build(archdsl.parse(text).with_knobs(w=w).network)
        assert to_text(shared) == to_text(alone)


@random
@given(specs())
def test_a_formatted_spec_is_the_same_network(text: str) -> None:
    arch = archdsl.parse(text).with_knobs()
    formatted = archdsl.parse(format_source(Source("formatted.arch", text))).with_knobs()
    assert formatted.hash == arch.hash
    assert to_text(formatted.graph) == to_text(arch.graph)


@random
@given(specs(aux=False))
def test_a_network_spelled_out_layer_by_layer_has_the_same_hash(text: str) -> None:
    """Every tensor named, every block, loop and pattern gone: the graph is what it was."""
    arch = archdsl.parse(text).with_knobs()
    plain = spelled_out(arch.flat)
    if plain is not None:
        assert archdsl.parse(plain).with_knobs().hash == arch.hash


def spelled_out(flat: Flat) -> str | None:
    """A spec of one statement a layer; nothing where a join comes from a pattern alone."""
    lines = [f"arch {flat.name}", f"input {'x'.join(map(str, flat.nodes[0].shape))}"]
    lines.append("identity as n0")
    for place, (node, layer) in enumerate(layers(flat), 1):
        if isinstance(layer, FractalJoin) or (isinstance(layer, Add) and layer.survive < 1):
            return None
        if isinstance(layer, Join):
            arms = "; ".join(f"n{i}" for i in node.inputs)
            lines.append(f"branch {layer.name} {{ {arms} }} as n{place}")
        else:
            lines.append(f"n{node.inputs[0]} -> {call(layer)} as n{place}")
    return "\n".join([*lines, f"n{flat.output}"])
