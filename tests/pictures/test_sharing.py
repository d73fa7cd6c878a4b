"""What drawings say of shared modules: a mark in the box, the module's name in the note, and
weights that count once."""

import re

import archdsl
from archdsl.ir.network import Network
from archdsl.pictures.drawing import Drawing
from archdsl.pictures.mermaid import mermaid
from archdsl.pictures.page import drawing_page
from archdsl.pictures.pen import Direction
from archdsl.pictures.scene import Words
from archdsl.pictures.views import draw, draw_volumes, shapes, view

SPEC = """arch pyramid(width = 4)
input 4x8x8
let f = shared { conv(width, 3) }
let g = shared { conv(width, 1) -> bn; residual { f; relu } }
block level(h) { conv(width, 1) -> h; residual { relu; conv(width, 3) } }
repeat 3 { level(g) }
f -> relu
g
"""
TIED = """arch tied(width = 8)
input text(ids = 11): 5
let table = shared { embed(width) }
table -> relu -> unembed(table)
"""


def network(text: str) -> Network:
    return archdsl.parse(text).with_knobs().network


def notes(text: str) -> list[tuple[str, int, int, str]]:
    """Name, parameters, repetitions and what is said of sharing, of all that is drawn."""
    drawing = Drawing(network(text), Direction())
    list(shapes(drawing, view(drawing.root, lambda path, level: True), {}))
    return [(n.name, n.params, n.repeat, n.shares) for n in drawing.notes]


def test_notes_count_weights_once_and_name_the_module() -> None:
    g, f, own = "weights of g, shared", "weights of f, shared", 4 * 4 + 4 + 4 * 9 * 4 + 4
    found, again = notes(SPEC), ", counted at their first use"
    assert found[:4] == [
        ("level1-3", 3 * own + 28 + 148, 3, ""),
        ("f1", 0, 1, f + again),
        ("relu1", 0, 1, ""),
        ("g1", 0, 1, g + again),
    ]
    assert 3 * own + 28 + 148 == archdsl.parse(SPEC).with_knobs().params
    inside = set(found[4:])
    assert {("g1", 176, 1, g), ("conv1", 20, 1, g), ("bn1", 8, 1, g), ("f1", 148, 1, f)} < inside
    assert {("conv1", 20, 1, ""), ("conv1", 0, 1, g + again), ("f1", 0, 1, f + again)} < inside


def test_a_note_of_repetitions_says_which_costs_are_of_all() -> None:
    drawing = Drawing(network(SPEC), Direction())
    assert drawing.root.open
    assert drawing.notes[0].text.splitlines()[1:3] == [
        "4x8x8 to 4x8x8, x 3",
        f"{3 * 168 + 176} parameters in all, 20.48K MACs each",
    ]


def test_a_tied_layer_names_the_embedding() -> None:
    found = {name: (params, shares) for name, params, _, shares in notes(TIED)}
    assert found == {
        "table1": (88, "weights of table, shared"),
        "relu1": (0, ""),
        "unembed1": (0, "weights of table, shared, counted at their first use"),
    }


def test_boxes_say_that_they_are_shared() -> None:
    words = [s.text for s in draw(network(SPEC), {}, depth=1).shapes if isinstance(s, Words)]
    assert [t for t in words if "shared" in t] == ["3x3 conv, 4, shared", "5 layers, shared"]
    opened = [s.text for s in draw(network(SPEC), {}, depth=9).shapes if isinstance(s, Words)]
    assert sum(t == "g1, shared" for t in opened) == 2
    text = mermaid(network(SPEC), 1)
    assert "3x3 conv, 4, shared" in text and "g1<br/>5 layers, shared" in text
    assert re.findall(r'subgraph b\d \["(.*)"\]', mermaid(network(SPEC), 9)) == [
        *("level1-3 x 3", "g1, shared", "g1, shared"),
    ]


def test_a_page_and_volumes_have_the_notes() -> None:
    assert '"in_all":true' in drawing_page(network(SPEC), {})
    volumes = [getattr(s, "note", "") for s in draw_volumes(network(SPEC), {}, depth=1).shapes]
    assert any("weights of f, shared, counted at their first use" in n for n in volumes)
