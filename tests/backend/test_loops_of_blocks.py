"""Loops of a block: in its class they are loops, too, however often its uses run them."""

import pytest
import torch

import archdsl

HEAD = """arch net
input 4x32x32
block unit(c) { conv(c, 3) -> relu }
"""


def class_of(body: str, *uses: str, name: str = "Part") -> tuple[str, archdsl.Architecture]:
    block = f"block part(c, n = 1, deep = false) {{ {body} }}\n"
    arch = archdsl.parse(HEAD + block + "\n".join(uses)).with_knobs()
    source = arch.source()
    assert source.count(f"class {name}") == 1, "its uses share one class"
    return source.split(f"class {name}(")[1].split("\n\n\n")[0], arch


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (
            "conv(c, 3, stride = 2); repeat n { conv(c, 3) -> bn }",
            [
                "for i in range(1, n + 1):",
                "turn = seq(conv1=nn.Conv2d(c, c, 3, padding=1), bn1=nn.BatchNorm2d(c))",
                'self.add_module(f"turn{i}", turn)',
            ],
        ),
        (
            "conv(c, 1); repeat n { residual { unit(c) -> conv(c, 3) } -> relu }",
            ["for i in range(1, n + 1):", 'self.add_module(f"turn{i}", Turn(c, c))'],
        ),
        (
            "conv(c, 1); repeat n { bn; repeat 2 { unit(c) } }; conv(c, 1)",
            ["for i in range(1, n + 1):"],
        ),
        (
            "for i in 1..n { conv(c, 3, stride = 2 if i == 1 else 1) -> relu }",
            [
                "for i in range(1, n + 1):",
                "conv = nn.Conv2d(channels, c, 3, stride=2 if i == 1 else 1, padding=1)",
            ],
        ),
        (
            "conv(c, 1); if n > 1 { repeat n { unit(c) } }; conv(c, 1)",
            ["if n > 1:", "for i in range(1, n + 1):", 'self.add_module(f"unit{i}", Unit(c, c))'],
        ),
    ],
)
def test_turns_are_counted_by_the_parameter(body: str, lines: list[str]) -> None:
    text, arch = class_of(body, "part(8)", "part(12, 3)", "part(12, 2)")
    head = text.split(") -> None:")[0]
    assert "n: int = 1" in head
    assert "bool" not in head, "it is told how many turns there are, and not which"
    for line in lines:
        assert line in text
    assert arch.build()(torch.randn(2, 4, 32, 32)).shape[1] == 12


def test_names_of_weights_count_the_turns() -> None:
    _, arch = class_of("conv(c, 1); repeat n { unit(c) -> bn }", "part(8)", "part(12, 2)")
    names = [k for k in arch.build().state_dict() if k.startswith("part2") and "weight" in k]
    turns = [f"part2.turn{i}.{name}.weight" for i in (1, 2) for name in ("unit1.conv1", "bn1")]
    assert names == ["part2.conv1.weight", *turns]


def test_turns_in_an_arm() -> None:
    """The arm is there if the block is `deep`, and has `n` turns."""
    body = "conv(c, 1); branch add { if deep { repeat n { unit(c); bn } }; conv(c, 1) }"
    text, arch = class_of(body, "part(8)", "part(12, 3, true)", "part(8, 2, true)")
    assert "(\n        self, in_channels: int, c: int, n: int = 1, deep: bool = False\n" in text
    assert "if deep:\n            self.branch1 = seq(" in text
    assert "for i in range(1, n + 1)" in text
    assert "self.part2 = Part(8, 12, n=3, deep=True)" in arch.source()


def test_equal_turns_of_two_blocks() -> None:
    """Each has the expressions of its own text."""
    other = "block other(w, deep = false) { if deep { bn; repeat 2 { unit(w); bn } } }\n"
    body = "conv(c, 1); repeat n { unit(c); bn }; conv(c, 1)"
    block = f"{other}block part(c, n = 1) {{ {body} }}\n"
    uses = "part(8, 2)\nother(8, true)\npart(12, 3)\nother(12)\npart(8)"
    source = archdsl.parse(HEAD + block + uses).with_knobs().source()
    text = source.split("class Part(")[1].split("\n\n\n")[0]
    assert "seq(unit1=Unit(c, c), bn1=nn.BatchNorm2d(c))" in text
    assert "self.conv2 = nn.Conv2d(c, c, 1)" in text
