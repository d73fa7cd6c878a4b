"""`archdsl.judge`: results that were made elsewhere."""

import os
import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest

import archdsl
from archdsl import ArchError
from archdsl.verdict import Question, Result, judge

SCORES = {"shallow": [0.912, 0.915, 0.913, 0.914], "deep": [0.931, 0.934, 0.929, 0.933]}
ROWS: list[dict[str, Any]] = [
    {"shape": shape, "budget": "5M macs", "seed": seed, "score": score}
    for shape, scores in SCORES.items()
    for seed, score in enumerate(scores, 1)
]


def test_it_is_the_verdict_of_a_study() -> None:
    results = [
        Result("5M macs", 5e6, str(r["shape"]), None, None, r["seed"], r["score"], settled=True)
        for r in ROWS
    ]
    found = archdsl.judge(ROWS)
    explored = [replace(r, settled=False, seed=-1 - r.seed, again=True) for r in results]
    told = judge([*results, *explored], Question(ordered=False))
    assert found == told and told == found and found.words == told.words
    assert found.slices[0].word == "deep" and "deep" in found.words


class Frame:
    """What pandas' data frames have of what is needed."""

    columns = ("shape", "score")

    def to_dict(self, orient: str) -> list[dict[str, Any]]:
        assert orient == "records"
        return ROWS


class Arrow:
    """What tables of pyarrow have of what is needed."""

    column_names = ("shape", "budget", "seed", "score")

    def to_pylist(self) -> list[dict[str, Any]]:
        return ROWS


