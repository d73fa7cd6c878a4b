"""Turns of a search: which are queued, which are taken out, how they are counted and shown; and the
study without a result that is no hindrance."""

from collections import Counter
from pathlib import Path

import pytest
from fake_training import begun
from optuna.trial import TrialState

from archdsl import ArchError
from archdsl.cli.live import JsonLines, LinesView, Tried, line
from archdsl.registry import REGISTRY
from archdsl.search.leader import SearchProgress
from archdsl.search.opened import make_study
from archdsl.search.plan import queue_exploration
from archdsl.search.reach import survey
from archdsl.search.request import Objective
from archdsl.search.rows import EXPLORE, SETTLE, Row

pytestmark = pytest.mark.quiet
ASKED = "vary depth in {1, 2, 4, 8}\ntune lr in 0.05..1 log\ntrials 12\ntrain epochs = 1\n"


def test_a_study_without_a_result_gives_way(tmp_path: Path) -> None:
    """What a mistake has left: the mended search begins anew, once nobody is at work there."""
    before = begun(tmp_path, ASKED)
    slice = before.space.slices[0].name
    part = before.parts[EXPLORE, slice]
    failed = part.ask()
    failed.set_user_attr("turn", 0)
    part.tell(failed, state=TrialState.FAIL)
    after = make_study(before.card, before.folder, None, REGISTRY)
    assert after.rows() == [] and after.search.trials == before.search.trials
    running = after.parts[EXPLORE, slice].ask()
    running.set_user_attr("turn", 0)
    with pytest.raises(ArchError, match="there already, with 0 finished trials"):
        make_study(before.card, before.folder, None, REGISTRY)
    after.parts[EXPLORE, slice].tell(running, 0.5)
    with pytest.raises(ArchError, match=r"there already, with 1 finished trial\n"):
        make_study(before.card, before.folder, None, REGISTRY)


def test_a_search_goes_on_with_fewer_trials(tmp_path: Path) -> None:
    """What is queued beyond them is taken out, and comes again if it is wanted again."""
    study = begun(tmp_path, ASKED)
    reaches = survey(study.space)
    all = queue_exploration(study, reaches)

    def states() -> Counter[str]:
        return Counter(row.failure or row.state for row in study.rows(EXPLORE))

    assert states() == {"waiting": all}
    study.search.trials = 4
    assert queue_exploration(study, reaches) == 4
    assert states() == {"waiting": 4, "dropped": all - 4}
    assert not any(row.is_failure for row in study.rows())
    study.search.trials = 8
    assert queue_exploration(study, reaches) == 8
    assert states() == {"waiting": 8, "dropped": all - 4}


BUDGETS = "vary depth in {1, 2, 3, 4, 5}\nhold macs = {20K, 30K, 40K} within 40% by width\n"


def of_shapes(tmp_path: Path, asked: str) -> dict[str, list[str]]:
    """The shapes of the turns that are queued, by their slices; none where a sampler has them."""
    study = begun(tmp_path, f"{BUDGETS}{asked}\ntrain epochs = 1\n")
    reaches = survey(study.space)
    assert [len(reach.candidates or ()) for reach in reaches] == [5, 5, 5]
    queue_exploration(study, reaches)
    found: dict[str, list[str]] = {}
    for row in study.rows(EXPLORE):
        found.setdefault(row.slice, []).append(row.shape)
    return found


def test_budgets_share_turns_that_are_too_few_for_each(tmp_path: Path) -> None:
    """Four of five depths at each of three budgets: each depth at two or three of them."""
    found = of_shapes(tmp_path, "tune lr in 0.05..1 log\ntrials 12")
    assert {slice: [s[-1] for s in shapes] for slice, shapes in found.items()} == {
        "20K macs": ["1", "2", "3", "4"],
        "30K macs": ["2", "3", "4", "5"],
        "40K macs": ["4", "5", "1", "2"],
    }


@pytest.mark.parametrize(("asked", "shapes"), [
    ("tune lr in 0.05..1 log\ntrials 30", 10),  # each at each budget twice
    ("tune lr in 0.05..1 log\ntrials 9", 0),  # too few for two of each shape
    ("tune lr in {0.1, 0.2, 0.3}\ntrials 12", 0),  # no curve goes through settings
    ("tune lr in 0.05..1 log\ntrials 12\nsampler random", 0),
])  # fmt: skip
def test_else_budgets_are_explored_one_by_one(tmp_path: Path, asked: str, shapes: int) -> None:
    found = of_shapes(tmp_path, asked)
    assert all(len([s for s in of if s]) == shapes for of in found.values())


def test_lines_have_the_numbers_of_trials(capsys: pytest.CaptureFixture[str]) -> None:
    """Also where a turn was drawn again or broken off, and in settling."""

    def row(turn: int, state: str = "done", failure: str = "", stage: str = EXPLORE) -> Row:
        return Row(0, "all", stage, state, turn, 1, f"depth = {turn}", failure=failure,
                   values=(0.5,), accuracy=0.5, trial=turn + 1)  # fmt: skip

    view = LinesView()
    news = [row(2), row(3, "failed", "unreachable"), row(3, "failed", "interrupted")]
    view.show(SearchProgress(EXPLORE, news, 0, 2, 5, None, 0.0, None, trials=5))
    more = [row(3), row(4, "failed", "lost")]
    view.show(SearchProgress(EXPLORE, more, 0, 0, 5, None, 0.0, None, trials=5))
    view.show(SearchProgress(SETTLE, [row(5, stage=SETTLE)], 0, 3, 4, None, 0.0, None, trials=9))
    assert [line.split("  ")[0] for line in capsys.readouterr().out.splitlines()] == [
        "3/5", "4/5", "4/5", "5/5", "6/9"
    ]  # fmt: skip
    assert line(news[2]) == "all  depth = 3  seed 1  interrupted"


def test_what_had_ended_before_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    row = Row(0, "all", EXPLORE, "done", 0, 1, "depth = 1\x1b[2J", values=(0.5,), accuracy=0.5)
    for view in (LinesView(), JsonLines()):
        view.show(SearchProgress(EXPLORE, [], 0, 1, 2, None, 0.0, None, [row]))
        assert capsys.readouterr().out == ""
    LinesView().show(SearchProgress(EXPLORE, [row], 0, 1, 2, None, 0.0, None))
    out = capsys.readouterr().out
    assert "\x1b" not in out and r"\u001b[2J" in out


def test_the_best_so_far_is_the_best_by_the_objective() -> None:
    def tried(minimize: bool) -> Tried:
        found = Tried(Objective("loss", minimize=minimize))
        for number, loss in enumerate((0.5, 0.3)):
            found.add(Row(number, "all", EXPLORE, "done", number, 1, f"depth = {number}",
                          accuracy=1 - number / 2, values=(loss,)))  # fmt: skip
        return found

    assert tried(True).best == ("depth = 1", 0.3, 1)
    assert tried(False).best == ("depth = 0", 0.5, 1)
