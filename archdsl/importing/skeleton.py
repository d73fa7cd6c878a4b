"""What to do about an operation that has no layer: what the language has near it, or how a layer of
one's own begins."""

from __future__ import annotations

import re

from archdsl.registry import REGISTRY

NEAR = {
    "MultiheadAttention": "attend, with conv(3 * c, 1) before it and conv(c, 1) after it",
    "scaled_dot_product_attention": "attend, with conv(3 * c, 1) before it and conv(c, 1) after it",
    "matmul": "attend, where it is attention",
    "bmm": "attend, where it is attention",
    "einsum": "attend, where it is attention",
    "roll": "attend(windows = ..., shift = ...), where it moves windows",
}


def skeleton(operation: str) -> list[str]:
    """Help lines."""
    plain = operation.strip("_").lower()
    if operation in NEAR:
        return [f"the language has {NEAR[operation]}"]
    table = REGISTRY.layers
    spelled = {s.lower(): name for s, name in table.synonyms.items()}
    found = plain if plain in table else spelled.get(plain)
    helps = [f"the language has `{found}`, which does not do this"] if found else []
    title = "".join(part.capitalize() for part in re.split(r"\W|_", plain) if part) or "Mine"
    name = re.sub(r"\W", "_", plain)
    if found or name in table:  # a layer of that name is there
        title, name = f"My{title}", f"my_{name}"
    made, modules = _computed(operation, title, name)
    return [
        *helps,
        f'or compute it by a layer of your own: class {title}(Layer): name = "{name}"; {modules}'
        f"shape = lambda self, *inputs: inputs[0]; torch = lambda self, *inputs: {made}",
    ]


def _computed(operation: str, title: str, name: str) -> tuple[str, str]:
    """What computes an operation in PyTorch: a function, a module of its own, or, where it has
    neither, one of a file beside that of the layer, which the layer names."""
    import torch

    plain = operation.strip("_")
    for package, shown in ((torch, "torch"), (torch.nn.functional, "F")):
        if callable(getattr(package, plain, None)):
            return f'Expression("{shown}.{plain}({{x}})")', ""
    if isinstance(getattr(torch.nn, operation, None), type):
        return f'Module("nn.{operation}")', ""
    return f'Module("{title}")', f'modules = "{name}_module.py"; '
