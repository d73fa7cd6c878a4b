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


def test_a_block_that_asks_for_no_shape_runs_once() -> None:
    """Each step of a dense block has another input; they cost what they hold, and no more."""
    text = f"{HEAD}block step(k) {{ bn -> relu -> conv(4 * k, 1) -> conv(k, 3) }}\n"
    spec = archdsl.parse(f"{text}dense(20) {{ step(width) }}\n")
    machine = spec.program.machine(lambda path, options, span: 0, False)
    spec.program.machine = lambda decide, first_only: machine  # type: ignore[method-assign]
    assert len(spec.with_knobs().flat.nodes) == 1 + 20 * 5
    assert machine.built == 1
