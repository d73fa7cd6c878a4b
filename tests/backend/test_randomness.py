"""Stochastic depth and dropout: how often, for whom, and that evaluation draws nothing."""

from collections import Counter
from math import sqrt

import pytest
import torch
from agreement import batch
from frequencies import SIGMAS, assert_share, network
from torch import nn

import archdsl

# ------------------------------------------------------------------- stochastic depth


def survivals(module: nn.Module) -> list[float]:
    joints = [m for m in module.modules() if type(m).__name__ == "StochasticDepth"]
    return [m.survive for m in joints if hasattr(m, "survive")]  # not the network of that name


@pytest.mark.parametrize(("depth", "active"), [(110, 40.25), (1202, 449.75)])
def test_survival_falls_along_a_line(depth: int, active: float) -> None:
    """arXiv:1603.09382, equation 4: 1 - l / L (1 - p_L); so many units are active on average."""
    with torch.device("meta"):
        found = survivals(archdsl.load("stochastic_depth", depth=depth).build())
    units = (depth - 2) // 2
    assert found == pytest.approx([1 - u / units * 0.5 for u in range(1, units + 1)], abs=1e-12)
    assert sum(found) == pytest.approx(active)
    assert found[-1] == 0.5


def test_other_survivals() -> None:
    line = archdsl.load("stochastic_depth", depth=20, p_last=0.2).build("meta")
    assert survivals(line) == pytest.approx([1 - u / 9 * 0.8 for u in range(1, 10)])
    flat = archdsl.load("stochastic_depth", depth=20, p_last=0.7, decay="uniform").build("meta")
    assert survivals(flat) == [0.7] * 9
    never = archdsl.load("stochastic_depth", depth=20, p_last=1).build("meta")
    assert set(survivals(never)) <= {1.0}


@pytest.mark.parametrize("survive", [0.9, 0.5, 0.15])
def test_a_mini_batch_keeps_or_drops_a_branch(survive: float) -> None:
    """One draw for all samples, unscaled; the units draw each for itself."""
    module = network(f"repeat 2 {{ residual(survive = {survive}) {{ conv(1, 1) }} }}").train()
    ones, runs = torch.ones(3, 1, 1, 1), 3000
    found: Counter[float] = Counter()
    with torch.no_grad():
        for _ in range(runs):
            values = module(ones).flatten().tolist()
            assert len(set(values)) == 1
            found[values[0]] += 1
    assert set(found) == {1.0, 2.0, 4.0}
    assert_share(found[4.0], runs, survive**2, "both kept")
    assert_share(found[2.0], runs, 2 * survive * (1 - survive), "one kept")
    assert_share(found[1.0], runs, (1 - survive) ** 2, "both dropped")


@pytest.mark.parametrize("survive", [0.9, 0.5, 0.15])
def test_each_sample_keeps_or_drops_a_branch(survive: float) -> None:
    module = network(
        f"repeat 2 {{ residual(survive = {survive}, per = sample) {{ conv(1, 1) }} }}", "1x2x2"
    ).train()
    samples = 20_000
    with torch.no_grad():
        values = module(torch.ones(samples, 1, 2, 2)).flatten(1)
    assert (values == values[:, :1]).all()  # a sample is dropped whole
    found = Counter(values[:, 0].tolist())
    assert set(found) == {1.0, 2.0, 4.0}
    assert_share(found[4.0], samples, survive**2, "both kept")
    assert_share(found[1.0], samples, (1 - survive) ** 2, "both dropped")
    kept = values[:, 0] > 1
    following = (kept[1:] & kept[:-1]).sum().item()  # neighbours know nothing of each other
    some = 1 - (1 - survive) ** 2
    assert abs(following / samples - some**2) < 2 * SIGMAS * sqrt(some * (1 - some) / samples)


@pytest.mark.parametrize("per", ["batch", "sample"])
@pytest.mark.parametrize(
    ("scaling", "trained", "evaluated"), [("eval", 3, 1 + 0.8 * 2), ("train", 1 + 2 / 0.8, 3)]
)
def test_where_the_branch_is_scaled(
    per: str, scaling: str, trained: float, evaluated: float
) -> None:
    """x + 2x with a survival of 0.8: scaled in evaluation as in the paper, or in training; the mean
    in training is what evaluation gives."""
    module = network(
        f"residual(survive = 0.8, per = {per}, scaling = {scaling}) "
        "{ conv(1, 1, init = constant(2)) }"
    )
    ones = torch.ones(500, 1, 1, 1)
    with torch.no_grad():
        module.eval()
        assert torch.equal(module(ones), torch.full((500, 1, 1, 1), evaluated))
        module.train()
        found = torch.cat([module(ones).flatten() for _ in range(40)])
    assert set(found.tolist()) == {1.0, trained}
    draws = 40 if per == "batch" else len(found)
    assert_share((found == trained).sum().item() / len(found) * draws, draws, 0.8, "kept")
    mean, spread = found.mean().item(), (trained - 1) * sqrt(0.8 * 0.2 / draws)
    assert abs(mean - evaluated) < SIGMAS * spread


