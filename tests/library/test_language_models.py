"""Language models with random weights of Hugging Face's: equal results and gradients."""

import pytest
import torch
from torch import Tensor, nn

import archdsl

PUBLISHED = {  # parameters, as their model cards and `transformers` count them
    "llama_7b": 6_738_415_616,
    "llama_13b": 13_015_864_320,
    "llama2_7b": 6_738_415_616,
    "llama2_70b": 68_976_648_192,
    "llama3_8b": 8_030_261_248,
    "tinyllama": 1_100_048_384,
}


@pytest.mark.parametrize("variant", PUBLISHED)
def test_parameters_are_the_published_ones(variant: str) -> None:
    arch = archdsl.load(variant)
    assert arch.params == PUBLISHED[variant]
    (length,) = arch.input
    knobs = arch.network.knobs
    assert arch.attention_macs == 2 * knobs["depth"] * knobs["width"] * length**2
    embedding = knobs["vocabulary"] * knobs["width"]
    norms = (2 * knobs["depth"] + 1) * knobs["width"]
    assert arch.macs - arch.attention_macs == length * (arch.params - embedding - norms)


def llama(theirs: nn.Module, ours: dict[str, Tensor]) -> dict[str, Tensor]:
    """Hugging Face's weights by the names of ours."""
    taken = {
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


def test_llama_gives_the_results_and_gradients_of_hugging_faces() -> None:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    knobs = {"width": 256, "depth": 2, "head": 32, "shared": 4, "inner": 512}
    config = transformers.LlamaConfig(
        vocab_size=61,
        hidden_size=256,
        num_hidden_layers=2,
        num_attention_heads=8,
        num_key_value_heads=2,
        intermediate_size=512,
        rms_norm_eps=1e-5,
    )
    theirs = transformers.LlamaForCausalLM(config).eval()
    for weight in theirs.parameters():
        nn.init.normal_(weight, std=0.3 if weight.dim() == 1 else 0.05)
    arch = archdsl.read("llama").with_knobs(length=20, vocabulary=61, **knobs)
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
