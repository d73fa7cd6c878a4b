"""The memory estimate, against what a pencil says."""

import pytest

import archdsl
from archdsl.analysis.memory import SIZES, Memory


def memory(body: str, input: str, batch: int = 1, dtype: str = "float32") -> Memory:
    return archdsl.parse(f"arch a\ninput {input}\n{body}").with_knobs().memory(batch, dtype)


def test_a_chain() -> None:
    """16 elements come in; 32 beside them is the peak, for the ReLU works in place and the
    pooling's 8 stand beside 32 alone."""
    found = memory("conv(2, 3) -> relu -> maxpool(2) -> linear(3)", "1x4x4")
    weights = 2 * 9 + 2 + 8 * 3 + 3
    assert found.weights == 4 * weights
    assert found.inference == 4 * (weights + 16 + 32)
    kept = 16 + 32 + 8 + 3  # for the backward pass: all but the ReLU's, which is the convolution's
    assert found.training == 4 * (weights + 2 * weights + kept)


def test_a_shortcut_keeps_its_tensor_alive() -> None:
    """The input, the first convolution and the second are alive together; then the sum takes
    the first's place."""
    found = memory("residual { conv(2, 3) -> relu -> conv(2, 3) }", "2x4x4")
    assert found.inference - found.weights == 4 * 3 * 32
    chain = memory("conv(2, 3) -> relu -> conv(2, 3)", "2x4x4")
    assert chain.inference - chain.weights == 4 * 2 * 32


def test_the_arms_of_a_branch_wait_for_each_other() -> None:
    """Two arms of 64, the input of 32 until the second is done, then both and their 128."""
    found = memory("branch concat { conv(4, 1); conv(4, 3) }", "2x4x4")
    assert found.inference - found.weights == 4 * (64 + 64 + 128)


def test_nothing_works_in_place_on_what_is_needed_again() -> None:
    """The ReLU's result is a tensor of its own where its input is also the shortcut."""
    found = memory("conv(2, 3)\nresidual { relu -> relu }", "2x4x4")
    assert found.inference - found.weights == 4 * 3 * 32
    first = memory("relu", "2x4x4")
    assert first.inference == 4 * 2 * 32, "the user's own tensor is left as it is"


def test_side_outputs_are_kept_in_training_and_not_run_in_evaluation() -> None:
    body = "conv(2, 3) -> relu{}\nlinear(3)"
    bare = memory(body.format(""), "1x4x4")
    more = memory(body.format("\noutput aux(weight = 0.3) { linear(1000) }"), "1x4x4")
    weights = 1000 * 32 + 1000
    assert more.inference - bare.inference == 4 * weights
    assert more.training - bare.training == 4 * (3 * weights + 1000)


def test_buffers_are_weights_without_gradients() -> None:
    found = memory("bn", "2x4x4")
    assert found.weights == 4 * (4 + 5)
    assert found.training == 4 * (9 + 2 * 4 + 32 + 32)


def test_batches_and_dtypes() -> None:
    one = memory("conv(2, 3) -> linear(3)", "1x4x4")
    many = memory("conv(2, 3) -> linear(3)", "1x4x4", batch=10)
    assert many.weights == one.weights
    assert many.inference - many.weights == 10 * (one.inference - one.weights)
    for dtype, size in SIZES.items():
        found = memory("conv(2, 3) -> linear(3)", "1x4x4", dtype=dtype)
        assert found.inference * 4 == one.inference * size


def test_a_dtype_that_is_not_known() -> None:
    with pytest.raises(ValueError, match="the dtypes are float64, float32, bfloat16, float16"):
        memory("relu", "1x4x4", dtype="int8")


@pytest.mark.parametrize("name", ["alexnet", "vgg16", "googlenet", "resnet50", "densenet121"])
def test_published_networks(name: str) -> None:
    arch = archdsl.load(name)
    one, many = arch.memory(1), arch.memory(32)
    assert one.weights == 4 * (arch.params + arch.buffers)
    assert one.weights < one.inference < one.training
    assert many.inference < many.training
    largest = max(a * b * c for a, b, c in (s for s in arch.shapes.values() if len(s) == 3))
    assert one.inference >= one.weights + 4 * largest


def test_vgg16_as_a_lecture_adds_it_up() -> None:
    """All activations of VGG-16: 15,237,608 values, input, convolutions, pools and linear layers
    (58.1 MiB; the lecture prints 24M and 93MB). What is kept for training is these, for ReLUs
    work in place, and three times the weights."""
    arch = archdsl.load("vgg16")
    found = arch.memory()
    rest = found.training - found.weights - 2 * 4 * arch.params
    assert rest // 4 == 15_237_608 + 512 * 7 * 7, "and the adaptive pooling, which copies"
