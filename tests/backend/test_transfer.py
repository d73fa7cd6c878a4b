"""``archdsl.transfer``: weights of torchvision, timm and files, by structure and shape alone."""

import json
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from agreement import batch, close, drawn, hollow
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision import models

import archdsl
from archdsl import ArchError, transfer

Weights = dict[str, Tensor]
TIMM = {
    "convnext_tiny": "convnext_tiny",  # a layer's scale is listed before its block
    "convnextv2_atto": "convnextv2_atto",
    "densenet121": "densenet121",
    "efficientnet_b0": "efficientnet_b0",
    "ghostnet_100": "ghostnet_1_0",
    "regnety_004": "regnet_y_400mf",
    "resnet18d": "resnet18d",
    "resnet50": "resnet50",
    "resnetv2_18": "resnetv2_18",
    "resnetv2_50": "resnetv2_50",  # shortcuts are listed first
    "seresnet50": "se_resnet50",
    "vgg11_bn": "vgg11_bn",  # its first linear layer is a 7x7 convolution
}


def reason(error: pytest.ExceptionInfo[ArchError], code: str) -> str:
    """The message of the one diagnostic, which has this code."""
    (diagnostic,) = error.value.diagnostics
    assert diagnostic.kind.code == code
    return diagnostic.message


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n == "vgg11_bn" else n for n in TIMM]
)
def test_timm(name: str, tmp_path: Path) -> None:
    """From a ``state_dict``, and from safetensors, which keep the keys sorted."""
    theirs = drawn(lambda: timm.create_model(name)).eval()
    weights = {k: v.contiguous() for k, v in theirs.state_dict().items()}
    save_file(weights, tmp_path / "timm.safetensors")
    images = batch(2, 3, 96, 96)
    made = archdsl.load(TIMM[name])
    with torch.no_grad():
        wanted = theirs(images)
        for source in (weights, tmp_path / "timm.safetensors"):
            ours = hollow(made.build).eval()
            taken = transfer(source, ours)
            assert set(taken) == set(ours.state_dict())
            assert sorted(taken.values()) == sorted(weights)
            close(ours(images), wanted, f"the output of {name}", 1e-5)


SORTED = {
    "alexnet": "alexnet_2014",
    "convnext_tiny": "convnext_tiny",
    "densenet121": "densenet121",
    "efficientnet_b0": "efficientnet_b0",
    "googlenet": "googlenet_tv",
    "mnasnet0_5": "mnasnet0_5",
    "mobilenet_v2": "mobilenet_v2_1_0",
    "mobilenet_v3_small": "mobilenet_v3_small",
    "resnet18": "resnet18",
    "resnet50": "resnet50",
    "resnext50_32x4d": "resnext50_32x4d",
    "shufflenet_v2_x1_0": "shufflenet_v2_x1_0",
    "squeezenet1_0": "squeezenet1_0",
}


@pytest.mark.parametrize("name", SORTED)
def test_torchvision_in_any_order(name: str) -> None:
    """Sorted keys lead to the very tensors to which those in their own order lead."""
    make: Callable[[], nn.Module] = lambda: models.get_model(name, num_classes=10)  # noqa: E731
    with torch.device("meta"):
        weights = make().state_dict()
    ours = archdsl.load(SORTED[name], classes=10).build("meta")
    taken = keys_taken(weights, ours)
    assert sorted(taken.values()) == sorted(weights)
    assert keys_taken({k: weights[k] for k in sorted(weights)}, ours) == taken
    assert keys_taken({k: weights[k] for k in sorted(weights, reverse=True)}, ours) == taken


@pytest.mark.filterwarnings("ignore:.*no-op:UserWarning")
def keys_taken(weights: Weights, module: nn.Module) -> dict[str, str]:
    return transfer(weights, module)


def small() -> nn.Module:
    return archdsl.load("resnet18", classes=10).build()


def theirs(name: str = "resnet18", **options: object) -> Weights:
    return drawn(lambda: models.get_model(name, num_classes=10, **options)).state_dict()


