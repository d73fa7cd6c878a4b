"""Several modules as one spec: what differs is a knob, and each variant is its module."""

import pytest
import torch
from small_models import Plain, Residual
from torch import Tensor, nn

import archdsl

HEAD = """\
arch nets(
  width = 8 in 8..16 step 8,
  depth1 = 1 in 1..2,
  depth2 = 1 in 1..2,
  depth3 = 1 in 1..2,
  size = 32 in 32..48 step 16,
  classes = 10
)

use "lib/attention.arch": squeeze_excite

variant small
variant large(width = 16, depth1 = 2, depth2 = 2, depth3 = 2, size = 48)

input (3, size, size)
"""
BODY = """\
conv(width, 3) -> bn -> relu
for (n, c, stride) in [(depth1, width, 1), (depth2, 2 * width, 2), (depth3, 4 * width, 2)] {
  repeat n as j { unit(c, stride if j == 1 else 1) }
}
global_avgpool -> linear(classes)
"""


def test_what_differs_between_networks_are_knobs() -> None:
    nets = {"small": Residual(8, 1, drop=0.0), "large": Residual(16, 2, drop=0.0)}
    shapes = {"small": (3, 32, 32), "large": (3, 48, 48)}
    family = archdsl.import_family(nets, shapes, name="nets", run=False)
    assert family.text.startswith(HEAD)
    assert family.text.endswith(BODY)
    assert family.proved == "a network for all values of the knobs"
    for name, net in nets.items():
        found = family.variants[name]
        assert found.architecture.params == sum(p.numel() for p in net.parameters())
        network = found.architecture.build().eval()
        network.load_state_dict(found.weights)
        x = torch.randn(2, *shapes[name])
        assert torch.allclose(network(x), net.eval()(x), atol=1e-5)
    middle = family.spec.with_knobs(width=16, depth2=2)
    assert middle.params == sum(p.numel() for p in Middle().parameters())


class Middle(Residual):
    """A network of the family that is none of its variants."""

    def __init__(self) -> None:
        super().__init__(16, 2, drop=0.0)
        del self.body[5], self.body[1]


class Chain(nn.Module):
    """Convolutions whose numbers are all that differs."""

    def __init__(self, channels: list[int], kernel: int, stride: int = 1) -> None:
        super().__init__()
        before = [3, *channels]
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, kernel, stride) for a, b in zip(before, channels, strict=False)
        )
        self.head = nn.Linear(channels[-1], 2)

    def forward(self, x: Tensor) -> Tensor:
        for conv in self.convs:
            x = torch.relu(conv(x))
        return self.head(x.mean((2, 3)))


def test_a_relation_counts_where_it_holds_in_all() -> None:
    nets = {"a": Chain([8, 16], 3), "b": Chain([12, 24], 3), "c": Chain([16, 32], 3)}
    family = archdsl.import_family(nets, (3, 12, 12))
    assert "width = 8 in 8..16 step 4" in family.text
    assert "conv(width, 3, pad = 0) -> relu\nconv(2 * width, 3, pad = 0) -> relu" in family.text
    assert [v.checked[-1] for v in family.variants.values()] == [
        "results and gradients, in evaluation and in training, at 3x12x12"
    ] * 3
    apart = archdsl.import_family({"a": nets["a"], "b": Chain([12, 32], 5, 2)}, (3, 20, 20))
    assert "variant b(width1 = 12, width2 = 32, variant_kernel = 5, variant_stride = 2)" in (
        apart.text
    )


def test_classes_are_a_knob_of_that_name() -> None:
    nets = {"a": Chain([4], 3), "b": Chain([4], 3)}
    nets["b"].head = nn.Linear(4, 7)
    text = archdsl.import_family(nets, (3, 8, 8), run=False).text
    assert "arch family(classes = 2 in 2..7)\n\nvariant a\nvariant b(classes = 7)\n" in text


class Halved(Residual):
    """Without normalisation at its beginning."""

    def __init__(self) -> None:
        super().__init__(8, 2, drop=0.0)
        self.stem[1] = nn.ReLU()
        self.stem[2] = nn.BatchNorm2d(8)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (Plain, "of the parts that follow each other `residual` has"),
        (lambda: Residual(8, 1, drop=0.1), "they drop branches in training"),
        (Halved, "where `residual` has `bn`, `other` has `relu`"),
    ],
)
def test_what_differs_in_more_than_numbers_is_no_family(other: type[nn.Module], words: str) -> None:
    nets = {"residual": Residual(8, 2, drop=0.0), "other": other()}
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.import_family(nets, (3, 32, 32))
    assert [d.code for d in caught.value.diagnostics] == ["A667"]
    assert words in caught.value.diagnostics[0].message
