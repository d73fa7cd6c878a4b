"""What the source takes from the spec's text: statements, and nothing of how they are set."""

import re

import pytest
from hypothesis import given, settings
from random_specs import specs
from thinned import thinned

import archdsl
from archdsl.files import builtin_names, read_source

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


BREAKS = {
    "after arrows": lambda text: text.replace(" -> ", " ->\n    "),
    "before arrows": lambda text: text.replace(" -> ", "\n    -> "),
    "between statements": lambda text: text.replace("; ", "\n"),
    "comments": lambda text: text.replace("; ", "  # next\n"),
    "in braces": lambda text: text.replace("{ ", "{\n").replace(" }", "\n}"),
    "in parentheses": lambda text: re.sub(r"\((?=\w)", "(\n  ", text).replace(")", "\n)"),
}


@settings(max_examples=5)
@given(specs(shared=True))
def test_line_breaks_change_nothing_of_random_specs(text: str) -> None:
    wanted = archdsl.parse(text, "net.arch").with_knobs().source()
    for where, apart in BREAKS.items():
        assert archdsl.parse(apart(text), "net.arch").with_knobs().source() == wanted, where


def test_an_option_is_called_the_same_however_its_line_is_broken() -> None:
    text = "arch net\ninput 3x8x8\nchoose pick { conv(8, (3, 1)) -> relu; conv(4, 3) }\n"
    apart = text.replace("conv(8, (3, 1))", "conv(\n  8,\n  (3, 1)\n)")
    for spec in (archdsl.parse(text), archdsl.parse(apart)):
        arch = spec.with_knobs(pick="conv(8, (3, 1)) -> relu")
        assert arch.output == (8, 8, 8)
        assert "pick = conv(8, (3, 1)) -> relu." in arch.source()


def test_a_statement_of_the_spec_is_one_of_the_source() -> None:
    source = archdsl.parse(broken(CHAINED), "net.arch").with_knobs().source()
    assert "x = self.conv2(self.relu1(self.bn1(self.conv1(x))))" in source


TWO_SLICES = """arch net
input 16x8x8
block dual(c, grow) {
  identity as x
  conv(c + grow, 3) as wide
  branch concat {
    branch add { x -> slice(1, c); wide -> slice(1, c) }
    x -> slice(c + 1, x.channels)
    wide -> slice(c + 1, wide.channels)
  }
}
dual(8, 4) -> dual(8, 4) -> conv(32, 1) -> dual(16, 4)
"""

ALL_CHANNELS = """arch net(c = 8)
input 8x8x8
dense(3) { slice(in.channels - c + 1, in.channels) -> conv(c, 3) -> bn }
"""


def test_a_number_of_several_slices_is_one_attribute_with_the_name_of_the_spec() -> None:
    source = archdsl.parse(TWO_SLICES, "net.arch").with_knobs().source()
    assert source.count("self.c = c\n") == source.count("self.c = ") == 1
    assert " = x[:, : self.c] + wide[:, : self.c]\n" in source


def test_a_tensor_that_is_kept_has_its_name_and_no_other_value_has_it() -> None:
    source = archdsl.parse(TWO_SLICES, "net.arch").with_knobs().source()
    assert source.count("wide = ") == 1
    assert "wide = self.conv1(x)" in source


def test_a_slice_of_all_channels_is_no_code() -> None:
    spec = archdsl.parse(ALL_CHANNELS, "net.arch")
    source = spec.with_knobs().source()
    assert "[:, :]" not in source and "self.slice_first :" in source
    alike = archdsl.parse(ALL_CHANNELS.replace("slice(in", "identity -> slice(in"), "net.arch")
    assert alike.with_knobs().hash == spec.with_knobs().hash


def test_an_argument_of_a_call_has_no_brackets() -> None:
    arch = archdsl.parse(
        "arch net\ninput 8x8x8\nbranch add { conv(8, 1); conv(8, 3) } -> l2_norm -> conv(4, 1)\n"
    ).with_knobs()
    assert "F.normalize(self.branch1(x) + self.branch2(x), dim=1)" in arch.source()
