"""What is remembered of a block is used where it would be made again alike, and nowhere else."""

import pytest

import archdsl
from archdsl.graph.text import to_text

HEAD = "arch net(width = 8 in {8, 16})\ninput 3x8x8\n"

# A block that is applied by its value, and what it reads itself depends on a knob.
HELD = {
    "a name": "let held = unit\nblock outer { held }\nouter",
    "a chain": "let held = (unit -> relu)\nblock outer { held }\nouter",
    "an item": "let held = [unit, relu]\nblock outer { held[1] }\nouter",
    "a chain in a list": "let held = [unit -> relu]\nblock outer { held[1] }\nouter",
    "an argument": "let held = residual { unit -> conv(3, 1) }\n"
    "block apply(x) { x }\nblock outer { apply(held) }\nouter",
}


@pytest.mark.parametrize("body", HELD.values(), ids=HELD.keys())
def test_a_block_held_by_a_value_follows_the_knobs(body: str) -> None:
    text = f"{HEAD}block unit {{ conv(width, 1) }}\n{body}\n"
    spec = archdsl.parse(text)
    for width in (8, 16, 8):
        alone = archdsl.parse(text).with_knobs(width=width)
        assert to_text(spec.with_knobs(width=width).graph) == to_text(alone.graph)
        assert any(shape[0] == width for shape in alone.shapes.values())


BODIES = {
    "layers": "conv(8, 3) -> bn -> relu -> conv(k, 1)",
    "nothing": "identity",
    "layers and nothing": "bn -> identity -> relu",
    "a labelled layer": "first: conv(8, 1)\nrelu",
    "a part": "first: conv(8, 1) -> bn\nrelu",
    "the channels": "conv(in.channels / 2, 1) -> bn",
    "the size": "if in.height > 4 { maxpool(2) } else { bn }",
    "a default of its own": "conv(own, 1) -> bn",
    "a tensor that was kept": "conv(k, 1) as kept\nbranch add { identity; kept }\nrelu",
    "what a kept tensor answers": "bn as kept\nconv(kept.channels + 1, 1)",
    "a loop": "repeat 3 { conv(8, 3) }",
    "a loop over a list": "for c in [4, 8] { conv(c, 1) -> bn }",
    "a shortcut": "residual { conv(8, 3) }\nrelu",
    "no shortcut": "residual(shortcut = none) { conv(8, 3) -> relu }",
    "one arm": "branch concat { relu }",
    "two arms": "branch concat { relu; conv(8, 1) }",
    "steps": "dense(2) { conv(4, 3) }",
    "columns": "fractal(2) { conv(8, 3) }",
    "a block": "inner(k) -> relu",
    "a layer that is passed on": "let passed = conv(in.channels + 1, 1) -> relu\npassed -> passed",
}
APPLIED = (4, 8, 16, 8, 2, 4)  # channels that come in


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_block_on_many_shapes_is_as_many_blocks(body: str) -> None:
    """Against blocks of equal bodies that have nothing in common."""
    definition = f"(k, own = 2 * in.channels) {{\n{body}\n}}\n"
    inner = "block inner(c) { conv(c, 1) -> bn }\n"
    one = f"{HEAD}{inner}block b{definition}" + "".join(f"conv({c}, 1) -> b(8)\n" for c in APPLIED)
    many = f"{HEAD}{inner}" + "".join(
        f"block {name}{definition}conv({c}, 1) -> {name}(8)\n"
        for name, c in zip("uvwxyz", APPLIED, strict=True)
    )
    a, b = archdsl.parse(one).with_knobs(), archdsl.parse(many).with_knobs()
    assert [n.shape for n in a.flat.nodes] == [n.shape for n in b.flat.nodes]
    assert [n.layer for n in a.flat.nodes] == [n.layer for n in b.flat.nodes]
    assert [n.inputs for n in a.flat.nodes] == [n.inputs for n in b.flat.nodes]
    assert a.hash == b.hash and a.figures == b.figures


def test_a_block_that_does_not_fit_another_shape_is_told_as_ever() -> None:
    """It was well before, on a larger input."""
    text = f"{HEAD}block shrink(k) {{ conv(k, 1) -> maxpool(4) }}\nshrink(8)\nshrink(8)\nrelu\n"
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.parse(text).with_knobs()
    (found,) = caught.value.diagnostics
    assert found.code == "A207"
    assert [(frame.name, frame.span.line) for frame in found.trail] == [("shrink", 5)]


# What a block is given by the candidates w = 0 and w = 1: values that Python takes for equal.
NEARLY = {
    "a number of another kind in a list": (
        "[1 if w == 0 else exp(0)]",
        "for i in 1..xs[1] { conv(8, 3) }",
    ),
    "deeper": ("[[1 if w == 0 else exp(0)]]", "for i in 1..xs[1][1] { conv(8, 3) }"),
    "an index": ("[1 if w == 0 else exp(0), 2]", "for i in 1..xs[1] { conv(8, 3) }"),
    "a step of a range": (
        "1..(1 if w == 0 else 2) step (1 if w == 0 else 2)",
        "conv([4, 8][xs][1], 3)",
    ),
    "a value of a function": ("held(1 if w == 0 else exp(0))", "each(xs)"),
    "a closure": ("(each([1 if w == 0 else exp(0)]) -> relu)", "xs"),
}


@pytest.mark.parametrize(("value", "body"), NEARLY.values(), ids=NEARLY.keys())
def test_values_that_are_nearly_alike_are_remembered_apart(value: str, body: str) -> None:
    text = (
        "arch net(w = 0 in {0, 1})\ninput 3x8x8\n"
        "fn held(n) = [n]\n"
        "block each(x) { for i in 1..x[1] { conv(8, 3) } }\n"
        f"block b(xs) {{ {body} }}\nb({value})\n"
    )
    spec = archdsl.parse(text)
    for w in (0, 1, 0):
        alone = said(archdsl.parse(text), w)
        assert said(spec, w) == alone
    assert said(spec, 0) != said(spec, 1)


def said(spec: archdsl.Spec, w: int) -> str:
    try:
        return to_text(spec.with_knobs(w=w).graph)
    except archdsl.ArchError as error:
        return str(error)


def test_a_pattern_is_remembered_by_what_its_lists_hold() -> None:
    text = (
        "arch net(w = 0 in {0, 1})\ninput 3x8x8\n"
        "branch add { conv(8, 3); conv(8, [1 if w == 0 else true, 1]) }\n"
    )
    spec = archdsl.parse(text)
    spec.with_knobs(w=0)
    with pytest.raises(archdsl.ArchError):
        spec.with_knobs(w=1)
