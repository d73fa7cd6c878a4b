"""Models with several results, as they are called in evaluation and in training."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import archdsl


class TwoHeads(nn.Module):
    """The main result is computed before the other, which begins at the same tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3)
        self.heads = nn.ModuleList([nn.Conv2d(8, 4, 1), nn.Conv2d(8, 5, 1)])

    def forward(self, x: Tensor) -> list[Tensor]:
        y = self.stem(x)
        return [head(y) for head in self.heads]


class Alike(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.eye = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return self.eye(x), self.eye(y)


class Scales(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.conv(x), self.conv(F.max_pool2d(x, 2))


@pytest.mark.parametrize(
    ("model", "given", "channels"),
    [
        (TwoHeads, {"": (3, 8, 8)}, (4, 5)),
        (Alike, {"x": (3, 8, 8), "y": (3, 8, 8)}, (8, 8)),
        (Scales, {"": (3, 8, 8)}, (4, 4)),
    ],
)
def test_results_that_begin_at_one_tensor(
    model: type, given: dict[str, tuple[int, ...]], channels: tuple[int, int]
) -> None:
    imported = archdsl.import_module(model(), given.get("", given))
    network = imported.architecture.build()
    network.load_state_dict(imported.weights)
    found = network(*(torch.zeros(1, *shape) for shape in given.values()))
    assert {name: t.shape[1] for name, t in found.items()} == dict(
        zip(("main", "output1"), channels, strict=True)
    )