def test_no_name_matters() -> None:
    """Layers that are merely numbered, tensors with a prefix: nothing but order and shape."""
    weights = theirs()
    layers: dict[str, str] = {}
    renamed = {}
    for key, tensor in weights.items():
        layer, _, name = key.rpartition(".")
        renamed[f"module.{layers.setdefault(layer, f'x{len(layers)}')}.{name}"] = tensor
    first, second = small(), small()
    taken, others = transfer(weights, first), transfer(renamed, second)
    assert [*others.values()][:3] == ["module.x0.weight", "module.x1.weight", "module.x1.bias"]
    assert len({*others.values()}) == len(weights) == len(taken)
    for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_its_own_weights_sorted(tmp_path: Path) -> None:
    """A file with the network's own keys is taken by them: eight equal units keep their places."""
    made = archdsl.load("fractalnet", widths=[8, 8, 8, 8, 8], classes=10)
    first, second = drawn(made.build), made.build()
    save_file(first.state_dict(), tmp_path / "own.safetensors")
    taken = transfer(tmp_path / "own.safetensors", second)
    assert all(key == other for key, other in taken.items())
    for key, tensor in second.state_dict().items():
        assert torch.equal(tensor, first.state_dict()[key]), key


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod."])
def test_names_of_another_network_warn(prefix: str, recwarn: pytest.WarningsRecorder) -> None:
    """Its weights do not show all in which it may differ; its own names, as `DataParallel` and
    `torch.compile` write them, say that it is this one."""
    arch = archdsl.parse("arch net\ninput 3x8x8\nconv(4, 3) -> leaky_relu(0.1)\nconv(5, 3)\n")
    own = arch.with_knobs().build()
    state = own.state_dict()
    transfer({prefix + name: tensor for name, tensor in state.items()}, own)
    assert not recwarn.list
    with pytest.warns(UserWarning, match="Weights do not show strides, slopes and the constants"):
        transfer({name.replace("conv", "c"): tensor for name, tensor in state.items()}, own)


def test_old_checkpoints_have_no_counters() -> None:
    weights = {k: v for k, v in theirs().items() if not k.endswith("num_batches_tracked")}
    ours = small()
    ours.stem.bn1.num_batches_tracked.fill_(7)
    taken = transfer(weights, ours)
    assert torch.equal(ours.head.linear1.weight, weights["fc.weight"])
    assert ours.stem.bn1.num_batches_tracked == 7
    assert "stem.bn1.num_batches_tracked" not in taken
    assert taken["stem.bn1.running_var"] == "bn1.running_var"


def test_the_type_stays_the_modules() -> None:
    weights = {k: v.double() if v.is_floating_point() else v for k, v in theirs().items()}
    ours = small()
    transfer(weights, ours)
    assert {p.dtype for p in ours.parameters()} == {torch.float32}
    assert torch.equal(ours.head.linear1.weight, weights["fc.weight"].float())


def test_another_module_than_a_compiled_one() -> None:
    """The way back, and from one of torchvision's to another's."""
    ours, there = small(), models.resnet18(num_classes=10)
    taken = transfer(ours.state_dict(), there)
    assert taken["layer2.0.downsample.1.bias"] == "stage2.basic1.shortcut.bn1.bias"
    assert torch.equal(there.layer4[1].conv2.weight, ours.stage4.basic2.conv2.weight)


# What is wrong, and the first place that does not fit.
MISFITS: dict[str, tuple[Callable[[], Weights], str]] = {
    "deeper": (
        lambda: theirs("resnet34"),
        "`layer1.2.conv1.weight` is 64x64x3x3, but `stage2.basic1.conv1.weight` is 128x64x3x3",
    ),
    "another unit": (
        lambda: theirs("resnet50"),
        "`layer1.0.conv1.weight` is 64x64x1x1, but `stage1.basic1.conv1.weight` is 64x64x3x3",
    ),
    "other classes": (
        lambda: models.resnet18(num_classes=7).state_dict(),
        "`fc.weight` is 7x512, but `head.linear1.weight` is 10x512",
    ),
    "no head": (
        lambda: {k: v for k, v in theirs().items() if not k.startswith("fc.")},
        "nothing is left for `head.linear1`",
    ),
    "no bias": (
        lambda: {k: v for k, v in theirs().items() if k != "fc.bias"},
        "`fc` has weight, but `head.linear1` has weight and bias",
    ),
    "a layer more at the end": (
        lambda: {**theirs(), "proj.weight": torch.ones(3, 10)},
        "`proj` is left over: the network has no more layers",
    ),
    "a layer more at the start": (
        lambda: {"mean.value": torch.ones(3), **theirs()},
        "`mean` is left over: the network has no more layers",
    ),
    "a tensor more in a layer": (
        lambda: {**theirs(), "layer2.1.conv1.bias": torch.ones(128)},
        "`layer2.1.conv1` has weight and bias, but `stage2.basic2.conv1` has weight",
    ),
    "transposed": (
        lambda: {k: v.T if k == "fc.weight" else v for k, v in theirs().items()},
        "`fc.weight` is 512x10, but `head.linear1.weight` is 10x512",
    ),
    "a convolution's channels exchanged": (
        lambda: {
            k: v.transpose(0, 1) if k == "layer3.0.conv1.weight" else v for k, v in theirs().items()
        },
        "`layer3.0.conv1.weight` is 128x256x3x3, but `stage3.basic1.conv1.weight` is 256x128x3x3",
    ),
    "nothing": (dict, "nothing is left for `stem.conv1`"),
}


