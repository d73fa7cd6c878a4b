"""Looking at the fresh seeds several times: `seeds 2 then 3..20`, and `target 0.5 points`."""

from pathlib import Path

import pytest

import archdsl
from archdsl import ArchError
from archdsl.diagnostics.source import Source
from archdsl.search.asked import Asked
from archdsl.search.outcome import looks_of
from archdsl.search.reading import read_search
from archdsl.search.request import SearchRequest

ASKED = """
search x
spec wide_resnet
vary depth in {10, 16}
hold macs = {30M, 60M} within 5% by width
seeds 1 then 3..20
target 0.5 points
trials 4
"""
READ = "search x\nspec wide_resnet\nvary depth\ndata digits\n"


def trained(gap: float, spread: float) -> tuple[archdsl.Search, dict[str, int]]:
    """A search whose depths differ by ``gap``, and the fresh seeds that each slice took."""
    seen: dict[str, int] = {}

    def train(asked: Asked) -> float:
        if asked.stage == "settle":
            seen[asked.slice] = seen.get(asked.slice, 0) + 1
        luck = spread * ((asked.seed * 7 + len(asked.shape + asked.slice)) % 5 - 2)
        return 0.8 + gap * (asked.shape == "depth = 16") + luck

    search = archdsl.Search(ASKED)
    search.run(train)
    return search, {name: count // 2 for name, count in seen.items()}


def test_a_clear_difference_ends_at_the_first_look() -> None:
    search, seeds = trained(0.1, 0.001)
    assert seeds == {"30M macs": 3, "60M macs": 3}
    assert [part.word for part in search.verdict.slices] == ["deeper", "deeper"]
    assert "(3 seeds each of up to 20, p" in search.words


def test_an_equivalence_is_an_answer() -> None:
    search, seeds = trained(0.0, 0.001)
    assert seeds == {"30M macs": 5, "60M macs": 5}
    assert [part.word for part in search.verdict.slices] == ["equivalent", "equivalent"]
    assert "depth 16 and depth 10 are within 0.5 points of each other" in search.words
    assert "Over the 2 budgets together, the wide and the deep shapes are within" in search.words


def test_what_stays_open_takes_all_seeds() -> None:
    search, seeds = trained(0.0, 0.05)
    assert seeds == {"30M macs": 20, "60M macs": 20}
    assert [part.word for part in search.verdict.slices] == ["no evidence", "no evidence"]
    assert search.stage == "done"


def test_how_it_is_read() -> None:
    def asked(text: str) -> SearchRequest:
        return read_search(Source("x.search", READ + text), None)

    found = asked("seeds 2 then 3..20\ntarget 0.3 points\n")
    assert (found.least_seeds, found.settle_seeds, found.target) == (3, 20, 0.003)
    assert looks_of(found) == (3, 5, 8, 12, 16, 20)
    assert looks_of(asked("seeds 2 then 7\n")) == (7,)
    assert asked("minimize loss\ntarget 0.02\n").target == 0.02
    assert asked("minimize loss\ntarget 0.02 loss\n").target == 0.02


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("seeds 2 then 1..20", "a range such as 3..20, from at least 2 to at most 10,000"),
        ("seeds 2 then 3..20 step 2", "a range such as 3..20"),
        ("target 0.5", "a positive number of points: `target 0.5 points`"),
        ("target -1 points", "a positive number of points"),
        ("minimize loss; target 1 points", "a positive number of loss: `target 0.05 loss`"),
    ],
)
def test_mistakes(text: str, expected: str) -> None:
    with pytest.raises(ArchError) as caught:
        read_search(Source("x.search", READ + text + "\n"), None)
    (found,) = caught.value.diagnostics
    assert expected in found.message


def test_a_program_that_ends_in_settling_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "x.study"
    with archdsl.Search(ASKED, study=folder) as search:
        for _ in range(4 + 7):  # explored, and some of the first look
            asked = search.ask()
            assert asked is not None
            search.tell(asked, 0.8)
    with archdsl.Search(ASKED, study=folder, resume=True) as search:
        search.run(lambda asked: 0.8)
        assert {part.arms[0].seeds for part in search.verdict.slices} == {20}, "no spread is seen"
