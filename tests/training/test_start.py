"""Starting from weights of another training, and leaving parts as they are."""

from pathlib import Path

import pytest
import torch
from small import CLASSES, images, splits

import archdsl
from archdsl import Architecture
from archdsl.diagnostics.model import ArchError
from archdsl.training.data.splits import Splits
from archdsl.training.loop import train_candidate
from archdsl.training.recipe import Recipe
from archdsl.training.records import read_recipe
from archdsl.training.start import TakenWeights, freeze_parts, start_from

NET = """arch net(width = 6, classes = 4, depth = 1)
input 1x8x8
stem: conv(width, 3, stride = 2) -> bn -> relu
body: repeat depth { conv(width, 3) -> bn -> relu }
head: global_avgpool -> linear(classes)
"""


def net(input: tuple[int, ...] = (1, 8, 8), **knobs: object) -> Architecture:
    return archdsl.parse(NET).candidate(knobs, input)


def saved(tmp_path: Path, module: torch.nn.Module, rename: bool = False) -> Path:
    """The weights of a module as a file; under names of another implementation, if asked for."""
    state = module.state_dict()
    if rename:
        layers = list(dict.fromkeys(key.rpartition(".")[0] for key in state))
        places = {layer: f"features.{number}" for number, layer in enumerate(layers)}
        parts = {key: key.rpartition(".") for key in state}
        state = {f"{places[parts[k][0]]}.{parts[k][2]}": t for k, t in state.items()}
    torch.save(state, tmp_path / "w.pt")
    return tmp_path / "w.pt"


@pytest.mark.parametrize("rename", [False, True])
def test_a_head_of_another_size_is_new_and_the_rest_is_taken(tmp_path: Path, rename: bool) -> None:
    theirs = net(classes=7).build()
    torch.nn.init.uniform_(theirs.get_parameter("stem.bn1.weight"))
    module = net().build()
    before = module.state_dict()["head.linear1.weight"].clone()
    taken = start_from(saved(tmp_path, theirs, rename), net(), module)
    assert taken == TakenWeights(14, 16, ("head.linear1 (4x6, 7x6 there)",))
    own, their = module.state_dict(), theirs.state_dict()
    assert all(torch.equal(own[k], t) for k, t in their.items() if not k.startswith("head"))
    assert torch.equal(own["head.linear1.weight"], before)
    words = "14 of 16 tensors come from w.pt; new: head.linear1 (4x6, 7x6 there)"
    assert taken.words("w.pt") == words


def test_other_channels(tmp_path: Path) -> None:
    module = net().build()
    path = saved(tmp_path, net((3, 8, 8), classes=7).build(), rename=True)
    taken = start_from(path, net(), module)
    assert taken.new == ("stem.conv1 (6x1x3x3, 6x3x3x3 there)", "head.linear1 (4x6, 7x6 there)")


def test_all_of_it(tmp_path: Path) -> None:
    module = net().build()
    assert start_from(saved(tmp_path, net().build()), net(), module) == TakenWeights(16, 16, ())


def test_by_their_names_where_the_depth_differs(tmp_path: Path) -> None:
    path = saved(tmp_path, net(depth=1, classes=5).build())
    short, long = net(depth=2), net(depth=9)
    taken = start_from(path, short, short.build())
    assert taken.tensors == 14 and len(taken.new) == 3
    with pytest.raises(ArchError, match="A603"):  # less than half would be taken
        start_from(path, long, long.build())


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    module = net().build()
    before = {k: t.clone() for k, t in module.state_dict().items()}
    with pytest.raises(ArchError, match="A603"):
        start_from(saved(tmp_path, net(width=8).build()), net(), module)
    with pytest.raises(ArchError, match="A602"):
        start_from(tmp_path / "none.pt", net(), module)
    assert all(torch.equal(t, before[k]) for k, t in module.state_dict().items())


def test_a_training_starts_there_and_leaves_what_is_frozen(tmp_path: Path) -> None:
    theirs, data = net(classes=7).build(), splits()
    path = saved(tmp_path, theirs)
    text = f'epochs = 1, batch = 16, weights = "{path}", freeze = ["stem", "body.turn1.conv1"]'
    recipe = read_recipe(text)
    assert recipe.written() == f"train({text})"
    heard: list[TakenWeights] = []
    module, _ = train_candidate(net(), data, recipe, 0, on_start=heard.append)
    assert [t.tensors for t in heard] == [14]
    own, their = module.state_dict(), theirs.state_dict()
    kept = {k for k, t in their.items() if own[k].shape == t.shape and torch.equal(own[k], t)}
    frozen = {k for k in their if k.startswith(("stem.", "body.turn1.conv1."))}
    assert kept == frozen  # running statistics of the stem among them, those of the body not
    fresh, _ = train_candidate(net(), data, Recipe(epochs=1, batch=16), 0)
    assert not torch.equal(fresh.state_dict()["stem.conv1.weight"], own["stem.conv1.weight"])


def test_what_cannot_be_frozen() -> None:
    with pytest.raises(
        ArchError, match="`stam` cannot be frozen: it is not a part of the network"
    ) as e:
        freeze_parts(net().build(), ["stam"])
    assert e.value.diagnostics[0].help == ("did you mean `stem`?",)
    with pytest.raises(ArchError, match="it is all that there is of the network"):
        freeze_parts(net().build(), ["stem", "body", "head"])
    data = Splits(images(32, 1), images(16, 2), lambda: images(16, 3), CLASSES)
    with pytest.raises(ArchError, match="A823"):
        train_candidate(net(), data, read_recipe('freeze = "x", batch = 16'), 0)


def test_a_training_goes_on_without_the_file(tmp_path: Path) -> None:
    """Once begun, the checkpoint has what was taken."""
    path, run = saved(tmp_path, net(classes=7).build()), tmp_path / "run.pt"
    recipe = read_recipe(f'epochs = 1, batch = 16, weights = "{path}"')
    first, _ = train_candidate(net(), splits(), recipe, 0, checkpoint=run)
    path.unlink()
    again, _ = train_candidate(net(), splits(), recipe, 0, checkpoint=run, resume=True)
    same = zip(first.state_dict().values(), again.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in same)
