"""What is written as in PyTorch, Keras or Python is told as it is written here."""

import inspect
from pathlib import Path

import pytest

import archdsl
from archdsl import ArchError
from archdsl.diagnostics.source import Source
from archdsl.search.reading import read_search
from archdsl.syntax.pytorch_layers import LAYERS

HEADER = "arch net(classes = 10)\ninput 3x32x32\n"
KNOB = "a knob has a default, and its values after `in`: "
RECIPE = 'a spec does not say how it is trained: write `archdsl train --recipe "loss = ..."`'
KNOWN = "the input's size is known: write "
KEEP = "to keep the result of a layer, write "
IMPORT = "a class of PyTorch becomes a spec by `archdsl import file.py:Tiny`"
ATTENTION = 'it is a block of the library: `use "lib/transformer.arch": attention`'
BELOW = "the layers follow on the lines below"


def helps(text: str) -> list[str]:
    with pytest.raises(ArchError) as caught:
        archdsl.parse(text).with_knobs()
    return [help for found in caught.value.diagnostics for help in found.helps]


@pytest.mark.parametrize(
    "layers, help",
    [
        ("nn.Conv2d(16, 3)", "here it is called `conv(channels, kernel)`"),
        ("torch.nn.Linear(10)", "here it is called `linear(features)`"),
        ("conv(16, 3) -> nn.ReLU", "here it is called `relu`"),
        ("conv(16, 3) -> nn.ReLU()", "here it is called `relu`"),
        ("nn. Linear(10)", "here it is called `linear(features)`"),
        ("x. relu(3)", "write `x -> relu` in place of `x. relu(3)`"),
        ("let a = x. b(1)", "a layer is applied by `->` and not by a dot, as in `x -> relu`"),
        ("F.relu(x)", "a tensor goes into a layer by `->`: `x -> relu`"),
        ("x -> relu", "the input has no name: a line continues the one before it"),
        ("self.conv1 = nn.Conv2d(3, 16, 3)", f"{KEEP}`conv(16, 3, pad = 0) as conv1`"),
        ("self.width = 64", "a layer or a value with a name is `let width = ...`"),
        ("conv(16, 3)\nas skip", "the name comes after the layer, on the same line"),
        ("ModuleList([relu])", "to repeat a layer, write `repeat 3 { ... }`"),
        ("output [a, b]", "a result has a name: `output p3(when = always) { ... }`"),
        ("F.max_pool2d(x, 2)", "a tensor goes into a layer by `->`: `x -> maxpool(2)`"),
        *((f"{word}(8)", ATTENTION) for word in ("attention", "atention", "MHA", "SelfAttention")),
        ("windowattention(7)", "it is an argument of attention, which has projections around it: "),
        ("rope(10000)", "it is an argument of attention: `attend(heads, rope = 10000)`"),
        ("atend(8)", "did you mean `attend`?"),
        ("nn.BatchNorm2d(3)", f"{KNOWN}`bn`"),
        ("nn.Conv2d(3, 16, 3)", f"{KNOWN}`conv(16, 3, pad = 0)`"),
        ("nn.Conv2d(3, 16, 3, 2, 1)", f"{KNOWN}`conv(16, 3, stride = 2)`"),
        ("Conv2d(3, 16, 3, 1, 1, 1, 2)", f"{KNOWN}`conv(16, 3, groups = 2)`"),
        (
            "Conv2d(3, 16, 3, 1, x.y)",
            "the input's size is known: `conv` takes channels, ",
        ),
        ("nn.Conv2d(3, 16, (1, 7))", f"{KNOWN}`conv(16, 1x7, pad = 0)`"),
        ("Conv2D(16, 3, 2)", "write `conv(16, 3, stride = 2, pad = 0)`"),
        ("BatchNorm2d(16)", f"{KNOWN}`bn`"),
        ("BatchNorm2d(16, eps=1e-3)", f"{KNOWN}`bn(eps = 1e-3)`"),
        ("GroupNorm(4, 16)", f"{KNOWN}`group_norm(4)`"),
        ("InstanceNorm2d(16)", f"{KNOWN}`instance_norm`"),
        ("PReLU(16)", f"{KNOWN}`prelu`"),
        ("prelu(16)", f"{KNOWN}`prelu`"),
        ("prelu(1)", f"{KNOWN}`prelu(shared = true)`"),
        ("nn.PReLU()", "write `prelu(shared = true)`"),
        ("nn.Linear(64, 10, False)", f"{KNOWN}`linear(10, bias = false)`"),
        ("nn.LayerNorm(64)", f"{KNOWN}`layer_norm(over = channels)`"),
        ("layer_norm((3, 32, 32))", f"{KNOWN}`layer_norm`"),
        ("layer_norm(1e-6)", f"{KNOWN}`layer_norm(eps = 1e-6)`"),
        ("nn.PReLU(init=0.3)", "write `prelu(0.3, true)`"),
        ("nn.LeakyReLU(0.2, inplace=True)", "write `leaky_relu(0.2)`"),
        ("nn.MultiheadAttention(64, 8)", f"{KNOWN}`conv(192, 1) -> attend(8) -> conv(64, 1)`"),
        ("nn.Upsample(64)", "write `resize(64)`"),
        ("nn.Upsample(None, 2, mode='bilinear')", "write `upsample(2, mode = bilinear)`"),
        ("upsample(64)", "write `resize(64)`"),
        ("nn.ZeroPad2d((0, 1, 0, 1))", "write `pad(after = 1)`"),
        ("nn.ReflectionPad2d(3)", "write `pad(3, border = reflect)`"),
        ("pad(0, 1)", "the sides have names: `pad(before = 0, after = 1)`"),
        ("nn.Flatten(2)", "write `flatten_space`"),
        ("nn.Dropout3d(0.2)", "here it is called `dropout_channels`"),
        ("nn.LSTM(3, 4)", "it is not a layer of the language"),
        ("F.linear(x, w)", "a layer has its weights itself: `linear(features)`"),
        (
            "F.adaptive_avg_pool2d(x, (1, 1))",
            "a tensor goes into a layer by `->`: `x -> adap",
        ),
        ("torch.mean(x, (2, 3))", "a tensor goes into a layer by `->`: `x -> global_avgpool`"),
        ("torch.cat([x, y], dim=1)", "write `branch concat { x; y }`"),
        ("layers.Dense(64, activation='relu')", "write `linear(64) -> relu`"),
        ("sinusoids(512)", f"{KNOWN}`sinusoids`"),
        ("Linear(64, 10)", f"{KNOWN}`linear(10)`"),
        ("ConvTranspose2d(16, 8, 2)", f"{KNOWN}`conv_transpose(8, 2)`"),
        ("conv(16, 3) -> bn(16)", f"{KNOWN}`bn`"),
        ("conv(16, 3) -> group_norm(4, 16)", f"{KNOWN}`group_norm(4)`"),
        ("ReLU(inplace=true)", "write `relu`"),
        ("relu(inplace=true)", "write `relu`"),
        ("softmax(-1)", "it is over the channels: write `softmax`"),
        ("conv(8, 3, pad = valid)", "write `pad = 0`"),
        ("conv(8, 3, same)", "write `pad = same`"),
        ("conv(in_channels, 3)", "the channels that come in are `in.channels`"),
        ("conv(8, 3) // wide", "a comment begins with `#`"),
        ("conv(8, 3) // a wide one", "a comment begins with `#`"),
        ("conv(8, 3) | relu", "to apply one layer after the other, write `->`"),
        (
            "pad((0, 1))",
            "for each axis, it is `pad(0x1)`; before and after the width of an image, ",
        ),
        ("pad([2, 2])", "for each axis, it is `pad(2x2)`; "),
        ("F.pad(x, (0, 1))", "write `x -> pad(after = 0x1)` of an image, `x -> pad(after = 1)` of"),
        ("chunk(2, 1)", "the first of the parts is `split(2, 1)`"),
        ("chunk(2)", "the first of the parts is `split(2, 1)`"),
        ("relu -> mean(2)", "the mean over the image is `global_avgpool`, over the channels"),
        ("torch.chunk(x, 2, dim=1)", "the first of the parts is `x -> split(2, 1)`"),
        ("torch.split(x, [4, 4], 1)", "the first of the parts is `x -> slice(1, 4)`"),
        ("narrow(1, 0, 8)", "write `slice(1, 8)`"),
        ("einsum(1)", "with weights, it is `conv(c, 1)`; of two tensors, it is `branch mul {"),
        ("torch.matmul(x, y)", "with weights, it is `conv(c, 1)`"),
        ("x @ y", "a matrix product is a layer: `attend(heads)`"),
        ("permute(0, 2, 3, 1)", "leave it out: channels come first here"),
        ("transpose(1, 2)", "leave it out if it only moves the channels; `transpose` swaps"),
        (
            "x.mean([2, 3], keepdim=True)",
            "write `x -> global_avgpool` in place of `x.mean([2, 3], ",
        ),
        ("x.sum(1)", "write `x -> channel_sumpool` in place of `x.sum(1)`"),
        ("x.clamp(0, 6)", "write `x -> hardtanh(0, 6)` in place of"),
        ("x.squeeze().relu()", "write `x -> relu` in place of `x.squeeze().relu()`"),
        ("x.roll(1)", "it is not a layer of the language"),
        ("x.reshape(-1, 8, 4, 4)", "write `x -> reshape(8x4x4)` in place of"),
        (
            "x = x.view(-1, 27)",
            "a layer takes the output of the one before it: write `x -> flatten`",
        ),
        ("self.conv1(x)", "a layer is written where it is applied: `conv(16, 3) -> relu`"),
        ("clone", "leave it out: a spec does not say how a tensor lies in memory"),
        ("squeeze(1)", "leave it out: after `global_avgpool` there are only channels"),
        ("rearrange(1)", "`flatten_space` makes tokens of pixels"),
        ("conv(8, 3) * 3", "a layer several times is `repeat 3 { conv(8, 3) }`"),
        ("exp", "it is a function of numbers; docs/adding-a-layer.md says"),
        ("x[:, :4]", "a part of the channels is a layer: `slice(1, 4)` is the first four"),
        ("for (i = 0; i < 3; i++) { relu }", "loops run over lists and ranges only"),
        ("Lambda(lambda x: x)", "it is not a layer of the language"),
        ("conv(8, 3)()", "leave out the empty brackets: `conv(8, 3)`"),
        ("conv(8, 3)(x, y)", "a tensor goes into a layer by `->`: `x -> conv(16, 3)`"),
        ("c1 = nn.Conv2d(3, 16, kernel_size=3, padding=1)", f"{KEEP}`conv(16, 3) as c1`"),
        ("x = linear(classes)", f"{KEEP}`linear(classes) as x`"),
        ("relu as x\nx = relu(x)", "a layer takes the output of the one before it: write `relu`"),
        ("relu as x\ny = relu(x)", f"{KEEP}`x -> relu as y`"),
        ("x = conv(16, 3)(x) + x", "the input is added by `residual { conv(16, 3) }`"),
        ("x = x + relu(x)", "the input is added by `residual { relu }`"),
        ("import torch.nn as nn\nclass Tiny(nn.Module):", IMPORT),
        ("from torch import nn\nclass Tiny(nn.Module):", IMPORT),
        ("nn.Mine(3)", "leave out the name of the module: `Mine`"),
        ("leakyrelu", "here it is called `leaky_relu`"),
        ("Max_Pool(2)", "here it is called `maxpool`"),
        ("Dropout2D(0.5)", "here it is called `dropout_channels`"),
        ("Dense(10)", "here it is called `linear`"),
        ("dense(128)", "a fully connected layer is `linear(128)`"),
        (
            "flatten -> softmax(classes)",
            "`softmax` takes no number of classes: write `linear(classes)` and no softmax, as the"
            " loss contains it",
        ),
        ("Sequential(relu)", "write layers one on each line, or in a chain: `conv(16, 3)"),
        ("nn.Sequential(relu)", "write layers one on each line, or in a chain: `conv(16, 3)"),
        (
            "conv(in_channels = 3, channels = 8, kernel = 3)",
            "leave it out: the input's size is known",
        ),
        ("x = conv(16, 3)", "to keep the result of a layer, write `conv(16, 3) as x`"),
        ("x = conv(16, 3)(y)", "to keep the result of a layer, write `y -> conv(16, 3) as x`"),
        ("conv(16, 3)(y)", "a tensor goes into a layer by `->`: `y -> conv(16, 3)`"),
        ("relu as x\nrelu(x)", "a tensor goes into a layer by `->`: `x -> relu`"),
        ("relu as x\nconv(x, 3)", "a tensor goes into a layer by `->`: `x -> conv(3)`"),
        ("relu as x\nrelu as y\nx + y", "tensors are joined in a branch: `branch add { x; y }`"),
        ("relu as x\nbn + x", "tensors are joined in a branch: `branch add { bn; x }`"),
        ("relu as x\nrelu as y\nadd(x, y)", "write `branch add { x; y }`"),
        ("relu as x\nrelu as y\nconcat([x, y])", "write `branch concat { x; y }`"),
        ("relu\nloss cross_entropy", RECIPE),
        ("relu\nloss = cross_entropy", RECIPE),
        ("relu\nhold macs = 1M by width", "`hold` belongs in a .search file, not in a spec"),
    ],
)
def test_layers(layers: str, help: str) -> None:
    assert any(said.startswith(help) for said in helps(HEADER + layers + "\n"))


