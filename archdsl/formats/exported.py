"""Formats that leave Python."""

from __future__ import annotations

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

        write_pt2(module, example, path, options.card)
        given = "images" if list(arch.inputs) == ["input"] else ", ".join(arch.inputs)
        return [f"next: torch.export.load({str(path)!r}).module()({given})"]


class Onnx(Format):
    """ONNX, checked against onnxruntime."""

    name = "onnx"
    takes_device = True

    def write(self, arch: Architecture, path: Path, options: Options) -> list[str]:
        module, example = _built(arch, options)
        from archdsl.backend.export import write_onnx

        difference = write_onnx(module, example, path, options.card, list(arch.inputs))
        checked = f"checked against onnxruntime: results within {difference:.1g}"
        return [f"{checked}; the batch size is free"]


def _built(arch: Architecture, options: Options) -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    """The module, and two images for it, or two of each tensor that comes in."""
    from archdsl.backend.examples import examples
    from archdsl.formats.module import module_of

    module = module_of(arch, options)
    import torch

    dtype = getattr(torch, options.dtype)
    return module, examples(arch.inputs.values(), 2, options.device, dtype)
