"""Data sets: read from where they are, or an error that says how to get them."""

import gzip
import hashlib
import os
import pickle
import struct
import warnings
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision.datasets

import archdsl
from archdsl import ArchError
from archdsl.training.data import describe, load, plugins, search_path, sources
from archdsl.training.fit import fit
from archdsl.training.loop import evaluate, train_candidate
from archdsl.training.records import read_data, read_recipe
from archdsl.training.sets import Cifar10, Cifar100, Data, Digits, FashionMnist, PluginData

HERE = Path()


def idx(array: np.ndarray) -> bytes:
    shape = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, 8, array.ndim]) + shape + array.astype(np.uint8).tobytes()


def fashion(folder: Path, packed: bool = False, train: int = 60, test: int = 20) -> Path:
    """Files such as Fashion-MNIST's; the first pixel of an image is its number."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, count in (("train", train), ("t10k", test)):
        pixels = np.zeros((count, 28, 28))
        pixels[:, 0, 0] = np.arange(count)
        for kind, array in (("images-idx3", pixels), ("labels-idx1", np.arange(count) % 10)):
            data, name = idx(array), f"{part}-{kind}-ubyte"
            if packed:
                data, name = gzip.compress(data), f"{name}.gz"
            (folder / name).write_bytes(data)
    return folder


def problem(data: Data, folder: Path = HERE) -> str:
    with pytest.raises(ArchError) as caught:
        load(data, folder)
    return str(caught.value)


# ------------------------------------------------------------------------------- digits


def test_digits() -> None:
    found = load(Digits(), HERE)
    assert describe(Digits(), HERE) == (found.image, found.classes) == ((1, 8, 8), 10)
    assert (len(found.train), len(found.validation), len(found.test)) == (1079, 359, 359)
    assert found.train.images.dtype == torch.uint8
    assert found.train.images.unique().tolist() == [round(v * 255 / 16) for v in range(17)]
    counts = found.validation.labels.bincount()
    assert counts.min() >= 35 and counts.max() <= 36
    assert not len(load(Digits(test=0.0), HERE).test)


def test_digits_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr("archdsl.training.packages.import_module", refuse)
    assert problem(Digits()).splitlines() == [
        "error[A601]: this needs the package scikit-learn, which is not installed",
        "  = help: `pip install scikit-learn`; in a clone of archdsl, `pip install '.[torch]'` has"
        " all of it",
    ]


# ------------------------------------------------------------------------ Fashion-MNIST


@pytest.mark.parametrize("packed", [False, True])
def test_files_of_a_folder(packed: bool) -> None:
    fashion(HERE / "beside" / "mine", packed)
    found = load(FashionMnist(path="mine"), HERE / "beside")
    assert (found.image, found.classes) == ((1, 28, 28), 10)
    assert (len(found.train), len(found.validation), len(found.test)) == (54, 6, 20)
    for part in (found.train, found.validation, found.test):
        assert torch.equal(part.images[:, 0, 0, 0].long() % 10, part.labels)


def test_a_part_of_the_training_images() -> None:
    fashion(HERE / "mine")
    found = load(FashionMnist(path="mine", train=20), HERE)
    assert found.train.labels.bincount().tolist() == [2] * 10
    assert torch.equal(
        found.validation.images, load(FashionMnist(path="mine"), HERE).validation.images
    )


def test_where_debian_puts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "DEBIAN", fashion(HERE / "debian", packed=True, train=40))
    assert len(load(FashionMnist(), HERE).train) == 36


def test_it_is_downloaded_where_it_is_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Path] = []

    def download(root: Path, download: bool) -> None:
        calls.append(root)
        fashion(root / "FashionMNIST" / "raw")

    monkeypatch.setattr(sources, "DEBIAN", HERE / "nowhere")
    monkeypatch.setattr(torchvision.datasets, "FashionMNIST", download)
    assert len(load(FashionMnist(), HERE).train) == 54
    assert len(load(FashionMnist(), HERE).test) == 20
    assert len(calls) == 1, "it is kept"
    assert [p.name for p in search_path.cache_folder().iterdir()] == ["FashionMNIST"]


def test_a_download_that_fails_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def download(root: Path, download: bool) -> None:
        fashion(root / "FashionMNIST" / "raw")
        raise RuntimeError("Error downloading train-images-idx3-ubyte.gz:\nmany lines")

    monkeypatch.setattr(sources, "DEBIAN", HERE / "nowhere")
    monkeypatch.setattr(torchvision.datasets, "FashionMNIST", download)
    assert problem(FashionMnist()).splitlines() == [
        "error[A801]: the data `fashion_mnist` is not here: it cannot be downloaded: Error "
        "downloading train-images-idx3-ubyte.gz:",
        "  = looked for in nowhere",
        "  = looked for in cache/archdsl/FashionMNIST/raw",
        "  = help: sudo apt install dataset-fashion-mnist",
        '  = help: python -c "from torchvision.datasets import FashionMNIST; '
        "FashionMNIST('cache/archdsl', download=True)\"",
    ]
    assert list(search_path.cache_folder().iterdir()) == []


def broken(name: str, data: bytes) -> str:
    folder = fashion(HERE / "mine", packed=name.endswith(".gz"))
    (folder / name).write_bytes(data)
    return problem(FashionMnist(path="mine"))


PACKED = gzip.compress(idx(np.arange(60) % 10), mtime=0)


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("train-labels-idx1-ubyte.gz", PACKED[:-9], "end-of-stream marker"),
        ("train-labels-idx1-ubyte.gz", b"<html>", "not a gzipped file"),
        (
            "train-labels-idx1-ubyte",
            b"<html>",
            "train-labels-idx1-ubyte is not an IDX file of bytes",
        ),
        ("train-labels-idx1-ubyte", b"", "train-labels-idx1-ubyte is not an IDX file of bytes"),
        (
            "t10k-images-idx3-ubyte",
            idx(np.zeros((20, 28, 28)))[:-5],
            "t10k-images-idx3-ubyte has 15,675 bytes of images or labels, not 15,680",
        ),
        (
            "t10k-labels-idx1-ubyte",
            idx(np.zeros(19)),
            "the t10k files hold 20x28x28 and 19",
        ),
        ("train-images-idx3-ubyte", idx(np.zeros((60, 9, 9))), "hold 60x9x9 and 60"),
        ("train-labels-idx1-ubyte", idx(np.full(60, 10)), "its labels are 10..10, not 0..9"),
    ],
)
def test_files_that_are_not_what_they_should_be(name: str, data: bytes, reason: str) -> None:
    text = broken(name, data)
    assert text.startswith("error[A802]: the data `fashion_mnist` cannot be read: ")
    assert reason in text and text.splitlines()[1] == "  = in mine"


def test_a_file_that_is_missing() -> None:
    (fashion(HERE / "mine") / "t10k-labels-idx1-ubyte").unlink()
    text = problem(FashionMnist(path="mine"))
    assert text.splitlines()[:2] == [
        "error[A801]: the data `fashion_mnist` is not here: t10k-labels-idx1-ubyte is not there",
        "  = looked for in mine",
    ]


@pytest.mark.skipif(
    not search_path.DEBIAN.is_dir() and not os.environ.get("ARCHDSL_REQUIRE_ALL"),
    reason="Debian's package dataset-fashion-mnist is not installed",
)
def test_the_whole_set() -> None:
    """The published counts, mean and deviation."""
    found = load(FashionMnist(), HERE)
    assert (len(found.train), len(found.validation), len(found.test)) == (54000, 6000, 10000)
    assert found.train.labels.bincount().tolist() == [5400] * 10
    assert found.test.labels.bincount().tolist() == [1000] * 10
    assert found.mean.item() == pytest.approx(0.2860, abs=5e-4)
    assert found.std.item() == pytest.approx(0.3530, abs=5e-4)
    smaller = load(FashionMnist(train=1000), HERE)
    assert smaller.train.labels.bincount().tolist() == [100] * 10
    assert torch.equal(smaller.validation.images, found.validation.images)


# -------------------------------------------------------------------------------- CIFAR


def cifar10(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches in CIFAR-10's format, a hundred times smaller, with their own sums."""
    batches = [f"data_batch_{i}" for i in range(1, 6)]
    labels = [i % 10 for i in range(20)]
    cifar_files(
        root / "cifar-10-batches-py",
        {name: {"labels": labels} for name in [*batches, "test_batch"]},
        ("batches.meta", "label_names"),
        (torchvision.datasets.CIFAR10, batches, ["test_batch"]),
        monkeypatch,
    )


