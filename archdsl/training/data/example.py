"""One file as a network takes it: decoded as images of a folder are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from archdsl.layers.base import show_shape
from archdsl.training.data.images import (
    ARRAYS,
    MODES,
    WIDE,
    BadPicture,
    Decoder,
    array_of,
    reason_of,
)

BITS = {"uint8": 8, "uint16": 16}  # of pictures, by the type of their values
KINDS = {"uint8": "bytes (uint8)", "uint16": "numbers of 16 bits (uint16)", "float32": "floats"}


def read_example(path: Path, image: tuple[int, ...], values: str = "uint8") -> Tensor:
    """What a file has, of the shape ``image`` and the type ``values``: a picture, of which the
    middle is resized, or an array in ``.npy``. Raises ``BadPicture`` with what is the matter."""
    pictures = len(image) == 3 and values in BITS
    if path.suffix.lower() == ARRAYS:
        found = _array(path)
        if image[0] == 1 and found.shape == image[1:]:
            found = found[None]
        kind = "float32" if found.dtype.kind == "f" else str(found.dtype)
        resized = pictures and found.ndim == 3 and found.shape[0] == image[0]
        if kind != values or (found.shape != image and not resized):
            shape = "x".join(map(str, found.shape)) or "one number"
            wanted = f"{KINDS[values]} of {show_shape(image)}"
            raise BadPicture(f"it has {found.dtype} of {shape}, and the network takes {wanted}")
        if found.shape == image:
            return torch.from_numpy(found.astype(values))
    elif not pictures or (image[0] not in MODES and path.suffix.lower() not in WIDE):
        wanted = f"{KINDS[values]}, as .npy"
        if len(image) == 1:
            raise BadPicture(f"the network takes {image[0]} numbers: give an array of {wanted}")
        raise BadPicture(f"a picture cannot be {show_shape(image)}: give an array of {wanted}")
    found = Decoder(image[1:], image[0], BITS[values]).read(path)
    if isinstance(found, BadPicture):
        raise found
    kinds = {"uint8": torch.uint8, "uint16": torch.uint16}
    return torch.frombuffer(bytearray(found), dtype=kinds[values]).reshape(image)


def _array(path: Path) -> Any:
    try:
        return array_of(path)
    except OSError as problem:
        raise BadPicture(reason_of(problem)) from None
