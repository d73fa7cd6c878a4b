"""``archdsl compile``: every format, loaded again and run; and no file that is half written."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

import archdsl
from archdsl.backend.build import load_source, source_of
from archdsl.files import find
from archdsl.outputs import sealed, unsealed

NET = """## A TinyNet.
arch tinynet(width = 8 in {8, 16}, classes = 10)
input 3x16x16
block unit(c) { residual { conv(c, 3) -> bn -> relu -> conv(c, 3) -> bn } -> relu }
stem: conv(width, 3) -> relu
stage: repeat 4 { unit(width) }
head: global_avgpool -> linear(classes)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("tiny.arch").write_text(NET)
    return tmp_path


def images(batch: int) -> torch.Tensor:
    torch.manual_seed(1)
    return torch.randn(batch, 3, 16, 16)


@pytest.fixture
def checkpoint() -> dict[str, torch.Tensor]:
    """Weights of the network, under other names, in ``other.pt`` and ``other.safetensors``."""
    torch.manual_seed(3)
    module = archdsl.read("tiny.arch").with_knobs().build()
    weights = {k.replace("unit", "layers."): v for k, v in module.state_dict().items()}
    torch.save(weights, "other.pt")
    save_file(weights, "other.safetensors")
    return dict(module.state_dict())


def names() -> list[str]:
    return sorted(p.name for p in Path().iterdir())


# --------------------------------------------------------------------------- the formats


def test_python_is_the_default(run: Any) -> None:
    ran = run("compile", "tiny.arch")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "tinynet.py: tinynet, 5.11K parameters, 1.24M MACs\n"
        "next: from tinynet import TinyNet; model = TinyNet()\n"
    )
    source = unsealed(Path("tinynet.py").read_bytes()).decode()
    assert source == source_of(archdsl.read("tiny.arch").with_knobs())
    assert names() == ["tiny.arch", "tinynet.py"]


