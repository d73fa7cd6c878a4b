"""What reads each data set, and splits it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from archdsl.diagnostics.model import ArchError
from archdsl.training.data.idx import find_idx, read_idx
from archdsl.training.data.search_path import DEBIAN, cache_folder, missing, unreadable
from archdsl.training.data.splits import Images, Splits, fixed_split, whole_split
from archdsl.training.packages import need

if TYPE_CHECKING:
    from archdsl.training.sets import Cifar10, Cifar100, Digits, FashionMnist

IDX_STEMS = [
    f"{part}-{kind}"
    for part in ("train", "t10k")
    for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")
]


def digits(data: Digits, folder: Path) -> Splits:
    """scikit-learn's images, their values 0..16 as 0..255."""
    found = need("sklearn.datasets", "scikit-learn").load_digits()
    images = torch.tensor(found.images).mul(255 / 16).round().to(torch.uint8)
    whole = Images(images[:, None], torch.tensor(found.target, dtype=torch.int64))
    return whole_split(data.name, whole, 10, data.seed, data.validation, data.test)


# ------------------------------------------------------------------------ Fashion-MNIST


def fashion_mnist(data: FashionMnist, folder: Path) -> Splits:
    """Four IDX files; the test set is checked with the others."""
    place = fashion_folder(data, folder)
    learning, test = (fashion_part(data, place, part) for part in ("train", "t10k"))
    return fixed_split(
        data.name, learning, lambda: test, data.classes, data.seed, data.validation, data.train
    )


def fashion_part(data: FashionMnist, place: Path, part: str) -> Images:
    tensors = []
    for stem in (s for s in IDX_STEMS if s.startswith(part)):
        path = find_idx(place, stem)
        if path is None:
            raise missing(data.name, f"{stem} is not there", [place], how_to_get_fashion())
        tensors.append(read_idx(path, data.name))
    images, labels = tensors
    if images.shape[1:] != data.image[1:] or labels.shape != images.shape[:1]:
        shapes = " and ".join("x".join(map(str, t.shape)) for t in (images, labels))
        raise unreadable(data.name, f"the {part} files hold {shapes}", place)
    return checked(data.name, Images(images[:, None], labels.long()), data.classes, place)


def checked(name: str, images: Images, classes: int, place: Path) -> Images:
    """The images, if there are any and their labels are classes."""
    labels = images.labels
    if not len(labels) or int(labels.min()) < 0 or int(labels.max()) >= classes:
        found = f"{int(labels.min())}..{int(labels.max())}" if len(labels) else "none"
        raise unreadable(name, f"its labels are {found}, not 0..{classes - 1}", place)
    return images


def fashion_folder(data: FashionMnist, folder: Path) -> Path:
    """The folder that has the files, if any has one of them; else they are downloaded."""
    kept = cache_folder() / "FashionMNIST" / "raw"
    given = folder / data.path
    places = [given, given / "FashionMNIST" / "raw"] if data.path else [DEBIAN, kept]
    for place in places:
        if any(find_idx(place, stem) for stem in IDX_STEMS):
            return place
    if data.path:
        raise missing(data.name, "there are no IDX files", places, how_to_get_fashion())
    try:
        download_fashion(kept.parents[1])
    except ArchError:
        raise
    except Exception as problem:  # torchvision, urllib and the file system raise many kinds
        reason = f"it cannot be downloaded: {str(problem).split(chr(10), 1)[0]}"
        raise missing(data.name, reason, places, how_to_get_fashion()) from None
    return kept


def download_fashion(root: Path) -> None:
    """Downloads with torchvision beside the place, and renames what is whole."""
    datasets = need("torchvision.datasets", "torchvision")
    root.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".download-", dir=root))
    try:
        datasets.FashionMNIST(aside, download=True)
        target = root / "FashionMNIST"
        if not target.exists():  # another process may have been faster
            (aside / "FashionMNIST").rename(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def how_to_get_fashion() -> list[str]:
    command = python_download("FashionMNIST", cache_folder())
    return ["sudo apt install dataset-fashion-mnist", command]


def python_download(name: str, root: Path) -> str:
    code = f"from torchvision.datasets import {name}; {name}('{root}', download=True)"
    return f'python -c "{code}"'


# -------------------------------------------------------------------------------- CIFAR


def cifar(data: Cifar10 | Cifar100, folder: Path) -> Splits:
    """torchvision's batches, which it checks against their sums."""
    name, files = (
        ("CIFAR10", "cifar-10-batches-py")
        if data.classes == 10
        else ("CIFAR100", "cifar-100-python")
    )
    root = folder / data.path if data.path else cache_folder()
    if root.name == files:
        root = root.parent
    make = getattr(need("torchvision.datasets", "torchvision"), name)
    if not (root / files).is_dir():
        raise missing(
            data.name, f"there is no folder {files}", [root], [python_download(name, root)]
        )

    def read(train: bool) -> Images:
        try:
            found = make(root, train=train, download=False)
        except Exception as problem:  # torchvision raises many kinds for files that are wrong
            reason = f"{files} is not as it was published: {str(problem).split('.', 1)[0]}"
            raise unreadable(data.name, reason, root, [python_download(name, root)]) from None
        images = torch.from_numpy(found.data).permute(0, 3, 1, 2).contiguous()
        return Images(images, torch.tensor(found.targets, dtype=torch.int64))

    learning = read(True)
    assert data.classes is not None
    return fixed_split(
        data.name,
        learning,
        lambda: read(False),
        data.classes,
        data.seed,
        data.validation,
        data.train,
    )
