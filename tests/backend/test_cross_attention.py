"""Joins as layers of several tensors, and attention of one tensor to another among them."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from agreement import batch, drawn
from torch import Tensor, nn

import archdsl
from archdsl import ArchError
from archdsl.analysis.space import prove
from archdsl.backend.export import write_onnx

DECODER = """
## A decoder of the first transformer: it attends to itself, and to what an encoder gives.
arch decoder(width = 32 in 16..64 step 16, depth = 2 in 1..4, heads = 4)
input target: 16x9, source: 24x5
default layer_norm(over = channels)
block unit(context) {
  residual { conv(3 * width, 1) -> attend(heads, causal = true) -> conv(width, 1) }
  layer_norm
  residual {
    [conv(width, 1), context -> conv(2 * width, 1)] -> cross_attend(heads) -> conv(width, 1)
  }
  layer_norm
  residual { conv(2 * width, 1) -> relu -> conv(width, 1) }
  layer_norm
}
conv(width, 1)
repeat depth { unit(source) }
"""


def linear_of(convolution: nn.Conv1d, into: nn.Linear) -> None:
    into.weight.data.copy_(convolution.weight[:, :, 0])
    if into.bias is not None and convolution.bias is not None:
        into.bias.data.copy_(convolution.bias)


def test_it_is_pytorchs_multihead_attention() -> None:
    """With the same projections, in evaluation and by the gradients of what comes in."""
    text = (
        "arch x()\ninput a: 16x9, b: 24x5\n"
        "[conv(16, 1), b -> conv(32, 1)] -> cross_attend(4) -> conv(16, 1)"
    )
    arch = archdsl.parse(text).with_knobs()
    ours = drawn(arch.build).eval()
    theirs = nn.MultiheadAttention(16, 4, batch_first=True, kdim=24, vdim=24)
    q, both = ours.conv1, ours.conv2
    theirs.q_proj_weight.data.copy_(q.weight[:, :, 0])
    theirs.k_proj_weight.data.copy_(both.weight[:16, :, 0])
    theirs.v_proj_weight.data.copy_(both.weight[16:, :, 0])
    theirs.in_proj_bias.data.copy_(torch.cat([q.bias, both.bias]))
    linear_of(ours.conv3, theirs.out_proj)
    a, b = batch(2, 16, 9).requires_grad_(), batch(2, 24, 5).requires_grad_()
    found = ours(a, b)
    wanted = theirs(a.mT, b.mT, b.mT, need_weights=False)[0].mT
    torch.testing.assert_close(found, wanted)
    given = [torch.autograd.grad(y.square().sum(), (a, b)) for y in (found, wanted)]
    for mine, other in zip(*given, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-5, rtol=1e-4)
    assert arch.attention_macs == 2 * 16 * 9 * 5
    assert arch.macs == 16 * 16 * 9 + 24 * 32 * 5 + 2 * 16 * 9 * 5 + 16 * 16 * 9


def test_a_decoder_is_pytorchs() -> None:
    arch = archdsl.parse(DECODER).with_knobs()
    layer = nn.TransformerDecoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
    assert arch.params == 16 * 32 + 32 + 2 * (
        sum(p.numel() for p in layer.parameters()) - 2 * 32 * (32 - 24)
    )
    assert prove(archdsl.parse(DECODER).program).holds
    ours = drawn(arch.build).eval()
    compiled = torch.compile(ours, fullgraph=True, backend="eager")
    given = batch(2, 16, 9), batch(2, 24, 5)
    torch.testing.assert_close(compiled(*given), ours(*given))
    moved = given[1].clone()
    moved[:, :, 4] += 1
    assert not torch.allclose(ours(given[0], moved)[:, :, 0], ours(*given)[:, :, 0])


def test_heads_that_are_shared_and_an_image_that_asks() -> None:
    text = "arch x()\ninput a: 16x3x4, b: 8x5\n[a, b] -> cross_attend(8, kv_heads = 2)"
    arch = archdsl.parse(text).with_knobs()
    a, b = batch(2, 16, 3, 4), batch(2, 8, 5)
    q = a.flatten(2).unflatten(1, (8, 2)).mT
    k, v = (t.repeat_interleave(4, 1) for t in b.unflatten(1, (2, 2, 2)).mT.unbind(1))
    wanted = F.scaled_dot_product_attention(q, k, v).mT.reshape(2, 16, 3, 4)
    torch.testing.assert_close(arch.build()(a, b), wanted)


NARROW = """
## Queries and keys of few channels, values of more or fewer (LeViT).
arch narrow(width = 16 in 8..32 step 8, heads = 2 in 1..4, keys = 4 in 1..8, values = 8 in 1..12)
input 3x5x4
block attention(heads, keys, values) {
  let c = in.channels
  [conv(heads * keys, 1), conv(heads * (keys + values), 1)] -> cross_attend(heads) -> conv(c, 1)
}
conv(width, 1)
residual { attention(heads, keys, values) }
residual { attention(1, values, keys) }
"""


@pytest.mark.parametrize(("heads", "keys", "values"), [(2, 4, 8), (3, 8, 2), (4, 1, 1)])
def test_values_of_other_channels_than_keys(heads: int, keys: int, values: int) -> None:
    spec = archdsl.parse(NARROW)
    assert prove(spec.program).holds
    arch = spec.with_knobs(heads=heads, keys=keys, values=values)
    ours = drawn(arch.build).eval()
    assert arch.params == sum(p.numel() for p in ours.parameters())
    assert arch.attention_macs == 20 * 20 * (keys + values) * (heads + 1)
    x = batch(2, 3, 5, 4)
    first = y = ours.conv1(x)
    for part, n, k in ((ours.attention1, heads, keys), (ours.attention2, 1, values)):
        q = part.conv1(y).flatten(2).unflatten(1, (n, k)).mT
        both = part.conv2(y).flatten(2)
        key, value = (t.unflatten(1, (n, -1)).mT for t in (both[:, : n * k], both[:, n * k :]))
        weights = (q @ key.mT / k**0.5).softmax(-1)
        y = y + part.conv3((weights @ value).mT.reshape(2, -1, 5, 4))
    assert not torch.allclose(y, first)
    torch.testing.assert_close(ours(x), y)
    torch.testing.assert_close(torch.compile(ours, fullgraph=True, backend="eager")(x), y)


def test_shared_heads_of_wide_values() -> None:
    text = "arch x()\ninput a: 16x9, b: 10x5\n[a, b] -> cross_attend(8, kv_heads = 2)"
    arch = archdsl.parse(text).with_knobs()
    a, b = batch(2, 16, 9), batch(2, 10, 5)
    q = a.unflatten(1, (8, 2)).mT
    k, v = b[:, :4].unflatten(1, (2, 2)).mT, b[:, 4:].unflatten(1, (2, 3)).mT
    k, v = (t.repeat_interleave(4, 1) for t in (k, v))
    wanted = F.scaled_dot_product_attention(q, k, v).mT.reshape(2, 24, 9)
    torch.testing.assert_close(arch.build()(a, b), wanted)
    assert arch.output == (24, 9) and arch.macs == 9 * 5 * (16 + 24)


def test_what_a_result_sees() -> None:
    """Of the queries itself, of keys and values all."""
    sees = "arch x()\ninput 8x9\n[identity, {}] -> cross_attend(2)"
    own = archdsl.parse(sees.format("zero -> pad_channels(16)")).with_knobs()
    assert own.receptive_field == (9,)
    image = "arch x()\ninput 3x8x6\nconv(8, 3) as x\n[x, x -> maxpool(2) -> conv(16, 1)]"
    assert archdsl.parse(f"{image} -> cross_attend(2)").with_knobs().receptive_field == (8, 6)


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("[identity, times(2)] -> add", lambda x: x + 2 * x),
        ("[identity, times(2)] -> sub", lambda x: -x),
        ("[identity, times(3)] -> concat", lambda x: torch.cat([x, 3 * x], 1)),
        ("[identity, times(3)] -> concat(over = width)", lambda x: torch.cat([x, 3 * x], 3)),
        ("[identity, times(3)] -> concat(over = height)", lambda x: torch.cat([x, 3 * x], 2)),
        ("let f = max\n[identity, times(-1)] -> f", torch.abs),
        (
            "let f = concat(over = height)\n[times(2), identity] -> f",
            lambda x: torch.cat([2 * x, x], 2),
        ),
        ("[times(5)] -> add", lambda x: 5 * x),
        ("[identity, times(2), plus(1)] -> mean", lambda x: (x + 2 * x + x + 1) / 3),
        ("softmax(over = height)", lambda x: x.softmax(2)),
        ("log_softmax(over = width)", lambda x: x.log_softmax(3)),
        ("transpose(channels, width)", lambda x: x.transpose(1, 3)),
        ("transpose(width, height)", lambda x: x.mT),
    ],
)
def test_joins_and_axes_by_name(body: str, wanted: object) -> None:
    arch = archdsl.parse(f"arch x()\ninput 2x3x4\n{body} -> times(1)").with_knobs()
    x = batch(2, 2, 3, 4)
    assert callable(wanted)
    result: Tensor = wanted(x)
    torch.testing.assert_close(arch.build()(x), result)
    assert arch.output == tuple(result.shape[1:])


def test_a_list_is_joined_as_a_branch_is() -> None:
    listed = "arch x()\ninput 2x3x4\n[conv(4, 3), conv(4, 1)] -> add"
    branched = "arch x()\ninput 2x3x4\nbranch add { conv(4, 3); conv(4, 1) }"
    one, other = (archdsl.parse(t).with_knobs() for t in (listed, branched))
    assert (one.hash, one.params, one.macs) == (other.hash, other.params, other.macs)
    tokens = "arch x()\ninput 4x9\n[identity, conv(4, 3)] -> concat(over = tokens) -> linear(2)"
    assert archdsl.parse(tokens).with_knobs().params == 4 * 4 * 3 + 4 + 2 * 4 * 18 + 2


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("concat", "A118"),
        ("[identity, times(2)] -> fractal_join([1, 2], 2)", "A118"),
        ("[identity, times(2), plus(1)] -> add(survive = 0.5)", "A223"),
        ("[identity, times(2), plus(1)] -> cross_attend(2)", "A223"),
        ("[identity, identity] -> cross_attend(2)", "A225"),
        ("[identity, identity] -> cross_attend(3)", "A210"),
        ("[identity, conv(7, 1)] -> cross_attend(2)", "A225"),
        ("[identity, conv(3, 1)] -> cross_attend(2)", "A225"),
        ("[identity, identity] -> concat(over = tokens)", "A224"),
        ("softmax(over = depth)", "A224"),
        ("transpose", "A224"),
        ("[identity, conv(2, 1)] -> concat(over = width)", "A201"),
    ],
)
def test_what_cannot_be(body: str, code: str) -> None:
    with pytest.raises(ArchError) as error:
        archdsl.parse(f"arch x()\ninput 4x3x4\n{body}").with_knobs()
    assert [d.code for d in error.value.diagnostics] == [code]


def test_a_wrong_number_of_names_is_one_mistake() -> None:
    text = "arch x()\ninput 3x8x8\n[identity, conv(4, 1)]\nlet (a, b, c) = in.tensors\na -> relu"
    with pytest.raises(ArchError) as error:
        archdsl.parse(text).with_knobs()
    assert [d.code for d in error.value.diagnostics] == ["A306"]
    with pytest.raises(ArchError, match="there is a list of one tensor here, but one is needed"):
        archdsl.parse("arch x()\ninput 3x8x8\n[identity] -> relu").with_knobs()


@pytest.mark.slow
def test_it_is_exported(tmp_path: Path) -> None:
    module = drawn(archdsl.parse(DECODER).with_knobs().build).eval()
    assert write_onnx(module, (batch(2, 16, 9), batch(2, 24, 5)), tmp_path / "x.onnx") < 1e-4
