"""How a network is trained, as a text says it."""

from dataclasses import dataclass, field
from typing import Annotated

from archdsl.layers.arguments import Chance, Count, Flag, NotNegative, OneOf, Positive
from archdsl.training.augmentations import Augmentation, AugmentationsReader
from archdsl.training.named import NamedReader, NamedRecipe
from archdsl.training.scores import Metric, MetricsReader
from archdsl.training.settings import (
    Numbers,
    Setting,
    SettingReader,
    Text,
    Texts,
    table_of,
)

# Which parameters decay: all of them, as in most papers, or weights alone, neither biases nor the
# scales and shifts of normalisation.
Decay = Annotated[str, OneOf(("all", "weights"))]


@dataclass(frozen=True)
class Sgd(Setting):
    """Stochastic gradient descent with momentum."""

    momentum: Chance = 0.9
    weight_decay: NotNegative = 5e-4
    nesterov: Flag = True
    decay: Decay = "all"

    name = "sgd"


@dataclass(frozen=True)
class AdamW(Setting):
    """Adam with decoupled weight decay (arXiv:1711.05101)."""

    beta1: Chance = 0.9
    beta2: Chance = 0.999
    weight_decay: NotNegative = 0.01
    decay: Decay = "all"

    name = "adamw"


@dataclass(frozen=True)
class Adam(Setting):
    """Adam, its weight decay part of the gradient (arXiv:1412.6980)."""

    beta1: Chance = 0.9
    beta2: Chance = 0.999
    weight_decay: NotNegative = 0.0
    decay: Decay = "all"

    name = "adam"


@dataclass(frozen=True)
class RmsProp(Setting):
    """The gradient by the root of its mean square, with momentum (Hinton, 2012, lecture 6)."""

    alpha: Chance = 0.99
    momentum: Chance = 0.0
    weight_decay: NotNegative = 0.0
    decay: Decay = "all"

    name = "rmsprop"


@dataclass(frozen=True)
class Cosine(Setting):
    """Half a cosine from the learning rate to zero, step by step (arXiv:1608.03983)."""

    name = "cosine"


@dataclass(frozen=True)
class Steps(Setting):
    """The learning rate times ``factor`` after each of the epochs ``at``."""

    at: Numbers
    factor: NotNegative = 0.1

    name = "step"


@dataclass(frozen=True)
class OneCycle(Setting):
    """Up for a share of the steps, then down (arXiv:1708.07120); the momentum stays."""

    rise: Chance = 0.3

    name = "one_cycle"


@dataclass(frozen=True)
class Constant(Setting):
    """The learning rate as it is."""

    name = "constant"


@dataclass(frozen=True)
class CrossEntropy(Setting):
    """The negative logarithm of the probability of the true class."""

    name = "cross_entropy"


@dataclass(frozen=True)
class Focal(Setting):
    """Cross-entropy in which an image counts less the surer its class is (arXiv:1708.02002)."""

    gamma: NotNegative = 2.0

    name = "focal"


@dataclass(frozen=True)
class BinaryCrossEntropy(Setting):
    """The negative logarithm of the probability of each label, or of its absence; their mean."""

    name = "binary_cross_entropy"


@dataclass(frozen=True)
class SquaredError(Setting):
    """The mean squared distance from the true values."""

    name = "squared_error"


@dataclass(frozen=True)
class AbsoluteError(Setting):
    """The mean distance from the true values."""

    name = "absolute_error"


@dataclass(frozen=True)
class Huber(Setting):
    """Half the squared distance up to ``delta``, and linear from there on (Huber, 1964)."""

    delta: Positive = 1.0

    name = "huber"


OPTIMIZERS = table_of(Sgd, AdamW, Adam, RmsProp)
SCHEDULES = table_of(Cosine, Steps, OneCycle, Constant)
LOSSES = table_of(CrossEntropy, Focal, BinaryCrossEntropy, SquaredError, AbsoluteError, Huber)


@dataclass(frozen=True)
class Recipe(Setting):
    """How a network is trained. ``recipe`` is a published one, whose settings are those that
    are not given. ``warmup`` are the epochs in which the learning rate rises to ``lr``;
    ``clip`` bounds the norm of the gradient. ``auto`` is what is fast: mixed precision on CUDA,
    and ``channels_last`` there and on the processor. ``weights`` is a file to start from,
    ``freeze`` the paths of parts that are not trained. Without a ``loss``, it is that of the
    data's task. With ``class_weights`` or ``sampling`` balanced, classes of few images count as
    much as the others. ``metrics`` are told after each epoch. A batch goes through the network
    in ``accumulate`` pieces; ``ema`` is the decay of a moving average of the weights, which is
    validated and kept in their place; after ``patience`` epochs without a smaller validation
    loss a training ends, and the weights of the best epoch are kept."""

    epochs: Count = 15
    batch: Count = 128
    lr: Positive = 0.1
    optimizer: Annotated[Setting, SettingReader("optimizers", tuple(OPTIMIZERS))] = field(
        default=Sgd()
    )
    schedule: Annotated[Setting, SettingReader("schedules", tuple(SCHEDULES))] = field(
        default=Cosine()
    )
    warmup: NotNegative = 0.0
    label_smoothing: Chance = 0.0
    clip: Positive | None = None
    augment: Annotated[tuple[Augmentation, ...], AugmentationsReader()] = ()
    amp: Annotated[str, OneOf(("auto", "on", "off"))] = "auto"
    channels_last: Annotated[str, OneOf(("auto", "on", "off"))] = "auto"
    compile: Flag = False
    weights: Text | None = None
    freeze: Texts | None = None
    loss: Annotated[Setting | None, SettingReader("loss functions", tuple(LOSSES))] = None
    class_weights: Annotated[str, OneOf(("equal", "balanced"))] = "equal"
    sampling: Annotated[str, OneOf(("shuffled", "balanced"))] = "shuffled"

    metrics: Annotated[tuple[Metric, ...], MetricsReader()] = ()
    accumulate: Count = 1
    ema: Chance | None = None
    patience: Count | None = None
    recipe: Annotated[NamedRecipe | None, NamedReader()] = None

    name = "train"

    def __post_init__(self) -> None:
        if self.recipe is not None and not self.arguments():
            raise ValueError(f"read_recipe({self.recipe.name!r}) gives the recipe of this name")

    @property
    def said(self) -> str:
        """The settings that differ from their defaults, as a text would say them."""
        return ", ".join(f"{name} = {value}" for name, value in self.arguments().items())

    def arguments(self, full: bool = False) -> dict[str, str]:
        """The settings. The name of a recipe is none of them: all that it sets is."""
        return {k: v for k, v in super().arguments(full).items() if k != "recipe"}


TABLES = {
    "optimizers": OPTIMIZERS,
    "schedules": SCHEDULES,
    "loss functions": LOSSES,
}
