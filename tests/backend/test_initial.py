"""How weights start: as the spec says, else as PyTorch has it; and as the references do."""

from collections.abc import Callable
from functools import partial
from math import sqrt

import pytest
import torch
from torch import Tensor, nn
from torchvision import models

import archdsl

# Variant of the library, its knobs, and torchvision's network.
REFERENCES: dict[str, tuple[str, dict[str, object], Callable[[], nn.Module]]] = {
    "alexnet": ("alexnet_2014", {}, models.alexnet),
    "densenet121": ("densenet121", {}, models.densenet121),
    "googlenet": (
        "googlenet_tv",
        {},
        partial(models.googlenet, init_weights=True, aux_logits=True),
    ),
    "resnet18": ("resnet18", {}, models.resnet18),
    "resnet50": ("resnet50", {}, models.resnet50),
    "resnet18_zero": (
        "resnet18",
        {"zero_init": True},
        partial(models.resnet18, zero_init_residual=True),
    ),
    "resnet50_zero": (
        "resnet50",
        {"zero_init": True},
        partial(models.resnet50, zero_init_residual=True),
    ),
    "resnext50_32x4d": ("resnext50_32x4d", {}, models.resnext50_32x4d),
    "squeezenet1_0": ("squeezenet1_0", {}, models.squeezenet1_0),
    "squeezenet1_1": ("squeezenet1_1", {}, models.squeezenet1_1),
    "vgg11": ("vgg11", {}, models.vgg11),
    "vgg11_bn": ("vgg11_bn", {}, models.vgg11_bn),
    # beyond the families of the papers
    "convnext_tiny": ("convnext_tiny", {}, models.convnext_tiny),
    "efficientnet_b0": ("efficientnet_b0", {}, models.efficientnet_b0),
    "mnasnet1_0": ("mnasnet1_0", {}, models.mnasnet1_0),
    "mobilenet_v2": ("mobilenet_v2_1_0", {}, models.mobilenet_v2),
    "mobilenet_v3_small": ("mobilenet_v3_small", {}, models.mobilenet_v3_small),
    "shufflenet_v2_x1_0": ("shufflenet_v2_x1_0", {}, models.shufflenet_v2_x1_0),
}
LARGE = {"vgg11", "vgg11_bn", "alexnet"}
# Standard errors that a moment may be off: one of a million is further, of some thousands here.
WIDE = 6.0
ENOUGH, SAMPLE = 1000, 200_000  # elements from which, and of which, moments are taken


def moments(x: Tensor) -> tuple[float, float, float]:
    """Mean, deviation, and the fourth moment in deviations: 1.8 if uniform, 3 if normal."""
    x = x.double()
    centred = x - x.mean()
    deviation = centred.square().mean().sqrt()
    return x.mean().item(), deviation.item(), ((centred / deviation) ** 4).mean().item()


def assert_same_start(found: Tensor, wanted: Tensor, what: str) -> None:
    """Both constant and equal, or drawn from distributions of the same moments."""
    assert found.shape == wanted.shape, what
    if (wanted == wanted.flatten()[0]).all():
        assert torch.equal(found, wanted), f"{what} is not {wanted.flatten()[0]} everywhere"
        return
    found, wanted = found.flatten()[:SAMPLE], wanted.flatten()[:SAMPLE]
    spread = wanted.double().square().mean().sqrt().item()
    assert 0 < found.abs().max() < 8 * spread, what  # drawn too, and not from something wider
    if wanted.numel() < ENOUGH:
        return
    error = WIDE * sqrt(2 / wanted.numel())  # of the difference of two means, in deviations
    (mean, deviation, fourth), (mean2, deviation2, fourth2) = map(moments, (found, wanted))
    assert abs(mean - mean2) < error * deviation2, f"{what}: mean {mean:.3g}, not {mean2:.3g}"
    assert abs(deviation / deviation2 - 1) < error * sqrt(0.5), (
        f"{what}: deviation {deviation:.4g}, not {deviation2:.4g}"
    )
    assert abs(fourth - fourth2) < error * sqrt(24), f"{what}: {fourth:.2f}, not {fourth2:.2f}"


