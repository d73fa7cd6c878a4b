"""A data set of PyTorch, for archdsl: docs/training.md goes through it."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch.utils.data import Dataset

from archdsl.layers.arguments import Count
from archdsl.training.sets import Data


class Waves(Dataset[tuple[torch.Tensor, int]]):
    """Signals of one channel: the class is their frequency."""

    classes = ["low", "middle", "high"]

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, place: int) -> tuple[torch.Tensor, int]:
        label = place % 3
        noise = torch.randn(1, 32, generator=torch.Generator().manual_seed(place))
        return torch.sin(torch.arange(32) * (0.2 + 0.3 * label)) + 0.3 * noise, label


@dataclass(frozen=True)
class MyWaves(Data):
    """What `data waves` reads."""

    count: Count = 200

    name = "waves"

    def read(self, folder: Path) -> dict[str, Waves]:
        return {"train": Waves(self.count), "test": Waves(60)}
