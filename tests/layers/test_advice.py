"""What an error advises, and what it refuses, is what PyTorch makes of it."""

import re

import pytest
import torch
import torch.nn.functional as F

import archdsl
from archdsl import ArchError


def found(text: str) -> archdsl.Diagnostic:
    with pytest.raises(ArchError) as caught:
        archdsl.parse(text).with_knobs()
    (diagnostic,) = caught.value.diagnostics
    return diagnostic


@pytest.mark.parametrize("kernel", ["2", "4", "6", "2x3", "1x4", "6x2"])
@pytest.mark.parametrize("dilation", ["1", "3", "3x1"])
def test_the_padding_that_is_advised_keeps_the_size(kernel: str, dilation: str) -> None:
    call = f"conv(8, {kernel}, dilation = {dilation}"
    spec = "arch a\ninput 3x32x32\n"
    (help,) = found(f"{spec}{call})").helps
    before = re.search(r"`(pad\(.*?\))`", help)
    assert before is not None
    arch = archdsl.parse(f"{spec}{before[1]} -> {call}, pad = 0)").with_knobs()
    assert arch.output == (8, 32, 32)


@pytest.mark.parametrize("groups", [1, 2, 4, 8])
@pytest.mark.parametrize("size", ["8x1x1", "8x2x1", "(8,)", "4x1"])
def test_a_group_of_one_value_is_refused_where_pytorch_refuses_it(groups: int, size: str) -> None:
    text = f"arch a\ninput {size}\ngroup_norm({groups})"
    shape = tuple(int(n) for n in re.findall(r"\d+", size))
    if shape[0] % groups:
        assert found(text).code == "A210"
        return
    try:
        F.group_norm(torch.ones(1, *shape), groups)
    except ValueError:
        assert found(text).code == "A221"
    else:
        assert archdsl.parse(text).with_knobs().output == shape
