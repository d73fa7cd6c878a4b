"""What a user's object says of its images, or what they are seen to be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archdsl.training.data.plugins import checked, says_nothing
from archdsl.training.packages import need


def described(name: str, source: Any, folder: Path = Path()) -> tuple[tuple[int, ...], int]:
    """The shape of an image and the number of classes: as a user's object says, or, where it says
    neither, as they are read from it. Raises ``ArchError``."""
    if not says_nothing(source):
        return checked(name, source)
    need("torch")
    from archdsl.training.data.given import described_by_reading

    return described_by_reading(name, source, folder)
