"""Weights before and after a search: what its trainings start from, and its winner, trained on."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from fake_training import CPU, begun, explored

import archdsl
from archdsl.cli.epochs import EpochView
from archdsl.cli.main import main
from archdsl.diagnostics.model import ArchError
from archdsl.modelcard import card_in
from archdsl.search.outcome import best
from archdsl.search.plan import queue_exploration
from archdsl.search.reach import survey
from archdsl.search.rows import ERROR
from archdsl.search.tuned import recipe_of
from archdsl.search.worker import Worker
from archdsl.training.outcome import Epoch
from archdsl.training.recipe import Recipe, Sgd

ASKED = "vary depth in {2, 3}\nhold params = 4K within 40% by width\nseeds 1\ntrials 2\n"
QUICK = "train epochs = 1, batch = 512"


def test_a_setting_is_read_as_it_was_tuned() -> None:
    recipe = recipe_of(Recipe(), "lr = 0.0173205, momentum = 0.5, batch = 96")
    sgd = Sgd(momentum=0.5)
    assert recipe == replace(Recipe(), lr=0.0173205, batch=96, optimizer=sgd)
    assert recipe_of(Recipe(), "") == Recipe()
    for wrong in ("lr", "lr = x", "height = 3"):
        with pytest.raises(ValueError):
            recipe_of(Recipe(), wrong)


def test_a_file_that_is_missing_ends_a_search_before_it_begins(tmp_path: Path) -> None:
    with pytest.raises(ArchError, match=r"A002.*none\.pt` cannot be read"):
        begun(tmp_path, f'{ASKED}{QUICK}, weights = "none.pt"')
    assert not (tmp_path / "x.study").exists()


def test_trainings_start_from_weights_where_they_fit(tmp_path: Path) -> None:
    """A network of the same width does; the other's trial says why it does not."""
    study = explored(tmp_path / "first", ASKED + QUICK)
    arch = study.search.spec.candidate(dict(best(study).knobs or {}), study.space.input)
    folder = tmp_path / "second"
    folder.mkdir()
    module = arch.build()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.fill_(0.25)
    torch.save(module.state_dict(), folder / "w.pt")
    study = begun(folder, f'{ASKED}{QUICK}, lr = 1e-9, weights = "w.pt"')
    queue_exploration(study, survey(study.space))
    Worker(study, CPU).run(0)
    rows = {row.hash: row for row in study.rows()}
    kept = study.weights(rows[arch.hash].weights)
    assert kept is not None
    weights = torch.load(kept, weights_only=True)
    assert torch.allclose(weights["linear1.weight"], torch.tensor(0.25), atol=1e-4)
    card = card_in(kept)
    assert card is not None and card.lr == 1e-9
    (other,) = [row for row in rows.values() if row.hash != arch.hash]
    assert other.failure == ERROR and "the weights do not fit" in (other.cause or "")
    (folder / "w.pt").write_bytes(b"")
    with pytest.raises(ArchError, match=r"A712.*the data or the weights to start from"):
        Worker(study, CPU).check_data()


def main_ends(words: list[str]) -> object:
    with pytest.raises(SystemExit) as ended:
        main(words)
    return ended.value.code


def test_the_best_is_trained_for_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = f"{ASKED}tune lr in 0.01..0.2 log\n{QUICK}"
    row = best(explored(tmp_path, asked))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["best", "x", "--longer", "3x", "--device", "cpu"])
    said = capsys.readouterr().out
    assert ended.value.code == 0
    assert "\n   3/3 " in said and "\n3 epochs, 3 times as many: accuracy " in said
    assert "best.pt: its weights, trained for longer" in said
    card = card_in(Path("best.pt"))
    assert card is not None and card.recipe.startswith("epochs = 3, batch = 512, lr = ")
    assert f"lr = {card.lr:.6g}" == row.setting
    assert card.bare == card_in(Path("best.arch"))
    arch = archdsl.load("best.arch")
    assert arch.hash == row.hash
    arch.build().load_state_dict(torch.load("best.pt", weights_only=True))
    kept, weights = Path("best.pt").read_bytes(), torch.load("best.pt", weights_only=True)
    with pytest.raises(SystemExit) as ended:
        main(["best", "x"])
    said = " ".join(capsys.readouterr().err.split())
    assert ended.value.code == 1 and Path("best.pt").read_bytes() == kept
    assert "`best.pt` cannot be written: it has weights of another study or training" in said
    assert "= help: give another file with -o, or allow it with --force" in said
    for more in (["--force"], []):  # its own weights are replaced
        with pytest.raises(SystemExit) as ended:
            main(["best", "x", *more])
        assert ended.value.code == 0
    told = Path("best.longer.checkpoint")

    def stopped(view: EpochView, epoch: Epoch) -> None:
        raise KeyboardInterrupt

    longer = ["--longer", "3x", "--device", "cpu"]
    for more in ([], ["--force"]):
        with monkeypatch.context() as patch, pytest.raises(SystemExit) as ended:
            patch.setattr(EpochView, "epoch", stopped)
            main(["best", "x", *longer, *more])
        said = capsys.readouterr().err
        assert ended.value.code == 130 and told.exists() and Path("best.pt").exists()
        assert f"{told} keeps all finished epochs: the same call goes on" in said
        first = told.read_bytes()
        for wrong, code in (  # of which none touches the checkpoint
            (["best", "x", "--longer", "4x", "--device", "cpu"], "A807"),
            (["best", "x", "--longer", "4x", "--device", "nope", "--force"], "A606"),
            (["best", "none", *longer, "--force"], "A711"),
        ):
            with pytest.raises(SystemExit):
                main(wrong)
            ran = capsys.readouterr()
            assert f"error[{code}]" in ran.err and told.read_bytes() == first
            assert "going on" not in ran.out + ran.err
            help = "= help: give another file with -o, or begin anew with --force"
            assert (help in ran.err) == (code == "A807")
        with pytest.raises(SystemExit) as ended:
            main(["best", "x", *longer, *more])
        ran = capsys.readouterr()
        assert ended.value.code == 0 and f"going on from {told}\n" in ran.out
        assert "\n   1/3 " not in ran.out and "\n   3/3 " in ran.out and not told.exists()
        again = torch.load("best.pt", weights_only=True)
        assert all(again[name].equal(tensor) for name, tensor in weights.items()), "as in one run"
        assert main_ends(["best", "x", "--force"]) == 0  # weights of the study are replaced
    told.write_bytes(first)
    assert main_ends(["best", "x", "--longer", "2x", "--device", "cpu", "--force"]) == 0
    said = capsys.readouterr().out
    assert "\n   1/2 " in said and "going on" not in said and not told.exists()
    for wrong in (["--longer", "0x"], ["--longer", "many"], ["--device", "cpu"]):
        with pytest.raises(SystemExit) as ended:
            main(["best", "x", *wrong])
        assert ended.value.code == 2
