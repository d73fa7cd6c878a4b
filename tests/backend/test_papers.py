"""Compiled networks are those of the papers, where torchvision has none."""

from collections.abc import Callable

import papers
import pytest
import torch
from agreement import assert_same_function, batch, close, drawn, hollow
from torch import nn

import archdsl

Case = tuple[str, dict[str, object], Callable[[], nn.Module]]
PRE = papers.preactivated
CASES: dict[str, Case] = {
    "nin_cifar10": ("nin", {}, lambda: papers.nin_cifar(10)),
    "nin_cifar100": ("nin", {"classes": 100}, lambda: papers.nin_cifar(100)),
    "resnet20_A": ("resnet_cifar", {}, lambda: papers.CifarResNet(3, "A")),
    "resnet20_B": ("resnet_cifar", {"shortcut": "B"}, lambda: papers.CifarResNet(3, "B")),
    "plain20": ("resnet_cifar", {"shortcut": "none"}, lambda: papers.CifarResNet(3, "none")),
    "resnet56_A": ("resnet_cifar", {"depth": 56}, lambda: papers.CifarResNet(9, "A")),
    "preresnet110_pad": (
        "preresnet_cifar",
        {"depth": 110, "bottleneck": False, "shortcut": "pad"},
        lambda: PRE("basic", 18, (16, 32, 64)),
    ),
    "preresnet110_conv": (
        "preresnet_cifar",
        {"depth": 110, "bottleneck": False},
        lambda: PRE("wide", 18, (16, 32, 64)),
    ),
    "preresnet164": ("preresnet_cifar", {}, lambda: PRE("bottleneck", 18, (64, 128, 256))),
    "wrn_16_4": (
        "wide_resnet",
        {"depth": 16, "width": 4, "drop": 0.3},
        lambda: PRE("wide", 2, (64, 128, 256), 0.3),
    ),
    "wrn_22_1": ("wide_resnet", {"depth": 22, "width": 1}, lambda: PRE("wide", 3, (16, 32, 64))),
    "wrn_28_10": ("wide_resnet", {}, lambda: PRE("wide", 4, (160, 320, 640))),
    "resnext29_4x24d": (
        "resnext_cifar",
        {"cardinality": 4, "base": 24},
        lambda: papers.resnext29(4, 24),
    ),
    "resnext29_8x64d": ("resnext_cifar", {}, lambda: papers.resnext29(8, 64)),
    "resnext29_preact": (
        "resnext_cifar",
        {"cardinality": 4, "base": 24, "preactivate": True},
        lambda: PRE("grouped", 3, (256, 512, 1024), stem=64, groups=4),
    ),
    "stochastic_depth": (
        "stochastic_depth",
        {"depth": 20, "p_last": 1},
        lambda: papers.CifarResNet(3, "pooled"),
    ),
    "fractalnet20": (
        "fractalnet",
        {"drop_path": 0, "widths": [16, 32, 64, 128, 128]},
        lambda: papers.FractalNet(3, [16, 32, 64, 128, 128]),
    ),
    "fractalnet40": (
        "fractalnet",
        {"columns": 4, "drop_path": 0, "widths": [16, 32, 64, 128, 128]},
        lambda: papers.FractalNet(4, [16, 32, 64, 128, 128]),
    ),
    "fractalnet5": (
        "fractalnet",
        {"columns": 1, "drop_path": 0, "widths": [16, 32, 64, 128, 128]},
        lambda: papers.FractalNet(1, [16, 32, 64, 128, 128]),
    ),
    "fractalnet20_caffe": (
        "fractalnet",
        {"drop_path": 0, "caffe": True, "widths": [16, 32, 64, 128, 128]},
        lambda: papers.FractalNet(3, [16, 32, 64, 128, 128], caffe=True),
    ),
    "densenet40": ("densenet_cifar", {"drop": 0.2}, lambda: papers.CifarDenseNet(40, 12, False)),
    "densenet_bc100": (
        "densenet_cifar",
        {"depth": 100, "bc": True, "drop": 0.2},
        lambda: papers.CifarDenseNet(100, 12, True),
    ),
}
LARGE = {  # seconds for each; of each paper a smaller one runs always
    "preresnet110_conv",
    "preresnet164",
    "resnet56_A",
    "resnext29_4x24d",
    "resnext29_8x64d",
    "wrn_28_10",
}
# Some references sum in another order than what is emitted, and a rounding may then switch a
# ReLU: in double precision it does not get so far, and the bound can be strict.
ROUNDING = 1e-9


def double(start: Callable[..., nn.Module], make: Callable[[], nn.Module]) -> nn.Module:
    return start(make).double()


