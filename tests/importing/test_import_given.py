"""What modules are given, in all the ways that a step up has: a skip that is computed later, from
what was padded, or for its shape alone; and names that a spec cannot have."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import archdsl

Join = Callable[[nn.Module, Tensor, Tensor], Tensor]


def fill(y: Tensor, x: Tensor) -> Tensor:
    """``y`` with a border of zeros, as large as ``x``."""
    dy, dx = (b - a for a, b in zip(y.shape[2:], x.shape[2:], strict=True))
    return F.pad(y, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])


class Padded(nn.Module):
    def __init__(self, join: Join, channels: int) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(channels, 4, 3, padding=1)
        self.join = join

    def forward(self, x: Tensor) -> Tensor:
        y = F.interpolate(F.max_pool2d(self.a(x), 2), scale_factor=2)
        return self.join(self, fill(y, x), x)


def of_itself(m: nn.Module, y: Tensor, x: Tensor) -> Tensor:
    return y + m.b(y).relu()


def later(m: nn.Module, y: Tensor, x: Tensor) -> Tensor:
    return torch.cat([m.b(x), y], 1)


def of_nothing(m: nn.Module, y: Tensor, x: Tensor) -> Tensor:
    torch.cat([x.relu(), y], 1)
    return m.b(y)


@pytest.mark.parametrize(("join", "channels"), [(of_itself, 4), (later, 3), (of_nothing, 4)])
def test_a_border_beside_what_is_not_there_before_it(join: Join, channels: int) -> None:
    imported = archdsl.import_module(Padded(join, channels), (3, 8, 8))
    assert "pad_to" not in imported.text


def test_a_border_that_tensors_say() -> None:
    class Tensors(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Conv2d(3, 4, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            y = F.interpolate(F.max_pool2d(self.a(x), 2), scale_factor=2)
            more = torch.tensor([x.shape[2] - y.shape[2]])
            return torch.cat([x, F.pad(y, [more // 2, more - more // 2, 0, 0])], 1)

    with pytest.raises(archdsl.ArchError, match="by amounts that are computed with tensors"):
        archdsl.import_module(Tensors(), (3, 8, 8))


class Size(nn.Module):
    """A step up to the size of a tensor of which nothing else is used."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, 3, padding=1)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return F.interpolate(self.conv(x), size=skip.shape[2:])


def test_a_tensor_that_is_given_for_its_shape() -> None:
    class Sizes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Conv2d(3, 4, 3, stride=2, padding=1)
            self.b = nn.Conv2d(4, 8, 3, stride=2, padding=1)
            self.up1, self.up2 = Size(8, 4), Size(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            p = self.a(x)
            return self.up2(self.up1(self.b(p), p.relu()), x)

    text = archdsl.import_module(Sizes(), (3, 16, 16)).text
    assert text.endswith("conv(8, 3, stride = 2)\nsize(4)\nsize(3, 16)\n")


class Steps(nn.Module):
    """Three steps up, each given two more tensors."""

    def __init__(self, step: type[nn.Module]) -> None:
        super().__init__()
        sizes = [(3, 8), (8, 16), (16, 32), (32, 64)]
        self.down = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=1 if a == 3 else 2, padding=1) for a, b in sizes
        )
        self.side = nn.ModuleList(nn.Conv2d(b, b, 1) for _, b in sizes[:3])
        self.up = nn.ModuleList(step(b, a) for a, b in reversed(sizes[1:]))

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for down in self.down:
            kept.append(x := down(x))
        kept.pop()
        for up, side in zip(self.up, reversed(self.side), strict=True):
            y = kept.pop()
            x = up(x, y, side(y)) if y.shape[1] > 8 else self.last(up, x, y, side(y))
        return x

    def last(self, up: nn.Module, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        return up(x, y, z)


class Step(nn.Module):
    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(before, after, 2, stride=2)
        self.conv, self.norm = nn.Conv2d(3 * after, after, 3, padding=1), nn.BatchNorm2d(after)

    def joined(self, x: Tensor, *others: Tensor) -> Tensor:
        return self.norm(self.conv(torch.cat([*others, self.up(x)], 1))).relu()


class Umlaut(Step):
    def forward(self, x: Tensor, größe: Tensor, Größe: Tensor) -> Tensor:
        return self.joined(x, größe, Größe)


class Twice(Step):
    """``n`` is no name for a parameter of a block there, and what it becomes is one already."""

    def forward(self, x: Tensor, n: Tensor, x_n: Tensor) -> Tensor:
        return self.joined(x, n, x_n)


@pytest.mark.parametrize(("step", "names"), [(Umlaut, "gro_e, gro_e_2"), (Twice, "x_x_n, x_n")])
def test_names_that_a_block_cannot_have(step: type[nn.Module], names: str) -> None:
    text = archdsl.import_module(Steps(step), (3, 16, 16)).text
    assert f", {names})" in text or f"({names})" in text, text


class Named(Steps):
    def last(self, up: nn.Module, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        return up(x_n=z, n=y, x=x)


def test_names_in_a_call_are_in_any_order() -> None:
    by_place, by_name = (archdsl.import_module(m(Twice), (3, 16, 16)) for m in (Steps, Named))
    assert by_place.text.replace("steps", "named") == by_name.text
