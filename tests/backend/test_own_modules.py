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


CODE = "class Mine(Layer):\n    name = 'mine'\n    def torch(self, *inputs):\n        return {}\n"


@pytest.mark.parametrize(
    ("code", "reason", "help"),
    [
        ("Expression('{x} * ) 2')", "`{x} * ) 2` is no expression of Python: unmatched ')'", ""),
        ("Expression('F.relu({x}, {y})')", "names other tensors than come in, `{x}` and `{0}`", ""),
        ("Expression('{0} + {1}')", "names other tensors than come in, `{x}` and `{0}`", ""),
        ("Expression('F.reluu({x})')", "there is no `F.reluu`", "did you mean `F.relu`?"),
        ("Expression('np.exp({x})')", "`np` is nothing in the file", ""),
        ("Expression('F.relu(y)')", "`y` is nothing in the file", ""),
        ("Module('nn.Relu')", "there is no `nn.Relu`", "did you mean `nn.ReLU`?"),
        (
            "Module('nn.ReLU', (), {'inplac': True})",
            "`nn.ReLU`: got an unexpected keyword argument 'inplac'",
            "",
        ),
        ("Module('nn.Linear', (3,))", "`nn.Linear`: missing a required argument", ""),
        ("'F.relu({x})'", "`torch` has to give a Module or an Expression, and gives str", ""),
    ],
)
def test_code_that_cannot_run(tmp_path: Path, code: str, reason: str, help: str) -> None:
    """It is not written into a file that would fail where it is used."""
    with pytest.raises(archdsl.ArchError, match="A609") as caught:
        own(tmp_path, CODE.format(code))
    (error,) = caught.value.diagnostics
    assert error.message.startswith("the code of the layer `mine` cannot run: ")
    assert reason in error.message and "".join(error.helps).startswith(help)
    assert error.notes == (f"its code is given at {tmp_path}/own.py:4",)
    assert error.span is not None and error.span.text == "mine"


@pytest.mark.parametrize(
    "code",
    [
        "Expression('max(({x}, {x} + 1), key=lambda part: part.sum())')",
        "Expression('torch.cat([y for y in {x}.chunk(2, 1)], 1)')",
        "Expression('{x} * math.sqrt(2) + {add}', {'add': 3})",
        "Expression('nn.functional.relu({x}[:, :])')",
        "Module('nn.ReLU', (), {'inplace': True})",
        "Module('nn.modules.activation.ReLU')",
    ],
)
def test_code_that_can(tmp_path: Path, code: str) -> None:
    path = tmp_path / "own.py"
    path.write_text(LAYER + CODE.format(code))
    spec = archdsl.parse(SPEC.format("mine"), registry=with_files(REGISTRY, [path]))
    assert spec.with_knobs().build()(torch.rand(2, 3, 8, 8)).shape == (2, 2)


HEADS = "from archdsl.layers.base import Layer\nfrom archdsl.training.scores import Metric\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "\nclass Mine(Layer):\n    name = 'mine'\n    kind = 'activaton'\n",
            "own.py:4` defines cannot be loaded: `activaton` is no kind of layer: did you mean"
            " `activation`?",
        ),
        (
            "class Mine(Layer):\n    name = 'mine'\n    kind = 'x'\n",
            "own.py:3` defines cannot be loaded: `x` is no kind of layer: there are conv, linear,",
        ),
        (
            "class Worst(Metric):\n    name = 'worst'\n    tasks = ('clasification',)\n",
            "own.py:3` defines cannot be loaded: the metric `worst` is of a task `clasification`:"
            " did you mean `classification`?",
        ),
        (
            "class Worst(Metric):\n    name = 'worst'\n",
            "own.py:3` defines cannot be loaded: Worst has no method `of`",
        ),
        ("x = undefined\n", "own.py:3` defines cannot be loaded: NameError: name 'undefined'"),
        ("def f(:\n", "own.py` defines cannot be loaded: SyntaxError: invalid syntax (own.py, l"),
    ],
)
def test_what_cannot_be_loaded_has_a_place(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "own.py"
    path.write_text(HEADS + text)
    with pytest.raises(archdsl.ArchError, match="A007") as caught:
        with_files(REGISTRY, [path])
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


def test_a_brace_of_an_expression_is_written_twice(tmp_path: Path) -> None:
    """Its text is a format."""
    text = own(tmp_path, CODE.format("Expression('{x}.mul({{2: 3}}[2])')"))
    assert ".mul({2: 3}[2])" in text
