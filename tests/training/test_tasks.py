"""Several labels, values and masks: from arrays to a trained network, with exact numbers."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import archdsl
from archdsl import ArchError
from archdsl.training.augment import Draws, augmented_with_masks
from archdsl.training.augmentations import Cutout, Flip, RandomCrop
from archdsl.training.data import describe, load
from archdsl.training.fit import check_fit, fit
from archdsl.training.loop import train_candidate
from archdsl.training.losses import loss_of
from archdsl.training.outcome import Outcome
from archdsl.training.recipe import Recipe
from archdsl.training.records import read_recipe
from archdsl.training.sets import Arrays
from archdsl.training.tasks import MULTILABEL, REGRESSION, SEGMENTATION, TASKS

HERE = Path()
RANDOM = np.random.default_rng(0)
BRIGHT = RANDOM.integers(0, 2, (48, 2), np.uint8)  # the upper half, and the lower half
PIXELS = RANDOM.integers(0, 156, (48, 1, 8, 8), np.uint8)
PIXELS += 99 * BRIGHT.repeat(4, 1)[:, None, :, None]
HEAD = "arch net(classes = 2)\ninput 1x8x8\nconv(8, 3, stride = 2) -> relu -> linear(classes)\n"
DENSE = "arch net(classes = 2)\ninput 1x8x8\nconv(8, 3) -> relu -> conv(classes, 1)\n"
LABELS: dict[str, Any] = {
    "multilabel": BRIGHT,
    "regression": PIXELS[:, 0, :4].mean((1, 2)) / 255,
    "segmentation": (PIXELS[:, 0] > 128).astype(np.uint8),
}


def saved(task: str, **changed: Any) -> Arrays:
    np.savez("set.npz", **{"images": PIXELS, "labels": LABELS[task], **changed})
    return Arrays("set.npz", validation=0.25, test=0.25, task=task)


def trained(task: str, text: str, recipe: str) -> tuple[Any, Outcome]:
    data = saved(task)
    splits = load(data, HERE)
    return train_candidate(archdsl.parse(text).with_knobs(classes=splits.classes), splits,
                           read_recipe(recipe), 0)  # fmt: skip


@pytest.mark.parametrize(
    ("task", "image", "count", "kind"),
    [
        ("multilabel", (2,), 2, torch.float32),
        ("regression", (1,), 1, torch.float32),
        ("segmentation", (8, 8), 2, torch.uint8),
    ],
)
def test_labels_of_each_task(task: str, image: tuple[int, ...], count: int, kind: Any) -> None:
    data = saved(task)
    assert describe(data, HERE) == ((1, 8, 8), count)
    found = load(data, HERE)
    assert (found.classes, found.task) == (count, TASKS[task])
    assert [len(p) for p in (found.train, found.validation, found.test)] == [24, 12, 12]
    assert found.train.labels.shape[1:] == image and found.train.labels.dtype == kind


@pytest.mark.parametrize(
    ("task", "text", "recipe", "scores"),
    [
        ("multilabel", HEAD, "epochs = 12, batch = 8, lr = 0.1, metrics = [f1, auroc]",
         ["map", "f1", "auroc"]),
        ("regression", HEAD, "epochs = 12, batch = 8, lr = 0.02, metrics = [rmse, r2]",
         ["mae", "rmse", "r2"]),
        ("segmentation", DENSE, "epochs = 12, batch = 8, lr = 0.2, metrics = pixel_accuracy",
         ["iou", "pixel_accuracy"]),
    ],
)  # fmt: skip
def test_each_task_learns(task: str, text: str, recipe: str, scores: list[str]) -> None:
    _, outcome = trained(task, text, recipe)
    assert list(outcome.scores) == scores
    assert outcome.scores == outcome.epochs[-1].scores
    assert (outcome.accuracy is None) == (task != "multilabel")
    assert outcome.loss < 0.7 * outcome.epochs[0].loss
    if task == "segmentation":
        assert outcome.scores["iou"] > 0.9
    if task == "regression":
        assert outcome.score("mae") <= outcome.score("rmse") and outcome.score("r2") < 1


def test_losses_by_hand() -> None:
    module = archdsl.parse(HEAD).with_knobs().build()
    outputs = torch.tensor([[0.0, 2.0], [1.0, -1.0]])
    truth = torch.tensor([[1.0, 0.0], [1.0, 3.0]])
    for recipe, wanted in {
        "": (1 + 4 + 0 + 16) / 4,
        "loss = absolute_error": (1 + 2 + 0 + 4) / 4,
        "loss = huber(delta = 2)": (0.5 + 2 + 0 + 2 * (4 - 1)) / 4,
    }.items():
        found = loss_of(module, read_recipe(recipe), task=REGRESSION)(outputs, truth)
        assert found.item() == pytest.approx(wanted)
    labels = torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    shares = outputs.sigmoid()
    wanted = float(-torch.where(labels == 1, shares, 1 - shares).log().mean())
    found = loss_of(module, Recipe(), task=MULTILABEL)(outputs, labels)
    assert found.item() == pytest.approx(wanted)


def test_pixels_of_no_class_do_not_count() -> None:
    outputs = torch.linspace(-2, 2, 12).reshape(1, 2, 2, 3)
    mask = torch.tensor([[[0, 1, 255], [255, 1, 0]]], dtype=torch.uint8)
    logs = outputs.log_softmax(1)[0]
    wanted = -float(logs[0, 0, 0] + logs[1, 0, 1] + logs[1, 1, 1] + logs[0, 1, 2]) / 4
    loss = loss_of(archdsl.parse(DENSE).with_knobs().build(), Recipe(), task=SEGMENTATION)
    assert loss(outputs, mask).item() == pytest.approx(wanted)
    assert loss(outputs, torch.full_like(mask, 255)).item() == 0


def test_masks_move_with_their_images() -> None:
    masks = torch.from_numpy(LABELS["segmentation"])
    images = masks[:, None].float() + 1  # so that what a crop leaves empty is no pixel's value
    draws = Draws(torch.Generator().manual_seed(0), slice(None))
    moved, told = augmented_with_masks(images, masks, (RandomCrop(2), Flip(), Cutout(3)), draws)
    assert told.dtype == torch.uint8 and (told == 255).any()
    whole = moved[:, 0] != 0  # neither cropped nor cut out
    torch.testing.assert_close(moved[:, 0][whole], told[whole].float() + 1)
    assert not torch.equal(told, masks)
    assert (told[~whole] != 255).any(), "a cutout hides pixels, and their class stays"


@pytest.mark.parametrize(
    ("task", "text", "words"),
    [
        ("segmentation", HEAD, "its result has the shape 2, and the data has 2 classes in each "
         "pixel: 2x8x8"),
        ("segmentation", DENSE.replace("conv(8, 3)", "conv(8, 3, pad = 0)"),
         "its result has the shape 2x6x6"),
        ("regression", HEAD, "its result has the shape 2, and the data has 1 value"),
        ("multilabel", DENSE, "its result has the shape 2x8x8, and the data has 2 labels"),
    ],
)  # fmt: skip
def test_what_does_not_fit(task: str, text: str, words: str) -> None:
    with pytest.raises(ArchError) as caught:
        check_fit(archdsl.parse(text).with_knobs(), *describe(saved(task), HERE), TASKS[task])
    assert words in str(caught.value) and "A805" in str(caught.value)


@pytest.mark.parametrize(
    ("task", "labels", "words"),
    [
        ("multilabel", LABELS["multilabel"] * 2.0, "N x labels of 0 and 1"),
        ("multilabel", LABELS["multilabel"] * np.int64(2), "and N x labels of 0 and 1"),
        ("classification", LABELS["regression"], "task = regression is for such labels"),
        ("classification", LABELS["segmentation"], "task = segmentation is for such labels"),
        ("regression", LABELS["regression"] * np.nan, "its labels are not all finite"),
        (
            "regression",
            LABELS["regression"] * 0 + 1e300,
            "its labels are not all finite in float32",
        ),
        ("segmentation", LABELS["segmentation"][:, 1:], "its labels are uint8 48x7x8"),
        ("segmentation", LABELS["segmentation"] + np.int64(300), "than the 255"),
        ("segmentation", LABELS["segmentation"] * 0, "classes = 1 is not a whole number from 2 on"),
    ],
)
def test_labels_of_another_task(task: str, labels: Any, words: str) -> None:
    data = saved("regression", labels=labels)
    with pytest.raises(ArchError) as caught:
        load(Arrays(data.path, task=task), HERE)
    assert words in str(caught.value)
    assert "A802" in str(caught.value) and str(data.path) in str(caught.value)


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ("loss = focal", "`focal` is not for regression: it is a loss of another task"),
        ("metrics = [iou]", "`iou` is not for regression: it is a metric for segmentation"),
        ("class_weights = balanced", "it needs one class for each image"),
        ("sampling = balanced", "it needs one class for each image"),
        ("label_smoothing = 0.1", "`label_smoothing` is not for regression: it needs classes"),
    ],
)
def test_recipes_of_another_task(recipe: str, words: str) -> None:
    with pytest.raises(ArchError) as caught:
        trained("regression", HEAD, f"epochs = 1, {recipe}")
    assert words in str(caught.value) and "A824" in str(caught.value)


SIDE = """arch side(classes = 1)
input 1x8x8
conv(6, 3, stride = 2) -> relu
output early(weight = 0.5) { linear(classes) }
conv(6, 3) -> relu -> linear(classes)
"""


def test_side_outputs_have_the_loss_of_the_task() -> None:
    module = archdsl.parse(SIDE).with_knobs().build().train()
    truth = torch.linspace(0, 1, 5)[:, None]
    outputs = module(torch.linspace(-1, 1, 320).sin().reshape(5, 1, 8, 8))
    main, early = (((outputs[n] - truth) ** 2).mean() for n in ("main", "early"))
    found = loss_of(module, Recipe(), task=REGRESSION)(outputs, truth)
    torch.testing.assert_close(found, main + 0.5 * early)


def test_a_network_that_ends_at_a_size_of_its_own() -> None:
    text = "arch ends(size = 16 in 8..64, classes = 2)\ninput (3, size, size)\n"
    text += "conv(8, 3, stride = 2) -> conv(classes, 1) -> resize({})"
    spec = archdsl.parse(text.format("size"))
    assert fit(spec, {"size": 32}, (3, 32, 32), 3, SEGMENTATION).output == (3, 32, 32)
    with pytest.raises(ArchError) as caught:
        fit(spec, {}, (3, 32, 32), 3, SEGMENTATION)
    assert "3x16x16" in str(caught.value) and "set `size` to 32" in str(caught.value)
    assert "`let image = in.size` before the first layer" in str(caught.value)
    follows = archdsl.parse(text.format("image").replace("conv(8", "let image = in.size\nconv(8"))
    assert fit(follows, {}, (3, 24, 40), 3, SEGMENTATION).output == (3, 24, 40)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "knobs", "image", "task"),
    [
        ("unet", {"width": 16, "levels": 2, "pad": 1}, (3, 32, 32), "segmentation"),
        ("semantic_fpn", {"width": 64, "merged": 32}, (3, 64, 64), "segmentation"),
        ("deeplab_v3", {}, (3, 64, 64), "segmentation"),
        ("video_resnet", {}, (3, 4, 16, 16), "multilabel"),
        ("waveform", {}, (1, 4096), "regression"),
    ],
)
def test_built_in_networks_train(
    name: str, knobs: dict[str, Any], image: tuple[int, ...], task: str
) -> None:
    random = np.random.default_rng(2)
    labels = {
        "segmentation": random.integers(0, 3, (10, *image[1:]), np.uint8),
        "multilabel": np.arange(30).reshape(10, 3) % 2,
        "regression": random.random((10, 3)),
    }
    pixels = random.integers(0, 256, (10, *image), np.uint8)
    data = saved(task, images=pixels, labels=labels[task])
    splits = load(Arrays(data.path, validation=0.4, test=0, task=task), HERE)
    arch = fit(archdsl.read(name), knobs, *describe(data, HERE), TASKS[task])
    recipe = Recipe(epochs=1, batch=4, lr=0.01)
    _, outcome = train_candidate(arch, splits, recipe, 0)
    assert outcome.score(TASKS[task].score) >= 0 and outcome.epochs[0].train_loss < 100
    # After one step, a deep network's means and variances are still far from those of its images.
    assert math.isfinite(outcome.loss)
