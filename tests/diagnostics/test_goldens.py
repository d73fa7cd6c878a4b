"""What a mistake gets: ``bad/CODE_slug.arch`` beside ``bad/CODE_slug.err``, the text to the letter.

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
from archdsl.spec import Spec

BAD = Path(__file__).parent / "bad"
OF_A_SPEC = {code for code in codes.ALL if code < "A6"}  # later ones are of stages that follow
ELSEWHERE = set("A002 A003 A004 A007 A008 A009 A010 A508 A509 A510 A511".split())  # test_files.py,
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


@pytest.mark.parametrize("path", sorted(BAD.glob("*.arch")), ids=lambda path: path.stem)
def test_text(path: Path) -> None:
    error = mistakes(path)
    same_as(path.with_suffix(".err"), error)
    assert path.stem.partition("_")[0] in {d.code for d in error.diagnostics}


def test_every_code_has_a_pair() -> None:
    shown = {path.stem.partition("_")[0] for path in BAD.glob("*.arch")}
    assert sorted(OF_A_SPEC - ELSEWHERE - shown) == []
    assert shown <= codes.ALL.keys()


def test_every_text_has_its_spec() -> None:
    assert {p.stem for p in BAD.glob("*.err")} == {p.stem for p in BAD.glob("*.arch")}
