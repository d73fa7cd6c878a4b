"""Files of strangers through each command that reads them: refused, with a word, and soon."""

import json
import os
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from archdsl.modelcard import KEY

NET = "arch net(classes = 10)\ninput 1x8x8\nconv(6, 3, stride = 2) -> relu -> linear(classes)\n"
CARD = {
    "image": [1, 8, 8], "mean": [0.5], "std": [0.25], "classes": [str(n) for n in range(10)],
    "task": "classification", "data": "digits", "recipe": "", "lr": None, "seed": 0,
    "network": "net", "values": "uint8", "texts": {"net.arch": NET},
}  # fmt: skip
SECONDS = 10  # of a core: each takes one or two


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("net.arch").write_text(NET)
    Image.fromarray(np.zeros((8, 8), np.uint8)).save("x.png")
    return tmp_path


def refused(words: Sequence[str], run: Any) -> str:
    started = process_time()
    ran = run(*words)
    assert process_time() - started < SECONDS
    assert ran.code == 1, ran.err
    (said,) = (line for line in ran.err.splitlines() if line.startswith("error["))
    return str(said)


# ----------------------------------------------------------------------------- ONNX


def node(kind: str, given: str, made: str, **more: Any) -> Any:
    return helper.make_node(kind, given.split(), made.split(), **more)


def array(name: str, *values: Any, dtype: Any = np.int64) -> Any:
    return numpy_helper.from_array(np.array(values, dtype), name)


def added(last: str) -> list[Any]:
    """What makes the result of a tensor, whatever its size."""
    return [node("ReduceMax", last, "most", keepdims=0), node("Add", "x most", "y")]


def call(name: str, inner: Sequence[str]) -> Any:
    values = [f"v{place}" for place in range(len(inner) + 1)]
    pairs = zip(inner, values, values[1:], strict=False)
    nodes = [helper.make_node(f, [a], [b], domain="" if f == "Relu" else "d") for f, a, b in pairs]
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("d", 1)]
    return helper.make_function("d", name, [values[0]], [values[-1]], nodes, opsets)


def loop() -> Any:
    number, yes = (
        helper.make_tensor_value_info(n, t, [])
        for n, t in (("i", TensorProto.INT64), ("c", TensorProto.BOOL))
    )
    goes_on = helper.make_tensor_value_info("d", TensorProto.BOOL, [])
    before, after = (helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in "vw")
    nodes = [node("Add", "v v", "w"), node("Identity", "c", "d")]
    body = helper.make_graph(nodes, "body", [number, yes, before], [goes_on, after])
    return helper.make_node("Loop", ["m", "", "x"], ["y"], body=body)


OUTSIDE = TensorProto(name="w", dims=[4], data_type=1, data_location=TensorProto.EXTERNAL)
for key, value in (("location", "../secret"), ("offset", "0"), ("length", "16")):
    OUTSIDE.external_data.add(key=key, value=value)
STEPS = [node("Concat", f"n{k} n{k}", f"n{k + 1}", axis=0) for k in range(36)]
TWICE = [call(f"f{k}", [f"f{k + 1}"] * 2) for k in range(30)]
ONNX: dict[str, tuple[list[Any], list[Any], str]] = {
    "a loop": ([loop()], [array("m", 2**60)], "it has a `Loop`, which may run without end"),
    "functions": (
        [helper.make_node("f0", ["x"], ["y"], domain="d")],
        [],
        "it has more than 25,000 operations once its functions are inlined",
    ),
    "a large pad": (
        [node("Pad", "x p", "y")],
        [array("p", 0, 0, 0, 0, 0, 0, 10**5, 10**5)],
        "a run of it would make a tensor of 20,003,200,128 numbers",
    ),
    "doubling": (
        [*STEPS, *added("n36")],
        [array("n0", *[0] * 1000, dtype=np.float32)],
        "a run of it would make a tensor of 131,072,000 numbers",
    ),
    "a large kernel": (
        [node("Pad", "x p", "a"), node("Conv", "a k", "b"), *added("b")],
        [
            array("p", 0, 0, 0, 0, 0, 0, 5000, 5000),
            numpy_helper.from_array(np.zeros((1, 1, 1000, 1000), np.float32), "k"),
        ],
        "a run of it would take more than 4,398,046,511,104 multiply-adds",
    ),
    "numbers outside": (
        [node("Add", "x w", "y")],
        [OUTSIDE],
        "its numbers in `../secret` cannot be read: it lies outside the file's folder",
    ),
    "numbers that are not there": (
        added("w"),
        [TensorProto(name="w", dims=[2**40], data_type=1, raw_data=b"")],
        "`w` has a shape with more elements than the file holds",
    ),
    "more than the machine has": (
        [node("RandomNormal", "", "a", shape=[2**20, 2**20]), *added("a")],
        [],
        "its run fails: [ONNXRuntimeError]",
    ),
    "another network": ([node("Relu", "x", "y")], [], "it is of another network"),
    "no network": ([node("Evil", "x", "y", domain="d")], [], "Evil"),
}


