"""Drawings that are broken into columns or rows."""

import re
from pathlib import Path

import pytest
from crowding import faults

import archdsl
from archdsl.cli.main import main
from archdsl.pictures.drawing import Drawing
from archdsl.pictures.lanes import Lanes
from archdsl.pictures.pen import Direction
from archdsl.pictures.scene import Box, Scene, Wire, Words, extent
from archdsl.pictures.views import draw, levels, shapes, view


def picture(
    name: str, room: tuple[float, float] | None, down: bool = True, depth: int = 2
) -> Scene:
    arch = archdsl.load(name)
    return draw(arch.network, {}, depth=depth, down=down, within=room)


def texts(scene: Scene) -> list[str]:
    return [s.text for s in scene.shapes if isinstance(s, Words)]


@pytest.mark.parametrize("name", ["resnet50", "googlenet", "densenet121"])
@pytest.mark.parametrize("down", [True, False])
def test_it_fits_and_nothing_is_lost(name: str, down: bool) -> None:
    """The same texts, at most the size that was asked for, and nothing overlaps."""
    whole, room = picture(name, None, down), (1000.0, 700.0)
    broken = picture(name, room, down)
    assert whole.height > room[1] if down else whole.width > room[0]
    assert broken.width <= room[0] + 1e-6 and broken.height <= room[1] + 1e-6
    assert sorted(texts(broken)) == sorted(texts(whole))
    assert faults(broken) == []


def test_as_few_columns_as_let_it_be_largest() -> None:
    """ResNet-50 in two columns needs no other size; what fits stays as it is."""
    assert picture("resnet50", (900, 1300)) == picture("resnet50", None)
    broken = picture("resnet50", (900, 750))
    sizes = {s.size for s in broken.shapes if isinstance(s, Words)}
    assert sizes == {s.size for s in picture("resnet50", None).shapes if isinstance(s, Words)}
    tops = [s for s in broken.shapes if isinstance(s, Wire) and len(s.points) > 4]
    assert len(tops) == 1, "one line leads to the second column"


def test_a_line_leads_from_a_column_to_the_next() -> None:
    first, second = Box(0, 0, 40, 30), Box(0, 60, 40, 30)
    wire = Wire(((20, 30), (20, 60)), arrow=True)
    lanes = Lanes([first, second, wire], True)
    (cut,) = lanes.cuts()
    assert (cut.s, cut.t) == (54, 20)
    boxes = [s for s in lanes.laid([cut]) if isinstance(s, Box)]
    assert [(b.x, b.y) for b in boxes] == [(0, 0), (76, 6)]
    (line,) = [s for s in lanes.laid([cut]) if isinstance(s, Wire)]
    assert line.points == ((20, 30), (20, 66), (58, 66), (58, -12), (96, -12), (96, 6))
    assert line.arrow


def test_a_frame_is_cut_between_boxes_alone() -> None:
    """Each piece of a frame has a box in it; the frame's title stands in the first."""
    inside = [Box(10, 30, 40, 20), Box(10, 80, 40, 20), Box(10, 130, 40, 20)]
    ways = [(0, 30), (50, 80), (100, 130), (150, 170)]
    lines = [Wire(((30, a), (30, b))) for a, b in ways]
    frame = Box(0, 10, 60, 160, "frame")
    lanes = Lanes([frame, *inside, *lines], True)
    assert [c.s for c in lanes.cuts()] == [74, 124]
    laid = lanes.laid(lanes.cuts())
    pieces = [s for s in laid if isinstance(s, Box) and s.fill == "frame"]
    assert [(p.y, p.height) for p in pieces] == [(10, 64), (0, 50), (0, 46)]


def test_where_two_lines_go_on_nothing_is_cut() -> None:
    boxes = [Box(0, 0, 40, 30), Box(0, 60, 40, 30)]
    lines = [Wire(((10, 30), (10, 60))), Wire(((30, 30), (30, 60)))]
    assert Lanes([*boxes, *lines], True).cuts() == []


def test_what_cannot_be_cut_is_made_smaller() -> None:
    small = picture("unet_2015", (300, 400))
    whole = picture("unet_2015", None)
    assert small.width / whole.width == pytest.approx(small.height / whole.height)
    assert small.width == pytest.approx(300) or small.height == pytest.approx(400)
    assert extent(small.shapes)[2] <= 300 and faults(small) == []


@pytest.mark.parametrize("name", ["resnet50", "densenet121", "unet_2015"])
@pytest.mark.parametrize("down", [True, False])
def test_a_size_is_told_before_anything_is_laid_out(name: str, down: bool) -> None:
    arch = archdsl.load(name)
    drawing = Drawing(arch.network, Direction(down))
    lanes = Lanes(list(shapes(drawing, view(drawing.root, levels(2)), {})), down)
    size, cuts = lanes.sizes(), lanes.cuts()
    for chosen in ([], cuts[:1], cuts[1::4]):
        left, top, right, bottom = extent(lanes.laid(chosen))
        assert size(chosen) == pytest.approx((right - left, bottom - top))


@pytest.mark.parametrize("more", [[], ["--volumes"]])
def test_a_size_in_which_nothing_could_be_seen(
    more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["draw", "resnet50", "--within", "10x10", "-o", "-", *more])
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("error[A908]: 10x10 pixels are too few for this picture")
    needed = re.search(r"give it (\d+x\d+) pixels or more", said)
    assert needed is not None
    with pytest.raises(SystemExit) as ended:
        main(["draw", "resnet50", "--within", needed[1], "-o", "-", *more])
    assert ended.value.code == 0


@pytest.mark.parametrize("text", ["800", "800x", "x900", "0x900", "800x900x2", "8e2x900"])
def test_a_size_that_is_none(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["draw", "resnet50", "--within", text, "-o", "-"])
    assert ended.value.code == 2
    assert f"'{text}' is not a width and a height in pixels" in capsys.readouterr().err


def test_a_page_is_not_broken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["draw", "resnet50", "--within", "800x900", "-o", str(tmp_path / "x.html")])
    assert ended.value.code == 2 and "--within is for a picture" in capsys.readouterr().err
