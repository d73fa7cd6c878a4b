"""Solving in spaces that are too large to be listed: costs that rise, fall, bend and jump, against
trying every value there is."""

import random
from collections.abc import Callable, Sequence
from itertools import product

import pytest

from archdsl import ArchError, parse
from archdsl.analysis.solve import FigureCost, Solver

COSTS = ("macs", "params", "activations")


def count(rng: random.Random, top: int, knob: str = "w") -> str:
    """A count of channels that follows from a knob, in one way or another."""
    k, c = rng.choice([2, 3, 5, 8, 16, 64]), rng.randrange(4, top)
    return rng.choice(
        [
            knob,
            f"({top + 1} - {knob})",
            f"max(1, {knob} // {k})",
            f"({knob} % {k} + 1)",
            f"max({knob}, {c})",
            f"min({knob}, {c})",
            f"({c} if {knob} % {k} == 0 else {knob})",
            f"({knob} if {knob} < {c} else {top + 1} - {knob})",
            f"(round({knob} / {k}) * {k} + 1)",
            f"round(sqrt({knob}) * {k})",
            f"(abs({knob} - {c}) + 1)",
        ]
    )


def one_knob(rng: random.Random) -> tuple[str, list[str]]:
    """A spec whose knob has more values than are listed, 257 to 4,000."""
    top = rng.randrange(800, 4000)
    lines = [f"conv({count(rng, top)}, 1)" for _ in range(rng.randrange(1, 3))]
    if rng.random() < 0.3:
        lines.append(f"require w % {rng.choice([2, 3, 7])} != 1")
    if rng.random() < 0.3:
        lines.append("conv(64, 1, groups = 1 if w % 8 else 4)")
    domain = f"w = 8 in 8..{top} step {rng.choice([1, 1, 2, 3])}"
    return f"arch n({domain})\ninput 4x4x4\n" + "\n".join(lines) + "\n", ["w"]


def two_knobs(rng: random.Random) -> tuple[str, list[str]]:
    """A spec of two knobs with up to 4,000 combinations."""
    tops = [rng.randrange(20, 60) for _ in "vw"]
    lines = [f"conv({count(rng, t, k)}, 1)" for t, k in zip(tops, "vw", strict=True)]
    domains = ", ".join(f"{k} = 8 in 8..{8 + t}" for t, k in zip(tops, "vw", strict=True))
    return f"arch n({domains})\ninput 4x4x4\n" + "\n".join(lines) + "\n", ["v", "w"]


def tried(seed: int, write: Callable[[random.Random], tuple[str, list[str]]]) -> int:
    """How many answers were compared."""
    rng = random.Random(seed)
    text, names = write(rng)
    spec, cost = parse(text), rng.choice(COSTS)
    domains: list[Sequence[int]] = []
    for name in names:
        domain = spec.knobs[name].domain
        assert domain is not None
        domains.append(list(domain.enumerate()))
    known: dict[tuple[int, ...], float] = {}
    for values in product(*domains):
        try:
            known[values] = getattr(
                spec.candidate(dict(zip(names, values, strict=True)), first_only=True), cost
            )
        except ArchError:
            continue
    costs = sorted(known.values())
    if not costs:
        return 0
    for _ in range(4):
        budget = rng.choice([rng.choice(costs), rng.uniform(costs[0] * 0.8, costs[-1] * 1.2)])
        within = rng.choice([0.02, 0.001, 0.2])
        solver = Solver(parse(text), names, FigureCost(cost))
        found = solver.solve({}, budget, within)
        best = min(abs(c - budget) for c in costs) / budget
        said = f"seed {seed}: {cost} of {budget} within {within}\n{text}"
        assert found is not None, said
        assert found.cost == known[tuple(found.knobs[name] for name in names)], said
        assert found.off == pytest.approx(abs(found.cost - budget) / budget), said
        if found.off > within:  # out of reach: what is called the nearest is the nearest
            assert found.off == pytest.approx(best) and solver.tried == "", said
    return 4


@pytest.mark.parametrize(
    ("write", "first", "seeds"),
    [
        (one_knob, 0, 3),
        (two_knobs, 0, 3),
        pytest.param(one_knob, 100, 30, marks=pytest.mark.slow),
        pytest.param(two_knobs, 100, 30, marks=pytest.mark.slow),
    ],
)
def test_what_is_found_is_what_there_is(
    write: Callable[[random.Random], tuple[str, list[str]]], first: int, seeds: int
) -> None:
    compared = sum(tried(seed, write) for seed in range(first, first + seeds))
    assert compared >= 2 * seeds
