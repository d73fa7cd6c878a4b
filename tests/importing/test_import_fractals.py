"""Fractals that are compiled and imported again: columns that meet, and the draws of drop-path."""

import pytest
import torch
from torch import nn

import archdsl
from archdsl import ArchError
from archdsl.backend.helpers.column_mean import ColumnMean

UNIT = "conv(4, 3) -> bn -> relu"
SHORTCUT = "residual { conv(4, 3) -> bn }"
NETWORKS = {  # and what stands in the text that comes back
    f"fractal(columns = 3, drop_path = 20%) {{ {UNIT} }}": "columns = 3, drop_path = 0.2)",
    f"fractal(columns = 2, drop_path = 20%, global_path = 0) {{ {UNIT} }}": "global_path = 0)",
    "fractal(columns = 4, global_path = 30%) { conv(4, 1) }": "(columns = 4, global_path = 0.3)",
    "fractal(columns = 2, drop_path = 5%) { relu }\nfractal(columns = 3, drop_path = 5%) { tanh }\n"
    "conv(4, 1)": "fractal(columns = 3, drop_path = 0.05) { tanh }",
    f"fractal(columns = 3, drop_path = 5%) {{ {SHORTCUT} }}": "  residual { conv(4, 3) -> bn }",
    "fractal(columns = 2, drop_path = 5%) { fractal(columns = 2) { conv(4, 3) } }": "branch mean",
}
PLAIN = "fractal(columns = 3) { conv(4, 3) }"


def network(body: str) -> archdsl.Architecture:
    return archdsl.parse(
        f"arch net\ninput 3x8x8\n{body}\nglobal_avgpool -> linear(3)\n"
    ).with_knobs()


@pytest.mark.parametrize(("body", "part"), NETWORKS.items())
def test_a_fractal_comes_back(body: str, part: str) -> None:
    """With its chances: results and gradients are equal in training too, where both draw alike."""
    wanted = network(body)
    made = archdsl.import_module(wanted.build(), wanted.input, name="net")
    assert part in made.text
    assert made.architecture.hash == wanted.hash
    assert "in training" in made.checked[1]


def test_without_drops_columns_meet_in_means() -> None:
    wanted = network(PLAIN)
    made = archdsl.import_module(wanted.build(), wanted.input, name="net", run=False)
    assert made.text.count("branch mean") == 2
    assert made.architecture.hash == wanted.hash


class Columns(nn.Module):
    """Two columns that are not of one body, or draws of their own."""

    def __init__(self, drop_path: float, draws: int) -> None:
        super().__init__()
        self.one, self.other = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(3, 4, 3, padding=1)
        self.mean, self.draws = ColumnMean(drop_path), draws
        self.more = nn.Conv2d(4, 4, 3, padding=1)

    def path(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.rand((), device=x.device) < 0.5, torch.randint(2, (), device=x.device)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        paths = [self.path(x) if self.training and self.draws else None]
        paths += [self.path(x) if self.draws > 1 else paths[0]]
        x = self.mean({0: self.one(x), 1: torch.relu(self.other(x))}, paths[0])
        return self.mean({0: self.more(x), 1: x}, paths[1])


@pytest.mark.parametrize(
    ("draws", "told"),
    [
        (0, "no layer computes `ColumnMean`: its columns are not 1, 2, 4, ... times one body"),
        (2, "no layer computes `ColumnMean` with another draw than that of its network"),
    ],
)
def test_other_columns_are_refused(draws: int, told: str) -> None:
    with pytest.raises(ArchError) as caught:
        archdsl.import_module(Columns(0.2, draws), (3, 8, 8), run=False)
    assert caught.value.diagnostics[0].message.startswith(told)


@pytest.mark.parametrize("columns", [(3,), (1, 2)])
def test_a_column_of_another_number_is_another_draw(columns: tuple[int, ...]) -> None:
    class Drawn(Columns):
        def path(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            drawn = torch.randint(*columns, (), device=x.device)
            return torch.rand((), device=x.device) < 0.5, drawn

    with pytest.raises(ArchError) as caught:
        archdsl.import_module(Drawn(0.2, 1), (3, 8, 8), run=False)
    assert "with another draw than" in caught.value.diagnostics[0].message


class Three(nn.Module):
    """Three columns: the last two meet before, with chances of their own."""

    def __init__(self, inner: float, first: int, whole: bool = True) -> None:
        super().__init__()
        self.parts = nn.ModuleList(nn.Conv2d(3, 3, 1) for _ in range(7))
        self.mean, self.inner = ColumnMean(0.1), ColumnMean(inner)
        self.first, self.whole = first, whole

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a, b, c, d, e, f, g = self.parts
        path = None
        if self.training:
            path = torch.rand((), device=x.device) < 0.5, torch.randint(3, (), device=x.device)
        y = self.inner({1: b(x), 2: d(c(x))}, path if self.whole else None)
        if self.first:
            return self.mean({1: e(a(y)), 2: g(f(e(a(y))))}, path)
        return self.mean({0: a(x), 1: e(y), 2: g(f(y))}, path)


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (Three(0.2, 0), "its columns meet with other chances before it"),
        (Three(0.1, 0, whole=False), "its columns meet with other chances before it"),
        (Three(0.1, 1), "its columns do not begin with the first"),
    ],
)
def test_inner_columns_are_of_their_fractal(model: nn.Module, why: str) -> None:
    with pytest.raises(ArchError) as caught:
        archdsl.import_module(model, (3, 8, 8), run=False)
    assert caught.value.diagnostics[0].message == f"no layer computes `ColumnMean`: {why}"


def test_columns_are_given_by_name_too() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.more = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
            self.other, self.mean = nn.Conv2d(3, 3, 1), ColumnMean(0.2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.mean(inputs={0: self.one(x), 1: self.more(self.other(x))})

    made = archdsl.import_module(Named(), (3, 8, 8), run=False)
    assert "fractal(columns = 2, drop_path = 0.2, global_path = 0)" in made.text


def test_the_mean_of_tensors_is_a_mean() -> None:
    body = "branch mean { conv(4, 3); identity -> relu -> conv(4, 3); conv(4, 1) }"
    wanted = network(body)
    made = archdsl.import_module(wanted.build(), wanted.input, name="net", run=False)
    assert "branch mean {" in made.text
    assert made.architecture.hash == wanted.hash