@pytest.mark.parametrize(
    "header, help",
    [
        ("model net(width = 16)", "write `arch net` in place of `model net`"),
        ("class Net(nn.Module):", "write `arch Net` in place of `class Net`"),
        ("model = nn.Sequential(", "a spec begins with a line such as `arch net`; its layers"),
        ("arch net(width = 16):", f"leave out the colon: {BELOW}"),
        ("arch net:", f"leave out the colon: {BELOW}"),
        ("arch net {", f"leave out the braces: {BELOW}"),
        ("arch net(width: int = 16)", "knobs have no types: `name = default`"),
        ("arch net(width)", "a knob has a default: `width = 64`"),
        ("arch net(width in [16, 32])", f"{KNOB}`width = 16 in {{16, 32}}`"),
        ("arch net(width in {16, 32})", f"{KNOB}`width = 16 in {{16, 32}}`"),
        ("arch net(a = 1, width = {16, 32})", f"{KNOB}`width = 16 in {{16, 32}}`"),
        ("arch net(width = in {16, 32})", f"{KNOB}`width = 16 in {{16, 32}}`"),
        ("arch net(width = 32 in [16, 32])", f"{KNOB}`width = 32 in {{16, 32}}`"),
        ("arch net(depth = 3..5)", f"{KNOB}`depth = 3 in 3..5`"),
        ("arch net(depth in 8..64 step 8)", f"{KNOB}`depth = 8 in 8..64 step 8`"),
    ],
)
def test_headers(header: str, help: str) -> None:
    assert any(said.startswith(help) for said in helps(f"{header}\ninput 3x32x32\nrelu\n"))


