"""What commands write: the option that says what may be replaced, and what a command reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from archdsl.diagnostics.model import ArchError
from archdsl.files import find
from archdsl.outputs import check_output
from archdsl.spec import Architecture

PRINTED = Path("-")  # an output that is not a file

force_option = click.option(
    "--force", is_flag=True, help="Replace a file that archdsl did not write, or that was edited."
)


def read_for(
    named: Iterable[tuple[str, Architecture | None]], python: Iterable[Path] = ()
) -> Iterator[Path]:
    """The files that a command reads for its networks: specs, what they use, layers. A network
    is named as the user has, ``resnet(depth = 101)``."""
    yield from python
    for name, arch in named:
        try:
            path, _ = find(name)
        except ArchError:
            path = None
            if "(" in name:
                yield from read_for([(name.partition("(")[0].strip(), arch)])
        folder = Path.cwd() if path is None else path.parent
        yield from () if path is None else (path,)
        yield from () if arch is None else (folder / used for used in arch.spec.used)


def check_outputs(outputs: Iterable[Path], reads: Iterable[Path], force: bool) -> None:
    """Raises ``ArchError`` (A008) where one of the files to be written may not be replaced."""
    known = list(reads)
    for path in outputs:
        check_output(path, known, force)