def test_tables_of_all_kinds(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    lines = [",".join(ROWS[0]), *(",".join(str(v) for v in row.values()) for row in ROWS)]
    path.write_text("\n".join(lines) + "\n")
    columns = {name: [row[name] for row in ROWS] for name in ROWS[0]}
    expected = archdsl.judge(ROWS)
    for table in (path, str(path), columns, Frame(), Arrow(), iter(ROWS)):
        assert archdsl.judge(table) == expected


def test_depth_and_width_make_it_a_question_of_wider_or_deeper() -> None:
    size = {"shallow": (10, 64), "deep": (22, 32)}
    rows = [{**row, "depth": size[row["shape"]][0], "width": size[row["shape"]][1]} for row in ROWS]
    assert archdsl.judge(rows).slices[0].word == "deeper"
    worse = archdsl.judge(rows, "loss", maximize=False)
    assert worse.slices[0].word == "wider" and worse.question.target == 0.05


@pytest.mark.parametrize(
    ("measure", "less"),
    [("mse", True), ("val_loss", True), ("Test error", True), ("testRmse", True), ("top5", False),
     ("accuracy", False), ("r2", False), ("lossless", False), ("", False),
     ("word_error_rate", True), ("loss_train", True), ("cross_entropy", True),
     ("brier_score", True), ("neg_log_loss", False), ("neg_mean_squared_error", False),
     ("-mse", False), ("f1_score", False), ("rate", False), ("success_rate", False)],
)  # fmt: skip
def test_less_of_an_error_is_better_unless_it_is_said(measure: str, less: bool) -> None:
    """A verdict the wrong way round would look like any other."""
    best = archdsl.judge(ROWS, measure).slices[0].best
    assert best == ("shallow" if less else "deep")
    assert archdsl.judge(ROWS, measure, maximize=True).slices[0].best == "deep"


@pytest.mark.parametrize(
    ("depth", "width", "problem"),
    [(-1, 4, "row 3: `depth` is -1"), (0, 4, "row 3: `depth` is 0"), (3, -2, "`width` is -2")],
)
def test_depths_and_widths_are_above_zero(depth: float, width: float, problem: str) -> None:
    rows = [
        {"shape": shape, "budget": budget, "score": 0.9, "seed": seed, "depth": d, "width": w}
        for budget in (1, 2)
        for shape, d, w in (("a", 2, 4), ("b", depth, width))
        for seed in (1, 2)
    ]
    with pytest.raises(ValueError, match=problem + ", but depths and widths are above 0"):
        archdsl.judge(rows)
    found = archdsl.judge([{k: v for k, v in row.items() if k != "width"} for row in rows])
    assert not found.slices[0].wide, "one of the two alone orders nothing"


def test_of_more_shapes_it_has_to_be_told_what_was_chosen_by() -> None:
    third = [{"shape": "middle", "budget": "5M macs", "score": 0.92 + s / 1000} for s in range(4)]
    with pytest.raises(ValueError, match="at 5M macs there are 3 shapes: say in a column `fresh`"):
        archdsl.judge([*ROWS, *third])
    every = [{**row, "seed": seed} for seed, row in enumerate([*ROWS, *third])]
    fresh = [{**row, "seed": row["seed"] + 100, "fresh": True} for row in every]
    told = [*fresh, *({**row, "fresh": "no"} for row in every)]
    found = archdsl.judge(told).slices[0]
    assert {arm.shape for arm in found.arms} == {"deep", "middle"} and found.word == "deep"
    with pytest.raises(ValueError, match="row 1: `fresh` is true or false"):
        archdsl.judge([{**ROWS[0], "fresh": "maybe"}])


def test_an_empty_score_is_a_failure_and_a_budget_is_optional() -> None:
    rows = [{"shape": r["shape"], "score": r["score"]} for r in ROWS]
    found = archdsl.judge([*rows, {"shape": "deep", "score": ""}])
    arms = {arm.shape: arm for arm in found.slices[0].arms}
    assert (arms["deep"].seeds, arms["deep"].failed, arms["shallow"].failed) == (4, 1, 0)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ([], "there are no rows"),
        ([{"score": 1}], "row 1 of the table has no `shape`"),
        ([{"shape": "a"}], "row 1 of the table has no `shape`, or no `score`"),
        ([{"shape": "a", "score": "good"}], "row 1: `score` is not a number, but 'good'"),
        ([{"shape": "a", "score": float("inf")}], "row 1: `score` is inf"),
        (
            [{"shape": "a", "score": 1, "acc": 2}],
            "`acc` is no column that can be judged: those are shape",
        ),
        ([{"shape": "a", "score": 1, "budget": "much"}], "`budget` must begin with a number"),
        ([{"shape": "a", "score": 1, "budget": "inf"}], "such as 5M: 'inf'"),
        ([{"shape": "a", "score": 1, "budget": [5]}], r"such as 5M: \[5\]"),
        ([{"shape": "a", "score": 1e300}], "row 1: `score` is 1e\\+300"),
        ([{"shape": "a", "score": 10**400}], "row 1: `score` is beyond 1e\\+100"),
        ([{"shape": "a", "score": 1, "seed": -(10**400)}], "row 1: `seed` is beyond"),
        ([{"shape": float("nan"), "score": 1}], "row 1 of the table has no `shape`"),
        ({"shape": ["a"], "score": [1, 2]}, "not of one length"),
        ({"shape": np.array("a"), "score": 1}, "not of one length"),
        (7, "a table is a CSV or Parquet file"),
        ([{"shape": "a", "score": 93}], "row 1: `score` is 93, but accuracy is a number"),
        (
            [ROWS[0], {**ROWS[0], "seed": 2, "budget": "5M params"}],
            "rows 1 and 2 have budgets of different units, macs and params: judge those of each",
        ),
        (
            [ROWS[0], {**ROWS[0], "seed": 2, "budget": 5e6}],
            "rows 1 and 2 have budgets of different units, macs and none",
        ),
        (
            [{**ROWS[0], "score": [1, 0], "loss": [0.5, -0.5]}],
            "row 1: `loss` has -0.5, but the log-loss of an example is never below 0",
        ),
        ([ROWS[0], {**ROWS[0], "score": 0.5}], "rows 1 and 2 are of one shape and one seed, 1"),
        (
            [{"shape": "a", "score": 1, "depth": 1}, {"shape": "a", "score": 1, "depth": 2}],
            "row 2: `a` has another depth or width in an earlier row",
        ),
    ],
)
def test_what_is_no_table(table: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        archdsl.judge(table)


def test_what_was_turned_round_is_no_error() -> None:
    """The lowest of negated errors is the worst."""
    turned = [{**row, "score": row["score"] - 1} for row in ROWS]
    match = "row 1: `score` is -0.088, but val_mse is never below 0.* its name is `neg_val_mse`"
    with pytest.raises(ValueError, match=match):
        archdsl.judge(turned, "val_mse")
    assert archdsl.judge(turned, "neg_val_mse").slices[0].best == "deep"
    assert archdsl.judge(turned, "val_mse", maximize=True).slices[0].best == "deep"
    assert archdsl.judge(turned, "loss").slices[0].best == "shallow", "that of a density may be"


def test_rows_without_a_seed_have_one_of_their_own() -> None:
    seeds = [4, 3, None, None, 7, None, 6, 5]
    rows = [{**row, "seed": seed} for row, seed in zip(ROWS, seeds, strict=True)]
    arms = archdsl.judge(rows).slices[0].arms
    assert [arm.seeds for arm in arms] == [4, 4]


def test_shapes_of_one_aspect_are_in_no_order() -> None:
    """Neither is the wide or the deep one, though they differ in depth."""
    sizes = {"shallow": (4, 16), "deep": (16, 64)}
    rows = [{**r, **dict(zip(("depth", "width"), sizes[r["shape"]], strict=True))} for r in ROWS]
    found = archdsl.judge(rows)
    assert not found.question.ordered and found.slices[0].word == "deep"
    more = [{**r, "budget": "9M macs", "width": 40, "shape": r["shape"] + "er"} for r in rows]
    first, second = archdsl.judge([*rows, *more]).slices
    assert (first.word, second.word) == ("not settled", "deeper")
    assert first.why == (
        "all shapes have the same depth over width, so that none is the wide or the deep one"
    )


def test_thousands_of_rows_without_spread() -> None:
    """The p-value of so many is below what a float holds."""
    rows = [{"shape": s, "score": x} for s, x in (("a", 0.8), ("b", 0.9)) for _ in range(700)]
    found = archdsl.judge(rows)
    assert found.slices[0].word == "b" and found.slices[0].contrast is not None
    assert found.slices[0].contrast.p == 1e-300
    assert found.words.startswith(
        "B beats a by 10 points in every seed (700 seeds each, p < 0.001)"
    )


@pytest.mark.parametrize("one", [0.1 + 0.2, 0.3])
def test_scores_that_differ_in_their_rounding_are_equal(one: float) -> None:
    rows = [{"shape": s, "score": x} for s, x in (("a", one), ("b", 0.3)) for _ in range(10)]
    found = archdsl.judge(rows)
    assert found.slices[0].word == "no evidence"
    assert "none in any seed (10 seeds each, p = 1.00)" in found.words


def saved(save: Callable[..., None], *columns: Any, **named: Any) -> bytes:
    stream = BytesIO()
    save(stream, *columns, **named)
    return stream.getvalue()


WHOLE = saved(np.savez_compressed, score=np.random.default_rng(0).random(2000))
DAMAGED = WHOLE[:100] + b"\xff" * 20 + WHOLE[120:]  # within what was compressed


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("away.csv", None, "away.csv cannot be read: no such file"),
        (".", None, "cannot be read: is a directory"),
        ("a.csv", b"shape,score,score\na,1,0\n", "there are two columns `score`"),
        ("a.csv", b"\xff\xfe\x00", "a.csv is not text in UTF-8"),
        ("a.csv", b"shape,score\na,1,0\n", "row 1 has 3 fields, and there are 2 columns"),
        ("a.parquet", b"PAR1 nothing", "a.parquet: it is not a Parquet file: "),
        ("a.npz", b"PK nothing", "a.npz is not a .npz file of plain columns"),
        ("a.NPZ", b"PK nothing", "a.NPZ is not a .npz file of plain columns"),
        ("array.npz", saved(np.save, np.arange(3)), "array.npz is not a .npz file of plain"),
        ("damaged.npz", DAMAGED, "damaged.npz is not a .npz file of plain columns"),
        ("a.csv", b"", "there are no rows in the table"),
    ],
)
def test_what_is_no_file_of_a_table(
    tmp_path: Path, name: str, content: bytes | None, problem: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=problem):
        archdsl.judge(tmp_path / name)


