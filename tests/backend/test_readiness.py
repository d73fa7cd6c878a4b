"""Compiled networks do what modern PyTorch asks of a module: on every family of the library.

Nothing here needs a GPU. What a forward pass would do on one is seen with fake tensors: they have
a device and no numbers, so that whatever waits for a number, or stands on another device, fails.
"""

import ast
import copy
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from small_networks import DISTINCT, TRACED, families, small
from torch import Tensor, nn
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode

import archdsl

GOLDEN = Path(__file__).with_name("golden")
LARGE = [  # deep ones, and the most of each way to connect
    "convnext_tiny",
    "densenet121",
    "efficientnet_v2_s",
    "fractalnet40",
    "inception_v3",
    "resnet152",
    "stochastic_depth110",
]
EACH = pytest.mark.parametrize("name", families(DISTINCT))
SOME = pytest.mark.parametrize("name", families(TRACED))
MODES = pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])


def images(name: str, batch: int = 2) -> Tensor:
    torch.manual_seed(1)
    return torch.randn(batch, *small(name).input)


def built(name: str) -> nn.Module:
    torch.manual_seed(0)
    return small(name).build()


def total(outputs: Tensor | dict[str, Tensor]) -> Tensor:
    """One number of all outputs, to differentiate."""
    found = outputs.values() if isinstance(outputs, dict) else [outputs]
    return torch.stack([y.float().square().mean() for y in found]).sum()


def quiet(module: nn.Module) -> nn.Module:
    """The module without what it does at random."""
    for m in module.modules():
        for name, value in (("p", 0.0), ("survive", 1), ("drop_path", 0.0)):
            if hasattr(m, name):
                setattr(m, name, value)
    if hasattr(module, "draw_path"):
        module.draw_path = lambda x: None
    return module


# ------------------------------------------------------------------- what costs little


@EACH
def test_a_module_among_modules(name: str) -> None:
    """Mixed precision, memory formats, copies, functional calls, and a round trip to disk."""
    module, x = built(name), images(name)
    with torch.autocast("cpu", torch.bfloat16):
        loss = total(module(x))
    loss.backward()
    assert loss.isfinite()
    assert all(p.grad is not None for p in module.parameters()), "DDP needs every gradient"
    module.zero_grad()

    module.eval()
    twin = copy.deepcopy(module)
    buffer = io.BytesIO()
    torch.save(module.state_dict(), buffer)
    buffer.seek(0)
    kept = torch.load(buffer, weights_only=True)
    with torch.no_grad():
        expected = module(x)
        found = torch.func.functional_call(module, kept, (x,))
        # attention's kernels may round otherwise where numbers lie elsewhere in memory
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
        for p in module.parameters():
            p.zero_()
        torch.testing.assert_close(twin(x), expected, rtol=1e-5, atol=1e-5)  # shares nothing
        module.load_state_dict(kept)
        torch.testing.assert_close(module(x), expected, rtol=1e-5, atol=1e-5)
        if x.dim() == 4:
            twin.to(memory_format=torch.channels_last)
            found = twin(x.contiguous(memory_format=torch.channels_last))
            torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


@EACH
@MODES
@pytest.mark.skipif(torch.__version__ < "2.7", reason="a fake of a GPU takes a driver there")
def test_nothing_waits_for_a_number(name: str, training: bool) -> None:
    """On a device that has none: no ``item()``, no ``if tensor``, nothing made elsewhere."""
    arch = small(name)
    module = arch.build(device="meta")
    assert all(t.is_meta for t in module.state_dict().values())
    with FakeTensorMode(allow_non_fake_inputs=True):
        module = module.to_empty(device="cuda").train(training)
        outputs = module(torch.empty(2, *arch.input, device="cuda"))
        found = outputs if isinstance(outputs, dict) else {"main": outputs}
        assert (set(found) == {"main"}) == (not training or not arch.side_outputs)
        assert all(y.device.type == "cuda" for y in found.values())
        assert tuple(found["main"].shape[1:]) == arch.flat.nodes[arch.flat.output].shape


def test_waiting_would_be_seen() -> None:
    with FakeTensorMode(allow_non_fake_inputs=True):
        x = torch.empty(2, device="cuda")
        with pytest.raises(DataDependentOutputException):
            x.sum().item()
        with pytest.raises(DataDependentOutputException):
            bool(x.sum() > 0)
        with pytest.raises(Exception, match="device"):
            x + torch.zeros(2)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.py")), ids=lambda p: p.stem)
