"""Norms that a model writes out are the layers that the language has for them."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import archdsl

Norm = Callable[[nn.Module, torch.Tensor], torch.Tensor]
EPS = 1e-6
CHECKED = "results and gradients, in evaluation and in training"


class Written(nn.Module):
    """A norm with factors and a shift, of which it may take one or none."""

    def __init__(self, norm: Norm, bias: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(16))
        if bias:
            self.bias = nn.Parameter(torch.zeros(16))
        self.norm = norm

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self, x)


class Words(nn.Module):
    """Tokens, whose channels are last."""

    def __init__(self, norm: Norm, bias: bool = False) -> None:
        super().__init__()
        self.embed = nn.Embedding(50, 16)
        self.norm = Written(norm, bias)
        self.head = nn.Linear(16, 5)

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        x = self.embed(words)
        out: torch.Tensor = self.head((x + self.norm(x)).mean(1))
        return out


class Image(nn.Module):
    """An image, whose channels are first."""

    def __init__(self, norm: Norm, bias: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 3, padding=1)
        self.norm = Written(norm, bias)
        self.head = nn.Linear(16, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.head(self.norm(self.conv(x)).mean((2, 3)))
        return out


def of_llama(m: nn.Module, x: torch.Tensor) -> torch.Tensor:
    y = x.to(torch.float32)
    y = y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + EPS)
    return m.weight * y.to(x.dtype)


def of_gemma_without_one(m: nn.Module, x: torch.Tensor) -> torch.Tensor:
    y = x.float()
    return (y * torch.rsqrt(y.square().mean(dim=-1, keepdim=True) + EPS)).type_as(x) * m.weight


def root(x: torch.Tensor) -> torch.Tensor:
    return (x.square().mean(2, True) + EPS).sqrt()


WORDS: dict[str, Norm] = {
    "rsqrt": lambda m, x: x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + m.eps) * m.weight,
    "llama": of_llama,
    "type_as": of_gemma_without_one,
    "sqrt": lambda m, x: x / torch.sqrt(torch.mean(x * x, dim=-1, keepdim=True) + EPS) * m.weight,
    "power": lambda m, x: m.weight * x * (EPS + (x**2).mean([-1], True)) ** -0.5,
    "one over": lambda m, x: x * (1 / root(x)) * m.weight,
    "reciprocal": lambda m, x: (
        x.mul((x.square().mean(2, True) + EPS).sqrt().reciprocal()) * m.weight
    ),
    "factors as the tensor is": lambda m, x: x / root(x) * m.weight.type_as(x),
    "function": lambda m, x: F.rms_norm(x, (16,), m.weight, EPS),
}


@pytest.mark.parametrize("case", WORDS)
def test_a_root_mean_square_of_tokens(case: str) -> None:
    model = Words(WORDS[case])
    model.norm.eps = EPS
    found = archdsl.import_module(model, {"words": torch.zeros(2, 7, dtype=torch.long)})
    wanted = "embed(16)\nresidual { rms_norm }\nglobal_avgpool -> linear(classes)\n"
    assert found.text.endswith(wanted)
    assert found.checked[-1].startswith(CHECKED)
    assert found.architecture.params == 50 * 16 + 16 + 16 * 5 + 5
    assert found.names["rms_norm1.weight"] == "norm.weight"


def of_convnext(m: nn.Module, x: torch.Tensor) -> torch.Tensor:
    mean = x.mean(1, keepdim=True)
    variance = (x - mean).pow(2).mean(1, keepdim=True)
    x = (x - mean) / torch.sqrt(variance + EPS)
    return m.weight[:, None, None] * x + m.bias[:, None, None]


def of_both(m: nn.Module, x: torch.Tensor) -> torch.Tensor:
    variance, mean = torch.var_mean(x, dim=1, unbiased=False, keepdim=True)
    return (x - mean) * (variance + EPS).rsqrt() * m.weight.view(1, -1, 1, 1)


def of_variance(m: nn.Module, x: torch.Tensor) -> torch.Tensor:
    mean, variance = x.mean(1, True), x.var(1, keepdim=True, correction=0)
    return (x - mean) / (variance + 1e-5).sqrt() * m.weight.view(16, 1, 1) + m.bias.view(16, 1, 1)


def first(m: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return x * (x.square().mean(dim=1, keepdim=True) + 1e-5).rsqrt() * m.weight.view(1, -1, 1, 1)


IMAGES: dict[str, tuple[Norm, bool, str]] = {
    "rms, channels first": (first, False, "rms_norm(eps = 1e-05)"),
    "mean of squares": (of_convnext, True, "layer_norm(over = channels, eps = 1e-06)"),
    "both at once": (of_both, False, "layer_norm(over = channels, eps = 1e-06, bias = false)"),
    "variance": (of_variance, True, "layer_norm(over = channels)"),
}


@pytest.mark.parametrize("case", IMAGES)
def test_a_norm_of_the_channels_of_an_image(case: str) -> None:
    norm, bias, written = IMAGES[case]
    found = archdsl.import_module(Image(norm, bias), (3, 8, 8))
    assert f"conv(16, 3) -> {written} -> global_avgpool" in found.text
    assert found.checked[-1].startswith(CHECKED)
    assert found.architecture.params == 16 * 28 + 16 * (1 + bias) + 16 * 5 + 5


def test_a_norm_of_the_tokens_that_come_in() -> None:
    class Rows(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = Written(of_llama, False)
            self.head = nn.Linear(16, 5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.norm(x)).mean(1)

    found = archdsl.import_module(Rows(), (7, 16))
    assert "transpose -> rms_norm\nconv(classes, 1)" in found.text


def test_a_norm_without_parameters() -> None:
    def norm(m: nn.Module, x: torch.Tensor) -> torch.Tensor:
        mean = x.mean(1, keepdim=True)
        y = (x - mean) * (x.var(1, False, True) + EPS).rsqrt()
        return F.conv2d(y, m.weight.view(16, 1, 1, 1), groups=16)

    found = archdsl.import_module(Image(norm), (3, 8, 8))
    assert "-> layer_norm(over = channels, eps = 1e-06, affine = false)\n" in found.text


def unbiased(m: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return (x - x.mean(1, True)) / (x.var(1, keepdim=True) + EPS).sqrt() * m.weight.view(16, 1, 1)


def of_another(m: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return x * torch.rsqrt(x.relu().square().mean(1, True) + EPS) * m.weight.view(16, 1, 1)


def of_rows(m: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return x * torch.rsqrt(x.square().mean(2, True) + EPS) * m.weight.view(16, 1, 1)


def outside(m: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return x / (x.square().mean(1, True).sqrt() + EPS) * m.weight.view(16, 1, 1)


@pytest.mark.parametrize(
    ("norm", "operation"),
    [(unbiased, "var"), (of_another, "rsqrt"), (of_rows, "rsqrt"), (outside, "sqrt")],
)
def test_what_is_nearly_a_norm_is_none(norm: Norm, operation: str) -> None:
    """A variance without bias, the root of another tensor or along another axis, a number that is
    added after the root."""
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.import_module(Image(norm), (3, 8, 8))
    told = [found.message for found in caught.value.diagnostics]
    assert f"no layer computes `{operation}`" in told


def test_a_program_of_a_file(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "image.pt2"
    model = Image(first)
    torch.export.save(torch.export.export(model.eval(), (torch.randn(2, 3, 8, 8),)), path)
    assert (
        "conv(16, 3) -> rms_norm(eps = 1e-05) -> global_avgpool" in archdsl.import_file(path).text
    )
