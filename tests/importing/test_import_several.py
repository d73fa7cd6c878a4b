"""Models that take or give several tensors, that take token ids, that apply a module twice."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import archdsl
from archdsl.cli.main import main


class Unit(nn.Module):
    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, 3, 2, 1, bias=False)
        self.bn = nn.BatchNorm2d(after)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.bn(self.conv(x)))


class One(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class Siamese(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        pool = (nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.eye = nn.Sequential(Unit(3, 8), Unit(8, 16), *pool)
        self.head = nn.Linear(16, 1)

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return self.head(self.eye(left) - self.eye(right))


class Pyramid(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList([Unit(3, 8), Unit(8, 16), Unit(16, 32)])
        self.inner = nn.ModuleList([nn.Conv2d(c, 8, 1) for c in (8, 16, 32)])
        self.outer = nn.ModuleList([nn.Conv2d(8, 8, 3, padding=1) for _ in range(3)])

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        found = []
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        y = self.inner[2](found[2])
        given = {"p3": self.outer[2](y)}
        for level in (1, 0):
            y = self.inner[level](found[level]) + F.interpolate(y, scale_factor=2.0)
            given[f"p{level + 1}"] = self.outer[level](y)
        return given


class Heads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.a, self.b = Unit(3, 8), nn.Linear(8, 4), nn.Linear(8, 5)

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        f = self.stem(x).mean((2, 3))
        return self.a(f), (self.b(f), f)


class Turns(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.turn = nn.Conv2d(3, 8, 3, padding=1), Unit(8, 8)
        self.turn.conv.stride = (1, 1)
        self.scale, self.head = nn.Conv2d(8, 8, 1), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for _ in range(4):
            x = x + self.turn(x)
        return self.head(self.scale(torch.relu(self.scale(x))).mean((2, 3)))


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.c_attn, self.c_proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.c_fc, self.c_out = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        parts = self.c_attn(self.ln_1(x)).split(width, dim=2)
        q, k, v = (t.view(batch, length, 4, width // 4).transpose(1, 2) for t in parts)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.c_proj(y.transpose(1, 2).reshape(batch, length, width))
        return x + self.c_out(F.gelu(self.c_fc(self.ln_2(x))))


class Gpt(nn.Module):
    """As nanoGPT has it: the head has the weights of the embedding."""

    def __init__(self, words: int = 96, length: int = 16, width: int = 32) -> None:
        super().__init__()
        self.wte, self.wpe = nn.Embedding(words, width), nn.Embedding(length, width)
        self.h, self.ln_f = nn.ModuleList([Block(width) for _ in range(3)]), nn.LayerNorm(width)
        self.lm_head = nn.Linear(width, words, bias=False)
        self.lm_head.weight = self.wte.weight
        self.register_buffer("places", torch.arange(length), persistent=False)

    def forward(self, ids: Tensor, segments: Tensor | None = None) -> Tensor:
        x = self.wte(ids) + self.wpe(self.places[: ids.shape[1]])
        for block in self.h:
            x = block(x)
        return self.lm_head(self.ln_f(x))


SIAMESE = """\
arch siamese(classes = 1)

input left: 3x32x32, right: 3x32x32

block unit(c) { conv(c, 3, stride = 2, bias = false) -> bn -> relu }

let eye = shared { unit(8); unit(16) -> global_avgpool -> flatten }

branch sub { eye; right -> eye } -> linear(classes)
"""
GPT = """\
arch gpt()

input ids(ids = 96): 16
default layer_norm(over = channels)

block unit {
  residual { layer_norm -> conv(96, 1) -> attend(4, causal = true) -> conv(32, 1) }
  residual { layer_norm -> conv(128, 1) -> gelu -> conv(32, 1) }
}

let wte = shared { embed(32) }

