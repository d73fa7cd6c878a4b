"""Programs of ``torch.export``: what archdsl compiled and what PyTorch saved come back, and a file
runs nothing."""

import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from small_models import Plain, Residual, Tokens
from torch import nn

import archdsl
from archdsl.cli.main import main
from archdsl.importing.exported import read_pt2
from archdsl.importing.file_module import ProgramModule
from archdsl.importing.proof import pairs
from archdsl.importing.saved import load_program

Change = Callable[[dict[str, bytes]], None]


def saved(module: nn.Module, path: Path, size: int = 32, batch: int | None = None) -> Path:
    dims = None if batch else ({0: torch.export.Dim("batch")},)
    example = torch.zeros(batch or 2, 3, size, size)
    program = torch.export.export(module.eval(), (example,), dynamic_shapes=dims)
    torch.export.save(program, path)
    return path


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(Plain(), tmp_path_factory.mktemp("pt2") / "net.pt2")


@pytest.mark.parametrize("batch", [None, 1])
def test_a_saved_model_reads_as_the_model_itself(tmp_path: Path, batch: int | None) -> None:
    module = Residual(depth=1, drop=0.0)
    path = saved(module, tmp_path / "net.pt2", batch=batch)
    images = torch.randn(3, 3, 32, 32)
    assert torch.equal(load_program(path)(images), module.eval()(images))
    found = archdsl.import_file(path, run=batch is not None)
    itself = archdsl.import_module(module, (3, 32, 32), name="net", run=False)
    assert found.text == itself.text
    network = found.architecture.build().eval()
    network.load_state_dict(found.weights, strict=False)
    assert torch.allclose(network(images), module(images), atol=1e-5)
    assert len(found.checked) == 1 + (batch is not None)