def test_branches_ask_for_settings_alone(path: Path) -> None:
    """Every condition in a forward pass is about the module or its arguments, not a tensor."""
    allowed = {
        "self.training",
        "path is not None",  # whether there is a draw, not what it says
        "rest == 0",  # of counters
        "c in ends",
        "others",
        "not self.training or not others or (not (self.drop_path or path))",
        "self.survive == 1 or not (self.training or self.scaling == 'eval')",
        "not self.training",
        "self.per == 'sample'",
        "self.scaling == 'train' and self.survive",
        "self.bias is None",
        "self.padding_mode == 'zeros'",
        "self.stride == 1",
        "self.in_channels == self.c",
        "self.in_channels == self.c and self.stride == 1",
        "self.in_channels == out and self.stride == 1",  # channels that come in, not what they hold
        "self.stride == 1 and self.in_channels == out",
        "self.stride == 1 and self.in_channels == 4 * self.c",
        "j == self.i",  # numbers of sizes
        "number < self.n",  # numbers of layers
        "i % 2 == 1 or i == self.n",
        "self.levels > 0",
        "margin > 0",  # of a crop: from the sizes of images
    }
    for function in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(function, ast.FunctionDef) and function.name in ("forward", "draw_path"):
            nodes = list(ast.walk(function))
            tests = [n.test for n in nodes if isinstance(n, (ast.If, ast.IfExp, ast.While))]
            tests += [t for n in nodes if isinstance(n, ast.comprehension) for t in n.ifs]
            asked = {ast.unparse(t) for t in tests}
            own = re.compile(r"self\.\w+( != self\.\w+| is (not )?None)?")  # settings, arms
            assert {text for text in asked if not own.fullmatch(text)} <= allowed
            assert not {n.attr for n in nodes if isinstance(n, ast.Attribute)} & {
                "item", "tolist", "cpu", "numpy", "nonzero", "unique"
            }  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_it_is_built_where_and_as_it_is_asked(dtype: torch.dtype) -> None:
    arch = archdsl.load("squeezenet", classes=10)
    module = arch.build(device="cpu", dtype=dtype, memory_format=torch.channels_last)
    assert {p.dtype for p in module.parameters()} == {dtype}
    weight = module.get_parameter("stem.conv1.weight")
    assert weight.is_contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        y = module.eval()(torch.zeros(1, 3, 64, 64, dtype=dtype))
    assert y.dtype == dtype and y.shape == (1, 10)


# ------------------------------------------------------------------ compiled and exported


def agrees(module: nn.Module, x: Tensor, backend: str, training: bool) -> None:
    """torch.compile in one graph gives the outputs and gradients of plain PyTorch."""
    torch._dynamo.reset()
    plain, traced = quiet(module).train(training), quiet(copy.deepcopy(module)).train(training)
    compiled = torch.compile(traced, fullgraph=True, backend=backend)
    with torch.set_grad_enabled(training):
        expected, found = plain(x), compiled(x)
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)
    if training:
        total(expected).backward()
        total(found).backward()
        for p, q in zip(plain.parameters(), traced.parameters(), strict=True):
            torch.testing.assert_close(q.grad, p.grad, rtol=1e-2, atol=1e-3)


@SOME
@MODES
def test_compile(name: str, training: bool) -> None:
    agrees(built(name), images(name), "aot_eager", training)


@pytest.mark.parametrize("name", families({"stochastic_depth", "fractalnet"}))
def test_compile_with_what_happens_at_random(name: str) -> None:
    torch._dynamo.reset()
    module = built(name)
    compiled = torch.compile(module, fullgraph=True, backend="aot_eager")
    loss = total(compiled(images(name)))
    loss.backward()
    assert loss.isfinite() and all(p.grad is not None for p in module.parameters())


@SOME
@pytest.mark.skipif(torch.__version__ < "2.7", reason="it guards the batch against a huge number")
def test_export(name: str) -> None:
    """Traced with one batch size, run with others."""
    module = built(name).eval()
    batch = torch.export.Dim("batch", min=1)
    program = torch.export.export(module, (images(name),), dynamic_shapes=({0: batch},))
    with torch.no_grad():
        for size in (1, 3):
            x = images(name, size)
            torch.testing.assert_close(program.module()(x), module(x), rtol=1e-3, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("variant", LARGE)
def test_large_networks_are_one_graph(variant: str) -> None:
    arch = archdsl.load(variant)
    x = torch.randn(2, *(arch.input if variant == "inception_v3" else (3, 32, 32)))
    for training in (True, False):
        agrees(arch.build(), x, "aot_eager", training)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="inductor needs a compiler")
@pytest.mark.parametrize("name", ["resnet_cifar", "fractalnet", "squeezenet"])
@MODES
def test_inductor(name: str, training: bool) -> None:
    agrees(built(name), images(name), "inductor", training)


# ----------------------------------------------------------------------- two processes

WORKER = """
import gc
import sys
import torch
import torch.distributed as dist
import torch.distributed.nn.functional  # before there is a group, which it would hold
from torch.nn.parallel import DistributedDataParallel

sys.path.insert(0, {tests!r})
from small_networks import small

rank, store = int(sys.argv[1]), sys.argv[2]
dist.init_process_group("gloo", init_method=f"file://{{store}}", rank=rank, world_size=2)
for name in {names!r}:
    torch.manual_seed(0)
    module = small(name).build()
    parallel = DistributedDataParallel(module)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.01)
    torch.manual_seed(rank)
    for _ in range(3):
        outputs = parallel(torch.randn(2, *small(name).input))
        found = outputs.values() if isinstance(outputs, dict) else [outputs]
        optimizer.zero_grad()
        sum(y.square().mean() for y in found).backward()
        optimizer.step()
    weights = torch.cat([p.detach().flatten() for p in module.parameters()])
    both = [torch.empty_like(weights) for _ in range(2)]
    dist.all_gather(both, weights)
    print(name, torch.equal(*both), bool(weights.isfinite().all()))
del parallel
gc.collect()
dist.destroy_process_group()
"""


@pytest.mark.slow
def test_data_parallel(tmp_path: Path) -> None:
    """Two processes keep equal weights, though each drops other paths: nothing is left without a
    gradient, so that ``find_unused_parameters`` is not needed."""
    names = ["stochastic_depth", "patterns_fractal", "googlenet"]
    program = WORKER.format(tests=str(Path(__file__).parent), names=names)
    command = [sys.executable, "-c", program]
    running = [
        subprocess.Popen(
            [*command, str(rank), str(tmp_path / "store")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    for process in running:
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        assert out.splitlines() == [f"{name} True True" for name in names]
