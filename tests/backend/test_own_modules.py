"""Modules of a user's layers are emitted whole: with what they use, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import archdsl
from archdsl.extensions import with_files
from archdsl.registry import REGISTRY

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "my_gate.py"
SPEC = "arch net\ninput 3x8x8\nconv(4, 3) -> {} -> global_avgpool -> linear(2)\n"
LAYER = """from archdsl.layers.base import Expression, Layer, Module
"""


def source(files: list[Path], layer: str) -> str:
    registry = with_files(REGISTRY, files)
    return archdsl.parse(SPEC.format(layer), registry=registry).with_knobs().source()


def own(folder: Path, text: str, layer: str = "mine") -> str:
    path = folder / "own.py"
    path.write_text(LAYER + text)
    return source([path], layer)


def test_the_example() -> None:
    text = source([EXAMPLE], "gate_by_mean(0.5)")
    assert "class Firing(nn.Module):" in text and "LEAST = 1e-3" in text
    assert "from functools import reduce\nfrom operator import mul\n\nimport torch\n" in text
    assert "archdsl" not in text.split('"""')[2]
    registry = with_files(REGISTRY, [EXAMPLE])
    arch = archdsl.parse(SPEC.format("gate_by_mean(0.5)"), registry=registry).with_knobs()
    module = arch.build()
    assert sum(p.numel() for p in module.parameters()) == arch.params
    x = torch.rand(2, 3, 8, 8)
    assert module(x).shape == (2, 2)


def test_it_runs_where_archdsl_is_not(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(source([EXAMPLE], "gate_by_mean"))
    code = (
        "import sys; sys.modules['archdsl'] = None\n"
        "import torch, net; print(tuple(net.Net()(torch.rand(2, 3, 8, 8)).shape))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "(2, 2)\n"


def test_functions_of_an_expression_and_a_future_import(tmp_path: Path) -> None:
    text = own(
        tmp_path,
        "def halved(x: 'Tensor') -> 'Tensor':\n    return HALF * x\n\n"
        "HALF = 0.5\nOTHER = 3\n\n"
        "class Mine(Layer):\n    name = 'mine'\n"
        "    def torch(self, *inputs): return Expression('halved({x})', helpers=('halved',))\n",
    )
    assert "def halved(x" in text and "HALF = 0.5" in text and "OTHER" not in text
    future = "from __future__ import annotations\n"
    (tmp_path / "own.py").write_text(future + (tmp_path / "own.py").read_text())
    assert future + "\n" in source([tmp_path / "own.py"], "mine")


MINE = "class Mine(Layer):\n    name = 'mine'\n    def torch(self, *inputs): return Module('Foo')\n"
FOO = "class Foo(nn.Identity):\n    pass\n\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (MINE, "own.py defines no `Foo`"),
        (MINE.replace("    def", "    modules = 'gone.py'\n    def"), "gone.py cannot be read"),
        (
            "from torch import nn\nclass Foo(nn.Identity):\n    layer = Layer\n\n" + MINE,
            "it needs `from archdsl.layers.base import Layer`",
        ),
        (
            "import torch.nn.functional as nn\n"
            + FOO.replace("nn.Identity", "object").replace("pass", "nn = nn")
            + MINE,
            "`nn` is what `from torch import nn` gives",
        ),
        (
            "from torch import nn\nclass seq(nn.Identity):\n    pass\n\n"
            + MINE.replace("Foo", "seq"),
            "`seq` means another thing in the file already",
        ),
    ],
)
def test_what_cannot_be_taken(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(archdsl.ArchError, match="A608") as caught:
        own(tmp_path, text)
    assert reason in str(caught.value)


def test_two_files_with_one_name(tmp_path: Path) -> None:
    head = LAYER + "from torch import nn\n\n"
    (tmp_path / "a.py").write_text(head + FOO + MINE)
    (tmp_path / "b.py").write_text(
        head
        + FOO.replace("Identity", "ReLU")
        + MINE.replace("Mine", "Two").replace("'mine'", "'two'")
    )
    files = [tmp_path / "a.py", tmp_path / "b.py"]
    assert "class Foo(nn.Identity)" in source(files, "mine")
    assert "class Foo(nn.ReLU)" in source(files, "two")
    with pytest.raises(archdsl.ArchError, match="`Foo` means another thing"):
        source(files, "mine -> two")


def test_a_block_gives_way_to_a_module(tmp_path: Path) -> None:
    """A block of the same name gets another class."""
    (tmp_path / "a.py").write_text(LAYER + "from torch import nn\n\n" + FOO + MINE)
    registry = with_files(REGISTRY, [tmp_path / "a.py"])
    text = "arch net\ninput 3x8x8\nblock foo(c) { conv(c, 3) -> mine }\nfoo(4) -> foo(8)\n"
    found = archdsl.parse(text, registry=registry).with_knobs()
    assert found.source().count("class Foo(") == 1
    assert found.build()(torch.rand(1, 3, 8, 8)).shape == (1, 8, 8, 8)