wte -> positions
repeat 3 { unit }
layer_norm -> unembed(wte) -> transpose
"""


def test_a_module_for_two_images_is_shared() -> None:
    shapes = {"left": (3, 32, 32), "right": (3, 32, 32)}
    imported = archdsl.import_module(Siamese(), shapes)
    assert imported.text == SIAMESE
    assert imported.names["eye.unit1.conv1.weight"] == "eye.0.conv.weight"
    at = "at left 3x32x32 and right 3x32x32"
    assert imported.checked[-1] == f"results and gradients, in evaluation and in training, {at}"


def test_a_language_model() -> None:
    ids = torch.zeros(1, 16, dtype=torch.long)
    imported = archdsl.import_module(Gpt(), {"ids": ids})
    assert imported.text == GPT
    assert imported.names["wte.weight"] == "wte.weight"
    model = imported.architecture.build()
    model.load_state_dict(imported.weights)
    assert model(ids).shape == (1, 16, 96)


def test_places_that_are_fewer_than_the_model_has_are_refused() -> None:
    ids = torch.zeros(1, 8, dtype=torch.long)
    with pytest.raises(
        archdsl.ArchError, match="of the first 8 of 16 places: give it tensors of 16"
    ):
        archdsl.import_module(Gpt(), {"ids": ids})


def test_levels_of_a_pyramid_are_results() -> None:
    imported = archdsl.import_module(Pyramid(), (3, 64, 64))
    network = imported.architecture.build()
    found = {name: tuple(t.shape) for name, t in network(torch.zeros(2, 3, 64, 64)).items()}
    assert found == {"p1": (2, 8, 32, 32), "p2": (2, 8, 16, 16), "p3": (2, 8, 8, 8)}
    assert "output p3(when = always, weight = 0) {" in imported.text
    assert "block unit(c) {" in imported.text


def test_results_of_nested_tuples() -> None:
    imported = archdsl.import_module(Heads(), (3, 16, 16))
    results = imported.architecture.build().eval()(torch.zeros(1, 3, 16, 16))
    shapes = {name: tuple(t.shape) for name, t in results.items()}
    assert shapes == {"main": (1, 4), "output10": (1, 5), "output11": (1, 8)}


def test_a_module_that_is_applied_again_and_again() -> None:
    imported = archdsl.import_module(Turns(), (3, 16, 16))
    assert "repeat 4 {\n  residual { turn }\n}\n" in imported.text
    assert "let scale_module = shared { conv(8, 1) }\n" in imported.text
    assert imported.architecture.params == sum(p.numel() for p in Turns().parameters())


@pytest.mark.parametrize(
    ("model", "given", "words"),
    [
        (Siamese, (3, 32, 32), "its `forward` takes `left`, `right`, and one shape was given"),
        (Siamese, {"left": (3, 8, 8)}, "its `forward` takes `right`, too"),
        (Gpt, {"words": (3,)}, "its `forward` takes no `words`"),
        (Gpt, (16,), "it looks up vectors of token ids"),
        (
            One,
            (torch.zeros(1, 3, 8, 8), torch.zeros(1, 4)),
            "its `forward` takes `x` by place, and 2 tensors were given",
        ),
        (One, [[0.0] * 8] * 8, "`list` is not a shape such as (3, 224, 224)"),
    ],
)
def test_what_comes_in_has_the_names_of_forward(model: type, given: object, words: str) -> None:
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.import_module(model(), given)
    assert words in caught.value.diagnostics[0].message


def test_tensors_are_given_in_the_order_of_forward() -> None:
    pair = torch.zeros(2, 3, 32, 32), torch.zeros(2, 3, 32, 32)
    imported = archdsl.import_module(Siamese(), pair, run=False)
    assert "\ninput left: 3x32x32, right: 3x32x32\n" in imported.text
    assert archdsl.import_module(One(), (pair[0],), run=False).text.count("input 3x32x32") == 1


def test_an_input_that_no_result_needs_is_refused() -> None:
    shapes = {"ids": torch.zeros(1, 16, dtype=torch.long), "segments": (16,)}
    with pytest.raises(archdsl.ArchError, match="no result is computed from its input `segments`"):
        archdsl.import_module(Gpt(), shapes)


def test_the_command_takes_several_shapes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = "from torch import nn\nclass Net(nn.Module):\n"
    text += "    def __init__(self):\n        super().__init__()\n"
    text += "        self.table, self.of = nn.Embedding(9, 4), nn.Linear(3, 4)\n"
    text += "    def forward(self, words, numbers):\n"
    text += "        return self.table(words).mean(1) + self.of(numbers)\n"
    (tmp_path / "net.py").write_text(text)
    given = ["--input", "words(ids = 9): 5, numbers: 3", "--allow-python", "-o", "net.arch"]
    with pytest.raises(SystemExit) as caught:
        main(["import", "net.py:Net", *given])
    assert caught.value.code in (0, None), capsys.readouterr().err
    assert "input words(ids = 9): 5, numbers: 3" in (tmp_path / "net.arch").read_text()
    assert "at words 5 and numbers 3" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["pt2", pytest.param("onnx", marks=pytest.mark.slow)])
def test_a_file_of_several_tensors(tmp_path: Path, kind: str) -> None:
    class Differs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.eye, self.head = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)

        def forward(self, old: Tensor, new: Tensor) -> Tensor:
            return self.head((self.eye(old) - torch.relu(new)).mean((2, 3)))

    given = (torch.zeros(2, 3, 8, 8), torch.zeros(2, 4, 6, 6))
    file = tmp_path / f"differs.{kind}"
    if kind == "pt2":
        torch.export.save(torch.export.export(Differs().eval(), given), file)
    else:
        torch.onnx.export(Differs().eval(), given, file, dynamo=True, verbose=False)
    imported = archdsl.import_file(file)
    assert imported.architecture.inputs == {"old": (3, 8, 8), "new": (4, 6, 6)}
    assert imported.architecture.params == 3 * 4 * 9 + 4 + 4 * 2 + 2
    with pytest.raises(archdsl.ArchError, match="the file takes `old`, `new`: say the shapes"):
        archdsl.import_file(file, {"old": (3, 8, 8)})
