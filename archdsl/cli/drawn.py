"""Pictures that a command writes."""

from __future__ import annotations

from pathlib import Path

from archdsl.cli.output import say
from archdsl.pictures.limits import check_printed
from archdsl.pictures.saving import save
from archdsl.pictures.scene import Scene


def save_told(
    scene: Scene, output: Path, what: str, more: str = "", *, aside: bool = False
) -> None:
    """Writes a picture and says so; ``more`` is markup that a page has below it. ``aside``: to
    standard error, where the command prints JSON or CSV. Raises ``ArchError`` (A008, A909)."""
    check_printed(scene, output)
    save(scene, output, more)
    size = f"{round(scene.width)} x {round(scene.height)} pixels"
    say(f"{output}: {what}, {size}", error=aside)
