"""Graphs of ONNX: what was exported comes back, and a file reads its own folder alone."""

import os
import warnings
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from small_models import Residual, Tokens
from torch import nn

import archdsl
from archdsl.cli.main import main
from archdsl.importing.file_module import TensorKeys
from archdsl.importing.onnx_check import _off
from archdsl.importing.proof import pairs
from archdsl.importing.saved import load_program

RANDOM = np.random.default_rng(0)


def exported(module: nn.Module, path: Path, size: int, **options: Any) -> Path:
    example = (torch.randn(1, 3, size, size),)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module.eval(), example, path, dynamo=True, verbose=False, **options)
    return path


def test_a_network_of_pytorch_comes_back_with_its_norms(tmp_path: Path) -> None:
    module = Residual(depth=1, drop=0.0)
    for part in module.modules():  # as after a training
        if isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.bias)
            nn.init.uniform_(part.running_var, 0.5, 2)
    nn.init.zeros_(module.head.bias)  # which the exporter leaves out
    path = exported(module, tmp_path / "net.onnx", 16, external_data=True)
    assert (tmp_path / "net.onnx.data").exists()
    found = archdsl.import_file(path, run=False)
    itself = archdsl.import_module(module, (3, 16, 16), name="net", run=False)
    assert found.text == itself.text
    assert found.checked[1] == "results of ONNX in double precision"
    folded = "what the file has folded into convolutions is written again, as it names it: "
    assert found.said[0] == f"{folded}9 batch norms"
    images = torch.randn(3, 3, 16, 16)
    network = found.architecture.build().eval()
    network.load_state_dict(found.weights, strict=False)
    assert torch.allclose(network(images), module(images), atol=1e-4)


def test_attention_comes_back(tmp_path: Path) -> None:
    found = archdsl.import_file(exported(Tokens("fused"), tmp_path / "tokens.onnx", 8), run=False)
    itself = archdsl.import_module(Tokens("fused"), (3, 8, 8), name="tokens", run=False)
    assert pairs(found.architecture.flat, itself.architecture.flat) is not None


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet18", "squeezenet"])
def test_what_was_compiled_comes_back(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.onnx"
    with pytest.raises(SystemExit) as end:
        main(["compile", name, "-o", str(path)])
    assert end.value.code == 0
    ours = archdsl.load(name)
    found = archdsl.import_file(path, run=False).architecture
    assert found.macs == ours.macs
    if name == "squeezenet":  # whose dropout no file of ONNX has
        assert found.params == ours.params
    else:
        assert pairs(found.flat, ours.flat) is not None


@pytest.mark.slow
def test_torchvisions_network_comes_back(tmp_path: Path) -> None:
    from torchvision.models import resnet18

    path = exported(resnet18(weights=None), tmp_path / "resnet18.onnx", 224)
    found = archdsl.import_file(path, run=False)
    assert pairs(found.architecture.flat, archdsl.load("resnet18").flat) is not None
    assert found.checked[1] == "results of onnxruntime"


# --------------------------------------------------------------------- graphs written by hand


def tensor(name: str, *shape: int) -> Any:
    return numpy_helper.from_array(RANDOM.normal(size=shape).astype(np.float32), name)


def written(path: Path, nodes: Sequence[Any], tensors: Sequence[Any], *, opset: int = 17) -> Path:
    """A graph whose last node gives its result."""
    images = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 8, 8])
    result = helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)
    graph = helper.make_graph(list(nodes), "g", [images], [result], list(tensors))
    opsets = [helper.make_opsetid("", opset)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)
    return path


def node(kind: str, inputs: str, output: str, **attributes: Any) -> Any:
    names = [name if name != "-" else "" for name in inputs.split()]
    return helper.make_node(kind, names, [output], **attributes)


