"""Several workers, several ranks, and the same numbers whoever trains."""

from __future__ import annotations

import signal
import subprocess
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_search import SEARCH, TRIALS, TinySearch, is_alive, kill, wait_for

from archdsl.cli.main import main
from archdsl.diagnostics.model import ArchError
from archdsl.search.snapshot import read_study
from archdsl.search.storage import open_storage
from archdsl.search.team import Team
from archdsl.training.sets import Digits

pytestmark = pytest.mark.quiet


def names(tiny: TinySearch) -> set[int]:
    """The processes that have trained something."""
    return {int(row.worker.partition(":")[2]) for row in tiny.rows() if row.worker}


@pytest.mark.slow
def test_two_workers_share_the_trials(tiny: TinySearch, whole: TinySearch) -> None:
    """And give what one gives."""
    tiny.wish("pause")
    search = tiny.search("--workers", "2")
    first = tiny.paused()
    second = tiny.paused(besides=(first,))
    running = [row for row in tiny.rows() if row.state == "running"]
    assert len({(row.slice, row.turn) for row in running}) == 2, "each has a trial of its own"
    tiny.unwish()
    assert tiny.ended(search).code == 0
    assert names(tiny) == {first, second}
    assert tiny.results() == whole.results()
    assert len([row for row in tiny.rows() if row.state != "failed"]) == TRIALS


@pytest.mark.slow
def test_a_worker_joins_a_folder(tiny: TinySearch, whole: TinySearch) -> None:
    """From another process on the same file system; it ends with the study."""
    tiny.wish("pause", 64)
    search = tiny.search("--workers", "0")
    wait_for(lambda: (tiny.study / "leader.lock").exists() and tiny.database.exists())
    wait_for(lambda: [row for row in tiny.rows() if row.state == "waiting"])
    join = ("worker", "tiny.study", "--allow-python", "watched.py")
    first = tiny.start(*join)
    tiny.paused()
    kill(first.pid)  # by nobody of its own: the lock on its file tells
    second = tiny.start(*join)
    wait_for(lambda: [row for row in tiny.rows() if row.failure == "lost"])
    tiny.unwish(64)
    assert tiny.ended(search).code == 0
    assert tiny.ended(second).code == 0
    assert names(tiny) == {first.pid, second.pid}
    assert tiny.results() == whole.results()


@pytest.mark.slow
def test_a_worker_that_waits_for_no_more(tiny: TinySearch) -> None:
    tiny.wish("pause", 34)
    search = tiny.search()
    tiny.paused()
    search.send_signal(signal.SIGINT)
    tiny.ended(search)
    tiny.unwish(34)
    ran = tiny.run("worker", "tiny", "--idle", "0", "--allow-python", "watched.py")
    assert ran.code == 0
    assert ran.out.splitlines()[-1] == "nothing is queued: the study is not done"
    states = [row.state for row in tiny.rows()]
    assert states.count("done") == 4, "the leader had queued the interrupted one again"
    assert "waiting" not in states
    tiny.finish("--resume")
    assert len(tiny.results()) == TRIALS


@pytest.mark.slow
def test_the_seed_of_a_study_fixes_its_draws(tiny: TinySearch) -> None:
    """Rates are drawn for the same turns, and networks trained to the same numbers."""
    text = SEARCH.replace(", lr = 0.3", "").replace("trials 4", "tune lr in 0.01..1 log\ntrials 6")
    tiny.write("tiny.search", text)
    studies = {}
    for name, seed in (("one", 7), ("two", 7), ("other", 8)):
        ran = tiny.ended(tiny.search("--study", name, "--seed", str(seed)))
        assert ran.code == 0
        studies[name] = of_study(tiny, name)
    assert studies["one"] == studies["two"]
    assert len(studies["one"]) >= 6
    assert not studies["one"].keys() & studies["other"].keys(), "no rate is the same"


def of_study(tiny: TinySearch, name: str) -> dict[tuple[object, ...], tuple[object, ...]]:
    with read_study(str(tiny.folder / name), None, tiny.table) as study:
        rows = study.rows()
    return {
        (row.stage, row.slice, row.turn, row.shape, row.setting, row.seed): (row.values, row.curve)
        for row in rows
    }


@pytest.mark.slow
def test_ranks_train_a_network_together(tiny: TinySearch) -> None:
    """The worker asks Optuna and the ranks train; the same numbers come of it each time."""
    tiny.write("tiny.search", SEARCH.replace("{1, 2}", "{1}").replace("seeds 1 then 2", "seeds 1"))
    studies = []
    for name in ("one", "two"):
        ran = tiny.ended(tiny.search("--ranks", "2", "--study", name))
        assert ran.code == 0, ran.text
        studies.append(of_study(tiny, name))
    assert studies[0] == studies[1]
    assert len(studies[0]) == 2
    assert all(len(curve) == 2 for _, curve in studies[0].values())
    weights = list((tiny.folder / "one.study" / "weights").glob("*.pt"))
    assert len(weights) == 2
    ran = tiny.run("best", "one", "--allow-python", "watched.py")
    assert ran.code == 0
    assert "best.pt: its weights" in ran.out


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--ranks", "2")])
def test_a_long_first_epoch_is_told_of(tiny: TinySearch, options: tuple[str, ...]) -> None:
    asked = SEARCH.replace("{1, 2}", "{1}").replace("seeds 1 then 2", "seeds 1")
    tiny.write("tiny.search", asked.replace("batch = 256", "batch = 16"))
    tiny.wish("slow")
    search = tiny.search(*options)
    row = tiny.within_the_first_epoch()
    done, score, seconds, loss = row.reached
    assert done is not None and 0 < done < 1 and score is None
    assert seconds is not None and 0 < seconds < 600 and loss is not None and 0 < loss < 100
    tiny.unwish()
    assert tiny.ended(search).code == 0
    assert sum(row.is_result for row in tiny.rows()) == 2


