"""Sets of images, as a text names them; what loads them is in ``archdsl.training.data``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from archdsl.elaborate.values import show
from archdsl.layers.arguments import Count, Flag, Index, PerAxis, Reader, Unreadable
from archdsl.layers.base import signature
from archdsl.modelcard import TOKENS
from archdsl.registered import Registered
from archdsl.training.settings import MaybeTexts, Setting, Share, Text, Texts
from archdsl.training.tasks import CLASSIFICATION, NEXT_TOKEN, SEGMENTATION, TaskName

if TYPE_CHECKING:
    from archdsl.training.data.splits import Splits


class Data(Setting, Registered):
    """A set of images with labels.

    ``image``, channels first, and ``classes`` are attributes where the set is fixed; ``task`` says
    what is labelled. A set of a user's own has a method ``read``: docs/training.md says what it
    gives.
    """

    group = "data"
    noun = "data set"
    image: ClassVar[tuple[int, ...] | None] = None
    task = CLASSIFICATION.name  # of ``archdsl.training.tasks``
    classes: ClassVar[int | None] = None
    values = "uint8"  # what is known of the type of the images before they are read

    @classmethod
    def check(cls) -> None:
        super().check()
        signature(cls)

    def read(self, folder: Path) -> tuple[Any, ...]:
        """Images (bytes, ``N x image``) and labels, and those of a test set if there is one."""
        raise NotImplementedError(f"{type(self).__name__} has no method `read`")

    def describe(self, folder: Path) -> tuple[tuple[int, ...], int]:
        """The shape of an image and the number of classes, without reading a pixel."""
        from archdsl.training.data.describing import described

        return described(self.name, self, folder)

    def load(self, folder: Path) -> Splits:
        """The images, split. Raises ``ArchError``."""
        from archdsl.training.data.given import arrays

        return arrays(self.name, self, folder)


def check_place(name: str, path: str, folder: Path) -> None:
    """Raises ``ArchError`` where a folder is named that is not there."""
    from archdsl.training.data.search_path import missing

    if path and not (folder / path).is_dir():
        raise missing(name, "there is no such folder", [folder / path])


@dataclass(frozen=True)
class Digits(Data):
    """1,797 handwritten digits of 8x8 pixels, which come with scikit-learn."""

    validation: Share = 0.2
    test: Share = 0.2
    seed: Index = 0

    name = "digits"
    image = (1, 8, 8)
    classes = 10

    def load(self, folder: Path) -> Splits:
        from archdsl.training.data.sources import digits

        return digits(self, folder)


@dataclass(frozen=True)
class FashionMnist(Data):
    """Fashion-MNIST (arXiv:1708.07747): 70,000 images of 28x28 pixels.

    Looked for in ``path``, a folder of IDX files, packed or not; without one, where Debian's
    package dataset-fashion-mnist puts it, then in torchvision's folder in ``~/.cache/archdsl``,
    into which it is downloaded. ``train`` takes only so many of the training images.
    """

    path: Text = ""
    validation: Share = 0.1
    seed: Index = 0
    train: Count | None = None

    name = "fashion_mnist"
    image = (1, 28, 28)
    classes = 10

    def describe(self, folder: Path) -> tuple[tuple[int, ...], int]:
        check_place(self.name, self.path, folder)
        return super().describe(folder)

    def load(self, folder: Path) -> Splits:
        from archdsl.training.data.sources import fashion_mnist

        return fashion_mnist(self, folder)


@dataclass(frozen=True)
class Cifar10(Data):
    """CIFAR-10: 60,000 images of 32x32 pixels, as torchvision keeps them: in ``path``, or in
    ``~/.cache/archdsl``."""

    path: Text = ""
    validation: Share = 0.1
    seed: Index = 0
    train: Count | None = None

    name = "cifar10"
    image = (3, 32, 32)
    classes = 10

    def describe(self, folder: Path) -> tuple[tuple[int, ...], int]:
        check_place(self.name, self.path, folder)
        return super().describe(folder)

    def load(self, folder: Path) -> Splits:
        from archdsl.training.data.sources import cifar

        return cifar(self, folder)


@dataclass(frozen=True)
class Cifar100(Data):
    """CIFAR-100: the same in 100 classes."""

    path: Text = ""
    validation: Share = 0.1
    seed: Index = 0
    train: Count | None = None

    name = "cifar100"
    image = (3, 32, 32)
    classes = 100

    def describe(self, folder: Path) -> tuple[tuple[int, ...], int]:
        check_place(self.name, self.path, folder)
        return super().describe(folder)

    def load(self, folder: Path) -> Splits:
        from archdsl.training.data.sources import cifar

        return cifar(self, folder)


@dataclass(frozen=True)
class SidesReader(PerAxis):
    """The pixels of a side, or a height and a width."""

    @property
    def expected(self) -> str:
        return "a positive whole number, or a height and a width such as 48x64"

    def read(self, value: Any) -> int | tuple[int, ...]:
        found = super().read(value)
        if isinstance(value, tuple) and len(value) != 2:
            raise Unreadable(self.expected)
        return found


Sides = Annotated[int | tuple[int, ...], SidesReader()]


@dataclass(frozen=True)
class BitsReader(Reader):
    @property
    def expected(self) -> str:
        return "8 or 16"

    def read(self, value: Any) -> int:
        if type(value) is not int or value not in (8, 16):
            raise Unreadable(self.expected)
        return value


Bits = Annotated[int, BitsReader()]


@dataclass(frozen=True)
class Pictures(Data):
    """Files of pictures: the middle of each is resized to ``size``, in so many ``channels`` of so
    many ``bits``."""

    path: Text
    size: Sides = 64
    validation: Share = 0.1
    test: Share = 0.1
    seed: Index = 0
    skip_unreadable: Flag = False
    channels: Count = 3
    bits: Bits = 8

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of an image."""
        height, width = (self.size, self.size) if isinstance(self.size, int) else self.size
        return self.channels, height, width

    @property
    def values(self) -> str:  # type: ignore[override]
        """The type of the images."""
        return f"uint{self.bits}"


