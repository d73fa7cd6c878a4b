"""Every variant of the families that torchvision or timm have: equal to theirs in every count."""

from collections.abc import Callable
from functools import partial

import pytest
import timm
from counting import Counts, RegNetParameters, counts, of, stages
from thinned import thinned
from timm.models.byobnet import ByoBlockCfg, ByobNet, ByoModelCfg, _rep_vgg_bcfg
from timm.models.efficientnet import _gen_mobilenet_v1
from timm.models.vovnet import VovNet, model_cfgs
from torch import nn
from torchvision import models
from torchvision.models import segmentation, video

import archdsl
from archdsl.layers.base import Shape

Make = Callable[[], nn.Module]


def tv(*names: str) -> dict[str, Make]:
    """Variants that are called as torchvision calls them."""
    return {name: getattr(models, name) for name in names}


def from_timm(**names: str) -> dict[str, Make]:
    """Variants, and what timm calls them."""
    return {variant: partial(timm.create_model, name) for variant, name in names.items()}


def segmenting(*names: str) -> dict[str, Make]:
    keywords = {"weights": None, "weights_backbone": None, "aux_loss": True, "num_classes": 21}
    return {name: partial(getattr(segmentation, name), **keywords) for name in names}


def botnet(depth: int) -> nn.Module:
    """The paper's: a residual network, attention in its last stage alone."""
    kinds = zip(("bottle",) * 3 + ("self_attn",), REPEATS[depth], strict=True)
    blocks = tuple(
        ByoBlockCfg(kind, n, 256 * 2**i, 2 if i else 1, 0, 0.25)
        for i, (kind, n) in enumerate(kinds)
    )
    shape = ByoModelCfg(
        blocks, stem_type="7x7", stem_pool="maxpool", stem_chs=64, fixed_input_size=True,
        self_attn_layer="bottleneck", self_attn_kwargs={},
    )  # fmt: skip
    return ByobNet(shape, img_size=224)


def timm_vovnet(name: str, repeats: int, layers: int = 5, width: float = 1) -> nn.Module:
    """One that timm has no name for."""
    shape = dict(model_cfgs[name], block_per_stage=[repeats] * 4, layer_per_block=layers)
    for key in ("stage_conv_chs", "stage_out_chs"):
        shape[key] = [round(c * width) for c in shape[key]]
    return VovNet(shape)


def repvgg_b1g2() -> nn.Module:
    """The paper's, which timm has no name for."""
    blocks = _rep_vgg_bcfg(wf=(2.0, 2.0, 2.0, 4.0), groups=2)
    return ByobNet(ByoModelCfg(blocks, stem_type="rep", stem_chs=64))


