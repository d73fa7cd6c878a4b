"""Model cards: what it takes to use trained weights, as files of weights and exports carry it.

A card stands as comments in an ``.arch``, as a record of the archive in ``.pt`` and ``.pt2``, as
metadata in ``.safetensors`` and ``.onnx``. Nothing here needs PyTorch.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from math import isfinite, prod
from pathlib import Path
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.files import opened

KEY = "archdsl"  # of metadata; in an archive, a record with the ending .json
HEAD = "# Trained by archdsl: what it takes to use the weights."
BLOCK = re.compile(rf"\n*^{re.escape(HEAD)}\n(?:# \w+ = .*(?:\n|\Z))*", re.MULTILINE)
LINE = re.compile(r"^# (\w+) = (.*)$", re.MULTILINE)
MOST = 1 << 24  # bytes of a card, and of the header of a .safetensors file
ARCHIVES = (".pt", ".pt2", ".pth")
WHITE: Mapping[str, int] = {"uint8": 255, "uint16": 65535, "float32": 1}
"""What the values of images may be, and which of them is 1 where mean and deviation are told."""
TOKENS = "int64"  # the type of token ids, which are not normalised


@dataclass(frozen=True)
class ModelCard:
    """What a network was trained on, and how.

    ``image`` is a shape, channels first, ``values`` a type among ``WHITE``; of token ids it is
    their number, and ``values`` is ``TOKENS``. ``mean`` and ``std``
    are those of each channel, black being 0 and white 1; of floats, they are those of the values
    themselves. ``network`` is the hash of the architecture; ``texts`` are its spec and
    the files that it uses, by their names, the spec first: nothing where they stand elsewhere.
    """

    image: tuple[int, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    classes: tuple[str, ...]
    task: str
    data: str
    recipe: str
    lr: float | None  # nothing where a training of the user's own has none
    seed: int
    network: str
    texts: Mapping[str, str] = field(default_factory=dict)
    values: str = "uint8"

    def written(self) -> str:
        """As JSON, on one line."""
        return json.dumps(asdict(self))

    def lines(self) -> str:
        """As comments of a spec, which has the texts itself."""
        facts = {k: v for k, v in asdict(self).items() if k != "texts"}
        return "".join([HEAD, "\n", *(f"# {k} = {json.dumps(v)}\n" for k, v in facts.items())])

    @property
    def bare(self) -> ModelCard:
        """Without the spec: for what holds the network itself."""
        return replace(self, texts={})

    def is_of(self, image: tuple[int, ...], output: tuple[int, ...]) -> bool:
        """Whether a network of this input and output can be used by it."""
        return self.image == tuple(image) and output[:1] == (len(self.classes),)


def card_from(found: Any) -> ModelCard:
    """A card as JSON has it. Raises ``ValueError`` for what is none."""
    try:
        card = ModelCard(
            image=tuple(found["image"]),
            mean=tuple(map(float, found["mean"])),
            std=tuple(map(float, found["std"])),
            classes=tuple(found["classes"]),
            task=found["task"],
            data=found["data"],
            recipe=found["recipe"],
            lr=None if found["lr"] is None else float(found["lr"]),
            seed=found["seed"],
            network=found["network"],
            texts=dict(found.get("texts", {})),
            values=found.get("values", "uint8"),
        )
    except (KeyError, TypeError, ValueError):
        raise ValueError("it has too little, or something of another kind") from None
    texts = (*card.classes, card.task, card.data, card.recipe, card.network, card.values)
    if not all(isinstance(t, str) for t in (*texts, *card.texts, *card.texts.values())):
        raise ValueError("something that should be text is not")
    whole = [type(n) is int and n > 0 for n in card.image]
    axes = (1,) if card.values == TOKENS else (1, 2, 3, 4)
    if not (len(card.image) in axes and all(whole) and prod(card.image) <= MOST):
        raise ValueError("its image is not a shape")
    if card.values not in (*WHITE, TOKENS):
        raise ValueError("its values are not of a known type")
    if not len(card.mean) == len(card.std) == (0 if card.values == TOKENS else card.image[0]):
        raise ValueError("mean and std are not of each channel")
    numbers = (*card.mean, *card.std, card.lr or 0.0)
    if (
        not all(map(isfinite, numbers))
        or min(card.std, default=1) <= 0
        or type(card.seed) is not int
    ):
        raise ValueError("its numbers cannot be")
    return card


# ------------------------------------------------------------------------------- in a spec


def without_card(text: str) -> str:
    """A spec's text without the card in it."""
    return BLOCK.sub("\n", text)


