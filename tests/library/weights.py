"""Two modules that should do the same: the weights of one for the other."""

from collections import defaultdict, deque
from collections.abc import Iterator

import torch
from torch import nn


def layers(module: nn.Module) -> list[nn.Module]:
    """Layers that have weights, in the order in which a network names them; RegNet names a
    block's projection before the block."""
    first: list[nn.Module] = []
    found: list[nn.Module] = []
    block = ""
    for name, layer in module.named_modules():
        if first and not name.startswith(block):
            found += first
            first = []
        if not [*layer.parameters(recurse=False), *layer.buffers(recurse=False)]:
            continue
        if ".proj." in name:
            block = name.partition("proj.")[0]
            first.append(layer)
        else:
            found.append(layer)
    return found + first


def tensors(layer: nn.Module) -> Iterator[torch.Tensor]:
    yield from layer.parameters(recurse=False)
    yield from layer.buffers(recurse=False)


def kind(layer: nn.Module) -> tuple[tuple[int, ...], ...]:
    """What two layers have in common that do the same; a linear layer is a 1x1 convolution."""
    return tuple(tuple(n for n in t.shape if n != 1) for t in tensors(layer))


def copy_weights(source: nn.Module, target: nn.Module) -> None:
    """Each layer's weights to the next one of its kind."""
    waiting: dict[object, deque[nn.Module]] = defaultdict(deque)
    for layer in layers(source):
        waiting[kind(layer)].append(layer)
    for layer in layers(target):
        other = waiting[kind(layer)].popleft()
        for mine, theirs in zip(tensors(layer), tensors(other), strict=True):
            mine.copy_(theirs.reshape(mine.shape))
    assert not any(waiting.values())
    roll_parts(target)


def roll_parts(module: nn.Module) -> None:
    """The last part of a Res2Net's unit comes first where the others were chained."""
    for unit in module.modules():
        if "Res2" in type(unit).__name__ and hasattr(unit, "dense1"):
            parts = len(unit.dense1) + 1
            weight = unit.get_submodule("conv2").weight
            weight.copy_(weight.roll(weight.shape[1] // parts, 1))


def stir(module: nn.Module) -> None:
    """Weights that differ everywhere, so that no exchange goes unnoticed."""
    torch.manual_seed(1)
    for layer in module.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, std=0.1)
            layer.running_mean.normal_(std=0.1)
            layer.running_var.uniform_(0.5, 1.5)
        if isinstance(layer, nn.LeakyReLU):
            layer.negative_slope = 0.1  # Darknet's; timm takes PyTorch's


def same(ours: nn.Module, theirs: nn.Module, image: torch.Tensor) -> None:
    """Both give the same for an image, but for the order in which they sum."""
    wanted = theirs(image)
    scale = wanted.abs().max().item()
    torch.testing.assert_close(ours(image), wanted, atol=1e-4 * scale, rtol=0)
