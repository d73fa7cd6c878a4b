"""Language models with random weights of Hugging Face's: equal results and gradients."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from torch import Tensor, nn

import archdsl
from archdsl.cli.main import cli

PUBLISHED = {  # parameters, as their model cards and `transformers` count them
    "llama_7b": 6_738_415_616,
    "llama_13b": 13_015_864_320,
    "llama2_7b": 6_738_415_616,
    "llama2_70b": 68_976_648_192,
    "llama3_8b": 8_030_261_248,
    "tinyllama": 1_100_048_384,
    "smollm_135m": 134_515_008,
    "smollm_360m": 361_821_120,
    "smollm_1700m": 1_711_376_384,
}


@pytest.mark.parametrize("variant", PUBLISHED)
def test_parameters_are_the_published_ones(variant: str) -> None:
    arch = archdsl.load(variant)
    assert arch.params == PUBLISHED[variant]
    (length,) = arch.input
    knobs = arch.network.knobs
    assert arch.attention_macs == 2 * knobs["depth"] * knobs["width"] * length**2
    embedding = 0 if variant.startswith("smollm") else knobs["vocabulary"] * knobs["width"]  # tied
    norms = (2 * knobs["depth"] + 1) * knobs["width"]
    assert arch.macs - arch.attention_macs == length * (arch.params - embedding - norms)


def llama(theirs: nn.Module, ours: dict[str, Tensor]) -> dict[str, Tensor]:
    """Hugging Face's weights by the names of ours."""
    taken = {
        "table.weight": theirs.get_parameter("model.embed_tokens.weight"),
        "embedding.weight": theirs.get_parameter("model.embed_tokens.weight"),
        "head.rms_norm1.weight": theirs.get_parameter("model.norm.weight"),
        "head.conv1.weight": theirs.get_parameter("lm_head.weight"),
    }
    for i in range(sum(key.endswith("rms_norm2.weight") for key in ours)):
        block = theirs.get_submodule(f"model.layers.{i}")
        parts = [block.get_parameter(f"self_attn.{n}_proj.weight") for n in "qkv"]
        named = {
            "rms_norm1": block.get_parameter("input_layernorm.weight"),
            "conv1": torch.cat(parts),
            "conv2": block.get_parameter("self_attn.o_proj.weight"),
            "rms_norm2": block.get_parameter("post_attention_layernorm.weight"),
            "branch1.conv1": block.get_parameter("mlp.gate_proj.weight"),
            "branch2": block.get_parameter("mlp.up_proj.weight"),
            "conv3": block.get_parameter("mlp.down_proj.weight"),
        }
        taken |= {f"body.unit{i + 1}.{name}.weight": w for name, w in named.items()}
    return {key: taken[key].view(weight.shape) for key, weight in ours.items()}


@pytest.mark.parametrize(
    ("name", "knobs"),
    [("llama", {"shared": 4, "inner": 512}), ("gpt", {"grouped": 4, "ratio": 2})],
    ids=["llama", "tied"],
)
def test_it_gives_the_results_and_gradients_of_hugging_faces(name: str, knobs: Any) -> None:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    knobs |= {"width": 256, "depth": 2, "head": 32}
    config = transformers.LlamaConfig(
        vocab_size=61,
        hidden_size=256,
        num_hidden_layers=2,
        num_attention_heads=8,
        num_key_value_heads=2,
        intermediate_size=512,
        rms_norm_eps=1e-5,
        tie_word_embeddings=name == "gpt",
    )
    theirs = transformers.LlamaForCausalLM(config).eval()
    for weight in theirs.parameters():
        nn.init.normal_(weight, std=0.3 if weight.dim() == 1 else 0.05)
    arch = archdsl.read(name).with_knobs(length=20, vocabulary=61, **knobs)
    assert arch.params == sum(p.numel() for p in theirs.parameters())
    ours = arch.build().eval()
    ours.load_state_dict(llama(theirs, ours.state_dict()))
    ids = torch.randint(61, (3, 20))
    wanted, found = theirs(ids).logits.mT, ours(ids)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
    grown = torch.randn(wanted.shape)
    (wanted * grown).sum().backward()
    (found * grown).sum().backward()
    for weight in theirs.parameters():
        weight.data.copy_(weight.grad)
    for key, gradient in llama(theirs, ours.state_dict()).items():
        mine = ours.get_parameter(key).grad
        torch.testing.assert_close(mine, gradient, rtol=1e-3, atol=1e-4)


