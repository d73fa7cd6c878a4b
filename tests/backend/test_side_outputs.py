"""Side outputs: named in training, left out in evaluation, weighed in the loss."""

from copy import deepcopy

import pytest
import torch
import torch.nn.functional as F
from agreement import batch, drawn, without_dropout
from torch import Tensor, nn
from torchvision import models

import archdsl

SIDES = """arch sides(w = 0.25, count = 2)
input 3x8x8
conv(4, 3) -> relu
output early(weight = w) { global_avgpool -> linear(5) }
repeat count as i {
  conv(6, 3)
  output step(weight = i / 10) { relu -> global_avgpool -> linear(5) }
  relu
}
output plain { linear(5) }
head: global_avgpool -> linear(5)
"""
WEIGHTS = {"main": 1.0, "early": 0.25, "step1": 0.1, "step2": 0.2, "plain": 1.0}


def sides(**knobs: object) -> nn.Module:
    torch.manual_seed(6)
    return archdsl.parse(SIDES).with_knobs(**knobs).build()


def test_names_and_weights_are_the_specs() -> None:
    module = sides()
    assert module.output_weights == WEIGHTS
    assert list(module.output_weights) == list(WEIGHTS)
    made = archdsl.parse(SIDES).with_knobs()
    assert made.side_outputs == {k: v for k, v in WEIGHTS.items() if k != "main"}
    assert sides(w=2, count=1).output_weights == {
        "main": 1.0,
        "early": 2.0,
        "step1": 0.1,
        "plain": 1.0,
    }
    assert type(sides(w=2).output_weights["early"]) is float


def test_named_outputs_in_training_and_the_main_one_alone_in_evaluation() -> None:
    module, images = sides(), batch(3, 3, 8, 8)
    trained = module.train()(images)
    assert list(trained) == list(WEIGHTS)
    assert all(y.shape == (3, 5) for y in trained.values())
    evaluated = module.eval()(images)
    assert isinstance(evaluated, Tensor)
    assert torch.equal(evaluated, trained["main"])


def test_evaluation_computes_no_side_output() -> None:
    module = sides().eval()
    run = []
    for name, layer in module.named_modules():
        layer.register_forward_hook(lambda *_, name=name: run.append(name.split(".")[0]))
    module(batch(1, 3, 8, 8))
    assert set(run) == {"", "conv1", "conv2", "conv3", "relu1", "relu2", "relu3", "head"}
    run.clear()
    module.train()(batch(1, 3, 8, 8))
    assert {"early", "step1", "step2", "plain"} <= set(run)


def by_hand(module: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """The network of ``SIDES``, with nothing done in place."""
    w = dict(module.named_parameters())

    def conv(name: str, x: Tensor) -> Tensor:
        return F.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], padding=1)

    def end(name: str, x: Tensor) -> Tensor:
        return F.linear(x.mean((2, 3)), w[f"{name}.weight"], w[f"{name}.bias"])

    x1 = torch.relu(conv("conv1", x))
    x2 = conv("conv2", x1)
    x3 = conv("conv3", torch.relu(x2))
    x4 = torch.relu(x3)
    return {
        "main": end("head.linear1", x4),
        "early": end("early.linear1", x1),
        "step1": end("step1.linear1", torch.relu(x2)),
        "step2": end("step2.linear1", torch.relu(x3)),
        "plain": F.linear(x4.flatten(1), w["plain.linear1.weight"], w["plain.linear1.bias"]),
    }


def test_outputs_and_gradients_are_those_of_the_branches() -> None:
    """A side output that starts with an activation leaves the tensor of the main path as it is,
    and what comes after it on the main path leaves the side output's."""
    module, images = sides().double().train(), batch(4, 3, 8, 8).double()
    target = torch.tensor([0, 4, 2, 2])
    found, wanted = module(images), by_hand(module, images)
    for name, y in wanted.items():
        torch.testing.assert_close(found[name], y)
    parameters = list(module.parameters())
    losses = {k: F.cross_entropy(y, target) for k, y in wanted.items()}
    expected = sum(WEIGHTS[k] * losses[k] for k in WEIGHTS)
    loss = module.loss(found, target)
    torch.testing.assert_close(loss, expected)
    for a, b in zip(
        torch.autograd.grad(loss, parameters),
        torch.autograd.grad(expected, parameters),
        strict=True,
    ):
        torch.testing.assert_close(a, b)


def test_the_loss_is_linear_in_its_weights() -> None:
    module, images, target = sides().train(), batch(2, 3, 8, 8), torch.tensor([1, 3])
    found = module(images)
    alone = {}
    for name in WEIGHTS:
        module.output_weights = {k: float(k == name) for k in WEIGHTS}
        alone[name] = module.loss(found, target)
        torch.testing.assert_close(alone[name], F.cross_entropy(found[name], target))
    module.output_weights = dict.fromkeys(WEIGHTS, 2.0)
    torch.testing.assert_close(module.loss(found, target), 2 * sum(alone.values()))


