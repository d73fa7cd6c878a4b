"""What a drawing shows: of which pieces it is made, what is folded, how they hang together."""

from collections import Counter
from itertools import pairwise

import pytest

import archdsl
from archdsl.ir.network import Part
from archdsl.pictures.drawing import Drawing
from archdsl.pictures.glyphs import DrawnBlock, DrawnJoin, Stack
from archdsl.pictures.pen import Direction
from archdsl.pictures.scene import Box, Disc, Scene, Wire, Words
from archdsl.pictures.sketch import sketch
from archdsl.pictures.svg import sign_strokes
from archdsl.pictures.views import draw, shapes, view
from archdsl.pictures.weave import Fork, Knot, Leaf, Run, Thread, Web, weave


def part_of(name: str, *path: str) -> Part:
    """A part of a network that comes with archdsl, by the names of its steps."""
    part = archdsl.load(name).network.root
    for label in path:
        (step,) = (s for s in part.steps if s.label == label)
        assert isinstance(step.op, Part)
        part = step.op
    return part


@pytest.mark.parametrize("name", ["a_" * 30, "a_" * 200])
def test_a_long_name_stays_within_the_picture(name: str) -> None:
    scene = draw(archdsl.load("vgg11").network, {}, depth=1, title=name)
    words = [s for s in scene.shapes if isinstance(s, Words)]
    assert "".join(w.text for w in words if w.bold).startswith(name)
    assert all(w.x + w.width <= scene.width for w in words if w.anchor == "start")
    assert len({w.y for w in words[:7]}) == 7  # no line on another


def pieces(part: Part) -> list[str]:
    """The pieces of a part, each in a line."""
    found = []
    for piece in sketch(part).pieces:
        times = f" x {piece.repeat}" if piece.repeat > 1 else ""
        if isinstance(piece, Stack):
            shown = " | ".join(s.words for s in piece.strips)
        else:
            shown = piece.sign or "join" if isinstance(piece, DrawnJoin) else "block"
        found.append(f"{piece.name}{times} {piece.inputs}: {shown}")
    return found


# ------------------------------------------------------------------------------- pieces


def test_layers_that_go_together_are_one_stack() -> None:
    assert pieces(part_of("resnet50", "stage1", "bottleneck1")) == [
        "conv1 (0,): 1x1 conv, 64 | bn | relu",
        "conv2 (1,): 3x3 conv, 64 | bn | relu",
        "conv3 (2,): 1x1 conv, 256 | bn",
        "shortcut.conv1 (0,): 1x1 conv, 256 | bn",
        "add1 (4, 3): +",
        "relu3 (5,): relu",
    ]


def test_a_row_that_begins_with_a_normalisation_has_it_in_front() -> None:
    assert pieces(part_of("densenet121", "dense1", "layer1")) == [
        "bn1 (0,): bn | relu | 1x1 conv, 128",
        "bn2 (1,): bn | relu | 3x3 conv, 32",
    ]


def test_arms_and_rows_are_no_boxes_of_their_own() -> None:
    assert pieces(part_of("googlenet", "inception3a")) == [
        "branch1 (0,): 1x1 conv, 64 | bn | relu",
        "branch2.unit1 (0,): 1x1 conv, 96 | bn | relu",
        "branch2.unit2 (2,): 3x3 conv, 128 | bn | relu",
        "branch3.unit1 (0,): 1x1 conv, 16 | bn | relu",
        "branch3.unit2 (4,): 3x3 conv, 32 | bn | relu",
        "branch4.maxpool1 (0,): 3x3 maxpool",
        "branch4.unit1 (6,): 1x1 conv, 32 | bn | relu",
        "concat1 (1, 3, 5, 7): join",
    ]


def test_repeats_are_folded() -> None:
    assert pieces(part_of("resnet101", "stage3")) == [
        "bottleneck1 (0,): block",
        "bottleneck2-23 x 22 (1,): block",
    ]


def test_blocks_that_differ_in_their_rates_of_dropping_are_folded() -> None:
    assert pieces(part_of("convnext_tiny", "stage3")) == ["convnext1-9 x 9 (0,): block"]
    assert pieces(part_of("ghostnet_1_0", "features"))[:2] == [
        "ghost_bottleneck1 (0,): block",
        "ghost_bottleneck2 (1,): block",
    ]


