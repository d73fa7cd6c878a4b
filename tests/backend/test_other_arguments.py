"""A class that is emitted is right for other arguments too: those that its network does not use.

Every class of a block whose constructor takes nothing but the block's own parameters and the
channels that come in is made at others, and compared with the spec applied there; or it says itself
that it has not the steps of the block there.
"""

import random
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice, product
from pathlib import Path
from typing import Any

import pytest
import torch
from small_networks import SMALL, small
from thinned import thinned

import archdsl
from archdsl import Architecture
from archdsl.backend.build import load_source
from archdsl.backend.emit import emitted
from archdsl.backend.plan import Plan
from archdsl.backend.symbols import InitParameter
from archdsl.backend.written import Written
from archdsl.elaborate.values import LayerRef, show
from archdsl.layers.base import show_shape
from archdsl.syntax import tree

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
        return list(dict.fromkeys([*(2 * v for v in used if large), *used]))
    return used if len(used) > 1 or type(used[0]) is not bool else [True, False]


def text_of(value: Any) -> str | None:
    if isinstance(value, (bool, int, float, str, Fraction, LayerRef)):
        return show(value)
    if isinstance(value, tuple) and all(map(text_of, value)):
        return show(value)
    return None


def alone(arch: Architecture, plan: Plan, values: dict[str, Any]) -> Architecture | None:
    """The block of a class by itself, with these arguments."""
    block = plan.definition
    part = plan.full.part
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
    """The classes and arguments that were compared; each comparison holds."""
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
            wanted = alone(arch, plan, values)
            if wanted is None:
                continue
            with torch.device("meta"):
                try:
                    made = names[plan.name](
                        **{p.name: v for p, v in zip(signature, chosen, strict=True)}
                    )
                except AssertionError:
                    continue  # it says itself that it is another form of the block
                whole = wanted.build()
            (prefix,) = {key.partition(".")[0] for key, _ in whole.named_children()}
            there = whole.get_submodule(prefix)
            shapes = {k: tuple(t.shape) for k, t in made.state_dict().items()}
            assert shapes == {k: tuple(t.shape) for k, t in there.state_dict().items()}, (
                plan.name,
                values,
            )
            x = torch.empty((2, *wanted.input), device="meta")
            assert made(x).shape == there(x).shape, (plan.name, values)
            yield plan.name, values


@pytest.mark.parametrize("name", thinned(SMALL, 3))
def test_classes_of_shipped_networks(name: str) -> None:
    list(compared(small(name)))


NETWORKS = Path(__file__).with_name("networks")


@pytest.mark.parametrize(
    ("network", "name", "given", "knobs", "place", "channels"),
    [
        ("hardnet68", "Harmonic", ((128,), 16, 24), {"scale": 1.5}, "stage2.harmonic1", (128,)),
        ("hrnet_w18", "Shrink", (256, 60, 1), {"width": 30}, "shrink1", None),
        ("hrnet_w18", "Fuse", ((30, 60), 2), {"width": 30}, "fuse2", (30, 60)),
        (
            *("hrnet_w18", "Fuse", ((40, 80, 160), 3), {"width": 40}),
            *("stage3_1.three1.fuse3", (40, 80, 160)),
        ),
    ],
)
def test_a_class_translated_from_its_text(
    network: str,
    name: str,
    given: tuple[Any, ...],
    knobs: dict[str, Any],
    place: str,
    channels: tuple[int, ...] | None,
) -> None:
    """It has the loops and conditions of its block, and its lists of tensors."""
    spec = archdsl.read(str(NETWORKS / f"{network}.arch"))
    names, plans = classes(spec.with_knobs())
    assert any(p.name == name and p.whole for p in plans)
    with torch.device("meta"):
        made = names[name](*given)
        there = spec.with_knobs(**knobs).build().get_submodule(place)
    shapes = {k: tuple(t.shape) for k, t in made.state_dict().items()}
    assert shapes == {k: tuple(t.shape) for k, t in there.state_dict().items()}
    if channels is not None:
        size = 64
        xs = [
            torch.empty((2, c, size >> i, size >> i), device="meta") for i, c in enumerate(channels)
        ]
        assert made(xs).shape == there(xs).shape


@pytest.mark.parametrize(
    ("name", "given", "place", "channels"),
    [
        ("Module", ((30, 60),), "module1", (30, 60)),
        ("Module", ((40, 80, 160, 320),), "module3", (40, 80, 160, 320)),
        ("Fuse", ((64, 128, 256), 2), "module2.fuse2", (64, 128, 256)),
        ("More", ((44, 88), 176), "more2", (44, 88)),
        ("More", ((44, 88, 176), 352), "more3", (44, 88, 176)),
    ],
)
def test_a_class_over_several_tensors(
    name: str, given: tuple[Any, ...], place: str, channels: tuple[int, ...]
) -> None:
    """It is of any number of tensors, also where the network has others."""
    spec = archdsl.read(str(NETWORKS / "hrnet_lists.arch"))
    names, plans = classes(spec.with_knobs(modules=(1, 1, 1)))
    assert any(p.name == name and p.whole for p in plans)
    with torch.device("meta"):
        made = names[name](*given)
        whole = spec.with_knobs(modules=(1, 1, 1), width=channels[0]).build()
        xs = [torch.empty((2, c, 64 >> i, 64 >> i)) for i, c in enumerate(channels)]
    there = whole.get_submodule(place)
    shapes = {k: tuple(t.shape) for k, t in made.state_dict().items()}
    assert shapes == {k: tuple(t.shape) for k, t in there.state_dict().items()}
    assert [y.shape for y in made(xs)] == [y.shape for y in there(xs)]


