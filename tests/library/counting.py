"""What a PyTorch module costs, found without a single number in memory: on the meta device."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import regnet

from archdsl.layers.base import Shape
from archdsl.spec import Architecture

MADE = "relative_position_index"  # a buffer that follows from the size of a window


class Counts(NamedTuple):
    params: int
    buffers: int
    macs: int


def counts(make: Callable[[], nn.Module], input: Shape) -> Counts:
    """The counts of the module that ``make`` makes, for one image in evaluation."""
    with torch.device("meta"):
        module, image = make().eval(), torch.empty(1, *input)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(image)
    return Counts(
        sum(p.numel() for p in module.parameters()),
        sum(b.numel() for name, b in module.named_buffers() if not name.endswith(MADE)),
        counter.get_total_flops() // 2,
    )


def output(make: Callable[[], nn.Module], input: Shape) -> Shape:
    """The shape of what the module gives for an image."""
    with torch.device("meta"), torch.no_grad():
        return tuple(make().eval()(torch.empty(1, *input)).shape[1:])


def stages(make: Callable[[], nn.Module], input: Shape, names: list[str]) -> list[Shape]:
    """The shapes of what some of the module's parts give for an image."""
    found: dict[str, Shape] = {}

    def note(name: str) -> Callable[[nn.Module, object, torch.Tensor], None]:
        def hook(module: nn.Module, inputs: object, result: torch.Tensor) -> None:
            found[name] = tuple(result.shape[1:])

        return hook

    with torch.device("meta"), torch.no_grad():
        module = make().eval()
        for name in names:
            module.get_submodule(name).register_forward_hook(note(name))
        module(torch.empty(1, *input))
    return [found[name] for name in names]


def of(architecture: Architecture) -> Counts:
    """The same counts of an architecture, which costs no tensor at all. Side outputs run in
    torchvision's networks for segmentation even in evaluation."""
    figures = architecture.figures
    return Counts(figures.params, figures.buffers, figures.macs + figures.side_macs)


class RegNetParameters(regnet.BlockParams):
    """RegNet's widths are computed with tensors, which on the meta device have no values."""

    @classmethod
    def from_init_params(cls, *arguments: object, **keywords: object) -> regnet.BlockParams:
        with torch.device("cpu"):
            return super().from_init_params(*arguments, **keywords)
