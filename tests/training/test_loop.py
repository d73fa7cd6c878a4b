"""Training: against a loop written by hand, and what a recipe asks for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from small import CLASSES, NORMED, PLAIN, SIDE, network, splits
from torch import Tensor, nn

from archdsl import ArchError
from archdsl.training.augmentations import Flip, RandomCrop
from archdsl.training.data import load
from archdsl.training.data.splits import Images, Splits
from archdsl.training.loop import evaluate, train, train_candidate
from archdsl.training.losses import loss_of
from archdsl.training.outcome import Epoch, Failure, Outcome, TrainingStep
from archdsl.training.precision import memory_format, precision
from archdsl.training.ranks import Ranks
from archdsl.training.recipe import Adam, AdamW, Constant, Recipe, RmsProp, Sgd
from archdsl.training.schedules import learning_rate
from archdsl.training.seeds import derived, generator
from archdsl.training.sets import Digits
from archdsl.training.trainer import Trainer

CPU = torch.device("cpu")
QUICK = Recipe(epochs=3, batch=16, lr=0.05)


def trained(text: str = PLAIN, recipe: Recipe = QUICK, seed: int = 0) -> tuple[nn.Module, Outcome]:
    return train_candidate(network(text), splits(), recipe, seed)


def trainer(text: str = PLAIN, recipe: Recipe = QUICK) -> Trainer:
    torch.manual_seed(0)
    return Trainer(network(text).build(), splits(), recipe, 0, CPU, Ranks())


def weights(module: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in module.parameters()])


def numbers(outcome: Outcome) -> list[tuple[float, ...]]:
    return [(e.epoch, e.loss, e.accuracy, e.train_loss, e.lr) for e in outcome.epochs]


# ----------------------------------------------------------------------------- numbers


def test_a_network_learns() -> None:
    """The digits of scikit-learn; other machines add in another order, and come near."""
    text = "arch net(classes = 10)\ninput 1x8x8\nconv(8, 3) -> bn -> relu -> linear(classes)\n"
    recipe = Recipe(epochs=4, batch=64, lr=0.05)
    _, found = train_candidate(network(text), load(Digits(), Path()), recipe, 1)
    losses = [epoch.train_loss for epoch in found.epochs]
    assert losses == pytest.approx([0.7123, 0.1221, 0.0752, 0.0562], rel=0.02)
    assert found.loss == pytest.approx(0.0960, rel=0.05)
    assert found.accuracy == pytest.approx(0.9777, abs=0.006), "two images of 359"
    assert [epoch.epoch for epoch in found.epochs] == [1, 2, 3, 4]
    assert found.seconds == sum(epoch.seconds for epoch in found.epochs)
    assert found.images_per_second > 0 and found.peak_memory is None


def test_a_seed_decides_every_number() -> None:
    recipe = Recipe(epochs=2, batch=16, augment=(RandomCrop(1), Flip()))
    (one, first), (two, second), (_, other) = (trained(NORMED, recipe, s) for s in (4, 4, 5))
    assert numbers(first) == numbers(second) != numbers(other)
    assert torch.equal(weights(one), weights(two))


def test_the_random_state_outside_is_left_alone() -> None:
    torch.manual_seed(8)
    expected = torch.rand(3)
    torch.manual_seed(8)
    trained(NORMED)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(
    "recipe",
    [
        QUICK,
        Recipe(epochs=2, batch=16, lr=0.05, optimizer=Sgd(decay="weights"), label_smoothing=0.1),
        Recipe(epochs=2, batch=24, lr=0.01, optimizer=AdamW(decay="weights"), clip=0.5, warmup=1),
        Recipe(epochs=2, batch=16, lr=0.01, optimizer=Adam(0.8, 0.99, 0.1)),
        Recipe(epochs=2, batch=16, lr=0.001, optimizer=RmsProp(0.9, 0.5, 0.1)),
    ],
)
def test_it_is_what_a_loop_by_hand_would_do(recipe: Recipe) -> None:
    """The same start, order and recipe, on images normalised at once, one by one indexed."""
    text = NORMED.replace("dropout(0.2) -> ", "").replace(
        "8x8\n", "8x8\ndefault conv(bias = false)\n"
    )
    found, outcome = trained(text, recipe, 7)
    torch.manual_seed(derived(7, "start"))
    net = network(text).build(memory_format=torch.channels_last)
    data = splits()
    x = (data.train.images / 255 - data.mean.view(-1, 1, 1)) / data.std.view(-1, 1, 1)
    x, y = x.contiguous(memory_format=torch.channels_last), data.train.labels
    kind: Any = recipe.optimizer
    plain = [p for p in net.parameters() if p.dim() == 1 and kind.decay == "weights"]
    decaying = [p for p in net.parameters() if all(p is not q for q in plain)]
    groups = [
        {"params": decaying, "weight_decay": kind.weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    optimizer: torch.optim.Optimizer
    if isinstance(kind, AdamW):
        optimizer = torch.optim.AdamW(groups, recipe.lr, (kind.beta1, kind.beta2))
    elif isinstance(kind, Adam):
        optimizer = torch.optim.Adam(groups, recipe.lr, (0.8, 0.99))
    elif isinstance(kind, RmsProp):
        optimizer = torch.optim.RMSprop(groups, recipe.lr, 0.9, momentum=0.5)
    else:
        optimizer = torch.optim.SGD(groups, recipe.lr, kind.momentum, nesterov=kind.nesterov)
    steps = len(x) // recipe.batch
    for epoch in range(recipe.epochs):
        order = torch.randperm(len(x), generator=generator("cpu", 7, "order", epoch + 1))
        losses = []
        for step in range(steps):
            rows = order[step * recipe.batch : (step + 1) * recipe.batch]
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(recipe, epoch * steps + step, steps)
            loss = F.cross_entropy(net(x[rows]), y[rows], label_smoothing=recipe.label_smoothing)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            if recipe.clip:
                nn.utils.clip_grad_norm_(net.parameters(), recipe.clip)
            optimizer.step()
            losses.append(loss.item())
        assert outcome.epochs[epoch].train_loss == pytest.approx(sum(losses) / steps, rel=1e-4)
    torch.testing.assert_close(weights(found), weights(net), rtol=1e-3, atol=1e-4)


# ------------------------------------------------------------------------------- order


def test_an_epoch_shows_each_image_once_and_another_order_each_time() -> None:
    training = trainer(recipe=Recipe(epochs=2, batch=24))
    assert (training.batch, training.steps) == (24, 2)
    shown = []
    for number in (1, 2, 1):
        images = torch.cat([images for images, _ in training.batches(number)])
        assert len(images) == 48 == len(images.flatten(1).unique(dim=0))
        shown.append(images)
    assert not torch.equal(shown[0], shown[1])
    assert torch.equal(shown[0], shown[2])


def test_a_batch_is_at_most_all_images() -> None:
    training = trainer(recipe=Recipe(epochs=1, batch=1000))
    assert (training.batch, training.steps) == (64, 1)
    assert training.epoch().epoch == 1 and training.finished


def test_steps_are_told() -> None:
    """With the mean loss of the epoch so far; the validation counts as one more step."""
    told: list[tuple[int, int, int]] = []
    losses, epochs = [], []

    def hear(step: TrainingStep) -> None:
        told.append((step.epoch, step.done, step.steps))
        losses.append(step.loss)
        epochs.append(step.epochs)

    recipe = Recipe(epochs=2, batch=32)
    outcome = train(network().build(), splits(), recipe, 0, on_step=hear)
    assert told == [(1, 1, 2), (1, 2, 2), (2, 1, 2), (2, 2, 2)]
    assert epochs == pytest.approx([1 / 3, 2 / 3, 4 / 3, 5 / 3])
    assert losses[1::2] == pytest.approx([epoch.train_loss for epoch in outcome.epochs])


def test_what_a_callback_raises_passes_through() -> None:
    def stop(epoch: Epoch) -> None:
        raise KeyError(epoch.epoch)

    with pytest.raises(KeyError, match="1"):
        train(network().build(), splits(), QUICK, 0, on_epoch=stop)


def test_a_trained_network_is_in_evaluation() -> None:
    module, outcome = trained(NORMED)
    assert not any(part.training for part in module.modules())
    assert evaluate(module, splits().validation, splits()) == (outcome.accuracy, outcome.loss)


def test_evaluation_is_of_all_images_with_the_statistics_of_training() -> None:
    module, _ = trained(NORMED)
    data = splits(test=37)
    x = (data.test.images / 255 - data.mean.view(-1, 1, 1)) / data.std.view(-1, 1, 1)
    with torch.no_grad():
        outputs = module(x)
    expected = F.cross_entropy(outputs, data.test.labels).item()
    right = (outputs.argmax(1) == data.test.labels).float().mean().item()
    for batch in (3, 16, 500):
        found = evaluate(module, data.test, data, recipe=Recipe(batch=batch))
        assert found == pytest.approx((right, expected), rel=1e-4)
    module.train()
    evaluate(module, data.test, data)
    assert module.training


# ------------------------------------------------------------------------------ recipe


def test_side_outputs_have_their_share_of_the_loss() -> None:
    module = network(SIDE).build().train()
    x, y = torch.randn(8, 1, 8, 8), torch.arange(8) % CLASSES
    outputs = module(x)
    assert set(outputs) == {"main", "early"}
    for smoothing in (0.0, 0.2):
        loss = loss_of(module, Recipe(label_smoothing=smoothing))
        main, early = (
            F.cross_entropy(outputs[k], y, label_smoothing=smoothing) for k in ("main", "early")
        )
        torch.testing.assert_close(loss(outputs, y), main + 0.3 * early)
    training = trainer(SIDE, Recipe(epochs=1, batch=16, optimizer=Sgd(weight_decay=0.0)))
    before = {k: v.clone() for k, v in training.module.named_parameters()}
    assert training.epoch().train_loss > 1.3  # log 4, and 0.3 of it
    moved = {k for k, v in training.module.named_parameters() if not torch.equal(v, before[k])}
    assert moved == set(before)


def test_label_smoothing() -> None:
    outputs, labels = torch.randn(5, CLASSES), torch.arange(5) % CLASSES
    loss = loss_of(network().build(), Recipe(label_smoothing=0.1))(outputs, labels)
    logs = F.log_softmax(outputs, 1)
    expected = -(0.9 * logs[range(5), labels] + 0.1 * logs.mean(1)).mean()
    torch.testing.assert_close(loss, expected)
    _, found = trained(recipe=Recipe(epochs=8, batch=16, label_smoothing=0.4))
    assert found.epochs[-1].train_loss > found.loss + 0.3, "validation is without it"


@pytest.mark.parametrize("kind", [Sgd, AdamW, Adam, RmsProp])
def test_which_parameters_decay(kind: Callable[..., Sgd | AdamW | Adam | RmsProp]) -> None:
    everything = trainer(NORMED, Recipe(optimizer=kind(weight_decay=0.2))).optimizer
    assert [g["weight_decay"] for g in everything.param_groups] == [0.2]
    training = trainer(NORMED, Recipe(optimizer=kind(weight_decay=0.2, decay="weights")))
    decaying, others = training.optimizer.param_groups
    assert (decaying["weight_decay"], others["weight_decay"]) == (0.2, 0.0)
    names = {p: n for n, p in training.module.named_parameters()}
    assert sorted(names[p] for p in decaying["params"]) == [
        "conv1.weight",
        "conv2.weight",
        "linear1.weight",
    ]
    assert len(decaying["params"]) + len(others["params"]) == len(names)


def test_what_is_frozen_is_not_trained() -> None:
    module = network(NORMED).build()
    frozen = next(module.parameters()).requires_grad_(False)
    before = frozen.clone()
    train(module, splits(), QUICK, 0)
    assert torch.equal(frozen, before)


@pytest.mark.parametrize("clip", [None, 0.01])
def test_a_clipped_gradient(clip: float | None) -> None:
    """With a learning rate of one and nothing else, a step is as long as the gradient."""
    plain = Sgd(momentum=0.0, weight_decay=0.0)
    recipe = Recipe(epochs=1, batch=64, lr=1.0, optimizer=plain, schedule=Constant(), clip=clip)
    training = trainer(recipe=recipe)
    before = weights(training.module)
    training.epoch()
    length = (weights(training.module) - before).norm().item()
    assert length == pytest.approx(clip, rel=1e-3) if clip else length > 0.1


def test_mixed_precision_on_the_processor() -> None:
    seen: list[torch.dtype] = []
    training = trainer(recipe=Recipe(epochs=1, batch=16, amp="on"))
    training.module.get_submodule("conv1").register_forward_hook(
        lambda module, given, made: seen.append(made.dtype)
    )
    found = training.epoch()
    assert set(seen) == {torch.bfloat16} and len(seen) == 4 + 1
    assert {p.dtype for p in training.module.parameters()} == {torch.float32}
    whole = trainer(recipe=Recipe(epochs=1, batch=16)).epoch()
    assert found.train_loss != whole.train_loss
    assert found.train_loss == pytest.approx(whole.train_loss, rel=0.02)
    assert precision(Recipe(), CPU).dtype is None, "`auto` is for GPUs"


@pytest.mark.parametrize(("word", "last"), [("auto", True), ("on", True), ("off", False)])
def test_channels_last(word: str, last: bool) -> None:
    recipe = Recipe(epochs=1, batch=16, channels_last=word, augment=(RandomCrop(1), Flip()))
    training = trainer(NORMED, recipe)
    weight = training.module.get_parameter("conv2.weight")
    assert weight.is_contiguous(memory_format=torch.channels_last) is last
    seen: list[bool] = []
    training.module.get_submodule("conv2").register_forward_hook(
        lambda module, given, made: seen.append(
            given[0].is_contiguous(memory_format=torch.channels_last)
        )
    )
    assert training.epoch().train_loss == pytest.approx(1.412, abs=2e-2), "however it lies"
    assert set(seen) == {last}


@pytest.mark.parametrize(("channels", "last"), [(4, False), (8, True)])
def test_channels_stay_first_where_a_processor_would_write_beyond_its_memory(
    channels: int, last: bool
) -> None:
    module = torch.nn.Conv2d(channels, 16, 1, stride=2)
    found = memory_format(Recipe(), CPU, module)
    assert found is (torch.channels_last if last else torch.contiguous_format)
    assert memory_format(Recipe(), torch.device("cuda"), module) is torch.channels_last


@pytest.mark.slow
def test_compiled_it_learns_the_same() -> None:
    _, plain = trained(recipe=QUICK)
    _, compiled = trained(recipe=Recipe(epochs=3, batch=16, lr=0.05, compile=True))
    for a, b in zip(numbers(plain), numbers(compiled), strict=True):
        assert a == pytest.approx(b, rel=1e-3)


# ---------------------------------------------------------------------------- failures


def test_a_loss_that_is_not_finite_ends_the_training() -> None:
    told: list[Epoch] = []
    with pytest.raises(Failure) as caught:
        train(network().build(), splits(), Recipe(lr=1e20, batch=16), 0, on_epoch=told.append)
    assert caught.value.cause == "diverged" and told == []
    assert str(caught.value).splitlines() == [
        "error[A809]: the loss is not finite in epoch 1",
        "  = help: lower `lr` (it is 1e+20), or add `warmup` or `clip`",
    ]


def test_a_loss_that_is_not_finite_in_validation() -> None:
    """The last step of an epoch breaks the network: its own loss was still finite."""
    with pytest.raises(Failure, match="not finite in epoch 1"):
        train(network().build(), splits(), Recipe(lr=1e38, batch=64, schedule=Constant()), 0)


class Raising(nn.Module):
    def __init__(self, problem: Exception) -> None:
        super().__init__()
        self.linear, self.problem = nn.Linear(64, CLASSES), problem

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            raise self.problem
        made: Tensor = self.linear(x.flatten(1))
        return made


@pytest.mark.parametrize(
    "problem",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"),
        MemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
    ],
)
def test_memory_that_does_not_suffice(problem: Exception) -> None:
    with pytest.raises(Failure) as caught:
        train(Raising(problem), splits(), QUICK, 0)
    assert caught.value.cause == "out of memory"
    assert str(caught.value).splitlines() == [
        "error[A810]: the memory of cpu is not enough for batches of 16 images of 1x8x8",
        "  = help: make the network narrower, or `batch` smaller if it is trained",
    ]


@pytest.mark.parametrize("problem", [RuntimeError("a layer of mine"), ValueError("so")])
def test_other_problems_pass_through(problem: Exception) -> None:
    with pytest.raises(type(problem), match=str(problem)):
        train(Raising(problem), splits(), QUICK, 0)


def test_batch_normalisation_of_a_single_value() -> None:
    deep = "arch deep\ninput 1x8x8\nconv(4, 8, pad = 0) -> bn -> relu -> linear(4)\n"
    with pytest.raises(ArchError) as caught:
        train(network(deep).build(), splits(), Recipe(batch=1), 0)
    assert str(caught.value) == (
        "error[A806]: a batch of 1 cannot be trained: batch normalisation gets a single value"
    )


def test_a_network_that_does_not_fit_is_not_built() -> None:
    wide = Images(torch.zeros(8, 3, 8, 8, dtype=torch.uint8), torch.arange(8) % CLASSES)
    with pytest.raises(ArchError, match="it takes 1x8x8, and the images are 3x8x8"):
        train_candidate(network(), Splits(wide, wide, lambda: wide, CLASSES), QUICK, 0)
