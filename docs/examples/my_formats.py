"""An output format of one's own: docs/extending.md goes through it."""

from pathlib import Path

from archdsl.formats.base import Format, Options
from archdsl.layers.base import show_shape
from archdsl.spec import Architecture
from archdsl.writing import write_text


class Listing(Format):
    """A table of all layers, for a spreadsheet."""

    name = "csv"
    takes_weights = False

    def write(self, arch: Architecture, path: Path, options: Options) -> list[str]:
        shapes = [f"{name},{show_shape(shape)}" for name, shape in arch.shapes.items()]
        write_text(path, "\n".join(["layer,shape", *shapes, ""]))
        return [f"{len(shapes)} rows"]
