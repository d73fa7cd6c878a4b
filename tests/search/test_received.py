"""A study from somebody else: nothing that stands in it reads, writes or removes a file outside."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_training import CPU, explored, trainer
from sqlalchemy import create_engine, text

import archdsl
from archdsl.cli.main import main
from archdsl.cli.output import harmless
from archdsl.diagnostics.model import ArchError
from archdsl.registry import REGISTRY
from archdsl.search.opened import find_study
from archdsl.search.worker import Worker
from archdsl.within import Outside, bare, link_out, plain, within

ASKED = "vary depth in {1, 2}\ntune lr in {0.1, 0.2}\ntrain epochs = 1\nsampler grid\ntrials 4\n"
BLOCK = 'require true, "$(touch PWNED)"\nblock junk(c) { conv(c, 1) }\n'
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study that is explored, as it was sent."""
    folder = tmp_path_factory.mktemp("sent")
    study = explored(folder, ASKED)
    study.storage.close()
    return folder


@pytest.fixture
def place(sent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder two levels down, with a copy of that study in it."""
    folder = tmp_path / "home" / "work"
    shutil.copytree(sent, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        assert isinstance(ended.value.code, int)
        return ended.value.code, *capsys.readouterr()

    return call


def files(folder: Path) -> dict[Path, bytes]:
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def change_card(folder: Path, **values: Any) -> None:
    path = folder / "x.study" / "study.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def change_weights(folder: Path, name: str) -> None:
    engine = create_engine(f"sqlite:///{folder / 'x.study' / 'trials.db'}")
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE trial_user_attributes SET value_json = :name WHERE key = 'weights'"),
            {"name": json.dumps(name)},
        )
    engine.dispose()


# ---------------------------------------------------------------------- what a name may be

LEAD_OUT = (
    "/etc/cron.d/x.arch", "../x.arch", "lib/../../x.arch", "..", "~/x.arch", "C:x.arch",
    "..\\x.arch", "//host/x.arch",
)  # fmt: skip
NO_NAMES = (".profile", ".x.arch", "lib/.git/x.arch", "x.py", "x.arch\n", "a\x1b[2Jb.arch", "",
            f"{'a' * 300}.arch")  # fmt: skip


@pytest.mark.parametrize("name", (*LEAD_OUT, *NO_NAMES))
def test_a_name_that_none_may_have(name: str, tmp_path: Path) -> None:
    for ask in (lambda: plain(name, ".arch"), lambda: within(tmp_path, name, ".arch")):
        with pytest.raises(Outside):
            ask()
    with pytest.raises(Outside):
        bare(name, ".arch")


def test_a_name_that_one_may_have(tmp_path: Path) -> None:
    for name in ("x.arch", "lib/deep/x.arch", "./x.arch", "ü ü.arch", "a..b.arch"):
        assert within(tmp_path, name, ".arch") == tmp_path / name
    assert bare("5M-macs-explore-3.pt", ".pt") == "5M-macs-explore-3.pt"
    with pytest.raises(Outside):
        bare("lib/x.pt", ".pt")


def test_links(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "real").mkdir(parents=True)
    (folder / "alias").symlink_to("real")
    assert link_out(folder) is None
    assert within(folder, "alias/x.arch", ".arch") == folder / "alias" / "x.arch"
    for name, target in (("up", ".."), ("gone", "/nowhere/at/all"), ("round", "round")):
        (folder / name).symlink_to(target)
        assert link_out(folder) == folder / name
        with pytest.raises(Outside):
            within(folder, f"{name}/x.arch", ".arch")
        (folder / name).unlink()


# --------------------------------------------------------------------------- files of specs


@pytest.mark.parametrize("name", [*LEAD_OUT[:3], ".bash_profile", "{home}/.bash_profile"])
def test_the_best_network_writes_beside_itself_alone(
    name: str, place: Path, run: Run, tmp_path: Path
) -> None:
    name = name.format(home=tmp_path / "home")
    card = json.loads((place / "x.study" / "study.json").read_text())
    spec = card["spec"].replace("input", f'use "{name}": junk\ninput', 1)
    change_card(place, uses={name: BLOCK}, spec=spec)
    before = files(tmp_path)
    code, out, err = run("best", "x", "-o", "best.arch")
    assert (code, out) == (1, "") and "error[A005]" in err and "Traceback" not in err
    assert files(tmp_path) == before


def test_a_frozen_copy_stays_in_the_folder_of_the_output(tmp_path: Path, run: Run) -> None:
    specs, out = tmp_path / "specs", tmp_path / "elsewhere" / "out"
    (specs / "lib").mkdir(parents=True)
    out.mkdir(parents=True)
    (specs / "lib" / "b.arch").write_text("block b(c) { conv(c, 1) }\n")
    for name in ("../specs/lib/b.arch", str(specs / "lib" / "b.arch")):
        (specs / "t.arch").write_text(f'arch t\nuse "{name}"\ninput 3x8x8\nb(3)\n')
        code, _, err = run("compile", str(specs / "t.arch"), "-o", str(out / "t.arch"))
        assert code == 1 and "error[A005]" in err and not files(tmp_path / "elsewhere")
    (specs / "t.arch").write_text('arch t\nuse "lib/b.arch"\ninput 3x8x8\nb(3)\n')
    (out / "lib").symlink_to(tmp_path)
    code, _, err = run("compile", str(specs / "t.arch"), "-o", str(out / "t.arch"))
    assert code == 1 and "error[A008]" in err and not (tmp_path / "b.arch").exists()
    (out / "lib").unlink()
    code, _, err = run("compile", str(specs / "t.arch"), "-o", str(out / "t.arch"))
    assert code == 0 and sorted(p.name for p in files(out)) == ["b.arch", "t.arch"]
    assert archdsl.read(str(out / "t.arch")).with_knobs().params == 12


def test_a_spec_and_what_it_uses_are_two_files(tmp_path: Path, run: Run) -> None:
    (tmp_path / "b.arch").write_text("block b(c) { conv(c, 1) }\n")
    (tmp_path / "t.arch").write_text('arch t\nuse "b.arch"\ninput 3x8x8\nb(3)\n')
    (tmp_path / "new").mkdir()
    code, _, err = run("compile", str(tmp_path / "t.arch"), "-o", str(tmp_path / "new" / "b.arch"))
    assert code == 1 and "the spec uses a file of this name" in err
    assert not files(tmp_path / "new")


# ------------------------------------------------------------------------- files of weights


def weights_of(study: Path) -> list[Path]:
    return sorted((study / "weights").iterdir())


@pytest.mark.parametrize("name", ["../../victim.pt", "{home}/victim.pt", "..", "../study.json"])
def test_weights_are_copied_from_the_study_alone(
    name: str, place: Path, run: Run, tmp_path: Path
) -> None:
    (place / "victim.pt").write_text("precious")
    (tmp_path / "home" / "victim.pt").write_text("precious")
    change_weights(place, name.format(home=tmp_path / "home"))
    code, out, err = run("best", "x", "-o", "best.arch")
    assert code == 0, err
    assert "its weights are not in x.study" in out.replace("\n", " ")
    assert not (place / "best.pt").exists()


@pytest.mark.parametrize("name", ["../../victim.pt", "{home}/victim.pt", "../victim.pt"])
def test_weights_are_removed_in_the_study_alone(name: str, place: Path, tmp_path: Path) -> None:
    for folder in (place, place / "x.study", tmp_path / "home"):
        (folder / "victim.pt").write_text("precious")
    change_weights(place, name.format(home=tmp_path / "home"))
    study = find_study("x", None, REGISTRY)
    row = study.rows(states=["COMPLETE"])[0]
    assert row.weights == "" and study.weights("../../victim.pt") is None
    trial = study.parts["explore", "all"].get_trials(deepcopy=False)[0]
    again = {**trial.user_attrs, "seed": 99}  # with another seed it is trained
    del again["weights"]
    study.parts["explore", "all"].enqueue_trial(dict(trial.params), again)
    Worker(study, CPU, trainer=trainer(lambda *_: 0.99)).run(0)
    study.storage.close()
    assert len(weights_of(place / "x.study")) == 2  # those that nobody names any more, and new ones
    for folder in (place, place / "x.study", tmp_path / "home"):
        assert (folder / "victim.pt").read_text() == "precious"


@pytest.mark.parametrize("name", ["weights", "weights/a.pt", "trials.db-wal", "workers"])
def test_a_study_with_a_link_out_of_it_is_refused(
    name: str, place: Path, run: Run, tmp_path: Path
) -> None:
    link, target = place / "x.study" / name, tmp_path / "target"
    target.mkdir()
    if link.is_dir():
        shutil.rmtree(link)
    link.symlink_to(target)
    before = files(tmp_path)
    for command in ("verdict", "best", "report"):
        code, out, err = run(command, "x")
        assert (code, out) == (1, "")
        assert f"error[A002]: `x.study/{name}` cannot be read: it is a link that leads out" in err
    with pytest.raises(ArchError, match="it is a link that leads out"):
        find_study("x", None, REGISTRY)
    assert files(tmp_path) == before


# ------------------------------------------------------------------------ outputs, and terminals


@pytest.mark.parametrize(
    "name", ["study.json", "trials.db", "weights/all-explore-0.pt", "new.arch"]
)
def test_nothing_is_written_into_the_study_that_it_is_made_from(
    name: str, place: Path, run: Run
) -> None:
    before = files(place)
    for command in ("report", "best"):
        code, out, err = run(command, "x", "-o", f"x.study/{name}")
        assert (code, out) == (1, "") and f"error[A008]: `x.study/{name}` cannot be written" in err
    assert files(place) == before


def test_a_text_of_a_study_does_not_act_on_the_terminal(place: Path, run: Run) -> None:
    engine = create_engine(f"sqlite:///{place / 'x.study' / 'trials.db'}")
    evil = "\x1b]0;OWNED\x07\r\x9b2J\x1b[8m\u202e\x1b[30m\x1b[1A"
    with engine.begin() as connection:
        changed = connection.execute(
            text("UPDATE trial_user_attributes SET value_json = :evil WHERE key = 'shape'"),
            {"evil": json.dumps(evil)},
        )
        assert changed.rowcount
    engine.dispose()
    for command in ("verdict", "best"):
        code, out, err = run(command, "x")
        assert code == 0 and "OWNED" in out + err
        assert not set(out + err) & set("\x1b\x07\x9b\r\u202e")


def test_what_is_written_out_of_a_text() -> None:
    assert harmless("\x1b[2J\x1b[31mx\x1b]0;t\x07") == "\\u001b[2J\\u001b[31mx\\u001b]0;t\\u0007"
