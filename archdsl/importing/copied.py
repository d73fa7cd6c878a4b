"""The user's model stays as it is: what a run changes in it is put back, and what runs with other
numbers is a copy."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from operator import is_
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from archdsl.importing.incoming import fails

CONTAINERS = (list, dict, set, deque)


@contextmanager
def unchanged(module: nn.Module) -> Iterator[None]:
    """Puts back what modules have as soon as one of them has run: whether they train, and what
    they keep of a run, as a counter, an activation, or a layer that was made, also in containers
    and in tensors that are no weights. Weights themselves, which another may stand for, get back
    whether they have gradients, and not their numbers; other objects stay as the run left them."""
    weights = {id(t) for t in (*module.parameters(), *module.buffers())}
    seen, before, left = dict[int, Any](), list[Callable[[], None]](), list[Any]([module])
    while left:
        value = left.pop()
        if id(value) in seen:
            continue
        seen[id(value)] = value  # held, so that no other has its id
        if isinstance(value, nn.Module):
            left.append(vars(value))
        elif isinstance(value, torch.Tensor):
            before.append(_tensor_back(value, id(value) in weights))
        elif isinstance(value, (*CONTAINERS, tuple)):
            content = _content(value)
            left += content
            if isinstance(value, CONTAINERS):
                before.append(partial(_content_back, value, content))
    try:
        yield
    finally:
        for put_back in before:
            put_back()


def _content(value: Any) -> list[Any]:
    """What a container holds now, of a dictionary the keys and then the values."""
    return [*value, *value.values()] if isinstance(value, dict) else [*value]


def _content_back(value: Any, content: list[Any]) -> None:
    """A container has its content again and stays the same one: handles of hooks refer to it."""
    now = _content(value)
    if len(now) == len(content) and all(map(is_, now, content)):
        return
    value.clear()
    if isinstance(value, dict):
        half = len(content) // 2
        value.update(zip(content[:half], content[half:], strict=True))
    else:
        (value.update if isinstance(value, set) else value.extend)(content)


def _tensor_back(tensor: torch.Tensor, is_weight: bool) -> Callable[[], None]:
    """Gives a tensor its numbers again, unless it is a weight, and whether it has a gradient. What
    no operation has changed is not touched: a gradient may have to go through it."""
    needed = tensor.requires_grad
    fixed = is_weight or tensor.is_inference()  # a run cannot change those
    numbers, version = (None, 0) if fixed else (tensor.detach().clone(), tensor._version)

    def put_back() -> None:
        if numbers is not None and tensor._version != version:
            with torch.no_grad():
                tensor.copy_(numbers)
        if tensor.requires_grad != needed:
            tensor.requires_grad_(needed)

    return put_back


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
    try:
        for tensor in (*module.parameters(), *module.buffers()) if instead is None else ():
            if tensor.is_meta:
                zeros: torch.Tensor = torch.zeros(tensor.shape, dtype=tensor.dtype)
                if isinstance(tensor, nn.Parameter):
                    zeros = nn.Parameter(zeros, tensor.requires_grad)
                memo[id(tensor)] = zeros
        with _Leaves():
            return deepcopy(module, memo)
    except Exception as problem:  # whatever the model has that is no part of a network
        raise fails(f"it cannot be copied: {type(problem).__name__}: {problem}") from problem