@pytest.mark.parametrize("case", MISFITS)
def test_a_misfit_is_named_and_nothing_is_loaded(case: str) -> None:
    make, wanted = MISFITS[case]
    ours = small()
    before = {k: v.clone() for k, v in ours.state_dict().items()}
    with pytest.raises(ArchError) as error:
        transfer(make(), ours)
    assert reason(error, "A603") == f"the weights do not fit: {wanted}"
    for key, tensor in ours.state_dict().items():
        assert torch.equal(tensor, before[key]), key


def test_a_sorted_file_names_the_place_too() -> None:
    weights = theirs("resnet34")
    with pytest.raises(ArchError) as error:
        transfer({k: weights[k] for k in sorted(weights)}, small())
    assert "`layer1.2.conv1.weight` is 64x64x3x3" in reason(error, "A603")


def test_side_outputs_have_to_be_there_or_not() -> None:
    without = archdsl.load("googlenet_tv", classes=10, aux=False).build("meta")
    options = {"aux_logits": True, "init_weights": False}
    with pytest.raises(ArchError) as error:
        transfer(theirs("googlenet", **options), without)
    assert "`aux1.conv.bn` is left over: the network has no more layers" in reason(error, "A603")
    with_sides = archdsl.load("googlenet_tv", classes=10).build("meta")
    with pytest.raises(ArchError) as error:
        transfer(theirs("googlenet", **{**options, "aux_logits": False}), with_sides)
    assert reason(error, "A603").endswith("nothing is left for `aux1.classifier1.unit1.conv1`")


@pytest.mark.parametrize("wrapped", ["state_dict", "model", "model_state_dict"])
def test_a_file_and_what_may_lie_around_the_weights(wrapped: str, tmp_path: Path) -> None:
    weights = theirs()
    torch.save({"epoch": 3, wrapped: weights}, tmp_path / "run.pt")
    by_path, by_text, by_value = small(), small(), small()
    transfer(tmp_path / "run.pt", by_path)
    transfer(str(tmp_path / "run.pt"), by_text)
    transfer({"epoch": 3, wrapped: weights}, by_value)
    for ours in (by_path, by_text, by_value):
        assert torch.equal(ours.head.linear1.weight, weights["fc.weight"])