CONV = node("Conv", "x w", "a", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
END = [
    node("GlobalAveragePool", "z", "p"),
    node("Flatten", "p", "f"),
    node("Gemm", "f v c", "y", transB=1),
]
WEIGHTS = [tensor("w", 4, 3, 3, 3), tensor("v", 5, 4), tensor("c", 5)]


@pytest.mark.parametrize(
    ("nodes", "tensors", "text"),
    [
        ([node("Relu", "a", "z")], [], "conv(4, 3, bias = false) -> relu"),
        ([node("HardSwish", "a", "z")], [], "conv(4, 3, bias = false) -> hardswish"),
        (
            [node("Sigmoid", "a", "s"), node("Mul", "a s", "z")],
            [],
            "conv(4, 3, bias = false) -> silu",
        ),
        (
            [node("Clip", "a low high", "z")],
            [numpy_helper.from_array(np.float32(n), k) for n, k in ((0, "low"), (6, "high"))],
            "conv(4, 3, bias = false) -> relu6",
        ),
        (
            [node("Clip", "a low", "z")],
            [numpy_helper.from_array(np.float32(0), "low")],
            "conv(4, 3, bias = false) -> relu",
        ),
        (
            [node("AveragePool", "a", "z", kernel_shape=[2, 2], strides=[2, 2])],
            [],
            "conv(4, 3, bias = false) -> avgpool(2)",
        ),
        (
            [node("BatchNormalization", "a g b m s", "z")],
            [
                tensor("g", 4),
                tensor("b", 4),
                tensor("m", 4),
                numpy_helper.from_array(np.ones(4, np.float32), "s"),
            ],
            "conv(4, 3, bias = false) -> bn",
        ),
        (
            [
                node(
                    "Resize",
                    "a - k",
                    "z",
                    coordinate_transformation_mode="asymmetric",
                    nearest_mode="floor",
                )
            ],
            [numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "k")],
            "conv(4, 3, bias = false) -> upsample(2)",
        ),
    ],
)
def test_operations(nodes: list[Any], tensors: list[Any], text: str, tmp_path: Path) -> None:
    path = written(tmp_path / "net.onnx", [CONV, *nodes, *END], [*WEIGHTS, *tensors])
    found = archdsl.import_file(path, run=False)
    assert f"{text} -> global_avgpool -> linear(classes)" in found.text
    assert found.checked[1] == "results of ONNX in double precision"


def test_a_product_and_a_sum_are_a_linear_layer(tmp_path: Path) -> None:
    nodes = [
        CONV,
        node("GlobalAveragePool", "a", "p"),
        node("Shape", "p", "n", start=0, end=1),
        node("Concat", "n rest", "to", axis=0),
        node("Reshape", "p to", "f"),
        node("MatMul", "f v", "m"),
        node("Add", "c m", "y"),
    ]
    rest = numpy_helper.from_array(np.array([-1]), "rest")
    path = written(tmp_path / "net.onnx", nodes, [WEIGHTS[0], tensor("v", 4, 5), WEIGHTS[2], rest])
    found = archdsl.import_file(path)
    assert found.text.endswith("conv(4, 3, bias = false) -> global_avgpool -> linear(classes)\n")
    assert found.weights["linear1.weight"].shape == (5, 4)


def test_all_that_has_no_layer_is_told(tmp_path: Path) -> None:
    nodes = [CONV, node("Sin", "a", "b"), node("Erf", "b", "z"), *END]
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.import_file(written(tmp_path / "net.onnx", nodes, WEIGHTS))
    messages = [d.message for d in caught.value.diagnostics]
    assert messages == ["no layer computes `Sin`", "no layer computes `Erf`"]


# ------------------------------------------------------------------------------- from strangers


def refused(path: Path) -> str:
    with pytest.raises(archdsl.ArchError) as caught:
        load_program(path)
    (found,) = caught.value.diagnostics
    assert found.code == "A663"
    return found.message


def outside(folder: Path, location: str, size: int = 108 * 4) -> Path:
    path = written(folder / "net.onnx", [CONV, node("Relu", "a", "z"), *END], WEIGHTS)
    model = onnx.load(path)
    first = model.graph.initializer[0]
    first.ClearField("raw_data")
    first.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", str(size))):
        first.external_data.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())
    return path


