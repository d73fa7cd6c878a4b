"""What a .search file can set: data, recipes, pruners, samplers. Plain records, as layers are:
their fields are their arguments, with the same readers. Nothing here imports torch or optuna."""

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from archdsl.layers.arguments import (
    Chance,
    Count,
    Flag,
    Index,
    OneOf,
    Positive,
    Reader,
    Unreadable,
)


class Setting:
    """The base of records that a .search file names: ``sgd(momentum = 0.9)``."""

    name: ClassVar[str]


@dataclass(frozen=True)
class TextReader(Reader):
    @property
    def expected(self) -> str:
        return "a text in quotes"

    def read(self, value: Any) -> str:
        if not isinstance(value, str):
            raise Unreadable(self.expected)
        return value


@dataclass(frozen=True)
class NumbersReader(Reader):
    """A list of whole numbers."""

    @property
    def expected(self) -> str:
        return "a list of whole numbers such as [30, 60]"

    def read(self, value: Any) -> tuple[int, ...]:
        items = value if isinstance(value, (tuple, range)) else (value,)
        if not all(type(v) is int and v > 0 for v in items):
            raise Unreadable(self.expected)
        return tuple(items)


@dataclass(frozen=True)
class SettingReader(Reader):
    """One of a table of records, by its name or with arguments."""

    table: str = ""
    words: tuple[str, ...] = ()

    @property
    def expected(self) -> str:
        return "one of " + ", ".join(self.words)

    def read(self, value: Any) -> Any:
        if not isinstance(value, Setting) or value.name not in self.words:
            raise Unreadable(self.expected)
        return value


@dataclass(frozen=True)
class SettingsReader(SettingReader):
    """Several of a table of records, in a list."""

    @property
    def expected(self) -> str:
        return "a list of " + ", ".join(self.words)

    def read(self, value: Any) -> tuple[Any, ...]:
        items = value if isinstance(value, tuple) else (value,)
        if not all(isinstance(v, Setting) and v.name in self.words for v in items):
            raise Unreadable(self.expected)
        return items


Text = Annotated[str, TextReader()]
Numbers = Annotated[tuple[int, ...], NumbersReader()]
Share = Chance

# --------------------------------------------------------------------------- training


@dataclass(frozen=True)
class Sgd(Setting):
    """Stochastic gradient descent with momentum."""

    momentum: Chance = 0.9
    weight_decay: Positive = 5e-4
    nesterov: Flag = True

    name = "sgd"


@dataclass(frozen=True)
class AdamW(Setting):
    """Adam with decoupled weight decay (arXiv:1711.05101)."""

    beta1: Chance = 0.9
    beta2: Chance = 0.999
    weight_decay: Positive = 0.01

    name = "adamw"


@dataclass(frozen=True)
class Cosine(Setting):
    """Half a cosine from the learning rate to zero, step by step (arXiv:1608.03983)."""

    name = "cosine"


@dataclass(frozen=True)
class Steps(Setting):
    """The learning rate times ``factor`` behind each of the epochs ``at``."""

    at: Numbers
    factor: Positive = 0.1

    name = "step"


@dataclass(frozen=True)
class OneCycle(Setting):
    """Up for a share of the steps, then down (arXiv:1708.07120)."""

    rise: Chance = 0.3

    name = "one_cycle"


@dataclass(frozen=True)
class Constant(Setting):
    """The learning rate as it is."""

    name = "constant"


@dataclass(frozen=True)
class Crop(Setting):
    """A random crop of the image padded by ``pad`` pixels."""

    pad: Count = 4

    name = "crop"


@dataclass(frozen=True)
class Flip(Setting):
    """A horizontal mirror image, half of the time."""

    name = "flip"


@dataclass(frozen=True)
class Cutout(Setting):
    """A square of zeros at a random place (arXiv:1708.04552)."""

    size: Count = 8

    name = "cutout"


def _table(*kinds: type[Setting]) -> dict[str, type[Setting]]:
    return {kind.name: kind for kind in kinds}


OPTIMIZERS = _table(Sgd, AdamW)
SCHEDULES = _table(Cosine, Steps, OneCycle, Constant)
AUGMENTATIONS = _table(Crop, Flip, Cutout)