LAYERS = {
    "conv(64, 3)": "3x3 conv, 64",
    "conv(64, 1x7, stride = 2)": "1x7 conv, 64, /2",
    "conv(16, 5, groups = 4, bias = false)": "5x5 conv, 16, g4",
    "conv(16, 3, groups = 16)": "3x3 conv, 16, dw",
    "conv_transpose(8, 2, stride = 2)": "2x2 conv_transpose, 8, /2",
    "maxpool(3, stride = 2, pad = 1)": "3x3 maxpool, /2",
    "avgpool(2)": "2x2 avgpool, /2",
    "maxpool(3, stride = 1, pad = 1)": "3x3 maxpool",
    "conv(16, 3, dilation = 12)": "3x3 conv, 16, d12",
    "linear(10)": "linear 10",
    "dropout(0.3)": "dropout 0.3",
    "bn(eps = 1e-3)": "bn",
    "upsample(2)": "upsample 2",
    "global_avgpool": "global_avgpool",
    "split(4, 2)": "split 4 2",
}


@pytest.mark.parametrize("call", LAYERS)
def test_layers_in_few_words(call: str) -> None:
    root = archdsl.parse(f"arch a\ninput 16x32x32\n{call}\n").with_knobs().network.root
    (piece,) = sketch(root).pieces
    assert isinstance(piece, Stack)
    assert piece.strips[0].words == LAYERS[call]


# --------------------------------------------------------------------- series and parallel


def woven(node: object) -> str:
    """``[a (b / |) +]``: a run of ``a``, two arms (one a bare line), and a join."""
    if isinstance(node, Leaf):
        return node.piece.name
    if isinstance(node, Thread):
        return "|"
    if isinstance(node, Knot):
        hub = node.hub
        loose = "".join(f"~{woven(n)}" for n in node.loose)
        return (hub.name if hub else "") + loose
    if isinstance(node, Run):
        return "[" + " ".join(t for n in node.items if (t := woven(n))) + "]"
    if isinstance(node, Fork):
        return "(" + " / ".join(map(woven, node.arms)) + ")"
    assert isinstance(node, Web)
    return f"web of {len(node.strands)}"


WOVEN = {
    ("resnet50", "stage1", "bottleneck2"): "[([conv1 conv2 conv3 |] / |) add1 relu3]",
    ("fractalnet20", "fractal1"): (
        "[([column1_1 |] / [([column2_1 |] / [column3_1 column3_2 |]) fractal_join1"
        " ([column2_2 |] / [column3_3 column3_4 |])]) fractal_join2]"
    ),
    ("unet_2015", "unet1"): (
        "[double_conv1 ([maxpool1 unet1 conv_transpose1 |] / [branch1 |]) concat1 double_conv2]"
    ),
    ("deeplabv3_resnet50",): "[stem stage1 stage2 stage3 ~aux stage4 head]",
    ("semantic_fpn_50",): "[web of 14 head]",
    ("semantic_fpn_50", "top_down1"): "[([| branch1 |] / [| branch2 |]) add1]",
}


@pytest.mark.parametrize("path", WOVEN, ids=".".join)
def test_how_pieces_hang_together(path: tuple[str, ...]) -> None:
    assert woven(weave(sketch(part_of(*path)))) == WOVEN[path]


def test_a_block_that_does_not_look_at_its_input_has_no_line_from_it() -> None:
    """The head of this network takes four levels by their names, the last of which stands right
    before it."""
    (head,) = (p for p in sketch(part_of("semantic_fpn_50")).pieces if p.name == "head")
    assert isinstance(head, DrawnBlock)
    assert (len(head.part.imports), head.doors, len(set(head.inputs))) == (4, (1, 2, 3, 4), 4)
    (down,) = (p for p in sketch(part_of("semantic_fpn_50")).pieces if p.name == "top_down1")
    assert isinstance(down, DrawnBlock) and down.doors == (0, 1)


# ------------------------------------------------------------------------------- pictures


def picture(name: str, depth: int = 2, **options: object) -> Scene:
    arch = archdsl.load(name)
    return draw(arch.network, arch.shown_knobs, depth=depth, **options)  # type: ignore[arg-type]


def texts(scene: Scene) -> list[str]:
    return [s.text for s in scene.shapes if isinstance(s, Words)]


def test_the_title_has_the_figures() -> None:
    found = texts(picture("resnet50", title="resnet50"))
    assert found[:2] == ["resnet50", "25.56M parameters · 4.09G MACs · 50 weighted layers"]
    assert found[2].startswith("depth = 50, width = 64, inner = 1")


def test_levels_open() -> None:
    closed, one, two = (Counter(texts(picture("resnet50", d))) for d in (1, 2, 3))
    assert closed["stage3"] == one["stage3"] == two["stage3"] == 1
    assert closed["bottleneck2-6 x 5"] == 0 and one["bottleneck2-6 x 5"] == 1
    assert one["3x3 conv, 256"] == 0 and two["3x3 conv, 256"] == 1


