"""The shapes of a space: what is varied, decided, each asked only for what changes its network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Fault, diagnose, did_you_mean
from archdsl.diagnostics.source import Span
from archdsl.elaborate.knobs import Choices, Domain
from archdsl.layers.base import Shape

if TYPE_CHECKING:
    from archdsl.analysis.solve import Solution
    from archdsl.spec import Spec

ANY = Choices((), ())  # the domain of a choice inside a body that may be any of its options
LIMIT = 1_000  # shapes that are listed; a space of more is sampled
FEW = 32  # values of a knob that are all looked at for whether it changes anything

Suggest = Callable[[str, Domain], Any]  # decides a knob: its name, its domain -> a value


@dataclass(frozen=True, slots=True)
class Varied:
    """A knob, or the path of a choice inside a body, and the values that are tried."""

    path: str
    domain: Domain
    span: Span | None = None  # where a search says so

    def names(self, path: str) -> bool:
        """Whether a choice inside a body is meant: by its path, or by the end of it, with numbers
        or without. ``mix`` means all of ``mix``, ``mix2`` and ``stage1.mix3``."""
        own, other = self.path.split("."), path.split(".")
        ends = other[-len(own) :]
        return len(ends) == len(own) and all(
            b in (a, a.rstrip("0123456789")) for a, b in zip(ends, own, strict=True)
        )


@dataclass(frozen=True, slots=True)
class SearchedShape:
    """What is varied, decided. ``text`` names it: ``depth = 16``."""

    text: str
    knobs: Mapping[str, Any]


class Unreachable(Exception):
    """No candidate of a shape meets a budget, or the shape breaks a `require`.

    ``error`` says so; ``nearest`` comes nearest to the budget, if there is any.
    """

    def __init__(self, error: ArchError, nearest: Solution | None = None) -> None:
        super().__init__()
        self.error = error
        self.nearest = nearest


class Endless(Exception):
    """A space has more shapes than can be listed."""


@contextmanager
def requirements() -> Iterator[None]:
    """Raises ``Unreachable`` for an ``ArchError`` that only says what is required."""
    try:
        yield
    except ArchError as error:
        if all(d.kind is codes.REQUIREMENT for d in error.diagnostics):
            raise Unreachable(error) from None
        raise


@dataclass
class Shapes:
    """The shapes of a spec. ``vary`` is what is decided, ``fixed`` what is decided already, and
    ``input`` replaces the spec's; ``name`` is that of the one shape where nothing is varied."""

    spec: Spec
    vary: Sequence[Varied]
    fixed: Mapping[str, Any]
    input: Shape | None = None
    name: str = ""
    hashes: dict[frozenset[tuple[str, str]], str] = field(default_factory=dict)
    met: dict[str, set[str]] = field(default_factory=dict)  # choices inside bodies: their options

    def shape(self, suggest: Suggest) -> SearchedShape:
        """The shape that ``suggest`` decides, asked only for what changes the network.

        Raises ``Unreachable`` where a `require` rules it out, and ``ArchError`` where there is no
        such network.
        """
        knobs = {**self.fixed, **self.single}
        left = [v for v in self.header if v.path not in self.single]
        decided: set[str] = set()
        options: dict[str, str] = {}
        while True:  # a choice inside a body may bring a knob to life, and a knob a choice
            while (varied := self.next_live(left, {**knobs, **options})) is not None:
                left.remove(varied)
                decided.add(varied.path)
                knobs[varied.path] = suggest(varied.path, varied.domain)
            known = len(options)
            with requirements():
                self.choose(knobs, options, suggest)
            if len(options) == known:
                break
        words = [
            f"{v.path} = {self.spec.knobs[v.path].show(knobs[v.path])}"
            for v in self.header
            if v.path in decided
        ]
        words += [f"{path} = {option}" for path, option in options.items()]
        dead = {v.path: v.domain.edges()[0] for v in left}
        return SearchedShape(", ".join(words) or self.name, {**dead, **knobs, **options})

    @cached_property
    def header(self) -> list[Varied]:
        """The varied knobs of the header."""
        return [v for v in self.vary if v.path in self.spec.knobs]

    @cached_property
    def single(self) -> dict[str, Any]:
        """The knobs that a search sets, by listing a single value for them."""
        return {v.path: v.domain.edges()[0] for v in self.header if v.domain.count == 1}

    @cached_property
    def inner(self) -> list[Varied]:
        """The varied choices inside bodies."""
        return [v for v in self.vary if v.path not in self.spec.knobs]

    def next_live(self, left: Sequence[Varied], knobs: Mapping[str, Any]) -> Varied | None:
        """The knob to decide next: one that can change the network, and that the others which are
        left can keep from it least."""
        live = [v for v in left if self.can_live(v, left, knobs)]

        def hindered(varied: Varied) -> float:
            return max((self.rules(z, varied, knobs) for z in live if z is not varied), default=0)

        return min(live, key=hindered, default=None)

    def can_live(self, varied: Varied, left: Sequence[Varied], knobs: Mapping[str, Any]) -> bool:
        """Whether a knob changes the network, as it stands or with another value of one of the
        others that are left."""
        return self.is_live(varied, knobs) or any(
            self.is_live(varied, {**knobs, other.path: value})
            for other in left
            if other is not varied
            for value in other.domain.edges()
        )

    def rules(self, first: Varied, second: Varied, knobs: Mapping[str, Any]) -> float:
        """The share of the first knob's values that leave the second without effect."""
        values = first.domain.edges()
        dead = [not self.is_live(second, {**knobs, first.path: v}) for v in values]
        return sum(dead) / len(dead)

    def is_live(self, varied: Varied, knobs: Mapping[str, Any]) -> bool:
        """Whether a knob changes the network that these make of it."""
        count = varied.domain.count
        few = count is not None and count <= FEW
        values = list(varied.domain.enumerate() if few else varied.domain.edges())
        first = self.hash({**knobs, varied.path: values[0]})
        return any(self.hash({**knobs, varied.path: v}) != first for v in values[:0:-1])

    def hash(self, knobs: Mapping[str, Any]) -> str:
        """The hash of a network, or what is wrong with it."""
        key = frozenset((name, str(value)) for name, value in knobs.items())
        if key not in self.hashes:
            try:
                arch = self.spec.candidate(knobs, self.input, first_only=True)
                self.hashes[key] = arch.hash
            except ArchError as error:
                self.hashes[key] = str(error)
        return self.hashes[key]

    def choose(self, knobs: Mapping[str, Any], options: dict[str, str], suggest: Suggest) -> None:
        """Decides the choices inside bodies that this network has, into ``options``."""
        program = self.spec.program
        if not self.inner:
            return

        def decide(path: str, names: Sequence[str], span: Span) -> int:
            asked = max(
                (v for v in self.inner if v.names(path)), key=lambda v: len(v.path), default=None
            )
            self.met.setdefault(path, set()).update(names)
            if path not in options:
                if asked is None:
                    return program.fixed_option(path, names) or 0
                among = [n for n in names if asked.domain is ANY or n in asked.domain]
                if not among:
                    fields = {"name": path, "given": str(asked.domain), "domain": ", ".join(names)}
                    raise Fault(diagnose(codes.OUTSIDE_DOMAIN, asked.span, span, fields=fields))
                options[path] = (
                    among[0] if len(among) == 1
                    else suggest(path, Choices(tuple(among), tuple(among)))
                )  # fmt: skip
            return list(names).index(options[path])

        program.elaborate(knobs, decide, self.input, True)

    def check_met(self) -> None:
        """Raises ``ArchError`` for a choice inside a body that no network has, or an option."""
        found = []
        for varied in self.inner:
            paths = [p for p in self.met if varied.names(p)]
            known = set().union(*(self.met[p] for p in paths))
            lost = [n for n in getattr(varied.domain, "names", ()) if n not in known]
            if not paths:
                names = [*self.spec.knobs, *self.met, *(p.split(".")[-1] for p in self.met)]
                help = did_you_mean(varied.path, [n.rstrip("0123456789") for n in names])
                fields = {"name": varied.path}
                found.append(diagnose(codes.UNKNOWN_KNOB, varied.span, help=help, fields=fields))
            elif lost:
                help = did_you_mean(lost[0], known)
                fields = {"name": varied.path, "given": lost[0]}
                fields["domain"] = "{" + ", ".join(sorted(known)) + "}"
                found.append(diagnose(codes.OUTSIDE_DOMAIN, varied.span, help=help, fields=fields))
        if found:
            raise ArchError(found)

    def shapes(self, limit: int = LIMIT) -> list[SearchedShape] | None:
        """All shapes, in the order of their domains; nothing where they are too many to list."""
        found: list[tuple[tuple[int, ...], SearchedShape]] = []
        stack: list[tuple[int, ...]] = [()]
        while stack:
            decided = stack.pop()
            taken: list[int] = []
            counts: list[int] = []

            def suggest(name: str, domain: Domain) -> Any:
                count = domain.count
                if count is None or count > limit:
                    raise Endless
                place = decided[len(taken)] if len(taken) < len(decided) else 0  # noqa: B023
                taken.append(place)  # noqa: B023
                counts.append(count)  # noqa: B023
                return domain.enumerate()[place]

            try:
                shape = self.shape(suggest)
                found.append((tuple(taken), shape))
            except Endless:
                return None
            except Unreachable:
                pass  # no shape of this space
            for at in range(len(decided), len(counts)):
                stack.extend((*taken[:at], other) for other in range(1, counts[at]))
            if len(found) + len(stack) > limit:
                return None
        return [shape for _, shape in sorted(found, key=lambda pair: pair[0])]
