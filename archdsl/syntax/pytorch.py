"""A layer as PyTorch writes it, ``nn.Conv2d(3, 16, 3)``, and how it is written here."""

from __future__ import annotations

import re

from archdsl.layers.base import required, signature
from archdsl.registry import REGISTRY

CONVOLUTION = ("in_channels", "out_channels", "kernel_size", "stride", "padding")
PLACES = {  # where the arguments of PyTorch's layer have another order than those of the layer here
    "conv": CONVOLUTION,
    "conv_transpose": (*CONVOLUTION, "output_padding"),
    "linear": ("in_features", "out_features", "bias"),
    "bn": ("num_features", "eps", "momentum", "affine", "track"),
    "instance_norm": ("num_features", "eps"),
    "layer_norm": ("normalized_shape", "eps"),
    "rms_norm": ("normalized_shape", "eps"),
    "group_norm": ("num_groups", "num_channels", "eps", "affine"),
    "prelu": ("num_parameters", "slope"),
}
MANY = {"conv": 3, "conv_transpose": 3, "linear": 2}  # so many numbers are in PyTorch's order
KNOWN = frozenset(
    "in_channels in_features num_features num_channels normalized_shape num_parameters".split()
)
NAMES = {
    "out_channels": "channels", "out_features": "features", "kernel_size": "kernel",
    "padding": "pad", "output_padding": "output_pad", "num_groups": "groups",
    "elementwise_affine": "affine", "track_running_stats": "track", "init": "slope",
}  # fmt: skip
VALUES = {"True": "true", "False": "false"}
_NAMED = re.compile(r"(\w+)\s*=\s*(.+)", re.DOTALL)
_PAIR = re.compile(r"\((\d+),\s*(\d+)\)")
_TENSOR = re.compile(r"[A-Za-z_]\w*")


def called(word: str, here: str, after: str, functional: bool = False) -> str:
    """What helps where a layer has the name that another library gives it. ``after``: the text
    behind the name; ``functional``: the first argument is a tensor, as in ``F.relu(x)``."""
    items = arguments(after)
    if functional and items and here not in PLACES and _TENSOR.fullmatch(items[0]):
        rest = f"({', '.join(items[1:])})" if items[1:] else ""
        return f"a tensor goes into a layer by `->`: `{items[0]} -> {here}{rest}`"
    if not items or not _differ(word, here, items):
        return f"here it is called `{here}`"
    if (text := _written(here, items)) is not None:
        known = "what comes in is known: " if here in PLACES else ""
        return f"{known}write `{text}`"
    needed = ", ".join(p.name for p in signature(REGISTRY.layers[here]) if p.required)
    return f"what comes in is known: write `{here}{f'({needed})' if needed else ''}`"


def arguments(text: str) -> list[str]:
    """The arguments of a call, from its bracket on; none where there is no call."""
    if not text.startswith("("):
        return []
    depth, items = 0, [""]
    for sign in text:
        depth -= sign in ")]}"
        if depth == 0 and sign == ")":
            return [item.strip() for item in items if item.strip()]
        if depth == 1 and sign == ",":
            items.append("")
        elif depth:
            items[-1] += sign
        depth += sign in "([{"
    return []


def _differ(word: str, here: str, items: list[str]) -> bool:
    """Whether the arguments would mean something else under the layer's name here."""
    names = {found[1] for item in items if (found := _NAMED.fullmatch(item))}
    placed = len(items) - len(names)
    if "inplace" in names or (here in PLACES and names & (KNOWN | NAMES.keys() - {"init"})):
        return True
    return "2D" not in word and here in PLACES and placed >= MANY.get(here, 1)


def _written(here: str, items: list[str]) -> str | None:
    """The layer with its arguments, as they are written here; nothing where that is not known."""
    given: dict[str, str] = {}
    places = PLACES.get(here, ())
    for place, item in enumerate(items):
        if (found := _NAMED.fullmatch(item)) is not None:
            key, value = found[1], found[2]
        elif place < len(places):
            key, value = places[place], item
        else:
            return None
        if key not in KNOWN and key != "inplace":
            given[NAMES.get(key, key)] = VALUES.get(value, _PAIR.sub(r"\1x\2", value))
    layer = REGISTRY.layers[here]
    if not required(layer) <= given.keys() <= {p.name for p in signature(layer)}:
        return None
    if here == "conv":
        _pad(given)
    first = ["groups"] if here == "group_norm" else [p.name for p in signature(layer) if p.required]
    texts = [given.pop(name) for name in first if name in given]
    texts += [f"{name} = {value}" for name, value in given.items()]
    return f"{here}({', '.join(texts)})" if texts else here


def _pad(given: dict[str, str]) -> None:
    """What a convolution of PyTorch pads by: nothing if it is not said; here, half its kernel."""
    pad, kernel = given.pop("pad", "0").strip("\"'"), given["kernel"]
    pad = "0" if pad == "valid" else pad
    is_half = kernel.isdecimal() and int(kernel) % 2 and pad == str(int(kernel) // 2)
    if not is_half or "dilation" in given:
        given["pad"] = pad