REPEATS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
FAMILIES: dict[str, dict[str, Make]] = {
    "botnet": from_timm(botnet26t="botnet26t_256")
    | {f"botnet{n}": partial(botnet, n) for n in (50, 101)},
    "coatnet": from_timm(**{f"coatnet_{i}": f"coatnet_{i}_224" for i in range(4)}),
    "convmixer": from_timm(
        convmixer_1536_20="convmixer_1536_20",
        convmixer_768_32="convmixer_768_32",
        convmixer_1024_20="convmixer_1024_20_ks9_p14",
    ),
    "convnext": tv("convnext_tiny", "convnext_small", "convnext_base", "convnext_large"),
    "convnext_v2": from_timm(
        **{
            f"convnextv2_{size}": f"convnextv2_{size}"
            for size in ("atto", "femto", "pico", "nano", "tiny", "base", "large", "huge")
        }
    ),
    "darknet": from_timm(darknet53="darknet53", cspdarknet53="cspdarknet53"),
    "deeplab_v3": segmenting(
        "deeplabv3_resnet50", "deeplabv3_resnet101", "fcn_resnet50", "fcn_resnet101"
    ),
    "dla": from_timm(
        **{
            f"dla{name}": f"dla{name}"
            for name in ("34", "46_c", "46x_c", "60x_c", "60", "60x", "102", "102x", "102x2", "169")
        }
    ),
    "efficientnet": tv(*(f"efficientnet_b{i}" for i in range(8))),
    "efficientnet_v2": tv("efficientnet_v2_s", "efficientnet_v2_m", "efficientnet_v2_l"),
    "ghostnet": from_timm(
        ghostnet_0_5="ghostnet_050", ghostnet_1_0="ghostnet_100", ghostnet_1_3="ghostnet_130"
    ),
    "hrnet": from_timm(
        **{f"hrnet_w{n}": f"hrnet_w{n}" for n in (18, 30, 32, 40, 44, 48, 64)},
        hrnet_w18_small_v2="hrnet_w18_small_v2",
    ),
    # with biases in a table: those of TensorFlow's model are multiplied out of it, which counts
    "maxvit": {
        f"maxvit_{size}": partial(
            timm.create_model, f"maxvit_{size}_tf_224", transformer_rel_pos_type="bias"
        )
        for size in ("tiny", "small", "base", "large")
    },
    "mixer": from_timm(
        **{
            f"mixer_{size}_{patch}": f"mixer_{size}{patch}_224"
            for size in "sbl"
            for patch in (32, 16)
        }
    ),
    "mnasnet": tv("mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3"),
    "mobilenet": {
        **from_timm(mobilenet_1_0="mobilenetv1_100"),
        "mobilenet_0_75": partial(_gen_mobilenet_v1, "mobilenetv1_100", 0.75),
        "mobilenet_0_5": partial(_gen_mobilenet_v1, "mobilenetv1_100", 0.5),
        "mobilenet_0_25": partial(_gen_mobilenet_v1, "mobilenetv1_100", 0.25),
    },
    "mobilenet_v2": {
        "mobilenet_v2_1_0": models.mobilenet_v2,
        "mobilenet_v2_1_4": partial(models.mobilenet_v2, width_mult=1.4),
    },
    "mobilevit": from_timm(
        **{f"mobilevit_{size}": f"mobilevit_{size}" for size in ("xxs", "xs", "s")}
    ),
    "mobilenet_v3": tv("mobilenet_v3_large", "mobilenet_v3_small"),
    "regnet": tv(
        *(f"regnet_y_{size}" for size in ("400mf", "800mf", "1_6gf", "3_2gf", "8gf", "16gf")),
        *("regnet_y_32gf", "regnet_y_128gf"),
        *(f"regnet_x_{size}" for size in ("400mf", "800mf", "1_6gf", "3_2gf", "8gf", "16gf")),
        "regnet_x_32gf",
    ),
    "repvgg": from_timm(
        **{
            f"repvgg_{name}": f"repvgg_{name}"
            for name in ("a0", "a1", "a2", "b0", "b1", "b1g4", "b2", "b2g4", "b3", "b3g4")
        }
    )
    | {"repvgg_b1g2": repvgg_b1g2},
    "res2net": from_timm(
        **{
            f"res2net{name}": f"res2net{name}"
            for name in ("50_26w_4s", "50_48w_2s", "50_14w_8s", "50_26w_6s", "50_26w_8s")
        },
        res2net101_26w_4s="res2net101_26w_4s",
    ),
    "resnet_d": from_timm(**{f"resnet{n}d": f"resnet{n}d" for n in (18, 34, 50, 101, 152, 200)}),
    "senet": from_timm(
        se_resnet18="legacy_seresnet18",
        se_resnet34="legacy_seresnet34",
        se_resnet50="seresnet50",
        se_resnet101="seresnet101",
        se_resnet152="seresnet152",
        se_resnext50="seresnext50_32x4d",
        se_resnext101="seresnext101_32x4d",
    ),
    "shufflenet_v2": tv(*(f"shufflenet_v2_x{x}" for x in ("0_5", "1_0", "1_5", "2_0"))),
    "swin": tv("swin_t", "swin_s", "swin_b"),
    # torchvision's own run through a kernel that PyTorch's counter does not know
    "vit": from_timm(
        vit_tiny_16="vit_tiny_patch16_224",
        vit_small_16="vit_small_patch16_224",
        vit_small_32="vit_small_patch32_224",
        vit_b_16="vit_base_patch16_224",
        vit_b_32="vit_base_patch32_224",
        vit_l_16="vit_large_patch16_224",
    )
    | {"vit_l_32": partial(timm.create_model, "vit_large_patch32_224", num_classes=1000)},
    "vovnet": from_timm(
        vovnet39="vovnet39a",
        vovnet57="vovnet57a",
        vovnet_v2_39="ese_vovnet39b",
        vovnet_v2_57="ese_vovnet57b",
        vovnet_v2_99="ese_vovnet99b",
    )
    | {
        "vovnet27_slim": partial(timm_vovnet, "vovnet39a", repeats=1, width=0.5),
        "vovnet_v2_19": partial(timm_vovnet, "ese_vovnet39b", repeats=1, layers=3),
    },
    "video_resnet": {name: getattr(video, name) for name in ("r3d_18", "mc3_18", "r2plus1d_18")},
}

# Variants that neither of the two has; tests of their own count them.
ELSEWHERE = {"mobilenet_shallow"}

EACH = [(spec, name, make) for spec, family in FAMILIES.items() for name, make in family.items()]


@pytest.fixture(autouse=True)
def widths_of_regnet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models.regnet, "BlockParams", RegNetParameters)


@pytest.mark.parametrize(
    ("spec", "variant", "make"), thinned(EACH, 3), ids=[name for _, name, _ in EACH]
)
def test_counts(spec: str, variant: str, make: Make) -> None:
    architecture = archdsl.read(spec).variant(variant)
    assert of(architecture) == counts(make, architecture.input)


@pytest.mark.parametrize("spec", FAMILIES)
def test_no_variant_is_left_out(spec: str) -> None:
    assert set(archdsl.read(spec).variants) - ELSEWHERE == set(FAMILIES[spec])


