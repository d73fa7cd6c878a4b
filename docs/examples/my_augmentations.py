"""An augmentation of one's own: docs/extending.md goes through it."""

from dataclasses import dataclass
from typing import Any

from archdsl.layers.arguments import Positive
from archdsl.layers.base import Shape
from archdsl.training.augmentations import Augmentation


@dataclass(frozen=True)
class Blur(Augmentation):
    """A blurred image, by up to `most` pixels."""

    most: Positive = 1.0

    name = "blur"

    def transform(self, image: Shape) -> Any:
        from torchvision.transforms import v2

        return v2.GaussianBlur(5, (0.1, float(self.most)))