def test_attention_comes_back(tmp_path: Path) -> None:
    found = archdsl.import_file(saved(Tokens("fused"), tmp_path / "tokens.pt2", 8, batch=2))
    itself = archdsl.import_module(Tokens("fused"), (3, 8, 8), name="tokens", run=False)
    assert pairs(found.architecture.flat, itself.architecture.flat) is not None


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "squeezenet", "vit"])
def test_what_was_compiled_comes_back(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.pt2"
    with pytest.raises(SystemExit) as end:
        main(["compile", name, "-o", str(path)])
    assert end.value.code == 0
    ours = archdsl.load(name)
    found = archdsl.import_file(path, run=False).architecture
    assert found.macs == ours.macs
    assert pairs(found.flat, ours.flat) is not None


# ------------------------------------------------------------------------------- from strangers


class Bomb:
    """What touches a file as soon as it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def changed(net: Path, to: Path, change: Change, compress: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(net) as archive:
        entries = {i.filename: archive.read(i) for i in archive.infolist()}
    change(entries)
    with zipfile.ZipFile(to, "w", compress) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return to


def edit(name: str, how: Callable[[Any], None]) -> Change:
    def change(entries: dict[str, bytes]) -> None:
        found = next(n for n in entries if n.endswith(name))
        plain = json.loads(entries[found])
        how(plain)
        entries[found] = json.dumps(plain).encode()

    return change


def first(config: Any) -> Any:
    return next(iter(config["config"].values()))


def sized(config: Any, side: int) -> None:
    first(config)["tensor_meta"]["sizes"] = [{"as_int": side}] * 4


def empty(config: Any, side: int) -> None:
    first(config)["tensor_meta"]["sizes"] = [{"as_int": n} for n in (0, side, side, 1)]


def told(program: Any, number: int) -> None:
    """Gives the first operation that is told numbers others."""
    nodes = program["graph_module"]["graph"]["nodes"]
    given = (one["arg"] for node in nodes for one in node["inputs"])
    next(arg for arg in given if "as_ints" in arg)["as_ints"] = [number] * 2


WEIGHTS = "model_weights_config.json"


def refused(path: Path) -> str:
    with pytest.raises(archdsl.ArchError) as caught:
        load_program(path)
    (found,) = caught.value.diagnostics
    assert found.code == "A663"
    return found.message


def test_nothing_is_unpickled(net: Path, tmp_path: Path) -> None:
    made = tmp_path / "made"
    bomb = pickle.dumps(Bomb(made))

    def everywhere(entries: dict[str, bytes]) -> None:
        for name in entries:
            if "sample_inputs" in name:
                entries[name] = bomb
            if name.endswith("weight_0"):
                entries[name] = bomb
        edit(WEIGHTS, lambda c: first(c).update(use_pickle=True))(entries)

    path = changed(net, tmp_path / "bomb.pt2", everywhere)
    assert "is pickled, which could run code" in refused(path)

    def examples(entries: dict[str, bytes]) -> None:
        for name in entries:
            if "sample_inputs" in name:
                entries[name] = bomb

    load_program(changed(net, tmp_path / "examples.pt2", examples))  # they are not looked at
    assert not made.exists()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (edit("model.json", lambda p: p.update(schema_version={"major": 99})), "version 99"),
        (edit("model.json", lambda p: p.pop("graph_module")), "its graph is damaged (KeyError)"),
        (edit(WEIGHTS, lambda c: c["config"].popitem()), "it lacks the tensor `"),
        (edit(WEIGHTS, lambda c: first(c).update(path_name="../x")), "it lacks `x`"),
        (
            edit(
                WEIGHTS, lambda c: first(c)["tensor_meta"].update(sizes=[{"as_int": 1 << 39}] * 4)
            ),
            "a shape with more elements than the file",
        ),
        (
            edit(WEIGHTS, lambda c: sized(c, 1 << 39)),
            "a shape with more elements than the file",
        ),
        (edit(WEIGHTS, lambda c: sized(c, -1)), "its graph is damaged (ValueError)"),
        (
            edit(WEIGHTS, lambda c: empty(c, 1 << 39)),
            "a shape with more elements than the file",
        ),
        (edit("model.json", lambda p: told(p, 10**400)), "it has a number of more than 64 bits"),
        (edit("model.json", lambda p: told(p, -1)), "its operation `"),
    ],
)
def test_what_is_damaged_is_said(net: Path, tmp_path: Path, change: Change, reason: str) -> None:
    assert reason in refused(changed(net, tmp_path / "bad.pt2", change))


def test_one_tensor_many_times_is_refused(
    net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archdsl.importing.extent.FREE", 0)
    load_program(net)

    def many(entries: dict[str, bytes]) -> None:
        def specs(program: Any) -> None:
            found = program["graph_module"]["signature"]["input_specs"]
            for k in range(100):
                named = {"arg": {"name": f"p_{k}"}, "parameter_name": f"q{k}"}
                found.append({"parameter": named})

        def weights(config: Any) -> None:
            held = {k: len(v) for k, v in entries.items() if "/weight_" in k}
            largest = max(held, key=lambda k: held[k])
            size = held[largest] // 4
            one = first(config) | {"path_name": largest.rpartition("/")[2]}
            meta = {"sizes": [{"as_int": size}], "strides": [{"as_int": 1}]}
            one["tensor_meta"] = one["tensor_meta"] | meta
            config["config"] |= {f"q{k}": one for k in range(100)}

        edit("model.json", specs)(entries)
        edit(WEIGHTS, weights)(entries)

    assert "it reads the same numbers many times" in refused(
        changed(net, tmp_path / "many.pt2", many)
    )


class Centred(torch.nn.Module):
    """A buffer that shows one value many times: of stride 0."""

    mean: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3)
        self.register_buffer("mean", torch.full((1, 3, 1, 1), 0.5).expand(1, 3, 8, 8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.conv(x - self.mean)
        return made


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_buffer_that_is_expanded_is_read(tmp_path: Path) -> None:
    model, x, path = Centred().eval(), torch.randn(1, 3, 8, 8), tmp_path / "centred.pt2"
    torch.export.save(torch.export.export(model, (x,)), path)
    assert torch.equal(ProgramModule(read_pt2(path, exact=True))(x), model(x))


def test_what_is_no_program_is_said(net: Path, tmp_path: Path) -> None:
    squeezed = changed(net, tmp_path / "small.pt2", lambda _: None, zipfile.ZIP_DEFLATED)
    assert "its entries are compressed" in refused(squeezed)
    deep = tmp_path / "deep.pt2"

    def nested(entries: dict[str, bytes]) -> None:
        name = next(n for n in entries if n.endswith("model.json"))
        entries[name] = b"[" * 100_000

    assert "its graph is damaged" in refused(changed(net, deep, nested))
    cut = tmp_path / "cut.pt2"
    cut.write_bytes(net.read_bytes()[:-5000])
    assert refused(cut) == "`cut.pt2` cannot be imported: it is not an archive"
    assert "there is no such file" in refused(tmp_path / "none.pt2")
    (tmp_path / "folder.pt2").mkdir()
    assert "is a directory" in refused(tmp_path / "folder.pt2")
    os.mkfifo(tmp_path / "pipe.pt2")
    assert "it is a pipe or a device" in refused(tmp_path / "pipe.pt2")


def test_a_name_reaches_no_other_function(net: Path, tmp_path: Path) -> None:
    def other(program: Any) -> None:
        node = program["graph_module"]["graph"]["nodes"][1]
        node["target"] = "os.system"

    path = changed(net, tmp_path / "other.pt2", edit("model.json", other))
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.import_file(path)
    assert caught.value.diagnostics[0].message == "no layer computes `os`"


def test_the_command(net: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["import", str(net), "-o", str(tmp_path / "back.arch")])
    assert end.value.code == 0
    assert "equal: graph, parameters and multiply-adds; results and" in capsys.readouterr().out


def test_a_plain_network(net: Path) -> None:
    found = archdsl.import_file(net, name="plain", run=False)
    itself = archdsl.import_module(Plain(), (3, 32, 32), name="plain", run=False)
    assert found.text == itself.text
