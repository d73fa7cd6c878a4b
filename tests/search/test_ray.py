"""Trials on a Ray cluster: several nodes on this machine, one killed in the midst of a trial, and
a leader that is killed and resumed."""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_search import TinySearch, is_alive, kill, wait_for

from archdsl.modelcard import card_in

HAS_RAY = importlib.util.find_spec("ray") is not None
SMALL = {"object_store_memory": 80 * 2**20}  # bytes, of a node
SEARCH = """
search tiny
spec "tiny.arch"
vary depth in {1, 2}
hold macs = 40K within 20% by width
data digits
train epochs = 2, batch = 256, lr = 0.3
seeds 1 then 1
trials 2
"""


@pytest.fixture
def search(tmp_path: Path) -> Iterator[TinySearch]:
    tiny = TinySearch(tmp_path / "search")
    tiny.write("tiny.search", SEARCH)
    yield tiny
    tiny.close()


BAD: dict[str, tuple[list[str], str]] = {
    "address of local": (["--address", "auto"], "--address is for --engine ray"),
    "share of local": (["--gpus", "1"], "--gpus is for --engine ray"),
    "device": (["--engine", "ray", "--device", "cpu"], "--device is for --engine local"),
    "no workers": (["--engine", "ray", "--workers", "0"], "at least one"),
    "another engine": (["--engine", "dask"], "'dask' is not one of 'local', 'ray'"),
}


@pytest.mark.parametrize("case", BAD)
def test_options_that_do_not_go_together(search: TinySearch, case: str) -> None:
    options, said = BAD[case]
    ran = search.search_here(*options)
    assert ran.code == 2 and said in ran.text
    assert not search.study.exists()


def test_what_is_measured_here_is_not_trained_there(search: TinySearch) -> None:
    search.write("tiny.search", SEARCH.replace("macs = 40K", "latency = 0.001"))
    ran = search.search_here("--engine", "ray")
    assert ran.code == 2
    assert "latency would be measured on this machine, and not where Ray trains" in ran.text


@pytest.mark.skipif(not HAS_RAY, reason="Ray is not installed")
@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.0.0.1:port", "nowhere"])
def test_a_cluster_that_does_not_answer(search: TinySearch, address: str) -> None:
    ran = search.search_here("--engine", "ray", "--address", address)
    assert ran.code == 1
    assert f"error[A733]: there is no Ray cluster at `{address}`: " in ran.text
    assert not search.study.exists()


