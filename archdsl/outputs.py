"""What a command writes for its user: a file that says whether it is still as archdsl wrote it.

Each has a seal at its end, a digest of all that stands before it, in a form that its format allows:
a comment, a key, a chunk. A file whose seal holds may be replaced by the command that made it;
one that somebody wrote or edited is kept, unless ``--force`` is said.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, Protocol

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.writing import write_bytes

SAYS = b"archdsl wrote this: sha256 "  # and 32 digits: whoever edits a file, edits what they are of
DIGITS = 32
ELSEWHERE = "give another file with -o"


class SealFormat(NamedTuple):
    """How a format has a seal: both are given the bytes of a whole file. ``strip`` gives
    nothing where there is no seal."""

    add: Adds
    strip: Strips


class Adds(Protocol):
    def __call__(self, data: bytes, seal: bytes) -> bytes: ...


class Strips(Protocol):
    def __call__(self, data: bytes) -> bytes | None: ...


def sealed(data: bytes, ending: str) -> bytes:
    """A file with its seal, in the place of an older one. ``ending`` is that of its name."""
    return _sealed(unsealed(data), KINDS.get(ending.lower(), KINDS[".txt"]))


def unsealed(data: bytes) -> bytes:
    """What was written, without its seal, whether that holds or not."""
    for kind in STRIPPED:
        if (found := kind.strip(data)) is not None:
            return found
    return data


def is_unchanged(data: bytes) -> bool | None:
    """Whether a file is as archdsl wrote it; nothing where no seal is in it."""
    for kind in STRIPPED:
        if (found := kind.strip(data)) is not None:
            alike = [other for other in KINDS.values() if other.strip is kind.strip]
            return any(_sealed(found, other) == data for other in alike)
    return None


def is_seal(comment: bytes) -> bool:
    """Whether the comment of an archive is a seal, and nothing else."""
    return re.fullmatch(SEAL, comment) is not None


def write_output(path: Path, data: bytes | str, ending: str = "") -> None:
    """Writes a file with its seal; ``ending`` says the format where the name does not.

    Raises ``ArchError`` as ``write_bytes`` does."""
    plain = data.encode("utf-8") if isinstance(data, str) else data
    write_bytes(path, sealed(plain, ending or path.suffix))


def check_name(path: Path, option: str = "-o") -> None:
    """Raises ``ArchError`` (A008) for a file or folder called ``-``, which is standard output to
    every command that prints what it makes. ``option`` is the one that gives it."""
    if path == Path("-"):
        reason = "this command writes files, and `-` is none"
        raise _refused(path, reason, f"give another file with {option}")


def check_output(
    path: Path, reads: Iterable[Path] = (), force: bool = False, in_python: bool = False
) -> None:
    """Raises ``ArchError`` (A008) for a file that may not be replaced: one that the command reads,
    and, unless ``force`` is said, one that archdsl did not write or that was changed since; and
    as ``check_name`` does. ``in_python``: it is told as Python writes it."""
    check_name(path)
    other = "give another file" if in_python else ELSEWHERE
    try:
        if not path.is_file():
            return
        if any(read.exists() and path.samefile(read) for read in reads):
            raise _refused(
                path, "the results are read from it" if in_python else "the command reads it", other
            )
        unchanged = force or is_unchanged(path.read_bytes())
    except (OSError, ValueError) as problem:
        reason = (getattr(problem, "strerror", None) or str(problem)).lower()
        raise ArchError([diagnose(codes.CANNOT_WRITE, name=str(path), reason=reason)]) from None
    if not unchanged:
        was = "it exists, and archdsl did not write it"
        reason = was if unchanged is None else "it was changed after archdsl wrote it"
        how = "force=True" if in_python else "--force"
        raise _refused(path, reason, f"{other}, or replace it with {how}")


def _refused(path: Path, reason: str, help: str) -> ArchError:
    fields = {"name": str(path), "reason": reason}
    return ArchError([diagnose(codes.CANNOT_WRITE, fields=fields, help=[help])])


def _sealed(data: bytes, kind: SealFormat) -> bytes:
    """A file without a seal, with one: the digest is of what is read when the seal is taken out.
    A file that its format has no place for a seal in is given as it is."""
    plain = kind.strip(kind.add(data, SAYS + b"0" * DIGITS))
    if plain is None:
        return data
    return kind.add(plain, SAYS + hashlib.sha256(plain).hexdigest()[:DIGITS].encode())


# --------------------------------------------------------------------------- formats of text

SEAL = SAYS + rb"[0-9a-f]{%d}" % DIGITS
COMMENT = re.compile(rb"(?:#|//|%%%%|%%|<!--) %b(?: -->)?\r?\n\Z" % SEAL)
KEY = re.compile(rb',\n "seal": "%b"\n}\n\Z' % SEAL)
TAIL = 200  # bytes, in which a seal of a text is


def _comment(start: str, end: str = "") -> SealFormat:
    """A last line that its language takes no notice of."""

    def add(data: bytes, seal: bytes) -> bytes:
        line = f"{start} ".encode() + seal + end.encode() + b"\n"
        return data + b"\n" * (not data.endswith(b"\n")) + line

    return SealFormat(add, _uncomment)


def _uncomment(data: bytes) -> bytes | None:
    found = COMMENT.search(data, max(len(data) - TAIL, 0))
    return None if found is None else data[: found.start()]


def _add_key(data: bytes, seal: bytes) -> bytes:
    """A last key of an object of JSON."""
    return data.rstrip()[:-1].rstrip() + b',\n "seal": "%b"\n}\n' % seal


def _without_key(data: bytes) -> bytes | None:
    found = KEY.search(data, max(len(data) - TAIL, 0))
    return None if found is None else data[: found.start()] + b"\n}\n"


# ------------------------------------------------------------------------- formats of bytes

END = b"PK\5\6"  # the record that ends an archive: 22 bytes and a comment
RECORD, SEALED = 22, len(SAYS) + DIGITS


def _add_remark(data: bytes, seal: bytes) -> bytes:
    """The comment of a zip archive: weights and programs of PyTorch."""
    if data[-RECORD : 4 - RECORD] != END:
        return data
    return data[:-2] + len(seal).to_bytes(2, "little") + seal


def _without_remark(data: bytes) -> bytes | None:
    whole = data[: len(data) - SEALED]
    is_there = data[-SEALED:].startswith(SAYS) and whole[-RECORD : 4 - RECORD] == END
    return whole[:-2] + b"\0\0" if is_there else None


def _add_metadata(data: bytes, seal: bytes) -> bytes:
    """A text in the header of a .safetensors file: its length, JSON, and the tensors."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header["__metadata__"] = {**header.get("__metadata__", {}), "seal": seal.decode()}
    return _with_header(header, data[8 + size :])


