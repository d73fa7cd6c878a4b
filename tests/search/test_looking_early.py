"""A verdict before all fresh seeds are there says so, where one look was planned."""

import json
from html import unescape
from pathlib import Path

import pytest

import archdsl
from archdsl.cli.main import main
from archdsl.search.asked import Asked
from archdsl.search.outcome import EARLY, early, judged

SPEC = """arch a(depth = 2 in 1..8, width = 8 in 1..64, classes = 10)
input 1x8x8
repeat depth { conv(width, 3) -> bn -> relu }
global_avgpool -> linear(classes)
"""
ASKED = """search x
spec "a.arch"
vary depth in {1, 4}
hold macs = 30K within 30% by width
train with "own.py"
tune lr in {0.01, 0.03, 0.1}
trials 6
sampler grid
seeds 1 then 4
"""
TOLD = " ".join(EARLY.split())


def score(asked: Asked) -> float:
    return 0.8 + asked.seed % 7 / 1000 + 0.1 * (float(asked.settings["lr"]) == 0.1)


def words_of(study: Path, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["verdict", str(study)])
    return " ".join(capsys.readouterr().out.split())


def begun(folder: Path, text: str) -> archdsl.Search:
    (folder / "a.arch").write_text(SPEC)
    (folder / "x.search").write_text(text)
    (folder / "own.py").write_text("def train(asked):\n    return 0.5\n")
    return archdsl.Search(folder / "x.search", study=folder / "x.study")


@pytest.mark.parametrize("seeds", ["1 then 4", "1 then 4..8"])
def test_it_is_said_while_fresh_seeds_are_to_come(
    seeds: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with begun(tmp_path, ASKED.replace("1 then 4", seeds)) as search:
        fresh = 0
        while fresh < 5 and (asked := search.ask()) is not None:
            search.tell(asked, score(asked))
            fresh += asked.stage == "settle"
        planned = seeds == "1 then 4"
        assert early(search._study, judged(search._study)) is planned
        said = words_of(tmp_path / "x.study", capsys)
        assert (TOLD in said) is planned
        assert (TOLD in " ".join(search.words.split())) is planned
        with pytest.raises(SystemExit, match=r"^0$"):
            main(["report", str(tmp_path / "x.study"), "-o", str(tmp_path / "r.html")])
        assert (EARLY in unescape((tmp_path / "r.html").read_text())) is planned
        capsys.readouterr()
        with pytest.raises(SystemExit, match=r"^0$"):
            main(["verdict", str(tmp_path / "x.study"), "--json"])
        assert json.loads(capsys.readouterr().out).get("early", False) is planned
        search.run(score)
        assert not early(search._study, judged(search._study))
    said = words_of(tmp_path / "x.study", capsys)
    assert TOLD not in search.words and TOLD not in said and "No curve" not in said
    assert "lr 0.1 of depth 1 is the highest that was tried, of {0.01, 0.03, 0.1}" in said
