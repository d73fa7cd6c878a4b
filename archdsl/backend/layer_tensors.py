"""The tensors of a layer, by which one layer may stand for another."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

# The tensors of one layer by their names in it; `num_batches_tracked` is a counter that old
# checkpoints lack.
Tensors = dict[str, Any]
Group = tuple[str, Tensors]
COUNTER = "num_batches_tracked"
LISTED = 6  # names of tensors that are said


MADE = frozenset({"relative_position_index"})  # buffers that follow from a layer's arguments


def groups(tensors: Mapping[str, Any]) -> list[Group]:
    """The tensors by the layer that has them, in their order. What lies beside layers
    (``cls_token``, ``pos_embed``) is a layer each, whose tensor has no name."""
    split = [key.rpartition(".") for key in tensors]
    inner = {"" for layer, _, _ in split if layer}
    inner |= {layer[:at] for layer, _, _ in split for at, sign in enumerate(layer) if sign == "."}
    found: dict[str, Tensors] = {}
    for key, (layer, _, name) in zip(tensors, split, strict=True):
        beside = layer in inner and not name.endswith(("weight", "bias"))
        if beside and name not in MADE:
            found[key] = {"": tensors[key]}
        elif name not in MADE:
            found.setdefault(layer, {})[name] = tensors[key]
    return list(found.items())


def pairs(ours: Tensors, theirs: Tensors) -> dict[str, str] | None:
    """The name of their tensor for each of ours, but for the counter. Equal names belong
    together, and names that end in one of ours (``in_proj_weight``); the one tensor that is
    then left may be called anything."""
    x, y = ([n for n in tensors if n != COUNTER] for tensors in (theirs, ours))
    if len(x) != len(y):
        return None
    named = {n: n for n in y if n in x}
    for n in y:
        ends = [m for m in x if n and m.endswith(f"_{n}") and m not in named.values()]
        if n not in named and len(ends) == 1:
            named[n] = ends[0]
    left = [n for n in x if n not in named.values()], [n for n in y if n not in named]
    if len(left[0]) > 1:
        return None
    return named | dict(zip(left[1], left[0], strict=True))


def difference(theirs: Group, ours: Group) -> tuple[bool, str]:
    """Whether a layer has the tensors of another, and why it does not fit that, or nothing."""
    found = pairs(ours[1], theirs[1])
    if found is None:
        a, b = _names(theirs[1]), _names(ours[1])
        if theirs[0] == ours[0]:
            return False, f"`{ours[0]}` has {a} in them, and {b} in the network"
        return False, f"`{theirs[0]}` has {a}, but `{ours[0]}` has {b}"
    for name, other in found.items():
        x, y = tuple(theirs[1][other].shape), tuple(ours[1][name].shape)
        if not _same(x, y):
            a, b = key_of(theirs[0], other), key_of(ours[0], name)
            if a == b:
                return name == other, f"`{a}` is {_show(x)} in them, and {_show(y)} in the network"
            return name == other, f"`{a}` is {_show(x)}, but `{b}` is {_show(y)}"
    return True, ""


def _same(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """Equal shapes but for axes of 1 at the end; a linear layer on a flattened image is a
    convolution of the image's size."""
    a, b = _core(a), _core(b)
    if min(len(a), len(b)) == 2 and a[0] == b[0]:
        return prod(a) == prod(b)
    return a == b


def _core(shape: tuple[int, ...]) -> tuple[int, ...]:
    while shape and shape[-1] == 1:
        shape = shape[:-1]
    return shape


def key_of(layer: str, name: str) -> str:
    return f"{layer}.{name}" if layer and name else layer or name


def _names(tensors: Tensors) -> str:
    found = [n for n in tensors if n != COUNTER]
    more = [f"{len(found) - LISTED:,} more"] if len(found) > LISTED else []
    return " and ".join(found[:LISTED] + more) or "nothing"


def _show(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "a number"
