"""Models that put the channels of a convolution together in another order."""

import pytest
import torch
from torch import Tensor, nn

import archdsl


class Dealt(nn.Module):
    """Parts of a convolution's channels, in another order: inside, as the result, or at one of two
    uses of its weights."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way
        self.first, self.last = nn.Conv2d(4, 8, 3, padding=1), nn.Conv2d(8, 4, 1)

    def dealt(self, x: Tensor) -> Tensor:
        a, b, c, d = x.chunk(4, 1)
        return torch.cat([c, a, d, b], 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x)
        if self.way == "twice":
            return self.last(self.dealt(y) * self.first(x.relu()))
        return self.last(self.dealt(y)) if self.way == "inside" else self.dealt(self.last(y))


PARTS = "branch concat { split(4, 3); split(4, 1); split(4, 4); split(4, 2) }"
RUN = pytest.mark.parametrize("run", [True, False])


@RUN
def test_filters_take_the_order(run: bool) -> None:
    model = Dealt("inside")
    made = archdsl.import_module(model, (4, 6, 6), run=run)
    assert made.text.endswith("conv(8, 3) -> conv(4, 1)\n"), made.text
    (ours,) = (key for key, theirs in made.names.items() if theirs == "first.weight")
    assert torch.equal(made.weights[ours], model.first.weight[[4, 5, 0, 1, 6, 7, 2, 3]])


@RUN
@pytest.mark.parametrize(
    ("way", "last"),
    [
        ("result", f"conv(8, 3) -> conv(4, 1)\n{PARTS}\n"),
        ("twice", f"  first -> {PARTS}\n  relu -> first\n}}\nconv(4, 1)\n"),
    ],
)
def test_layers_keep_the_order(way: str, last: str, run: bool) -> None:
    """Where the result has it, or the weights are also used without it."""
    model = Dealt(way)
    made = archdsl.import_module(model, (4, 6, 6), run=run)
    assert made.text.endswith(last), made.text
    for ours, theirs in made.names.items():
        assert torch.equal(made.weights[ours], model.state_dict()[theirs])
