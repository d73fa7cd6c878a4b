"""Token ids, and the vectors that are learned for them."""

from __future__ import annotations

from torch import nn

from archdsl.importing.incoming import Inputs, fails
from archdsl.importing.layer_of import Gap, make
from archdsl.importing.lower import Lowering, operation
from archdsl.importing.record import Ref, Tied, TracedCall, record
from archdsl.importing.reshaping import RESHAPING
from archdsl.importing.values import Computed, TensorValue
from archdsl.layers.base import Shape
from archdsl.layers.ids import Ids

NOT_LEARNED = {
    "padding_idx": "a vector that is not learned (`padding_idx`)",
    "max_norm": "vectors whose norm is limited (`max_norm`)",
    "scale_grad_by_freq": "gradients that are scaled by word frequency (`scale_grad_by_freq`)",
}


def with_words(module: nn.Module, inputs: Inputs) -> dict[str, Shape]:
    """The inputs, those of token ids with how many words the embedding has that takes them.

    Raises ``ArchError`` (A652) where none does."""
    found = dict(inputs)
    if all(not isinstance(shape, Ids) or shape.vocabulary for shape in inputs.values()):
        return found
    words: dict[str, int] = {}
    for one in record(module, 2, inputs).records:
        taken = next((ref.record for ref in one.refs()), None)
        if taken is not None and taken.op == "input" and one.op in ("Embedding", "embedding"):
            weight = one.module.weight if one.module is not None else _weight(one)
            words[taken.args[0]] = weight.shape[0]
    for name, shape in inputs.items():
        if isinstance(shape, Ids) and not shape.vocabulary:
            if name not in words:
                of = f"`{name}`" if name else "its input"
                raise fails(f"{of} are token ids, but no embedding takes them")
            found[name] = Ids(shape, words[name])
    return found


def _weight(one: TracedCall) -> Tied:
    weight = next((arg for arg in one.args if isinstance(arg, Tied)), one.kwargs.get("weight"))
    assert isinstance(weight, Tied), "the function has a weight"
    return weight


@operation("Embedding")
def embedding_module(lower: Lowering, record: TracedCall) -> TensorValue | Tied:
    module = record.module
    for name, what in NOT_LEARNED.items():
        if getattr(module, name) is not None and getattr(module, name) is not False:
            raise Gap(f" with {what}")
    return _embedded(lower, record, lower.tied(record, weight=module.weight)["weight"])


@operation("embedding")
def embedding_function(lower: Lowering, record: TracedCall) -> TensorValue | Tied:
    weight = next((a for a in record.args if isinstance(a, Tied)), record.kwargs.get("weight"))
    if not isinstance(weight, Tied) or len(record.args) > 2 or set(record.kwargs) - {"weight"}:
        options = {k: v for k, v in record.kwargs.items() if k != "weight"}
        usual = all(v in (None, -1, False, 2.0) for v in (*record.args[2:], *options.values()))
        if not isinstance(weight, Tied) or not usual:
            raise Gap(" in this form")
    return _embedded(lower, record, weight)


def _embedded(lower: Lowering, record: TracedCall, weight: Tied) -> TensorValue | Tied:
    ref = next(iter(record.refs()), None)
    ids = lower.value(ref)
    if isinstance(ref, Ref) and isinstance(ids, (Computed, Tied)):
        return _of_places(ref.record, weight)
    if not isinstance(ids, TensorValue) or not isinstance(ids.vertex.shape, Ids):
        raise Gap(" of numbers that are not the token ids of the input")
    words, channels = weight.shape
    if words != ids.vertex.shape.vocabulary:
        many = ids.vertex.shape.vocabulary
        raise Gap(f" of {words:,} words, and the input has ids of {many:,}")
    axes = (*range(1, len(ids.vertex.shape) + 1), 0)
    layer = make("embed", channels=channels)
    return lower.apply(layer, record, ids, weights={"weight": weight}, axes=axes)


def _of_places(record: TracedCall, weight: Tied) -> Tied:
    """The vectors of places 0, 1, ...: a learned tensor. Raises ``Gap``."""
    places = record.shapes[0] or ()
    source = record
    while source.op in RESHAPING and isinstance(first := source.args[0], Ref):
        source = first.record
    given = [value for value in source.args if not isinstance(value, Tied)]
    counted = source.op == "arange" and given in ([places[-1]], [0, places[-1]])
    first = source.args[0] if source.op in RESHAPING and source.args else None
    if isinstance(first, Tied) and first.tensor is not None and not first.tensor.is_meta:
        numbers = first.tensor.flatten()[: places[-1]]
        counted = numbers.tolist() == list(range(places[-1]))
    if not counted or any(n != 1 for n in places[:-1]):
        raise Gap(" of numbers that are not the token ids of the input")
    if weight.shape[0] != places[-1]:
        many = weight.shape[0]
        raise Gap(f" of the first {places[-1]:,} of {many:,} places: give it tensors of {many:,}")
    return weight
