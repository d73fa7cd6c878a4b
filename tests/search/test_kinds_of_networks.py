"""Kinds among what is varied: wide against deep is asked within each, and on average."""

from pathlib import Path

import archdsl
from archdsl import parse
from archdsl.diagnostics.source import Source
from archdsl.search.asked import Asked
from archdsl.search.categories import kind_of, kinds
from archdsl.search.outcome import results
from archdsl.search.reading import read_search
from archdsl.search.request import SearchRequest

SPEC = parse(
    """arch a(depth = 2 in 1..8, width = 8 in 1..64, act = relu in {relu, silu}, classes = 10)
input 1x8x8
repeat depth { conv(width, 3) -> bn -> act }
global_avgpool -> linear(classes)
""",
    "a.arch",
)
ASKED = """search x
spec a
vary depth in {1, 4}, act
hold macs = 30K within 30% by width
trials 4
seeds 1 then 3
"""


def asked(vary: str) -> SearchRequest:
    text = f"search x\nspec a\nvary {vary}\ndata digits\n"
    return read_search(Source("x.search", text), Path(), spec=SPEC)


def test_each_kind_has_an_answer_of_its_own() -> None:
    """Deep is better with one activation, wide with the other."""

    def train(candidate: Asked) -> float:
        depth = candidate.architecture.knobs["depth"]
        sign = 1 if "silu" in candidate.shape else -1
        return 0.8 + sign * depth / 50 + candidate.seed % 3 / 1000

    search = archdsl.Search(ASKED, SPEC)
    search.run(train)
    said = search.verdict
    assert [(p.kind, p.slice, p.word) for p in said.slices] == [
        ("act relu", "30K macs with act relu", "wider"),
        ("act silu", "30K macs with act silu", "deeper"),
    ]
    assert [[a.shape for a in p.arms] for p in said.slices] == [
        ["depth = 4, act = relu", "depth = 1, act = relu"],
        ["depth = 4, act = silu", "depth = 1, act = silu"],
    ]
    assert all(arm.seeds == 3 for part in said.slices for arm in part.arms)
    assert said.average is not None and said.average.word == "depends on the kind"
    assert said.growth is None
    text = search.words
    assert "At 30K multiply-adds with act relu, depth 1 beats depth 4 by 6.0 ± 0.3 points" in text
    assert "At 30K multiply-adds with act silu, depth 4 beats depth 1 by 6.0 ± 0.3 points" in text
    assert (
        "Over the 2 kinds together there is no one answer: the answer depends on the kind" in text
    )
    assert "With act relu" not in text and "act relu, depth 1 (" not in text
    fair = [line for line in text.split("\n") if "was compared with" in line]
    assert len(fair) == 2 and all(line.count("act ") == 1 for line in fair), fair


def test_looks_go_on_where_a_kind_is_open() -> None:
    seen: dict[str, int] = {}

    def train(candidate: Asked) -> float:
        if candidate.stage == "settle":
            seen[candidate.shape] = seen.get(candidate.shape, 0) + 1
        luck = (candidate.seed * 7 + candidate.architecture.knobs["depth"]) % 5 - 2
        deep = candidate.architecture.knobs["depth"] > 1
        return 0.8 + (0.1 * deep + luck / 1000 if "silu" in candidate.shape else luck / 20)

    archdsl.Search(ASKED.replace("then 3", "then 3..5"), SPEC).run(train)
    assert len(seen) == 4 and set(seen.values()) == {5}


def test_without_a_budget() -> None:
    search = archdsl.Search(ASKED.replace("hold macs = 30K within 30% by width\n", ""), SPEC)
    search.run(lambda c: 0.8 + c.architecture.knobs["depth"] / 50 + c.seed % 3 / 1000)
    assert "With act relu, depth 4 beats depth 1" in search.words
    assert {r.slice for r in results(search._study)} == {"with act relu", "with act silu"}


def test_which_kinds_there_are() -> None:
    found = kinds(asked("depth in {1, 2}, act"))
    assert found == [("act = relu",), ("act = silu",)]
    assert kind_of("depth = 2, act = silu", found) == "act silu"
    assert kind_of("depth = 2", found) == "", "where it changes nothing"
    assert kinds(asked("depth in {1, 2}")) == []
    assert kinds(asked("act")) == [], "shapes of kinds alone are compared with each other"


def test_kinds_of_one_depth_are_compared_with_each_other() -> None:
    """A number that changes no depth leaves nothing to order."""
    search = archdsl.Search(
        ASKED.replace(
            "depth in {1, 4}, act\nhold macs = 30K within 30% by width", "width in {8, 16}, act"
        ),
        SPEC,
    )
    search.run(lambda c: 0.8 + 0.1 * ("silu" in c.shape) + c.seed % 3 / 1000)
    (part,) = search.verdict.slices
    assert part.word == "equivalent" and not part.kind
    assert {a.shape.rpartition(", ")[2] for a in part.arms} == {"act = silu"}