class Malicious:
    """A pickle of it writes a file where it is loaded."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.touch, (self.target,)


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".bin", ".pkl", ""])
@pytest.mark.parametrize("how", ["torch", "pickle"])
def test_a_pickle_is_never_run(how: str, suffix: str, tmp_path: Path) -> None:
    mark, file = tmp_path / "was_run", tmp_path / f"weights{suffix}"
    content = {"stem.conv1.weight": torch.ones(2), "x": Malicious(mark)}
    if how == "torch":
        torch.save(content, file)
    else:
        file.write_bytes(pickle.dumps(Malicious(mark)))
    with pytest.raises(ArchError) as error:
        transfer(file, small())
    assert reason(error, "A602").startswith(f"`{file}` is not a checkpoint that can be read: ")
    assert not mark.exists()
    if how == "pickle":
        pickle.loads(file.read_bytes())
        assert mark.exists()  # the pickle would have done it


def test_a_pickled_module_is_refused(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "module.pt")
    with pytest.raises(ArchError) as error:
        transfer(tmp_path / "module.pt", small())
    assert "it holds more than tensors" in reason(error, "A602")


def saved(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path


def tensors(path: Path, count: int) -> Path:
    save_file({f"layer{i}.weight": torch.ones(50, 50) for i in range(count)}, path)
    return path


def cut(path: Path, share: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def folder(path: Path) -> Path:
    path.mkdir()
    return path


NOT_TORCHS = "torch.save did not write it, and its name does not end in .safetensors"
HEADER = "Error while deserializing header"  # what follows is in words of each version
BAD_FILES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (lambda p: p / "none.pt", "there is no such file"),
    "missing safetensors": (lambda p: p / "none.safetensors", "there is no such file"),
    "empty": (lambda p: written(p / "x.pt", b""), "it is empty"),
    "empty safetensors": (lambda p: written(p / "x.safetensors", b""), "it is empty"),
    "text": (lambda p: written(p / "x.pt", b"weights\n"), NOT_TORCHS),
    "text that is a pickle's": (lambda p: written(p / "x.pt", b"epochs\n"), NOT_TORCHS),
    "truncated": (
        lambda p: cut(saved(p / "x.pt", {"a.weight": torch.ones(99, 99)}), 0.6),
        "it is cut short",
    ),
    "truncated safetensors": (
        lambda p: cut(tensors(p / "x.safetensors", 4), 0.6),
        HEADER,
    ),
    "a header's half": (
        lambda p: cut(tensors(p / "x.safetensors", 4), 0.001),
        HEADER,
    ),
    "safetensors called .pt": (
        lambda p: tensors(p / "x.safetensors", 2).rename(p / "x.pt"),
        NOT_TORCHS,
    ),
    "a pickle called safetensors": (
        lambda p: saved(p / "x.safetensors", {"a.weight": torch.ones(2)}),
        HEADER,
    ),
    "a picture": (
        lambda p: written(p / "x.pth", b"\x89PNG\r\n\x1a\n" + bytes(64)),
        NOT_TORCHS,
    ),
    "a tensor": (lambda p: saved(p / "x.pt", torch.ones(2)), "it holds no state_dict"),
    "a list": (lambda p: saved(p / "x.pt", [torch.ones(2)]), "it holds no state_dict"),
    "numbers": (lambda p: saved(p / "x.pt", {"lr": 0.1}), "it holds no state_dict"),
    "keys that are no names": (
        lambda p: saved(p / "x.pt", {1: torch.ones(2)}),
        "it holds no state_dict",
    ),
    "a folder": (lambda p: folder(p / "x.pt"), "it is a folder"),
    "a folder of safetensors": (lambda p: folder(p / "x.safetensors"), "it is a folder"),
}


def changed(path: Path, change: Callable[[torch.Tensor], torch.Tensor]) -> Path:
    return saved(path, {"a.weight": change(torch.ones(3, 4)), "b.weight": torch.ones(3)})


def packed(path: Path, compression: int, comment: bytes = b"") -> Path:
    """A file of torch's with its records written anew."""
    with zipfile.ZipFile(saved(path / "first.pt", {"a.weight": torch.zeros(1000)})) as first:
        records = {name: first.read(name) for name in first.namelist()}
    with zipfile.ZipFile(path / "x.pt", "w", compression) as second:
        second.comment = comment
        for name, record in records.items():
            second.writestr(name, record)
    return path / "x.pt"


BAD_FILES |= {
    "sparse": (
        lambda p: changed(p / "x.pt", torch.Tensor.to_sparse),
        "its tensor `a.weight` is sparse or nested",
    ),
    "without values": (
        lambda p: changed(p / "x.pt", lambda t: t.to("meta")),
        "its tensor `a.weight` is without values (on the meta device)",
    ),
    "complex": (
        lambda p: changed(p / "x.pt", lambda t: t.to(torch.complex64)),
        "its tensor `a.weight` is complex",
    ),
    "quantised": (
        lambda p: changed(p / "x.pt", lambda t: torch.quantize_per_tensor(t, 0.1, 0, torch.qint8)),
        "its tensor `a.weight` is quantised",
    ),
    "one value shown a billion times": (
        lambda p: changed(p / "x.pt", lambda t: torch.ones(1).expand(1 << 30)),
        "its tensor `a.weight` is larger than the file",
    ),
    "compressed": (
        lambda p: packed(p, zipfile.ZIP_DEFLATED),
        "its records are compressed, which torch.save never does",
    ),
    "with a comment": (
        lambda p: packed(p, zipfile.ZIP_STORED, b"x"),
        "it has a comment, which torch.save never writes",
    ),
}


def before_1_6(path: Path, content: object) -> Path:
    """A file in the format that torch wrote before its archives."""
    torch.save(content, path, _use_new_zipfile_serialization=False)
    return path


def before_0_2(path: Path) -> Path:
    with tarfile.open(path, "w") as archive:
        for name in ("storages", "tensors", "pickle"):
            archive.addfile(tarfile.TarInfo(name))
    return path