def test_numbers_in_other_files_are_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    for place in (tmp_path / "secret", folder / "near"):
        place.write_bytes(RANDOM.normal(size=108).astype(np.float32).tobytes())
    load_program(outside(folder, "near"))
    for name in ("../secret", str(tmp_path / "secret"), "near/../../secret"):
        assert "it lies outside the file's folder" in refused(outside(folder, name))
    (folder / "link").symlink_to(tmp_path / "secret")
    assert "it lies outside the file's folder" in refused(outside(folder, "link"))
    assert "which is not beside it" in refused(outside(folder, "gone"))
    os.mkfifo(folder / "pipe")
    assert "it is a pipe or a device" in refused(outside(folder, "pipe"))
    (folder / "near").write_bytes(b"short")
    assert "`w` has a shape with more elements than the file holds" in refused(
        outside(folder, "near")
    )


def test_what_is_no_graph_is_said(tmp_path: Path) -> None:
    path = written(tmp_path / "net.onnx", [CONV, node("Relu", "a", "z"), *END], WEIGHTS)
    model = onnx.load(path)
    model.graph.initializer[0].dims[0] = 1 << 40
    (tmp_path / "large.onnx").write_bytes(model.SerializeToString())
    assert "`w` has a shape with more elements than the file holds" in refused(
        tmp_path / "large.onnx"
    )
    model.graph.initializer[0].dims[0] = -4
    (tmp_path / "below.onnx").write_bytes(model.SerializeToString())
    assert "`w` has a negative size" in refused(tmp_path / "below.onnx")
    (tmp_path / "cut.onnx").write_bytes(path.read_bytes()[:150])
    assert "it is not an ONNX graph" in refused(tmp_path / "cut.onnx")
    (tmp_path / "empty.onnx").write_bytes(b"")
    assert "it is not an ONNX graph" in refused(tmp_path / "empty.onnx")
    old = written(tmp_path / "old.onnx", [CONV, node("Relu", "a", "z"), *END], WEIGHTS, opset=9)
    assert "its operator set is older than version 11" in refused(old)
    os.mkfifo(tmp_path / "pipe.onnx")
    assert "it is a pipe or a device" in refused(tmp_path / "pipe.onnx")


def broken(**fields: Any) -> Any:
    """A tensor whose fields do not fit together."""
    near = fields.pop("near", {})
    given = {"name": "w", "dims": [4, 3, 3, 3], "data_type": TensorProto.FLOAT} | fields
    made = TensorProto(**given)
    for key, said in near.items():
        made.data_location = TensorProto.EXTERNAL
        made.external_data.add(key=key, value=said)
    return made