def cifar100(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CIFAR-100 has a file for each part, and two labels of each image."""
    fine = [i % 100 for i in range(200)]
    both = {"fine_labels": fine, "coarse_labels": [i // 5 for i in fine]}
    cifar_files(
        root / "cifar-100-python",
        {"train": both, "test": both},
        ("meta", "fine_label_names"),
        (torchvision.datasets.CIFAR100, ["train"], ["test"]),
        monkeypatch,
    )


def cifar_files(
    folder: Path,
    batches: dict[str, dict[str, list[int]]],
    meta: tuple[str, str],
    of: tuple[Any, list[str], list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Pickles of rows of 3,072 bytes: all red, then all green, then all blue."""
    folder.mkdir(parents=True)
    sums = {}
    for name, labels in batches.items():
        (count,) = {len(found) for found in labels.values()}
        rows = np.zeros((count, 3072), np.uint8)
        rows[:, 1024:2048] = 200  # green
        rows[:, 0] = next(iter(labels.values()))  # the class, in red in the first corner
        data = pickle.dumps({"data": rows, **labels}, protocol=2)
        (folder / name).write_bytes(data)
        sums[name] = hashlib.md5(data, usedforsecurity=False).hexdigest()
    words = pickle.dumps({meta[1]: [f"class {i}" for i in range(100)]}, protocol=2)
    (folder / meta[0]).write_bytes(words)
    kind, train, test = of
    monkeypatch.setattr(kind, "train_list", [[name, sums[name]] for name in train])
    monkeypatch.setattr(kind, "test_list", [[name, sums[name]] for name in test])
    sum_of_words = hashlib.md5(words, usedforsecurity=False).hexdigest()
    monkeypatch.setattr(kind, "meta", {"filename": meta[0], "key": meta[1], "md5": sum_of_words})


@pytest.mark.parametrize("path", ["mine", "mine/cifar-10-batches-py"])
def test_batches_of_cifar(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cifar10(HERE / "mine", monkeypatch)
    found = load(Cifar10(path=path, train=50), HERE)
    assert (found.image, found.classes) == ((3, 32, 32), 10) == describe(Cifar10(), HERE)
    assert (len(found.train), len(found.validation), len(found.test)) == (50, 10, 20)
    assert found.mean.tolist() == pytest.approx([4.5 / 1024 / 255, 200 / 255, 0])
    assert found.train.images.is_contiguous()
    for part in (found.train, found.validation, found.test):
        assert torch.equal(part.images[:, 0, 0, 0].long(), part.labels)
        assert part.images[:, 1].eq(200).all() and not part.images[:, 2].any()


def test_the_hundred_classes_are_the_fine_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    cifar100(cache(), monkeypatch)
    found = load(Cifar100(validation=0.5), HERE)
    assert (found.image, found.classes) == ((3, 32, 32), 100) == describe(Cifar100(), HERE)
    assert (len(found.train), len(found.validation), len(found.test)) == (100, 100, 200)
    for part in (found.train, found.validation, found.test):
        assert torch.equal(part.images[:, 0, 0, 0].long(), part.labels)
    assert found.train.labels.sort().values.tolist() == list(range(100))


def test_a_batch_of_cifar_that_was_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """torchvision unpickles it: what is not as it was published is not opened."""
    cifar10(HERE / "mine", monkeypatch)
    path = HERE / "mine" / "cifar-10-batches-py" / "data_batch_3"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    text = problem(Cifar10(path="mine"))
    assert text.startswith("error[A802]: the data `cifar10` cannot be read: cifar-10-batches-py is")


def cache() -> Path:
    return search_path.cache_folder()


def test_cifar_is_not_here() -> None:
    assert problem(Cifar100()).splitlines() == [
        "error[A801]: the data `cifar100` is not here: there is no folder cifar-100-python",
        "  = looked for in cache/archdsl",
        '  = help: python -c "from torchvision.datasets import CIFAR100; '
        "CIFAR100('cache/archdsl', download=True)\"",
    ]


def test_cifar_that_is_cut_short() -> None:
    (HERE / "mine" / "cifar-10-batches-py").mkdir(parents=True)
    (HERE / "mine" / "cifar-10-batches-py" / "data_batch_1").write_bytes(b"short")
    text = problem(Cifar10(path="mine"))
    assert text.startswith("error[A802]: the data `cifar10` cannot be read: cifar-10-batches-py is")
    assert "CIFAR10('mine', download=True)" in text


# ----------------------------------------------------------------------------- packages


@dataclass
class Stripes:
    """A package's data: as docs/training.md describes it."""

    count: int = 40
    seed: int = 5
    fails: str = ""
    validation = 0.25
    image = (1, 4, 6)
    classes = 2

    def read(self, folder: Path) -> Any:
        if self.fails == "raise":
            raise KeyError("a column")
        labels = np.arange(self.count) % self.classes
        pixels = np.repeat(labels, 24).reshape(-1, *self.image).astype(np.uint8)
        if self.fails == "type":
            return pixels.astype(np.int16), labels
        if self.fails == "labels":
            return pixels, labels + 1
        if self.fails == "three":
            return pixels, labels, labels
        if self.fails == "tested":
            return pixels, labels, pixels[:6], labels[:6]
        return pixels, labels


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        EntryPoint("stripes", "test_data:Stripes", "archdsl.data"),
        EntryPoint("gone", "no_such_module:Set", "archdsl.data"),
        EntryPoint("shapeless", "builtins:dict", "archdsl.data"),
        EntryPoint("flat", "test_data:Flat", "archdsl.data"),
        EntryPoint("shaped", "test_data:Shaped", "archdsl.data"),
    ]
    monkeypatch.setattr(plugins, "entry_points", lambda group: found)


class Flat:
    image = (6, 0)
    classes = 2


@dataclass
class Shaped(Stripes):
    """Signals and volumes; counts of NumPy; arrays of a file that is mapped."""

    axes: int = 1
    mapped: bool = False
    empty: bool = False
    classes = np.int64(2)

    def __post_init__(self) -> None:
        self.image = (np.int64(3), *(8,) * self.axes)

    def read(self, folder: Path) -> Any:
        pixels = np.repeat(np.arange(40) % 2, 3 * 8**self.axes).astype(np.uint8) * 200
        pixels = pixels.reshape(-1, *self.image)
        if self.mapped:
            np.save(folder / "kept.npy", pixels)
            pixels = np.load(folder / "kept.npy", mmap_mode="r")
        labels = np.arange(40) % 2
        return (pixels, labels, pixels[:0], labels[:0]) if self.empty else (pixels, labels)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.filterwarnings("error")
def test_signals_images_and_volumes_are_trained_on(axes: int) -> None:
    data = PluginData("shaped", (("axes", axes), ("mapped", True)))
    assert describe(data, HERE) == ((3, *(8,) * axes), 2)
    splits = load(data, HERE)
    assert splits.image == (3, *(8,) * axes)
    size = "x".join(["8"] * axes)
    spec = archdsl.parse(
        f"arch net(classes = 5)\ninput 3x{size}\nconv(4, 3) -> bn -> relu -> global_avgpool -> "
        "linear(classes)\n"
    )
    recipe = read_recipe(
        "epochs = 8, batch = 10, augment = [crop(pad = 1), flip, cutout(size = 2)]"
    )
    module, outcome = train_candidate(fit(spec, {}, splits.image, 2), splits, recipe, 0)
    assert outcome.accuracy == 1.0
    assert evaluate(module, splits.test, splits)[0] == 1.0


def test_an_array_that_cannot_be_written_to_is_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(PluginData("shaped", (("mapped", True),)), HERE)


def test_a_test_set_without_images() -> None:
    assert "fails: one of its sets has no images" in problem(
        PluginData("shaped", (("empty", True),))
    )


def test_data_of_a_package() -> None:
    data = PluginData("stripes", (("", 80),))
    assert describe(data, HERE) == ((1, 4, 6), 2)
    found = load(data, HERE)
    assert (len(found.train), len(found.validation), len(found.test)) == (52, 20, 8)
    assert found.train.labels.dtype == torch.int64
    tested = load(PluginData("stripes", (("fails", "tested"),)), HERE)
    assert (len(tested.train), len(tested.validation), len(tested.test)) == (30, 10, 6)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (PluginData("strips"), "is not here: no installed package has an entry point"),
        (PluginData("stripes", (("size", 3),)), "fails: TypeError: "),
        (PluginData("gone"), "fails: ModuleNotFoundError: No module named 'no_such_module'"),
        (PluginData("shapeless"), "fails: AttributeError: "),
        (
            PluginData("flat"),
            "fails: image = (6, 0) is not what it should be, channels, and up to ",
        ),
        (PluginData("stripes", (("fails", "raise"),)), "fails: KeyError: 'a column'"),
        (
            PluginData("stripes", (("fails", "type"),)),
            "its images are int16 of 40x1x4x6, not uint8 or uint16 or float32 of Nx1x4x6",
        ),
        (
            PluginData("stripes", (("fails", "labels"),)),
            "fails: its labels are 1..2, not 40 whole numbers in 0..1",
        ),
        (PluginData("stripes", (("fails", "three"),)), "fails: `read` gives images and labels"),
    ],
)
def test_data_of_a_package_that_fails(data: PluginData, text: str) -> None:
    assert text in problem(data)


