"""What each layer of a network sees of the input."""

from __future__ import annotations

from archdsl.analysis.figures import Axis, Path, layer_path
from archdsl.ir.flat import Flat


def receptive_fields(flat: Flat) -> dict[str, tuple[int, ...]]:
    """Pixels of the input, for each axis, that an element of a result can see: of each layer by
    its path, and of each part, whose result is that of its last layer."""
    input = flat.nodes[0].shape
    found: dict[str, tuple[int, ...]] = {}
    paths = [Path(0, (Axis(0, 1),) * (len(input) - 1))]
    for node in flat.nodes[1:]:
        assert node.layer is not None
        arms = [paths[n].then(layer_path(node.layer, flat.nodes[n].shape)) for n in node.inputs]
        path = arms[0]
        for other in arms[1:]:
            path = path.beside(other)
        paths.append(path)
        reach = zip(path.reach, input[1:], strict=True)
        field = tuple(int(min(r, n - 1)) + 1 for r, n in reach)
        names = node.path.split(".")
        for end in range(1, len(names) + 1):
            found[".".join(names[:end])] = field
    return found
