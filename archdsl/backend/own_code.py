"""Whether the code that a user's layer gives can run: said before it stands in a file."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec
from inspect import signature
from typing import Any

from archdsl.backend.own_modules import KNOWN
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Diagnostic, diagnose, did_you_mean, spelled_like
from archdsl.ir.flat import Flat
from archdsl.layers.base import Expression, Layer, Module

BUILT_IN = "archdsl."  # how the modules begin that have archdsl's own layers
MODULES = {"torch": "torch", "nn": "torch.nn", "F": "torch.nn.functional", "math": "math"}


class Unusable(Exception):
    """Why code cannot run, and what helps."""

    def __init__(self, reason: str, help: Iterable[str] = ()) -> None:
        super().__init__(reason)
        self.help = tuple(help)


def check_own_code(flat: Flat) -> None:
    """Raises ``ArchError`` (A609) for a user's layer whose code cannot run, whatever comes in. What
    the layer itself raises is its author's to see, and goes on."""
    found: dict[type[Layer], Diagnostic] = {}
    for node in flat.nodes:
        layer = node.layer
        if layer is None or type(layer) in found or type(layer).__module__.startswith(BUILT_IN):
            continue
        code = layer.torch(*(flat.nodes[place].shape for place in node.inputs))
        try:
            _check(code, len(node.inputs))
        except Unusable as problem:
            fields = {"layer": layer.name, "reason": str(problem)}
            made = type(layer).torch.__code__
            note = f"its code is given at {made.co_filename}:{made.co_firstlineno}"
            found[type(layer)] = diagnose(
                codes.BAD_CODE, node.span, notes=[note], help=problem.help, fields=fields
            )
    if found:
        raise ArchError(list(found.values()))


def _check(code: Any, inputs: int) -> None:
    if isinstance(code, Module):
        _check_module(code)
    elif isinstance(code, Expression):
        _check_expression(code, inputs)
    else:
        kind = type(code).__name__
        raise Unusable(f"`torch` has to give a Module or an Expression, and gives {kind}")


def _check_module(code: Module) -> None:
    if "." not in code.target:  # a class of the layer's own file, which is looked for there
        return
    made = _value(code.target)
    try:
        shape = signature(made) if callable(made) else None
    except ValueError:  # one that is not written in Python
        return
    try:
        if shape is not None:
            shape.bind(*code.arguments, **code.keywords)
    except TypeError as problem:
        raise Unusable(f"`{code.target}`: {problem}") from None


def _check_expression(code: Expression, inputs: int) -> None:
    names = [f"x{place}" for place in range(inputs)]
    try:
        text = code.filled().format(*names, x=names[0], module="module")
        tree = ast.parse(text, mode="eval")
    except (KeyError, IndexError):
        known = " and ".join(f"`{{{name}}}`" for name in ("x", *range(inputs)))
        raise Unusable(f"`{code.text}` names other tensors than come in, {known}") from None
    except (ValueError, SyntaxError) as problem:
        reason = getattr(problem, "msg", None) or problem
        raise Unusable(f"`{code.text}` is no expression of Python: {reason}") from None
    found = [*ast.walk(tree)]
    bound = {node.arg for node in found if isinstance(node, ast.arg)}
    bound |= {n.id for n in found if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    there = {*names, "module", *KNOWN, *code.helpers, *bound, *dir(builtins)}
    for path in _paths(tree):
        root = path.partition(".")[0]
        if root not in there:
            raise Unusable(f"`{root}` is nothing in the file", did_you_mean(root, sorted(KNOWN)))
        if root in MODULES and root not in bound:
            _value(path)


def _paths(tree: ast.AST) -> Iterator[str]:
    """The names of an expression, with what is taken of them: ``F.relu``."""
    for node in ast.iter_child_nodes(tree):
        parts, inner = [], node
        while isinstance(inner, ast.Attribute):
            parts.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            yield ".".join([inner.id, *reversed(parts)])
        else:
            yield from _paths(inner)


def _value(path: str) -> Any:
    """What a path such as ``nn.ReLU`` is; nothing where PyTorch is not installed, or for one that
    begins otherwise. Raises ``Unusable``."""
    root, *names = path.split(".")
    module = MODULES.get(root)
    if module is None or find_spec(module.partition(".")[0]) is None:
        return None
    value: Any = import_module(module)
    for name in names:
        if not hasattr(value, name):
            near = spelled_like(name, [known for known in dir(value) if known[0] != "_"])
            meant = path.replace(f".{name}", f".{near}", 1)
            raise Unusable(f"there is no `{path}`", [f"did you mean `{meant}`?"] if near else ())
        value = getattr(value, name)
    return value
