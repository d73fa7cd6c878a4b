"""Finding and reading specs: paths, built-in names, and what `use` may reach."""

from __future__ import annotations

import errno
import os
import shlex
import stat
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from importlib.resources import files
from itertools import islice
from operator import or_
from pathlib import Path
from typing import BinaryIO

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Fault, diagnose, did_you_mean, fault, spelled_like
from archdsl.diagnostics.render import printable
from archdsl.diagnostics.source import Source, Span
from archdsl.syntax import tree
from archdsl.syntax.parse import MAX_CHARACTERS, parse
from archdsl.within import Outside, plain, within

MAX_BYTES = 4 * MAX_CHARACTERS
MAX_LISTED = 200  # files of a folder that a wrong name is compared with
MAX_FILES = 50  # that one spec may use


ARCH, SEARCH = ".arch", ".search"  # the endings of files
FOLDER = "the spec's folder"  # where `use` reads, in messages
MODEL = "an exported network", "`archdsl import {0}` writes a spec of it"
WEIGHTS = "a file of weights", "`archdsl compile net.arch --weights {0}` takes them over"
TEXT = "a spec is a text file that ends in .arch: `archdsl new` writes a first one"
PICTURE = "`archdsl draw` makes pictures of specs, and reads none"
OTHERS = {  # what is given in the place of a spec or a search, and what to do
    ARCH: ("a spec", 'a search is a separate file, which names the spec: `spec "{0}"`'),
    SEARCH: ("a search", "name the spec of the search; `archdsl search {0}` runs it"),
    ".py": (
        "Python code",
        "`archdsl import {0}:Net --allow-python` writes a spec of its class `Net`",
    ),
    **dict.fromkeys((".onnx", ".pt2"), MODEL),
    **dict.fromkeys((".pt", ".pth", ".ckpt", ".safetensors", ".h5"), WEIGHTS),
    **dict.fromkeys((".yaml", ".yml"), ("YAML", TEXT)),
    ".json": ("JSON", TEXT),
    ".toml": ("TOML", TEXT),
    ".md": ("Markdown", TEXT),
    ".ipynb": ("a notebook", TEXT),
    ".csv": ("a table", "`archdsl data 'table(\"{0}\")'` says what is in it"),
    **dict.fromkeys((".png", ".jpg", ".svg", ".pdf"), ("a picture", PICTURE)),
    ".db": ("a database", "name the folder of the study: `archdsl verdict FOLDER`"),
}
PACKAGES = {ARCH: "archdsl.specs", SEARCH: "archdsl.searches"}


def builtin_folder(ending: str = ARCH) -> Path:
    """Where the specs, or the searches, that come with archdsl are."""
    return Path(str(files(PACKAGES[ending])))


def builtin_names(ending: str = ARCH) -> list[str]:
    """The names of the built-in specs, the library of blocks not among them, or searches."""
    return sorted(path.stem for path in builtin_folder(ending).glob(f"*{ending}"))


def name_like(path: Path) -> str | None:
    """The name of what is beside a path at which nothing is, has the same ending and is spelled
    most like it, if anything is."""
    try:
        if path.exists():
            return None
        beside = islice((p for p in path.parent.iterdir() if p.suffix == path.suffix), MAX_LISTED)
        near = spelled_like(path.stem, [p.stem for p in beside])
        return None if near is None else near + path.suffix
    except (OSError, ValueError):
        return None


def named_like(path: Path) -> list[str]:
    """A help line for a path at which nothing is: what was meant, if anything is like it."""
    near = name_like(path)
    return [] if near is None else [f"did you mean `{printable(str(path.with_name(near)))}`?"]


def opened(path: Path) -> BinaryIO:
    """A file that a user names, open for reading. Raises ``OSError``, also for what is there and
    is not a file: a pipe may be silent for ever, a device may never end."""
    flags = (getattr(os, name, 0) for name in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))
    handle = os.open(path, reduce(or_, flags, os.O_RDONLY))
    mode = os.fstat(handle).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(handle, "rb")
    os.close(handle)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    raise OSError(errno.EINVAL, "it is a pipe or a device, not a file")


def read_text(path: Path, name: str, place: Span | None = None) -> str:
    """The text of a file. Raises a fault where it is missing, unreadable, too long or no text."""
    try:
        with opened(path) as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise fault(codes.NO_SUCH_FILE, place, name=name, help=named_like(path)) from None
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        raise fault(codes.UNREADABLE, place, name=name, reason=reason.lower()) from None
    return decode(data, name, place)


def read_standard_input() -> str:
    """The text that comes in. Raises a fault where none can, or it is too long or no text."""
    name = "<stdin>"
    if sys.stdin is None:  # as Python has it where a program is started without
        raise fault(codes.UNREADABLE, None, name=name, reason="it is closed")
    return decode(sys.stdin.buffer.read(MAX_BYTES + 1), name)


