"""What a study may go on with: more of the same question, and no other one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from tiny_search import SEARCH, SPEC, TinySearch

from archdsl.diagnostics.model import ArchError
from archdsl.files import SEARCH as SEARCHES
from archdsl.files import read_source
from archdsl.search.opened import OpenStudy
from archdsl.search.reading import read_search
from archdsl.search.start import begin, go_on
from archdsl.search.storage import Storage
from archdsl.search.study import CARD

pytestmark = pytest.mark.quiet


@pytest.fixture
def begun(whole: TinySearch, tmp_path: Path) -> TinySearch:
    """A study of one's own that could be gone on with."""
    copy = TinySearch(tmp_path / "copy")
    shutil.copytree(whole.study, copy.study)
    return copy


def resumed(tiny: TinySearch, seed: int | None = None, python: bool = True) -> OpenStudy:
    """What ``archdsl search --resume`` goes on with."""
    source, folder = read_source(str(tiny.folder / "tiny.search"), SEARCHES)
    assert folder is not None
    search = read_search(source, folder, tiny.table)
    files = [tiny.folder / "watched.py"] if python else []
    return go_on(search, tiny.study, folder, seed, None, files, tiny.table)


@pytest.mark.parametrize(
    ("file", "old", "new", "what"),
    [
        ("tiny.arch", "conv(width, 3)", "conv(width, 5)", "the spec"),
        ("tiny.arch", "depth = 2 in 1..8", "depth = 2 in 1..7", "the spec"),
        ("tiny.search", "lr = 0.3", "lr = 0.2", "the search"),
        ("tiny.search", "20K", "10K", "the search"),
        ("tiny.search", "then 2", "then 3", "the search"),
        ("tiny.search", "data digits", "data digits(seed = 1)", "the search and the data"),
        ("watched.py", "return inputs[0]", "return (*inputs[0],)", "the layers in Python"),
    ],
)
def test_a_change_is_not_gone_on_with(
    begun: TinySearch, file: str, old: str, new: str, what: str
) -> None:
    text = (begun.folder / file).read_text()
    assert old in text
    begun.write(file, text.replace(old, new))
    before = begun.database.read_bytes()
    with pytest.raises(ArchError) as caught:
        resumed(begun)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "A712"
    assert diagnostic.message.endswith(f"was made from something else: {what}")
    assert begun.database.read_bytes() == before


def test_another_seed_is_another_study(begun: TinySearch) -> None:
    assert resumed(begun, seed=0).card.seed == 0
    with pytest.raises(ArchError, match="made from something else: the seed"):
        resumed(begun, seed=1)


def test_layers_that_are_missing(begun: TinySearch) -> None:
    with pytest.raises(ArchError, match="the layers in Python"):
        resumed(begun, python=False)


def test_what_means_the_same_is_gone_on_with(begun: TinySearch) -> None:
    """Comments, blanks and how much is searched may change."""
    begun.write("tiny.arch", "# another word\n" + SPEC.replace("conv(width, 3)", "conv( width,3 )"))
    text = SEARCH.replace("trials 4", "trials 40\ntimeout 2h").replace("{20K, 40K}", "{20K,40K}")
    begun.write("tiny.search", f"# what for\n{text}")
    study = resumed(begun)
    assert (study.search.trials, study.search.timeout) == (40, 7200.0)
    assert sum(row.is_result for row in study.rows()) == 12


def test_a_study_that_was_only_just_begun(tiny: TinySearch) -> None:
    """Whoever is killed between its first two files leaves a study that goes on."""
    source, folder = read_source(str(tiny.folder / "tiny.search"), SEARCHES)
    assert folder is not None
    search = read_search(source, folder, tiny.table)
    files = [tiny.folder / "watched.py"]
    begin(search, tiny.study, folder, 0, None, files, "archdsl search", tiny.table)
    tiny.database.unlink()
    assert (tiny.study / CARD).exists()
    study = resumed(tiny)
    assert study.rows() == []
    assert study.head.user_attrs["card"]["search"] == SEARCH


def test_who_reads_a_study_makes_nothing(tiny: TinySearch) -> None:
    """All of its parts are there when its card is, also before anything was planned."""
    source, folder = read_source(str(tiny.folder / "tiny.search"), SEARCHES)
    assert folder is not None
    search = read_search(source, folder, tiny.table)
    files = [tiny.folder / "watched.py"]
    begin(search, tiny.study, folder, 0, None, files, "archdsl search", tiny.table)
    before = {p: p.read_bytes() for p in tiny.study.rglob("*") if p.is_file()}
    assert tiny.rows() == []
    assert {p: p.read_bytes() for p in tiny.study.rglob("*") if p.is_file()} == before


def test_the_card_is_signed_last(tiny: TinySearch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who finds it in a database finds all parts of the study there."""
    source, folder = read_source(str(tiny.folder / "tiny.search"), SEARCHES)
    assert folder is not None
    search = read_search(source, folder, tiny.table)
    seen: list[int] = []
    write = Storage.set_study_user_attr

    def noting(self: Storage, study_id: int, key: str, value: Any) -> None:
        if key == "card":
            seen.append(len(self.tables.studies()))
        write(self, study_id, key, value)

    monkeypatch.setattr(Storage, "set_study_user_attr", noting)
    made = begin(search, tiny.study, folder, 0, None, [], "archdsl search", tiny.table)
    assert seen == [1 + len(made.places)] == [5]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 99}', '{"format": 1}'])
def test_a_card_that_is_damaged(begun: TinySearch, text: str) -> None:
    """It holds no result; the error names it."""
    (begun.study / CARD).write_text(text)
    with pytest.raises(ArchError) as caught:
        resumed(begun)
    assert "tiny.study" in caught.value.diagnostics[0].message
    assert caught.value.diagnostics[0].code == "A002"
