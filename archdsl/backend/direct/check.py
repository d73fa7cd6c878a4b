"""Whether a translated class makes what its instances are made of: its constructor is run with
modules that only note what they are given, and compared with the network."""

from __future__ import annotations

import builtins
import math
import symtable
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from archdsl.backend.names import attribute
from archdsl.backend.plan import Plan
from archdsl.backend.symbols import ABSENT
from archdsl.ir.network import Part, Pick, numbered
from archdsl.layers.base import Module

# What a constructor that is not right may raise.
ERRORS = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError),
    *(NameError, TypeError, ValueError),
)
Made = tuple[str, tuple[Any, ...], dict[str, Any]]


class Noted:
    """What stands for a module: its class, and what it is given."""

    def __init__(self, target: str, *arguments: Any, **keywords: Any) -> None:
        self.made: Made = (target, arguments, keywords)
        self.parts: dict[str, Noted] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Noted):
            self.parts[name] = value
        else:
            object.__setattr__(self, name, value)

    def all(self, prefix: str = "") -> Iterator[tuple[str, Made]]:
        for name, part in self.parts.items():
            if part.made[0]:
                yield prefix + name, part.made
            yield from part.all(f"{prefix}{name}.")


class _Base(Noted):
    def __init__(self) -> None:
        super().__init__("")

    add_module = Noted.__setattr__


class _Nn:
    Module = Sequential = _Base

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **keywords: Noted(f"nn.{name}", *args, **keywords)


def _seq(**parts: Noted) -> Noted:
    made = Noted("")
    made.parts = parts
    return made


def _dense(layers: Iterable[Noted]) -> Noted:
    return _seq(**{f"layer{i}": layer for i, layer in enumerate(layers, 1)})


def makes_its_instances(
    plan: Plan, lines: list[str], functions: list[str], plans: Mapping[int, Plan]
) -> bool:
    """Whether all modules have their names, classes and arguments, and every name its value."""
    names: dict[str, Any] = {
        "nn": _Nn(),
        "seq": _seq,
        "DenseBlock": _dense,
        "math": math,
        "Fraction": Fraction,
    }
    names |= {"Tensor": object, "torch": None, "__name__": "check"}
    wanted = [dict(_wanted(i.part, plans, "", {})) for i in plan.instances]
    own = {made[0] for parts in wanted for inner, made, _ in parts.values() if inner is None}
    names |= {name: _noting(name) for name in own if name.isidentifier()}
    text = "\n".join([*functions, *lines])
    try:
        exec(text, names)
    except SyntaxError:
        return False
    made = names[plan.name]
    for inner in plans.values():
        names[inner.name] = _noting(inner.name)
    known = {*names, "F", *vars(builtins)}
    if not _globals(symtable.symtable(text, plan.name, "exec")) <= known:
        return False
    for place in range(len(plan.instances)):
        given = {p.name: p.values[place] for p in plan.signature()}
        try:
            found = dict(made(**given).all())
        except ERRORS:
            return False
        if found.keys() != wanted[place].keys():
            return False
        for path, one in found.items():
            inner_plan, other, usual = wanted[place][path]
            made_of, meant = _full(one, inner_plan, usual), _full(other, inner_plan, usual)
            idle = {name for name, value in meant[-1].items() if value is ABSENT}
            for given in (made_of[-1], meant[-1]):
                for name in idle & given.keys():
                    del given[name]
            if typed(made_of) != typed(meant):
                return False
    return True


def _globals(table: symtable.SymbolTable) -> set[str]:
    """The names that functions of a text read from outside of them."""
    found = {s.get_name() for s in table.get_symbols() if s.is_global() and s.is_referenced()}
    return found.union(*map(_globals, table.get_children()))


def _noting(name: str) -> Any:
    return lambda *args, **keywords: Noted(name, *args, **keywords)


def typed(value: Any) -> Any:
    """A value with its types: ``14.0`` and ``True`` are not ``14`` and ``1``."""
    if isinstance(value, dict):
        return {k: typed(v) for k, v in value.items()}
    if isinstance(value, (tuple, list)):
        return [*map(typed, value)]
    return int if isinstance(value, int) and not isinstance(value, bool) else type(value), value


def _full(made: Made, plan: Plan | None, usual: Mapping[str, Any]) -> Any:
    """A call with its arguments by name, and those that are left out as ``usual``."""
    target, arguments, keywords = made
    if plan is None:
        given = {k: v for k, v in {**usual, **keywords}.items() if k != "inplace"}
        return target, arguments, given
    signature = plan.signature()
    given = {p.name: p.default for p in signature if p.default is not ABSENT}
    given |= dict(zip([p.name for p in signature], arguments, strict=False))
    return target, {**given, **keywords}


def _wanted(
    part: Part, plans: Mapping[int, Plan], prefix: str, offsets: Mapping[str, int]
) -> Iterator[tuple[str, tuple[Plan | None, Made, Mapping[str, Any]]]]:
    for step in part.steps:
        op = step.op
        if isinstance(op, Pick):
            continue
        for copy in range(step.repeat):
            number = step.number + offsets.get(step.name, 0) + copy
            path = prefix + attribute(numbered(step.name, number, step.plain))
            if isinstance(op, Part):
                plan = plans.get(id(op)) if op.kind == "block" else None
                if plan is not None:
                    place = plan.place(op)
                    values = {
                        p.name: ABSENT if place in p.idle else p.values[place]
                        for p in plan.signature()
                    }
                    yield path, (plan, (plan.name, (), values), {})
                elif op.kind == "turn":
                    moved = {n: copy * c for n, c in op.counts.items()}
                    inner = {n: offsets.get(n, 0) + moved.get(n, 0) for n in {*offsets, *moved}}
                    yield from _wanted(op, plans, prefix, inner)
                else:
                    yield from _wanted(op, plans, f"{path}.", {})
                continue
            shapes = tuple(part.shape_of(n) for n in step.inputs)
            code = op.layer.torch(*shapes)
            if isinstance(code, Module) and not op.layer.does_nothing(*shapes):
                made = code.target, tuple(code.arguments), dict(code.keywords)
                yield path, (None, made, code.usual)