@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=pytest.mark.slow) if c in LARGE else c for c in CASES]
)
def test_same_function(case: str) -> None:
    spec, knobs, make = CASES[case]
    ours = double(hollow, archdsl.load(spec, **knobs).build)
    assert_same_function(double(drawn, make), ours, batch(4, 3, 32, 32).double(), ROUNDING)


def test_zfnet() -> None:
    made = archdsl.read("zfnet").with_knobs(input=(3, 96, 96), classes=10)
    theirs = double(drawn, lambda: papers.zfnet(96, 10))
    assert_same_function(theirs, double(hollow, made.build), batch(2, 3, 96, 96).double(), ROUNDING)


def test_nin_for_imagenet() -> None:
    made = archdsl.read("nin").with_knobs(data="imagenet", classes=10, size=96)
    theirs = double(drawn, lambda: papers.nin_imagenet(10))
    assert_same_function(theirs, double(hollow, made.build), batch(2, 3, 96, 96).double(), ROUNDING)


def unit_gates(theirs: papers.CifarResNet, gates: list[float]) -> None:
    for unit, gate in zip(theirs.units, gates, strict=True):
        unit.gate = gate


def test_stochastic_depth_in_evaluation() -> None:
    """Every branch times its probability of survival: 1 - l / L (1 - p_L)."""
    ours = double(hollow, archdsl.load("stochastic_depth", depth=20, p_last=0.5).build)
    theirs = double(drawn, lambda: papers.CifarResNet(3, "pooled"))
    archdsl.transfer(theirs.state_dict(), ours)
    unit_gates(theirs, [1 - number / 9 * 0.5 for number in range(1, 10)])
    images = batch(2, 3, 32, 32).double()
    with torch.no_grad():
        close(ours.eval()(images), theirs.eval()(images), "output", ROUNDING)


def test_stochastic_depth_in_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """With units 2, 5 and 9 dropped: their branches are not there, the others are not scaled."""
    ours = double(hollow, archdsl.load("stochastic_depth", depth=20, p_last=0.5).build)
    theirs = double(drawn, lambda: papers.CifarResNet(3, "pooled"))
    gates = [float(number not in (2, 5, 9)) for number in range(1, 10)]
    unit_gates(theirs, gates)
    draws = iter(gates)

    def rand(*shape: object, **options: object) -> torch.Tensor:
        return torch.full(shape[0], 1.0 - next(draws))

    monkeypatch.setattr(torch, "rand", rand)
    taken = archdsl.transfer(theirs.state_dict(), ours)
    images = batch(4, 3, 32, 32).double()
    found, wanted = ours.train()(images), theirs.train()(images)
    assert next(draws, None) is None
    close(found, wanted, "output", ROUNDING)
    found.square().sum().backward()
    wanted.square().sum().backward()
    gradients = {k: p.grad for k, p in theirs.named_parameters()}
    least = 1e-3 * max(g.abs().max().item() for g in gradients.values())
    for key, tensor in ours.named_parameters():
        close(tensor.grad, gradients[taken[key]], key, ROUNDING, least)
    for unit in (ours.stage1.unit2, ours.stage2.unit2, ours.stage3.unit3):
        assert all((p.grad == 0).all() for p in unit.parameters())


@pytest.mark.parametrize("column", [0, 1, 2])
def test_one_column_of_a_fractal_is_a_plain_network(column: int) -> None:
    """Global drop-path leaves one column of the whole network: outputs and gradients."""
    widths = [16, 32, 64, 128, 128]
    ours = double(hollow, archdsl.load("fractalnet", widths=widths, dropouts=[0] * 5).build).train()
    theirs = double(drawn, lambda: papers.FractalNet(3, widths)).train()
    for block in theirs.blocks:
        block.column = column
        for layer in block.modules():
            if isinstance(layer, nn.Dropout):
                layer.p = 0.0
    taken = archdsl.transfer(theirs.state_dict(), ours)
    ours.draw_path = lambda x: (torch.tensor(True), torch.tensor(column))
    images = batch(4, 3, 32, 32).double()
    found, wanted = ours(images), theirs(images)
    close(found, wanted, "output", ROUNDING)
    found.square().sum().backward()
    wanted.square().sum().backward()
    gradients = {k: p.grad for k, p in theirs.named_parameters()}
    for key, tensor in ours.named_parameters():
        other = gradients[taken[key]]
        if other is None:
            assert (tensor.grad == 0).all(), key
        else:
            close(tensor.grad, other, key, ROUNDING)
    used = sum(g is not None for g in gradients.values())
    assert used == 5 * 2**column * 3 + 2