@dataclass(frozen=True)
class ImageFolder(Pictures):
    """A folder with a folder of images for each class; or with the folders train, val and test,
    and those of the classes in each. The middle of each image is resized to ``size``, the pixels
    of a side, or height and width: ``48x64``; it has so many ``channels`` of 8 or 16 ``bits``."""

    name = "image_folder"
    synonyms = ("ImageFolder", "folder")

    def describe(self, folder: Path) -> tuple[tuple[int, ...], int]:
        from archdsl.training.data.folder_layout import layout

        return self.shape, len(layout(self, folder).classes)

    def load(self, folder: Path) -> Splits:
        from archdsl.training.data.folder import image_folder

        return image_folder(self, folder)


@dataclass(frozen=True)
class MaskFolder(Pictures):
    """Pictures in the folder ``images``, and in ``masks`` under the same names the class of each
    pixel, from 0, 255 for none; both in folders train, val and test, or the other way about.
    ``names`` are those of the classes. Size, channels and bits are as in `image_folder`."""

    images: Text = "images"
    masks: Text = "masks"
    names: MaybeTexts = ()

    name = "mask_folder"
    task = SEGMENTATION.name

    def describe(self, folder: Path) -> tuple[tuple[int, ...], int]:
        from archdsl.training.data.masks import pairs_of

        pairs_of(self, folder / self.path)
        return self.shape, len(self.names) or self.load(folder).classes

    def load(self, folder: Path) -> Splits:
        from archdsl.training.data.folder import mask_folder

        return mask_folder(self, folder)


