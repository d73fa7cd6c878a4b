"""Transformers as specs: attention in the ways in which libraries and people write it."""

import attention_models
import pytest
import small_models
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models.maxvit import MaxVit
from torchvision.models.swin_transformer import SwinTransformer
from torchvision.models.vision_transformer import VisionTransformer

import archdsl

VIT = """\
default layer_norm(over = channels, eps = 1e-06)

block encoder_block {
  residual { layer_norm -> conv(24, 1) -> attend(2) -> conv(8, 1) }
  residual { layer_norm -> conv(16, 1) -> gelu -> conv(8, 1) }
}

conv(8, 8, stride = 8, pad = 0) -> flatten_space -> prepend -> positions
repeat 2 { encoder_block }
layer_norm -> token -> linear(classes)
"""
SWIN = """\
swin_transformer_block(1, shift = 2) -> pixel_unshuffle(2) -> channel_shuffle(8)
branch concat { split(4, 1); split(4, 3); split(4, 2); split(4, 4) }
layer_norm -> conv(16, 1, bias = false)
"""


@pytest.mark.parametrize(
    ("way", "attend"),
    [
        ("chunks", "conv(24, 1, bias = false) -> attend(2, causal = true)"),
        ("unbound", "conv(24, 1, bias = false) -> attend(2)"),
        ("einsum", "conv(24, 1, bias = false) -> attend(2)"),
    ],
)
def test_heads_cut_out_of_channels(way: str, attend: str) -> None:
    imported = archdsl.import_module(small_models.Tokens(way), (3, 8, 8))
    text = " ".join(imported.text.split())
    assert "residual { layer_norm(over = channels) -> " + attend in text
    assert imported.checked[1].endswith("at 3x8x8")


def test_torchs_own_module() -> None:
    model = VisionTransformer(16, 8, 2, 2, 8, 16, num_classes=3)
    imported = archdsl.import_module(model, (3, 16, 16), name="vit")
    assert imported.text.endswith(VIT)
    theirs = imported.names["encoder_block1.conv1.weight"]
    assert theirs == "encoder.layers.encoder_layer_0.self_attention.in_proj_weight"


def test_an_encoder_of_torch() -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16, 0.0, "gelu", batch_first=True)
    model = small_models.Tokens("unbound")
    model.attention = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    imported = archdsl.import_module(model, (3, 8, 8))
    assert "conv(24, 1) -> attend(2)" in imported.text
    assert imported.checked[1].startswith("results and gradients")


class Dropped(nn.Module):
    """Attention that drops some of its weights, written in several ways."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way, self.qkv, self.drop = way, nn.Linear(8, 24), nn.Dropout(0.25)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        heads = self.qkv(x).unflatten(2, (3, 2, 4)).permute(2, 0, 3, 1, 4)
        q, k, v = heads.unbind()
        if self.way in ("queries", "values"):
            q, v = (self.drop(q), v) if self.way == "queries" else (q, self.drop(v))
            y = F.scaled_dot_product_attention(q, k, v)
        elif self.way == "weights":
            y = self.drop((q @ k.mT / 2).softmax(-1)) @ v
        else:
            p = 0.25 if self.training or self.way == "always" else 0.0
            y = F.scaled_dot_product_attention(q, k, v, dropout_p=p)
        return y.transpose(1, 2).flatten(2)


@pytest.mark.parametrize("way", ["weights", "fused"])
def test_weights_of_attention_are_dropped(way: str) -> None:
    imported = archdsl.import_module(Dropped(way), (6, 8))
    assert "conv(24, 1) -> attend(2, dropout = 0.25)" in imported.text
    assert imported.checked[1].startswith("results and gradients")
    again = archdsl.import_module(imported.architecture.build(), (6, 8), run=False)
    assert again.architecture.hash == imported.architecture.hash


@pytest.mark.parametrize(
    ("way", "parts"),
    [
        ("queries", "split(3, 1) -> dropout(0.25); split(3, 2); split(3, 3)"),
        ("values", "split(3, 1); split(3, 2); split(3, 3) -> dropout(0.25)"),
    ],
)
def test_one_part_of_attention_is_dropped(way: str, parts: str) -> None:
    """In evaluation all parts are their tensor: it was said to be another network in training."""
    imported = archdsl.import_module(Dropped(way), (6, 8))
    assert f"branch concat {{ {parts} }}" in imported.text, imported.text
    assert imported.checked[1].startswith("results and gradients")


def test_an_encoder_of_torch_as_it_is_made() -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    imported = archdsl.import_module(nn.TransformerEncoder(layer, 2), (6, 8))
    line = "conv(24, 1) -> attend(2, dropout = 0.1) -> conv(8, 1) -> dropout(0.1) }\n"
    assert line in imported.text
    assert imported.checked[1].startswith("results and gradients")


@pytest.mark.parametrize("drop", [nn.AlphaDropout(0.25), nn.Dropout2d(0.25)])
def test_other_kinds_of_dropout_of_weights_are_refused(drop: nn.Module) -> None:
    model = Dropped("weights")
    model.drop = drop
    with pytest.raises(archdsl.ArchError, match="`dropout` alone drops them one by one"):
        archdsl.import_module(model, (6, 8))


class Scaled(nn.Module):
    """A number that is called as the chance of a dropout is."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.dropout = nn.Conv2d(3, 4, 3), 0.5

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x) * self.dropout


