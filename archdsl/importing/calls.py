"""The PyTorch code of an operation that was recorded: a call with its arguments, or a module."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from archdsl.importing.record import Ref, Tied, TracedCall

IN_PLACE = re.compile(r"__i(add|sub|mul|(true|floor)?div|pow|matmul|mod|and|or|xor|[lr]shift)__")
NAMES = {"torch": torch, "F": F, "nn": nn}


class Unwritable(Exception):
    """Why an operation cannot be written as code: in words that follow its name."""


@dataclass(frozen=True, slots=True)
class TensorExpression:
    """What computes a tensor of others: an expression over ``{0}``, ``{1}``, ..., or what makes a
    module, whose ``weights`` then are names, shapes, and whether they are trained."""

    text: str
    operands: int
    is_module: bool = False
    weights: tuple[tuple[str, tuple[int, ...], bool], ...] = ()

    @property
    def template(self) -> str:
        """The expression as a layer has it: of one tensor over ``{x}``."""
        return self.text.replace("{0}", "{x}") if self.operands == 1 else self.text

    @property
    def shown(self) -> str:
        """The call as a reader knows it: ``torch.cumsum(x, 2)``."""
        if self.is_module:
            return self.text
        names = ["x", "y", "z", "w"] if 1 <= self.operands <= 4 else []
        return self.text.format(*(names or [f"x{i}" for i in range(self.operands)]))

    def function(self) -> Callable[..., Any]:
        """The code, to be run on tensors."""
        if self.is_module:
            made: Callable[..., Any] = eval(self.text, dict(NAMES))
            return made
        names = [f"x{i}" for i in range(self.operands)]
        text = f"lambda {', '.join(names)}: {self.text.format(*names)}"
        found: Callable[..., Any] = eval(text, dict(NAMES))
        return found


def code_of(
    record: TracedCall, result: int, operand: Callable[[Any], str]
) -> tuple[str, tuple[tuple[str, tuple[int, ...], bool], ...]]:
    """The text of an operation and the weights of its module. ``operand`` gives what stands for a
    tensor. Raises ``Unwritable``."""
    if record.module is not None:
        if len(record.shapes) > 1 or len(record.args) != 1 or record.kwargs:
            raise Unwritable(", a module of several tensors")
        return _constructed(record.module)
    if record.function.endswith(".__get__"):  # an attribute, such as `x.mT`
        return f"{operand(record.args[0])}.{record.op}", ()
    function, method = _named(record.function)
    args, kwargs = _changes_nothing(function, method, record)
    if method == "__getitem__":
        text = f"{operand(args[0])}[{_index(args[1], operand)}]"
    else:
        first, rest = (operand(args[0]), args[1:]) if method else ("", args)
        given = [_literal(a, operand) for a in rest]
        given += [f"{key}={_literal(value, operand)}" for key, value in kwargs.items()]
        called = f"{first}.{method}" if method else function
        text = f"{called}({', '.join(given)})"
    return (f"{text}[{result}]" if len(record.shapes) > 1 else text), ()


def _named(full: str) -> tuple[str, str]:
    """A function as it is written, or the name of a method. Raises ``Unwritable``."""
    parts = full.split(".")
    if parts[:2] == ["torch", "Tensor"] and len(parts) == 3:
        name = parts[2]
        if name.endswith("_") and not name.endswith("__"):
            name = name[:-1]  # which changes no tensor
        name = "__" + name[3:] if IN_PLACE.match(name) else name
        if name != "__setitem__" and callable(getattr(torch.Tensor, name, None)):
            return "", name
    elif parts[0] == "torch" and len(parts) > 1:
        if parts[1] == "functional" and hasattr(torch, parts[-1]):
            del parts[1]  # as people call it
        if parts[-1].endswith("_"):
            parts[-1] = parts[-1].rstrip("_")
        if not any(part.startswith("_") for part in parts):
            try:
                found = reduce(getattr, parts[1:], torch)
            except AttributeError:
                found = None
            if callable(found):
                short = parts[:3] == ["torch", "nn", "functional"]
                return ".".join(["F", *parts[3:]] if short else parts), ""
    raise Unwritable(", which has no name in PyTorch")


def _changes_nothing(
    function: str, method: str, record: TracedCall
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a call that leaves its tensors as they are."""
    args, kwargs = record.args, dict(record.kwargs)
    if kwargs.pop("out", None) is not None:
        raise Unwritable(", which writes into another tensor")
    kwargs.pop("inplace", None)
    if not method:
        made = eval(function, dict(NAMES))
        try:
            places = list(inspect.signature(made).parameters)
        except (TypeError, ValueError):
            places = []
        at = places.index("inplace") if "inplace" in places else len(args)
        if at < len(args):
            args = (*args[:at], False, *args[at + 1 :])
    elif not args:
        raise Unwritable(", which is not applied to a tensor")
    return args, kwargs


