"""What is done with a tensor elsewhere, ``x.flatten(1)`` or ``narrow(1, 0, 8)``, as layers."""

from __future__ import annotations

import re

from archdsl.registry import REGISTRY
from archdsl.syntax import pytorch
from archdsl.syntax.other_libraries import ELSEWHERE
from archdsl.syntax.pytorch_layers import MEANS, PIXELS

MODULES = frozenset("F functional keras layers nn tf torch torchvision".split())
KEPT = dict.fromkeys(
    "clone contiguous cpu cuda double float half to type type_as".split(),
    "leave it out: a spec does not say how a tensor lies in memory",
) | {"squeeze": "leave it out: after `global_avgpool` there are only channels"}
_SHAPED = frozenset("flatten reshape view".split())
_SWAPS = frozenset("movedim permute swapaxes swapdims transpose".split())
_TENSOR = re.compile(r"[A-Za-z_]\w*")
_METHOD = re.compile(r"\s*\.\s*([A-Za-z_]\w*)\s*")
_DIM = re.compile(r"(?:dim|dims|axis)\s*=\s*")
_KEEPDIM = re.compile(r"keepdims?\s*=.*|True|False")
_SIZE = re.compile(r"\s*\.\s*size\s*\(\s*(-?\d+)\s*\)")
_BATCH = re.compile(r"-1|[A-Za-z_]\w*(?:\.(?:size\(0\)|shape\[0\]))?")
_SWAPPED = {  # axes of PyTorch, the batch among them
    ("2", "3"): "transpose(height, width)", ("3", "2"): "transpose(height, width)",
    ("0", "1", "3", "2"): "transpose(height, width)",
    ("0", "2", "3", "1"): "", ("0", "3", "1", "2"): "",  # channels are always first
}  # fmt: skip
_TOKENS = (  # channels and tokens
    ("0", "2", "1"), ("1", "2"), ("2", "1"), ("-1", "-2"), ("-2", "-1"),
)  # fmt: skip
FIRST = "leave it out if it only moves the channels; `transpose` swaps channels and tokens"


def chain(text: str) -> list[str]:
    """What helps where a tensor has methods, ``x.flatten(2).transpose(1, 2)``; nothing where it is
    not known what these do."""
    name = _TENSOR.match(text)
    if name is None or name[0] in ("self", *MODULES):
        return []
    if (size := _SIZE.match(text, name.end())) is not None:
        field = {"1": "channels", "2": "height", "3": "width"}.get(size[1])
        return [f"write `{name[0]}.{field}` in place of `{text[: size.end()]}`"] if field else []
    at, layers = name.end(), [name[0]]
    while (method := _METHOD.match(text, at)) is not None:
        length = pytorch.closing(text[method.end() :])
        items = pytorch.arguments(text[method.end() :])
        made = layers_of(method[1], items) if length else None
        if _swaps_tokens(method[1], items):
            if layers[-1] != "flatten_space":
                return [FIRST]
            made = ""  # as tokens are made elsewhere
        if made is None:
            return [ELSEWHERE[method[1]]] if method[1] in ELSEWHERE else []
        at = method.end() + length
        layers += [made] if made else []
    return [f"write `{' -> '.join(layers)}` in place of `{text[:at]}`"] if at > name.end() else []


def called(word: str, after: str) -> list[str]:
    """What helps where such a function stands alone, ``narrow(1, 0, 8)``, as if it were a layer."""
    items = pytorch.arguments(after)
    if word in KEPT:
        return [KEPT[word]]
    if word not in _SHAPED | _SWAPS | _PARTS.keys() or not items:
        return []
    if _swaps_tokens(word, items):
        return [FIRST]
    is_given = items[0].isidentifier() and len(items) > 1
    made = layers_of(word, items[is_given:])
    if made == "":
        return ["leave it out: channels come first here"]
    if word in ("chunk", "split"):
        said = "the first of the parts is"
    else:
        said = "a tensor goes into a layer by `->`:" if is_given else "write"
    return [f"{said} `{items[0]} -> {made}`" if is_given else f"{said} `{made}`"] if made else []


def _swaps_tokens(name: str, items: list[str]) -> bool:
    return name in _SWAPS and tuple(_listed(items)) in _TOKENS


def layers_of(name: str, items: list[str]) -> str | None:
    """The layers that do what a method of a tensor does with these arguments: an empty text where
    nothing is to be done, nothing where it is not known."""
    items = [_DIM.sub("", item) for item in items if not _KEEPDIM.fullmatch(item)]
    if name in KEPT:
        return ""
    if name in _SHAPED:
        return _shaped(name, items)
    if name in _SWAPS:
        return _SWAPPED.get(tuple(_listed(items)))
    if name in _PARTS:
        return _part(name, items)
    if name in MEANS and items:
        over = re.sub(r",\s*", ", ", ", ".join(items))
        over = f"({over})" if len(items) == 2 else over
        side = "global" if over in PIXELS else "channel" if over in ("1", "(1)") else None
        return f"{side}_{MEANS[name]}" if side else None
    if name in ("clamp", "clip") and len(items) == 2:
        low, high = (item.rpartition("=")[2].strip() for item in items)
        return f"hardtanh({low}, {high})"
    here = pytorch.layer(name)
    if here is None or here not in REGISTRY.layers:
        return None
    return pytorch.written(name, items) if items else here


def _listed(items: list[str]) -> list[str]:
    """Sizes or axes, which may stand in brackets of their own."""
    if len(items) == 1 and items[0][:1] in "([":
        return pytorch.arguments(f"({items[0][1:-1]})")
    return items


def _shaped(name: str, items: list[str]) -> str | None:
    items = [item.partition("=")[2].strip() or item for item in _listed(items)]
    if name == "flatten":
        known = {(): "flatten", ("1",): "flatten", ("1", "-1"): "flatten", ("2",): "flatten_space"}
        return known.get(tuple(items))
    if len(items) < 2 or not _BATCH.fullmatch(items[0]):
        return "flatten" if items == ["-1"] else None
    if len(items) == 2:
        return "flatten"
    return f"reshape({'x'.join(items[1:])})" if all(i.isdecimal() for i in items[1:]) else None


_PARTS = {"chunk": 2, "split": 2, "narrow": 3}  # with so many arguments


def _part(name: str, items: list[str]) -> str | None:
    """A part of the channels, or the first of several."""
    items = [*items, "1"] if name == "chunk" and len(items) == 1 else items
    if len(items) != _PARTS[name]:
        return None
    if name == "narrow":
        dim, first, length = items
        if dim != "1" or not (first.isdecimal() and length.isdecimal()):
            return None
        return f"slice({int(first) + 1}, {int(first) + int(length)})"
    size, dim = items
    if dim != "1":
        return None
    if name == "chunk":
        return f"split({size}, 1)"
    sizes = _listed([size])
    return f"slice(1, {sizes[0]})" if sizes and sizes[0].isdecimal() else None
