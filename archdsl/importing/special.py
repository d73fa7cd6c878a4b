"""Convolutions that PyTorch has not, as timm and archdsl's own files write them."""

from __future__ import annotations

from types import FunctionType
from typing import Any

from torch import nn

from archdsl.importing.single import KNOWN
from archdsl.layers.modules import convolution

TIMM_SAME = ("Conv2dSame", "StdConv2dSame", "ScaledStdConv2dSame")
TIMM_STANDARDIZED = ("StdConv2d", "StdConv2dSame", "ScaledStdConv2d", "ScaledStdConv2dSame")
OWN = {cls.__name__: cls for cls in (convolution.Same, convolution.Standardized)}


def special(module: nn.Module) -> str | None:
    """The operation of such a convolution."""
    if not isinstance(module, nn.modules.conv._ConvNd):
        return None
    return "of convolution" if is_same(module) or is_standardized(module) else None


KNOWN.append(special)


def is_same(module: nn.Module) -> bool:
    """Whether it pads as TensorFlow does."""
    if _of_timm(module, TIMM_SAME):
        return bool(getattr(module, "same_pad", True))
    return _has(module, convolution.Same)


def is_standardized(module: nn.Module) -> bool:
    """Whether its filters are standardised."""
    return _of_timm(module, TIMM_STANDARDIZED) or _has(module, convolution.Standardized)


def _of_timm(module: nn.Module, names: tuple[str, ...]) -> bool:
    cls = type(module)
    return cls.__name__ in names and cls.__module__.startswith("timm.layers.")


def _has(module: nn.Module, part: type) -> bool:
    """Whether a class of a module does what a class of ours does, whatever its file."""
    return any(
        cls.__name__ == part.__name__ and codes_of(cls) == codes_of(part)
        for cls in type(module).__mro__
    )


def codes_of(cls: type) -> Any:
    """What the methods of a class do: equal for copies of a class in other files."""
    methods = {k: v for k, v in vars(cls).items() if isinstance(v, FunctionType)}
    methods.pop("__reduce_ex__", None)  # of classes that were built in memory
    return {name: _code(method.__code__) for name, method in methods.items()}


def _code(code: Any) -> Any:
    consts = tuple(_code(c) if hasattr(c, "co_code") else repr(c) for c in code.co_consts)
    return code.co_code, code.co_names, code.co_varnames, consts
