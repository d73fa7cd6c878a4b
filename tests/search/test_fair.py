"""Whether two shapes were compared fairly: costs, places of tuned numbers, times, in words."""

import pytest

import archdsl
from archdsl import parse
from archdsl.registry import REGISTRY
from archdsl.search.asked import Asked
from archdsl.search.fair import Fairness, Side, TunedNumber, told

SPEC = parse(
    """arch a(depth = 2 in 1..8, width = 8 in 1..64, classes = 10)
input 1x8x8
repeat depth { conv(width, 3) -> bn -> relu }
global_avgpool -> linear(classes)
""",
    "a.arch",
)
ASKED = """search x
spec a
vary depth in {1, 4}
hold macs = 30K within 30% by width
tune lr in 0.01..0.1 log
trials 8
seeds 1 then 3
"""
MACS = REGISTRY.costs["macs"]


def sides(
    costs: tuple[float, float] = (5e6, 5e6),
    seconds: tuple[float, float] = (60.0, 60.0),
    ends: tuple[str, str] = ("", ""),
) -> tuple[Side, ...]:
    return tuple(
        Side(
            f"depth = {depth}",
            "lr = 0.05",
            cost,
            time,
            (TunedNumber("lr", 0.05, 0.7, "0.01..0.1", e),),
        )
        for depth, cost, time, e in zip((28, 10), costs, seconds, ends, strict=True)
    )


def test_what_each_has_stands_side_by_side() -> None:
    assert told([Fairness("5M macs", sides())], MACS, True) == [
        "At 5M multiply-adds, depth 28 (5.00M, lr 0.05) was compared with depth 10 (5.00M,"
        " lr 0.05)."
    ]


@pytest.mark.parametrize(
    ("part", "note"),
    [
        (sides(costs=(5.1e6, 5e6)), "depth 28 costs 2.0 % more than depth 10"),
        (sides(costs=(4.5e6, 5e6)), "depth 10 costs 11.1 % more than depth 28"),
        (sides(seconds=(138.0, 60.0)), "depth 28 took 2.3 times as long to train here as depth 10"),
        (sides(seconds=(6.0, 72.0)), "depth 10 took 12 times as long to train here as depth 28"),
        (
            sides(ends=("highest", "")),
            "lr 0.05 of depth 28 is the highest that was tried, of 0.01..0.1: a higher one may be"
            " better",
        ),
        (
            sides(ends=("", "lowest")),
            "lr 0.05 of depth 10 is the lowest that was tried, of 0.01..0.1: a lower one may be"
            " better",
        ),
    ],
)
def test_what_is_noteworthy_is_told(part: tuple[Side, ...], note: str) -> None:
    assert told([Fairness("5M macs", part)], MACS, True)[1:] == [f"  {note}"]


@pytest.mark.parametrize(
    "part",
    [
        sides(costs=(5.05e6, 5e6)),  # the rounding of widths
        sides(seconds=(70.0, 60.0)),
        sides(seconds=(0.9, 0.2)),  # so short that it says nothing
    ],
)
def test_what_is_little_is_not(part: tuple[Side, ...]) -> None:
    assert len(told([Fairness("5M macs", part)], MACS, True)) == 1


def test_a_side_that_always_has_more_is_told() -> None:
    def last(*costs: float) -> str:
        parts = [Fairness(f"{i}M macs", sides(costs=(c, 100.0))) for i, c in enumerate(costs)]
        return told(parts, MACS, True)[-1]

    assert last(101, 101, 101.9) == (
        "In all 3 comparisons the deep shape costs more than the wide one, by 1.3 % on average:"
        " that may be a part of a difference."
    )
    assert "the wide shape costs more than the deep one, by 1.0 %" in last(99, 99, 99)
    assert last(101, 99, 101).startswith("At 2M")
    assert last(101, 101).startswith("At 1M")
    assert "comparisons" not in last(101, 100.02, 101)  # two of them are written alike


def test_nothing_is_said_where_nothing_is_known() -> None:
    bare = tuple(Side(f"depth = {d}", "", None, None, ()) for d in (4, 2))
    assert told([Fairness("", bare)], None, True) == []


def test_of_a_study() -> None:
    """Scores that rise with the learning rate: the best is the highest that was tried."""

    def train(candidate: Asked) -> float:
        return 0.5 + candidate.settings["lr"] + candidate.architecture.knobs["depth"] / 100

    search = archdsl.Search(ASKED, SPEC)
    search.run(train)
    sentence, *notes = search.words.split("\n")[-3:]
    assert sentence.startswith("At 30K multiply-adds, depth 4 (29.99K, lr ")
    assert "of depth 4 is the highest that was tried, of 0.01..0.1 log: a higher" in notes[0]
    assert "of depth 1 is the highest that was tried, of 0.01..0.1 log: a higher" in notes[1]