@pytest.mark.skipif(torch.__version__ < "2.7", reason="its trunc_normal_ may give its bounds")
@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=pytest.mark.slow) if c in LARGE else c for c in REFERENCES]
)
def test_moments_are_torchvisions(case: str) -> None:
    variant, knobs, make = REFERENCES[case]
    torch.manual_seed(0)
    theirs = make().state_dict()
    module = archdsl.load(variant, **knobs).build()
    ours = {k: v.clone() for k, v in module.state_dict().items()}
    taken = archdsl.transfer(theirs, module)
    wrong = []
    for key, tensor in ours.items():
        try:
            assert_same_start(tensor, theirs[taken[key]].reshape(tensor.shape), key)
        except AssertionError as problem:
            wrong.append(str(problem).split("\n", 1)[0])
    assert not wrong, wrong


def test_moments_tell_distributions_apart() -> None:
    torch.manual_seed(0)
    normal, uniform = torch.randn(9000), (torch.rand(9000) * 2 - 1) * sqrt(3)
    assert_same_start(normal, torch.randn(9000), "normal")
    with pytest.raises(AssertionError, match=r"x: 1\.8\d, not 3\.0\d"):
        assert_same_start(uniform, normal, "x")
    with pytest.raises(AssertionError, match=r"x: deviation 1\.1\d*, not 1"):
        assert_same_start(normal * 1.1, normal, "x")
    with pytest.raises(AssertionError, match=r"x: mean 0\.09\d*, not -0"):
        assert_same_start(normal + 0.1, normal, "x")
    with pytest.raises(AssertionError, match=r"x is not 1\.0 everywhere"):
        assert_same_start(torch.full((3,), 0.9), torch.ones(3), "x")


@pytest.mark.parametrize("variant", ["resnet18", "resnet50"])
def test_with_zero_init_every_unit_starts_as_its_shortcut(variant: str) -> None:
    """The last normalisation of a branch is zero, and no other."""
    module = archdsl.load(variant, zero_init=True, classes=10).build()
    last = "bn2" if variant == "resnet18" else "bn3"
    units = 0
    for name, layer in module.named_modules():
        if isinstance(layer, nn.BatchNorm2d):
            start = 0.0 if name.endswith(f".{last}") and "shortcut" not in name else 1.0
            assert (layer.weight == start).all(), name
            units += start == 0
    assert units == {"resnet18": 8, "resnet50": 16}[variant]
    x = torch.randn(2, 64 if variant == "resnet18" else 256, 8, 8)
    unit = module.stage1[1].eval()
    assert torch.equal(unit(x), x.relu())


