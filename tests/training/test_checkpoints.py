"""Checkpoints: a training that is broken off and gone on with is as one without a break."""

import errno
import json
import os
import pickle
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from small import NORMED, network, splits
from torch import nn

from archdsl import ArchError
from archdsl.training import checkpoint
from archdsl.training.augmentations import Cutout, Flip, RandomCrop
from archdsl.training.checkpoint import restore
from archdsl.training.loop import identity, train, train_candidate
from archdsl.training.outcome import Epoch, Outcome, TrainingStep
from archdsl.training.recipe import AdamW, OneCycle, Recipe

pytestmark = pytest.mark.quiet

HERE = Path(__file__).parent
FILE = Path("kept.pt")
SGD = Recipe(epochs=4, batch=16, lr=0.05, augment=(RandomCrop(1), Flip(), Cutout(2)))
RECIPES = {
    "sgd": SGD,
    "adamw": replace(SGD, optimizer=AdamW(decay="weights"), schedule=OneCycle(), clip=1.0),
    "bfloat16": replace(SGD, amp="on", warmup=1.5),
}


class Broken(Exception):
    pass


def candidate(recipe: Recipe, **given: Any) -> tuple[nn.Module, Outcome]:
    return train_candidate(network(NORMED), splits(), recipe, 3, **given)


def numbers(outcome: Outcome) -> list[tuple[float, ...]]:
    return [(e.epoch, e.loss, e.accuracy, e.train_loss, e.lr) for e in outcome.epochs]


def same(one: nn.Module, two: nn.Module) -> bool:
    states = one.state_dict(), two.state_dict()
    return all(torch.equal(states[0][k], states[1][k]) for k in states[0] | states[1])


def problem(recipe: Recipe = SGD, **given: Any) -> str:
    with pytest.raises(ArchError) as caught:
        candidate(recipe, checkpoint=FILE, resume=True, **given)
    return without_help(caught.value)


def without_help(error: ArchError) -> str:
    """Its text, after its last line was seen to be what to do about a checkpoint (A807)."""
    text, _, help = str(error).partition("\n  = help: ")
    assert help.endswith("name another file to begin anew") == ("A807" in text)
    return text


def break_off(recipe: Recipe, behind: int, **given: Any) -> None:
    def stop(epoch: Epoch) -> None:
        if epoch.epoch == behind:
            raise Broken

    with pytest.raises(Broken):
        candidate(recipe, checkpoint=FILE, on_epoch=stop, **given)


@pytest.mark.parametrize("name", RECIPES)
def test_a_break_changes_nothing(name: str) -> None:
    """Weights, statistics and all numbers, bit for bit; dropout and augmentation included."""
    recipe = RECIPES[name]
    whole, expected = candidate(recipe)
    break_off(recipe, 1)
    break_off(recipe, 3, resume=True)
    found, outcome = candidate(recipe, checkpoint=FILE, resume=True)
    assert numbers(outcome) == numbers(expected) and len(outcome.epochs) == 4
    assert (outcome.accuracy, outcome.loss) == (expected.accuracy, expected.loss)
    assert same(found, whole)


def test_a_break_within_an_epoch() -> None:
    whole, expected = candidate(SGD)

    def stop(step: TrainingStep) -> None:
        if (step.epoch, step.done) == (3, 2):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        candidate(SGD, checkpoint=FILE, on_step=stop)
    found, outcome = candidate(SGD, checkpoint=FILE, resume=True)
    assert numbers(outcome) == numbers(expected) and same(found, whole)


def test_a_training_that_is_done_is_not_done_again() -> None:
    whole, expected = candidate(SGD, checkpoint=FILE)
    found, outcome = candidate(SGD, checkpoint=FILE, resume=True)
    assert outcome == expected and same(found, whole)
    assert not found.training


def test_resume_without_a_checkpoint_starts() -> None:
    _, outcome = candidate(SGD, checkpoint=FILE, resume=True)
    assert len(outcome.epochs) == 4 and FILE.exists()


