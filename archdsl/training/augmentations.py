"""How images are changed while a network learns from them: each way is a class, entered by its
module, as a user's own are. torchvision's transforms do the work, and are loaded with the first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from archdsl.layers.arguments import Chance, Count, Number, OneOf, Positive, Unreadable, Whole
from archdsl.layers.base import Shape, show_shape
from archdsl.registered import Registered
from archdsl.training.packages import need
from archdsl.training.settings import Setting, SettingsReader
from archdsl.training.tasks import CLASSIFICATION, MULTILABEL, OF_IMAGES

LABELLED = (CLASSIFICATION.name, MULTILABEL.name)
MASKLESS = tuple(task.name for task in OF_IMAGES if not task.dense)
BYTES = "uint8"
BINS = 31  # of the magnitudes of RandAugment


@dataclass(frozen=True)
class MagnitudeReader(Whole):
    """One of the magnitudes of RandAugment."""

    low: int = 0

    @property
    def expected(self) -> str:
        return f"a whole number from 0 to {BINS - 1}"

    def read(self, value: Any) -> int:
        found = super().read(value)
        if found >= BINS:
            raise Unreadable(self.expected)
        return found


Magnitude = Annotated[int, MagnitudeReader()]
Hue = Annotated[float, Number(0, 0.5)]


class Augmentation(Setting, Registered):
    """A change of the images that are trained on, drawn anew for each of them.

    ``tasks`` are the names of those that it suits. ``colours`` says that it sees bytes of pictures
    in one or three channels, and not normalised floats; ``planar`` that it wants a height and a
    width; ``moves`` that a mask goes with its image.
    """

    group = "augmentations"
    noun = "augmentation"
    tasks: ClassVar[tuple[str, ...]] = tuple(task.name for task in OF_IMAGES)
    colours: ClassVar[bool] = False
    planar: ClassVar[bool] = True
    moves: ClassVar[bool] = False

    def transform(self, image: Shape) -> Any:
        """A transform of one image ``(C, H, W)``, as those of ``torchvision.transforms.v2`` are. It
        draws from PyTorch's own generator."""
        raise NotImplementedError(f"{type(self).__name__} has no method `transform`")

    def unfit(self, image: Shape, values: str = BYTES) -> str:
        """Why it does not suit images of a shape and a type; empty where it does."""
        if self.planar and len(image) != 3:
            given = show_shape(image) if len(image) > 1 else f"rows of {image[0]} numbers"
            return f"it takes images with a height and a width, and these are {given}"
        if self.colours and image[0] not in (1, 3):
            return f"it takes images of 1 or 3 channels, and these have {image[0]}"
        if self.colours and values != BYTES:
            return f"it takes images of 8 bits, and these are {values}"
        return ""


@dataclass(frozen=True)
class AugmentationsReader(SettingsReader):
    """Several augmentations, a user's own among them."""

    table: str = "augmentations"

    @property
    def expected(self) -> str:
        return "an augmentation, or a list of them"

    def read(self, value: Any) -> tuple[Augmentation, ...]:
        items = value if isinstance(value, tuple) else (value,)
        if not all(isinstance(v, Augmentation) for v in items):
            raise Unreadable(self.expected)
        return items


class WholeBatch(Augmentation):
    """One that ``archdsl.training.augment`` does for all images of a batch at once."""

    planar = False

    def unfit(self, image: Shape, values: str = BYTES) -> str:
        if len(image) < 2:
            return f"it takes images or signals, and these are rows of {image[0]} numbers"
        return super().unfit(image, values)


class Mixing(Augmentation):
    """One that mixes each image of a batch, and its label, with another. Where there are several, a
    batch takes one of them."""

    tasks = LABELLED

    def mix(self, classes: int | None) -> Any:
        """A transform of a batch and its labels; ``classes`` where these are numbers."""
        raise NotImplementedError


