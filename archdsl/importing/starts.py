"""How weights start, where a module says it: by a method ``init_weights``, as compiled ones have.

The method runs on a copy without numbers, and what it asks of ``torch.nn.init`` is written down,
unless the method then writes to the same tensor by other means. A start that most layers of a kind
have becomes a ``default`` of the spec, any other an argument.
"""

from __future__ import annotations

import inspect
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from archdsl.importing.copied import copied
from archdsl.importing.values import Graph, Vertex
from archdsl.ir.flat import Flat
from archdsl.layers.arguments import Unreadable, read_init
from archdsl.layers.base import Layer, signature
from archdsl.layers.init import FUNCTIONS, Init

OF_WEIGHTS = {"weight": "init", "bias": "bias_init"}  # which argument says how a tensor starts
FEW = 3  # layers of a kind that share a start in a `default`, at least
METHOD = "init_weights"
PLACE = re.compile(r'(?:(\w+)=)?"?\{(\w+)\}')  # in the call of an initialisation

Starts = Mapping[str, Init]  # by the keys of parameters
NO_STARTS: Starts = {}


def starts_of(module: nn.Module) -> Starts:
    """How the parameters of a module start, by their keys: those of which it says so in a way that
    the language has."""
    method = getattr(type(module), METHOD, None)
    if not inspect.isfunction(method) or len(inspect.signature(method).parameters) > 1:
        return {}
    empty: dict[int, Any] = {id(b): b.to("meta") for b in module.buffers()}
    for parameter in module.parameters():
        empty[id(parameter)] = nn.Parameter(parameter.detach().to("meta"), False)
    try:
        copy = copied(module, empty)
        with torch.no_grad(), _watched() as written:
            getattr(copy, METHOD)()
    except (Exception, SystemExit):  # their code: what it does not say is left out
        return {}
    found: dict[str, Init] = {}
    for key, parameter in copy.named_parameters(remove_duplicate=False):
        start = written.start_of(parameter)
        if start is not None:
            found[key] = start
    return found