@pytest.mark.parametrize(
    "shape",
    "(None, 3, 32, 32);None, 3, 32, 32;(batch, 3, 32, 32);Nx3x32x32;(-1, 3, 32, 32)".split(";"),
)
def test_a_batch(shape: str) -> None:
    assert helps(f"arch net\ninput {shape}\nrelu\n") == ["leave the batch out: `input 3x32x32`"]


@pytest.mark.parametrize(
    "shape", "3, 32, 32;3 32 32;3x32X32;shape = 3x32x32;= 3x32x32;: 3x32x32".split(";")
)
def test_a_shape(shape: str) -> None:
    assert helps(f"arch net\ninput {shape}\nrelu\n") == ["a shape is written `input 3x32x32`"]


def test_a_list_for_one_value() -> None:
    (said,) = helps("arch net(width = [16, 32])\ninput 3x32x32\nconv(width, 3)\n")
    assert said == "a knob that is one of several values is written `width = 16 in {16, 32}`"


def test_a_path_without_quotes() -> None:
    with pytest.raises(ArchError) as caught:
        read_search(Source("x.search", 'spec "a.arch"\nvary width\ntrain with my.py\n'), Path())
    (found,) = caught.value.diagnostics
    assert found.helps == ('put a path in quotes: `train with "my.py"`',)


def test_layers_take_what_pytorch_says_they_take() -> None:
    """The table of PyTorch's layers has their arguments, in their order."""
    from torch import nn

    names = sorted((n for n in dir(nn) if n[0].isupper()), key=lambda n: not n.endswith("2d"))
    classes = {name.lower().removesuffix("2d"): name for name in names}
    for name, (_, places) in LAYERS.items():
        if name not in classes:
            continue
        layer = getattr(nn, classes[name])
        taken = [p for p in inspect.signature(layer).parameters if p not in ("args", "kwargs")]
        assert taken[: len(places)] == places, name
