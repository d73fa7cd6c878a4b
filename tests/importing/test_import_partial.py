"""Operations without a layer: as layers of one's own, in a refusal and written by --partial."""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import archdsl
from archdsl.cli.main import main
from archdsl.extensions import with_files
from archdsl.importing.calls import TensorExpression, Unwritable, _literal
from archdsl.importing.classes import CustomLayer, file_text
from archdsl.registry import REGISTRY

Operation = Callable[[Tensor], Tensor]


class Between(nn.Module):
    """An operation between a convolution and a linear layer."""

    def __init__(self, operation: Operation | nn.Module) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 4, 3, padding=1), nn.LazyLinear(2)
        self.operation = operation
        self(torch.zeros(1, 3, 6, 6))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.operation(self.conv(x)).flatten(1))


class Many(nn.Module):
    """Several such operations: of one tensor and of two, and a result among several."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4, 2)
        self.pool = nn.LPPool2d(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(torch.cumsum(self.conv(x), 2))
        sorted, _ = x.sort(dim=1, descending=True)
        return self.head(torch.atan2(x, sorted).amax((2, 3)))


LAYERS = '''\
"""Layers that the language does not have."""

from archdsl.layers.base import Expression, Layer, Module, Shape, Steps, everything
from archdsl.layers.join import Join
from archdsl.layers.recorded import equal, of_rank


class Cumsum(Layer):
    """What `torch.cumsum(x, 2)` computes."""

    name = "cumsum"
    overwritable = False

    def shape(self, *inputs: Shape) -> Shape:
        return of_rank(inputs[0], 3, self.name)

    def window(self, input: Shape) -> tuple[Steps, Steps]:
        return everything(input)

    def torch(self, *inputs: Shape) -> Expression:
        return Expression("torch.cumsum({x}, 2)")


class Lppool2d(Layer):
    """What `nn.LPPool2d(norm_type=2, kernel_size=2)` computes."""

    name = "lppool2d"
    overwritable = False

    def shape(self, *inputs: Shape) -> Shape:
        c, h, w = of_rank(inputs[0], 3, self.name)
        return (c, h // 2, w // 2)

    def window(self, input: Shape) -> tuple[Steps, Steps]:
        return everything(input)

    def torch(self, *inputs: Shape) -> Module:
        return Module("nn.LPPool2d", (), {"norm_type": 2, "kernel_size": 2})


class Sort(Layer):
    """What `x.sort(dim=1, descending=True)[0]` computes."""

    name = "sort"
    overwritable = False

    def shape(self, *inputs: Shape) -> Shape:
        return of_rank(inputs[0], 3, self.name)

    def torch(self, *inputs: Shape) -> Expression:
        return Expression("{x}.sort(dim=1, descending=True)[0]")


class Atan2(Join):
    """What `torch.atan2(x, y)` computes."""

    name = "atan2"
    overwritable = False

    def shape(self, *inputs: Shape) -> Shape:
        return of_rank(equal(inputs, self.name), 3, self.name)

    def torch(self, *inputs: Shape) -> Expression:
        return Expression("torch.atan2({0}, {1})")
'''
SPEC = """\
arch many(width = 4 in 1..16, classes = 2)

input 3x8x8

