"""Convolutions that PyTorch has not: standardised, fixed, padded as TensorFlow does. Each is the
same as timm's, or as the formula, alone and in the networks that use them."""

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from agreement import assert_same_function, batch
from timm.layers import (
    AvgPool2dSame,
    BlurPool2d,
    Conv2dSame,
    ScaledStdConv2d,
    ScaledStdConv2dSame,
    StdConv2d,
    StdConv2dSame,
)
from timm.layers.pool2d_same import MaxPool2dSame
from timm.models._efficientnet_blocks import InvertedResidual
from timm.models.nfnet import NfCfg, NormFreeNet
from torch import nn

import archdsl
from archdsl import ArchError
from archdsl.backend.export import write_onnx, write_pt2
from archdsl.freeze import freeze
from archdsl.graph.exchange import from_json, to_json
from archdsl.graph.text import to_text

NFNET = archdsl.read(str(Path(__file__).with_name("networks") / "nfnet.arch"))
SMALL: dict[str, Any] = {"depths": (1, 2, 1, 1), "channels": (64, 128, 128, 128), "stem_chs": 32}
MBCONV = """
arch mbconv(size = 16, stride = 2)
input (8, size, size)
default conv(bias = false, pad = same)
default bn(eps = 1e-3)
conv(32, 1) -> bn -> silu
conv(32, 5, stride = stride, groups = 32) -> bn -> silu
branch mul {
  identity
  global_avgpool -> conv(2, 1, bias = true) -> silu -> conv(32, 1, bias = true) -> sigmoid
}
conv(12, 1) -> bn
"""


def network(body: str, input: str = "4x9x8") -> archdsl.Architecture:
    return archdsl.parse(f"arch n()\ninput {input}\n{body}").with_knobs()


def ragged(module: nn.Module) -> nn.Module:
    """Weights none of which is as it starts."""
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.3)
    return module


def test_an_nfnet_of_timm() -> None:
    with torch.device("meta"):
        published = sum(p.numel() for p in timm.create_model("nfnet_l0").parameters())
    assert NFNET.with_knobs().params == published == 35_074_488
    assert NFNET.with_knobs().macs == 4_255_094_784
    options = {"extra_conv": True, "attn_layer": "se", "bottle_ratio": 0.25, "num_features": 96}
    attention = {"rd_ratio": 0.25, "rd_divisor": 8}
    cfg = NfCfg(**SMALL, stem_type="deep_quad", group_size=16, attn_kwargs=attention, **options)
    theirs = ragged(NormFreeNet(cfg, num_classes=10))
    widths, depths = SMALL["channels"], SMALL["depths"]
    ours = NFNET.with_knobs(
        depths=depths, widths=widths, stem=32, group=16, features=96, size=64, classes=10
    )
    module = ours.build()
    assert [int(m.gain.sum()) for n, m in module.named_modules() if n.endswith("std_conv4")][1] == 0
    assert_same_function(theirs, module, batch(2, 3, 64, 64))


@pytest.mark.parametrize(
    ("call", "theirs"),
    [
        ("std_conv(6, 3, bias = false)", StdConv2d(4, 6, 3)),
        ("std_conv(6, 3, bias = false, eps = 1e-3)", StdConv2d(4, 6, 3, eps=1e-3)),
        ("std_conv(6, 3, groups = 2, gain = 1.7)", ScaledStdConv2d(4, 6, 3, groups=2, gamma=1.7)),
        ("std_conv(6, 3, stride = 2, pad = same)", StdConv2dSame(4, 6, 3, stride=2, bias=True)),
        (
            "std_conv(6, 4, stride = 2, pad = same, gain = 2)",
            ScaledStdConv2dSame(4, 6, 4, stride=2, gamma=2),
        ),
        ("conv(6, 3, stride = 2, pad = same)", Conv2dSame(4, 6, 3, stride=2)),
        ("conv(6, 2, pad = same)", Conv2dSame(4, 6, 2)),
        ("conv(6, 3, pad = same)", Conv2dSame(4, 6, 3)),
        (
            "conv(6, 5x2, stride = 3x1, pad = same, dilation = 2)",
            Conv2dSame(4, 6, (5, 2), stride=(3, 1), dilation=2),
        ),
    ],
)
def test_one_layer_is_that_of_timm(call: str, theirs: nn.Module) -> None:
    ours = network(call)
    assert ours.output == tuple(theirs(batch(1, 4, 9, 8)).shape[1:])
    assert_same_function(ragged(theirs), ours.build(), batch(2, 4, 9, 8))