GPT = """## GPT-2 (Radford et al. 2019): learned positions, and one matrix for words in and out.
arch gpt(width = 768, depth = 12, heads = 12, length = 1024 in 1..1024, vocabulary = 50257)
use "lib/transformer.arch": attention, mlp
input words(ids = vocabulary): length
default layer_norm(over = channels)

let words_in = shared { embed(width) }
words_in -> positions
repeat depth {
  unit: {
    residual { layer_norm -> attention(heads, causal = true) }
    residual { layer_norm -> mlp(4, gelu(tanh)) }
  }
}
layer_norm -> unembed(words_in)
"""


def gpt(theirs: nn.Module) -> list[Tensor]:
    """Hugging Face's weights in the order of ours: its projections are ``in x out``."""

    def pair(module: nn.Module) -> list[Tensor]:
        weight = module.get_parameter("weight")
        return [weight.T if weight.dim() == 2 else weight, module.get_parameter("bias")]

    blocks = [theirs.get_submodule(f"transformer.h.{i}") for i in range(2)]
    parts = ("ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj")
    inside = [w for block in blocks for name in parts for w in pair(block.get_submodule(name))]
    first = [theirs.get_parameter(f"transformer.{name}.weight") for name in ("wte", "wpe")]
    return [*first, *inside, *pair(theirs.get_submodule("transformer.ln_f"))]


def test_gpt_has_the_size_that_is_published() -> None:
    arch = archdsl.parse(GPT).with_knobs()
    assert arch.params == 124_439_808
    products = arch.macs - arch.attention_macs
    assert products == 1024 * (12 * 12 * 768**2 + 50257 * 768)
    assert arch.attention_macs == 2 * 12 * 768 * 1024**2


def test_gpt_gives_the_results_and_gradients_of_hugging_faces() -> None:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=61, n_positions=20, n_embd=48, n_layer=2, n_head=4,
        resid_pdrop=0, embd_pdrop=0, attn_pdrop=0,
    )  # fmt: skip
    theirs = transformers.GPT2LMHeadModel(config).double().eval()
    for weight in theirs.parameters():
        nn.init.normal_(weight, std=0.3 if weight.dim() == 1 else 0.1)
    knobs = {"width": 48, "depth": 2, "heads": 4, "length": 20, "vocabulary": 61}
    arch = archdsl.parse(GPT).with_knobs(**knobs)
    assert arch.params == sum(p.numel() for p in theirs.parameters())
    ours = arch.build().double().eval()
    taken = dict(zip(ours.state_dict(), gpt(theirs), strict=True))
    ours.load_state_dict({k: taken[k].view(w.shape) for k, w in ours.state_dict().items()})
    ids = torch.randint(61, (3, 20))
    wanted, found = theirs(ids).logits.mT, ours(ids)
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-9)
    grown = torch.randn(wanted.shape).double()
    (wanted * grown).sum().backward()
    (found * grown).sum().backward()
    for weight in theirs.parameters():
        weight.data.copy_(weight.grad)
    for (key, weight), gradient in zip(ours.named_parameters(), gpt(theirs), strict=True):
        assert weight.grad is not None, key
        torch.testing.assert_close(weight.grad.flatten(), gradient.flatten(), rtol=1e-7, atol=1e-9)


IMAGES = """arch tokens(size = 32 in 8..64 step 8, width = 32)
use "lib/transformer.arch": attention, mlp
input (3, size, size)
default layer_norm(over = channels)
conv(width, 4, stride = 4, pad = 0) -> flatten_space -> prepend -> positions
residual { layer_norm -> attention(2) }
residual { layer_norm -> mlp }
token -> linear(10)
"""


@pytest.mark.parametrize(
    ("text", "knob", "macs"),
    [
        (None, "length", "262,144 length^2 + 6,607,077,376 length"),
        (GPT, "length", "18,432 length^2 + 123,532,032 length"),
        # (size / 4)^2 + 1 tokens, of which each sees all
        (IMAGES, "size", "0.25 size^4 + 872 size^2 + 12,672"),
    ],
    ids=["llama", "gpt", "images"],
)
def test_costs_are_polynomials_in_the_length(
    text: str | None, knob: str, macs: str, tmp_path: Path
) -> None:
    spec = archdsl.read("llama") if text is None else archdsl.parse(text)
    path = tmp_path / "net.arch"
    path.write_text(spec.source.text)
    shown = CliRunner().invoke(cli, ["explain", str(path), "--knob", knob])
    assert f"\n  MACs         {macs}\n" in shown.output
    for value in (8, 16, 48):
        formula = re.sub(r"(\d) (?=[a-z])", r"\1*", macs.replace(",", "").replace("^", "**"))
        assert eval(formula, {knob: value}) == spec.with_knobs(**{knob: value}).macs
