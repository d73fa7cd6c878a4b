"""Augmentations by torchvision's transforms, and recipes that have names."""

from pathlib import Path
from typing import Any

import pytest
import torch
from small import images, network, splits
from torch import Tensor

from archdsl import ArchError
from archdsl.training.augment import Draws, Mixed, Pixels, augmented, augmented_with_masks
from archdsl.training.augmentations import (
    AutoAugment,
    ColorJitter,
    CutMix,
    Erasing,
    Flip,
    MixUp,
    RandAugment,
    ResizedCrop,
    TrivialAugment,
)
from archdsl.training.data.splits import Images, Splits
from archdsl.training.loop import train_candidate
from archdsl.training.recipe import Focal, Recipe
from archdsl.training.records import read_recipe
from archdsl.training.seeds import generator
from archdsl.training.suits import check_recipe
from archdsl.training.tasks import CLASSIFICATION, MULTILABEL, REGRESSION, SEGMENTATION

MEAN, STD = torch.tensor([0.4, 0.5, 0.6]), torch.tensor([0.2, 0.25, 0.3])
PIXELS = Pixels(MEAN, STD)
BYTES = torch.randint(0, 256, (12, 3, 9, 7), generator=generator("cpu", 0), dtype=torch.uint8)
SHOWN = PIXELS.back(BYTES)
EACH = [
    ResizedCrop(), ColorJitter(hue=0.1), RandAugment(), AutoAugment(), AutoAugment("cifar10"),
    TrivialAugment(), Erasing(1.0),
]  # fmt: skip


def made(kind: Any, share: slice = slice(None), seed: int = 0) -> Tensor:
    draws = Draws(generator("cpu", seed, "augmentation"), share)
    return augmented(SHOWN[share], (kind,), draws, PIXELS)


def test_bytes_are_those_that_were_normalised() -> None:
    assert torch.equal(PIXELS.of(SHOWN), BYTES)


@pytest.mark.parametrize("kind", EACH, ids=lambda kind: kind.written())
def test_the_seed_and_the_image_decide(kind: Any) -> None:
    before = torch.get_rng_state()
    whole = made(kind)
    assert torch.equal(torch.get_rng_state(), before)
    assert whole.shape == SHOWN.shape and whole.dtype == SHOWN.dtype
    assert (whole != SHOWN).flatten(1).any(1).sum() >= 6, "most images are changed"
    assert torch.equal(made(kind), whole) and not torch.equal(made(kind, seed=1), whole)
    for rank in range(3):
        share = slice(rank, None, 3)
        assert torch.equal(made(kind, share), whole[share])


def test_what_is_erased_is_the_mean() -> None:
    erased = made(Erasing(1.0)).movedim(1, -1)
    gone = (erased != SHOWN.movedim(1, -1)).any(-1)
    assert gone.flatten(1).any(1).all() and not erased[gone].any()


def test_a_mask_moves_with_its_image() -> None:
    masks = (torch.arange(63).reshape(1, 9, 7) % 5).expand(12, 9, 7).to(torch.uint8)
    both = masks[:, None].float().expand(12, 3, 9, 7)
    for kind in (Flip(), ResizedCrop()):
        draws = Draws(generator("cpu", 0, "augmentation"), slice(None))
        shown, moved = augmented_with_masks(both.clone(), masks, (kind,), draws, PIXELS)
        assert moved.dtype == torch.uint8 and not torch.equal(moved, masks)
        if isinstance(kind, Flip):
            assert torch.equal(shown[:, 0], moved.float())
    for kind in (Erasing(1.0), ColorJitter()):
        draws = Draws(generator("cpu", 0, "augmentation"), slice(None))
        shown, moved = augmented_with_masks(both, masks, (kind,), draws, PIXELS)
        assert torch.equal(moved, masks) and not torch.equal(shown, both)


@pytest.mark.parametrize("ways", [(MixUp(1.0),), (CutMix(),), (MixUp(1.0), CutMix())])
def test_labels_are_mixed_as_images_are(ways: Any) -> None:
    """Each image is of its class in all pixels: the share of pixels is that of the label."""
    labels = torch.arange(12) % 4
    shown = torch.nn.functional.one_hot(labels, 4).float()[:, :, None, None].expand(12, 4, 8, 8)
    seen = set()
    for number in range(8):
        mixed, told = Mixed(ways, 4, 7)(number, shown, labels)
        assert torch.allclose(mixed.mean((2, 3)), told, atol=1e-5)
        assert torch.allclose(told.sum(1), torch.ones(12))
        again, _ = Mixed(ways, 4, 7)(number, shown, labels)
        assert torch.equal(mixed, again)
        seen.add(float(told[0, 0]))
    assert len(seen) > 4
    several = torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    _, told = Mixed((MixUp(1.0),), None, 7)(0, torch.rand(2, 1, 4, 4), several)
    assert torch.equal(told[:, 0], torch.ones(2)) and torch.allclose(
        told[:, 1].sum(), torch.ones(1)
    )


def test_it_trains_and_the_same_again() -> None:
    recipe = read_recipe(
        "epochs = 2, batch = 16, label_smoothing = 0.1, "
        "augment = [flip, rand_augment, resized_crop(least = 0.5), erasing, mixup, cutmix]"
    )
    first, second = (train_candidate(network(), splits(), recipe, 3)[1] for _ in range(2))
    plain = train_candidate(network(), splits(), Recipe(epochs=2, batch=16), 3)[1]
    assert [e.train_loss for e in first.epochs] == [e.train_loss for e in second.epochs]
    assert first.loss != plain.loss


MASKS = "it is an augmentation for classification and multilabel"


