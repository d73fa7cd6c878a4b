"""Tests of many cases: some in every run, all with ``-m 'slow or not slow'``."""

from collections.abc import Iterable
from zlib import crc32

import pytest


def thinned(values: Iterable[object], every: int) -> list[object]:
    """The cases of a test, of which one in so many is no slow one: those whose text has the
    smallest checksums. So a further case hardly changes which others a run covers."""
    cases = list(values)
    sums = [_checksum(value if isinstance(value, tuple) else (value,)) for value in cases]
    largest = sorted(sums)[-(-len(cases) // every) - 1] if cases else 0
    return [
        pytest.param(
            *(value if isinstance(value, tuple) else (value,)),
            marks=[] if found <= largest else [pytest.mark.slow],
        )
        for value, found in zip(cases, sums, strict=True)
    ]


def later(*case: object) -> object:
    """A case that is slow, and of which another one says nearly as much."""
    return pytest.param(*case, marks=pytest.mark.slow)


def _checksum(case: tuple[object, ...]) -> int:
    return crc32(repr([part for part in case if isinstance(part, (str, int))]).encode())
