"""Which modules are recorded as one operation: those of ``torch.nn``, and others that are known."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn
from torch.nn.utils.parametrize import is_parametrized
from torch.nn.utils.prune import BasePruningMethod

CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
DROPS = ("DropPath", "StochasticDepth")  # modules that drop a branch in training, by their class
ONE = {  # of other packages, modules that are layers
    "ShiftedWindowAttention": "torchvision.",
    "GlobalResponseNorm": "timm.",
    "RmsNorm": "timm.",
    "RmsNorm2d": "timm.",
}
WHOLE = ("TransformerEncoderLayer", "TransformerEncoder")  # of torch.nn, but made of layers
# Normalisations of weights, by the classes of their hooks, and the functions that remove them.
REMOVED = {"WeightNorm": "remove_weight_norm", "SpectralNorm": "remove_spectral_norm"}
# What else is recorded as one operation: functions that say of a module which one.
KNOWN: list[Callable[[nn.Module], str | None]] = []


def recomputed(module: nn.Module) -> str:
    """What computes the weights of a module from others each time it runs, and what ends that."""
    if is_parametrized(module):
        ((name, first), *_) = module.parametrizations.items()  # type: ignore[operator,union-attr]
        kind = type(first[0]).__name__.lstrip("_")
        return _ended(kind, f'parametrize.remove_parametrizations(module, "{name}")')
    for hook in module._forward_pre_hooks.values():
        kind, package = type(hook).__name__, type(hook).__module__
        if package.startswith("torch.nn.utils.") and kind in REMOVED:
            return _ended(kind, f"{REMOVED[kind]}(module)")
        if isinstance(hook, BasePruningMethod):
            return _ended(kind, f'prune.remove(module, "{hook._tensor_name}")')
    return ""


def _ended(kind: str, call: str) -> str:
    return f"`{kind}` computes: make them plain first, by `torch.nn.utils.{call}`"


def one_operation(module: nn.Module) -> str | None:
    """The name of the operation as which a module is recorded, if it is one: not where something
    else than its class says what it does, such as a hook of its own."""
    name, package = type(module).__name__, type(module).__module__
    if module._forward_pre_hooks or "forward" in vars(module) or is_parametrized(module):
        return None
    own = package.startswith("torch.nn.") and not isinstance(module, CONTAINERS)
    of_torch = own and name not in WHOLE
    if name in DROPS or of_torch or (name in ONE and package.startswith(ONE[name])):
        return name
    return next((found for known in KNOWN if (found := known(module)) is not None), None)
