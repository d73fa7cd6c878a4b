"""``archdsl.study`` and ``archdsl report`` on the command line."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import archdsl
from archdsl.cli.main import main
from archdsl.diagnostics.model import ArchError
from archdsl.outputs import is_unchanged, unsealed
from archdsl.report.view import StudyView
from archdsl.search.rows import SETTLE


@pytest.fixture(scope="module")
def view(budgets: Path) -> StudyView:
    return archdsl.study(budgets)


def test_a_study_in_hand(view: StudyView, budgets: Path) -> None:
    assert (view.name, len(view.rows)) == ("budgets", 69)
    assert repr(view).startswith("<Study budgets: 69 trials>\n")
    assert "At 1M multiply-adds there is no evidence" in view.words
    assert view.verdict is not None and len(view.verdict.slices) == 3
    assert view.best is not None and view.best.stage == SETTLE
    assert view.architecture(view.best).hash == view.best.hash
    assert archdsl.study(str(budgets).removesuffix(".study")).words == view.words


def test_in_a_notebook_it_is_its_main_chart(view: StudyView) -> None:
    html = view._repr_html_()
    assert html.count('<svg class="archdsl chart"') == 3
    assert re.search("<title>depth [0-9]+, retrained on 4 fresh seeds: ", html)
    assert "At 1M multiply-adds there is no evidence" in html
    assert "<script" not in html and "var(--" not in html
    styles = re.findall(r"<style>(.*?)</style>", html)
    assert all(rule.startswith(".archdsl-study ") for s in styles for rule in s.split("}") if rule)


@pytest.mark.parametrize(
    ("name", "words", "charts"),
    [
        ("kinds", 'between pattern "residual" and pattern "dense"', 2),
        ("pareto", "are beaten by no other", 4),
        ("begun", "There is no answer yet: no training run has finished.", 0),
        ("failed", "There is no answer: every trial failed.", 0),
        ("one", "nothing is settled: only one shape has a training run that succeeded.", 1),
    ],
)
def test_any_study_shows_itself(
    name: str, words: str, charts: int, request: pytest.FixtureRequest
) -> None:
    found = archdsl.study(request.getfixturevalue(name))
    assert words in found.words
    html = found._repr_html_()
    assert html.count('<svg class="archdsl chart"') == charts + (name == "pareto")
    assert archdsl.study(request.getfixturevalue(name)).report() == found.report()


def test_the_report_is_written(view: StudyView, tmp_path: Path) -> None:
    view.save(tmp_path / "report.html")
    assert unsealed((tmp_path / "report.html").read_bytes()).decode() == view.report()


def test_no_such_study(tmp_path: Path) -> None:
    with pytest.raises(ArchError, match="there is no study"):
        archdsl.study(tmp_path / "none")


def test_importing_it_loads_nothing_large() -> None:
    program = (
        "import sys, archdsl; archdsl.study;"
        "print([m for m in ('torch', 'optuna', 'numpy', 'scipy') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.stdout == "[]\n"


# ----------------------------------------------------------------------- the command


def run(*given: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["report", *given])
    return int(ended.value.code or 0)


def test_the_command(
    budgets: Path, view: StudyView, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.html"
    before = {p: p.read_bytes() for p in budgets.rglob("*") if p.is_file()}
    assert run(str(budgets), "-o", str(out)) == 0
    size = f"{out.stat().st_size / 1024:.1f} KiB"
    assert capsys.readouterr().out == f"{out}: 69 trials, {size}\n"
    assert unsealed(out.read_bytes()).decode() == view.report()
    assert run(str(budgets), "-o", str(out)) == 0
    out.write_text("the editor's own page")
    assert run(str(budgets), "-o", str(out)) == 1
    assert "did not write it" in capsys.readouterr().err
    assert run(str(budgets), "-o", str(out), "--force") == 0 and is_unchanged(out.read_bytes())
    assert {p: p.read_bytes() for p in budgets.rglob("*") if p.is_file()} == before


def test_what_is_wrong_is_told(
    budgets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(str(tmp_path / "none")) == 1
    assert f"error[A711]: there is no study `{tmp_path / 'none'}`" in capsys.readouterr().err
    assert run("--live", str(tmp_path / "none")) == 1
    assert "error[A711]" in capsys.readouterr().err
    missing = tmp_path / "no" / "out.html"
    assert run(str(budgets), "-o", str(missing)) == 1
    assert f"error[A008]: `{missing}` cannot be written" in capsys.readouterr().err
    assert run(str(budgets), "--port", "70000") == 2