def test_a_number_of_that_name_is_left_as_it_is() -> None:
    assert "conv(4, 3, pad = 0) -> times(0.5)" in archdsl.import_module(Scaled(), (3, 8, 8)).text


def test_weights_that_are_dropped_in_evaluation_are_refused() -> None:
    with pytest.raises(archdsl.ArchError, match="it applies dropout in evaluation, too"):
        archdsl.import_module(Dropped("always"), (6, 8))


def test_norms_of_transformers() -> None:
    model = small_models.Tokens("unbound")
    model.norm = nn.RMSNorm(8, eps=1e-6)
    imported = archdsl.import_module(model, (3, 8, 8))
    assert "residual { rms_norm -> conv(24, 1, bias = false) -> attend(2) -> " in imported.text
    assert imported.checked[1].startswith("results and gradients")


def test_norms_of_heads() -> None:
    """A compiled network is imported as what it was compiled from."""
    arch = archdsl.parse(
        "arch heads(heads = 3)\ninput 16x9\n"
        "conv(24, 1) -> rms_norm(heads = heads, eps = 1e-5) -> attend(1) -> rms_norm"
    ).with_knobs()
    imported = archdsl.import_module(arch.build(), (16, 9))
    assert "rms_norm(eps = 1e-05, heads = 3)" in imported.text
    assert imported.checked[1].startswith("results and gradients")


def test_windows_that_move() -> None:
    model = SwinTransformer([2, 2], 8, [2, 1], [2, 4], [4, 4], num_classes=3)
    imported = archdsl.import_module(model, (3, 16, 16), name="swin")
    assert SWIN in imported.text
    assert imported.checked[1].startswith("results and gradients")


@pytest.mark.parametrize(
    ("part", "why"),
    [
        (nn.MultiheadAttention(8, 2), "batch_first=True"),
        (nn.MultiheadAttention(8, 2, batch_first=True, add_zero_attn=True), "an added key"),
    ],
)
def test_attention_that_is_another(part: nn.Module, why: str) -> None:
    model = small_models.Tokens("unbound")
    model.attention = small_models.Itself(part)
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.import_module(model, (3, 8, 8))
    assert why in caught.value.diagnostics[0].message


WINDOWS = "conv(24, 1) -> attend(2, windows = 4, {}relative = true)"


@pytest.mark.parametrize(
    ("model", "options"),
    [
        (attention_models.Windows(), ""),
        (attention_models.Windows("heads"), ""),
        (attention_models.Windows("fused", 2, 2), "shift = 2, "),
        (attention_models.Windows("", 1, 1), "shift = 1, "),
    ],
)
def test_windows_and_their_biases(model: nn.Module, options: str) -> None:
    imported = archdsl.import_module(model, (3, 8, 8))
    assert WINDOWS.format(options) in imported.text
    assert imported.checked[1].startswith("results and gradients")
    table = imported.weights[next(key for key in imported.weights if key.startswith("attend"))]
    assert table.shape == (49, 2) and not torch.equal(table.T, model.table)
    assert torch.equal(table.flatten().sort().values, model.table.flatten().sort().values)


@pytest.mark.parametrize("way", ["module", "fused", "filled"])
def test_masks_of_what_comes_after(way: str) -> None:
    imported = archdsl.import_module(attention_models.Ahead(way), (3, 12, 12))
    assert "conv(24, 1) -> attend(2, causal = true)" in imported.text


@pytest.mark.parametrize(
    ("model", "shape", "why"),
    [
        (attention_models.Windows("absolute"), (3, 8, 8), "not one number for each distance"),
        (attention_models.Windows("", 2, 1), (3, 8, 8), "do not mask pixels"),
        (attention_models.Windows("", 2), (3, 8, 8), "do not mask pixels"),
        (attention_models.Windows("", 0, 2), (3, 8, 8), "neither causal nor"),
        (attention_models.Ahead("before"), (3, 8, 8), "neither causal nor"),
    ],
)
def test_masks_and_biases_that_are_others(
    model: nn.Module, shape: tuple[int, ...], why: str
) -> None:
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.import_module(model, shape)
    assert any(why in d.message for d in caught.value.diagnostics)


