"""A text as an editor has it: its tree, its names, its mistakes, and its network if it has one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from archdsl import driver
from archdsl.diagnostics.model import ArchError, Diagnostic, in_order
from archdsl.diagnostics.source import Source, Span
from archdsl.editing.begun import begun_network
from archdsl.elaborate.certain import certain
from archdsl.elaborate.compiler import Loader
from archdsl.elaborate.program import Program
from archdsl.elaborate.work import FIT_WORK, Work
from archdsl.files import Library
from archdsl.ir.network import Network
from archdsl.registry import REGISTRY, Registry
from archdsl.resolve.table import Names
from archdsl.search.reading import read_search
from archdsl.search.request import SearchRequest
from archdsl.settings import Decisions
from archdsl.syntax import tree
from archdsl.syntax.language import SEARCH, Language, language_of
from archdsl.syntax.parse import read_tree


@dataclass(frozen=True)
class Reading:
    """What is known of a text.

    ``file`` is its tree, also of one with mistakes; ``found`` are the mistakes, of the network
    with the default knobs too. ``program`` and ``network`` are there where it is well so far (the
    program also of a text whose other statements can be read), ``search`` in a .search file alone.
    ``begun`` is the network of what stands before the first mistake, where there is one.
    """

    source: Source
    language: Language
    file: tree.File
    names: Names
    found: tuple[Diagnostic, ...]
    registry: Registry = REGISTRY
    broken: bool = False  # it does not parse
    program: Program | None = None
    network: Network | None = None
    search: SearchRequest | None = None
    begun: Network | None = None
    folder: Path | None = None  # where paths in a search start

    @property
    def shown(self) -> Network | None:
        """The network that hints are of: the whole, else what is there of it."""
        return self.network or self.begun

    @property
    def is_search(self) -> bool:
        return self.language is SEARCH


def read(
    text: str,
    name: str = "spec.arch",
    load: Loader | None = None,
    folder: Path | None = None,
    registry: Registry = REGISTRY,
) -> Reading:
    """All that is known of a text at once. Never fails.

    ``name`` says by its ending which language it is in; ``load`` gives the files that it uses,
    else they are those that come with archdsl; ``folder`` is where paths in a search start.
    """
    source, language = Source(name, text), language_of(name)
    parsed = read_tree(source, language)
    load = load or Library(folder)
    names = driver.resolve(parsed.file, load, registry)
    if language is SEARCH:
        reading = Reading(source, language, parsed.file, names, (), registry, folder=folder)
        return _search(reading, parsed.found)
    found = list(parsed.found)
    program = network = None
    try:
        program = _compiled(parsed.file, load, registry)
        if not found and any(isinstance(n, tree.Arch) for n in parsed.file.statements):
            network = driver.elaborate(program, {}, Decisions({}, program.fixed, {}))
    except ArchError as error:
        more = error.diagnostics
        if found:
            more = tuple(certain(more, parsed.file))
        found += more
    broken = bool(parsed.found)
    mistakes = tuple(in_order(found))
    begun = begun_network(parsed.file, mistakes, load, registry) if mistakes else None
    return Reading(
        source,
        language,
        parsed.file,
        names,
        mistakes,
        registry,
        broken,
        program,
        network,
        begun=begun,
    )


def _search(reading: Reading, found: tuple[Diagnostic, ...]) -> Reading:
    """The reading of a search. A spec that it names by a path is read from the folder."""
    search = None
    if not found:
        try:
            work = Work(FIT_WORK)
            search = read_search(reading.source, reading.folder, reading.registry, work=work)
        except ArchError as error:
            found = error.diagnostics
    return replace(reading, found=found, broken=search is None, search=search)


def _compiled(file: tree.File, load: Loader, registry: Registry) -> Program:
    """The program of a file. One without `arch` is a library: it is compiled as one that is
    used."""
    if any(isinstance(n, tree.Arch) for n in file.statements) or not _is_library(file):
        return Program(file, load, registry, Work())
    using = Source("<library>", f'arch library\nuse "{LIBRARY}"\ninput 3x1x1\nidentity\n')
    return Program(read_tree(using).file, _with(file, load), registry, Work())


LIBRARY = "library.arch"


def _is_library(file: tree.File) -> bool:
    kinds = (tree.Block, tree.Fn, tree.Use, tree.Let, tree.Default, tree.Poison)
    return all(isinstance(n, kinds) for n in file.statements) and any(
        isinstance(n, (tree.Block, tree.Fn)) for n in file.statements
    )


def _with(file: tree.File, load: Loader) -> Callable[[str, Span], tree.File]:
    def loaded(path: str, place: Span) -> tree.File:
        used_here = place.source.name == "<library>"
        return file if used_here and path == LIBRARY else load(path, place)

    return loaded
