"""A data set of one's own: docs/extending.md goes through it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from archdsl.layers.arguments import Count, Index
from archdsl.training.sets import Data


@dataclass(frozen=True)
class Stripes(Data):
    """Grey noise with bright lines: the class says whether they go across or down."""

    count: Count = 400
    seed: Index = 0

    name = "stripes"
    image = (1, 12, 12)
    classes = 2

    def read(self, folder: Path) -> tuple[np.ndarray, np.ndarray]:
        random = np.random.default_rng(self.seed)
        pixels = random.integers(0, 100, (self.count, *self.image), np.uint8)
        labels = np.arange(self.count) % self.classes
        pixels[labels == 0, :, ::3] += 120
        pixels[labels == 1, :, :, ::3] += 120
        return pixels, labels
