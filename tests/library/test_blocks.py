"""Every block of the library, applied by itself: as many parameters, buffers and multiply-adds,
and the same shape, as a module that is known to be right."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import pytest
import torch
from counting import counts, of, output
from timm.layers import Attention, Mlp, SwiGLU
from timm.layers.cbam import CbamModule, ChannelAttn, SpatialAttn
from timm.layers.eca import EcaModule
from timm.models.convnext import ConvNeXtBlock
from timm.models.cspnet import CrossStage, DarkBlock
from timm.models.ghostnet import GhostBottleneck, GhostModule
from timm.models.res2net import Bottle2neck
from timm.models.vovnet import OsaBlock
from torch import nn
from torchvision.models import efficientnet, inception, mobilenetv2, resnet, shufflenetv2
from torchvision.models.convnext import CNBlock, LayerNorm2d
from torchvision.models.googlenet import Inception
from torchvision.models.segmentation.deeplabv3 import ASPP
from torchvision.ops import SqueezeExcitation
from units import C2f, Concat, DenseAspp, Elan, Residual, UNet, conv
from weights import copy_weights, same, stir

import archdsl
from archdsl.elaborate.file_code import FileCode
from archdsl.files import builtin_folder
from archdsl.layers.base import Shape, show_shape
from archdsl.syntax.tree import Block


class Case(NamedTuple):
    library: str
    call: str
    input: Shape
    module: Callable[[], nn.Module]


def seq(*modules: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(*(m() for m in modules))


class OverTokens(nn.Module):
    """A module over tokens with channels last, on tokens with channels first."""

    def __init__(self, kind: Callable[..., nn.Module], *given: Any, **more: Any) -> None:
        super().__init__()
        more = {"qkv_bias": True} if kind is Attention else more
        self.inner = kind(*given, **more)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.inner(x.mT).mT
        return y


def depthwise(c: int, kernel: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(c, c, kernel, stride, kernel // 2, groups=c)


def separable(before: int, c: int, kernel: int, stride: int) -> nn.Module:
    depthwise = conv(before, before, kernel, stride=stride, groups=before)
    return nn.Sequential(*depthwise, *conv(before, c, 1))


def projected(before: int, after: int, stride: int) -> nn.Sequential:
    return nn.Sequential(*conv(before, after, 1, act=None, stride=stride))


def basic(before: int, c: int, stride: int) -> nn.Module:
    same = before == c and stride == 1
    return resnet.BasicBlock(before, c, stride, None if same else projected(before, c, stride))


def bottleneck(before: int, c: int, stride: int, **keywords: int) -> nn.Module:
    same = before == c and stride == 1
    shortcut = None if same else projected(before, c, stride)
    return resnet.Bottleneck(before, c // 4, stride, shortcut, **keywords)


def res2(before: int, c: int, stride: int, **keywords: int) -> nn.Module:
    same = before == c and stride == 1
    shortcut = None if same else projected(before, c, stride)
    norm = {"norm_layer": nn.BatchNorm2d, "act_layer": nn.ReLU}
    return Bottle2neck(before, c // 4, stride, shortcut, **keywords, **norm)


def preactivated(before: int, widths: list[tuple[int, int]], stride: int) -> nn.Module:
    """Convolutions of (channels, kernel), each after its normalisation and activation; the
    first 3x3 has the stride. Where shapes change, the first activation is shared."""
    body: list[nn.Module] = []
    channels, step = before, stride
    for c, kernel in widths:
        own = step if kernel == 3 else 1
        step = 1 if kernel == 3 else step
        body += [nn.BatchNorm2d(channels), nn.ReLU()]
        body += [nn.Conv2d(channels, c, kernel, own, kernel // 2, bias=False)]
        channels = c
    if before == channels and stride == 1:
        return Residual(body)
    shortcut = [nn.Conv2d(before, channels, 1, stride, bias=False)]
    return nn.Sequential(*body[:2], Residual(body[2:], shortcut))


def shuffle_v1(before: int, c: int, groups: int, first: int, stride: int) -> nn.Module:
    new, inner = (c if stride == 1 else c - before), c // 4
    body = [
        *conv(before, inner, 1, groups=first),
        nn.ChannelShuffle(groups),
        *conv(inner, inner, 3, act=None, stride=stride, groups=inner),
        *conv(inner, new, 1, act=None, groups=groups),
    ]
    unit = Residual(body) if stride == 1 else Concat([nn.AvgPool2d(3, stride, 1)], body)
    return nn.Sequential(unit, nn.ReLU())


def fused(before: int, c: int, expansion: int, stride: int) -> nn.Module:
    config = efficientnet.FusedMBConvConfig(expansion, 3, stride, before, c, 1)
    return efficientnet.FusedMBConv(config, 0.0, nn.BatchNorm2d)


def inverted(before: int, c: int, expansion: float, stride: int, kernel: int) -> nn.Module:
    """EfficientNet's, with its attention."""
    config = efficientnet.MBConvConfig(expansion, kernel, stride, before, c, 1)
    return efficientnet.MBConv(config, 0.0, nn.BatchNorm2d)


