"""The winners of the ImageNet challenge (ILSVRC): error and depth by year."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from archdsl.pictures.charts import heading, key
from archdsl.pictures.fonts import fit
from archdsl.pictures.scene import Box, Scene, Shape, Wire, Words

WIDTH, HEIGHT = 860.0, 560.0
LEFT, RIGHT = 64.0, 24.0
ERROR_TOP, ERROR_BOTTOM = 96.0, 340.0
DEPTH_TOP, DEPTH_BOTTOM = 372.0, 462.0


@dataclass(frozen=True, slots=True)
class Winner:
    """An entry of the classification task: its top-5 error on the test set, as a share of 1, and
    the weighted layers of the network that it rests on, as its paper counts them."""

    year: int
    name: str
    error: float
    source: str
    depth: int | None = None
    place: int = 1


WINNERS = (
    Winner(2010, "NEC-UIUC", 0.282, "challenge of 2010"),
    Winner(2011, "XRCE", 0.258, "challenge of 2011"),
    Winner(2012, "SuperVision (AlexNet)", 0.164, "arXiv:1409.4842, table 2", 8),
    Winner(2013, "Clarifai (ZFNet)", 0.117, "arXiv:1409.4842, table 2", 8),
    Winner(2014, "VGG", 0.0732, "arXiv:1409.4842, table 2", 19, 2),
    Winner(2014, "GoogLeNet", 0.0667, "arXiv:1409.4842, table 2", 22),
    Winner(2015, "ResNet", 0.0357, "arXiv:1512.03385", 152),
    Winner(2016, "Trimps-Soushen", 0.0299, "challenge of 2016"),
    Winner(2017, "SENet", 0.0225, "arXiv:1709.01507", 154),
)
HUMAN = 0.051  # of one trained person: Russakovsky et al. 2015, arXiv:1409.0575


def winners() -> Scene:
    """The chart."""
    title = "ImageNet challenge: error and depth by year"
    below = "Top-5 error on the test set, mostly of ensembles, and the depth of the network."
    step = (WIDTH - LEFT - RIGHT) / len(WINNERS)
    shapes: list[Shape] = [
        *heading(title, below, 20),
        *key(
            (("curve2", "hand-made features", False), ("curve1", "convolutional network", False)),
            LEFT,
            70,
        ),
        *_level(HUMAN, "one person 5.1 %"),
    ]
    deepest = max(w.depth for w in WINNERS if w.depth is not None)
    for n, winner in enumerate(WINNERS):
        middle = LEFT + step * (n + 0.5)
        shapes += _entry(winner, middle, step)
        if winner.depth is not None:
            shapes += _depth(winner.depth, deepest, middle, step)
        else:
            mark = "shallow" if winner.year < 2012 else "several networks"
            shapes.append(Words(middle, DEPTH_BOTTOM - 8, mark, 9.5, "middle", colour="faint"))
    for y, name in ((ERROR_BOTTOM, "error"), (DEPTH_BOTTOM, "layers")):
        shapes.append(Wire(((LEFT, y), (WIDTH - RIGHT, y)), "edge", stroke=1))
        top = ERROR_TOP if y == ERROR_BOTTOM else DEPTH_TOP
        shapes.append(Words(LEFT - 18, (top + y) / 2, name, 11, "middle", upright=True))
    return Scene(WIDTH, HEIGHT, title, tuple(shapes))


def _height(error: float) -> float:
    return (ERROR_BOTTOM - ERROR_TOP) * error / 0.3


def _level(error: float, text: str) -> Iterator[Shape]:
    y = ERROR_BOTTOM - _height(error)
    yield Wire(((LEFT, y), (WIDTH - RIGHT, y)), "faint", dashed=True, stroke=1)
    yield Words(WIDTH - RIGHT, y - 8, text, 9.5, "end", colour="faint")


def _entry(winner: Winner, middle: float, step: float) -> Iterator[Shape]:
    wide, tall = step * 0.56, _height(winner.error)
    colour = "curve2" if winner.year < 2012 else "curve1"
    note = f"{winner.name}, {winner.year}\n{100 * winner.error:.3g} % top-5 error\n{winner.source}"
    yield Box(middle - wide / 2, ERROR_BOTTOM - tall, wide, tall, colour, "", 0, note=note)
    shown = f"{100 * winner.error:.3g} %"
    top = ERROR_BOTTOM - tall - 9
    if winner.error < HUMAN:  # over the line of a person
        yield Box(middle - wide / 2, top - 7, wide, 14, "paper", "", 0)
    yield Words(middle, top, shown, 11, "middle", True)
    place = f"{winner.year}" if winner.place == 1 else f"{winner.year}, 2nd"
    yield Words(middle, DEPTH_BOTTOM + 16, place, 10.5, "middle", True)
    for i, word in enumerate(winner.name.split(" (")):
        text = fit(word if not i else f"({word}", 9.5, step - 2)
        yield Words(middle, DEPTH_BOTTOM + 32 + 13 * i, text, 9.5, "middle", colour="faint")


def _depth(depth: int, deepest: int, middle: float, step: float) -> Iterator[Shape]:
    wide, tall = step * 0.56, (DEPTH_BOTTOM - DEPTH_TOP - 14) * depth / deepest
    note = f"{depth} weighted layers"
    yield Box(middle - wide / 2, DEPTH_BOTTOM - tall, wide, tall, "curve3", "", 0, note=note)
    yield Words(middle, DEPTH_BOTTOM - tall - 8, str(depth), 11, "middle", True)