@pytest.mark.parametrize("scaling", ["eval", "train"])
def test_a_dropped_branch_has_no_gradient(scaling: str) -> None:
    """Exactly zero in each of its weights, and the shortcut's alone in the image."""
    module = network(f"residual(survive = 0.5, scaling = {scaling}) {{ conv(1, 1) }}").train()
    scale = 2.0 if scaling == "train" else 1.0
    seen = set()
    for _ in range(20):
        x = torch.full((4, 1, 1, 1), 3.0, requires_grad=True)
        module.zero_grad()
        y = module(x)
        y.sum().backward()
        kept = bool((y != x).all())
        seen.add(kept)
        (weight,) = module.parameters()
        assert weight.grad.item() == (4 * 3 * scale if kept else 0.0)
        assert (x.grad == (1 + scale if kept else 1.0)).all()
    assert seen == {True, False}


def test_a_dropped_sample_has_no_gradient() -> None:
    module = network("residual(survive = 0.5, per = sample) { conv(1, 1) }").train()
    x = torch.arange(1.0, 65).reshape(64, 1, 1, 1).requires_grad_()
    y = module(x)
    y.sum().backward()
    kept = (y != x).detach()
    assert 0 < kept.sum() < 64
    (weight,) = module.parameters()
    assert weight.grad.item() == x.detach()[kept].sum().item()
    assert torch.equal(x.grad, 1.0 + kept.float())


# ---------------------------------------------------------------------------- dropout


@pytest.mark.parametrize("p", [0.2, 0.5])
def test_dropout(p: float) -> None:
    """Each element is dropped for itself; what is kept is scaled by 1 / (1 - p)."""
    module = network(f"dropout({p})", "4x8x8").train()
    y = module(torch.ones(100, 4, 8, 8))
    assert set(y.unique().tolist()) == {0.0, torch.tensor(1 / (1 - p)).item()}
    assert_share((y == 0).sum().item(), y.numel(), p, "dropped")
    pairs = ((y[..., 1:] == 0) & (y[..., :-1] == 0)).sum().item()
    assert_share(pairs, y[..., 1:].numel(), p * p, "neighbours dropped")
    assert torch.equal(module.eval()(y), y)


def test_dropout_of_channels() -> None:
    y = network("dropout_channels(0.3)", "16x4x4").train()(torch.ones(200, 16, 4, 4)).flatten(2)
    assert (y == y[..., :1]).all()
    assert_share((y[..., 0] == 0).sum().item(), 200 * 16, 0.3, "dropped")


def test_where_dropout_stands() -> None:
    """WRN: between the two convolutions, after the activation (arXiv:1605.07146, 2.4);
    DenseNet: after each convolution but the first (arXiv:1608.06993, 4.2); GoogLeNet: 0.7 in side
    outputs; FractalNet: rising by tenths."""

    def shares(name: str, **knobs: object) -> list[float]:
        module = archdsl.load(name, **knobs).build("meta")
        return [m.p for m in module.modules() if isinstance(m, nn.Dropout)]

    assert shares("wide_resnet", depth=16, width=1, drop=0.3) == [0.3] * 6
    assert shares("densenet_cifar", depth=40, drop=0.2) == [0.2] * 38
    assert shares("googlenet_paper") == [0.7, 0.7, 0.4]
    assert shares("googlenet_tv") == [0.7, 0.7, 0.2]
    assert shares("fractalnet", columns=2) == [0.1] * 3 + [0.2] * 3 + [0.3] * 3 + [0.4] * 3
    pair = archdsl.load("wide_resnet", depth=16, width=1, drop=0.3).build("meta").stage1[0].pair1
    assert [type(m).__name__ for m in pair] == [
        "Conv2d",
        "BatchNorm2d",
        "ReLU",
        "Dropout",
        "Conv2d",
    ]


# --------------------------------------------------------------------- whole networks

RANDOM: dict[str, dict[str, object]] = {
    "densenet_cifar": {"drop": 0.2},
    "fractalnet": {"widths": [8] * 5},
    "nin": {},
    "stochastic_depth": {"depth": 20},
    "wide_resnet": {"depth": 10, "width": 1, "drop": 0.3},
}


@pytest.mark.parametrize("name", RANDOM)
def test_evaluation_draws_nothing(name: str) -> None:
    """Equal results in evaluation, and the generator is where it was; others in training."""
    torch.manual_seed(4)
    module = archdsl.load(name, **RANDOM[name]).build()
    images = batch(4, 3, 32, 32)
    with torch.no_grad():
        module.eval()
        state = torch.get_rng_state()
        first, second = module(images), module(images)
        assert torch.equal(first, second)
        assert torch.equal(state, torch.get_rng_state())
        module.train()
        found = [module(images) for _ in range(4)]
    assert not all(torch.equal(found[0], y) for y in found[1:])


@pytest.mark.parametrize("name", RANDOM)
def test_a_seed_repeats_a_training_step(name: str) -> None:
    torch.manual_seed(4)
    module = archdsl.load(name, **RANDOM[name]).build().train()
    images, found = batch(4, 3, 32, 32), []
    for _ in range(2):
        torch.manual_seed(8)
        module.zero_grad()
        module(images).square().sum().backward()
        found.append([p.grad.clone() for p in module.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))