MORE = "`w` has a shape with more elements than the file holds"
OTHER = "`w` has a dtype that no layer has"
BROKEN: dict[str, tuple[Any, str]] = {
    "short": (broken(raw_data=bytes(10)), MORE),
    "none": (broken(), MORE),
    "long": (broken(raw_data=bytes(500)), "`w` has no known dtype, or too many elements"),
    "no type": (broken(raw_data=bytes(432), data_type=99), "`w` has no known dtype, or"),
    "complex": (broken(raw_data=bytes(864), data_type=TensorProto.COMPLEX64), OTHER),
    "texts": (broken(string_data=[b"a" * 900] * 108, data_type=TensorProto.STRING), OTHER),
    "float8": (broken(raw_data=bytes(108), data_type=TensorProto.FLOAT8E4M3FN), OTHER),
    "start below 0": (broken(near={"location": "near", "offset": "-4"}), MORE),
    "start beyond": (broken(near={"location": "near", "offset": str(2**70)}), MORE),
    "start that is a word": (broken(near={"location": "near", "offset": "x"}), "is damaged"),
    "no place": (broken(near={"offset": "0"}), "its numbers are in ``, which is not beside it"),
    "a folder": (broken(near={"location": "."}), "its numbers are in `.`, which is not beside"),
    "NUL": (broken(near={"location": "a\0b"}), "it is not the name of a file"),
    "the machine's": (broken(near={"location": "/proc/self/environ"}), "outside the file's folder"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_tensor_that_lies_is_refused(name: str, tmp_path: Path) -> None:
    made, reason = BROKEN[name]
    (tmp_path / "near").write_bytes(bytes(432))
    conv = [node("Conv", "x w", "y", pads=[1] * 4)]
    assert reason in refused(graph(tmp_path / "lies.onnx", conv, [made]))


RELU = [node("Relu", "x", "y")]
LYING: dict[str, tuple[Sequence[Any], dict[str, Any], str]] = {
    "a cycle": ([node("Relu", "b", "y"), node("Relu", "y", "b")], {}, "uses a value before"),
    "itself": ([node("Relu", "y", "y")], {}, "uses a value before"),
    "no operation": ([], {}, "it is not an ONNX graph"),
    "below 0": (RELU, {"shape": [1, -3, 8, 8]}, "negative dimension"),
    "without end": (RELU, {"shape": [2**62] * 4}, "a run of it would make a tensor of"),
    "an empty name": ([helper.make_node("Relu", [""], ["y"])], {}, "arguments that no layer takes"),
    "too few": ([helper.make_node("Conv", ["x"], ["y"])], {}, "arguments that no layer takes"),
    "axes twice": ([node("Transpose", "x", "y", perm=[0] * 4)], {}, "`Transpose` fails"),
    "a huge kernel": ([node("MaxPool", "x", "y", kernel_shape=[2**40] * 2)], {}, "`MaxPool` fails"),
}  # fmt: skip


@pytest.mark.parametrize("name", LYING)
def test_a_graph_that_lies_is_refused(name: str, tmp_path: Path) -> None:
    nodes, more, reason = LYING[name]
    assert reason in refused(graph(tmp_path / "lies.onnx", nodes, **more))


def graph(path: Path, nodes: Sequence[Any], tensors: Sequence[Any] = (), **more: Any) -> Path:
    """A graph with functions of its own, or with another input."""
    images = helper.make_tensor_value_info("x", TensorProto.FLOAT, more.pop("shape", [1, 3, 8, 8]))
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    made = helper.make_graph(list(nodes), "g", [images], [result], list(tensors))
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("d", 1)]
    path.write_bytes(helper.make_model(made, opset_imports=opsets, **more).SerializeToString())
    return path


def called(name: str, inner: Sequence[str]) -> Any:
    """A function that calls others, one after the other."""
    values = [f"v{place}" for place in range(len(inner) + 1)]
    pairs = zip(inner, values, values[1:], strict=False)
    nodes = [helper.make_node(f, [a], [b], domain="" if f == "Relu" else "d") for f, a, b in pairs]
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("d", 1)]
    return helper.make_function("d", name, [values[0]], [values[-1]], nodes, opsets)


def test_functions_that_grow_without_end_are_refused(tmp_path: Path) -> None:
    start = [helper.make_node("f0", ["x"], ["y"], domain="d")]
    twice = [called(f"f{k}", [f"f{k + 1}"] * 2) for k in range(44)]
    bomb = graph(tmp_path / "bomb.onnx", start, functions=[*twice, called("f44", ["Relu"])])
    assert "it has more than 25,000 operations once its functions are inlined" in refused(bomb)
    round_ = [called("f0", ["f1"]), called("f1", ["f0"])]
    assert "its function `f0` calls itself" in refused(
        graph(tmp_path / "round.onnx", start, functions=round_)
    )
    load_program(graph(tmp_path / "plain.onnx", start, functions=[called("f0", ["Relu"] * 3)]))


def test_what_a_run_would_make_is_bounded(tmp_path: Path) -> None:
    relu = [helper.make_node("Relu", ["x"], ["y"])]
    large = graph(tmp_path / "in.onnx", relu, shape=[1, 3, 10**6, 10**6])
    assert "a run of it would make a tensor of 3,000,000,000,000 numbers" in refused(large)
    sides = numpy_helper.from_array(np.array([0, 0, 0, 0, 0, 0, 10**5, 10**5]), "p")
    pad = graph(tmp_path / "pad.onnx", [helper.make_node("Pad", ["x", "p"], ["y"])], [sides])
    assert "a run of it would make a tensor of 30,004,800,192 numbers" in refused(pad)
    wrong = graph(tmp_path / "wrong.onnx", [node("Conv", "x w", "y")], [tensor("w", 4, 2, 3, 3)])
    assert "its operation `Conv` fails: " in refused(wrong)
    bad = [node("Conv", "x w", "y", pads=[-1] * 4)]
    negative = graph(tmp_path / "negative.onnx", bad, [tensor("w", 4, 3, 3, 3)])
    assert "negative padding is not supported" in refused(negative)
    early = [node("Add", "x b", "a"), node("Relu", "a", "b"), node("Relu", "b", "y")]
    assert "it uses a value before computing it" in refused(graph(tmp_path / "early.onnx", early))


