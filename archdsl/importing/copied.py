"""The user's model stays as it is: what a run changes in it is put back, and what runs with other
numbers is a copy."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy, deepcopy
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from archdsl.importing.incoming import fails

CONTAINERS = (list, dict, set, OrderedDict)


@contextmanager
def unchanged(module: nn.Module) -> Iterator[None]:
    """Puts back what modules have as soon as one of them has run: whether they train, and what
    they keep of a run, as a counter, an activation, or a layer that was made."""
    before = [
        (part, {key: (value, _content(value)) for key, value in vars(part).items()})
        for part in module.modules()
    ]
    try:
        yield
    finally:
        for part, state in before:
            vars(part).clear()
            for key, (value, content) in state.items():
                vars(part)[key] = value
                if content is not None:
                    value.clear()
                    (value.extend if isinstance(value, list) else value.update)(content)


def _content(value: Any) -> Any:
    """What a container has now, which stays the same one: handles of hooks refer to theirs."""
    return copy(value) if type(value) in CONTAINERS else None


class _Leaves(TorchFunctionMode):
    """Tensors that were computed are copied without what they were computed from."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.Tensor.__deepcopy__ and not args[0].is_leaf:
            return args[0].detach().clone()
        return func(*args, **(kwargs or {}))


def copied(module: nn.Module, instead: Mapping[int, Any] | None = None) -> nn.Module:
    """A copy of a module, with other objects for those of some ids. What has no numbers, on the
    meta device, has zeros. Raises ``ArchError`` (A652) where it cannot be copied."""
    memo = dict(instead or {})
    for tensor in (*module.parameters(), *module.buffers()) if instead is None else ():
        if tensor.is_meta:
            zeros = torch.zeros(tensor.shape, dtype=tensor.dtype)
            memo[id(tensor)] = nn.Parameter(zeros) if isinstance(tensor, nn.Parameter) else zeros
    try:
        with _Leaves():
            return deepcopy(module, memo)
    except Exception as problem:  # whatever the model has that is no part of a network
        raise fails(f"it cannot be copied: {type(problem).__name__}: {problem}") from problem
