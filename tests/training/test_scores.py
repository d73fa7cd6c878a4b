"""Metrics against numbers worked out by hand."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from archdsl import ArchError
from archdsl.registry import REGISTRY
from archdsl.training.evaluate import confusion, told
from archdsl.training.records import read_recipe
from archdsl.training.scores import Auroc, Metric

# Three classes: said 0, 0, 1, 2, 1, 2 of true 0, 1, 1, 2, 0, 2.
SAID = torch.nn.functional.one_hot(torch.tensor([0, 0, 1, 2, 1, 2]), 3).float()
TRUE = torch.tensor([0, 1, 1, 2, 0, 2])
LABELS = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 0.0]])
LOGITS = torch.tensor([[3.0, -1.0], [1.0, 2.0], [2.0, -2.0], [-1.0, -3.0]])
VALUES, ASKED = torch.tensor([[1.0], [2.0], [6.0]]), torch.tensor([[1.0], [4.0], [4.0]])


@pytest.mark.parametrize(
    ("name", "outputs", "labels", "wanted"),
    [
        ("accuracy", SAID, TRUE, 4 / 6),
        ("accuracy", LOGITS, LABELS, 2 / 4),
        ("top5", SAID, TRUE, 1),
        ("balanced_accuracy", SAID, torch.tensor([0, 0, 0, 2, 2, 2]), (2 / 3 + 2 / 3) / 2),
        ("f1", SAID, TRUE, (1 / 2 + 1 / 2 + 1) / 3),
        ("f1", LOGITS, LABELS, (4 / 5 + 2 / 3) / 2),
        ("auroc", LOGITS, LABELS, (1 + 3 / 4) / 2),
        ("map", LOGITS, LABELS, (1 + (1 + 2 / 3) / 2) / 2),
        ("mae", VALUES, ASKED, 4 / 3),
        ("rmse", VALUES, ASKED, (8 / 3) ** 0.5),
        ("r2", VALUES, ASKED, 1 - 8 / 6),
    ],
)
def test_metrics(name: str, outputs: Tensor, labels: Tensor, wanted: float) -> None:
    assert told(REGISTRY.metrics[name](), outputs, labels) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("name", "each"), [("f1", (0.5, 0.0)), ("auroc", (5 / 8, 2 / 5)), ("map", (5 / 12, 1 / 6))]
)
def test_a_single_label(name: str, each: tuple[float, float]) -> None:
    """A label's own number is that of one that an example has; all are the mean of these."""
    truth = torch.tensor([[1, 0], [0, 0], [0, 1], [0, 0], [1, 0], [0, 0]])
    said = torch.tensor([[1.0, -1], [-1, -1], [-1, -1], [1, -1], [-1, 1], [-1, -1]])
    metric = REGISTRY.metrics[name]()
    rows = [told(metric, said[:, i : i + 1], truth[:, i : i + 1]) for i in range(2)]
    assert rows == pytest.approx(each)
    assert told(metric, said, truth) == pytest.approx(sum(each) / 2)


def test_a_label_that_all_have() -> None:
    """It has an average precision, 1; against the rest, of which there is none, it has nothing."""
    truth = torch.cat([LABELS, torch.ones(4, 1)], 1)
    said = torch.cat([LOGITS, LOGITS[:, :1]], 1)
    asked = {name: REGISTRY.metrics[name]() for name in ("map", "auroc")}
    assert told(asked["map"], said[:, 2:], truth[:, 2:]) == 1
    assert told(asked["map"], said, truth) == pytest.approx((1 + (1 + 2 / 3) / 2 + 1) / 3)
    assert told(asked["auroc"], said, truth) == pytest.approx((1 + 3 / 4) / 2)


def test_masks() -> None:
    said = torch.tensor([[0, 0, 1], [1, 1, 0]])
    mask = torch.tensor([[0, 1, 1], [1, 255, 0]], dtype=torch.uint8)
    counts = confusion(said, mask, 3)
    assert counts.tolist() == [[2, 0, 0], [1, 2, 0], [0, 0, 0]]
    metrics = {n: told(REGISTRY.metrics[n](), counts, mask) for n in ("iou", "pixel_accuracy")}
    assert metrics == pytest.approx({"iou": (2 / 3 + 2 / 3) / 2, "pixel_accuracy": 4 / 5})


def test_what_cannot_be_told() -> None:
    with pytest.raises(
        ArchError, match=r"A825\]: the metric `auroc` cannot be computed from these 2 examples"
    ):
        told(Auroc(), SAID[:2], torch.tensor([0, 0]))


@dataclass(frozen=True)
class Last(Metric):
    """The share of examples that are said to be of the last class."""

    name = "last"

    def of(self, outputs: Tensor, labels: Tensor) -> float:
        return float((outputs.argmax(1) == outputs.shape[1] - 1).double().mean())


@dataclass(frozen=True)
class Broken(Metric):
    """Raises."""

    name = "broken"

    def of(self, outputs: Tensor, labels: Tensor) -> float:
        raise ValueError("no")


def test_a_metric_of_ones_own() -> None:
    registry = REGISTRY.with_added([Last, Broken])
    recipe = read_recipe("metrics = [last, f1]", registry=registry)
    assert [m.name for m in recipe.metrics] == ["last", "f1"]
    assert told(recipe.metrics[0], SAID, TRUE) == pytest.approx(2 / 6)
    with pytest.raises(ArchError, match="ValueError: no"):
        told(Broken(), SAID, TRUE)
    with pytest.raises(ArchError, match="there is no metric called `lost`"):
        read_recipe("metrics = [lost]", registry=registry)
