"""What differs between two networks, as data, as text and as a picture."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from crowding import faults

import archdsl
from archdsl.costs.params import Params
from archdsl.costs.sums import Sums
from archdsl.pictures.difference import Change, difference, marks, opened
from archdsl.pictures.scene import Box, Disc, Words
from archdsl.pictures.views import draw_both

BASE = "arch a\ninput 8x8x8\nblock u(c) {{ conv(c, 3) -> bn -> relu }}\n{}\nlinear(4)\n"


def network(body: str) -> Any:
    return archdsl.parse(BASE.format(body)).with_knobs().network


def lines(changes: tuple[Change, ...], indent: str = "") -> list[str]:
    found = []
    for c in changes:
        a, b = (item.path if item else "" for item in (c.a, c.b))
        found.append(f"{indent}{c.mark} {a}" + (f" | {b}" if b != a else ""))
        found += lines(c.inside, indent + "  ")
    return found


CASES = {
    "nothing": ("u(8) -> u(8)", "u(8) -> u(8)", []),
    "a layer more": (
        "conv(8, 3) -> relu",
        "conv(8, 3) -> bn -> relu",
        ["same conv1", "added  | bn1", "same relu1", "same linear1"],
    ),
    "a layer less": (
        "conv(8, 3) -> bn -> relu",
        "conv(8, 3) -> relu",
        ["same conv1", "removed bn1 | ", "same relu1", "same linear1"],
    ),
    "another argument": (
        "conv(8, 3) -> relu",
        "conv(8, 5) -> relu",
        ["changed conv1", "same relu1", "same linear1"],
    ),
    "another layer in its place": (
        "conv(8, 3) -> relu",
        "conv(8, 3) -> silu",
        ["same conv1", "removed relu1 | ", "added  | silu1", "same linear1"],
    ),
    "more repeats": (
        "s: repeat 2 { u(8) -> u(8) -> conv(8, 1) }",
        "s: repeat 5 { u(8) -> u(8) -> conv(8, 1) }",
        None,
    ),
    "inside a block": (
        "p: { u(8) -> residual { conv(8, 3) } }\nq: { conv(8, 1) -> u(8) -> relu }",
        "p: { u(8) -> residual { conv(8, 5) } }\nq: { conv(8, 1) -> u(8) -> relu }",
        [
            "changed p",
            "  same p.u1.conv1",
            "  same p.u1.bn1",
            "  same p.u1.relu1",
            "  changed p.conv1",
            "  same p.add1",
            "same q",
            "same linear1",
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_differs(case: str) -> None:
    before, after, wanted = CASES[case]
    found = lines(difference(network(before), network(after)))
    if wanted == []:
        assert all(line.split()[0] == "same" for line in found)
    elif wanted is None:
        assert found[0].startswith("changed s") and found[-1] == "same linear1"
    else:
        assert found == wanted


def test_a_network_does_not_differ_from_itself() -> None:
    for name in ("resnet50", "densenet121", "fractalnet40", "semantic_fpn_50"):
        root = archdsl.load(name).network
        assert {c.mark for c in difference(root, archdsl.load(name).network)} == {"same"}


def test_what_is_marked_in_the_pictures() -> None:
    a, b = archdsl.load("resnet50").network, archdsl.load("resnet101").network
    left, right = marks(difference(a, b))
    assert left == {"stage3": "changed", "stage3.bottleneck2-6": "changed"}
    assert right == {"stage3": "changed", "stage3.bottleneck2-23": "changed"}


def test_the_picture_has_both_and_marks_what_differs() -> None:
    a, b = archdsl.load("vgg11"), archdsl.load("vgg11_bn")
    found = marks(difference(a.network, b.network))
    opens = opened(difference(a.network, b.network))
    scene = draw_both((a.network, {}, "vgg11"), (b.network, {}, "vgg11_bn"), found, opens, 2)
    texts = [s.text for s in scene.shapes if isinstance(s, Words)]
    assert {"vgg11", "vgg11_bn", "only on the right", "differs"} <= set(texts)
    assert "only on the left" not in texts
    added = [s for s in scene.shapes if isinstance(s, Box) and s.line == "added"]
    assert [b.fill for b in added] == ["norm"] * 8
    assert all(b.x > scene.width / 2 for b in added)
    badges = [s for s in scene.shapes if isinstance(s, Disc) and s.fill in ("added", "changed")]
    boxes = [s for s in scene.shapes if isinstance(s, Box) and s.line in ("added", "changed")]
    assert len(badges) == len(boxes) + 2  # and those of the legend
    plain = [f for f in faults(scene) if "Disc" not in f and " + " not in f and "+ at" not in f]
    assert [f for f in plain if "≠" not in f] == []


def test_two_blocks_that_go_together_are_both_open() -> None:
    """The third dense block of the one has no step that the other's has not."""
    a, b = archdsl.load("densenet121").network, archdsl.load("densenet169").network
    left, right = opened(difference(a, b))
    assert (
        left
        == right
        == {"dense3", "transition3", "dense4", "head"} | {f"dense4.layer{i}" for i in range(1, 17)}
    )


