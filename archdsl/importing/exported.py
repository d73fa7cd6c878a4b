"""A program of ``torch.export`` (``.pt2``), read without PyTorch's loader: that one unpickles what
a file asks it to, which runs code. Here the graph is JSON, and tensors are bytes; what is pickled
is refused."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import torch

from archdsl.files import opened
from archdsl.importing.aten import function_of
from archdsl.importing.authors import authors_scopes
from archdsl.importing.extent import NODES, ByteBudget, DamagedFile, too_many
from archdsl.importing.file_module import FileProgram, FileStep, ModuleScope, Of

MOST_ENTRIES = 100_000
MOST_TEXT = 1 << 26  # bytes of its graph
SCHEMA = 8  # the version of PyTorch's format
BOUNDS = 1 << 40  # numbers in a file are no larger than this
LONGEST = 1 << 63  # and what operations are told is less than this
DTYPES = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    12: torch.bool,
    13: torch.bfloat16,
}
MEMORY_FORMATS = {
    1: torch.contiguous_format,
    2: torch.channels_last,
    3: torch.channels_last_3d,
    4: torch.preserve_format,
}
# What reading raises where a graph lacks something, or has it of another kind.
FAULTS = (LookupError, TypeError, ValueError, AttributeError, RuntimeError, ArithmeticError)
LEFT_OUT = ("as_device", "as_layout", "as_memory_format", "as_scalar_type")


def read_pt2(path: Path, exact: bool = False) -> FileProgram:
    """What a program says. ``exact``: it is to be run, and not to be told as layers, so that the
    kinds of numbers, the device and the order in memory count. Raises ``DamagedFile``, ``OSError``
    where the file cannot be opened."""
    with opened(path) as stream:
        try:
            return _ExportedReader(stream, exact).described()
        except zipfile.BadZipFile:
            raise DamagedFile("it is not an archive") from None
        except DamagedFile:
            raise
        except NotImplementedError:
            raise DamagedFile("it is an archive of another kind") from None
        except FAULTS as problem:
            raise DamagedFile(f"its graph is damaged ({type(problem).__name__})") from None


class _ExportedReader:
    def __init__(self, stream: BinaryIO, exact: bool) -> None:
        self.exact = exact
        size = stream.seek(0, 2)
        self.budget, self.last = ByteBudget(size), ("", bytearray())
        self.archive = zipfile.ZipFile(stream)
        entries = self.archive.infolist()
        if len(entries) > MOST_ENTRIES:
            raise DamagedFile(f"it has more than {MOST_ENTRIES:,} entries")
        if any(e.compress_type != zipfile.ZIP_STORED for e in entries):
            raise DamagedFile("its entries are compressed, which PyTorch never does")
        if sum(e.file_size for e in entries) > size:
            raise DamagedFile("its entries are larger than the file")
        self.sizes = {e.filename: e.file_size for e in entries}
        if any(name.endswith("serialized_exported_program.json") for name in self.sizes):
            raise DamagedFile(
                "it was saved by a PyTorch older than 2.8: save it again with a newer one"
            )
        graphs = [name for name in self.sizes if "/models/" in name and name.endswith(".json")]
        if len(graphs) != 1:
            raise DamagedFile(f"it has {len(graphs) or 'no'} programs, and not one")
        self.root, _, model = graphs[0].rpartition("/models/")
        self.model = model.removesuffix(".json")
        if self._raw(f"{self.root}/byteorder", 16).strip() != b"little":
            raise DamagedFile("its byte order is not little-endian")
        self.program = self._json(graphs[0])

    def _raw(self, name: str, most: int) -> bytes:
        if name not in self.sizes:
            raise DamagedFile(f"it lacks `{name.rpartition('/')[2]}`")
        if self.sizes[name] > most:
            raise DamagedFile(f"`{name.rpartition('/')[2]}` has more than {most:,} bytes")
        return self.archive.read(name)

    def _json(self, name: str) -> Any:
        return json.loads(self._raw(name, MOST_TEXT))

    def described(self) -> FileProgram:
        version = self.program["schema_version"]["major"]
        if version != SCHEMA:
            raise DamagedFile(f"its format is version {version} of PyTorch's, and not {SCHEMA}")
        module = self.program["graph_module"]
        self.values = module["graph"]["tensor_values"]
        if len(module["graph"]["nodes"]) > NODES:
            raise too_many()
        found = FileProgram()
        self._inputs(found, module["signature"]["input_specs"])
        for node in module["graph"]["nodes"]:
            found.steps.append(self._step(node))
        for node in module["graph"]["nodes"]:
            stack = node["metadata"].get("nn_module_stack", "")
            if stack.startswith("L__self__,,"):
                found.cls = stack.split(";")[0].rpartition(".")[2]
                break
        outputs = [
            spec["user_output"]["arg"]["as_tensor"]["name"]
            for spec in module["signature"]["output_specs"]
            if "user_output" in spec
        ]
        signature = module["module_call_graph"][0]["signature"]
        keys = _keys(json.loads(signature["out_spec"])[1], len(outputs))
        found.outputs = dict(zip(keys, outputs, strict=True))
        return found

    def _inputs(self, found: FileProgram, specs: Sequence[Mapping[str, Any]]) -> None:
        weights, constants = self._payload("weights"), self._payload("constants")
        for spec in specs:
            ((kind, given),) = spec.items()
            if kind == "user_input" and "as_tensor" in given["arg"]:
                name = given["arg"]["as_tensor"]["name"]
                batch, *shape = self.values[name]["sizes"]
                found.inputs[name] = tuple(_hint(size) for size in shape)
                if "as_int" in batch:
                    found.batch = _hint(batch)
                found.device = str(self.values[name]["device"]["type"])
                found.dtype = DTYPES[self.values[name]["dtype"]]
            elif kind == "parameter":
                key = given["parameter_name"]
                found.names[given["arg"]["name"]] = key
                found.parameters[key] = self._tensor("weights", weights, key)
            elif kind in ("buffer", "tensor_constant"):
                key = given[f"{kind}_name"]
                found.names[given["arg"]["name"]] = key
                where = ("weights", weights) if key in weights else ("constants", constants)
                found.buffers[key] = self._tensor(*where, key)
            else:
                raise DamagedFile(f"it takes an input that is not a tensor ({kind})")

    def _payload(self, kind: str) -> dict[str, Any]:
        name = f"{self.root}/data/{kind}/{self.model}_{kind}_config.json"
        found: dict[str, Any] = self._json(name)["config"]
        return found

    def _tensor(self, kind: str, payload: Mapping[str, Any], key: str) -> torch.Tensor:
        if key not in payload:
            raise DamagedFile(f"it lacks the tensor `{key}`")
        entry = payload[key]
        if entry["use_pickle"]:
            raise DamagedFile(f"`{key}` is pickled, which could run code")
        meta = entry["tensor_meta"]
        dtype = DTYPES.get(meta["dtype"])
        if dtype is None:
            raise DamagedFile(f"`{key}` has a dtype that no layer has")
        shape, strides = (tuple(_hint(n) for n in meta[k]) for k in ("sizes", "strides"))
        offset = _hint(meta["storage_offset"])
        if prod(max(n, 1) for n in shape) > BOUNDS:
            raise DamagedFile(f"`{key}` has a shape with more elements than the file holds")
        if not prod(shape):
            return torch.empty(shape, dtype=dtype)
        data = self._entry(f"{self.root}/data/{kind}/{entry['path_name']}")
        last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
        if (last + 1) * dtype.itemsize > len(data):  # one that is expanded reads some many times
            raise DamagedFile(f"`{key}` has a shape with more elements than the file holds")
        self.budget.spend(prod(shape) * dtype.itemsize)
        flat = torch.frombuffer(data[: len(data) // dtype.itemsize * dtype.itemsize], dtype=dtype)
        return flat.as_strided(shape, strides, offset).clone()

    def _entry(self, name: str) -> bytearray:
        """The bytes of an entry: several tensors may be in one."""
        if self.last[0] != name:
            self.budget.spend(self.sizes.get(name, 0))
            self.last = (name, bytearray(self._raw(name, BOUNDS)))
        return self.last[1]

    def _step(self, node: Mapping[str, Any]) -> FileStep:
        args, kwargs, known = [], {}, True
        for given in node["inputs"]:
            ((kind, value),) = given["arg"].items()
            if kind in LEFT_OUT and given["kind"] == 2 and not (self.exact and kind in EXACT):
                continue
            try:
                read = (
                    EXACT[kind](value) if self.exact and kind in EXACT else _argument(kind, value)
                )
            except KeyError:
                read, known = None, False
            if given["kind"] == 2:
                kwargs[str(given["name"])] = read
            else:
                args.append(read)
        target = str(node["target"])
        function, taken = function_of(target, tuple(args), self.exact)
        converts = target.startswith(("torch.ops.aten._to_copy", "torch.ops.aten.to."))
        if converts and not self.exact:
            function, taken, kwargs = _converted(given_types(node)), taken[:1], {}
        scopes, path = _scopes(node["metadata"].get("nn_module_stack", ""))
        op = target.removeprefix("torch.ops.aten.").split(".")[0]
        results = tuple(_results(node["outputs"]))
        shapes = tuple(
            tuple(_hint(size) for size in self.values[name]["sizes"])
            if name in self.values
            else None
            for name in results
        )
        return FileStep(
            op, function if known else None, taken, kwargs, results, scopes, path, shapes
        )


def given_types(node: Mapping[str, Any]) -> list[int]:
    """The kinds of numbers that an operation is told."""
    found = [given["arg"] for given in node["inputs"]]
    return [arg["as_scalar_type"] for arg in found if "as_scalar_type" in arg]


def _converted(types: Sequence[int]) -> Any:
    """A tensor in another precision is the same here; as whole numbers it is not."""
    floats = all(t in DTYPES and DTYPES[t].is_floating_point for t in types)
    return (lambda x: x.clone()) if floats else None


def _device(value: Mapping[str, Any]) -> torch.device:
    """A device of a program. Raises ``ValueError`` for one that is none."""
    if value["type"] not in ("cpu", "cuda", "mps"):
        raise ValueError(value["type"])
    return torch.device(value["type"], value["index"])


# Arguments that layers have no need of, and runs have.
EXACT: dict[str, Callable[[Any], Any]] = {
    "as_scalar_type": lambda value: DTYPES[value],
    "as_device": _device,
    "as_memory_format": lambda value: MEMORY_FORMATS[value],
}


def _hint(size: Mapping[str, Any]) -> int:
    number = size["as_int"] if "as_int" in size else size["as_expr"]["hint"]["as_int"]
    if not isinstance(number, int) or not 0 <= number < BOUNDS:
        raise ValueError(number)
    return number


def _argument(kind: str, value: Any) -> Any:
    """An argument as a step has it. Raises ``KeyError`` for a kind that none here takes."""
    if kind == "as_tensor":
        return Of(value["name"])
    if kind in ("as_tensors", "as_optional_tensors", "as_sym_ints"):
        return tuple(
            _argument(*next(iter(one.items()))) if "name" not in one else Of(one["name"])
            for one in value
        )
    if kind in ("as_sym_int", "as_optional_tensor"):
        return _argument(*next(iter(value.items())))
    if kind == "as_name":
        return Of(value)
    if kind in LEFT_OUT or kind == "as_none":
        return None
    if kind == "as_float":
        return float(value)
    if kind in ("as_int", "as_bool", "as_string"):
        return _small(value)
    if kind in ("as_ints", "as_bools", "as_floats"):
        return tuple(_small(one) for one in value)
    raise KeyError(kind)


def _small(value: Any) -> Any:
    """A number that a layer can be told. Raises ``DamagedFile``."""
    if isinstance(value, int) and not -LONGEST <= value < LONGEST:
        raise DamagedFile("it has a number of more than 64 bits")
    return value


def _results(outputs: Sequence[Mapping[str, Any]]) -> list[str]:
    found: list[str] = []
    for output in outputs:
        ((kind, value),) = output.items()
        if kind == "as_tensors":
            found += [one["name"] for one in value]
        elif kind == "as_tensor":
            found.append(value["name"])
        else:
            found.append(value["as_name"] if kind == "as_sym_int" else "")
    return found


def _scopes(stack: str) -> tuple[tuple[ModuleScope, ...], str]:
    """The author's modules around an operation, and the path of the innermost module."""
    if not stack.startswith("L__self__"):
        return (), ""
    entries = (entry.split(",", 2) for entry in stack.split(";")[1:])
    return authors_scopes((key, path, cls) for key, path, cls in entries)


def _keys(spec: Mapping[str, Any], count: int) -> list[str]:
    """The names of the results: those of a dictionary, or their places."""
    if spec["type"] == "builtins.dict":
        return [str(key) for key in json.loads(spec["context"])]
    return [f"output{place}" for place in range(count)]