def test_knobs_and_input(run: Any) -> None:
    ran = run("compile", "tiny.arch", "--set", "width=16", "--input", "1x8x8", "-o", "wide.py")
    assert ran.code == 0
    assert ran.out.splitlines()[1] == "next: from wide import TinyNet; model = TinyNet()"
    module = load_source(Path("wide.py").read_text(), "wide")["TinyNet"]()
    assert module(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
    assert module.stem.conv1.weight.shape == (16, 1, 3, 3)


def test_standard_input_and_builtin_variants(run: Any) -> None:
    assert run("compile", "-", "-o", "one.py", stdin=NET).code == 0
    assert run("compile", "resnet18", "-o", "two.py").code == 0
    assert "TinyNet" in Path("one.py").read_text() and "ResNet" in Path("two.py").read_text()


def test_what_it_prints_can_be_run(run: Any, checkpoint: dict[str, torch.Tensor]) -> None:
    ran = run("compile", "tiny.arch", "--weights", "other.pt")
    made, said, then, *note = ran.out.splitlines()
    assert said == "tinynet.pt: the weights of other.pt, under this network's keys"
    assert note == [
        "note: the names in other.pt are not this network's. Weights do not show strides, slopes",
        "and the constants of norms: those of the spec are used. Where the other module is at",
        "hand, `archdsl.transfer` compares both by running them.",
    ]
    again = run("compile", "tiny.arch", "--weights", "tinynet.pt", "-o", "again.py")
    assert "note:" not in again.out, "these are the network's own names"
    parallel = {f"_orig_mod.module.{k}": v for k, v in checkpoint.items()}
    torch.save(parallel, "parallel.pt")
    again = run("compile", "tiny.arch", "--weights", "parallel.pt", "-o", "again.py")
    assert again.code == 0 and "note:" not in again.out, "but for what PyTorch puts before them"
    assert made.startswith("tinynet.py: ")
    program = f"import torch; {then.removeprefix('next: ')}; torch.save(model.state_dict(), 'x')"
    subprocess.run([sys.executable, "-c", program], check=True)
    found = torch.load("x", weights_only=True)
    assert found.keys() == checkpoint.keys()
    assert all(torch.equal(found[k], v) for k, v in checkpoint.items())


@pytest.mark.parametrize("weights", ["other.pt", "other.safetensors"])
def test_pt2(run: Any, checkpoint: dict[str, torch.Tensor], weights: str) -> None:
    ran = run("compile", "tiny.arch", "-o", "tiny.pt2", "--weights", weights)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[1] == "next: torch.export.load('tiny.pt2').module()(images)"
    program = torch.export.load("tiny.pt2").module()
    module = archdsl.read("tiny.arch").with_knobs().build().eval()
    module.load_state_dict(checkpoint)
    with torch.no_grad():
        for batch in (1, 5):
            torch.testing.assert_close(program(images(batch)), module(images(batch)))


def test_onnx(run: Any, checkpoint: dict[str, torch.Tensor]) -> None:
    import onnxruntime

    ran = run("compile", "tiny.arch", "-o", "tiny.onnx", "--weights", "other.pt")
    assert ran.code == 0
    assert ran.out.splitlines()[1].startswith("checked against onnxruntime: results within ")
    session = onnxruntime.InferenceSession("tiny.onnx", providers=["CPUExecutionProvider"])
    assert [i.name for i in session.get_inputs()] == ["input"]
    assert [o.name for o in session.get_outputs()] == ["output"]
    assert session.get_inputs()[0].shape[1:] == [3, 16, 16]
    module = archdsl.read("tiny.arch").with_knobs().build().eval()
    module.load_state_dict(checkpoint)
    with torch.no_grad():
        for batch in (1, 7):
            (found,) = session.run(None, {"input": images(batch).numpy()})
            expected = module(images(batch))
            torch.testing.assert_close(torch.from_numpy(found), expected, rtol=1e-4, atol=1e-5)
    assert names().count("tiny.onnx") == 1 and not any(n.endswith(".data") for n in names())


def test_arch(run: Any) -> None:
    ran = run("compile", "tiny.arch", "--set", "width=16", "-o", "frozen.arch")
    assert ran.code == 0
    assert ran.out.splitlines()[1] == (
        "next: archdsl compile frozen.arch, or archdsl train frozen.arch --data ..."
    )
    frozen = archdsl.load("frozen.arch")
    assert frozen.hash == archdsl.load("tiny.arch", width=16).hash
    assert frozen.knobs == {"width": 16, "classes": 10}
    assert frozen.spec.knobs["width"].domain is None
    assert run("compile", "frozen.arch").code == 0
    assert run("fmt", "--check", "frozen.arch").code == 0


@pytest.mark.parametrize(
    ("dtype", "kind"), [("float64", torch.float64), ("bfloat16", torch.bfloat16)]
)
def test_dtype(run: Any, dtype: str, kind: torch.dtype) -> None:
    assert run("compile", "tiny.arch", "-o", "tiny.pt2", "--dtype", dtype).code == 0
    program = torch.export.load("tiny.pt2").module()
    assert program(images(3).to(kind)).dtype == kind


def test_half_precision_rounds_more(run: Any) -> None:
    ran = run("compile", "tiny.arch", "-o", "tiny.onnx", "--dtype", "float16")
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize("spec", [("resnet1202",), ("fractalnet", "--set", "columns=6")])
def test_the_deepest(run: Any, spec: tuple[str, ...]) -> None:
    ran = run("compile", *spec, "-o", "deep.py")
    assert (ran.code, ran.err) == (0, "")
    text = Path("deep.py").read_text()
    assert text.count("\n") <= 120
    with torch.device("meta"):
        load_source(text, "deep")["ResNetCIFAR" if spec[0] == "resnet1202" else "FractalNet"]()


# ---------------------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (
            ["-o", "net.txt"],
            "A605",
            "`net.txt` does not end in a known format: .py, .pt2, .onnx, .arch",
        ),
        (["-o", "net"], "A605", "`net` does not end in a known format"),
        (["-o", "no/net.py"], "A008", "`no/net.py` cannot be written: no such file"),
        (["-o", "."], "A605", "does not end in a known format"),
        (["--weights", "no.pt"], "A602", "`no.pt` is not a checkpoint that can be read"),
        (["--weights", "tiny.arch"], "A602", "`tiny.arch` is not a checkpoint that can be read"),
        (["-o", "a.pt2", "--device", "gpu"], "A606", "there is no device `gpu` here"),
        (["-o", "a.pt2", "--device", "cuda:99"], "A606", "there is no device `cuda:99` here"),
        (["-o", "a.onnx", "--dtype", "bfloat16"], "A604", "cannot be exported to onnx"),
        (["--set", "width=9"], "A503", "`width = 9` is outside its domain {8, 16}"),
    ],
)
def test_mistakes_leave_nothing(run: Any, arguments: list[str], code: str, said: str) -> None:
    ran = run("compile", "tiny.arch", *arguments)
    assert ran.code == 1 and ran.out == ""
    assert ran.err.startswith(f"error[{code}]") and said in ran.err
    assert names() == ["tiny.arch"]