# A layer of the language, the same of PyTorch, and what is done with its weights.
W, B = "weight", "bias"
STARTS: dict[str, tuple[str, Callable[[nn.Module], object]]] = {
    "kaiming_normal": (W, lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu")),
    "kaiming_normal(fan_out)": (
        W,
        lambda w: nn.init.kaiming_normal_(w, mode="fan_out", nonlinearity="relu"),
    ),
    "kaiming_normal(fan_out, gain_of = linear)": (
        W,
        lambda w: nn.init.kaiming_normal_(w, mode="fan_out", nonlinearity="linear"),
    ),
    "kaiming_uniform": (W, lambda w: nn.init.kaiming_uniform_(w, nonlinearity="relu")),
    "kaiming_uniform(gain_of = tanh)": (
        W,
        lambda w: nn.init.kaiming_uniform_(w, nonlinearity="tanh"),
    ),
    "xavier_normal": (W, nn.init.xavier_normal_),
    "xavier_normal(2)": (W, lambda w: nn.init.xavier_normal_(w, gain=2)),
    "xavier_uniform": (W, nn.init.xavier_uniform_),
    "orthogonal": (W, nn.init.orthogonal_),
    "orthogonal(0.5)": (W, lambda w: nn.init.orthogonal_(w, gain=0.5)),
    "orthogonal(-1)": (W, lambda w: nn.init.orthogonal_(w, gain=-1)),
    "normal": (W, nn.init.normal_),
    "normal(0.02)": (W, lambda w: nn.init.normal_(w, std=0.02)),
    "normal(0.02, mean = 1)": (W, lambda w: nn.init.normal_(w, mean=1, std=0.02)),
    "uniform": (W, nn.init.uniform_),
    "uniform(-0.1, 0.3)": (W, lambda w: nn.init.uniform_(w, -0.1, 0.3)),
    "trunc_normal": (W, nn.init.trunc_normal_),
    "trunc_normal(0.5, low = -1, high = 0.5)": (
        W,
        lambda w: nn.init.trunc_normal_(w, std=0.5, a=-1, b=0.5),
    ),
    "constant(0.25)": (W, lambda w: nn.init.constant_(w, 0.25)),
    "zeros": (W, nn.init.zeros_),
    "ones": (W, nn.init.ones_),
    "normal(0.3)": (B, lambda b: nn.init.normal_(b, std=0.3)),
    "constant(-1)": (B, lambda b: nn.init.constant_(b, -1)),
}


@pytest.mark.parametrize("init", STARTS)
@pytest.mark.parametrize(
    ("layer", "shape", "make"),
    [
        ("conv(12, 3, ", "6x8x8", lambda: nn.Conv2d(6, 12, 3, padding=1)),
        ("linear(12, ", "6", lambda: nn.Linear(6, 12)),
        ("conv(12, 3, groups = 2, ", "6x8", lambda: nn.Conv1d(6, 12, 3, padding=1, groups=2)),
    ],
    ids=["conv", "linear", "grouped"],
)
def test_each_initialisation(
    init: str, layer: str, shape: str, make: Callable[[], nn.Module]
) -> None:
    """With one seed, the very numbers that torch.nn.init draws after PyTorch's own start."""
    which, start = STARTS[init]
    argument = "init" if which == W else "bias_init"
    made = archdsl.parse(f"arch a()\ninput {shape}\nx: {layer}{argument} = {init})\n")
    torch.manual_seed(5)
    ours = made.with_knobs().build().x
    torch.manual_seed(5)
    theirs = make()
    start(getattr(theirs, which))
    assert torch.equal(ours.weight, theirs.weight)
    assert torch.equal(ours.bias, theirs.bias)


def test_the_defaults_are_pytorchs() -> None:
    """Where a spec says nothing, nothing is done, and the same numbers are drawn."""
    made = archdsl.parse(
        """arch plain()
        input 3x16x16
        conv(8, 3) -> bn -> relu -> maxpool(2) -> conv(8, 3, groups = 4) -> bn -> linear(5)
        """
    ).with_knobs()
    assert "init" not in made.source().partition("class ")[2].replace("__init__", "")
    torch.manual_seed(3)
    ours = made.build()
    torch.manual_seed(3)
    theirs = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.MaxPool2d(2),
        nn.Conv2d(8, 8, 3, padding=1, groups=4), nn.BatchNorm2d(8), nn.Linear(8 * 64, 5),
    )  # fmt: skip
    pairs = zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_what_differs_within_a_network_is_kept_apart() -> None:
    """Two ways for one kind of layer, a layer with none, and one with its bias alone."""
    made = archdsl.parse(
        """arch mixed()
        input 4x8x8
        default conv(init = constant(1), bias_init = constant(2))
        block inner { conv(4, 1) -> conv(4, 1, init = constant(3)) -> bn(init = constant(4)) }
        a: conv(4, 3)
        b: inner
        c: inner
        d: conv(4, 3, bias_init = constant(5)) -> bn
        e: linear(3, bias_init = constant(6))
        """
    ).with_knobs()
    module = made.build()
    found = {
        key: tensor.unique().item() if len(tensor.unique()) == 1 else None
        for key, tensor in module.named_parameters()
    }
    inner = {"conv1.weight": 1, "conv1.bias": 2, "conv2.weight": 3, "conv2.bias": 2}
    inner |= {"bn1.weight": 4, "bn1.bias": 0}
    wanted: dict[str, float | None] = {"a.weight": 1, "a.bias": 2}
    wanted |= {f"{part}.{key}": value for part in "bc" for key, value in inner.items()}
    wanted |= {"d.conv1.weight": 1, "d.conv1.bias": 5, "d.bn1.weight": 1, "d.bn1.bias": 0}
    wanted |= {"e.weight": None, "e.bias": 6}
    assert found == wanted
    assert module.e.weight.abs().max() <= 1 / sqrt(4 * 64)  # PyTorch's own


