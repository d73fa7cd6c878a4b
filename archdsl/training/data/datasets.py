"""Data sets of PyTorch and of Hugging Face: whatever has a length, and a pair at each place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.layers.base import show_shape
from archdsl.training.packages import need

IMAGE = ("image", "img", "pixel_values", "input")  # what the image of a mapping is called
LABEL = ("label", "labels", "target", "targets", "mask")
COLOURS = (1, 3, 4)  # channels that pictures have
LISTED = 20  # places that a message names


def items_of(name: str, dataset: Any, part: str = "") -> tuple[Tensor, Tensor, tuple[str, ...]]:
    """The images ``(N, C, ...)``, the labels and, if they have names, those of the classes. Every
    item is read once. Raises ``ArchError`` (A804) with all that cannot be read."""
    images: list[Tensor] = []
    labels: list[Tensor] = []
    problems: list[str] = []
    key = ""
    for place in range(len(dataset)):
        try:
            image, label, key = _pair(dataset[place])
            images.append(_image(image))
            labels.append(torch.as_tensor(_plain(label)))
        except Exception as problem:  # whatever the author's code does
            problems.append(f"item {place}: {_words(problem)}")
            continue
        for kind, found in (("image", images), ("label", labels)):
            one, first = found[-1], found[0]
            if (one.shape, one.dtype) != (first.shape, first.dtype):
                said = f"{_kind(one)}, and that of others {_kind(first)}"
                problems.append(f"item {place}: its {kind} is {said}")
    where = f" of `{part}`" if part else ""
    if problems:
        raise _failed(name, problems, len(dataset), where)
    if not images:
        raise _failed(name, [f"it has no items{where}"], 0, "")
    return torch.stack(images), torch.stack(labels), _names(dataset, key)


class _Unfit(Exception):
    """An item that is none."""


def _pair(item: Any) -> tuple[Any, Any, str]:
    """An image and its label, and what the label is called."""
    if isinstance(item, Mapping):
        image = next((k for k in IMAGE if k in item), None)
        label = next((k for k in LABEL if k in item), None)
        if image is None or label is None:
            has = ", ".join(f"`{k}`" for k in item)
            raise _Unfit(f"it has {has}, and not `image` and `label`")
        return item[image], item[label], label
    if isinstance(item, Sequence) and not isinstance(item, str) and len(item) == 2:
        return item[0], item[1], ""
    raise _Unfit(f"it is a {type(item).__name__}, not a pair of image and label")


def _image(image: Any) -> Tensor:
    """An image with its channels first: a tensor or an array has them so, a picture of Pillow is
    turned."""
    numpy: Any = need("numpy")
    if hasattr(image, "getbands"):
        if image.mode not in ("L", "RGB", "I;16", "F"):
            image = image.convert("L" if image.mode == "1" else "RGB")
        found = numpy.asarray(image)
        found = found[None] if found.ndim == 2 else numpy.moveaxis(found, -1, 0)
        return torch.from_numpy(found.copy())
    if isinstance(image, numpy.ndarray):
        if image.ndim == 3 and image.shape[-1] in COLOURS and image.shape[0] not in COLOURS:
            raise _Unfit(
                f"it is {show_shape(image.shape)}: channels come first, as in moveaxis(x, -1, 0)"
            )
        image = numpy.ascontiguousarray(image)
    found = torch.as_tensor(image)
    return found[None] if found.dim() == 1 else found


def _plain(label: Any) -> Any:
    if hasattr(label, "getbands"):
        return need("numpy").asarray(label).copy()
    return label


def _names(dataset: Any, key: str) -> tuple[str, ...]:
    """The names of the classes, where a data set has them as these libraries do."""
    features = getattr(dataset, "features", None)
    named = features.get(key) if isinstance(features, Mapping) else None
    found = getattr(named, "names", None) or getattr(dataset, "classes", None) or ()
    plain = isinstance(found, Sequence) and all(isinstance(n, str) for n in found)
    return tuple(found) if plain else ()


def _kind(found: Tensor) -> str:
    return f"{str(found.dtype).removeprefix('torch.')} of {show_shape(tuple(found.shape)) or 'one'}"


def _words(problem: Exception) -> str:
    return str(problem) if isinstance(problem, _Unfit) else f"{type(problem).__name__}: {problem}"


def _failed(name: str, problems: list[str], total: int, where: str) -> ArchError:
    one = len(problems) == 1
    reason = problems[0] + where if one else f"{len(problems):,} of {total:,} items{where}"
    more = len(problems) - LISTED
    notes = [] if one else [*problems[:LISTED], *([f"and {more:,} more"] if more > 0 else [])]
    return ArchError([diagnose(codes.BAD_PLUGIN, notes=notes, name=name, reason=reason)])
