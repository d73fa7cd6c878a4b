"""Nothing overlaps, is cut off, or is run through by a line: in the drawings of all networks that
come with archdsl, of what is awkward to draw, and of random specs."""

import sys
from pathlib import Path

import pytest
from crowding import faults
from hypothesis import given, settings
from thinned import thinned

import archdsl
from archdsl.files import builtin_names
from archdsl.pictures.scene import Box, Disc, Scene, Shape, Wire, Words
from archdsl.pictures.views import draw
from archdsl.spec import Architecture

sys.path.insert(0, str(Path(__file__).parents[1] / "graph"))
from random_specs import specs

# ---------------------------------------------------------------------- the test is awake

GOOD: tuple[Shape, ...] = (
    Box(10, 10, 100, 80, "frame"),
    Box(20, 20, 60, 20, "conv", note="a"),
    Box(20, 60, 60, 20, "conv", note="b"),
    Words(50, 30, "3x3", anchor="middle"),
    Wire(((50, 40), (50, 60)), arrow=True),
)
WRONG: dict[str, Shape] = {
    "is cut off": Words(180, 95, "beyond the edge"),
    "overlap": Box(70, 30, 30, 20, "conv", note="c"),
    "and 3x3": Words(45, 33, "3x3"),
    "sticks out of box": Words(60, 70, "too long for its box"),
    "sticks out of Box": Box(90, 45, 40, 10, "pool", note="d"),
    "lies on Disc": Words(148, 30, "x"),
    "runs through box": Wire(((10, 70), (105, 70))),
    "runs through 3x3": Wire(((50, 22), (50, 38))),
    "is slanted at 120, 20": Wire(((120, 20), (140, 40)), arrow=True),
}


def test_a_good_scene_has_no_faults() -> None:
    assert faults(Scene(200, 100, "good", GOOD)) == []


@pytest.mark.parametrize("fault", WRONG)
def test_a_fault_is_seen(fault: str) -> None:
    disc = Disc(150, 30, 8)
    found = faults(Scene(200, 100, "bad", (*GOOD, disc, WRONG[fault])))
    assert any(fault in f for f in found), found


# ------------------------------------------------------------------------------- drawings


def all_faults(arch: Architecture, *depths: int) -> list[str]:
    return [
        f"depth {depth}, {'down' if down else 'right'}: {fault}"
        for depth in depths
        for down in (True, False)
        for fault in faults(draw(arch.network, arch.shown_knobs, depth=depth, down=down))
    ]


@pytest.mark.parametrize("name", thinned(builtin_names(), 4))
def test_networks_that_come_with_archdsl(name: str) -> None:
    spec = archdsl.read(name)
    assert all_faults(spec.with_knobs(), 1, 2, 3, 99) == []
    for variant in spec.variants:
        assert all_faults(spec.variant(variant), 2) == []


@pytest.mark.parametrize("rule", ["channels", "macs"])
@pytest.mark.parametrize("name", ["vgg16", "googlenet", "resnet50", "densenet121", "fractalnet40"])
def test_boxes_whose_width_says_something(name: str, rule: str) -> None:
    arch = archdsl.load(name)
    for depth in (1, 2, 3):
        assert faults(draw(arch.network, {}, depth=depth, size=rule)) == []


AWKWARD = {
    "neither in series nor in parallel": """
        conv(8, 3) as a
        conv(8, 3) as b
        conv(8, 3) as c
        branch add { a; b; c; conv(8, 1) }
        conv(8, 3) as d
        branch concat { a; d; b -> relu }
        branch add { conv(8, 1); c; d }""",
    "one tensor in several arms": """
        conv(8, 3) as a
        branch concat { a -> conv(8, 3) ; identity; identity; a }
        branch mul { identity; global_avgpool -> conv(32, 1) -> sigmoid }
        linear(4)""",
    "side outputs": """
        conv(8, 3)
        output x(weight = 0.1) { residual { conv(8, 3) -> bn } -> linear(10) }
        output y(weight = 0.1) { linear(10) }
        linear(4)
        output z(weight = 0.1) { relu -> linear(3) }""",
    "a side output before the head": """
        conv(4, 1) as x
        conv(4, 1) as y
        branch concat { identity; x }
        branch concat { identity; y }
        output aux(weight = 0.3) { conv(4, 1); linear(3) }
        head: global_avgpool -> linear(10)""",
    "a result beside the axis": """
        conv(8, 3) as x
        conv(8, 3) as y
        branch add { x; y } as sum
        branch max { y; y } as most
        branch mul { sum; most }
        output aux(weight = 0.3) { sum -> global_avgpool -> linear(3) }
        linear(10)""",
    "parts that take tensors from before": """
        block mix(c) { branch add { conv(c, 3); conv(c, 1) } -> relu }
        conv(8, 3) as a
        conv(8, 3) as b
        part: { branch concat { a -> conv(4, 3); b; identity } -> conv(8, 1) }
        again: { branch add { a -> mix(8); b -> mix(8); mix(8) } }
        repeat 3 { relu -> mix(8) }""",
    "patterns in patterns": """
        fractal(4) { conv(8, 3) -> bn -> relu -> conv(8, 1) }
        fractal(3) { residual { conv(8, 3) } }
        dense(9) { fractal(2) { conv(4, 3) } }
        dense(1) { conv(4, 3) }""",
    "long names": f"""
        block {"very_" * 12}long(c, kernel) {{ conv(c, kernel) -> bn -> relu -> conv(8, 1) }}
        {"a_rather_" * 8}long_label: {{ {"very_" * 12}long(8, 3) -> {"very_" * 12}long(8, 5) }}""",
}


@pytest.mark.parametrize("body", AWKWARD.values(), ids=AWKWARD.keys())
def test_what_is_awkward(body: str) -> None:
    arch = archdsl.parse(f"arch a\ninput 8x16x16\n{body}\n").with_knobs()
    assert all_faults(arch, 1, 2, 3, 99) == []


@settings(max_examples=40)
@given(specs())
def test_random_specs(text: str) -> None:
    try:
        arch = archdsl.parse(text).with_knobs()
    except archdsl.ArchError:
        return
    assert all_faults(arch, 1, 3, 99) == []


def test_deep_blocks() -> None:
    """A block that applies itself to the greatest depth is drawn, too."""
    text = (
        "arch a\ninput 4x8x8\n"
        "block nest(n) { conv(4, 3) -> relu -> conv(4, 1)\n if n > 0 { nest(n - 1) } }\nnest(35)\n"
    )
    arch = archdsl.parse(text).with_knobs()
    assert faults(draw(arch.network, {}, depth=99)) == []