@pytest.mark.slow
def test_a_rank_is_lost(tiny: TinySearch) -> None:
    """Its trial is taken up again, and no process is left behind."""
    tiny.write("tiny.search", SEARCH.replace("{1, 2}", "{1}").replace("seeds 1 then 2", "seeds 1"))
    tiny.wish("pause", 64)
    search = tiny.search("--ranks", "2")
    first = tiny.paused()
    second = tiny.paused(besides=(first,))
    kill(first)
    third = tiny.paused(besides=(first, second))
    wait_for(lambda: not is_alive(second))
    tiny.unwish(64)
    ran = tiny.ended(search)
    assert ran.code == 0
    (lost,) = [row for row in tiny.rows() if row.state == "failed"]
    assert (lost.failure, lost.cause) == ("lost", "a rank was lost before there was a result")
    assert sum(row.is_result for row in tiny.rows()) == 2
    wait_for(lambda: not is_alive(third))


@pytest.mark.slow
def test_ranks_end_with_their_worker(tiny: TinySearch) -> None:
    """Also with one that is killed: at the end of their epoch, when nobody hears them."""
    tiny.write("tiny.search", SEARCH.replace("{1, 2}", "{1}").replace("seeds 1 then 2", "seeds 1"))
    tiny.wish("pause", 64)
    search = tiny.search("--ranks", "2")
    ranks = [tiny.paused()]
    ranks.append(tiny.paused(besides=tuple(ranks)))
    (running,) = [row for row in tiny.rows() if row.state == "running"]
    kill(int(running.worker.partition(":")[2]))
    tiny.unwish(64)
    for rank in ranks:
        wait_for(lambda rank=rank: not is_alive(rank))
    assert tiny.ended(search).code == 0
    assert sum(row.is_result for row in tiny.rows()) == 2


def test_each_team_has_gpus_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers with ranks on one machine must not train on the same GPUs."""
    cuda = torch.device("cuda", 0)
    teams = [Team(2, Digits(), Path(), (), place) for place in range(2)]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert [team.gpus(cuda) for team in teams] == [
        {"CUDA_VISIBLE_DEVICES": "0,1"},
        {"CUDA_VISIBLE_DEVICES": "2,3"},
    ]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7,5,3,1")
    assert teams[1].gpus(cuda) == {"CUDA_VISIBLE_DEVICES": "3,1"}
    assert teams[1].gpus(torch.device("cpu")) == {}
    for team in teams:
        team.check(cuda)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    teams[0].check(cuda)
    with pytest.raises(ArchError, match="2 x 2 ranks need a GPU each, and there are 3"):
        teams[1].check(cuda)
    teams[1].check(torch.device("cpu"))


@pytest.mark.parametrize(("given", "threads"), [(None, "2"), ("3", "3")])
def test_threads_of_ranks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str | None, threads: str
) -> None:
    """Ranks share the threads of their worker, which are its share of the cores, but where a number
    is given: a scheduler may have allotted fewer."""
    seen: list[str] = []

    def start(command: list[str], **how: Any) -> None:
        seen.append(how["env"]["OMP_NUM_THREADS"])
        raise FileNotFoundError

    monkeypatch.setattr(subprocess, "Popen", start)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if given is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", given)
    team = Team(2, Digits(), tmp_path)
    with pytest.raises(FileNotFoundError), team.started(tmp_path / "job", torch.device("cpu")):
        pass
    assert seen == [threads]


def test_a_worker_of_ranks_has_a_gpu_of_its_team(monkeypatch: pytest.MonkeyPatch) -> None:
    """It tests what they have trained, and takes the memory of no other team's GPU."""
    asked: list[tuple[str, int]] = []

    def choose(name: str, index: int) -> torch.device:
        asked.append((name, index))
        raise KeyboardInterrupt

    monkeypatch.setattr("archdsl.training.devices.choose_device", choose)
    monkeypatch.setattr("archdsl.cli.worker._led", lambda: -1)
    for words in (["--led", "1"], ["--led", "1", "--ranks", "2"], ["--ranks", "2"]):
        with pytest.raises(SystemExit):
            main(["worker", "tiny", *words])
    assert asked == [("auto", 1), ("auto", 2), ("auto", 0)]


def test_a_database_is_opened_without_a_word(tmp_path: Path) -> None:
    """That heartbeats are an experiment of Optuna's is nothing to a user."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_storage(tmp_path, f"sqlite:///{tmp_path / 'studies.db'}")
        open_storage(tmp_path, None)