def test_shapes_stand_where_they_change() -> None:
    found = texts(picture("vgg11", 1))
    assert [t for t in found if t.endswith("x224x224")] == ["input 3x224x224"]
    assert [t for t in found if t[0].isdigit() and "x" in t and "conv" not in t] == [
        "64x112x112",
        "128x56x56",
        "256x28x28",
        "512x14x14",
        "512x7x7",
    ]


def test_a_residual_unit_has_an_arc_into_a_sum() -> None:
    text = "arch a\ninput 8x8x8\nresidual { conv(8, 3) -> bn }\n"
    scene = draw(archdsl.parse(text).with_knobs().network, {})
    (sum_,) = (s for s in scene.shapes if isinstance(s, Disc))
    assert sum_.sign == "+"
    into = [s for s in scene.shapes if isinstance(s, Wire) and _ends_at(s, sum_)]
    assert len(into) == 2
    arc = max(into, key=lambda w: len(w.points))
    (box,) = (s for s in scene.shapes if isinstance(s, Box) and s.fill == "conv" and s.note)
    assert max(x for x, _ in arc.points) > box.x + box.width


def _ends_at(wire: Wire, disc: Disc) -> bool:
    x, y = wire.points[-1]
    return abs((x - disc.x) ** 2 + (y - disc.y) ** 2 - disc.radius**2) < 1


@pytest.mark.parametrize(("steps", "shown"), [(1, 1), (2, 2), (6, 6), (7, 5), (48, 5)])
def test_a_dense_block_has_arcs_from_all_to_all(steps: int, shown: int) -> None:
    text = f"arch a\ninput 8x8x8\ndense({steps}) {{ conv(8, 3) }}\n"
    scene = draw(archdsl.parse(text).with_knobs().network, {})
    arcs = [s for s in scene.shapes if isinstance(s, Wire) and s.curved]
    assert len(arcs) == shown * (shown + 1) // 2
    hidden = [t for t in texts(scene) if t.endswith("more")]
    assert hidden == ([] if steps < 7 else [f"⋮ {steps - 4} more"])
    targets = Counter(a.points[-1] for a in arcs)
    assert sorted(targets.values()) == list(range(1, shown + 1))


@pytest.mark.parametrize("columns", [2, 3, 4, 5])
def test_a_fractal_has_columns_beside_each_other_and_bars_across(columns: int) -> None:
    text = f"arch a\ninput 8x8x8\nfractal({columns}) {{ conv(8, 3) -> relu }}\n"
    scene = draw(archdsl.parse(text).with_knobs().network, {})
    units = [s for s in scene.shapes if isinstance(s, Box) and s.fill == "conv" and s.note]
    by_column = Counter(round(b.x) for b in units)
    assert [by_column[x] for x in sorted(by_column)] == [2**c for c in range(columns)]
    bars = sorted(
        (b for b in scene.shapes if isinstance(b, Box) and b.fill == "join"), key=lambda b: b.y
    )
    assert len(bars) == 2 ** (columns - 1) // 2
    assert bars[-1].width == max(b.width for b in bars)
    lefts = sorted(by_column)
    assert bars[-1].x <= lefts[0] + units[0].width / 2
    assert columns == 2 or bars[0].x > lefts[0] + units[0].width


def test_arms_are_side_by_side_above_their_concatenation() -> None:
    arms = "conv(8, 1); conv(8, 3) -> conv(8, 3); maxpool(3, stride = 1, pad = 1)"
    text = f"arch a\ninput 8x8x8\nbranch concat {{ {arms} }}\n"
    scene = draw(archdsl.parse(text).with_knobs().network, {})
    boxes = [
        s for s in scene.shapes if isinstance(s, Box) and s.fill in ("conv", "pool") and s.note
    ]
    (bar,) = (s for s in scene.shapes if isinstance(s, Box) and s.fill == "join")
    columns = sorted({b.x for b in boxes})
    assert len(columns) == 3
    assert all(b.y + b.height < bar.y for b in boxes)
    assert bar.x < columns[0] + 60 and bar.x + bar.width > columns[2] + 30


def test_widths_follow_channels() -> None:
    scene = picture("vgg16", 2, size="channels")
    convs = {
        int(s.note.split("conv(")[1].split(",")[0]): s.width
        for s in scene.shapes
        if isinstance(s, Box) and s.fill == "conv" and s.note
    }
    widths = [convs[c] for c in sorted(convs)]
    assert sorted(convs) == [64, 128, 256, 512]
    steps = [b - a for a, b in pairwise(widths)]
    assert steps[0] > 20 and steps == pytest.approx([steps[0]] * 3, abs=0.1)
    assert "width: channels, log scale" in texts(scene)


