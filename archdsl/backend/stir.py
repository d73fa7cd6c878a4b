"""Weights under which a network's result depends on its input, for checks."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from archdsl.backend.example_inputs import another, several

if TYPE_CHECKING:
    import torch
    from torch import nn

BATCH = 4  # images whose statistics are taken


def stirred(module: nn.Module, example: torch.Tensor | Sequence[torch.Tensor]) -> nn.Module:
    """A copy in evaluation. Scales and shifts are drawn; each convolution and linear layer is
    scaled so that its results have a deviation of 1, and each normalisation has the statistics
    of what it gets (layer-sequential unit variance, arXiv:1511.06422). Its random numbers are
    its own."""
    import torch
    from torch import nn
    from torch.nn.modules.batchnorm import _BatchNorm
    from torch.nn.modules.conv import _ConvNd

    other = copy.deepcopy(module).cpu().eval()
    draw = torch.Generator().manual_seed(0)
    weighted = (_ConvNd, nn.Linear)

    def measured(layer: Any, given: tuple[torch.Tensor, ...]) -> None:
        x = given[0].float().transpose(0, 1).flatten(1)
        layer.running_mean.copy_(x.mean(1))
        layer.running_var.copy_(x.var(1, unbiased=False).clamp(min=1e-3))

    def scaled(layer: Any, given: tuple[torch.Tensor, ...], result: torch.Tensor) -> torch.Tensor:
        deviation = result.float().std().clamp(min=1e-6).to(result.dtype)
        layer.weight /= deviation
        if layer.bias is not None:
            layer.bias /= deviation
        return result / deviation

    hooks = []
    with torch.no_grad():
        for layer in other.modules():
            if isinstance(layer, weighted) and not hasattr(layer, "gain"):  # else it scales itself
                hooks.append(layer.register_forward_hook(scaled))
                continue
            for name, tensor in layer.named_parameters(recurse=False):
                drawn = torch.rand(tensor.shape, generator=draw)
                tensor.copy_(drawn * 0.2 - 0.1 if name == "bias" else drawn + 0.5)
            if isinstance(layer, _BatchNorm) and layer.running_mean is not None:
                hooks.append(layer.register_forward_pre_hook(measured))
        other(*another(several(example), BATCH, draw))
    for hook in hooks:
        hook.remove()
    return other
