"""What a mistake gets: ``bad/CODE_slug.arch``, or ``.search``, beside ``bad/CODE_slug.err``, the
text to the letter.

``ARCHDSL_REWRITE=1 pytest tests/diagnostics`` writes the texts anew; read the difference.
"""

from pathlib import Path

import pytest
from expected_text import same_as

from archdsl import ArchError
from archdsl.analysis.space import prove
from archdsl.diagnostics import codes
from archdsl.diagnostics.source import Source
from archdsl.files import Library
from archdsl.search.reach import survey
from archdsl.search.reading import read_search
from archdsl.search.space import space_of
from archdsl.spec import Spec
from archdsl.training.data import load

BAD = Path(__file__).parent / "bad"
OF_A_SPEC = {code for code in codes.ALL if code < "A6"}  # later ones are of stages that follow
OF_A_SEARCH = {code for code in codes.ALL if code[:2] in ("A7", "A8")}
OF_A_STUDY = set(  # tests/search
    "A711 A712 A713 A714 A715 A716 A717 A718 A720 A731 A732 A733".split()
)
OF_A_TRAINING = set("A804 A806 A807 A808 A809 A810 A823 A825".split())  # tests/training
OF_A_CARD = set("A821 A822".split())  # tests/cli
ELSEWHERE = set("A002 A003 A004 A007 A008 A009 A010 A020 A508 A509 A510 A511".split()) | set(
    "A515 A516 A517".split()
)  # test_files.py,
# test_settings.py and test_graph_json.py: what no spec alone can bring about


def mistakes(path: Path) -> ArchError:
    """What `archdsl check` finds in a file, the folder left out of its name."""
    with pytest.raises(ArchError) as caught:
        spec = Spec(Source(path.name, path.read_bytes().decode()), Library(path.parent))
        spec.with_knobs()
        for variant in spec.variants:
            spec.variant(variant)
        proof = prove(spec.program)
        assert proof.counterexample is not None, "this is no mistake"
        raise ArchError(proof.counterexample.diagnostics)
    return caught.value


def mistakes_in_search(path: Path) -> ArchError:
    """What `archdsl check` finds in a search, or what its data are found to be like."""
    with pytest.raises(ArchError) as caught:
        search = read_search(Source(path.name, path.read_bytes().decode()), Path())
        survey(space_of(search, Path()))
        load(search.data, Path())
    return caught.value


def paths(ending: str) -> list[Path]:
    return sorted(BAD.glob(f"*.{ending}"))


def code(path: Path) -> str:
    return path.stem.partition("_")[0]


@pytest.mark.parametrize("path", paths("arch"), ids=lambda path: path.stem)
def test_text(path: Path) -> None:
    error = mistakes(path)
    same_as(path.with_suffix(".err"), error)
    assert code(path) in {d.code for d in error.diagnostics}


@pytest.mark.parametrize("path", paths("search"), ids=lambda path: path.stem)
def test_text_of_a_search(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BAD)
    error = mistakes_in_search(path)
    same_as(path.with_suffix(".err"), error)
    assert code(path) in {d.code for d in error.diagnostics}


def test_every_code_has_a_pair() -> None:
    of_specs, of_searches = ({code(p) for p in paths(end)} for end in ("arch", "search"))
    assert sorted(OF_A_SPEC - ELSEWHERE - of_specs) == []
    assert sorted(OF_A_SEARCH - OF_A_STUDY - OF_A_TRAINING - OF_A_CARD - of_searches) == []
    assert of_specs | of_searches <= codes.ALL.keys()


def test_every_text_has_its_file() -> None:
    names = sorted(p.stem for p in paths("arch") + paths("search"))
    assert sorted(p.stem for p in paths("err")) == names
