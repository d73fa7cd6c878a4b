"""Sets of images, as a text names them; what loads them is in ``archdsl.training.data``."""

from dataclasses import dataclass
from typing import Any, ClassVar

from archdsl.elaborate.values import show
from archdsl.layers.arguments import Count, Flag, Index
from archdsl.training.settings import Setting, Share, Text, table_of

DATA_GROUP = "archdsl.data"


class Data(Setting):
    """A set of images with classes; ``image`` and ``classes`` are known where the set is fixed."""

    image: ClassVar[tuple[int, ...] | None] = None
    classes: ClassVar[int | None] = None


@dataclass(frozen=True)
class Digits(Data):
    """1,797 handwritten digits of 8x8 pixels, which come with scikit-learn."""

    validation: Share = 0.2
    test: Share = 0.2
    seed: Index = 0

    name = "digits"
    image = (1, 8, 8)
    classes = 10


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


@dataclass(frozen=True)
class ImageFolder(Data):
    """A folder with a folder of images for each class; or with the folders train, val and test,
    and those of the classes in each. The middle square of each image is resized to ``size``
    pixels a side."""

    path: Text
    size: Count = 64
    validation: Share = 0.1
    test: Share = 0.1
    seed: Index = 0
    skip_unreadable: Flag = False

    name = "image_folder"


@dataclass(frozen=True)
class PluginData(Data):
    """Data of an installed package: an entry point of the group ``archdsl.data``."""

    plugin: str
    given: tuple[tuple[str, Any], ...] = ()

    name = "plugin"

    def written(self, full: bool = False) -> str:
        shown = ", ".join(f"{name} = {show(v)}" if name else show(v) for name, v in self.given)
        return f"{self.plugin}({shown})" if shown else self.plugin


DATA = table_of(Digits, FashionMnist, Cifar10, Cifar100, ImageFolder)
