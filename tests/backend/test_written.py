"""What the source takes from the spec's text: statements, and nothing of how they are set."""

import re

import pytest

import archdsl
from archdsl.files import builtin_names, read_source
from tests.thinned import thinned

CHAINED = """arch net
input 3x32x32
conv(8, 3) -> bn -> relu -> conv(8, 1)
residual { conv(8, 3) -> bn -> relu -> conv(8, 3) -> bn } -> relu
branch concat { conv(4, 1) -> relu; maxpool(3, stride = 1, pad = 1) -> conv(4, 1) }
"""


def broken(text: str) -> str:
    """The same spec with a line for each link of a chain."""
    lines = []
    for line in text.split("\n"):
        code, mark, comment = line.partition("#")
        if '"' not in code:
            code = re.sub(r" -> ", " ->\n    ", code)
        lines.append(code + mark + comment)
    return "\n".join(lines)


def same_source(text: str, name: str) -> None:
    apart = broken(text)
    assert apart.count("\n") > text.count("\n") or " -> " not in text
    assert archdsl.parse(apart, name).with_knobs().source() == (
        archdsl.parse(text, name).with_knobs().source()
    )


def test_a_chain_on_several_lines_is_the_same_source() -> None:
    same_source(CHAINED, "net.arch")


@pytest.mark.parametrize("name", thinned(builtin_names(), 6))
def test_line_breaks_change_nothing(name: str) -> None:
    same_source(read_source(name)[0].text, f"{name}.arch")


def test_a_statement_of_the_spec_is_one_of_the_source() -> None:
    source = archdsl.parse(broken(CHAINED), "net.arch").with_knobs().source()
    assert "x = self.conv2(self.relu1(self.bn1(self.conv1(x))))" in source