def halved() -> nn.Module:
    """``UNIT`` round which the input goes."""
    return Residual([*conv(32, 16, 1, nn.SiLU), *conv(16, 32, 3, nn.SiLU)])


def cross_stage(before: int, c: int, depth: int, expand: float, bottle: float) -> nn.Module:
    return CrossStage(
        before, c, 1, 1, depth, 0.5 if expand == 1 else 1.0, bottle, expand,
        block_fn=DarkBlock, act_layer=nn.SiLU, norm_layer=nn.BatchNorm2d,
    )  # fmt: skip


def reduction(before: int, c3: int, c33_in: int, c33: int, pad: int) -> nn.Module:
    return Concat(
        conv(before, c3, 3, stride=2, padding=pad),
        [
            *conv(before, c33_in, 1),
            *conv(c33_in, c33, 3),
            *conv(c33, c33, 3, stride=2, padding=pad),
        ],
        [nn.MaxPool2d(3, 2, pad)],
    )


def factorized(before: int, c: int, n: int, inner: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(before, inner, (1, n), padding=(0, n // 2), bias=False),
        *[nn.BatchNorm2d(inner), nn.ReLU()],
        nn.Conv2d(inner, c, (n, 1), padding=(n // 2, 0), bias=False),
        *[nn.BatchNorm2d(c), nn.ReLU()],
    )


TOKENS = (64, 10)
IMAGE, SMALL, WIDE = (16, 32, 32), (64, 14, 14), (256, 14, 14)
UNIT = "default conv(bias = false); conv(16, 1) -> bn -> silu; conv(32, 3) -> bn -> silu"

CASES = [
    Case("attention", "squeeze_excite(4)", SMALL, partial(SqueezeExcitation, 64, 4)),
    Case("attention", "squeeze_excite(in.channels / 8, silu, hardsigmoid)", (64, 7, 9),
         partial(SqueezeExcitation, 64, 8, nn.SiLU, nn.Hardsigmoid)),
    Case("attention", "eca", SMALL, partial(EcaModule, 64)),
    Case("attention", "eca", WIDE, partial(EcaModule, 256)),
    Case("attention", "eca(7)", WIDE, partial(EcaModule, kernel_size=7)),
    Case("attention", "channel_gate(4)", SMALL, partial(ChannelAttn, 64, rd_channels=4)),
    Case("attention", "channel_gate(32, silu)", WIDE,
         partial(ChannelAttn, 256, rd_channels=32, act_layer=nn.SiLU)),
    Case("attention", "spatial_gate", SMALL, SpatialAttn),
    Case("attention", "spatial_gate(3)", SMALL, partial(SpatialAttn, 3)),
    Case("attention", "cbam(4)", SMALL, partial(CbamModule, 64, rd_channels=4)),
    Case("attention", "cbam(16, kernel = 5)", WIDE,
         partial(CbamModule, 256, rd_channels=16, spatial_kernel_size=5)),
    Case("convnext", "convnext", (96, 14, 14), partial(CNBlock, 96, 1e-6, 0.0)),
    Case("convnext", "convnext(last = scale, survive = 0.9)", (40, 9, 9),
         partial(CNBlock, 40, 1.0, 0.1)),
    Case("convnext", "convnext(middle = grn, last = identity)", (40, 9, 9),
         partial(ConvNeXtBlock, 40, ls_init_value=None, use_grn=True)),
    Case("convnext", "downsample(128)", SMALL,
         seq(partial(LayerNorm2d, 64), partial(nn.Conv2d, 64, 128, 2, 2))),
    Case("convnext", "downsample(24)", IMAGE,
         seq(partial(LayerNorm2d, 16), partial(nn.Conv2d, 16, 24, 2, 2))),
    Case("csp", f"cross_stage(64, {{ repeat 2 {{ residual {{ {UNIT} }} }} }})", (64, 14, 14),
         lambda: cross_stage(64, 64, 2, 1, 0.5)),
    Case("csp", f"cross_stage(32, {{ residual {{ {UNIT} }} }}, inner = 64)", (32, 14, 14),
         lambda: cross_stage(32, 32, 1, 2, 0.5)),
    Case("csp", "elan(128, 32)", SMALL, partial(Elan, 64, 128, 32, 2, 2, nn.SiLU)),
    Case("csp", "elan(64, 16, parts = 4, n = 1, act = relu)", WIDE,
         partial(Elan, 256, 64, 16, 4, 1, nn.ReLU)),
    Case("csp", "osa(96, 32)", SMALL, partial(OsaBlock, 64, 32, 96, 5)),
    Case("csp", "osa(64, 24, n = 3)", IMAGE, partial(OsaBlock, 16, 24, 64, 3)),
    Case("csp", f"c2f(64, 3, residual {{ {UNIT} }})", SMALL,
         lambda: C2f(64, 64, [halved() for _ in range(3)])),
    Case("csp", "c2f(48, 1, dropout_channels(0.2))", IMAGE,
         lambda: C2f(16, 48, [nn.Dropout2d(0.2)])),
    Case("ghost", "ghost(32)", IMAGE, partial(GhostModule, 16, 32)),
    Case("ghost", "ghost(50, kernel = 3, ratio = 3, cheap = 5)", IMAGE,
         partial(GhostModule, 16, 50, 3, 3, 5)),
    Case("ghost", "ghost_bottleneck(16, 48)", IMAGE, partial(GhostBottleneck, 16, 48, 16)),
    Case("ghost", "ghost_bottleneck(24, 48, kernel = 5, stride = 2)", IMAGE,
         partial(GhostBottleneck, 16, 48, 24, 5, 2)),
    Case("inception", "inception(64, 96, 128, 16, 32, 32, wide = 3, norm = bn(eps = 1e-3))",
         (192, 28, 28), partial(Inception, 192, 64, 96, 128, 16, 32, 32)),
    Case("inception", "inception(64, 96, 128, 16, 32, 32)", (192, 28, 28), lambda: Concat(
        conv(192, 64, 1),
        [*conv(192, 96, 1), *conv(96, 128, 3)],
        [*conv(192, 16, 1), *conv(16, 32, 5)],
        [nn.MaxPool2d(3, 1, 1), *conv(192, 32, 1)],
    )),
    Case("inception", "factorized(192)", (128, 17, 17), partial(factorized, 128, 192, 7, 192)),
    Case("inception", "factorized(96, 3, inner = 64)", (32, 9, 9),
         partial(factorized, 32, 96, 3, 64)),
    Case("inception", "inception_reduction(384, 64, 96, norm = bn(eps = 1e-3))", (288, 35, 35),
         partial(inception.InceptionB, 288)),
    Case("inception", "inception_reduction(64, 16, 32, pad = 1)", (32, 28, 28),
         partial(reduction, 32, 64, 16, 32, 1)),
    Case("mobile", "depthwise", IMAGE, lambda: nn.Conv2d(16, 16, 3, 1, 1, groups=16, bias=False)),
    Case("mobile", "depthwise(5, stride = 2)", IMAGE,
         lambda: nn.Conv2d(16, 16, 5, 2, 2, groups=16, bias=False)),
    Case("mobile", "depthwise_separable(32)", IMAGE, partial(separable, 16, 32, 3, 1)),
    Case("mobile", "depthwise_separable(24, 5, stride = 2, act = relu6)", IMAGE,
         partial(separable, 16, 24, 5, 2)),
    Case("mobile", "inverted_residual(16, inner = 96)", IMAGE,
         partial(mobilenetv2.InvertedResidual, 16, 16, 1, 6)),
    Case("mobile", "inverted_residual(24, inner = 16, stride = 2)", IMAGE,
         partial(mobilenetv2.InvertedResidual, 16, 24, 2, 1)),
    Case("mobile", "inverted_residual(64, 256, kernel = 5, act = silu, survive = 0.8,"
                   " attention = squeeze_excite(16, silu))", SMALL,
         partial(inverted, 64, 64, 4, 1, 5)),
    Case("mobile", "fused_inverted_residual(16, inner = 64)", IMAGE, partial(fused, 16, 16, 4, 1)),
    Case("mobile", "fused_inverted_residual(32, inner = 16, stride = 2)", IMAGE,
         partial(fused, 16, 32, 1, 2)),
    Case("residual", "basic(64)", SMALL, partial(basic, 64, 64, 1)),
    Case("residual", "basic(128, stride = 2)", SMALL, partial(basic, 64, 128, 2)),
    Case("residual", "bottleneck(256)", WIDE, partial(bottleneck, 256, 256, 1)),
    Case("residual", "bottleneck(512, stride = 2, survive = 0.9)", WIDE,
         partial(bottleneck, 256, 512, 2)),
    Case("residual", "bottleneck(256, inner = 128, groups = 32, dilation = 2)", SMALL,
         partial(bottleneck, 64, 256, 1, groups=32, base_width=4, dilation=2)),
    Case("residual", "preactivated(64)", SMALL, partial(preactivated, 64, [(64, 3), (64, 3)], 1)),
    Case("residual", "preactivated(96, stride = 2, middle = dropout(0.3))", SMALL,
         partial(preactivated, 64, [(96, 3), (96, 3)], 2)),
    Case("residual", "preactivated_bottleneck(256)", WIDE,
         partial(preactivated, 256, [(64, 1), (64, 3), (256, 1)], 1)),
    Case("residual", "preactivated_bottleneck(128, inner = 48, stride = 2)", SMALL,
         partial(preactivated, 64, [(48, 1), (48, 3), (128, 1)], 2)),
    Case("residual", "res2(256, 26)", WIDE, partial(res2, 256, 256, 1)),
    Case("residual", "res2(512, 28, parts = 8, stride = 2)", WIDE,
         partial(res2, 256, 512, 2, base_width=14, scale=8)),
    Case("segmentation", "aspp(64)", WIDE, partial(ASPP, 256, [12, 24, 36], 64)),
    Case("segmentation", "aspp(32, rates = [6, 12])", SMALL, partial(ASPP, 64, [6, 12], 32)),
    Case("segmentation", "dense_aspp(16, 32)", SMALL, partial(DenseAspp, 64, 16, 32)),
    Case("segmentation", "dense_aspp(8, 24, rates = [2, 4])", IMAGE,
         partial(DenseAspp, 16, 8, 24, (2, 4))),
    Case("shuffle", "shuffle_v1(240)", (240, 28, 28), partial(shuffle_v1, 240, 240, 3, 3, 1)),
    Case("shuffle", "shuffle_v1(240, stride = 2, first_groups = 1)", (24, 28, 28),
         partial(shuffle_v1, 24, 240, 3, 1, 2)),
    Case("shuffle", "shuffle_v2(116)", (116, 28, 28),
         partial(shufflenetv2.InvertedResidual, 116, 116, 1)),
    Case("shuffle", "shuffle_v2(232, stride = 2)", (116, 28, 28),
         partial(shufflenetv2.InvertedResidual, 116, 232, 2)),
    Case("transformer", "attention(4)", TOKENS, partial(OverTokens, Attention, 64, 4)),
    Case("transformer", "attention(8)", TOKENS, partial(OverTokens, Attention, 64, 8)),
    Case("transformer", "mlp", TOKENS, partial(OverTokens, Mlp, 64, 256)),
    Case("transformer", "mlp(2, act = relu)", TOKENS,
         partial(OverTokens, Mlp, 64, 128, act_layer=nn.ReLU)),
    Case("transformer", "swiglu(96)", TOKENS, partial(OverTokens, SwiGLU, 64, 96)),
    Case("transformer", "swiglu(32)", TOKENS, partial(OverTokens, SwiGLU, 64, 32)),
    Case("unet", "double_conv(32)", IMAGE, partial(UNet, 16, 32, 0, True, 1)),
    Case("unet", "double_conv(8, norm = identity, pad = 0)", IMAGE,
         partial(UNet, 16, 8, 0, False, 0)),
    Case("unet", "unet(8, levels = 3)", IMAGE, partial(UNet, 16, 8, 3, True, 1)),
    Case("unet", "unet(16, levels = 2, norm = identity, pad = 0)", (1, 92, 92),
         partial(UNet, 1, 16, 2, False, 0)),
]  # fmt: skip

LIBRARIES = sorted(path.stem for path in (builtin_folder() / "lib").glob("*.arch"))


def parse(library: str, input: Shape, text: str) -> archdsl.Architecture:
    more = "" if library == "attention" else 'use "lib/attention.arch": squeeze_excite'
    head = f'arch test(c = 1)\nuse "lib/{library}.arch"\n{more}\ninput {show_shape(input)}\n'
    return archdsl.parse(head + text).with_knobs()


@pytest.mark.parametrize("case", [pytest.param(c, id=f"{c.library}: {c.call}") for c in CASES])
def test_block(case: Case) -> None:
    architecture = parse(case.library, case.input, case.call)
    assert of(architecture) == counts(case.module, case.input)
    assert architecture.output == output(case.module, case.input)


@pytest.mark.parametrize("case", [pytest.param(c, id=f"{c.library}: {c.call}") for c in CASES])
@torch.no_grad()
def test_outputs_of_block(case: Case) -> None:
    theirs = case.module().eval()
    stir(theirs)
    ours = parse(case.library, case.input, case.call).build().eval()
    copy_weights(theirs, ours)
    same(ours, theirs, torch.randn(2, *case.input))


@pytest.mark.parametrize(("input", "size"), [("3x33x46", (33, 46)), ("3x32x32", (32, 32))])
def test_pad_to_makes_an_image_as_large_as_another(input: str, size: tuple[int, ...]) -> None:
    text = f"""arch padded
use "lib/unet.arch": pad_to
input {input}
conv(2, 1) as fine
maxpool(4) -> upsample(4) -> pad_to(fine)
"""
    arch = archdsl.parse(text).with_knobs()
    assert arch.output == (2, *size)
    x = torch.ones(1, 3, *size)
    y = arch.build()(x)[0, 0]
    low, left = (n % 4 // 2 for n in size)
    inside = y[low : low + size[0] // 4 * 4, left : left + size[1] // 4 * 4]
    assert inside.ne(0).all() and y.ne(0).sum() == inside.numel()


def test_top_down_brings_the_coarse_image_to_the_size_of_the_other() -> None:
    text = "conv(16, 3) as fine; maxpool(2) -> conv(32, 3) -> conv({c}, 1); top_down(fine, {c})"
    for c, input in ((24, (3, 32, 32)), (8, (3, 33, 45))):
        architecture = parse("segmentation", input, text.format(c=c))
        assert architecture.output == (c, *input[1:])
        lateral = 16 * c + c
        assert architecture.params == (27 * 16 + 16) + (9 * 16 * 32 + 32) + (32 * c + c) + lateral


def library(name: str) -> FileCode:
    """A file of the library, compiled."""
    spec = archdsl.parse(f'arch test(c = 1)\nuse "lib/{name}.arch"\ninput 3\nlinear(1)')
    return next(f for f in spec.program.files if f.syntax.span.source.name == f"lib/{name}.arch")


@pytest.mark.parametrize("name", LIBRARIES)
def test_every_block_is_tried_with_two_settings(name: str) -> None:
    blocks = [s.name.text for s in library(name).syntax.statements if isinstance(s, Block)]
    assert blocks
    for block in blocks:
        tried = [c for c in CASES if c.library == name and c.call.split("(")[0] == block]
        whole = (
            name == "hybrid"
        )  # tests/zoo compares the networks that are made of them with timm's
        assert len(tried) >= 2 or whole or block in ("top_down", "pad_to"), block


@pytest.mark.parametrize("name", LIBRARIES)
def test_every_block_is_documented(name: str) -> None:
    syntax = library(name).syntax
    for statement in syntax.statements:
        assert not isinstance(statement, Block) or syntax.doc(statement), statement.name.text


RANKS = ((16, 40), (16, 20, 24), (16, 8, 12, 12))


@pytest.mark.parametrize("input", RANKS, ids=map(show_shape, RANKS))
@pytest.mark.parametrize(
    "call",
    [
        "basic(32, stride = 2)",
        "bottleneck(64)",
        "preactivated(32, stride = 2)",
        "preactivated_bottleneck(16)",
        "res2(64, 8, stride = 2)",
    ],
)
def test_units_follow_the_rank_of_their_input(call: str, input: Shape) -> None:
    """A 3x3 kernel is 3 over one axis and 3x3x3 over three."""
    axes = len(input) - 1
    architecture = parse("residual", input, call)
    stride = 2 if "stride" in call else 1
    assert architecture.output[1:] == tuple(n // stride for n in input[1:])
    kernels = {
        n.layer.weights(architecture.flat.nodes[n.inputs[0]].shape)[0].shape[2:]
        for n in architecture.flat.nodes
        if n.layer is not None and n.layer.name == "conv"
    }
    assert kernels <= {(1,) * axes, (3,) * axes}
    assert (3,) * axes in kernels
