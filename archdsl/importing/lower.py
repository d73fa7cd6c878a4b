"""A recording as a graph of layers: what each operation is in the language.

Tensors of the language have no batch and channels first. A value of the recording is a vertex of
the graph and a permutation: which axis of its tensor each of its own axes is. So ``permute`` and
``transpose`` make no layer. Where axes are cut, as for the heads of attention, it is an
``AxisSplit`` until an operation wants it whole. What has no layer is a gap; all are told together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from math import prod
from typing import Any

from archdsl.importing.custom import NONE, Custom, Missing, OperationUse, uses_of
from archdsl.importing.cut import AxisSplit, cut_of, order_of, whole
from archdsl.importing.guesses import Guesses
from archdsl.importing.layer_of import Gap, make, named
from archdsl.importing.queried import goes_on
from archdsl.importing.record import Recording, Ref, Tied, TracedCall, needed
from archdsl.importing.reshaping import RESHAPING, turns
from archdsl.importing.through import through, tied_in
from archdsl.importing.together import whole_of
from archdsl.importing.values import (
    AttentionScores,
    Bordered,
    Computed,
    Moving,
    OfQueries,
    Repeated,
    TensorValue,
    Vertex,
    chain,
)
from archdsl.importing.written_out import norms_written_out
from archdsl.layers.base import Layer, Misfit, Shape

Operation = Callable[["Lowering", TracedCall], Any]
OPERATIONS: dict[str, Operation] = {}
# What is computed of what comes in.
MOVING = TensorValue, AxisSplit, AttentionScores, OfQueries, Repeated, Bordered


def operation(*names: str) -> Callable[[Operation], Operation]:
    """Says of which modules and functions a function makes layers."""

    def enter(function: Operation) -> Operation:
        for name in names:
            OPERATIONS[name] = function
        return function

    return enter


class Lowering:
    """The graph of a recording: ``vertices`` in order, ``outputs`` by their names, ``missing``.
    ``custom`` are layers for operations that the language has none for; ``moving`` says
    what pads by an amount that goes with the size of the image."""

    def __init__(
        self,
        recording: Recording,
        custom: Custom = NONE,
        moving: Moving | None = None,
    ) -> None:
        norms_written_out(recording)
        self.moving = moving or Moving()
        self.custom = custom
        self.vertices: list[Vertex] = []
        self.missing: list[Missing] = []
        self.root, self.training = recording.root, recording.training
        self._values: dict[Ref, Any] = {}
        self._known: dict[Any, Vertex] = {}
        self._cut_by: dict[Any, TracedCall] = {}  # in whose module its layers are
        self.guesses = Guesses()
        self._settled: dict[Any, TensorValue] = {}
        self.memo: dict[Any, Any] = {}  # what several operations have one of
        self.batch = 0
        self.keys = recording.keys
        records = needed(recording, [ref for _, ref in recording.outputs])
        self.asked = {ref for record in records for ref in record.refs()}
        self.asked |= {ref for _, ref in recording.outputs}
        for record in records:
            self._lower(record)
        self.outputs = [(name, self._result(ref)) for name, ref in recording.outputs]

    def _result(self, ref: Ref) -> Vertex:
        value, record = self._values[ref], ref.record
        record = value.record if isinstance(value, OfQueries) else record
        try:
            value = self.settled(value, record)
            if isinstance(value, TensorValue):
                return self.plain(value, record).vertex
            why = ": its axes are in another order"
        except Gap as problem:
            why = str(problem)
        follows = self.guesses.has(self._values[ref])
        self.missing.append(Missing(record.op, why, record.path, record.place, (), follows))
        return self.vertices[0]

    def _lower(self, record: TracedCall) -> None:
        if record.op == "input":
            name, shape = record.args
            self.batch = (record.shapes[0] or ())[0]
            vertex = Vertex(len(self.vertices), None, [], shape, record.call, name)
            self.vertices.append(vertex)
            self._values[Ref(record)] = TensorValue(vertex, tuple(range(len(shape))))
            return
        taken = [self.value(ref) for ref in record.refs()]
        looks_up = record.op in ("Embedding", "embedding")
        if not looks_up and not any(isinstance(value, MOVING) for value in taken):
            made: Any = self._of_weights(record)
        elif (gone_on := goes_on(self, record)) is not None:
            made = gone_on
        else:
            try:
                function = OPERATIONS.get(record.op.rstrip("_")) or OPERATIONS.get(record.op)
                if function is None:
                    raise Gap("")
                made = self._through(record, function)
            except Gap as problem:
                made = self._custom(record, str(problem), taken) or self._gap(record, taken)
        results = made if isinstance(made, list) else [made]
        several = range(len(results), len(record.shapes))
        if several and any(Ref(record, number) in self.asked for number in several):
            why = ": only the first of its results is a layer's"
            results = self._custom(record, why, taken) or self._gap(record, taken)
        for number, value in enumerate(results):
            self._values[Ref(record, number)] = value
            if isinstance(value, AxisSplit):
                self._cut_by.setdefault(value.key, record)

    def _through(self, record: TracedCall, function: Operation) -> Any:
        """What an operation makes: of a tensor whose channels are last and whole, before its
        cuts; of any other, where it is nothing as it is."""
        values = [self.value(ref) for ref in record.refs()]
        cut = next((value for value in values if isinstance(value, AxisSplit)), None)
        if cut is None:
            return function(self, record)
        if cut.axes[-1] == whole(cut.vertex.shape, 0):
            return through(self, record, function) or function(self, record)
        try:
            return function(self, record)
        except Gap:
            if (made := through(self, record, function)) is None:
                raise
            return made

    def _of_weights(self, record: TracedCall) -> Any:
        """A parameter in another shape is itself; else it is computed."""
        first = record.args[0] if record.args else None
        first = self.value(first) if isinstance(first, Ref) else first
        shape = record.shapes[0] if len(record.shapes) == 1 else None
        if isinstance(first, Tied) and shape is not None and record.op in RESHAPING:
            if prod(shape) == prod(first.shape):
                return replace(first, shape=shape)
            if shape[0] == self.batch and prod(shape[1:]) == prod(first.shape):
                return replace(first, shape=(1, *shape[1:]))  # the same for each image
        if isinstance(first, Tied) and shape is not None and turns(self, record, len(shape)):
            return replace(first, shape=shape, turned=not first.turned)
        learned = any(t.trained for t in tied_in((*record.args, *record.kwargs.values())))
        constant = record.op == "constant" or not (learned or any(True for _ in record.refs()))
        by = next((call.recomputed for call in chain(record.call) if call.recomputed), "")
        return [Computed(constant, Ref(record, n), by) for n in range(len(record.shapes))]

    def _custom(self, record: TracedCall, why: str, taken: Sequence[Any]) -> list[Any] | None:
        """The results of layers of one's own; nothing, and a gap, where there are none such."""
        try:
            uses, operands = uses_of(self, record)
        except Gap:
            uses, operands = (), []
        if uses and all(use.code in self.custom.names for use in uses):
            try:
                made: list[Any] = [Computed(True) for _ in record.shapes]  # what nothing asks for
                for use in uses:
                    made[use.result] = self._made(use, operands, record)
                return made
            except Gap:
                pass  # it was recorded for other shapes
        follows = any(self.guesses.has(value) for value in taken)
        for value in taken:
            if isinstance(value, OfQueries):  # what is missing is the product that it begins with
                first, follows = value.record, True
                gap = Missing(first.op, value.why, first.path, first.place)
                self.missing += [gap] * (gap not in self.missing)
        self.missing.append(Missing(record.op, why, record.path, record.place, uses, follows))
        return None

    def _made(self, use: OperationUse, operands: list[Vertex], record: TracedCall) -> TensorValue:
        """A result of a layer of one's own. Raises ``Gap``."""
        assert use.code is not None, "only what has code is a layer"
        layer: Layer = self.custom.registry.layers[self.custom.names[use.code]]()
        tensors = {key: getattr(record.module, key) for key, *_ in use.code.weights}
        vertex = self.vertex(layer, operands, record, weights=self.tied(record, **tensors))
        return TensorValue(vertex, tuple(range(len(vertex.shape))))

    def _gap(self, record: TracedCall, taken: Sequence[Any]) -> list[TensorValue]:
        """Values that stand for what could not be computed, so that other gaps are found too."""
        made = partial(self.vertex, None, record=record)
        return [self.guesses.result(shape, taken, made) for shape in record.shapes]

    # ------------------------------------------------------------------ what operations ask

    def assign(self, ref: Ref, value: Any) -> None:
        """From here on, the value of a result."""
        self._values[ref] = value

    def multiplied(self, cut: AxisSplit, record: TracedCall) -> Vertex:
        """The vertex of a cut tensor, with the factor that it has."""
        if cut.factor == 1:
            return cut.vertex
        return self.vertex(make("times", value=cut.factor), [cut.vertex], record)

    def value(self, argument: Any) -> Any:
        """What an argument is: a ``TensorValue``, ``Tied``, ``Computed``, or plain."""
        return self._values[argument] if isinstance(argument, Ref) else argument

    def is_known(self, ref: Ref) -> bool:
        """Whether what a reference stands for was lowered: what no result needs never is."""
        return ref in self._values

    def argument(self, record: TracedCall, place: int, name: str, usual: Any = None) -> Any:
        """An argument of a function, by its place or its name."""
        if len(record.args) > place:
            return self.value(record.args[place])
        return self.value(record.kwargs.get(name, usual))

    def input(self, record: TracedCall, place: int = 0, name: str = "input") -> TensorValue:
        """The tensor that an operation is of. Raises ``Gap`` where it is a parameter."""
        value = self.settled(self.argument(record, place, name), record)
        if not isinstance(value, TensorValue):
            raise Gap(" of a parameter")
        return value

    def plain(self, value: TensorValue, record: TracedCall) -> TensorValue:
        """A tensor whose axes are in the order of the vertex's. Others are put there by layers."""
        while not value.plain:
            value = self.turned(value, record)
        return value

    def turned(self, value: TensorValue, record: TracedCall) -> TensorValue:
        """The same tensor, of a vertex in which two axes have changed places: with two axes these,
        with more those that bring the next one to where it has to be."""
        rank = len(value.axes)
        at = next((i for i, axis in enumerate(value.axes) if i != axis), 0)
        other = value.axes[at] if value.axes[at] != at else 1
        swapped = {at: other, other: at}
        axes = {} if rank == 2 else {"first": named(at, rank), "second": named(other, rank)}
        made = self.swapped(make("transpose", **axes), value.vertex, record)
        return TensorValue(made, tuple(swapped.get(axis, axis) for axis in value.axes))

    def cut(self, value: Any) -> Any:
        """A tensor as one whose axes may be cut."""
        is_whole = isinstance(value, TensorValue)
        return cut_of(value.vertex, value.axes, self.batch) if is_whole else value

    def joined(self, cut: AxisSplit) -> TensorValue | AxisSplit:
        """The tensor without cuts, where no layer is needed for that."""
        order = order_of(cut, self.batch) if cut.factor == 1 else None
        return cut if order is None else TensorValue(cut.vertex, order)

    def settled(self, value: Any, record: TracedCall) -> Any:
        """A tensor as a whole one: what was cut is put together by layers. Raises ``Gap``."""
        if isinstance(value, AttentionScores):
            raise Gap(" of an intermediate result of attention")
        if isinstance(value, OfQueries):
            raise Gap(value.why)
        if isinstance(value, Repeated):
            raise Gap(" of a tensor that was repeated")
        if isinstance(value, Bordered):
            if any(map(any, value.sides)):
                raise Gap(" of a tensor that was padded with minus infinity")
            return value.value
        if not isinstance(value, AxisSplit):
            return value
        if value.rolled:
            raise Gap(" of a tensor that was rolled")
        if (key := value.key) not in self._settled:
            self._settled[key] = whole_of(self, value, self._cut_by.get(key, record))
        return self._settled[key]

    def vertex(
        self,
        layer: Layer | None,
        inputs: list[Vertex],
        record: TracedCall,
        shape: Shape | None = None,
        weights: dict[str, Tied] | None = None,
        drop: float = 0.0,
    ) -> Vertex:
        """A layer of vertices. Raises ``Gap`` where it cannot take them."""
        try:
            shape = shape if layer is None else layer.shape(*[v.shape for v in inputs])
        except Misfit:
            raise Gap(": shapes do not fit") from None
        assert shape is not None, "a gap says its shape"
        key = (layer, tuple(v.number for v in inputs))
        if layer is not None and layer.is_associative and not layer.is_sum and key in self._known:
            return self._known[key]
        number = len(self.vertices)
        at, own = (record.call, record.path), weights or {}
        vertex = Vertex(number, layer, inputs, shape, *at, own, drop, record.place)
        self.guesses.spread(vertex)
        self.vertices.append(vertex)
        self._known[key] = vertex
        return vertex

    def once(self, layer: Layer, vertex: Vertex, record: TracedCall) -> Vertex:
        """A layer without weights on a vertex: the one that there is already, or a new one."""
        return self._known.get((layer, (vertex.number,))) or self.vertex(layer, [vertex], record)

    def swapped(self, swap: Layer, vertex: Vertex, record: TracedCall) -> Vertex:
        """A transposition of a vertex: what it is of, where it is the same one itself."""
        return vertex.inputs[0] if vertex.layer == swap else self.once(swap, vertex, record)

    def apply(
        self,
        layer: Layer,
        record: TracedCall,
        *values: TensorValue,
        weights: dict[str, Tied] | None = None,
        axes: tuple[int, ...] | None = None,
    ) -> TensorValue:
        """A layer on values of one order of axes: what it gives is in that order, or in ``axes``.

        Raises ``Gap`` where the layer's result has not the shape that PyTorch's has."""
        order = values[0].axes
        vertex = self.vertex(layer, [v.vertex for v in values], record, weights=weights)
        axes = axes or (
            order if len(order) == len(vertex.shape) else tuple(range(len(vertex.shape)))
        )
        return self.checked(TensorValue(vertex, axes), record)

    def checked(self, made: TensorValue, record: TracedCall) -> TensorValue:
        """What an operation gives. Raises ``Gap`` where it has not the shape that PyTorch's has."""
        wanted = record.shapes[0]
        if wanted is not None and len(record.shapes) == 1 and wanted[1:] != made.shape:
            raise Gap(f" in this form: `{made.vertex.op}` gives another shape")
        return made

    def tied(self, record: TracedCall, **tensors: Any) -> dict[str, Tied]:
        """The tensors of a module of torch.nn, by our names of them."""
        return {
            name: Tied(
                self.keys.get(id(tensor), f"{record.path}.{name}"),
                tuple(tensor.shape),
                tensor.requires_grad,
                tensor,
            )
            for name, tensor in tensors.items()
            if tensor is not None
        }
