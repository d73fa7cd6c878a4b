"""Recipes by name: each is a class, entered by its module, as a user's own are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from archdsl.layers.arguments import Unreadable
from archdsl.registered import Registered
from archdsl.training.settings import Setting, SettingReader


class NamedRecipe(Setting, Registered):
    """The settings of a publication, as a text. Its documentation says where they are from, and in
    what they differ."""

    group = "recipes"
    noun = "recipe"
    settings: ClassVar[str]

    @classmethod
    def check(cls) -> None:
        super().check()
        if not isinstance(getattr(cls, "settings", None), str):
            raise TypeError(f"the recipe `{cls.name}` has no `settings`, a text")


@dataclass(frozen=True)
class NamedReader(SettingReader):
    """A recipe, a user's own among them, by its name."""

    table: str = "recipes"

    @property
    def expected(self) -> str:
        return "the name of a recipe"

    def read(self, value: Any) -> NamedRecipe:
        if not isinstance(value, NamedRecipe):
            raise Unreadable(self.expected)
        return value


@dataclass(frozen=True)
class Cifar(NamedRecipe):
    """Residual networks on CIFAR-10, section 4.2 of arXiv:1512.03385: 64,000 steps, there without
    Nesterov's momentum."""

    name = "cifar"
    settings = """epochs = 164, batch = 128, lr = 0.1,
        optimizer = sgd(momentum = 0.9, weight_decay = 1e-4, nesterov = false),
        schedule = step(at = [82, 123], factor = 0.1), augment = [crop(pad = 4), flip]"""


@dataclass(frozen=True)
class WideCifar(NamedRecipe):
    """Wide residual networks on CIFAR, section 3 of arXiv:1605.07146."""

    name = "cifar_wide"
    settings = """epochs = 200, batch = 128, lr = 0.1,
        optimizer = sgd(momentum = 0.9, weight_decay = 5e-4, nesterov = true),
        schedule = step(at = [60, 120, 160], factor = 0.2), augment = [crop(pad = 4), flip]"""


@dataclass(frozen=True)
class StrongCifar(NamedRecipe):
    """Wide residual networks on CIFAR with TrivialAugment and Cutout of 16 pixels, section 4 of
    arXiv:2103.10158."""

    name = "cifar_strong"
    settings = """epochs = 200, batch = 128, lr = 0.1,
        optimizer = sgd(momentum = 0.9, weight_decay = 5e-4, nesterov = true),
        schedule = cosine,
        augment = [crop(pad = 4), flip, trivial_augment, cutout(size = 16)]"""


@dataclass(frozen=True)
class ImageNet(NamedRecipe):
    """The first recipe of torchvision's reference for ResNet (references/classification): 90 epochs
    of 8 batches of 32 in parallel."""

    name = "imagenet"
    settings = """epochs = 90, batch = 256, lr = 0.1,
        optimizer = sgd(momentum = 0.9, weight_decay = 1e-4, nesterov = false),
        schedule = step(at = [30, 60], factor = 0.1), augment = [resized_crop, flip]"""


@dataclass(frozen=True)
class StrongImageNet(NamedRecipe):
    """torchvision's later recipe for ResNet-50 ("How to Train State-Of-The-Art Models Using
    TorchVision's Latest Primitives", 2021): without its repeated augmentation, its average taken
    every 32 steps is taken at each, and it trains at the size of the data."""

    name = "imagenet_strong"
    settings = """epochs = 600, batch = 1024, lr = 0.5, warmup = 5, label_smoothing = 0.1,
        optimizer = sgd(momentum = 0.9, weight_decay = 2e-5, nesterov = false, decay = weights),
        schedule = cosine, ema = 0.99998,
        augment = [resized_crop, flip, trivial_augment, erasing(probability = 0.1),
                   mixup(alpha = 0.2), cutmix(alpha = 1)]"""
