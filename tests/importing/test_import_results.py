"""Models with several results, as they are called in evaluation and in training."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import archdsl
from archdsl.cli.main import main


class TwoHeads(nn.Module):
    """The main result is computed before the other, which begins at the same tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3)
        self.heads = nn.ModuleList([nn.Conv2d(8, 4, 1), nn.Conv2d(8, 5, 1)])

    def forward(self, x: Tensor) -> list[Tensor]:
        y = self.stem(x)
        return [head(y) for head in self.heads]


class Alike(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.eye = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return self.eye(x), self.eye(y)


class Scales(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.conv(x), self.conv(F.max_pool2d(x, 2))


@pytest.mark.parametrize(
    ("model", "given", "channels"),
    [
        (TwoHeads, {"": (3, 8, 8)}, (4, 5)),
        (Alike, {"x": (3, 8, 8), "y": (3, 8, 8)}, (8, 8)),
        (Scales, {"": (3, 8, 8)}, (4, 4)),
    ],
)
def test_results_that_begin_at_one_tensor(
    model: type, given: dict[str, tuple[int, ...]], channels: tuple[int, int]
) -> None:
    imported = archdsl.import_module(model(), given.get("", given))
    network = imported.architecture.build()
    network.load_state_dict(imported.weights)
    found = network(*(torch.zeros(1, *shape) for shape in given.values()))
    assert {name: t.shape[1] for name, t in found.items()} == dict(
        zip(("main", "output1"), channels, strict=True)
    )


class Named(nn.Module):
    """The main way goes on from one of its results."""

    def __init__(self, names: tuple[str, str], always: bool = True) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 4, 1)
        self.names, self.always = names, always

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        y = self.a(x)
        found = dict(zip(self.names, (y, self.b(y)), strict=True))
        return found if self.always or self.training else {"out": found["out"]}


@pytest.mark.parametrize(
    ("names", "ours"),
    [
        (("my feat", "1"), {"my_feat": 8, "net_1": 4}),  # which are sorted in another order
        (("for", "out"), {"main": 4, "net_for": 8}),
        (("out", "aux"), {"aux": 4, "output0": 8}),
        (("a-b", "a_b"), {"a_b": 4, "a_b_2": 8}),  # which would be one in Python
    ],
)
def test_results_get_names_that_a_spec_can_have(
    names: tuple[str, str], ours: dict[str, int]
) -> None:
    imported = archdsl.import_module(Named(names), (3, 8, 8))
    assert {name: shape[0] for name, shape in imported.architecture.outputs.items()} == ours


def test_a_result_in_training_alone_wants_layers() -> None:
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.import_module(Named(("aux", "out"), always=False), (3, 8, 8))
    reason = (
        "`aux`, a result in training only, has no layers of its own: return it in evaluation, too"
    )
    assert reason in caught.value.diagnostics[0].message
    assert caught.value.diagnostics[0].code == "A661"


class Meeting(nn.Module):
    """Of results in training that are computed from several tensors. It computes more than it
    gives."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.c, self.d, self.e = nn.Conv2d(4, 2, 1), nn.Conv2d(8, 2, 1), nn.Conv2d(2, 2, 1)
        self.kind = kind

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        a = self.a(x)
        self.b(a.tanh())
        b = self.b(a).relu()
        out = self.c(b)
        if not self.training:
            return {"out": self.e(out) if self.kind == "chain" else out}
        both = self.d(torch.cat([a, b], 1))
        if self.kind == "chain":
            return {"out": self.e(out), "aux": both}
        if self.kind == "arms":
            return {"out": out, "aux": self.e(out) + both}
        if self.kind == "twice":
            return {"out": out, "aux": both, "aux2": both}
        return {"out": out, "aux": both.relu(), "aux2": self.e(both)}


@pytest.mark.parametrize("kind", ["arms", "parts", "twice"])
def test_what_training_alone_computes_stands_in_its_own_braces(kind: str) -> None:
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.import_module(Meeting(kind), (3, 8, 8), run=False)
    (found,) = caught.value.diagnostics
    assert found.code == "A661"
    assert "is not computed by one chain of layers of its own" in found.message


class Pyramid(nn.Module):
    """A feature pyramid whose fine levels are results of training alone. ``lazy`` computes the way
    to them in training alone, too, and not in evaluation."""

    def __init__(self, lazy: bool = False, side: Callable[..., nn.Module] = nn.Conv2d) -> None:
        super().__init__()
        self.c1, self.c2, self.c3 = (nn.Conv2d(a, b, 3, 2, 1) for a, b in [(3, 4), (4, 8), (8, 16)])
        self.l1, self.l2, self.l3 = (side(n, 5, 1) for n in (4, 8, 16))
        self.p1, self.p2, self.p3 = (nn.Conv2d(5, 6, 3, padding=1) for _ in range(3))
        self.lazy = lazy

    def forward(self, x: Tensor) -> Tensor | dict[str, Tensor]:
        c1 = self.c1(x).relu()
        c2 = self.c2(c1).relu()
        m3 = self.l3(self.c3(c2).relu())
        if self.lazy and not self.training:
            return self.p3(m3)
        m2 = F.interpolate(m3, c2.shape[2:]) + self.l2(c2)
        m1 = F.interpolate(m2, c1.shape[2:]) + self.l1(c1)
        if not self.training:
            return self.p3(m3)
        return {"out": self.p3(m3), "p1": self.p1(m1), "p2": self.p2(m2)}


def test_results_of_training_stand_on_a_way_that_evaluation_computes_too() -> None:
    model = Pyramid()
    imported = archdsl.import_module(model, (3, 32, 32))
    assert (
        imported.text
        == """\
arch pyramid()

input 3x32x32

conv(4, 3, stride = 2) -> relu as t1
conv(8, 3, stride = 2) -> relu as t2
conv(16, 3, stride = 2) -> relu
conv(5, 1) as t3
branch add { resize(8); t2 -> conv(5, 1) }
output p1(when = training) {
  branch add { resize(16); t1 -> conv(5, 1) } -> conv(6, 3)
}
output p2(when = training) { conv(6, 3) }
t3 -> conv(6, 3)
"""
    )
    assert imported.checked[-1] == (
        "results and gradients, in evaluation and in training, at 3x32x32"
    )
    # Those of the way to `p2`, on 8x8 pixels, are counted, and those of `p1` alone are not.
    needed = 27 * 4 * 256 + 36 * 8 * 64 + 72 * 16 * 16 + 16 * 5 * 16 + 45 * 6 * 16
    assert imported.architecture.macs == needed + 8 * 5 * 64


def test_a_way_that_training_alone_computes_is_refused() -> None:
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.import_module(Pyramid(lazy=True), (3, 32, 32), run=False)
    (found,) = caught.value.diagnostics
    assert found.code == "A661"
    assert "`p1`, a result in training only, is not computed by one chain" in found.message


def test_a_layer_of_a_function_is_computed_in_evaluation_too() -> None:
    class Pixels(nn.Module):
        def __init__(self, before: int, after: int, kernel: int) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.randn(after, before, kernel, kernel))

        def forward(self, x: Tensor) -> Tensor:
            return F.conv2d(x, self.weight)

    imported = archdsl.import_module(Pyramid(side=Pixels), (3, 32, 32), run=False)
    outside = "branch add { resize(8); t2 -> conv(5, 1, bias = false) }\noutput p1(when = training)"
    assert outside in imported.text


def test_what_evaluation_applies_less_often_is_refused() -> None:
    """A layer that evaluation has, too, but not at the place where training has it."""

    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 4, 3, 2, 1)
            self.twice = nn.Conv2d(4, 4, 1)
            self.heads = nn.ModuleList(nn.Conv2d(4, 2, 1) for _ in range(3))

        def forward(self, x: Tensor) -> Tensor | dict[str, Tensor]:
            x = self.a(x)
            out = self.heads[0](self.twice(self.b(x)))
            if not self.training:
                return out
            both = self.twice(x)
            return {"out": out, "q": self.heads[1](both), "r": self.heads[2](both.relu())}

    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.import_module(Twice(), (3, 32, 32), run=False)
    (found,) = caught.value.diagnostics
    assert found.code == "A661"
    assert "`q`, a result in training only, is not computed by one chain" in found.message


def test_joins_within_joins_stand_where_only_they_can() -> None:
    """Without them, what two arms have in common would stand before the result of training."""

    class Auxiliary(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.c1, self.c2 = nn.Conv2d(3, 4, 3, 1, 1), nn.Conv2d(4, 8, 3, 1, 1)
            self.h, self.o = nn.Conv2d(8, 5, 1), nn.Conv2d(18, 5, 1)
            self.y, self.z = nn.Conv2d(8, 6, 1), nn.Conv2d(6, 6, 3, 1, 1)
            self.w = nn.Conv2d(4, 6, 1)

        def forward(self, x: Tensor) -> Tensor | dict[str, Tensor]:
            a = self.c1(x).relu()
            b = self.c2(a).relu()
            if not self.training:
                return self.h(b)
            y = self.y(b).relu()
            z = self.z(y).relu()
            return {"out": self.h(b), "aux": self.o(torch.cat([y, z, self.w(a)], 1))}

    assert (
        "    t2 -> conv(6, 1) -> relu -> branch concat { identity; conv(6, 3) -> relu }\n"
        in archdsl.import_module(Auxiliary(), (3, 8, 8), run=False).text
    )


def test_what_is_computed_and_not_given_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    imported = archdsl.import_module(Meeting("chain"), (3, 8, 8), run=False)
    assert imported.text.endswith(
        "output aux(when = training) {\n  branch concat { t1; t2 } -> conv(classes, 1)\n}\n"
    )
    monkeypatch.setattr(archdsl.Architecture, "macs", imported.architecture.macs + 1)
    with pytest.raises(archdsl.ArchError, match="multiply-adds, and not"):
        archdsl.import_module(Meeting("chain"), (3, 8, 8), run=False)


class Filtered(nn.Module):
    """A fixed filter, and a fixed factor."""

    def __init__(self) -> None:
        super().__init__()
        blur = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
        self.register_buffer("blur", blur.view(1, 1, 3, 3).repeat(3, 1, 1, 1))
        self.register_buffer("factor", torch.tensor(0.3))
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.conv2d(x, self.blur, padding=1, groups=3)) * self.factor


def test_buffers_are_numbers_of_the_spec() -> None:
    model = Filtered()
    imported = archdsl.import_module(model, "3x8x8")
    assert "times(0.3)" in imported.text
    network = imported.architecture.build()
    network.load_state_dict(imported.weights)
    x = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(network(x), model(x))


class Per(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.register_buffer("factor", torch.rand(8, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x) * self.factor


def test_fixed_factors_of_channels_are_told() -> None:
    with pytest.raises(archdsl.ArchError, match="no layer computes `mul` with fixed numbers"):
        archdsl.import_module(Per(), (3, 8, 8))


class Words(nn.Module):
    def __init__(self, padding: int | None) -> None:
        super().__init__()
        self.table, self.head = nn.Embedding(20, 8, padding_idx=padding), nn.Linear(8, 3)

    def forward(self, words: Tensor) -> Tensor:
        return self.head(self.table(words))


def test_token_ids_of_one_input() -> None:
    ids = torch.zeros(1, 7, dtype=torch.long)
    assert "input ids(ids = 20): 7\n" in archdsl.import_module(Words(None), ids).text
    with pytest.raises(archdsl.ArchError, match="a vector that is not learned"):
        archdsl.import_module(Words(0), ids)


class Layers(nn.Module):
    """Its inputs are called as layers are, and as kept tensors would be."""

    def __init__(self) -> None:
        super().__init__()
        self.c = nn.Conv2d(3, 8, 3)

    def forward(self, conv: Tensor, t1: Tensor, c: Tensor) -> Tensor:
        return self.c(conv) + self.c(t1) * self.c(c)


def test_inputs_get_names_that_a_spec_can_have() -> None:
    shapes = dict.fromkeys(("conv", "t1", "c"), (3, 8, 8))
    imported = archdsl.import_module(Layers(), shapes)
    assert "input x_conv: 3x8x8, t1: 3x8x8, c: 3x8x8\n" in imported.text
    assert "let c_2 = shared {" in imported.text


@pytest.mark.parametrize(
    ("example", "words"),
    [
        ("abc", "'abc' is not a shape such as (3, 224, 224)"),
        ({"conv": (0, -2)}, "(0, -2) is not a shape"),
        ({"conv": (3, 8.0, 8)}, "(3, 8.0, 8) is not a shape"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.bool), "a tensor of `bool` comes in"),
    ],
)
def test_what_is_no_shape_is_told(example: object, words: str) -> None:
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.import_module(Layers(), example)
    assert words in caught.value.diagnostics[0].message


def test_the_command_tells_inputs_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = "from torch import nn\nclass Net(nn.Module):\n"
    text += (
        "    def __init__(self):\n        super().__init__()\n        self.c = nn.Conv2d(3, 4, 1)\n"
    )
    text += "    def forward(self, input, other):\n        return self.c(input - other)\n"
    (tmp_path / "net.py").write_text(text)

    def run(shapes: str) -> object:
        with pytest.raises(SystemExit) as caught:
            main(["import", "net.py:Net", "--input", shapes, "--allow-python", "-o", "net.arch"])
        return caught.value.code

    assert run("input: 3x8x8, other: 3x8x8, input: 3x9x9") == 2
    assert "`input` is there twice" in capsys.readouterr().err
    assert not run("input: 3x8x8, other: 3x8x8")
    assert "at x_input 3x8x8 and other 3x8x8\n" in capsys.readouterr().out.split("equal")[0]
