"""Loops of an import: those over what each layer sees, as in HarDNet, and those that pay."""

import pytest

import archdsl
from archdsl.importing import convert

HEAD = """\
arch net(classes = 3)

input 3x8x8
"""
IN_BLOCKS = f"""\
{HEAD}
block part(c, c2) {{
  for (channels, links) in [
    (c, [1]), (c2, [2, 1]), (c, [3]), (c2, [4, 3]), (c, [5]), (c2, [6, 5, 1])
  ] {{
    let all = in.tensors
    [all[i] for i in links] -> concat -> conv(channels, 3) -> relu
    all + [identity]
  }}
  [in.tensors[i] for i in [2, 4, 6, 7]] -> concat
}}

conv(8, 3) -> part(4, 6) -> maxpool(2)
part(6, 10) -> global_avgpool -> linear(classes)
"""
SUMS = f"""\
{HEAD}
conv(4, 3)
for (kernel, links) in [
  (3, [1]), (1, [2, 1]), (3, [3, 2]), (1, [4, 3]), (3, [1, 3, 5]), (1, [6]), (5, [7])
] {{
  let all = in.tensors
  [all[i] for i in links] -> add
  residual {{ conv(4, kernel) -> relu -> conv(4, 3) }}
  all + [identity]
}}
[in.tensors[i] for i in [8, 1, 2]] -> concat -> bn -> global_avgpool -> linear(classes)
"""
GROWING = f"""\
{HEAD}
conv(4, 3)
for links in [[1], [2, 1], [3, 1], [4, 3], [5, 1], [6, 5]] {{
  let all = in.tensors
  [all[i] for i in links] -> concat -> conv(in.channels, 3, groups = in.channels) -> conv(4, 1)
  all + [identity]
}}
[in.tensors[i] for i in [1, 2, 3, 4, 5, 6, 7]] -> concat -> global_avgpool -> linear(classes)
"""


@pytest.mark.parametrize("text", [IN_BLOCKS, SUMS, GROWING])
def test_what_each_sees_is_a_table(text: str) -> None:
    """In blocks by their parameters, elsewhere by numbers."""
    made, wanted = imported(text)
    assert made.text == text
    assert made.architecture.hash == wanted.hash


def imported(text: str) -> tuple[convert.Imported, archdsl.Architecture]:
    wanted = archdsl.parse(text).with_knobs()
    return archdsl.import_module(wanted.build(), wanted.input, name="net", run=False), wanted


@pytest.mark.parametrize(
    "body",
    [
        "conv(8, 1, bias = false) -> silu -> silu -> global_avgpool -> linear(classes)",
        "conv(8, 3) -> relu -> maxpool(2)\nconv(16, 3) -> relu -> maxpool(2)\nconv(4, 1)",
        "for c in [8, 16, 24, 32, 40] {\n  conv(c, 3) -> bn -> relu\n}\n",
    ],
)
def test_a_loop_pays_for_itself(body: str) -> None:
    """Where a text without loops is shorter, and no part has a name, that is the text."""
    made, wanted = imported(f"{HEAD}\n{body}\n")
    assert body in made.text
    assert made.architecture.hash == wanted.hash
