"""One picture, decoded: its middle, in bytes or in 16 bits, of any number of channels."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from archdsl.diagnostics.model import ArchError
from archdsl.layers.base import show_shape
from archdsl.training.packages import DATA_EXTRA, need

READING = 3  # another where pictures are decoded otherwise
SIXTEEN = frozenset({"I;16", "I;16L", "I;16B", "I;16N"})
WHITE = 65535  # of 16 bits
DIM = 4096  # of 16 bits: what is darker has less than 16 steps in 8 bits
MODES = {1: "L", 3: "RGB"}  # Pillow's, by the number of channels
MOST_PIXELS = 1 << 26  # of a picture whose file is no larger than the next line says
PER_BYTE = 200  # pixels for a byte of a file: drawings have less than 100, photographs 10
ARRAYS = ".npy"
ORIENTATION, SIDEWAYS = 274, range(5, 9)  # the tag of EXIF, and where height becomes width
TIFF = (".tif", ".tiff")
WIDE = (*TIFF, ".png")  # endings of pictures that may have any number of channels


class BadPicture(Exception):
    """A file that cannot be read, and why."""


@dataclass
class Decoder:
    """Reads pictures as ``(channels, height, width)``; one ``size`` is that of both sides.

    A picture is turned as its EXIF orientation says. Where 8 bits are asked for, values of 16 are
    divided by 257; floats are read from 0..1; other ranges are refused, as nothing says what is
    black and white in them. Grey becomes colours and colours grey; others stay as they are.
    """

    size: int | Sequence[int]
    channels: int = 3
    bits: int = 8
    noun: ClassVar[str] = "images"  # what files are that can be read
    pillow: Any = field(default_factory=lambda: need("PIL.Image", "pillow"))
    ops: Any = field(default_factory=lambda: need("PIL.ImageOps", "pillow"))

    def __post_init__(self) -> None:
        sides = (self.size, self.size) if isinstance(self.size, int) else self.size
        self.height, self.width = sides
        self.white = 255 if self.bits == 8 else WHITE
        logging.getLogger("PIL").addHandler(logging.NullHandler())  # its errors are raised too

    @property
    def shape(self) -> tuple[int, ...]:
        """What comes out of a file."""
        return self.channels, self.height, self.width

    @property
    def about(self) -> str:
        """By what the same file would be read otherwise."""
        return f"{READING} {self.shape} {self.bits}"

    def read(self, path: Path) -> bytes | BadPicture:
        """The channels one after the other, or why there are none."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of palettes with transparency
                return self.decode(path)
        except ArchError:  # a package is not installed
            raise
        except Exception as problem:  # Pillow raises many kinds for a file that it cannot read
            return problem if isinstance(problem, BadPicture) else BadPicture(reason_of(problem))

    def decode(self, path: Path) -> bytes:
        """What ``read`` gives. Raises whatever Pillow and others raise."""
        if self.bits == 8 and self.channels in MODES and path.suffix.lower() != ARRAYS:
            return self._bytes(path)
        return self._of_array(path)

    def _bytes(self, path: Path) -> bytes:
        """The bytes of a picture in grey or colours."""
        with self.pillow.open(path) as image:
            if path.suffix.lower() in TIFF and image.n_frames > 1:  # pages that may be channels
                return self._of_array(path)
            check_size(image.size, path)
            most = 2 * max(self.height, self.width)
            image.draft(MODES[self.channels], (most, most))  # a large JPEG needs no more
            upright = self.ops.exif_transpose(image)
            colours = self.eight_bits(upright).convert(MODES[self.channels])
        fitted = self.ops.fit(colours, (self.width, self.height), self.pillow.Resampling.BILINEAR)
        mixed: bytes = fitted.tobytes()
        return b"".join(mixed[channel :: self.channels] for channel in range(self.channels))

    def eight_bits(self, image: Any) -> Any:
        """A picture of more bits in 8; others as they are."""
        if image.mode not in SIXTEEN and image.mode not in ("I", "F"):
            return image
        import numpy

        return self.pillow.fromarray(_scaled(numpy.asarray(image), 255).astype(numpy.uint8))

    def _of_array(self, path: Path) -> bytes:
        """What a file has, in as many channels and bits as are asked for."""
        import numpy

        found = _scaled(self._channels(path), self.white)
        if found.shape[0] == 1 and self.channels == 3:
            found = found.repeat(3, 0)
        if found.shape[0] != self.channels:
            raise BadPicture(f"it has {found.shape[0]} channels, and not {self.channels}")
        if found.shape != self.shape:
            found = numpy.stack([self._fitted(channel) for channel in found])
        kind = numpy.uint8 if self.bits == 8 else numpy.dtype("<u2")
        written: bytes = found.round().clip(0, self.white).astype(kind).tobytes()
        return written

    def _fitted(self, channel: Any) -> Any:
        import numpy

        one = self.pillow.fromarray(channel.astype(numpy.float32))
        bilinear = self.pillow.Resampling.BILINEAR
        return numpy.asarray(self.ops.fit(one, (self.width, self.height), bilinear))

    def _channels(self, path: Path) -> Any:
        """An array ``(channels, height, width)`` of the file's own type."""
        import numpy

        ending = path.suffix.lower()
        if ending == ARRAYS:
            found = array_of(path)
            found = found[None] if found.ndim == 2 else found
            if found.ndim != 3:
                raise BadPicture(f"it is {show_shape(found.shape)}, not channels x height x width")
            return found
        if ending in TIFF:
            return _of_tiff(path)
        with self.pillow.open(path) as image:
            check_size(image.size, path)
            if ending == ".png":
                return self._of_png(path)
            upright = self.ops.exif_transpose(image)
            if upright.mode not in SIXTEEN and upright.mode not in ("I", "F"):
                upright = upright.convert(MODES.get(self.channels, upright.mode))
            found = numpy.asarray(upright)
        return found[None] if found.ndim == 2 else numpy.moveaxis(found, -1, 0)

    def _of_png(self, path: Path) -> Any:
        """torchvision reads colours of 16 bits, which Pillow does not."""
        vision: Any = need("torchvision.io", "torchvision")
        mode = {1: "GRAY", 3: "RGB"}.get(self.channels, "UNCHANGED")
        found = vision.decode_image(str(path), mode, apply_exif_orientation=True)
        return found.numpy()