def test_widths_follow_macs() -> None:
    scene = picture("alexnet", 2, size="macs")
    found = [
        (s.width, s.note)
        for s in scene.shapes
        if isinstance(s, Box) and s.fill == "conv" and s.note
    ]
    widest, note = max(found)
    assert note.startswith("features.conv2") or "conv2" in note
    assert widest > min(found)[0] * 1.2


def test_a_flow_to_the_right() -> None:
    down, right = picture("resnet50"), picture("resnet50", down=False)
    assert down.height > down.width and right.width > right.height
    missing = Counter(texts(down)) - Counter(texts(right))
    (bar, *_) = (s for s in picture("googlenet", down=False).shapes if _is_join(s))
    assert isinstance(bar, Words) and bar.upright
    assert all("classes" in t or "depth" in t for t in missing), "the knobs have another line"


def _is_join(shape: object) -> bool:
    return isinstance(shape, Words) and shape.text == "concat"


def test_a_line_of_knobs_breaks_between_knobs() -> None:
    lines = texts(picture("unet_2015", title="unet"))[2:4]
    assert lines[0].endswith(",") and " = " in lines[1]


def test_notes_say_what_is_known() -> None:
    boxes = [s for s in picture("resnet50", 3).shapes if isinstance(s, Box)]
    note = next(b.note for b in boxes if b.note.startswith("conv2: conv(64, 3"))
    assert note.splitlines() == [
        "conv2: conv(64, 3, bias = false, init = kaiming_normal(fan_out))",
        "64x56x56 to 64x56x56",
        "36.86K parameters, 115.6M MACs",
        "resnet.arch:64  conv(c * inner, 3, stride = second)",
    ]


def test_equal_blocks_are_one_figure() -> None:
    drawing = Drawing(archdsl.load("preresnet1001").network, Direction())
    whole = view(drawing.root, lambda path, level: True)
    assert len(list(shapes(drawing, whole, {}))) < 600
    assert len(drawing.known) < 30


def test_blocks_open_by_their_paths() -> None:
    drawing = Drawing(archdsl.load("resnet50").network, Direction())
    chosen = {"stage2", "stage2.bottleneck1"}
    whole = view(drawing.root, lambda path, level: path in chosen)
    found = [s.text for s in shapes(drawing, whole, {}) if isinstance(s, Words)]
    assert "3x3 conv, 128, /2" in found and "bottleneck2-4 x 3" in found
    assert "3x3 conv, 64" not in found and "bottleneck2-3 x 2" not in found


def test_a_block_is_opened_where_it_is_new() -> None:
    """The units of a stage have a shortcut with layers first, and one without after that; those
    of later stages are like them."""
    found = Counter(texts(picture("resnet50", 3, first_only=True)))
    assert found["3x3 conv, 64"] == 2 and found["3x3 conv, 128"] == 0
    assert found["stage2"] == 1 and found["bottleneck2-4 x 3"] == 0
    found = Counter(texts(picture("densenet121", 3, first_only=True)))
    assert found["3x3 conv, 32"] == 1, "of one dense block, of one step"


def test_a_block_within_sizes_the_parts_around_it() -> None:
    """The frames of an open block hold it: what a template leaves open is filled in."""
    drawing = Drawing(archdsl.load("resnet50").network, Direction())
    sizes = []
    for chosen in ({"stage2"}, {"stage2", "stage2.bottleneck1"}):
        whole = view(drawing.root, lambda path, level, chosen=chosen: path in chosen)  # type: ignore[misc]
        stage = next(c for c in whole.children if c.path == "stage2")
        sizes.append(stage.size())
    inner = next(c for c in stage.children if c.path == "stage2.bottleneck1").size()
    assert sizes[1][0] - sizes[0][0] == pytest.approx(inner[0] - 40)
    assert sizes[1][2] == pytest.approx(inner[2] + 12)


def test_a_difference_is_a_minus() -> None:
    """One stroke in its circle: a sum has two, level and upright, and a product a cross."""
    strokes = {
        sign: [(a[0] == b[0], a[1] == b[1]) for a, b in sign_strokes(Disc(0, 0, 9, sign=sign))]
        for sign in "+-*"
    }
    level, upright, slanting = (False, True), (True, False), (False, False)
    assert strokes == {"+": [level, upright], "-": [level], "*": [slanting, slanting]}
    text = "arch net\ninput 4x8x8\nbranch sub { conv(4, 1); identity }"
    scene = draw(archdsl.parse(text).with_knobs().network, {})
    assert [s.sign for s in scene.shapes if isinstance(s, Disc) and s.sign] == ["-"]
