"""A model is the same after an import as before it, whatever it keeps while it runs."""

import threading

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import archdsl
from archdsl.diagnostics.model import ArchError


class Keeping(nn.Module):
    """Counts its runs, and keeps its features and a mask."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 8, 3), nn.Linear(8, 5)
        self.runs, self.seen, self.features = 0, list[Tensor](), None

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv(x))
        self.runs += 1
        self.seen.append(x)
        self.features = x
        return self.head(x.mean((2, 3)))


class Growing(nn.Module):
    """Makes its head when it is first called."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 8, 3), nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv(x)).flatten(1)
        if isinstance(self.head, nn.Identity):
            self.head = nn.Linear(x.shape[1], 5).to(x.device)
        return self.head(x)


def test_what_a_model_keeps_of_its_runs() -> None:
    """Also features that were computed with gradients, which PyTorch does not copy."""
    model = Keeping()
    model(torch.randn(2, 3, 8, 8))
    features = model.features
    handle = model.conv.register_forward_hook(lambda *_: None)
    imported = archdsl.import_module(model, (3, 8, 8))
    assert imported.checked[1].startswith("results and gradients")
    assert (model.runs, len(model.seen), model.training) == (1, 1, True)
    assert model.features is features and model.seen[0] is features
    handle.remove()
    assert not model.conv._forward_hooks


def test_a_layer_that_is_made_while_the_model_runs() -> None:
    model = Growing()
    with pytest.raises(ArchError) as failed:
        archdsl.import_module(model, (3, 8, 8))
    (found,) = failed.value.diagnostics
    assert found.code == "A652"
    assert "it makes `head.weight` while it runs: call it on a tensor first" in found.message
    assert isinstance(model.head, nn.Identity)
    model(torch.randn(2, 3, 8, 8))
    assert "linear(classes)" in archdsl.import_module(model, (3, 8, 8)).text


def test_a_model_that_cannot_be_copied() -> None:
    model = Keeping()
    model.lock = threading.Lock()  # type: ignore[assignment]
    with pytest.raises(ArchError) as failed:
        archdsl.import_module(model, (3, 8, 8))
    (found,) = failed.value.diagnostics
    assert found.code == "A652" and "it cannot be copied: TypeError" in found.message


def test_a_model_without_numbers() -> None:
    """On the meta device: it runs with random weights, tied ones with the same."""
    with torch.device("meta"):
        model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3))
    model.append(model[2])
    imported = archdsl.import_module(model, (3, 16, 16))
    assert "repeat 2 { c }" in imported.text or "shared" in imported.text
    assert imported.checked[1].startswith("results and gradients")
    assert all(parameter.is_meta for parameter in model.parameters())
