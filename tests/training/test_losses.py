"""Losses, and classes of few images: against sums written out."""

import pytest
import torch
import torch.nn.functional as F
from small import CLASSES, SIDE, images, network

from archdsl import ArchError
from archdsl.training.data.splits import Images, Splits
from archdsl.training.loop import train
from archdsl.training.losses import balanced_order, class_weights, loss_of
from archdsl.training.recipe import CrossEntropy, Focal, Recipe
from archdsl.training.records import read_recipe

LABELS = torch.tensor([0] * 6 + [1] * 3 + [3] * 3)  # none of class 2
OUTPUTS = torch.linspace(-2, 2, 5 * CLASSES).sin().reshape(5, CLASSES) * 3
TRUE = torch.tensor([0, 1, 3, 3, 0])


def test_weights_make_classes_count_alike() -> None:
    weights = class_weights(LABELS)
    assert weights[[0, 1, 3]].tolist() == pytest.approx([2 / 3, 4 / 3, 4 / 3])
    assert weights[LABELS].mean().item() == pytest.approx(1)
    sums = torch.zeros(CLASSES).index_add_(0, LABELS, weights[LABELS])
    assert sums.tolist() == pytest.approx([4, 4, 0, 4])


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_each_image_by_its_class_and_by_how_sure_it_is(gamma: float, smoothing: float) -> None:
    recipe = Recipe(label_smoothing=smoothing, loss=Focal(gamma), class_weights="balanced")
    wanted = 0.0
    for row, label in zip(OUTPUTS.double(), TRUE.tolist(), strict=True):
        logs = row.log_softmax(0)
        smoothed = -(1 - smoothing) * logs[label] - smoothing * logs.mean()
        weight = {0: 2 / 3, 1: 4 / 3, 3: 4 / 3}[label]
        wanted += float((1 - logs[label].exp()) ** gamma * smoothed * weight) / len(TRUE)
    found = loss_of(network().build(), recipe, LABELS)
    assert found(OUTPUTS, TRUE).item() == pytest.approx(wanted, rel=1e-5)
    halves = (3 * found(OUTPUTS[:3], TRUE[:3]) + 2 * found(OUTPUTS[3:], TRUE[3:])) / 5
    assert halves.item() == pytest.approx(wanted, rel=1e-5), "shares of a batch add up"


def test_what_is_sure_has_a_gradient_that_is_a_number() -> None:
    outputs = torch.tensor([[200.0, 0, 0, 0], [0.0, 200, 0, 0]], requires_grad=True)
    loss = loss_of(network().build(), Recipe(loss=Focal(0.5)))(outputs, torch.tensor([0, 0]))
    torch.autograd.backward(loss)
    assert loss.item() == pytest.approx(100) and outputs.grad is not None
    assert outputs.grad.isfinite().all()


def test_side_outputs_have_the_same_loss() -> None:
    module = network(SIDE).build().train()
    outputs = module(torch.linspace(-1, 1, 320).sin().reshape(5, 1, 8, 8))
    loss = loss_of(module, Recipe(class_weights="balanced"), LABELS)(outputs, TRUE)
    weights = class_weights(LABELS)[TRUE]
    main, early = (
        (F.cross_entropy(outputs[name], TRUE, reduction="none") * weights).mean()
        for name in ("main", "early")
    )
    torch.testing.assert_close(loss, main + 0.3 * early)


def test_balanced_sampling_draws_each_class_as_often() -> None:
    order = balanced_order(LABELS, 30_000, torch.Generator().manual_seed(0))
    shares = LABELS[order].bincount(minlength=CLASSES) / len(order)
    torch.testing.assert_close(shares, torch.tensor([1 / 3, 1 / 3, 0, 1 / 3]), atol=0.01, rtol=0)
    rows = order.bincount(minlength=len(LABELS)) / len(order)
    assert rows[:6].min() > 0.05 and rows[6:].min() > 0.1, "every image is drawn"


@pytest.mark.parametrize("how", ["class_weights", "sampling"])
def test_few_images_of_a_class_are_learned(how: str) -> None:
    """Of two classes that overlap, one has a tenth: by itself it is hardly ever said."""
    even = images(2400, 5)
    random = torch.Generator().manual_seed(7)
    even.images[:] = torch.randint(0, 256, even.images.shape, generator=random, dtype=torch.uint8)
    labels = (torch.arange(2400) % 10 == 0).long()
    dark = (even.images.float() * (0.93 - 0.13 * labels.view(-1, 1, 1, 1))).to(torch.uint8)
    data = Images(dark, labels)
    rows = list(range(1600)), list(range(1600, 2400))
    parts = Splits(data.at(rows[0]), data.at(rows[1]), lambda: data.at([]), 2)
    said = []
    for recipe in (Recipe(3, 64, 0.02), Recipe(3, 64, 0.02, **{how: "balanced"})):  # type: ignore[arg-type]
        torch.manual_seed(0)
        module = network(classes=2).build()
        train(module, parts, recipe, 0)
        shown = (parts.validation.images / 255 - parts.mean) / parts.std
        answers = module(shown).argmax(1)
        said.append(answers[parts.validation.labels == 1].float().mean().item())
    assert said[0] < 0.75 * said[1], said


def test_what_is_no_loss() -> None:
    assert read_recipe("loss = cross_entropy") == Recipe(loss=CrossEntropy())
    with pytest.raises(ArchError) as caught:
        read_recipe("loss = focel")
    assert "there is no loss function called `focel`" in str(caught.value)
    assert "did you mean `focal`?" in str(caught.value)
    with pytest.raises(ArchError) as caught:
        read_recipe("class_weights = even")
    wanted = "`class_weights` of `train` must be one of equal, balanced, but it is"
    assert wanted in str(caught.value)