def test_the_shallow_mobilenet() -> None:
    """The paper's table 5: 307 million multiply-adds, 2.9 million parameters."""
    shallow = archdsl.load("mobilenet_shallow")
    assert round(shallow.macs / 1e6) == 307
    assert round(shallow.params / 1e6, 1) == 2.9


@pytest.mark.parametrize(
    ("variant", "params", "macs", "exact"),
    [
        ("hardnet39ds", 3.5, 0.4, 3_488_228),
        ("hardnet68ds", 4.2, 0.8, 4_180_602),
        ("hardnet68", 17.6, 4.2, 17_565_348),
        ("hardnet85", 36.7, 9.1, 36_670_212),
    ],
)
def test_hardnet(variant: str, params: float, macs: float, exact: int) -> None:
    """The authors' millions of parameters and billions of multiply-adds, as their README rounds
    them (but 0.44 and 4.3), and the parameters of their code."""
    found = archdsl.load(variant)
    assert (round(found.params / 1e6, 1), round(found.macs / 1e9, 1)) == (params, macs)
    assert found.params == exact


@pytest.mark.parametrize("width", [0.35, 0.5, 0.75, 1.3])
def test_other_widths_of_mobilenets(width: float) -> None:
    for name in ("mobilenet_v2", "mobilenet_v3"):
        architecture = archdsl.read(name).with_knobs(width=width)
        make = models.mobilenet_v2 if name == "mobilenet_v2" else models.mobilenet_v3_large
        assert of(architecture) == counts(partial(make, width_mult=width), architecture.input)


@pytest.mark.parametrize("alpha", [0.35, 0.6, 1.15, 2.0])
def test_other_widths_of_mnasnet(alpha: float) -> None:
    architecture = archdsl.read("mnasnet").with_knobs(width=alpha)
    assert of(architecture) == counts(partial(models.MNASNet, alpha), architecture.input)


@pytest.mark.parametrize("classes", [10, 100])
def test_other_classes(classes: int) -> None:
    for spec, variant in (
        ("efficientnet", "efficientnet_b1"),
        ("convnext", "convnext_tiny"),
        ("shufflenet_v2", "shufflenet_v2_x1_5"),
        ("regnet", "regnet_y_400mf"),
    ):
        architecture = archdsl.read(spec).variant(variant, classes=classes)
        make = partial(FAMILIES[spec][variant], num_classes=classes)
        assert of(architecture) == counts(make, architecture.input)


STAGES = [
    ("mobilenet_v2_1_0", ["features.1", "features.3", "features.6", "features.18"],
     ["stage1", "stage2", "stage3", "head.relu6_1"]),
    ("efficientnet_b0", [f"features.{i}" for i in range(9)],
     ["stem.silu1", *(f"stage{i}" for i in range(1, 8)), "head.silu1"]),
    ("efficientnet_v2_s", [f"features.{i}" for i in range(7)],
     ["stem.silu1", *(f"stage{i}" for i in range(1, 7))]),
    ("convnext_tiny", ["features.0", "features.1", "features.3", "features.5", "features.7"],
     ["stem.layer_norm1", "stage1", "stage2", "stage3", "stage4"]),
    ("regnet_y_1_6gf", ["trunk_output.block1", "trunk_output.block2", "trunk_output.block3"],
     ["stage1", "stage2", "stage3"]),
    ("shufflenet_v2_x1_0", ["maxpool", "stage2", "stage3", "stage4", "conv5"],
     ["stem.maxpool1", "stage1", "stage2", "stage3", "head.relu1"]),
    ("r2plus1d_18", ["stem", "layer1", "layer2", "layer3", "layer4"],
     ["stem.relu2", "stage1", "stage2", "stage3", "stage4"]),
    ("se_resnet50", ["maxpool", "layer1", "layer2", "layer3", "layer4"],
     ["stem.maxpool1", "stage1", "stage2", "stage3", "stage4"]),
]  # fmt: skip


@pytest.mark.parametrize(("variant", "theirs", "ours"), STAGES, ids=[v for v, _, _ in STAGES])
def test_shapes_of_stages(variant: str, theirs: list[str], ours: list[str]) -> None:
    architecture = archdsl.load(variant)
    make = next(family[variant] for family in FAMILIES.values() if variant in family)
    found = [last_shape(architecture, part) for part in ours]
    assert found == stages(make, architecture.input, theirs)


def last_shape(architecture: archdsl.Architecture, part: str) -> Shape:
    """What the last layer gives whose path is in a part."""
    return [
        node.shape
        for node in architecture.flat.nodes
        if node.path == part or node.path.startswith(f"{part}.")
    ][-1]


def test_counts_of_a_known_network() -> None:
    """What the comparison itself sees: torchvision prints these."""
    assert counts(models.mobilenet_v2, (3, 224, 224)) == Counts(3_504_872, 34_164, 300_774_272)
