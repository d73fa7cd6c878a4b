"""Modules of which a part is applied elsewhere, too."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import archdsl


class Net(nn.Module):
    def __init__(self, way: Callable[["Net", Tensor], Tensor]) -> None:
        super().__init__()
        one, other = (nn.Conv2d(8, 8, 3, padding=1) for _ in range(2))
        self.stem = nn.Conv2d(3, 8, 1)
        self.pair = nn.Sequential(one, nn.ReLU())
        self.deep = nn.Sequential(nn.Sequential(one, nn.ReLU()), nn.Tanh())
        self.long = nn.Sequential(one, nn.BatchNorm2d(8), other)
        self.back = nn.Sequential(nn.Conv2d(8, 8, 1), one)
        self.way = way

    def forward(self, x: Tensor) -> Tensor:
        return self.way(self, self.stem(x))


@pytest.mark.parametrize(
    ("unused", "way", "text"),
    [
        (
            ("pair", "deep", "back"),
            lambda m, x: m.long(torch.relu(m.long[0](m.long(x)))),
            "= shared { conv(8, 3) }\n\nlet long = shared { long_0 -> bn; conv(8, 3) }\n",
        ),
        (
            ("long", "deep", "back"),
            lambda m, x: m.pair(m.pair(m.pair[0](x))),
            "let pair = shared { pair_0 -> relu }\n\nconv(8, 1) -> pair_0\nrepeat 2 { pair }",
        ),
        (
            ("long", "pair", "back"),
            lambda m, x: m.deep(m.deep(m.deep[0](x))),
            "let deep = shared { deep_0 -> tanh }\n",
        ),
        (
            ("pair", "deep"),
            lambda m, x: m.back(m.long(m.long(x))),
            "\nrepeat 2 { long }\nconv(8, 1) -> long_0\n",
        ),
    ],
)
def test_what_is_shared_within_what_is_shared(
    unused: tuple[str, ...], way: Callable[[Net, Tensor], Tensor], text: str
) -> None:
    model = Net(way)
    for name in unused:
        delattr(model, name)
    imported = archdsl.import_module(model, (3, 8, 8))
    assert text in imported.text
    network = imported.architecture.build().eval()
    network.load_state_dict(imported.weights)
    x = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(network(x), model.eval()(x))
