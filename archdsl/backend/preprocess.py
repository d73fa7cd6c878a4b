"""What a file of Python says of how its network is used: the classes, and ``preprocess``."""

from __future__ import annotations

from archdsl.backend.python import Call, Item, Value
from archdsl.modelcard import ModelCard

SQUARES = '''
def preprocess(images: Tensor) -> Tensor:
    """Images as the network was trained on them: bytes, 0 to 255, ({channels}, H, W) or
    (N, {channels}, H, W). The middle is resized to {height}x{width}."""
    x = images.reshape(-1, {channels}, *images.shape[-2:]).float()
    if x.shape[-2:] != ({height}, {width}):
        scale = min(x.shape[-2] / {height}, x.shape[-1] / {width})
        height, width = round({height} * scale), round({width} * scale)
        top, left = (x.shape[-2] - height) // 2, (x.shape[-1] - width) // 2
        x = x[..., top : top + height, left : left + width]
        x = F.interpolate(x, ({height}, {width}), mode="bilinear", antialias=True)
        x = x.round().clamp(0, 255)
'''
OTHERS = '''
def preprocess(examples: Tensor) -> Tensor:
    """Examples as the network was trained on them: bytes, 0 to 255, {shape} or
    (N, {inner})."""
    x = examples.reshape(-1, {inner}).float()
'''
END = """    mean = torch.tensor({mean}, device=x.device).view({ones})
    std = torch.tensor({std}, device=x.device).view({ones})
    return (x / 255 - mean) / std"""


def usage_code(card: ModelCard) -> str:
    """The lines below the classes of a file: ``classes`` and ``preprocess``, which needs torch
    alone."""
    names = Call("[", tuple(Item(Value(name)) for name in card.classes), "]")
    channels, *sizes = card.image
    inner = ", ".join(map(str, card.image))
    if len(sizes) == 2:
        head = SQUARES.format(channels=channels, height=sizes[0], width=sizes[1])
    else:
        head = OTHERS.format(shape=f"({inner})", inner=inner)
    end = END.format(
        mean=list(card.mean), std=list(card.std), ones=", ".join(["-1", *["1"] * len(sizes)])
    )
    return "\n".join([*names.lines(0, "classes = "), "", head.rstrip("\n"), end])