def test_a_few_bytes_of_npz_that_would_be_many_rows(tmp_path: Path) -> None:
    """What is packed well, and texts of no length, which take no byte at all."""
    path = tmp_path / "t.npz"
    for kind, count, written in (("|i1", 1 << 28, 1 << 28), ("|S0", 1 << 40, 0)):
        head = {"descr": kind, "fortran_order": False, "shape": (count,)}
        with ZipFile(path, "w", ZIP_DEFLATED) as parts, parts.open("score.npy", "w") as stream:
            np.lib.format.write_array_header_1_0(stream, head)  # type: ignore[arg-type]
            stream.write(bytes(written))
        with pytest.raises(ValueError, match=r"t.npz: its [\d,]+ bytes unpack to more than 268,4"):
            archdsl.judge(path)


def test_two_columns_of_one_name_in_npz(tmp_path: Path) -> None:
    path, column = tmp_path / "t.npz", saved(np.save, np.ones(2))
    with ZipFile(path, "w") as parts:
        parts.writestr("score.npy", column)
        with pytest.warns(UserWarning, match="Duplicate name"):
            parts.writestr("score.npy", column)
    with pytest.raises(ValueError, match="there are two columns `score`"):
        archdsl.judge(path)


def test_a_pipe_is_no_table(tmp_path: Path) -> None:
    """It may be silent for ever."""
    for name in ("t.csv", "t.npz", "t.parquet"):
        os.mkfifo(tmp_path / name)
        with pytest.raises(ValueError, match=f"{name} cannot be read: it is a pipe or a device"):
            archdsl.judge(tmp_path / name)