def fans(weight: Tensor) -> tuple[int, int]:
    inside = weight[0, 0].numel()
    return weight.shape[1] * inside, weight.shape[0] * inside


# The deviation of a convolution's weights by its fan-in and fan-out, as the papers or their
# authors' code say.
PAPERS: dict[str, tuple[dict[str, object], Callable[[int, int], float]]] = {
    "resnet_cifar": ({}, lambda _, fan_out: sqrt(2 / fan_out)),
    "preresnet_cifar": ({"depth": 110, "bottleneck": False}, lambda _, fan_out: sqrt(2 / fan_out)),
    "resnext_cifar": ({"cardinality": 4, "base": 24}, lambda _, fan_out: sqrt(2 / fan_out)),
    "stochastic_depth": ({"depth": 20}, lambda _, fan_out: sqrt(2 / fan_out)),
    "wide_resnet": ({"depth": 16, "width": 2}, lambda fan_in, _: sqrt(2 / fan_in)),
    "densenet_cifar": ({}, lambda fan_in, _: sqrt(2 / fan_in)),
    "fractalnet": (
        {"widths": [16, 32, 64, 64, 64]},
        lambda fan_in, fan_out: sqrt(2 / (fan_in + fan_out)),
    ),
    "zfnet": ({"classes": 10}, lambda *_: 0.01),
    "nin": ({}, lambda fan_in, _: sqrt(1 / (3 * fan_in))),  # PyTorch's own
}


@pytest.mark.parametrize("name", PAPERS)
def test_papers(name: str) -> None:
    knobs, deviation = PAPERS[name]
    input = (3, 64, 64) if name == "zfnet" else (3, 32, 32)
    torch.manual_seed(0)
    module = archdsl.read(name).with_knobs(input=input, **knobs).build()
    compared = 0
    for key, layer in module.named_modules():
        if isinstance(layer, nn.Conv2d) and layer.weight.numel() >= ENOUGH:
            ratio = layer.weight.std().item() / deviation(*fans(layer.weight))
            assert abs(ratio - 1) < WIDE / sqrt(2 * layer.weight.numel()), f"{key}: {ratio}"
            compared += 1
        if isinstance(layer, nn.BatchNorm2d):
            assert (layer.weight == 1).all() and (layer.bias == 0).all(), key
    assert compared >= 5


def test_alexnet_of_2012() -> None:
    """Weights of deviation 0.01; biases one where the paper says so (section 5), else PyTorch's."""
    made = archdsl.read("alexnet").with_knobs(version="2012", classes=10, input=(3, 67, 67))
    torch.manual_seed(0)
    module = made.build()
    ones = {key for key, p in module.named_parameters() if key.endswith(".bias") and (p == 1).all()}
    column = "column1"
    assert ones == {f"{column}.conv{i}.conv1.bias" for i in (2, 4, 5)} | {
        "classifier.linear1.bias",
        "classifier.linear2.bias",
    }
    for key, p in module.named_parameters():
        if p.dim() > 1:
            assert p.std().item() == pytest.approx(0.01, rel=WIDE / sqrt(2 * p.numel())), key