def _index(index: Any, operand: Callable[[Any], str]) -> str:
    items = index if isinstance(index, tuple) else (index,)
    return ", ".join(_slice(item, operand) for item in items) or "()"


def _slice(item: Any, operand: Callable[[Any], str]) -> str:
    if not isinstance(item, slice):
        return _literal(item, operand)
    ends = ["" if n is None else _literal(n, operand) for n in (item.start, item.stop)]
    return ":".join(ends) + (f":{_literal(item.step, operand)}" if item.step is not None else "")


def _literal(value: Any, operand: Callable[[Any], str]) -> str:
    """An argument as Python writes it. Raises ``Unwritable``."""
    if isinstance(value, (Ref, Tied)):
        return operand(value)
    if value is Ellipsis:
        return "..."
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    if value is None or isinstance(value, (bool, int, float)):
        return repr(value)
    if isinstance(value, str) and value.isprintable() and not set(value) & set("{}"):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, tuple):
        inner = ", ".join(_literal(item, operand) for item in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, (torch.dtype, torch.memory_format)):
        return repr(value)
    raise Unwritable(f", one of whose arguments is a {type(value).__name__}")


def _constructed(
    module: nn.Module,
) -> tuple[str, tuple[tuple[str, tuple[int, ...], bool], ...]]:
    """What makes a module of ``torch.nn``: its arguments are read off its attributes, and what they
    make is compared with it. Raises ``Unwritable``."""
    cls = type(module)
    if getattr(nn, cls.__name__, None) is not cls:
        raise Unwritable(", a module that is not one of PyTorch's")
    given: dict[str, Any] = {}
    for parameter in list(inspect.signature(cls.__init__).parameters.values())[1:]:
        name = parameter.name
        if name in ("device", "dtype", "inplace") or not hasattr(module, name):
            continue
        value = getattr(module, name)
        if isinstance(value, (torch.Tensor, type(None))) and name == "bias":
            value = value is not None
        if parameter.default is inspect.Parameter.empty or value != parameter.default:
            given[name] = value
    if any(isinstance(value, float) and not math.isfinite(value) for value in given.values()):
        raise Unwritable(", one of whose arguments is not finite")
    inner = ", ".join(
        f"{name}={_literal(tuple(v) if isinstance(v, list) else v, _no_operand)}"
        for name, v in given.items()
    )
    text = f"nn.{cls.__name__}({inner})"
    try:
        with torch.device("meta"):
            made = eval(text, dict(NAMES))
    except (TypeError, ValueError, RuntimeError):
        raise Unwritable(", whose arguments are not known") from None
    if _attributes(made) != _attributes(module):
        raise Unwritable(", whose arguments are not known")
    trained = dict(module.named_parameters())
    state = module.state_dict().items()
    return text, tuple((key, tuple(t.shape), key in trained) for key, t in state)


def _no_operand(value: Any) -> str:
    raise Unwritable(", one of whose arguments is a tensor")


def _attributes(module: nn.Module) -> Any:
    """What tells a module from another of its class."""
    left = ("training", "inplace")
    plain = {k: v for k, v in vars(module).items() if not k.startswith("_") and k not in left}
    shapes = {key: tuple(t.shape) for key, t in module.state_dict().items()}
    return plain, shapes
