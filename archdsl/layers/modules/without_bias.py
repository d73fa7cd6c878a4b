"""Normalisation with a scale and no shift."""

from torch import nn


def without_bias(norm: nn.Module) -> nn.Module:
    """The norm with its scale alone: older PyTorch has no ``bias=False`` for it."""
    norm.register_parameter("bias", None)
    return norm
