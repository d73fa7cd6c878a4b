"""Running the emitted source: the module is the file that a user would export."""

from __future__ import annotations

import linecache
from textwrap import wrap
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from archdsl import __about__
from archdsl.backend.emit import emit
from archdsl.backend.out_of_memory import room
from archdsl.backend.preprocess import usage_code
from archdsl.backend.spec_text import Written
from archdsl.layers.base import show_shape
from archdsl.modelcard import ModelCard
from archdsl.units import human

if TYPE_CHECKING:
    import torch
    from torch import nn

    from archdsl.spec import Architecture


def source_of(arch: Architecture, card: ModelCard | None = None) -> str:
    """The Python source of an architecture; with ``classes`` and ``preprocess`` of a card."""
    written = Written(file.syntax for file in arch.spec.program.files)
    below = usage_code(card) if card is not None else ""
    return emit(arch.network, header_of(arch), written, below)


def header_of(arch: Architecture) -> str:
    """What the file says of itself: where it came from, and what it costs."""
    knobs = ", ".join(_kept(f"{k} = {v}") for k, v in arch.shown_knobs.items())
    origin = f"Compiled by archdsl {__about__.VERSION} from {arch.spec.source.name}"
    figures = arch.figures
    costs = f"{figures.params:,} parameters, {figures.macs:,} multiply-adds"
    paragraphs = [
        f"{arch.name}: {costs} at {' and '.join(map(show_shape, arch.inputs.values()))}.",
        f"{origin}{f' with {knobs}' if knobs else ''}.",
    ]
    return "\n\n".join("\n".join(wrap(p, 84)) for p in paragraphs).replace(UNBROKEN, " ")


COMPILED = "<archdsl "  # how the file name of a source that is run begins
UNBROKEN = "\N{NO-BREAK SPACE}"


def _kept(text: str) -> str:
    """A short text in one piece; a long one can be broken into lines."""
    return text.replace(" ", UNBROKEN) if len(text) <= 40 else text


def load_source(source: str, name: str) -> dict[str, Any]:
    """The names that a source defines. Tracebacks and debuggers show its lines; instances of
    its classes can be pickled and copied, with the source."""
    file = f"{COMPILED}{name}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    module = f"archdsl_compiled_{name}"
    namespace: dict[str, Any] = {"__name__": module}
    exec(compile(source, file, "exec"), namespace)
    for value in list(namespace.values()):
        if isinstance(value, type) and value.__module__ == module:
            keep_source(value, source, name)
    return namespace


# Classes in use, so that a copy has the class of its original.
LOADED: WeakValueDictionary[tuple[str, str, str], type] = WeakValueDictionary()


def keep_source(made: Any, source: str, name: str) -> None:
    """Lets instances of a class be pickled: they take the source along, and run it where it is
    not loaded."""
    LOADED[source, name, made.__name__] = made

    def reduce(self: Any, protocol: Any) -> tuple[Any, ...]:
        found = object.__reduce_ex__(self, max(2, int(protocol)))
        assert isinstance(found, tuple), "from protocol 2 on"
        return restore, (source, name, type(self).__name__), *found[2:]

    made.__reduce_ex__ = reduce


def restore(source: str, name: str, title: str) -> Any:
    """An empty instance of a class of a source, for pickle to fill."""
    made: Any = LOADED.get((source, name, title))
    if made is None:
        made = load_source(source, name)[title]
    return made.__new__(made)


def build(
    arch: Architecture,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    memory_format: torch.memory_format | None = None,
) -> nn.Module:
    """The module of an architecture, made on ``device`` at once. Raises ``ArchError`` (A810)
    where the memory there is not enough."""
    import torch

    source = source_of(arch)
    names = load_source(source, f"{arch.name} {arch.hash[:8]}")
    make = names[top_class(source)]
    options: dict[str, Any] = {}
    if dtype is not None:
        options["dtype"] = dtype
    if memory_format is not None:
        options["memory_format"] = memory_format
    with room(device or "cpu", f"the weights of {arch.name}, {human(arch.params)} parameters"):
        if device is None:
            module: nn.Module = make()
        else:
            with torch.device(device):
                module = make()
        return module.to(**options) if options else module


def top_class(source: str) -> str:
    """The name of the last class of a source: the network."""
    line = next(x for x in reversed(source.split("\n")) if x.startswith("class "))
    return line.removeprefix("class ").partition("(")[0]
