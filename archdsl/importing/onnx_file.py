"""A graph of ONNX, read as steps of PyTorch. The file is bytes and numbers; what it keeps in other
files is read from its own folder alone.

It does not say which tensors are learned: those of numbers with a fraction are, one number alone
is not. The exporter of PyTorch folds batch norms into convolutions, and names them: they are
written again, with the file's own numbers in them."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from archdsl.files import opened
from archdsl.importing import onnx_shapes  # noqa: F401  its operations are entered
from archdsl.importing.authors import authors_scopes
from archdsl.importing.extent import ByteBudget, DamagedFile, TooMuch
from archdsl.importing.file_module import (
    FileProgram,
    FileStep,
    FreshNames,
    ModuleScope,
    Of,
    TensorKeys,
    Training,
)
from archdsl.importing.onnx_graph import FAULTS, graph_of
from archdsl.importing.onnx_operations import ONNX
from archdsl.units import counted
from archdsl.within import Outside, within

FIRST_OPSET = 11
NUMBERS = ("Clip", "Pad", "Resize")  # operations that take numbers, and no weights
FLOATS = (1, 10, 11, 16)  # the kinds of numbers with a fraction
KEPT = "pkg.torch.onnx."
BIASED = re.compile(r"aten\.(?:linear|conv\dd)\.default\]\(args = \(%\w+, %\w+, %")
FOLDED = re.compile(
    r"_native_batch_norm_legit_no_training.*, (?P<momentum>[\d.e-]+), (?P<eps>[\d.e-]+)\)"
)


def read_onnx(path: Path) -> tuple[FileProgram, Any]:
    """What a graph says, and the graph with all its tensors. Raises ``DamagedFile``, ``OSError``,
    and ``ArchError`` where the package `onnx` is not installed."""
    model, size = graph_of(path)
    try:
        return _OnnxReader(model, path.parent, size).described(), model
    except DamagedFile:
        raise
    except FAULTS as problem:
        raise DamagedFile(f"its graph is damaged ({type(problem).__name__})") from None


class _OnnxReader:
    def __init__(self, model: Any, folder: Path, size: int) -> None:
        self.model, self.graph, self.folder = model, model.graph, folder
        self.found, self.budget = FileProgram(), ByteBudget(size)
        self.files: set[Path] = set()  # beside it
        self.used = Counter(name for node in self.graph.node for name in node.input)
        self.keys, self.equal = TensorKeys(), FreshNames()
        self.arrays: dict[str, np.ndarray[Any, Any]] = {}
        self.turned: set[str] = set()
        self.path = ""  # of the module whose node is read
        self.folded = 0
        versions = [o.version for o in model.opset_import if o.domain in ("", "ai.onnx")]
        if not versions or versions[0] < FIRST_OPSET:
            raise DamagedFile(f"its operator set is older than version {FIRST_OPSET}")
        if self.graph.sparse_initializer:
            raise DamagedFile("it has sparse tensors")

    def described(self) -> FileProgram:
        found = self.found
        for tensor in self.graph.initializer:
            self.arrays[tensor.name] = self._array(tensor)
        for value in self.graph.input:
            if value.name not in self.arrays:
                dims = value.type.tensor_type.shape.dim
                if value.type.tensor_type.elem_type not in FLOATS or not dims:
                    raise DamagedFile(f"`{value.name}` is not a tensor of numbers")
                found.inputs[value.name] = tuple(int(d.dim_value) for d in dims[1:])
                found.batch = int(dims[0].dim_value) or None
        shapes = self._shapes()
        nodes = list(self.graph.node)
        shifts = self._shifts(nodes)
        for node in nodes:
            if id(node) not in self.left:
                self._node(node, shapes, shifts.get(node.output[0]))
        found.outputs = {value.name: value.name for value in self.graph.output}
        if self.folded:
            found.said.append(
                "what the file has folded into convolutions is written again, as it names it: "
                + counted(self.folded, "batch norm", exact=True)
            )
        found.said.append(
            "a file of ONNX does not say what is learned: every tensor of several numbers is; and"
            " dropout is not in it, unless it was exported for training"
        )
        return found

    # ------------------------------------------------------------------------ tensors

    def _array(self, tensor: Any) -> np.ndarray[Any, Any]:
        from onnx import TensorProto, numpy_helper

        if min(tensor.dims, default=0) < 0:
            raise DamagedFile(f"`{tensor.name}` has a negative size")
        if tensor.data_location == TensorProto.EXTERNAL:
            self._read(tensor)
        elif prod(tensor.dims) > tensor.ByteSize() * 2:
            raise TooMuch(f"`{tensor.name}` has a shape with more elements than the file holds")
        try:
            array = numpy_helper.to_array(tensor)
        except (KeyError, TypeError, ValueError):
            raise DamagedFile(f"`{tensor.name}` has no known dtype, or too many elements") from None
        if tensor.data_type in FLOATS:
            return array.astype(np.float32)
        if array.dtype.kind not in "iub":
            raise DamagedFile(f"`{tensor.name}` has a dtype that no layer has")
        return array.astype(np.int64)

    def _read(self, tensor: Any) -> None:
        """Takes numbers in from a file of the folder."""
        from onnx import TensorProto, helper

        given = {entry.key: entry.value for entry in tensor.external_data}
        name, start = given.get("location", ""), int(given.get("offset", 0))
        each = helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
        size = prod(tensor.dims) * each
        try:
            file = within(self.folder, name, "", "the file's folder")
        except Outside as problem:
            raise TooMuch(f"its numbers in `{name}` cannot be read: {problem}") from None
        try:
            with opened(file) as stream:
                whole = stream.seek(0, 2)
                if min(start, size) < 0 or start + size > whole:
                    raise TooMuch(
                        f"`{tensor.name}` has a shape with more elements than the file holds"
                    )
                if file not in self.files:
                    self.files.add(file)
                    self.budget.held += whole
                self.budget.spend(size)
                stream.seek(start)
                tensor.raw_data = stream.read(size)
        except (FileNotFoundError, IsADirectoryError):
            raise DamagedFile(f"its numbers are in `{name}`, which is not beside it") from None
        tensor.data_location = TensorProto.DEFAULT
        del tensor.external_data[:]

    def _given(self, name: str) -> Any:
        """What a node takes by a name: a parameter, a number, an array, or what was computed."""
        if not name:
            return None
        array = self.arrays.get(name)
        if array is None:
            return Of(name)
        if array.dtype != np.float32 or array.size == 0:
            return array
        if array.size == 1 and array.ndim < 2 and not self._is_weight(name):
            return float(str(array.reshape(-1)[0]))
        return self._tensor(name, array)

    def _is_weight(self, name: str) -> bool:
        return name.endswith((".weight", ".bias"))

    def _tensor(self, name: str, array: Any, buffer: bool = False, turned: bool = False) -> Of:
        """A parameter or a buffer of the module. Exporters write equal tensors once: one of equal
        numbers is another wherever it is used."""
        if name in self.found.names and bool((array == array.flat[0]).all()):
            name = self.equal.fresh(f"{self.path}.{name.rpartition('.')[2]}", self.found.names)
        known = self.found.buffers if buffer else self.found.parameters
        if name not in self.found.names:
            key = self.keys.of(name)
            if turned:
                array = np.ascontiguousarray(array.T)
                self.turned.add(name)
            self.budget.spend(array.nbytes)
            known[key] = torch.from_numpy(array.copy())
            self.found.names[name] = key
        elif (name in self.turned) != turned:
            raise DamagedFile(f"its tensor `{name}` is used in two ways")
        return Of(name)

    # -------------------------------------------------------------------------- nodes

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of values, where an operation has no counterpart."""
        if all(n.op_type in ONNX or n.op_type == "Constant" for n in self.graph.node):
            return {}
        from onnx import shape_inference

        try:
            known = shape_inference.infer_shapes(self.model).graph
        except shape_inference.InferenceError:  # an operation that it does not know either
            return {}
        return {
            value.name: tuple(int(d.dim_value) or 1 for d in value.type.tensor_type.shape.dim)
            for value in (*known.value_info, *known.output)
        }

    def _shifts(self, nodes: Sequence[Any]) -> dict[str, str]:
        """The shift that is added to each product alone with a weight: a linear layer is both."""
        self.left: set[int] = set()
        self.renamed: dict[str, str] = {}
        products = {n.output[0]: n for n in nodes if n.op_type == "MatMul"}
        found: dict[str, str] = {}
        for node in nodes:
            if node.op_type != "Add" or len(node.input) != 2:
                continue
            for value, shift in (tuple(node.input), tuple(node.input)[::-1]):
                product, array = products.get(value), self.arrays.get(shift)
                weight = None if product is None else self.arrays.get(product.input[1])
                alone = self.used[value] == 1 and value not in found
                if not alone or array is None or weight is None or weight.ndim != 2:
                    continue
                if array.shape == weight.shape[1:]:
                    found[value] = shift
                    self.left.add(id(node))
                    self.renamed[value] = node.output[0]
                    break
        return found

    def _node(self, node: Any, shapes: dict[str, tuple[int, ...]], shift: str | None) -> None:
        from onnx import helper

        attributes = {}
        for attribute in node.attribute:
            value = helper.get_attribute_value(attribute)
            value = value.decode() if isinstance(value, bytes) else value
            if isinstance(value, float):  # as it was before it was stored in single precision
                value = float(str(np.float32(value)))
            attributes[attribute.name] = self._array(value) if hasattr(value, "dims") else value
        if node.op_type == "Constant":
            self._constant(node.output[0], attributes)
            return
        if node.op_type == "Identity" and node.input[0] in self.arrays:
            self.arrays[node.output[0]] = self.arrays[node.input[0]]
            return
        results = tuple(self.renamed.get(name, name) for name in node.output)
        scopes, self.path = _scopes(node)
        path = self.path
        args: tuple[Any, ...]
        kwargs: dict[str, Any] = attributes
        function = ONNX.get(node.op_type) if node.domain in ("", "ai.onnx") else None
        weight = self.arrays.get(node.input[1]) if len(node.input) > 1 else None
        linear = weight is not None and weight.ndim == 2 and weight.dtype == np.float32
        norm = self._norm(node) if node.op_type == "Conv" else None
        plain = {attributes.get(k, 1) for k in ("alpha", "beta")} == {1}
        if node.op_type == "MatMul" and linear:
            given = self._tensor(node.input[1], weight, turned=True)
            function, kwargs = F.linear, {}
            args = (self._given(node.input[0]), given, self._given(shift or ""))
        elif node.op_type == "Gemm" and linear and plain and not attributes.get("transA"):
            turned = not attributes.get("transB")
            given = self._tensor(node.input[1], weight, turned=turned)
            bias = self._given(node.input[2]) if len(node.input) > 2 else None
            function, kwargs, args = F.linear, {}, (self._given(node.input[0]), given, bias)
        elif node.op_type == "BatchNormalization":
            first, *rest = node.input
            tensors = [self._tensor(n, self.arrays[n], i > 1) for i, n in enumerate(rest)]
            args, kwargs = (self._given(first), *tensors), attributes | {"training": Training}
        else:
            kept = node.op_type in NUMBERS
            names = node.input[:2] if norm is not None else node.input
            args = tuple(
                self.arrays[n] if kept and n in self.arrays else self._given(n) for n in names
            )
        if norm is None and (linear or node.op_type == "Conv") and len(args) > 1:
            args = self._biased(node, args, results[0])
        if norm is not None:
            args = self._unfolded(node, args, results[0], path, norm, scopes)
            results = (f"{results[0]} before its norm",)
        known = tuple(shapes.get(name) for name in node.output)
        op = node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"
        step = FileStep(op, function, args, kwargs, results, scopes, path, known)
        at = len(self.found.steps) - (norm is not None)
        self.found.steps.insert(at, step)

    def _biased(self, node: Any, args: tuple[Any, ...], result: str) -> tuple[Any, ...]:
        """The arguments with the bias that a layer had, of zeros, which exporters leave out."""
        kept = {p.key: p.value for p in node.metadata_props}
        left_out = len(args) < 3 or args[2] is None
        known = isinstance(args[1], Of) and args[1].name in self.found.names
        if not (left_out and known) or BIASED.search(kept.get(f"{KEPT}fx_node", "")[:4000]) is None:
            return args
        weight = self.found.parameters[self.found.names[args[1].name]]
        zeros = np.zeros(weight.shape[0], np.float32)
        return *args[:2], self._tensor(f"{self.path or result}.bias", zeros)

    def _constant(self, name: str, attributes: dict[str, Any]) -> None:
        ((kind, value),) = attributes.items()
        if kind not in ("value", "value_float", "value_floats", "value_int", "value_ints"):
            raise DamagedFile(f"its constant `{name}` is not a tensor")
        floats = kind in ("value_float", "value_floats")
        self.arrays[name] = np.asarray(value, np.float32 if floats else None)

    def _norm(self, node: Any) -> tuple[float, float] | None:
        """Momentum and eps of the batch norm that was folded into a convolution."""
        kept = {p.key: p.value for p in node.metadata_props}
        if "FuseBatchNormIntoConv" not in kept.get("pkg.onnxscript.rewriter.rule_name", ""):
            return None
        found = FOLDED.search(kept.get(f"{KEPT}fx_node", "")[:4000])
        return None if found is None else (float(found["momentum"]), float(found["eps"]))

    def _unfolded(
        self,
        node: Any,
        args: tuple[Any, ...],
        result: str,
        path: str,
        norm: tuple[float, float],
        scopes: tuple[ModuleScope, ...],
    ) -> tuple[Any, ...]:
        """A convolution without its norm, after which the norm stands that does nothing but add
        what the file has as the bias."""
        (momentum, eps), (channels, *_) = norm, self.arrays[node.input[1]].shape
        rules = next(
            p.value for p in node.metadata_props if p.key == "pkg.onnxscript.rewriter.rule_name"
        )
        had_bias = "RemoveOptionalBias" not in rules
        shift = np.zeros(channels, np.float32)
        if len(node.input) > 2:
            shift = self.arrays[node.input[2]]
        values = {
            "running_mean": np.zeros(channels),
            "running_var": np.ones(channels),
            "weight": np.full(channels, (1 + eps) ** 0.5),
            "bias": shift,
        }
        before = path or result
        tensors = [
            self._tensor(f"{before}.{name}", array.astype(np.float32), name.startswith("running"))
            for name, array in values.items()
        ]
        bias = None
        if had_bias:
            bias = self._tensor(f"{result}.bias", np.zeros(channels, np.float32))
        given = (Of(f"{result} before its norm"), *tensors, Training, momentum, eps)
        self.found.steps.append(
            FileStep("BatchNorm", F.batch_norm, given, {}, (result,), scopes, path)
        )
        self.folded += 1
        return args[0], args[1], bias


def _scopes(node: Any) -> tuple[tuple[ModuleScope, ...], str]:
    """The author's modules around a node, and the path of the innermost: what PyTorch's exporters
    say of them."""
    kept = {p.key: p.value for p in node.metadata_props}
    if f"{KEPT}name_scopes" in kept:
        try:
            paths = ast.literal_eval(kept[f"{KEPT}name_scopes"])
            classes = ast.literal_eval(kept[f"{KEPT}class_hierarchy"])
        except (SyntaxError, ValueError, KeyError, MemoryError):
            return (), ""
        entries = list(zip(map(str, paths), map(str, classes), strict=False))[1:-1]
        if not paths or paths[0] != "":
            return (), ""
    else:
        *parts, _ = node.name.strip("/").split("/")
        entries = []
        for part in parts:
            around = entries[-1][0] if entries else ""
            whole = part if not around or part.startswith(f"{around}.") else f"{around}.{part}"
            entries.append((whole, _class_of(part)))
    return authors_scopes((path, path, cls) for path, cls in entries)


def _class_of(part: str) -> str:
    """What a module is called whose class is not said: an element of a list is a unit."""
    return "Unit" if part[-1:].isdigit() and "." in part else "Sequential"