def check_size(size: tuple[int, int], path: Path) -> None:
    """Raises ``BadPicture`` for a small file that unpacks to more than a picture would."""
    width, height = size
    there = path.stat().st_size
    if width * height > max(MOST_PIXELS, PER_BYTE * there):
        raise BadPicture(f"its {there:,} bytes unpack to {width:,} x {height:,} pixels")


class Size(NamedTuple):
    """Height and width of a picture, turned as it will be, and as its file has them."""

    upright: tuple[int, int]
    stored: tuple[int, int]


def size_of(path: Path, pillow: Any) -> Size | None:
    """The size of a picture; nothing where only its decoder knows."""
    try:
        if path.suffix.lower() == ARRAYS:
            import numpy

            height, width = numpy.load(path, mmap_mode="r", allow_pickle=False).shape[-2:]
            stored = int(height), int(width)
            return Size(stored, stored)
        with pillow.open(path) as image:
            width, height = image.size
            turned = image.getexif().get(ORIENTATION, 1) in SIDEWAYS
    except Exception:  # the decoder will say why
        return None
    stored = height, width
    return Size((width, height) if turned else stored, stored)


def array_of(path: Path) -> Any:
    """The array of a file in ``.npy``. Raises ``BadPicture`` where it has none of numbers."""
    numpy = need("numpy")
    try:
        found = numpy.load(path, allow_pickle=False)
    except (ValueError, EOFError):  # objects, or bytes that are no array
        found = None
    if not isinstance(found, numpy.ndarray):
        raise BadPicture("it is not an array of numbers that numpy.save wrote")
    return found


def _of_tiff(path: Path) -> Any:
    """Any number of channels, as tifffile reads them: planes, samples or pages."""
    import numpy

    tifffile = need("tifffile", extra=DATA_EXTRA)
    with tifffile.TiffFile(path) as file:
        page, series = file.pages[0], file.series[0]
        turned = page.tags.get(ORIENTATION)
        if turned is not None and turned.value != 1:
            raise BadPicture("its orientation is not upright, and only 8 bits are turned")
        axes, found = series.axes, series.asarray()
    kept = [at for at, n in enumerate(found.shape) if n > 1 or axes[at] in "YX"]
    axes, found = "".join(axes[at] for at in kept), found.reshape([found.shape[at] for at in kept])
    if axes == "YX":
        return found[None]
    if len(axes) != 3 or "Y" not in axes or "X" not in axes:
        raise BadPicture(f"its axes are {series.axes}, not one of channels, height and width")
    channel = next(at for at, axis in enumerate(axes) if axis not in "YX")
    return numpy.moveaxis(found, channel, 0)


def _scaled(values: Any, white: int) -> Any:
    """Values from black to white, as floats from 0 to ``white``: of bytes and of 16 bits, and of
    floats from 0 to 1. Raises ``BadPicture`` for others."""
    import numpy

    if values.size == 0 or values.dtype.kind not in "uif" or not numpy.isfinite(values).all():
        raise BadPicture("it has values that are not numbers")
    if values.dtype == numpy.uint8:
        return values * (white / 255)
    low, high = values.min().item(), values.max().item()
    if values.dtype.kind == "f":
        if low < 0 or high > 1:
            wanted = "floats are read from 0, black, to 1, white"
            raise BadPicture(f"its values are {low:g}..{high:g}: {wanted}")
        return (values * numpy.float64(white)).round()
    if low < 0 or high > WHITE:
        wanted = f"whole numbers are read from 0, black, to {WHITE:,}, white"
        raise BadPicture(f"its values are {low:,}..{high:,}: {wanted}")
    if white < WHITE and 0 < high < DIM:
        few = f"of {WHITE:,}, of which 8 bits would keep {high // 257 + 1}"
        raise BadPicture(f"its values are {low:,}..{high:,} {few}: take bits = 16")
    return (values / (WHITE / white)).round()


def reason_of(problem: Exception) -> str:
    """Why a file cannot be read, of what was raised."""
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror.lower()
    if type(problem).__name__ == "UnidentifiedImageError":
        return "it is not an image that can be read"
    if type(problem).__name__ == "DecompressionBombError":
        return "it has too many pixels"
    return str(problem).split("\n", 1)[0] or type(problem).__name__