def graph(path: Path, nodes: Sequence[Any], tensors: Sequence[Any]) -> Path:
    images = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 1, 8, 8])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    made = helper.make_graph(list(nodes), "g", [images], [result], list(tensors))
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("d", 1)]
    called = any(n.op_type == "f0" for n in nodes)
    functions = [*TWICE, call("f30", ["Relu"])] if called else []
    model = helper.make_model(made, opset_imports=opsets, ir_version=9, functions=functions)
    model.metadata_props.append(onnx.StringStringEntryProto(key=KEY, value=json.dumps(CARD)))
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("name", ONNX)
def test_a_file_that_lies(name: str, place: Path, run: Any) -> None:
    nodes, tensors, reason = ONNX[name]
    graph(place / "lies.onnx", nodes, tensors)
    for words in (("predict", "lies.onnx", "x.png"), ("evaluate", "lies.onnx", "--data", "digits")):
        assert reason in refused([*words, "--device", "cpu"], run)


# -------------------------------------------------------------------------- weights


def headed(path: Path, head: Any, data: bytes = b"") -> None:
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def carded(path: Path, **changes: Any) -> None:
    entry = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}
    head = {"__metadata__": {KEY: json.dumps(CARD | changes)}, "a.weight": entry}
    headed(path, head, bytes(16))


def spec(body: str) -> dict[str, str]:
    return {"net.arch": f"arch net(classes = 10)\ninput 1x8x8\n{body}\nlinear(classes)\n"}


def bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/data.pkl", bytes(10**8))


def named(path: Path, names: Sequence[str]) -> None:
    headed(path, {n: {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in names})


def text_of(length: int) -> bytes:
    """A pickle of a text that says it is longer than the file."""
    return b"\x80\x02X" + length.to_bytes(4, "little") + b"abc"


def pickled(path: Path, data: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (("data.pkl", data), ("version", b"3\n"), ("byteorder", b"little")):
            archive.writestr(f"x/{name}", content)


WEIGHTS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "a head of brackets": (".safetensors", lambda p: headed(p, b'{"a":' + b"[" * 10**6)),
    "a head without end": (
        ".safetensors",
        lambda p: p.write_bytes((2**62).to_bytes(8, "little") + b"{}"),  # type: ignore[arg-type,return-value]
    ),
    "names of many parts": (".safetensors", lambda p: named(p, ["a." * 2000 + "b", "c"])),
    "many names": (".safetensors", lambda p: named(p, [f"t{n}" for n in range(5_000)])),
    "a large spec": (
        ".safetensors",
        lambda p: carded(p, texts=spec("linear(200000) -> linear(100000)")),
    ),
    "a long spec": (
        ".safetensors",
        lambda p: carded(p, texts=spec("for i in 1..190000 { let b = 1 <= i <= i }")),
    ),
    "a large image": (".safetensors", lambda p: carded(p, image=[1, 2**40, 2**40])),
    "many classes": (".safetensors", lambda p: carded(p, classes=["x"] * 10**5)),
    "compressed": (".pt", bomb),
    "a compressed program": (".pt2", bomb),
    "a long text": (".pt", lambda p: pickled(p, text_of(2**31 - 1))),
    "a long number": (".pt", lambda p: pickled(p, b"\x80\x02\x8b\xff\xff\xff\x7f")),
    "one value many times": (
        ".pt",
        lambda p: torch.save({"a.weight": torch.ones(1).expand(1 << 33)}, p),
    ),
    "noise": (".pt2", lambda p: p.write_bytes(os.urandom(999)) and None),  # type: ignore[func-returns-value]
}  # fmt: skip


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_that_lie(name: str, place: Path, run: Any) -> None:
    ending, make = WEIGHTS[name]
    path = f"lies{ending}"
    make(place / path)
    cpu = ("--device", "cpu")
    refused(["predict", path, "x.png", *cpu], run)
    refused(["evaluate", path, "--data", "digits", *cpu], run)
    refused(["compile", "net.arch", "--weights", path, "-o", "net.pt2"], run)
    train = ("train", "net.arch", "--data", "digits", "--epochs", "1", *cpu)
    refused([*train, "--weights", path], run)
    refused([*train, "--checkpoint", path, "--resume"], run)
    refused(["measure", "net.arch", "--weights", path], run)
