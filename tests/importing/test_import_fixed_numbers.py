"""Numbers that a model has as buffers: one is a number of the spec, several are told a way out."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

import archdsl

Scaled = Callable[["Normalised", torch.Tensor], torch.Tensor]


class Normalised(nn.Module):
    """A network that takes away a mean, and divides by a deviation, as many do at their start."""

    def __init__(self, mean: list[float], std: list[float], scaled: Scaled | None = None) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(-1, 1, 1))
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.head = nn.Linear(8, 5)
        self.scaled = scaled or (lambda net, x: (x - net.mean) / net.std)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(self.scaled(self, x)).relu()
        out: torch.Tensor = self.head(x.mean((2, 3)))
        return out


FORMS: dict[str, Scaled] = {
    "as it is": lambda net, x: (x - net.mean) / net.std,
    "in bytes": lambda net, x: (x / 255 - net.mean) / net.std,
    "moved": lambda net, x: (x - net.mean.to(x.device)) / net.std.type_as(x)[None],
    "viewed": lambda net, x: x.sub(net.mean.view(3, 1, 1)).div(net.std.view(1, -1, 1, 1)),
}


@pytest.mark.parametrize("case", FORMS)
def test_one_number_for_all_channels(case: str) -> None:
    """0.485 and 0.2 have no exact form in single precision: they are what was written."""
    model = Normalised([0.485] * 3, [0.2] * 3, FORMS[case])
    found = archdsl.import_module(model, (3, 8, 8))
    before = "times(0.00392156862745) -> " if case == "in bytes" else ""
    assert f"{before}plus(-0.485) -> times(5)" in found.text
    assert "\nconv(8, 3) -> relu" in found.text or "-> conv(8, 3)" in found.text
    assert found.checked[-1].startswith("results and gradients")
    assert float(model.mean.flatten()[0]) == float(torch.tensor(0.485))  # as it was


@pytest.mark.parametrize("case", FORMS)
def test_a_number_for_each_channel_is_for_before_the_model(case: str) -> None:
    model = Normalised([0.485, 0.456, 0.406], [0.229, 0.224, 0.225], FORMS[case])
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.import_module(model, (3, 8, 8), run=False)
    told = [d.message for d in caught.value.diagnostics]
    way = "with fixed numbers: normalise what comes in before it is given to the model"
    assert [text.split(", as")[0] for text in told] == [
        f"no layer computes `sub` {way}",
        f"no layer computes `div` {way}",
    ]
    assert all(d.span is not None for d in caught.value.diagnostics)


def test_fixed_numbers_within_a_network_may_be_frozen_parameters() -> None:
    def body(net: Normalised, x: torch.Tensor) -> torch.Tensor:
        return x.sigmoid() * net.std

    model = Normalised([0.5] * 3, [0.1, 0.2, 0.3], body)
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.import_module(model, (3, 8, 8))
    (found,) = caught.value.diagnostics
    assert found.message.startswith("no layer computes `mul` with fixed numbers: keep them as an")
    std = model.std
    del model.std
    model.std = nn.Parameter(std)
    assert "sigmoid -> scale" in archdsl.import_module(model, (3, 8, 8)).text


def test_fixed_numbers_of_places_are_no_mean() -> None:
    def body(net: Normalised, x: torch.Tensor) -> torch.Tensor:
        return x + net.mean

    model = Normalised([0.5] * 3, [0.5] * 3, body)
    model.mean = torch.rand(8, 8)
    with pytest.raises(archdsl.ArchError, match="`add` with fixed numbers: keep them as an"):
        archdsl.import_module(model, (3, 8, 8))


def test_a_part_of_fixed_numbers() -> None:
    """As a table of sines and cosines has, of as many tokens as come in."""

    class Words(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.head = nn.Embedding(50, 8), nn.Linear(8, 5)
            self.register_buffer("waves", torch.rand(1, 20, 8))

        def forward(self, words: torch.Tensor) -> torch.Tensor:
            x = self.embed(words) + self.waves[:, : words.shape[1]]
            out: torch.Tensor = self.head(x.mean(1))
            return out

    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.import_module(Words(), {"words": torch.zeros(2, 7, dtype=torch.long)})
    (found,) = caught.value.diagnostics
    assert found.message == (
        "no layer computes `add` with fixed numbers: keep them as an `nn.Parameter`, which can be"
        " frozen where you train"
    )
