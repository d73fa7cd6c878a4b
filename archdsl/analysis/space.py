"""A proof for a whole space: whether every candidate type-checks, or one that does not.

Knobs are not tried value by value. The spec is run with polynomials in the place of those with a
numeric domain (``archdsl.layers.polynomial``), and with nothing in that of the others: a run that
ends well holds for all values at once, and one that meets a question whose answer depends on a
knob says where its domain has to be split. So ``width in 16..4096`` costs about as much as one
candidate, and where a width of 1 is special, two; a knob that nothing asks for costs nothing.
What is rounded goes on as a number of its own (``archdsl.layers.unknowns``), so that a width in
steps of 0.01 costs as many runs as its roundings differ in what is asked of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import log10, prod
from typing import Any

from archdsl.analysis.region import Piece, Region, Stretch, listed_value, whole
from archdsl.analysis.sample import FEW, some
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.diagnostics.source import Span
from archdsl.elaborate.knobs import Choices, Interval
from archdsl.elaborate.machine import OptionsDiffer
from archdsl.elaborate.program import Program
from archdsl.elaborate.work import COMPILING, ENDLESS, PROOF_WORK
from archdsl.layers.unknowns import Effort, Undecided, Unknown

LIMIT = 2_000
SAMPLE = 300
ENDLESS_SPACE = 10**300  # assignments that nobody counts
SAMPLED = 1 / 11  # of the work goes into the sample
ANSWERS = 1 / 4  # of it may go into answers that are worked out place by place


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A candidate that the requirements admit and that is not a network."""

    knobs: Mapping[str, str]
    diagnostics: tuple[Diagnostic, ...]


@dataclass(slots=True)
class Proof:
    """What was found of a space.

    ``total``: how many assignments of the header's knobs there are, nothing where one of
    them is continuous. ``complete``: all of them are covered; a proof ends with the first
    ``counterexample``. ``covered`` assignments were elaborated, many at once, in ``runs``;
    ``excluded`` are those that a `require` rules out (not those of a budget: what it speaks of
    is known of networks alone).
    ``stopped``: the limits ended it, and larger ones cover more.
    ``choices``: options of choices inside bodies, each elaborated wherever it can stand.
    ``decided``: a layer of a user's does not work with undecided numbers, and values were tried
    one by one. ``how`` says in words what was covered.
    """

    total: int | None
    covered: int = 0
    excluded: int = 0
    runs: int = 0
    complete: bool = True
    stopped: bool = False
    choices: int = 0
    decided: bool = False
    how: str = ""
    counterexample: Counterexample | None = None
    domains: dict[str, str] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        return self.counterexample is None


def prove(
    program: Program,
    limit: int = LIMIT,
    watch: Callable[[float], None] = lambda share: None,
    most: int = PROOF_WORK,
) -> Proof:
    """Covers the space of a spec in at most ``limit`` runs, and in ``most`` units of work: what
    a command has done with the text before is among them. A larger ``limit`` allows more work, too.

    A space that takes more is covered in part: as far as the runs go, and beyond that by the
    ends and middles of every knob, alone and in pairs, and by a seeded random sample.

    Options of a `choose` are tried one by one where they stand: where they leave the same
    shape and the same shared modules, what follows cannot depend on them, and their combinations
    need not be tried.
    ``watch`` is told now and then what share of the work is done at most.
    """
    work, program.work = program.work, ENDLESS  # so that what fails for want of it is no proof
    done = COMPILING * program.compiler.weigher.total + (0 if work is ENDLESS else work.done)
    try:
        return _Prover(program, limit, most * max(limit / LIMIT, 1) - done, watch).prove()
    finally:
        program.work = work


