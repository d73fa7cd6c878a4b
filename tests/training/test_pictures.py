"""Pictures of every type become the bytes that one sees; a range that says nothing is refused."""

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from archdsl.training.data.images import BadPicture, Decoder
from archdsl.training.data.masks import MaskDecoder

HERE = Path()


def seen(path: Path, size: int = 2) -> list[list[list[int]]]:
    """The channels of a picture, each as rows."""
    found = Decoder(size).read(path)
    assert isinstance(found, bytes), found
    return np.frombuffer(found, np.uint8).reshape(3, size, size).tolist()


def why(path: Path) -> str:
    found = Decoder(2).read(path)
    assert isinstance(found, BadPicture)
    return str(found)


def saved(values: np.ndarray, name: str) -> Path:
    Image.fromarray(values).save(HERE / name)
    return HERE / name


GREY = [[0, 64], [128, 255]]  # what is to be seen, of any type


@pytest.mark.parametrize("name", ["x.png", "x.tif"])
@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_16_bits(name: str, order: str) -> None:
    assert seen(saved((np.array(GREY) * 257).astype(order), name)) == [GREY] * 3


def test_16_bits_of_a_pgm() -> None:
    values = (np.array(GREY) * 257).astype(">u2").tobytes()
    (HERE / "x.pgm").write_bytes(b"P5 2 2 65535\n" + values)
    assert Image.open("x.pgm").mode in ("I", "I;16")
    assert seen(HERE / "x.pgm") == [GREY] * 3


def test_whole_numbers_of_32_bits() -> None:
    assert seen(saved((np.array(GREY) * 257).astype(np.int32), "x.tif")) == [GREY] * 3
    path = saved(np.array([[-1000, 0], [1, 2]], np.int32), "ct.tif")
    assert why(path) == (
        "its values are -1,000..2: whole numbers are read from 0, black, to 65,535, white"
    )


@pytest.mark.parametrize("name", ["x.tif", "x.pfm"])
def test_floats(name: str) -> None:
    assert seen(saved((np.array(GREY) / 255).astype(np.float32), name)) == [GREY] * 3


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([[0, 255]], "its values are 0..255: floats are read from 0, black, to 1, white"),
        ([[-0.5, 1]], "its values are -0.5..1: floats are read from 0, black, to 1, white"),
        ([[0, np.nan]], "it has values that are not numbers"),
    ],
)
def test_floats_of_another_range(values: list[list[float]], reason: str) -> None:
    assert why(saved(np.array(values, np.float32), "x.tif")) == reason


@pytest.mark.parametrize(
    ("mode", "colour", "name", "wanted"),
    [
        ("1", 1, "x.png", (255, 255, 255)),
        ("L", 7, "x.png", (7, 7, 7)),
        ("LA", (7, 0), "x.png", (7, 7, 7)),  # the colour under what is transparent
        ("RGB", (1, 2, 3), "x.png", (1, 2, 3)),
        ("RGBA", (1, 2, 3, 0), "x.png", (1, 2, 3)),
        ("CMYK", (255, 0, 0, 0), "x.tif", (0, 255, 255)),
        ("CMYK", (0, 0, 0, 255), "x.tif", (0, 0, 0)),
    ],
)
def test_modes(mode: str, colour: object, name: str, wanted: tuple[int, ...]) -> None:
    Image.new(mode, (4, 4), colour).save(HERE / name)  # type: ignore[arg-type]
    assert Image.open(name).mode == mode
    assert seen(HERE / name) == [[[value] * 2] * 2 for value in wanted]


def test_a_palette_with_transparency() -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    image.info["transparency"] = b"\x00\x80"
    image.save("x.png")
    assert Image.open("x.png").mode == "P"
    assert seen(HERE / "x.png") == [[[value] * 2] * 2 for value in (10, 20, 30)]


UPRIGHT = [[0, 80], [160, 240]]
# What each value of EXIF's orientation does to a picture before it is stored.
TURNED = {
    1: lambda x: x,
    2: np.fliplr,
    3: lambda x: np.rot90(x, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda x: np.rot90(x, 1),
    7: lambda x: np.rot90(x, 2).T,
    8: lambda x: np.rot90(x, 3),
}


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("name", ["x.png", "x.tif", "x.jpg"])
def test_a_picture_is_upright(orientation: int, name: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = TURNED[orientation](np.kron(np.array(UPRIGHT, np.uint8), np.ones((16, 16), np.uint8)))
    Image.fromarray(np.ascontiguousarray(stored)).save(HERE / name, exif=exif, quality=95)
    for channel in seen(HERE / name, 8):
        corners = [[channel[0][0], channel[0][-1]], [channel[-1][0], channel[-1][-1]]]
        assert np.allclose(corners, UPRIGHT, atol=6)


def test_pillows_words_are_not_shown(capfd: pytest.CaptureFixture[str]) -> None:
    (HERE / "x.png").write_bytes(b"GIF89a")
    assert why(HERE / "x.png") == "it is not an image that can be read"
    tags = {256: 4, 257: 4, 258: 8, 259: 1, 262: 1, 273: 8, 277: 13, 278: 4, 279: 208}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    start = struct.pack("<2sHI", b"II", 42, 216)  # 13 channels of 4x4 bytes, then the tags
    (HERE / "x.tif").write_bytes(start + bytes(208) + struct.pack("<H", 9) + entries + bytes(4))
    assert why(HERE / "x.tif") == "it is not an image that can be read"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["x.png", "x.gif"])
def test_a_few_bytes_that_unpack_to_many_pixels(name: str) -> None:
    Image.new("1", (9_000, 8_000)).save(name)
    there = Path(name).stat().st_size
    words = f"its {there:,} bytes unpack to 9,000 x 8,000 pixels"
    for decoder in Decoder(2), Decoder(2, bits=16), MaskDecoder(2):
        found = decoder.read(HERE / name)
        assert isinstance(found, BadPicture) and str(found) == words
