"""Names that a spec can have, from those that Python can have."""

from __future__ import annotations

import re
from collections.abc import Iterable
from unicodedata import combining, normalize

from archdsl.importing.scope import KEYWORDS

TAKEN = KEYWORDS | {"main"}


def title_of(name: str) -> str:
    """A name that a spec can have."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    name = "".join(c for c in normalize("NFKD", name) if not combining(c))  # `ö` becomes `o`
    name = re.sub(r"\W", "_", name, flags=re.ASCII).lower().strip("_") or "network"
    return f"net_{name}" if name[0].isdigit() or name in TAKEN else name


def titles_of(names: Iterable[str]) -> dict[str, str]:
    """Names that a spec can have, one for each name: ``a-b`` beside ``a_b`` is ``a_b_2``."""
    found: dict[str, str] = {}
    for name in sorted(names, key=lambda n: title_of(n or "output0") != n):
        title, number = title_of(name or "output0"), 2
        while title in found.values():
            title, number = f"{title_of(name or 'output0')}_{number}", number + 1
        found[name] = title
    return found
