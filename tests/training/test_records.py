"""Data and recipes as texts: read, and written again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from archdsl import ArchError
from archdsl.diagnostics.source import Source
from archdsl.registry import REGISTRY
from archdsl.training.augmentations import Cutout, Flip, RandomCrop
from archdsl.training.recipe import AdamW, Focal, OneCycle, Recipe, Sgd, Steps
from archdsl.training.records import parsed, read_data, read_recipe
from archdsl.training.sets import Data, Digits, FashionMnist, ImageFolder, MaskFolder, PluginData

DATA: dict[str, Data] = {
    "digits": Digits(),
    "digits(validation = 0.1, seed = 3)": Digits(validation=0.1, seed=3),
    "fashion_mnist(train = 5000)": FashionMnist(train=5000),
    'image_folder(path = "my pets", size = 32)': ImageFolder("my pets", 32),
}
RECIPES = {
    "": Recipe(),
    "epochs = 5, lr = 0.05": Recipe(epochs=5, lr=0.05),
    "optimizer = adamw(weight_decay = 0.05, decay = weights)": Recipe(
        optimizer=AdamW(weight_decay=0.05, decay="weights")
    ),
    "schedule = step(at = [3, 5], factor = 0.2)": Recipe(schedule=Steps((3, 5), 0.2)),
    "schedule = one_cycle, augment = [crop(pad = 2), flip, cutout]": Recipe(
        schedule=OneCycle(), augment=(RandomCrop(2), Flip(), Cutout())
    ),
    "warmup = 1.5, label_smoothing = 0.1, clip = 1.0, amp = on, compile = true": Recipe(
        warmup=1.5, label_smoothing=0.1, clip=1.0, amp="on", compile=True
    ),
    "loss = focal(gamma = 1.5), class_weights = balanced, sampling = balanced": Recipe(
        loss=Focal(1.5), class_weights="balanced", sampling="balanced"
    ),
    "optimizer = sgd(nesterov = false)": Recipe(optimizer=Sgd(nesterov=False)),
}


@pytest.mark.parametrize("text", DATA)
def test_data(text: str) -> None:
    assert read_data(text) == DATA[text]
    assert DATA[text].written() == text
    assert read_data(DATA[text].written(full=True)) == DATA[text]


@pytest.mark.parametrize("name", REGISTRY.data)
def test_data_written_in_full_is_the_same_data(name: str) -> None:
    """As another process of a training reads it."""
    path = '("x.csv")' if "path" in REGISTRY.data[name].__dataclass_fields__ else ""
    data = read_data(name + path)
    assert read_data(data.written(full=True)) == data


@pytest.mark.parametrize("text", RECIPES)
def test_recipes(text: str) -> None:
    recipe = RECIPES[text]
    assert read_recipe(text) == recipe
    assert ", ".join(f"{k} = {v}" for k, v in recipe.arguments().items()) == text
    full = ", ".join(f"{k} = {v}" for k, v in recipe.arguments(full=True).items())
    assert read_recipe(full) == recipe


def test_data_of_a_package_as_text() -> None:
    data = PluginData("stripes", (("", 80), ("name", 'a "b"')))
    assert data.written(full=True) == 'stripes(80, name = "a \\"b\\"")'


@pytest.mark.parametrize("text", ["plain", "./plain", "plain/"])
def test_a_folder_is_data_by_its_path(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArchError):
        read_data(text)
    Path("plain").mkdir()
    assert read_data(text) == ImageFolder(text)
    Path("plain/images").mkdir()
    Path("plain/masks").mkdir()
    assert read_data(text) == MaskFolder(text)
    Path("digits").mkdir()
    assert read_data("digits") == Digits(), "a name comes first"


def test_an_argument_too_many_is_shown() -> None:
    with pytest.raises(ArchError, match="`cosine` has no argument `5`"):
        read_recipe("schedule = cosine(5)")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("digit", "A701"),
        ("fashion_mnist(trian = 5)", "A105"),
        ("fashion_mnist(train = 0)", "A301"),
        ("digits(validation = 20)", "A301"),
        ("image_folder", "A108"),
        ("digits\ndata digits", "A703"),
        ("digits(", "A015"),
        ("", "A016"),
    ],
)
def test_data_that_is_none(text: str, code: str) -> None:
    with pytest.raises(ArchError) as caught:
        read_data(text)
    assert [d.code for d in caught.value.diagnostics] == [code]
    assert "--> --data:" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("epoch = 5", "A105"),
        ("epochs = 0", "A301"),
        ("optimizer = sdg", "A701"),
        ("optimizer = cosine", "A701"),
        ("schedule = step", "A108"),
        ("amp = maybe", "A301"),
        ("class_weights = even", "A301"),
        ("lr = 0.1, lr = 0.2", "A107"),
    ],
)
def test_recipes_that_are_none(text: str, code: str) -> None:
    with pytest.raises(ArchError) as caught:
        read_recipe(text)
    assert [d.code for d in caught.value.diagnostics] == [code]
    assert "--> --recipe:1:" in str(caught.value)


@pytest.mark.parametrize("text", ["multi.npz", " sets/multi.npz "])
def test_an_archive_that_is_named_bare(text: str) -> None:
    with pytest.raises(ArchError) as caught:
        read_data(text)
    (found,) = caught.value.diagnostics
    assert found.helps == (f'an archive of arrays is written arrays("{text.strip()}")',)


def said(read: Callable[[str], object], text: str) -> str:
    with pytest.raises(ArchError) as caught:
        read(text)
    return str(caught.value)


@pytest.mark.parametrize("text", ["table(labels.csv)", "table(path = labels.csv)"])
def test_a_text_without_its_marks_is_one_mistake(text: str) -> None:
    found = said(read_data, text)
    assert found.count("error[") == 1 and "`path` of `table` must be a quoted string" in found
    assert 'help: write it in quotation marks: `"labels.csv"`' in found
    assert f"1 | {text}\n" in found, "what was typed is quoted, and no word before it"


@pytest.mark.parametrize(
    "text",
    ["[cifar_strong, flip]", "epochs = 3, cifar_strong", "[cifar_strong], lr = 1"],
)
def test_a_recipe_in_the_wrong_place(text: str) -> None:
    found = said(read_recipe, text)
    assert "settings after it: `recipe = cifar_strong, epochs = 5`" in found
    assert f"1 | {text}\n" in found
    with pytest.raises(ArchError, match="`recipe = cifar_strong, epochs = 5`"):
        parsed(Source("a.search", f"search a\ntrain {text}\n"), REGISTRY)


def test_help_with_recipes_is_for_recipes() -> None:
    for text in ("epochs = 3 lr = 0.1", "recipe = cifar_strong lr = 0.1"):
        assert "settings after it" not in said(read_recipe, text)


def test_a_setting_of_a_named_recipe_that_there_is_not() -> None:
    found = said(read_recipe, "cifar_strong, epoch = 3")
    assert "`train` has no argument `epoch`" in found and "--recipe:1:15" in found
