"""More than two shapes settle: `settle 3`."""

import json
from unittest.mock import patch

import pytest

import archdsl
from archdsl import ArchError
from archdsl.cli.output import say_below
from archdsl.diagnostics.source import Source
from archdsl.search.asked import Asked
from archdsl.search.reading import read_search
from archdsl.search.request import SearchRequest

ASKED = """
search x
spec wide_resnet
vary depth in {10, 16, 22, 28}
hold macs = 60M within 5% by width
settle 3
seeds 1 then 4
trials 4
"""
READ = "search x\nspec wide_resnet\nvary depth\ndata digits\n"
MEANS = {"depth = 10": 0.90, "depth = 16": 0.89, "depth = 22": 0.80, "depth = 28": 0.70}


def train(asked: Asked) -> float:
    luck = 0.001 * ((asked.seed * 7 + len(asked.shape)) % 5 - 2)
    return MEANS[asked.shape] + luck * (asked.stage == "settle")


def test_the_best_the_best_of_the_other_half_and_the_best_of_the_rest() -> None:
    search = archdsl.Search(ASKED)
    trained: dict[str, int] = {}

    def counted(asked: Asked) -> float:
        if asked.stage == "settle":
            trained[asked.shape] = trained.get(asked.shape, 0) + 1
        return train(asked)

    search.run(counted)
    assert trained == {"depth = 10": 4, "depth = 22": 4, "depth = 16": 4}
    (part,) = search.verdict.slices
    assert [arm.shape for arm in part.arms] == ["depth = 22", "depth = 10", "depth = 16"]
    assert (part.word, part.best) == ("wider", "depth = 10")
    assert [(p.first, p.second, p.word) for p in part.pairs] == [
        ("depth = 22", "depth = 16", "depth = 16"),
        ("depth = 10", "depth = 16", "depth = 10"),
    ]
    lines = search.words.splitlines()
    assert lines[0].startswith("At 60M multiply-adds, depth 10 beats depth 22 by 10.0 ± ")
    further = [line for line in lines if line.startswith("  depth") and " beats " in line]
    assert [line.partition(" points")[0].partition(" ±")[0] for line in further] == [
        "  depth 10 beats depth 16 by 1.0",
        "  depth 16 beats depth 22 by 9.0",
    ], "the best shape first"
    assert "was compared with depth 10 (" in search.words and ") and depth 16 (" in search.words


def test_what_json_has_of_them() -> None:
    from archdsl.verdict import from_json, to_json

    search = archdsl.Search(ASKED)
    search.run(train)
    plain = json.loads(json.dumps(to_json(search.verdict)))
    assert plain["question"]["arms"] == 3 and len(plain["slices"][0]["pairs"]) == 2
    assert from_json(plain) == search.verdict


def test_a_slice_goes_on_while_any_two_are_open() -> None:
    """Depths 10 and 22 are told apart at the first look, 10 and 16 never."""
    looked = ASKED.replace("seeds 1 then 4", "seeds 1 then 3..8")
    alike = MEANS | {"depth = 16": 0.90}
    search = archdsl.Search(looked)

    def near(asked: Asked) -> float:
        luck = 0.01 * ((asked.seed * 7 + len(asked.shape)) % 5 - 2)
        return alike[asked.shape] + luck * (asked.stage == "settle")

    search.run(near)
    (part,) = search.verdict.slices
    assert [arm.seeds for arm in part.arms] == [8, 8, 8]
    assert part.word == "wider" and part.pairs[1].word == "no evidence"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("settle 1\nseeds 1 then 4", "a whole number from 2 to 6"),
        ("settle 7\nseeds 1 then 4", "a whole number from 2 to 6"),
        ("settle 3\nsettle 3\nseeds 1 then 4", "`settle` is given twice"),
        ("settle 3", "add `seeds 1 then 10`"),
        ("settle 3\nmaximize accuracy\nminimize macs", "settles nothing: leave out `settle`"),
    ],
)
def test_mistakes(text: str, expected: str) -> None:
    with pytest.raises(ArchError) as caught:
        asked(text)
    assert expected in caught.value.diagnostics[0].message


def asked(text: str) -> SearchRequest:
    return read_search(Source("x.search", f"{READ}{text}\n"), None)


def test_two_settle_where_nothing_is_said() -> None:
    assert asked("seeds 1 then 4").arms == 2
    assert asked("settle 2\nseeds 1 then 4").arms == 2


@pytest.mark.parametrize("width", [40, 80])
def test_lines_below_are_wrapped(width: int, capsys: pytest.CaptureFixture[str]) -> None:
    told = (
        "  depth 10 beats depth 16 by 1.0 ± 0.3 points (4 seeds each, p < 0.001); a repetition can"
        " expect 1.0 points"
    )
    with patch("archdsl.cli.output.columns", lambda: width):
        say_below(told)
    first, *more = capsys.readouterr().out.splitlines()
    assert first.startswith("  depth 10 beats depth 16") and more
    assert all(line.startswith("    ") for line in more)
    assert max(map(len, [first, *more])) <= width
    assert " ".join(line.strip() for line in [first, *more]) == told.strip()
