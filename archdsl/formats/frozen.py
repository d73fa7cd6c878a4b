"""The spec itself, its knobs frozen."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from archdsl.formats.base import Format, Options
from archdsl.freeze import write_frozen

if TYPE_CHECKING:
    from archdsl.spec import Architecture


class Frozen(Format):
    """A spec of this network and no other."""

    name = "arch"
    takes_weights = False

    def write(self, arch: Architecture, path: Path, options: Options) -> list[str]:
        write_frozen(path, arch, options.card)
        name = quote(str(path))
        return [f"next: archdsl compile {name}, or archdsl train {name} --data ..."]