def test_blocks_and_grids_in_the_form_of_windows() -> None:
    model = MaxVit((32, 32), 8, 2, [8, 8], [1, 1], 4, 0.2, num_classes=3)
    imported = archdsl.import_module(model, (3, 32, 32), name="maxvit")
    assert "attend(2, windows = windows, relative = true, grid = grid)" in imported.text
    assert "  partition_attention_layer(0, 2, drop)\n" in imported.text
    assert imported.checked[1].startswith("results and gradients")


def test_what_only_follows_from_a_refusal_is_not_listed() -> None:
    """A softmax among heads is no attention: the product after it, the reshaping and the projection
    cannot be read then, and are no causes. What stands after the sum of both paths is one."""
    model = nn.Sequential(small_models.Tokens("unbound"), attention_models.Inverse())
    model[0].attention = attention_models.AmongHeads()
    with pytest.raises(archdsl.ArchError) as problem:
        archdsl.import_module(model, (3, 8, 8))
    found = problem.value.diagnostics
    assert [d.fields["operation"] for d in found] == ["softmax", "erfinv"]
    assert "softmax(1)" in found[0].labels[0].span.text
    assert found[0].notes == ("in `0.attention`",)
    note = "2 more may only follow from these: not listed"
    assert found[1].notes == ("in `1`", note)


@pytest.mark.parametrize("fused", [True, False])
def test_values_of_other_channels_than_keys(fused: bool) -> None:
    imported = archdsl.import_module(attention_models.Narrow(fused), (3, 8, 8))
    assert "-> split(4, 1), identity] -> cross_attend(2)" in imported.text
    assert imported.architecture.params == 336 + 288 + 120 + 156 + 39
    assert imported.checked[1].startswith("results and gradients")


def test_attention_to_a_smaller_image() -> None:
    """Spatial reduction: queries of all pixels, keys and values of fewer."""
    imported = archdsl.import_module(attention_models.Reduced(), (3, 8, 8))
    assert "cross_attend(2)" in imported.text
    assert imported.architecture.params == 32 + 72 + 144 + 264 + 16 + 72 + 27
    assert imported.checked[1].startswith("results and gradients")


RUN = pytest.mark.parametrize("run", [True, False])
WHOLE = "padded", "turned", "looked up", "scaled", "multiplied", "divided"


@RUN
@pytest.mark.parametrize("way", WHOLE)
def test_vectors_for_distances(way: str, run: bool) -> None:
    """The relative positions of bottleneck transformers, in several ways of computing them."""
    model = attention_models.Distances(way, 4, 8)
    imported = archdsl.import_module(model, (3, 4, 8), run=run)
    line = "attend(2, relative_keys = true) -> global_avgpool"
    before = "conv(24, 3) -> "
    if way in ("scaled", "multiplied", "divided"):
        before = "concat { split(3, 1) -> times(0.5); split(3, 2) -> times(2); split(3, 3) }"
    assert before in imported.text and line in imported.text, imported.text
    said = "results and gradients" if run else "graph, parameters and multiply-adds"
    assert any(one.startswith(said) for one in imported.checked)
    theirs = model.right.mT if way == "turned" else model.right
    (right,) = (w for key, w in imported.weights.items() if key.endswith("width_rel"))
    assert torch.equal(right, theirs)


def refused(model: torch.nn.Module, shape: tuple[int, ...]) -> str:
    """Why a model is not imported, where it is not run."""
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.import_module(model, shape, run=False)
    return caught.value.diagnostics[0].message


@pytest.mark.parametrize("way", ["across", "squared", *attention_models.STRANGE])
def test_products_of_queries_that_are_others(way: str) -> None:
    """For some numbers, in their gradients or by chance: it shows without a run."""
    said = refused(attention_models.Distances(way), (3, 4, 4))
    assert "with products of queries that are not those with a vector" in said


@pytest.mark.parametrize(
    ("way", "why"),
    [
        (
            "gathered first",
            "`matmul` with products of queries and vectors of 1,024 multiply-adds, where `attend` "
            "has 1,792: multiply queries with the whole tables, and gather from the products",
        ),
        (
            "flat",
            "`matmul` with products of queries, of pixels in one row: flatten the image after "
            "queries, keys and values are parted",
        ),
        ("rounded", "`div` with a result that is rounded"),
    ],
)
def test_products_of_queries_that_no_layer_has(way: str, why: str) -> None:
    said = refused(attention_models.Distances(way), (3, 4, 4))
    assert said == f"no layer computes {why}"


def test_a_table_of_distances_that_is_clamped() -> None:
    """A number of it that is large shows it alone."""
    said = refused(attention_models.Windows("clamped"), (3, 8, 8))
    assert "with a tensor that is computed, of parameters or of what comes in" in said


