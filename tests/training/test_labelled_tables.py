"""Tables of files and labels: CSV and Parquet, whose rows are all checked before an image is."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from archdsl import ArchError
from archdsl.training.data import describe, load
from archdsl.training.data.file_table import rows_of
from archdsl.training.data.splits import Splits
from archdsl.training.records import read_data
from archdsl.training.sets import Table

HERE = Path()
COUNT = 24


def pictures() -> None:
    (HERE / "set" / "images").mkdir(parents=True)
    for number in range(COUNT):
        Image.new("RGB", (6, 4), (number, 0, 0)).save(HERE / "set" / "images" / f"{number}.png")


def table(header: str, cells: str, name: str = "labels.csv") -> None:
    """A table of all images; ``cells`` is worked out for each number ``n``."""
    rows = [eval(f"f{cells!r}", {"n": n}) for n in range(COUNT)]
    (HERE / "set").mkdir(exist_ok=True)
    (HERE / "set" / name).write_text("\n".join([header, *rows, ""]), "utf-8")


def made(settings: str = "") -> Table:
    found = read_data(f'table("set/labels.csv", size = 4x6, validation = 0.25{settings})')
    assert isinstance(found, Table)
    return found


def why(data: Table) -> str:
    with pytest.raises(ArchError) as caught:
        describe(data, HERE)
    return str(caught.value)


def numbers(splits: Splits) -> list[list[int]]:
    """Which pictures are in which part: their red says it."""
    parts = (splits.train, splits.validation, splits.test)
    return [part.images[:, 0, 0, 0].tolist() for part in parts]


def test_classes() -> None:
    pictures()
    table("file,label", "images/{n}.png,{['dog', 'cat'][n % 2]}")
    assert describe(made(", test = 0.25"), HERE) == ((3, 4, 6), 2)
    splits = load(made(", test = 0.25"), HERE)
    assert splits.names == ("cat", "dog") and [len(p) for p in numbers(splits)] == [12, 6, 6]
    for part in (splits.train, splits.validation, splits.test):
        assert torch.equal(part.labels, 1 - part.images[:, 0, 0, 0].long() % 2)


def test_numbers_of_classes_are_in_their_order() -> None:
    table("file,label", "images/{n}.png,{n % 12}")
    assert rows_of(made(), HERE).names == tuple(map(str, range(12)))


def test_a_column_says_the_parts() -> None:
    pictures()
    table("split;file;label", "{['train', 'val', 'test'][n % 3]};images/{n}.png;{n % 2}")
    splits = load(made(), HERE)
    assert numbers(splits) == [list(range(at, COUNT, 3)) for at in range(3)]
    table("split,file,label", "{['train', 'test'][n % 2]},images/{n}.png,{n // 2 % 2}")
    splits = load(made(), HERE)
    assert [len(part) for part in numbers(splits)] == [9, 3, 12]
    assert numbers(splits)[2] == list(range(1, COUNT, 2))


def test_several_labels_as_columns_or_in_one() -> None:
    pictures()
    table("file,red,odd", "images/{n}.png,{int(n > 9)},{'true' if n % 2 else 'false'}")
    splits = load(made(', labels = ["red", "odd"], task = multilabel, test = 0'), HERE)
    red = splits.train.images[:, 0, 0, 0]
    assert splits.names == ("red", "odd") and splits.task.name == "multilabel"
    assert torch.equal(splits.train.labels, torch.stack([red > 9, red % 2 == 1], 1).float())
    table("file,label", "images/{n}.png,{'red; ' * (n > 9)}{'odd' * (n % 2)}")
    other = load(made(", task = multilabel, test = 0"), HERE)
    assert other.names == ("odd", "red")
    assert torch.equal(other.train.labels.flip(1), splits.train.labels)


def test_values() -> None:
    pictures()
    table("file,x,y", "images/{n}.png,{n / 4},-{n}e-1")
    splits = load(made(', labels = ["x", "y"], task = regression, test = 0'), HERE)
    red = splits.train.images[:, 0, 0, 0].double()
    assert splits.names == ("x", "y") and splits.train.labels.dtype == torch.float32
    assert torch.allclose(splits.train.labels.double(), torch.stack([red / 4, -red / 10], 1))


def test_parquet_is_the_same() -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    pictures()
    table("file,label", "images/{n}.png,{n % 3}")
    import pyarrow

    every = range(COUNT)
    columns = {"file": [f"images/{n}.png" for n in every], "label": [n % 3 for n in every]}
    parquet.write_table(pyarrow.table(columns), "set/labels.parquet")
    data = read_data('table("set/labels.parquet", size = 4x6, validation = 0.25)')
    assert load(data, HERE).digest == load(made(), HERE).digest
    Path("set/labels.parquet").write_bytes(b"PAR1")
    with pytest.raises(ArchError, match=r"A802.*it is not a Parquet file"):
        describe(data, HERE)


def test_a_few_bytes_of_parquet_that_unpack_to_many() -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow

    pictures()
    long = pyarrow.array(["x" * 100_000]).dictionary_encode().take(pyarrow.array([0] * 4_000))
    parquet.write_table(pyarrow.table({"file": long, "label": [0] * 4_000}), "set/labels.parquet")
    there = Path("set/labels.parquet").stat().st_size
    assert there < 200_000
    data = read_data('table("set/labels.parquet", size = 4x6)')
    with pytest.raises(ArchError, match=rf"its {there:,} bytes unpack to more than 268,435,456"):
        describe(data, HERE)


def test_two_columns_of_one_name_are_refused_in_each_format() -> None:
    pictures()
    table("file,label,label", "images/{n}.png,{n % 2},0")
    assert "there are two columns `label`" in why(made())
    table("file,label,,", "images/{n}.png,{n % 2},,")  # empty ones at the end are of no use
    assert describe(made(), HERE)[1] == 2
    parquet, arrow = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    twice = arrow.table([["images/0.png"], [0], [1]], names=["file", "label", "label"])
    parquet.write_table(twice, "set/labels.parquet")
    with pytest.raises(ArchError, match="there are two columns `label`"):
        describe(read_data('table("set/labels.parquet", size = 4x6)'), HERE)


def test_paths_start_at_the_table_or_at_root() -> None:
    pictures()
    table("file,label", "{n}.png,{n % 2}")
    assert numbers(load(made(', root = "set/images", test = 0'), HERE))[2] == []
    whole = (HERE / "set" / "images").resolve()
    table("file,label", f"{whole}/{{n}}.png,{{n % 2}}")
    assert describe(made(f', root = "{whole}"'), HERE)[1] == 2
    assert "24 of its rows are wrong" in why(made(', root = "elsewhere"'))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (
            "../secret.png,1",
            "row 26: '../secret.png' is not in the folder set: `root` names another",
        ),
        ("/etc/x.png,1", "row 26: '/etc/x.png' is not in the folder set"),
        (",1", "row 26: it names no file"),
        ("images/1.png,", "row 26: its label is empty"),
        ("images/1.png", "row 26: it has 1 cells, and the header 2"),
        ('"images/1.png,1', "it is not a table of text"),
    ],
)
def test_a_bad_row(row: str, words: str) -> None:
    table("file,label", "images/{n}.png,{n % 2}")
    with Path("set/labels.csv").open("a") as file:
        file.write(row + "\n")
    assert "A802" in why(made()) and words in why(made())


def test_all_bad_rows_are_told_at_once() -> None:
    table("file,label", "{'../' * (n > 21)}{n}.png,{n % 2}")
    assert why(made()).splitlines() == [
        "error[A802]: the data `table` cannot be read: 2 of its rows are wrong",
        "  = row 24: '../22.png' is not in the folder set: `root` names another",
        "  = row 25: '../23.png' is not in the folder set: `root` names another",
        "  = in set/labels.csv",
    ]


@pytest.mark.parametrize(
    ("header", "cells", "settings", "words"),
    [
        ("path,label", "{n}.png,{n % 2}", "", "it has no column `file`\n"),
        ("path,label", "{n}.png,{n % 2}", "", "it has path, label: name them by `file` and"),
        ("file,labels", "{n}.png,{n % 2}", "", "help: did you mean `labels`?"),
        ("file,label", "{n}.png,1", "", "at least two classes are needed, and there is one, `1`"),
        ("file,label", "{n}.png,x", ", task = regression", "`label` is 'x', and not a number"),
        ("file,a,b", "{n}.png,1,0", ', labels = ["a", "b"]', "classes are one column"),
        ("file,a,b", "{n}.png,2,0", ', labels = ["a", "b"], task = multilabel', "`a` is '2', and"),
        ("file,label,split", "{n}.png,{n % 2},{'ab'[n % 2]}", "", "`a` is not a part: train, val"),
        ("file,label,split", "{n}.png,{n},{'train' if n < 9 else 'test'}", "", "`10` is not one"),
        (
            "file,label,split",
            "x.png,{n % 2},{'train' if n < 9 else 'test'}",
            "",
            "in the part train",
        ),
        ("file,label,split", "{n}.png,{n % 2},test", "", "it has no rows to train on"),
    ],
)
def test_what_is_no_such_table(header: str, cells: str, settings: str, words: str) -> None:
    table(header, cells)
    assert words in why(made(settings))


def test_files_that_are_not_there_are_all_told() -> None:
    pictures()
    (HERE / "set" / "images" / "3.png").unlink()
    (HERE / "set" / "images" / "5.png").write_bytes(b"GIF89a")
    table("file,label", "images/{n}.png,{n % 2}")
    with pytest.raises(ArchError) as caught:
        load(made(), HERE)
    text = str(caught.value)
    assert "2 of 24 files are not images" in text
    assert "images/3.png: no such file or directory" in text
    assert "images/5.png: it is not an image that can be read" in text
    splits = load(made(", skip_unreadable = true"), HERE)
    assert sum(map(len, numbers(splits))) == 22
    assert splits.notes == ("2 that cannot be read are left out",)


# ------------------------------------------------------------- pictures of other kinds


@pytest.mark.parametrize("ending", [".npy", ".tif", ".png"])
@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("bits", [8, 16])
def test_channels_and_bits(ending: str, channels: int, bits: int) -> None:
    if ending == ".png" and channels == 5:
        return
    values = np.random.default_rng(0).integers(0, 2**bits, (COUNT, channels, 4, 6))
    values = values.astype(np.uint8 if bits == 8 else np.uint16)
    (HERE / "set").mkdir()
    for number, image in enumerate(values):
        place = HERE / "set" / f"{number}{ending}"
        if ending == ".npy":
            np.save(place, image)
        elif ending == ".tif":
            tifffile = pytest.importorskip("tifffile")
            tifffile.imwrite(place, image, photometric="minisblack")
        elif bits == 8 or channels == 1:
            flat = image[0] if channels == 1 else np.moveaxis(image, 0, -1)
            Image.fromarray(np.ascontiguousarray(flat)).save(place)
        else:
            place.write_bytes(png_of_16_bits(np.moveaxis(image, 0, -1)))
    table("file,label", f"{{n}}{ending},{{n % 2}}")
    data = made(f", channels = {channels}, bits = {bits}, test = 0")
    splits = load(data, HERE)
    assert describe(data, HERE) == ((channels, 4, 6), 2)
    assert splits.values == f"uint{bits}"
    kept = torch.cat([splits.train.images, splits.validation.images])
    truth = torch.from_numpy(values)
    assert sorted(kept.flatten(1).tolist()) == sorted(truth.flatten(1).tolist())


def png_of_16_bits(image: np.ndarray) -> bytes:
    """Colours of 16 bits: Pillow writes none."""
    height, width, _ = image.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in image)
    head = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    found = b"\x89PNG\r\n\x1a\n"
    for kind, data in ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        end = struct.pack(">I", zlib.crc32(kind + data))
        found += struct.pack(">I", len(data)) + kind + data + end
    return found


def test_a_picture_of_12_bits_is_not_squeezed_into_8() -> None:
    (HERE / "set").mkdir()
    for number in range(COUNT):
        np.save(HERE / "set" / f"{number}.npy", np.full((3, 4, 6), 4000, np.uint16))
    table("file,label", "{n}.npy,{n % 2}")
    with pytest.raises(ArchError, match=r"4,000..4,000 of 65,535, of which 8 bits would keep 16"):
        load(made(), HERE)
    assert int(load(made(", bits = 16"), HERE).train.images.int().max()) == 4000


def test_other_channels_are_not_dropped() -> None:
    (HERE / "set").mkdir()
    for number in range(COUNT):
        np.save(HERE / "set" / f"{number}.npy", np.zeros((4, 4, 6), np.uint8))
    table("file,label", "{n}.npy,{n % 2}")
    with pytest.raises(ArchError, match="it has 4 channels, and not 3"):
        load(made(), HERE)


def test_files_that_cannot_be_read_are_told_beside_a_split_that_cannot_be() -> None:
    table("file,label", "images/{n}.png,{n % 2}")
    rows = Path("set/labels.csv").read_text().splitlines()
    Path("set/labels.csv").write_text("\n".join([*rows[:2], "images/none.png,1"]) + "\n")
    with pytest.raises(ArchError) as caught:
        load(made(), HERE)
    found = str(caught.value)
    assert "A803" in found and "A802" in found and "none.png" in found
