"""What a study was made of: enough to go on with it, on this machine or on another."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from archdsl.__about__ import VERSION
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.diagnostics.source import Source
from archdsl.extensions import text_of
from archdsl.files import Bundle
from archdsl.registry import Registry
from archdsl.search.database import TRIALS, shown
from archdsl.search.kinds import (
    DATA,
    MOMENT,
    NAME,
    NATURAL,
    TEXT,
    TEXTS,
    WHOLE,
    Kind,
    Wrong,
    fits,
    read,
)
from archdsl.search.reading import read_search
from archdsl.search.request import Own, SearchRequest
from archdsl.spec import Spec
from archdsl.syntax.language import ARCH, SEARCH, Language, tokenize
from archdsl.training.own import FUNCTION, ProgramData

FORMAT = 1
KINDS: Mapping[str, Kind] = {  # of the fields of a card
    "study": NAME,
    "seed": NATURAL,
    "data": DATA,
    "created": MOMENT,
    "format": WHOLE,
    **dict.fromkeys(("search_name", "search", "folder", "spec_name", "spec"), TEXT),
    **dict.fromkeys(("command", "storage"), TEXT),
    **dict.fromkeys(("uses", "identity", "versions", "machine"), TEXTS),
}
LAYERS = "the layers in Python"  # in an identity, where there are any
TRAINING = "the training in "  # and the name of its file
PACKAGES = ("torch", "torchvision", "optuna", "numpy", "scipy", "scikit-learn")
QUANTITIES = ("trials", "timeout")  # how much is searched, not what: these may change


@dataclass(frozen=True)
class Card:
    """The texts of a search and of its spec, the seed, and where and with what it was begun.

    ``identity`` hashes what must not change while a study goes on, piece by piece.
    """

    study: str
    seed: int
    search_name: str
    search: str
    folder: str
    spec_name: str
    spec: str
    uses: Mapping[str, str]
    data: str
    identity: Mapping[str, str]
    versions: Mapping[str, str]
    machine: Mapping[str, str]
    command: str
    created: str
    storage: str = ""  # the address of the database that has the trials, without its password
    format: int = FORMAT

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, found: Any) -> Card:
        """Raises ``ValueError`` for what is no card of this format, and names the field that is
        not of its kind."""
        if not isinstance(found, dict):
            raise ValueError("it is not a card of a study")
        if found.get("format") != FORMAT or set(found) != set(KINDS):
            raise ValueError("it is of another version of archdsl")
        known = {}
        for field, kind in KINDS.items():
            try:
                known[field] = read(kind, found[field])
            except Wrong as problem:
                raise ValueError(f"its `{field}` is not {problem}") from None
        return cls(**known)

    @property
    def fits(self) -> tuple[tuple[int, ...], int]:
        """The shape and the classes of the data."""
        return fits(self.data)

    def read(self, registry: Registry) -> SearchRequest:
        """The search, from the texts alone."""
        spec = Spec(Source(self.spec_name, self.spec), Bundle(self.uses), registry)
        source = Source(self.search_name, self.search)
        own = Own("", {}) if self.data.startswith(FUNCTION) else None
        data = ProgramData.on_card(self.data, self.fits)
        return read_search(source, Path(self.folder), registry, spec, own, data)

    def check_storage(self, url: str | None) -> None:
        """Raises ``ArchError`` where the trials are not where they are looked for."""
        if bool(self.storage) == (url is not None):
            return
        kept = self.storage or f"the folder {self.study}.study"
        advice = f"add --storage {self.storage}" if self.storage else "leave out --storage"
        reason = f"the trials of `{self.study}` are in {kept}"
        name = shown(url) if url else TRIALS
        raise ArchError(
            [diagnose(codes.BAD_STORAGE, help=[advice], fields={"name": name, "reason": reason})]
        )

    def changed(self, other: Card) -> list[str]:
        """What another study would be made of that this one is not."""
        pieces = dict.fromkeys([*self.identity, *other.identity])
        return [p for p in pieces if self.identity.get(p) != other.identity.get(p)]


def make_card(
    search: SearchRequest,
    study: str,
    seed: int,
    folder: Path,
    data: str,
    python: Sequence[Path],
    command: str,
    url: str | None = None,
) -> Card:
    """The card of a new study. ``data`` tells one set of images from another."""
    spec = search.spec
    uses = spec.used
    texts = [spec.source, *(Source(name, text) for name, text in sorted(uses.items()))]
    identity = {
        "the search": _hash(_words(search.source, SEARCH, search)),
        "the spec": _hash(word for text in texts for word in _words(text, ARCH)),
        "the data": _hash([data]),
        "the seed": _hash([str(seed)]),
    }
    own = search.own.file if search.own is not None else ""
    training = [path for path in python if own and path.resolve() == (folder / own).resolve()]
    if training:
        identity[TRAINING + own] = _hash(map(text_of, training))
    if layers := [path for path in python if path not in training]:
        identity[LAYERS] = _hash(map(text_of, layers))
    if search.own is not None and search.own.is_table:
        identity["the table"] = hashlib.sha256((folder / search.own.file).read_bytes()).hexdigest()
    return Card(
        study=study,
        seed=seed,
        search_name=search.source.name,
        search=search.source.text,
        folder=str(folder.resolve()),
        spec_name=spec.source.name,
        spec=spec.source.text,
        uses=uses,
        data=data,
        identity=identity,
        versions=versions(),
        machine=machine(),
        command=command,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        storage=shown(url) if url else "",
    )


def versions() -> dict[str, str]:
    """The versions of what a result depends on."""
    found = {"archdsl": VERSION, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def differing(theirs: Mapping[str, str]) -> str:
    """The versions of a study's leader that are not those here, with those."""
    own = versions()
    return ", ".join(
        f"{name} {version}, here is {own.get(name, 'none')}"
        for name, version in theirs.items()
        if own.get(name) != version
    )


def machine() -> dict[str, str]:
    """What this machine is."""
    return {
        "host": platform.node(),
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "python": sys.executable,
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # there is no such file on other systems
    return platform.processor() or platform.machine()


def _words(
    source: Source, language: Language, search: SearchRequest | None = None
) -> Iterator[str]:
    """The words of a text that mean something: no comments, no blanks, no quantities."""
    spans = [] if search is None else [s for k, s in search.spans.items() if k in QUANTITIES]
    for token in tokenize(source, language):
        start = token.start_pos
        if token.type in ("COMMENT", "_NEWLINE") or start is None:
            continue
        if not any(span.start <= start < span.end for span in spans):
            yield str(token)


def _hash(texts: Any) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()[:32]
