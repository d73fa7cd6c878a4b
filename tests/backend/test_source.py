"""The emitted source of every family, word for word, and what must hold of it.

The golden files are for reading, as code that somebody will own. Write them anew with
``ARCHDSL_GOLDEN=write pytest tests/backend/test_source.py``; their version is always 0.0.0.
"""

import ast
import inspect
import linecache
import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
import torch
from torch import nn

import archdsl
from archdsl import Architecture, __about__
from archdsl.backend.build import header_of, load_source, source_of, top_class
from archdsl.files import builtin_names

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).with_name("golden")

# Beside each family as it is by default: what has other parts, or other connections.
OTHERS = [
    "alexnet_2012",
    "cspdarknet53",
    "fcn_resnet50",
    "fractalnet40",
    "googlenet_paper",
    "m34_res",
    "mobilenet_shallow",
    "nin_imagenet",
    "plain_thin20",
    "preresnet110",
    "r2plus1d_18",
    "regnet_x_400mf",
    "resnet18",
    "resnet18_a",
    "resnext29_8x64d_preact",
    "squeezenet_complex",
    "unet_padded",
    "vgg16_bn",
]
PATTERNS = ["dense", "fractal", "inception"]


def networks() -> dict[str, Architecture]:
    """The networks of the golden files, by the names of the files."""
    found = {name: archdsl.load(name) for name in [*builtin_names(), *OTHERS]}
    return found | {f"patterns_{p}": archdsl.load("patterns", pattern=p) for p in PATTERNS}


NETWORKS = networks()
EACH = pytest.mark.parametrize("name", NETWORKS)


@pytest.fixture
def version(monkeypatch: pytest.MonkeyPatch) -> None:
    """The header tells the version: it would make every golden file new with each release."""
    monkeypatch.setattr(__about__, "VERSION", "0.0.0")


def golden(name: str) -> str:
    return (GOLDEN / f"{name}.py").read_text("utf-8")


