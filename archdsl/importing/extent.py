"""How much a file may ask for: numbers that are read, operations, and what a run would make."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import torch
from torch.func import functional_call
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError
from archdsl.importing.file_module import FileStep, ProgramModule
from archdsl.importing.places import OWN, trouble

NODES = 25_000  # of a graph, the functions written out; and its tensors: as layers of a network
NAMES = 8 * NODES  # that its nodes have: of what they take, what they make and their attributes
FREE = 1 << 28  # bytes that any file may ask for
TIMES = 4  # what is read may be larger than the files by this factor
LARGEST = 1 << 26  # numbers of one tensor of a run
ALL = 1 << 32  # and of all together
WORK = 1 << 42  # multiply-adds of a run: some minutes of one core
ENDLESS = ("Loop", "Scan", "SequenceMap")  # operations that run others, as often as they say


class DamagedFile(Exception):
    """What a file has or lacks, so that it cannot be read."""


class TooMuch(DamagedFile):
    """It asks for more than any file may."""


class ByteBudget:
    """The bytes that are read for tensors: a file that says one tensor many times over would fill
    the memory. ``held`` counts the bytes of the files."""

    def __init__(self, held: int) -> None:
        self.held, self.spent = held, 0

    def spend(self, count: int) -> None:
        """Raises ``DamagedFile`` where it is more than the files have."""
        self.spent += count
        if self.spent > max(FREE, TIMES * self.held):
            raise TooMuch(
                f"its tensors have more than {self.spent - 1:,} bytes, and its files"
                f" {self.held:,}: it reads the same numbers many times"
            )


def too_many() -> TooMuch:
    """Of a graph with more operations than are read."""
    return TooMuch(f"it has more than {NODES:,} operations")


def check_lists(graph: Any) -> None:
    """Raises ``DamagedFile`` where a graph of ONNX has more operations, tensors or names than are
    read."""
    if len(graph.node) > NODES:
        raise too_many()
    if max(map(len, (graph.initializer, graph.input, graph.output))) > NODES:
        raise TooMuch(f"it has more than {NODES:,} tensors")
    names = sum(len(n.input) + len(n.output) + len(n.attribute) for n in graph.node)
    if len(graph.value_info) > NAMES:
        raise TooMuch(f"it declares the shapes of more than {NAMES:,} tensors")
    if names > NAMES:
        raise TooMuch(f"its operations have more than {NAMES:,} names and arguments")


def check_functions(model: Any) -> None:
    """Raises ``DamagedFile`` where the functions of a graph of ONNX call themselves, or where it
    has too many operations once they are written out."""
    functions = {(f.domain, f.name, f.overload): f for f in model.functions}
    known: dict[Any, int] = {}
    open_: set[Any] = set()

    def count(nodes: Any) -> int:
        total = 0
        for node in _all(nodes):
            key = (node.domain, node.op_type, node.overload)
            total += 1 if key not in functions else of(key)
            if total > NODES:
                raise TooMuch(
                    f"it has more than {NODES:,} operations once its functions are inlined"
                )
        return total

    def of(key: Any) -> int:
        if key in open_:
            raise TooMuch(f"its function `{key[1]}` calls itself")
        if key not in known:
            open_.add(key)
            known[key] = max(1, count(functions[key].node))
            open_.remove(key)
        return known[key]

    count(model.graph.node)
    for key in functions:  # those that are not called, too: they are read all the same
        of(key)


def check_ends(model: Any) -> None:
    """Raises ``DamagedFile`` where a graph of ONNX has an operation that runs others, as often as
    the file says."""
    for node in _all([*model.graph.node, *(n for f in model.functions for n in f.node)]):
        if node.op_type in ENDLESS:
            raise TooMuch(f"it has a `{node.op_type}`, which may run without end")


def _all(nodes: Any) -> Iterator[Any]:
    """Nodes, with those of the graphs in their attributes."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                yield from _all(graph.node)


class _Counts(TorchDispatchMode):
    """Adds up the numbers that operations make, and their multiply-adds, and ends the run above
    the bounds."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = self.work = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = dict(kwargs or {})
        if "device" in given:
            given["device"] = torch.device("meta")
        made = func(*args, **given)
        for tensor in tree_leaves(made):
            if isinstance(tensor, torch.Tensor):
                self.add(tensor.numel())
        counted = flop_registry.get(getattr(func, "overloadpacket", func))
        if counted is not None:
            self.work += counted(*args, **given, out_val=made) // 2
            if self.work > WORK:
                raise TooMuch(f"a run of it would take more than {WORK:,} multiply-adds")
        return made

    def add(self, numbers: int) -> None:
        self.total += numbers
        if numbers > LARGEST or self.total > ALL:
            most = f"a tensor of {numbers:,}" if numbers > LARGEST else f"more than {ALL:,}"
            raise TooMuch(f"a run of it would make {most} numbers")


class _Watch:
    """Knows at which step a run is, and whether one had no counterpart."""

    step: FileStep | None = None
    whole = True

    def stand(self, step: FileStep) -> None:
        self.step = step

    def ref(self, value: Any) -> Any:
        return value

    def add(self, *_: Any) -> None:
        self.whole = False


def check_run(program: ProgramModule) -> bool:
    """Runs a program without numbers, before anything is made. Whether all its operations have a
    counterpart. Raises ``DamagedFile`` where one fails, or would make too much."""
    counts, watch = _Counts(), _Watch()
    shapes = [(program.described.batch or 2, *shape) for shape in program.inputs.values()]
    tensors = {
        name: tensor.detach().to("meta")
        for name, tensor in (*program.named_parameters(), *program.named_buffers())
    }
    floats = (p.dtype for p in program.parameters() if p.is_floating_point())
    dtype = program.described.dtype or next(floats, torch.float32)
    program.watch = watch
    try:
        counts.add(sum(map(prod, shapes)))
        with torch.no_grad(), counts:
            given = tuple(torch.empty(shape, device="meta", dtype=dtype) for shape in shapes)
            functional_call(program, tensors, given)
    except (DamagedFile, ArchError) as problem:
        if isinstance(problem, DamagedFile):
            raise
        return False  # an operation without a counterpart: the import tells of all
    except Exception as problem:
        (found,) = trouble(problem, OWN).diagnostics
        if found.kind is codes.DEPENDS_ON_DATA:
            return False
        if isinstance(problem, KeyError):
            raise DamagedFile("it uses a value before computing it") from None
        at = "it" if watch.step is None else f"its operation `{watch.step.op}`"
        reason = str(problem).strip().split("\n", 1)[0][:200]
        if not isinstance(problem, (RuntimeError, ValueError, IndexError)) or not reason:
            reason = "it has arguments that no layer takes"
        raise DamagedFile(f"{at} fails: {reason}") from None
    finally:
        program.watch = None
    return watch.whole