@pytest.mark.parametrize(
    ("call", "theirs"),
    [
        ("maxpool(3, stride = 2, pad = same)", MaxPool2dSame(3, 2)),
        ("maxpool(2x3, stride = 1, pad = same)", MaxPool2dSame((2, 3), 1)),
        ("maxpool(3, stride = 2, pad = same, dilation = 2)", MaxPool2dSame(3, 2, dilation=2)),
        ("maxpool(3, stride = 1, pad = same, dilation = 2)", MaxPool2dSame(3, 1, dilation=2)),
        ("avgpool(2, pad = same)", AvgPool2dSame(2, 2)),
        ("avgpool(5, stride = 3, pad = same)", AvgPool2dSame(5, 3)),
        ("avgpool(3, stride = 1, pad = same)", AvgPool2dSame(3, 1)),
    ],
)
def test_a_pooling_is_that_of_timm(call: str, theirs: nn.Module) -> None:
    ours, x = network(call), batch(2, 4, 9, 8)
    assert ours.output == tuple(theirs(x).shape[1:])
    torch.testing.assert_close(ours.build()(x), theirs(x), rtol=0, atol=0)


@pytest.mark.parametrize("size", [1, 4, 5, 9])
@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
def test_a_mean_without_zeros_is_that_of_the_pixels_in_a_window(kernel: int, size: int) -> None:
    """TensorFlow's average pooling, by hand; and its maximum of two axes and three."""
    for stride in (1, 2, 3):
        given = f"({kernel}, stride = {stride}, pad = same"
        ours = network(f"avgpool{given}, count_pad = false)", f"2x{size}").build()
        x = -1 - batch(1, 2, size).abs()
        count = -(-size // stride)
        before = max((count - 1) * stride + kernel - size, 0) // 2
        starts = [i * stride - before for i in range(count)]
        windows = [x[..., max(s, 0) : s + kernel] for s in starts]
        torch.testing.assert_close(ours(x), torch.stack([w.mean(-1) for w in windows], -1))
        most = torch.stack([w.amax(-1) for w in windows], -1)
        assert torch.equal(network(f"maxpool{given})", f"2x{size}").build()(x), most)
        volume = x[..., None, None].expand(1, 2, size, size, 1)
        means = network(f"avgpool{given}, count_pad = false)", f"2x{size}x{size}x1").build()
        assert means(volume).shape == (1, 2, count, count, 1)
        torch.testing.assert_close(means(volume)[..., 0, 0], ours(x))


@pytest.mark.parametrize("stride", [1, 2])
def test_a_block_of_tensorflows_efficientnet(stride: int) -> None:
    theirs = InvertedResidual(
        8,
        12,
        dw_kernel_size=5,
        stride=stride,
        pad_type="same",
        exp_ratio=4,
        act_layer=nn.SiLU,
        noskip=True,
        norm_layer=lambda c, **_: (
            timm.layers.BatchNormAct2d(c, eps=1e-3, act_layer=nn.SiLU)
            if c == 32
            else nn.BatchNorm2d(c, eps=1e-3)
        ),
        se_layer=lambda c, act_layer, **_: timm.layers.SqueezeExcite(
            c, rd_channels=2, act_layer=act_layer
        ),
    )
    for size in (14, 15):
        theirs.zero_grad()
        ours = archdsl.parse(MBCONV).with_knobs(size=size, stride=stride)
        assert ours.output == (12, -(-size // stride), -(-size // stride))
        assert_same_function(ragged(theirs), ours.build(), batch(2, 8, size, size))


def test_padding_of_tensorflow_follows_the_size() -> None:
    """One module for all sizes, each as it was elaborated; where it is even it is a number."""
    at = {size: archdsl.parse(MBCONV).with_knobs(size=size) for size in (14, 15, 16, 17)}
    modules = {size: arch.build() for size, arch in at.items()}
    for size, arch in at.items():
        modules[size].load_state_dict(modules[14].state_dict())
        x = batch(2, 8, size, size)
        torch.testing.assert_close(modules[14].eval()(x), modules[size].eval()(x))
        assert modules[14](x).shape[1:] == arch.output
    assert "SameConv2d(" in at[14].source()
    assert "Same" not in archdsl.parse(MBCONV).with_knobs(stride=1).source()
    assert "padding=2" in archdsl.parse(MBCONV).with_knobs(stride=1).source()
    even, odd = network("conv(4, 3, stride = 2, pad = same)", "4x9x9"), network("conv(4, 3)")
    assert even.hash == network("conv(4, 3, stride = 2)", "4x9x9").hash
    assert odd.hash == network("conv(4, 3, pad = same)").hash
    assert (
        network("conv(4, 3, stride = 2, pad = same)", "4x8x8").hash
        != network("conv(4, 3, stride = 2)", "4x8x8").hash
    )


BLUR = "[[a * b / 16 for a in [1, 2, 1]] for b in [1, 2, 1]]"


def test_blur_pooling() -> None:
    """Of arXiv:1904.11486, as timm has it."""
    body = (
        f"pad(1, border = reflect)\nconv(4, 3, stride = 2, pad = 0, groups = 4, bias = false,"
        f" weight = {BLUR})"
    )
    arch, x = network(body), batch(2, 4, 9, 8)
    assert arch.params == 0 and arch.macs == 4 * 5 * 4 * 9
    assert [(w.elements, w.trainable) for _, w in _weights(arch)] == [(36, False)]
    theirs = BlurPool2d(4, filt_size=3, stride=2)
    torch.testing.assert_close(arch.build()(x), theirs(x))


def _weights(arch: archdsl.Architecture) -> list[tuple[str, Any]]:
    nodes = arch.flat.nodes
    return [
        (node.path, w)
        for node in nodes[1:]
        if node.layer is not None
        for w in node.layer.weights(*(nodes[n].shape for n in node.inputs))
    ]


def test_fixed_weights_of_all_filters() -> None:
    """The distances of YOLOv8's boxes are means of 0 to 15; a filter may have its own numbers."""
    x = batch(1, 16, 4, 5).softmax(1)
    places = torch.arange(16.0).view(1, 16, 1, 1)
    mean = network("softmax -> conv(1, 1, bias = false, weight = 0..15)", "16x4x5").build()
    torch.testing.assert_close(mean(x), (x.softmax(1) * places).sum(1, keepdim=True))
    assert [(k, v.requires_grad) for k, v in mean.state_dict().items()] == [("conv1.weight", False)]
    both = network("conv(2, 1, bias = false, weight = [[1, 0], [0.5, -1]])", "2x4").build()
    y = batch(1, 2, 4)
    torch.testing.assert_close(both(y), torch.stack([y[:, 0], y[:, 0] / 2 - y[:, 1]], 1))
    one, all = (f"conv(2, 1, weight = {w})" for w in ("[1, 2]", "[1, 2, 1, 2]"))
    assert network(one, "2x4").hash == network(all, "2x4").hash
    assert network(one, "2x4").hash != network("conv(2, 1, weight = [2, 1])", "2x4").hash
    assert network(one, "2x4").hash != network("conv(2, 1)", "2x4").hash


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        (
            "conv(8, 3, weight = [1, 2, 1])",
            "A222",
            "`weight` has 3 numbers, but one filter of this `conv` has 36 weights, and all"
            " filters have 288",
        ),
        ("conv(8, 1, weight = [1, 2, 3, 4], init = zeros)", "A232", "`init` and `weight`"),
        ("conv(8, 1, weight = [1, 2, 3, relu])", "A301", "a list of at most 10,000 numbers"),
        ("conv(8, 1, weight = [])", "A301", "a list of at most 10,000 numbers"),
        (
            "conv(8, 1, weight = [x for y in 1..200 for x in 1..100])",
            "A3",
            "10,000",
        ),
        ("conv(8, 3, pad = some)", "A104", "same"),
    ],
)
def test_what_cannot_be(body: str, code: str, text: str) -> None:
    with pytest.raises(ArchError) as error:
        network(body)
    (found,) = error.value.diagnostics
    assert found.code.startswith(code), found
    assert text in str(error.value)


ALL = f"""
block unit(c, kernel) {{
  std_conv(c, kernel, stride = 2, pad = same, gain = 1.5) -> relu
  conv(c, 3, groups = c, bias = false, pad = same, stride = 2, weight = {BLUR})
}}
unit(6, 3) -> unit(8, 2)
std_conv(5, 1) -> flatten -> linear(3)
"""


def test_they_run_in_one_graph() -> None:
    arch, x = network(ALL, "4x33x32"), batch(2, 4, 33, 32)
    module = arch.build().eval()
    compiled = torch.compile(module, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(x), module(x))
    assert sum(p.numel() for p in module.parameters()) == arch.params


@pytest.mark.slow
def test_they_are_exported(tmp_path: Path) -> None:
    module, x = network(ALL, "4x33x32").build().eval(), batch(2, 4, 33, 32)
    write_pt2(module, x, tmp_path / "x.pt2")
    again = torch.export.load(tmp_path / "x.pt2").module()
    torch.testing.assert_close(again(x), module(x))
    assert write_onnx(module, x, tmp_path / "x.onnx") < 1e-4


def test_the_graph_and_the_frozen_text_say_all_of_it() -> None:
    arch = network(ALL, "4x33x32")
    assert archdsl.parse(freeze(arch)).with_knobs().hash == arch.hash
    again = from_json(to_json(arch.graph))
    assert to_text(again) == to_text(arch.graph)
    line = "conv(8, 3, stride = 2, pad = same, groups = 8, bias = false, weight = [0.0625, 0.125,"
    assert line in to_text(arch.graph)
