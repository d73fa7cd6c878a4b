"""A model is the same after an import as before it, whatever it keeps while it runs."""

import threading
from collections import Counter, defaultdict, deque
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import archdsl
from archdsl.diagnostics.model import ArchError
from archdsl.importing.copied import copied
from archdsl.importing.running import prepared

TIED = """\
arch sequential()

input 3x16x16

let part_2 = shared { conv(8, 3, pad = 0) }

conv(8, 3, pad = 0) -> bn
repeat 2 { part_2 }
"""
HOARDING = """\
arch hoarding(classes = 5)

input 3x8x8

conv(4, 1) -> conv(classes, 1)
"""


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
    assert imported.text == TIED
    assert imported.checked[1].startswith("results and gradients")
    assert all(parameter.is_meta for parameter in model.parameters())
    copy = copied(model)
    assert model[3].weight is model[2].weight and copy[3].weight is copy[2].weight  # type: ignore[index]


def test_whole_numbers_on_the_meta_device() -> None:
    model = nn.Module()
    indices = torch.zeros(3, dtype=torch.long, device="meta")
    model.indices = nn.Parameter(indices, requires_grad=False)
    found = prepared(model).indices
    assert isinstance(found, nn.Parameter) and not found.requires_grad
    assert found.dtype == torch.long and found.tolist() == [0, 0, 0]


class Hoarding(nn.Module):
    """Keeps its features in containers of all kinds, one within another."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 5, 1)
        self.within: dict[str, list[Any]] = {"features": []}
        self.last, self.by_name = deque[Any](["first"], maxlen=2), defaultdict[str, list[Any]](list)
        self.pair, self.sizes = ([], {"none"}), Counter[int]()
        self.runs = torch.zeros(())
        self.apart = [nn.BatchNorm2d(4).eval()]  # no module of this one

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        self.within["features"].append(x)
        self.last.append(x)
        self.last.append(x)
        self.by_name["features"].append(x)
        self.pair[0].append(x)
        self.pair[1].clear()
        self.sizes[x.shape[1]] += 1
        self.runs += 1
        self.apart[0].train()
        return self.head(x)


def test_what_is_within_containers() -> None:
    model = Hoarding()
    assert archdsl.import_module(model, (3, 8, 8)).text == HOARDING
    assert model.within == {"features": []} and model.last == deque(["first"])
    assert model.last.maxlen == 2 and model.by_name == {} and model.by_name.default_factory is list
    assert model.pair == ([], {"none"}) and model.sizes == Counter()
    assert model.runs == 0 and not model.apart[0].training


class Partly(nn.Module):
    """Freezes its first layer when it is to train."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 5, 1)

    def train(self, mode: bool = True) -> "Partly":
        self.conv.requires_grad_(not mode)
        return super().train(mode)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.conv(x))


def test_what_a_training_freezes() -> None:
    model = Partly()
    assert archdsl.import_module(model, (3, 8, 8)).checked[1] == (
        "results and gradients, in evaluation and in training, at 3x8x8"
    )
    assert [p.requires_grad for p in model.parameters()] == [True] * 4


def test_a_gradient_goes_through_what_is_kept() -> None:
    """A feature that is kept from before has not changed: PyTorch counts what writes to it."""
    model = Keeping()
    loss = model(torch.randn(2, 3, 8, 8)).sum() + model.seen[0].square().sum()
    archdsl.import_module(model, (3, 8, 8))
    loss.backward()
    assert model.conv.weight.grad is not None
