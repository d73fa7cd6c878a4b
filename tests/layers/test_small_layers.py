"""What small layers and joins compute, in numbers."""

import pytest
import torch
import torch.nn.functional as F
from running import elaborated, run
from torch import Tensor

import archdsl

X = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 9.0]]]])  # 1x2x2x2
SOFTMAX, CHANNEL_NORM = "bc112992f1fbc5a600853704b2619575", "78ceffe77e9d422c8106f8f3cd9f7a73"


def result(call: str, *inputs: Tensor) -> Tensor:
    return run(elaborated(call, *(tuple(x.shape[1:]) for x in inputs))[0], *inputs)


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        ("times(0.5)", X / 2),
        ("times(3, learned = true)", X * 3),
        ("plus(-1)", X - 1),
        ("plus(0.25, learned = true)", X + 0.25),
        ("global_sumpool", torch.tensor([[[[10.0]], [[27.0]]]])),
        ("channel_sumpool", torch.tensor([[[[6.0, 8.0], [10.0, 13.0]]]])),
        ("softmax", X.softmax(1)),
        ("softmax(over = space)", (X.exp() / X.exp().sum((2, 3), keepdim=True))),
        ("log_softmax(over = space)", (X.exp() / X.exp().sum((2, 3), keepdim=True)).log()),
    ],
)
def test_results(call: str, wanted: Tensor) -> None:
    torch.testing.assert_close(result(call, X), wanted)


def test_sub_is_the_first_less_the_others_in_the_order_of_the_arms() -> None:
    torch.testing.assert_close(result("sub", X, 2 * X), -X)
    spec = "arch a()\ninput 2x2x2\nbranch sub { times(5); identity; times(2) }"
    torch.testing.assert_close(archdsl.parse(spec).with_knobs().build()(X), 2 * X)


def test_a_norm_without_its_shift_is_the_norm_less_it() -> None:
    layer = elaborated("layer_norm(over = channels, bias = false)", (2, 2, 2))[0]
    assert [w.name for w in layer.weights((2, 2, 2))] == ["weight"]
    torch.testing.assert_close(run(layer, X), result("layer_norm(over = channels)", X))


NORMS = """arch a()
input 4x6x6
conv(4, 1)
bn(bias = false) -> group_norm(2, bias = false) -> instance_norm(affine = true, bias = false)
bn(init = constant(2), bias_init = constant(3))
"""
LAYER_NORMS = """arch b()
input 4x6x6
layer_norm(over = channels, bias = false) -> layer_norm(bias = false)
"""


def test_norms_without_a_shift_need_no_argument_that_older_versions_of_pytorch_lack() -> None:
    arch = archdsl.parse(NORMS).with_knobs()
    source = arch.source()
    assert "self.bn1 = without_bias(nn.BatchNorm2d(4))" in source
    assert "without_bias(nn.GroupNorm(2, 4))" in source
    assert "without_bias(nn.InstanceNorm2d(4, affine=True))" in source
    assert "bias=" not in source.partition("class A")[2]
    source = archdsl.parse(LAYER_NORMS).with_knobs().source()
    assert "without_bias(ChannelNorm(4))" in source
    assert "without_bias(nn.LayerNorm((4, 6, 6)))" in source
    module, x = arch.build(), torch.randn(2, 4, 6, 6)
    shifts = [name for name, _ in module.named_parameters() if name.endswith("bias")]
    assert shifts == ["conv1.bias", "bn2.bias"] and module.bn2.bias.eq(3).all()
    wanted = module.conv1(x)
    for norm in (F.batch_norm, F.group_norm, F.instance_norm, F.batch_norm):
        first = {"num_groups": 2} if norm is F.group_norm else {}
        first |= {"running_mean": None, "running_var": None} if norm is F.batch_norm else {}
        first |= {"training": True} if norm is F.batch_norm else {}
        wanted = norm(wanted, **first)
    torch.testing.assert_close(module(x), 2 * wanted + 3)
    torch.compile(module, fullgraph=True, backend="eager")(x)
    exported = torch.export.export(module.eval(), (x,)).module()
    torch.testing.assert_close(exported(x), module(x))
    assert NORMS.splitlines()[3] in archdsl.import_module(module, (4, 6, 6)).text.replace(
        "\n", " -> "
    )


def network(line: str) -> archdsl.Architecture:
    return archdsl.parse(f"arch a()\ninput 8x4x4\n{line}").with_knobs()


def test_a_new_argument_leaves_the_hash_of_what_does_not_use_it() -> None:
    """The hashes are those of the version before the argument came."""
    assert network("softmax").hash == SOFTMAX
    assert network("layer_norm(over = channels)").hash == CHANNEL_NORM
    plain = network("layer_norm(affine = false)").hash
    assert plain == network("layer_norm(affine = false, bias = false)").hash
    assert network("softmax").hash != network("softmax(over = space)").hash
    assert network("layer_norm").hash != network("layer_norm(bias = false)").hash


def test_attention_has_a_figure_of_its_own() -> None:
    """``2 C L^2`` in each of 12 blocks of 768 channels, with 14 x 14 tokens and one more."""
    vit = archdsl.load("vit")
    assert vit.attention_macs == 12 * 2 * 768 * 197**2 == 715_327_488
    assert vit.cost("attention_macs") == vit.attention_macs
    assert vit.macs - vit.attention_macs == 12 * 12 * 197 * 768**2 + 196 * 768 * 768 + 768_000
    assert archdsl.load("resnet18").attention_macs == 0
