"""Formats that leave Python."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.formats.base import Format, Options

if TYPE_CHECKING:
    import torch
    from torch import nn

    from archdsl.spec import Architecture


class Pt2(Format):
    """A program of torch.export."""

    name = "pt2"
    takes_device = True

    def write(self, arch: Architecture, path: Path, options: Options) -> list[str]:
        module, example = _built(arch, options)
        from archdsl.backend.export import write_pt2

        write_pt2(module, example, path, options.card, options.any_size)
        given = "images" if list(arch.inputs) == ["input"] else ", ".join(arch.inputs)
        size = [f"{_free(example)} are free"] if options.any_size else []
        return [*size, f"next: torch.export.load({str(path)!r}).module()({given})"]


class Onnx(Format):
    """ONNX, checked against onnxruntime."""

    name = "onnx"
    takes_device = True

    def write(self, arch: Architecture, path: Path, options: Options) -> list[str]:
        module, example = _built(arch, options)
        from archdsl.backend.export import write_onnx

        inputs = list(arch.inputs)
        difference = write_onnx(module, example, path, options.card, inputs, options.any_size)
        checked = f"checked against onnxruntime: results within {difference:.1g}"
        free = f"{_free(example)} are free" if options.any_size else "the batch size is free"
        return [f"{checked}; {free}"]


def _free(example: Sequence[torch.Tensor]) -> str:
    """What of an export stays free, in words."""
    images = any(tensor.dim() == 4 for tensor in example)
    return "batch, height and width" if images else "the batch and the sizes"


def _built(arch: Architecture, options: Options) -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    """The module, and two images for it, or two of each tensor that comes in."""
    from archdsl.backend.example_inputs import examples
    from archdsl.formats.module import module_of

    module = module_of(arch, options)
    import torch

    dtype = getattr(torch, options.dtype)
    return module, examples(arch.inputs.values(), 2, options.device, dtype)
