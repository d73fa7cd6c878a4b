"""Token ids: from a text to a trained network, with exact numbers."""

from math import exp
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

import archdsl
from archdsl import ArchError
from archdsl.modelcard import card_from
from archdsl.training.data import describe, load
from archdsl.training.data.given import splits_of
from archdsl.training.evaluate import examine
from archdsl.training.fit import fit
from archdsl.training.loop import train_candidate
from archdsl.training.records import read_data, read_recipe
from archdsl.training.sets import TextFile
from archdsl.training.tasks import NEXT_TOKEN

CHARS = """arch chars(width = 16 in 8..64 step 8, depth = 1, length = 8 in 1..64, vocabulary = 9)
use "lib/transformer.arch": attention, mlp
input words(ids = vocabulary): length
embed(width) -> sinusoids
repeat depth {
  residual { rms_norm -> attention(2, causal = true) }
  residual { rms_norm -> mlp(2) }
}
rms_norm -> conv(vocabulary, 1)
"""
RHYME = "abcdefg\n" * 100  # what comes next follows from one character alone


def rhyme(folder: Path, **settings: Any) -> TextFile:
    (folder / "rhyme.txt").write_text(RHYME)
    return TextFile("rhyme.txt", length=8, **settings)


def test_pieces_of_a_text_and_what_follows(tmp_path: Path) -> None:
    data = rhyme(tmp_path, validation=0.2, test=0.1)
    assert describe(data, tmp_path) == ((8,), 8)
    found = load(data, tmp_path)
    assert found.names == ("\n", *"abcdefg") and found.task is NEXT_TOKEN
    # 560, 160 and 80 characters: the last of each has nothing after it.
    assert [len(p) for p in (found.train, found.validation, found.test)] == [69, 19, 9]
    first = "".join(found.names[i] for i in found.train.images[0])
    after = "".join(found.names[i] for i in found.train.labels[0])
    assert (first, after) == ("abcdefg\n", "bcdefg\na")
    for part in (found.train, found.validation, found.test):
        assert part.images.dtype == part.labels.dtype == torch.int64
        assert torch.equal(part.images[:, 1:], part.labels[:, :-1])
    assert found.mean.shape == found.std.shape == (0,)
    assert load(TextFile("rhyme.txt", length=8, characters=400), tmp_path).digest != found.digest


def test_the_text_that_comes_with_python() -> None:
    data = read_data("text(length = 16, characters = 4000)", "DATA")
    (length,), count = describe(data, Path())
    found = load(data, Path())
    assert length == 16 and count == found.classes == len(found.names) > 20
    assert len(found.train) == (3200 - 1) // 16


def test_a_decoder_learns_a_text(tmp_path: Path) -> None:
    data = rhyme(tmp_path)
    splits = load(data, tmp_path)
    arch = fit(archdsl.parse(CHARS), {}, splits.image, splits.classes, NEXT_TOKEN)
    assert arch.knobs["vocabulary"] == 8 and arch.output == (8, 8)
    recipe = read_recipe("epochs = 8, batch = 8, lr = 0.02, optimizer = adamw, "
                         "metrics = token_accuracy")  # fmt: skip
    module, outcome = train_candidate(arch, splits, recipe, 0)
    assert list(outcome.scores) == ["perplexity", "token_accuracy"]
    assert outcome.accuracy is None and outcome.epochs[0].loss > 3 * outcome.loss
    assert outcome.scores["perplexity"] == pytest.approx(exp(outcome.loss))
    assert outcome.scores["perplexity"] < 1.5 and outcome.scores["token_accuracy"] > 0.95
    said = examine(module, splits.test, splits, recipe=recipe)
    module.eval()
    with torch.inference_mode():
        outputs = module(splits.test.images)
    wanted = F.cross_entropy(outputs, splits.test.labels, reduction="none").mean(1)
    torch.testing.assert_close(said.loss, wanted)
    right = (outputs.argmax(1) == splits.test.labels).double().mean()
    assert said.scores["token_accuracy"] == pytest.approx(float(right))
    ((earlier, _),) = ((module(splits.test.images[:1]), 0),)
    changed = splits.test.images[:1].clone()
    changed[0, -1] = 0
    assert torch.equal(module(changed)[..., :-1], earlier[..., :-1]), "it sees what comes after"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("conv(vocabulary, 1)", "token -> linear(8)",
         "its result has the shape 8, and the data has 8 tokens to choose from at each place: 8x8"),
        ("conv(vocabulary, 1)", "conv(9, 1)", "its result has the shape 9x8, and the data has 8"),
        ("ids = vocabulary", "ids = 9", "its vocabulary has 9 tokens, and the data 8"),
        ("input words(ids = vocabulary): length\nembed(width)", "input 4x8\nconv(width, 1)",
         "it is one for signals such as 4x8, and the data has rows of 8 numbers or token ids"),
        ("input words(ids = vocabulary): length\nembed(width) -> sinusoids",
         "input 8\nreshape(4x2) -> conv(width, 1)", "it takes numbers, and the data has token ids"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_before_training(old: str, new: str, reason: str) -> None:
    spec = archdsl.parse(CHARS.replace(old, new))
    with pytest.raises(ArchError) as caught:
        fit(spec, {}, (8,), 8, NEXT_TOKEN)
    assert reason in str(caught.value)


def test_pictures_are_no_tokens() -> None:
    with pytest.raises(ArchError, match="A805"):
        fit(archdsl.parse(CHARS), {}, (1, 8, 8), 10)
    for recipe in ("augment = [flip]", "loss = focal", "metrics = f1"):
        with pytest.raises(ArchError, match="A824"):
            train_candidate(
                archdsl.parse(CHARS).with_knobs(vocabulary=8),
                splits_of((torch.arange(64).view(8, 8) % 8,) * 2, task="next_token"),
                read_recipe(f"epochs = 1, {recipe}"),
                0,
            )


def test_a_text_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("a" * 1000)
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe" * 50)
    for name, code, reason in (
        ("none.txt", "A801", "there is no such file"),
        ("one.txt", "A803", "it has 1 different characters"),
        ("bytes.txt", "A802", "it is not a text in UTF-8"),
    ):
        with pytest.raises(ArchError, match=code) as caught:
            load(TextFile(name), tmp_path)
        assert reason in str(caught.value)
    with pytest.raises(ArchError, match="no piece of 64 is left to validate with"):
        load(TextFile("rhyme.txt", characters=600), rhyme(tmp_path) and tmp_path)


def test_ids_of_a_users_own() -> None:
    ids = torch.randint(0, 50, (20, 17), generator=torch.Generator().manual_seed(0))
    found = splits_of((ids[:, :-1], ids[:, 1:].int()), task="next_token")
    assert (found.image, found.classes) == ((16,), int(ids.max()) + 1)
    assert found.train.labels.dtype == torch.int64 and len(found.train) == 16
    with pytest.raises(ArchError, match="its images are float32 of 20x16, not int64 of Nx16"):
        splits_of((ids[:, :-1].float(), ids[:, 1:]), task="next_token")


def test_a_card_of_tokens_has_no_mean() -> None:
    card = {
        "image": [8], "mean": [], "std": [], "classes": ["a", "b"], "task": "next_token",
        "data": "", "recipe": "", "lr": 0.1, "seed": 0, "network": "", "values": "int64",
    }  # fmt: skip
    assert card_from(card).image == (8,)
    with pytest.raises(ValueError, match="not a shape"):
        card_from(card | {"image": [8, 8]})
    with pytest.raises(ValueError, match="of each channel"):
        card_from(card | {"mean": [0.5], "std": [1.0]})