@dataclass(frozen=True)
class Table(Pictures):
    """A table of files and labels: CSV, or Parquet (`pip install '.[data]'`). The column
    ``file`` has paths, from the folder ``root`` on, or else from that of the table; ``labels`` is a
    column, or several. A column ``split``, where there is one, says of each file whether it is of
    train, val or test. Several labels are columns of 0 and 1, or names in one column with a
    ``separator``; values are numbers; masks are files, as in `mask_folder`, and ``names`` those of
    their classes. Size, channels and bits are as in `image_folder`."""

    file: Text = "file"
    labels: Texts = ("label",)
    split: Text = "split"
    task: TaskName = CLASSIFICATION.name
    root: Text = ""
    separator: Text = ";"
    names: MaybeTexts = ()

    name = "table"

    def describe(self, folder: Path) -> tuple[tuple[int, ...], int]:
        from archdsl.training.data.file_table import rows_of

        names = rows_of(self, folder).names
        return self.shape, len(names) or self.load(folder).classes

    def load(self, folder: Path) -> Splits:
        from archdsl.training.data.folder import table

        return table(self, folder)


@dataclass(frozen=True)
class Arrays(Data):
    """An archive of NumPy (`.npz`) with the arrays `images` (uint8, uint16 or floats, N x channels
    x sizes: images, signals or volumes; or rows of numbers, N x channels) and `labels` (classes,
    several labels, values or masks, as the `task` has them); `test_images` and `test_labels`, if it
    has a test set of its own; and `names`, if the classes have names. Or an array of images
    (`.npy`), its `labels` in another."""

    path: Text
    validation: Share = 0.1
    test: Share = 0.1
    seed: Index = 0
    task: TaskName = CLASSIFICATION.name
    labels: Text = ""

    name = "arrays"

    def describe(self, folder: Path) -> tuple[tuple[int, ...], int]:
        from archdsl.training.data.archive import archive, faults_of
        from archdsl.training.data.describing import described

        with faults_of(self.name, folder / self.path):
            return described(self.name, archive(self, folder))

    def load(self, folder: Path) -> Splits:
        from archdsl.training.data.archive import archive, faults_of
        from archdsl.training.data.given import arrays

        with faults_of(self.name, folder / self.path):
            return arrays(self.name, archive(self, folder), folder)


@dataclass(frozen=True)
class TextFile(Data):
    """The characters of a text, in pieces of ``length``: for each character the one after it is
    what is to be said. ``path`` is a text in UTF-8; without one it is that of Python's help, in
    English, which comes with Python. ``characters`` takes no more than so many, from the beginning.
    The text that validates comes after that to train on, and that to test on is its end."""

    path: Text = ""
    length: Count = 64
    validation: Share = 0.1
    test: Share = 0.1
    characters: Count | None = None

    name = "text"
    task = NEXT_TOKEN.name
    values = TOKENS

    def describe(self, folder: Path) -> tuple[tuple[int, ...], int]:
        from archdsl.training.data.characters import characters_of

        return (self.length,), len(set(characters_of(self, folder)))

    def load(self, folder: Path) -> Splits:
        from archdsl.training.data.characters import text

        return text(self, folder)


@dataclass(frozen=True)
class PluginData(Data):
    """Data of an installed package: an entry point of the group ``archdsl.data``."""

    plugin: str
    given: tuple[tuple[str, Any], ...] = ()

    @property
    def name(self) -> str:  # type: ignore[override]
        """What the entry point is called."""
        return self.plugin

    @property
    def task(self) -> str:  # type: ignore[override]
        """What its labels are of. Raises ``ArchError`` where the package says nothing valid."""
        from archdsl.training.data.plugins import made, task_of

        return task_of(self.plugin, made(self))

    def describe(self, folder: Path) -> tuple[tuple[int, ...], int]:
        from archdsl.training.data.describing import described
        from archdsl.training.data.plugins import made

        return described(self.plugin, made(self), folder)

    def load(self, folder: Path) -> Splits:
        from archdsl.training.data.given import arrays
        from archdsl.training.data.plugins import made

        return arrays(self.plugin, made(self), folder)

    def written(self, full: bool = False) -> str:
        shown = ", ".join(f"{name} = {show(v)}" if name else show(v) for name, v in self.given)
        return f"{self.plugin}({shown})" if shown else self.plugin
