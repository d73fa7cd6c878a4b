"""The whole way from a text to Python source, on one screen. Read this first.

    text -> tree -> names -> program -> network -> figures, proof -> source

Each stage is a function from a value to a value. A mistake in a text is a diagnostic: reading a
tree and resolving its names give theirs beside the value, so that an editor has both; the later
stages raise ``ArchError`` with all that they found. ``Spec`` and ``Architecture`` are these
functions with their values kept.

========= =========================== ==================
stage     what it does                room
========= =========================== ==================
read      finds a text by its name    archdsl/files.py
parse     a text to a tree            archdsl/syntax
resolve   a tree to a table of names  archdsl/resolve
compile   a text to a program         archdsl/elaborate
elaborate a program to a network      archdsl/elaborate
analyse   a network to its figures    archdsl/analysis
prove     a program to a proof        archdsl/analysis
emit      a network to source         archdsl/backend
========= =========================== ==================

What a network is stands in ``archdsl/ir``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from archdsl.analysis.figures import Figures, figures
from archdsl.analysis.space import Proof
from archdsl.analysis.space import prove as prove_program
from archdsl.diagnostics.model import ArchError, in_order
from archdsl.diagnostics.source import Source
from archdsl.elaborate.certain import mistakes_beside
from archdsl.elaborate.compiler import Loader
from archdsl.elaborate.program import Program
from archdsl.elaborate.work import Work
from archdsl.files import Library, read_source
from archdsl.ir.network import Network
from archdsl.layers.base import Shape
from archdsl.registry import REGISTRY, Registry
from archdsl.resolve import resolver
from archdsl.resolve.table import Names
from archdsl.settings import Decisions
from archdsl.syntax import tree
from archdsl.syntax.parse import Parsed, read_tree

if TYPE_CHECKING:
    from archdsl.spec import Architecture


def read(name: str) -> tuple[Source, Loader]:
    """The text of a path, of a built-in name or of standard input (``-``), and what loads the files
    that it may use. Raises ``ArchError``."""
    source, folder = read_source(name)
    return source, Library(folder)


def parse(source: Source) -> Parsed:
    """The tree of a text, with a ``Poison`` for each statement that could not be read, and the
    mistakes. Never fails."""
    return read_tree(source)


def resolve(file: tree.File, load: Loader, registry: Registry = REGISTRY) -> Names:
    """What each name of a tree means. Never fails."""
    return resolver.resolve(file, load, registry)


def compile(
    source: Source, load: Loader, registry: Registry = REGISTRY, work: Work | None = None
) -> Program:
    """The program that makes a network of each candidate. Raises ``ArchError`` with every mistake
    that can be seen without a candidate. ``work`` bounds all that is done with the text."""
    parsed = parse(source)
    if parsed.found:
        beside, are_all = mistakes_beside(parsed.file, load, registry, work)
        error = ArchError(in_order([*parsed.found, *beside]))
        error.complete = error.complete and are_all
        raise error
    return Program(parsed.file, load, registry, work)


def elaborate(
    program: Program,
    values: Mapping[str, Any],
    decide: Decisions,
    input: Shape | None = None,
    first_only: bool = False,
) -> Network:
    """The network of one candidate, which meets all that the text requires of it.

    ``values`` are the knobs that are not at their defaults, ``decide`` answers the choices inside
    bodies, ``input`` replaces the shape that the text says. Raises ``ArchError`` with every
    mistake, or (``first_only``) with one.
    """
    made = program.elaborate(values, decide, input, first_only)
    decide.check_all_used(made.network.choices)
    if made.budgets:
        made.judge(program.compiler.registry.static_costs)
    return made.network


def analyse(network: Network) -> Figures:
    """The counts for one image: parameters, MACs, activations."""
    return figures(network)


def prove(program: Program) -> Proof:
    """Whether every candidate is a network, or one that is not."""
    return prove_program(program)


def emit(arch: Architecture) -> str:
    """The architecture as Python source that needs nothing but torch."""
    from archdsl.backend.build import source_of

    return source_of(arch)