@dataclass(frozen=True)
class Recipe(Setting):
    """How a network is trained. ``auto`` leaves mixed precision and the memory format to the
    device: both are on for CUDA and off elsewhere."""

    epochs: Count = 15
    batch: Count = 128
    lr: Positive = 0.1
    optimizer: Annotated[Setting, SettingReader("optimizers", tuple(OPTIMIZERS))] = field(
        default=Sgd()
    )
    schedule: Annotated[Setting, SettingReader("schedules", tuple(SCHEDULES))] = field(
        default=Cosine()
    )
    warmup: Positive = 0.0
    label_smoothing: Chance = 0.0
    clip: Positive | None = None
    augment: Annotated[
        tuple[Setting, ...], SettingsReader("augmentations", tuple(AUGMENTATIONS))
    ] = ()
    amp: Annotated[str, OneOf(("auto", "on", "off"))] = "auto"
    channels_last: Annotated[str, OneOf(("auto", "on", "off"))] = "auto"
    compile: Flag = False

    name = "train"


TABLES = {"optimizers": OPTIMIZERS, "schedules": SCHEDULES, "augmentations": AUGMENTATIONS}

# ------------------------------------------------------------------------------- data


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

    Looked for in ``path`` (a folder of IDX files, packed or not), then where Debian's package
    dataset-fashion-mnist puts it, then in torchvision's folder ``~/.cache/archdsl``.
    ``train`` takes only so many of the training images.
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
    """CIFAR-10: 60,000 images of 32x32 pixels, through torchvision."""

    path: Text = ""
    validation: Share = 0.1
    seed: Index = 0
    train: Count | None = None

    name = "cifar10"
    image = (3, 32, 32)
    classes = 10


@dataclass(frozen=True)
class Cifar100(Data):
    """CIFAR-100, through torchvision."""

    path: Text = ""
    validation: Share = 0.1
    seed: Index = 0
    train: Count | None = None

    name = "cifar100"
    image = (3, 32, 32)
    classes = 100


@dataclass(frozen=True)
class ImageFolder(Data):
    """A folder with a folder of images for each class, resized to ``size`` pixels a side."""

    path: Text
    size: Count = 64
    validation: Share = 0.1
    test: Share = 0.1
    seed: Index = 0

    name = "image_folder"


DATA = _table(Digits, FashionMnist, Cifar10, Cifar100, ImageFolder)

# -------------------------------------------------------------------- Optuna, by name


@dataclass(frozen=True)
class NoPruning(Setting):
    """Every trial runs to its end."""

    name = "none"


@dataclass(frozen=True)
class Median(Setting):
    """Ends a trial that is below the median of the trials of its own shape."""

    warmup: Index = 5
    startup: Index = 3

    name = "median"


@dataclass(frozen=True)
class SuccessiveHalving(Setting):
    """Asynchronous successive halving (arXiv:1810.05934), within each shape."""

    warmup: Count = 5
    factor: Count = 3

    name = "successive_halving"


@dataclass(frozen=True)
class Hyperband(Setting):
    """Hyperband (arXiv:1603.06560), within each shape."""

    warmup: Count = 5
    factor: Count = 3

    name = "hyperband"


@dataclass(frozen=True)
class Tpe(Setting):
    """Tree-structured Parzen estimators, multivariate: Optuna's default."""

    startup: Index = 8

    name = "tpe"


@dataclass(frozen=True)
class RandomSampling(Setting):
    """Every value with its domain's probability."""

    name = "random"


@dataclass(frozen=True)
class Grid(Setting):
    """Every combination in turn: for finite domains."""

    name = "grid"


@dataclass(frozen=True)
class Gp(Setting):
    """Gaussian processes."""

    startup: Index = 8

    name = "gp"


@dataclass(frozen=True)
class CmaEs(Setting):
    """Covariance matrix adaptation: for numbers alone."""

    name = "cma_es"


@dataclass(frozen=True)
class Nsga2(Setting):
    """The evolutionary sampler for several objectives."""

    population: Count = 20

    name = "nsga2"


PRUNERS = _table(NoPruning, Median, SuccessiveHalving, Hyperband)
SAMPLERS = _table(Tpe, RandomSampling, Grid, Gp, CmaEs, Nsga2)
