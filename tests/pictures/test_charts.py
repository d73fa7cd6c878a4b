"""Charts: scales, names beside points, the Pareto front, lines of equal cost, and facts."""

import random
from itertools import combinations
from math import hypot, log2

import pytest

import archdsl
from archdsl.pictures.bubbles import Blob, bubbles, front
from archdsl.pictures.charts import AxisScale, percent, spanning
from archdsl.pictures.contours import Sheet, contours, levels, lines
from archdsl.pictures.point_labels import Spot, labelled
from archdsl.pictures.scene import Box, Disc, Scene, Wire, Words
from archdsl.pictures.winners import HUMAN, WINNERS, winners
from archdsl.report.scales import Measure

# --------------------------------------------------------------------------------- scales


def test_a_scale_from_end_to_end() -> None:
    plain, log = AxisScale(10, 20), AxisScale(1, 100, True)
    assert [plain(v) for v in (10, 15, 20)] == [0, 0.5, 1]
    assert [log(v) for v in (1, 10, 100)] == [0, 0.5, 1]


TICKS = {
    (0.0, 10.0, False): [0, 2, 4, 6, 8, 10],
    (0.47, 0.89, False): [0.5, 0.6, 0.7, 0.8],
    (9.0, 53.0, False): [10, 20, 30, 40, 50],
    (1e6, 1e11, True): [1e6, 1e7, 1e8, 1e9, 1e10, 1e11],
    (3e7, 2e9, True): [3e7, 1e8, 3e8, 1e9],
    (0.3, 12.0, True): [0.3, 1, 3, 10],
    (4.0, 9.0, True): [4, 5, 6, 8],
}


@pytest.mark.parametrize(("low", "high", "log"), TICKS)
def test_ticks_are_round(low: float, high: float, log: bool) -> None:
    assert AxisScale(low, high, log).ticks(6) == pytest.approx(TICKS[low, high, log])


def test_a_scale_around_values() -> None:
    scale = spanning([1, 2, 50])
    assert scale.log and scale.low < 1 and scale.high > 50
    assert not spanning([10, 50]).log and not spanning([0, 1e9]).log
    for same in ([5, 5], [0, 0]):
        scale = spanning(same)
        assert scale.low < same[0] < scale.high
    assert percent(0.7613) == "76.1 %"


# ---------------------------------------------------------------------------------- names


def crowd(count: int, seed: int) -> list[Spot]:
    draw = random.Random(seed)
    return [
        Spot(
            draw.uniform(20, 580),
            draw.uniform(20, 380),
            draw.uniform(2, 20),
            f"network_{i}",
            draw.random(),
        )
        for i in range(count)
    ]