SCRIPT = """
import sys
from dataclasses import asdict
from pathlib import Path
import json, time, torch
sys.path.insert(0, sys.argv[1])
from test_checkpoints import FILE, SGD, candidate

def slow(step):
    if step.epoch == 3:
        Path("third").touch()
        time.sleep(60)

torch.set_num_threads(1)
candidate(SGD, checkpoint=FILE, on_step=slow)
"""


@pytest.mark.slow
def test_a_process_that_is_killed() -> None:
    """By SIGKILL, in the middle of the third epoch."""
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(HERE)])
    deadline = time.monotonic() + 120
    while not Path("third").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    whole, expected = candidate(SGD)
    found, outcome = candidate(SGD, checkpoint=FILE, resume=True)
    assert numbers(outcome) == numbers(expected) and same(found, whole)


# ------------------------------------------------------------------------ what is wrong


def test_a_checkpoint_is_not_overwritten() -> None:
    break_off(SGD, 1)
    before = FILE.read_bytes()
    with pytest.raises(ArchError) as caught:
        candidate(SGD, checkpoint=FILE)
    assert str(caught.value).splitlines() == [
        "error[A808]: the checkpoint `kept.pt` is there already",
        "  = help: go on with --resume, or name another file",
    ]
    assert FILE.read_bytes() == before


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_checkpoint_that_is_cut_short(share: float) -> None:
    break_off(SGD, 1)
    whole = FILE.read_bytes()
    FILE.write_bytes(whole[: int(len(whole) * share)])
    text = problem()
    assert text.startswith("error[A807]: `kept.pt` cannot be resumed: ")
    assert len(text.splitlines()) == 1
    assert len(FILE.read_bytes()) == int(len(whole) * share), "it is left as it is"


def test_a_checkpoint_with_a_byte_changed() -> None:
    break_off(SGD, 1)
    data = bytearray(FILE.read_bytes())
    place = data.index(b"PK\x05\x06") - 60  # in the list of what the archive has
    data[place] ^= 0xFF
    FILE.write_bytes(data)
    assert problem().startswith("error[A807]: `kept.pt` cannot be resumed")


class Malicious:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("touched"),))


@pytest.mark.parametrize("write", [torch.save, lambda o, p: p.write_bytes(pickle.dumps(o))])
def test_nothing_in_a_checkpoint_is_run(write: Any) -> None:
    write({"format": 1, "model": Malicious()}, FILE)
    text = problem()
    assert text.startswith("error[A807]: `kept.pt` cannot be resumed: it ")
    assert not Path("touched").exists()
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize(
    "content",
    [
        {"linear1.weight": torch.zeros(2)},
        [1, 2],
        torch.zeros(3),
        {"format": 1, "of": {"network": "x"}, "progress": {}},
        {"format": 1, "of": None, "progress": None},
    ],
)
def test_a_file_of_another_kind(content: Any) -> None:
    torch.save(content, FILE)
    assert problem() == ("error[A807]: `kept.pt` cannot be resumed: it is a file of another kind")


def test_a_text() -> None:
    FILE.write_text("epochs\n")
    assert problem().endswith("cannot be resumed: it was not written by torch.save")


def test_a_later_format(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "FORMAT", 2)
        patch.setattr(checkpoint, "VERSION", "9.1")
        break_off(SGD, 1)
    assert problem().endswith("archdsl 9.1 wrote it, in another format")


def test_states_that_do_not_fit() -> None:
    """Right at the top and wrong below: a file that somebody has changed."""
    break_off(SGD, 1)
    content = torch.load(FILE, weights_only=True)
    del content["model"]["conv1.weight"]
    torch.save(content, FILE)
    assert problem().endswith("its states are not those of such a network")


