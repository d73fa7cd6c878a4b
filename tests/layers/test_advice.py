"""What an error advises, and what it refuses, is what PyTorch makes of it."""

import re

import pytest
import torch
import torch.nn.functional as F

import archdsl
from archdsl import ArchError
from archdsl.syntax.other_libraries import LIBRARY


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


@pytest.mark.parametrize("word", ["dwconv", "separable_conv", "conv1x1", "conv3x3"])
def test_what_is_advised_for_layers_of_other_libraries_is_a_network(word: str) -> None:
    (help,) = found(f"arch a(c = 8)\ninput 8x8x8\n{word}(3)").helps
    advised = re.fullmatch("it is written `(.*)`", help)
    assert advised is not None
    arch = archdsl.parse(f"arch a(c = 8)\ninput 8x8x8\n{advised[1]}").with_knobs()
    assert arch.output == (8, 8, 8)


MEANT = {
    "batchnrm": "did you mean `bn`?",
    "bacth_norm": "did you mean `bn`?",
    "swishh": "did you mean `silu`?",
    "gleu": "did you mean `gelu`?",
    "rleu": "did you mean `relu`?",
    "MaxPooling2D(2)": "here it is called `maxpool`",
    "conv(filters = 8, 3)": "here it is called `channels`",
    "conv(8, 3, padding = same)": "here it is called `pad`",
    "conv(8, 3, activation = relu)": "an activation is a layer of its own: `conv(...) -> relu`",
    "dropout(rate = 0.5)": "here it is called `p`",
    "linear(64, 10)": "the input's size is known: write `linear(10)`",
    "drop_path": "it is an argument of the unit: `residual(survive = 0.8) { ... }`",
    "se": 'it is a block of the library: `use "lib/attention.arch": squeeze_excite`',
    "MBConv": 'it is a block of the library: `use "lib/mobile.arch": inverted_residual`',
    "cbam": 'it is a block of the library: `use "lib/attention.arch": cbam`',
    "gru": "it is not a layer of the language: docs/adding-a-layer.md says how to add one",
}


@pytest.mark.parametrize("call", MEANT)
def test_names_of_other_libraries_are_understood(call: str) -> None:
    assert found(f"arch a\ninput 3x8x8\n{call}").helps == (MEANT[call],)


@pytest.mark.parametrize("file", LIBRARY)
def test_blocks_of_the_library_that_are_advised_are_there(file: str) -> None:
    names = LIBRARY[file].split()
    used = f'arch a\ninput 3x8x8\nuse "lib/{file}.arch": {", ".join(names)}\nrelu'
    archdsl.parse(used).with_knobs()
    for word in names:
        (help,) = found(f"arch a\ninput 3x8x8\n{word}(4)").helps
        assert f'`use "lib/{file}.arch": {word}`' in help


def test_which_numbers_of_groups_divide() -> None:
    message = found("arch a\ninput 12x8x8\nconv(18, 3, groups = 4)").message
    assert message.endswith("12 come in, 18 go out; these numbers do: 1, 2, 3, 6")
