"""What every layer keeps to, shown by its own examples. A new layer is picked up from the table."""

from itertools import product

import pytest
import torch
from running import elaborated, join_with_arguments, module_of, rows_seen, run, tensor
from torch.utils.flop_counter import FlopCounterMode

from archdsl import ArchError
from archdsl.graph.build import build
from archdsl.graph.exchange import from_json, to_json
from archdsl.graph.text import to_text
from archdsl.graph.written import call
from archdsl.layers.arguments import Initial
from archdsl.layers.base import Example, Layer, show_shape, signature
from archdsl.layers.init import FUNCTIONS
from archdsl.layers.join import Join
from archdsl.registry import REGISTRY

EXAMPLES = [
    pytest.param(e, id=f"{e.call} of {', '.join(map(show_shape, e.inputs))}")
    for cls in REGISTRY.layers.values()
    for e in cls.examples
]
each = pytest.mark.parametrize("example", EXAMPLES)


def layer_of(example: Example) -> Layer:
    return elaborated(example.call, *example.inputs)[0]


@each
def test_the_call_makes_the_layer(example: Example) -> None:
    layer, architecture = elaborated(example.call, *example.inputs)
    assert type(layer) is REGISTRY.layers[example.call.partition("(")[0]]
    if "(" not in example.call or not isinstance(layer, Join):
        assert architecture.output == example.output


@each
def test_the_shape_is_the_examples(example: Example) -> None:
    assert layer_of(example).shape(*example.inputs) == example.output


@each
def test_the_text_of_a_layer_makes_it_again(example: Example) -> None:
    layer = layer_of(example)
    assert elaborated(call(layer), *example.inputs)[0] == layer


@each
def test_a_graph_with_it_goes_out_as_json_and_comes_in_again(example: Example) -> None:
    layer, architecture = elaborated(example.call, *example.inputs)
    graph = build(architecture.network)
    again = from_json(to_json(graph))
    assert to_text(again) == to_text(graph)
    assert [again.nodes[n]["layer"] for n in again] == [graph.nodes[n]["layer"] for n in graph]
    if isinstance(layer, Join) and "(" in example.call:
        assert join_with_arguments(call(layer)) == layer


@each
def test_pytorch_gives_the_same_shape(example: Example) -> None:
    tensors = [tensor(shape, device="meta") for shape in example.inputs]
    result = run(layer_of(example), *tensors, shapes=example.inputs)
    assert tuple(result.shape) == (2, *example.output)


@each
def test_pytorch_has_the_same_weights(example: Example) -> None:
    layer = layer_of(example)
    module = module_of(layer, *example.inputs, device="meta")
    ours = [(w.name, w.shape, w.trainable) for w in layer.weights(*example.inputs)]
    if module is None:
        assert ours == []
        return
    trainable = {n for n, p in module.named_parameters() if p.requires_grad}
    theirs = [(n, tuple(t.shape), n in trainable) for n, t in module.state_dict().items()]
    assert ours == theirs
    counted = sum(w.elements for w in layer.weights(*example.inputs) if w.trainable)
    assert counted == sum(p.numel() for p in module.parameters())


@each
def test_multiply_adds_are_those_of_pytorchs_counter(example: Example) -> None:
    layer = layer_of(example)
    tensors = [tensor(shape, device="meta") for shape in example.inputs]
    with FlopCounterMode(display=False) as counter:
        run(layer, *tensors, shapes=example.inputs)
    for_both_images = 2 * layer.macs(example.inputs, example.output)
    assert 2 * for_both_images == counter.get_total_flops()
    assert (layer.kind in ("conv", "linear", "attention")) == (counter.get_total_flops() > 0)


@each
def test_in_place_forms_exist(example: Example) -> None:
    layer = layer_of(example)
    if layer.inplace:
        module = module_of(layer, *example.inputs, device="meta")
        assert module is not None
        type(module)(inplace=True)


@each
def test_the_window_is_what_a_result_sees(example: Example) -> None:
    """NaN in a row of pixels turns up in every pixel of the output that sees the row. What a
    normalisation takes from the whole image is not counted; nor can a vector's axes be."""
    layer = layer_of(example)
    shape = example.inputs[0]
    reach, step = layer.window(shape)
    assert len(reach) == len(step) == len(shape) - 1
    assert all(s > 0 for s in step)
    if layer.kind == "norm" or len(example.output) != len(shape) or max(shape[1:], default=0) > 64:
        return
    wanted = [min(r, n) for r, n in zip(reach, shape[1:], strict=True)]
    others = [torch.rand(1, *s) for s in example.inputs[1:]]
    seen = [rows_seen(layer, shape, axis, others) for axis in range(len(shape) - 1)]
    # Fused attention gives none for NaN queries; where channels see each other, all are NaN.
    among_channels = layer.kind == "attention" and getattr(layer, "over", "") == "channels"
    hidden = layer.name in ("zero", "cross_attend") or among_channels
    assert seen == wanted or (hidden and max(seen) <= among_channels)


def test_every_initialisation_starts_every_weight_or_is_refused() -> None:
    """What `check` takes can be built: functions of ``torch.nn.init`` that ask for fans raise for a
    vector, and are refused there alone."""
    started, refused = 0, set()
    for layer in REGISTRY.layers.values():
        starts = [p.name for p in signature(layer) if isinstance(p.reader, Initial)]
        example = next((e for e in layer.examples if "affine" not in e.call), None)
        for start, function in product(starts, FUNCTIONS.values()):
            assert example is not None
            given = "(0.5)" if function.name == "constant" else ""
            more = ", affine = true" if layer.name == "instance_norm" else ""
            more += ", gain = 1.5" if start == "gain_init" else ""
            call = example.call.replace(", bias = false", "").removesuffix(")")
            call += ("" if "(" not in call else ", ") + f"{start} = {function.name}{given}{more})"
            call = call if "(" in example.call else call.replace(start, f"({start}", 1)
            try:
                elaborated(call, *example.inputs)[1].build()
                started += 1
            except ArchError as error:
                assert error.diagnostics[0].code == "A301", (call, str(error))
                refused.add((layer.name, start, function.name))
    fans = {f.name for f in FUNCTIONS.values() if f.of_matrices}
    vectors = {(layer, start) for layer, start, _ in refused}
    assert refused == {(*place, name) for place in vectors for name in fans}
    norms = {(n, s) for n in ("bn", "group_norm", "instance_norm") for s in ("init", "bias_init")}
    others = {(n, "bias_init") for n in ("conv", "std_conv", "conv_transpose", "linear")}
    assert vectors == norms | others
    assert started > 100