HARD = """
arch hard(width = 8 in {8, 16})
input 3x16x16

block positional(c, s = 1) {  # a stride that is not called so
  if in.channels == c {
    residual { bn -> conv(c, 3, s) -> bn -> relu -> conv(c, 3) -> bn -> relu }
  } else {
    bn -> relu
    residual(shortcut = conv(c, 1, s)) { conv(c, 3, s) -> bn -> relu -> conv(c, 3) }
  }
}
block pair(c, by) { conv(c, 3, by) -> bn -> relu -> conv(c, 3) -> bn -> relu }
block handed(c, by = 1) {
  if in.channels == c {
    residual { bn -> relu -> pair(c, by) }
  } else {
    bn -> relu -> bn -> relu
    residual(shortcut = conv(c, 1, by)) { pair(c, by) }
  }
}
block mixed(c, deep = false) {
  if deep {
    residual { bn -> relu -> conv(c, 3) -> bn -> relu -> conv(c, 3) -> bn -> relu }
  } else {
    bn -> relu
    residual(shortcut = conv(c, 1)) { conv(c, 3) -> bn -> relu -> conv(c, 3) }
  }
}
block later(c, s = 1) {  # its shortcut begins in the middle
  conv(c, 1)
  residual { conv(c, 3, stride = s) -> bn }
}
block plain(c, s = 1) { residual { conv(c, 3, s) -> bn } }
block often(c, inner) {
  if inner != in.channels { conv(inner, 1) -> bn }
  conv(c, 3) -> relu
}

stem: conv(width, 3)
positional(width); positional(2 * width, s = 2); positional(3 * width); positional(3 * width)
handed(3 * width); handed(4 * width, by = 2); handed(5 * width); handed(5 * width)
mixed(5 * width); mixed(5 * width, deep = true); mixed(6 * width); mixed(6 * width, deep = true)
later(width); later(2 * width, s = 2); later(3 * width)
plain(3 * width); conv(4 * width, 1); plain(4 * width)
often(4 * width, 8); often(5 * width, 16)
"""


def test_a_class_of_which_other_arguments_want_another_form_says_so() -> None:
    arch = archdsl.parse(HARD).with_knobs()
    names, _ = classes(arch)
    with torch.device("meta"):
        with pytest.raises(AssertionError):
            names["Plain"](8, 16)
        with pytest.raises(AssertionError):
            names["Mixed"](8, 16, True)
        names["Mixed"](8, 16, False)
        with pytest.raises(AssertionError):
            names["Often"](16, inner=32)
    found = {name for name, _ in compared(arch, 8)}
    assert {"Later", "Mixed", "Often", "Plain", "PositionalB", "HandedB"} <= found


PADDED = "u(c, s = 1, p = 1) { residual(shortcut = pad, survive = p) { conv(c, 3, stride = s) } }"
FORMS = {  # the blocks of networks, their uses, and what their classes say of other arguments
    "u(c, s) { residual { residual { conv(c, 3, stride = s) -> bn };"
    " residual(shortcut = pad) { conv(2 * c, 3, stride = s) } }; relu }\n"
    "u(8, 1); u(8, 2); u(16, 1)": "in_channels != 2 * c",
    f"{PADDED}\nconv(8, 3); u(8); u(8, 1, 0.5); u(16, 2); u(16, 1, 0.7)": (
        "(s, c - in_channels) in ((1, 0), (2, 8))"
    ),
    f"{PADDED}\nconv(8, 3); u(8); u(8, 1, 0.5); u(16, 2); u(32, 2)": "s in (1, 2)",
    "u(c, d, n) { conv(12, 3); if n > 2 { conv(c, 3) -> relu }; conv(d, 1) }\n"
    "u(8, 4, 3); u(12, 8, 2); u(4, 8, 4)": "n > 2 or c == 12",
    "u(c, d, n) { conv(12, 3) -> relu; if n > 2 { conv(c, 3) }; bn -> relu -> conv(d, 1) }\n"
    "u(12, 4, 3); u(8, 8, 2); u(12, 8, 4)": "not (n > 2) or c == 12",
}


@pytest.mark.parametrize(("text", "form"), FORMS.items())
def test_a_class_says_which_arguments_it_has_not_the_steps_of(text: str, form: str) -> None:
    arch = archdsl.parse(f"arch t\ninput 3x16x16\nblock {text}").with_knobs()
    source = arch.source()
    assert [line.split("assert ")[1] for line in source.split("\n") if "assert " in line] == [form]


def test_many_classes_are_compared() -> None:
    found = {n for name in ("resnet", "mobilenet_v2", "senet") for n, _ in compared(small(name))}
    assert len(found) >= 3
