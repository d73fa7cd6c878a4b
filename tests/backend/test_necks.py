"""Necks and networks over several sizes, with levels and depths as knobs: those in ``networks/``,
and the same in plain PyTorch, by parameters and results."""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from agreement import batch, drawn
from reference import ByNode
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import FeaturePyramidNetwork

import archdsl
from archdsl.analysis.space import prove

NETWORKS = Path(__file__).with_name("networks")


def read(name: str) -> archdsl.Spec:
    return archdsl.read(str(NETWORKS / f"{name}.arch"))


def up(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0)


def halved(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 3, 2, 1)


# ------------------------------------------------------------------------------------- BiFPN


class Node(nn.Module):
    """What is fused at one place of a BiFPN (arXiv:1911.09070, section 3)."""

    def __init__(self, width: int, inputs: int) -> None:
        super().__init__()
        self.shares = nn.ParameterList([nn.Parameter(torch.tensor(1.0)) for _ in range(inputs)])
        self.depthwise = nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False)
        self.pointwise = nn.Conv2d(width, width, 1, bias=False)
        self.bn = nn.BatchNorm2d(width, eps=1e-3, momentum=0.01)

    def forward(self, *xs: Tensor) -> Tensor:
        x = torch.stack([w * x for w, x in zip(self.shares, xs, strict=True)]).sum(0)
        y: Tensor = self.bn(self.pointwise(self.depthwise(F.silu(x))))
        return y


class Cell(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.td6, self.td5, self.td4, self.out3 = (Node(width, 2) for _ in range(4))
        self.out4, self.out5, self.out6 = (Node(width, 3) for _ in range(3))
        self.out7 = Node(width, 2)

    def forward(self, xs: Sequence[Tensor]) -> Sequence[Tensor]:
        p3, p4, p5, p6, p7 = xs
        td6 = self.td6(up(p7), p6)
        td5 = self.td5(up(td6), p5)
        td4 = self.td4(up(td5), p4)
        out3 = self.out3(up(td4), p3)
        out4 = self.out4(halved(out3), p4, td4)
        out5 = self.out5(halved(out4), p5, td5)
        out6 = self.out6(halved(out5), p6, td6)
        return out3, out4, out5, out6, self.out7(halved(out6), p7)


class BiFPN(nn.Module):
    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(c, width, 1, bias=False), nn.BatchNorm2d(width, 1e-3, momentum=0.01)
            )
            for c in (320, 40, 112, 320)
        )
        self.cells = nn.ModuleList(Cell(width) for _ in range(depth))

    def forward(self, c3: Tensor, c4: Tensor, c5: Tensor) -> Iterable[Tensor]:
        p6, p3, p4, p5 = (f(c) for f, c in zip(self.laterals, (c5, c3, c4, c5), strict=True))
        xs: Sequence[Tensor] = (p3, p4, p5, halved(p6), halved(halved(p6)))
        for cell in self.cells:
            xs = cell(xs)
        return xs


# --------------------------------------------------------------------------------- FPN and PAN


class Pyramid(nn.Module):
    """torchvision's feature pyramid over convolutions in a row."""

    def __init__(self, width: int, levels: int) -> None:
        super().__init__()
        channels = [3, *(16 * 2**i for i in range(levels))]
        self.stages = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(channels)
        )
        self.fpn = FeaturePyramidNetwork(channels[1:], width)

    def forward(self, x: Tensor) -> Iterable[Tensor]:
        found = {}
        for i, stage in enumerate(self.stages):
            found[str(i)] = x = F.relu(stage(x))
        results: dict[str, Tensor] = self.fpn(found)
        return results.values()


