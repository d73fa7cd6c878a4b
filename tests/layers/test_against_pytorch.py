"""Random arguments and sizes: our shape is PyTorch's, or both refuse."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from running import elaborated, rows_seen, run

from archdsl.graph.written import call
from archdsl.layers import activation, convolution, pooling, resampling, shaping
from archdsl.layers.base import Layer, Misfit, Shape, show_shape
from archdsl.layers.convolution import Conv
from archdsl.layers.init import FUNCTIONS as INITS
from archdsl.layers.init import Init
from archdsl.registry import REGISTRY

thorough = settings(max_examples=250)
BORDERS = ("zeros", "reflect", "replicate", "circular")


@st.composite
def cases(draw: st.DrawFn, make: Any, largest: int = 11) -> tuple[Layer, Shape]:
    """A layer and an input of one to three axes. ``make(draw, per)`` makes the layer;
    ``per(low, high)`` draws a number for all axes, or one for each."""
    axes = draw(st.integers(1, 3))
    shape = (draw(st.sampled_from((1, 2, 4, 6))), *draw(sizes(axes, 1, largest)))

    def per(low: int, high: int) -> Any:
        if draw(st.booleans()):
            return draw(st.integers(low, high))
        values = draw(sizes(axes, low, high))
        return values[0] if len(set(values)) == 1 else values

    return make(draw, per), shape


def sizes(axes: int, low: int, high: int) -> st.SearchStrategy[tuple[int, ...]]:
    return st.tuples(*[st.integers(low, high)] * axes)


def ours(layer: Layer, *shapes: Shape) -> Shape | None:
    try:
        return layer.shape(*shapes)
    except Misfit:
        return None


def theirs(layer: Layer, *shapes: Shape) -> Shape | None:
    """What PyTorch makes of it, on the processor: its meta device accepts what never runs."""
    try:
        with torch.no_grad():
            result = run(layer, *[torch.zeros(2, *shape) for shape in shapes])
    except (RuntimeError, ValueError, Misfit, AssertionError, AttributeError):
        return None
    shape = tuple(result.shape[1:])
    return None if 0 in shape else shape  # PyTorch lets tensors of nothing pass


def check(layer: Layer, *shapes: Shape) -> None:
    assert ours(layer, *shapes) == theirs(layer, *shapes)


def conv(draw: st.DrawFn, per: Any) -> Layer:
    return convolution.Conv(
        channels=draw(st.sampled_from((1, 2, 4, 6))),
        kernel=per(1, 4),
        stride=per(1, 3),
        pad=draw(st.none() | st.just(0)) if draw(st.booleans()) else per(0, 4),
        dilation=per(1, 3),
        groups=draw(st.sampled_from((1, 1, 2, 4))),
        bias=draw(st.booleans()),
        border=draw(st.sampled_from(("zeros", *BORDERS))),
    )


@thorough
@given(cases(conv))
def test_convolutions(case: tuple[Layer, Shape]) -> None:
    check(*case)


def conv_transpose(draw: st.DrawFn, per: Any) -> Layer:
    return convolution.ConvTranspose(
        channels=draw(st.sampled_from((1, 2, 4, 6))),
        kernel=per(1, 4),
        stride=per(1, 3),
        pad=per(0, 2),
        output_pad=per(0, 3),
        dilation=per(1, 3),
        groups=draw(st.sampled_from((1, 1, 2, 4))),
        bias=draw(st.booleans()),
    )


@thorough
@given(cases(conv_transpose, 6))
def test_transposed_convolutions(case: tuple[Layer, Shape]) -> None:
    check(*case)


def maxpool(draw: st.DrawFn, per: Any) -> Layer:
    return pooling.MaxPool(
        kernel=per(1, 4),
        stride=per(1, 4) if draw(st.booleans()) else None,
        pad=per(0, 2),
        dilation=per(1, 3) if draw(st.booleans()) else 1,
        mode=draw(st.sampled_from(("floor", "ceil"))),
    )


def avgpool(draw: st.DrawFn, per: Any) -> Layer:
    return pooling.AvgPool(
        kernel=per(1, 4),
        stride=per(1, 4) if draw(st.booleans()) else None,
        pad=per(0, 2),
        mode=draw(st.sampled_from(("floor", "ceil"))),
        count_pad=draw(st.booleans()),
    )


@thorough
@given(cases(maxpool))
def test_max_pooling(case: tuple[Layer, Shape]) -> None:
    check(*case)


@thorough
@given(cases(avgpool))
def test_average_pooling(case: tuple[Layer, Shape]) -> None:
    check(*case)


@pytest.mark.parametrize("n", range(1, 18))
@pytest.mark.parametrize("k", (1, 2, 3, 4))
def test_the_last_window_of_a_pooling_that_rounds_up(n: int, k: int) -> None:
    """Every stride and padding of small windows: where PyTorch drops the last, so do we."""
    for s in range(1, 6):
        for p in range(k):
            for kind in (pooling.MaxPool, pooling.AvgPool):
                check(kind(k, s, p, mode="ceil"), (1, n))


# Sizes for a kernel of 3 that steps by 2 without padding, rounded down and up.
POOLED = {
    112: (55, 56),
    111: (55, 55),
    110: (54, 55),
    109: (54, 54),
    55: (27, 27),
    54: (26, 27),
    32: (15, 16),
    28: (13, 14),
    27: (13, 13),
    26: (12, 13),
    16: (7, 8),
    14: (6, 7),
    13: (6, 6),
}


@pytest.mark.parametrize("n", POOLED)
def test_sizes_that_papers_print(n: int) -> None:
    floor = pooling.MaxPool(3, 2).shape((8, n, n))
    ceil = pooling.MaxPool(3, 2, mode="ceil").shape((8, n, n))
    assert (floor, ceil) == tuple((8, m, m) for m in POOLED[n])


def adaptive(draw: st.DrawFn, per: Any) -> Layer:
    kind = draw(st.sampled_from((pooling.AdaptiveAvgPool, pooling.AdaptiveMaxPool)))
    return kind(per(1, 12))


@thorough
@given(cases(adaptive))
def test_adaptive_pooling(case: tuple[Layer, Shape]) -> None:
    check(*case)


def pad(draw: st.DrawFn, per: Any) -> Layer:
    return shaping.PadSpace(per(0, 4), per(0, 3), per(0, 3), draw(st.sampled_from(BORDERS)))


@thorough
@given(cases(pad, 6))
def test_padding(case: tuple[Layer, Shape]) -> None:
    check(*case)


def crop(draw: st.DrawFn, per: Any) -> Layer:
    return shaping.Crop(per(0, 3), per(0, 2), per(0, 2))


def subsample(draw: st.DrawFn, per: Any) -> Layer:
    return shaping.Subsample(per(1, 4))


@thorough
@given(cases(crop) | cases(subsample))
def test_cutting(case: tuple[Layer, Shape]) -> None:
    check(*case)


MODES = ("nearest", "linear", "bilinear", "bicubic", "trilinear")


def upsample(draw: st.DrawFn, per: Any) -> Layer:
    align = draw(st.booleans())
    return resampling.Upsample(per(1, 3), draw(st.sampled_from(MODES)), align)


def resize(draw: st.DrawFn, per: Any) -> Layer:
    align = draw(st.booleans())
    return resampling.Resize(per(1, 12), draw(st.sampled_from(MODES)), align)


@thorough
@given(cases(upsample, 5) | cases(resize))
def test_resampling(case: tuple[Layer, Shape]) -> None:
    check(*case)


@thorough
@given(
    st.sampled_from((1, 2, 3, 4)),
    st.sampled_from((1, 4, 8, 9, 12)),
    st.lists(st.integers(1, 6), min_size=2, max_size=2),
    st.sampled_from((resampling.PixelShuffle, resampling.PixelUnshuffle)),
)
def test_pixels_and_channels(
    factor: int, channels: int, size: list[int], kind: type[resampling.PixelShuffle]
) -> None:
    check(kind(factor), (channels, *size))


def takes_one(kind: type[Layer]) -> bool:
    """Whether it is a layer of one tensor: joins have tests of their own."""
    return kind.kind != "join" and all(len(e.inputs) == 1 for e in kind.examples)


ODD_ONES = ((6,), (6, 5), (6, 5, 4), (6, 5, 4, 3), (6, 3, 3, 3, 2), (6, 1), (6, 1, 1), (1, 1, 1))


@pytest.mark.parametrize("shape", ODD_ONES, ids=show_shape)
@pytest.mark.parametrize("name", [n for n, c in REGISTRY.layers.items() if takes_one(c)])
def test_what_is_accepted_runs(name: str, shape: Shape) -> None:
    """Each layer, with the arguments of its examples, on vectors, sequences, images, volumes
    and more, and on single pixels."""
    for example in REGISTRY.layers[name].examples:
        layer = elaborated(example.call, example.inputs[0])[0]
        if ours(layer, shape) is not None:
            assert ours(layer, shape) == theirs(layer, shape)


@thorough
@given(cases(conv) | cases(maxpool) | cases(avgpool) | cases(adaptive) | cases(conv_transpose, 6))
def test_windows(case: tuple[Layer, Shape]) -> None:
    """What a pixel of the output sees of one axis is at most the window, and all of it where
    there is room. (A circular border shows it the other end, too.)"""
    layer, shape = case
    border = getattr(layer, "border", "zeros")
    if len(shape) > 2 or ours(layer, shape) is None:
        return
    (window,), _ = layer.window(shape)
    seen = rows_seen(layer, shape, 0, [])
    assert seen <= window or border == "circular"
    if 2 * window < shape[1] and border == "zeros":
        assert seen == window


@thorough
@given(cases(conv) | cases(conv_transpose) | cases(maxpool) | cases(pad) | cases(upsample))
def test_the_text_of_a_layer_makes_it_again(case: tuple[Layer, Shape]) -> None:
    layer, shape = case
    if ours(layer, shape) is not None:
        assert elaborated(call(layer), shape)[0] == layer


@thorough
@given(st.floats(0, 1, width=32), st.floats(-(2.0**40), 2.0**40, width=32), st.floats(1e-12, 1))
def test_the_text_of_a_number_is_that_number(chance: float, real: float, std: float) -> None:
    init = Init("normal", INITS["normal"].call, (("std", std), ("mean", 0.0)))
    for layer in (shaping.Dropout(chance), activation.LeakyReLU(real), Conv(4, 3, init=init)):
        assert elaborated(call(layer), (4, 8, 8))[0] == layer


@pytest.mark.parametrize("kernel", (1, 2, 3, 4))
@pytest.mark.parametrize("stride", (1, 2, 3))
@pytest.mark.parametrize("dilation", (1, 2, 3))
def test_windows_of_transposed_convolutions(kernel: int, stride: int, dilation: int) -> None:
    layer = convolution.ConvTranspose(2, kernel, stride, dilation=dilation)
    (window,), _ = layer.window((2, 24))
    assert rows_seen(layer, (2, 24), 0, []) == window
