"""Every hostile text gets the right diagnostic, soon; nothing else ever comes out.

"Soon" is not measured in seconds: work is counted (``archdsl.elaborate.machine``), and what is
counted is bounded. A limit that fails shows here as a test that hangs.
"""

import pytest
from hostile_texts import HOSTILE
from thinned import thinned

import archdsl
from archdsl import ArchError
from archdsl.diagnostics.export import to_dict
from archdsl.diagnostics.model import MOST
from archdsl.diagnostics.source import Source
from archdsl.syntax.format import format_source


def diagnostics_of(text: str) -> tuple[archdsl.Diagnostic, ...]:
    try:
        arch = archdsl.parse(text, "evil.arch").with_knobs()
        assert arch.params >= 0 and arch.depth >= 0 and len(arch.hash) == 32
        assert arch.memory(32).training > 0 and repr(arch)
    except ArchError as error:
        assert error.diagnostics, "an error says what is wrong"
        return error.diagnostics
    return ()


@pytest.mark.parametrize("name", thinned(HOSTILE, 2))
def test_hostile_texts(name: str) -> None:
    expected, text = HOSTILE[name]
    found = diagnostics_of(text)
    assert [d.code for d in found] == expected
    shown = str(ArchError(found))
    assert len(found) <= MOST and len(shown) < 100_000
    assert all(c == "\n" or c.isprintable() for c in shown)
    assert all(to_dict(d)["code"] == d.code for d in found)


@pytest.mark.parametrize("name", thinned(HOSTILE, 4))
def test_the_formatter_takes_or_refuses_them(name: str) -> None:
    _, text = HOSTILE[name]
    try:
        once = format_source(Source("evil.arch", text))
    except ArchError:
        return
    assert len(once) < 10 * len(text) + 10
