"""What an element of the result sees, for networks whose receptive fields are published.

Sizes from Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural
Networks" (Distill, 2019), and from the layers themselves.
"""

import random

import pytest
import torch

import archdsl

WIDE = (3, 4096, 4096)  # wider than any of them sees


def before(name: str, end: str, *replacements: tuple[str, str]) -> archdsl.Spec:
    """A built-in spec up to where a line begins with ``end``."""
    text = archdsl.read(name).source.text
    assert f"\n{end}" in text
    text = text[: text.index(f"\n{end}")]
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    return archdsl.parse(text)


@pytest.mark.parametrize(("depth", "pixels"), [(50, 483), (101, 1027), (152, 1507)])
def test_residual_networks_of_the_paper(depth: int, pixels: int) -> None:
    spec = before("resnet", "head:")
    arch = spec.with_knobs(input=WIDE, depth=depth, stride_on="1x1")
    assert arch.receptive_field == (pixels, pixels)
    assert arch.path.stride == (32, 32)


def test_the_stride_on_the_3x3_sees_less() -> None:
    assert before("resnet", "head:").with_knobs(input=WIDE).receptive_field == (427, 427)


def test_the_stem_of_a_residual_network() -> None:
    assert before("resnet", "for n in").with_knobs().receptive_field == (11, 11)


def test_vgg16() -> None:
    spec = before("vgg", "adaptive_avgpool")
    assert spec.with_knobs(input=WIDE).receptive_field == (212, 212)
    last_conv = before("vgg", "adaptive_avgpool", ("    maxpool(2)", "    if i < 5 { maxpool(2) }"))
    assert last_conv.with_knobs(input=WIDE).receptive_field == (196, 196)


@pytest.mark.parametrize("version", ["2012", "2014"])
def test_alexnet(version: str) -> None:
    spec = before("alexnet", "classifier:", ("adaptive_avgpool(6)", "identity"))
    assert spec.with_knobs(input=WIDE, version=version).receptive_field == (195, 195)


def test_inception_v3() -> None:
    spec = before("inception_v3", "head:")
    assert spec.with_knobs(input=WIDE, aux=False).receptive_field == (1311, 1311)


def test_a_classifier_sees_the_whole_image_and_no_more() -> None:
    for name in ("resnet50", "vgg16", "alexnet_2012"):
        arch = archdsl.load(name)
        assert arch.receptive_field == arch.input[1:]


@pytest.mark.parametrize(
    ("body", "input", "seen"),
    [
        ("relu", "1x9x9", (1, 1)),
        ("conv(1, 3)", "1x9x9", (3, 3)),
        ("conv(1, 3) -> conv(1, 3)", "1x9x9", (5, 5)),
        ("conv(1, 3, stride = 2) -> conv(1, 3)", "1x19x19", (7, 7)),
        ("conv(1, 3, dilation = 4)", "1x19x19", (9, 9)),
        ("conv(1, 1x7)", "1x9x9", (1, 7)),
        ("maxpool(2) -> conv(1, 3)", "1x18x18", (6, 6)),
        ("conv(1, 3)", "1x9", (3,)),
        ("conv(1, 3) -> conv(1, 5)", "1x9x9x9", (7, 7, 7)),
        ("conv(1, 9)", "1x5x5", (5, 5)),
        ("branch concat { conv(1, 1); conv(1, 5) }", "1x9x9", (5, 5)),
        ("residual { conv(1, 3) -> conv(1, 3) }", "1x9x9", (5, 5)),
        ("maxpool(2) -> upsample(2) -> conv(1, 3)", "1x18x18", (4, 4)),
        ("adaptive_avgpool(9) -> conv(1, 3)", "1x9x9", (3, 3)),
        ("global_avgpool", "1x9x9", (9, 9)),
        ("branch mul { identity; global_avgpool }", "1x9x9", (9, 9)),
        ("linear(3)", "5", ()),
        ("upsample(3) -> conv(1, 3)", "1x30", (2,)),
        ("upsample(3) -> conv(1, 3) -> conv(1, 3)", "1x30", (3,)),
        ("upsample(2) -> upsample(2) -> conv(1, 3)", "1x30", (2,)),
        ("upsample(2) -> upsample(2, mode = linear)", "1x30", (2,)),
        ("upsample(3, mode = linear) -> conv(1, 3)", "1x30", (3,)),
        ("conv(1, 5, stride = 3, dilation = 2) -> upsample(2) -> maxpool(2, stride = 1)", "1x30",
         (12,)),
        ("repeat 2 { upsample(2) -> conv(1, 3) }", "1x30", (3,)),
    ],
)  # fmt: skip
def test_small_networks(body: str, input: str, seen: tuple[int, ...]) -> None:
    shape = input if "x" in input else f"({input},)"
    arch = archdsl.parse(f"arch a\ninput {shape}\n{body}").with_knobs()
    assert arch.receptive_field == seen


def seen(arch: archdsl.Architecture) -> int:
    """The most pixels of a signal that an element of the result depends on."""
    module = arch.build().double()
    for weight in module.parameters():
        torch.nn.init.uniform_(weight, 0.1, 1)
    x = torch.rand(1, *arch.input, dtype=torch.double, requires_grad=True)
    found = 0
    for element in module(x).flatten():
        (gradient,) = torch.autograd.grad(element, x, retain_graph=True)
        places = gradient[0, 0].nonzero().flatten()
        found = max(found, int(places[-1] - places[0]) + 1)
    return found


def test_random_networks_that_enlarge_see_what_their_gradients_say() -> None:
    draw = random.Random(13)
    smaller = ["avgpool(2)", "conv(1, 3, stride = 2)", "conv(1, 5, stride = 3)"]
    larger = ["upsample(2)", "upsample(3)"]
    plain = ["conv(1, 3)", "conv(1, 2, pad = 0)", "conv(1, 5, dilation = 2)"]
    for _ in range(30):
        layers = draw.choices([*smaller, *plain], k=draw.randint(0, 2))
        layers += draw.choices([*larger, *plain], k=draw.randint(1, 3))
        body = " -> ".join(layers)
        arch = archdsl.parse(f"arch a\ninput 1x72\n{body}").with_knobs()
        assert arch.receptive_field == (seen(arch),), body
