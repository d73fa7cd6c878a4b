"""Published networks that do not come with the project, written from its documents alone: exact
parameters, and the results of the libraries that have them."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import timm
import torch
import transformers
from agreement import batch, close, drawn, hollow, redrawn
from torch import Tensor, nn
from torchvision.models import detection

import archdsl
from archdsl.analysis.space import prove

NETWORKS = Path(__file__).with_name("networks")


class Heads(nn.Module):
    """What torchvision's RetinaNet gives before boxes are made of it, level by level."""

    def __init__(self) -> None:
        super().__init__()
        whole = detection.retinanet_resnet50_fpn(weights=None, weights_backbone=None)
        self.backbone, self.head = whole.backbone, whole.head

    def forward(self, x: Tensor) -> list[Tensor]:
        found = []
        for level in self.backbone(x).values():
            classes, boxes = self.head.classification_head, self.head.regression_head
            found.append(classes.cls_logits(classes.conv(level)))
            found.append(boxes.bbox_reg(boxes.conv(level)))
        return found


def retinanet() -> nn.Module:
    return Heads()


def caformer() -> nn.Module:
    return timm.create_model("caformer_s18")


def pvt_v2() -> nn.Module:
    return timm.create_model("pvt_v2_b0")


def starnet_s1() -> nn.Module:
    return timm.create_model("starnet_s1")


def mambaout_tiny() -> nn.Module:
    return timm.create_model("mambaout_tiny")


def read(name: str) -> archdsl.Spec:
    return archdsl.read(str(NETWORKS / f"{name}.arch"))


@pytest.mark.parametrize("make", [retinanet, caformer, pvt_v2, starnet_s1, mambaout_tiny])
def test_parameters(make: Callable[[], nn.Module]) -> None:
    with torch.device("meta"):
        wanted = sum(p.numel() for p in make().parameters())
    arch = read(make.__name__).with_knobs()
    assert arch.params == wanted
    text = [s for line in arch.spec.source.text.splitlines() if (s := line.strip())]
    assert len([line for line in text if not line.startswith("#")]) <= 45


def test_other_sizes() -> None:
    """Torchvision counts RetinaNet without the batch norms of its trunk, which are frozen."""
    stages = zip((3, 4, 6, 3), (64, 128, 256, 512), strict=True)
    norms = 2 * (64 + sum(n * 6 * c + 4 * c for n, c in stages))
    assert read("retinanet").with_knobs().params - norms == 34_014_999
    with torch.device("meta"):
        larger = timm.create_model("pvt_v2_b2")
    found = read("pvt_v2").with_knobs(width=64, depths=[3, 4, 6, 3]).params
    assert found == sum(p.numel() for p in larger.parameters())


STAR = re.compile(r"(act\d?)\.(scale|bias)$")  # one layer there, two here


@pytest.mark.parametrize(
    ("make", "order"),
    [
        (caformer, ["scale", "bias", "norm1", "res_scale1", "norm2", "res_scale2"]),
        (pvt_v2, ["q", "proj"]),
        (starnet_s1, []),
        (mambaout_tiny, []),
    ],
)
def test_results(make: Callable[[], nn.Module], order: list[str]) -> None:
    theirs = drawn(make).eval()
    ours = hollow(read(make.__name__).with_knobs(size=64).build).eval()
    images = batch(2, 3, 64, 64)
    weights = {STAR.sub(r"\1.\2.weight", k): t for k, t in theirs.state_dict().items()}
    archdsl.transfer(weights, ours, order=order)
    with torch.no_grad():
        close(ours(images), theirs(images), "the output", 1e-4)


NAMES = {
    "backbone.fpn.inner_blocks.2.0": "conv1",
    "backbone.fpn.inner_blocks.1.0": "branch2",
    "backbone.fpn.inner_blocks.0.0": "branch4",
}


def test_results_of_several_levels() -> None:
    """One head for five sizes. Torchvision numbers the laterals from the finest on."""
    theirs = drawn(retinanet).eval()
    ours = hollow(read("retinanet").with_knobs(size=128).build).eval()
    images = batch(1, 3, 128, 128)
    archdsl.transfer(theirs, ours, names=NAMES, example=images)
    with torch.no_grad():
        found, wanted = ours(images), theirs(images)
    assert [*found] == [f"{kind}{i}" for i in range(1, 6) for kind in ("class", "box")]
    for (name, tensor), other in zip(found.items(), wanted, strict=True):
        close(tensor, other, name, 1e-4)


def test_queries_and_keys_that_are_normalised() -> None:
    """Qwen3 normalises each head before it is turned, all heads with one scale."""
    spec = read("qwen3")
    assert spec.with_knobs().params == 596_049_920  # of Qwen3-0.6B
    small = {"width": 256, "depth": 2, "heads": 8, "kv": 4, "inner": 512, "length": 24}
    arch = spec.with_knobs(**small, vocabulary=100)
    assert "rms_norm1=HeadRMSNorm(128)" in arch.source()
    settings = transformers.Qwen3Config(
        vocab_size=100,
        hidden_size=256,
        intermediate_size=512,
        num_hidden_layers=2,
        num_attention_heads=8,
        num_key_value_heads=4,
        head_dim=128,
        tie_word_embeddings=True,
        rope_parameters={"rope_theta": 1e6, "rope_type": "default"},
    )
    theirs = redrawn(transformers.Qwen3ForCausalLM(settings)).eval()  # it has worked out turns
    ours = hollow(arch.build).eval()
    parts = {
        "self_attn.q_proj": "branch1.conv1",
        "self_attn.k_proj": "branch2.conv1",
        "self_attn.v_proj": "branch3",
        "self_attn.q_norm": "branch1.rms_norm1",
        "self_attn.k_norm": "branch2.rms_norm1",
        "mlp.gate_proj": "branch4.conv1",
        "mlp.up_proj": "branch5",
        "input_layernorm": "rms_norm1",
        "post_attention_layernorm": "rms_norm2",
    }
    names = {
        f"model.layers.{i}.{a}": f"body.unit{i + 1}.{b}" for i in (0, 1) for a, b in parts.items()
    }
    weights = {k: t for k, t in theirs.state_dict().items() if k != "lm_head.weight"}
    archdsl.transfer(weights, ours, names=names)
    words = torch.arange(48).view(2, 24) * 37 % 100
    with torch.no_grad():
        close(ours(words), theirs(words).logits.mT, "the output", 1e-4)


@pytest.mark.parametrize("name", ["retinanet", "caformer", "pvt_v2", "qwen3", "mambaout_tiny"])
def test_every_candidate_is_a_network(name: str) -> None:
    assert prove(read(name).program).holds