@pytest.mark.parametrize(
    ("recipe", "task", "image", "values", "words"),
    [
        (Recipe(augment=(MixUp(),)), SEGMENTATION, (3, 8, 8), "uint8", MASKS),
        (Recipe(augment=(CutMix(),)), REGRESSION, (3, 8, 8), "uint8", MASKS),
        (Recipe(augment=(RandAugment(),)), SEGMENTATION, (3, 8, 8), "uint8", MASKS),
        (Recipe(augment=(RandAugment(),)), CLASSIFICATION, (13, 8, 8), "uint8", "have 13"),
        (Recipe(augment=(ColorJitter(),)), CLASSIFICATION, (3, 8, 8), "uint16", "are uint16"),
        (Recipe(augment=(Erasing(),)), CLASSIFICATION, (3, 80), "float32", "these are 3x80"),
        (Recipe(augment=(CutMix(),)), MULTILABEL, (3, 8), "uint8", "these are 3x8"),
        (Recipe(augment=(Flip(),)), CLASSIFICATION, (20,), "float32", "are rows of 20 numbers"),
        (
            Recipe(augment=(MixUp(),), loss=Focal()), CLASSIFICATION, (3, 8, 8), "uint8",
            "`mixup` is not for the loss focal: it takes no mixed labels",
        ),
        (
            Recipe(augment=(MixUp(),), class_weights="balanced"), CLASSIFICATION, (3, 8, 8),
            "uint8", "`mixup` is not for class_weights = balanced: mixed labels take no",
        ),
    ],
)  # fmt: skip
def test_what_does_not_suit_is_an_error(
    recipe: Recipe, task: Any, image: Any, values: str, words: str
) -> None:
    with pytest.raises(ArchError) as caught:
        check_recipe(recipe, task, image, values)
    assert "A824" in str(caught.value) and words in str(caught.value)
    check_recipe(Recipe(), task, image, values)


def test_check_of_a_search_says_it() -> None:
    """By what is known of the data, and all that a recipe with a name sets."""
    from click.testing import CliRunner

    from archdsl.cli.main import cli

    rows = "".join(f"{n}.png,{n % 2}\n" for n in range(9))
    Path("set.csv").write_text("file,label\n" + rows, "utf-8")
    for augment, words in (
        ("rand_augment", "`rand_augment` is not for these images: it takes images of 8 bits"),
        ("flip", "the recipe cifar: epochs = 2, optimizer = sgd(weight_decay = 0.0001, nesterov"),
    ):
        text = (
            "search x\nspec wide_resnet\nvary depth in {10, 16}\ntrials 2\n"
            'data table("set.csv", bits = 16)\n'
            f"train recipe = cifar, epochs = 2, augment = {augment}\n"
        )
        Path("x.search").write_text(text, "utf-8")
        ran = CliRunner().invoke(cli, ["check", "x.search"], standalone_mode=True)
        assert words in ran.output, ran.output


def test_it_is_an_error_before_training() -> None:
    shown = images(32, 1)
    wide = Images(shown.images.to(torch.uint16), shown.labels)
    data = Splits(wide, wide, lambda: wide, 4)
    with pytest.raises(ArchError, match=r"A824"):
        train_candidate(network(), data, Recipe(augment=(RandAugment(),)), 0)


# --------------------------------------------------------------------- recipes by name


def test_a_recipe_by_its_name() -> None:
    strong = read_recipe("cifar_strong")
    assert strong == read_recipe("recipe = cifar_strong")
    augment = "[crop, flip, trivial_augment, cutout(size = 16)]"
    assert strong.said == f"epochs = 200, augment = {augment}"
    assert strong.recipe is not None and strong.recipe.name == "cifar_strong"


def test_what_is_given_changes_a_recipe_even_to_a_default() -> None:
    found = read_recipe("imagenet_strong, epochs = 5, warmup = 0, augment = [flip]")
    assert (found.epochs, found.warmup, found.augment) == (5, 0.0, (Flip(),))
    assert (found.lr, found.batch, found.label_smoothing, found.ema) == (0.5, 1024, 0.1, 0.99998)
    assert read_recipe(found.said) == read_recipe(found.said), "its text is that of a recipe"
    assert read_recipe(found.said).arguments(full=True) == found.arguments(full=True)


def test_every_recipe_can_be_read_and_suits_pictures() -> None:
    from archdsl.registry import REGISTRY

    assert len(REGISTRY.recipes) >= 5
    for name, cls in REGISTRY.recipes.items():
        recipe = read_recipe(name)
        assert recipe.augment and recipe.epochs >= 90
        check_recipe(recipe, CLASSIFICATION, (3, 32, 32))
        assert cls.__doc__ and ("arXiv" in cls.__doc__ or "torchvision" in cls.__doc__)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("recipe = cifar_strng", "did you mean `cifar_strong`?"),
        ("recipe = 5", "the name of a recipe"),
        ("cifar, recipe = imagenet", "is given twice"),
        ("augment = [rand_augment(magnitude = 31)]", "a whole number from 0 to 30"),
        ("augment = [color_jitter(hue = 0.7)]", "a number from 0 to 0.5"),
        ("augment = mixup(alpha = 0)", "a number above 0"),
    ],
)
def test_what_is_no_recipe(text: str, words: str) -> None:
    with pytest.raises(ArchError) as caught:
        read_recipe(text)
    assert words in str(caught.value)


def test_a_recipe_that_python_names_is_read() -> None:
    named = read_recipe("cifar").recipe
    with pytest.raises(ValueError, match="read_recipe"):
        Recipe(recipe=named)
