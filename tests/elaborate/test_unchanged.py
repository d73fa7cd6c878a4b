"""A spec is asked, and stays as it is: in any order, and from several threads."""

from concurrent.futures import ThreadPoolExecutor

import pytest

import archdsl

TEXT = """arch net(width = 8 in 4..32, act = relu in {relu, gelu, hardswish}, mix = 1)
input 3x16x16
let twice = 2 * width
block unit(n, f) { conv(n, 3) -> bn -> f }
for n in [width, twice, width + 1] { unit(n, act) }
repeat 2 { residual { unit(width + 1, act) } }
"""


def state(spec: archdsl.Spec) -> tuple[object, ...]:
    program = spec.program
    return (
        [(f.scope.unit.slots, len(f.scope.names), f.scope.unit.chooses) for f in program.files],
        program.has_choices,
        list(program.found),
        dict(program.main.scope.context.given),
    )


def test_reading_values_changes_nothing() -> None:
    spec = archdsl.parse(TEXT)
    before = state(spec)
    assert spec.read_constant("[a * b for a in 1..3 for b in 1..2]") == (1, 2, 2, 4, 3, 6)
    assert str(spec.read_constant("(relu -> bn)")) == "relu -> bn"
    spec.read_constant("(choose { relu; gelu })")
    assert spec.read_knob("act", "gelu") == spec.read_constant("gelu")
    for wrong in ("twice", "in.channels", "1 / 0", "unknown", "width"):
        with pytest.raises(archdsl.ArchError):
            spec.read_constant(wrong)
    with pytest.raises(archdsl.ArchError, match="no knob"):
        spec.with_knobs(widht=4)
    assert state(spec) == before


def test_many_threads_get_what_one_gets() -> None:
    asked = [(w, a) for w in range(4, 33) for a in ("relu", "gelu", "hardswish")]

    def look(spec: archdsl.Spec, width: int, act: str) -> tuple[object, ...]:
        arch = spec.candidate({"width": str(width), "act": act})
        read = spec.read_constant(f"[i * {width} for i in 1..3]")
        return arch.figures, arch.shapes, [n.layer for n in arch.flat.nodes], read

    alone = [look(archdsl.parse(TEXT), *one) for one in asked]
    for _ in range(3):
        spec = archdsl.parse(TEXT)
        with ThreadPoolExecutor(8) as pool:
            found = pool.map(look, [spec] * len(asked), *zip(*asked, strict=True))
            assert list(found) == alone
