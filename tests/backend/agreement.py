"""Whether two modules are the same function: in evaluation, and in a training step.

Weights are drawn here and not by the modules, so that none is zero or equal to another, and an
exchange of two layers shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

import archdsl

# Of the largest value of a tensor: sums in another order differ by a few roundings of float32.
ROUNDING = 1e-5


def hollow(make: Callable[[], nn.Module]) -> nn.Module:
    """A module on the processor whose weights are whatever was in the memory."""
    with torch.device("meta"):
        module = make()
    return module.to_empty(device="cpu")


def drawn(make: Callable[[], nn.Module]) -> nn.Module:
    """A module on the processor with random weights; its own initialisation is never run."""
    module = hollow(make)
    for buffer in module.buffers():
        buffer.zero_()
    return redrawn(module)


def redrawn(module: nn.Module) -> nn.Module:
    """The module with random weights and statistics; what it has worked out stays as it is."""
    generator = torch.Generator().manual_seed(1)
    for layer in module.modules():
        norm = isinstance(layer, nn.modules.batchnorm._BatchNorm)
        for name, tensor in layer.named_parameters(recurse=False):
            fan_in = tensor[0].numel() if tensor.dim() > 1 else 1
            bound = (3 / fan_in) ** 0.5 if tensor.dim() > 1 else 0.1
            low, high = (-1.5, 1.5) if norm and name == "weight" else (-bound, bound)
            nn.init.uniform_(tensor, low, high, generator)
        for name, tensor in layer.named_buffers(recurse=False):
            if name == "running_mean":
                nn.init.uniform_(tensor, -0.1, 0.1, generator)
            elif name == "running_var":
                nn.init.uniform_(tensor, 0.5, 1.5, generator)
    return module


def without_dropout(module: nn.Module) -> nn.Module:
    """The module with every dropout off, also in training."""
    for layer in module.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
    return module


def batch(*shape: int) -> Tensor:
    """Images, the same ones in every call."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(2))


def outputs(module: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """What a module gives, by name: torchvision's GoogLeNet gives a named tuple."""
    found = module(images)
    if isinstance(found, Tensor):
        return {"main": found}
    if isinstance(found, Mapping):
        return dict(found)
    named = {"logits": "main", "aux_logits1": "aux1", "aux_logits2": "aux2"}
    return {named[k]: y for k, y in found._asdict().items()}


def close(found: Tensor, wanted: Tensor, what: str, rounding: float, least: float = 0.0) -> None:
    """Equal but for rounding, relative to the largest value, or ``least`` if that is larger."""
    assert found.shape == wanted.shape, what
    assert wanted.isfinite().all(), what
    if not torch.equal(found, wanted):
        error = (found - wanted).abs().max().item()
        scale = max(wanted.abs().max().item(), least)
        assert error <= rounding * scale, f"{what}: off by {error / scale:.2g} of the largest value"


def assert_same_function(
    theirs: nn.Module, ours: nn.Module, images: Tensor, rounding: float = ROUNDING
) -> dict[str, str]:
    """Copies their weights with ``transfer`` and compares outputs in evaluation; then outputs,
    gradients of all weights and of the images, and buffers of a training step.

    Returns their key for each of ours.
    """
    taken = archdsl.transfer(theirs.state_dict(), ours)
    assert set(taken) == set(ours.state_dict())
    assert sorted(taken.values()) == sorted(theirs.state_dict())
    with torch.no_grad():
        ours.eval(), theirs.eval()
        close(ours(images), theirs(images), "the output in evaluation", rounding)
    without_dropout(ours).train(), without_dropout(theirs).train()
    ours_in, theirs_in = (images.clone().requires_grad_() for _ in range(2))
    found, wanted = outputs(ours, ours_in), outputs(theirs, theirs_in)
    assert found.keys() == wanted.keys()
    for name in wanted:
        close(found[name], wanted[name], f"output {name} in training", rounding)
    for results in (found, wanted):  # each element has a weight of its own in the loss
        generator = torch.Generator().manual_seed(3)
        weights = {k: torch.randn(results[k].shape, generator=generator) for k in sorted(results)}
        torch.stack([(weights[k] * y).sum() for k, y in results.items()]).sum().backward()
    assert theirs_in.grad.abs().max() > 0
    close(ours_in.grad, theirs_in.grad, "the gradient of the images", rounding)
    parameters, buffers = dict(theirs.named_parameters()), dict(theirs.named_buffers())
    # Of a bias before a normalisation there is nothing but rounding.
    least = 1e-3 * max(p.grad.abs().max().item() for p in parameters.values())
    for key, tensor in ours.named_parameters():
        other = parameters[taken[key]].grad.reshape(tensor.shape)
        close(tensor.grad, other, f"the gradient of {key}", rounding, least)
    for key, tensor in ours.named_buffers():
        close(tensor, buffers[taken[key]], f"{key} after a step", rounding)
    return taken