def test_a_few_bytes_of_parquet_that_would_be_many_rows(tmp_path: Path) -> None:
    parquet, arrow = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    path = tmp_path / "t.parquet"
    long = arrow.array(["x" * 100_000]).dictionary_encode().take(arrow.array([0] * 4_000))
    parquet.write_table(arrow.table({"shape": long, "score": [0.5] * 4_000}), path)
    with pytest.raises(ValueError, match=r"t.parquet: its [\d,]+ bytes unpack to more than"):
        archdsl.judge(path)
    parquet.write_table(arrow.table([[1], [2]], names=["score", "score"]), path)
    with pytest.raises(ValueError, match=r"t.parquet: there are two columns `score`"):
        archdsl.judge(path)


def test_names_move_no_cursor() -> None:
    rows = [{**row, "shape": row["shape"] + "\x1b[2J", "budget": "1M \x1b[1m"} for row in ROWS]
    assert "\x1b" not in archdsl.judge(rows).words


def test_a_target_is_a_difference() -> None:
    for target in (float("nan"), 0.0, -1.0, "x", "0.01", True, [1]):
        with pytest.raises(ValueError, match="`target` is a difference above 0"):
            archdsl.judge(ROWS, target=target)  # type: ignore[arg-type]


@pytest.mark.parametrize("measure", [3, None, ["accuracy"]])
def test_a_measure_is_a_name(measure: Any) -> None:
    with pytest.raises(ValueError, match="`measure` is the name of a score, such as accuracy, not"):
        archdsl.judge(ROWS, measure=measure)


def test_whether_more_is_better_is_yes_or_no() -> None:
    """A text would be taken for yes, whatever it says."""
    with pytest.raises(ValueError, match="`maximize` is True, False or None, not 'False'"):
        archdsl.judge(ROWS, "mse", maximize="False")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("slip", "name"), [("acuracy", "accuracy"), ("val_perplexty", "val_perplexity")]
)
def test_a_slip_in_a_measure_is_told(slip: str, name: str) -> None:
    """Else it would be a score of its own, of which more is better, and is no share."""
    with pytest.raises(ValueError, match=f"`measure` is {slip}: did you mean {name}"):
        archdsl.judge(ROWS, measure=slip)
    assert archdsl.judge(ROWS, measure="my_score").question.maximize


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ((1, 1.0), "1"),
        ((5_000_000, "5000000.0", "5000K", "5 M"), "5M"),
        ((5_123_457, "5123457"), "5123457"),
        (("5000K macs", "5e6  macs"), "5M macs"),
        ((6e18, "6000P", 6e18), "6000P"),
    ],
    ids=str,
)
def test_a_budget_is_one_however_its_number_is_written(written: Any, name: str) -> None:
    rows = [{**row, "budget": written[row["seed"] % len(written)]} for row in ROWS]
    assert [part.slice for part in archdsl.judge(rows).slices] == [name]