class Unit(nn.Sequential):
    def __init__(self, before: int, c: int, kernel: int = 1, stride: int = 1) -> None:
        conv = nn.Conv2d(before, c, kernel, stride, kernel // 2, bias=False)
        super().__init__(conv, nn.BatchNorm2d(c, eps=1e-3, momentum=0.03), nn.SiLU())


class C2f(nn.Module):
    def __init__(self, before: int, c: int, depth: int) -> None:
        super().__init__()
        h = c // 2
        self.first = Unit(before, c)
        self.middle = nn.ModuleList(
            nn.Sequential(Unit(h, h, 3), Unit(h, h, 3)) for _ in range(depth)
        )
        self.last = Unit((2 + depth) * h, c)

    def forward(self, *xs: Tensor) -> Tensor:
        found = list(self.first(torch.cat(xs, 1)).chunk(2, 1))
        for f in self.middle:
            found.append(f(found[-1]))
        y: Tensor = self.last(torch.cat(found, 1))
        return y


class Pan(nn.Module):
    def __init__(self, depth: int) -> None:
        super().__init__()
        self.down4, self.down3 = C2f(384, 128, depth), C2f(192, 64, depth)
        self.half3, self.up4 = Unit(64, 64, 3, 2), C2f(192, 128, depth)
        self.half4, self.up5 = Unit(128, 128, 3, 2), C2f(384, 256, depth)

    def forward(self, c3: Tensor, c4: Tensor, c5: Tensor) -> Iterable[Tensor]:
        d4 = self.down4(up(c5), c4)
        p3 = self.down3(up(d4), c3)
        p4 = self.up4(self.half3(p3), d4)
        return p3, p4, self.up5(self.half4(p4), c5)


CASES = [
    ("bifpn", {"width": 64, "depth": 3, "size": 128}, lambda: BiFPN(64, 3)),
    ("bifpn", {"width": 96, "depth": 1, "size": 128}, lambda: BiFPN(96, 1)),
    ("fpn", {"width": 64, "levels": 2, "size": 64}, lambda: Pyramid(64, 2)),
    ("fpn", {"width": 128, "levels": 5, "size": 64}, lambda: Pyramid(128, 5)),
    ("pan", {"depth": 1, "size": 320}, lambda: Pan(1)),
    ("pan", {"depth": 3, "size": 320}, lambda: Pan(3)),
]


@pytest.mark.parametrize(("name", "knobs", "plain"), CASES)
def test_a_neck_is_the_same_in_plain_pytorch(
    name: str, knobs: dict[str, int], plain: Callable[[], nn.Module]
) -> None:
    arch, theirs = read(name).with_knobs(**knobs), plain().eval()
    assert arch.params == sum(p.numel() for p in theirs.parameters())
    ours = arch.build().eval()
    torch.manual_seed(1)
    for tensor in theirs.state_dict().values():
        if tensor.is_floating_point():  # all above zero: variances are among them
            tensor.copy_(torch.rand(tensor.shape) * (0.5 if tensor.ndim < 2 else 0.1) + 0.01)
    weights = zip(ours.state_dict(), theirs.state_dict().values(), strict=True)
    ours.load_state_dict(dict(weights))
    images = [torch.randn(1, *shape) for shape in arch.inputs.values()]
    for y, wanted in zip(ours(*images).values(), theirs(*images), strict=True):
        torch.testing.assert_close(y, wanted, rtol=1e-4, atol=1e-4)


def test_parameters_of_the_papers_networks() -> None:
    node, shares = 9 * 64 + 64 * 64 + 2 * 64, 4 * 2 + 3 * 3 + 2
    laterals = (40 + 112 + 2 * 320) * 64 + 4 * 2 * 64
    for depth in (1, 3, 8):  # EfficientDet-D0 has three
        found = read("bifpn").with_knobs(depth=depth).params
        assert found == laterals + depth * (8 * node + shares)
    # The lines of Ultralytics' summary of YOLOv8n: its layers 12, 15, 16, 18, 19 and 21.
    assert (
        read("pan").with_knobs().params == 148_224 + 37_248 + 36_992 + 123_648 + 147_712 + 493_056
    )
    stages = sum(9 * a * b + b for a, b in ((3, 16), (16, 32), (32, 64), (64, 128)))
    pyramid = sum(c * 256 + 256 for c in (16, 32, 64, 128)) + 4 * (9 * 256 * 256 + 256)
    assert read("fpn").with_knobs().params == stages + pyramid == 2_520_224


def test_anytime_exits() -> None:
    """MSDNet, whose layers and sizes are knobs; the counts are of the same in plain PyTorch."""
    arch = read("msdnet").with_knobs()
    assert (arch.params, arch.macs) == (1_436_966, 22_500_400 + 6_868_640)
    arch = read("msdnet").with_knobs(layers=7, scales=4, width=8)
    module = drawn(arch.build).double().eval()
    images = batch(2, 3, 32, 32).double()
    with torch.no_grad():
        found = module(images)
        wanted = ByNode(arch, module, torch.float64).train(False).outputs(images)
    assert [*found] == ["main", "exit2", "exit4", "exit6"]
    for name, tensor in found.items():
        assert tensor.shape == (2, 10)
        torch.testing.assert_close(tensor, wanted[name], atol=1e-9, rtol=1e-7)
    source = read("msdnet").with_knobs().source()
    assert source.count("\n") <= 130
    assert "class Layer(nn.Module):" in source
    assert "        (x,) = self.layer5([x, y])\n" in source  # a list of one


@pytest.mark.parametrize(
    ("name", "candidates"), [("bifpn", 1056), ("fpn", 320), ("pan", 186), ("msdnet", 1764)]
)
def test_every_candidate_is_a_network(name: str, candidates: int) -> None:
    proof = prove(read(name).program)
    assert proof.holds and proof.total == candidates