MORE = "it holds more than tensors, and reading that would run it"
BAD_FILES |= {
    "a program": (lambda p: saved(p / "x.pt", {"a": Malicious(p)}), MORE),
    "an old program": (lambda p: before_1_6(p / "x.pt", {"a": Malicious(p)}), MORE),
    "an old module": (lambda p: before_1_6(p / "x.pt", nn.Linear(2, 2)), MORE),
    "an old one, cut": (
        lambda p: cut(before_1_6(p / "x.pt", {"a.weight": torch.ones(99, 99)}), 0.6),
        "unexpected EOF",
    ),
    "a tar archive": (lambda p: before_0_2(p / "x.pt"), "it is a tar archive, as PyTorch before"),
    "a pickle of arrays": (
        lambda p: written(p / "x.pt", pickle.dumps({"a.weight": torch.ones(2).numpy()})),
        NOT_TORCHS,
    ),
}


def lying(path: Path, size: int | None = None, data: bytes = bytes(16), **fields: Any) -> Path:
    """A file of safetensors whose head says something else than there is."""
    others = fields.pop("more", {})
    fields = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]} | fields
    head = json.dumps({"a.weight": fields, **others}).encode()
    start = (len(head) if size is None else size).to_bytes(8, "little")
    return written(path / "x.safetensors", start + head + data)


BAD_FILES |= {
    "a head longer than the file": (lambda p: lying(p, 10**6), HEADER),
    "a head without end": (lambda p: lying(p, 2**64 - 1), HEADER),
    "tensors that overlap": (
        lambda p: lying(p, more={"b": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}),
        HEADER,
    ),
    "numbers beyond the end": (
        lambda p: lying(p, shape=[40], data_offsets=[0, 160]),
        HEADER,
    ),
    "backwards": (lambda p: lying(p, data_offsets=[16, 0]), HEADER),
    "before the start": (lambda p: lying(p, data_offsets=[-16, 0]), HEADER),
    "more data than tensors": (
        lambda p: lying(p, data=bytes(99)),
        HEADER,
    ),
    "no type": (lambda p: lying(p, dtype="F33"), HEADER),
    "another type": (lambda p: lying(p, dtype="F64"), HEADER),
    "a size without end": (lambda p: lying(p, shape=[2**40] * 2), HEADER),
    "a size below 0": (lambda p: lying(p, shape=[-2, -2]), HEADER),
    "complex numbers": (
        lambda p: lying(p, dtype="C64", shape=[2]),
        "its tensor `a.weight` is complex",
    ),
    "a head that is no table": (
        lambda p: written(p / "x.safetensors", (5).to_bytes(8, "little") + b"[1,2]"),
        HEADER,
    ),
}


def test_weights_in_the_format_before_archives(tmp_path: Path) -> None:
    theirs, ours = small(), small()
    for tensor in theirs.state_dict().values():
        tensor.random_(1, 9)
    transfer(before_1_6(tmp_path / "x.pt", theirs.state_dict()), ours)
    for name, tensor in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], tensor), name


@pytest.mark.filterwarnings("ignore:.*quantize_per_tensor")
@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file(case: str, tmp_path: Path) -> None:
    make, why = BAD_FILES[case]
    file = make(tmp_path)
    with pytest.raises(ArchError) as error:
        transfer(file, small())
    message = reason(error, "A602")
    start = f"`{file}` is not a checkpoint that can be read: "
    words = (why, HEADER) if case == "complex numbers" else (why,)  # safetensors 0.5 has none
    assert message.startswith(tuple(start + word for word in words))
    assert "\n" not in message and "torch.load" not in message


def test_whole_numbers_are_no_weights() -> None:
    """Quantised weights lack the scale that would make them numbers again."""
    weights = {k: v.to(torch.int8) if k == "fc.weight" else v for k, v in theirs().items()}
    with pytest.raises(ArchError) as error:
        transfer(weights, small())
    assert reason(error, "A603") == (
        "the weights do not fit: `fc.weight` holds whole numbers (int8), as quantised weights do, "
        "but `head.linear1.weight` takes float32"
    )


def test_very_many_names_are_not_all_said() -> None:
    weights = {f"t{number}": torch.ones(2) for number in range(5000)}
    with pytest.raises(ArchError) as error:
        transfer(weights, small())
    assert len(reason(error, "A603")) < 300


@pytest.mark.parametrize("given", [{"a.weight": 1.0}, {1: torch.ones(1)}, 3, None])
def test_what_is_no_state_dict(given: object) -> None:
    with pytest.raises(ArchError) as error:
        transfer(given, small())  # type: ignore[arg-type]
    message = reason(error, "A602")
    assert message.startswith(f"`a {type(given).__name__}` is not a checkpoint that can be read: ")
