"""Weights that something computes each time a module runs: what does, and the call that ends it."""

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune

import archdsl


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.head = nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.head(self.conv(x).relu().mean((2, 3)))
        return out


class Symmetric(nn.Module):
    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight.triu() + weight.triu(1).mT


def symmetric(conv: nn.Module) -> None:
    parametrize.register_parametrization(conv, "weight", Symmetric())


PARAMETRIZED = 'parametrize.remove_parametrizations(module, "weight")'
KINDS: dict[str, tuple[Callable[[nn.Module], Any], str, str]] = {
    "weight_norm, as it was": (nn.utils.weight_norm, "WeightNorm", "remove_weight_norm(module)"),
    "spectral_norm, as it was": (
        nn.utils.spectral_norm,
        "SpectralNorm",
        "remove_spectral_norm(module)",
    ),
    "weight_norm": (parametrizations.weight_norm, "WeightNorm", PARAMETRIZED),
    "spectral_norm": (parametrizations.spectral_norm, "SpectralNorm", PARAMETRIZED),
    "orthogonal": (parametrizations.orthogonal, "Orthogonal", PARAMETRIZED),
    "a user's": (symmetric, "Symmetric", PARAMETRIZED),
    "pruned": (
        lambda conv: prune.l1_unstructured(conv, "weight", 0.3),
        "L1Unstructured",
        'prune.remove(module, "weight")',
    ),
}


@pytest.mark.parametrize("case", KINDS)
def test_the_way_out_is_told_and_leads_out(case: str) -> None:
    change, kind, call = KINDS[case]
    model = Net()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the older functions are deprecated
        change(model.conv)
        with pytest.raises(archdsl.ArchError) as caught:
            archdsl.import_module(model, (3, 8, 8), run=False)
        (found,) = caught.value.diagnostics
        wanted = f"`{kind}` computes: make them plain first, by `torch.nn.utils.{call}`"
        assert found.message == f"no layer computes `conv2d` with weights that {wanted}"
        assert "in `conv`" in found.notes and found.span is not None
        eval(f"torch.nn.utils.{call}", {"torch": torch, "module": model.conv})
    assert "conv(8, 3) -> relu" in archdsl.import_module(model, (3, 8, 8)).text


def test_weights_that_a_model_computes_itself_are_told_as_such() -> None:
    class Cosine(Net):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.conv(x).relu().mean((2, 3))
            weight = nn.functional.normalize(self.head.weight)
            return nn.functional.linear(x, weight, self.head.bias)

    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.import_module(Cosine(), (3, 8, 8))
    (found,) = caught.value.diagnostics
    wanted = "with weights that are computed from others: a layer has parameters of its own"
    assert found.message == f"no layer computes `linear` {wanted}"