def test_without_ray_it_says_what_to_install(
    search: TinySearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    ran = search.search_here("--engine", "ray")
    assert ran.code == 1 and "`pip install ray`" in ran.text


@pytest.fixture
def nodes(search: TinySearch, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A head that trains nothing; its processes find the layer of the search."""
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("PYTHONPATH", str(search.folder))
    from ray.cluster_utils import Cluster

    quick = {
        "health_check_initial_delay_ms": 0,
        "health_check_period_ms": 500,
        "health_check_timeout_ms": 2000,
        "health_check_failure_threshold": 3,
    }
    head = {"num_cpus": 0, "include_dashboard": False, "_system_config": quick, **SMALL}
    with chdir(search.folder):
        cluster = Cluster(initialize_head=True, head_node_args=head)
    yield cluster
    cluster.shutdown()


@pytest.mark.slow
@pytest.mark.quiet
@pytest.mark.skipif(not HAS_RAY, reason="Ray is not installed")
def test_a_leader_and_a_node_are_killed(search: TinySearch, nodes: Any) -> None:
    def add() -> Any:
        with chdir(search.folder):
            return nodes.add_node(num_cpus=1, **SMALL)

    options = ("--engine", "ray", "--address", nodes.address, "--workers", "1")
    first = add()
    search.wish("pause")
    leader = search.search(*options)
    trial = search.paused()
    kill(leader.pid)
    wait_for(lambda: not is_alive(trial))  # nobody waits for it

    resumed = search.search(*options, "--resume")
    trial = search.paused(besides=(trial,))
    add()
    nodes.remove_node(first, allow_graceful=False)
    if is_alive(trial):
        kill(trial)
    search.unwish()
    ran = search.ended(resumed)
    assert ran.code == 0, ran.err
    assert "best: depth = " in ran.out
    rows = search.rows()
    assert len(search.results()) == 4
    lost = [row for row in rows if not row.is_result]
    assert len(lost) == 1, "the leader's; Ray has run again what the node had"
    assert all(len(row.curve) == 2 for row in rows if row.is_result)


@pytest.mark.slow
@pytest.mark.quiet
@pytest.mark.skipif(not HAS_RAY, reason="Ray is not installed")
def test_several_processes_train_each_trial_on_ray(search: TinySearch, nodes: Any) -> None:
    """And in its first epoch a trial says how far it is."""
    text = SEARCH.replace("seeds 1 then 1", "seeds 1").replace("batch = 256", "batch = 16")
    search.write("tiny.search", text)
    with chdir(search.folder):
        nodes.add_node(num_cpus=2, **SMALL)
    search.wish("pause")
    leader = search.search("--engine", "ray", "--address", nodes.address, "--ranks", "2")
    ranks = [search.paused()]
    ranks.append(search.paused(besides=tuple(ranks)))
    assert all(map(is_alive, ranks))
    search.wish("slow")
    row = search.within_the_first_epoch()
    assert row.reached[0] is not None and 0 < row.reached[0] < 1
    search.unwish()
    ran = search.ended(leader)
    assert ran.code == 0, ran.err
    assert len(search.results()) == 2 and all(len(row.curve) == 2 for row in search.rows())


MINE = """
import os

import torch


def train(candidate):
    if candidate.settings["lr"] > 0.5:
        raise RuntimeError("the rate is too high")
    open(f"{os.getpid()}.trained", "w").close()
    with torch.no_grad():
        for weight in candidate.module.parameters():
            weight.fill_(candidate.seed)
    candidate.describe(range(10), 0.5, 0.25, data="mine")
    for step in 1, 2, 3:
        candidate.report(step, step / 10)
    return {"accuracy": torch.tensor([True, False, True]).float(), "other": 3}
"""
OWN = """
search tiny
spec "tiny.arch"
vary depth in {1, 2}
train with "mine.py", epochs = 3
tune lr in {0.1, 0.9}
seeds 1
trials 4
"""


@pytest.mark.slow
@pytest.mark.quiet
@pytest.mark.skipif(not HAS_RAY, reason="Ray is not installed")
def test_a_training_of_ones_own_on_ray(search: TinySearch, nodes: Any) -> None:
    search.write("mine.py", MINE)
    search.write("tiny.search", OWN)
    with chdir(search.folder):
        nodes.add_node(num_cpus=1, **SMALL)
    ran = search.ended(
        search.search(
            *("--allow-python", "mine.py", "--workers", "1"),
            *("--engine", "ray", "--address", nodes.address),
        )
    )
    assert ran.code == 0, ran.err
    rows = search.rows()
    workers = {row.worker.partition(":")[2] for row in rows}
    trained = {path.stem for path in search.folder.glob("*.trained")}
    assert trained and not trained & workers, "processes of Ray train"
    by_rate = {0.1: "done", 0.9: "failed"}
    assert {row.setting: row.state for row in rows} == {f"lr = {k}": v for k, v in by_rate.items()}
    for row in rows:
        if row.state == "failed":
            assert (row.failure, row.cause) == ("error", "RuntimeError: the rate is too high")
        elif row.same_as is None:
            assert row.curve == ((1, 0.1), (2, 0.2), (3, 0.3))
            assert row.accuracy == pytest.approx(2 / 3)
    kept = next((search.study / "weights").glob("*.pt"))  # of the best
    state = torch.load(kept, weights_only=True)
    filled = [value for name, value in state.items() if name.endswith(".weight")]
    assert filled and all((value == filled[0].flatten()[0]).all() for value in filled)
    assert filled[0].flatten()[0] > 0, "by the seed"
    card = card_in(kept)
    assert card is not None and (card.classes[3], card.mean, card.data) == ("3", (0.5,), "mine")
