"""Which of a file's modules an author wrote, as their names say: a file has no classes."""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.importing.file_module import ModuleScope
from archdsl.importing.single import CONTAINERS, WHOLE

# The modules of torch.nn that are made of others: what is in them has a path of its own.
MADE_OF_OTHERS = tuple(f".{name}" for name in (*(cls.__name__ for cls in CONTAINERS), *WHOLE))


def authors_scopes(
    entries: Iterable[tuple[str, str, str]],
) -> tuple[tuple[ModuleScope, ...], str]:
    """The author's modules around an operation, and the path of the innermost module: of entries
    from the outermost in, each a key, a path, and the full name of a class."""
    found, path = [], ""
    for key, path, cls in entries:
        if cls.startswith("torch.nn.") and not cls.endswith(MADE_OF_OTHERS):
            break
        found.append(ModuleScope(key, path, cls.rpartition(".")[2]))
    return tuple(found), path
