"""What each layer of a network sees of the input."""

from __future__ import annotations

from archdsl.analysis.figures import LongestPath, beginning, layer_path
from archdsl.ir.flat import Flat


def receptive_fields(flat: Flat) -> dict[str, tuple[int, ...]]:
    """Pixels of the first input, for each axis, that an element of a result can see: of each layer
    by its path, and of each part, whose result is that of its last layer. What comes from other
    inputs alone has none."""
    input = flat.nodes[0].shape
    found: dict[str, tuple[int, ...]] = {}
    paths: list[LongestPath | None] = [beginning(input), *[None] * (flat.inputs - 1)]
    for node in flat.nodes[flat.inputs :]:
        assert node.layer is not None
        path: LongestPath | None = None
        shapes = [flat.nodes[n].shape for n in node.inputs]
        for place, n in enumerate(node.inputs):
            before = paths[n]
            if before is not None:
                arm = before.then(layer_path(node.layer, place, shapes))
                path = arm if path is None else path.beside(arm)
        paths.append(path)
        if path is None:
            continue
        reach = zip(path.reach, input[1:], strict=True)
        field = tuple(int(min(r, n - 1)) + 1 for r, n in reach)
        names = node.path.split(".")
        for end in range(1, len(names) + 1):
            found[".".join(names[:end])] = field
    return found
