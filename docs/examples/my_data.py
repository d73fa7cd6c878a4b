"""A set of images of one's own: docs/training.md goes through it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass
class Spots:
    """Grey noise with a bright spot in one of its four corners: the class says in which."""

    count: int = 400
    seed: int = 0

    image = (1, 12, 12)  # channels, height, width
    classes = 4

    def read(self, folder: Path) -> tuple[np.ndarray, np.ndarray]:
        random = np.random.default_rng(self.seed)
        pixels = random.integers(0, 100, (self.count, *self.image), np.uint8)
        labels = np.arange(self.count) % self.classes
        for image, label in zip(pixels, labels, strict=True):
            top, left = divmod(int(label), 2)
            image[0, 8 * top : 8 * top + 4, 8 * left : 8 * left + 4] += 120
        return pixels, labels