@pytest.mark.parametrize("count", [1, 10, 60, 150])
def test_names_do_not_overlap(count: int) -> None:
    spots = crowd(count, count)
    words = [s for s in labelled(spots, (0, 0, 600, 400)) if isinstance(s, Words)]
    boxes = [w.extent for w in words]
    for a, b in combinations(boxes, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
    for left, top, right, bottom in boxes:
        assert left >= 0 and top >= 0 and right <= 600 and bottom <= 400
        assert not any(left < s.x < right and top < s.y < bottom for s in spots)
    assert len(words) >= min(count, 40)


def test_the_first_in_rank_is_named_first() -> None:
    spots = [Spot(50 + i, 50, 3, f"net{i}", rank=i) for i in range(40)]
    named = [s.text for s in labelled(spots, (0, 0, 140, 90)) if isinstance(s, Words)]
    assert named[0] == "net39" and len(named) < 40


def test_a_name_that_stands_apart_has_a_line_to_its_point() -> None:
    spots = crowd(150, 3)
    shapes = list(labelled(spots, (0, 0, 600, 400)))
    leads = [s for s in shapes if isinstance(s, Wire)]
    assert leads
    for line in leads:
        x, y = line.points[0]
        assert any(abs(hypot(x - s.x, y - s.y) - s.radius) < 0.01 for s in spots)


# ------------------------------------------------------------------------------- bubbles


def blobs(*triples: tuple[float, float, float]) -> list[Blob]:
    return [Blob(f"n{i}", "f", x, y, size) for i, (x, y, size) in enumerate(triples)]


def test_the_front_is_what_no_other_beats() -> None:
    points = blobs((1, 0.5, 1), (2, 0.7, 1), (2, 0.6, 1), (3, 0.65, 1), (4, 0.8, 1), (5, 0.8, 1))
    assert [b.name for b in front(points)] == ["n0", "n1", "n4"]
    for blob in points:
        beaten = any(
            o.x <= blob.x and o.y >= blob.y and (o.x, o.y) != (blob.x, blob.y) for o in points
        )
        assert (blob in front(points)) is not beaten


def test_what_was_measured_otherwise_is_hollow_and_not_in_the_front() -> None:
    points = [Blob("a", "f", 1, 0.5, 1), Blob("b", "f", 2, 0.9, 1, apart=True)]
    assert [b.name for b in front(points)] == ["a"]
    scene = bubbles(points, "t", "x", "y", "params")
    hollow = [s for s in scene.shapes if isinstance(s, Disc) and s.fill == "paper"]
    assert len(hollow) == 1
    assert any("hollow" in s.text for s in scene.shapes if isinstance(s, Words))


def test_areas_are_in_proportion() -> None:
    scene = bubbles(blobs((1, 0.5, 4e6), (2, 0.6, 1e6), (3, 0.7, 16e6)), "t", "x", "y", "params")
    radii = sorted(s.radius for s in scene.shapes if isinstance(s, Disc) and s.opacity < 1)
    assert [r / radii[0] for r in radii] == pytest.approx([1, 2, 4])


def test_intervals_are_bars() -> None:
    points = [Blob("a", "f", 1, 0.5, 1, 0.45, 0.56), Blob("b", "f", 2, 0.6, 1)]
    scene = bubbles(points, "t", "x", "y", "params")
    (bar,) = (
        s
        for s in scene.shapes
        if isinstance(s, Wire) and s.colour == "ink" and s.points[0][0] == s.points[1][0]
        if not s.dashed
    )
    (dot,) = (
        s
        for s in scene.shapes
        if isinstance(s, Disc) and s.radius == 1.4 and s.x == bar.points[0][0]
    )
    low, high = bar.points[0][1], bar.points[1][1]
    assert (low - dot.y) / (dot.y - high) == pytest.approx(0.05 / 0.06)


def words_of(scene: Scene) -> list[Words]:
    return [s for s in scene.shapes if isinstance(s, Words)]


def overlapping(scene: Scene) -> list[tuple[str, str]]:
    return [
        (a.text, b.text)
        for a, b in combinations(words_of(scene), 2)
        if a.extent[0] < b.extent[2] - 1
        and b.extent[0] < a.extent[2] - 1
        and a.extent[1] < b.extent[3] - 1
        and b.extent[1] < a.extent[3] - 1
    ]


def inside(scene: Scene) -> bool:
    return all(
        s.extent[0] >= 0
        and s.extent[1] >= 0
        and s.extent[2] <= scene.width
        and s.extent[3] <= scene.height
        for s in scene.shapes
    )


# ------------------------------------------------------------------------------ contours


def sheet(cost: object, xs: list[float], ys: list[float]) -> Sheet:
    return Sheet(xs, ys, [[cost(x, y) for y in ys] for x in xs])  # type: ignore[operator]


def test_a_line_is_where_the_cost_is() -> None:
    """On an even slope in the logarithm the lines are straight and exact."""
    xs, ys = [0.0, 1, 2, 3, 4], [0.0, 1, 2, 3]
    (line,) = lines(sheet(lambda x, y: 2.0 ** (x + y), xs, ys), 2**2.5)
    assert all(x + y == pytest.approx(2.5) for x, y in line)
    assert {min(line), max(line)} == {(0.0, 2.5), (2.5, 0.0)}


def test_a_closed_line() -> None:
    axis = [i / 4 for i in range(-8, 9)]
    (line,) = lines(sheet(lambda x, y: 2.0 ** (x * x + y * y), axis, axis), 2)
    assert all(abs(hypot(x, y) - 1) < 0.04 for x, y in line)
    assert len(line) > 20 and line[0] == line[-1]


def test_where_there_is_no_candidate_there_is_no_line() -> None:
    xs = [0.0, 1, 2]
    whole = sheet(lambda x, y: 2.0 ** (x + y), xs, xs)
    holed = Sheet(
        xs,
        xs,
        [
            [None if (i, j) == (1, 1) else v for j, v in enumerate(row)]
            for i, row in enumerate(whole.values)
        ],
    )
    assert lines(whole, 2**1.5) and lines(holed, 2**1.5) == []


def test_a_saddle_has_two_lines_that_do_not_cross() -> None:
    found = lines(Sheet([0, 1], [0, 1], [[1, 4], [4, 1]]), 2.5)
    assert len(found) == 2 and all(len(line) == 2 for line in found)


def test_levels_are_round_and_few() -> None:
    assert levels(sheet(lambda x, y: x, [1.0, 30.0], [0.0, 1])) == [1, 2, 5, 10, 20]
    wide = levels(sheet(lambda x, y: x, [1e3, 1e9], [0.0, 1]))
    assert wide == [10.0**k for k in range(3, 10)]
    assert levels(Sheet([1], [1], [[None]])) == []


def test_the_costs_of_a_spec_over_two_knobs() -> None:
    """A line goes between the candidates that cost less and those that cost more."""
    spec = archdsl.read("wide_resnet")
    depths, widths = [10, 16, 22, 28], [1, 2, 4, 8]
    values = [[float(spec.with_knobs(depth=d, width=w).macs) for w in widths] for d in depths]
    found = Sheet([float(d) for d in depths], [float(w) for w in widths], values)
    (line,) = lines(found, 1e9)
    for x, y in line:
        i = max(k for k, d in enumerate(depths) if d <= x)
        j = max(k for k, w in enumerate(widths) if w <= y)
        near = [values[a][b] for a in (i, min(i + 1, 3)) for b in (j, min(j + 1, 3))]
        assert min(near) <= 1e9 <= max(near)
    scene = contours({"macs": found}, "t", "b", "depth", "width")
    assert overlapping(scene) == [] and inside(scene)
    assert sum(isinstance(s, Disc) for s in scene.shapes) == 16
    assert log2(values[3][3] / values[0][0]) > 6


# ------------------------------------------------------------------------------- winners


def test_depths_are_those_of_the_networks_that_come_with_archdsl() -> None:
    networks = {
        (2012, "SuperVision (AlexNet)"): "alexnet_2012",
        (2013, "Clarifai (ZFNet)"): "zfnet_2013",
        (2014, "VGG"): "vgg19",
        (2014, "GoogLeNet"): "googlenet_paper",
        (2015, "ResNet"): "resnet152_v1",
    }
    for winner in WINNERS:
        name = networks.get((winner.year, winner.name))
        if name is not None:
            assert winner.depth == archdsl.load(name).depth


def test_errors_fall_and_have_sources() -> None:
    firsts = [w for w in WINNERS if w.place == 1]
    assert [w.year for w in firsts] == list(range(2010, 2018))
    errors = [w.error for w in firsts]
    assert errors == sorted(errors, reverse=True)
    assert all(w.source for w in WINNERS)
    assert sum(e < HUMAN for e in errors) == 3


def test_the_chart_of_winners() -> None:
    scene = winners()
    assert overlapping(scene) == [] and inside(scene)
    bars = [
        s for s in scene.shapes if isinstance(s, Box) and s.fill in ("curve1", "curve2") and s.note
    ]
    assert len(bars) == len(WINNERS)
    heights = [b.height / w.error for b, w in zip(bars, WINNERS, strict=True)]
    assert heights == pytest.approx([heights[0]] * len(heights))


def test_one_huge_value_has_a_scale() -> None:
    """Beside which 1 is nothing: the score of a study may be anything."""
    for value in (1e40, -1e40):
        scale = spanning([value, value], log=False)
        assert scale.low < value < scale.high and scale(value) == pytest.approx(0.5, abs=0.1)
        assert scale.ticks()
    accuracy = Measure("accuracy", True)
    assert accuracy.scale([1e40]).ticks() and accuracy.scale([-1e40, -1e39]).ticks()
    assert accuracy.scale([90, 99]).high < 101
    assert spanning([3, 3], log=False).low == pytest.approx(2 - 0.12)