def _without_metadata(data: bytes) -> bytes | None:
    size = int.from_bytes(data[:8], "little")
    if not (data[8:9] == b"{" and size <= len(data) - 8 and SAYS in data[8 : 8 + size]):
        return None
    try:
        header = json.loads(data[8 : 8 + size])
        del header["__metadata__"]["seal"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not header["__metadata__"]:
        del header["__metadata__"]
    return _with_header(header, data[8 + size :])


def _with_header(header: object, tensors: bytes) -> bytes:
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors begin at a multiple of eight
    return len(text).to_bytes(8, "little") + text + tensors


PROPERTY = SEALED + 10  # bytes of a property, which has its name, two tags and two lengths


def _add_property(data: bytes, seal: bytes) -> bytes:
    """An entry of ``metadata_props``, field 14 of an ONNX model: fields may come in any order."""
    entry = b"\x0a\x04seal\x12" + bytes([len(seal)]) + seal
    return data + b"\x72" + bytes([len(entry)]) + entry


def _without_property(data: bytes) -> bytes | None:
    rest, seal = data[:-PROPERTY], data[-SEALED:]
    return rest if seal.startswith(SAYS) and _add_property(rest, seal) == data else None


LAST = b"\0\0\0\0IEND\xaeB`\x82"  # the chunk that ends a PNG


def _chunk(seal: bytes) -> bytes:
    body = b"tEXtSeal\0" + seal
    crc = zlib.crc32(body).to_bytes(4, "big")
    return (len(body) - 4).to_bytes(4, "big") + body + crc


def _add_chunk(data: bytes, seal: bytes) -> bytes:
    """A text before the end of a PNG picture."""
    return data[: -len(LAST)] + _chunk(seal) + LAST if data.endswith(LAST) else data


def _without_chunk(data: bytes) -> bytes | None:
    long = len(_chunk(b"")) + SEALED + len(LAST)
    return data[:-long] + LAST if SAYS in data[-long:] and data.endswith(LAST) else None


HASH, MARKUP, ARCHIVE = (
    _comment("#"),
    _comment("<!--", " -->"),
    SealFormat(_add_remark, _without_remark),
)
KINDS = {
    ".txt": HASH,
    ".py": HASH,
    ".arch": HASH,
    ".dot": _comment("//"),
    ".mmd": _comment("%%"),
    ".tex": _comment("%"),
    ".svg": MARKUP,
    ".html": MARKUP,
    ".pdf": _comment("%"),
    ".json": SealFormat(_add_key, _without_key),
    ".pt": ARCHIVE,
    ".pt2": ARCHIVE,
    ".safetensors": SealFormat(_add_metadata, _without_metadata),
    ".onnx": SealFormat(_add_property, _without_property),
    ".png": SealFormat(_add_chunk, _without_chunk),
}
STRIPPED = tuple({kind.strip: kind for kind in KINDS.values()}.values())