def vision() -> Any:
    """torchvision's transforms."""
    return need("torchvision.transforms.v2", "torchvision")


@dataclass(frozen=True)
class RandomCrop(WholeBatch):
    """A random crop of the image padded by ``pad`` pixels of the training set's mean."""

    pad: Count = 4

    name = "crop"


@dataclass(frozen=True)
class Flip(WholeBatch):
    """A horizontal mirror image, half of the time."""

    name = "flip"


@dataclass(frozen=True)
class Cutout(WholeBatch):
    """A square of the training set's mean, its centre anywhere (arXiv:1708.04552)."""

    size: Count = 8

    name = "cutout"


@dataclass(frozen=True)
class ResizedCrop(Augmentation):
    """A random part of the image, at least the share ``least`` of it, resized to its size
    (arXiv:1409.4842)."""

    least: Chance = 0.08

    name = "resized_crop"
    moves = True

    def transform(self, image: Shape) -> Any:
        return vision().RandomResizedCrop(image[1:], scale=(float(self.least), 1.0))


@dataclass(frozen=True)
class ColorJitter(Augmentation):
    """Other brightness, contrast and saturation, each by up to its share, and another hue, by up to
    half a turn (arXiv:1312.5402)."""

    brightness: Chance = 0.4
    contrast: Chance = 0.4
    saturation: Chance = 0.4
    hue: Hue = 0.0

    name = "color_jitter"
    colours = True

    def transform(self, image: Shape) -> Any:
        shares = (self.brightness, self.contrast, self.saturation, self.hue)
        return vision().ColorJitter(*map(float, shares))


@dataclass(frozen=True)
class RandAugment(Augmentation):
    """So many of 14 operations, each of the same ``magnitude`` from 0 to 30 (arXiv:1909.13719)."""

    operations: Count = 2
    magnitude: Magnitude = 9

    name = "rand_augment"
    tasks = MASKLESS
    colours = True

    def transform(self, image: Shape) -> Any:
        return vision().RandAugment(self.operations, self.magnitude, BINS)


@dataclass(frozen=True)
class AutoAugment(Augmentation):
    """A ``policy`` of pairs of operations that was learned on a data set (arXiv:1805.09501)."""

    policy: Annotated[str, OneOf(("imagenet", "cifar10", "svhn"))] = "imagenet"

    name = "auto_augment"
    tasks = MASKLESS
    colours = True

    def transform(self, image: Shape) -> Any:
        return vision().AutoAugment(vision().AutoAugmentPolicy(self.policy))


@dataclass(frozen=True)
class TrivialAugment(Augmentation):
    """One operation, of a random magnitude (arXiv:2103.10158)."""

    name = "trivial_augment"
    tasks = MASKLESS
    colours = True

    def transform(self, image: Shape) -> Any:
        return vision().TrivialAugmentWide()


@dataclass(frozen=True)
class Erasing(Augmentation):
    """With a ``probability``, a rectangle of the training set's mean (arXiv:1708.04896)."""

    probability: Chance = 0.25

    name = "erasing"

    def transform(self, image: Shape) -> Any:
        return vision().RandomErasing(float(self.probability))


@dataclass(frozen=True)
class MixUp(Mixing):
    """Each image and its label mixed with another's, by a share that is drawn for the batch from a
    beta distribution of ``alpha`` (arXiv:1710.09412)."""

    alpha: Positive = 0.2

    name = "mixup"

    def mix(self, classes: int | None) -> Any:
        return vision().MixUp(alpha=float(self.alpha), num_classes=classes)


@dataclass(frozen=True)
class CutMix(Mixing):
    """A rectangle of each image from another, and the labels mixed by its area, which is drawn for
    the batch (arXiv:1905.04899)."""

    alpha: Positive = 1.0

    name = "cutmix"

    def mix(self, classes: int | None) -> Any:
        return vision().CutMix(alpha=float(self.alpha), num_classes=classes)