# ----------------------------------------------------------------------- the command line


def test_many_of_a_kind_in_a_row_are_one_line(run: Any) -> None:
    ran = run("diff", "densenet121", "densenet169")
    start = ran.out.index("- dense3")
    assert ran.out[start:].splitlines()[2:9] == [
        "    layer1           layer(32)                      32x14x14    70.40K  13.65M",
        "    concat1          concat                         288x14x14",
        "    … 45 more                                                    2.77M  535.5M",
        "    concat24         concat                         1024x14x14",
        "+   layer25          layer(32)                      32x14x14    170.2K  32.92M",
        "+   concat25         concat                         1056x14x14",
        "+   … 13 more                                                    1.31M  252.9M",
    ]


def test_the_text(run: Any) -> None:
    ran = run("diff", "resnet50", "resnet(depth = 101)")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "--- resnet50  depth = 50\n"
        "+++ resnet(depth = 101)  depth = 101\n"
        "\n"
        "  part                                       shape       params    MACs\n"
        "  stem                   4 layers            64x56x56     9.54K  118.0M\n"
        "  stage1                 bottleneck x 3      256x56x56   215.8K  667.9M\n"
        "  stage2                 bottleneck x 4      512x28x28    1.22M   1.03G\n"
        "- stage3                 bottleneck x 6      1024x14x14   7.10M   1.46G\n"
        "+ stage3                 bottleneck x 23     1024x14x14  26.09M   5.18G\n"
        "    bottleneck1          bottleneck(256, 2)  1024x14x14   1.51M  372.5M\n"
        "-   bottleneck2-6 x 5    bottleneck(256, 1)  1024x14x14   5.59M   1.09G\n"
        "+   bottleneck2-23 x 22  bottleneck(256, 1)  1024x14x14  24.58M   4.80G\n"
        "  stage4                 bottleneck x 3      2048x7x7    14.96M  809.2M\n"
        "  head                   2 layers            1000         2.05M   2.05M\n"
        "\n"
        "in all              before          after\n"
        "parameters      25,557,032     44,549,160   +74.3 %\n"
        "MACs         4,089,184,256  7,801,405,440   +90.8 %\n"
        "activations     11,114,984     16,232,936   +46.0 %\n"
        "depth                   50            101  +102.0 %\n"
    )


def test_two_that_are_the_same(run: Any) -> None:
    ran = run("diff", "resnet50", "resnet")
    assert ran.out == "--- resnet50\n+++ resnet\n\nThey are the same network.\n"


def test_what_differs_in_dropping_alone(run: Any) -> None:
    ran = run("diff", "wide_resnet(depth = 16)", "wide_resnet(depth = 16, drop = 0.3)")
    assert "~ stage1" in ran.out and "~   unit1" in ran.out
    assert ran.out.splitlines()[0] == "--- wide_resnet(depth = 16)  drop = 0"