@pytest.mark.parametrize("word", ["sparse or nested", "complex", "without values"])
def test_tensors_that_no_network_has(word: str) -> None:
    changes = {"sparse or nested": torch.Tensor.to_sparse, "complex": lambda t: t.to(torch.cfloat)}
    break_off(SGD, 1)
    content = torch.load(FILE, weights_only=True)
    change = changes.get(word, lambda t: t.to("meta"))
    content["model"]["conv1.weight"] = change(content["model"]["conv1.weight"])
    torch.save(content, FILE)
    assert f"its tensor `model.conv1.weight` is {word}" in problem()


def test_a_checkpoint_that_is_compressed() -> None:
    break_off(SGD, 1)
    with zipfile.ZipFile(FILE) as first:
        records = {name: first.read(name) for name in first.namelist()}
    with zipfile.ZipFile(FILE, "w", zipfile.ZIP_DEFLATED) as second:
        for name, record in records.items():
            second.writestr(name, record)
    assert "its records are compressed, which torch" in problem()


def test_a_checkpoint_of_another_training() -> None:
    break_off(SGD, 1)
    ends = {
        "`lr` was 0.05, and is 0.1 now": problem(replace(SGD, lr=0.1)),
        "`epochs` was 4, and is 9 now": problem(replace(SGD, epochs=9)),
        "`clip` was nothing, and is 1.0 now": problem(replace(SGD, clip=1.0)),
    }
    given = {"checkpoint": FILE, "resume": True}
    for reason, call in {
        "`seed` was 3, and is 4 now": lambda: train_candidate(
            network(NORMED), splits(), SGD, 4, **given
        ),
        "it is of another network": lambda: train_candidate(
            network(NORMED, width=8), splits(), SGD, 3, **given
        ),
        "it was trained on other data, or on another split of it": lambda: train_candidate(
            network(NORMED), splits(validation=28), SGD, 3, **given
        ),
    }.items():
        with pytest.raises(ArchError) as caught:
            call()
        ends[reason] = without_help(caught.value)
        assert "give the arguments it was begun with" in str(caught.value)
    for reason, text in ends.items():
        assert text == (f"error[A807]: `kept.pt` cannot be resumed: {reason}")


def test_a_module_without_a_spec() -> None:
    """Its tensors' shapes say which it is."""
    recipe = Recipe(epochs=1, batch=16)
    train(network(NORMED).build(), splits(), recipe, 0, checkpoint=FILE)
    train(network(NORMED).build(), splits(), recipe, 0, checkpoint=FILE, resume=True)
    with pytest.raises(ArchError, match="it is of another network"):
        train(network(NORMED, width=8).build(), splits(), recipe, 0, checkpoint=FILE, resume=True)


# ---------------------------------------------------------------------------- writing


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the file; the checkpoint before it stays, and is gone on with."""
    break_off(SGD, 2)
    before = FILE.read_bytes()

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        text = problem()
    assert text == "error[A008]: `kept.pt` cannot be written: no space left on device"
    assert FILE.read_bytes() == before and list(Path().iterdir()) == [FILE]
    _, outcome = candidate(SGD, checkpoint=FILE, resume=True)
    assert numbers(outcome) == numbers(candidate(SGD)[1])


def test_an_interruption_while_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    break_off(SGD, 2)
    before = FILE.read_bytes()

    def interrupt(handle: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(os, "fsync", interrupt)
        candidate(SGD, checkpoint=FILE, resume=True)
    assert FILE.read_bytes() == before and list(Path().iterdir()) == [FILE]


def test_what_is_kept() -> None:
    arch, data = network(NORMED), splits()
    module, outcome = train_candidate(arch, data, SGD, 3, checkpoint=FILE)
    of = identity(module, data, SGD, 3, arch)
    assert json.dumps(of.recipe) and "arch normed" in of.spec
    progress, states = restore(FILE, of, torch.device("cpu"))
    assert progress.epochs == outcome.epochs
    assert progress.images == 4 * 64
    assert set(states) >= {"model", "optimizer", "scaler"}
