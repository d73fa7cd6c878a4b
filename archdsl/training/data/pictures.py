"""One picture, decoded: its middle square in bytes, whatever its type."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

from archdsl.training.packages import need

SIXTEEN = frozenset({"I;16", "I;16L", "I;16B", "I;16N"})
WHITE = 65535  # of 16 bits


class BadPicture(Exception):
    """A file that cannot be read, and why."""


class Decoder:
    """Reads pictures as the bytes of a square, ``(3, size, size)``.

    A picture is turned as its EXIF orientation says. Values of 16 bits are scaled by 257, floats
    from 0..1; other ranges are refused, as nothing says what is black and white in them.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.pillow: Any = need("PIL.Image", "pillow")
        self.ops: Any = need("PIL.ImageOps", "pillow")
        logging.getLogger("PIL").addHandler(logging.NullHandler())  # its errors are raised too

    def read(self, path: Path) -> bytes | BadPicture:
        """The channels one after the other, or why there are none."""
        try:
            with self.pillow.open(path) as image:
                image.draft("RGB", (2 * self.size, 2 * self.size))  # a large JPEG needs no more
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # of palettes with transparency
                    upright = self.ops.exif_transpose(image)
                    colours = self.eight_bits(upright).convert("RGB")
            bilinear = self.pillow.Resampling.BILINEAR
            square = self.ops.fit(colours, (self.size, self.size), bilinear)
        except Exception as problem:  # Pillow raises many kinds for a file that is not an image
            return problem if isinstance(problem, BadPicture) else BadPicture(reason_of(problem))
        interleaved: bytes = square.tobytes()
        return b"".join(interleaved[channel::3] for channel in range(3))

    def eight_bits(self, image: Any) -> Any:
        """A picture of more bits in 8; others as they are."""
        if image.mode not in SIXTEEN and image.mode not in ("I", "F"):
            return image
        import numpy

        values = numpy.asarray(image)
        if values.size == 0 or not numpy.isfinite(values).all():
            raise BadPicture("it has values that are not numbers")
        low, high = values.min().item(), values.max().item()
        if image.mode == "F":
            if low < 0 or high > 1:
                wanted = "floats are read from 0, black, to 1, white"
                raise BadPicture(f"its values are {low:g}..{high:g}: {wanted}")
            scaled = values * 255
        else:
            if low < 0 or high > WHITE:
                wanted = f"whole numbers are read from 0, black, to {WHITE:,}, white"
                raise BadPicture(f"its values are {low:,}..{high:,}: {wanted}")
            scaled = values / 257
        return self.pillow.fromarray(scaled.round().astype(numpy.uint8))


def reason_of(problem: Exception) -> str:
    """Why a file cannot be read, of what was raised."""
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror.lower()
    if type(problem).__name__ == "UnidentifiedImageError":
        return "it is not an image that can be read"
    if type(problem).__name__ == "DecompressionBombError":
        return "it has too many pixels"
    return str(problem).split("\n", 1)[0] or type(problem).__name__
