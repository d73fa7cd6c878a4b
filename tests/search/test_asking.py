"""`archdsl.Search`: asking and telling, by the rules of a search on the command line."""

import gc
from pathlib import Path
from typing import Any

import optuna
import pytest
from searches import TINY

import archdsl
from archdsl import ArchError, parse

TEXT = """search asked
spec a
vary depth in {1, 2, 4}
tune lr in 0.1..1
seeds 1 then 3
trials 6
"""


def search(text: str = TEXT, **how: Any) -> archdsl.Search:
    return archdsl.Search(text, parse(TINY, "a.arch"), **how)


def score(candidate: Any) -> float:
    depth: int = candidate.architecture.depth
    return 0.5 + depth / 100 + candidate.seed % 7 / 1000


def test_ask_and_tell_go_to_the_verdict() -> None:
    with search() as asked:
        stages = []
        while (candidate := asked.ask()) is not None:
            stages.append((candidate.stage, candidate.shape))
            asked.tell(candidate, {"accuracy": score(candidate), "test": 0.25})
        assert asked.stage == "done" and asked.ask() is None
        assert [s for s, _ in stages] == ["explore"] * 6 + ["settle"] * 6
        (part,) = asked.verdict.slices
        assert part.word == "deeper" and {a.shape for a in part.arms} == {"depth = 4", "depth = 2"}
        assert "depth 4" in asked.words and "test 25" in asked.words
        folder = asked.folder
        assert folder.is_dir()
    assert not folder.exists(), "without a name it is kept nowhere"


def test_who_closes_nothing_leaves_nothing() -> None:
    """Nor is anything printed when a program ends."""
    asked = search()
    folder = asked.folder
    assert folder.is_dir()
    del asked
    gc.collect()
    assert not folder.exists()


def test_run_is_the_same_as_ask_and_tell(tmp_path: Path) -> None:
    seen: list[list[tuple[Any, ...]]] = []
    for place in ("a", "b"):
        mine: list[tuple[Any, ...]] = []
        with search(study=tmp_path / place) as asked:

            def train(candidate: Any, mine: list[tuple[Any, ...]] = mine) -> float:
                mine.append((candidate.shape, candidate.seed, dict(candidate.settings)))
                return score(candidate)

            if place == "a":
                asked.run(train)
            else:
                while (candidate := asked.ask()) is not None:
                    asked.tell(candidate, train(candidate))
        seen.append(mine)
    assert seen[0] == seen[1] and len(seen[0]) == 12
    study = archdsl.study(tmp_path / "a")
    assert study.verdict is not None and study.verdict.slices[0].word == "deeper"
    assert study.architecture(study.best).depth == 5


def test_several_are_asked_for_at_once() -> None:
    with search() as asked:
        first = [asked.ask() for _ in range(6)]
        assert None not in first and asked.ask() is None, "settling waits for what was explored"
        assert asked.stage == "explore"
        for candidate in reversed(first):
            assert candidate is not None
            asked.tell(candidate, score(candidate))
        later = asked.ask()
        assert later is not None and later.stage == "settle" and later.seed > 1000


def test_it_goes_on_where_it_was_left(tmp_path: Path) -> None:
    with search(study=tmp_path / "x") as asked:
        told = asked.ask()
        assert told is not None
        asked.tell(told, 0.5)
        lost = asked.ask()
        assert lost is not None
    with pytest.raises(ArchError, match="there already"):
        search(study=tmp_path / "x")
    with search(study=tmp_path / "x", resume=True) as again:
        names = []
        while (candidate := again.ask()) is not None:
            names.append((candidate.shape, candidate.seed, candidate.settings["lr"]))
            again.tell(candidate, score(candidate))
        assert (lost.shape, lost.seed, lost.settings["lr"]) in names
        assert (told.shape, told.seed, told.settings["lr"]) not in names and len(names) == 11
    with pytest.raises(ArchError) as caught:
        search(TEXT.replace("0.1..1", "0.1..2"), study=tmp_path / "x", resume=True)
    assert caught.value.diagnostics[0].code == "A712"


def test_what_is_no_score_is_kept_with_its_cause(tmp_path: Path) -> None:
    with search(study=tmp_path / "x") as asked:
        one, two, three = asked.ask(), asked.ask(), asked.ask()
        assert one is not None and two is not None and three is not None
        with pytest.raises(ValueError, match="the search asks for `accuracy`, and `acc` was told"):
            asked.tell(one, {"acc": 0.5})
        with pytest.warns(UserWarning, match="`accuracy` is a share from 0 to 1"):
            asked.tell(one, {"accuracy": 50})  # it was asked for still
        asked.fail(two, "the node is gone")
        asked.prune(three)
        with pytest.raises(ValueError, match="told already"):
            asked.tell(three, 0.5)
    rows = archdsl.study(tmp_path / "x").rows
    assert [r.state for r in rows[:3]] == ["failed", "failed", "pruned"]
    assert (rows[1].failure, rows[1].cause) == ("error", "the node is gone")


def test_what_a_function_raises() -> None:
    def train(candidate: Any) -> float:
        if candidate.number == 1:
            raise OSError("no space left")
        if candidate.number == 2:
            raise optuna.TrialPruned
        return score(candidate)

    with search() as asked:
        assert asked.run(train).stage == "done"

    def never(candidate: Any) -> float:
        raise OSError("no space left")

    with search() as asked, pytest.raises(ArchError, match=r"A716\]: 5 trials in a row failed: "):
        asked.run(never)


def test_budgets_hold() -> None:
    text = TEXT.replace("tune lr in 0.1..1\n", "hold macs = {20K, 40K} within 20% by width\n")
    with search(text) as asked:
        macs = {}
        while (candidate := asked.ask()) is not None:
            macs.setdefault(candidate.slice, []).append(candidate.architecture.macs)
            asked.tell(candidate, score(candidate))
        assert set(macs) == {"20K macs", "40K macs"}
        for name, budget in (("20K macs", 20e3), ("40K macs", 40e3)):
            assert all(abs(m / budget - 1) <= 0.2 for m in macs[name])


def test_data_are_left_out() -> None:
    with pytest.raises(ArchError, match="leave out `data`"):
        search(TEXT + "data digits\n")