PACKAGE = """
from dataclasses import dataclass

import numpy as np


@dataclass
class Rings:
    radius: int = 2
    image = (1, 6, 6)
    classes = 2

    def read(self, folder):
        labels = np.arange(60) % 2
        pixels = np.full((60, *self.image), self.radius, np.uint8)
        pixels[labels == 1] += 200
        (folder / "read.txt").write_text("so")
        return pixels, labels
"""


def test_data_of_a_package_that_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package as pip leaves it, named in a text."""
    info = HERE.absolute() / "site" / "rings-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: rings\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[archdsl.data]\nrings = rings_of_mine:Rings\n")
    (info.parent / "rings_of_mine.py").write_text(PACKAGE)
    monkeypatch.setattr(plugins, "entry_points", entry_points)
    monkeypatch.syspath_prepend(info.parent)
    data = read_data("rings(radius = 5)")
    assert (data.written(), describe(data, HERE)) == ("rings(radius = 5)", ((1, 6, 6), 2))
    found = load(data, HERE)
    assert (len(found.train), len(found.validation), len(found.test)) == (48, 6, 6)
    assert found.train.images.unique().tolist() == [5, 205]
    assert (HERE / "read.txt").exists(), "the folder is that of the search"
    with pytest.raises(ArchError, match="did you mean `rings`"):
        read_data("ring")
