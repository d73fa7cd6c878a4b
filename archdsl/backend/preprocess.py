"""What a file of Python says of how its network is used: the classes, and ``preprocess``."""

from __future__ import annotations

from archdsl.backend.python import Call, Const, Item
from archdsl.modelcard import TOKENS, WHITE, ModelCard

SQUARES = '''
def preprocess(images: Tensor) -> Tensor:
    """Images as the network was trained on them: {values},
    ({channels}, H, W) or (N, {channels}, H, W). The middle is resized to {height}x{width}."""
    x = images.reshape(-1, {channels}, *images.shape[-2:]).float()
    if x.shape[-2:] != ({height}, {width}):
        scale = min(x.shape[-2] / {height}, x.shape[-1] / {width})
        height, width = round({height} * scale), round({width} * scale)
        top, left = (x.shape[-2] - height) // 2, (x.shape[-1] - width) // 2
        x = x[..., top : top + height, left : left + width]
        x = F.interpolate(x, ({height}, {width}), mode="bilinear", antialias=True)
'''
OTHERS = '''
def preprocess(examples: Tensor) -> Tensor:
    """Examples as the network was trained on them: {values},
    {shape} or (N, {inner})."""
    x = examples.reshape(-1, {inner}).float()
'''
END = """    mean = torch.tensor({mean}, device=x.device).view({ones})
    std = torch.tensor({std}, device=x.device).view({ones})
    return ({x} - mean) / std"""
VALUES = {"uint8": "bytes, 0 to 255", "uint16": "whole numbers, 0 to 65535", "float32": "floats"}


def usage_code(card: ModelCard) -> str:
    """The lines below the classes of a file: ``classes`` and ``preprocess``, which needs torch
    alone."""
    names = Call("[", tuple(Item(Const(name)) for name in card.classes), "]")
    if card.values == TOKENS:  # they are taken as they are
        return "\n".join(names.lines(0, "tokens = "))
    channels, *sizes = card.image
    inner = ", ".join(map(str, card.image))
    values, white = VALUES[card.values], WHITE[card.values]
    if len(sizes) == 2:
        head = SQUARES.format(channels=channels, height=sizes[0], width=sizes[1], values=values)
        head += f"        x = x.round().clamp(0, {white})\n" if white > 1 else ""
    else:
        head = OTHERS.format(shape=f"({inner})", inner=inner, values=values)
    end = END.format(
        x=f"x / {white}" if white > 1 else "x",
        mean=list(card.mean),
        std=list(card.std),
        ones=", ".join(["-1", *["1"] * len(sizes)]),
    )
    return "\n".join([*names.lines(0, "classes = "), "", head.rstrip("\n"), end])
