"""Emitted classes at arguments that their network does not use, against their blocks.

Each class of a block whose constructor takes nothing but the block's own parameters and the
channels that come in is made at other arguments, and compared with the spec applied there; or it
says itself that it has not the steps of the block there.
"""

import random
import re
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import islice, product
from typing import Any

import torch
from torch import nn

import archdsl
from archdsl import Architecture
from archdsl.backend.build import load_source
from archdsl.backend.emit import emitted
from archdsl.backend.plan import Plan
from archdsl.backend.spec_text import Written
from archdsl.backend.symbols import InitParameter
from archdsl.elaborate.values import LayerRef, show
from archdsl.ir.network import Part
from archdsl.layers.base import show_shape
from archdsl.syntax import tree

EMPTY = (nn.Identity, nn.Sequential, nn.ModuleList)
MOST = 6  # other arguments of a class


def classes(arch: Architecture) -> tuple[dict[str, Any], list[Plan]]:
    """The names of the emitted file, and its classes."""
    network = arch.network
    written = Written(file.syntax for file in arch.spec.program.files)
    found = emitted(network, "", written)
    plans = [p for p in found.writer.plans if p.definition is not None]
    return load_source(found.text, "other"), plans


def others(parameter: InitParameter) -> list[Any]:
    """Values that a parameter could have, the ones in use among them."""
    used = list(dict.fromkeys(parameter.values))
    if all(type(v) is int for v in used):
        large = min(used) >= 8
        more = [2 * v for v in used] if large else [max(used) + 1, max(used) + 2]
        return list(dict.fromkeys([*more, *used]))
    return [True, False] if type(used[0]) is bool else used


def text_of(value: Any) -> str | None:
    if isinstance(value, (bool, int, float, str, Fraction, LayerRef)):
        return show(value)
    if isinstance(value, tuple) and all(map(text_of, value)):
        return show(value)
    return None


def uses(plan: Plan, said: Iterable[str]) -> list[Part]:
    """Uses of a class, one for all that do not differ in what its constructor does not say."""
    found = {}
    for instance in (plan.full, *plan.instances):
        hidden = [(name, str(value)) for name, value in instance.part.arguments if name not in said]
        found.setdefault(str(hidden), instance.part)
    return list(found.values())


def alone(
    arch: Architecture, plan: Plan, part: Part, values: dict[str, Any]
) -> Architecture | None:
    """The block of a class by itself, with these arguments, and the others of a use."""
    block = plan.definition
    usual = {p.name.text: p.default.span.text for p in block.parameters if p.default is not None}
    given = {}
    for name, value in part.arguments:
        text = text_of(values.get(name, value))
        if text is not None:
            given[name] = text
        elif str(value) != " ".join(usual.get(name, "").split()):
            return None
    file = next(f.syntax for f in arch.spec.program.files if block in f.syntax.statements)
    source = block.span.source
    kept = (tree.Use, tree.Default, tree.Fn, tree.Block)
    texts = [n.span.text for n in file.statements if isinstance(n, kept)]
    lets = [n.span.text for n in file.statements if isinstance(n, tree.Let)]
    header = [n.span.text for n in file.statements if isinstance(n, tree.Arch)] or ["arch alone"]
    input = (values.get("in.channels", part.input[0]), *part.input[1:])
    call = f"{block.name.text}({', '.join(f'{k} = {v}' for k, v in given.items())})"
    text = "\n".join([header[0], f"input {show_shape(input)}", *lets, *texts, call])
    knobs = {k: v for k, v in arch.knobs.items() if source is arch.spec.source}
    try:
        found = archdsl.parse(text).with_knobs(**knobs)
        assert found.network
    except archdsl.ArchError:
        return None  # another shape than this block can take
    return found


def compared(arch: Architecture, most: int = MOST) -> Iterator[tuple[str, dict[str, Any]]]:
    """The classes and arguments that were compared; each comparison holds. What decides the steps
    of a block, and no constructor says, is as in one of the uses of the class."""
    names, plans = classes(arch)
    for plan in plans:
        signature = plan.signature()
        if not all(p.own or p.origin == "in.channels" for p in signature):
            continue
        if plan.full.part.imports:
            continue
        choices = list(islice(product(*map(others, signature)), 10_000))
        random.Random(plan.name).shuffle(choices)
        for chosen in choices[:most]:
            values = {p.origin: v for p, v in zip(signature, chosen, strict=True)}
            wanted = [alone(arch, plan, part, values) for part in uses(plan, values)]
            if None in wanted:
                continue
            with torch.device("meta"):
                try:
                    made = names[plan.name](
                        **{p.name: v for p, v in zip(signature, chosen, strict=True)}
                    )
                except AssertionError:
                    continue  # it says itself that it is another form of the block
            found = [differs(made, other) for other in wanted if other is not None]
            assert None in found, (plan.name, values, found[0])
            yield plan.name, values


def differs(made: nn.Module, wanted: Architecture) -> str | None:
    """How a module differs from that of a network of one block; nothing where it does not."""
    with torch.device("meta"):
        whole = wanted.build()
    (prefix,) = {key.partition(".")[0] for key, _ in whole.named_children()}
    there = whole.get_submodule(prefix)
    shapes = [{k: tuple(t.shape) for k, t in m.state_dict().items()} for m in (made, there)]
    if shapes[0] != shapes[1]:
        return f"{shapes[0]} is not {shapes[1]}"
    said = [settings(m) for m in (made, there)]
    if said[0] != said[1]:
        return f"{said[0]} is not {said[1]}"
    x = torch.empty((2, *wanted.input), device="meta")
    try:
        results = [made(x).shape, there(x).shape]
    except RuntimeError as error:
        return str(error)
    return None if results[0] == results[1] else f"it gives {results[0]}, not {results[1]}"


def settings(made: nn.Module) -> list[str]:
    """What PyTorch's own modules say of themselves: kernels, strides, dilations, rates. Whether
    one works in place is a matter of what comes after it, and the name of an activation of
    whether the network uses the block with another one."""
    found = []
    for name, module in made.named_modules():
        text = re.sub("(, )?inplace=(True|False)", "", module.extra_repr())
        if "shortcut" in name:  # a small image is made smaller by several strides alike
            text = re.sub(r"stride=\([\d, ]*\)", "", text)
        if type(module).__module__.startswith("torch.nn") and not isinstance(module, EMPTY):
            found.append(f"{type(module).__name__}({text})")
    return found
