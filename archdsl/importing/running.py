"""Both networks run: results and gradients in double precision, in evaluation and in training."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from archdsl.importing.record import DROPS, Tied

CLOSE = 1e-9  # how far results may be off, relative to the largest
MOST = 150_000_000  # parameters of a network that is run


def prepared(module: nn.Module) -> nn.Module:
    """A copy in double precision with random statistics and without randomness: factors that start
    at zero would hide what is behind them. Random numbers outside are not touched."""
    copy = deepcopy(module).to(torch.float64)
    generator = torch.Generator().manual_seed(0)

    def noise(tensor: torch.Tensor) -> torch.Tensor:
        return torch.randn(tensor.shape, generator=generator, dtype=torch.float64)

    with torch.no_grad():
        for parameter in copy.parameters():
            parameter.requires_grad_()  # whether it is frozen is no part of a network
            if parameter.dim() <= 1 or not parameter.any():
                parameter.add_(0.1 * noise(parameter))
        for part in copy.modules():
            mean, variance = (getattr(part, f"running_{n}", None) for n in ("mean", "var"))
            if isinstance(mean, torch.Tensor) and isinstance(variance, torch.Tensor):
                variance.copy_(0.5 + noise(variance).abs())
                mean.copy_(0.1 * noise(mean))
    without_chance(copy)
    return copy


def without_chance(module: nn.Module) -> None:
    """Sets all probabilities of dropping to zero."""
    for part in module.modules():
        name = type(part).__name__
        if isinstance(part, nn.modules.dropout._DropoutNd) or name in DROPS:
            for attribute in ("p", "drop_prob"):
                if hasattr(part, attribute):
                    setattr(part, attribute, 0.0)
        if hasattr(part, "survive"):
            part.survive = 1.0  # type: ignore[assignment]


class Certain(TorchFunctionMode):
    """Dropout leaves everything in its place, wherever it is called; and what is in double
    precision stays there, where a module asks for single."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        if args and ("dropout" in name or (name == "float" and args[0].dtype == torch.float64)):
            return args[0]
        return func(*args, **(kwargs or {}))


def carry(weights: Mapping[str, Tied], theirs: nn.Module, ours: nn.Module) -> None:
    """The weights of one module, loaded into the other."""
    given, wanted = theirs.state_dict(), ours.state_dict()
    taken = {
        key: weights[key].theirs(given[weights[key].key]).reshape(old.shape)
        if key in weights
        else old
        for key, old in wanted.items()
    }
    ours.load_state_dict(taken)


def compare(
    theirs: nn.Module,
    ours: nn.Module,
    weights: Mapping[str, Tied],
    shape: tuple[int, ...],
    sides: int,
) -> str:
    """In what two modules with the same weights differ on a random batch; nothing where they do
    not. Both are as ``prepared`` makes them, and their weights stay as they are."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(shape, generator=generator, dtype=torch.float64)
    for training in (False, True):
        mode = "in training" if training else "in evaluation"
        state = {k: v.clone() for k, v in theirs.state_dict().items()}
        one = _run(theirs, x, training, sides)
        theirs.load_state_dict(state)
        state = {k: v.clone() for k, v in ours.state_dict().items()}
        other = _run(ours, x, training, sides)
        ours.load_state_dict(state)
        for a, b in zip(one[0], other[0], strict=True):
            if (off := _off(a, b)) > CLOSE:
                return f"results {mode} are off by {off:.2g} of the largest, for a batch {shape}"
        grads = other[1] | {"": other[2]}
        keys = {key: tied.key for key, tied in weights.items()} | {"": ""}
        largest = max(float(g.abs().max()) for g in (one[1] | {"": one[2]}).values())
        for key, gradient in grads.items():
            known = (one[1] | {"": one[2]}).get(keys.get(key, ""))
            if known is None:
                return f"`{key}` has a gradient {mode}, and `{keys.get(key, '')}` has none"
            known = weights[key].theirs(known) if key in weights else known
            off = float((known.reshape(gradient.shape) - gradient).abs().max())
            if off > CLOSE * 100 * max(largest, 1e-30):
                return f"the gradient of `{keys[key]}` {mode} is off by {off:.2g}"
    return ""


def _run(
    module: nn.Module, x: torch.Tensor, training: bool, sides: int
) -> tuple[list[torch.Tensor], dict[str, torch.Tensor], torch.Tensor]:
    """Results, and the gradients of a sum of them: by key, and of the images."""
    module.train(training)
    x = x.clone().requires_grad_()
    with Certain():
        out = outputs(module(x.clone()))  # which a layer may change in its place
    out = out[: 1 + (sides if training else 0)]
    generator = torch.Generator().manual_seed(2)
    total = sum((o * torch.randn(o.shape, generator=generator, dtype=o.dtype)).sum() for o in out)
    parameters = dict(module.named_parameters())
    named = list(parameters)
    assert isinstance(total, torch.Tensor)
    found = torch.autograd.grad(total, [x, *parameters.values()], allow_unused=True)
    grads = {n: g for n, g in zip(named, found[1:], strict=True) if g is not None}
    return [o.detach() for o in out], grads, found[0]


def outputs(out: Any) -> list[torch.Tensor]:
    """The tensors of what a module gives, the main result first."""
    if isinstance(out, torch.Tensor):
        return [out]
    if hasattr(out, "_asdict"):
        out = out._asdict()
    if isinstance(out, dict):
        main = next((k for k in ("main", "logits", "out") if k in out), next(iter(out)))
        rest = sorted(k for k in out if k != main and isinstance(out[k], torch.Tensor))
        return [out[main], *(out[k] for k in rest)]
    return [t for t in out if isinstance(t, torch.Tensor)]


def _off(a: torch.Tensor, b: torch.Tensor) -> float:
    scale = max(float(a.abs().max()), 1e-30)
    return float((a - b.reshape(a.shape)).abs().max()) / scale
