"""Small networks, and small sets of images that they can learn."""

import torch

import archdsl
from archdsl import Architecture
from archdsl.training.data.splits import Images, Splits

CLASSES = 4

PLAIN = """arch plain(width = 6, classes = 4)
input 1x8x8
conv(width, 3, stride = 2) -> relu -> linear(classes)
"""
NORMED = """arch normed(width = 6, classes = 4)
input 1x8x8
conv(width, 3) -> bn -> relu -> maxpool(2) -> conv(width, 3) -> bn -> relu
global_avgpool -> dropout(0.2) -> linear(classes)
"""
SIDE = """arch side(classes = 4)
input 1x8x8
conv(6, 3, stride = 2) -> relu
output early(weight = 0.3) { linear(classes) }
conv(6, 3) -> relu -> linear(classes)
"""


def network(text: str = PLAIN, **knobs: object) -> Architecture:
    return archdsl.parse(text).with_knobs(**knobs)


def images(count: int, seed: int, size: int = 8) -> Images:
    """Noise with one bright quarter: which of the four it is, is the class."""
    random = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % CLASSES
    pixels = torch.randint(0, 120, (count, 1, size, size), generator=random, dtype=torch.uint8)
    half = size // 2
    for image, label in zip(pixels, labels.tolist(), strict=True):
        top, left = divmod(label, 2)
        image[0, top * half : (top + 1) * half, left * half : (left + 1) * half] += 90
    return Images(pixels, labels)


def splits(train: int = 64, validation: int = 32, test: int = 32) -> Splits:
    return Splits(images(train, 1), images(validation, 2), lambda: images(test, 3), CLASSES)
