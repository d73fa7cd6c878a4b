"""One file as a network takes it: decoded as images of a folder are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from archdsl.layers.base import show_shape
from archdsl.training.data.pictures import BadPicture, Decoder, reason_of
from archdsl.training.packages import need

MODES = {1: "L", 3: "RGB"}  # Pillow's, by the number of channels


def read_example(path: Path, image: tuple[int, ...]) -> Tensor:
    """The bytes of a file, of the shape ``image``: a picture, of which the middle is resized, or
    an array in ``.npy`` of this shape. Raises ``BadPicture`` with what is the matter."""
    if path.suffix.lower() == ".npy":
        return _array(path, image)
    channels, *sizes = image
    if len(sizes) != 2 or channels not in MODES:
        raise BadPicture(
            f"a picture cannot be {show_shape(image)}: give an array of bytes, as .npy"
        )
    height, width = sizes
    if channels == 3 and height == width:
        found = Decoder(height).read(path)
        if isinstance(found, BadPicture):
            raise found
        return torch.frombuffer(bytearray(found), dtype=torch.uint8).reshape(image)
    return _picture(path, MODES[channels], width, height)


def _picture(path: Path, mode: str, width: int, height: int) -> Tensor:
    decoder = Decoder(max(width, height))
    try:
        with decoder.pillow.open(path) as opened:
            upright = decoder.ops.exif_transpose(opened)
            colours = decoder.eight_bits(upright).convert(mode)
        bilinear = decoder.pillow.Resampling.BILINEAR
        fitted = decoder.ops.fit(colours, (width, height), bilinear)
    except BadPicture:
        raise
    except Exception as problem:  # Pillow raises many kinds for a file that is not an image
        raise BadPicture(reason_of(problem)) from None
    pixels = torch.frombuffer(bytearray(fitted.tobytes()), dtype=torch.uint8)
    return pixels.reshape(height, width, -1).permute(2, 0, 1).contiguous()


def _array(path: Path, image: tuple[int, ...]) -> Tensor:
    numpy: Any = need("numpy")
    try:
        found = numpy.load(path, allow_pickle=False)
    except Exception as problem:  # numpy raises many kinds for a bad file
        raise BadPicture(reason_of(problem)) from None
    if image[0] == 1 and found.shape == image[1:]:
        found = found[None]
    if found.dtype != numpy.uint8 or found.shape != image:
        shape = "x".join(map(str, found.shape)) or "one number"
        wanted = f"bytes (uint8) of {show_shape(image)}"
        raise BadPicture(f"it has {found.dtype} of {shape}, and the network takes {wanted}")
    return torch.from_numpy(found.copy())
