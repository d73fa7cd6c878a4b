"""A table of results in the place of a training: `train with table "runs.csv"`."""

import csv
from pathlib import Path

import numpy as np
import pytest
from searches import TINY

import archdsl
from archdsl import ArchError
from archdsl.cli.main import main
from archdsl.search.outcome import results
from archdsl.training.examples import right_of, written

RUNS = Path(__file__).parents[2] / "benchmarks" / "table"
ASKED = """search x
spec "a.arch"
vary depth in {1, 2}
train with table "runs.csv"
seeds 2 then 3
trials 4
"""


def rows_of(count: int = 5) -> list[dict[str, object]]:
    """``count`` trainings of two shapes; the deeper one has more of ten examples right."""
    return [
        {
            "shape": f"depth = {depth}",
            "seed": seed,
            "accuracy": (4 + 3 * depth - seed % 2) / 10,
            "test": 0.1 * depth + seed / 1000,
            "seconds": 2.5,
            "curve": "0.1 0.2",
            "examples": written([i < 4 + 3 * depth - seed % 2 for i in range(10)]),
        }
        for depth in (1, 2)
        for seed in range(1, count + 1)
    ]


def search_of(folder: Path, rows: list[dict[str, object]], asked: str = ASKED) -> Path:
    (folder / "a.arch").write_text(TINY)
    with (folder / "runs.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows(rows)
    (folder / "x.search").write_text(asked)
    return folder / "x.search"


def test_every_record_is_dealt_once(tmp_path: Path) -> None:
    path = search_of(tmp_path, rows_of())
    with archdsl.Search(path, seed=3) as search:
        search.run()
        found = results(search._study)
        (part,) = search.verdict.slices
    for depth in (1, 2):
        mine = [r for r in found if r.shape == f"depth = {depth}"]
        assert sorted(r.score for r in mine) == sorted(
            (4 + 3 * depth - s % 2) / 10 for s in range(1, 6)
        )
        assert [r.settled for r in mine] == [False] * 2 + [True] * 3
        fresh = [r for r in mine if r.settled]
        assert all(r.examples is not None and r.examples.mean() == r.score for r in fresh)
        assert len({r.test for r in fresh}) == 3
    assert part.contrast is not None and part.contrast.examples == 10


def test_another_seed_deals_otherwise(tmp_path: Path) -> None:
    path = search_of(tmp_path, rows_of())
    dealt = []
    for seed in (0, 0, 1, 2):
        with archdsl.Search(path, seed=seed) as search:
            search.run()
            dealt.append([r.test for r in results(search._study) if r.settled])
    assert dealt[0] == dealt[1]
    assert len({tuple(d) for d in dealt}) == 3


def test_columns_of_numpy(tmp_path: Path) -> None:
    rows = rows_of()
    path = search_of(tmp_path, rows, ASKED.replace("runs.csv", "runs.npz"))
    np.savez(tmp_path / "runs.npz", **{n: [row[n] for row in rows] for n in rows[0]})  # type: ignore[arg-type]
    with archdsl.Search(path) as search:
        assert search.run().verdict.slices[0].arms[0].seeds == 3


@pytest.mark.parametrize(
    ("count", "text", "message"),
    [
        (4, None, "rows are missing: depth = 1 at all has 4 of 5 training runs; depth = 2 at all"),
        (0, None, "there are no rows in it"),
        (5, "shape,shape\na,b\n", "there are two columns `shape`"),
        (5, "shape,accuracy\ndepth = 1,much\n", "row 1: `accuracy` is not a number, but 'much'"),
        (5, "shape,examples\ndepth = 1,abc\n", "or `examples` are not what archdsl writes"),
        (
            5,
            "shape,budget\ndepth = 1,much\n",
            "row 1: `budget` must begin with a number such as 5M",
        ),
        (5, "score\n1\n", "row 1 has no `shape`"),
        (5, "\xff", "runs.csv is not text in UTF-8"),
    ],
)
def test_what_it_lacks(
    tmp_path: Path,
    count: int,
    text: str | None,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = search_of(tmp_path, rows_of(count))
    if text is not None:
        (tmp_path / "runs.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(SystemExit) as ended:
        main(["check", str(path)])
    assert ended.value.code == 1
    said = capsys.readouterr()
    assert "A732" in said.out + said.err and message in " ".join((said.out + said.err).split())
    with pytest.raises(ArchError):
        archdsl.Search(path)


def test_a_range_has_no_rows(tmp_path: Path) -> None:
    path = search_of(tmp_path, rows_of(), ASKED + "tune lr in 0.1..1\n")
    with pytest.raises(ArchError) as caught:
        archdsl.Search(path)
    assert "list the values to tune" in caught.value.diagnostics[0].message


def test_a_table_that_changed_is_another_study(tmp_path: Path) -> None:
    path = search_of(tmp_path, rows_of())
    with archdsl.Search(path, study=tmp_path / "x.study") as search:
        search.run()
    search_of(tmp_path, rows_of(6))
    with pytest.raises(ArchError) as caught:
        archdsl.Search(path, study=tmp_path / "x.study", resume=True)
    assert "made from something else: the table" in caught.value.diagnostics[0].message


def test_what_holds_of_each_example_is_kept_of_a_training_of_ones_own() -> None:
    asked = "search x\nspec wide_resnet\nvary depth in {10, 16}\nseeds 1 then 2\ntrials 2\n"
    search = archdsl.Search(asked)
    search.run(lambda asked: {"accuracy": [1, 0, 1, 1], "test": [True, False]})
    fresh = [row for row in search._study.rows() if row.stage == "settle"]
    assert len(fresh) == 4
    assert all(right_of(row.examples).tolist() == [1, 0, 1, 1] for row in fresh)
    assert all(right_of(row.test_examples).tolist() == [1, 0] for row in fresh)


@pytest.mark.parametrize("name", ["replay", "fashion_replay"])
def test_the_tables_that_are_shipped_are_whole(name: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["check", str(RUNS / f"{name}.search")])
    assert ended.value.code == 0


def test_a_search_is_replayed_on_the_table_of_fashion_mnist(tmp_path: Path) -> None:
    for name in ("fashion.csv", "fashion.arch"):
        (tmp_path / name).symlink_to(RUNS / name)
    asked = (RUNS / "fashion_replay.search").read_text()
    for old, new in (("{100K, 200K, 400K}", "{400K}"), ("{1, 2, 3, 5, 8}", "{1, 3}"),
                     ("3..10", "3"), ("trials 90", "trials 12")):  # fmt: skip
        assert old in asked
        asked = asked.replace(old, new)
    (tmp_path / "x.search").write_text(asked)
    with archdsl.Search(tmp_path / "x.search") as search:
        search.run()
        found = results(search._study)
        (part,) = search.verdict.slices
    assert {a.shape for a in part.arms} == {"depth = 1", "depth = 3"}
    assert all(r.score is not None and r.score > 0.68 for r in found), "of ten epochs, not of four"
    assert part.contrast is not None and part.contrast.examples == 3000


def test_rows_go_by_the_settings_of_the_search(tmp_path: Path) -> None:
    rows = [r | {"epochs": e, "test": e / 100} for r in rows_of() for e in (3, 6)]
    asked = ASKED.replace('"runs.csv"', '"runs.csv", epochs = 6')
    with archdsl.Search(search_of(tmp_path, rows, asked)) as search:
        search.run()
        assert {r.test for r in results(search._study) if r.settled} == {0.06}
    with pytest.raises(ArchError) as caught:
        archdsl.Search(search_of(tmp_path, rows, asked.replace("epochs = 6", "epochs = 7")))
    assert "no row has epochs = 7" in caught.value.diagnostics[0].message