class _Writes(TorchDispatchMode):
    """What was last written to tensors without numbers, by their memory, which all views share."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.last: dict[int, tuple[Any, Any, Init]] = {}  # the memory is held: no other has its id

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """An operator that writes: what a tensor has now is no start of the language."""
        arguments = func._schema.arguments
        given = dict(zip((a.name for a in arguments), args, strict=False)) | dict(kwargs or {})
        for argument in arguments:
            if argument.alias_info is not None and argument.alias_info.is_write:
                value = given.get(argument.name)
                for tensor in value if isinstance(value, list | tuple) else [value]:
                    if isinstance(tensor, torch.Tensor):
                        self.write(tensor, None)
        return func(*args, **(kwargs or {}))

    def write(self, tensor: torch.Tensor, start: Init | None) -> None:
        if _is_empty(tensor):
            memory = tensor.untyped_storage()
            self.last.pop(memory._cdata, None)
            if start is not None:
                self.last[memory._cdata] = memory, _extent(tensor), start

    def start_of(self, parameter: torch.Tensor) -> Init | None:
        """The start that was written last, if it was to the whole of a parameter."""
        if not _is_empty(parameter):
            return None
        found = self.last.get(parameter.untyped_storage()._cdata)
        return found[2] if found is not None and found[1] == _extent(parameter) else None


class _Asked(TorchFunctionMode):
    """Functions of ``torch.nn.init`` that write nothing where a tensor has no numbers ask that
    first: they would write."""

    def __init__(self, writes: _Writes) -> None:
        super().__init__()
        self.writes = writes

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func == torch.Tensor.is_meta.__get__:  # type: ignore[attr-defined]
            self.writes.write(args[0], None)
        return func(*args, **(kwargs or {}))


def _is_empty(tensor: torch.Tensor) -> bool:
    """Whether a tensor has no numbers; ``is_meta`` is what ``_Asked`` sees."""
    return tensor.device.type == "meta"


def _extent(tensor: torch.Tensor) -> Any:
    """Which part of its memory a tensor is."""
    return tensor.shape, tensor.stride(), tensor.storage_offset()


@contextmanager
def _watched() -> Iterator[_Writes]:
    """What is written meanwhile: starts by the functions of ``torch.nn.init`` that the language
    has, and what any other operator writes."""
    kept = {}
    writes = _Writes()
    for function in FUNCTIONS.values():
        name = function.call.partition("(")[0].rpartition(".")[2]
        kept[name] = original = getattr(nn.init, name)

        def watched(
            *args: Any, _name: str = function.name, _original: Any = original, **kwargs: Any
        ) -> Any:
            given = inspect.signature(_original).bind(*args, **kwargs).arguments
            tensor = given["tensor"]
            if not _is_empty(tensor):
                return _original(*args, **kwargs)
            writes.write(tensor, _read(_name, _original, given))
            return tensor

        setattr(nn.init, name, watched)
    try:
        with writes, _Asked(writes):
            yield writes
    finally:
        for name, original in kept.items():
            setattr(nn.init, name, original)


def _read(name: str, original: Callable[..., Any], given: Mapping[str, Any]) -> Init | None:
    """A call of ``torch.nn.init`` in the language; nothing where it has an argument of its own."""
    function = FUNCTIONS[name]
    signed = inspect.signature(original)
    named = [p.name for p in signed.parameters.values()]
    values = {p.name: given.get(p.name, p.default) for p in signed.parameters.values()}
    read: dict[str, Any] = {}
    for place, (key, word) in enumerate(PLACE.findall(function.call)):
        read[word] = values.pop(key or named[place], None)
    read.pop("w")
    if any(values[n] != signed.parameters[n].default for n in values):
        return None
    try:
        return read_init(function, read)
    except Unreadable:
        return None


def with_starts(graph: Graph, starts: Starts, apart: bool = False) -> None:
    """Says in a graph how its weights start: ``graph.starts`` has what the defaults of a spec say,
    by layers and their arguments, and other layers have it as arguments. Layers of which nothing is
    said may be of blocks of the library, which no default reaches; ``apart`` has no default of a
    kind of layer with such."""
    usuals: dict[str, dict[str, Init]] = {}
    graph.starts = usuals if starts else None
    kinds: dict[tuple[str, str], list[tuple[Vertex, Init | None]]] = defaultdict(list)
    for vertex in graph.vertices if starts else ():
        for argument, start in _starts(vertex, starts):
            kinds[vertex.op, argument].append((vertex, start))
    for (op, argument), found in kinds.items():
        said = Counter(start for _, start in found if start is not None)
        usual = None
        if said.total() >= FEW and not (apart and said.total() < len(found)):
            usual = said.most_common(1)[0][0]
            usuals.setdefault(op, {})[argument] = usual
        for vertex, start in found:
            assert vertex.layer is not None, "it has weights"
            vertex.layer = _with(vertex.layer, argument, None if start == usual else start)


def _starts(vertex: Vertex, starts: Starts) -> Iterator[tuple[str, Init | None]]:
    """How a layer starts what it has, by its arguments."""
    if vertex.layer is None or vertex.layer.is_tied:
        return
    takes = {parameter.name for parameter in signature(type(vertex.layer))}
    for weight in vertex.layer.weights(*[source.shape for source in vertex.inputs]):
        argument = OF_WEIGHTS.get(weight.name, "")
        if argument in takes:
            tied = vertex.weights.get(weight.name)
            key = tied.key if tied is not None and weight.trainable else ""
            yield argument, starts.get(key)


def _with(layer: Layer, argument: str, start: Init | None) -> Layer:
    given = {p.name: getattr(layer, p.name) for p in signature(type(layer))}
    made: Layer = type(layer)(**{**given, argument: start})
    return made


def start_alike(graph: Graph, starts: Starts, flat: Flat, paired: Mapping[int, int]) -> bool:
    """Whether the layers of a network start as it is said of those of a graph."""
    for mine, theirs in paired.items() if starts else ():
        given = dict(_starts(graph.vertices[mine], starts))
        layer = flat.nodes[theirs].layer
        if any(getattr(layer, argument) != start for argument, start in given.items()):
            return False
    return True