def test_the_loss_in_evaluation_and_with_another_criterion() -> None:
    module, images, target = sides(), batch(2, 3, 8, 8), torch.tensor([1, 3])
    evaluated = module.eval()(images)
    assert torch.equal(module.loss(evaluated, target), F.cross_entropy(evaluated, target))

    def squares(y: Tensor, target: Tensor) -> Tensor:
        return (y - F.one_hot(target, 5)).square().sum()

    assert torch.equal(module.loss(evaluated, target, squares), squares(evaluated, target))
    trained = module.train()(images)
    wanted = sum(WEIGHTS[k] * squares(y, target) for k, y in trained.items())
    torch.testing.assert_close(module.loss(trained, target, criterion=squares), wanted)


def test_a_weight_of_zero_gives_its_branch_no_gradient() -> None:
    module = sides(w=0).train()
    module.loss(module(batch(2, 3, 8, 8)), torch.tensor([1, 3])).backward()
    assert (module.early.linear1.weight.grad == 0).all()
    assert (module.step1.linear1.weight.grad != 0).any()


def test_weights_of_side_outputs_are_kept_with_the_others() -> None:
    """In the ``state_dict`` whatever the mode, and with the module in copies."""
    module = sides()
    keys = set(module.train().state_dict())
    assert set(module.eval().state_dict()) == keys
    assert {"early.linear1.weight", "step2.linear1.bias", "plain.linear1.weight"} <= keys
    copy = deepcopy(module)
    copy.output_weights["early"] = 0.0
    assert module.output_weights == WEIGHTS
    assert copy.train()(batch(1, 3, 8, 8)).keys() == WEIGHTS.keys()


def test_without_side_outputs_there_is_neither_a_dictionary_nor_a_loss() -> None:
    module = archdsl.parse("arch a()\ninput 3x8x8\nlinear(5)\n").with_knobs().build().train()
    assert isinstance(module(batch(1, 3, 8, 8)), Tensor)
    assert not hasattr(module, "loss") and not hasattr(module, "output_weights")
    off = archdsl.load("googlenet_tv", aux=False, classes=10).build("meta")
    assert not hasattr(off, "loss") and not hasattr(off, "output_weights")


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("googlenet_tv", {"main": 1.0, "aux1": 0.3, "aux2": 0.3}),
        ("googlenet_paper", {"main": 1.0, "aux1": 0.3, "aux2": 0.3}),
        ("inception_v3", {"main": 1.0, "aux": 0.4}),
    ],
)
def test_the_weights_of_the_papers(name: str, weights: dict[str, float]) -> None:
    assert archdsl.load(name).build("meta").output_weights == weights


def test_googlenets_loss_is_the_papers() -> None:
    """The sum of the three classifiers' losses, 0.3 for the auxiliary ones (arXiv:1409.4842,
    section 5): with torchvision's weights, the loss and the gradients of torchvision's network."""
    theirs = drawn(
        lambda: models.googlenet(num_classes=10, aux_logits=True, init_weights=False)
    ).train()
    ours = archdsl.load("googlenet_tv", classes=10).build().train()
    taken = archdsl.transfer(theirs.state_dict(), ours)
    images, target = batch(2, 3, 64, 64), torch.tensor([3, 8])
    without_dropout(ours), without_dropout(theirs)
    found = ours.loss(ours(images), target)
    y = theirs(images)
    wanted = F.cross_entropy(y.logits, target)
    wanted = wanted + 0.3 * F.cross_entropy(y.aux_logits1, target)
    wanted = wanted + 0.3 * F.cross_entropy(y.aux_logits2, target)
    torch.testing.assert_close(found, wanted, rtol=1e-6, atol=0)
    found.backward()
    wanted.backward()
    gradients = {k: p.grad for k, p in theirs.named_parameters()}
    for key, tensor in ours.named_parameters():
        torch.testing.assert_close(tensor.grad, gradients[taken[key]], rtol=1e-4, atol=1e-5)


def test_training_with_archdsl_uses_the_loss() -> None:
    from archdsl.training.recipe import Recipe
    from archdsl.training.trainer import loss_of

    module, images, target = sides().train(), batch(2, 3, 8, 8), torch.tensor([1, 3])
    found = module(images)
    wanted = sum(WEIGHTS[k] * F.cross_entropy(y, target) for k, y in found.items())
    torch.testing.assert_close(loss_of(module, Recipe())(found, target), wanted)
    smooth = sum(
        WEIGHTS[k] * F.cross_entropy(y, target, label_smoothing=0.1) for k, y in found.items()
    )
    loss = loss_of(module, Recipe(label_smoothing=0.1))
    torch.testing.assert_close(loss(found, target), smooth)
