"""Processes that train together, as ``torchrun`` starts them: real ones, on gloo."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from small import PLAIN, network, splits

from archdsl.training.augmentations import Cutout, Flip, RandomCrop
from archdsl.training.loop import evaluate, train_candidate
from archdsl.training.ranks import Ranks, distributed, ranks
from archdsl.training.recipe import Recipe

pytestmark = pytest.mark.quiet

HERE = Path(__file__).parent
RECIPE = Recipe(epochs=3, batch=16, lr=0.03, augment=(RandomCrop(1), Flip(), Cutout(2)), clip=1.0)

# Each process writes what it saw to a file of its own.
SCRIPT = """
import json, sys, weakref
from pathlib import Path
import torch
sys.path.insert(0, sys.argv[1])
from test_ranks import RECIPE, described, train_candidate, network, splits
from small import NORMED, PLAIN
from archdsl import ArchError
from archdsl.training.loop import Ended, evaluate, train
from archdsl.training.outcome import Failure
from archdsl.training.ranks import distributed, ranks
from archdsl.training.recipe import Recipe

torch.set_num_threads(1)
found = {}
try:
    with distributed(torch.device("cpu")) as device:
        team = ranks()
        told, kept = [], Path("kept.pt")

        def tell(epoch):
            told.append(epoch.epoch)

        module, outcome = train_candidate(network(PLAIN), splits(validation=33), RECIPE, 5,
                                          on_epoch=tell, checkpoint=kept)
        data = splits(test=31)
        found["plain"] = described(module, outcome)
        found["test"] = evaluate(module, data.test, data)
        found["told"] = told
        again, repeated = train_candidate(network(PLAIN), splits(validation=33), RECIPE, 5,
                                          checkpoint=kept, resume=True)
        found["again"] = described(again, repeated) == found["plain"]

        normed, scores = train_candidate(network(NORMED), splits(), RECIPE, 5)
        found["normed"] = described(normed, scores)
        found["buffers"] = [b.double().sum().item() for b in normed.buffers()]

        def stop(epoch):
            raise KeyError("stop")

        for name, recipe, callback in (
            ("stopped", RECIPE, stop), ("diverged", Recipe(batch=16, lr=1e20), None),
            ("batch", Recipe(batch=15), None),
        ):
            try:
                train(network(PLAIN).build(), splits(), recipe, 0, on_epoch=callback)
            except (KeyError, Ended, Failure, ArchError) as problem:
                found[name] = f"{type(problem).__name__}: {problem}"
        with team.leader_first():
            found["first"] = team.leads or Path("written").exists()
            Path("written").touch()
        found["agreed"] = [team.agree(team.rank == 1, device), team.agree(False, device)]
        group = weakref.ref(torch.distributed.group.WORLD)
        train(network(PLAIN).build(), splits(), Recipe(batch=16, lr=1e20), 0)
except Failure:
    found["ended"] = group() is None
Path(f"found{team.rank}.json").write_text(json.dumps(found))
"""


def described(module: torch.nn.Module, outcome: Any) -> dict[str, Any]:
    epochs = [[e.loss, e.accuracy, e.train_loss, e.lr] for e in outcome.epochs]
    return {"epochs": epochs, "weights": [p.flatten().tolist() for p in module.parameters()]}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each of two processes saw."""
    folder = tmp_path_factory.mktemp("ranks")
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": "2"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(HERE)],
            cwd=folder,
            env={**os.environ, **place, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    errors = [process.communicate(timeout=300)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], "\n".join(errors)
    return [json.loads((folder / f"found{rank}.json").read_text()) for rank in range(2)]


def test_two_processes_give_the_numbers_of_one(together: list[dict[str, Any]]) -> None:
    """Batch, order and augmentation are the same; sums are added in another order."""
    module, outcome = train_candidate(network(PLAIN), splits(validation=33), RECIPE, 5)
    alone = described(module, outcome)
    data = splits(test=31)
    tested = evaluate(module, data.test, data)
    for found in together:
        for one, two in zip(found["plain"]["epochs"], alone["epochs"], strict=True):
            assert one == pytest.approx(two, rel=1e-4)
        for a, b in zip(found["plain"]["weights"], alone["weights"], strict=True):
            assert a == pytest.approx(b, rel=1e-3, abs=1e-5)
        assert found["test"] == pytest.approx(tested, rel=1e-4)


def test_all_processes_have_the_same_network(together: list[dict[str, Any]]) -> None:
    """Of batch normalisation too: each has statistics of its share, and rank 0's are kept."""
    one, two = together
    for name in ("plain", "normed", "buffers", "test"):
        assert one[name] == two[name], name


def test_the_leader_alone_reports(together: list[dict[str, Any]]) -> None:
    assert [found["told"] for found in together] == [[1, 2, 3], []]


def test_they_go_on_from_a_checkpoint(together: list[dict[str, Any]]) -> None:
    assert [found["again"] for found in together] == [True, True]


def test_they_end_together(together: list[dict[str, Any]]) -> None:
    one, two = together
    assert one["stopped"] == "KeyError: 'stop'"
    assert two["stopped"] == "Ended: the leading process ended the training"
    for found in together:
        assert found["diverged"].startswith("Failure: error[A809]: the loss is not finite")
        assert found["batch"] == (
            "ArchError: error[A806]: a batch of 15 cannot be trained: 2 processes cannot share it "
            "equally"
        )


def test_the_leader_goes_first_and_all_agree(together: list[dict[str, Any]]) -> None:
    assert [found["first"] for found in together] == [True, True]
    assert [found["agreed"] for found in together] == [[True, False]] * 2


def test_nothing_holds_their_group(together: list[dict[str, Any]]) -> None:
    """Not even an error: its threads would run into the end of Python, which can abort it."""
    assert [found["ended"] for found in together] == [True, True]


def test_a_process_alone() -> None:
    with distributed(torch.device("cpu")) as device:
        assert (device, ranks()) == (torch.device("cpu"), Ranks(0, 1))
    assert Ranks().leads and Ranks().share == slice(0, None, 1)
    assert Ranks().agree(True, device) and not Ranks().agree(False, device)