def test_products_that_are_added_to_no_scores() -> None:
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.import_module(attention_models.Loose(), (3, 4, 4))
    (found,) = caught.value.diagnostics
    assert found.message == "no layer computes `matmul` of a tensor whose axes were permuted"
    assert "heads @ self.vectors" in found.labels[0].span.text


def test_attention_that_is_separable() -> None:
    imported = archdsl.import_module(attention_models.Separable(), (3, 4, 8))
    first = "residual {\n  pixel_unshuffle(2) -> reshape(4x4x8)\n"
    assert first in imported.text and "reshape(16x2x4) -> pixel_shuffle(2)" in imported.text
    over = "transpose(second = width) -> channel_sumpool -> transpose(second = width)"
    assert "softmax(over = width)" in imported.text and over in imported.text
    assert imported.architecture.macs == 32 * (3 * 4 + 4 * 9 + 4 * 4)
    assert imported.checked[1].startswith("results and gradients")


ROWS = "transpose(second = width) -> channel_avgpool"


@pytest.mark.parametrize(
    ("way", "layers"),
    [
        ("rows", f"{ROWS} -> transpose(second = width)"),
        ("few", f"{ROWS} -> transpose(second = width)\nreshape(4x5) -> global_maxpool"),
        ("lengths", "transpose(second = width) -> l2_norm -> transpose(second = width)"),
        ("last", "transpose(second = height) -> channel_sumpool -> transpose(second = height)"),
    ],
)
def test_means_of_one_axis(way: str, layers: str) -> None:
    imported = archdsl.import_module(attention_models.Strips(way), (3, 5, 5))
    assert layers in imported.text, imported.text
    assert imported.checked[1].startswith("results and gradients")


@pytest.mark.parametrize(
    ("way", "layers"),
    [
        ("crossed", "conv(24, 1) -> attend(2, over = channels) -> conv(classes, 1)"),
        (
            "fused",
            "split(3, 1) -> times(0.408248290464); split(3, 2); split(3, 3) }\n"
            "attend(2, over = channels)",
        ),
        ("windows", "  reshape(8x4x6)\n  conv(24, 1) -> attend(2, windows = 2) -> conv(8, 1)"),
    ],
)
def test_attention_among_channels(way: str, layers: str) -> None:
    model = attention_models.AmongChannels(way)
    imported = archdsl.import_module(model, (3, 4, 6))
    assert layers in imported.text, imported.text
    assert imported.checked[1].startswith("results and gradients")
    (conv,) = (key for key, theirs in imported.names.items() if theirs == "qkv.weight")
    parts = model.qkv.weight.chunk(3)
    theirs = (parts[1], parts[2], parts[0]) if way == "crossed" else parts
    assert torch.equal(imported.weights[conv].flatten(1), torch.cat(theirs))


def test_attention_among_channels_with_a_mask() -> None:
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.import_module(attention_models.AmongChannels("masked"), (3, 4, 6))
    assert "among channels, with something added" in caught.value.diagnostics[0].message


SMALLER = """\
arch net(classes = 5)

input 8x8x8
default layer_norm(over = channels)

block unit(stride, kernel = 4, heads = 2) {
  residual {
    layer_norm
    [
      conv(in.channels, 1),
      {
        if stride > 1 { conv(8, kernel, stride = stride, pad = 0) -> layer_norm }
        conv(2 * in.channels, 1)
      }
    ] -> cross_attend(heads) -> conv(in.channels, 1)
  }
  residual { layer_norm -> conv(in.channels, 3) }
}

unit(4)
unit(2, 2)
conv(16, 3, stride = 2) -> unit(1, heads = 4)
conv(32, 1)
[conv(16, 1) -> relu, conv(16, 1)] -> concat(over = height) -> global_avgpool -> linear(classes)
"""


def test_a_compiled_attention_to_a_smaller_image_comes_back() -> None:
    """What comes into a layer of several tensors, computed of one, stands in its list."""
    wanted = archdsl.parse(SMALLER).with_knobs()
    made = archdsl.import_module(wanted.build(), wanted.input, name="net", run=False)
    assert made.text == SMALLER
    assert made.architecture.hash == wanted.hash


def test_a_mask_of_padded_tokens() -> None:
    """PyTorch's encoder makes nested tensors of it, which have no form without numbers."""

    class Padded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
            self.embed, self.head = nn.Embedding(50, 8), nn.Linear(8, 5)
            self.encoder = nn.TransformerEncoder(layer, 1)

        def forward(self, words: torch.Tensor) -> torch.Tensor:
            x = self.encoder(self.embed(words), src_key_padding_mask=words == 0)
            out: torch.Tensor = self.head(x.mean(1))
            return out

    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.import_module(Padded(), {"words": torch.zeros(2, 7, dtype=torch.long)})
    (found,) = caught.value.diagnostics
    assert found.code == "A652" and "leave out its `src_key_padding_mask`" in found.message