def decode(data: bytes, name: str, place: Span | None = None) -> str:
    """Bytes as the text of a spec."""
    if len(data) > MAX_BYTES:
        raise fault(codes.FILE_TOO_LONG, place, name=name, limit=MAX_CHARACTERS)
    if b"\0" in data:
        at = data.index(b"\0")
        raise fault(codes.NOT_TEXT, place, name=name, reason=f"there is a NUL byte at {at:,}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        reason = f"the byte 0x{data[problem.start]:02x} at {problem.start:,} is not UTF-8"
        raise fault(codes.NOT_TEXT, place, name=name, reason=reason) from None


def refuse_others(name: str, *endings: str) -> None:
    """Raises ``ArchError`` for a name that ends as files of another kind do: what it is, and what
    to do with it."""
    ending = Path(name).suffix.lower()
    if ending not in OTHERS or ending in endings:
        return
    what, advice = OTHERS[ending]
    reason = f"it is {what}, not a {'search' if endings == (SEARCH,) else 'spec'}"
    said = [advice.format(shlex.quote(name) if ending != ARCH else name)]
    raise ArchError([diagnose(codes.UNREADABLE, name=name, reason=reason, help=said)])


def find(name: str, ending: str = ARCH) -> tuple[Path | None, str]:
    """The file that a user means, and how to call it: a path, or the name of a built-in spec
    or search.

    Nothing instead of the path stands for standard input. Raises ``ArchError``.
    """
    if name == "-":
        return None, "<stdin>"
    path = Path(name)
    refuse_others(name, ending)
    is_folder = False
    try:
        if path.suffix == ending or path.is_file():
            return path, name
        is_folder = bool(name) and path.is_dir()
        shipped = builtin_folder(ending) / f"{name}{ending}"
        if name.isidentifier() and shipped.is_file():
            return shipped, shipped.name
    except (OSError, ValueError):
        pass
    known = builtin_names(ending)
    help = ["it is a folder: name a file in it"] if is_folder else did_you_mean(name, known)
    if is_folder and path.suffix == ".study":
        help = [
            f"it is a study: `archdsl verdict {name}` says what came out, and `report` draws it"
        ]
    if not help and ending == SEARCH:
        help = [f"a search is a file that ends in {SEARCH}, or one of {', '.join(known)}"]
    raise ArchError([fault(codes.NO_SUCH_FILE, name=name, help=help).diagnostic])


def is_one_of(name: str, ending: str) -> bool:
    """Whether a name means a file of this ending: by its own, or as a built-in one that no
    spec is called."""
    if name.endswith(ending):
        return True
    if name not in builtin_names(ending):
        return False
    return not (name in builtin_names() or Path(name).is_file())


def read_source(name: str, ending: str = ARCH) -> tuple[Source, Path | None]:
    """The text that a user means, and the folder that its `use` may read below."""
    path, shown = find(name, ending)
    try:
        if path is None:
            return Source(shown, read_standard_input()), Path.cwd()
        return Source(printable(shown), read_text(path, shown)), path.parent
    except Fault as error:
        raise ArchError([error.diagnostic]) from None


def outside(path: str, place: Span, problem: Outside) -> Fault:
    """What is said of a `use` that may not name such a file."""
    return fault(codes.OUTSIDE_FOLDER, place, path=path, reason=str(problem))


@dataclass
class Library:
    """Loads what `use` names: from the spec's folder downwards, or from the built-in specs.

    Each file is read once. ``folder`` is nothing for a spec that is in no folder.
    """

    folder: Path | None
    loaded: dict[Path, tree.File] = field(default_factory=dict)

    def __call__(self, path: str, place: Span) -> tree.File:
        for root in self.roots():
            try:
                real = within(root, path, ARCH, FOLDER).resolve()
                exists = real.is_file()
            except Outside as problem:
                raise outside(path, place, problem) from None
            except OSError:
                continue
            if exists:
                if real not in self.loaded:
                    if len(self.loaded) >= MAX_FILES:
                        raise fault(codes.TOO_MANY_FILES, place, limit=MAX_FILES)
                    self.loaded[real] = self.parsed(real, path, place)
                return self.loaded[real]
        known = [
            str(p.relative_to(root))
            for root in self.roots()
            for pattern in ("*.arch", "*/*.arch")
            for p in islice(root.glob(pattern), MAX_LISTED)
        ]
        raise fault(codes.NO_SUCH_FILE, place, name=path, help=did_you_mean(path, known))

    def parsed(self, real: Path, path: str, place: Span) -> tree.File:
        """The tree of a file that is there."""
        return parse(Source(path, read_text(real, path, place)))

    def roots(self) -> Iterator[Path]:
        if self.folder is not None:
            yield self.folder
        yield builtin_folder()


@dataclass
class Bundle:
    """Gives the files that a spec uses from their texts, wherever the spec came from."""

    texts: Mapping[str, str]
    loaded: dict[str, tree.File] = field(default_factory=dict)

    def __call__(self, path: str, place: Span) -> tree.File:
        if path not in self.texts:
            raise fault(codes.NO_SUCH_FILE, place, name=path)
        try:
            plain(path, ARCH, FOLDER)
        except Outside as problem:
            raise outside(path, place, problem) from None
        if path not in self.loaded:
            self.loaded[path] = parse(Source(path, self.texts[path]))
        return self.loaded[path]
