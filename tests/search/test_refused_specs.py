"""A study whose spec the checks of today refuse: its results are read all the same."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_training import explored

from archdsl.cli.main import main

ASKED = "vary depth in {1, 2}\ntrain epochs = 1\nsampler grid\ntrials 2\n"
TODAY = "this version of archdsl refuses the spec of the study"
REFUSED = {  # what stands in the spec, in the place of what; and what is said of it
    "an argument": ("conv(width, 3)", "conv(width, 3, stride = 0)", "line 3: A301, `stride` of "),
    "a shape": ("linear(classes)", "linear(classes) -> conv(3, 9)", "line 4: A203, `conv` needs "),
    "a layer": ("-> bn", "-> gone", "line 3: A101, there is no layer or block called `gone`"),
    "the grammar": ("-> bn", "-> )", "line 3: A011, unexpected `)`"),
}


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("refused")
    explored(folder, ASKED).storage.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder / "x.study" / "study.json"


def call(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    said = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, said.out, said.err


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_read_with_a_word(name: str, card: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = json.loads(card.read_text("utf-8"))
    old, new, said = REFUSED[name]
    before = json.loads(call(capsys, "verdict", "x", "--json")[1])
    try:
        card.write_text(json.dumps({**whole, "spec": whole["spec"].replace(old, new)}))
        kept = card.read_bytes()
        code, out, err = call(capsys, "verdict", "x")
        assert code == 0 and out.startswith("Nothing is settled") and "best: depth = " in out
        assert err.startswith(f"note: {TODAY} ({said}")
        found = json.loads(call(capsys, "verdict", "x", "--json")[1])
        assert [d["code"] for d in found.pop("refused")] == [said.split(": ")[1][:4]]
        assert found == before
        assert call(capsys, "report", "x", "-o", "page.html", "--force")[0] == 0
        assert "This version of archdsl refuses the spec" in Path("page.html").read_text("utf-8")
        code, out, err = call(capsys, "best", "x", "-o", "best.arch", "--force")
        assert code == 0 and "best.pt: its weights" in out and "and best.arch is that spec" in err
        text = Path("best.arch").read_text("utf-8")
        assert new in text and text.startswith("arch tiny(depth = 2, width = 8, classes = 10)\n")
        assert card.read_bytes() == kept
        code, _, err = call(capsys, "search", "--resume", "x")
        assert code == 1, "a spec that is refused is not trained"
    finally:
        card.write_text(json.dumps(whole))


def test_what_has_no_knobs_that_can_be_read(card: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = json.loads(card.read_text("utf-8"))
    card.write_text(json.dumps({**whole, "spec": whole["spec"].replace("arch tiny", "net tiny")}))
    code, _, err = call(capsys, "verdict", "x")
    card.write_text(json.dumps(whole))
    assert code == 1 and err.startswith("error[A011]: ")


def test_layers_of_ones_own_are_asked_for(card: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = json.loads(card.read_text("utf-8"))
    known = {**whole["identity"], "the layers in Python": "0"}
    gone = whole["spec"].replace("-> bn", "-> gone")
    card.write_text(json.dumps({**whole, "spec": gone, "identity": known}))
    code, _, err = call(capsys, "verdict", "x")
    card.write_text(json.dumps(whole))
    assert code == 0 and err.startswith(
        "note: line 3: there is no layer or block called `gone`; the study has layers in Python, "
        "which `--allow-python FILE` lets it use; its results"
    )