def test_weights_of_another_network_are_refused(run: Any) -> None:
    torch.save({"conv.weight": torch.zeros(9, 3, 3, 3)}, "other.pt")
    ran = run("compile", "tiny.arch", "--weights", "other.pt")
    assert ran.code == 1
    assert "error[A603]: the weights do not fit: `conv` has weight, but `stem.conv1` has" in ran.err
    assert names() == ["other.pt", "tiny.arch"]


def test_a_layer_of_one_name_and_another_size_is_told_by_both(run: Any) -> None:
    weights = archdsl.load("tiny.arch").build().state_dict()
    key = next(k for k in weights if k.endswith("conv1.weight"))
    shape = "x".join(map(str, weights[key].shape))
    weights[key] = weights[key][:, :1]
    torch.save(weights, "other.pt")
    ran = run("compile", "tiny.arch", "--weights", "other.pt")
    assert ran.code == 1 and f"{shape} in the network" in ran.err
    assert f"the weights do not fit: `{key}` is" in ran.err and " in them, and " in ran.err


# ------------------------------------------------------------------ never a half-written file

OLD = sealed(b"the old file. Compiled by archdsl before.\n", ".txt").decode()
FORMATS = ["net.py", "net.arch", "net.pt2", "net.onnx"]


def untouched(name: str, ran: Any, reason: str) -> None:
    assert ran.code == 1
    assert ran.err == f"error[A008]: `{name}` cannot be written: {reason}\n"
    assert Path(name).read_text() == OLD
    assert names() == sorted([name, "tiny.arch"])