def with_card(text: str, card: ModelCard) -> str:
    """A spec's text with a card at its end, in the place of another."""
    return without_card(text).rstrip("\n") + "\n\n" + card.lines()


def card_in_text(text: str, name: str) -> ModelCard | None:
    """The card in a spec's text; nothing where there is none. Raises ``ArchError`` (A822)."""
    found = BLOCK.search(text)
    if found is None:
        return None
    try:
        return card_from({k: json.loads(v) for k, v in LINE.findall(found[0])})
    except (ValueError, RecursionError) as problem:
        raise bad(name, problem) from None


# ------------------------------------------------------------------------------ in a file


def in_archive(data: bytes, card: ModelCard) -> bytes:
    """An archive that ``torch.save`` or ``torch.export.save`` wrote, with a card: readers of the
    former pass over it, those of the latter have it among their ``extra_files``."""
    stream = io.BytesIO(data)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_STORED) as archive:
        names = archive.namelist()
        place = "extra/" if any("/models/" in name for name in names) else ""
        archive.writestr(f"{names[0].partition('/')[0]}/{place}{KEY}.json", card.written())
    return stream.getvalue()


def in_onnx(data: bytes, card: ModelCard) -> bytes:
    """An ONNX model with a card in its ``metadata_props`` (field 14): fields come in any order."""
    key, value = KEY.encode(), card.written().encode()
    entry = b"\x0a" + _varint(len(key)) + key + b"\x12" + _varint(len(value)) + value
    return data + b"\x72" + _varint(len(entry)) + entry


def _varint(value: int) -> bytes:
    """A length, as protocol buffers have it."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def card_in(path: Path) -> ModelCard | None:
    """The card of a file of weights, an export or a spec; nothing where it has none, or is no
    such file. Raises ``ArchError`` for a card that cannot be read (A822)."""
    ending = path.suffix.lower()
    try:
        if ending == ".arch":
            with opened(path) as stream:
                return card_in_text(stream.read(MOST).decode("utf-8"), str(path))
        text = _TEXTS[ending](path) if ending in _TEXTS else None
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return None  # whoever reads the file itself says what is the matter
    if text is None:
        return None
    try:
        return card_from(json.loads(text))
    except (ValueError, RecursionError) as problem:
        raise bad(str(path), problem) from None


def _of_archive(path: Path) -> bytes | None:
    opened(path).close()  # a pipe would be waited for
    if not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as archive:
        for record in archive.infolist():
            first, _, rest = record.filename.partition("/")
            if first and rest in (f"{KEY}.json", f"extra/{KEY}.json"):
                return archive.read(record) if record.file_size <= MOST else b""
    return None


def _of_safetensors(path: Path) -> str | None:
    with opened(path) as stream:
        size = int.from_bytes(stream.read(8), "little")
        header = json.loads(stream.read(size)) if size <= MOST else {}
    metadata = header.get("__metadata__", {}) if isinstance(header, dict) else {}
    found = metadata.get(KEY) if isinstance(metadata, dict) else None
    return found if isinstance(found, str) else None


_TEXTS: Mapping[str, Any] = {
    **dict.fromkeys(ARCHIVES, _of_archive),
    ".safetensors": _of_safetensors,
}


def bad(name: str, problem: Exception) -> ArchError:
    """The error of a card that cannot be read."""
    reason = str(problem).split("\n", 1)[0] or type(problem).__name__
    return ArchError([diagnose(codes.BAD_CARD, name=name, reason=reason)])
