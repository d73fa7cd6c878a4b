"""What each slice of a search can reach, found before anything is trained."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.search.space import Candidate, Shape, Slice, Space, Unreachable


@dataclass(frozen=True)
class Reach:
    """What a slice can try: its candidates where they can be listed, and shapes it cannot have."""

    slice: Slice
    candidates: tuple[Candidate, ...] | None
    missed: tuple[tuple[Shape, Unreachable], ...] = ()


def survey(space: Space) -> list[Reach]:
    """The candidates of each slice. Raises ``ArchError`` where a slice has none."""
    shapes = space.shapes()
    found = []
    for slice in space.slices:
        if shapes is None:
            found.append(Reach(slice, None))
            continue
        candidates: list[Candidate] = []
        missed: list[tuple[Shape, Unreachable]] = []
        seen: set[str] = set()
        for shape in shapes:
            try:
                candidate = space.candidate(shape, slice)
            except Unreachable as problem:
                missed.append((shape, problem))
                continue
            if candidate.arch.hash not in seen:  # equal graphs are trained once
                seen.add(candidate.arch.hash)
                candidates.append(candidate)
        if not candidates:
            nearest = [p.nearest for _, p in missed if p.nearest is not None]
            raise space.unreachable(slice, min(nearest, key=lambda s: s.off, default=None))
        found.append(Reach(slice, tuple(candidates), tuple(missed)))
    return found