conv(width, 3) -> cumsum -> lppool2d
branch atan2 { identity; sort } -> global_maxpool -> linear(classes)
"""


def test_what_has_no_layer_becomes_layers_of_ones_own(tmp_path: Path) -> None:
    model = Many().eval()
    imported = archdsl.import_module(model, (3, 8, 8), knobs=True, partial=True)
    assert imported.text == SPEC
    assert imported.layers == LAYERS
    assert imported.checked == [
        "graph, parameters and multiply-adds",
        "a network for every width in 1..16",
        "results and gradients, in evaluation and in training, at 3x8x8",
    ]
    said = [(d.code, d.kind.severity, d.message) for d in imported.warnings]
    assert said[1] == (
        "A665",
        "warning",
        "no layer computes `LPPool2d`: it is `lppool2d`, a layer of your own",
    )
    assert len(said) == 4
    (tmp_path / "many_layers.py").write_text(imported.layers)
    registry = with_files(REGISTRY, [tmp_path / "many_layers.py"])
    network = archdsl.parse(imported.text, registry=registry).with_knobs().build().eval()
    network.load_state_dict(imported.weights)
    x = torch.randn(2, 3, 8, 8)
    assert torch.allclose(network(x), model(x), atol=1e-6)


@pytest.mark.parametrize(
    ("operation", "text", "rule"),
    [
        (lambda x: x.cumsum(dim=-1), "{x}.cumsum(dim=-1)", "of_rank(inputs[0], 3, self.name)"),
        (lambda x: x.erfc_(), "{x}.erfc()", "of_rank(inputs[0], 3, self.name)"),
        (lambda x: F.threshold(x, 0.1, 2.0, True), "F.threshold({x}, 0.1, 2.0)", "of_rank"),
        (lambda x: torch.diff(x, dim=2), "torch.diff({x}, dim=2)", "(c, h - 1, w)"),
        (lambda x: torch.special.i0(x), "torch.special.i0({x})", "of_rank"),
        (lambda x: x.argmax(1, keepdim=True) * x, "{x}.argmax(1, keepdim=True)", "(1, h, w)"),
        (lambda x: x[:, [0, 2], ..., 1::2], "{x}[:, (0, 2), ..., 1::2]", "(2, h, w // 2)"),
        (lambda x: torch.einsum("nchw->nhw", x), 'torch.einsum("nchw->nhw", {x})', "(h, w)"),
        (lambda x: x @ x.mT, "{x}.matmul({x}.permute(0, 1, 3, 2))", "{((4, 6, 6),): 864}"),
        (lambda x: torch.fft.fft2(x).real, 'Expression("{x}.real")', "of_rank"),
        (nn.Threshold(0.1, 2.0), '("nn.Threshold", (), {"threshold": 0.1, "value": 2.0})', "c"),
    ],
)
def test_the_arguments_and_the_rule_of_an_operation(
    operation: Operation, text: str, rule: str
) -> None:
    found = archdsl.import_module(Between(operation), (3, 6, 6), partial=True)
    assert text in found.layers
    assert rule in found.layers


def test_where_no_rule_is_known_other_shapes_are_refused() -> None:
    model = Between(lambda x: torch.tril(x @ x.mT))
    imported = archdsl.import_module(model, (3, 6, 6), partial=True, knobs=True)
    assert imported.checked[1] == (
        "no knob for its size: its numbers of channels have no common factor, or no other width"
        " gives a network"
    )
    assert imported.differs == [(3, 6, 38)]  # which the model takes
    assert imported.architecture.macs == sum((6 * 6 * 4 * 27, 4 * 6**3, 2 * 4 * 6 * 6))
    with pytest.raises(archdsl.ArchError) as caught:
        imported.spec.with_knobs(input=(3, 8, 8))
    assert [d.code for d in caught.value.diagnostics] == ["A664"]
    known = "`matmul` is known for 4x6x6, and what comes in is 4x8x8"
    assert caught.value.diagnostics[0].message == known


def refusal(operation: Operation, partial: bool = False) -> archdsl.ArchError:
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.import_module(Between(operation), (3, 6, 6), partial=partial)
    return caught.value


def test_what_cannot_be_written_from_a_call_has_a_place_to_fill_in() -> None:
    fixed = refusal(lambda x: torch.hypot(x, torch.ones(6, 6, device=x.device)), True)
    assert [d.code for d in fixed.diagnostics] == ["A654"]
    *_, text = fixed.diagnostics[0].helps
    assert "--partial" not in text
    assert text.partition(":\n")[2].startswith('"""Layers that')
    assert text.endswith(
        "        return recorded({((4, 6, 6),): (4, 6, 6)}, inputs, self.name)\n\n"
        "    def window(self, input: Shape) -> tuple[Steps, Steps]:\n"
        "        return everything(input)\n\n"
        "    # Its PyTorch code, in a method `torch`, is for you to write: it is\n"
        "    # `hypot`, one of whose arguments is a tensor of parameters or fixed numbers."
    )
    exec(text.partition(":\n")[2], {"__name__": "mine"})


def test_words_of_a_call_cannot_leave_their_text() -> None:
    words = '"""\nimport os\\'
    code = TensorExpression(
        f"F.pad({{0}}, (1, 1), mode={_literal(words.replace(chr(10), ' '), str)})", 1
    )
    layer = CustomLayer("mine", "pad", code, {((4, 6),): (4, 8)})
    tree = ast.parse(file_text([layer]))
    assert [type(node).__name__ for node in tree.body[1:]] == ["ImportFrom"] * 2 + ["ClassDef"]
    with pytest.raises(Unwritable):
        _literal(words, str)


def test_what_differs_with_the_batch_is_no_layer() -> None:
    by_batch = refusal(lambda x: torch.cumsum(x, 1 + len(x) % 2), True)
    assert [d.code for d in by_batch.diagnostics] == ["A654"]
    assert "no layer computes `cumsum`" in by_batch.diagnostics[0].message


def test_a_layer_of_ones_own_has_no_name_of_the_language() -> None:
    language, own, partial = refusal(lambda x: torch.sub(x, x[:, :1])).diagnostics[-1].helps
    assert language == "the language has `sub`, which does not do this"
    assert 'class MySub(Join):\n    """What `torch.sub(x, y)` computes."""' in own
    assert '    name = "my_sub"\n' in own
    assert "recorded({((4, 6, 6), (1, 6, 6)): (4, 6, 6)}, inputs, self.name)" in own
    assert partial == "`--partial` writes the spec with such layers, and their file beside it"


MODEL = """\
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4, 2)

    def forward(self, x):
        return self.head(torch.sin(self.conv(x)).mean((2, 3)))
"""


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main([*arguments])
    return int(end.value.code or 0)


@pytest.mark.slow  # the documents run it, too
def test_the_command_writes_the_spec_and_its_layers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my_model.py").write_text(MODEL)
    model = ("import", "my_model.py:Net", "--input", "3x8x8", "--allow-python")
    assert run(*model, "--partial") == 2
    assert "--partial also writes a file of layers beside the spec" in capsys.readouterr().err
    assert run(*model, "--partial", "-o", "net.arch") == 0
    said = capsys.readouterr()
    assert said.err.startswith(
        "warning[A665]: no layer computes `sin`: it is `sin`, a layer of your own\n"
        "  --> my_model.py:10:9\n"
    )
    end = "\nnext: archdsl compile net.arch --allow-python net_layers.py\n"
    assert said.out.endswith(end)
    assert "conv(4, 3) -> sin -> global_avgpool -> linear(classes)" in Path("net.arch").read_text()
    assert run("compile", "net.arch", "--allow-python", "net_layers.py") == 0
    assert "torch.sin(" in Path("net.py").read_text()
