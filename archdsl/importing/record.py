"""One run of a module, recorded: which operations ran, on what, for which module, in which line.

The run is on the meta device: shapes alone, no numbers. Modules of ``torch.nn`` are recorded as one
operation each; of every other module the torch functions that it calls are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)
from torch.overrides import TorchFunctionMode, resolve_name

from archdsl.diagnostics.model import ArchError
from archdsl.importing.chance import without_draws
from archdsl.importing.copied import unchanged
from archdsl.importing.file_module import FileStep, ModuleScope, ProgramModule
from archdsl.importing.gradients import has_gradient
from archdsl.importing.incoming import (
    Inputs,
    called,
    check_taken,
    fails,
    places_of,
    shown,
    tensors_of,
)
from archdsl.importing.places import OWN, CodeLine, is_own, place_of, run_theirs, trouble
from archdsl.importing.returned import check_has_weights, outputs_of
from archdsl.importing.single import one_operation, recomputed

ASKING = frozenset(  # functions that ask a tensor something, and make none
    "__get__ size dim numel is_floating_point stride is_contiguous __len__ element_size __set__ "
    "is_complex get_device data_ptr storage_offset type is_signed __hash__ is_inference device "
    "requires_grad nelement ndimension".split()
)
# Functions that PyTorch gives one name to.
ONE_NAME = {
    id(getattr(F, kind + f"max_pool{axes}d")): kind + f"max_pool{axes}d"
    for kind in ("", "adaptive_")
    for axes in (1, 2, 3)
}


@dataclass(frozen=True, slots=True)
class Ref:
    """A tensor that was computed: of which record, and which of its results."""

    record: TracedCall
    result: int = 0


@dataclass(frozen=True, slots=True)
class Tied:
    """A tensor of the module: a parameter or a buffer, by its key."""

    key: str
    shape: tuple[int, ...]
    trained: bool
    tensor: torch.Tensor | None = field(default=None, compare=False, repr=False)  # its numbers
    turned: bool = False  # whether its last two axes have changed places
    flipped: bool = False  # whether the layer has them the other way round
    order: tuple[int, ...] = ()  # which of so many equal parts of it the layer has first, second...

    def theirs(self, tensor: torch.Tensor) -> torch.Tensor:
        """A tensor of the module with its axes and its parts as the layer has them."""
        if self.order:
            tensor = tensor.reshape(len(self.order), -1)[list(self.order)].reshape(tensor.shape)
        return tensor.mT if self.flipped else tensor

    def start(self, usual: float) -> float:
        """The number that all its elements start from. What was trained, or has no numbers (on the
        meta device), is as good as ``usual``: a number of many digits is no start."""
        tensor = self.tensor
        if tensor is None or tensor.is_meta or not tensor.numel():
            return usual
        exact = float(tensor.detach().flatten()[0])
        number = float(f"{exact:.3g}")
        alike = bool((tensor == exact).all()) and abs(exact - number) <= 1e-6 * abs(number)
        return number if alike else usual


@dataclass(eq=False, slots=True)
class TracedCall:
    """One operation. ``op`` is ``Conv2d`` for a module, ``cat`` for a function."""

    number: int
    op: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    call: ModuleCall
    module: Any = None  # of torch.nn, where it was one
    path: str = ""
    place: CodeLine | None = None
    shapes: list[tuple[int, ...] | None] = field(default_factory=list)
    training: bool = False  # whether its module was, when it ran
    function: str = ""  # its whole name in PyTorch, where it is a function or a method
    compute: Callable[..., Any] | None = None  # and the function
    flops: int = 0  # how many there were until it had run, where they are counted
    graded: bool = True  # whether a gradient goes through it, where one can

    def refs(self) -> Iterator[Ref]:
        """The computed tensors that it takes."""
        yield from _refs(self.args)
        yield from _refs(tuple(self.kwargs.values()))


@dataclass(eq=False, slots=True)
class ModuleCall:
    """A call of a module that is made of others."""

    path: str
    cls: str
    parent: ModuleCall | None = None
    given: dict[str, Ref] = field(default_factory=dict)  # by the names of its ``forward``
    recomputed: str = ""  # what computes its weights, where that is not the module itself


@dataclass(slots=True)
class Recording:
    """A run: its operations in order, and what came out, the main result first."""

    records: list[TracedCall]
    root: ModuleCall
    outputs: list[tuple[str, Ref]]
    keys: dict[int, str] = field(
        default_factory=dict
    )  # of parameters, by their ids: tied ones' one
    training: bool = False  # how it was run


def _refs(value: Any) -> Iterator[Ref]:
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _refs(item)
    elif isinstance(value, dict):
        yield from _refs(tuple(value.values()))


class _Recorder(TorchFunctionMode):
    """Sees each torch function; its hooks see each module."""

    def __init__(
        self, model: nn.Module, tensors: dict[str, torch.Tensor], flops: Callable[[], int]
    ) -> None:
        super().__init__()
        self.flops = flops
        self.model = model
        self.names: dict[int, str] = {}
        for name, module in model.named_modules():
            self.names.setdefault(id(module), name)
        trained = dict(model.named_parameters(remove_duplicate=False))
        buffers = dict(model.named_buffers(remove_duplicate=False))
        self.tied: dict[int, Tied] = {}
        for key, t in tensors.items():
            tied = Tied(key, tuple(t.shape), key in trained, trained.get(key, buffers.get(key)))
            self.tied.setdefault(id(t), tied)
        self.values: dict[int, Ref] = {}
        self.alive: list[torch.Tensor] = []  # a freed tensor's id may be another's
        self._versions: dict[int, int] = {}  # how often tensors were changed in their place
        self.records: list[TracedCall] = []
        named = {id(module): one_operation(module) for module in model.modules()}
        self.single = {key: name for key, name in named.items() if name is not None}
        self.root = ModuleCall("", type(model).__name__)
        self.stack = [self.root]
        self.inside = 0  # how deep in a module that is recorded as one operation
        self.waiting: list[tuple[nn.Module, Any, Any]] = []  # it, and what it was given
        self.step: FileStep | None = None  # of a file, which has no line of code
        self.calls: dict[tuple[ModuleScope, ...], ModuleCall] = {}

    def stand(self, step: FileStep) -> None:
        """What is recorded from here on is this step of a file, in the modules around it."""
        self.step, self.stack = step, [self.root]
        for count in range(1, len(step.scopes) + 1):
            scope, around = step.scopes[count - 1], self.stack[-1]
            call = self.calls.setdefault(
                step.scopes[:count], ModuleCall(scope.path, scope.cls, around)
            )
            self.stack.append(call)

    def add(
        self, op: str, args: Any, kwargs: Any, out: Any, module: Any = None, path: str | None = None
    ) -> TracedCall:
        call = self.stack[-1]
        where = call.path if path is None else path
        if self.step is not None:
            where, place = self.step.path or where, None
        else:
            place = place_of(OWN)
        record = TracedCall(len(self.records), op, args, kwargs, call, module, where, place)
        record.flops, record.graded = self.flops(), has_gradient(out)
        record.training = bool(getattr(module, "training", False))
        self.records.append(record)
        for number, result in enumerate(out if isinstance(out, (tuple, list)) else [out]):
            if isinstance(result, torch.Tensor):
                self.values[id(result)] = Ref(record, number)
                self.alive.append(result)
                record.shapes.append(tuple(result.shape))
            else:
                record.shapes.append(None)
        return record

    def ref(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            if id(value) in self.values:
                return self.values[id(value)]
            if id(value) in self.tied:
                return self.tied[id(value)]
            self.add("constant", (), {}, value)
            return self.values[id(value)]
        if isinstance(value, (list, tuple)):
            return tuple([self.ref(item) for item in value])
        if isinstance(value, dict):
            return {key: self.ref(item) for key, item in value.items()}
        return value

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", str(func))
        if self.inside or (name in ASKING and name != "__get__"):
            return run_theirs(func, args, kwargs)
        if name == "__get__":  # an attribute, such as `x.shape`, or `x.mT`, which is a tensor
            name = getattr(getattr(func, "__self__", None), "__name__", name)
            found = run_theirs(func, args, kwargs)
            if isinstance(found, torch.Tensor) and name not in ("data", "grad"):
                made = self.add(name, self.ref(args), {}, found)
                made.function, made.compute = f"torch.Tensor.{name}.__get__", func
            return found
        taken, named = self.ref(args), self.ref(kwargs)
        out = run_theirs(func, args, kwargs)
        results = out if isinstance(out, (tuple, list)) else (out,)
        if any(isinstance(r, torch.Tensor) for r in results):
            full = ONE_NAME.get(id(func)) or resolve_name(func) or name
            made = self.add(full.rsplit(".", 1)[-1], taken, named, out)
            made.function, made.compute = full, func
            self.changed(out)
        elif name == "__setitem__":  # which gives nothing, and changes its tensor
            self.add(name, taken, named, args[0]).compute = func
            self.changed(args[0])
        return out

    def changed(self, out: Any) -> None:
        """Is told of what an operation gave: where that is a part of another tensor, and was
        changed in its place, the other is no longer what it was computed to be."""
        if not isinstance(out, torch.Tensor):
            return
        base = out if out._base is None else out._base
        before = self._versions.get(id(base), 0)
        now = 0 if base.is_inference() else base._version
        self._versions[id(base)] = now
        if base is not out and id(base) in self.values and before != now:
            self.add("a change of a part", (self.values[id(base)], self.values[id(out)]), {}, base)

    def name_of(self, module: nn.Module) -> str | None:
        """The operation as which a module is recorded: of one that was made while it ran, too."""
        known = id(module) in self.names
        return self.single.get(id(module)) if known else one_operation(module)

    def before(self, module: nn.Module, args: Any) -> None:
        if module is self.model:
            return
        if self.inside:
            self.inside += 1
        elif self.name_of(module) is not None:
            self.inside = 1
            self.waiting.append((module, self.ref(args), {}))
        else:
            path = self.names.get(id(module), "?")
            call = ModuleCall(path, type(module).__name__, self.stack[-1])
            call.recomputed = recomputed(module)
            call.given = self.computed(zip(places_of(module), args, strict=False))
            self.stack.append(call)

    def named(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        """What a module is given by name, which hooks of all modules are not told."""
        if not kwargs:
            return
        if self.inside == 1 and self.waiting[-1][0] is module:
            self.waiting[-1] = (module, self.waiting[-1][1], self.ref(kwargs))
        elif not self.inside and module is not self.model:
            given = self.stack[-1].given | self.computed(kwargs.items())
            names = [n for n in places_of(module) if n in given]  # however a call sorts them
            self.stack[-1].given = {n: given[n] for n in dict.fromkeys([*names, *given])}

    def computed(self, given: Iterable[tuple[str, Any]]) -> dict[str, Ref]:
        """The tensors among what a module is given, by their names."""
        return {name: self.values[id(one)] for name, one in given if id(one) in self.values}

    def after(self, module: nn.Module, args: Any, out: Any) -> None:
        if module is self.model:
            return
        if not self.inside:
            self.stack.pop()
            return
        self.inside -= 1
        if not self.inside:
            path = self.names.get(id(module), "?")
            _, taken, named = self.waiting.pop()
            self.add(self.name_of(module) or "", taken, named, out, module, path)
            self.inside = 1  # what is asked here is no operation of the model
            self.changed(out)
            self.inside = 0


def record(
    model: nn.Module,
    batch: int,
    inputs: Inputs,
    training: bool = False,
    flops: Callable[[], int] = int,
) -> Recording:
    """Runs a module once on a batch of so many, and gives what it did. ``flops`` says how many
    operations on numbers there were so far.

    Raises ``ArchError`` where it does not run without numbers (A655), or fails (A652).
    """
    check_taken(model, inputs)
    check_has_weights(model)
    for path, module in model.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            where = f"`{path}`" if path else "it"
            raise fails(f"{where} is TorchScript, not Python: import the module it was made from")
    tensors: dict[str, torch.Tensor] = {}
    one: dict[int, torch.Tensor] = {}  # tied weights stay tied
    for path, module in model.named_modules():  # each once, so that it gets its own back
        own = {"recurse": False, "remove_duplicate": False}
        for name, tensor in [*module.named_parameters(**own), *module.named_buffers(**own)]:
            known = one.setdefault(id(tensor), tensor.detach().to("meta"))
            tensors[f"{path}.{name}" if path else name] = known
    recorder = _Recorder(model, tensors, flops)
    taken = tensors_of(inputs, batch, _dtype(model), device="meta")
    for (name, shape), x in zip(inputs.items(), taken, strict=True):
        recorder.add("input", (name, shape), {}, x)
    hooks = [
        register_module_forward_pre_hook(recorder.before),
        register_module_forward_hook(recorder.after),
        *(m.register_forward_pre_hook(recorder.named, with_kwargs=True) for m in model.modules()),
    ]
    if isinstance(model, ProgramModule):
        model.watch = recorder
    try:
        with unchanged(model), torch.enable_grad(), recorder, without_draws():
            model.train(training)
            out = functional_call(model, tensors, *called(inputs, taken), tie_weights=False)
            made = next((k for k, p in model.named_parameters() if id(p) not in one), None)
    except ArchError:
        raise
    except Exception as problem:
        if is_own(problem) and not isinstance(model, ProgramModule):
            raise
        how = "training" if training else "evaluation"
        given = f"a batch of {batch}, {shown(inputs)}, in {how}"
        raise trouble(problem, OWN, given) from problem
    finally:
        for hook in hooks:
            hook.remove()
        if isinstance(model, ProgramModule):
            model.watch = None
    if made is not None:
        raise fails(f"it makes `{made}` while it runs: call it on a tensor first")
    outputs = [(name, recorder.values.get(id(t))) for name, t in outputs_of(out).items()]
    keys: dict[int, str] = {}
    for key, parameter in model.named_parameters(remove_duplicate=False):
        keys.setdefault(id(parameter), key)
    kept = [(n, r) for n, r in outputs if r]
    found = Recording(recorder.records, recorder.root, kept, keys, training)
    for name, ref in outputs:
        if ref is None or all(record.op != "input" for record in needed(found, [ref])):
            result = f"its result `{name}`" if name else "its result"
            raise fails(f"{result} is not computed from its input")
    return found


def _dtype(model: nn.Module) -> torch.dtype:
    return next((p.dtype for p in model.parameters() if p.is_floating_point()), torch.float32)


def needed(recording: Recording, outputs: Iterable[Ref]) -> list[TracedCall]:
    """The records that outputs need, in order."""
    found: set[int] = set()
    todo = [ref.record for ref in outputs]
    while todo:
        one = todo.pop()
        if one.number not in found:
            found.add(one.number)
            todo += [ref.record for ref in one.refs()]
    return [r for r in recording.records if r.number in found]