def test_nothing_is_wider_than_80_columns(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for pair in (("googlenet_paper", "googlenet_tv"), ("efficientnet_b0", "efficientnet_v2_s")):
        out = run("diff", *pair, "--depth", "9").out
        assert max(map(len, out.splitlines())) <= 80


def test_colours_are_for_terminals(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    plain, coloured = (run("diff", "vgg11", "vgg11_bn", tty=tty).out for tty in (False, True))
    assert "\x1b" not in plain and "\x1b[32m+" in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == plain
    monkeypatch.setenv("NO_COLOR", "1")
    assert run("diff", "vgg11", "vgg11_bn", tty=True).out == plain


def test_json(run: Any) -> None:
    found = json.loads(run("diff", "resnet50", "resnet101", "--json").out)
    assert found["a"]["params"] == 25_557_032 and found["b"]["depth"] == 101
    assert [c["mark"] for c in found["changes"]] == ["same"] * 3 + ["changed"] + ["same"] * 2
    inner = found["changes"][3]["inside"][1]
    assert (inner["a"]["repeat"], inner["b"]["repeat"]) == (5, 22)


def test_a_picture_is_written(run: Any, tmp_path: Path) -> None:
    for name in ("d.svg", "d.html", "d.png"):
        assert run("diff", "resnet18", "resnet34", "-o", str(tmp_path / name)).code == 0
        assert (tmp_path / name).stat().st_size > 2000


CALLS = {
    "resnet(depth 101)": "A902",
    "resnet(101)": "A902",
    "resnet(depth = )": "A902",
    "resnet(dept = 101)": "A502",
    "resnett(depth = 101)": "A001",
    "resnet(depth = 77)": "A503",
}


@pytest.mark.parametrize("call", CALLS)
def test_what_is_no_network(call: str, run: Any) -> None:
    ran = run("diff", "resnet50", call)
    assert ran.code == 1 and ran.err.startswith(f"error[{CALLS[call]}]"), ran.err


def test_what_comes_in_and_out_is_named(run: Any, tmp_path: Path) -> None:
    text = """arch net(width = 4)
input image: 3x8x8, numbers: 10
let f = shared { linear(width) }
global_avgpool -> linear(10) -> f as a
output two(when = always) { numbers -> f }
branch add { a; numbers -> f }
"""
    other = text.replace("numbers: 10", "others: 10").replace("numbers ->", "others ->")
    other = other.replace("shared { linear(width) }", "linear(width)")
    other = other.replace("when = always", "when = always, weight = 0.5")
    for name, written in (("a", text), ("b", other)):
        (tmp_path / f"{name}.arch").write_text(written)
    ran = run("diff", str(tmp_path / "a.arch"), str(tmp_path / "b.arch"))
    assert ran.out.split("\n\n")[1].split("\n") == [
        "- input numbers: 10",
        "- output two: 4, weight 1",
        "- shared f",
        "+ input others: 10",
        "+ output two: 4, weight 0.5",
    ]
    found = json.loads(run("diff", "resnet18", "resnet18(classes = 3)", "--json").out)
    assert found["ends"] == []


def test_the_weights_of_a_shared_module_are_counted_once() -> None:
    """The rows of a network add up to its parameters: where a part is repeated, where it is drawn
    as one box, and where shared modules are first applied within another."""
    text = """arch net(n = 6)
input 4x8x8
block unit(x) { conv(4, 3) -> bn -> relu -> x -> conv(4, 1) }
block row { conv(4, 1) -> relu }
let f = shared { conv(4, 3) }
let g = shared { conv(4, 1) -> bn -> f }
let h = shared { row }
repeat n { f }
repeat 3 { unit(g) }
branch add { g -> relu -> conv(4, 1); f; row }
repeat 2 { row }
h -> h -> f -> g
repeat 4 { unit(f) -> relu }
"""
    nets = [archdsl.parse(text).with_knobs(n=n).network for n in (6, 12)]
    changes = difference(*nets)
    weights = Sums((Params(),)).of_part(nets[0].root)[0]
    for items in ([c.a for c in changes], [c.b for c in changes]):
        assert sum(i.params for i in items if i is not None) == weights
    first = [c for c in changes if c.mark == "changed"]
    assert [(c.a and c.a.params, c.b and c.b.params) for c in first] == [(148, 148)]


def counted(left: str, right: str) -> dict[str, int]:
    """How often each mark stands in the difference of two networks of many layers."""
    found: dict[str, int] = {}
    for change in difference(network(left), network(right)):
        found[change.mark] = found.get(change.mark, 0) + 1
    return found


def test_what_is_long_goes_together_from_both_ends() -> None:
    """Of more layers than are aligned: equal ones at the ends, those between place by place."""
    many = "for i in 1..600 { conv(1 + i % 7, 1) }"
    assert counted(many, many) == {"same": 601}
    assert counted(f"relu\n{many}", f"silu\n{many}") == {"removed": 1, "added": 1, "same": 601}
    within = many.replace("i % 7", "match i { 300 => 3; _ => i % 7 }")
    assert counted(many, within) == {"same": 599, "changed": 2}
    assert counted(many, many.replace("conv(1", "conv(2")) == {"changed": 601}
    wider = many.replace("600", "1100")
    assert counted(many, wider)["same"] >= 500