def test_numbers_that_double_with_each_step_are_refused(tmp_path: Path) -> None:
    first = numpy_helper.from_array(np.array(3), "n0")
    nodes = [node("Mul", f"n{k} n{k}", f"n{k + 1}") for k in range(40)]
    path = graph(tmp_path / "mul.onnx", [*nodes, node("Add", "x n40", "y")], [first])
    assert "its operation `Mul` fails: it gives a number of more than 64 bits" in refused(path)
    first = numpy_helper.from_array(np.arange(1000), "n0")
    nodes = [helper.make_node("Concat", [f"n{k}"] * 2, [f"n{k + 1}"], axis=0) for k in range(40)]
    path = graph(tmp_path / "cat.onnx", [*nodes, node("Add", "x n40", "y")], [first])
    assert "arrays that could make more than 268,435,456 numbers" in refused(path)


def test_one_tensor_many_times_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archdsl.importing.extent.FREE", 0)
    path = outside(tmp_path, "near")
    (tmp_path / "near").write_bytes(bytes(108 * 4))
    load_program(path)
    model = onnx.load(path, load_external_data=False)
    for number in range(20):
        other = model.graph.initializer.add()
        other.CopyFrom(model.graph.initializer[0])
        other.name = f"w{number}"
    path.write_bytes(model.SerializeToString())
    assert "it reads the same numbers many times" in refused(path)


def test_many_operations_and_many_names_that_are_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def chain(count: int) -> list[Any]:
        names = ["x", *(f"v{k}" for k in range(count)), "y"]
        return [node("Relu", a, b) for a, b in pairwise(names)]

    monkeypatch.setattr("archdsl.importing.extent.NODES", 40)
    load_program(graph(tmp_path / "few.onnx", chain(30)))
    assert "it has more than 40 operations" in refused(graph(tmp_path / "many.onnx", chain(60)))
    tensors = [tensor(f"t{k}", 2) for k in range(41)]
    assert "it has more than 40 tensors" in refused(graph(tmp_path / "w.onnx", chain(3), tensors))
    monkeypatch.setattr("archdsl.importing.extent.NAMES", 50)
    said = "its operations have more than 50 names and arguments"
    assert said in refused(graph(tmp_path / "names.onnx", chain(30)))
    monkeypatch.undo()
    started = process_time()
    keys = TensorKeys()
    found = [keys.of(f"w{chr(0x2190 + place)}") for place in range(20_000)]
    found += [keys.of(".".join("a" * 5000)) for _ in range(3)]
    assert len(set(found)) == 20_003 and found[:3] == ["w_", "w__", "w___"]
    assert process_time() - started < 5
    assert [keys.of(name) for name in ("b", "b.c", "d.e", "d", "")] == [
        "b", "b_c_", "d.e", "d_", "tensor",
    ]  # fmt: skip


def test_an_operation_that_nobody_knows_is_named(tmp_path: Path) -> None:
    nodes = [helper.make_node("Evil", ["x"], ["a"], domain="evil.com"), node("Conv", "a w", "y")]
    path = graph(tmp_path / "evil.onnx", nodes, [tensor("w", 4, 3, 3, 3)])
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.import_file(path)
    assert caught.value.diagnostics[0].message == "no layer computes `evil.com.Evil`"


def test_what_is_no_number_is_as_far_off_as_can_be() -> None:
    """Of several results the largest would be another one's, beside nan."""
    one, other = np.array([1.0, float("nan")]), np.array([1.0, 1.0])
    assert _off(one, other) == _off(other, one) == float("inf")
    assert _off(other, other) == 0