def test_what_holds_of_each_example_stands_in_the_place_of_a_score(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = [
        {"shape": shape, "seed": seed, "score": (random.random(400) < share).astype(int)}
        for seed in range(4)
        for shape, share in (("shallow", 0.8), ("deep", 0.9))
    ]
    found = archdsl.judge(rows)
    contrast = found.slices[0].contrast
    assert contrast is not None and contrast.examples == 400
    assert "only scores are known" not in found.words and found.slices[0].word == "deep"
    path = tmp_path / "results.csv"
    lines = (f"{r['shape']},{r['seed']},{' '.join(map(str, r['score']))}\n" for r in rows)
    path.write_text("shape,seed,score\n" + "".join(lines))
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    np.savez(tmp_path / "results.npz", **columns)  # type: ignore[arg-type]  # of its stubs
    parquet = pytest.importorskip("pyarrow.parquet")
    listed = {name: np.asarray(column).tolist() for name, column in columns.items()}
    parquet.write_table(pytest.importorskip("pyarrow").table(listed), tmp_path / "results.parquet")
    for table in (path, tmp_path / "results.npz", tmp_path / "results.parquet", columns):
        assert archdsl.judge(table) == found
    # Where they are not known of all, or are not right or wrong as a whole, their means are.
    for score in (0.81, np.full(400, 0.81)):
        mixed = archdsl.judge([{**rows[0], "score": score}, *rows[1:]])
        assert "only scores are known" in mixed.words
    with pytest.raises(ValueError, match="not of the same examples: there are 3 in one, and 400"):
        archdsl.judge([{**rows[0], "score": [1, 0, 1]}, *rows[1:]])
    with pytest.raises(ValueError, match="row 1: `score` is a list in which a number is missing"):
        archdsl.judge([{**rows[0], "score": [1, None]}])


def test_the_report_has_the_answer_a_chart_and_all_results(tmp_path: Path) -> None:
    table = [*ROWS, {**ROWS[0], "seed": 9, "score": None}]
    found = archdsl.judge([{**row, "shape": f"<{row['shape']}>"} for row in table])
    found.save(tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text()
    plain = unescape(re.sub(r"<[^>]*>", "\n", text))
    assert found.words.split("\n")[0] in plain and "<deep>" in plain
    drawn = text[text.index('id="shapes"') : text.index('id="results"')]
    assert drawn.count("<circle") >= len(ROWS) and "<deep>" not in drawn
    rows = text[text.index('id="results"') :]
    assert rows.count("<tr>") == 1 + len(table) and rows.count("failed") == 1
    assert "5M multiply-adds" in plain and "<script" not in text


def test_no_file_of_the_users_is_replaced(tmp_path: Path) -> None:
    table, other = tmp_path / "r.csv", tmp_path / "mine.html"
    table.write_text("shape,seed,score\na,1,0.5\na,2,0.6\nb,1,0.7\nb,2,0.8\n")
    other.write_text("mine")
    found = archdsl.judge(table)
    with pytest.raises(ArchError, match=r"A008.*the results are read from it"):
        found.save(table, force=True)
    with pytest.raises(ArchError, match="or replace it with force=True"):
        found.save(other)
    found.save(other, force=True)
    found.save(other)  # nobody edited it
    assert table.read_text().startswith("shape,")


def test_errors_of_examples_whose_mean_the_score_is() -> None:
    """Two arms that err on other examples: seeds alone would tell them apart."""
    random = np.random.default_rng(2)
    hard = {shape: random.exponential(size=300) for shape in ("a", "b")}
    rows = [
        {"shape": s, "seed": k, "score": hard[s] + 0.1 * random.random(300)}
        for s in hard
        for k in range(5)
    ]
    found = archdsl.judge(rows, measure="mae", maximize=False)
    means = [{**row, "score": np.mean(row["score"])} for row in rows]
    alone = archdsl.judge(means, measure="mae", maximize=False)
    contrast = found.slices[0].contrast
    assert contrast is not None and contrast.examples == 300
    assert "only scores are known" in alone.words and "only scores" not in found.words
    assert (found.slices[0].word, alone.slices[0].word) == ("no evidence", "a")


def test_the_log_loss_of_each_example_beside_an_accuracy() -> None:
    random = np.random.default_rng(4)
    hard = random.random(300)
    rows = [
        {
            "shape": shape,
            "seed": k,
            "score": (hard + 0.05 * random.standard_normal(300) < 0.9).astype(int),
            "loss": loss * (0.5 + hard) + 0.02 * random.random(300),
        }
        for shape, loss in (("a", 0.3), ("b", 0.34))
        for k in range(6)
    ]
    assert archdsl.judge([{**row, "loss": None} for row in rows]).slices[0].word == "no evidence"
    found = archdsl.judge(rows)
    assert "by the log-loss" in found.words
    contrast = found.slices[0].contrast
    assert contrast is not None and contrast.loss is not None and contrast.loss.claims
    with pytest.raises(ValueError, match="row 1: `loss` is that of each example, and not their"):
        archdsl.judge([{**rows[0], "loss": 0.3}, *rows[1:]])
    with pytest.raises(ValueError, match="there are 300 in one, and 2 in another"):
        archdsl.judge([*rows[1:], {**rows[0], "loss": [0.3, 0.2]}])
    with pytest.raises(ValueError, match="row 1: a `loss` is judged beside an accuracy, not mae"):
        archdsl.judge(rows, measure="mae")