class _Prover:
    def __init__(
        self, program: Program, limit: int, most: float, watch: Callable[[float], None]
    ) -> None:
        self.program = program
        self.limit = limit
        self.watch = watch
        self.knobs = {k.name: k for k in program.knobs.values() if k.domain is not None}
        counts = [k.domain.count for k in self.knobs.values() if k.domain is not None]
        total = None if None in counts else prod(c for c in counts if c is not None)
        if total is not None and total > ENDLESS_SPACE:
            total = None
        domains = {k.name: str(k.domain) for k in self.knobs.values()}
        self.proof = Proof(total, domains=domains)
        self.work = 0
        self.largest = 0  # of what a run took
        self.most = most
        self.answers = Effort(most * ANSWERS)
        self.values: dict[Any, Any] = {}

    def prove(self) -> Proof:
        proof = self.proof
        stack = [self.start()]
        while proof.holds and stack:
            if proof.runs >= self.limit or self.work + self.largest > self.most:
                proof.complete, proof.stopped = False, True
                break
            stack.extend(reversed(self.run(stack.pop())))
            self.watch(self.share())
        if proof.holds and not proof.complete:
            self.sample()
        if not proof.holds:
            proof.complete, proof.how = False, "up to the first candidate that is not a network"
        elif not proof.how:
            proof.how = self.words()
        if proof.decided:
            proof.how += (
                "; a layer that is not built in cannot work with undecided numbers: knobs that it "
                "depends on were tried value by value"
            )
        return proof

    def share(self) -> float:
        """How much of what may be done has been, before a sample is taken."""
        total = self.proof.total
        covered = 0 if total is None else self.proof.covered / total
        return max(covered, self.proof.runs / self.limit, self.work / max(self.most, 1)) * (
            1 - SAMPLED
        )

    def words(self) -> str:
        proof = self.proof
        if not self.knobs:
            return "no knob has a domain"
        if proof.total is None:
            finite = None not in [k.domain.count for k in self.knobs.values() if k.domain]
            return (
                f"all assignments, {'more than 10^300' if finite else 'continuous knobs included'}"
            )
        return "the only assignment" if proof.total == 1 else f"all {many(proof.total)} assignments"

    def start(self) -> Region:
        """The space as one region."""
        domains = {name: knob.domain for name, knob in self.knobs.items()}
        pieces = {n: whole(d) if isinstance(d, Interval) else d for n, d in domains.items()}
        return Region(pieces)

    # ------------------------------------------------------------------------ a region

    def run(self, region: Region) -> list[Region]:
        """Elaborates a region: covered, or the pieces that it has to be split into."""
        proof = self.proof
        proof.runs += 1
        values = {n: self.value(n, piece) for n, piece in region.pieces.items()}
        try:
            choices = self.elaborate(values, region.forced)
        except Undecided as question:
            return self.split(region, question)
        except OptionsDiffer as fork:
            if not region.forced:
                proof.covered += region.size
            return [replace(region, forced={**region.forced, fork.path: i}) for i in fork.options]
        except ArchError as error:
            if error.diagnostics and error.diagnostics[0].kind is codes.REQUIREMENT:
                proof.excluded += region.size
                proof.covered += region.size
                return []
            return self.refute(region)
        except (TypeError, AttributeError, ValueError):
            # A layer of a user's that cannot work with undecided numbers: decide them all.
            if not region.open or not self.program.compiler.registry.brings_layers:
                raise
            proof.decided = True
            return self.decide(region, region.open[0])
        proof.choices = max(proof.choices, choices)
        proof.covered += region.size if not region.forced else 0
        return []

    def elaborate(self, values: Mapping[str, Any], forced: Mapping[str, int]) -> int:
        """Runs the spec; the number of options met in choices."""

        def decide(path: str, options: Sequence[str], span: Span) -> int | None:
            fixed = self.program.fixed_option(path, options)
            return forced.get(path) if fixed is None else fixed

        before, answers = self.program.spent, self.answers.done + self.answers.bounds
        try:
            found = self.program.elaborate(values, decide, first_only=True)
        finally:
            spent = self.program.spent - before + 4 * len(self.knobs)
            spent += self.answers.done + self.answers.bounds - answers
            self.work += spent
            self.largest = max(self.largest, spent)
        return found.options

    def value(self, name: str, piece: Piece) -> Any:
        """What the spec is run with for a piece: a value, a polynomial, or nothing known."""
        if not isinstance(piece, Stretch | Choices):
            return piece
        key = (name, piece if isinstance(piece, Stretch) else None)
        if key not in self.values:  # one unknown for a piece: what is known of it is kept
            self.values[key] = self.unknown(name, piece)
        return self.values[key]

    def unknown(self, name: str, piece: Stretch | Choices) -> Any:
        domain = self.knobs[name].domain
        if isinstance(piece, Stretch) and isinstance(domain, Interval):
            return piece.value(name, domain, rounds=self.answers)
        assert isinstance(piece, Choices)
        if all(type(value) in (int, Fraction) for value in piece.values):
            return listed_value(name, piece.values, self.answers)
        return Unknown(name, None)

    def decide(self, region: Region, name: str) -> list[Region]:
        """A region split as nothing but the name of a knob says."""
        return self.split(region, Undecided(Unknown(name, None)))

    def split(self, region: Region, question: Undecided) -> list[Region]:
        """A region with the piece of one knob split where the answer to a question differs."""
        name = question.unknown.name
        piece, domain = region.pieces[name], self.knobs[name].domain
        if isinstance(piece, Choices):
            return [region.with_piece(name, value) for value in piece.values]
        assert isinstance(piece, Stretch) and isinstance(domain, Interval)
        parts = piece.split(domain, question)
        if not parts:  # nothing says where: some places stand for all
            self.proof.complete = False
            length = piece.last - piece.first
            places = [piece.first + length * Fraction(i, FEW + 1) for i in range(1, FEW + 1)]
            parts = [Stretch(at, at) for at in places]
        return [region.with_piece(name, part) for part in parts]

    def refute(self, region: Region) -> list[Region]:
        """A region that is not a network: one candidate of it is shown."""
        values = {n: self.value(n, _one_of(piece)) for n, piece in region.pieces.items()}
        try:
            self.elaborate(values, region.forced)
        except ArchError as error:
            if error.diagnostics[0].kind is not codes.REQUIREMENT:
                shown = {n: self.program.knobs[n].show(v) for n, v in values.items()}
                # The knobs without a domain are at their defaults; the rest are choices.
                known = error.diagnostics[0].knobs
                chosen = {p: o for p, o in known.items() if p not in self.program.knobs}
                self.proof.counterexample = Counterexample(shown | chosen, error.diagnostics)
                return []
        return self.decide(region, region.open[0]) if region.open else []

    # ------------------------------------------------------------------------ sampling

    def sample(self) -> None:
        """Covers what the runs did not reach by single candidates."""
        proof = self.proof
        covered, excluded, tried = proof.covered, proof.excluded, 0
        start = self.work
        most = self.most // 10
        for values in some(list(self.knobs.values()), SAMPLE):
            done = max((self.work - start) / max(most, 1), tried / SAMPLE)
            if done > 1 or self.work + self.largest > self.most + most:
                break
            tried += 1
            self.run(Region(values))
            self.watch(1 - SAMPLED + SAMPLED * done)
            if not proof.holds:
                break
        # Some of the sample may be among those: they count once.
        proof.covered, proof.excluded = covered, excluded
        size = "endlessly many" if proof.total is None else many(proof.total)
        pairs = "alone and in pairs, " if len(self.knobs) > 1 else ""
        proof.how = (
            f"{many(covered)} of {size} assignments, and {tried:,} by themselves, which may be "
            f"among them: the ends and middles of all knobs, {pairs}and some at random"
        )


def many(number: int) -> str:
    """A number of assignments in words: of a long one, how many digits it has."""
    return f"{number:,}" if number < 10**18 else f"about 10^{int(log10(number))}"


def _one_of(piece: Piece) -> Piece:
    """A value or a point of a piece."""
    if isinstance(piece, Choices):
        return piece.values[0]
    return piece.middle if isinstance(piece, Stretch) else piece