def ruff(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ruff", *arguments, "--no-cache", str(GOLDEN)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def built(source: str, name: str) -> nn.Module:
    with torch.device("meta"):
        module: nn.Module = load_source(source, name)[top_class(source)]()
    return module


# ------------------------------------------------------------------------------ the text


@EACH
def test_the_source_is_the_golden_file(name: str, version: None) -> None:
    source = source_of(NETWORKS[name])
    if os.environ.get("ARCHDSL_GOLDEN") == "write":
        (GOLDEN / f"{name}.py").write_text(source, "utf-8")
    assert source == golden(name)


def test_no_golden_file_is_left_over() -> None:
    assert {p.stem for p in GOLDEN.glob("*.py")} == set(NETWORKS)


@pytest.mark.parametrize(
    ("variant", "most"),
    [("resnet50", 120), ("googlenet", 150), ("densenet121", 100), ("fractalnet", 120)],
)
def test_lines(variant: str, most: int) -> None:
    assert source_of(archdsl.load(variant)).count("\n") <= most


@pytest.mark.parametrize(("variant", "other"), [("resnet18", "resnet34"), ("vgg11", "vgg13")])
def test_more_of_the_same_takes_few_lines(variant: str, other: str) -> None:
    lengths = [source_of(archdsl.load(v)).count("\n") for v in (variant, other)]
    assert lengths[1] - lengths[0] <= 10


def test_depth_takes_no_lines() -> None:
    """ResNet-1202 is no longer than ResNet-32: repeats are loops."""
    shallow, deep = (source_of(archdsl.load(v)) for v in ("resnet32", "resnet1202"))
    assert shallow.count("\n") == deep.count("\n")


def test_ruff_has_nothing_to_say() -> None:
    """The rules are the project's; its width is 100, and the source keeps to 88."""
    checked = ruff("check", "--config", str(ROOT / "pyproject.toml"))
    assert (checked.returncode, checked.stdout) == (0, "All checks passed!\n")
    formatted = ruff("format", "--check", "--isolated", "--line-length", "88")
    assert formatted.returncode == 0, formatted.stdout
    assert all(len(line) <= 88 for name in NETWORKS for line in golden(name).splitlines())


@EACH
def test_it_needs_torch_alone(name: str) -> None:
    tree = ast.parse(golden(name))
    imported = [n for n in ast.walk(tree) if isinstance(n, (ast.Import, ast.ImportFrom))]
    assert {ast.unparse(n) for n in imported} <= {
        "import math",
        "from fractions import Fraction",  # of Python itself: a factor of 1.7 is exact
        "from collections import OrderedDict",
        "import torch",
        "import torch.nn.functional as F",
        "from torch import Tensor, nn",
    }
    assert all(n in tree.body for n in imported)


def test_it_runs_where_there_is_no_archdsl(tmp_path: Path) -> None:
    """In a Python that finds torch, and nothing of this project."""
    program = f"""
import sys
sys.modules["archdsl"] = None
sys.path.insert(0, {str(GOLDEN)!r})
import torch
from resnet18 import ResNet
from googlenet import GoogLeNet
from fractalnet import FractalNet
print(tuple(ResNet().eval()(torch.zeros(2, 3, 32, 32)).shape))
print(sorted(GoogLeNet()(torch.zeros(2, 3, 64, 64))))
print(tuple(FractalNet()(torch.zeros(2, 3, 32, 32)).shape))
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == ["(2, 1000)", "['aux1', 'aux2', 'main']", "(2, 10)"]


def test_it_says_where_it_came_from() -> None:
    arch = archdsl.load("resnet18", classes=10)
    first, _, *rest = header_of(arch).splitlines()
    assert first == "resnet: 11,181,642 parameters, 1,813,566,464 multiply-adds at 3x224x224."
    assert " ".join(rest) == (
        f"Compiled by archdsl {archdsl.__version__} from resnet.arch with depth = 18, width = 64, "
        'inner = 1, stride_on = "3x3", shortcut = "B", zero_init = false, classes = 10.'
    )
    assert ast.get_docstring(ast.parse(source_of(arch))) == header_of(arch)


def test_a_setting_is_not_broken_over_two_lines() -> None:
    for line in header_of(archdsl.load("fractalnet")).splitlines():
        assert not line.endswith("=") and line.count("[") == line.count("]")


# ----------------------------------------------------------------------------- its names


@pytest.mark.parametrize(
    ("spec", "name"),
    {
        "alexnet": "AlexNet",
        "convnext_v2": "ConvNeXtV2",
        "deeplab_v3": "DeepLabv3",
        "densenet_cifar": "DenseNetCIFAR",
        "fractalnet_imagenet": "FractalNetImageNet",
        "googlenet": "GoogLeNet",
        "inception_v3": "InceptionV3",
        "nin": "NiN",
        "resnet": "ResNet",
        "resnet_d": "ResNetD",
        "stochastic_depth": "StochasticDepthNet",
        "unet": "UNet",
        "vgg": "VGG",
        "waveform": "Waveform",
        "wide_resnet": "WideResNet",
    }.items(),
)
def test_a_network_is_called_as_its_comment_spells_it(spec: str, name: str) -> None:
    assert top_class(golden(spec)) == name


@pytest.mark.parametrize(
    ("name", "doc", "expected"),
    [
        ("tiny_net", "", "TinyNet"),
        ("TinyNET", "", "TinyNET"),
        ("tinynet", "A TinyNet for a watch.", "TinyNet"),
        ("tinynet", "TinyNets are small.", "TinyNet"),
        ("tinynet", "A tinynet, or TinyNet.", "TinyNet"),
        ("tinynet", "Much as TinyNetwork.", "Tinynet"),
        ("tinynet", "No TinyNet2, no MyTinyNet.", "Tinynet"),
        ("tiny_net", "Tiny-NET: small.", "TinyNET"),
        ("tiny_net", "As a NET, but tiny.", "TinyNET"),
        ("net", "Net: a net.", "Net"),
        ("v2", "", "V2"),
        ("_2", "", "Block2"),
        ("_", "", "Block"),
        ("kelvin", "\N{KELVIN SIGN}ELVIN", "Kelvin"),
    ],
)
def test_class_names(name: str, doc: str, expected: str) -> None:
    comment = f"## {doc}\n" if doc else ""
    spec = archdsl.parse(f"{comment}arch {name}\ninput 3x8x8\nconv(4, 3)\n")
    assert top_class(source_of(spec.with_knobs())) == expected


NAMED = """## A network.
arch named(width = 8)
input 3x16x16

## Two convolutions; a PairNet.
block pairnet(c, l, lambda, x, torch, kernel = 3) {
  residual { conv(c, kernel) -> bn -> relu -> conv(c * l, kernel) -> dropout(lambda) }
  conv(x, torch)
}
stem: conv(width, 3)
stage: {
  pairnet(8, 1, 0.1, 4, 1)
  pairnet(8, 2, 0.2, 6, 3, kernel = 5)
}
"""


def test_parameters_are_the_blocks_unless_they_mean_something_else() -> None:
    """`lambda` is Python's, `torch` and `x` are the file's, and `l` looks like a one."""
    tree = ast.parse(source_of(archdsl.parse(NAMED).with_knobs()))
    (block,) = (n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "PairNet")
    assert ast.get_docstring(block) == "Two convolutions; a PairNet."
    init = next(n for n in block.body if isinstance(n, ast.FunctionDef))
    names = [a.arg for a in init.args.args]
    assert set(names) >= {"self", "lambda_", "x_", "torch_", "kernel"}
    assert not {"l", "x", "torch"} & set(names)


# ---------------------------------------------------------------------- keys and modules


@EACH
def test_the_module_is_the_file(name: str) -> None:
    arch = NETWORKS[name]
    ours, theirs = arch.build(device="meta"), built(golden(name), f"golden {name}")
    keys = {k: v.shape for k, v in ours.state_dict().items()}
    assert keys == {k: v.shape for k, v in theirs.state_dict().items()}
    assert sum(p.numel() for p in theirs.parameters()) == arch.params
    assert all(t.device.type == "meta" for t in ours.state_dict().values())


UNRELATED = {
    "a comment": ("let repeats", "# a comment\n\nlet repeats"),
    "a doc comment": ("block basic", "## Two convolutions.\nblock basic"),
    "a binding": ("let repeats", "let unused = 3\nlet repeats"),
    "a function": ("let repeats", "fn half(c) = c / 2\nlet repeats"),
    "a block": ("block basic", "block unused(c) { conv(c, 3) -> bn }\n\nblock basic"),
    "a knob": ("  classes = 1000", "  unused = 1,\n  classes = 1000"),
    "a requirement": ("input 3x224x224", 'require depth > 1, "too shallow"\ninput 3x224x224'),
    "a variant": ("input 3x224x224", "variant resnet19(depth = 18)\ninput 3x224x224"),
    "a layer without weights": ("head: global_avgpool ->", "head: global_avgpool -> dropout ->"),
    "an activation": ("block basic(c, stride = 1) {", "block basic(c, stride = 1) {\n  silu"),
    "a loop instead of `repeat`": (
        "stage: repeat n as j {",
        "stage: for j in 1..n {",
    ),
}


@pytest.mark.parametrize("change", UNRELATED)
def test_keys_do_not_change_with_an_unrelated_line(change: str) -> None:
    text = archdsl.read("resnet").source.text
    old, new = UNRELATED[change]
    assert text.count(old) == 1
    before, after = (
        archdsl.parse(t, "resnet.arch").with_knobs(depth=18).build(device="meta")
        for t in (text, text.replace(old, new))
    )
    assert list(before.state_dict()) == list(after.state_dict())


def test_keys_stay_where_a_part_is_added() -> None:
    text = archdsl.read("resnet").source.text
    more = text.replace("head: ", "neck: conv(512, 3) -> bn -> relu\nhead: ")
    before, after = (
        archdsl.parse(t, "resnet.arch").with_knobs(depth=18).build(device="meta").state_dict()
        for t in (text, more)
    )
    assert set(before) < set(after)
    assert {k.split(".")[0] for k in set(after) - set(before)} == {"neck"}


def test_keys_are_the_labels_and_blocks_of_the_spec() -> None:
    keys = list(archdsl.load("resnet18").build(device="meta").state_dict())
    assert keys[:7] == [
        "stem.conv1.weight",
        "stem.bn1.weight",
        "stem.bn1.bias",
        "stem.bn1.running_mean",
        "stem.bn1.running_var",
        "stem.bn1.num_batches_tracked",
        "stage1.basic1.conv1.weight",
    ]
    assert "stage2.basic1.shortcut.conv1.weight" in keys
    assert keys[-2:] == ["head.linear1.weight", "head.linear1.bias"]


# ---------------------------------------------------------------------------- debugging


def test_a_traceback_shows_the_source() -> None:
    module = archdsl.load("resnet18").build()
    try:
        module(torch.zeros(1, 4, 32, 32))
    except RuntimeError:
        text = traceback.format_exc()
    assert 'File "<archdsl resnet ' in text
    assert "x = self.stem(x)  # 64x56x56\n" in text


def test_tools_find_the_source() -> None:
    arch = archdsl.load("squeezenet")
    module = arch.build(device="meta")
    assert inspect.getsource(module.forward).splitlines()[1] == (
        "        x = self.stem(x)  # 96x54x54"
    )
    file = inspect.getsourcefile(type(module).forward)
    assert file is not None
    linecache.checkcache(file)
    assert "".join(linecache.getlines(file)) == source_of(arch)
