"""The characters of a text as token ids, each with the one that follows it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Diagnostic, diagnose
from archdsl.training.data.search_path import not_a_file, unreadable
from archdsl.training.tasks import NEXT_TOKEN

if TYPE_CHECKING:
    import torch

    from archdsl.training.data.splits import Images, Splits
    from archdsl.training.sets import TextFile

MOST = 1 << 28  # bytes of a text


def characters_of(data: TextFile, folder: Path) -> str:
    """The text, line ends as ``\\n``. Raises ``ArchError`` where it cannot be read (A801, A802)."""
    if not data.path:
        from pydoc_data.topics import topics

        text = "\n\n".join(topics[key] for key in sorted(topics))
    else:
        path = folder / data.path
        if not path.is_file():
            raise not_a_file(data.name, path)
        try:
            if path.stat().st_size > MOST:
                raise unreadable(data.name, f"it is larger than {MOST >> 20} MiB", path)
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            raise unreadable(data.name, "it is not a text in UTF-8", path) from None
        except OSError as problem:
            reason = (problem.strerror or str(problem)).lower()
            raise unreadable(data.name, reason, path) from None
    text = text[: data.characters]
    if len(set(text)) < NEXT_TOKEN.least:
        raise ArchError([_bad(data, f"it has {len(set(text))} different characters")])
    return text


def text(data: TextFile, folder: Path) -> Splits:
    """The pieces of a text, in three stretches. Raises ``ArchError`` for one that is too short for
    them (A803)."""
    import torch

    from archdsl.training.data.splits import DRAWN, Splits

    found = characters_of(data, folder)
    known = sorted(set(found))
    places = {character: at for at, character in enumerate(known)}
    ids = torch.tensor([places[character] for character in found])
    tested, validated = (round(len(ids) * share) for share in (data.test, data.validation))
    sizes = len(ids) - tested - validated, validated, tested
    names = "to train on", "to validate with", "to test on"
    parts = [pieces(stretch, data.length) for stretch in ids.split(sizes)]
    for part, what, share in zip(parts, names, (1, data.validation, data.test), strict=True):
        if share and not len(part):
            reason = f"of {len(ids):,} characters, no piece of {data.length:,} is left {what}"
            raise ArchError([_bad(data, reason)])
    train, validation, test = parts
    return Splits(train, validation, lambda: test, len(known), known, task=NEXT_TOKEN, drawn=DRAWN)


def pieces(ids: torch.Tensor, length: int) -> Images:
    """Pieces ``(N, length)`` of a stretch, one after the other, and of each the ids one further."""
    from archdsl.training.data.splits import Images

    count = max(len(ids) - 1, 0) // length
    end = count * length
    return Images(ids[:end].view(count, length), ids[1 : end + 1].view(count, length))


def _bad(data: TextFile, reason: str) -> Diagnostic:
    return diagnose(codes.BAD_SPLIT, name=data.name, reason=reason)