@pytest.mark.parametrize("name", FORMATS)
def test_a_full_disk(run: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Some bytes fit, and then no more do."""
    Path(name).write_text(OLD)
    real = os.fdopen

    class Full:
        def __init__(self, handle: int, mode: str) -> None:
            self.stream = real(handle, mode)

        def __enter__(self) -> "Full":
            return self

        def __exit__(self, *found: object) -> None:
            self.stream.close()

        def write(self, data: bytes) -> None:
            self.stream.write(data[:100])
            self.stream.flush()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(
            "archdsl.writing.os.fdopen",
            lambda handle, mode="r", *given: (Full if "w" in mode else real)(handle, mode, *given),
        )
        ran = run("compile", "tiny.arch", "-o", name)
    untouched(name, ran, "no space left on device")


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs the limits of Unix")
def test_a_limit_of_the_system(folder: Path) -> None:
    """The real thing: a process that may write no file of more than 1,000 bytes."""
    program = (
        "import resource, signal, sys\n"
        "from archdsl.cli.main import main\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "main(sys.argv[1:])\n"
    )
    Path("net.py").write_text(OLD)
    command = [sys.executable, "-B", "-c", program, "compile", "tiny.arch", "-o", "net.py"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stderr == "error[A008]: `net.py` cannot be written: file too large\n"
    assert Path("net.py").read_text() == OLD
    assert names() == ["net.py", "tiny.arch"]


def test_a_folder_where_nothing_may_be_written(
    run: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may write anywhere, so the system is made to refuse."""
    (folder / "closed").mkdir()
    (folder / "closed" / "net.py").write_text(OLD)
    if os.geteuid() == 0:

        def refuse(*arguments: object, **more: object) -> None:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        monkeypatch.setattr("archdsl.writing.tempfile.mkstemp", refuse)
    else:
        (folder / "closed").chmod(0o500)
    ran = run("compile", "tiny.arch", "-o", "closed/net.py")
    (folder / "closed").chmod(0o700)
    assert ran.err == "error[A008]: `closed/net.py` cannot be written: permission denied\n"
    assert (folder / "closed" / "net.py").read_text() == OLD


def test_a_folder_of_that_name(run: Any, folder: Path) -> None:
    (folder / "net.py").mkdir()
    ran = run("compile", "tiny.arch", "-o", "net.py")
    assert ran.err == "error[A008]: `net.py` cannot be written: is a directory\n"
    assert names() == ["net.py", "tiny.arch"]


def test_an_existing_file_keeps_its_permissions_and_links(run: Any, folder: Path) -> None:
    Path("real.py").write_text(OLD)
    Path("real.py").chmod(0o640)
    Path("net.py").symlink_to("real.py")
    assert run("compile", "tiny.arch", "-o", "net.py").code == 0
    assert Path("net.py").is_symlink() and "TinyNet" in Path("real.py").read_text()
    assert Path("real.py").stat().st_mode & 0o777 == 0o640


# -------------------------------------------------------------------------------- watching


def test_watch(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiles at once and after each change, goes on after a mistake, and ends with Ctrl-C."""
    path = Path("tiny.arch")
    sevens: list[bool] = []  # whether the change to seven classes has arrived
    changes = iter(
        [
            "",
            NET.replace("classes = 10", "classes = 7"),
            "",
            NET.replace("relu\nstage", "rleu\nstage"),
            NET + "\n",
        ]
    )

    def wait(seconds: float) -> None:
        sevens.append("classes = 7" in Path("tinynet.py").read_text())
        text = next(changes, None)
        if text is None:
            raise KeyboardInterrupt
        if text:
            path.write_text(text)

    monkeypatch.setattr(time, "sleep", wait)
    ran = run("compile", "tiny.arch", "--watch")
    assert ran.code == 130
    assert sevens == [False, False, True, True, True, False]
    assert ran.out.count("next: from tinynet import TinyNet") == 3
    assert ran.out.count("watching tiny.arch; Ctrl-C ends\n") == 4
    assert ran.err.count("error[") == 1 and ran.err.endswith("interrupted\n")


@pytest.mark.parametrize("broken_first", [False, True])
def test_a_file_that_the_spec_uses_is_watched(
    run: Any, monkeypatch: pytest.MonkeyPatch, broken_first: bool
) -> None:
    library = "block unit(n) { conv(KERNELS, 3) }\n"
    Path("lib.arch").write_text(
        "block unit(n) {" if broken_first else library.replace("KERNELS", "3")
    )
    Path("user.arch").write_text('use "lib.arch"\narch user\ninput 3x8x8\nunit(1)\n')
    texts = iter([library.replace("KERNELS", "17"), "", library.replace("KERNELS", "19")])

    def wait(seconds: float) -> None:
        text = next(texts, None)
        if text is None:
            raise KeyboardInterrupt
        if text:
            Path("lib.arch").write_text(text)

    monkeypatch.setattr(time, "sleep", wait)
    ran = run("compile", "user.arch", "--watch")
    assert ran.code == 130
    assert "nn.Conv2d(3, 19, 3, padding=1)" in Path("user.py").read_text()
    assert ran.out.count("watching user.arch") == 3
    assert ("lib.arch:1:15" in ran.err) == broken_first


LAYER = """
from archdsl.layers.base import Expression, Layer
class Scaled(Layer):
    name = "scaled"
    def torch(self, *inputs):
        return Expression("{x} * FACTOR")
"""


def test_a_file_of_layers_is_watched(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mine.py").write_text(LAYER.replace("FACTOR", "2"))
    Path("user.arch").write_text("arch user\ninput 3x8x8\nscaled\n")
    texts = iter([LAYER.replace("FACTOR", "345")])

    def wait(seconds: float) -> None:
        text = next(texts, None)
        if text is None:
            raise KeyboardInterrupt
        Path("mine.py").write_text(text)

    monkeypatch.setattr(time, "sleep", wait)
    assert run("compile", "user.arch", "--watch", "--allow-python", "mine.py").code == 130
    assert "x * 345" in Path("user.py").read_text()


def test_the_file_of_a_layers_own_module_is_watched(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = LAYER.replace("def torch", 'modules = "beside.py"\n    def torch')
    layer = layer.replace("Expression(", 'Expression(helpers=("scaled",), text=')
    Path("mine.py").write_text(layer.replace("{x} * FACTOR", "scaled({x})"))
    module = "def scaled(x):\n    return x * FACTOR\n"
    Path("beside.py").write_text(module.replace("FACTOR", "2"))
    Path("user.arch").write_text("arch user\ninput 3x8x8\nscaled\n")
    texts = iter([module.replace("FACTOR", "345")])

    def wait(seconds: float) -> None:
        text = next(texts, None)
        if text is None:
            raise KeyboardInterrupt
        assert "x * 2" in Path("user.py").read_text()
        Path("beside.py").write_text(text)

    monkeypatch.setattr(time, "sleep", wait)
    assert run("compile", "user.arch", "--watch", "--allow-python", "mine.py").code == 130
    assert "x * 345" in Path("user.py").read_text()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-o", "a.arch", "--weights", "none.pt"], "an .arch file holds no weights"),
        (["--dtype", "float16"], "--dtype is for an export"),
        (["-o", "a.py", "--any-size"], "--any-size is for an export"),
        (["-o", "a.py", "--device", "cpu"], "--device is for an export"),
        (["-o", "a.arch", "--dtype", "float32"], "--dtype is for an export"),
        (["-o", "-", "--order", "stem,stage"], "--order and --rename need a checkpoint"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(
    run: Any, options: list[str], said: str
) -> None:
    before = names()
    ran = run("compile", "tiny.arch", *options)
    assert ran.code == 2 and said in ran.err
    assert names() == before


def test_an_ending_may_have_capitals(run: Any) -> None:
    assert run("compile", "tiny.arch", "-o", "NET.PY").code == 0
    assert "class TinyNet(nn.Module)" in Path("NET.PY").read_text()
    assert run("compile", "tiny.arch", "-o", "NET.ARCH").code == 0
    assert Path("NET.ARCH").read_text().startswith("## A TinyNet.\narch tinynet(")


def test_standard_input_cannot_be_watched(run: Any) -> None:
    ran = run("compile", "-", "--watch", stdin=NET)
    assert ran.code == 2 and "standard input cannot be watched" in ran.err


def test_a_builtin_spec_can_be_watched() -> None:
    path, name = find("resnet")
    assert path is not None and path.name == "resnet.arch" and name == "resnet.arch"


PAIR = "arch pair(c = 3)\ninput 3x8x8\nconv(c, 3) -> relu -> conv(c, 3)\n"


def test_what_is_told_of_a_checkpoint(run: Any) -> None:
    """Two layers that may be exchanged: refused, and the two ways to say which is which."""
    Path("pair.arch").write_text(PAIR)
    fine, coarse = torch.nn.Conv2d(3, 3, 3), torch.nn.Conv2d(3, 3, 3)
    torch.save(torch.nn.ModuleDict({"fine": fine, "coarse": coarse}).state_dict(), "other.pt")
    call = ("compile", "pair.arch", "--weights", "other.pt")
    ran = run(*call)
    assert ran.code == 1
    assert "`coarse`, `fine` or `fine`, `coarse` for `conv1`, `conv2`" in ran.err
    assert "--order coarse,fine" in ran.err
    assert names() == ["other.pt", "pair.arch", "tiny.arch"]
    for told in (["--order", "coarse, fine"], ["--rename", "coarse=conv1"]):
        assert run(*call, *told).code == 0
        assert torch.equal(torch.load("pair.pt")["conv1.weight"], coarse.weight)
    assert run(*call, "--order", "fine,coarse").code == 0
    assert torch.equal(torch.load("pair.pt")["conv1.weight"], fine.weight)
    assert "no layer of the checkpoint is called `rough`" in run(*call, "--order", "rough").err
    assert run(*call, "--rename", "fine").code == 2
    ran = run("compile", "pair.arch", "--order", "fine")
    assert (ran.code, "--weights FILE" in ran.err) == (2, True)


@pytest.mark.parametrize("name", ["torch", "collections"])
def test_a_file_hides_no_module(run: Any, name: str) -> None:
    """Beside a torch.py of one's own, no network can be imported."""
    Path("mine.arch").write_text(f"arch {name}(c = 3)\ninput 3x8x8\nconv(c, 3)\n")
    assert run("compile", "mine.arch").out.startswith(f"{name}_net.py: {name}, ")
    assert not Path(f"{name}.py").exists()
    assert run("compile", "mine.arch", "-o", f"{name}.py").code == 0


OPEN = """arch own(width = 8 in 4..16)
input 3x8x8
conv(width, 3)
"""


@pytest.mark.parametrize("name", ["own.arch", "link.arch"])
def test_a_spec_is_not_replaced_by_its_frozen_self(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own.arch").write_text(OPEN)
    Path("link.arch").symlink_to("own.arch")
    ran = run("compile", "own.arch", "-o", name)
    assert ran.code == 1 and Path("own.arch").read_text() == OPEN
    assert f"error[A008]: `{name}` cannot be written: the command reads it" in ran.err
    assert "give another file with -o" in ran.err
    for _ in range(2):  # the second time over its own
        assert run("compile", "own.arch", "-o", "frozen.arch").code == 0
    ran = run("compile", "frozen.arch", "-o", "frozen.arch", "--force")
    assert ran.code == 1 and "the command reads it" in ran.err


def test_a_python_file_of_the_user_is_kept(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own.arch").write_text(OPEN)
    Path("own.py").write_text("print('mine')\n")
    ran = run("compile", "own.arch")
    assert ran.code == 1 and Path("own.py").read_text() == "print('mine')\n"
    assert "it exists, and archdsl did not write it" in ran.err
    assert "replace it with --force" in ran.err
    assert run("compile", "own.arch", "--force").code == 0
    assert "Compiled by archdsl" in Path("own.py").read_text()
    assert run("compile", "own.arch").code == 0, "its own is replaced"
