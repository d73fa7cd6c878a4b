"""Networks as volumes: what is on the main path, what leads past it, and in which row it stands."""

from collections import Counter
from pathlib import Path

import pytest
from crowding import faults

import archdsl
from archdsl.cli.main import main
from archdsl.diagnostics.model import ArchError
from archdsl.layers.base import show_shape
from archdsl.pictures.scene import Box, Scene, Wire, Words
from archdsl.pictures.trunk import Past, Trunk, trunk
from archdsl.pictures.views import draw_volumes
from archdsl.pictures.volumes import rows_of, sizes


def trunk_of(name: str, depth: int) -> Trunk:
    return trunk(archdsl.load(name).network, depth)


def picture(text: str, depth: int = 2) -> Scene:
    arch = archdsl.parse(text).with_knobs()
    return draw_volumes(arch.network, {}, depth=depth)


def test_the_path_of_alexnet() -> None:
    found = trunk_of("alexnet", 2)
    assert [show_shape(t.shape) for t in found.tensors] == [
        *("3x224x224", "64x55x55", "64x27x27", "192x27x27", "192x13x13", "384x13x13"),
        *("256x13x13", "256x13x13", "256x6x6", "256x6x6", "256x6x6", "4096", "4096", "1000"),
    ]
    assert found.past == () and set(rows_of(found.tensors)) == {0}


def test_a_u_net_is_a_u() -> None:
    """Four levels down and up again; each shortcut leads to the row that it comes from."""
    found = trunk_of("unet", 9)
    rows = rows_of(found.tensors)
    assert (
        rows
        == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3 + [4] * 3 + [3] * 4 + [2] * 4 + [1] * 4 + [0] * 5
    )
    assert [p.words for p in found.past] == ["crop 4", "crop 16", "crop 40", "crop 88"]
    assert [rows[p.start] for p in found.past] == [rows[p.end] for p in found.past] == [3, 2, 1, 0]
    assert faults(draw_volumes(archdsl.load("unet").network, {}, depth=9)) == []


def test_a_u_net_is_whole_at_two_levels() -> None:
    """Each half within a half is of the same level; its pairs of convolutions stay closed."""
    found = trunk_of("unet_2015", 2)
    rows = rows_of(found.tensors)
    assert (
        rows
        == [0] * 2 + [1] * 2 + [2] * 2 + [3] * 2 + [4] * 2 + [3] * 3 + [2] * 3 + [1] * 3 + [0] * 4
    )
    assert [t.title for t in found.tensors if t.title] == ["double_conv1"] * 5 + [
        "double_conv2"
    ] * 4
    assert [t.title for t in trunk_of("unet_2015", 1).tensors if t.title] == ["unet1"]


def test_a_shortcut_is_a_line_past_the_path() -> None:
    found = trunk(
        archdsl.parse(
            "arch x\ninput 8x16x16\n"
            "body: { residual { conv(8, 3) -> relu -> conv(8, 3) } -> maxpool(2) }\nlinear(3)"
        )
        .with_knobs()
        .network,
        3,
    )
    assert [t.words for t in found.tensors] == [
        *("input", "3x3 conv, 8", "3x3 conv, 8", "add", "2x2 maxpool, /2", "linear 3"),
    ]
    assert found.past == (Past(0, 3, ""),)


def test_a_side_output_leaves_the_path() -> None:
    found = trunk_of("googlenet", 1)
    assert [(show_shape(t.shape), t.end) for _, t in found.sides] == [
        ("1000", "aux1"),
        ("1000", "aux2"),
    ]
    words = [s.text for s in draw_volumes(archdsl.load("googlenet").network, {}, depth=1).shapes
             if isinstance(s, Words)]  # fmt: skip
    assert "aux1 1000" in words and "aux2 1000" in words


def test_branches_that_meet_stay_closed() -> None:
    titles = [t.title for t in trunk_of("googlenet", 9).tensors if t.title]
    assert titles == [], "each arm of an inception is a row of layers"
    dense = [t.title for t in trunk_of("densenet121", 9).tensors if t.title]
    assert dense == ["dense1", "dense2", "dense3", "dense4"]


def test_sizes_grow_with_channels_and_pixels() -> None:
    assert sizes((63, 31, 7)) == (4 + 4.5 * 6, 8 + 13 * 5, 4 + 13 * 3)
    assert sizes((1023,)) == (9, 12 + 90, 6)
    assert sizes((7, 3)) == (4 + 4.5 * 3, 8 + 13 * 2, 4 + 13)
    assert sizes((7, 99, 3, 1))[1:] == (8 + 13 * 2, 4 + 13), (
        "a volume is drawn without its first axis"
    )


def test_each_tensor_is_a_box_with_its_shape() -> None:
    scene = picture("arch x\ninput 3x32x32\nconv(16, 3) -> bn -> relu\nmaxpool(2)\nlinear(10)")
    fills = Counter(s.fill for s in scene.shapes if isinstance(s, Box) and s.radius == 0)
    assert fills == {"paper": 1, "conv": 1, "pool": 1, "linear": 1}
    texts = [s.text for s in scene.shapes if isinstance(s, Words)]
    assert [t for t in texts if t[0].isdigit() and " " not in t] == [
        *("3x32x32", "16x32x32", "16x16x16", "10"),
    ]
    arrows = [s for s in scene.shapes if isinstance(s, Wire) and s.arrow]
    assert len(arrows) == 3 and faults(scene) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("input a: 3x8x8, b: 3x8x8\nbranch add { identity; b }", "it has 2 inputs"),
        (
            "input 3x8x8\nbranch concat { { conv(4, 1); branch add { conv(4, 3); conv(4, 5) } }; "
            "conv(4, 1) -> conv(4, 1) -> branch add { conv(4, 3) -> conv(4, 3); identity } }",
            "",
        ),
    ],
)
def test_what_has_no_path(text: str, reason: str) -> None:
    network = archdsl.parse(f"arch x\n{text}").with_knobs().network
    if not reason:  # its second branch is longer, and the first is more than a row of layers
        reason = "the paths beside its longest one are more than chains of layers"
    with pytest.raises(ArchError) as caught:
        trunk(network, 9)
    assert caught.value.diagnostics[0].message == f"`x` cannot be drawn as volumes: {reason}"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--layout", "right"], "--volumes has a layout of its own"),
        (["--once"], "--volumes has a layout of its own"),
        (["-o", "x.html"], "--volumes is for a picture"),
        (["-o", "x.dot"], "--volumes is for a picture"),
    ],
)
def test_options_that_do_not_go_together(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["draw", "alexnet", "--volumes", *options])
    assert ended.value.code == 2 and said in capsys.readouterr().err


def test_within_makes_it_smaller(tmp_path: Path) -> None:
    network = archdsl.load("alexnet").network
    scene = draw_volumes(network, {}, within=(600, 400))
    assert scene.width == pytest.approx(600) and scene.height < 400
    with pytest.raises(SystemExit) as ended:
        main(["draw", "alexnet", "--volumes", "-o", str(tmp_path / "a.svg")])
    assert ended.value.code in (0, None) and (tmp_path / "a.svg").read_text().startswith("<svg")
