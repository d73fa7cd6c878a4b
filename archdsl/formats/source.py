"""Python source."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.backend.build import source_of, top_class
from archdsl.formats.base import Format, Options
from archdsl.outputs import write_output

if TYPE_CHECKING:
    from archdsl.spec import Architecture


class Python(Format):
    """Source that needs nothing but torch; weights stand in a file beside it."""

    name = "py"

    def write(self, arch: Architecture, path: Path, options: Options) -> Iterator[str]:
        source = source_of(arch, options.card)
        name = top_class(source)
        load = ""
        for beside in self.beside(path, options):  # first: if they do not fit, nothing is written
            from archdsl.formats.module import state_of

            assert options.weights is not None, "there are weights to stand beside it"
            write_output(beside, state_of(arch, options))
            yield f"{beside}: the weights of {options.weights.path}, under this network's keys"
            load = f"; model.load_state_dict(torch.load({str(beside)!r}))"
        write_output(path, source)
        names = name if options.card is None else f"{name}, classes, preprocess"
        yield f"next: from {path.stem} import {names}; model = {name}(){load}"

    def beside(self, path: Path, options: Options) -> list[Path]:
        return [] if options.weights is None else [path.with_suffix(".pt")]
